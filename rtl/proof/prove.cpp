#include "rtl/proof/prove.hpp"

#include <chrono>

#include <fmt/format.h>
#include <rtl_sources.hpp>

#include "golden/engines/child.hpp"
#include "ref/arith/int_type.hpp"
#include "ref/base/error.hpp"
#include "ref/base/file.hpp"
#include "rtl/proof/spec.hpp"

namespace obz::rtl {
namespace {

constexpr int kTimeout = 600;

std::string quoted(const std::filesystem::path& path) {
  std::string text = "'";
  for (const char c : path.string()) text += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return text + "'";
}

std::string mutated(std::string text, const RtlMutant& m) {
  const std::size_t at = text.find(m.from);
  OBZ_CHECK(at != std::string::npos);  // the list names what stands in the files
  return text.replace(at, m.from.size(), m.to);
}

/// "1101" as a two's complement number of as many bits.
std::int64_t value_of(const std::string& binary) {
  std::uint64_t value = 0;
  for (const char c : binary) value = value << 1 | (c == '1' ? 1U : 0U);
  return wrap(static_cast<std::int64_t>(value), static_cast<int>(binary.size()));
}

/// Rows "  \name   decimal   hexadecimal   binary" of the model that yosys prints.
std::string counterexample_of(const std::string& log) {
  std::string text;
  for (std::size_t from = log.find("model found"); from < log.size();) {
    const std::size_t end = std::min(log.find('\n', from), log.size());
    const std::string line = log.substr(from, end - from);
    from = end + 1;
    const std::size_t name = line.find_first_not_of(' ');
    const std::size_t last = line.find_last_of(' ');
    if (name == std::string::npos || line[name] != '\\' || last == std::string::npos) continue;
    const std::string what = line.substr(name + 1, line.find(' ', name) - name - 1), binary = line.substr(last + 1);
    if (binary.empty() || binary.size() > 64 || binary.find_first_not_of("01") != std::string::npos) continue;
    // A shift has no sign.
    const std::int64_t value = what == "shift_i" ? value_of("0" + binary) : value_of(binary);
    text += fmt::format("{}{} = {}", text.empty() ? "" : ", ", what, value);
  }
  return text;
}

}  // namespace

std::vector<Proof> requant_proofs(const Profile& profile) {
  const std::string id(profile.id);
  const Recipe& r = profile.recipe;
  return {{id + " operand", "obz_requant_operand gives what the recipe lets into the multiplier",
           "every 64-bit accumulator, 32-bit zero point and shift 0..63", spec_operand(r) + "\n" + miter_operand(r)},
          {id + " scale", "obz_requant_scale gives the recipe's output, clamped to int8",
           "every 64-bit product, 32-bit zero point and shift 0..63", spec_scale(r) + "\n" + miter_scale(r)}};
}

const std::vector<RtlMutant>& requant_mutants() {
  static const std::vector<RtlMutant> all{
      {"half-up loses ties", "obz_round_shift.sv", "RoundHalfUp:   up = above || tie", "RoundHalfUp:   up = above",
       "tosa-1.0/double"},
      {"half-away forgets the sign", "obz_round_shift.sv", "(tie && !quotient[63])", "tie", "tvm/tonearest"},
      {"half-even rounds ties up", "obz_round_shift.sv", "(tie && quotient[0])", "tie", "hawq-v3/exact"},
      {"trunc forgets the sign", "obz_round_shift.sv", "up = quotient[63] && inexact", "up = inexact", "vela/truncate"},
      {"trunc moves exact values", "obz_round_shift.sv", "up = quotient[63] && inexact", "up = quotient[63]",
       "vela/truncate"},
      {"floor rounds up", "obz_round_shift.sv", "RoundFloor:    up = 1'b0", "RoundFloor:    up = above", "nemo/floor"},
      {"a remainder of a half is above it", "obz_round_shift.sv", "remainder > half", "remainder >= half",
       "hawq-v3/exact"},
      {"the mask is one bit short", "obz_round_shift.sv", "(64'd1 << shift_i) - 64'd1;", "(64'd1 << shift_i) - 64'd2;",
       "hawq-v3/exact"},
      {"the shift is logical", "obz_round_shift.sv", "value_i >>> shift_i", "$signed(value_i >> shift_i)",
       "hawq-v3/exact"},
      {"wrapping forgets the sign", "obz_narrow.sv", "$signed(value_i << unused_bits) >>> unused_bits",
       "$signed((value_i << unused_bits) >> unused_bits)", "cmsis-nn/single"},
      {"saturation is one too high", "obz_narrow.sv", "(bits_i - 7'd1)) - 64'd1);", "(bits_i - 7'd1)));",
       "gemmlowp/fixedpoint"},
      {"saturation low goes high", "obz_narrow.sv", "value_i < lowest ? lowest", "value_i < lowest ? highest",
       "gemmlowp/fixedpoint"},
      {"no left shift", "obz_requant_operand.sv", "shift_i < first_bits_i;", "1'b0;", "gemmlowp/fixedpoint"},
      {"one bit less to the left", "obz_requant_operand.sv", "first_bits_i - shift_i", "first_bits_i - shift_i - 6'd1",
       "gemmlowp/fixedpoint"},
      {"the early zero point is subtracted", "obz_requant_operand.sv", "acc_i + 64'", "acc_i - 64'", "nvdla/sdp"},
      {"the zero point joins twice", "obz_requant_scale.sv", "zero_point_first_i ? 64'sd0 : 64'", "64'", "nvdla/sdp"},
      {"the zero point is lost", "obz_requant_scale.sv", ".value_i(scaled + late)", ".value_i(scaled)",
       "hawq-v3/exact"},
      {"one rounding instead of two", "obz_requant_scale.sv", "first_bits_i != 6'd0 ? first_kept : product", "product",
       "gemmlowp/fixedpoint"},
      {"the second shift is whole", "obz_requant_scale.sv", "total_shift - first_bits_i", "total_shift",
       "gemmlowp/fixedpoint"},
      {"the sum has 31 bits", "obz_requant_scale.sv", "? 7'd32 : scaled_bits_i", "? 7'd31 : scaled_bits_i",
       "cmsis-nn/int16"},
      {"the early clamp ignores the zero point", "obz_requant_scale.sv", "clamp_first_i ? hi_i - late : hi_i", "hi_i",
       "qnnpack/q31"},
      {"below the range goes to its top", "obz_requant_scale.sv", "clamp_in < low ? low", "clamp_in < low ? high",
       "hawq-v3/exact"}};
  return all;
}

std::optional<std::string> yosys_version() {
  const ChildResult r = run_child("yosys -V 2>/dev/null", "", 30);
  if (r.exit_code != 0) return std::nullopt;
  return r.output.substr(0, r.output.find('\n'));
}

ProofResult run_proof(const Proof& proof, const std::filesystem::path& folder, const RtlMutant* mutant) {
  std::filesystem::create_directories(folder);
  std::string files;
  for (const auto& [name, text] : kRtlSources) {
    const std::string source(text);
    write_file(folder / name, as_bytes(mutant != nullptr && mutant->file == name ? mutated(source, *mutant) : source));
    files += " " + std::string(name);
  }
  write_file(folder / "miter.sv", as_bytes(proof.spec));
  const std::string script = fmt::format(
      "# {}: {}\n# for {}\nread_verilog -sv{} miter.sv\nhierarchy -top miter\nproc\nflatten\nopt -full\nclean\n"
      "sat -show-inputs -prove bad 0 miter\n",
      proof.name, proof.claim, proof.covers, files);
  write_file(folder / "prove.ys", as_bytes(script));
  const auto start = std::chrono::steady_clock::now();
  const ChildResult r = run_child("cd " + quoted(folder) + " && yosys prove.ys 2>&1", "", kTimeout);
  ProofResult result{.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count()};
  const bool found = r.output.find("SAT proof finished - model found: FAIL!") != std::string::npos;
  const bool none = r.output.find("SAT proof finished - no model found: SUCCESS!") != std::string::npos;
  if (found == none || (none && r.exit_code != 0)) {
    const std::size_t last = r.output.find_last_not_of('\n');
    const std::size_t line = last == std::string::npos ? 0 : r.output.rfind('\n', last) + 1;
    throw Error(fmt::format("{}: yosys ended with neither proof nor counterexample: {}", proof.name,
                            r.output.substr(line, last + 1 - line)));
  }
  if (found) {
    result.outcome = Outcome::refuted;
    result.counterexample = counterexample_of(r.output);
  }
  return result;
}

}  // namespace obz::rtl
