// Logic and shifts: PTX ISA, "Logic and Shift Instructions".
#include "tests/gpu/opcodes/typed.hpp"

namespace obz::opcodes {
namespace {

template <class T>
std::string bits(const std::string& opcode) {
  return fmt::format("{}.b{}", opcode, kBits<T>);
}

/// Shift amounts: all small ones, the widths, and what a masked amount would take for small ones.
const Words kAmounts = counting(66, {127, 128, 255, 256, 257, 0x10000, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF});

/// a >> n for any n, filling with what lies left of a.
Wide shifted_right(Wide a, Wide n) { return a >> (n > 100 ? 100 : static_cast<int>(n)); }

/// F(a, b, c) bit by bit: bit i of the table is F of the three bits of i, a's the highest.
u32 by_table(u32 table, u32 a, u32 b, u32 c) {
  u32 d = 0;
  for (int i = 0; i < 32; ++i) {
    const u32 index = (a >> i & 1) << 2 | (b >> i & 1) << 1 | (c >> i & 1);
    d |= (table >> index & 1) << i;
  }
  return d;
}

}  // namespace

OPCODES(and_or_xor_not_cnot) {
  Cases all;
  each<u16, u32, u64>([&]<class T>() {
    all.push_back(binary<T, T, T>(bits<T>("and"), [](Wide a, Wide b) { return a & b; }));
    all.push_back(binary<T, T, T>(bits<T>("or"), [](Wide a, Wide b) { return a | b; }));
    all.push_back(binary<T, T, T>(bits<T>("xor"), [](Wide a, Wide b) { return a ^ b; }));
    all.push_back(unary<T, T>(bits<T>("not"), [](Wide a) { return ~a; }));
    all.push_back(unary<T, T>(bits<T>("cnot"), [](Wide a) { return Wide(a == 0 ? 1 : 0); }));
  });
  return all;
}

OPCODES(logic_of_predicates) {
  const Words bit = {0, 1};
  return {
      {"and.pred %d0, %a0, %a1; or.pred %d1, %a0, %a1; xor.pred %d2, %a0, %a1; not.pred %d3, %a0; mov.pred %d4, %a1;",
       "pp", "ppppp", every({bit, bit}, [](const Words& in) {
         const Word a = in[0], b = in[1];
         return Words{a & b, a | b, a ^ b, 1 - a, b};
       })}};
}

OPCODES(lop3_for_all_256_tables) {
  Case c{"", "rrr", std::string(256, 'r'), {}};
  for (int table = 0; table < 256; ++table) c.text += fmt::format("lop3.b32 %d{0}, %a0, %a1, %a2, {0:#x};\n  ", table);
  Words inputs = words<u32>(3);
  c.rows = every({inputs, inputs, {0xF0F0F0F0, 0xAAAAAAAA, 0x12345678, 0}}, [](const Words& in) {
    Words want;
    for (u32 table = 0; table < 256; ++table) {
      want.push_back(by_table(table, static_cast<u32>(in[0]), static_cast<u32>(in[1]), static_cast<u32>(in[2])));
    }
    return want;
  });
  return {c};
}

OPCODES(lop3_examples_of_the_text) {
  return {{R"(lop3.b32 %d0, %a0, %a1, %a2, 0x80;
  lop3.b32 %d1, %a0, %a1, %a2, 0xFE;
  lop3.b32 %d2, %a0, %a1, %a2, 0x40;
  lop3.b32 %d3, %a0, %a1, %a2, 0x1A;)",
           "rrr", "rrrr", every({words<u32>(), words<u32>(), words<u32>()}, [](const Words& in) {
             const Word a = in[0], b = in[1], c = in[2];
             return Words{a & b & c, a | b | c, a & b & ~c & 0xFFFFFFFF, ((a & b) | c) ^ a};
           })}};
}

OPCODES(shl_fills_with_zeros_and_clamps_its_amount) {
  Cases all;
  each<u16, u32, u64>([&]<class T>() {
    all.push_back(binary<T, T, u32>(
        bits<T>("shl"), [](Wide a, Wide n) { return n >= kBits<T> ? Wide{0} : a << static_cast<int>(n); }, words<T>(),
        kAmounts));
  });
  return all;
}

OPCODES(shr_fills_by_type_and_clamps_its_amount) {
  Cases all;
  each<u16, u32, u64>(
      [&]<class T>() { all.push_back(binary<T, T, u32>(bits<T>("shr"), shifted_right, words<T>(), kAmounts)); });
  each<u16, s16, u32, s32, u64, s64>(
      [&]<class T>() { all.push_back(binary<T, T, u32>("shr." + type<T>(), shifted_right, words<T>(), kAmounts)); });
  return all;
}

/// n is min(c, 32) or c & 31; .l takes the high half of {b, a} << n, .r the low half of {b, a} >> n.
OPCODES(shf_by_every_amount) {
  Cases all;
  for (const bool left : {true, false}) {
    for (const bool wrap : {true, false}) {
      all.push_back(ternary<u32, u32, u32, u32>(
          fmt::format("shf.{}.{}.b32", left ? 'l' : 'r', wrap ? "wrap" : "clamp"),
          [=](Wide a, Wide b, Wide c) {
            const int n = static_cast<int>(wrap ? c & 31 : c < 32 ? c : Wide{32});
            const Wide both = b << 32 | a;
            return left ? (both << n) >> 32 : both >> n;
          },
          words<u32>(2), words<u32>(2), kAmounts));
    }
  }
  return all;
}

}  // namespace obz::opcodes
