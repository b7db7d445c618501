// One tensor core, busy with int8, cycle by cycle: the Verilated RTL, its SystemC twin behind the same two calls a
// cycle, and the twin under sc_clock, as a larger model runs it. The counter cycles/s is what docs quote.
#include <benchmark/benchmark.h>

#include "ref/base/error.hpp"
#include "sim/core_twin.hpp"
#include "sim/obz_tensor_core.hpp"
#include "tests/sim/stimuli.hpp"
#include "tests/sim/verilated_core.hpp"

namespace obz {
namespace {

constexpr int kCycles = 4000;

std::vector<sim::Mma> operands() {
  test::Random random(3);
  std::vector<sim::Mma> mmas;
  for (int i = 0; i < 16; ++i) mmas.push_back(test::draw_mma(random, sim::kLane8, sim::kLane8, true, true, false));
  return mmas;
}

void count(benchmark::State& state) {
  state.counters["cycles/s"] = benchmark::Counter(kCycles, benchmark::Counter::kIsIterationInvariantRate);
}

void step(benchmark::State& state, sim::Core& core) {
  const std::vector<sim::Mma> mmas = operands();
  core.settle({.rst_ni = false});
  core.edge();
  sim::CoreInputs in{.valid_i = true, .mma = mmas[0]};
  std::size_t next = 0;
  std::int64_t results = 0;
  for (auto _ : state) {
    for (int i = 0; i < kCycles; ++i) {
      const sim::CoreOutputs& out = core.settle(in);
      results += out.valid_o ? 1 : 0;
      if (out.ready_o) in.mma = mmas[++next % mmas.size()];
      core.edge();
    }
  }
  if (results < state.iterations() * (kCycles / 4 - 5)) state.SkipWithError("the core was not busy");
  count(state);
}

/// Offers an mma whenever the core takes one.
struct Source : sc_core::sc_module {
  sc_core::sc_in<bool> clk_i{"clk_i"}, ready_i{"ready_i"};
  sc_core::sc_out<sim::Rows> a_o{"a_o"}, b_o{"b_o"};
  sc_core::sc_out<sim::Tile> c_o{"c_o"};

  std::int64_t accepted = 0;

  SC_HAS_PROCESS(Source);
  explicit Source(const sc_core::sc_module_name& name) : sc_module(name), mmas_(operands()) {
    SC_METHOD(clocked);
    sensitive << clk_i.pos();
    dont_initialize();
  }

 private:
  void clocked() {
    if (!ready_i.read()) return;
    const sim::Mma& m = mmas_[static_cast<std::size_t>(++accepted) % mmas_.size()];
    a_o.write(m.a);
    b_o.write(m.b);
    c_o.write(m.c);
  }
  std::vector<sim::Mma> mmas_;
};

struct Clocked {
  Clocked() {
    source.clk_i(clk), source.ready_i(ready_out), source.a_o(a), source.b_o(b), source.c_o(c);
    core.clk_i(clk), core.rst_ni(rst_n), core.valid_i(valid_in), core.ready_o(ready_out);
    core.a_lane_i(lane), core.b_lane_i(lane), core.a_signed_i(on), core.b_signed_i(on), core.satfinite_i(off);
    core.tag_i(tag_in), core.a_i(a), core.b_i(b), core.c_i(c);
    core.valid_o(valid_out), core.ready_i(on), core.tag_o(tag_out), core.d_o(d);
    lane.write(sim::kLane8);
    on.write(true), valid_in.write(true), rst_n.write(true);
  }
  sc_core::sc_clock clk{"clk", sc_core::sc_time(1, sc_core::SC_US)};
  sc_core::sc_signal<bool> rst_n, valid_in, ready_out, on, off, valid_out;
  sc_core::sc_signal<std::uint8_t> lane, tag_in, tag_out;
  sc_core::sc_signal<sim::Rows> a, b;
  sc_core::sc_signal<sim::Tile> c, d;
  sim::obz_tensor_core core{"clocked_core", {}};
  Source source{"source"};
};

}  // namespace
}  // namespace obz

int main(int argc, char** argv) {
  benchmark::Initialize(&argc, argv);
  std::unique_ptr<obz::test::VerilatedCore> rtl;
  try {
    rtl = std::make_unique<obz::test::VerilatedCore>();
  } catch (const obz::MissingTool& e) {
    std::fprintf(stderr, "sim_bench: skipped: %s\n", e.what());
  }
  obz::sim::CoreTwin twin;
  obz::Clocked clocked;
  if (rtl) benchmark::RegisterBenchmark("Verilated RTL", [&](benchmark::State& s) { obz::step(s, *rtl); });
  // A cycle of the twin takes 2 ns of SystemC's time: the other one's clock, of 1 us, has an edge in 250 of them.
  benchmark::RegisterBenchmark("SystemC twin", [&](benchmark::State& s) { obz::step(s, twin); });
  benchmark::RegisterBenchmark("SystemC twin under sc_clock", [&](benchmark::State& s) {
    const std::int64_t before = clocked.source.accepted;
    for (auto _ : s) sc_core::sc_start(obz::kCycles, sc_core::SC_US);
    if (clocked.source.accepted - before < s.iterations() * (obz::kCycles / 4 - 1)) s.SkipWithError("not busy");
    obz::count(s);
  });
  benchmark::RunSpecifiedBenchmarks();
  return 0;
}
