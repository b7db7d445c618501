// Claims: a pipeline trace has every mma once, in the order of the program, and is the same file from rtl and sysc;
// waves show the cycle of the first write that differs, and none when nothing does; what cannot be traced is a
// sentence.
#include <fstream>
#include <set>
#include <sstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "accel/output_places.hpp"
#include "accel/trace_writers.hpp"
#include "golden/cases/synth.hpp"
#include "ref/base/error.hpp"
#include "ref/execute/naive.hpp"
#include "ref/net/save_load.hpp"
#include "rtl/dut/rtl_ports.hpp"
#include "rtl/harness/rtl_engine.hpp"
#include "rtl/trace/waves.hpp"
#include "tests/support/run_obz.hpp"

namespace obz {
namespace {

using ::testing::HasSubstr;

/// A synthesized layer, its programs and the reference's answer.
struct Layer {
  IntNet net;
  std::vector<Tensor> inputs;
  Tensor want;
  LayerJob job;
  std::vector<accel::LayerProgram> programs;

  explicit Layer(const SynthSpec& spec) : net(synthesize(spec)), inputs(random_inputs(net, Goal::random, 1, 0)) {
    const TensorInfo& y = net.tensors[static_cast<std::size_t>(net.nodes[0].outputs[0])];
    job = {&net, &net.nodes[0], {}, &y};
    for (const Tensor& t : inputs) job.inputs.push_back(&t);
    want = Tensor(y.shape, y.type);
    run_naive(net.nodes[0], job.inputs, want);
    programs = std::get<std::vector<accel::LayerProgram>>(accel::lower(job));
  }
  Layer(const Layer&) = delete;
};

SynthSpec small_conv() { return {.op = "conv2d", .conv = {1, 4, 5, 20, 11, 3, 3, 1, 1}}; }

TEST(OutputPlaces, are_raise_the_other_way_round) {
  SynthSpec nibbles{.op = "conv2d", .profile = "hawq-v3/exact", .conv = {2, 5, 3, 7, 19, 1, 1, 1, 0}};
  nibbles.out = {4, false};
  for (const SynthSpec& spec : {small_conv(), nibbles, SynthSpec{.op = "dense"}, SynthSpec{.op = "mma"}}) {
    const Layer layer(spec);
    const auto bytes = accel::output_bytes(layer.job, layer.programs, layer.want);
    EXPECT_EQ(accel::raise(layer.job, layer.programs, bytes), layer.want) << spec.op;
    std::set<std::size_t> elements;
    for (std::size_t p = 0; p < layer.programs.size(); ++p) {
      const std::int64_t bits = layer.programs[p].y_bytes() * 8, lane = std::int64_t{1} << layer.programs[p].y_lane;
      for (std::int64_t bit = 0; bit < bits; bit += lane) {
        const auto at = accel::output_element(layer.job, layer.programs, p, bit);
        if (at) EXPECT_TRUE(elements.insert(*at).second);
      }
    }
    EXPECT_EQ(static_cast<std::int64_t>(elements.size()), layer.want.elems()) << spec.op;
  }
}

#ifdef OBZ_HAVE_RTL

TEST(PipelineTrace, has_every_mma_of_the_layer_once) {
  const Layer layer(small_conv());
  const accel::PipelineTrace trace = accel::trace_pipeline(*rtl::make_layer_unit(), "conv", layer.programs);
  EXPECT_EQ(static_cast<std::int64_t>(trace.mmas.size()), 3 * 2 * 18);  // tiles of pixels, of channels, chunks
  EXPECT_EQ(accel::mma_count(layer.programs[0]), 3 * 2 * 18);
  std::set<std::array<std::int64_t, 3>> places;
  for (const accel::TracedMma& mma : trace.mmas) {
    places.insert({mma.place.pixel_tile, mma.place.channel_tile, mma.place.chunk});
    EXPECT_EQ(mma.result - mma.issue, 14);  // obz_pkg::MmaLatency
  }
  EXPECT_EQ(places.size(), trace.mmas.size());
  EXPECT_EQ(trace.writes.size(), 20U * 2U);
}

TEST(PipelineTrace, is_json_whose_spans_lie_within_the_layer) {
  const Layer layer(small_conv());
  const accel::PipelineTrace trace = accel::trace_pipeline(*rtl::make_layer_unit(), "conv", layer.programs);
  const auto json = nlohmann::json::parse(accel::chrome_trace(trace));
  EXPECT_EQ(json.at("otherData").at("cycles"), trace.cycles);
  std::int64_t mmas = 0, busy = 0, last_count = -1;
  for (const auto& event : json.at("traceEvents")) {
    if (event.at("ph") == "C") last_count = event.at("args").at("mma");
    if (event.at("ph") != "X") continue;
    EXPECT_GE(event.at("ts").get<std::int64_t>(), 0);
    EXPECT_LE(event.at("ts").get<std::int64_t>() + event.at("dur").get<std::int64_t>(), trace.cycles);
    if (event.at("tid").get<int>() >= 10) ++mmas;
    if (event.at("name") == "busy") busy += event.at("dur").get<std::int64_t>();
  }
  EXPECT_EQ(mmas, 108);
  EXPECT_EQ(busy, 108 * 4);
  EXPECT_EQ(last_count, 0);
}

/// Reads a Kanata log as Konata does: every instruction begins, passes its stages in order without a gap, and retires.
TEST(PipelineTrace, is_a_kanata_log_whose_stages_follow_each_other) {
  SynthSpec wide{.op = "conv2d", .profile = "hawq-v3/exact", .conv = {1, 4, 4, 8, 8, 1, 1, 1, 0}};
  wide.activation = wide.weight = {16, true};
  for (const auto& [spec, phases] : {std::pair{small_conv(), 4}, std::pair{wide, 8}}) {
    const Layer layer(spec);
    const accel::PipelineTrace trace = accel::trace_pipeline(*rtl::make_layer_unit(), "conv", layer.programs);
    std::istringstream log(accel::kanata_log(trace));
    std::string line;
    std::getline(log, line);
    EXPECT_EQ(line, "Kanata\t0004");
    std::int64_t now = -1, retired = 0;
    std::map<std::int64_t, std::string> open, passed;
    std::map<std::int64_t, std::int64_t> since;
    while (std::getline(log, line)) {
      std::istringstream fields(line);
      std::string kind, stage;
      std::int64_t id = 0, lane = 0;
      fields >> kind >> id;
      if (kind == "C=") now = id;
      if (kind == "C") now += id;
      if (kind == "S") {
        fields >> lane >> stage;
        EXPECT_EQ(open[id], "") << line;
        if (since.count(id) != 0) EXPECT_EQ(since[id], now) << line;
        open[id] = stage;
        passed[id] += stage;
      }
      if (kind == "E") {
        fields >> lane >> stage;
        EXPECT_EQ(open[id], stage) << line;
        open[id] = "";
        since[id] = now;
      }
      if (kind == "R") {
        EXPECT_EQ(now, trace.mmas[static_cast<std::size_t>(id)].result + 1);
        ++retired;
      }
    }
    EXPECT_EQ(retired, static_cast<std::int64_t>(trace.mmas.size()));
    const std::string middle = phases == 4 ? "M0M1M2M3" : "M0M1M2M3M4M5M6M7";
    for (const auto& [id, stages] : passed) EXPECT_EQ(stages, "Is" + middle + "AdLtRs");
  }
}

TEST(PipelineTrace, of_rtl_and_sysc_are_the_same_files) {
  const test::TempDir dir;
  save_net(synthesize(small_conv()), (dir / "n.obz").string());
  const std::string name = load_net((dir / "n.obz").string()).nodes[0].name, at = dir.path().string();
  const std::string options = " --pipeline " + name + " --pipeline-format both --trace-dir ";
  const auto rtl = test::shell("obz check " + at + "/n.obz -e rtl" + options + at + "/r");
  ASSERT_EQ(rtl.exit_code, 0) << rtl.err;
  const auto sysc = test::shell("obz check " + at + "/n.obz -e sysc" + options + at + "/s");
  if (sysc.exit_code == 3) GTEST_SKIP() << sysc.err;
  ASSERT_EQ(sysc.exit_code, 0) << sysc.err;
  for (const char* ending : {".pipeline.json", ".kanata"}) {
    const std::string a = test::slurp(dir / "r" / (name + ending)), b = test::slurp(dir / "s" / (name + ending));
    EXPECT_GT(a.size(), 1000U);
    EXPECT_EQ(a, b);
  }
  EXPECT_THAT(test::shell("obz check " + at + "/n.obz -e rtl --pipeline nosuch").err, HasSubstr("nosuch"));
  EXPECT_EQ(test::shell("obz check " + at + "/n.obz -e rtl --pipeline nosuch").exit_code, 2);
  const auto fast = test::shell("obz check " + at + "/n.obz -e fast --pipeline " + name);
  EXPECT_EQ(fast.exit_code, 2);
  EXPECT_THAT(fast.err, HasSubstr("none of the engines fast has a layer unit"));
  save_net(synthesize({.op = "add"}), (dir / "a.obz").string());
  const auto add = test::shell("obz check " + at + "/a.obz -e rtl --pipeline 0");
  EXPECT_EQ(add.exit_code, 2);
  EXPECT_THAT(add.err, HasSubstr("runs on no layer unit: not a convolution"));
}

TEST(PipelineTrace, beyond_the_most_is_refused) {
  const Layer layer({.op = "conv2d", .conv = {1, 80, 80, 64, 64, 3, 3, 1, 1}});
  try {
    accel::trace_pipeline(*rtl::make_layer_unit(), "big", layer.programs);
    FAIL();
  } catch (const Error& e) {
    EXPECT_THAT(e.what(), HasSubstr("layer big has 230400 mma; a trace holds at most 200000"));
  }
}

/// How a signal of an FST file changes, "time value" a line, as the reader that Verilator brings sees it.
std::string fst_signal(const test::TempDir& dir, const std::string& file, const std::string& signal) {
  const std::string at = dir.path().string();
  const auto r = test::shell(
      "i=$(verilator --getenv VERILATOR_ROOT)/include/gtkwave\n"
      "cc -O1 -w -DFST_CONFIG_INCLUDE=\\\"fst_config.h\\\" -I$i " OBZ_SOURCE_DIR
      "/tests/rtl/fst_signal.c "
      "$i/fstapi.c $i/fastlz.c $i/lz4.c -lz -o " +
      at + "/fst_signal && " + at + "/fst_signal " + at + "/" + file + " " + signal);
  EXPECT_EQ(r.exit_code, 0) << r.err;
  return r.out;
}

TEST(Waves, show_the_first_write_that_differs_from_what_is_expected) {
  if (!rtl::verilator_version()) GTEST_SKIP() << "skipped: no verilator";
  const Layer layer(small_conv());
  // Expected is the reference's output with one wrong element: pixel (2, 3), channel 9.
  Tensor wrong = layer.want;
  const std::size_t at = (2 * 5 + 3) * 11 + 9;
  wrong.data[at] ^= 1;
  std::vector<std::vector<std::uint8_t>> expected = accel::output_bytes(layer.job, layer.programs, wrong);
  std::vector<accel::LayerProgram> twice = {layer.programs[0], layer.programs[0]};  // the first as it should be
  expected.insert(expected.begin(), accel::output_bytes(layer.job, layer.programs, layer.want)[0]);
  const test::TempDir dir;
  const rtl::WaveResult r = rtl::trace_waves(twice, expected, dir / "w.fst");
  const accel::PipelineTrace trace = accel::trace_pipeline(*rtl::make_layer_unit(), "conv", layer.programs);
  EXPECT_EQ(r.cycles, 2 * trace.cycles);
  EXPECT_EQ(r.writes, static_cast<std::int64_t>(2 * trace.writes.size()));
  EXPECT_EQ(r.wrong_writes, 1);
  ASSERT_TRUE(r.first);
  EXPECT_EQ(r.first->program, 1U);
  EXPECT_EQ(accel::output_element(layer.job, layer.programs, 0, r.first->bit), at);
  // The write of the pixel's second tile of channels is in that cycle.
  const std::int64_t byte = r.first->bit / 8;
  const auto hit = std::find_if(trace.writes.begin(), trace.writes.end(), [&](const accel::TracedWrite& w) {
    return byte >= w.address && byte < w.address + 32 && (w.enable >> (byte - w.address) & 1U) != 0;
  });
  ASSERT_NE(hit, trace.writes.end());
  EXPECT_EQ(r.first->cycle, hit->cycle);
  EXPECT_EQ(r.first->time_ns, 10 * (trace.cycles + 2 + 1 + hit->cycle));  // a start, the program before and its end
  EXPECT_GT(test::slurp(dir / "w.fst").size(), 1000U);
  // Read back, the mark stands in that cycle alone.
  EXPECT_EQ(fst_signal(dir, "w.fst", "mismatch_o"), "timescale -9\n0 0\n" + std::to_string(r.first->time_ns) + " 1\n" +
                                                        std::to_string(r.first->time_ns + 10) + " 0\n");
}

#endif

}  // namespace
}  // namespace obz
