// The part of the CUDA driver interface that is used here, found at run time: building needs nothing of CUDA, and one
// program runs on machines with and without a device. Types and numbers as in NVIDIA's "CUDA Driver API".
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

namespace obz::gpu::driver {

using Result = int;  ///< 0: success
using Device = int;
using Pointer = std::uint64_t;
using Context = struct ContextTag*;
using Module = struct ModuleTag*;
using Function = struct FunctionTag*;
using Stream = struct StreamTag*;
using Event = struct EventTag*;
using Graph = struct GraphTag*;
using GraphExec = struct GraphExecTag*;

/// Attributes of a device and of a JIT compilation, and how arguments of a launch are given.
inline constexpr int kComputeCapabilityMajor = 75, kComputeCapabilityMinor = 76, kMultiprocessors = 16, kClockKhz = 13;
inline constexpr int kJitErrorLog = 5, kJitErrorLogBytes = 6;
inline constexpr std::uintptr_t kArgsEnd = 0, kArgsBuffer = 1, kArgsBytes = 2;
inline constexpr int kCaptureThreadLocal = 1;

/// Functions of libcuda, named as there without prefix and version.
struct Api {
  Result (*init)(unsigned flags);
  Result (*driver_version)(int* version);
  Result (*device_count)(int* count);
  Result (*device_get)(Device* device, int ordinal);
  Result (*device_name)(char* name, int bytes, Device device);
  Result (*device_attribute)(int* value, int attribute, Device device);
  Result (*context_retain)(Context* context, Device device);
  Result (*context_release)(Device device);
  Result (*context_set)(Context context);
  Result (*allocate)(Pointer* pointer, std::size_t bytes);
  Result (*free)(Pointer pointer);
  Result (*to_device)(Pointer to, const void* from, std::size_t bytes);
  Result (*to_host)(void* to, Pointer from, std::size_t bytes);
  Result (*module_load)(Module* module, const void* image, unsigned options, int* names, void** values);
  Result (*module_unload)(Module module);
  Result (*module_function)(Function* function, Module module, const char* name);
  Result (*launch)(Function f, unsigned gx, unsigned gy, unsigned gz, unsigned bx, unsigned by, unsigned bz,
                   unsigned shared_bytes, Stream stream, void** params, void** extra);
  Result (*stream_create)(Stream* stream, unsigned flags);
  Result (*stream_destroy)(Stream stream);
  Result (*stream_wait)(Stream stream);
  Result (*capture_begin)(Stream stream, int mode);
  Result (*capture_end)(Stream stream, Graph* graph);
  Result (*graph_instantiate)(GraphExec* exec, Graph graph, unsigned long long flags);
  Result (*graph_launch)(GraphExec exec, Stream stream);
  Result (*graph_exec_destroy)(GraphExec exec);
  Result (*graph_destroy)(Graph graph);
  Result (*event_create)(Event* event, unsigned flags);
  Result (*event_destroy)(Event event);
  Result (*event_record)(Event event, Stream stream);
  Result (*event_elapsed)(float* ms, Event start, Event stop);
  Result (*error_name)(Result error, const char** name);
  Result (*error_text)(Result error, const char** text);
};

/// The driver's functions, or why there are none: "no CUDA driver (libcuda.so.1)". Loaded once.
struct Loaded {
  std::unique_ptr<Api> api;
  std::string why;
};
const Loaded& load();

}  // namespace obz::gpu::driver
