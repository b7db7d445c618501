// One file, as every claim is judged on the same 200 failures.
// Claims: what shrinks still fails and is small; a reproducer is valid in its language, computes the reference's value
// and ends with 1. Judged on 200 seeded failures of wrong engines.
#include "golden/shrink/shrink.hpp"

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "golden/cases/synth.hpp"
#include "golden/sets/vector_set.hpp"
#include "golden/shrink/reproducer.hpp"
#include "ref/arith/apply.hpp"
#include "ref/base/error.hpp"
#include "ref/base/file.hpp"
#include "ref/base/philox.hpp"
#include "ref/execute/naive.hpp"
#include "tests/execute/random_layers.hpp"
#include "tests/support/run_obz.hpp"

namespace obz {
namespace {

using ::testing::HasSubstr;

enum class Mistake : std::uint8_t {
  rounding,          ///< another mode in the last stage
  shift_off_by_one,  ///< half the scale
  bias_dropped,
  neighbour_channel,  ///< the multiplier of the next channel
  zero_point_ignored,
  acc_of_16_bits,
  last_term_dropped,
  clamp_ignored,  ///< the output register wraps
  sign_lost,      ///< of the weights
  padding_with_zero,
};
constexpr Mistake kMistakes[] = {Mistake::rounding,          Mistake::shift_off_by_one,   Mistake::bias_dropped,
                                 Mistake::neighbour_channel, Mistake::zero_point_ignored, Mistake::acc_of_16_bits,
                                 Mistake::last_term_dropped, Mistake::clamp_ignored,      Mistake::sign_lost,
                                 Mistake::padding_with_zero};

void wrong_channel(Mistake m, Recipe& r, Channel& c) {
  if (m == Mistake::rounding)
    r.rounding =
        r.rounding == Rounding::half_up || r.rounding == Rounding::half_away ? Rounding::floor : Rounding::half_up;
  if (m == Mistake::shift_off_by_one) {
    c.shift = std::min(c.shift + 1, 63);
    c.scale /= 2;
  }
  if (m == Mistake::clamp_ignored) {
    c.lo = -(1 << 20);
    c.hi = 1 << 20;
  }
}

/// x with its padding written out as 0, whatever the zero point.
void pad_with_zero(Conv2d& op, Tensor& x) {
  const View4 in(x.shape, op.layout);
  Window& w = op.window;
  Tensor padded(shape4(op.layout, in.n, in.h + w.pad_top + w.pad_bottom, in.w + w.pad_left + w.pad_right, in.c),
                x.type);
  const View4 out(padded.shape, op.layout);
  for (std::int64_t n = 0; n < in.n; ++n)
    for (std::int64_t h = 0; h < in.h; ++h)
      for (std::int64_t v = 0; v < in.w; ++v)
        for (std::int64_t c = 0; c < in.c; ++c)
          padded.data[out.at(n, h + w.pad_top, v + w.pad_left, c)] = x.data[in.at(n, h, v, c)];
  x = padded;
  w.pad_top = w.pad_bottom = w.pad_left = w.pad_right = 0;
}

/// Runs the reference on an altered copy of the layer.
class WrongEngine final : public Engine {
 public:
  explicit WrongEngine(Mistake m) : mistake_(m) {}
  std::string name() const override { return "wrong"; }
  Support supports(const LayerJob&) const override { return {}; }
  Support supports(const RequantJob&) const override { return {}; }

  LayerResult run(const LayerJob& job) override {
    Node node = *job.node;
    std::vector<Tensor> inputs;
    for (const Tensor* t : job.inputs) inputs.push_back(*t);
    std::visit([&](auto& op) { alter(op, inputs); }, node.op);
    std::vector<const Tensor*> in;
    for (const Tensor& t : inputs) in.push_back(&t);
    LayerResult result{Tensor(job.output->shape, job.output->type), std::nullopt};
    run_naive(node, in, result.output);
    if (mistake_ == Mistake::clamp_ignored) {
      for (std::int32_t& v : result.output.data) v = static_cast<std::int32_t>(wrap(v, job.output->type.bits));
    }
    return result;
  }
  std::vector<std::int64_t> run(const RequantJob& job) override {
    std::vector<std::int64_t> out;
    for (const RequantCase& rc : job.cases) {
      Recipe r = job.recipe;
      RequantCase c = rc;
      wrong_channel(mistake_, r, c.channel);
      if (mistake_ == Mistake::zero_point_ignored) c.channel.zero_point = 0;
      if (mistake_ == Mistake::acc_of_16_bits) c.acc = wrap(c.acc, 16);
      if (mistake_ == Mistake::sign_lost) c.acc = std::abs(c.acc);
      const std::int64_t v = apply_recipe(c.acc, r, c.channel);
      out.push_back(mistake_ == Mistake::clamp_ignored ? wrap(v, job.out.bits) : v);
    }
    return out;
  }

