// A CUDA device behind gpu/device.hpp: the same PTX as everywhere, compiled by the driver for whatever chip it is.
#pragma once

#include "gpu/device.hpp"

namespace obz::gpu {

/// The first device of the machine; where there is none, one that says so.
class CudaDevice final : public Device {
 public:
  CudaDevice();
  ~CudaDevice() override;
  CudaDevice(const CudaDevice&) = delete;
  CudaDevice& operator=(const CudaDevice&) = delete;

  std::optional<std::string> absent() const override;
  std::string description() const override;
  std::uint64_t allocate(std::size_t bytes, const std::string& label) override;
  void free(std::uint64_t address) override;
  void write(std::uint64_t address, std::span<const std::byte> bytes) override;
  void read(std::uint64_t address, std::span<std::byte> bytes) override;
  /// Captured into one graph, which is launched once.
  void run(std::span<const KernelCall> calls) override;

  /// Seconds of one run of all calls: the median over `repeats` launches of their graph, timed by events, after
  /// `repeats` / 4 + 1 that are not.
  double seconds(std::span<const KernelCall> calls, int repeats);

 private:
  struct State;
  State* state_ = nullptr;  ///< null: absent
};

}  // namespace obz::gpu
