// Tables, their units, networks as tables, sensitivities, latencies and what is robust.
#include "plan/table.hpp"

#include <cmath>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "plan/from_net.hpp"
#include "plan/problem.hpp"
#include "plan/robust.hpp"
#include "plan/sensitivity.hpp"
#include "ref/base/error.hpp"
#include "ref/quantize/simplify.hpp"
#include "ref/quantize/zoo.hpp"
#include "ref/real/float_run.hpp"

namespace obz::plan {
namespace {

using testing::HasSubstr;

std::string refusal(const std::string& text) {
  try {
    parse_table(text, "t.csv");
  } catch (const Error& e) {
    return e.what();
  }
  return "accepted";
}

TEST(PlanTable, is_read_as_spreadsheets_write_it) {
  const Table t = parse_table(
      "\xEF\xBB\xBF# a note\r\nlayer, weights, activations ,same_as,omega,\"bytes, packed\"\r\n\r\n"
      "\"a, \"\"b\"\"\",4,4,,0.5,10\r\n\"a, \"\"b\"\"\",8,8,,1e-3,20\r\nc,8,8,\"a, \"\"b\"\"\",0,1\r\nc,4,4,\"a, "
      "\"\"b\"\"\",1,2\r\n",
      "t.csv");
  ASSERT_EQ(t.layers.size(), 2U);
  EXPECT_EQ(t.columns, (std::vector<std::string>{"omega", "bytes, packed"}));
  EXPECT_EQ(t.layers[0].name, "a, \"b\"");
  EXPECT_EQ(t.layers[0].choices[0].bits, (LayerBits{8, 8})) << "most bits first";
  EXPECT_EQ(t.layers[1].same_as, t.layers[0].name);
  EXPECT_EQ(t.layers[0].choices[1].values, (std::vector<double>{0.5, 10}));
  const Table again = parse_table(table_csv(t), "again");
  EXPECT_EQ(table_csv(again), table_csv(t));
}

TEST(PlanTable, refusals_name_row_and_column) {
  const std::string head = "layer,weights,activations,omega\n";
  EXPECT_EQ(refusal(""), "t.csv: expected a heading line, got none");
  EXPECT_EQ(refusal(head), "t.csv: expected rows behind the heading, got none");
  EXPECT_EQ(refusal("layer,weights,activations\na,8,8\n"),
            "t.csv: expected a column of numbers besides layer and bits");
  EXPECT_EQ(refusal("layer,weight,activations,omega\na,8,8,1\n"),
            "t.csv: expected a column \"weights\", got layer, weight, activations, omega (did you mean \"weight\"?)");
  EXPECT_EQ(refusal(head + "a,8,8,1\na,4,4,x\n"),
            "t.csv: row 2 (line 3), column omega: expected a finite number, got \"x\"");
  EXPECT_THAT(refusal(head + "a,8,8,nan\n"), HasSubstr("row 1 (line 2), column omega: expected a finite number"));
  EXPECT_EQ(refusal(head + "a,9,8,1\n"), "t.csv: row 1 (line 2), column weights: expected 1..8 bits, got 9");
  EXPECT_THAT(refusal(head + "a,8,1.5,1\n"), HasSubstr("column activations: expected 1..8 bits, got 1.5"));
  EXPECT_EQ(refusal(head + "a,8,8\n"), "t.csv: row 1 (line 2): expected 4 cells, got 3");
  EXPECT_EQ(refusal(head + ",8,8,1\n"), "t.csv: row 1 (line 2), column layer: expected a name");
  EXPECT_THAT(refusal(head + "a,8,8,1\na,8,8,2\n"),
              HasSubstr("row 2 (line 3), column weights: layer a has the choice 8x8 twice"));
  EXPECT_EQ(refusal("layer,layer\n"), "t.csv: column layer appears twice");
  EXPECT_THAT(refusal(head + "\"a,8,8,1\n"), HasSubstr("line 2: a quote is not closed"));
  const std::string tied = "layer,weights,activations,same_as,omega\na,8,8,,1\na,4,4,,2\n";
  EXPECT_EQ(refusal(tied + "b,8,8,z,1\n"), "t.csv: layer b: same_as names \"z\": expected an earlier layer");
  EXPECT_EQ(refusal(tied + "b,8,8,b,1\n"), "t.csv: layer b: same_as names \"b\": expected an earlier layer");
  EXPECT_EQ(refusal(tied + "b,8,8,a,1\n"),
            "t.csv: layer b: expected the same choices of bits as a, which it is tied to");
}

TEST(PlanTable, numbers_become_integers_without_loss_where_60_bits_suffice) {
  const std::string head = "layer,weights,activations,";
  const Table t = parse_table(head +
                                  "small,whole,long\na,8,8,0.1,1500000000,123.45678901234568\n"
                                  "b,8,8,0.02,30,0.00123456789012345\n",
                              "t");
  EXPECT_EQ(unit_of(t, 0).digits, 2);
  EXPECT_TRUE(unit_of(t, 0).exact);
  EXPECT_EQ(unit_of(t, 0).integer(0.1) + unit_of(t, 0).integer(0.02), 12);
  EXPECT_EQ(unit_of(t, 1).digits, -1);
  EXPECT_EQ(column_total(t, 1, {0, 0}), 1500000030.0);
  EXPECT_FALSE(unit_of(t, 2).exact);
  EXPECT_EQ(unit_of(t, 2).digits, 15);
  const Table huge = parse_table(head + "x\na,8,8,1e30\na,4,4,0.5\n", "t");
  EXPECT_THROW(unit_of(huge, 0), Error) << "1e30 as 'never' would round 0.5 away";
  const Table tiny = parse_table(head + "x\na,8,8,3e-40\na,4,4,1e-41\n", "t");
  EXPECT_DOUBLE_EQ(column_total(tiny, 0, {0}), 3e-40);
}

TEST(PlanTable, a_limit_that_is_a_sum_of_the_column_holds_that_sum) {
  const Table t = parse_table("layer,weights,activations,x,omega\na,8,8,0.1,0\nb,8,8,0.2,0\n", "t");
  const Problem p =
      make_problem(t, {.objective = 1, .second = {}, .budgets = {{0, 0.3}, {0, 0.1 + 0.2}, {0, 0.29999}}});
  EXPECT_EQ(p.limits[0], 3);
  EXPECT_EQ(p.limits[1], 3);
  EXPECT_EQ(p.limits[2], 2);
}

TEST(PlanNetwork, layers_that_read_one_value_are_tied_and_the_ends_are_pinned) {
  const FloatNet net = simplify(make_zoo_net("resnet50", 1, 64));
  const Table t = table_of(net, {}, &find_machine("t4"));
  ASSERT_EQ(t.layers.size(), 54U);
  std::vector<std::string> tied;
  for (const Layer& l : t.layers) {
    if (!l.same_as.empty()) tied.push_back(l.name + " as " + l.same_as);
  }
  EXPECT_EQ(tied, (std::vector<std::string>{
                      "stage1.unit1.identity as stage1.unit1.conv1", "stage2.unit1.identity as stage2.unit1.conv1",
                      "stage3.unit1.identity as stage3.unit1.conv1", "stage4.unit1.identity as stage4.unit1.conv1"}));
  EXPECT_EQ(t.layers.front().choices.size(), 1U);
  EXPECT_EQ(t.layers.back().choices.size(), 1U);
  const Table apart = table_of(net, {.choices = {{8, 8}, {4, 8}}, .pins = {}}, nullptr);
  for (const Layer& l : apart.layers) EXPECT_EQ(l.same_as, "") << "only activations tie";
  EXPECT_THROW(table_of(net, {.pins = {{"conv1", {}}}}, nullptr), Error);
}

TEST(PlanNetwork, t4_runs_the_wider_operand_and_never_below_its_launch) {
  const Machine& t4 = find_machine("t4");
  const LayerWork work{.macs = 126'000'000, .inputs = 1000, .weights = 1000, .outputs = 1000};
  EXPECT_DOUBLE_EQ(latency_us(t4, work, {8, 8}), 22.3);
  EXPECT_DOUBLE_EQ(latency_us(t4, work, {4, 8}), 22.3);
  EXPECT_NEAR(latency_us(t4, work, {4, 4}), 2.3 + 126 / 12.4, 1e-3);
  EXPECT_DOUBLE_EQ(latency_us(t4, work, {2, 3}), latency_us(t4, work, {4, 4}));
  const LayerWork moving{.macs = 1, .inputs = 0, .weights = 0, .outputs = 238'000};
  EXPECT_DOUBLE_EQ(latency_us(t4, moving, {4, 4}), 6.3);
  EXPECT_THROW(find_machine("t5"), Error);
}

/// x -> dense (2 weights a class) -> two scores; the Hessian of its loss is known.
FloatNet tiny(float w) {
  FloatNet net{.name = "tiny", .origin = "", .values = {{"x", Shape{1, 1}}, {"y", Shape{1, 2}}}, .nodes = {}};
  net.nodes.push_back({"fc", {0}, 1, FloatDense{{Shape{2, 1}, {w, -w}}, {}}});
  net.output = 1;
  return net;
}

TEST(Sensitivity, hutchinson_gives_the_trace_of_a_known_hessian) {
  // One sample x, logits (w0 x, w1 x): H = x^2 p (1 - p) [[1, -1], [-1, 1]], Tr / n = x^2 p (1 - p).
  const float x = 1.5F, w = 0.3F;
  const Measurement on{.sample =
                           [&](std::int64_t) {
                             return FloatTensor{Shape{1, 1}, {x}};
                           },
                       .samples = 1,
                       .labels = {0}};
  const auto traces = hessian_traces(tiny(w), on, {.probes = 400, .step = 0.2, .seed = 5});
  ASSERT_EQ(traces.size(), 1U);
  const double p = 1 / (1 + std::exp(-2.0 * w * x)), want = x * x * p * (1 - p);
  EXPECT_NEAR(traces[0].mean, want, 4 * traces[0].error + 0.01 * want);
  EXPECT_GT(traces[0].error, 0);
  EXPECT_LT(traces[0].error, 0.1 * want);
}

TEST(Sensitivity, kl_is_that_of_the_softmax_and_zero_for_weights_that_are_exact) {
  const Measurement on{.sample =
                           [&](std::int64_t) {
                             return FloatTensor{Shape{1, 1}, {2.0F}};
                           },
                       .samples = 3,
                       .labels = {}};
  const auto kl = output_kl(tiny(0.7F), on, {8, 4});  // +-w are on the grid of any width
  EXPECT_NEAR(kl[0][0].mean, 0, 1e-9);
  FloatNet net = tiny(0.7F);
  std::get<FloatDense>(net.nodes[0].op) = {{Shape{1, 2}, {1.0F, 0.1F}}, {}};
  net.values = {{"x", Shape{1, 2}}, {"y", Shape{1, 1}}};
  FloatNet two = net;
  std::get<FloatDense>(two.nodes[0].op) = {{Shape{2, 2}, {1.0F, 0.1F, 0.0F, 0.5F}}, {}};
  two.values[1].shape = Shape{1, 2};
  const Measurement pair{.sample =
                             [&](std::int64_t) {
                               return FloatTensor{Shape{1, 2}, {0.0F, 1.0F}};
                             },
                         .samples = 1,
                         .labels = {}};
  // 3 bits: the first channel's scale is 1/3, so 0.1 becomes 0; the second keeps 0.5.
  const auto got = output_kl(two, pair, {3});
  const double p = 1 / (1 + std::exp(0.4)), q = 1 / (1 + std::exp(0.5));
  EXPECT_NEAR(got[0][0].mean, p * std::log(p / q) + (1 - p) * std::log((1 - p) / (1 - q)), 1e-6);
  EXPECT_NEAR(weight_error(two.nodes[0], 3), 0.01, 1e-6);
}

TEST(Sensitivity, spearman_ranks) {
  EXPECT_DOUBLE_EQ(spearman({1, 2, 3, 4}, {10, 20, 30, 1000}), 1);
  EXPECT_DOUBLE_EQ(spearman({1, 2, 3, 4}, {4, 3, 2, 1}), -1);
  EXPECT_NEAR(spearman({1, 2, 3}, {1, 3, 2}), 0.5, 1e-12);
  EXPECT_NEAR(spearman({1, 1, 2}, {1, 2, 3}), std::sqrt(3.0) / 2, 1e-12);
}

TEST(Robust, the_pessimistic_table_stands_part_of_the_way_to_the_upper_ends) {
  const std::string head = "layer,weights,activations,omega,t,t_lo,t_hi\n";
  const Table t = parse_table(head + "a,8,8,0,10,8,20\na,4,4,1,5,4,6\n", "t");
  EXPECT_EQ(interval_columns(t), (std::vector<std::size_t>{1}));
  const Table moved = pessimistic(t, 0.5);
  EXPECT_EQ(moved.layers[0].choices[0].values[1], 15);
  EXPECT_EQ(moved.layers[0].choices[1].values[1], 5.5);
  EXPECT_EQ(survival(t, {{1, 20}}, {0}, 1000, 1), 1);
  EXPECT_EQ(survival(t, {{1, 7.9}}, {0}, 1000, 1), 0);
  EXPECT_NEAR(survival(t, {{1, 14}}, {0}, 20000, 1), 0.5, 0.02);
  EXPECT_THROW(pessimistic(parse_table(head + "a,8,8,0,10,11,20\n", "t"), 1), Error);
}

}  // namespace
}  // namespace obz::plan
