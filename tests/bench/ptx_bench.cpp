// The PTX executor on a 3 x 3 convolution of 28 x 28 x 128 (116 M multiply-accumulates), one thread: with all checks,
// as the engine runs it, and without. The counter MAC/s is what docs quote.
#include <benchmark/benchmark.h>

#include "gpu/engine.hpp"
#include "gpu/ptx_device.hpp"
#include "ref/base/error.hpp"
#include "ref/net/validate.hpp"

namespace obz {
namespace {

IntNet conv(IntType type) {
  constexpr std::int64_t kSide = 28, kChannels = 128;
  Conv2d op;
  op.filter.weights = Tensor(Shape{kChannels, 3, 3, kChannels}, type);
  for (std::size_t i = 0; i < op.filter.weights.data.size(); ++i) {
    op.filter.weights.data[i] =
        static_cast<std::int32_t>(wrap(static_cast<std::int64_t>(i * 2654435761U >> 7), type.bits));
  }
  op.window = {.pad_top = 1, .pad_left = 1, .pad_bottom = 1, .pad_right = 1};
  op.requant.channels[0] = {.multiplier = 1 << 30, .shift = 40, .lo = type.min(), .hi = type.max()};
  IntNet net{.name = "bench"};
  const Shape shape{1, kSide, kSide, kChannels};
  net.tensors = {{.id = "x", .name = "x", .shape = shape, .type = type},
                 {.id = "y", .name = "y", .shape = shape, .type = type}};
  net.nodes = {{.name = "conv", .inputs = {0}, .outputs = {1}, .op = op}};
  net.inputs = {0};
  net.outputs = {1};
  validate(net, "bench");
  return net;
}

void run(benchmark::State& state, IntType type, gpu::TileSize tile, bool checks) {
  gpu::PtxDevice device({.checks = {.races = checks, .uninitialised = checks}, .threads = 1});
  const IntNet net = conv(type);
  const auto made = gpu::lower_layer(device, net, net.nodes[0], {.tile = tile});
  const auto& program = *std::get<std::unique_ptr<gpu::Program>>(made);
  const Tensor x(net.tensors[0].shape, type);
  std::uint64_t macs = 0, instructions = 0;
  device.watch = [&](const gpu::LaunchRecord& r) {
    macs = r.counters.mma_macs;
    instructions = r.counters.lane_instructions;
  };
  for (auto _ : state) gpu::run_program(device, program, [&](int) -> const Tensor& { return x; });
  OBZ_CHECK(macs > 0);
  const auto rate = [](std::uint64_t n) {
    return benchmark::Counter(static_cast<double>(n), benchmark::Counter::kIsIterationInvariantRate);
  };
  state.counters["MAC/s"] = rate(macs);
  state.counters["lane instructions/s"] = rate(instructions);
}

BENCHMARK_CAPTURE(run, int8_large, kInt8, gpu::TileSize::large, true)->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(run, int8_large_unchecked, kInt8, gpu::TileSize::large, false)->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(run, int8_medium, kInt8, gpu::TileSize::medium, true)->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(run, int8_small, kInt8, gpu::TileSize::small, true)->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(run, int4_large, kInt4, gpu::TileSize::large, true)->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(run, int4_medium, kInt4, gpu::TileSize::medium, true)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace obz
