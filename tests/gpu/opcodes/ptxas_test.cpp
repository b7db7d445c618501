// A snippet that the vendor's assembler refuses is no PTX, and what it would prove is nothing.
#include <cstdlib>
#include <fstream>
#include <map>

#include <fmt/format.h>

#include "tests/gpu/opcodes/harness.hpp"
#include "tests/support/temp_dir.hpp"

namespace obz::opcodes {
namespace {

/// "" when there is none.
std::string ptxas() {
  for (const std::string path : {"ptxas", "/usr/local/cuda/bin/ptxas"}) {
    if (std::system(fmt::format("{} --version >/dev/null 2>&1", path).c_str()) == 0) return path;
  }
  return "";
}

std::string assemble(const std::string& tool, const std::filesystem::path& folder, int sm, const std::string& module) {
  const std::string source = folder / "all.ptx", log = folder / "log";
  std::ofstream(source) << module;
  const std::string command = fmt::format("{} -O0 -arch=sm_{} {} -o /dev/null >{} 2>&1", tool, sm, source, log);
  if (std::system(command.c_str()) == 0) return "";
  std::ifstream in(log);
  return {std::istreambuf_iterator<char>(in), {}};
}

}  // namespace

TEST(Opcodes, ptxas_accepts_every_snippet) {
  const std::string tool = ptxas();
  if (tool.empty()) GTEST_SKIP() << "ptxas is not installed";
  const test::TempDir folder;
  ASSERT_GT(groups().size(), 30u);
  std::map<int, std::string> kernels;
  int number = 0;
  for (const Group& group : groups()) {
    for (const Case& c : group.cases()) kernels[c.sm] += kernel_text(c, fmt::format("k{}", number++));
  }
  EXPECT_GT(number, 900);
  for (const auto& [sm, text] : kernels) {
    const std::string head = fmt::format(".version 8.0\n.target sm_{}\n.address_size 64\n", sm);
    EXPECT_EQ(assemble(tool, folder.path(), sm, head + text), "");
  }
  for (const auto& module : modules()) EXPECT_EQ(assemble(tool, folder.path(), 75, module()), "");
}

}  // namespace obz::opcodes
