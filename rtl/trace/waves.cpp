#include "rtl/trace/waves.hpp"

#include <algorithm>
#include <sstream>

#include <fmt/format.h>
#include <rtl_sources.hpp>

#include "accel/pipeline_trace.hpp"
#include "golden/engines/child.hpp"
#include "ref/base/error.hpp"
#include "ref/base/file.hpp"
#include "ref/base/temporary_folder.hpp"
#include "rtl/dut/rtl_ports.hpp"
#include "rtl/trace/driver.hpp"
#include "rtl/trace/job_file.hpp"

namespace obz::rtl {

#ifdef OBZ_HAVE_RTL

namespace fs = std::filesystem;

namespace {

constexpr int kTimeout = 900;

/// What is many, wide and seldom asked for: arithmetic below the tensor core and the requantizers, the scratchpads.
constexpr const char* kUntraced[] = {
    "obz_dot",    "obz_fused_mul",       "obz_operand",       "obz_memory",  "obz_round_shift",
    "obz_narrow", "obz_requant_operand", "obz_requant_scale", "obz_requant", "obz_requant_lane",
    "obz_pack"};

std::string driver_text(const std::vector<TracePort>& ports) {
  std::string text = fmt::format(
      "// Generated.\n#include <cstdint>\n#include <vector>\n\n#include <Vobz_layer_trace.h>\n#include "
      "<verilated_fst_c.h>\n\nconstexpr "
      "std::uint32_t kMagic = {}, kVersion = {};\nconstexpr int kPorts = {};\n"
      "void set_ports(Vobz_layer_trace& top, const std::uint32_t* at) {{\n",
      kTraceMagic, kTraceVersion, ports.size());
  for (std::size_t i = 0; i < ports.size(); ++i) text += fmt::format("  top.{} = at[{}];\n", ports[i].first, i);
  return text + "}\n" + kTraceDriverSource;
}

/// Parameters that hold the largest of the programs. Addresses have 4 bits at least: counters of tiles need them.
std::string parameters(const std::vector<accel::LayerProgram>& programs) {
  std::size_t x = 16, w = 16, tiles = 16, y = 16;
  for (const accel::LayerProgram& p : programs) {
    x = std::max(x, p.x.size());
    w = std::max(w, p.w.size());
    tiles = std::max(tiles, p.tiles.size());
    y = std::max(y, static_cast<std::size_t>(p.y_bytes() + 31) / 32);
  }
  return fmt::format("-GXWords={} -GWWords={} -GTiles={} -GYWords={}", x, w, tiles, y);
}

std::string last_line(const fs::path& log) {
  const std::string text = as_text(read_file(log));
  const std::size_t error = text.find("%Error");
  const std::size_t from = error != std::string::npos ? error : text.find("error: ");
  return from == std::string::npos ? "see its output" : text.substr(from, text.find('\n', from) - from);
}

void build(const fs::path& folder, const std::vector<accel::LayerProgram>& programs) {
  std::string files, untraced = "`verilator_config\n";
  for (const auto& [name, text] : kRtlLayerSources) {
    write_file(folder / name, as_bytes(std::string(text)));
    files += " " + std::string(name);
  }
  for (const char* module : kUntraced) untraced += fmt::format("tracing_off -file \"*{}.sv\"\n", module);
  write_file(folder / "untraced.vlt", as_bytes(untraced));
  write_file(folder / "driver.cpp", as_bytes(driver_text(trace_ports(programs[0]))));
  // Compiling is most of the time, so nothing is optimized, and without these two optimizations of Verilator the lanes
  // share their code. In one piece it compiles in half the time of many. A compiler cache, where there is one, keeps
  // Verilator's own library.
  const std::string line = fmt::format(
      "OBJCACHE=\"$(command -v ccache)\" verilator --cc --exe --build -j 0 -Wno-fatal -Wno-lint -Wno-style --trace-fst "
      "-O3 -fno-gate -fno-table --top-module obz_layer_trace {} untraced.vlt{} driver.cpp -CFLAGS -std=c++17 "
      "-MAKEFLAGS 'VM_PARALLEL_BUILDS=0 OPT_FAST=-O0 OPT_SLOW=-O0 OPT_GLOBAL=-O0' -o simulator",
      parameters(programs), files);
  const ChildResult r =
      run_child(fmt::format("cd {} && {{ {}; }} >build.log 2>&1", shell_quoted(folder.string()), line), "", kTimeout);
  if (r.exit_code != 0) {
    throw Error(fmt::format("the traced model cannot be built (Verilator with FST needs zlib's headers): {}",
                            last_line(folder / "build.log")));
  }
}

WaveResult run(const fs::path& folder) {
  const ChildResult r = run_child(
      fmt::format("cd {} && exec ./obj_dir/simulator >run.log 2>&1", shell_quoted(folder.string())), "", kTimeout);
  if (r.exit_code != 0) throw Error(fmt::format("the traced model ended with exit code {}", r.exit_code));
  std::istringstream text(as_text(read_file(folder / "result.txt")));
  WaveResult result;
  WaveMismatch first;
  text >> result.cycles >> result.writes >> result.wrong_writes >> first.cycle >> first.time_ns >> first.program >>
      first.bit;
  OBZ_CHECK(!text.fail());
  if (result.wrong_writes > 0) result.first = first;
  return result;
}

}  // namespace

WaveResult trace_waves(const std::vector<accel::LayerProgram>& programs,
                       const std::vector<std::vector<std::uint8_t>>& expected, const fs::path& fst) {
  OBZ_CHECK(!programs.empty());
  std::int64_t mmas = 0;
  for (const accel::LayerProgram& program : programs) mmas += accel::mma_count(program);
  if (mmas > kMostWaveMmas) {
    throw Error(fmt::format("the layer has {} mma; waves are written of at most {}: take a smaller layer", mmas,
                            kMostWaveMmas));
  }
  if (!verilator_version()) throw MissingTool("waves of the RTL need Verilator: verilator is not in PATH");
  const TemporaryFolder place("waves");
  write_file(place.path() / "job.bin", trace_job(programs, expected));
  build(place.path(), programs);
  const WaveResult result = run(place.path());
  write_file(fst, read_file(place.path() / "waves.fst"));
  return result;
}

#else

WaveResult trace_waves(const std::vector<accel::LayerProgram>&, const std::vector<std::vector<std::uint8_t>>&,
                       const std::filesystem::path&) {
  throw MissingTool("waves of the RTL are not part of this build: Verilator was not there when it was configured");
}

#endif

}  // namespace obz::rtl
