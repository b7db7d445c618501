// What the driver knows: one device, its primary context and everything made in it.
//
// Nothing runs when it is issued. Streams hold queues of operations, and an operation runs when something that the
// documentation allows no more delay asks for it (execute.hpp).
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <exception>
#include <map>
#include <memory>
#include <mutex>
#include <new>
#include <string>
#include <thread>
#include <variant>
#include <vector>

#include "gpu/ptx/launch.hpp"
#include "gpu/ptx/memory.hpp"
#include "gpu/ptx/module.hpp"
#include "tests/gpu/stand_in/codes.hpp"

namespace obz::stand_in {

struct LoadedModule {
  ptx::Module code;
  bool unloaded = false;
  std::map<std::string, void*> functions;  ///< handles given out
};

struct Function {
  std::shared_ptr<LoadedModule> module;
  const ptx::KernelInfo* info = nullptr;
};

struct KernelLaunch {
  std::shared_ptr<LoadedModule> module;
  ptx::Launch launch;  ///< with a copy of the parameters
};

struct Graph {
  std::vector<KernelLaunch> kernels;  ///< each behind the one before: they come from one stream
};

enum class CaptureMode : int { global = 0, thread_local_ = 1, relaxed = 2 };

struct Capture {
  CaptureMode mode = CaptureMode::global;
  std::thread::id thread;
  bool invalidated = false;
  Graph graph;
};

struct Event {
  bool timed = true;
  std::uint64_t recordings = 0, completed = 0;  ///< completed: the last recording that ran
  bool captured = false;                        ///< last recorded in a capturing stream
  std::weak_ptr<Capture> captured_in;
  std::chrono::steady_clock::time_point time;
};

struct Recording {
  std::shared_ptr<Event> event;
  std::uint64_t number = 0;
};

struct GraphLaunch {
  std::shared_ptr<const Graph> executable;
};

/// From pageable host memory: it was copied to a staging buffer, and is on its way from there.
struct StagedCopy {
  std::uint64_t to = 0;
  std::vector<std::byte> bytes;
};

struct Operation {
  std::uint64_t sequence = 0;  ///< in the order of issue, over all streams
  std::variant<KernelLaunch, GraphLaunch, Recording, StagedCopy> what;
};

struct Stream {
  bool blocking = true;  ///< ordered with the legacy stream
  std::deque<Operation> queue;
  std::shared_ptr<Capture> capture;  ///< nullptr: not capturing
};

/// Live objects of one kind. A handle is a number that is never given out again, so what was destroyed is never found.
template <class T>
struct Handles {
  std::map<void*, std::shared_ptr<T>> live;

  std::shared_ptr<T> find(void* handle, Result otherwise) const {
    const auto at = live.find(handle);
    require(at != live.end(), otherwise);
    return at->second;
  }
};

struct Context {
  int references = 0;
  ptx::Memory memory;
  std::map<std::uint64_t, std::size_t> allocations;  ///< bytes by address; `memory` holds a module's variables too
  std::size_t allocated = 0;                         ///< their sum
  Stream legacy;
  Handles<Stream> streams;
  std::vector<std::shared_ptr<Stream>> destroyed_with_work;
  Handles<Event> events;
  Handles<LoadedModule> modules;
  Handles<Function> functions;
  Handles<Graph> graphs;
  Handles<const Graph> executables;
};

struct Driver {
  std::mutex mutex;  ///< held by every call
  bool initialised = false;
  Result broken = Result::success;  ///< what a kernel did; "the process must be terminated and relaunched"
  std::uint64_t next_handle = 0, next_sequence = 1;
  std::uint64_t copies_to_host = 0, modules_loaded = 0;
  std::unique_ptr<Context> context;  ///< nullptr: the primary context is not retained
};

/// Never destroyed: the process may end with calls still to come.
Driver& driver();

/// The primary context's only handle.
void* context_handle();
/// Whether it is current in this thread.
bool& context_is_current();

void* new_handle();

template <class T>
void* add(Handles<T>& to, std::shared_ptr<T> object) {
  void* const handle = new_handle();
  to.live.emplace(handle, std::move(object));
  return handle;
}

void require_initialised();
/// The current context of this thread. Failure without one, or when a kernel broke it.
Context& usable_context();
/// The same, broken or not: what is destroyed then shall not count as left behind.
Context& context_for_cleaning();
void fail_if_broken();

/// NULL and CU_STREAM_LEGACY mean the legacy stream.
Stream& stream_of(Context& c, void* handle);

/// "left behind: 2 allocations, 1 stream" on stderr, if anything is.
void report_left_behind(const Context& c);

/// "stand-in: ..." on stderr.
void say(const std::string& sentence);

/// A decimal number in an environment variable, looked up whenever it matters.
std::uint64_t setting(const char* name, std::uint64_t otherwise);

/// 11070 for 11.7.
int driver_version();

/// Appends a line to the file of OBZ_STAND_IN_LOG.
void log_call(const char* name, Result result);

/// What every exported function does around its own work.
template <class Body>
Result call(const char* name, Body body) {
  const std::lock_guard lock(driver().mutex);
  Result result = Result::success;
  try {
    body();
  } catch (const Failure& f) {
    result = f.result;
  } catch (const std::bad_alloc&) {
    result = Result::out_of_memory;
  } catch (const std::exception& e) {
    say(std::string(name) + ": " + e.what());
    result = Result::unknown;
  }
  log_call(name, result);
  return result;
}

}  // namespace obz::stand_in
