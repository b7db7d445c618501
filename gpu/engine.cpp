#include "gpu/engine.hpp"

#include <algorithm>
#include <map>

#include "gpu/lower/channels.hpp"
#include "ref/base/error.hpp"

namespace obz::gpu {
namespace {

class KernelEngine final : public Engine {
 public:
  KernelEngine(std::string name, std::unique_ptr<Device> device, const LowerOptions& options)
      : name_(std::move(name)), device_(std::move(device)), options_(options) {}

  std::string name() const override { return name_; }
  std::optional<std::string> absent() const override { return device_->absent(); }
  void forget() override { layers_.clear(); }

  Support supports(const LayerJob& job) const override {
    const auto& made = layer(job);
    if (const auto* why = std::get_if<std::string>(&made)) return Support::no(*why);
    return {};
  }
  LayerResult run(const LayerJob& job) override {
    const auto& program = *std::get<std::unique_ptr<Program>>(layer(job));
    const auto input = [&](int tensor) -> const Tensor& {
      for (std::size_t i = 0; i < job.inputs.size(); ++i) {
        if (job.node->inputs[i] == tensor) return *job.inputs[i];
      }
      OBZ_CHECK(false);
      return *job.inputs[0];
    };
    run_program(*device_, program, input);
    return {value_of(*device_, program, job.node->outputs[0]), std::nullopt};
  }

  Support supports(const RequantJob& job) const override {
    Requant requant{.recipe = job.recipe, .channels = {}};
    for (const RequantCase& c : job.cases) requant.channels.push_back(c.channel);
    try {
      require_dyadic(requant);
    } catch (const Unsupported& why) {
      return Support::no(why.what());
    }
    return {};
  }
  std::vector<std::int64_t> run(const RequantJob& job) override {
    std::vector<std::int64_t> acc, out(job.cases.size());
    std::vector<DyadicChannel> channels;
    if (job.cases.empty()) return out;
    for (const RequantCase& c : job.cases) {
      acc.push_back(c.acc);
      channels.push_back(channel_of(c.channel));
    }
    DeviceMemory memory(*device_);
    RequantArgs args{.acc = memory.constant(acc, "accumulators"),
                     .channels = memory.constant(channels, "channels"),
                     .out = memory.allocate(static_cast<std::int64_t>(out.size() * sizeof(out[0])), "outputs"),
                     .cases = static_cast<std::int32_t>(out.size()),
                     .recipe = job.recipe};
    const auto bytes = std::as_bytes(std::span(&args, 1));
    const auto blocks = static_cast<std::uint32_t>((out.size() + 255) / 256);
    const KernelCall call{"requant",   "requantize_cases",           {blocks, 1, 1},
                          {256, 1, 1}, {bytes.begin(), bytes.end()}, "cases"};
    device_->run(std::span(&call, 1));
    device_->read(args.out, std::as_writable_bytes(std::span(out)));
    return out;
  }

 private:
  using Made = std::variant<std::unique_ptr<Program>, std::string>;

  const Made& layer(const LayerJob& job) const {
    const auto known = layers_.find(job.node);
    if (known != layers_.end()) return known->second;
    return layers_.emplace(job.node, lower_layer(*device_, *job.net, *job.node, options_)).first->second;
  }

  std::string name_;
  std::unique_ptr<Device> device_;
  LowerOptions options_;
  mutable std::map<const Node*, Made> layers_;  ///< made when first asked about
};

}  // namespace

namespace {

Tensor fetch(Device& device, const Placed& placed) {
  std::vector<std::byte> bytes(static_cast<std::size_t>(placed.storage.bytes()));
  device.read(placed.data, bytes);
  return unpack(bytes, placed.storage);
}

void run_on_host(Device& device, const HostStep& step) {
  std::vector<Tensor> inputs;
  for (const Placed& p : step.inputs) inputs.push_back(fetch(device, p));
  std::vector<const Tensor*> pointers;
  for (const Tensor& t : inputs) pointers.push_back(&t);
  Tensor y(step.output.storage.shape, step.output.storage.type);
  run_naive(*step.node, pointers, y);
  device.write(step.output.data, pack(y, step.output.storage));
}

}  // namespace

void run_program(Device& device, const Program& program, const std::function<const Tensor&(int tensor)>& input) {
  for (const auto& [tensor, placed] : program.inputs) device.write(placed.data, pack(input(tensor), placed.storage));
  const std::span<const KernelCall> calls = program.calls;
  std::size_t at = 0;
  for (const HostStep& step : program.host) {
    device.run(calls.subspan(at, step.before_call - at));
    at = step.before_call;
    run_on_host(device, step);
  }
  device.run(calls.subspan(at));
}

Tensor value_of(Device& device, const Program& program, int tensor) { return fetch(device, program.values.at(tensor)); }

WholeNet::WholeNet(Device& device, const IntNet& net, const LowerOptions& options)
    : device_(&device), net_(&net), program_(lower_net(device, net, options)) {}

std::vector<Tensor> WholeNet::run(const std::vector<Tensor>& inputs, const ValueTap& tap) {
  check_inputs(*net_, inputs);
  run_program(*device_, *program_, [&](int tensor) -> const Tensor& {
    const auto at = std::find(net_->inputs.begin(), net_->inputs.end(), tensor);
    OBZ_CHECK(at != net_->inputs.end());
    return inputs[static_cast<std::size_t>(at - net_->inputs.begin())];
  });
  if (tap) {
    for (const auto& [tensor, placed] : program_->values) tap(tensor, fetch(*device_, placed));
  }
  std::vector<Tensor> outputs;
  for (const int t : net_->outputs) outputs.push_back(value_of(*device_, *program_, t));
  return outputs;
}

std::unique_ptr<Engine> make_kernel_engine(std::string name, std::unique_ptr<Device> device,
                                           const LowerOptions& options) {
  return std::make_unique<KernelEngine>(std::move(name), std::move(device), options);
}

}  // namespace obz::gpu