 private:
  template <class Op>
  void alter(Op& op, std::vector<Tensor>& inputs) const {
    if constexpr (requires { op.accumulator; }) {
      if (mistake_ == Mistake::acc_of_16_bits) op.accumulator = {16, Overflow::wrap};
    }
    if constexpr (requires { op.requant; }) alter_requant(op.requant);
    if constexpr (requires { op.out; }) alter_requant(op.out);
    if constexpr (requires { op.x_zero_point; }) {
      if (mistake_ == Mistake::zero_point_ignored) op.x_zero_point = 0;
    }
    if constexpr (requires { op.a_zero_point; }) {
      if (mistake_ == Mistake::zero_point_ignored) op.a_zero_point = 0;
    }
    if constexpr (requires { op.filter; }) alter_filter(op.filter);
    if constexpr (std::is_same_v<Op, Conv2d>) {
      if (mistake_ == Mistake::padding_with_zero) pad_with_zero(op, inputs[0]);
    }
    if constexpr (std::is_same_v<Op, MatMul>) {
      if (mistake_ == Mistake::last_term_dropped && inputs[1].shape[inputs[1].shape.rank() - 1] > 1) {
        const auto depth = static_cast<std::size_t>(inputs[1].shape[inputs[1].shape.rank() - 1]);
        for (std::size_t i = depth - 1; i < inputs[1].data.size(); i += depth)
          inputs[1].data[i] = static_cast<std::int32_t>(op.b_zero_points[0]);
      }
      if (mistake_ == Mistake::sign_lost)
        for (std::int32_t& v : inputs[1].data) v = std::abs(v);
    }
    if constexpr (std::is_same_v<Op, AvgPool>) {
      if (mistake_ == Mistake::rounding)
        op.rounding = op.rounding == Rounding::trunc ? Rounding::half_up : Rounding::trunc;
    }
  }
  void alter_requant(Requant& r) const {
    for (Channel& c : r.channels) {
      Recipe recipe = r.recipe;
      wrong_channel(mistake_, recipe, c);
    }
    Channel unused;
    wrong_channel(mistake_, r.recipe, unused);
    if (mistake_ == Mistake::neighbour_channel) {
      const std::vector<Channel> was = r.channels;
      for (std::size_t i = 0; i < was.size(); ++i) {
        r.channels[i].multiplier = was[(i + 1) % was.size()].multiplier;
        r.channels[i].scale = was[(i + 1) % was.size()].scale;
      }
    }
  }
  void alter_filter(Filter& f) const {
    if (mistake_ == Mistake::bias_dropped) f.bias.clear();
    if (mistake_ == Mistake::sign_lost)
      for (std::int32_t& v : f.weights.data)
        v = static_cast<std::int32_t>(std::min<std::int64_t>(std::abs(v), f.weights.type.max()));
    if (mistake_ == Mistake::last_term_dropped) {
      const auto row = static_cast<std::size_t>(f.weights.elems() / f.out_channels());
      for (std::size_t i = row - 1; i < f.weights.data.size(); i += row)
        f.weights.data[i] = static_cast<std::int32_t>(f.zero_point_of(static_cast<std::int64_t>(i / row)));
    }
  }

  Mistake mistake_;
};

/// One seeded failure, reduced. Either a layer or a requantization.
struct Found {
  std::string what;
  Mistake mistake{};
  std::int64_t outputs_before = 1;
  std::optional<Shrunk> layer;
  std::optional<ShrunkRequant> requant;

