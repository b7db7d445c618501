// The stand-in driver, judged by the documentation of the CUDA Driver API: what it allows, what it refuses, and that it
// does nothing earlier than it must.
#include <array>
#include <cstring>
#include <fstream>
#include <functional>
#include <numeric>
#include <thread>

#include "ref/base/temporary_folder.hpp"
#include "tests/gpu/stand_in/caller.hpp"

namespace obz::stand_in_test {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

TEST(StandIn, nothing_goes_before_initialisation) {
  in_own_process([] {
    const Library d;
    int number = 0;
    Address a = 0;
    void* context = nullptr;
    EXPECT_EQ(d.device_count(&number), kNotInitialised);
    EXPECT_EQ(d.device_get(&number, 0), kNotInitialised);
    EXPECT_EQ(d.retain(&context, 0), kNotInitialised);
    EXPECT_EQ(d.allocate(&a, 4), kNotInitialised);
    EXPECT_EQ(d.synchronise(nullptr), kNotInitialised);
    EXPECT_EQ(d.driver_version(&number), 0);
    EXPECT_EQ(number, 11070);
    EXPECT_EQ(d.init(1), kInvalidValue);
    EXPECT_EQ(d.device_count(&number), kNotInitialised);
    EXPECT_EQ(d.init(0), 0);
    EXPECT_EQ(d.device_count(&number), 0);
    EXPECT_EQ(number, 1);
    EXPECT_EQ(d.device_count(nullptr), kInvalidValue);
    EXPECT_EQ(d.device_get(&number, 1), kInvalidDevice);
    EXPECT_EQ(d.device_get(&number, 0), 0);
    std::array<char, 7> name{};
    EXPECT_EQ(d.device_name(name.data(), 7, 0), 0);
    EXPECT_STREQ(name.data(), "obz st");
    for (const auto& [attribute, expected] : {std::pair{75, 7}, {76, 5}, {16, 40}, {13, 1590000}, {10, 32}}) {
      EXPECT_EQ(d.device_attribute(&number, attribute, 0), 0);
      EXPECT_EQ(number, expected);
    }
    const char* text = nullptr;
    EXPECT_EQ(d.error_name(700, &text), 0);
    EXPECT_STREQ(text, "CUDA_ERROR_ILLEGAL_ADDRESS");
    EXPECT_EQ(d.error_string(2, &text), 0);
    EXPECT_STREQ(text, "out of memory");
    EXPECT_EQ(d.error_name(12345, &text), kInvalidValue);
    EXPECT_EQ(text, nullptr);
  });
  in_own_process([] { EXPECT_EQ(Library().init(0), kNoDevice); }, testing::Eq(""), {{"OBZ_STAND_IN_DEVICES", "0"}});
}

TEST(StandIn, a_context_is_of_a_thread_and_lives_while_retained) {
  in_own_process([] {
    const Library d;
    Address a = 0;
    void *context = nullptr, *again = nullptr;
    EXPECT_EQ(d.init(0), 0);
    EXPECT_EQ(d.release(0), kInvalidContext);
    EXPECT_EQ(d.retain(&context, 0), 0);
    EXPECT_EQ(d.retain(&again, 0), 0);
    EXPECT_EQ(again, context);
    EXPECT_EQ(d.allocate(&a, 4), kInvalidContext);
    EXPECT_EQ(d.set_current(&a), kInvalidContext);
    EXPECT_EQ(d.set_current(context), 0);
    std::thread([&] { EXPECT_EQ(d.allocate(&a, 4), kInvalidContext); }).join();
    EXPECT_EQ(d.release(0), 0);
    EXPECT_EQ(d.allocate(&a, 4), 0);
    EXPECT_EQ(d.free(a), 0);
    EXPECT_EQ(d.release(0), 0);
    EXPECT_EQ(d.allocate(&a, 4), kContextIsDestroyed);
    EXPECT_EQ(d.set_current(context), kInvalidContext);
    EXPECT_EQ(d.release(0), kInvalidContext);
    EXPECT_EQ(d.set_current(nullptr), 0);
    EXPECT_EQ(d.allocate(&a, 4), kInvalidContext);
  });
}

TEST(StandIn, memory_is_what_was_allocated_and_no_more) {
  const auto body = [] {
    Device d;
    Address a = 0, b = 0;
    std::array<unsigned char, 64> bytes{};
    EXPECT_EQ(d.allocate(&a, 0), kInvalidValue);
    EXPECT_EQ(d.allocate(nullptr, 4), kInvalidValue);
    EXPECT_EQ(d.allocate(&a, 1001), kOutOfMemory);
    EXPECT_EQ(d.allocate(&a, 600), 0);
    EXPECT_EQ(d.allocate(&b, 401), kOutOfMemory);
    EXPECT_EQ(d.allocate(&b, 400), 0);
    EXPECT_EQ(d.to_device(a + 536, bytes.data(), 64), 0);
    EXPECT_EQ(d.to_device(a + 537, bytes.data(), 64), kInvalidValue);
    EXPECT_EQ(d.to_device(a - 1, bytes.data(), 1), kInvalidValue);
    EXPECT_EQ(d.to_device(a, nullptr, 1), kInvalidValue);
    EXPECT_EQ(d.to_host(nullptr, a, 1), kInvalidValue);
    EXPECT_EQ(d.to_host(bytes.data(), a + 600, 1), kInvalidValue);
    // Never written, then half of it.
    EXPECT_EQ(d.to_host(bytes.data(), a, 64), 0);
    EXPECT_THAT(bytes, testing::Each(0xA5));
    bytes.fill(7);
    EXPECT_EQ(d.to_device(a, bytes.data(), 32), 0);
    EXPECT_EQ(d.to_host(bytes.data(), a, 64), 0);
    EXPECT_EQ(bytes[31], 7);
    EXPECT_EQ(bytes[32], 0xA5);
    EXPECT_EQ(d.free(a + 1), kInvalidValue);
    EXPECT_EQ(d.free(0), kInvalidValue);
    EXPECT_EQ(d.free(a), 0);
    EXPECT_EQ(d.free(a), kInvalidValue);
    EXPECT_EQ(d.to_host(bytes.data(), a, 1), kInvalidValue);
    EXPECT_EQ(d.allocate(&a, 600), 0);
    EXPECT_EQ(d.free(a), 0);
    EXPECT_EQ(d.free(b), 0);
    d.close();
  };
  in_own_process(body, testing::Eq(""), {{"OBZ_STAND_IN_MEMORY", "1000"}});
}

/// Loads `text` with an error log of `bytes`; the log, and what was reported as its length.
std::pair<std::string, std::size_t> error_log(const Device& d, const std::string& text, int expected,
                                              std::size_t bytes) {
  std::vector<char> log(bytes + 8, '#');
  int options[] = {kErrorLogBytes, kErrorLog};
  void* values[] = {reinterpret_cast<void*>(bytes), log.data()};
  void* module = nullptr;
  EXPECT_EQ(d.load(&module, text.c_str(), 2, options, values), expected);
  EXPECT_EQ(std::string(log.end() - 8, log.end()), "########");
  if (module != nullptr) EXPECT_EQ(d.unload(module), 0);
  return {log.data(), reinterpret_cast<std::size_t>(values[0])};
}

TEST(StandIn, the_compiler_says_what_it_refuses) {
  const auto body = [] {
    Device d;
    const std::string wrong = kKernels + ".entry {}\n";
    const auto [whole, length] = error_log(d, wrong, kInvalidPtx, 200);
    EXPECT_THAT(whole, HasSubstr("expected a function's name"));
    EXPECT_EQ(length, whole.size());
    const auto [cut, cut_length] = error_log(d, wrong, kInvalidPtx, 6);
    EXPECT_EQ(cut, whole.substr(0, 5));
    EXPECT_EQ(cut_length, 5U);
    EXPECT_EQ(error_log(d, kKernels, 0, 200), (std::pair<std::string, std::size_t>{"", 0}));
    const auto of_version = [&](const char* version, int expected) {
      std::string text = kKernels;
      return error_log(d, "// made by hand\n" + text.replace(text.find("7.5"), 3, version), expected, 200).first;
    };
    EXPECT_EQ(of_version("7.7", 0), "");
    EXPECT_THAT(of_version("7.8", kUnsupportedPtx), HasSubstr("7.8"));
    setenv("OBZ_STAND_IN_DRIVER", "13000", 1);
    EXPECT_EQ(of_version("9.0", 0), "");
    EXPECT_THAT(of_version("9.1", kUnsupportedPtx), HasSubstr("9.0"));
    std::string newer = kKernels;
    EXPECT_THAT(error_log(d, newer.replace(newer.find("sm_75"), 5, "sm_80"), kInvalidPtx, 200).first,
                HasSubstr("sm_80"));
    void *module = nullptr, *function = nullptr;
    EXPECT_EQ(d.load(&module,
                     "\x7f"
                     "ELF",
                     0, nullptr, nullptr),
              kInvalidImage);
    EXPECT_EQ(d.load(&module, nullptr, 0, nullptr, nullptr), kInvalidValue);
    EXPECT_EQ(d.load(&module, kKernels.c_str(), 1, nullptr, nullptr), kInvalidValue);
    int unknown = 99;
    void* value = nullptr;
    EXPECT_EQ(d.load(&module, kKernels.c_str(), 1, &unknown, &value), kInvalidValue);
    EXPECT_EQ(d.get_function(&function, d.module, "fil"), kNotFound);
    EXPECT_EQ(d.get_function(&function, d.stream, "fill"), kInvalidValue);
    d.close();
  };
  in_own_process(body);
}

TEST(StandIn, a_launch_fits_the_kernel_and_the_device) {
  in_own_process([] {
    Device d;
    const Address a = d.make(1);
    struct Shape {
      unsigned gx, gy, gz, bx, by, bz, shared;
      int expected;
    };
    const auto run = [&](void* kernel, const Shape& s) {
      EXPECT_EQ(d.launch(kernel, s.gx, s.gy, s.gz, s.bx, s.by, s.bz, s.shared, d.stream, nullptr, nullptr), s.expected)
          << s.gx << ' ' << s.gy << ' ' << s.gz << ' ' << s.bx << ' ' << s.by << ' ' << s.bz << ' ' << s.shared;
    };
    run(d.wide, {1, 1, 1, 1, 1, 1, 0, 0});
    run(d.wide, {0, 1, 1, 1, 1, 1, 0, kInvalidValue});
    run(d.wide, {0x80000000U, 1, 1, 1, 1, 1, 0, kInvalidValue});
    run(d.wide, {1, 65536, 1, 1, 1, 1, 0, kInvalidValue});
    run(d.wide, {1, 1, 65536, 1, 1, 1, 0, kInvalidValue});
    run(d.wide, {1, 1, 1, 0, 1, 1, 0, kInvalidValue});
    run(d.wide, {1, 1, 1, 1025, 1, 1, 0, kInvalidValue});
    run(d.wide, {1, 1, 1, 1, 1, 65, 0, kInvalidValue});
    run(d.wide, {1, 1, 1, 32, 33, 1, 0, kInvalidValue});
    run(d.wide, {1, 1, 1, 1, 1, 1, 9153, kInvalidValue});
    run(d.wide, {1, 1, 1, 1, 1, 1, 9152, 0});
    run(d.bounded, {1, 1, 1, 64, 1, 1, 0, 0});
    run(d.bounded, {1, 1, 1, 65, 1, 1, 0, kOutOfResources});
    run(d.fill, {1, 1, 1, 32, 1, 1, 0, kInvalidValue});  // without its parameters
    run(d.stream, {1, 1, 1, 32, 1, 1, 0, kInvalidHandle});
    // The parameters as one buffer.
    std::array<std::byte, 24> buffer{};
    const std::uint32_t value = 5;
    std::memcpy(buffer.data(), &a, 8);
    std::memcpy(buffer.data() + 8, &value, 4);
    std::size_t bytes = 12;
    void* extra[] = {reinterpret_cast<void*>(2), &bytes, reinterpret_cast<void*>(1), buffer.data(), nullptr};
    void* params[] = {buffer.data(), buffer.data() + 8};
    const auto fill = [&](void** p, void** e) { return d.launch(d.fill, 1, 1, 1, 32, 1, 1, 0, d.stream, p, e); };
    EXPECT_EQ(fill(params, extra), kInvalidValue);
    bytes = 16;
    EXPECT_EQ(fill(nullptr, extra), kOutOfResources);
    bytes = 8;
    EXPECT_EQ(fill(nullptr, extra), kInvalidValue);
    EXPECT_EQ(fill(nullptr, extra + 4), kInvalidValue);
    EXPECT_EQ(d.synchronise(d.stream), 0);
    EXPECT_EQ(d.get(a), 1U);
    bytes = 12;
    EXPECT_EQ(fill(nullptr, extra), 0);
    buffer.fill(std::byte{0});  // they were copied
    EXPECT_EQ(d.synchronise(d.stream), 0);
    EXPECT_EQ(d.get(a), 5U);
    EXPECT_EQ(d.free(a), 0);
    d.close();
  });
}

TEST(StandIn, a_launch_runs_when_it_is_waited_for) {
  for (const unsigned flags : {kBlocking, kNonBlocking}) {
    in_own_process([&] {
      Device d(flags);
      const Address a = d.make(1), b = d.make(1);
      void* other = nullptr;
      EXPECT_EQ(d.stream_create(&other, flags), 0);
      EXPECT_EQ(d.run_fill(a, 2, d.stream), 0);
      EXPECT_EQ(d.run_fill(b, 2, other), 0);
      // A copy waits for blocking streams and for no others.
      EXPECT_EQ(d.get(a), flags == kBlocking ? 2U : 1U);
      EXPECT_EQ(d.synchronise(nullptr), 0);
      EXPECT_EQ(d.get(a), flags == kBlocking ? 2U : 1U);
      EXPECT_EQ(d.synchronise(d.stream), 0);
      EXPECT_EQ(d.get(a), 2U);
      EXPECT_EQ(d.get(b), flags == kBlocking ? 2U : 1U);
      EXPECT_EQ(d.synchronise(other), 0);
      EXPECT_EQ(d.get(b), 2U);
      EXPECT_EQ(d.free(a), 0);
      EXPECT_EQ(d.free(b), 0);
      EXPECT_EQ(d.stream_destroy(other), 0);
      d.close();
    });
  }
}

TEST(StandIn, the_legacy_stream_stands_between_blocking_streams) {
  in_own_process([] {
    Device d(kBlocking);
    const Address a = d.make(1), b = d.make(1), c = d.make(1);
    void *other = nullptr, *start = nullptr, *end = nullptr;
    float time = 0;
    EXPECT_EQ(d.stream_create(&other, 2), kInvalidValue);
    EXPECT_EQ(d.stream_create(&other, kBlocking), 0);
    EXPECT_EQ(d.event_create(&start, 0), 0);
    EXPECT_EQ(d.event_create(&end, 0), 0);
    // What `other` is waited for needs the legacy stream's copy, and that needs the filling before it.
    EXPECT_EQ(d.run_fill(a, 2, d.stream), 0);
    EXPECT_EQ(d.run_copy(b, a, nullptr), 0);
    EXPECT_EQ(d.run_copy(c, b, other), 0);
    EXPECT_EQ(d.record(start, other), 0);
    EXPECT_EQ(d.record(end, d.stream), 0);
    EXPECT_EQ(d.synchronise(other), 0);
    EXPECT_EQ(d.elapsed(&time, start, start), 0);
    EXPECT_EQ(d.elapsed(&time, start, end), kNotReady);
    // A copy to the device begins when the work before it has ended.
    EXPECT_EQ(d.put(a, 3), 0);
    EXPECT_EQ(d.elapsed(&time, start, end), 0);
    EXPECT_EQ(d.get(c), 2U);
    EXPECT_EQ(d.event_destroy(start), 0);
    EXPECT_EQ(d.event_destroy(end), 0);
    EXPECT_EQ(d.stream_destroy(other), 0);
    for (const Address address : {a, b, c}) EXPECT_EQ(d.free(address), 0);
    d.close();
  });
}

TEST(StandIn, a_copy_to_the_device_may_be_late) {
  for (const unsigned flags : {kBlocking, kNonBlocking}) {
    in_own_process([&] {
      Device d(flags);
      const Address from = d.make(1), to = d.make(0);
      EXPECT_EQ(d.put(from, 2), 0);
      EXPECT_EQ(d.run_copy(to, from, d.stream), 0);
      EXPECT_EQ(d.synchronise(d.stream), 0);
      EXPECT_EQ(d.get(to), flags == kBlocking ? 2U : 1U);
      EXPECT_EQ(d.get(from), 2U);
      // The legacy stream itself is in order, and a wait for it ends the copy.
      EXPECT_EQ(d.put(from, 3), 0);
      EXPECT_EQ(d.run_copy(to, from, nullptr), 0);
      EXPECT_EQ(d.synchronise(nullptr), 0);
      EXPECT_EQ(d.get(to), 3U);
      EXPECT_EQ(d.put(from, 4), 0);
      EXPECT_EQ(d.synchronise(nullptr), 0);
      EXPECT_EQ(d.run_copy(to, from, d.stream), 0);
      EXPECT_EQ(d.synchronise(d.stream), 0);
      EXPECT_EQ(d.get(to), 4U);
      // Work issued before the copy has nothing of it.
      EXPECT_EQ(d.run_copy(to, from, d.stream), 0);
      EXPECT_EQ(d.put(from, 5), 0);
      EXPECT_EQ(d.synchronise(d.stream), 0);
      EXPECT_EQ(d.get(to), 4U);
      EXPECT_EQ(d.free(from), 0);
      EXPECT_EQ(d.free(to), 0);
      d.close();
    });
  }
}

TEST(StandIn, a_late_copy_into_new_memory_is_a_read_of_nothing) {
  const auto body = [] {
    Device d;
    const Address from = d.make(), to = d.make();
    EXPECT_EQ(d.put(from, 1), 0);
    EXPECT_EQ(d.run_copy(to, from, d.stream), 0);
    EXPECT_EQ(d.synchronise(d.stream), kIllegalAddress);
    std::_Exit(verdict());
  };
  in_own_process(body, AllOf(StartsWith("stand-in: kernel copy: "), HasSubstr("uninitialised")));
}

TEST(StandIn, a_graph_runs_what_was_captured_as_often_as_launched) {
  in_own_process([] {
    Device d;
    const Address a = d.make(1);
    void* executable = d.capture_fill(a, 2);  // its graph is gone
    EXPECT_EQ(d.synchronise(d.stream), 0);
    EXPECT_EQ(d.get(a), 1U);
    for (int k = 0; k < 2; ++k) {
      EXPECT_EQ(d.graph_launch(executable, d.stream), 0);
      EXPECT_EQ(d.get(a), 1U);
      EXPECT_EQ(d.synchronise(d.stream), 0);
      EXPECT_EQ(d.get(a), 2U);
      EXPECT_EQ(d.put(a, 1), 0);
      EXPECT_EQ(d.get(a), 1U);
    }
    // One instance at a time: a launch in another stream stands behind those before.
    const Address b = d.make(1);
    void *other = nullptr, *graph = nullptr;
    EXPECT_EQ(d.stream_create(&other, kNonBlocking), 0);
    EXPECT_EQ(d.run_fill(b, 3, d.stream), 0);
    EXPECT_EQ(d.graph_launch(executable, d.stream), 0);
    EXPECT_EQ(d.run_fill(b, 4, d.stream), 0);
    EXPECT_EQ(d.graph_launch(executable, other), 0);
    EXPECT_EQ(d.executable_destroy(executable), 0);  // those in flight still run
    EXPECT_EQ(d.graph_launch(executable, other), kInvalidValue);
    EXPECT_EQ(d.synchronise(other), 0);
    EXPECT_EQ(d.get(a), 2U);
    EXPECT_EQ(d.get(b), 3U);
    EXPECT_EQ(d.synchronise(d.stream), 0);
    EXPECT_EQ(d.get(b), 4U);
    EXPECT_EQ(d.graph_destroy(graph), kInvalidValue);
    EXPECT_EQ(d.instantiate(&executable, graph, 0), kInvalidValue);
    EXPECT_EQ(d.free(a), 0);
    EXPECT_EQ(d.free(b), 0);
    EXPECT_EQ(d.stream_destroy(other), 0);
    d.close();
  });
}

TEST(StandIn, what_no_stream_observes_ruins_a_capture) {
  in_own_process([] {
    Device d;
    const Address a = d.make(1);
    Address other = 0;
    std::uint32_t word = 0;
    void *module = nullptr, *graph = &word, *executable = nullptr;
    const std::vector<std::function<int()>> calls{
        [&] { return d.allocate(&other, 4); },
        [&] { return d.free(a); },
        [&] { return d.to_device(a, &word, 4); },
        [&] { return d.to_host(&word, a, 4); },
        [&] { return d.load(&module, kKernels.c_str(), 0, nullptr, nullptr); },
        [&] { return d.synchronise(d.stream); },
    };
    for (const int mode : {kGlobal, kThreadLocal}) {
      for (const auto& call : calls) {
        EXPECT_EQ(d.begin_capture(d.stream, mode), 0);
        EXPECT_EQ(d.run_fill(a, 2, d.stream), 0);
        EXPECT_EQ(call(), kCaptureUnsupported);
        EXPECT_EQ(d.run_fill(a, 2, d.stream), kCaptureInvalidated);
        EXPECT_EQ(d.end_capture(d.stream, &graph), kCaptureInvalidated);
        EXPECT_EQ(graph, nullptr);
      }
    }
    // Another thread is held up by a global capture alone, and nobody by a relaxed one.
    for (const auto& [mode, expected] : {std::pair{kGlobal, kCaptureUnsupported}, {kThreadLocal, 0}, {kRelaxed, 0}}) {
      EXPECT_EQ(d.begin_capture(d.stream, mode), 0);
      std::thread([&, wanted = expected] {
        void* context = nullptr;
        EXPECT_EQ(d.retain(&context, 0), 0);
        EXPECT_EQ(d.set_current(context), 0);
        EXPECT_EQ(d.to_device(a, &word, 4), wanted);
        EXPECT_EQ(d.release(0), 0);
      }).join();
      EXPECT_EQ(d.end_capture(d.stream, &graph), expected == 0 ? 0 : kCaptureInvalidated);
      if (graph != nullptr) EXPECT_EQ(d.graph_destroy(graph), 0);
    }
    EXPECT_EQ(d.begin_capture(d.stream, kRelaxed), 0);
    for (std::size_t k = 0; k < calls.size(); ++k) {
      if (k != 1 && k != 5) EXPECT_EQ(calls[k](), 0);
    }
    EXPECT_EQ(d.run_fill(a, 2, d.stream), 0);
    EXPECT_EQ(d.end_capture(d.stream, &graph), 0);
    EXPECT_EQ(d.instantiate(&executable, graph, 0), 0);
    EXPECT_EQ(d.graph_launch(executable, d.stream), 0);
    EXPECT_EQ(d.synchronise(d.stream), 0);
    EXPECT_EQ(d.get(a), 2U);
    EXPECT_EQ(d.executable_destroy(executable), 0);
    EXPECT_EQ(d.graph_destroy(graph), 0);
    EXPECT_EQ(d.unload(module), 0);
    EXPECT_EQ(d.free(other), 0);
    EXPECT_EQ(d.free(a), 0);
    d.close();
  });
}

TEST(StandIn, the_legacy_stream_is_closed_while_a_blocking_stream_captures) {
  for (const unsigned flags : {kBlocking, kNonBlocking}) {
    in_own_process([&] {
      Device d(flags);
      const Address a = d.make(1);
      std::uint32_t word = 0;
      void *graph = nullptr, *event = nullptr;
      EXPECT_EQ(d.event_create(&event, 0), 0);
      const std::vector<std::function<int()>> calls{
          [&] { return d.run_fill(a, 3, nullptr); },
          [&] { return d.record(event, nullptr); },
          [&] { return d.synchronise(nullptr); },
          [&] { return d.to_host(&word, a, 4); },
      };
      for (const auto& call : calls) {
        EXPECT_EQ(d.begin_capture(d.stream, kRelaxed), 0);
        EXPECT_EQ(call(), flags == kBlocking ? kCaptureImplicit : 0);
        EXPECT_EQ(d.end_capture(d.stream, &graph), flags == kBlocking ? kCaptureInvalidated : 0);
        if (graph != nullptr) EXPECT_EQ(d.graph_destroy(graph), 0);
      }
      EXPECT_EQ(d.get(a), flags == kBlocking ? 1U : 3U);
      EXPECT_EQ(d.event_destroy(event), 0);
      EXPECT_EQ(d.free(a), 0);
      d.close();
    });
  }
}

TEST(StandIn, a_capture_begins_and_ends_where_it_may) {
  in_own_process([] {
    Device d;
    void* graph = nullptr;
    EXPECT_EQ(d.begin_capture(nullptr, kGlobal), kCaptureUnsupported);
    EXPECT_EQ(d.begin_capture(d.stream, 3), kInvalidValue);
    EXPECT_EQ(d.begin_capture(d.module, kGlobal), kInvalidHandle);
    EXPECT_EQ(d.end_capture(d.stream, &graph), kIllegalState);
    const auto end_elsewhere = [&] {
      int result = 0;
      std::thread([&] {
        void* context = nullptr;
        EXPECT_EQ(d.retain(&context, 0), 0);
        EXPECT_EQ(d.set_current(context), 0);
        result = d.end_capture(d.stream, &graph);
        EXPECT_EQ(d.release(0), 0);
      }).join();
      return result;
    };
    EXPECT_EQ(d.begin_capture(d.stream, kThreadLocal), 0);
    EXPECT_EQ(end_elsewhere(), kCaptureWrongThread);
    EXPECT_EQ(d.end_capture(d.stream, nullptr), kInvalidValue);
    EXPECT_EQ(d.end_capture(d.stream, &graph), 0);
    EXPECT_EQ(d.graph_destroy(graph), 0);
    EXPECT_EQ(d.begin_capture(d.stream, kRelaxed), 0);
    EXPECT_EQ(end_elsewhere(), 0);
    EXPECT_EQ(d.graph_destroy(graph), 0);
    EXPECT_EQ(d.begin_capture(d.stream, kGlobal), 0);
    EXPECT_EQ(d.begin_capture(d.stream, kGlobal), kIllegalState);
    EXPECT_EQ(d.end_capture(d.stream, &graph), kCaptureInvalidated);
    EXPECT_EQ(graph, nullptr);
    d.close();
  });
}

TEST(StandIn, an_event_has_a_time_once_its_place_is_reached) {
  in_own_process([] {
    Device d;
    const Address a = d.make(1);
    void *start = nullptr, *end = nullptr, *untimed = nullptr, *graph = nullptr;
    float time = -1;
    EXPECT_EQ(d.event_create(&start, 4), kInvalidValue);
    EXPECT_EQ(d.event_create(&start, 0), 0);
    EXPECT_EQ(d.event_create(&end, 1), 0);
    EXPECT_EQ(d.event_create(&untimed, 2), 0);
    EXPECT_EQ(d.elapsed(&time, start, end), kInvalidHandle);
    EXPECT_EQ(d.record(start, d.stream), 0);
    EXPECT_EQ(d.elapsed(&time, start, end), kInvalidHandle);
    EXPECT_EQ(d.run_fill(a, 2, d.stream), 0);
    EXPECT_EQ(d.record(end, d.stream), 0);
    EXPECT_EQ(d.record(untimed, d.stream), 0);
    EXPECT_EQ(d.elapsed(&time, start, end), kNotReady);
    EXPECT_EQ(d.synchronise(d.stream), 0);
    EXPECT_EQ(d.elapsed(&time, start, end), 0);
    EXPECT_GT(time, 0.0F);
    EXPECT_EQ(d.elapsed(&time, end, start), 0);
    EXPECT_LT(time, 0.0F);
    EXPECT_EQ(d.elapsed(&time, start, start), 0);
    EXPECT_GT(time, 0.0F);
    EXPECT_EQ(d.elapsed(&time, start, untimed), kInvalidHandle);
    EXPECT_EQ(d.elapsed(&time, start, d.stream), kInvalidHandle);
    EXPECT_EQ(d.elapsed(nullptr, start, end), kInvalidValue);
    EXPECT_EQ(d.record(end, d.stream), 0);
    EXPECT_EQ(d.elapsed(&time, start, end), kNotReady);
    EXPECT_EQ(d.begin_capture(d.stream, kThreadLocal), 0);
    EXPECT_EQ(d.record(end, d.stream), 0);
    EXPECT_EQ(d.elapsed(&time, start, end), kCapturedEvent);
    EXPECT_EQ(d.end_capture(d.stream, &graph), kCaptureInvalidated);
    EXPECT_EQ(d.event_destroy(start), 0);
    EXPECT_EQ(d.event_destroy(start), kInvalidHandle);
    EXPECT_EQ(d.event_destroy(end), 0);
    EXPECT_EQ(d.event_destroy(untimed), 0);
    EXPECT_EQ(d.free(a), 0);
    d.close();
  });
}

TEST(StandIn, a_fault_shows_where_something_waits_and_stays) {
  const auto body = [] {
    Device d;
    const Address a = d.make(1);
    void* context = nullptr;
    EXPECT_EQ(d.run_fill(a + 4, 2, d.stream), 0);  // one word beyond the end
    EXPECT_EQ(d.run_fill(a, 2, d.stream), 0);
    EXPECT_EQ(d.get(a), 1U);
    EXPECT_EQ(d.synchronise(d.stream), kIllegalAddress);
    EXPECT_EQ(d.synchronise(d.stream), kIllegalAddress);
    EXPECT_EQ(d.run_fill(a, 2, d.stream), kIllegalAddress);
    EXPECT_EQ(d.put(a, 2), kIllegalAddress);
    EXPECT_EQ(d.free(a), kIllegalAddress);
    EXPECT_EQ(d.stream_destroy(d.stream), kIllegalAddress);
    EXPECT_EQ(d.unload(d.module), kIllegalAddress);
    EXPECT_EQ(d.release(0), 0);
    EXPECT_EQ(d.retain(&context, 0), kIllegalAddress);
  };
  in_own_process(body, AllOf(StartsWith("stand-in: kernel fill: module 1:"), HasSubstr("out of bounds: 4 bytes"),
                             Not(HasSubstr("left behind"))));
  const auto outside_shared = [] {
    Device d;
    std::string text = kKernels;
    text.replace(text.find("[%r1], %r2;\n  ret"), 5, "[%r1+65536]");
    void *module = nullptr, *wide = nullptr;
    EXPECT_EQ(d.load(&module, text.c_str(), 0, nullptr, nullptr), 0);
    EXPECT_EQ(d.get_function(&wide, module, "wide"), 0);
    EXPECT_EQ(d.launch(wide, 1, 1, 1, 1, 1, 1, 0, d.stream, nullptr, nullptr), 0);
    EXPECT_EQ(d.synchronise(d.stream), kLaunchFailed);
    std::_Exit(verdict());
  };
  in_own_process(outside_shared, StartsWith("stand-in: kernel wide: "));
}

TEST(StandIn, what_is_in_use_must_be_waited_for) {
  const auto abandoned = [] {
    Device d;
    const Address a = d.make(1);
    EXPECT_EQ(d.run_fill(a, 2, d.stream), 0);
    EXPECT_EQ(d.free(a), 0);
    EXPECT_EQ(d.stream_destroy(d.stream), 0);  // its work goes on
    EXPECT_EQ(d.unload(d.module), 0);
    EXPECT_EQ(d.release(0), 0);
  };
  in_own_process(abandoned, testing::Eq("stand-in: kernel fill runs after its module was unloaded\n"));
  const auto freed = [] {
    Device d;
    const Address a = d.make(1);
    EXPECT_EQ(d.run_fill(a, 2, d.stream), 0);
    EXPECT_EQ(d.free(a), 0);
    EXPECT_EQ(d.synchronise(d.stream), kIllegalAddress);
    EXPECT_EQ(d.stream_destroy(d.stream), kIllegalAddress);
    EXPECT_EQ(d.unload(d.module), kIllegalAddress);
    EXPECT_EQ(d.release(0), 0);
  };
  in_own_process(freed, AllOf(StartsWith("stand-in: kernel fill: "), HasSubstr("out of bounds")));
}

TEST(StandIn, what_is_left_behind_is_listed) {
  const auto left = [] {
    Device d;
    d.make(1);
    d.make(1);
    d.capture_fill(d.make(), 1);
    EXPECT_EQ(d.release(0), 0);
  };
  in_own_process(left, testing::Eq("stand-in: left behind: 3 allocations, 1 stream, 1 module, 1 executable graph\n"));
  in_own_process([] { Device d; }, testing::Eq("stand-in: the primary context was never released\n"
                                               "stand-in: left behind: 1 stream, 1 module\n"));
}

TEST(StandIn, misbehaves_on_demand_and_keeps_a_list) {
  const auto body = [] {
    const TemporaryFolder folder("stand-in");
    const std::string list = (folder.path() / "calls").string();
    setenv("OBZ_STAND_IN_LOG", list.c_str(), 1);
    Device d;
    const Address a = d.make();
    EXPECT_EQ(d.put(a, 0x10), 0);
    Words words(kBytes / 4);
    for (const std::uint32_t first : {0x10U, 0x11U, 0x10U}) {
      EXPECT_EQ(d.to_host(words.data(), a, kBytes), 0);
      EXPECT_EQ(words[0], first);
      EXPECT_EQ(std::accumulate(words.begin() + 1, words.end(), 0U), 31 * 0x10U);
    }
    EXPECT_EQ(d.free(a), 0);
    EXPECT_EQ(d.free(a), kInvalidValue);
    d.close();
    std::ifstream in(list);
    std::vector<std::string> lines;
    for (std::string line; std::getline(in, line);) lines.push_back(line);
    ASSERT_EQ(lines.size(), 19U);
    EXPECT_EQ(lines[0], "cuInit CUDA_SUCCESS");
    EXPECT_EQ(lines[10], "cuMemcpyHtoD_v2 CUDA_SUCCESS");
    EXPECT_EQ(lines[15], "cuMemFree_v2 CUDA_ERROR_INVALID_VALUE");
  };
  in_own_process(body, testing::Eq(""), {{"OBZ_STAND_IN_FLIP", "2"}});
}

}  // namespace
}  // namespace obz::stand_in_test
