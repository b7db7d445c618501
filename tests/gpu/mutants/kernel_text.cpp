#include "tests/gpu/mutants/kernel_text.hpp"

#include <sstream>

#include "gpu/kernels/artefact.hpp"
#include "ref/base/error.hpp"

namespace obz::test {

KernelText kernel_text(const std::string& module, const std::string& kernel, bool of_function) {
  KernelText t{.module = module, .kernel = kernel, .lines = {}};
  std::istringstream in{std::string(gpu::kernel_ptx(module))};
  bool skips = false, inside = false, function = false;
  for (std::string line; std::getline(in, line);) {
    if (line.starts_with(".visible .entry ") || line.starts_with(".func ")) {
      function = line.starts_with(".func ");
      skips = !function && line != ".visible .entry " + kernel + "(";
      inside = !skips && function == of_function;
    }
    if (!skips && !line.starts_with("//")) t.lines.push_back(line);
    if (line == "{" && inside) t.begin = t.lines.size();
    if (line == "}" && inside) t.end = t.lines.size() - 1;
    if (line == "}") skips = inside = false;
  }
  OBZ_CHECK(t.begin > 0 && t.end > t.begin);
  const std::vector<std::size_t> barriers = t.lines_with("bar.sync");
  const std::size_t third = (t.end - t.begin) / 3;
  t.loop = barriers.empty() ? t.begin + third : barriers.front();
  t.epilogue = barriers.empty() ? t.begin + 2 * third : barriers.back() + 1;
  return t;
}

std::string KernelText::with(std::size_t line, const std::string& replacement) const {
  std::string text;
  for (std::size_t i = 0; i < lines.size(); ++i) text += (i == line ? replacement : lines[i]) + '\n';
  return text;
}

std::vector<std::size_t> KernelText::lines_with(const std::string& word) const {
  std::vector<std::size_t> found;
  for (std::size_t i = begin; i < end; ++i) {
    if (lines[i].find(word) != std::string::npos) found.push_back(i);
  }
  return found;
}

}  // namespace obz::test
