// The trials of mutants/layers.hpp tell every wrong kernel from the right one: seeded changes of single opcodes,
// operands and instructions of the compiled text, every barrier removed, and the double buffer made single.
#include <map>
#include <set>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "gpu/kernels/artefact.hpp"
#include "tests/gpu/mutants/equivalent.hpp"
#include "tests/gpu/mutants/judge.hpp"

namespace obz::test {
namespace {

using ::testing::HasSubstr;

struct Target {
  const char *module, *kernel;
  std::uint64_t seed;
  bool of_function = false;  ///< mutants of the function that the kernel calls
};

void PrintTo(const Target& t, std::ostream* out) { *out << t.kernel << (t.of_function ? "'s function" : ""); }

class GpuMutants : public ::testing::TestWithParam<Target> {};

constexpr std::size_t kOfEachSection = 6;

TEST_P(GpuMutants, are_caught_or_equivalent_for_a_stated_reason) {
  const Target target = GetParam();
  const KernelText kernel = kernel_text(target.module, target.kernel, target.of_function);
  const Judge judge(kernel, trials_for(target.kernel));
  std::map<Verdict, int> verdicts;
  const std::vector<Mutant> mutants = choose_mutants(kernel, kOfEachSection, target.seed);
  for (const Mutant& m : mutants) {
    const Verdict verdict = judge.judge(m).verdict;
    ++verdicts[verdict];
    const Equivalent* reason = equivalent(kernel, m);
    EXPECT_NE(verdict, Verdict::unreached) << "no trial executes line " << m.line + 1 << ": " << m.before;
    if (verdict == Verdict::survives) {
      EXPECT_NE(reason, nullptr) << "survives, line " << m.line + 1 << " of the cut text, " << m.operation << ":\n  "
                                 << m.before << "\n  " << m.after;
    } else {
      EXPECT_EQ(reason, nullptr) << "called equivalent (" << reason->why << "), but caught: " << m.before << " -> "
                                 << m.after;
    }
  }
  EXPECT_EQ(mutants.size(), 3 * kOfEachSection);
  for (const auto& [verdict, name] : {std::pair{Verdict::different, "different"},
                                      {Verdict::fault, "fault"},
                                      {Verdict::error, "error"},
                                      {Verdict::survives, "equivalent"}}) {
    RecordProperty(name, verdicts[verdict]);
  }
  fmt::print("{}: {} mutants, {} another output, {} fault, {} error, {} equivalent\n", target.kernel, mutants.size(),
             verdicts[Verdict::different], verdicts[Verdict::fault], verdicts[Verdict::error],
             verdicts[Verdict::survives]);
}

constexpr Target kTargets[] = {{"conv8", "conv_s8_large", 1},
                               {"conv8", "conv_s8_medium", 2},
                               {"conv8", "conv_s8_stem", 3},
                               {"conv4", "conv_u4_medium", 4},
                               {"conv16s", "conv_s_2x2_medium", 5},
                               {"conv1", "conv_planes_2x1", 6},
                               {"direct", "depthwise", 7},
                               {"layers", "add", 8},
                               {"layers", "avg_pool", 9},
                               {"requant", "requantize_cases", 10},
                               {"requant", "requantize_cases", 11, true},
                               {"movement", "move", 12},
                               {"pointwise", "pair", 13},
                               {"pointwise", "lookup", 14},
                               {"pointwise", "threshold", 15},
                               {"softmax", "softmax_rows", 16}};

INSTANTIATE_TEST_SUITE_P(Kernels, GpuMutants, ::testing::ValuesIn(kTargets), [](const auto& i) {
  return std::string(i.param.kernel) + (i.param.of_function ? "_function" : "");
});

TEST(GpuMutants, every_reason_is_needed) {
  std::set<const Equivalent*> needed;
  for (const Target& target : kTargets) {
    const KernelText kernel = kernel_text(target.module, target.kernel, target.of_function);
    for (const Mutant& m : choose_mutants(kernel, kOfEachSection, target.seed)) needed.insert(equivalent(kernel, m));
  }
  for (const Equivalent& e : equivalents())
    EXPECT_EQ(needed.count(&e), 1U) << "stale: " << e.kernel << ", " << e.change << ": " << e.why;
}

/// Every kernel of the modules that have barriers.
std::vector<std::pair<std::string, std::string>> kernels_with_barriers() {
  std::vector<std::pair<std::string, std::string>> list;
  for (const char* module : {"conv8", "conv4", "conv16s", "conv16u", "conv1"}) {
    const ptx::Module parsed = ptx::parse_module(gpu::kernel_ptx(module), module);
    for (const std::string& kernel : ptx::kernel_names(parsed)) list.emplace_back(module, kernel);
  }
  return list;
}

TEST(GpuBarriers, without_any_one_there_is_a_race) {
  int removed = 0;
  for (const auto& [module, name] : kernels_with_barriers()) {
    const KernelText kernel = kernel_text(module, name);
    const Trial deep = deep_trial(name);
    ASSERT_EQ(race_of(kernel, kernel.text(), deep), "") << name;
    for (const char* barrier : {"bar.sync", "bar.warp.sync"}) {
      const std::vector<std::size_t> lines = kernel.lines_with(barrier);
      EXPECT_EQ(lines.size(), 2U) << name;
      for (const std::size_t line : lines) {
        EXPECT_THAT(race_of(kernel, kernel.with(line, ""), deep), HasSubstr(": race on shared byte"))
            << name << ", line " << line + 1 << ", " << barrier;
        ++removed;
      }
    }
  }
  EXPECT_EQ(removed, 35 * 4);
}

TEST(GpuBarriers, a_single_buffer_is_a_race) {
  int changed = 0;
  for (const auto& [module, name] : kernels_with_barriers()) {
    const KernelText kernel = kernel_text(module, name);
    const Trial deep = deep_trial(name);
    for (const Mutant& m : single_buffers(kernel)) {
      EXPECT_THAT(race_of(kernel, kernel.with(m.line, m.after), deep), HasSubstr(": race on shared byte"))
          << name << ": " << m.before << " -> " << m.after;
      ++changed;
    }
  }
  EXPECT_EQ(changed, 35 * 4);
}

}  // namespace
}  // namespace obz::test
