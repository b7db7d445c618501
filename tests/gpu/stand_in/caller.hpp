// A caller of the stand-in driver: the library as whoever opens it sees it, a device made ready in it, and a process of
// its own for that, as a driver is initialised once and a kernel that fails breaks it for good.
#pragma once

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <utility>
#include <vector>

#include <dlfcn.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace obz::stand_in_test {

using Words = std::vector<std::uint32_t>;
using Address = std::uint64_t;

// Results, by the numbers of the documentation.
inline constexpr int kInvalidValue = 1, kOutOfMemory = 2, kNotInitialised = 3, kNoDevice = 100, kInvalidDevice = 101;
inline constexpr int kInvalidImage = 200, kInvalidContext = 201, kInvalidPtx = 218, kUnsupportedPtx = 222,
                     kInvalidHandle = 400;
inline constexpr int kIllegalState = 401, kNotFound = 500, kNotReady = 600, kIllegalAddress = 700,
                     kOutOfResources = 701;
inline constexpr int kContextIsDestroyed = 709, kLaunchFailed = 719, kCaptureUnsupported = 900,
                     kCaptureInvalidated = 901;
inline constexpr int kCaptureImplicit = 906, kCapturedEvent = 907, kCaptureWrongThread = 908;

inline constexpr unsigned kBlocking = 0, kNonBlocking = 1;         // streams
inline constexpr int kGlobal = 0, kThreadLocal = 1, kRelaxed = 2;  // captures
inline constexpr int kErrorLog = 5, kErrorLogBytes = 6;            // of the compiler

template <class Signature>
struct Symbol;

template <class... Parameters>
struct Symbol<int(Parameters...)> {
  int (*call)(Parameters...);

  Symbol(void* library, const char* name) : call(reinterpret_cast<int (*)(Parameters...)>(dlsym(library, name))) {
    if (call != nullptr) return;
    std::fprintf(stderr, "no %s\n", name);
    std::exit(9);
  }
  int operator()(Parameters... parameters) const { return call(parameters...); }
};

struct Library {
  void* library = dlopen(OBZ_STAND_IN "/libcuda.so.1", RTLD_NOW | RTLD_LOCAL);
  Symbol<int(unsigned)> init{library, "cuInit"};
  Symbol<int(int*)> driver_version{library, "cuDriverGetVersion"};
  Symbol<int(int*)> device_count{library, "cuDeviceGetCount"};
  Symbol<int(int*, int)> device_get{library, "cuDeviceGet"};
  Symbol<int(char*, int, int)> device_name{library, "cuDeviceGetName"};
  Symbol<int(int*, int, int)> device_attribute{library, "cuDeviceGetAttribute"};
  Symbol<int(void**, int)> retain{library, "cuDevicePrimaryCtxRetain"};
  Symbol<int(int)> release{library, "cuDevicePrimaryCtxRelease_v2"};
  Symbol<int(void*)> set_current{library, "cuCtxSetCurrent"};
  Symbol<int(Address*, std::size_t)> allocate{library, "cuMemAlloc_v2"};
  Symbol<int(Address)> free{library, "cuMemFree_v2"};
  Symbol<int(Address, const void*, std::size_t)> to_device{library, "cuMemcpyHtoD_v2"};
  Symbol<int(void*, Address, std::size_t)> to_host{library, "cuMemcpyDtoH_v2"};
  Symbol<int(void**, const void*, unsigned, int*, void**)> load{library, "cuModuleLoadDataEx"};
  Symbol<int(void*)> unload{library, "cuModuleUnload"};
  Symbol<int(void**, void*, const char*)> get_function{library, "cuModuleGetFunction"};
  Symbol<int(void*, unsigned, unsigned, unsigned, unsigned, unsigned, unsigned, unsigned, void*, void**, void**)>
      launch{library, "cuLaunchKernel"};
  Symbol<int(void**, unsigned)> stream_create{library, "cuStreamCreate"};
  Symbol<int(void*)> stream_destroy{library, "cuStreamDestroy_v2"};
  Symbol<int(void*)> synchronise{library, "cuStreamSynchronize"};
  Symbol<int(void*, int)> begin_capture{library, "cuStreamBeginCapture_v2"};
  Symbol<int(void*, void**)> end_capture{library, "cuStreamEndCapture"};
  Symbol<int(void**, void*, unsigned long long)> instantiate{library, "cuGraphInstantiateWithFlags"};
  Symbol<int(void*, void*)> graph_launch{library, "cuGraphLaunch"};
  Symbol<int(void*)> executable_destroy{library, "cuGraphExecDestroy"};
  Symbol<int(void*)> graph_destroy{library, "cuGraphDestroy"};
  Symbol<int(void**, unsigned)> event_create{library, "cuEventCreate"};
  Symbol<int(void*)> event_destroy{library, "cuEventDestroy_v2"};
  Symbol<int(void*, void*)> record{library, "cuEventRecord"};
  Symbol<int(float*, void*, void*)> elapsed{library, "cuEventElapsedTime"};
  Symbol<int(int, const char**)> error_name{library, "cuGetErrorName"};
  Symbol<int(int, const char**)> error_string{library, "cuGetErrorString"};
};

