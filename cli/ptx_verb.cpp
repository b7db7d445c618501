// obz ptx: runs a kernel's PTX on the CPU, with every check on, and says what it did.
#include <algorithm>
#include <charconv>
#include <limits>
#include <memory>

#include <fmt/format.h>

#include "cli/ptx_args.hpp"
#include "cli/ptx_report.hpp"
#include "cli/verb.hpp"
#include "gpu/ptx/launch.hpp"
#include "gpu/ptx/stream.hpp"
#include "ref/base/file.hpp"

namespace obz::cli {
namespace {

struct Options {
  std::string file, kernel, grid, block, stream, stream_cta = "0";
  std::vector<std::string> args;
  std::int64_t shared = 0, threads = 0;
  std::uint64_t limit = 0;
  bool lines = false, json = false, no_races = false, no_uninitialised = false;
  std::shared_ptr<Given> given = std::make_shared<Given>();
};

/// X, X,Y or X,Y,Z.
ptx::Dim3 dim(const std::string& text, const char* flag) {
  std::uint32_t values[3] = {1, 1, 1};
  const char* at = text.data();
  const char* const end = text.data() + text.size();
  for (int k = 0; k < 3; ++k) {
    const auto [next, error] = std::from_chars(at, end, values[k]);
    if (error != std::errc()) break;
    if (next == end) return {values[0], values[1], values[2]};
    if (*next != ',') break;
    at = next + 1;
  }
  throw Error(fmt::format("{} {}: expected X, X,Y or X,Y,Z", flag, text));
}

/// A block counts from 0.
ptx::Dim3 stream_cta(const Options& o, const ptx::Dim3& grid) {
  if (o.stream.empty() && o.given->count("--stream-cta") != 0)
    throw Error("--stream-cta: expected --stream FILE with it");
  ptx::Dim3 cta = dim(o.stream_cta, "--stream-cta");
  if (o.stream_cta.find(',') == std::string::npos) cta.y = cta.z = 0;
  if (std::count(o.stream_cta.begin(), o.stream_cta.end(), ',') == 1) cta.z = 0;
  if (cta.x >= grid.x || cta.y >= grid.y || cta.z >= grid.z) {
    throw Error(
        fmt::format("--stream-cta {}: expected a block of the grid {},{},{}", o.stream_cta, grid.x, grid.y, grid.z));
  }
  return cta;
}

int list(const Options& o, const ptx::Module& module) {
  require_only(*o.given, {"file", "--json"}, "ptx without --kernel");
  fmt::print("{}", o.json ? kernels_json(module) : kernels_text(module));
  return 0;
}

int run(const Options& o) {
  const bool from_stdin = o.file == "-";
  const Bytes text = from_stdin ? read_stdin() : read_file(o.file);
  const ptx::Module module = ptx::parse_module(as_text(text), from_stdin ? "stdin" : o.file);
  if (o.kernel.empty()) return list(o, module);
  if (o.grid.empty() || o.block.empty()) throw Error("ptx: expected --grid and --block with --kernel");
  if (o.shared < 0 || o.shared > std::numeric_limits<std::int32_t>::max()) {
    throw Error(fmt::format("--shared {}: expected a number of bytes", o.shared));
  }
  if (o.threads < 0 || o.threads > 1024) throw Error(fmt::format("--threads {}: expected 0 to 1024", o.threads));
  ptx::Launch launch{.kernel = o.kernel,
                     .grid = dim(o.grid, "--grid"),
                     .block = dim(o.block, "--block"),
                     .dynamic_shared_bytes = static_cast<std::uint32_t>(o.shared),
                     .args = {}};
  const ptx::KernelInfo& kernel = ptx::kernel_info(module, o.kernel);
  ptx::Memory memory;
  const std::vector<PtxArg> args = make_ptx_args(o.args, memory);
  launch.args = pack(kernel, args);
  ptx::Options options{.checks = {.races = !o.no_races, .uninitialised = !o.no_uninitialised},
                       .threads = static_cast<int>(o.threads),
                       .max_instructions = o.limit};
  ptx::StreamText stream(o.kernel, stream_cta(o, launch.grid));
  if (!o.stream.empty()) {
    options.sink = stream.sink();
    options.sink_cta = stream.cta();
  }
  ptx::Counters counters;
  try {
    counters = ptx::run(module, launch, memory, options);
  } catch (const ptx::Fault& fault) {
    if (o.json) {
      fmt::print("{}", fault_json(o.kernel, fault.what()));
    } else {
      fmt::print("FAULT: {}\n", fault.what());
    }
    return 1;
  }
  write_back(args, memory, o.no_uninitialised);
  if (!o.stream.empty()) write_file(o.stream, as_bytes(stream.text()));
  if (o.json) {
    fmt::print("{}", counters_json(counters, o.kernel));
  } else {
    const char* const races = o.no_races ? "not looked for" : "none";
    fmt::print("{}\nno fault: every access in bounds, aligned{}; races on shared memory: {}.\n",
               counters_text(counters, o.lines), o.no_uninitialised ? "" : " and initialised", races);
  }
  return 0;
}

}  // namespace

Verb ptx_verb() {
  auto o = std::make_shared<Options>();
  return {
      "ptx",
      "Run a kernel's PTX on the CPU, bit by bit, and find races and wild accesses",
      "  obz ptx kernels.ptx                                       its kernels and their parameters\n"
      "  obz ptx k.ptx --kernel scale --grid 4 --block 128 --arg in:x.npy --arg out:512:y.npy --arg s32:3\n"
      "  obz ptx k.ptx --kernel sum --grid 8,8 --block 32,4 --shared 4096 --arg zeros:4 --lines\n"
      "Arguments stand in the kernel's order: s32:-5, u64:7, zeros:BYTES, in:FILE, out:BYTES[:FILE], "
      "inout:FILE[:FILE];\n.npy files lend their bytes, and results go to .npy or raw files. Exit code 1: a fault was "
      "found.\n",
      {{"file", "FILE.ptx", "what nvcc -ptx wrote; - is stdin", &o->file, true},
       {"--kernel,-k", "NAME", "the kernel to run (default: list them)", &o->kernel},
       {"--grid,-g", "X,Y,Z", "blocks", &o->grid},
       {"--block,-b", "X,Y,Z", "threads of a block", &o->block},
       {"--shared", "BYTES", "dynamic shared memory", &o->shared},
       {"--arg,-a", "ARG", "the next argument; once for each", &o->args},
       {"--threads,-j", "N", "host threads (default: all cores)", &o->threads},
       {"--limit", "N", "instructions a warp may execute; beyond, it counts as a runaway", &o->limit},
       {"--no-races", "", "do not look for races on shared memory", &o->no_races},
       {"--no-uninitialised", "", "allow reads of bytes that nobody wrote", &o->no_uninitialised},
       {"--lines", "", "counters for each line of the text too", &o->lines},
       {"--stream", "FILE", "write every instruction of one block, with lanes and addresses", &o->stream},
       {"--stream-cta", "X,Y,Z", "which block (default 0)", &o->stream_cta},
       {"--json", "", "counters as JSON", &o->json}},
      [o] { return run(*o); },
      o->given};
}

}  // namespace obz::cli
