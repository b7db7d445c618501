#include "cli/bench_gpu.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "cli/table.hpp"
#include "golden/cases/synth.hpp"
#include "gpu/device/cuda_device.hpp"
#include "gpu/engine.hpp"
#include "ref/base/error.hpp"
#include "ref/execute/fast.hpp"

namespace obz::cli {
namespace {

/// Of ResNet-50: side, input and output channels, kernel, stride.
struct Layer {
  std::int64_t side, in, out, kernel, stride;
};

constexpr Layer kLayers[] = {{56, 64, 64, 1, 1},   {56, 64, 64, 3, 1},    {56, 64, 256, 1, 1},   {56, 256, 64, 1, 1},
                             {56, 256, 128, 1, 2}, {28, 128, 128, 3, 1},  {28, 128, 512, 1, 1},  {28, 512, 128, 1, 1},
                             {14, 256, 256, 3, 1}, {14, 256, 1024, 1, 1}, {14, 1024, 256, 1, 1}, {7, 512, 512, 3, 1},
                             {7, 512, 2048, 1, 1}, {7, 2048, 512, 1, 1}};

struct Timing {
  std::string kernel;
  std::int64_t m = 0, n = 0, k = 0, batch = 0, differ = 0;
  int bits = 8;
  double seconds = 0;

  double tops() const { return 2.0 * static_cast<double>(m * n * k) / seconds / 1e12; }
};

Timing time_layer(gpu::CudaDevice& device, const Layer& l, IntType type, std::int64_t batch, int launches) {
  const std::int64_t pad = l.kernel / 2;
  const IntNet net = synthesize({.op = "conv2d",
                                 .profile = "hawq-v3/exact",
                                 .conv = {batch, l.side, l.side, l.in, l.out, l.kernel, l.kernel, l.stride, pad},
                                 .activation = type,
                                 .weight = type,
                                 .out = type});
  const auto made = gpu::lower_layer(device, net, net.nodes[0]);
  if (const auto* why = std::get_if<std::string>(&made)) throw Error("bench gpu: " + *why);
  const gpu::Program& program = *std::get<std::unique_ptr<gpu::Program>>(made);
  const std::vector<Tensor> inputs = random_inputs(net, Goal::random, 1, 0);
  gpu::run_program(device, program, [&](int) -> const Tensor& { return inputs[0]; });
  const Tensor& x = inputs[0];
  Tensor want(net.tensors[1].shape, net.tensors[1].type);
  const Tensor* pointers[] = {&x};
  prepare_fast(net, net.nodes[0])->run(pointers, want);
  const Tensor got = gpu::value_of(device, program, net.outputs[0]);
  Timing t{.kernel = program.calls.back().kernel,
           .m = want.elems() / l.out,
           .n = l.out,
           .k = l.kernel * l.kernel * l.in,
           .batch = batch,
           .bits = type.bits};
  for (std::size_t i = 0; i < want.data.size(); ++i) t.differ += want.data[i] != got.data[i] ? 1 : 0;
  t.seconds = device.seconds(program.calls, launches);
  return t;
}

}  // namespace

int bench_gpu(const BenchGpu& options) {
  gpu::CudaDevice device;
  if (const auto why = device.absent()) throw MissingTool(*why);
  std::vector<Timing> timings;
  for (const std::int64_t batch : options.batches) {
    for (const IntType type : {kInt8, kInt4}) {
      for (const Layer& l : kLayers) timings.push_back(time_layer(device, l, type, batch, options.launches));
    }
  }
  std::int64_t differ = 0;
  for (const Timing& t : timings) differ += t.differ;
  if (options.json) {
    nlohmann::ordered_json list = nlohmann::ordered_json::array();
    for (const Timing& t : timings) {
      list.push_back({{"kernel", t.kernel},
                      {"bits", t.bits},
                      {"batch", t.batch},
                      {"m", t.m},
                      {"n", t.n},
                      {"k", t.k},
                      {"differ", t.differ},
                      {"seconds", t.seconds},
                      {"tops", t.tops()}});
    }
    fmt::print(
        "{}\n",
        nlohmann::ordered_json{{"device", device.description()}, {"launches", options.launches}, {"convolutions", list}}
            .dump(1));
    return differ == 0 ? 0 : 1;
  }
  Table table({">batch", ">bits", "kernel", ">M", ">N", ">K", ">us", ">TOPS", ">differ"});
  for (const Timing& t : timings) {
    table.add({fmt::format("{}", t.batch), fmt::format("{}", t.bits), t.kernel, grouped(t.m), grouped(t.n),
               grouped(t.k), fmt::format("{:.1f}", t.seconds * 1e6), fmt::format("{:.2f}", t.tops()),
               grouped(t.differ)});
  }
  fmt::print(
      "{}\n\n{}\nMedian of {} launches, requantization and packing included; every output compared with fast.\n"
      "Four bits are native on sm_75 to sm_89 only; elsewhere they are emulated and their times say nothing.\n",
      table.text(), device.description(), options.launches);
  return differ == 0 ? 0 : 1;
}

}  // namespace obz::cli
