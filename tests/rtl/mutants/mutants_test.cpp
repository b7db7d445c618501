// Claim: the complete vectors of requantization, addition, pools, concatenation and matrix products, and a few whole
// layers, notice every mutant of mutants.txt. What is compared is what the unchanged RTL does, cycles included; that it
// does the right thing is the claim of other tests.
#include <map>
#include <optional>
#include <random>
#include <stdexcept>
#include <variant>

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <rtl_mutants.hpp>

#include "accel/layer_device.hpp"
#include "accel/lower.hpp"
#include "accel/unit_jobs.hpp"
#include "golden/cases/synth.hpp"
#include "golden/complete/complete.hpp"
#include "golden/complete/complete_layer.hpp"
#include "ref/execute/naive.hpp"
#include "rtl/harness/layer_unit.hpp"
#include "rtl/harness/units.hpp"
#include "tests/execute/random_layers.hpp"

namespace {
int mutant = 0;  ///< 0: none
}

/// Asked by the mutated RTL.
extern "C" int obz_mutant() { return mutant; }

namespace obz {
namespace {

/// A device that never ends is a mutant that was noticed.
struct Endless : std::runtime_error {
  using std::runtime_error::runtime_error;
};

struct Observed {
  std::vector<std::int64_t> values;
  std::int64_t cycles = 0;

  friend bool operator==(const Observed&, const Observed&) = default;
};

/// Something to run, and what the unchanged RTL makes of it.
struct Stimulus {
  std::string name;
  std::function<Observed(std::int64_t most_cycles)> run;
  Observed want;
};

std::function<bool()> ends_after(std::int64_t cycles) {
  return [left = cycles]() mutable {
    if (--left < 0) throw Endless("");
    return false;
  };
}

/// Now and then a pause, always the same ones.
std::function<bool()> pausing(std::int64_t most) {
  return [most, random = std::mt19937(3)]() mutable {
    if (--most < 0) throw Endless("");
    return random() % 5 == 0;
  };
}

Observed of_layer(const accel::LayerProgram& program, std::int64_t most) {
  rtl::LayerUnit unit;
  const accel::LayerRun run = accel::run_program(unit, program, nullptr, ends_after(most));
  return {{run.y.begin(), run.y.begin() + program.y_bytes()}, run.cycles.run};
}

Observed of_units(const LayerJob& job, std::int64_t most) {
  rtl::Units units;
  const LayerResult result = accel::run_on_units(units, job, pausing(most));
  return {{result.output.data.begin(), result.output.data.end()}, result.cycles.value()};
}

/// A complete set of a requantizer, as a rescale with a channel a lane.
Observed of_cases(const Recipe& recipe, const std::vector<RequantCase>& cases, std::int64_t most) {
  rtl::Units units;
  Observed seen;
  std::size_t at = 0;
  const auto source = [&](accel::ScaleBeat& beat) {
    if (at >= cases.size()) return false;
    for (std::size_t i = 0; i < accel::kUnitLanes; ++i) {
      const RequantCase& c = cases[std::min(at + i, cases.size() - 1)];
      beat.x[i] = static_cast<std::int32_t>(c.acc);
      beat.channels[i] = &c.channel;
    }
    at += accel::kUnitLanes;
    return true;
  };
  const accel::ScaleSetting setting{.recipe = recipe};
  seen.cycles = accel::stream(
      units, setting, source, [&](const accel::Lanes& y) { seen.values.insert(seen.values.end(), y.begin(), y.end()); },
      pausing(most));
  return seen;
}

class Vectors {
 public:
  Vectors() {
    requantizers();
    short_words();
    for (const char* id : {"tflite/double", "hawq-v3/exact", "qnnpack/q31", "pulp-nn/floor"}) {
      for (const char* op : {"add", "avgpool", "concat", "rescale"}) complete(op, id);
    }
    subtractions();
    pools();
    products();
    layers();
    for (Stimulus& s : all_) s.want = s.run(4'000'000);
  }

