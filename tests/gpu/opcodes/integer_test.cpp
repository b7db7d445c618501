// Integer arithmetic: PTX ISA, "Integer Arithmetic Instructions".
#include "tests/gpu/opcodes/typed.hpp"

namespace obz::opcodes {
namespace {

/// The 2n-bit product; two's complement makes one formula serve both signs.
UWide product(Wide a, Wide b) { return static_cast<UWide>(a) * static_cast<UWide>(b); }

template <class T>
Wide high(Wide a, Wide b) {
  return static_cast<Wide>(product(a, b) >> kBits<T>);
}

Wide magnitude(Wide x) { return x < 0 ? -x : x; }

/// What fits into 24 bits of the type; what wider operands give is not said.
template <class T>
Words words24() {
  Words all;
  for (const Word w : words<T>(8)) {
    all.push_back(std::is_signed_v<T> ? low<T>(value<s32>(w << 8) / 256) : w & 0xFFFFFF);
  }
  for (const Word w : Words{0x7FFFFF, 0x400000, 0x123456, 0xFFFF, 0x10000}) all.push_back(w);
  if (!std::is_signed_v<T>)
    all.push_back(0x800000), all.push_back(0xFFFFFF);
  else
    all.push_back(low<s32>(-0x800000)), all.push_back(low<s32>(-0x7FFFFF));
  return all;
}

}  // namespace

OPCODES(add_and_sub_wrap) {
  Cases all;
  each<u16, s16, u32, s32, u64, s64>([&]<class T>() {
    all.push_back(binary<T, T, T>("add." + type<T>(), [](Wide a, Wide b) { return a + b; }));
    all.push_back(binary<T, T, T>("sub." + type<T>(), [](Wide a, Wide b) { return a - b; }));
  });
  return all;
}

OPCODES(add_and_sub_saturate_to_s32) {
  return {binary<s32, s32, s32>("add.sat.s32", [](Wide a, Wide b) { return clamp_to<s32>(a + b); }),
          binary<s32, s32, s32>("sub.sat.s32", [](Wide a, Wide b) { return clamp_to<s32>(a - b); })};
}

OPCODES(mul_gives_low_and_high_halves) {
  Cases all;
  each<u16, s16, u32, s32, u64, s64>([&]<class T>() {
    all.push_back(binary<T, T, T>("mul.lo." + type<T>(), [](Wide a, Wide b) { return Wide(product(a, b)); }));
    all.push_back(binary<T, T, T>("mul.hi." + type<T>(), [](Wide a, Wide b) { return high<T>(a, b); }));
  });
  return all;
}

OPCODES(mul_wide_gives_the_whole_product) {
  const auto model = [](Wide a, Wide b) { return a * b; };
  return {binary<u32, u16, u16>("mul.wide.u16", model), binary<s32, s16, s16>("mul.wide.s16", model),
          binary<u64, u32, u32>("mul.wide.u32", model), binary<s64, s32, s32>("mul.wide.s32", model)};
}

OPCODES(mad_adds_to_low_high_and_whole_products) {
  Cases all;
  each<u16, s16, u32, s32, u64, s64>([&]<class T>() {
    all.push_back(ternary<T, T, T, T>("mad.lo." + type<T>(),
                                      [](Wide a, Wide b, Wide c) { return low<T>(Wide(product(a, b))) + c; }));
    all.push_back(ternary<T, T, T, T>("mad.hi." + type<T>(), [](Wide a, Wide b, Wide c) { return high<T>(a, b) + c; }));
  });
  const auto whole = [](Wide a, Wide b, Wide c) { return a * b + c; };
  all.push_back(ternary<u32, u16, u16, u32>("mad.wide.u16", whole));
  all.push_back(ternary<s32, s16, s16, s32>("mad.wide.s16", whole));
  all.push_back(ternary<u64, u32, u32, u64>("mad.wide.u32", whole));
  all.push_back(ternary<s64, s32, s32, s64>("mad.wide.s32", whole));
  return all;
}

OPCODES(mad_hi_saturates_to_s32) {
  return {ternary<s32, s32, s32, s32>("mad.hi.sat.s32", [](Wide a, Wide b, Wide c) {
    return clamp_to<s32>(value<s32>(low<s32>(high<s32>(a, b))) + c);
  })};
}

OPCODES(mul24_takes_bits_0_to_31_or_16_to_47_of_48) {
  Cases all;
  each<u32, s32>([&]<class T>() {
    const Words v = words24<T>();
    all.push_back(binary<T, T, T>(
        "mul24.lo." + type<T>(), [](Wide a, Wide b) { return a * b; }, v, v));
    all.push_back(binary<T, T, T>(
        "mul24.hi." + type<T>(), [](Wide a, Wide b) { return (a * b) >> 16; }, v, v));
    all.push_back(ternary<T, T, T, T>(
        "mad24.lo." + type<T>(), [](Wide a, Wide b, Wide c) { return a * b + c; }, v, v, words<T>(1)));
    all.push_back(ternary<T, T, T, T>(
        "mad24.hi." + type<T>(), [](Wide a, Wide b, Wide c) { return ((a * b) >> 16) + c; }, v, v, words<T>(1)));
  });
  const Words v = words24<s32>();
  all.push_back(ternary<s32, s32, s32, s32>(
      "mad24.hi.sat.s32", [](Wide a, Wide b, Wide c) { return clamp_to<s32>(((a * b) >> 16) + c); }, v, v,
      words<s32>(1)));
  return all;
}

OPCODES(sad_adds_the_absolute_difference) {
  Cases all;
  each<u16, s16, u32, s32, u64, s64>([&]<class T>() {
    all.push_back(ternary<T, T, T, T>("sad." + type<T>(), [](Wide a, Wide b, Wide c) { return c + magnitude(a - b); }));
  });
  return all;
}

/// Division by zero is unspecified and not tried. The least value by -1 has no quotient in range; of it only the low
/// bits can be meant.
OPCODES(div_and_rem_truncate_towards_zero) {
  Cases all;
  each<u16, s16, u32, s32, u64, s64>([&]<class T>() {
    Words divisors = words<T>();
    std::erase(divisors, 0);
    all.push_back(binary<T, T, T>(
        "div." + type<T>(), [](Wide a, Wide b) { return a / b; }, words<T>(20), divisors));
    all.push_back(binary<T, T, T>(
        "rem." + type<T>(), [](Wide a, Wide b) { return a % b; }, words<T>(20), divisors));
  });
  return all;
}

OPCODES(abs_and_neg_of_every_signed_type) {
  Cases all;
  each<s16, s32, s64>([&]<class T>() {
    all.push_back(unary<T, T>("abs." + type<T>(), magnitude));
    all.push_back(unary<T, T>("neg." + type<T>(), [](Wide a) { return -a; }));
  });
  return all;
}

OPCODES(min_and_max_order_by_sign) {
  Cases all;
  each<u16, s16, u32, s32, u64, s64>([&]<class T>() {
    all.push_back(binary<T, T, T>("min." + type<T>(), [](Wide a, Wide b) { return a < b ? a : b; }));
    all.push_back(binary<T, T, T>("max." + type<T>(), [](Wide a, Wide b) { return a > b ? a : b; }));
  });
  return all;
}

}  // namespace obz::opcodes
