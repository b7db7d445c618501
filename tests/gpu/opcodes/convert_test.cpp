// cvt and mov: PTX ISA, "Data Movement and Conversion Instructions" and "Operand Size Exceeding Instruction-Type Size":
// a source in a wider register is chopped, a result in a wider register is extended by the destination type's sign.
#include "tests/gpu/opcodes/typed.hpp"

namespace obz::opcodes {
namespace {

/// .sat is allowed only where the destination does not hold every source value.
template <class D, class A>
bool may_saturate() {
  return clamp_to<D>(std::numeric_limits<A>::min()) != std::numeric_limits<A>::min() ||
         clamp_to<D>(std::numeric_limits<A>::max()) != std::numeric_limits<A>::max();
}

/// All register widths of the result from one of the source; what lies above the source type is noise.
template <class D, class A>
Case conversion(char source, bool saturate) {
  Case c{"", {source}, holders<D>(), {}};
  for (std::size_t i = 0; i < c.out.size(); ++i) {
    c.text += fmt::format("cvt{}.{}.{} %d{}, %a0; ", saturate ? ".sat" : "", type<D>(), type<A>(), i);
  }
  Words inputs;
  for (const Word w : words<A>(10)) {
    for (const Word noise : {Word{0}, ~Word{0}, Word{0x5AC369F0A5C3960F}}) {
      inputs.push_back(in_register(source, static_cast<Wide>(w | (sizeof(A) == 8 ? 0 : noise << kBits<A> % 64))));
    }
  }
  for (const Word edge : Words{127, 128, 255, 256, 32767, 32768, 65535, 65536, 0x7FFFFFFF}) {
    inputs.push_back(in_register(source, static_cast<Wide>(edge)));
    inputs.push_back(in_register(source, -static_cast<Wide>(edge) - 1));
  }
  c.rows = every({inputs}, [=](const Words& in) {
    const Wide a = value<A>(in[0]), d = saturate ? clamp_to<D>(a) : value<D>(low<D>(a));
    Words want;
    for (const char holder : c.out) want.push_back(in_register(holder, d));
    return want;
  });
  return c;
}

template <bool saturate>
Cases conversions() {
  Cases all;
  each<u8, s8, u16, s16, u32, s32, u64, s64>([&]<class D>() {
    each<u8, s8, u16, s16, u32, s32, u64, s64>([&]<class A>() {
      if (saturate && !may_saturate<D, A>()) return;
      for (const char source : holders<A>()) all.push_back(conversion<D, A>(source, saturate));
    });
  });
  return all;
}

}  // namespace

OPCODES(cvt_between_all_integers_in_all_registers) { return conversions<false>(); }
OPCODES(cvt_sat_clamps_to_the_destination_type) { return conversions<true>(); }

/// {c's low bits, a, b}, each of a and b clamped to the narrow type.
OPCODES(cvt_pack_saturates_and_shifts_c_up) {
  Cases all;
  for (const unsigned bits : {2u, 4u, 8u, 16u}) {
    for (const bool is_signed : {false, true}) {
      const Wide lo = is_signed ? -(Wide{1} << (bits - 1)) : Wide{0}, hi = lo + (Wide{1} << bits) - 1;
      const bool takes_c = bits < 16;
      Words inputs = words<s32>(0);
      for (const Wide x : {lo - 1, lo, hi, hi + 1}) inputs.push_back(low<s32>(x));
      all.push_back({fmt::format("cvt.pack.sat.{}{}.s32{} %d0, %a0, %a1{};", is_signed ? 's' : 'u', bits,
                                 takes_c ? ".b32" : "", takes_c ? ", %a2" : ""),
                     "rrr", "r", every({inputs, inputs, {0, 0x12345678, 0xFEDCBA98}}, [=](const Words& in) {
                       const auto field = [&](Word w) {
                         const Wide x = value<s32>(w);
                         return low<u32>(x < lo ? lo : x > hi ? hi : x) & ((Word{1} << bits) - 1);
                       };
                       const Word above = takes_c ? in[2] << 2 * bits : 0;
                       return Words{(above | field(in[0]) << bits | field(in[1])) & 0xFFFFFFFF};
                     })});
    }
  }
  return all;
}

OPCODES(mov_packs_and_unpacks_vectors_low_first) {
  return {
      {"mov.b32 %d0, {%a0, %a1};", "hh", "r",
       every({words<u16>(), words<u16>()}, [](const Words& in) { return Words{in[1] << 16 | in[0]}; })},
      {"mov.b32 {%d0, %d1}, %a0;", "r", "hh",
       every({words<u32>()},
             [](const Words& in) {
               return Words{in[0] & 0xFFFF, in[0] >> 16};
             })},
      {"mov.b64 %d0, {%a0, %a1};", "rr", "d",
       every({words<u32>(), words<u32>()}, [](const Words& in) { return Words{in[1] << 32 | in[0]}; })},
      {"mov.b64 {%d0, %d1}, %a0;", "d", "rr",
       every({words<u64>()},
             [](const Words& in) {
               return Words{in[0] & 0xFFFFFFFF, in[0] >> 32};
             })},
      {"mov.b64 %d0, {%a0, %a1, %a2, %a3};", "hhhh", "d",
       every({words<u16>(0), words<u16>(0), words<u16>(0), {0x1234, 0x8765}},
             [](const Words& in) { return Words{in[3] << 48 | in[2] << 32 | in[1] << 16 | in[0]}; })},
      {"mov.b64 {%d0, %d1, %d2, %d3}, %a0;", "d", "hhhh",
       every({words<u64>(30)},
             [](const Words& in) {
               return Words{in[0] & 0xFFFF, in[0] >> 16 & 0xFFFF, in[0] >> 32 & 0xFFFF, in[0] >> 48};
             })},
      {"mov.b32 {%d0, _}, %a0; mov.b32 {_, %d1}, %a0;", "r", "hh",
       every({words<u32>()},
             [](const Words& in) {
               return Words{in[0] & 0xFFFF, in[0] >> 16};
             })},
  };
}

OPCODES(mov_copies_registers_and_immediates) {
  const auto same = [](const Words& in) { return in; };
  Cases all;
  each<u16, u32, u64>([&]<class T>() {
    for (const char kind : {'b', 'u', 's'}) {
      all.push_back(
          {fmt::format("mov.{}{} %d0, %a0;", kind, kBits<T>), {letter<T>()}, {letter<T>()}, every({words<T>()}, same)});
    }
  });
  all.push_back(
      {"mov.u16 %d0, 0xFFFF; mov.u32 %d1, -1; mov.u64 %d2, -1; mov.s16 %d3, -32768; mov.u64 %d4, 0xFEDCBA9876543210;"
       " mov.b32 %d5, 0b1011; mov.b32 %d6, 017; mov.b64 %d7, 0x80000000; mov.s64 %d8, -2147483648;"
       " mov.u32 %d9, 4294967295U; mov.u32 %d10, WARP_SZ;",
       "r",
       "hrdhdrrddrr",
       {{{0},
         {0xFFFF, 0xFFFFFFFF, ~Word{0}, 0x8000, 0xFEDCBA9876543210, 11, 15, 0x80000000, 0xFFFFFFFF80000000, 0xFFFFFFFF,
          32}}}});
  return all;
}

}  // namespace obz::opcodes