  /// The first stimulus that notices the mutant that is set. Those that noticed one before are asked first: few of them
  /// notice most.
  std::optional<std::string> notice() {
    for (auto s = all_.begin(); s != all_.end(); ++s) {
      try {
        if (s->run(2 * s->want.cycles + 1000) == s->want) continue;
      } catch (const Endless&) {
      }
      std::rotate(all_.begin(), s, s + 1);
      return all_.front().name;
    }
    return std::nullopt;
  }

 private:
  void add(std::string name, std::function<Observed(std::int64_t)> run) {
    all_.push_back({std::move(name), std::move(run), {}});
  }

  void requantizers() {
    for (const Profile& profile : profile_catalogue()) {
      const Recipe& r = profile.recipe;
      if (r.arithmetic != Arithmetic::dyadic || r.zero_point == ZeroPointAt::before_rounding) continue;
      if (r.clamp == ClampAt::before_rounding) continue;
      std::vector<Channel> channels;
      Certificate certificate;
      const RequantSpace space{.profile = &profile, .out = kInt8, .goal = Goal::random, .seed = 62};
      for (std::uint64_t i = 0; i < 8; ++i) channels.push_back(draw_channel(space, i));
      auto cases = complete_cases(profile, channels, {-(1 << 20), 1 << 20}, certificate);
      const RequantSpace corners{.profile = &profile, .out = kInt8, .goal = Goal::corners, .seed = 63};
      for (std::uint64_t i = 0; i < 400; ++i) {
        const RequantCase c = make_requant_case(corners, i);
        if (kInt32.holds(c.acc)) cases.push_back(c);
      }
      add(std::string("requant ") + std::string(profile.id),
          [&profile, cases](std::int64_t most) { return of_cases(profile.recipe, cases, most); });
    }
  }

  /// Registers of a few bits, whose rails come out.
  void short_words() {
    for (const std::uint8_t first_bits : std::initializer_list<std::uint8_t>{0, 3}) {
      for (const Overflow overflow : {Overflow::wrap, Overflow::saturate}) {
        const Recipe recipe{.rounding = Rounding::half_even,
                            .first_bits = first_bits,
                            .first_rounding = Rounding::half_up,
                            .scaled_bits = 5,
                            .scaled_overflow = overflow};
        std::vector<RequantCase> cases;
        for (int acc = -64; acc < 64; ++acc) {
          for (int shift = 0; shift < 6; ++shift) cases.push_back({acc, {.multiplier = 3, .shift = shift}});
        }
        add("short words", [recipe, cases](std::int64_t most) { return of_cases(recipe, cases, most); });
      }
    }
  }

  void on_units(std::string name, std::shared_ptr<const IntNet> net,
                std::shared_ptr<const std::vector<Tensor>> inputs) {
    add(std::move(name), [net, inputs](std::int64_t most) {
      LayerJob job{net.get(), &net->nodes[0], {}, &net->tensors[static_cast<std::size_t>(net->nodes[0].outputs[0])]};
      for (const Tensor& t : *inputs) job.inputs.push_back(&t);
      return of_units(job, most);
    });
  }

  void complete_of(const std::string& name, IntNet layer) {
    const auto net = std::make_shared<const IntNet>(std::move(layer));
    const CompleteInputs inputs = complete_inputs(*net, 1);
    for (std::size_t s = 0; s < std::min<std::size_t>(2, inputs.samples.size()); ++s) {
      on_units(name, net, std::make_shared<const std::vector<Tensor>>(inputs.samples[s]));
    }
  }

  void complete(const char* op, const char* id) {
    const bool pool = std::string(op) == "avgpool";
    SynthSpec spec{.op = op, .profile = id, .conv = {1, 8, 8, 16, 16, 3, 3, 1, 1}};
    if (!pool) spec.activation = spec.out = IntType{6, true};
    try {
      complete_of(std::string(op) + " " + id, synthesize(spec));
    } catch (const Error&) {  // a profile without this operator
    }
  }

