// The PTX in the checkout is what its sources compile to, and the assembler for the T4 spills nothing of it.
#include "gpu/kernels/artefact.hpp"

#include <algorithm>
#include <filesystem>
#include <optional>
#include <regex>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "gpu/ptx/module.hpp"
#include "ref/base/error.hpp"
#include "tests/support/run_obz.hpp"

namespace obz {
namespace {

using test::shell;
using test::TempDir;

/// The tool's command: from PATH, or where CUDA is usually installed.
std::optional<std::string> cuda_tool(const std::string& name) {
  for (const std::string& command : {name, "/usr/local/cuda/bin/" + name}) {
    if (shell("command -v " + command).exit_code == 0) return command;
  }
  return std::nullopt;
}

/// "V13.0.88": the release that a tool or the head of a PTX file names.
std::string release_of(const std::string& text) {
  std::smatch found;
  return std::regex_search(text, found, std::regex(R"(\bV\d+\.\d+\.\d+)")) ? found.str() : "none";
}

int count_of(const std::string& text, const std::string& word) {
  int count = 0;
  for (std::size_t at = 0; (at = text.find(word, at)) != std::string::npos; at += word.size()) ++count;
  return count;
}

TEST(Artefact, every_source_is_a_module) {
  std::vector<std::string> sources;
  for (const auto& entry : std::filesystem::directory_iterator(OBZ_SOURCE_DIR "/gpu/kernels")) {
    if (entry.path().extension() == ".cu") sources.push_back(entry.path().stem());
  }
  std::vector<std::string> modules;
  for (const std::string_view name : gpu::kernel_modules()) modules.emplace_back(name);
  std::sort(sources.begin(), sources.end());
  std::sort(modules.begin(), modules.end());
  EXPECT_EQ(modules, sources);
}

TEST(Artefact, every_module_is_ptx_for_sm_75_with_kernels_that_run_here) {
  for (const std::string_view name : gpu::kernel_modules()) {
    const std::string_view text = gpu::kernel_ptx(name);
    EXPECT_NE(text.find(".target sm_75\n"), std::string_view::npos) << name;
    EXPECT_NE(text.find(".version 7.7\n"), std::string_view::npos) << name << ": for drivers since CUDA 11.7";
    const ptx::Module module = ptx::parse_module(text, std::string(name));
    EXPECT_FALSE(ptx::kernel_names(module).empty()) << name;
    for (const std::string& kernel : ptx::kernel_names(module)) {
      EXPECT_EQ(ptx::kernel_info(module, kernel).refusal, "") << name << " " << kernel;
    }
  }
}

TEST(Artefact, an_unknown_module_is_refused_with_the_list) {
  const std::string message = test::message_of<Error>([] { gpu::kernel_ptx("layer"); });
  EXPECT_EQ(message.rfind("kernel module \"layer\": expected one of ", 0), 0U) << message;
  EXPECT_NE(message.find("layers"), std::string::npos) << message;
}

TEST(Artefact, is_not_older_than_its_sources) {
  const auto said = shell("cmake -P " OBZ_SOURCE_DIR "/gpu/kernels/sources_hash.cmake");
  ASSERT_EQ(said.exit_code, 0) << said.err;
  for (const std::string_view name : gpu::kernel_modules()) {
    const std::string_view text = gpu::kernel_ptx(name);
    constexpr std::string_view mark = "// Sources: ";
    const std::size_t at = text.rfind(mark);
    ASSERT_NE(at, std::string_view::npos) << name;
    const std::string_view hash = text.substr(at + mark.size(), 64);
    EXPECT_NE(said.err.find(fmt::format("{} {}\n", name, hash)), std::string::npos)
        << name << ".ptx is older than its sources: build the target ptx_artefact, which needs nvcc";
  }
}

TEST(Artefact, is_what_the_sources_compile_to) {
  const auto nvcc = cuda_tool("nvcc");
  if (!nvcc) GTEST_SKIP() << "no nvcc";
  const std::string here = release_of(shell(*nvcc + " --version").out);
  for (const std::string_view name : gpu::kernel_modules()) {
    const std::string written = release_of(std::string(gpu::kernel_ptx(name).substr(0, 1000)));
    if (written != here) GTEST_SKIP() << name << ".ptx was written by nvcc " << written << ", here is " << here;
  }
  const TempDir dir;
  const auto compiled = shell("cmake -DNVCC=" + *nvcc + " -DOUTPUT=" + dir.path().string() +
                              " -P " OBZ_SOURCE_DIR "/gpu/kernels/compile.cmake");
  ASSERT_EQ(compiled.exit_code, 0) << compiled.err;
  for (const std::string_view name : gpu::kernel_modules()) {
    const std::string now = test::slurp(dir / (std::string(name) + ".ptx"));
    EXPECT_TRUE(now == gpu::kernel_ptx(name))
        << name << ".ptx is older than its sources: build the target ptx_artefact";
  }
}

TEST(Artefact, the_assembler_spills_nothing) {
  const auto ptxas = cuda_tool("ptxas");
  if (!ptxas) GTEST_SKIP() << "no ptxas";
  const TempDir dir;
  for (const std::string_view name : gpu::kernel_modules()) {
    const std::string file = OBZ_SOURCE_DIR "/gpu/kernels/ptx/" + std::string(name) + ".ptx";
    const auto assembled = shell(*ptxas + " -arch=sm_75 -v " + file + " -o " + (dir / "cubin").string());
    ASSERT_EQ(assembled.exit_code, 0) << name << ": " << assembled.err;
    const std::string said = assembled.out + assembled.err;
    const int functions = count_of(said, "bytes spill stores");
    EXPECT_GE(functions, count_of(std::string(gpu::kernel_ptx(name)), ".visible .entry ")) << said;
    EXPECT_EQ(count_of(said, " 0 bytes spill stores, 0 bytes spill loads"), functions) << said;
  }
}

}  // namespace
}  // namespace obz
