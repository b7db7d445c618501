#include "tests/gpu/stand_in/state.hpp"

#include <cstdio>
#include <cstdlib>
#include <utility>

#include <fmt/format.h>

namespace obz::stand_in {
namespace {

constexpr std::uintptr_t kFirstHandle = 0x5000'0000'0000, kHandleStep = 0x100;  // no memory of the process lies there

/// When the library leaves the process, which is behind the destructors of whoever opened it.
[[gnu::destructor]] void at_the_end() {
  if (driver().context == nullptr) return;
  say("the primary context was never released");
  report_left_behind(*driver().context);
}

Context& current_context() {
  require_initialised();
  require(context_is_current(), Result::invalid_context);
  // Bound, but released as often as retained since.
  require(driver().context != nullptr, Result::context_is_destroyed);
  return *driver().context;
}

}  // namespace

Driver& driver() {
  static auto* const the = new Driver;
  return *the;
}

void* new_handle() {
  return reinterpret_cast<void*>(kFirstHandle + kHandleStep * static_cast<std::uintptr_t>(++driver().next_handle));
}

void* context_handle() { return reinterpret_cast<void*>(kFirstHandle); }

bool& context_is_current() {
  thread_local bool current = false;
  return current;
}

void require_initialised() { require(driver().initialised, Result::not_initialized); }

void fail_if_broken() {
  const Result broken = driver().broken;
  require(broken == Result::success, broken);
}

Context& usable_context() {
  Context& c = current_context();
  fail_if_broken();
  return c;
}

Context& context_for_cleaning() { return current_context(); }

Stream& stream_of(Context& c, void* handle) {
  if (handle == nullptr || handle == reinterpret_cast<void*>(1)) return c.legacy;
  if (handle == reinterpret_cast<void*>(2)) {
    say("the per-thread default stream is not modelled");
    throw Failure{Result::not_supported};
  }
  return *c.streams.find(handle, Result::invalid_handle);
}

void report_left_behind(const Context& c) {
  std::string list;
  for (const auto& [count, name] : {std::pair{c.allocations.size(), "allocation"},
                                    {c.streams.live.size(), "stream"},
                                    {c.events.live.size(), "event"},
                                    {c.modules.live.size(), "module"},
                                    {c.graphs.live.size(), "graph"},
                                    {c.executables.live.size(), "executable graph"}}) {
    if (count == 0) continue;
    list += fmt::format("{}{} {}{}", list.empty() ? "" : ", ", count, name, count == 1 ? "" : "s");
  }
  if (!list.empty()) say("left behind: " + list);
}

void say(const std::string& sentence) {
  std::fprintf(stderr, "stand-in: %s\n", sentence.c_str());
  std::fflush(stderr);
}

std::uint64_t setting(const char* name, std::uint64_t otherwise) {
  const char* const text = std::getenv(name);
  return text == nullptr || *text == '\0' ? otherwise : std::strtoull(text, nullptr, 10);
}

int driver_version() { return static_cast<int>(setting("OBZ_STAND_IN_DRIVER", 11070)); }

void log_call(const char* name, Result result) {
  const char* const path = std::getenv("OBZ_STAND_IN_LOG");
  if (path == nullptr || *path == '\0') return;
  std::FILE* const file = std::fopen(path, "a");
  if (file == nullptr) return;
  std::fprintf(file, "%s %s\n", name, find_code(static_cast<int>(result))->name);
  std::fclose(file);
}

}  // namespace obz::stand_in
