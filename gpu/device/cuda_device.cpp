#include "gpu/device/cuda_device.hpp"

#include <algorithm>
#include <functional>
#include <map>

#include <fmt/format.h>

#include "gpu/device/driver.hpp"
#include "gpu/kernels/artefact.hpp"
#include "ref/base/error.hpp"

namespace obz::gpu {
namespace {

const driver::Api& api() { return *driver::load().api; }

/// Error "what: CUDA_ERROR_NAME, text" unless `result` is success.
void check(driver::Result result, const std::string& what) {
  if (result == 0) return;
  const char *name = "an unknown error", *text = "";
  api().error_name(result, &name);
  api().error_text(result, &text);
  throw Error(fmt::format("CUDA: {}: {}, {}", what, name, text));
}

/// A launchable graph of calls.
class Captured {
 public:
  Captured(driver::Stream stream, const std::function<void()>& launches) {
    check(api().capture_begin(stream, driver::kCaptureThreadLocal), "capturing launches");
    try {
      launches();
    } catch (...) {
      api().capture_end(stream, &graph_);
      if (graph_ != nullptr) api().graph_destroy(graph_);
      throw;
    }
    check(api().capture_end(stream, &graph_), "capturing launches");
    const driver::Result made = api().graph_instantiate(&exec_, graph_, 0);
    api().graph_destroy(graph_);
    check(made, "making a graph of the launches");
  }
  ~Captured() { api().graph_exec_destroy(exec_); }
  Captured(const Captured&) = delete;
  Captured& operator=(const Captured&) = delete;

  void launch(driver::Stream stream) const { check(api().graph_launch(exec_, stream), "launching a graph"); }

 private:
  driver::Graph graph_ = nullptr;
  driver::GraphExec exec_ = nullptr;
};

}  // namespace

struct CudaDevice::State {
  driver::Device device = 0;
  driver::Context context = nullptr;
  driver::Stream stream = nullptr;
  std::map<std::string, driver::Module> modules;
  std::map<std::pair<std::string, std::string>, driver::Function> functions;

  void enter() const { check(api().context_set(context), "entering the context"); }

  driver::Function function(const std::string& module, const std::string& kernel) {
    const auto known = functions.find({module, kernel});
    if (known != functions.end()) return known->second;
    if (modules.count(module) == 0) {
      const std::string text(kernel_ptx(module));  // the driver wants a final 0
      char log[4096] = "";
      int names[] = {driver::kJitErrorLog, driver::kJitErrorLogBytes};
      void* values[] = {log, reinterpret_cast<void*>(sizeof log)};
      driver::Module loaded = nullptr;
      const driver::Result result = api().module_load(&loaded, text.c_str(), 2, names, values);
      check(result, fmt::format("compiling {}.ptx for this device{}{}", module, log[0] == '\0' ? "" : ": ", log));
      modules.emplace(module, loaded);
    }
    driver::Function f = nullptr;
    check(api().module_function(&f, modules.at(module), kernel.c_str()),
          fmt::format("{}.ptx: kernel {}", module, kernel));
    functions.emplace(std::pair{module, kernel}, f);
    return f;
  }

  void launch(const KernelCall& call) {
    std::size_t bytes = call.args.size();
    void* extra[] = {reinterpret_cast<void*>(driver::kArgsBuffer), const_cast<std::byte*>(call.args.data()),
                     reinterpret_cast<void*>(driver::kArgsBytes), &bytes, reinterpret_cast<void*>(driver::kArgsEnd)};
    check(api().launch(function(call.module, call.kernel), call.grid[0], call.grid[1], call.grid[2], call.block[0],
                       call.block[1], call.block[2], 0, stream, nullptr, extra),
          fmt::format("layer {}: launching {}", call.layer, call.kernel));
  }

