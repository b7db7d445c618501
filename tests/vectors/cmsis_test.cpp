// Claim: with CMSIS-NN's own multipliers, shifts and offsets the operators of ref/ give the outputs that
// CMSIS-NN's unit tests expect, bit by bit. The data stands outside the project; every case of its manifest
// has a line in the table this test prints.
#include <algorithm>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "ref/execute/naive.hpp"
#include "tests/support/shared_data.hpp"
#include "tests/vectors/cmsis_net.hpp"

// The fast executor runs the cases, too, as soon as it exists (or -DOBZ_HAS_FAST=1 says so).
#if !defined(OBZ_HAS_FAST) && __has_include("ref/execute/fast.cpp")
#define OBZ_HAS_FAST 1
#elif !defined(OBZ_HAS_FAST)
#define OBZ_HAS_FAST 0
#endif
#if OBZ_HAS_FAST
#include "ref/execute/fast.hpp"
#endif

namespace obz::test {
namespace {

std::filesystem::path folder() { return shared_data() / "vectors/cmsis-nn"; }

/// One line of the table.
struct Row {
  std::string name, operators, remark;
  bool applicable = false;
  std::string naive, fast;  ///< "ok", or what is wrong; empty: not executed
};

std::string compare(const Tensor& got, const std::vector<std::int64_t>& expected) {
  if (got.data.size() != expected.size()) return fmt::format("{} values, not {}", got.data.size(), expected.size());
  std::size_t differ = 0, first = 0;
  for (std::size_t i = expected.size(); i-- > 0;) {
    if (got.data[i] == expected[i]) continue;
    ++differ;
    first = i;
  }
  if (differ == 0) return "ok";
  return fmt::format("{} of {} values differ, first [{}]: {} instead of {}", differ, expected.size(), first,
                     got.data[first], expected[first]);
}

std::string execute(const CmsisNet& n, const NodeRunner& runner) {
  return compare(run_net(n.net, n.inputs, runner).at(0), n.expected);
}

std::string execute_naive(const CmsisNet& n) {
  return execute(n, [](const Node& node, std::span<const Tensor* const> in, Tensor& y) { run_naive(node, in, y); });
}

std::string execute_fast([[maybe_unused]] const CmsisNet& n) {
#if OBZ_HAS_FAST
  return execute(n, [&](const Node& node, std::span<const Tensor* const> in, Tensor& y) {
    prepare_fast(n.net, node)->run(in, y);
  });
#else
  return "";
#endif
}

/// "conv2d 16x8 acc64": operand widths and the accumulator, where there is one.
std::string describe(const IntNet& net, const Node& node) {
  const int x_bits = net.tensors[static_cast<std::size_t>(node.inputs[0])].type.bits;
  std::string text = fmt::format("{} {}", operator_name(node.op), x_bits);
  std::visit(
      [&](const auto& op) {
        if constexpr (requires { op.filter; }) text += fmt::format("x{}", op.filter.weights.type.bits);
        if constexpr (requires { op.groups; }) text += op.groups > 1 ? " grouped" : "";
        if constexpr (requires { op.accumulator; }) text += fmt::format(" acc{}", op.accumulator.bits);
      },
      node.op);
  return text;
}

std::string operators_of(const IntNet& net) { return net.nodes.size() > 1 ? "network" : describe(net, net.nodes[0]); }

/// What the reader should know before trusting an "ok".
std::string remark_on(const CmsisNet& n) {
  const auto [lo, hi] = std::minmax_element(n.expected.begin(), n.expected.end());
  if (n.expected.size() < 2 || *lo != *hi) return n.remark;
  const std::string vacuous = fmt::format("all {} outputs are {}", n.expected.size(), *lo);
  return n.remark.empty() ? vacuous : n.remark + "; " + vacuous;
}

Row run_case(const CmsisCase& c) {
  Row row{.name = c.name};
  try {
    const auto built = build_cmsis_net(c);
    if (const auto* no = std::get_if<NotApplicable>(&built)) {
      row.remark = no->reason;
      return row;
    }
    row.applicable = true;
    const auto& net = std::get<CmsisNet>(built);
    row.operators = operators_of(net.net);
    row.remark = remark_on(net);
    row.naive = execute_naive(net);
    row.fast = execute_fast(net);
  } catch (const std::exception& e) {
    row.applicable = true;
    row.naive = e.what();
  }
  return row;
}

void print(const std::vector<Row>& rows) {
  constexpr const char* line = "{:<51} {:<25} {:<15} {:<5} {}\n";
  fmt::print(fmt::runtime(line), "case", "operator", "ref", "fast", "remark");
  for (const Row& r : rows) {
    const std::string naive = r.applicable ? r.naive : "not applicable";
    fmt::print(fmt::runtime(line), r.name, r.operators, naive, r.fast, r.remark);
  }
}

/// All cases, executed once however many tests ask.
const std::vector<Row>& all_rows() {
  static const std::vector<Row> rows = [] {
    std::vector<Row> r;
    for (const CmsisCase& c : load_cmsis_cases(folder())) r.push_back(run_case(c));
    return r;
  }();
  return rows;
}

std::ptrdiff_t count_equal(const std::vector<Row>& rows) {
  return std::count_if(rows.begin(), rows.end(), [](const Row& r) { return r.naive == "ok"; });
}

TEST(CmsisVectors, every_case_of_a_known_operator_is_bit_exact) {
  OBZ_REQUIRE_SHARED_DATA(folder());
  const std::vector<Row>& rows = all_rows();
  print(rows);
  const auto not_ours = std::count_if(rows.begin(), rows.end(), [](const Row& r) { return !r.applicable; });
  fmt::print("{} cases: {} equal, {} not applicable{}\n", rows.size(), count_equal(rows), not_ours,
             OBZ_HAS_FAST ? "" : "; without the fast executor");
  for (const Row& r : rows) {
    if (!r.applicable) continue;
    EXPECT_EQ(r.naive, "ok") << r.name << ": ref";
    if (OBZ_HAS_FAST) {
      EXPECT_EQ(r.fast, "ok") << r.name << ": fast";
    }
  }
}

TEST(CmsisVectors, at_least_100_cases_are_executed) {
  OBZ_REQUIRE_SHARED_DATA(folder());
  EXPECT_GE(count_equal(all_rows()), 100) << "of 123 cases, 111 belong to operators we have";
}

}  // namespace
}  // namespace obz::test
