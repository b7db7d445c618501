// Wrong kernels: every way to change one opcode, one operand or one instruction of a kernel's text, and a seeded choice
// among them.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "tests/gpu/mutants/kernel_text.hpp"

namespace obz::test {

struct Mutant {
  std::size_t line = 0;       ///< of KernelText::lines
  std::string operation;      ///< what kind of change, e.g. "add/sub"
  std::string before, after;  ///< the line, without the tabs at its ends
};

/// All mutants of one line. Other registers come from the lines before it.
std::vector<Mutant> mutants_of_line(const KernelText& kernel, std::size_t line);

/// `count` of them in each section, of different lines, the kinds of change taking turns.
std::vector<Mutant> choose_mutants(const KernelText& kernel, std::size_t count, std::uint64_t seed);

/// A convolution's main loop with the half of shared memory that slices are read from, or written to, chosen once.
std::vector<Mutant> single_buffers(const KernelText& kernel);

}  // namespace obz::test
