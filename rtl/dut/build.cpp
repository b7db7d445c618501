#include "rtl/dut/build.hpp"

#include <cstring>

#include <fmt/format.h>

#include "golden/engines/child.hpp"
#include "ref/base/error.hpp"
#include "ref/base/file.hpp"
#include "rtl/dut/driver.hpp"

namespace obz::rtl {
namespace fs = std::filesystem;

namespace {

constexpr int kBuildTimeout = 600;

std::string driver_text(const UserUnit& unit, const Wrapper& wrapper) {
  const Clocking k = unit.map.clocking.value_or(Clocking{.latency = 0});
  return fmt::format(
             "// Generated.\n#include <verilated.h>\n\n#include <Vobz_dut_wrapper.h>\n\nconstexpr int kInWords = {}, "
             "kOutWords = {};\nconstexpr bool kClocked = {}, kValidOut = "
             "{};\n"
             "constexpr long kLatency = {}, kInterval = {};\n",
             wrapper.in_words, wrapper.out_words, unit.map.clocking.has_value(), !k.valid_out.empty(), k.latency,
             k.interval) +
         kDriverSource;
}

}  // namespace

Simulator::Simulator(const UserUnit& unit, const Wrapper& wrapper, const Workplace& place, int timeout_s)
    : file_(unit.file),
      folder_(place.folder().string()),
      in_words_(static_cast<std::size_t>(wrapper.in_words)),
      out_words_(static_cast<std::size_t>(wrapper.out_words)),
      timeout_s_(timeout_s) {
  write_file(place.folder() / "wrapper.sv", as_bytes(wrapper.text));
  const std::string driver = driver_text(unit, wrapper);
  write_file(place.folder() / "driver.cpp", as_bytes(driver));
  // What the user's lint says is not ours to judge, so warnings stop nothing. Verilator's own library is most of the
  // compilation and never changes: a compiler cache, where there is one, keeps it.
  const std::string line = fmt::format(
      "OBJCACHE=\"$(command -v ccache)\" verilator --cc --exe --build -j 2 -O3 -Wno-fatal -Wno-lint -Wno-style "
      "--no-timing --top-module {}{}{} wrapper.sv driver.cpp "
      "-CFLAGS '-std=c++17 -DVL_USER_FINISH -DVL_USER_STOP -DVL_USER_FATAL' "
      "-MAKEFLAGS 'OPT_FAST=-O1 OPT_SLOW=-O0 OPT_GLOBAL=-O0' -o simulator",
      kWrapperModule, place.includes(), place.sources());
  if (place.run(line, "build.log", kBuildTimeout) == 0) return;
  // make's own complaint comes last and says least.
  std::string error = place.first_line("build.log", "%Error: source");
  if (error.empty()) error = place.first_line("build.log", "error: ");
  if (error.empty()) error = place.first_line("build.log", "%Error");
  if (error.empty()) error = place.last_line("build.log");
  throw Error(fmt::format("{}: Verilator cannot build it: {}", file_, error));
}

std::vector<std::uint32_t> Simulator::operator()(const std::vector<std::uint32_t>& inputs) const {
  const fs::path failure = fs::path(folder_) / "failure.txt";
  std::error_code ignored;
  fs::remove(failure, ignored);
  const std::string input(reinterpret_cast<const char*>(inputs.data()), inputs.size() * sizeof(std::uint32_t));
  const std::size_t records = inputs.size() / in_words_, expected = records * out_words_ * sizeof(std::uint32_t);
  ChildResult r;
  try {
    r = run_child(fmt::format("cd {} && exec ./obj_dir/simulator", shell_quoted(folder_)), input, timeout_s_, expected);
  } catch (const Error&) {
    throw Error(fmt::format("{}: the simulation made no progress for {} s and was ended", file_, timeout_s_));
  }
  if (fs::exists(failure)) throw Error(fmt::format("{}: {}", file_, as_text(read_file(failure))));
  if (r.exit_code != 0 || r.output.size() != expected) {
    throw Error(fmt::format("{}: the simulation ended with exit code {} after {} of {} outputs", file_, r.exit_code,
                            r.output.size() / sizeof(std::uint32_t) / out_words_, records));
  }
  std::vector<std::uint32_t> outputs(r.output.size() / sizeof(std::uint32_t));
  std::memcpy(outputs.data(), r.output.data(), r.output.size());
  return outputs;
}

}  // namespace obz::rtl
