// The device that needs no device: the compiled kernels' PTX, executed on the CPU, and what they did counted.
#pragma once

#include <map>
#include <memory>

#include "gpu/device.hpp"
#include "gpu/ptx/launch.hpp"

namespace obz::gpu {

/// What one launch did.
struct LaunchRecord {
  std::string layer, module, kernel;
  std::array<std::uint32_t, 3> grid{1, 1, 1};
  ptx::Counters counters;
};

class PtxDevice final : public Device {
 public:
  explicit PtxDevice(ptx::Options options = {});
  ~PtxDevice() override;

  std::string description() const override { return "PTX for compute_75, executed on the CPU"; }
  std::uint64_t allocate(std::size_t bytes, const std::string& label) override;
  void free(std::uint64_t address) override;
  void write(std::uint64_t address, std::span<const std::byte> bytes) override;
  void read(std::uint64_t address, std::span<std::byte> bytes) override;
  void run(std::span<const KernelCall> calls) override;

  /// Takes the place of the module of this name: for mutants, and for kernels of one's own.
  void replace(const std::string& module, ptx::Module with);
  /// The module of this name, read when it is first needed.
  const ptx::Module& module(const std::string& name);

  /// Called after each launch.
  std::function<void(const LaunchRecord&)> watch;

 private:
  ptx::Options options_;
  ptx::Memory memory_;
  std::map<std::string, ptx::Module> modules_;
};

}  // namespace obz::gpu
