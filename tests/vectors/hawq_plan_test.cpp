// Claim: all 18 budgets of HAWQ-V3 are solved to their exact optimum, and the authors' released bits are judged
// rightly.
#include <algorithm>
#include <ostream>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "plan/csv.hpp"
#include "plan/optimize.hpp"
#include "plan/reasons.hpp"
#include "ref/base/file.hpp"
#include "tests/support/shared_data.hpp"

namespace obz::plan {
namespace {

/// One row of the table of optima: budgets of one kind at three fractions between all-4 and all-8.
struct BudgetCase {
  int model;             ///< ResNet
  const char* released;  ///< column of the released bits
  const char* column;
  double part, limit, used, gain;  ///< in the authors' units
  int at_8;
};

constexpr double kMiB = 1048576, kMB = 1e6, kBops = 1.024e9, kMs = 1;

double unit_of(const BudgetCase& c) {
  const std::string column = c.column;
  if (column == "bytes") return c.model == 18 ? kMiB : kMB;
  return column == "bops" ? kBops : kMs;
}

const BudgetCase kCases[] = {
    {18, "modelsize_0.75", "bytes", 0.75, 9.310, 9.234, 1.27427, 17},
    {18, "modelsize_0.5", "bytes", 0.5, 7.980, 7.266, 1.23321, 16},
    {18, "modelsize_0.25", "bytes", 0.25, 6.650, 6.641, 1.18941, 14},
    {18, "bops_0.75", "bops", 0.75, 86.10, 84.30, 1.22775, 15},
    {18, "bops_0.5", "bops", 0.5, 66.23, 65.03, 1.09202, 10},
    {18, "bops_0.25", "bops", 0.25, 46.36, 45.76, 0.84729, 5},
    {18, "latency_0.75", "latency_ms", 0.75, 4.795, 4.706, 1.22775, 15},
    {18, "latency_0.5", "latency_ms", 0.5, 4.246, 4.220, 1.10504, 12},
    {18, "latency_0.25", "latency_ms", 0.25, 3.697, 3.615, 0.84729, 5},
    {50, "modelsize_0.75", "bytes", 0.75, 20.515, 19.907, 0.89412, 49},
    {50, "modelsize_0.5", "bytes", 0.5, 17.584, 17.547, 0.87531, 42},
    {50, "modelsize_0.25", "bytes", 0.25, 14.653, 14.598, 0.83139, 33},
    {50, "bops_0.75", "bops", 0.75, 189.82, 187.86, 0.88223, 43},
    {50, "bops_0.5", "bops", 0.5, 146.01, 145.71, 0.84990, 33},
    {50, "bops_0.25", "bops", 0.25, 102.21, 101.15, 0.75739, 17},
    {50, "latency_0.75", "latency_ms", 0.75, 10.814, 10.799, 0.88368, 44},
    {50, "latency_0.5", "latency_ms", 0.5, 9.763, 9.759, 0.85148, 32},
    {50, "latency_0.25", "latency_ms", 0.25, 8.711, 8.709, 0.76883, 18},
};

void PrintTo(const BudgetCase& c, std::ostream* to) { *to << "resnet" << c.model << " " << c.released; }

std::filesystem::path data() { return test::shared_data() / "hawq"; }

std::string text_of(const std::filesystem::path& path) { return as_text(read_file(path)); }

/// Identity convolutions have the bits of their unit's first convolution.
Table hawq_table(int model) {
  const std::string name = fmt::format("ilp_resnet{}_layers.csv", model);
  const Csv csv = parse_csv(text_of(data() / name), name);
  const auto at = [&](std::size_t row, const char* column) { return csv.number(row, csv.require_column(column)); };
  Table t{.columns = {"omega", "bytes", "bops", "latency_ms"}, .layers = {}};
  for (std::size_t r = 0; r < csv.rows.size(); ++r) {
    std::string layer = csv.rows[r].cells[csv.require_column("layer")], same_as;
    const std::size_t identity = layer.find(".identity");
    if (identity != std::string::npos) same_as = layer.substr(0, identity) + ".conv1";
    t.layers.push_back({layer, same_as, {}});
    for (const int b : {8, 4}) {
      t.layers.back().choices.push_back({{b, b},
                                         {at(r, fmt::format("omega{}", b).c_str()), at(r, "params") * b / 8,
                                          at(r, "macs") * b * b, at(r, fmt::format("latency_int{}_ms", b).c_str())}});
    }
  }
  return t;
}

struct Asked {
  Table table;
  Question question;
};

Asked ask(const BudgetCase& c) {
  Asked a{hawq_table(c.model), {}};
  const std::size_t column = *a.table.column(c.column);
  const Assignment all_4(a.table.layers.size(), 1), all_8(a.table.layers.size(), 0);
  const double lo = column_total(a.table, column, all_4), hi = column_total(a.table, column, all_8);
  a.question = {.objective = 0, .second = 1, .budgets = {{column, lo + c.part * (hi - lo)}}};
  return a;
}

class HawqBudgets : public testing::TestWithParam<BudgetCase> {};

TEST_P(HawqBudgets, are_solved_to_the_exact_optimum) {
  OBZ_REQUIRE_SHARED_DATA(data());
  const BudgetCase& c = GetParam();
  const Asked asked = ask(c);
  const Table& t = asked.table;
  ASSERT_EQ(t.layers.size(), c.model == 18 ? 19U : 52U);
  const Problem p = make_problem(t, asked.question);
  const Answer a = optimize(p);
  ASSERT_TRUE(a.best && a.proved);
  const Assignment best = to_assignment(p, *a.best, t.layers.size());
  const auto rounds_to = [](double value, double printed, double digit) {
    EXPECT_NEAR(value, printed, digit * 0.50001) << "as printed";
  };
  const std::size_t column = asked.question.budgets[0].column;
  const double digit = std::string(c.column) == "bops" ? 0.01 : 0.001;
  rounds_to(asked.question.budgets[0].limit / unit_of(c), c.limit, 2 * digit);  // the table cuts some off
  rounds_to(column_total(t, column, best) / unit_of(c), c.used, digit);
  const Assignment all_4(t.layers.size(), 1);
  rounds_to(column_total(t, 0, all_4) - column_total(t, 0, best), c.gain, 1e-5);
  EXPECT_EQ(std::count(best.begin(), best.end(), 0U), c.at_8);
  // The released bits, where they are at hand.
  const std::string name = fmt::format("bit_assignments_resnet{}.csv", c.model);
  const std::string text = text_of(data() / name);
  if (text.substr(0, text.find('\n')).find(c.released) == std::string::npos) return;
  EXPECT_EQ(parse_assignment(t, text, name, c.released), best);
  EXPECT_TRUE(compare(t, asked.question, parse_assignment(t, text, name, c.released), best).optimal);
}

INSTANTIATE_TEST_SUITE_P(Hawq, HawqBudgets, testing::ValuesIn(kCases));

TEST(HawqPlan, the_released_resnet50_small_size_is_feasible_but_one_layer_from_optimal) {
  OBZ_REQUIRE_SHARED_DATA(data());
  const Asked asked = ask(kCases[11]);
  const Problem p = make_problem(asked.table, asked.question);
  const Assignment best = to_assignment(p, *optimize(p).best, asked.table.layers.size());
  Assignment released = best;
  std::size_t layer = 0;
  while (asked.table.layers[layer].name != "stage3.unit6.conv1") ++layer;
  ASSERT_EQ(released[layer], 0U) << "8 bits in the optimum";
  released[layer] = 1;
  const Comparison c = compare(asked.table, asked.question, released, best);
  EXPECT_TRUE(c.feasible);
  EXPECT_FALSE(c.optimal);
  EXPECT_EQ(c.changes, std::vector<std::size_t>{layer});
  EXPECT_NEAR(column_total(asked.table, 1, released) / kMB, 14.467, 0.0005);
  const Assignment all_4(released.size(), 1);
  EXPECT_NEAR(column_total(asked.table, 0, all_4) - column_total(asked.table, 0, released), 0.82323, 5e-6);
}

}  // namespace
}  // namespace obz::plan
