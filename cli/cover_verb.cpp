// obz cover: which arithmetic events a vector set contains, which it misses, and which nothing can cause.
#include <algorithm>
#include <memory>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "cli/table.hpp"
#include "cli/verb.hpp"
#include "golden/cover/cover.hpp"
#include "ref/base/error.hpp"
#include "ref/tensor/type_text.hpp"

namespace obz::cli {
namespace {

using Json = nlohmann::ordered_json;

struct Options {
  std::string folder, out;
  std::int64_t goal = 1;
  bool json = false, all = false, missing = false;
  std::shared_ptr<Given> given = std::make_shared<Given>();
};

std::string case_text(const Profile* profile, const RequantCase& rc) {
  const Channel& c = rc.channel;
  std::string text = fmt::format("acc {} ", rc.acc);
  text += profile == nullptr || profile->uses_multiplier() ? fmt::format("mult {} shift {}", c.multiplier, c.shift)
                                                           : fmt::format("scale {:.9g}", c.scale);
  if (c.addend != 0) text += fmt::format(" add {}", c.addend);
  return text + fmt::format(" zp {} clamp [{}, {}]", c.zero_point, c.lo, c.hi);
}

std::string witness_text(const Profile* profile, const BinCover& b) {
  if (b.decision.witness.empty()) return "";
  const auto& w = b.decision.witness;
  if (w.size() == 1 || b.group != "neighbour") return case_text(profile, w.back());
  return case_text(profile, w.front()) + ", then " + case_text(profile, w.back());
}

const char* reach_text(Reach r) {
  return r == Reach::reachable ? "reachable" : r == Reach::unreachable ? "unreachable" : "open";
}

Json case_json(const RequantCase& rc) {
  const Channel& c = rc.channel;
  Json json = {{"acc", rc.acc}, {"multiplier", c.multiplier}, {"shift", c.shift}};
  if (c.scale != 0) json["scale"] = c.scale;
  json.update({{"addend", c.addend}, {"zero_point", c.zero_point}, {"lo", c.lo}, {"hi", c.hi}});
  return json;
}

Json part_json(const Coverage& part) {
  Json bins = Json::array();
  for (const BinCover& b : part.bins) {
    Json bin = {{"group", b.group}, {"name", b.name}, {"goal", b.goal}, {"reach", reach_text(b.decision.reach)},
                {"hits", b.hits},   {"met", b.met()}};
    if (!b.decision.reason.empty()) bin["proof"] = b.decision.reason;
    for (const RequantCase& c : b.decision.witness) bin["witness"].push_back(case_json(c));
    bins.push_back(std::move(bin));
  }
  return {{"name", part.name},
          {"what", part.what},
          {"cases", part.cases},
          {"bins", static_cast<std::int64_t>(part.bins.size())},
          {"reachable", part.reachable()},
          {"met", part.met()},
          {"unreachable", part.unreachable()},
          {"open", part.open()},
          {"list", std::move(bins)}};
}

std::string report_json(const CoverReport& r) {
  Json parts = Json::array();
  for (const Coverage& part : r.parts) parts.push_back(part_json(part));
  const Json json = {{"subject", r.subject}, {"profile", r.profile}, {"goal", r.goal},
                     {"met", r.met()},       {"parts", parts},       {"notes", r.notes}};
  return json.dump(1, ' ', false, Json::error_handler_t::replace) + "\n";
}

std::string percent(std::int64_t part, std::int64_t whole) {
  return whole == 0 ? "-" : fmt::format("{:.1f} %", 100.0 * static_cast<double>(part) / static_cast<double>(whole));
}

/// One row per group, in order of first appearance.
void print_groups(const Coverage& part) {
  std::vector<std::string> groups;
  for (const BinCover& b : part.bins)
    if (std::find(groups.begin(), groups.end(), b.group) == groups.end()) groups.push_back(b.group);
  const bool any_open = part.open() > 0;
  std::vector<std::string> headings{"group", ">bins", ">reachable", ">hit", ">", ">unreachable"};
  if (any_open) headings.emplace_back(">open");
  Table table(headings);
  const auto row = [&](const std::string& name, const Coverage& c) {
    std::vector<std::string> cells{name,
                                   grouped(static_cast<std::int64_t>(c.bins.size())),
                                   grouped(c.reachable()),
                                   grouped(c.met()),
                                   percent(c.met(), c.reachable()),
                                   grouped(c.unreachable())};
    if (any_open) cells.push_back(grouped(c.open()));
    table.add(std::move(cells));
  };
  for (const std::string& g : groups) {
    Coverage group;
    std::copy_if(part.bins.begin(), part.bins.end(), std::back_inserter(group.bins),
                 [&](const BinCover& b) { return b.group == g; });
    row(g, group);
  }
  row("total", part);
  fmt::print("{}", table.text());
}

void print_list(const char* title, const std::vector<std::vector<std::string>>& rows,
                std::vector<std::string> headings) {
  if (rows.empty()) return;
  Table table(std::move(headings));
  for (const auto& row : rows) table.add(row);
  fmt::print("\n{}\n{}", title, table.text());
}

void print_bins(const Coverage& part, const Profile* profile, bool all) {
  std::vector<std::vector<std::string>> missed, never, open, every;
  for (const BinCover& b : part.bins) {
    if (all) {
      every.push_back({b.group, b.name, reach_text(b.decision.reach), grouped(b.hits), witness_text(profile, b)});
    }
    if (!b.met())
      missed.push_back({b.group, b.name, fmt::format("{} of {}", b.hits, b.goal), witness_text(profile, b)});
    if (b.decision.reach == Reach::unreachable) never.push_back({b.group, b.name, b.decision.reason});
    if (b.decision.reach == Reach::open) open.push_back({b.group, b.name});
  }
  if (all) print_list("every bin:", every, {"group", "bin", "reach", ">hits", "a case"});
  print_list("reachable, missed:", missed, {"group", "bin", ">hits", "a case that hits it"});
  // Runs of one group with one reason (shifts, bits) are one row.
  std::vector<std::vector<std::string>> short_never;
  for (const auto& row : never) {
    const bool same = !short_never.empty() && short_never.back()[0] == row[0] && short_never.back()[3] == row[2];
    if (!same) {
      short_never.push_back({row[0], "1", row[1], row[2]});
    } else {
      short_never.back()[1] = std::to_string(std::stoi(short_never.back()[1]) + 1);
      const std::size_t dots = short_never.back()[2].find(" ... ");
      short_never.back()[2] = short_never.back()[2].substr(0, dots) + " ... " + row[1];
    }
  }
  print_list("unreachable, proved:", short_never, {"group", ">bins", "bin", "why"});
  print_list("open: no case was found, and no proof that there is none:", open, {"group", "bin"});
}

void print_network(const CoverReport& r) {
  Table table({"layer", "op", ">cases", ">bins", ">reachable", ">hit", ">", ">unreachable", ">open"});
  Coverage total;
  for (const Coverage& c : r.parts) {
    table.add({c.name, c.what, grouped(c.cases), grouped(static_cast<std::int64_t>(c.bins.size())),
               grouped(c.reachable()), grouped(c.met()), percent(c.met(), c.reachable()), grouped(c.unreachable()),
               grouped(c.open())});
    total.cases += c.cases;
    total.bins.insert(total.bins.end(), c.bins.begin(), c.bins.end());
  }
  table.add({"total", "", grouped(total.cases), grouped(static_cast<std::int64_t>(total.bins.size())),
             grouped(total.reachable()), grouped(total.met()), percent(total.met(), total.reachable()),
             grouped(total.unreachable()), grouped(total.open())});
  fmt::print("{}", table.text());
}

void print_report(const CoverReport& r, bool all) {
  const Profile* profile = r.profile.empty() ? nullptr : &find_profile(r.profile);
  const bool network = r.kind == SetKind::network;
  if (network) {
    fmt::print("{}: {} layers, profile {}\n\n", r.subject, r.parts.size(), r.profile);
    print_network(r);
  }
  for (const Coverage& part : r.parts) {
    if (network && !all) break;
    fmt::print("{}{}: {}, {} cases\n\n", network ? "\n" : "", network ? part.name : r.subject, part.what,
               grouped(part.cases));
    print_groups(part);
    print_bins(part, profile, all);
  }
  for (const std::string& note : r.notes) fmt::print("\nnote: {}\n", note);
  std::int64_t reachable = 0, met = 0, open = 0;
  for (const Coverage& c : r.parts) reachable += c.reachable(), met += c.met(), open += c.open();
  fmt::print("\n{}: {} of {} reachable bins hit{}{}.\n", r.met() ? "COVERED" : "MISSING", grouped(met),
             grouped(reachable), r.goal > 1 ? fmt::format(" at least {} times", r.goal) : "",
             open > 0 ? fmt::format(", {} open", open) : "");
}

void write_missing(const CoverReport& r, const std::string& folder) {
  if (r.kind != SetKind::requant) {
    throw Error(fmt::format("{}: --missing needs a requant set, this is a {} set", r.subject,
                            r.kind == SetKind::layer ? "layer" : "network"));
  }
  const std::vector<RequantCase> cases = missing_cases(r.parts[0]);
  if (cases.empty()) {
    fmt::print(stderr, "{}: nothing is missing, so nothing was written\n", folder);
    return;
  }
  const Profile& profile = find_profile(r.profile);
  const RequantSpace space{.profile = &profile, .out = r.out, .goal = Goal::corners, .seed = 0};
  write_requant_set(folder, space, cases, std::nullopt, SetOptions{});
  fmt::print(stderr, "{}: {} cases that hit what {} misses\n", folder, cases.size(), r.subject);
}

int run(const Options& o) {
  if (o.goal < 1) throw Error(fmt::format("--goal {}: expected at least 1", o.goal));
  constexpr std::int64_t most = 1 << 16;
  if (o.goal > most) throw Error(fmt::format("--goal {}: expected at most {}", o.goal, most));
  if (o.missing != !o.out.empty()) throw Error("--missing and -o DIR: give both or none of them");
  if (o.json && o.all) throw Error("--all and --json: the JSON lists every bin already");
  const CoverReport report = cover_set(o.folder, o.goal);
  if (o.missing && std::filesystem::exists(o.out) && std::filesystem::equivalent(o.out, o.folder)) {
    throw Error(fmt::format("-o {}: that is the set that was read; choose another folder", o.out));
  }
  if (o.missing) write_missing(report, o.out);
  if (o.json) {
    fmt::print("{}", report_json(report));
  } else {
    print_report(report, o.all);
  }
  return report.met() ? 0 : 1;
}

}  // namespace

Verb cover_verb() {
  auto o = std::make_shared<Options>();
  return {"cover",
          "Which arithmetic events a vector set contains, misses, or cannot contain",
          "  obz cover vectors/requant                       exit code 0: every reachable bin is hit, 1: some are not\n"
          "  obz cover vectors/requant --missing -o vectors/rest\n"
          "  obz cover vectors/layer3 --goal 10 --json\n",
          {{"folder", "DIR", "a vector set of obz gen", &o->folder, true},
           {"--goal,-g", "N", "how often each reachable bin is to be hit (default 1)", &o->goal},
           {"--missing", "", "of a requant set: write a set of cases that hit what is missed to -o DIR", &o->missing},
           {"--out,-o", "DIR", "with --missing: where to write", &o->out},
           {"--all,-a", "", "every bin with its count; of networks, every layer in detail", &o->all},
           {"--json", "", "as JSON", &o->json}},
          [o] { return run(*o); },
          o->given};
}

}  // namespace obz::cli