  std::int64_t want() const { return requant ? requant->want : layer->want.data[layer->first_difference()]; }
  std::int64_t got() const { return requant ? requant->got : layer->got.data[layer->first_difference()]; }
  std::int64_t outputs() const { return requant ? 1 : layer->want.elems(); }
  std::int64_t activations() const { return requant ? 1 : layer->layer.activations(); }
  Program program() const { return requant ? program_of(*requant) : program_of(*layer); }
};

constexpr const char* kOps[] = {"conv2d", "depthwise", "dense", "mma", "add", "mul", "avgpool", "requant"};

std::optional<Found> draw(std::uint64_t seed) {
  CaseRandom rng(seed, 77);
  const auto pick = [&](const auto& list) { return list[rng.bits32() % std::size(list)]; };
  Found f;
  const std::string op = kOps[seed % std::size(kOps)],
                    profile(profile_catalogue()[rng.bits32() % profile_catalogue().size()].id);
  f.mistake = pick(kMistakes);
  f.what = fmt::format("seed {}: {} by {}, mistake {}", seed, op, profile, static_cast<int>(f.mistake));
  WrongEngine engine(f.mistake);
  if (op == "requant") {
    const RequantSpace space{.profile = &find_profile(profile), .out = kInt8, .goal = Goal::corners, .seed = seed};
    std::vector<RequantCase> cases;
    for (std::uint64_t i = 0; i < 64; ++i) cases.push_back(make_requant_case(space, i));
    f.requant = shrink(*space.profile, kInt8, cases, engine);
    if (!f.requant) return std::nullopt;
    return f;
  }
  SynthSpec spec{.op = op, .profile = profile, .seed = seed};
  const auto one_of = [&](std::initializer_list<std::int64_t> l) { return std::data(l)[rng.bits32() % l.size()]; };
  spec.conv = {one_of({1, 2}), one_of({4, 6, 7}), one_of({4, 5}), one_of({4, 8}), one_of({4, 6}),
               one_of({1, 3}), one_of({3, 2}),    one_of({1, 2}), one_of({0, 1})};
  IntNet net;
  try {
    net = synthesize(spec);
  } catch (const Error&) {
    return std::nullopt;  // this profile has no such layer
  }
  f.layer = shrink(extract_layer(net, 0), random_inputs(net, Goal::random, seed, 0), engine);
  if (!f.layer) return std::nullopt;  // the mistake does not show
  f.outputs_before = net.tensors[static_cast<std::size_t>(net.outputs[0])].shape.elems();
  return f;
}

constexpr std::size_t kFailures = 200;

/// The first 200 seeds whose mistake shows.
const std::vector<Found>& failures() {
  static const std::vector<Found> all = [] {
    std::vector<Found> list;
    for (std::uint64_t seed = 1; list.size() < kFailures; ++seed) {
      if (auto f = draw(seed)) list.push_back(std::move(*f));
    }
    return list;
  }();
  return all;
}

template <class F>
std::int64_t median_of(F&& f) {
  std::vector<std::int64_t> v;
  for (const Found& found : failures()) v.push_back(f(found));
  std::nth_element(v.begin(), v.begin() + static_cast<std::ptrdiff_t>(v.size() / 2), v.end());
  return v[v.size() / 2];
}

bool has_tool(const char* name) { return test::shell(std::string("command -v ") + name).exit_code == 0; }

void write_text(const std::filesystem::path& path, const std::string& text) { write_file(path, as_bytes(text)); }

/// "expected 6, device answered 7" per line of output that starts so.
std::vector<std::string> verdicts(const std::string& out) {
  std::vector<std::string> lines;
  for (std::size_t at = 0; at < out.size();) {
    const std::size_t end = std::min(out.find('\n', at), out.size());
    if (out.compare(at, 9, "expected ") == 0) lines.push_back(out.substr(at, end - at));
    at = end + 1;
  }
  return lines;
}
/// Runs f0.py ... in one interpreter; each must exit with 1. Their verdicts.
std::vector<std::string> run_python_files(const test::TempDir& dir, std::size_t count) {
  write_text(dir / "all.py", fmt::format("import runpy, sys\n"
                                         "for i in range({}):\n"
                                         "    try:\n"
                                         "        runpy.run_path(f\"f{{i}}.py\")\n"
                                         "    except SystemExit as e:\n"
                                         "        assert e.code == 1, i\n"
                                         "    else:\n"
                                         "        assert False, i\n",
                                         count));
  const auto r = test::shell("cd " + dir.path().string() + " && python3 all.py");
  EXPECT_EQ(r.exit_code, 0) << r.err;
  return verdicts(r.out);
}
std::string verdict(const Found& f) { return fmt::format("expected {}, device answered {}", f.want(), f.got()); }

TEST(Shrink, what_it_returns_still_fails_and_is_the_reference_against_the_engine) {
  for (const Found& f : failures()) {
    WrongEngine engine(f.mistake);
    if (f.requant) {
      const RequantCase& c = f.requant->reduced;
      const Profile& p = *f.requant->profile;
      ASSERT_EQ(apply_recipe(c.acc, p.recipe, c.channel), f.want()) << f.what;
      ASSERT_EQ(engine.run(RequantJob{&p, p.recipe, f.requant->out, {&c, 1}})[0], f.got()) << f.what;
      ASSERT_TRUE(in_domain(p, c)) << f.what;
    } else {
      LayerCase c = f.layer->layer;
      settle(c);
      LayerJob job{&c.net, &c.node(), {}, &c.output()};
      for (const Tensor& t : c.inputs) job.inputs.push_back(&t);
      Tensor want(c.output().shape, c.output().type);
      run_naive(c.node(), job.inputs, want);
      ASSERT_EQ(want, f.layer->want) << f.what;
      ASSERT_EQ(engine.run(job).output, f.layer->got) << f.what;
    }
    ASSERT_NE(f.want(), f.got()) << f.what;
  }
}

TEST(Shrink, the_median_failure_is_one_output_of_at_most_8_inputs) {
  EXPECT_EQ(median_of([](const Found& f) { return f.outputs(); }), 1);
  EXPECT_LE(median_of([](const Found& f) { return f.activations(); }), 8);
  std::map<std::int64_t, int> outputs, activations;
  std::int64_t most_runs = 0;
  for (const Found& f : failures()) {
    ++outputs[f.outputs()];
    ++activations[f.activations()];
    most_runs = std::max(most_runs, f.requant ? f.requant->runs : f.layer->runs);
    EXPECT_LE(f.outputs(), f.mistake == Mistake::neighbour_channel ? 2 : 1) << f.what;
    EXPECT_LE(f.activations(), 6) << f.what;
    EXPECT_TRUE(f.requant ? f.requant->complete : f.layer->complete) << f.what;
  }
  RecordProperty("most_runs", std::to_string(most_runs));
  for (const auto& [n, count] : outputs) RecordProperty(fmt::format("failures_of_{}_outputs", n), count);
  for (const auto& [n, count] : activations) RecordProperty(fmt::format("failures_of_{}_activations", n), count);
}

TEST(Shrink, is_deterministic) {
  for (std::uint64_t seed = 1; seed < 40; ++seed) {
    const auto a = draw(seed), b = draw(seed);
    ASSERT_EQ(a.has_value(), b.has_value());
    if (!a) continue;
    ASSERT_EQ(reproducer(a->program(), ReproducerLanguage::python, "f"),
              reproducer(b->program(), ReproducerLanguage::python, "f"));
  }
}

TEST(Shrink, an_engine_that_is_right_has_nothing_to_shrink) {
  const IntNet net = synthesize({.op = "conv2d"});
  for (const char* name : {"ref", "fast"}) {
    const auto engine = make_engine(name);
    EXPECT_FALSE(shrink(extract_layer(net, 0), random_inputs(net, Goal::random, 1, 0), *engine)) << name;
  }
}

TEST(Shrink, ends_within_the_runs_allowed_and_says_so) {
  const IntNet net = synthesize({.op = "conv2d"});
  WrongEngine engine(Mistake::shift_off_by_one);
  const auto s = shrink(extract_layer(net, 0), random_inputs(net, Goal::random, 1, 0), engine, {.most_runs = 10});
  ASSERT_TRUE(s);
  EXPECT_LE(s->runs, 10);
  EXPECT_FALSE(s->complete);
  EXPECT_NE(s->want, s->got);
}

/// Prepares a node once and knows it by its address, as compiled engines do; drops a bias.
class PreparingEngine final : public Engine {
 public:
  std::string name() const override { return "preparing"; }
  void forget() override { prepared_.clear(); }
  Support supports(const LayerJob&) const override { return {}; }
  LayerResult run(const LayerJob& job) override {
    const auto [at, fresh] = prepared_.emplace(job.node, *job.node);
    if (fresh) std::get<Dense>(at->second.op).filter.bias.clear();
    OBZ_CHECK(std::get<Dense>(at->second.op).filter.weights.shape ==
              std::get<Dense>(job.node->op).filter.weights.shape);
    LayerResult result{Tensor(job.output->shape, job.output->type), std::nullopt};
    run_naive(at->second, job.inputs, result.output);
    return result;
  }

