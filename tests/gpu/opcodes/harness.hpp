// Snippets of PTX with the words they must produce. A snippet runs once per row, one row per lane, 32 rows per warp and
// one warp per CTA; what it must produce comes from the text of the PTX ISA, never from the executor that is judged.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "gpu/ptx/launch.hpp"

namespace obz::opcodes {

using Word = std::uint64_t;  ///< an operand of at most 64 bits, zero above its width
using Words = std::vector<Word>;

struct Row {
  Words in, want;
};

/// Instructions over %a0, %a1, .. (loaded from the row) and %d0, %d1, .. (stored to it). Free for the snippet: %t0..%t7
/// (.b32), %w0..%w7 (.b64), %s0..%s7 (.b16), %p0..%p7 (.pred), %lane, and %in and %out, the global addresses of the
/// lane's words, 8 bytes each.
struct Case {
  std::string text;
  std::string in,
      out;  ///< a letter per operand: h 16 bits, r 32, d 64, p predicate, m memory: the snippet's own access
  std::vector<Row> rows;
  std::string around = {};  ///< declarations in front of the kernel
  int sm = 75;              ///< what ptxas needs for it
};
using Cases = std::vector<Case>;

/// The module of one case; its kernel takes the addresses of input and output words.
std::string module_text(const Case& c, const std::string& kernel);
/// The same without .version and .target, for modules of many.
std::string kernel_text(const Case& c, const std::string& kernel);

/// Runs a module's kernel over input words and returns `outputs` words, which are 0 before the launch.
Words run_words(const std::string& module, const std::string& kernel, ptx::Dim3 grid, ptx::Dim3 block, const Words& in,
                std::size_t outputs);

void expect_all(const Cases& cases);

/// Every group of cases of the program, for ptxas.
struct Group {
  std::string claim;
  Cases (*cases)();
};
std::vector<Group>& groups();
bool list(const char* claim, Cases (*cases)());
/// Whole modules of tests that make their own.
std::vector<std::string (*)()>& modules();

/// Rows for every combination of the domains' words; `model` says what must come out.
using Model = std::function<Words(const Words& in)>;
std::vector<Row> every(const std::vector<Words>& domains, const Model& model);
/// `n` rows drawn from the domains.
std::vector<Row> draw(int n, const std::vector<Words>& domains, const Model& model);
/// Rows of whole warps: the model sees the 32 inputs and gives the 32 outputs.
using WarpModel = std::function<std::vector<Words>(const std::vector<Words>& lanes)>;
std::vector<Row> warps(const std::vector<Words>& inputs, const WarpModel& model);

}  // namespace obz::opcodes

/// A claim about opcodes: a test of Opcodes, and a group for ptxas. The body returns the cases.
#define OPCODES(claim)                                                  \
  static obz::opcodes::Cases claim();                                   \
  static const bool claim##_listed = obz::opcodes::list(#claim, claim); \
  TEST(Opcodes, claim) {                                                \
    static_cast<void>(claim##_listed);                                  \
    obz::opcodes::expect_all(claim());                                  \
  }                                                                     \
  static obz::opcodes::Cases claim()