  void subtractions() {
    const Profile& p = find_profile("tflite/double");
    const Add op = fill_add(p, {0.11F, 5, kInt8}, {0.31F, -9, kInt8}, {.scale = 0.43F, .type = kInt8}, true, "sub");
    on_units("subtract", testing::single("sub", op, {{Shape{1, 400}, kInt8}, {Shape{1, 400}, kInt8}}, kInt8));
  }

  void pools() {
    for (const Rounding rounding :
         {Rounding::floor, Rounding::trunc, Rounding::half_up, Rounding::half_away, Rounding::half_even}) {
      for (const int kernel : {2, 3}) {
        AvgPool op{.kernel_h = kernel, .kernel_w = kernel, .rounding = rounding};
        op.window = {.stride_h = 1, .stride_w = 1, .pad_top = 1, .pad_left = 1};
        on_units("average", testing::single("avg_pool", op, {{Shape{1, 10, 10, 8}, kInt8}}, kInt8));
      }
    }
    Mean mean{.axes = Shape{1, 2}, .x_zero_point = 7};
    fill_mean(find_profile("tflite/double"), mean, 9, 0.3F, {.scale = 0.2F, .zero_point = -3}, "mean");
    on_units("mean", testing::single("mean", mean, {{Shape{1, 3, 3, 8}, kInt8}}, kInt8));
    MaxPool largest{.kernel_h = 2, .kernel_w = 2, .lo = -5, .hi = 90};
    on_units("max", testing::single("max_pool", largest, {{Shape{1, 9, 9, 8}, kInt8}}, kInt8));
  }
  void on_units(std::string name, IntNet layer) {
    const std::vector<Tensor> inputs = random_inputs(layer, Goal::corners, 1, 0);
    on_units(std::move(name), std::make_shared<const IntNet>(std::move(layer)),
             std::make_shared<const std::vector<Tensor>>(inputs));
  }

  void on_layer(const std::string& name, const IntNet& net, const std::vector<Tensor>& inputs) {
    LayerJob job{&net, &net.nodes[0], {}, &net.tensors[static_cast<std::size_t>(net.nodes[0].outputs[0])]};
    for (const Tensor& t : inputs) job.inputs.push_back(&t);
    const auto programs = std::get<std::vector<accel::LayerProgram>>(accel::lower(job));
    for (const accel::LayerProgram& program : programs) {
      add(name, [program](std::int64_t most) { return of_layer(program, most); });
    }
  }

