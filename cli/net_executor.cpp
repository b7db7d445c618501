#include "cli/net_executor.hpp"

#include <fmt/format.h>

#include "gpu/device/cuda_device.hpp"
#include "gpu/engine.hpp"
#include "gpu/ptx_device.hpp"
#include "ref/base/error.hpp"
#include "ref/execute/fast.hpp"
#include "ref/execute/fast_net.hpp"

namespace obz::cli {
namespace {

/// A device and the network on it, alive together.
struct OnDevice {
  std::unique_ptr<gpu::Device> device;
  gpu::WholeNet whole;

  OnDevice(std::unique_ptr<gpu::Device> d, const IntNet& net, const gpu::LowerOptions& options)
      : device(std::move(d)), whole(*device, net, options) {}
};

NetExecutor on_device(std::unique_ptr<gpu::Device> device, std::shared_ptr<const IntNet> net, bool every_value) {
  if (const auto why = device->absent()) throw MissingTool(*why);
  const auto state = std::make_shared<OnDevice>(std::move(device), *net, gpu::LowerOptions{.join = !every_value});
  NetExecutor executor{
      .net = std::move(net),
      .run = [state](const std::vector<Tensor>& inputs, const ValueTap& tap) { return state->whole.run(inputs, tap); },
      .from_many_threads = false,
      .notes = {}};
  for (const gpu::HostStep& step : state->whole.program().host) {
    executor.notes.push_back(fmt::format("{} ran on the host: {}", step.node->name, step.why));
  }
  return executor;
}

}  // namespace

NetExecutor make_net_executor(const std::string& engine, IntNet loaded, bool every_value) {
  if (engine == "fast" && !every_value) {  // nobody watches the values between the layers, so they may be anything
    const auto fast = std::make_shared<const FastNet>(std::move(loaded));
    return {.net = std::shared_ptr<const IntNet>(fast, &fast->net()),
            .run = [fast](const std::vector<Tensor>& inputs, const ValueTap&) { return fast->run(inputs); }};
  }
  auto net = std::make_shared<const IntNet>(std::move(loaded));
  if (engine == "ptx") return on_device(std::make_unique<gpu::PtxDevice>(), std::move(net), every_value);
  if (engine == "gpu") return on_device(std::make_unique<gpu::CudaDevice>(), std::move(net), every_value);
  NodeRunner runner;
  if (engine == "ref")
    runner = [](const Node& n, std::span<const Tensor* const> in, Tensor& y) { run_naive(n, in, y); };
  if (engine == "fast") runner = FastExecutor(*net);
  if (!runner) {
    throw Error(
        fmt::format("--engine {}: expected ref, fast, ptx or gpu; other engines compare, see `obz check`", engine));
  }
  return {.net = net, .run = [runner, net](const std::vector<Tensor>& inputs, const ValueTap& tap) {
            return run_net(*net, inputs, runner, tap);
          }};
}

}  // namespace obz::cli
