#include "rtl/dut/prove_unit.hpp"

#include <chrono>

#include <fmt/format.h>

#include "ref/base/error.hpp"
#include "ref/base/file.hpp"
#include "rtl/dut/miter.hpp"
#include "rtl/dut/requant_fields.hpp"

namespace obz::rtl {
namespace {

constexpr int kReadTimeout = 300;

enum class Answer : std::uint8_t { none, model, unknown };  // of "is there a bad input?"

/// Bits of an input in the model that yosys prints: "  \raw_acc   5   5   0101". Absent or undefined bits are 0.
std::uint64_t model_bits(const std::string& log, const std::string& name) {
  const std::size_t model = log.find("model found");
  const std::size_t at = model == std::string::npos ? model : log.find("\\" + name + " ", model);
  if (at == std::string::npos) return 0;
  const std::size_t end = std::min(log.find('\n', at), log.size());
  std::uint64_t bits = 0;
  for (std::size_t i = log.rfind(' ', end - 1) + 1; i < end; ++i) bits = bits << 1 | (log[i] == '1' ? 1U : 0U);
  return bits;
}

class Prover {
 public:
  Prover(const UserUnit& unit, const Profile& profile, IntType out, const std::filesystem::path& folder, int timeout_s)
      : unit_(unit),
        place_(unit, folder),
        wrapper_(make_wrapper(unit, ports_of(unit, place_))),
        miter_{unit.map, wrapper_, profile, out},
        timeout_s_(timeout_s) {
    constexpr int most = 64;
    if (wrapper_.out.width > most) {
      throw Error(fmt::format("{}: out: expected at most {} bits for a proof, port {} has {}", unit.map.file, most,
                              wrapper_.out.port, wrapper_.out.width));
    }
  }

  UnitProof prove() {
    const auto start = std::chrono::steady_clock::now();
    const Netlist net = flatten();
    UnitProof proof{.assumes = legal_text(miter_.profile, miter_.out)};
    if (net.cut && both_halves(*net.cut)) {
      proof.outcome = UnitProof::Outcome::proved;
      proof.how = "the multiplier's operands, and the output for every product of them";
    } else {
      whole(proof);
    }
    proof.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    return proof;
  }

 private:
  /// The unit behind its wrapper as one netlist; refuses what is not combinational.
  Netlist flatten() {
    write("wrapper.sv", wrapper_.text);
    write("flatten.ys",
          fmt::format("read_verilog -sv{}{} wrapper.sv\nhierarchy -check -top {}\nproc\nflatten\nopt -full\nmemory\n"
                      "wreduce\nopt -full\nclean\ncheck\nwrite_json unit.json\n",
                      place_.includes(), place_.sources(), kWrapperModule));
    if (place_.run("yosys flatten.ys", "flatten.log", kReadTimeout) != 0) {
      std::string error = place_.first_line("flatten.log", "ERROR");
      if (error.empty()) error = place_.last_line("flatten.log");
      throw Error(fmt::format("{}: yosys cannot read it: {}", unit_.file, error));
    }
    if (!place_.first_line("flatten.log", "found logic loop").empty()) {
      throw Error(fmt::format("{}: expected a combinational unit, got a combinational loop", unit_.file));
    }
    Netlist net = read_netlist(as_text(read_file(place_.folder() / "unit.json")), kWrapperModule, unit_.file);
    if (!net.registers.empty()) {
      throw Error(fmt::format("{}: expected a combinational unit, got {} register(s) or latch(es), the first at {}",
                              unit_.file, net.registers.size(), place_.named(net.registers[0])));
    }
    if (net.cut) write("cut.json", net.cut->json);
    return net;
  }

  Answer ask(const std::string& name, const std::string& miter, const char* netlist, int timeout_s) {
    write(name + ".sv", miter);
    write(name + ".ys", fmt::format("read_json {}\nread_verilog -sv {}.sv\nhierarchy -check -top miter\nproc\nflatten\n"
                                    "wreduce\nopt -full\nclean\nsat -timeout {} -show-inputs -prove bad 0 miter\n",
                                    netlist, name, timeout_s));
    const int code = place_.run(fmt::format("yosys {}.ys", name), name + ".log", timeout_s + kReadTimeout);
    log_ = as_text(read_file(place_.folder() / (name + ".log")));
    const auto says = [&](const char* text) { return log_.find(text) != std::string::npos; };
    if (says("SAT proof finished - model found: FAIL!")) return Answer::model;
    if (says("SAT proof finished - no model found: SUCCESS!") && code == 0) return Answer::none;
    if (says("Interrupted SAT solver: TIMEOUT!")) return Answer::unknown;
    throw Error(fmt::format("{}: yosys ended with neither proof nor counterexample: {}", unit_.file,
                            place_.last_line(name + ".log")));
  }

