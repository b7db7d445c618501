// Speed of FastNode::run, whole layers: conversion of the input, multiply-accumulate, requantization, int32 output.
//   fast_bench                        one thread
//   fast_bench --threads=2            as many as told
//   fast_bench --benchmark_filter=3x3 --benchmark_repetitions=5
// The counter MAC/s is what docs quote. On a shared machine take the best of several repetitions.
#include <array>
#include <cstring>
#include <random>

#include <benchmark/benchmark.h>
#include <fmt/format.h>
#include <tbb/global_control.h>

#include "ref/execute/fast.hpp"
#include "ref/net/cost.hpp"
#include "ref/net/validate.hpp"
#include "ref/read/fill.hpp"

namespace obz {
namespace {

struct Layer {
  const char* name;
  std::int64_t size, in, out, kernel, stride;
  bool depthwise = false;
  const char* profile = "tflite/double";
  IntType x = kInt8;
  Layout layout = Layout::nhwc;
};

constexpr Layer kLayers[] = {
    {"3x3 56x56x64-64", 56, 64, 64, 3, 1},
    {"3x3 28x28x128-128", 28, 128, 128, 3, 1},
    {"3x3 14x14x256-256", 14, 256, 256, 3, 1},
    {"3x3 7x7x512-512", 7, 512, 512, 3, 1},
    {"1x1 56x56x64-256", 56, 64, 256, 1, 1},
    {"1x1 28x28x512-128", 28, 512, 128, 1, 1},
    {"1x1 14x14x1024-256", 14, 1024, 256, 1, 1},
    {"1x1 7x7x2048-512", 7, 2048, 512, 1, 1},
    {"7x7/2 224x224x3-64", 224, 3, 64, 7, 2},
    {"1x1/2 56x56x256-512", 56, 256, 512, 1, 2},
    {"nchw 3x3 28x28x128-128", 28, 128, 128, 3, 1, false, "tflite/double", kInt8, Layout::nchw},
    {"hawq 1x1 56x56x64-256", 56, 64, 256, 1, 1, false, "hawq-v3/exact"},
    {"mlas 1x1 56x56x64-256", 56, 64, 256, 1, 1, false, "onnx/mlas"},
    {"int16 3x3 28x28x128-128", 28, 128, 128, 3, 1, false, "tflite/int16", kInt16},
    {"depthwise 3x3 112x112x32", 112, 32, 32, 3, 1, true},
    {"depthwise 3x3 14x14x512", 14, 512, 512, 3, 1, true},
};

Tensor random_tensor(const Shape& shape, IntType type, std::mt19937& random) {
  Tensor t(shape, type);
  std::uniform_int_distribution<std::int64_t> value(type.min(), type.max());
  for (std::int32_t& v : t.data) v = static_cast<std::int32_t>(value(random));
  return t;
}

IntNet net_of(const Layer& l) {
  std::mt19937 random(1);
  const Profile& profile = find_profile(l.profile);
  const auto pad = static_cast<std::int32_t>(l.kernel / 2);
  Conv2d op;
  op.layout = l.layout;
  op.groups = l.depthwise ? l.in : 1;
  op.filter.weights = random_tensor(Shape{l.out, l.kernel, l.kernel, l.in / op.groups}, kInt8, random);
  op.filter.bias.assign(static_cast<std::size_t>(l.out), 1000);
  op.window = {.stride_h = static_cast<std::int32_t>(l.stride),
               .stride_w = static_cast<std::int32_t>(l.stride),
               .pad_top = pad,
               .pad_left = pad,
               .pad_bottom = pad,
               .pad_right = pad};
  op.x_zero_point = l.x == kInt16 ? 0 : -3;
  op.accumulator = fill_accumulator(profile);
  const OutputQuant out{.scale = 4.0F, .zero_point = profile.has_zero_point && l.x != kInt16 ? 5 : 0};
  const std::vector<float> scales(static_cast<std::size_t>(l.out), 0.0123F);
  op.requant = fill_requant(profile, 0.1F, scales, true, out, l.name);
  const Shape x = shape4(l.layout, 1, l.size, l.size, l.in), y = infer(op, x, l.name);
  IntNet net{.name = l.name, .tensors = {{.id = "x", .shape = x, .type = l.x}, {.id = "y", .shape = y, .type = kInt8}}};
  net.nodes = {{.name = "conv", .inputs = {0}, .outputs = {1}, .op = std::move(op)}};
  net.inputs = {0};
  net.outputs = {1};
  validate(net, l.name);
  return net;
}

void run_layer(benchmark::State& state, const Layer& layer) {
  const IntNet net = net_of(layer);
  const std::unique_ptr<FastNode> node = prepare_fast(net, net.nodes[0]);
  std::mt19937 random(2);
  const Tensor x = random_tensor(net.tensors[0].shape, net.tensors[0].type, random);
  Tensor y(net.tensors[1].shape, net.tensors[1].type);
  const std::array<const Tensor*, 1> inputs{&x};
  for (auto _ : state) {
    node->run(inputs, y);
    benchmark::DoNotOptimize(y.data.data());
  }
  state.SetLabel(node->path());
  state.counters["MAC/s"] = benchmark::Counter(static_cast<double>(cost_of(net, net.nodes[0]).macs),
                                               benchmark::Counter::kIsIterationInvariantRate);
}

}  // namespace
}  // namespace obz

int main(int argc, char** argv) {
  std::size_t threads = 1;
  benchmark::Initialize(&argc, argv);
  constexpr const char* option = "--threads=";
  for (int i = 1; i < argc; ++i) {
    if (std::strncmp(argv[i], option, std::strlen(option)) != 0 || std::atoi(argv[i] + std::strlen(option)) < 1) {
      fmt::print(stderr, "fast_bench: {}: expected --threads=N or a --benchmark option\n", argv[i]);
      return 2;
    }
    threads = static_cast<std::size_t>(std::atoi(argv[i] + std::strlen(option)));
  }
  const tbb::global_control limit(tbb::global_control::max_allowed_parallelism, threads);
  for (const obz::Layer& layer : obz::kLayers) {
    benchmark::RegisterBenchmark(layer.name, [&layer](benchmark::State& s) { obz::run_layer(s, layer); })
        ->Unit(benchmark::kMicrosecond)
        ->UseRealTime();
  }
  fmt::print("{}\n", obz::fast_target());
  benchmark::RunSpecifiedBenchmarks();
  return 0;
}
