// A device of a test's own: memory, one module of compiled kernels, and launches through the PTX executor, all checks
// on.
#pragma once

#include <cstring>
#include <span>
#include <string>
#include <vector>

#include "gpu/kernels/artefact.hpp"
#include "gpu/ptx/launch.hpp"
#include "tests/gpu/packing.hpp"

namespace obz::test {

class Device {
 public:
  explicit Device(const std::string& module) : module_(ptx::parse_module(gpu::kernel_ptx(module), module + ".ptx")) {}

  template <class T>
  gpu::Address upload(const std::vector<T>& values, const std::string& label) {
    const gpu::Address address = memory_.allocate(values.size() * sizeof(T), label);
    memory_.write(address, std::as_bytes(std::span(values)));
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
    v.data = memory_.allocate(bytes_of(v), "y");
    return v;
  }
  gpu::Address room(std::size_t bytes, const std::string& label) { return memory_.allocate(bytes, label); }

  template <class Args>
  ptx::Counters launch(const std::string& kernel, std::int64_t threads, const Args& args, std::uint32_t block = 128) {
    ptx::Launch l{.kernel = kernel, .grid = {}, .block = {.x = block}};
    l.grid.x = static_cast<std::uint32_t>((threads + block - 1) / block);
    l.args.resize(sizeof(Args));
    std::memcpy(l.args.data(), &args, sizeof(Args));
    return ptx::run(module_, l, memory_, {.threads = 1});
  }
  /// A thread for every quad of y.
  template <class Args>
  ptx::Counters launch_quads(const std::string& kernel, const gpu::View& y, const Args& args) {
    return launch(kernel, y.rows * ((lanes_of(y) + 3) / 4), args);
  }

  template <class T>
  std::vector<T> download(gpu::Address address, std::size_t count) const {
    std::vector<T> values(count);
    memory_.read(address, std::as_writable_bytes(std::span(values)));
    return values;
  }
  /// Every lane of y, padding too.
  std::vector<std::int32_t> lanes(const gpu::View& y) const {
    return unpacked(y, download<std::byte>(y.data, bytes_of(y)));
  }

 private:
  ptx::Module module_;
  ptx::Memory memory_;
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