  bool both_halves(const CutProduct& cut) {
    return ask("operands", miter_text(miter_, Question::operands, &cut), "cut.json", timeout_s_) == Answer::none &&
           ask("rest", miter_text(miter_, Question::rest, &cut), "cut.json", timeout_s_) == Answer::none;
  }

  /// First under single multipliers, where a wrong unit shows at once; then under all.
  void whole(UnitProof& proof) {
    constexpr int each = 30;
    const std::int64_t top = legal_range(miter_.profile, miter_.out).multiplier_hi;
    const auto slot = wrapper_.in.find("multiplier");
    int n = 0;
    for (const std::int64_t multiplier : {(top + 1) / 2, top, (top + 1) / 4 * 3, std::int64_t{1}}) {
      if (slot == wrapper_.in.end() || !slot->second.holds(multiplier)) continue;
      const std::string name = fmt::format("multiplier{}", n++);
      if (ask(name, miter_text(miter_, Question::whole, nullptr, multiplier), "unit.json",
              std::min(each, timeout_s_)) == Answer::model) {
        refuted(proof, multiplier);
        return;
      }
    }
    switch (ask("whole", miter_text(miter_, Question::whole, nullptr), "unit.json", timeout_s_)) {
      case Answer::model: refuted(proof, std::nullopt); return;
      case Answer::none:
        proof.outcome = UnitProof::Outcome::proved;
        proof.how = "whole, its multiplication included";
        return;
      case Answer::unknown: proof.how = fmt::format("neither a proof nor a counterexample within {} s", timeout_s_);
    }
  }

  void refuted(UnitProof& proof, std::optional<std::int64_t> multiplier) {
    const auto value = [&](const std::string& field) -> std::int64_t {
      const auto at = wrapper_.in.find(field);
      if (at == wrapper_.in.end()) {
        const std::int64_t v = unit_.map.fixed.at(field);
        return v;
      }
      if (field == "multiplier" && multiplier) return *multiplier;
      const Slot& s = at->second;
      const std::uint64_t bits = model_bits(log_, "raw_" + field);
      const std::uint32_t words[2] = {static_cast<std::uint32_t>(bits), static_cast<std::uint32_t>(bits >> 32)};
      const Slot alone{.width = std::min(s.width, 64), .is_signed = s.is_signed || s.width > 64, .bias = s.bias};
      const std::int64_t v = alone.get(words);
      return field == "shift" ? shift_of(unit_.map.shift, v) : v;
    };
    RequantCase c{.acc = value("acc")};
    c.channel = {.multiplier = value("multiplier"),
                 .shift = static_cast<std::int32_t>(value("shift")),
                 .addend = value("addend"),
                 .zero_point = static_cast<std::int32_t>(value("zero_point")),
                 .lo = value("lo"),
                 .hi = value("hi")};
    proof.outcome = UnitProof::Outcome::refuted;
    proof.how = "a counterexample";
    proof.counterexample = c;
  }

  void write(const std::string& name, const std::string& text) { write_file(place_.folder() / name, as_bytes(text)); }

  const UserUnit& unit_;
  Workplace place_;
  Wrapper wrapper_;
  Miter miter_;
  int timeout_s_;
  std::string log_;
};

}  // namespace

UnitProof prove_unit(const UserUnit& unit, const Profile& profile, IntType out, const std::filesystem::path& folder,
                     int timeout_s) {
  if (unit.map.unit != UnitKind::requant) {
    throw Error(fmt::format("{}: field unit: expected requant, got dot: proofs are about requantizers", unit.map.file));
  }
  if (unit.map.clocking) {
    throw Error(fmt::format("{}: expected a combinational unit, got one with the clock {}", unit.map.file,
                            unit.map.clocking->clock));
  }
  return Prover(unit, profile, out, folder, timeout_s).prove();
}

}  // namespace obz::rtl
