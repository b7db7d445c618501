// What the drivers of scripts/rtl_coverage share: values for ports, a clock, the counts at the end. They only drive:
// that outputs are right is what the tests say. Same seed, same stimuli.
#pragma once

#include <cstdint>
#include <random>

#include <verilated.h>
#include <verilated_cov.h>

namespace obz::coverage {

inline std::mt19937_64& random() {
  static std::mt19937_64 engine(1);
  return engine;
}

/// 0 .. n-1
inline std::uint64_t below(std::uint64_t n) { return random()() % n; }
inline bool one_in(std::uint64_t n) { return below(n) == 0; }

/// 64 bits in which every magnitude of either sign is as likely as the others, and runs of equal bits are.
inline std::uint64_t any64() {
  const std::uint64_t bits = random()() >> below(64);
  switch (below(4)) {
    case 0: return random()();
    case 1: return bits;
    case 2: return ~bits;
    default: return (std::uint64_t{1} << below(64)) - below(3);  // a power of two, and next to it
  }
}

template <class Port>
void drive(Port& port, int bits) {
  port = static_cast<Port>(bits == 64 ? any64() : any64() & ((std::uint64_t{1} << bits) - 1));
}

/// Ports of more than 64 bits: words of 32, the lowest first.
template <std::size_t Words>
void drive(VlWide<Words>& port, int bits) {
  for (std::size_t i = 0; i < Words; ++i) port[i] = static_cast<std::uint32_t>(any64());
  if (bits % 32 != 0) port[Words - 1] &= (1U << (bits % 32)) - 1U;
}

/// Bits at..at+width of a wide port.
template <std::size_t Words>
void put(VlWide<Words>& port, int at, int width, std::uint64_t value) {
  for (int i = 0; i < width; ++i) {
    const std::uint32_t bit = 1U << ((at + i) % 32);
    std::uint32_t& word = port[static_cast<std::size_t>((at + i) / 32)];
    word = (value >> i & 1) != 0 ? word | bit : word & ~bit;
  }
}

/// Recipes of obz_pkg's layout: registers of 1 to 64 bits, all modes and codes that name none.
inline std::uint64_t any_recipe() {
  std::uint64_t recipe = random()() & ((std::uint64_t{1} << 34) - 1);
  const auto field = [&](int at, int width, std::uint64_t value) {
    const std::uint64_t mask = ((std::uint64_t{1} << width) - 1) << at;
    recipe = (recipe & ~mask) | value << at;
  };
  if (!one_in(16)) field(0, 3, below(5));
  field(3, 6, one_in(2) ? 0 : one_in(2) ? 31 : below(64));
  if (!one_in(16)) field(9, 3, below(5));
  field(16, 7, one_in(2) ? 64 : 1 + below(64));
  field(23, 7, one_in(3) ? 64 : 1 + below(64));
  return recipe;
}

template <class Top>
void cycle(Top& top) {
  top.clk_i = 0;
  top.eval();
  top.clk_i = 1;
  top.eval();
}

template <class Top>
void reset(Top& top) {
  top.rst_ni = 1;
  cycle(top);
  top.rst_ni = 0;
  cycle(top);
  top.rst_ni = 1;
}

/// Writes the counts to the file that the command line names.
inline int finish(int argc, char** argv) {
  if (argc != 2) return 2;
  Verilated::threadContextp()->coveragep()->write(argv[1]);
  return 0;
}

}  // namespace obz::coverage