 private:
  std::map<const Node*, Node> prepared_;
};

TEST(Shrink, engines_that_prepare_layers_are_told_to_forget_them) {
  const IntNet net = synthesize({.op = "dense", .conv = {4, 1, 1, 32, 8, 1, 1, 1, 0}});
  PreparingEngine engine;
  const auto s = shrink(extract_layer(net, 0), random_inputs(net, Goal::random, 1, 0), engine);
  ASSERT_TRUE(s);
  EXPECT_EQ(s->want.elems(), 1);
  EXPECT_EQ(s->layer.activations(), 1);
}

/// Answers wrong from the second case on.
class RememberingEngine final : public Engine {
 public:
  std::string name() const override { return "remembering"; }
  Support supports(const RequantJob&) const override { return {}; }
  std::vector<std::int64_t> run(const RequantJob& job) override {
    std::vector<std::int64_t> out;
    for (const RequantCase& c : job.cases)
      out.push_back(apply_recipe(c.acc, job.recipe, c.channel) + (out.empty() ? 0 : 1));
    return out;
  }
};

TEST(Shrink, a_device_that_remembers_is_not_reduced_to_a_case_that_passes) {
  const RequantSpace space{.profile = &find_profile("tflite/double")};
  const std::vector<RequantCase> cases{make_requant_case(space, 0), make_requant_case(space, 1),
                                       make_requant_case(space, 2)};
  RememberingEngine engine;
  const auto s = shrink(*space.profile, kInt8, cases, engine);
  ASSERT_TRUE(s);
  EXPECT_FALSE(s->alone);
  EXPECT_EQ(s->reduced, cases[1]);
  EXPECT_THAT(reproducer(program_of(*s), ReproducerLanguage::python, "f"), HasSubstr("only after the cases before it"));
}

TEST(Reproducer, in_cpp_all_200_compile_without_warnings_show_the_reference_and_return_1) {
  if (!has_tool("g++")) GTEST_SKIP() << "skipped: no g++";
  const test::TempDir dir;
  // One program of 200: each file in its own namespace, its main under another name.
  std::string all = "#include <cmath>\n#include <cstdint>\n#include <cstdio>\n#define main reproducer_main\n", calls;
  for (std::size_t i = 0; i < failures().size(); ++i) {
    write_text(dir / fmt::format("f{}.cpp", i),
               reproducer(failures()[i].program(), ReproducerLanguage::cpp, fmt::format("f{}", i)));
    all += fmt::format("namespace n{0} {{\n#include \"f{0}.cpp\"\n}}\n", i);
    calls += fmt::format("  if (n{}::reproducer_main() != 1) return 2;\n", i);
  }
  write_text(dir / "all.cpp", all + "#undef main\nint main() {\n" + calls + "  return 0;\n}\n");
  const auto built = test::shell("cd " + dir.path().string() + " && g++ -std=c++17 -Wall -Werror all.cpp -o all");
  ASSERT_EQ(built.exit_code, 0) << built.err;
  const auto r = test::shell((dir / "all").string());
  EXPECT_EQ(r.exit_code, 0) << r.err;
  const std::vector<std::string> lines = verdicts(r.out);
  ASSERT_EQ(lines.size(), failures().size());
  for (std::size_t i = 0; i < lines.size(); ++i) EXPECT_EQ(lines[i], verdict(failures()[i])) << failures()[i].what;
}

TEST(Reproducer, in_python_all_200_show_the_reference_and_exit_with_1) {
  if (!has_tool("python3")) GTEST_SKIP() << "skipped: no python3";
  const test::TempDir dir;
  for (std::size_t i = 0; i < failures().size(); ++i)
    write_text(dir / fmt::format("f{}.py", i),
               reproducer(failures()[i].program(), ReproducerLanguage::python, fmt::format("f{}", i)));
  const std::vector<std::string> lines = run_python_files(dir, failures().size());
  ASSERT_EQ(lines.size(), failures().size());
  for (std::size_t i = 0; i < lines.size(); ++i) EXPECT_EQ(lines[i], verdict(failures()[i])) << failures()[i].what;
}

/// `text` with every `from` replaced.
std::string replaced(std::string text, const std::string& from, const std::string& to) {
  for (std::size_t at = 0; (at = text.find(from, at)) != std::string::npos; at += to.size())
    text.replace(at, from.size(), to);
  return text;
}

TEST(Reproducer, in_systemverilog_all_without_floats_pass_verilator_with_every_warning) {
  if (!has_tool("verilator")) GTEST_SKIP() << "skipped: no verilator";
  const test::TempDir dir;
  std::string all, elaborated, instances;
  int files = 0;
  for (std::size_t i = 0; i < failures().size(); ++i) {
    const Program p = failures()[i].program();
    if (p.has_floats()) {
      const std::string said = test::message_of<Error>([&] { reproducer(p, ReproducerLanguage::systemverilog, "f"); });
      EXPECT_THAT(said, HasSubstr("SystemVerilog has no float")) << failures()[i].what;
      continue;
    }
    const std::string text = reproducer(p, ReproducerLanguage::systemverilog, fmt::format("f{}", i));
    all += text;
    // Its numbers are constants, so its value is one, once nothing is displayed on the way.
    elaborated += replaced(
        replaced(text, "    $display(\"  ", "    // ("), "endmodule\n",
        fmt::format("  if (reference_value() != {}) $error(\"not {}\");\nendmodule\n", p.expected, p.expected));
    instances += fmt::format("  f{0} i{0}();\n", i);
    ++files;
  }
  EXPECT_GT(files, 100);
  const std::string top = "module all;\n" + instances + "endmodule\n";
  write_text(dir / "all.sv", all + top);
  write_text(dir / "elaborated.sv", elaborated + top);
  const std::string lint = "cd " + dir.path().string() + " && verilator --lint-only --top-module all ";
  const auto strict = test::shell(lint + "-Wall all.sv");
  EXPECT_EQ(strict.exit_code, 0) << strict.err;
  const auto values = test::shell(lint + "elaborated.sv");
  EXPECT_EQ(values.exit_code, 0) << values.err;
}

TEST(Reproducer, in_systemverilog_simulated_they_show_the_reference) {
  if (!has_tool("verilator") || !has_tool("make") || !has_tool("g++"))
    GTEST_SKIP() << "skipped: no verilator, make or g++";
  const test::TempDir dir;
  // Ten of them in one simulation: none of them ends it, each says who it is.
  std::string all, instances;
  std::vector<std::size_t> which;
  for (std::size_t i = 0; i < failures().size() && which.size() < 10; ++i) {
    const Program p = failures()[i].program();
    if (p.has_floats()) continue;
    std::string text = reproducer(p, ReproducerLanguage::systemverilog, fmt::format("f{}", i));
    text = replaced(std::move(text), "$fatal(1, \"they differ\")", "$display(\"differs\")");
    text = replaced(std::move(text), "    $finish;\n", "");
    all += replaced(std::move(text), "$display(\"expected", fmt::format("$display(\"{}: expected", i));
    instances += fmt::format("  f{0} i{0}();\n", i);
    which.push_back(i);
  }
  write_text(dir / "all.sv", all + "module all;\n" + instances + "  initial #1 $finish;\nendmodule\n");
  const std::string cache =
      has_tool("ccache") ? "OBJCACHE=ccache " : "";  // Verilator's own runtime is most of the work
  const auto r = test::shell("cd " + dir.path().string() + " && " + cache +
                             "verilator --binary --timing -MAKEFLAGS 'OPT_FAST=-O0 OPT_SLOW=-O0 OPT_GLOBAL=-O0' "
                             "--top-module all all.sv >build.log && ./obj_dir/Vall");
  ASSERT_EQ(r.exit_code, 0) << r.err;
  for (const std::size_t i : which)
    EXPECT_THAT(r.out, HasSubstr(fmt::format("{}: {}\n", i, verdict(failures()[i])))) << failures()[i].what;
}

/// A case that a wrong device gets wrong, in every language with the user's own unit in its place.
ShrunkRequant some_case() {
  const RequantSpace space{.profile = &find_profile("tflite/double")};
  std::vector<RequantCase> cases;
  for (std::uint64_t i = 0; i < 64; ++i) cases.push_back(make_requant_case(space, i));
  WrongEngine engine(Mistake::shift_off_by_one);
  return *shrink(*space.profile, kInt8, cases, engine);
}

/// Odd outputs come out one larger: a mistake that every operator can make.
class OddEngine final : public Engine {
 public:
  std::string name() const override { return "odd"; }
  Support supports(const LayerJob&) const override { return {}; }
  LayerResult run(const LayerJob& job) override {
    LayerResult result{Tensor(job.output->shape, job.output->type), std::nullopt};
    run_naive(*job.node, job.inputs, result.output);
    for (std::int32_t& v : result.output.data) v += v % 2 != 0 ? 1 : 0;
    return result;
  }
};

TEST(Shrink, takes_every_operator_and_a_reproducer_shows_the_reference_of_those_it_knows) {
  if (!has_tool("python3")) GTEST_SKIP() << "skipped: no python3";
  const test::TempDir dir;
  using Maker = IntNet (*)(testing::Random&, const Profile&);
  const Maker makers[] = {testing::random_conv, testing::random_dense,     testing::random_matmul,
                          testing::random_add,  testing::random_mul,       testing::random_rescale,
                          testing::random_mean, testing::random_concat,    testing::random_max_pool,
                          testing::random_pad,  testing::random_threshold, testing::random_min_max};
  std::vector<std::string> expected, names;
  std::map<std::string, int> without;
  for (std::uint64_t seed = 0; seed < 600; ++seed) {
    testing::Random random(seed + 1);
    const Profile& profile = profile_catalogue()[seed * 7 % profile_catalogue().size()];
    IntNet net;
    try {
      net = makers[seed % std::size(makers)](random, profile);
    } catch (const Error&) {
      continue;
    }
    const std::string what = fmt::format("seed {}: {} by {}", seed, operator_name(net.nodes[0].op), profile.id);
    std::vector<Tensor> inputs;
    for (const int i : net.nodes[0].inputs) {
      const TensorInfo& info = net.tensors[static_cast<std::size_t>(i)];
      inputs.push_back(testing::random_tensor(random, info.shape, info.type));
    }
    OddEngine odd;
    WrongEngine wrong(kMistakes[seed / std::size(makers) % std::size(kMistakes)]);
    Engine& engine = seed % 2 == 0 ? static_cast<Engine&>(odd) : wrong;
    const auto s = shrink(net, inputs, engine);
    if (!s) continue;
    ASSERT_NE(s->want, s->got) << what;
    if (s->has_cuts && &engine == &odd) EXPECT_EQ(s->want.elems(), 1) << what;
    std::string text;
    try {
      text = reproducer(program_of(*s), ReproducerLanguage::python, "f");
    } catch (const Error& e) {
      EXPECT_THAT(e.what(), HasSubstr("no reproducer is written for the operator")) << what;
      ++without[std::string(operator_name(net.nodes[0].op))];
      continue;
    }
    const std::size_t at = s->first_difference();
    write_text(dir / fmt::format("f{}.py", names.size()), text);
    expected.push_back(fmt::format("expected {}, device answered {}", s->want.data[at], s->got.data[at]));
    names.push_back(what);
  }
  EXPECT_GT(names.size(), 200U);
  for (const auto& [op, count] : without) {
    EXPECT_THAT((std::vector<std::string>{"max_pool", "pad", "threshold", "min_max"}), ::testing::Contains(op))
        << count;
  }
  const std::vector<std::string> lines = run_python_files(dir, names.size());
  ASSERT_EQ(lines.size(), expected.size());
  for (std::size_t i = 0; i < lines.size(); ++i) EXPECT_EQ(lines[i], expected[i]) << names[i];
}

TEST(Reproducer, asks_a_cpp_unit_given_with_DUT) {
  if (!has_tool("g++")) GTEST_SKIP() << "skipped: no g++";
  const test::TempDir dir;
  const ShrunkRequant s = some_case();
  write_text(dir / "f.cpp", reproducer(program_of(s), ReproducerLanguage::cpp, "f"));
  // Right only when every number arrives in its place.
  write_text(
      dir / "unit.cpp",
      fmt::format(
          "#include <cstdint>\nextern \"C\" int64_t my_unit(int64_t a, int64_t m, int64_t s, int64_t z, "
          "int64_t lo, int64_t hi) {{\n  return a == {} && m == {} && s == {} && z == {} && lo == {} && hi == {} "
          "? {} : {};\n}}\n",
          s.reduced.acc, s.reduced.channel.multiplier, s.reduced.channel.shift, s.reduced.channel.zero_point,
          s.reduced.channel.lo, s.reduced.channel.hi, s.want, s.want + 1));
  const std::string cd = "cd " + dir.path().string() + " && ";
  EXPECT_EQ(test::shell(cd + "g++ -std=c++17 -Wall -Werror f.cpp -o f && ./f").exit_code, 1);
  const auto r = test::shell(cd + "g++ -std=c++17 -Wall -Werror -DDUT=my_unit f.cpp unit.cpp -o g && ./g");
  EXPECT_EQ(r.exit_code, 0) << r.out << r.err;
}

TEST(Reproducer, asks_a_python_unit_given_with_dut) {
  if (!has_tool("python3")) GTEST_SKIP() << "skipped: no python3";
  const test::TempDir dir;
  const ShrunkRequant s = some_case();
  write_text(dir / "f.py", reproducer(program_of(s), ReproducerLanguage::python, "f"));
  write_text(dir / "unit.py", fmt::format("def right(acc, multiplier, shift, zero_point, lo, hi):\n    return {}\n"
                                          "def wrong(acc, **numbers):\n    return {}\n",
                                          s.want, s.got));
  const std::string cd = "cd " + dir.path().string() + " && python3 f.py";
  EXPECT_EQ(test::shell(cd).exit_code, 1);
  EXPECT_EQ(test::shell(cd + " --dut unit:right").exit_code, 0);
  EXPECT_EQ(test::shell(cd + " --dut unit:wrong").exit_code, 1);
}

TEST(Reproducer, a_systemverilog_unit_fits_the_ports_it_documents) {
  if (!has_tool("verilator")) GTEST_SKIP() << "skipped: no verilator";
  const test::TempDir dir;
  std::string text = reproducer(program_of(some_case()), ReproducerLanguage::systemverilog, "f");
  const std::string marker = "combinational: ";
  const std::size_t at = text.find(marker) + marker.size();
  const std::string declaration = text.substr(at, text.find('\n', at) - at);
  write_text(dir / "f.sv", text);
  write_text(dir / "my_unit.sv",
             declaration + "\n  assign device_out = acc + multiplier + shift + zero_point + lo + hi;\nendmodule\n");
  const auto r =
      test::shell("cd " + dir.path().string() +
                  " && verilator --lint-only --timing -Wall -DOBZ_DUT=my_unit --top-module f f.sv my_unit.sv");
  EXPECT_EQ(r.exit_code, 0) << r.err;
}

TEST(Reproducer, a_layer_named_to_break_a_comment_does_not) {
  if (!has_tool("g++")) GTEST_SKIP() << "skipped: no g++";
  IntNet net = synthesize({.op = "dense", .conv = {1, 1, 1, 4, 2, 1, 1, 1, 0}});
  net.nodes[0].name = "name\n#error \\";
  WrongEngine engine(Mistake::bias_dropped);
  const auto s = shrink(extract_layer(net, 0), random_inputs(net, Goal::random, 1, 0), engine);
  ASSERT_TRUE(s);
  const test::TempDir dir;
  write_text(dir / "f.cpp", reproducer(program_of(*s), ReproducerLanguage::cpp, "f"));
  EXPECT_EQ(test::shell("cd " + dir.path().string() + " && g++ -std=c++17 -Wall -Werror f.cpp -o f && ./f").exit_code,
            1);
}

}  // namespace
}  // namespace obz
