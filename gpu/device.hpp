// What runs kernels: the PTX executor or a CUDA device. Allocates, copies, launches; knows no tensors and no layers.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace obz::gpu {

/// One launch, everything in it: the module and kernel (gpu/kernels), its grid, and its argument struct as bytes.
struct KernelCall {
  std::string module, kernel;
  std::array<std::uint32_t, 3> grid{1, 1, 1}, block{1, 1, 1};
  std::vector<std::byte> args;
  std::string layer;  ///< for people: whose work it is
};

class Device {
 public:
  virtual ~Device() = default;

  /// A clause for "skipped: ..." when there is no such device or it was not built in.
  virtual std::optional<std::string> absent() const { return std::nullopt; }
  /// "NVIDIA T4, driver 550.54", for reports.
  virtual std::string description() const = 0;

  /// At least 256-byte aligned. Error naming label and size when there is no room.
  virtual std::uint64_t allocate(std::size_t bytes, const std::string& label) = 0;
  virtual void free(std::uint64_t address) = 0;
  virtual void write(std::uint64_t address, std::span<const std::byte> bytes) = 0;
  virtual void read(std::uint64_t address, std::span<std::byte> bytes) = 0;

  /// In order, each after the one before; returns when all are done.
  virtual void run(std::span<const KernelCall> calls) = 0;
};

}  // namespace obz::gpu