/// fill: 32 words become `value`. copy: 32 words. bounded: at most 64 threads. wide: 40000 bytes of shared memory.
inline const std::string kKernels = R"(.version 7.5
.target sm_75
.address_size 64
.visible .entry fill(.param .u64 to, .param .u32 value)
{
  .reg .b32 %r<4>; .reg .b64 %d<4>;
  ld.param.u64 %d1, [to]; ld.param.u32 %r2, [value];
  mov.u32 %r1, %tid.x; mad.wide.u32 %d2, %r1, 4, %d1;
  st.global.u32 [%d2], %r2;
  ret;
}
.visible .entry copy(.param .u64 to, .param .u64 from)
{
  .reg .b32 %r<4>; .reg .b64 %d<5>;
  ld.param.u64 %d1, [to]; ld.param.u64 %d2, [from];
  mov.u32 %r1, %tid.x; mad.wide.u32 %d3, %r1, 4, %d2; mad.wide.u32 %d4, %r1, 4, %d1;
  ld.global.u32 %r2, [%d3]; st.global.u32 [%d4], %r2;
  ret;
}
.visible .entry bounded() .maxntid 64, 1, 1
{
  ret;
}
.visible .entry wide()
{
  .shared .align 16 .b8 tile[40000];
  .reg .b32 %r<4>;
  mov.u32 %r1, tile; mov.u32 %r2, 0; st.shared.u32 [%r1], %r2;
  ret;
}
)";

inline constexpr std::size_t kBytes = 128;

/// A library with the context current, the module loaded and a stream.
struct Device : Library {
  void *stream = nullptr, *module = nullptr, *fill = nullptr, *copy = nullptr, *bounded = nullptr, *wide = nullptr;

  explicit Device(unsigned flags = kNonBlocking) {
    void* context = nullptr;
    EXPECT_EQ(init(0), 0);
    EXPECT_EQ(retain(&context, 0), 0);
    EXPECT_EQ(set_current(context), 0);
    EXPECT_EQ(load(&module, kKernels.c_str(), 0, nullptr, nullptr), 0);
    for (const auto& [handle, name] :
         {std::pair{&fill, "fill"}, {&copy, "copy"}, {&bounded, "bounded"}, {&wide, "wide"}}) {
      EXPECT_EQ(get_function(handle, module, name), 0);
    }
    EXPECT_EQ(stream_create(&stream, flags), 0);
  }

  void close() {
    EXPECT_EQ(stream_destroy(stream), 0);
    EXPECT_EQ(unload(module), 0);
    EXPECT_EQ(release(0), 0);
  }

  Address make() {
    Address a = 0;
    EXPECT_EQ(allocate(&a, kBytes), 0);
    return a;
  }

  /// The data has arrived.
  Address make(std::uint32_t value) {
    const Address a = make();
    put(a, value);
    EXPECT_EQ(get(a), value);
    return a;
  }

  int put(Address to, std::uint32_t value) {
    const Words words(kBytes / 4, value);
    return to_device(to, words.data(), kBytes);
  }

  /// All words of it, which must be the same.
  std::uint32_t get(Address from) {
    Words words(kBytes / 4);
    EXPECT_EQ(to_host(words.data(), from, kBytes), 0);
    EXPECT_THAT(words, testing::Each(words[0]));
    return words[0];
  }

  int run_fill(Address to, std::uint32_t value, void* in) {
    void* params[] = {&to, &value};
    const int result = launch(fill, 1, 1, 1, 32, 1, 1, 0, in, params, nullptr);
    to = 0, value = 0;  // they were copied, or never will be
    return result;
  }

  int run_copy(Address to, Address from, void* in) {
    void* params[] = {&to, &from};
    return launch(copy, 1, 1, 1, 32, 1, 1, 0, in, params, nullptr);
  }

  /// A graph of one launch.
  void* capture_fill(Address to, std::uint32_t value) {
    void *graph = nullptr, *executable = nullptr;
    EXPECT_EQ(begin_capture(stream, kThreadLocal), 0);
    EXPECT_EQ(run_fill(to, value, stream), 0);
    EXPECT_EQ(end_capture(stream, &graph), 0);
    EXPECT_EQ(instantiate(&executable, graph, 0), 0);
    EXPECT_EQ(graph_destroy(graph), 0);
    return executable;
  }
};

/// Whether what was expected came; what did not stands on stderr, as nobody sees the report of a process like this.
inline int verdict() {
  const testing::TestResult& result = *testing::UnitTest::GetInstance()->current_test_info()->result();
  for (int k = 0; k < result.total_part_count(); ++k) {
    const testing::TestPartResult& part = result.GetTestPartResult(k);
    if (part.failed()) std::fprintf(stderr, "line %d: %s\n", part.line_number(), part.message());
  }
  return testing::Test::HasFailure() ? 1 : 0;
}

using Environment = std::vector<std::pair<const char*, std::string>>;

/// `said`: what stands on stderr afterwards, all of it.
template <class Body>
void in_own_process(Body body, const testing::Matcher<const std::string&>& said = testing::Eq(""),
                    const Environment& environment = {}) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_EXIT(
      {
        for (const auto& [name, value] : environment) setenv(name, value.c_str(), 1);
        body();
        std::exit(verdict());
      },
      testing::ExitedWithCode(0), said);
}

}  // namespace obz::stand_in_test
