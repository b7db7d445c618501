// obz mutate: how many planted faults a vector set shows, and an input for each that it does not.
#include <algorithm>
#include <filesystem>
#include <map>
#include <memory>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "cli/layer_options.hpp"
#include "cli/numbers.hpp"
#include "cli/progress.hpp"
#include "cli/table.hpp"
#include "cli/verb.hpp"
#include "golden/device/fault_list.hpp"
#include "golden/mutate/mutation_table.hpp"
#include "golden/sets/vector_set.hpp"
#include "ref/base/error.hpp"

namespace obz::cli {
namespace {

struct Options {
  std::string what, acc;
  std::int64_t times = 100, channels = 8;
  std::uint64_t seed = 1;
  bool json = false, list = false, all = false;
  LayerOptions layer;
  std::shared_ptr<Given> given = std::make_shared<Given>();
};

using Json = nlohmann::ordered_json;

std::string percent(std::int64_t part, std::int64_t whole) {
  return whole == 0 ? "-" : fmt::format("{:.1f} %", 100.0 * static_cast<double>(part) / static_cast<double>(whole));
}

std::string_view fate_text(Fate f) {
  constexpr std::string_view texts[] = {"killed", "survived", "equivalent", "undecided"};
  return texts[static_cast<std::size_t>(f)];
}

/// Families in the order of their first fault.
std::vector<std::string> families(const std::vector<MutantResult>& results) {
  std::vector<std::string> names;
  for (const MutantResult& r : results) {
    const std::string family = family_of(r.fault);
    if (std::find(names.begin(), names.end(), family) == names.end()) names.push_back(family);
  }
  return names;
}

void print_table(const MutationTable& t) {
  std::vector<std::string> headings{"faults in", ">planted", ">equivalent"};
  for (const MutationColumn& c : t.columns) headings.push_back(">" + c.name);
  Table table(headings);
  const auto row = [&](const std::string& name, const auto& holds) {
    std::int64_t planted = 0, equivalent = 0;
    std::vector<std::int64_t> killed(t.columns.size(), 0);
    for (std::size_t i = 0; i < t.results.size(); ++i) {
      if (!holds(t.results[i].fault)) continue;
      ++planted;
      equivalent += t.results[i].fate == Fate::equivalent ? 1 : 0;
      for (std::size_t c = 0; c < killed.size(); ++c) killed[c] += t.columns[c].killed[i] ? 1 : 0;
    }
    std::vector<std::string> cells{name, fmt::format("{}", planted), fmt::format("{}", equivalent)};
    for (const std::int64_t k : killed) cells.push_back(percent(k, planted - equivalent));
    table.add(cells);
  };
  for (const std::string& family : families(t.results)) {
    row(family, [&](const Fault& f) { return family_of(f) == family; });
  }
  row("all", [](const Fault&) { return true; });
  std::vector<std::string> sizes{"vectors", "", ""};
  for (const MutationColumn& c : t.columns) sizes.push_back(grouped(c.vectors));
  table.add(sizes);
  fmt::print("{}\n\n{}", t.subject, table.text());
}

void print_survivors(const std::vector<MutantResult>& results, bool all) {
  Table table({"fault", "fate", "why"});
  std::int64_t rows = 0;
  for (const MutantResult& r : results) {
    const bool is_survivor = r.fate == Fate::survived || r.fate == Fate::undecided;
    if (!is_survivor && !(all && r.fate == Fate::equivalent)) continue;
    ++rows;
    table.add({name_of(r.fault), std::string(fate_text(r.fate)),
               r.fate == Fate::survived    ? "killed by " + r.why
               : r.fate == Fate::undecided ? "no proof and no input found"
                                           : r.why});
  }
  if (rows > 0) fmt::print("\n{}", table.text());
}

Json to_json(const MutationTable& t) {
  Json mutants = Json::array();
  for (std::size_t i = 0; i < t.results.size(); ++i) {
    const MutantResult& r = t.results[i];
    Json one = {{"fault", name_of(r.fault)}, {"family", family_of(r.fault)}, {"fate", fate_text(r.fate)}};
    if (!r.why.empty()) one[r.fate == Fate::equivalent ? "proof" : "killed_by"] = r.why;
    for (const MutationColumn& c : t.columns) one["shown_by"][c.name] = static_cast<bool>(c.killed[i]);
    mutants.push_back(one);
  }
  const MutationScore s = score_of(t.results);
  Json columns = Json::array();
  for (const MutationColumn& c : t.columns) {
    columns.push_back(
        {{"name", c.name}, {"vectors", c.vectors}, {"killed", std::count(c.killed.begin(), c.killed.end(), true)}});
  }
  return {{"subject", t.subject},   {"planted", t.results.size()},  {"equivalent", s.equivalent}, {"killed", s.killed},
          {"survived", s.survived}, {"score_percent", s.percent()}, {"columns", columns},         {"mutants", mutants}};
}

int report(const Options& o, const MutationTable& t) {
  const MutationScore s = score_of(t.results);
  if (o.json) {
    fmt::print("{}\n", to_json(t).dump(1));
  } else {
    print_table(t);
    print_survivors(t.results, o.all);
    fmt::print("\nscore {:.1f} %: {} of the {} faults that are not proved equivalent are shown; {} are proved so\n",
               s.percent(), s.killed, s.killed + s.survived, s.equivalent);
  }
  return s.survived == 0 ? 0 : 1;
}

/// The channels of a requantizer set in the order they appear. Accumulators: given; those of a complete set's channels;
/// else all of 32 bits.
RequantUnit unit_of(const RequantSet& set, const std::string& acc, std::vector<UnitCase>& cases) {
  const Profile& profile = find_profile(set.manifest.profile);
  RequantUnit unit{profile.recipe, set.manifest.out, {}, {}};
  const bool given = !acc.empty() || set.manifest.goal != Goal::complete;
  const AccRange range = parse_range(acc, "--acc", {});
  for (const RequantCase& c : set.cases) {
    // Cases of one channel stand together in complete sets; elsewhere nearly every case has its own.
    auto at = unit.channels.rbegin();
    if (at == unit.channels.rend() || !(*at == c.channel))
      at = std::find(unit.channels.rbegin(), unit.channels.rend(), c.channel);
    if (at == unit.channels.rend()) {
      constexpr std::size_t most = 1 << 16;
      if (unit.channels.size() >= most) break;
      unit.channels.push_back(c.channel);
      unit.ranges.push_back(given ? range : AccRange{c.acc, c.acc});
      at = unit.channels.rbegin();
    }
    const auto index = static_cast<std::size_t>(unit.channels.rend() - at) - 1;
    AccRange& r = unit.ranges[index];
    if (!given) r = {std::min(r.lo, c.acc), std::max(r.hi, c.acc)};
    cases.push_back({static_cast<std::int32_t>(index), c.acc});
  }
  return unit;
}

int run_set(const Options& o, const MutateProgress& progress) {
  Manifest manifest = load_manifest(o.what);
  MutationTable table;
  table.subject = o.what;
  if (manifest.kind == SetKind::network) {
    throw Error(fmt::format("{}: a set of a whole network; faults are planted in layers: use a layer set", o.what));
  }
  if (manifest.kind == SetKind::requant) {
    const RequantSet set = load_requant_set(o.what, std::move(manifest));
    std::vector<UnitCase> cases;
    const RequantUnit unit = unit_of(set, o.acc, cases);
    table.results = mutate(unit, cases, requantizer_faults(unit.recipe, unit.out), progress);
    table.columns.push_back({"this set", static_cast<std::int64_t>(cases.size()), {}});
  } else {
    if (o.given->count("--acc") != 0) throw Error("--acc: means nothing for a layer, whose weights say what can occur");
    NetSet set = load_net_set(o.what, std::move(manifest));
    const std::int64_t count = set.manifest.count;
    const LayerUnit unit(set.net);
    const InputSet inputs(set.net, set.inputs, std::vector<std::string>(set.inputs.size(), o.what));
    std::vector<LayerUnit::Sample> samples;
    for (std::int64_t s = 0; s < count; ++s) samples.push_back(unit.sample(inputs.sample(s)));
    table.results = mutate(unit, samples, complete_inputs(set.net, o.seed), layer_faults(unit.net(), unit.node()),
                           o.seed, progress);
    table.columns.push_back({"this set", count, {}});
  }
  for (const MutantResult& r : table.results) table.columns[0].killed.push_back(r.fate == Fate::killed);
  return report(o, table);
}

int list_faults() {
  Table table({"family", "fault"});
  const std::vector<Fault> requant = requantizer_faults(find_profile("tflite/double").recipe, kInt8);
  std::vector<Fault> all = requant;
  for (const char* op : {"conv2d", "mma", "add", "avgpool"}) {
    const IntNet net = synthesize({.op = op});
    for (const Fault& f : layer_faults(net, net.nodes[0])) {
      if (std::find(all.begin(), all.end(), f) == all.end()) all.push_back(f);
    }
  }
  for (const Fault& f : all) table.add({family_of(f), name_of(f)});
  fmt::print("{}{} faults; N: in front means the requantizer of operand N\n", table.text(), all.size());
  return 0;
}

int run(const Options& o) {
  constexpr std::int64_t most_times = 10000, most_channels = 4096;
  if (o.times < 1 || o.times > most_times) throw Error(fmt::format("--times {}: expected 1..{}", o.times, most_times));
  if (o.channels < 1 || o.channels > most_channels) {
    throw Error(fmt::format("--channels {}: expected 1..{}", o.channels, most_channels));
  }
  if (o.list) {
    require_only(*o.given, {"--list"}, "mutate --list");
    return list_faults();
  }
  if (o.what.empty()) throw Error("mutate: expected requant, an operator, an .obz network or a vector set");
  ProgressBar bar("mutate");
  const MutateProgress progress = [&](std::int64_t done, std::int64_t total) { bar.update(done, total); };
  const bool set = std::filesystem::is_directory(o.what);
  Given known{"what", "--json", "--all", "--seed"};
  if (set) {
    known.insert("--acc");
    require_only(*o.given, known, "mutate of a vector set");
    return run_set(o, progress);
  }
  known.insert("--times");
  if (o.what == "requant") {
    known.insert({"--profile", "--type", "--channels"});
    require_only(*o.given, known, "mutate requant");
    const RequantSpace space = o.layer.requant.space();
    const RequantUnit unit = seeded_unit(*space.profile, space.out, o.channels, o.seed);
    MutationTable t = compare_ways(unit, requantizer_faults(unit.recipe, unit.out), o.times, o.seed, progress);
    t.subject += fmt::format(", {}, accumulators of 20 bits", space.profile->id);
    return report(o, t);
  }
  known.merge(o.layer.options_for(o.what));
  require_only(*o.given, known, fmt::format("mutate {}", o.what));
  const LayerUnit unit(o.layer.one_layer(o.what, o.seed));
  MutationTable t = compare_ways(unit, layer_faults(unit.net(), unit.node()), o.times, o.seed, progress);
  t.subject += fmt::format(", {}", unit.net().profile);
  return report(o, t);
}

}  // namespace

Verb mutate_verb() {
  auto o = std::make_shared<Options>();
  std::vector<Option> options{
      {"what", "WHAT",
       "requant, conv2d, depthwise, dense, mma, add, mul, avgpool, concat; an .obz network with --layer; or a vector "
       "set",
       &o->what},
      {"--times", "N", "how many times as many random vectors stand beside (default 100)", &o->times},
      {"--channels", "N", "requant: seeded channels (default 8)", &o->channels},
      {"--acc", "LO,HI", "requantizer set: accumulators that can occur (default: a complete set's own, else 32 bits)",
       &o->acc},
      {"--seed,-s", "N", "of channels, weights and random vectors (default 1)", &o->seed},
      {"--all", "", "also list the equivalent faults with their proofs", &o->all},
      {"--list", "", "list the faults and stop", &o->list},
      {"--json", "", "every fault with its fate as JSON", &o->json}};
  o->layer.add_to(options);
  return {"mutate",
          "Mutation score: planted arithmetic faults that a vector set shows",
          "  obz mutate requant -p hawq-v3/exact\n"
          "  obz mutate conv2d --conv 1,7,7,5,6,3,3,2,1\n"
          "  obz mutate kws.obz --layer 3 --times 10\n"
          "  obz mutate vectors/layer3 --all\n",
          std::move(options),
          [o] { return run(*o); },
          o->given};
}

}  // namespace obz::cli
