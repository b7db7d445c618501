// obz prove: formal proofs about the RTL, with certificates that run again.
#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <memory>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "cli/progress.hpp"
#include "cli/table.hpp"
#include "cli/verb.hpp"
#include "ref/base/error.hpp"
#include "ref/base/file.hpp"
#include "rtl/proof/prove.hpp"

namespace obz::cli {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

struct Options {
  std::string unit, out;
  std::vector<std::string> profiles;
  bool mutants = false, json = false;
};

/// Profiles to prove: those named, or one of each integer recipe.
std::vector<const Profile*> profiles_of(const Options& o) {
  std::vector<const Profile*> chosen;
  for (const std::string& id : o.profiles) {
    const Profile& p = find_profile(id);
    if (p.recipe.arithmetic != Arithmetic::dyadic) {
      throw Error(fmt::format("--profile {}: expected integer arithmetic, got a recipe that scales in float", id));
    }
    chosen.push_back(&p);
  }
  if (!chosen.empty()) return chosen;
  for (const Profile& p : profile_catalogue()) {
    const auto same = [&](const Profile* q) { return q->recipe == p.recipe; };
    if (p.recipe.arithmetic != Arithmetic::dyadic || std::any_of(chosen.begin(), chosen.end(), same)) continue;
    chosen.push_back(&p);
  }
  return chosen;
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

int prove_all(const Options& o, const std::string& version) {
  const WorkFolder work(o.out);
  const std::vector<const Profile*> profiles = profiles_of(o);
  Table table({"profile", "proof", "inputs", "result", ">s"});
  Json json = Json::array();
  ProgressBar bar("proving");
  bool all = true;
  double total = 0;
  std::int64_t done = 0;
  for (const Profile* profile : profiles) {
    for (const rtl::Proof& proof : rtl::requant_proofs(*profile)) {
      const fs::path folder = work.path() / folder_name(proof.name);
      const rtl::ProofResult r = rtl::run_proof(proof, folder);
      const bool proved = r.outcome == rtl::Outcome::proved;
      const Json certificate{{"name", proof.name},
                             {"claim", proof.claim},
                             {"for", proof.covers},
                             {"result", proved ? "proved" : "refuted: " + r.counterexample},
                             {"assumes", "the product between the two halves is the same * on both sides"},
                             {"tool", version},
                             {"seconds", r.seconds},
                             {"again", "yosys prove.ys"}};
      if (!o.out.empty()) write_file(folder / "certificate.json", as_bytes(certificate.dump(2) + "\n"));
      json.push_back(certificate);
      table.add({std::string(profile->id), proof.name.substr(profile->id.size() + 1), proof.covers,
                 proved ? "proved" : "REFUTED: " + r.counterexample, fmt::format("{:.2f}", r.seconds)});
      all = all && proved;
      total += r.seconds;
      bar.update(++done, static_cast<std::int64_t>(2 * profiles.size()));
    }
  }
  if (o.json) {
    fmt::print("{}\n", json.dump(2));
  } else {
    fmt::print(
        "{}\n{} proofs by {}, {:.1f} s. The product between operand and scale is taken as it is; simulation covers "
        "it.\n",
        table.text(), done, version, total);
  }
  return all ? 0 : 1;
}

int refute_all(const std::string& version) {
  const WorkFolder work("");
  Table table({"change", "file", "profile", "result", "counterexample"});
  ProgressBar bar("refuting");
  int refuted = 0;
  std::int64_t done = 0;
  const auto& mutants = rtl::requant_mutants();
  for (const rtl::RtlMutant& m : mutants) {
    std::string found;
    for (const rtl::Proof& proof : rtl::requant_proofs(find_profile(m.profile))) {
      const rtl::ProofResult r = rtl::run_proof(proof, work.path() / folder_name(proof.name), &m);
      if (r.outcome == rtl::Outcome::refuted && found.empty()) found = r.counterexample;
    }
    refuted += found.empty() ? 0 : 1;
    table.add({m.name, m.file, m.profile, found.empty() ? "NOT NOTICED" : "refuted", found});
    bar.update(++done, static_cast<std::int64_t>(mutants.size()));
  }
  fmt::print("{}\n{} of {} changes refuted by {}\n", table.text(), refuted, mutants.size(), version);
  return refuted == static_cast<int>(mutants.size()) ? 0 : 1;
}

int run(const Options& o) {
  if (o.unit != "requant") throw Error(fmt::format("prove {}: expected requant", o.unit));
  if (o.mutants && (!o.profiles.empty() || !o.out.empty() || o.json)) {
    throw Error("--mutants: expected alone, as every change has its profile");
  }
  const std::vector<const Profile*> checked = profiles_of(o);  // refuses before yosys is looked for
  const auto version = rtl::yosys_version();
  if (!version) throw MissingTool("prove needs yosys, which is not there");
  return o.mutants ? refute_all(*version) : prove_all(o, *version);
}

}  // namespace

Verb prove_verb() {
  auto o = std::make_shared<Options>();
  return {"prove",
          "Prove that the RTL is the specification, for every input",
          "  obz prove requant                         every integer recipe of the catalogue\n"
          "  obz prove requant --profile hawq-v3/exact -o proof     with certificates: cd proof/*; yosys prove.ys\n"
          "  obz prove requant --mutants               planted bugs, all of which must be refuted\n",
          {{"unit", "UNIT", "requant", &o->unit, true},
           {"--profile,-p", "ID", "may be repeated (default: one of each recipe)", &o->profiles},
           {"--out,-o", "DIR", "a folder per proof: RTL, specification, script, certificate.json", &o->out},
           {"--mutants", "", "change the RTL and see each change refuted", &o->mutants},
           {"--json", "", "certificates as JSON", &o->json}},
          [o] { return run(*o); }};
}

}  // namespace obz::cli
