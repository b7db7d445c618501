// Loads and stores: PTX ISA, ld, st, cvta, and state spaces. Loads extend to the register by the type's sign, stores
// keep the low bits.
#include "tests/gpu/opcodes/typed.hpp"

namespace obz::opcodes {
namespace {

/// Words whose every byte tells where it is and what its sign is.
const Words kBytes = {0x8F7E6D5C4B3A2918, 0x0123456789ABCDEF, 0xFEDCBA9876543210, ~Word{0}, 0, 0x80, 0x8000,
                      0x80000000};

template <class T>
Case load(const std::string& name, unsigned offset) {
  Case c{"", "m", holders<T>(), {}};
  for (std::size_t i = 0; i < c.out.size(); ++i)
    c.text += fmt::format("ld.global.{} %d{}, [%in+{}]; ", name, i, offset);
  c.rows = every({kBytes}, [=](const Words& in) {
    Words want;
    for (const char holder : c.out) want.push_back(in_register(holder, value<T>(in[0] >> 8 * offset)));
    return want;
  });
  return c;
}

template <class T>
Cases stores() {
  Cases all;
  for (const char source : holders<T>()) {
    all.push_back(
        {fmt::format("st.global.{} [%out+{}], %a0;", type<T>(), 8 - sizeof(T)),
         {source},
         "m",
         every({kBytes}, [](const Words& in) { return Words{low<T>(static_cast<Wide>(in[0])) << (64 - kBits<T>)}; })});
    if (source != 'd')
      for (Row& row : all.back().rows) row.in[0] = in_register(source, static_cast<Wide>(row.in[0]));
  }
  return all;
}

/// ld and st of a vector: elements in address order.
template <class T>
Case vector_copy(const std::string& name, unsigned count) {
  std::string list;
  for (unsigned i = 0; i < count; ++i) list += fmt::format("{}%d{}", i ? ", " : "", i);
  const std::string out = std::string(count, letter<T>()) + "mm";  // 16 bytes of memory behind the elements
  const std::size_t at = 8 * count;
  return {
      fmt::format("ld.global.v{0}.{1} {{{2}}}, [%in]; st.global.v{0}.{1} [%out+{3}], {{{2}}};", count, name, list, at),
      "mm", out, every({kBytes, kBytes}, [=](const Words& in) {
        Words want(out.size(), 0);
        for (unsigned i = 0; i < count; ++i) {
          const unsigned bit = i * kBits<T>;
          const Wide element = value<T>(in[bit / 64] >> bit % 64);
          want[i] = in_register(letter<T>(), element);
          want[at / 8 + bit / 64] |= low<T>(element) << bit % 64;
        }
        return want;
      })};
}

/// Through `space`: stores a word in pieces and reads it whole and in pieces.
Case through(const std::string& space, const std::string& address) {
  return {fmt::format(R"(.{0} .align 8 .b8 room[{2}];
  {1}
  st.{0}.u32 [%t0], %a0;
  st.{0}.u16 [%t0+4], %a1;
  st.{0}.u8 [%t0+6], %a1;
  st.{0}.u8 [%t0+7], %a0;
  ld.{0}.u64 %d0, [%t0];
  ld.{0}.s16 %d1, [%t0+2];
  ld.{0}.s8 %d2, [%t0+6];
  ld.{0}.v2.u32 {{%d3, %d4}}, [%t0];
  ld.{0}.v4.u16 {{%s0, %s1, %s2, %s3}}, [%t0];
  cvt.u32.u16 %d5, %s3;)",
                      space, address, space == "shared" ? 256 : 8),
          "rr", "drrrrr", every({words<u32>(), words<u32>()}, [](const Words& in) {
            const Word all = in[0] | (in[1] & 0xFFFF) << 32 | (in[1] & 0xFF) << 48 | (in[0] & 0xFF) << 56;
            return Words{
                all,      low<s32>(value<s16>(all >> 16)), low<s32>(value<s8>(all >> 48)), all & 0xFFFFFFFF, all >> 32,
                all >> 48};
          })};
}

}  // namespace

OPCODES(ld_extends_by_its_type_into_wider_registers) {
  Cases all;
  each<u8, s8, u16, s16, u32, s32, u64, s64>([&]<class T>() {
    for (unsigned offset = 0; offset < 8; offset += sizeof(T)) all.push_back(load<T>(type<T>(), offset));
    if (std::is_unsigned_v<T>) all.push_back(load<T>(fmt::format("b{}", kBits<T>), 0));
  });
  return all;
}

