// Bit fields, counting bits and permuting bytes: PTX ISA, "Integer Arithmetic Instructions" (bfe .. popc) and prmt.
#include "tests/gpu/opcodes/typed.hpp"

namespace obz::opcodes {
namespace {

/// Positions and lengths: all up to beyond the width, then more of 0..255. Beyond that the text's prose ("restricted")
/// and its loop (& 0xff) leave room, and the vendor's assembler folds a long one without the mask.
template <class T>
Words places() {
  return counting(kBits<T> + 2, {127, 128, 129, 160, 224, 254, 255});
}

template <class T>
Words patterns() {
  return {low<T>(Wide(0x8123456789ABCDEF)), low<T>(Wide(0x7EDCBA9876543210)), low<T>(-1), 0,
          low<T>(Wide(0xA5A5A5A5A5A5A5A5))};
}

/// The text's loop.
template <class T>
Word field(Word a, Word b, Word c) {
  const unsigned msb = kBits<T> - 1, pos = b & 0xFF, len = c & 0xFF;
  const auto bit = [&](unsigned i) { return a >> i & 1; };
  const Word sign = std::is_unsigned_v<T> || len == 0 ? 0 : bit(std::min(pos + len - 1, msb));
  Word d = 0;
  for (unsigned i = 0; i <= msb; ++i) d |= (i < len && pos + i <= msb ? bit(pos + i) : sign) << i;
  return d;
}

template <class T>
Word inserted(Word a, Word b, Word c, Word d) {
  const unsigned msb = kBits<T> - 1, pos = c & 0xFF, len = d & 0xFF;
  Word f = b;
  for (unsigned i = 0; i < len && pos + i <= msb; ++i) {
    f = (f & ~(Word{1} << (pos + i))) | (a >> i & 1) << (pos + i);
  }
  return f;
}

template <class T>
Wide found(Wide a, bool shift_amount) {
  if (a < 0) a = ~a;
  for (int i = static_cast<int>(kBits<T>) - 1; i >= 0; --i) {
    if (a >> i & 1) return shift_amount ? static_cast<int>(kBits<T>) - 1 - i : i;
  }
  return 0xFFFFFFFF;
}

/// Which of the bytes {b, a} goes to d's bytes 3, 2, 1, 0, for c's two low bits: the text's table.
struct PermuteMode {
  const char* name;
  std::array<std::array<unsigned, 4>, 4> source;
};

constexpr std::array<PermuteMode, 6> kModes = {{
    {"f4e", {{{3, 2, 1, 0}, {4, 3, 2, 1}, {5, 4, 3, 2}, {6, 5, 4, 3}}}},
    {"b4e", {{{5, 6, 7, 0}, {6, 7, 0, 1}, {7, 0, 1, 2}, {0, 1, 2, 3}}}},
    {"rc8", {{{0, 0, 0, 0}, {1, 1, 1, 1}, {2, 2, 2, 2}, {3, 3, 3, 3}}}},
    {"ecl", {{{3, 2, 1, 0}, {3, 2, 1, 1}, {3, 2, 2, 2}, {3, 3, 3, 3}}}},
    {"ecr", {{{0, 0, 0, 0}, {1, 1, 1, 0}, {2, 2, 1, 0}, {3, 2, 1, 0}}}},
    {"rc16", {{{1, 0, 1, 0}, {3, 2, 3, 2}, {1, 0, 1, 0}, {3, 2, 3, 2}}}},
}};

Word byte_of(Word a, Word b, Word index) { return (index < 4 ? a >> 8 * index : b >> 8 * (index - 4)) & 0xFF; }

Word permuted(Word a, Word b, Word c) {
  Word d = 0;
  for (unsigned i = 0; i < 4; ++i) {
    const Word control = c >> 4 * i & 0xF, byte = byte_of(a, b, control & 7);
    d |= (control & 8 ? (byte & 0x80 ? Word{0xFF} : 0) : byte) << 8 * i;
  }
  return d;
}

}  // namespace

OPCODES(bfe_at_every_position_and_length) {
  Cases all;
  each<u32, s32, u64, s64>([&]<class T>() {
    all.push_back({fmt::format("bfe.{} %d0, %a0, %a1, %a2;", type<T>()),
                   std::string{letter<T>(), 'r', 'r'},
                   {letter<T>()},
                   every({patterns<T>(), places<T>(), places<T>()},
                         [](const Words& in) { return Words{field<T>(in[0], in[1], in[2])}; })});
  });
  return all;
}

OPCODES(bfi_at_every_position_and_length) {
  Cases all;
  each<u32, u64>([&]<class T>() {
    const Words below = {0, low<T>(-1), low<T>(0x123456789ABCDEF0)};
    all.push_back({fmt::format("bfi.b{} %d0, %a0, %a1, %a2, %a3;", kBits<T>),
                   std::string{letter<T>(), letter<T>(), 'r', 'r'},
                   {letter<T>()},
                   every({patterns<T>(), below, places<T>(), places<T>()},
                         [](const Words& in) { return Words{inserted<T>(in[0], in[1], in[2], in[3])}; })});
  });
  return all;
}

OPCODES(bfind_finds_the_highest_bit_that_is_no_sign) {
  Cases all;
  each<u32, s32, u64, s64>([&]<class T>() {
    Words inputs = words<T>(20);
    for (unsigned i = 0; i < kBits<T>; ++i) inputs.push_back(Word{1} << i), inputs.push_back(low<T>(-(Wide{1} << i)));
    for (const bool shift : {false, true}) {
      all.push_back(
          {fmt::format("bfind{}.{} %d0, %a0;", shift ? ".shiftamt" : "", type<T>()),
           {letter<T>()},
           "r",
           every({inputs}, [=](const Words& in) { return Words{low<u32>(found<T>(value<T>(in[0]), shift))}; })});
    }
  });
  return all;
}

OPCODES(brev_clz_and_popc) {
  Cases all;
  each<u32, u64>([&]<class T>() {
    Words inputs = words<T>(40);
    for (unsigned i = 0; i < kBits<T>; ++i) inputs.push_back(Word{1} << i), inputs.push_back(low<T>(-1) >> i);
    all.push_back({fmt::format("brev.b{0} %d0, %a0; clz.b{0} %d1, %a0; popc.b{0} %d2, %a0;", kBits<T>),
                   {letter<T>()},
                   std::string{letter<T>(), 'r', 'r'},
                   every({inputs}, [](const Words& in) {
                     Word reversed = 0, zeros = 0, ones = 0;
                     for (unsigned i = 0; i < kBits<T>; ++i) {
                       const Word bit = in[0] >> i & 1;
                       reversed |= bit << (kBits<T> - 1 - i);
                       ones += bit;
                       zeros = bit ? 0 : zeros + 1;  // those above the last one seen
                     }
                     return Words{reversed, zeros, ones};
                   })});
  });
  return all;
}

OPCODES(prmt_picks_and_sign_replicates_by_nibble) {
  const Words sources = {0x83726150, 0xF7E6D5C4, 0x01FE7F80, 0};
  Words controls = {0x3210, 0x7654, 0xFEDC, 0xBA98, 0xFFFF3210, 0x12340123};
  for (Word nibble = 0; nibble < 16; ++nibble) {
    for (unsigned at = 0; at < 16; at += 4) controls.push_back(nibble << at), controls.push_back(0x2468 ^ nibble << at);
  }
  Case every_nibble = {
      "prmt.b32 %d0, %a0, %a1, %a2;", "rrr", "r",
      every({sources, sources, controls}, [](const Words& in) { return Words{permuted(in[0], in[1], in[2])}; })};
  Case drawn = every_nibble;
  drawn.rows = draw(2048, {words<u32>(50), words<u32>(60), words<u32>(500)},
                    [](const Words& in) { return Words{permuted(in[0], in[1], in[2])}; });
  Case immediate = {
      "prmt.b32 %d0, %a0, %a1, 0x7531; prmt.b32 %d1, %a0, 0, 0x4440; prmt.b32 %d2, %a0, %a1, 0xC480;", "rr", "rrr",
      every({sources, sources}, [](const Words& in) {
        return Words{permuted(in[0], in[1], 0x7531), permuted(in[0], 0, 0x4440), permuted(in[0], in[1], 0xC480)};
      })};
  return {every_nibble, drawn, immediate};
}

OPCODES(prmt_modes_follow_their_table) {
  Cases all;
  const Words sources = {0x83726150, 0xF7E6D5C4};
  for (const PermuteMode& mode : kModes) {
    all.push_back({fmt::format("prmt.b32.{} %d0, %a0, %a1, %a2;", mode.name), "rrr", "r",
                   every({sources, sources, counting(9, {0x7654, 0xFFFFFFFF, 0xFFFFFFFE})}, [&](const Words& in) {
                     Word d = 0;
                     for (unsigned i = 0; i < 4; ++i)
                       d |= byte_of(in[0], in[1], mode.source[in[2] & 3][3 - i]) << 8 * i;
                     return Words{d};
                   })});
  }
  return all;
}

}  // namespace obz::opcodes
