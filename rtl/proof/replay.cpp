#include "rtl/proof/replay.hpp"

#include <fmt/format.h>

#include "golden/engines/child.hpp"
#include "ref/base/error.hpp"
#include "ref/base/file.hpp"

namespace obz::rtl {

std::optional<bool> replay(const Proof& proof, const std::filesystem::path& folder, const ProofResult& result) {
  const bool whole = proof.cuts.empty() && proof.prepare.empty();
  if (!whole || result.outcome != Outcome::refuted || result.inputs.empty()) return std::nullopt;
  constexpr int timeout = 300;
  if (run_child("verilator --version >/dev/null 2>&1", "", timeout).exit_code != 0) {
    throw MissingTool("--replay needs verilator, which is not there");
  }
  std::string driver = "#include <cstdio>\n#include <Vmiter.h>\nint main() {\n  Vmiter top;\n";
  for (const auto& [name, binary] : result.inputs) {
    if (binary.size() <= 64) driver += fmt::format("  top.{} = 0b{}ULL;\n", name, binary);
    // Wider ports are words of 32 bits, the lowest first.
    for (std::size_t word = 0; binary.size() > 64 && 32 * word < binary.size(); ++word) {
      const std::size_t end = binary.size() - 32 * word, from = end < 32 ? 0 : end - 32;
      driver += fmt::format("  top.{}[{}] = 0b{}U;\n", name, word, binary.substr(from, end - from));
    }
  }
  driver += "  top.eval();\n  std::puts(top.bad != 0 ? \"bad\" : \"good\");\n}\n";
  write_file(folder / "replay.cpp", as_bytes(driver));
  const std::string command = fmt::format(
      "cd {} && verilator --cc --exe --build -O0 -Wno-fatal -Wno-lint --top-module miter --Mdir replay_dir "
      "obz_pkg.sv "
      "$(ls *.sv | grep -v obz_pkg.sv) replay.cpp >replay.log 2>&1 && replay_dir/Vmiter",
      shell_quoted(folder.string()));
  const std::string answer = run_child(command, "", timeout).output;
  const bool bad = answer.starts_with("bad");
  if (!bad && !answer.starts_with("good")) {
    throw Error(fmt::format("{}: Verilator cannot build the miter; its words are in {}", proof.name(),
                            (folder / "replay.log").string()));
  }
  return bad;
}

}  // namespace obz::rtl
