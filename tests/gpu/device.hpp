// A device of a test's own: memory, one module of compiled kernels, and launches; on the PTX executor with all its
// checks.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "tests/gpu/any_device.hpp"
#include "tests/gpu/packing.hpp"

namespace obz::test {

class Device {
 public:
  explicit Device(std::string module) : module_(std::move(module)), device_(any_device(1)) {}
  Device(const Device&) = delete;
  Device& operator=(const Device&) = delete;
  ~Device() {
    for (const gpu::Address a : held_) device_->free(a);
  }

  template <class T>
  gpu::Address upload(const std::vector<T>& values, const std::string& label) {
    const gpu::Address address = room(values.size() * sizeof(T), label);
    device_->write(address, std::as_bytes(std::span(values)));
    return address;
  }
  /// `t` as rows of `channels`.
  gpu::View upload(const Tensor& t, std::int64_t channels, const std::string& label) {
    gpu::View v = view_of(t.elems() / channels, channels, t.type);
    v.data = upload(packed(v, t.data), label);
    return v;
  }
  /// Room that nothing was written to.
  gpu::View output(const Tensor& t, std::int64_t channels) {
    gpu::View v = view_of(t.elems() / channels, channels, t.type);
    v.data = room(bytes_of(v), "y");
    return v;
  }
  gpu::Address room(std::size_t bytes, const std::string& label) {
    return held_.emplace_back(device_->allocate(bytes, label));
  }

  template <class Args>
  void launch(const std::string& kernel, std::int64_t threads, const Args& args, std::uint32_t block = 128) {
    const auto bytes = std::as_bytes(std::span(&args, 1));
    const gpu::KernelCall call{.module = module_,
                               .kernel = kernel,
                               .grid = {static_cast<std::uint32_t>((threads + block - 1) / block), 1, 1},
                               .block = {block, 1, 1},
                               .args = {bytes.begin(), bytes.end()},
                               .layer = kernel};
    device_->run(std::span(&call, 1));
  }
  /// A thread for every quad of y.
  template <class Args>
  void launch_quads(const std::string& kernel, const gpu::View& y, const Args& args) {
    launch(kernel, y.rows * ((lanes_of(y) + 3) / 4), args);
  }

  template <class T>
  std::vector<T> download(gpu::Address address, std::size_t count) const {
    std::vector<T> values(count);
    device_->read(address, std::as_writable_bytes(std::span(values)));
    return values;
  }
  /// Every lane of y, padding too.
  std::vector<std::int32_t> lanes(const gpu::View& y) const {
    return unpacked(y, download<std::byte>(y.data, bytes_of(y)));
  }

 private:
  std::string module_;
  std::unique_ptr<gpu::Device> device_;
  std::vector<gpu::Address> held_;
};

/// What lanes() gives when y holds `t`: its values, and 0 in all padding.
inline std::vector<std::int32_t> padded(const gpu::View& y, const Tensor& t) {
  std::vector<std::int32_t> values;
  for (std::int64_t row = 0; row < y.rows; ++row) {
    for (std::int64_t lane = 0; lane < lanes_of(y); ++lane) {
      values.push_back(lane < y.channels ? t.data[static_cast<std::size_t>(row * y.channels + lane)] : 0);
    }
  }
  return values;
}

}  // namespace obz::test
