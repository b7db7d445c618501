// obz prove: formal proofs about the RTL, with certificates that run again.
#include <algorithm>
#include <atomic>
#include <chrono>
#include <exception>
#include <filesystem>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <thread>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "cli/progress.hpp"
#include "cli/prove_dut.hpp"
#include "cli/table.hpp"
#include "cli/verb.hpp"
#include "ref/base/error.hpp"
#include "ref/base/file.hpp"
#include "ref/base/temporary_folder.hpp"
#include "rtl/proof/replay.hpp"
#include "rtl/proof/unit_proofs.hpp"

namespace obz::cli {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

struct Options {
  std::string unit, out;
  std::vector<std::string> profiles;
  bool mutants = false, replay = false, json = false;
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
  explicit WorkFolder(const std::string& out) : kept_(out) {
    if (out.empty()) temporary_.emplace("prove");
  }
  const fs::path& path() const { return temporary_ ? temporary_->path() : kept_; }

 private:
  fs::path kept_;
  std::optional<TemporaryFolder> temporary_;
};

/// f(0) .. f(count - 1), as many at once as there are cores: each waits for a process of its own.
void in_parallel(std::size_t count, const std::string& what, const std::function<void(std::size_t)>& f) {
  ProgressBar bar(what);
  std::atomic<std::size_t> next = 0;
  std::mutex finished;
  std::int64_t done = 0;
  std::exception_ptr failure;
  const auto work = [&] {
    for (std::size_t i = 0; (i = next++) < count;) {
      try {
        f(i);
      } catch (...) {
        const std::lock_guard lock(finished);
        if (!failure) failure = std::current_exception();
        next = count;
      }
      const std::lock_guard lock(finished);
      bar.update(++done, static_cast<std::int64_t>(count));
    }
  };
  std::vector<std::thread> threads;
  for (unsigned t = 1; t < std::max(1U, std::thread::hardware_concurrency()); ++t) threads.emplace_back(work);
  work();
  for (std::thread& t : threads) t.join();
  if (failure) std::rethrow_exception(failure);
}

std::string result_text(const rtl::ProofResult& r) {
  switch (r.outcome) {
    case rtl::Outcome::proved: return "proved";
    case rtl::Outcome::refuted: return "REFUTED: " + r.counterexample;
    case rtl::Outcome::open: return "OPEN: " + r.counterexample;
  }
  return "";
}

int prove_all(const Options& o, const rtl::Profiles& profiles, const std::string& version) {
  const WorkFolder work(o.out);
  std::vector<rtl::Proof> proofs;
  for (const rtl::ProofUnit* unit : units_of(o)) {
    for (rtl::Proof& p : unit->proofs(profiles)) proofs.push_back(std::move(p));
  }
  std::vector<rtl::ProofResult> results(proofs.size());
  const auto start = std::chrono::steady_clock::now();
  in_parallel(proofs.size(), "proving", [&](std::size_t i) {
    results[i] = rtl::run_proof(proofs[i], work.path() / folder_name(proofs[i].name()));
  });
  const double wall = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  Table table({"of", "proof", "inputs", "result", ">s"});
  Json json = Json::array();
  bool all = true;
  std::set<std::string> assumed;
  for (std::size_t i = 0; i < proofs.size(); ++i) {
    const rtl::Proof& proof = proofs[i];
    const rtl::ProofResult& r = results[i];
    const Json certificate{{"name", proof.name()},
                           {"claim", proof.claim},
                           {"for", proof.covers},
                           {"result", result_text(r)},
                           {"assumes", proof.assumes},
                           {"tool", version},
                           {"seconds", r.seconds},
                           {"again", proof.prover == rtl::Prover::abc_bdd ? "yosys prove.ys && yosys-abc -f prove.abc"
                                                                          : "yosys prove.ys"}};
    if (!o.out.empty()) {
      write_file(work.path() / folder_name(proof.name()) / "certificate.json", as_bytes(certificate.dump(2) + "\n"));
    }
    json.push_back(certificate);
    table.add({proof.subject, proof.part, proof.covers, result_text(r), fmt::format("{:.2f}", r.seconds)});
    if (!proof.assumes.empty()) assumed.insert(proof.assumes);
    all = all && r.outcome == rtl::Outcome::proved;
  }
  if (o.json) {
    fmt::print("{}\n", json.dump(2));
  } else {
    fmt::print("{}\n{} proofs by {}, {:.1f} s.\n", table.text(), proofs.size(), version, wall);
    for (const std::string& a : assumed) fmt::print("assumed: {}; simulation covers that\n", a);
  }
  return all ? 0 : 1;
}

int refute_all(const Options& o, const std::string& version) {
  struct Change {
    const rtl::ProofUnit* unit;
    const rtl::RtlMutant* mutant;
    rtl::ProofResult result;
    std::optional<bool> replayed;
  };
  std::vector<Change> changes;
  for (const rtl::ProofUnit* unit : units_of(o)) {
    for (const rtl::RtlMutant& m : unit->mutants()) changes.push_back({unit, &m, {}, {}});
  }
  const WorkFolder work("");
  in_parallel(changes.size(), "refuting", [&](std::size_t i) {
    Change& c = changes[i];
    for (const rtl::Proof& proof : c.unit->noticing(c.mutant->noticed_by)) {
      const fs::path folder = work.path() / fmt::format("{}_{}", i, folder_name(proof.name()));
      c.result = rtl::run_proof(proof, folder, c.mutant);
      if (c.result.outcome == rtl::Outcome::proved) continue;
      if (o.replay) c.replayed = rtl::replay(proof, folder, c.result);
      break;
    }
  });
  Table table({"change", "file", "noticed by", "result", "counterexample"});
  int refuted = 0, open = 0;
  bool agree = true;
  for (const Change& c : changes) {
    refuted += c.result.outcome == rtl::Outcome::refuted ? 1 : 0;
    open += c.result.outcome == rtl::Outcome::open ? 1 : 0;
    constexpr const char* words[] = {"NOT NOTICED", "refuted", "no longer proved"};
    std::string result = words[static_cast<int>(c.result.outcome)];
    if (c.replayed) result += *c.replayed ? ", replayed" : ", NOT WHEN REPLAYED";
    agree = agree && c.replayed.value_or(true);
    table.add({c.mutant->name, c.mutant->file, c.mutant->noticed_by, result, c.result.counterexample});
  }
  const std::string also = open == 0 ? "" : fmt::format(", {} more no longer proved", open);
  fmt::print("{}\n{} of {} changes refuted{} by {}\n", table.text(), refuted, changes.size(), also, version);
  return agree && refuted + open == static_cast<int>(changes.size()) ? 0 : 1;
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
  require_only(*o.given, {"unit", "--profile", "--out", "--mutants", "--replay", "--json"}, "prove " + o.unit);
  if (o.mutants && (!o.profiles.empty() || !o.out.empty() || o.json)) {
    throw Error("--mutants: expected alone, as every change has its profile");
  }
  if (o.replay && !o.mutants) throw Error("--replay: expected together with --mutants");
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
  return {
      "prove",
      "Prove that the RTL is the specification, for every input",
      "  obz prove all                             requant, add, average, narrow, dot, core: every proof\n"
      "  obz prove requant                         every integer recipe of the catalogue\n"
      "  obz prove add -p pulp-nn/floor            the residual sum as a profile fills it\n"
      "  obz prove average                         pools divide without a divider\n"
      "  obz prove dot                             the multiplier array, every pair of widths and signs\n"
      "  obz prove core                            the tensor core's pipeline, for every sequence and stall\n"
      "  obz prove requant --profile hawq-v3/exact -o proof     with certificates: cd proof/*; yosys prove.ys\n"
      "  obz prove requant --mutants               planted bugs, all of which must be refuted\n"
      "  obz prove dut --rtl my_requant.sv --map my_requant.json -p tflite/double     your own, combinational\n",
      {{"unit", "UNIT", "requant, add, average, narrow, dot, core, all; or dut: your own requantizer", &o->unit, true},
       {"--profile,-p", "ID", "may be repeated (default: one of each recipe; add: one of each rule)", &o->profiles},
       {"--out,-o", "DIR", "a folder per proof: RTL, specification, script, certificate.json", &o->out},
       {"--rtl", "FILE", "dut: its SystemVerilog", &o->dut.rtl},
       {"--top", "NAME", "dut: the module (default: the map's, or the file's stem)", &o->dut.top},
       {"--map", "FILE", "dut: which port carries what, docs/own-rtl.md (default: FILE.json beside FILE.sv)",
        &o->dut.map},
       {"--type,-t", "TYPE", "dut: output type (default int8)", &o->dut.type},
       {"--timeout", "S", "dut: seconds a question may take (default 120)", &o->dut.timeout},
       {"--mutants", "", "change the RTL and see each change refuted", &o->mutants},
       {"--replay", "", "with --mutants: ask Verilator for each counterexample too", &o->replay},
       {"--json", "", "certificates as JSON", &o->json}},
      [o] { return run(*o); },
      o->given};
}

}  // namespace obz::cli
