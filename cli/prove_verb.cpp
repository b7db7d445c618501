// obz prove: formal proofs about the RTL, with certificates that run again.
#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <set>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "cli/progress.hpp"
#include "cli/prove_dut.hpp"
#include "cli/table.hpp"
#include "cli/verb.hpp"
#include "ref/base/error.hpp"
#include "ref/base/file.hpp"
#include "rtl/proof/unit_proofs.hpp"

namespace obz::cli {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

struct Options {
  std::string unit, out;
  std::vector<std::string> profiles;
  bool mutants = false, json = false;
  ProveDut dut;
  std::shared_ptr<Given> given = std::make_shared<Given>();
};

/// The profiles named.
rtl::Profiles profiles_of(const Options& o) {
  rtl::Profiles chosen;
  for (const std::string& id : o.profiles) {
    const Profile& p = find_profile(id);
    if (p.recipe.arithmetic != Arithmetic::dyadic) {
      throw Error(fmt::format("--profile {}: expected integer arithmetic, got a recipe that scales in float", id));
    }
    chosen.push_back(&p);
  }
  return chosen;
}

/// The unit named, or all.
std::vector<const rtl::ProofUnit*> units_of(const Options& o) {
  std::vector<const rtl::ProofUnit*> units;
  if (o.unit != "all") return {&rtl::find_proof_unit(o.unit)};
  for (const rtl::ProofUnit& unit : rtl::proof_units()) units.push_back(&unit);
  return units;
}

std::string folder_name(std::string name) {
  for (char& c : name) c = c == '/' || c == ' ' ? '_' : c;
  return name;
}

/// Where the proofs stand: --out, or a folder that goes when we do.
class WorkFolder {
 public:
  explicit WorkFolder(const std::string& out) : path_(out), keep_(!out.empty()) {
    if (keep_) return;
    std::string name = (fs::temp_directory_path() / "obz-prove-XXXXXX").string();
    if (mkdtemp(name.data()) == nullptr) throw Error(fmt::format("{}: cannot be created", name));
    path_ = name;
  }
  ~WorkFolder() {
    std::error_code ignored;
    if (!keep_) fs::remove_all(path_, ignored);
  }
  WorkFolder(const WorkFolder&) = delete;
  WorkFolder& operator=(const WorkFolder&) = delete;
  const fs::path& path() const { return path_; }

