// Layers and requantizations on a device that runs the CUDA kernels: the engines `ptx` and `gpu`.
#pragma once

#include <functional>
#include <memory>

#include "golden/engines/engine.hpp"
#include "gpu/device.hpp"
#include "gpu/lower/lower.hpp"
#include "ref/execute/naive.hpp"

namespace obz::gpu {

/// `name` as users write it.
std::unique_ptr<Engine> make_kernel_engine(std::string name, std::unique_ptr<Device> device,
                                           const LowerOptions& options = {});

/// Writes the inputs and runs.
void run_program(Device& device, const Program& program, const std::function<const Tensor&(int tensor)>& input);

/// A tensor that the program left in memory.
Tensor value_of(Device& device, const Program& program, int tensor);

/// A whole network on a device, made ready once. `net` and `device` outlive it.
class WholeNet {
 public:
  WholeNet(Device& device, const IntNet& net, const LowerOptions& options = {});

  /// As run_net: `inputs` in the order of net.inputs, values in the order of net.outputs; `tap` sees every value that
  /// exists in memory, after the run.
  std::vector<Tensor> run(const std::vector<Tensor>& inputs, const ValueTap& tap = nullptr);

  const Program& program() const { return *program_; }

 private:
  Device* device_;
  const IntNet* net_;
  std::unique_ptr<Program> program_;
};

}  // namespace obz::gpu
