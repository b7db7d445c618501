// Claims: a fault hidden in a layer, or a profile hidden in a network, is named from outputs alone; what is seen as
// rounded reals is taken back to the integers it allows.
#include "golden/explain/explain_net.hpp"

#include <cmath>
#include <limits>

#include <gtest/gtest.h>

#include "golden/cases/synth.hpp"
#include "golden/device/run_faulty.hpp"
#include "golden/explain/explain_layer.hpp"
#include "golden/mutate/mutate.hpp"
#include "ref/base/error.hpp"
#include "ref/base/philox.hpp"
#include "ref/read/import.hpp"

namespace obz {
namespace {

/// Inputs as one array per network input.
InputSet stacked(const IntNet& net, const std::vector<std::vector<Tensor>>& samples) {
  std::vector<NpyArray> arrays;
  for (std::size_t k = 0; k < net.inputs.size(); ++k) {
    Tensor all = samples[0][k];
    for (std::size_t s = 1; s < samples.size(); ++s) {
      all.data.insert(all.data.end(), samples[s][k].data.begin(), samples[s][k].data.end());
    }
    std::vector<std::int64_t> dims(all.shape.begin(), all.shape.end());
    dims.insert(dims.begin(), static_cast<std::int64_t>(samples.size()));
    all.shape = Shape(dims);
    arrays.push_back(npy_from(all));
  }
  return InputSet(net, std::move(arrays), std::vector<std::string>(net.inputs.size(), "test"));
}

std::vector<SeenRow> seen_under(const IntNet& net, const Fault& fault,
                                const std::vector<std::vector<Tensor>>& samples) {
  std::vector<SeenRow> rows;
  for (const auto& inputs : samples) {
    const Tensor y = run_theory(net, fault, inputs)[static_cast<std::size_t>(net.outputs[0])];
    SeenRow row;
    row.lo.assign(y.data.begin(), y.data.end());
    row.hi = row.lo;
    rows.push_back(row);
  }
  return rows;
}

TEST(ExplainLayer, names_the_fault_hidden_in_a_layer) {
  struct Hidden {
    const char* op;
    const char* fault;
  };
  const Hidden cases[] = {
      {"conv2d", "bias-next"},        {"conv2d", "pad-raw-zero"},        {"conv2d", "w-pairs-swapped"},
      {"conv2d", "round-floor"},      {"conv2d", "multiplier-previous"}, {"dense", "drop-last-k"},
      {"dense", "partial-wraps-16"},  {"dense", "x-zero-point-missing"}, {"add", "1:shift-one-more"},
      {"add", "2:multiplier-8-bits"}, {"add", "operands-swapped"},       {"avgpool", "round-half-even"},
      {"avgpool", "count-all"},       {"mma", "pairs-saturate-16"},      {"mma", "output-transposed"},
      {"concat", "2:shift-one-more"}};
  for (const Hidden& h : cases) {
    const IntNet net = synthesize({.op = h.op, .conv = {1, 6, 6, 4, 4, 3, 3, 2, 1}, .activation = kInt8});
    std::vector<std::vector<Tensor>> samples;
    for (std::int64_t s = 0; s < 12; ++s) samples.push_back(random_inputs(net, Goal::corners, 8, s));
    const Fault fault = parse_fault(h.fault);
    const NetExplanation e = explain_net({{{"reference"}, net}}, net.outputs[0], stacked(net, samples),
                                         seen_under(net, fault, samples), nullptr);
    EXPECT_EQ(e.explained, e.evidence) << h.op << " " << h.fault;
    EXPECT_LT(e.reference, e.evidence) << h.op << " " << h.fault;
    EXPECT_NE(std::find(e.best.begin(), e.best.end(), NetTheory{0, fault}), e.best.end()) << h.op << " " << h.fault;
    EXPECT_LE(e.best.size(), 12U) << h.op << " " << h.fault;
  }
}

TEST(ExplainLayer, several_departures_at_once_are_named_too) {
  for (const char* sum : {"none", "pad-raw-zero"}) {
    const IntNet net = synthesize({.op = "conv2d", .conv = {1, 6, 6, 4, 4, 3, 3, 2, 1}});
    const LayerUnit unit(net);
    const Fault fault = std::string(sum) == "none" ? Fault{} : parse_fault(sum);
    Theory hidden = *theory_of(find_profile(net.profile));
    hidden.rounding = Rounding::floor;
    hidden.multiplier = MultiplierIs::rounded_16;
    std::vector<std::vector<Tensor>> samples;
    std::vector<SeenRow> seen;
    const auto& op = std::get<Conv2d>(net.nodes[0].op);
    for (std::int64_t s = 0; s < 24; ++s) {
      samples.push_back(random_inputs(net, Goal::random, 8, s));
      Tensor y(net.tensors[static_cast<std::size_t>(net.outputs[0])].shape, kInt8);
      std::vector<std::int64_t> accs;
      run_faulty(net.nodes[0], unit.operands(samples.back()), y, fault, &accs);
      SeenRow row;
      for (std::size_t i = 0; i < accs.size(); ++i) {
        const auto c = static_cast<std::int64_t>(i % 4);
        row.lo.push_back(predict(hidden, accs[i], op.requant.channel(c), op.requant.channel((c + 3) % 4), kInt8));
      }
      row.hi = row.lo;
      seen.push_back(row);
    }
    const auto e = explain_layer(net, stacked(net, samples), seen);
    ASSERT_TRUE(e);
    EXPECT_EQ(e->explained, e->observed) << sum;
    const bool named = std::any_of(e->best.begin(), e->best.end(),
                                   [&](const LayerTheory& t) { return t.sum == fault && t.requant == hidden; });
    EXPECT_TRUE(named) << sum;
  }
}

TEST(ExplainLayer, a_device_that_is_right_is_called_right) {
  const IntNet net = synthesize({.op = "conv2d", .conv = {1, 6, 6, 4, 4, 3, 3, 2, 1}});
  std::vector<std::vector<Tensor>> samples;
  for (std::int64_t s = 0; s < 6; ++s) samples.push_back(random_inputs(net, Goal::random, 8, s));
  const NetExplanation e =
      explain_net({{{"reference"}, net}}, net.outputs[0], stacked(net, samples), seen_under(net, {}, samples), nullptr);
  EXPECT_EQ(e.reference, e.evidence);
  ASSERT_FALSE(e.best.empty());
  EXPECT_EQ(e.best[0], NetTheory{});
  EXPECT_GT(e.unshown, 0) << "some faults cannot show here";
}

/// The embedded network under some profiles.
std::vector<NamedNet> digits() {
  std::vector<NamedNet> nets;
  for (const char* id : {"tflite/double", "tflite/single", "hawq-v3/exact", "onnx/mlas", "tvm/tonearest"}) {
    ImportOptions options;
    options.profile = id;
    nets.push_back({{id}, import_model(std::string(OBZ_SOURCE_DIR) + "/golden/data/digits/digits.onnx", options)});
  }
  return distinct_nets(std::move(nets));
}

TEST(ExplainNetwork, names_the_profile_and_the_fault_from_final_outputs_through_noise) {
  const std::vector<NamedNet> nets = digits();
  ASSERT_GE(nets.size(), 3U);
  const IntNet& net = nets[0].net;
  std::vector<std::vector<Tensor>> samples;
  for (std::int64_t s = 0; s < 60; ++s) samples.push_back(random_inputs(net, Goal::random, 4, s));
  const InputSet inputs = stacked(net, samples);
  for (const NetTheory hidden :
       {NetTheory{1, {}}, NetTheory{2, {}}, NetTheory{0, parse_fault("round-floor")},
        NetTheory{1, parse_fault("clamp-symmetric")}, NetTheory{0, parse_fault("bias-missing")}}) {
    std::vector<SeenRow> seen = seen_under(nets[hidden.net].net, hidden.fault, samples);
    for (const std::size_t noisy : {std::size_t{7}, std::size_t{30}}) {
      for (std::int64_t& v : seen[noisy].lo) v = 3;
      seen[noisy].hi = seen[noisy].lo;
    }
    const NetExplanation e = explain_net(nets, net.outputs[0], inputs, seen, nullptr);
    const auto differs_from_plain = [&] {
      return seen_under(nets[hidden.net].net, {}, samples)[3].lo !=
             seen_under(nets[hidden.net].net, hidden.fault, samples)[3].lo;
    };
    EXPECT_EQ(e.explained, 58) << describe(nets, hidden);
    EXPECT_EQ(e.unexplained, (std::vector<std::int64_t>{7, 30})) << describe(nets, hidden);
    const bool named = std::find(e.best.begin(), e.best.end(), hidden) != e.best.end();
    EXPECT_TRUE(named || !differs_from_plain())
        << describe(nets, hidden) << " but best is " << describe(nets, e.best[0]);
  }
}

TEST(ExplainNetwork, next_inputs_split_what_is_left) {
  const std::vector<NamedNet> nets = digits();
  const std::vector<NetTheory> alive{{0, {}}, {1, {}}, {2, {}}};
  const int output = nets[0].net.outputs[0];
  const auto next = next_inputs(nets, alive, output, 4, 1);
  ASSERT_FALSE(next.empty());
  std::vector<std::vector<std::int32_t>> answers;
  for (const NetTheory& t : alive) {
    std::vector<std::int32_t> all;
    for (const auto& inputs : next) {
      const Tensor y = run_theory(nets[t.net].net, t.fault, inputs)[static_cast<std::size_t>(output)];
      all.insert(all.end(), y.data.begin(), y.data.end());
    }
    answers.push_back(all);
  }
  EXPECT_TRUE(answers[0] != answers[1] || answers[0] != answers[2]);
}

TEST(SeenRows, of_rounded_reals_allow_exactly_the_integers_that_round_there) {
  IntNet net = synthesize({.op = "dense", .conv = {1, 1, 1, 4, 8, 1, 1, 1, 0}});
  TensorInfo& y = net.tensors[static_cast<std::size_t>(net.outputs[0])];
  for (const double scale : {1.0 / 256, 0.0007, 0.25}) {
    y.scale = scale;
    y.zero_point = -3;
    for (const int decimals : {0, 2, 3}) {
      const double unit = std::pow(10.0, -decimals);
      for (int q = -128; q <= 127; q += 5) {
        const double real = static_cast<double>(static_cast<float>(q + 3) * static_cast<float>(scale));
        const double printed = std::round(real / unit) * unit;
        NpyArray got = npy_from(FloatTensor{Shape{1, 8}, std::vector<float>(8, static_cast<float>(printed))});
        const std::vector<SeenRow> rows = seen_rows(net, net.outputs[0], got, decimals, "got.npy");
        ASSERT_EQ(rows.size(), 1U);
        EXPECT_LE(rows[0].lo[0], q);
        EXPECT_GE(rows[0].hi[0], q);
        for (const std::int64_t outside : {rows[0].lo[0] - 1, rows[0].hi[0] + 1}) {
          if (!kInt8.holds(outside)) continue;
          const double other = static_cast<double>(outside + 3) * scale;
          EXPECT_GT(std::abs(other - printed), 0.49999 * unit) << scale << " " << decimals << " " << q;
        }
      }
    }
  }
}

TEST(SeenRows, refuse_what_cannot_be_outputs) {
  const IntNet net = synthesize({.op = "dense", .conv = {1, 1, 1, 4, 8, 1, 1, 1, 0}});
  const auto floats = [](Shape shape, float v) {
    FloatTensor t{shape, std::vector<float>(static_cast<std::size_t>(shape.elems()), v)};
    return npy_from(t);
  };
  EXPECT_THROW(seen_rows(net, net.outputs[0], floats({2, 7}, 0), 3, "got.npy"), Error);
  EXPECT_THROW(seen_rows(net, net.outputs[0], floats({0, 8}, 0), 3, "got.npy"), Error);
  EXPECT_THROW(seen_rows(net, net.outputs[0], floats({1, 8}, std::numeric_limits<float>::quiet_NaN()), 3, "got.npy"),
               Error);
}

}  // namespace
}  // namespace obz
