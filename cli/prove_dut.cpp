#include "cli/prove_dut.hpp"

#include <filesystem>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "cli/table.hpp"
#include "golden/engines/engine.hpp"
#include "ref/arith/apply.hpp"
#include "ref/base/error.hpp"
#include "ref/base/file.hpp"
#include "ref/base/temporary_folder.hpp"
#include "ref/tensor/type_text.hpp"
#include "rtl/dut/dut_engine.hpp"
#include "rtl/dut/prove_unit.hpp"
#include "rtl/dut/rtl_ports.hpp"
#include "rtl/proof/prove.hpp"

namespace obz::cli {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;
using Outcome = rtl::UnitProof::Outcome;

std::string case_text(const RequantCase& c, bool addend) {
  const Channel& ch = c.channel;
  return fmt::format("acc {} mult {} shift {}{} zp {} clamp [{}, {}]", c.acc, ch.multiplier, ch.shift,
                     addend ? fmt::format(" add {}", ch.addend) : "", ch.zero_point, ch.lo, ch.hi);
}

IntType type_of(const ProveDut& o) {
  const auto type = type_from_text(o.type);
  if (!type || type->bits > 16) {
    throw Error(fmt::format("--type {}: expected an integer type of at most 16 bits, such as int8 or uint4", o.type));
  }
  return *type;
}

/// The counterexample on the reference and on the Verilated unit: yosys's word alone is not taken.
std::string replayed(const ProveDut& o, const Profile& profile, IntType out, const RequantCase& c) {
  const std::int64_t want = apply_recipe(c.acc, profile.recipe, c.channel);
  const auto engine = rtl::make_dut_engine(o.rtl, {.top = o.top, .map = o.map});
  const std::vector<RequantCase> one{c};
  const std::int64_t got = engine->run(RequantJob{&profile, profile.recipe, out, one})[0];
  if (want == got) {
    throw Error(
        fmt::format("{}: yosys calls {} a counterexample, but the Verilated unit gives {}, which is right: the two "
                    "tools read this RTL differently",
                    o.rtl, case_text(c, profile.has_addend), got));
  }
  return fmt::format("{}: want {}, got {}", case_text(c, profile.has_addend), want, got);
}

std::string folder_name(std::string name) {
  for (char& c : name) c = c == '/' ? '_' : c;
  return name;
}

}  // namespace

int prove_dut(const ProveDut& o) {
  if (o.rtl.empty()) throw Error("prove dut: expected --rtl FILE.sv, the unit's RTL");
  if (o.profiles.empty()) throw Error("prove dut: expected --profile ID, what the unit is to be");
  const IntType out = type_of(o);
  std::vector<const Profile*> profiles;
  for (const std::string& id : o.profiles) {
    const Profile& p = find_profile(id);
    if (!p.is_dyadic()) {
      throw Error(fmt::format("--profile {}: expected integer arithmetic, got a recipe that scales in float", id));
    }
    profiles.push_back(&p);
  }
  const rtl::UserUnit unit = rtl::load_user_unit(o.rtl, o.top, o.map);
  const auto yosys = rtl::yosys_version();
  if (!yosys) throw MissingTool("prove dut needs yosys, which is not there");
  if (!rtl::verilator_version()) throw MissingTool("prove dut needs verilator, which is not there");

  Table table({"profile", "result", ">s", "how"});
  Json json = Json::array();
  std::string details;
  bool all = true;
  for (const Profile* profile : profiles) {
    const TemporaryFolder temporary("dut");
    const fs::path folder = o.out.empty() ? temporary.path() : fs::path(o.out) / folder_name(std::string(profile->id));
    const rtl::UnitProof proof = rtl::prove_unit(unit, *profile, out, folder, static_cast<int>(o.timeout));
    const char* result = proof.outcome == Outcome::proved    ? "proved"
                         : proof.outcome == Outcome::refuted ? "REFUTED"
                                                             : "OPEN";
    Json certificate{{"unit", unit.top}, {"profile", profile->id},   {"type", o.type}, {"result", result},
                     {"how", proof.how}, {"assumes", proof.assumes}, {"tool", *yosys}, {"seconds", proof.seconds}};
    if (proof.counterexample) {
      const std::string text = replayed(o, *profile, out, *proof.counterexample);
      certificate["counterexample"] = text;
      details += fmt::format("\n{}: {}\n", profile->id, text);
    }
    details += fmt::format("{}for {}\n", proof.counterexample ? "" : fmt::format("\n{}: ", profile->id), proof.assumes);
    if (!o.out.empty()) {
      const std::string text = certificate.dump(2) + "\n";
      write_file(folder / "certificate.json", as_bytes(text));
    }
    json.push_back(certificate);
    table.add({std::string(profile->id), result, fmt::format("{:.2f}", proof.seconds), proof.how});
    all = all && proof.outcome == Outcome::proved;
  }
  if (o.json) {
    fmt::print("{}\n", json.dump(2));
  } else {
    fmt::print("{}{}", table.text(), details);
  }
  return all ? 0 : 1;
}

}  // namespace obz::cli
