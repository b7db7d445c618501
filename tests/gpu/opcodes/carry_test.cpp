// Extended precision: PTX ISA, "Extended-Precision Integer Arithmetic Instructions". CC.CF is seen through an addc or
// subc of zeros behind the instruction. Additions and subtractions are never mixed: the text gives the flag two names.
#include "tests/gpu/opcodes/typed.hpp"

namespace obz::opcodes {
namespace {

const Words kFlags = {0, 1};

/// a + b + carry of n bits: the sum and the carry behind it.
template <class T>
Words sum(UWide a, UWide b, UWide carry) {
  const UWide all = a + b + carry;
  return {low<T>(Wide(all)), static_cast<Word>(all >> kBits<T>)};
}

/// a - (b + borrow): the difference, and minus the borrow behind it, in n bits.
template <class T>
Words difference(Wide a, Wide b, Wide borrow) {
  const Wide d = a - (b + borrow);
  return {low<T>(d), low<T>(d < 0 ? -1 : 0)};
}

template <class T>
Word part(const std::string& half, Word a, Word b) {
  const UWide p = static_cast<UWide>(value<T>(a)) * static_cast<UWide>(value<T>(b));
  return low<T>(Wide(half == "lo" ? p : p >> kBits<T>));
}

std::string with_type(std::string text, const std::string& name) {
  for (std::size_t at; (at = text.find('$')) != std::string::npos;) text.replace(at, 1, name);
  return text;
}

const Words kLimbs = {0, 1, 0xFFFFFFFF, 0xFFFFFFFE, 0x80000000, 0x7FFFFFFF, 0x12345678, 0xDEADBEEF};

UWide limbs(const Words& in, std::size_t first, std::size_t count) {
  UWide x = 0;
  for (std::size_t i = count; i-- > 0;) x = x << 32 | in[first + i];
  return x;
}

Words split(UWide x, std::size_t count) {
  Words out;
  for (std::size_t i = 0; i < count; ++i, x >>= 32) out.push_back(static_cast<u32>(x));
  return out;
}

}  // namespace

OPCODES(add_cc_and_addc_carry) {
  Cases all;
  each<u32, s32, u64, s64>([&]<class T>() {
    const std::string rr(2, letter<T>()), rrr(3, letter<T>());
    all.push_back({with_type("add.cc.$ %d0, %a0, %a1; addc.$ %d1, 0, 0;", type<T>()), rr, rr,
                   every({words<T>(), words<T>()}, [](const Words& in) { return sum<T>(in[0], in[1], 0); })});
    all.push_back(
        {with_type("add.cc.$ %d0, %a2, -1; addc.cc.$ %d0, %a0, %a1; addc.$ %d1, 0, 0;", type<T>()), rrr, rr,
         every({words<T>(), words<T>(), kFlags}, [](const Words& in) { return sum<T>(in[0], in[1], in[2]); })});
  });
  return all;
}

OPCODES(sub_cc_and_subc_borrow) {
  Cases all;
  each<u32, s32, u64, s64>([&]<class T>() {
    const std::string rr(2, letter<T>()), rrr(3, letter<T>());
    const auto u = [](Word w) { return static_cast<Wide>(w); };
    all.push_back(
        {with_type("sub.cc.$ %d0, %a0, %a1; subc.$ %d1, 0, 0;", type<T>()), rr, rr,
         every({words<T>(), words<T>()}, [=](const Words& in) { return difference<T>(u(in[0]), u(in[1]), 0); })});
    all.push_back({with_type("sub.cc.$ %d0, 0, %a2; subc.cc.$ %d0, %a0, %a1; subc.$ %d1, 0, 0;", type<T>()), rrr, rr,
                   every({words<T>(), words<T>(), kFlags},
                         [=](const Words& in) { return difference<T>(u(in[0]), u(in[1]), u(in[2])); })});
  });
  return all;
}

OPCODES(mad_cc_and_madc_carry_out_of_the_addition) {
  Cases all;
  each<u32, s32, u64, s64>([&]<class T>() {
    for (const std::string half : {"lo", "hi"}) {
      const std::string rr(2, letter<T>()), name = half + "$", four(4, letter<T>());
      const std::string mad = fmt::format("mad.{}.cc.$ %d0, %a0, %a1, %a2; addc.$ %d1, 0, 0;", half);
      all.push_back({with_type(mad, type<T>()), std::string(3, letter<T>()), rr,
                     every({words<T>(2), words<T>(2), words<T>(2)},
                           [=](const Words& in) { return sum<T>(part<T>(half, in[0], in[1]), in[2], 0); })});
      const std::string madc =
          fmt::format("add.cc.$ %d0, %a3, -1; madc.{}.cc.$ %d0, %a0, %a1, %a2; addc.$ %d1, 0, 0;", half);
      all.push_back({with_type(madc, type<T>()), four, rr,
                     every({words<T>(0), words<T>(0), words<T>(0), kFlags},
                           [=](const Words& in) { return sum<T>(part<T>(half, in[0], in[1]), in[2], in[3]); })});
      const std::string last = fmt::format("add.cc.$ %d0, %a3, -1; madc.{}.$ %d0, %a0, %a1, %a2;", half);
      all.push_back({with_type(last, type<T>()), four, std::string(1, letter<T>()),
                     every({words<T>(0), words<T>(0), words<T>(0), kFlags}, [=](const Words& in) {
                       return Words{sum<T>(part<T>(half, in[0], in[1]), in[2], in[3])[0]};
                     })});
    }
  });
  return all;
}

OPCODES(an_addition_without_cc_leaves_the_flag) {
  return {{"add.cc.u32 %t0, %a0, %a1; add.u32 %d0, %a0, %a0; mul.lo.u32 %t1, %a1, %a1; addc.u32 %d1, 0, 0;", "rr", "rr",
           every({words<u32>(), words<u32>()}, [](const Words& in) {
             return Words{low<u32>(Wide(in[0]) * 2), sum<u32>(in[0], in[1], 0)[1]};
           })}};
}

OPCODES(carry_chains_of_96_and_128_bits) {
  const std::vector<Words> six(6, kLimbs), eight(8, kLimbs);
  const UWide mask96 = (UWide{1} << 96) - 1;
  return {
      {"add.cc.u32 %d0, %a0, %a3; addc.cc.u32 %d1, %a1, %a4; addc.u32 %d2, %a2, %a5;", "rrrrrr", "rrr",
       draw(4096, six, [=](const Words& in) { return split((limbs(in, 0, 3) + limbs(in, 3, 3)) & mask96, 3); })},
      {"sub.cc.u32 %d0, %a0, %a3; subc.cc.u32 %d1, %a1, %a4; subc.u32 %d2, %a2, %a5;", "rrrrrr", "rrr",
       draw(4096, six, [=](const Words& in) { return split((limbs(in, 0, 3) - limbs(in, 3, 3)) & mask96, 3); })},
      {"add.cc.u32 %d0, %a0, %a4; addc.cc.u32 %d1, %a1, %a5; addc.cc.u32 %d2, %a2, %a6; addc.u32 %d3, %a3, %a7;",
       "rrrrrrrr", "rrrr",
       draw(4096, eight, [](const Words& in) { return split(limbs(in, 0, 4) + limbs(in, 4, 4), 4); })},
      {"sub.cc.u32 %d0, %a0, %a4; subc.cc.u32 %d1, %a1, %a5; subc.cc.u32 %d2, %a2, %a6; subc.u32 %d3, %a3, %a7;",
       "rrrrrrrr", "rrrr",
       draw(4096, eight, [](const Words& in) { return split(limbs(in, 0, 4) - limbs(in, 4, 4), 4); })},
  };
}

/// The text's own example of madc: [d3,d2,d1,d0] = [a1,a0] * [a3,a2].
OPCODES(a_128_bit_product_of_32_bit_limbs) {
  return {{R"(mul.lo.u32 %d0, %a0, %a2;
  mul.hi.u32 %d1, %a0, %a2;
  mad.lo.cc.u32 %d1, %a1, %a2, %d1;
  madc.hi.u32 %d2, %a1, %a2, 0;
  mad.lo.cc.u32 %d1, %a0, %a3, %d1;
  madc.hi.cc.u32 %d2, %a0, %a3, %d2;
  addc.u32 %d3, 0, 0;
  mad.lo.cc.u32 %d2, %a1, %a3, %d2;
  madc.hi.u32 %d3, %a1, %a3, %d3;)",
           "rrrr", "rrrr", every({kLimbs, kLimbs, kLimbs, kLimbs}, [](const Words& in) {
             return split(limbs(in, 0, 2) * limbs(in, 2, 2), 4);
           })}};
}

}  // namespace obz::opcodes
