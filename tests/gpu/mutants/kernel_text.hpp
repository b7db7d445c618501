// The text of one kernel, cut from its module so that a mutant is read in milliseconds.
#pragma once

#include <string>
#include <vector>

namespace obz::test {

/// Parts of a kernel's text: kernels without barriers have no loop of their own, theirs are thirds.
enum class Section { prologue, loop, epilogue };

struct KernelText {
  std::string module, kernel;
  std::vector<std::string> lines;  ///< the module's head, the functions it declares, and this one entry

  /// The first line of the body and the line behind it, both of `lines`.
  std::size_t begin = 0, end = 0;
  std::size_t loop = 0, epilogue = 0;  ///< first lines of these sections

  Section section_of(std::size_t line) const {
    return line < loop ? Section::prologue : line < epilogue ? Section::loop : Section::epilogue;
  }
  /// The text with one line replaced; lines keep their numbers.
  std::string with(std::size_t line, const std::string& replacement) const;
  std::string text() const { return with(lines.size(), ""); }

  std::vector<std::size_t> lines_with(const std::string& word) const;
};

/// `of_function`: the body is that of the one function the kernel calls, not its own.
KernelText kernel_text(const std::string& module, const std::string& kernel, bool of_function = false);

}  // namespace obz::test
