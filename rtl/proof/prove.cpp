#include "rtl/proof/prove.hpp"

#include <chrono>
#include <set>

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

double seconds_since(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

std::string edited(std::string text, const std::string& from, const std::string& to) {
  const std::size_t at = text.find(from);
  OBZ_CHECK(at != std::string::npos);  // the lists name what stands in the files
  return text.replace(at, from.size(), to);
}

/// Large, and nothing to do with the other units: read where they are meant alone.
bool reads(const Proof& proof, const std::string& file) {
  static const std::set<std::string> core{"obz_operand.sv", "obz_fused_mul.sv", "obz_dot.sv", "obz_tensor_core.sv"};
  return file == "obz_pkg.sv" || core.contains(file) == proof.tensor_core;
}

/// "1101" as a two's complement number of as many bits.
std::int64_t value_of(const std::string& binary) {
  std::uint64_t value = 0;
  for (const char c : binary) value = value << 1 | (c == '1' ? 1U : 0U);
  return wrap(static_cast<std::int64_t>(value), static_cast<int>(binary.size()));
}

/// Rows "  \name   decimal   hexadecimal   binary" of the model that yosys prints.
std::vector<std::pair<std::string, std::string>> inputs_of(const std::string& log) {
  std::vector<std::pair<std::string, std::string>> inputs;
  for (std::size_t from = log.find("model found"); from < log.size();) {
    const std::size_t end = std::min(log.find('\n', from), log.size());
    const std::string line = log.substr(from, end - from);
    from = end + 1;
    const std::size_t name = line.find_first_not_of(' ');
    const std::size_t last = line.find_last_of(' ');
    if (name == std::string::npos || line[name] != '\\' || last == std::string::npos) continue;
    const std::string what = line.substr(name + 1, line.find(' ', name) - name - 1), binary = line.substr(last + 1);
    if (binary.empty() || binary.find_first_not_of("01") != std::string::npos) continue;
    if (what.find('.') != std::string::npos) continue;  // inside a unit
    inputs.push_back({what, binary});
  }
  return inputs;
}

std::string text_of(const std::vector<std::pair<std::string, std::string>>& inputs) {
  std::string text;
  for (const auto& [name, binary] : inputs) {
    if (binary.size() > 64) continue;  // rows: nobody reads them as a number
    // Shifts, modes, lanes and flags have no sign.
    constexpr std::size_t narrow = 8;
    const bool has_sign = binary.size() >= narrow && name.rfind("fraction", 0) != 0;
    text += fmt::format("{}{} = {}", text.empty() ? "" : ", ", name, value_of(has_sign ? binary : "0" + binary));
  }
  return text;
}

}  // namespace

std::vector<Proof> requant_proofs(const Profile& profile) {
  const std::string id(profile.id);
  const Recipe& r = profile.recipe;
  const std::string assumes = "the product between the two halves is the same * on both sides";
  return {{.subject = id,
           .part = "operand",
           .claim = "obz_requant_operand gives what the recipe lets into the multiplier",
           .covers = "every 64-bit accumulator, 32-bit zero point and shift 0..63",
           .assumes = assumes,
           .spec = spec_operand(r) + "\n" + miter_operand(r)},
          {.subject = id,
           .part = "scale",
           .claim = "obz_requant_scale gives the recipe's output, clamped to int8",
           .covers = "every 64-bit product, 32-bit zero point and shift 0..63",
           .assumes = assumes,
           .spec = spec_scale(r) + "\n" + miter_scale(r)}};
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
    if (!reads(proof, name)) continue;
    std::string source(text);
    if (mutant != nullptr && mutant->file == name) source = edited(source, mutant->from, mutant->to);
    for (const RtlEdit& cut : proof.cuts) {
      if (cut.file == name) source = edited(source, cut.from, cut.to);
    }
    write_file(folder / name, as_bytes(source));
    files += " " + std::string(name);
  }
  write_file(folder / "miter.sv", as_bytes(proof.spec));
  std::string script = fmt::format(
      "# {}: {}\n# for {}\nread_verilog -sv{} miter.sv\nhierarchy -top miter\nproc\nflatten\n{}check -assert\nopt "
      "-full\nclean\n",
      proof.name(), proof.claim, proof.covers, files, proof.prepare);
  const bool bdd = proof.prover == Prover::abc_bdd;
  std::string questions;
  for (const std::string& goal : proof.goals) questions += fmt::format("sat -verify -show-inputs {} miter\n", goal);
  write_file(folder / "prove.ys",
             as_bytes(script + (bdd ? "wreduce\nopt -full\nclean\ntechmap\naigmap\nclean\nwrite_aiger miter.aig\n"
                                    : questions)));
  if (bdd) {
    write_file(folder / "find.ys", as_bytes(script + questions));
    write_file(folder / "prove.abc", as_bytes(std::string("read_aiger miter.aig; collapse; strash; orpos; iprove\n")));
  }
  const auto start = std::chrono::steady_clock::now();
  std::filesystem::remove(folder / "prove.log");
  // yosys drops what it has not yet printed when a question fails; its -L keeps every line.
  const std::string in_folder = "cd " + shell_quoted(folder.string()) + " && ";
  run_child(in_folder + "yosys -L prove.log prove.ys >/dev/null 2>&1", "", kTimeout);
  if (bdd) {
    const std::string answer = run_child(in_folder + "yosys-abc -f prove.abc 2>&1", "", kTimeout).output;
    if (answer.find("UNSATISFIABLE") != std::string::npos) return {.seconds = seconds_since(start)};
    if (answer.find("SATISFIABLE") == std::string::npos) {
      throw Error(fmt::format("{}: yosys-abc ended with neither proof nor counterexample: {}", proof.name(), answer));
    }
    run_child(in_folder + "yosys -L prove.log find.ys >/dev/null 2>&1", "", kTimeout);
  }
  const Bytes bytes = read_file(folder / "prove.log");
  const std::string log(bytes.begin(), bytes.end());
  ProofResult result{.seconds = seconds_since(start)};
  const bool no_step = log.find("Induction step failed.") != std::string::npos;
  const bool found = no_step || log.find("SAT proof finished - model found: FAIL!") != std::string::npos;
  std::size_t successes = 0;
  for (const std::string success :
       {"SAT proof finished - no model found: SUCCESS!", "Induction step proven: SUCCESS!"}) {
    for (std::size_t at = 0; (at = log.find(success, at)) != std::string::npos; ++at) ++successes;
  }
  const bool all = successes == proof.goals.size();
  if (found == all) {
    const std::size_t last = log.find_last_not_of('\n');
    const std::size_t line = last == std::string::npos ? 0 : log.rfind('\n', last) + 1;
    throw Error(fmt::format("{}: yosys ended with neither proof nor counterexample: {}", proof.name(),
                            log.substr(line, last + 1 - line)));
  }
  if (found) {
    result.outcome = no_step ? Outcome::open : Outcome::refuted;
    // The model of a failed step is a state inside, perhaps one that is never reached: it says nothing to a user.
    if (!no_step) result.inputs = inputs_of(log);
    result.counterexample =
        no_step ? "no induction: a cycle leads out of the states in which all holds" : text_of(result.inputs);
  }
  return result;
}

}  // namespace obz::rtl