  Captured capture(std::span<const KernelCall> calls) {
    for (const KernelCall& c : calls) function(c.module, c.kernel);  // loading is no launch
    return Captured(stream, [&] {
      for (const KernelCall& c : calls) launch(c);
    });
  }

  int attribute(int which) const {
    int value = 0;
    api().device_attribute(&value, which, device);
    return value;
  }
};

CudaDevice::CudaDevice() {
  if (!driver::load().api) return;
  auto state = std::make_unique<State>();
  check(api().device_get(&state->device, 0), "opening device 0");
  check(api().context_retain(&state->context, state->device), "making a context");
  state->enter();
  // 0: waits for the default stream. Copies from plain host memory go there, and may return before they have arrived.
  check(api().stream_create(&state->stream, 0), "making a stream");
  state_ = state.release();
}

CudaDevice::~CudaDevice() {
  if (state_ == nullptr) return;
  api().context_set(state_->context);
  for (const auto& [name, module] : state_->modules) api().module_unload(module);
  api().stream_destroy(state_->stream);
  api().context_release(state_->device);
  delete state_;
}

std::optional<std::string> CudaDevice::absent() const {
  if (state_ != nullptr) return std::nullopt;
  return driver::load().why;
}

std::string CudaDevice::description() const {
  char name[256] = "";
  api().device_name(name, sizeof name, state_->device);
  int version = 0;
  api().driver_version(&version);
  return fmt::format("{} (sm_{}{}, {} SMs, {} MHz), CUDA driver {}.{}", name,
                     state_->attribute(driver::kComputeCapabilityMajor),
                     state_->attribute(driver::kComputeCapabilityMinor), state_->attribute(driver::kMultiprocessors),
                     state_->attribute(driver::kClockKhz) / 1000, version / 1000, version % 1000 / 10);
}

std::uint64_t CudaDevice::allocate(std::size_t bytes, const std::string& label) {
  state_->enter();
  driver::Pointer pointer = 0;
  check(api().allocate(&pointer, bytes), fmt::format("{} bytes for {}", bytes, label));
  return pointer;
}

void CudaDevice::free(std::uint64_t address) {
  state_->enter();
  api().free(address);
}

void CudaDevice::write(std::uint64_t address, std::span<const std::byte> bytes) {
  state_->enter();
  check(api().to_device(address, bytes.data(), bytes.size()),
        fmt::format("copying {} bytes to the device", bytes.size()));
}

void CudaDevice::read(std::uint64_t address, std::span<std::byte> bytes) {
  state_->enter();
  check(api().to_host(bytes.data(), address, bytes.size()),
        fmt::format("copying {} bytes from the device", bytes.size()));
}

void CudaDevice::run(std::span<const KernelCall> calls) {
  if (calls.empty()) return;
  state_->enter();
  const Captured graph = state_->capture(calls);
  graph.launch(state_->stream);
  check(api().stream_wait(state_->stream), fmt::format("running layer {}", calls.front().layer));
}

double CudaDevice::seconds(std::span<const KernelCall> calls, int repeats) {
  state_->enter();
  const Captured graph = state_->capture(calls);
  driver::Event start = nullptr, stop = nullptr;
  check(api().event_create(&start, 0), "making an event");
  check(api().event_create(&stop, 0), "making an event");
  std::vector<double> times;
  for (int i = -(repeats / 4 + 1); i < repeats; ++i) {
    check(api().event_record(start, state_->stream), "recording an event");
    graph.launch(state_->stream);
    check(api().event_record(stop, state_->stream), "recording an event");
    check(api().stream_wait(state_->stream), "running a graph");
    float ms = 0;
    check(api().event_elapsed(&ms, start, stop), "reading events");
    if (i >= 0) times.push_back(ms / 1e3);
  }
  api().event_destroy(start);
  api().event_destroy(stop);
  std::nth_element(times.begin(), times.begin() + repeats / 2, times.end());
  return times[static_cast<std::size_t>(repeats / 2)];
}

}  // namespace obz::gpu
