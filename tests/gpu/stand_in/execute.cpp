#include "tests/gpu/stand_in/execute.hpp"

#include <algorithm>
#include <optional>
#include <string_view>

#include <fmt/format.h>

namespace obz::stand_in {
namespace {

/// Those that live and those that were destroyed with work in them.
std::vector<Stream*> all_streams(Context& c) {
  std::vector<Stream*> all{&c.legacy};
  for (const auto& [handle, stream] : c.streams.live) all.push_back(stream.get());
  for (const auto& stream : c.destroyed_with_work) all.push_back(stream.get());
  return all;
}

/// Nothing runs any more, whatever is called.
[[noreturn]] void break_down(Context& c, const std::string& sentence) {
  const auto tells = [&](std::string_view part) { return sentence.find(part) != std::string::npos; };
  Result broken = Result::illegal_address;
  if (tells(": misaligned: ")) {
    broken = Result::misaligned_address;
  } else if (tells("at shared address")) {
    broken = Result::launch_failed;
  }
  say(sentence);
  driver().broken = broken;
  for (Stream* const stream : all_streams(c)) stream->queue.clear();
  throw Failure{broken};
}

void run(Context& c, const KernelLaunch& k) {
  if (k.module->unloaded) break_down(c, fmt::format("kernel {} runs after its module was unloaded", k.launch.kernel));
  try {
    ptx::run(k.module->code, k.launch, c.memory, {.checks = {.races = true, .uninitialised = true}, .threads = 0});
  } catch (const Error& e) {  // a Fault is one
    break_down(c, fmt::format("kernel {}: {}", k.launch.kernel, e.what()));
  }
}

void run(Context& c, const GraphLaunch& g) {
  for (const KernelLaunch& k : g.executable->kernels) run(c, k);
}

void run(Context&, const Recording& r) {
  if (r.number != r.event->recordings) return;  // recorded again since
  r.event->completed = r.number;
  r.event->time = std::chrono::steady_clock::now();
}

void run(Context& c, const StagedCopy& copy) {
  // The caller may free memory to which it copied.
  if (c.memory.find(copy.to) != nullptr) c.memory.write(copy.to, copy.bytes);
}

const Graph* executable_of(const Operation& o) {
  const auto* const g = std::get_if<GraphLaunch>(&o.what);
  return g == nullptr ? nullptr : g->executable.get();
}

void finish_earlier_launches(Context& c, const Graph* executable, std::uint64_t before) {
  for (Stream* const other : all_streams(c)) {
    std::optional<std::uint64_t> last;
    for (const Operation& o : other->queue) {
      if (o.sequence < before && executable_of(o) == executable) last = o.sequence;
    }
    if (last) finish(c, *other, *last);
  }
}

void finish_blocking(Context& c, std::uint64_t last) {
  for (Stream* const stream : all_streams(c)) {
    if (stream->blocking && stream != &c.legacy) finish(c, *stream, last);
  }
}

}  // namespace

void finish(Context& c, Stream& stream, std::uint64_t last) {
  // What an operation waits for was issued before it, so that this ends.
  while (!stream.queue.empty() && stream.queue.front().sequence <= last) {
    const std::uint64_t sequence = stream.queue.front().sequence;
    if (&stream == &c.legacy) {
      finish_blocking(c, sequence - 1);
    } else if (stream.blocking) {
      finish(c, c.legacy, sequence - 1);
    }
    if (const Graph* const g = executable_of(stream.queue.front())) finish_earlier_launches(c, g, sequence);
    const Operation next = std::move(stream.queue.front());
    stream.queue.pop_front();
    std::visit([&](const auto& what) { run(c, what); }, next.what);
  }
}

void finish_legacy(Context& c) {
  finish(c, c.legacy);
  finish_blocking(c, std::numeric_limits<std::uint64_t>::max());
}

void finish_ownerless(Context& c) {
  finish(c, c.legacy);
  for (const auto& stream : c.destroyed_with_work) finish(c, *stream);
}

}  // namespace obz::stand_in
