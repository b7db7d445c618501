// ldmatrix and mma.sync: PTX ISA, "Matrix Multiply-Accumulate Operation". With g = lane / 4 and t = lane % 4 a lane
// holds of A row g and of B column g the elements t*n .. t*n+n-1 of its 32-bit register, and of C and D row g, columns
// 2t and 2t+1.
#include "tests/gpu/opcodes/typed.hpp"

namespace obz::opcodes {
namespace {

using Lanes = std::vector<Words>;

struct Mma {
  std::string shape;
  unsigned bits;
  bool a_signed, b_signed, saturate;
};

/// Inputs of a warp: a, b, c0, c1 of each lane. Warps of random words, of rails, and of one element apart.
Lanes operands() {
  std::mt19937_64 random(11);
  const Words rails = {0, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF, 0x7FFFFF00, 0x80000100};
  const Words extremes = {0x80808080, 0x7F7F7F7F, 0x88888888, 0x77777777, 0xFFFFFFFF, 0};
  Lanes all;
  for (int warp = 0; warp < 96; ++warp) {
    const Word a = extremes[random() % extremes.size()], b = extremes[random() % extremes.size()];
    const std::size_t hot = random() % 32, other = random() % 32;
    for (std::size_t lane = 0; lane < 32; ++lane) {
      const auto c = [&] { return warp % 3 == 0 ? random() & 0xFFFFFFFF : rails[random() % rails.size()]; };
      Words in = {random() & 0xFFFFFFFF, random() & 0xFFFFFFFF, 0, 0};
      if (warp % 3 == 1) in = {a, b, 0, 0};
      if (warp % 3 == 2)
        in = {lane == hot ? Word{1} << random() % 32 : 0, lane == other ? random() & 0xFFFFFFFF : 0xFFFFFFFF, 0, 0};
      in[2] = c();
      in[3] = c();
      all.push_back(in);
    }
  }
  return all;
}

/// D[8][8] of plain loops over the matrices that the fragments spell; `dot` of one element pair.
template <class Dot>
std::vector<Row> products(unsigned bits, bool saturate, Dot dot) {
  return warps(operands(), [=](const Lanes& in) {
    const unsigned per = 32 / bits, depth = 4 * per;
    Lanes want(32, Words(2));
    for (unsigned row = 0; row < 8; ++row) {
      for (unsigned col = 0; col < 8; ++col) {
        Wide sum = 0;
        for (unsigned k = 0; k < depth; ++k) sum += dot(in[row * 4 + k / per][0], in[col * 4 + k / per][1], k % per);
        const unsigned lane = row * 4 + col / 2;
        sum += value<s32>(in[lane][2 + col % 2]);
        want[lane][col % 2] = low<s32>(saturate ? clamp_to<s32>(sum) : sum);
      }
    }
    return want;
  });
}

Case mma(const Mma& m) {
  const auto name = [&](bool is_signed) { return fmt::format("{}{}", is_signed ? 's' : 'u', m.bits); };
  return {fmt::format("mma.sync.aligned.{}.row.col{}.s32.{}.{}.s32 {{%d0, %d1}}, {{%a0}}, {{%a1}}, {{%a2, %a3}};",
                      m.shape, m.saturate ? ".satfinite" : "", name(m.a_signed), name(m.b_signed)),
          "rrrr", "rr", products(m.bits, m.saturate, [=](Word a, Word b, unsigned i) {
            return element(a, i, m.bits, m.a_signed) * element(b, i, m.bits, m.b_signed);
          })};
}

Cases all_signs(const std::string& shape, unsigned bits) {
  Cases all;
  for (const bool a : {false, true})
    for (const bool b : {false, true})
      for (const bool saturate : {false, true}) all.push_back(mma({shape, bits, a, b, saturate}));
  return all;
}

Case binary_mma(const std::string& op, int sm) {
  Case c{
      fmt::format(
          "mma.sync.aligned.m8n8k128.row.col.s32.b1.b1.s32.{}.popc {{%d0, %d1}}, {{%a0}}, {{%a1}}, {{%a2, %a3}};", op),
      "rrrr", "rr", products(1, false, [=](Word a, Word b, unsigned i) {
        const Word x = a >> i & 1, y = b >> i & 1;
        return static_cast<Wide>(op == "xor" ? x ^ y : x & y);
      })};
  c.sm = sm;
  return c;
}

/// Every lane stores 16 bytes of shared memory, its row; then the warp loads matrices whose row addresses the lanes
/// give in any order (a4: which row). Lanes beyond the 8 per matrix give valid addresses that must not matter.
Case ldmatrix(unsigned count, bool transposed) {
  std::string registers = "%d0";
  for (unsigned i = 1; i < count; ++i) registers += fmt::format(", %d{}", i);
  std::mt19937_64 random(count);
  Lanes inputs;
  for (int warp = 0; warp < 12; ++warp) {
    for (std::size_t lane = 0; lane < 32; ++lane) {
      Words in;
      for (int i = 0; i < 4; ++i) in.push_back(random() & 0xFFFFFFFF);
      in.push_back(warp == 0 ? lane : random() % 32);
      inputs.push_back(in);
    }
  }
  return {fmt::format(R"(.shared .align 16 .b8 rows[512];
  mov.u32 %t0, rows;
  shl.b32 %t1, %lane, 4;
  add.s32 %t1, %t0, %t1;
  st.shared.v4.u32 [%t1], {{%a0, %a1, %a2, %a3}};
  bar.sync 0;
  shl.b32 %t2, %a4, 4;
  add.s32 %t2, %t0, %t2;
  ldmatrix.sync.aligned.m8n8.x{}{}.shared.b16 {{{}}}, [%t2];)",
                      count, transposed ? ".trans" : "", registers),
          "rrrrr", std::string(count, 'r'), warps(inputs, [=](const Lanes& in) {
            // Element (row, col) of matrix m: a half word of the row that lane 8m+row points at.
            const auto half = [&](unsigned m, unsigned row, unsigned col) {
              const Words& bytes = in[in[8 * m + row][4]];
              return bytes[col / 2] >> 16 * (col % 2) & 0xFFFF;
            };
            Lanes want(32);
            for (unsigned lane = 0; lane < 32; ++lane) {
              const unsigned g = lane / 4, t = lane % 4;
              for (unsigned m = 0; m < count; ++m) {
                want[lane].push_back(transposed ? half(m, 2 * t + 1, g) << 16 | half(m, 2 * t, g)
                                                : half(m, g, 2 * t + 1) << 16 | half(m, g, 2 * t));
              }
            }
            return want;
          })};
}

}  // namespace

OPCODES(mma_m8n8k16_of_all_signs_wraps_or_saturates) { return all_signs("m8n8k16", 8); }
OPCODES(mma_m8n8k32_of_all_signs_wraps_or_saturates) { return all_signs("m8n8k32", 4); }
OPCODES(mma_m8n8k128_counts_bits) { return {binary_mma("xor", 75), binary_mma("and", 80)}; }

OPCODES(ldmatrix_of_one_two_and_four_also_transposed) {
  Cases all;
  for (const unsigned count : {1u, 2u, 4u})
    for (const bool transposed : {false, true}) all.push_back(ldmatrix(count, transposed));
  return all;
}

}  // namespace obz::opcodes