  /// Complete matrix products of all lanes and signs; bits against bits, and clamping, which no layer asks for.
  void products() {
    for (const int w : {1, 2, 4, 8, 16}) {
      for (const int a : {1, 2, 4, 8, 16}) {
        SynthSpec spec{.op = "mma", .conv = {1, 8, 1, 128, 8, 1, 1, 1, 0}};
        spec.profile = "hawq-v3/exact";
        spec.weight = {static_cast<std::uint8_t>(w), w > 1 && a != 4};
        spec.activation = {static_cast<std::uint8_t>(a), a > 1 && w != 4};
        const IntNet net = synthesize(spec);
        const std::string name = fmt::format("mma {}x{}", w, a);
        const bool narrow = w <= 8 && a <= 8 && w + a <= 12;
        if (narrow) on_layer(name, net, complete_inputs(net, 1).samples.at(0));
        on_layer(name + " corners", net, random_inputs(net, Goal::corners, 1, 0));
      }
    }
    const IntNet net = synthesize({.op = "mma", .profile = "hawq-v3/exact", .conv = {1, 8, 1, 128, 8, 1, 1, 1, 0}});
    const std::vector<Tensor> inputs = random_inputs(net, Goal::corners, 2, 0);
    LayerJob job{&net, &net.nodes[0], {}, &net.tensors[static_cast<std::size_t>(net.nodes[0].outputs[0])]};
    for (const Tensor& t : inputs) job.inputs.push_back(&t);
    accel::LayerProgram bits = std::get<std::vector<accel::LayerProgram>>(accel::lower(job)).at(0);
    bits.a_lane = bits.b_lane = 0;
    bits.y_lane = 5;
    bits.y_stride = 32;
    bits.recipe = {};
    for (Channel& c : bits.tiles[0].channels) c = {.lo = kInt32.min(), .hi = kInt32.max()};
    add("xor.popc", [bits](std::int64_t most) { return of_layer(bits, most); });
    accel::LayerProgram signed_bits = bits;
    signed_bits.a_lane = 3;
    add("signed bits", [signed_bits](std::int64_t most) { return of_layer(signed_bits, most); });
    // The largest products of 16 bits, often enough to leave 32 bits in either direction.
    accel::LayerProgram clamped = bits;
    clamped.a_lane = clamped.b_lane = 4;
    clamped.satfinite = true;
    for (std::size_t i = 0; i < clamped.x.size(); ++i) clamped.x[i].bits.fill(i % 2 == 0 ? 0x7FFF7FFF : 0x80008000);
    for (accel::WeightWord& word : clamped.w) {
      for (accel::Word128& column : word.columns) column.bits.fill(0x7FFF7FFF);
    }
    add("satfinite", [clamped](std::int64_t most) { return of_layer(clamped, most); });
  }

  void layers() {
    testing::Random random(5);
    const Profile& p = find_profile("tflite/single");
    int found = 0;
    while (found < 14) {
      const auto make = found % 4 == 3 ? testing::random_dense : testing::random_conv;
      const IntNet net = testing::draw(random, [&](testing::Random& r) { return make(r, p); });
      const std::vector<Tensor> inputs = random_inputs(net, Goal::corners, 1, found);
      LayerJob job{&net, &net.nodes[0], {}, &net.tensors[static_cast<std::size_t>(net.nodes[0].outputs[0])]};
      for (const Tensor& t : inputs) job.inputs.push_back(&t);
      constexpr std::int64_t most_outputs = 3000;
      if (net.tensors.back().shape.elems() > most_outputs || !accel::refusal(job).empty()) continue;
      on_layer(fmt::format("layer {}", found++), net, inputs);
    }
    // More than one block of channels, groups that begin within a word, dilation.
    SynthSpec wide{.op = "conv2d", .conv = {2, 5, 5, 20, 90, 1, 1, 1, 0}};
    const IntNet net = synthesize(wide);
    on_layer("90 channels", net, random_inputs(net, Goal::random, 1, 0));
    IntNet grouped = synthesize({.op = "depthwise", .conv = {1, 7, 7, 40, 40, 3, 3, 1, 1}});
    std::get<Conv2d>(grouped.nodes[0].op).window.dilation_h = 2;
    std::get<Conv2d>(grouped.nodes[0].op).window.pad_top = std::get<Conv2d>(grouped.nodes[0].op).window.pad_bottom = 2;
    on_layer("depthwise", grouped, random_inputs(grouped, Goal::random, 1, 0));
  }

  std::vector<Stimulus> all_;
};

TEST(RtlMutants, are_all_noticed) {
  Vectors vectors;
  ASSERT_FALSE(vectors.notice()) << "the unchanged RTL does not repeat itself";
  int noticed = 0;
  for (const RtlMutant& m : kRtlMutants) {
    ++mutant;
    const auto by = vectors.notice();
    if (by) ++noticed;
    EXPECT_TRUE(by) << m.file << ": " << m.name;
    RecordProperty(fmt::format("{}", mutant), fmt::format("{}: {} - {}", m.file, m.name, by.value_or("NOT NOTICED")));
  }
  mutant = 0;
  EXPECT_GE(noticed, 60);
}

}  // namespace
}  // namespace obz
