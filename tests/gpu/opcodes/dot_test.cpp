// Packed dot products: PTX ISA, dp4a and dp2a. The sum wraps at 32 bits.
#include "tests/gpu/opcodes/typed.hpp"

namespace obz::opcodes {
namespace {

const Words kBytes = {0, 0x80808080, 0x7F7F7F7F, 0xFFFFFFFF, 0x80FF7F01, 0x12345678, 0x00800000, 0xFEDCBA98};
const Words kSums = {0, 1, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF, 0xFFFF0000};

std::string name(bool is_signed) { return is_signed ? "s32" : "u32"; }

Words with_random(Words some, int seed) {
  std::mt19937_64 random(static_cast<unsigned>(seed));
  for (int i = 0; i < 6; ++i) some.push_back(random() & 0xFFFFFFFF);
  return some;
}

}  // namespace

OPCODES(dp4a_of_all_signs) {
  Cases all;
  for (const bool sa : {false, true}) {
    for (const bool sb : {false, true}) {
      all.push_back({fmt::format("dp4a.{}.{} %d0, %a0, %a1, %a2;", name(sa), name(sb)), "rrr", "r",
                     every({with_random(kBytes, 1), with_random(kBytes, 2), kSums}, [=](const Words& in) {
                       Wide d = static_cast<Wide>(in[2]);
                       for (unsigned i = 0; i < 4; ++i) d += element(in[0], i, 8, sa) * element(in[1], i, 8, sb);
                       return Words{low<u32>(d)};
                     })});
    }
  }
  return all;
}

OPCODES(dp2a_of_all_signs_and_halves) {
  Cases all;
  for (const unsigned first : {0u, 2u}) {
    for (const bool sa : {false, true}) {
      for (const bool sb : {false, true}) {
        all.push_back({fmt::format("dp2a.{}.{}.{} %d0, %a0, %a1, %a2;", first ? "hi" : "lo", name(sa), name(sb)), "rrr",
                       "r", every({with_random(kBytes, 3), with_random(kBytes, 4), kSums}, [=](const Words& in) {
                         Wide d = static_cast<Wide>(in[2]);
                         for (unsigned i = 0; i < 2; ++i)
                           d += element(in[0], i, 16, sa) * element(in[1], first + i, 8, sb);
                         return Words{low<u32>(d)};
                       })});
      }
    }
  }
  return all;
}

}  // namespace obz::opcodes