OPCODES(st_keeps_the_low_bits_of_wider_registers) {
  Cases all;
  each<u8, s8, u16, s16, u32, s32, u64, s64>([&]<class T>() {
    for (Case& c : stores<T>()) all.push_back(c);
  });
  return all;
}

OPCODES(vectors_of_loads_and_stores_are_in_address_order) {
  Cases all;
  each<u8, s8, u16, s16, u32, s32>([&]<class T>() {
    all.push_back(vector_copy<T>(type<T>(), 2));
    all.push_back(vector_copy<T>(type<T>(), 4));
  });
  all.push_back(vector_copy<u64>("u64", 2));
  all.push_back(vector_copy<u64>("b64", 2));
  all.push_back(vector_copy<u32>("b32", 4));
  return all;
}

OPCODES(shared_and_local_memory_are_bytes) {
  return {through("shared", "mov.u32 %t0, room; shl.b32 %t1, %lane, 3; add.s32 %t0, %t0, %t1;"),
          through("local", "mov.u32 %t0, room;")};
}

OPCODES(a_local_array_is_the_lanes_own) {
  return {{R"(.local .align 4 .b8 room[64];
  mov.u64 %w0, room;
  mov.u32 %t0, 0;
FILL:
  mul.wide.u32 %w1, %t0, 4;
  add.s64 %w1, %w0, %w1;
  mad.lo.s32 %t1, %t0, %a0, %lane;
  st.local.u32 [%w1], %t1;
  add.s32 %t0, %t0, 1;
  setp.lt.s32 %p0, %t0, 16;
  @%p0 bra FILL;
  and.b32 %t2, %a1, 15;
  mul.wide.u32 %w1, %t2, 4;
  add.s64 %w1, %w0, %w1;
  ld.local.u32 %d0, [%w1];
  cvta.local.u64 %w2, %w1;
  ld.u32 %d1, [%w2];)",
           "rr", "rr",
           warps(std::vector<Words>([] {
                   std::vector<Words> in;
                   for (Word i = 0; i < 96; ++i) in.push_back({i * 2654435761 % 65536, i * 7 + i / 9});
                   return in;
                 }()),
                 [](const std::vector<Words>& in) {
                   std::vector<Words> want;
                   for (std::size_t lane = 0; lane < in.size(); ++lane) {
                     const Word x = (in[lane][1] & 15) * in[lane][0] + lane;
                     want.push_back({x, x});
                   }
                   return want;
                 })}};
}

OPCODES(initialised_variables_and_generic_addresses) {
  return {{R"(and.b32 %t0, %a0, 3;
  mul.wide.u32 %w0, %t0, 4;
  mov.u64 %w1, constants;
  add.s64 %w1, %w1, %w0;
  ld.const.u32 %d0, [%w1];
  ld.const.s16 %d1, [halves+2];
  mov.u64 %w2, numbers;
  cvta.global.u64 %w2, %w2;
  shl.b64 %w3, %w0, 1;
  add.s64 %w2, %w2, %w3;
  ld.u64 %d2, [%w2];
  ld.global.u64 %d3, [numbers+8];
  ld.global.u32 %d4, [blank+4];)",
           "r", "rrddr",
           every({words<u32>()},
                 [](const Words& in) {
                   const Word constants[] = {1, 0xFFFFFFFE, 0x80000000, 77};
                   const Word numbers[] = {0x123456789ABCDEF0, 5, ~Word{0}, 0};
                   return Words{constants[in[0] & 3], 0xFFFF8000, numbers[in[0] & 3], 5, 0};
                 }),
           R"(.const .align 4 .u32 constants[4] = {1, -2, 0x80000000, 77};
.const .align 2 .s16 halves[2] = {7, -32768};
.global .align 8 .u64 numbers[4] = {0x123456789ABCDEF0, 5, 0xFFFFFFFFFFFFFFFF};
.global .align 4 .u32 blank[2];)"}};
}

OPCODES(generic_addresses_reach_shared_memory) {
  return {{R"(.shared .align 4 .b8 room[128];
  mov.u64 %w0, room;
  mul.wide.u32 %w1, %lane, 4;
  add.s64 %w0, %w0, %w1;
  cvta.shared.u64 %w2, %w0;
  st.u32 [%w2], %a0;
  ld.shared.u32 %d0, [%w0];
  cvta.to.shared.u64 %w3, %w2;
  ld.shared.u32 %d1, [%w3];
  isspacep.shared %d2, %w2;
  isspacep.global %d3, %w2;
  ld.volatile.shared.u32 %d4, [%w0];)",
           "r", "rrppr", every({words<u32>(21)}, [](const Words& in) {
             return Words{in[0], in[0], 1, 0, in[0]};
           })}};
}

}  // namespace obz::opcodes