 private:
  fs::path path_;
  bool keep_;
};

int prove_all(const Options& o, const rtl::Profiles& profiles, const std::string& version) {
  const WorkFolder work(o.out);
  std::vector<rtl::Proof> proofs;
  for (const rtl::ProofUnit* unit : units_of(o)) {
    for (rtl::Proof& p : unit->proofs(profiles)) proofs.push_back(std::move(p));
  }
  Table table({"of", "proof", "inputs", "result", ">s"});
  Json json = Json::array();
  ProgressBar bar("proving");
  bool all = true;
  double total = 0;
  std::int64_t done = 0;
  std::set<std::string> assumed;
  for (const rtl::Proof& proof : proofs) {
    const fs::path folder = work.path() / folder_name(proof.name());
    const rtl::ProofResult r = rtl::run_proof(proof, folder);
    const bool proved = r.outcome == rtl::Outcome::proved;
    const Json certificate{{"name", proof.name()},     {"claim", proof.claim},
                           {"for", proof.covers},      {"result", proved ? "proved" : "refuted: " + r.counterexample},
                           {"assumes", proof.assumes}, {"tool", version},
                           {"seconds", r.seconds},     {"again", "yosys prove.ys"}};
    if (!o.out.empty()) write_file(folder / "certificate.json", as_bytes(certificate.dump(2) + "\n"));
    json.push_back(certificate);
    table.add({proof.subject, proof.part, proof.covers, proved ? "proved" : "REFUTED: " + r.counterexample,
               fmt::format("{:.2f}", r.seconds)});
    if (!proof.assumes.empty()) assumed.insert(proof.assumes);
    all = all && proved;
    total += r.seconds;
    bar.update(++done, static_cast<std::int64_t>(proofs.size()));
  }
  if (o.json) {
    fmt::print("{}\n", json.dump(2));
  } else {
    fmt::print("{}\n{} proofs by {}, {:.1f} s.\n", table.text(), done, version, total);
    for (const std::string& a : assumed) fmt::print("assumed: {}; simulation covers that\n", a);
  }
  return all ? 0 : 1;
}

int refute_all(const Options& o, const std::string& version) {
  const WorkFolder work("");
  Table table({"change", "file", "noticed by", "result", "counterexample"});
  ProgressBar bar("refuting");
  int refuted = 0;
  std::int64_t done = 0, mutants = 0;
  for (const rtl::ProofUnit* unit : units_of(o)) mutants += static_cast<std::int64_t>(unit->mutants().size());
  for (const rtl::ProofUnit* unit : units_of(o)) {
    for (const rtl::RtlMutant& m : unit->mutants()) {
      bool noticed = false;
      std::string found;
      for (const rtl::Proof& proof : unit->noticing(m.noticed_by)) {
        if (noticed) break;
        const rtl::ProofResult r = rtl::run_proof(proof, work.path() / folder_name(proof.name()), &m);
        noticed = r.outcome == rtl::Outcome::refuted;
        found = r.counterexample;
      }
      refuted += noticed ? 1 : 0;
      table.add({m.name, m.file, m.noticed_by, noticed ? "refuted" : "NOT NOTICED", found});
      bar.update(++done, mutants);
    }
  }
  fmt::print("{}\n{} of {} changes refuted by {}\n", table.text(), refuted, mutants, version);
  return refuted == mutants ? 0 : 1;
}

int run(const Options& o) {
  if (o.unit == "dut") {
    require_only(*o.given, {"unit", "--rtl", "--top", "--map", "--type", "--timeout", "--profile", "--out", "--json"},
                 "prove dut");
    ProveDut dut = o.dut;
    dut.profiles = o.profiles;
    dut.out = o.out;
    dut.json = o.json;
    if (dut.timeout < 1 || dut.timeout > 86400) {
      throw Error(fmt::format("--timeout {}: expected 1..86400 seconds", dut.timeout));
    }
    return prove_dut(dut);
  }
  require_only(*o.given, {"unit", "--profile", "--out", "--mutants", "--json"}, "prove " + o.unit);
  if (o.mutants && (!o.profiles.empty() || !o.out.empty() || o.json)) {
    throw Error("--mutants: expected alone, as every change has its profile");
  }
  const rtl::Profiles profiles = profiles_of(o);  // refuses before yosys is looked for
  for (const rtl::ProofUnit* unit : units_of(o)) {
    if (!unit->by_profile && o.unit != "all" && !profiles.empty()) {
      throw Error(fmt::format("prove {}: --profile means nothing here", o.unit));
    }
  }
  const auto version = rtl::yosys_version();
  if (!version) throw MissingTool("prove needs yosys, which is not there");
  return o.mutants ? refute_all(o, *version) : prove_all(o, profiles, *version);
}

}  // namespace

Verb prove_verb() {
  auto o = std::make_shared<Options>();
  return {"prove",
          "Prove that the RTL is the specification, for every input",
          "  obz prove all                             requant, add, average, narrow, core: every proof\n"
          "  obz prove requant                         every integer recipe of the catalogue\n"
          "  obz prove add -p pulp-nn/floor            the residual sum as a profile fills it\n"
          "  obz prove average                         pools divide without a divider\n"
          "  obz prove core                            the tensor core's pipeline, for every sequence and stall\n"
          "  obz prove requant --profile hawq-v3/exact -o proof     with certificates: cd proof/*; yosys prove.ys\n"
          "  obz prove requant --mutants               planted bugs, all of which must be refuted\n"
          "  obz prove dut --rtl my_requant.sv --map my_requant.json -p tflite/double     your own, combinational\n",
          {{"unit", "UNIT", "requant, add, average, narrow, core, all; or dut: your own requantizer", &o->unit, true},
           {"--profile,-p", "ID", "may be repeated (default: one of each recipe; add: one of each rule)", &o->profiles},
           {"--out,-o", "DIR", "a folder per proof: RTL, specification, script, certificate.json", &o->out},
           {"--rtl", "FILE", "dut: its SystemVerilog", &o->dut.rtl},
           {"--top", "NAME", "dut: the module (default: the map's, or the file's stem)", &o->dut.top},
           {"--map", "FILE", "dut: which port carries what, docs/own-rtl.md (default: FILE.json beside FILE.sv)",
            &o->dut.map},
           {"--type,-t", "TYPE", "dut: output type (default int8)", &o->dut.type},
           {"--timeout", "S", "dut: seconds a question may take (default 120)", &o->dut.timeout},
           {"--mutants", "", "change the RTL and see each change refuted", &o->mutants},
           {"--json", "", "certificates as JSON", &o->json}},
          [o] { return run(*o); },
          o->given};
}

}  // namespace obz::cli
