// Claims: a device without a fault is the reference; complete sets show every fault that some input shows; what is
// called equivalent is.
#include "golden/mutate/mutate.hpp"

#include <algorithm>

#include <gtest/gtest.h>

#include "golden/cases/layer_requant.hpp"
#include "golden/cases/synth.hpp"
#include "golden/complete/place_sum.hpp"
#include "golden/device/fault_list.hpp"
#include "golden/device/requantizer.hpp"
#include "golden/device/run_faulty.hpp"
#include "golden/mutate/mutation_table.hpp"
#include "ref/base/error.hpp"
#include "ref/execute/naive.hpp"

namespace obz {
namespace {

/// Goes through every wire and damages none: no register of 63 bits overflows here.
constexpr Fault kHarmless{.wire = Wire::acc, .damage = Damage::wraps, .bit = 63};

std::vector<SynthSpec> specs() {
  std::vector<SynthSpec> all;
  for (const char* profile : {"tflite/double", "hawq-v3/exact", "tflite/single", "pulp-nn/shift"}) {
    if (std::none_of(profile_catalogue().begin(), profile_catalogue().end(),
                     [&](const Profile& p) { return p.id == profile; }))
      continue;
    all.push_back({.op = "conv2d", .profile = profile, .conv = {1, 6, 5, 3, 4, 3, 3, 2, 1}});
    all.push_back({.op = "depthwise", .profile = profile, .conv = {2, 5, 5, 3, 3, 3, 3, 1, 1}});
    all.push_back({.op = "dense", .profile = profile, .conv = {2, 1, 1, 9, 5, 1, 1, 1, 0}});
    all.push_back({.op = "add", .profile = profile, .conv = {1, 4, 4, 3, 1, 1, 1, 1, 0}});
    all.push_back({.op = "mul", .profile = profile, .conv = {1, 4, 4, 3, 1, 1, 1, 1, 0}});
    all.push_back({.op = "avgpool", .profile = profile, .conv = {1, 6, 6, 2, 1, 3, 3, 2, 1}});
    all.push_back({.op = "concat", .profile = profile, .conv = {1, 4, 4, 3, 1, 1, 1, 1, 0}});
    all.push_back({.op = "mma", .profile = profile, .conv = {2, 1, 1, 1, 1, 1, 1, 1, 0}});
  }
  return all;
}

TEST(Device, pipeline_without_a_fault_is_the_requantizer_of_every_profile) {
  int judged = 0;
  for (const Profile& p : profile_catalogue()) {
    ++judged;
    for (const Goal goal : {Goal::corners, Goal::random}) {
      const RequantSpace space{.profile = &p, .out = kInt8, .goal = goal, .seed = 3};
      for (std::uint64_t i = 0; i < 2000; ++i) {
        const RequantCase c = make_requant_case(space, i);
        const Lane lane{&c.channel, &c.channel, &c.channel, &c.channel};
        ASSERT_EQ(faulty_requantize(c.acc, p.recipe, lane, kInt8, kHarmless), apply_recipe(c.acc, p.recipe, c.channel))
            << p.id << " case " << i;
      }
    }
  }
  EXPECT_GT(judged, 30);
}

TEST(Device, layers_without_a_fault_are_the_reference) {
  for (const SynthSpec& spec : specs()) {
    const IntNet net = synthesize(spec);
    const LayerUnit unit(net);
    for (std::int64_t s = 0; s < 3; ++s) {
      const auto sample = unit.sample(random_inputs(net, Goal::corners, 5, s));
      Tensor got(sample.want.shape, sample.want.type);
      std::vector<std::int64_t> accs;
      run_faulty(unit.node(), unit.operands(sample.inputs), got, Fault{}, &accs);
      EXPECT_EQ(got, sample.want) << spec.op << " " << spec.profile;
      EXPECT_EQ(accs, sample.accs) << spec.op << " " << spec.profile;
      EXPECT_FALSE(unit.kills(sample, kHarmless, 0)) << spec.op << " " << spec.profile;
    }
  }
}

TEST(Faults, have_names_that_lead_back_to_them) {
  const std::vector<Fault> requant = requantizer_faults(find_profile("tflite/double").recipe, kInt8);
  EXPECT_GE(requant.size(), 300U);
  for (const SynthSpec& spec : specs()) {
    const IntNet net = synthesize(spec);
    std::vector<std::string> names;
    for (const Fault& f : layer_faults(net, net.nodes[0])) {
      EXPECT_EQ(parse_fault(name_of(f)), f) << name_of(f);
      names.push_back(name_of(f));
    }
    std::sort(names.begin(), names.end());
    EXPECT_EQ(std::adjacent_find(names.begin(), names.end()), names.end()) << spec.op << ": a fault is listed twice";
  }
  for (const char* bad :
       {"", "round", "acc-wraps-", "acc-wraps-99", "acc-wraps-0", "acc-plus-one-3", "10:round-floor"}) {
    EXPECT_THROW(parse_fault(bad), Error) << bad;
  }
}

TEST(PlaceSum, finds_every_sum_of_small_windows) {
  for (std::uint64_t seed = 0; seed < 40; ++seed) {
    CaseRandom rng(seed, 0);
    std::vector<Tap> taps;
    for (int t = 0; t < 3; ++t) taps.push_back({rng.between(-3, 3), 0});
    std::vector<bool> reachable(200, false);
    for (int a = -4; a <= 4; ++a)
      for (int b = -4; b <= 4; ++b)
        for (int c = -4; c <= 4; ++c) {
          reachable[static_cast<std::size_t>(100 + taps[0].weight * a + taps[1].weight * b + taps[2].weight * c)] =
              true;
        }
    for (int target = -40; target <= 40; ++target) {
      std::vector<std::int64_t> values{0, 1, -1};
      const bool found = place_sum(taps, values, -4, 4, target, rng);
      ASSERT_EQ(found, reachable[static_cast<std::size_t>(100 + target)]) << seed << " " << target;
      if (!found) continue;
      std::int64_t sum = 0;
      for (std::size_t t = 0; t < 3; ++t) {
        sum += taps[t].weight * values[t];
        ASSERT_TRUE(values[t] >= -4 && values[t] <= 4);
      }
      ASSERT_EQ(sum, target);
    }
  }
}

TEST(CompleteInputs, stand_on_both_sides_of_every_step_of_every_channel) {
  for (const char* op : {"conv2d", "dense"}) {
    const IntNet net = synthesize({.op = op, .profile = "tflite/double", .conv = {1, 6, 6, 4, 3, 3, 3, 2, 1}});
    const LayerUnit unit(net);
    const CompleteInputs complete = complete_inputs(net, 1);
    std::vector<std::vector<std::int64_t>> seen(3);
    for (const auto& inputs : complete.samples) {
      const auto s = unit.sample(inputs);
      for (std::size_t i = 0; i < s.accs.size(); ++i) seen[i % 3].push_back(s.accs[i]);
    }
    const auto requant = layer_requant(net, net.nodes[0]);
    ASSERT_TRUE(requant);
    std::int64_t steps = 0, missed = 0;
    for (std::size_t c = 0; c < 3; ++c) {
      std::sort(seen[c].begin(), seen[c].end());
      const Staircase stairs = staircase(requant->recipe, requant->channels[c], requant->ranges[c]);
      for (const Step& step : stairs.steps) {
        ++steps;
        missed += std::binary_search(seen[c].begin(), seen[c].end(), step.at) &&
                          std::binary_search(seen[c].begin(), seen[c].end(), step.at - 1)
                      ? 0
                      : 1;
      }
    }
    EXPECT_GT(steps, 300) << op;
    EXPECT_EQ(missed, 0) << op << " of " << steps;
    // Next to the ends of the range there are accumulators that no input makes.
    EXPECT_GE(complete.certificate.visited, complete.certificate.wanted * 99 / 100) << op;
  }
}

/// The fate of every fault under the complete set.
std::vector<MutantResult> run_complete(const IntNet& net, std::size_t every = 1) {
  const LayerUnit unit(net);
  const CompleteInputs complete = complete_inputs(net, 1);
  std::vector<LayerUnit::Sample> samples;
  for (const auto& inputs : complete.samples) samples.push_back(unit.sample(inputs));
  std::vector<Fault> faults, all = layer_faults(net, net.nodes[0]);
  for (std::size_t i = 0; i < all.size(); i += every) faults.push_back(all[i]);
  return mutate(unit, samples, complete, faults, 1, nullptr);
}

void expect_all_shown(const std::vector<MutantResult>& results, const std::string& what, std::size_t planted) {
  EXPECT_GE(results.size(), planted) << what;
  for (const MutantResult& r : results) {
    EXPECT_TRUE(r.fate == Fate::killed || r.fate == Fate::equivalent)
        << what << ": " << name_of(r.fault) << " " << r.why;
  }
}

TEST(Mutation, complete_sets_show_every_fault_of_a_requantizer) {
  for (const char* id :
       {"tflite/double", "hawq-v3/exact", "tflite/single", "hawq-v3/tvm", "vela/truncate", "qnnpack/precise"}) {
    const Profile& p = find_profile(id);
    RequantUnit unit = seeded_unit(p, kInt8, 4, 7);
    for (AccRange& r : unit.ranges) r = {-(1 << 15), (1 << 15) - 1};
    const auto results = mutate(unit, complete_cases(unit, p), requantizer_faults(unit.recipe, unit.out), nullptr);
    expect_all_shown(results, id, 500);
    EXPECT_LT(score_of(results).equivalent, static_cast<std::int64_t>(results.size()) * 2 / 3) << id;
  }
}

TEST(Mutation, complete_sets_show_every_fault_of_add) {
  expect_all_shown(run_complete(synthesize({.op = "add", .conv = {1, 16, 16, 16, 1, 1, 1, 1, 0}}), 3), "add", 600);
}

TEST(Mutation, complete_sets_show_every_fault_of_concat) {
  expect_all_shown(run_complete(synthesize({.op = "concat", .conv = {1, 4, 4, 8, 1, 1, 1, 1, 0}}), 2), "concat", 500);
}

TEST(Mutation, complete_sets_show_every_fault_of_average_pooling) {
  for (const char* profile : {"tflite/double", "hawq-v3/exact"}) {
    expect_all_shown(
        run_complete(synthesize({.op = "avgpool", .profile = profile, .conv = {1, 6, 6, 8, 1, 3, 3, 2, 1}})), profile,
        300);
  }
}

TEST(Mutation, complete_sets_show_every_fault_of_mma_int4) {
  expect_all_shown(run_complete(synthesize(
                       {.op = "mma", .conv = {16, 1, 1, 1, 1, 1, 1, 1, 0}, .activation = kInt4, .weight = kInt4})),
                   "mma int4", 300);
}

TEST(Mutation, complete_sets_show_every_fault_of_mma_int8) {
  // Every seventh fault: the set has 17,000 tiles.
  expect_all_shown(run_complete(synthesize({.op = "mma", .conv = {64, 1, 1, 1, 1, 1, 1, 1, 0}}), 7), "mma int8", 50);
}

TEST(Mutation, complete_sets_show_every_fault_of_conv2d) {
  expect_all_shown(run_complete(synthesize({.op = "conv2d", .conv = {1, 5, 5, 3, 3, 3, 3, 2, 1}}), 2), "conv2d", 450);
}

TEST(Mutation, devices_that_answer_a_constant_never_pass) {
  for (const SynthSpec& spec : specs()) {
    const IntNet net = synthesize(spec);
    const LayerUnit unit(net);
    const auto sample = unit.sample(random_inputs(net, Goal::random, 2, 0));
    for (const Quirk q : {Quirk::output_zero, Quirk::output_zero_point, Quirk::output_minimum}) {
      EXPECT_TRUE(unit.kills(sample, {.quirk = q}, 0)) << spec.op << " " << spec.profile;
    }
  }
}

TEST(Mutation, what_is_proved_equivalent_is_shown_by_no_input_at_all) {
  // Two-bit activations: every input of these layers can be asked.
  for (const char* op : {"dense", "conv2d"}) {
    SynthSpec spec{.op = op, .profile = "tflite/double", .seed = 3};
    spec.conv = std::string(op) == "dense" ? std::array<std::int64_t, 9>{1, 1, 1, 5, 3, 1, 1, 1, 0}
                                           : std::array<std::int64_t, 9>{1, 2, 3, 1, 2, 2, 2, 1, 1};
    spec.activation = IntType{2, true};
    spec.weight = kInt4;
    spec.out = kInt4;
    const IntNet net = synthesize(spec);
    const LayerUnit unit(net);
    const auto inputs = net.tensors[static_cast<std::size_t>(net.inputs[0])].shape.elems();
    std::vector<LayerUnit::Sample> every;
    for (std::int64_t n = 0; n < std::int64_t{1} << (2 * inputs); ++n) {
      Tensor x(net.tensors[static_cast<std::size_t>(net.inputs[0])].shape, spec.activation);
      for (std::int64_t i = 0; i < inputs; ++i)
        x.data[static_cast<std::size_t>(i)] = static_cast<std::int32_t>((n >> (2 * i)) % 4 - 2);
      every.push_back(unit.sample({x}));
    }
    int equivalent = 0, shown = 0;
    for (const MutantResult& r : run_complete(net)) {
      const bool any =
          std::any_of(every.begin(), every.end(), [&](const auto& s) { return unit.kills(s, r.fault, 0); });
      if (r.fate == Fate::equivalent) {
        ++equivalent;
        EXPECT_FALSE(any) << op << ": " << name_of(r.fault) << ", proof: " << r.why;
      } else if (r.fate == Fate::killed) {
        ++shown;
        EXPECT_TRUE(any) << op << ": " << name_of(r.fault);
      }
    }
    EXPECT_GT(equivalent, 100) << op;
    EXPECT_GT(shown, 200) << op;
  }
}

}  // namespace
}  // namespace obz
