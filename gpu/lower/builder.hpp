// A sequence of launches in the making: device memory that it owns, values that exist in one or several storages, and
// the calls that make them. Says why where a layer has no kernel.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <stdexcept>
#include <utility>

#include "gpu/device.hpp"
#include "gpu/lower/storage.hpp"
#include "ref/net/net.hpp"

namespace obz::gpu {

/// A tensor that lies, or will lie, in device memory.
struct Placed {
  Storage storage;
  Address data = 0;

  View view() const { return view_of(storage, data); }
};

/// No kernel for this layer: a clause for "unsupported: ...".
class Unsupported : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// Device memory, given back together.
class DeviceMemory {
 public:
  explicit DeviceMemory(Device& device) : device_(&device) {}
  DeviceMemory(DeviceMemory&&) = default;
  DeviceMemory& operator=(DeviceMemory&&) = delete;
  ~DeviceMemory();

  Address allocate(std::int64_t bytes, const std::string& label);
  Address constant(std::span<const std::byte> bytes, const std::string& label);
  template <class T>
  Address constant(const std::vector<T>& values, const std::string& label) {
    return constant(std::as_bytes(std::span(values)), label);
  }
  Device& device() { return *device_; }

 private:
  Device* device_;
  std::vector<Address> held_;
};

/// A layer that has no kernel, in the middle of a sequence.
struct HostStep {
  std::size_t before_call = 0;  ///< launches that come first
  const Node* node = nullptr;
  std::string why;
  std::vector<Placed> inputs;
  Placed output;
};

/// What a finished sequence needs to run again and again.
struct Program {
  explicit Program(Device& device) : memory(device) {}

  DeviceMemory memory;
  std::vector<KernelCall> calls;
  std::vector<HostStep> host;                  ///< in order
  std::vector<std::pair<int, Placed>> inputs;  ///< of the network's tensors: to be written before each run
  std::map<int, Placed> values;                ///< where each tensor ends up
};

class Builder {
 public:
  Builder(Device& device, const IntNet& net) : net_(&net), program_(std::make_unique<Program>(device)) {}

  const IntNet& net() const { return *net_; }
  DeviceMemory& memory() { return program_->memory; }

  /// Whose work follows; appears in labels.
  void set_layer(std::string name) { layer_ = std::move(name); }
  const std::string& layer() const { return layer_; }

  /// Tensor `t` stored in this order: as it is, or moved there; network inputs and constants come to be here.
  Placed get(int t, const Order& order);
  /// The order that tensor `t` has, or its natural one.
  Order order_of(int t) const;
  /// Room for tensor `t`, which the caller's next call fills.
  Placed make(int t, const Order& order);
  /// Room for something that is no tensor of the network.
  Placed scratch(const Storage& storage, const std::string& what);
  /// Says that `t` is what lies there.
  void set(int t, const Placed& placed);

  /// A one-dimensional launch of `threads` threads.
  template <class Args>
  void call(const char* module, const char* kernel, std::int64_t threads, const Args& args, std::uint32_t block = 128) {
    call_grid(module, kernel, {blocks(threads, block), 1, 1}, block, args);
  }
  template <class Args>
  void call_grid(const char* module, const std::string& kernel, std::array<std::uint32_t, 3> grid, std::uint32_t block,
                 const Args& args) {
    const auto bytes = std::as_bytes(std::span(&args, 1));
    program_->calls.push_back({module, kernel, grid, {block, 1, 1}, {bytes.begin(), bytes.end()}, layer_});
  }

  /// The node runs on the host, between the calls so far and those to come.
  void on_host(const Node& node, std::string why);

  std::unique_ptr<Program> finish() { return std::move(program_); }

 private:
  static std::uint32_t blocks(std::int64_t threads, std::uint32_t block);

  const IntNet* net_;
  std::unique_ptr<Program> program_;
  std::string layer_;
  std::map<int, std::vector<Placed>> placed_;
};

/// Threads of a launch that gives each quad of y one.
std::int64_t quads_of(const View& y);

}  // namespace obz::gpu
