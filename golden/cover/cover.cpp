#include "golden/cover/cover.hpp"

#include <algorithm>
#include <map>
#include <tuple>

#include <fmt/format.h>

#include "golden/cover/layer_cover.hpp"
#include "ref/base/error.hpp"
#include "ref/tensor/type_text.hpp"

namespace obz {
namespace {

template <class Predicate>
std::int64_t count_bins(const std::vector<BinCover>& bins, Predicate&& holds) {
  return std::count_if(bins.begin(), bins.end(), holds);
}

}  // namespace

std::int64_t Coverage::reachable() const {
  return count_bins(bins, [](const BinCover& b) { return b.reachable(); });
}
std::int64_t Coverage::met() const {
  return count_bins(bins, [](const BinCover& b) { return b.reachable() && b.met(); });
}
std::int64_t Coverage::unreachable() const {
  return count_bins(bins, [](const BinCover& b) { return b.decision.reach == Reach::unreachable; });
}
std::int64_t Coverage::open() const {
  return count_bins(bins, [](const BinCover& b) { return b.decision.reach == Reach::open; });
}

bool CoverReport::met() const {
  return std::all_of(parts.begin(), parts.end(), [](const Coverage& c) {
    return std::all_of(c.bins.begin(), c.bins.end(), [](const BinCover& b) { return b.met(); });
  });
}

Coverage cover_cases(const CoverSpace& space, std::span<const RequantCase> cases, std::int64_t goal) {
  const std::vector<Bin> bins = requant_bins(space);
  std::vector<Decision> decisions = decide(space, bins);
  std::vector<std::int64_t> hits(bins.size());
  std::int64_t surprises = 0;
  const RequantCase* previous = nullptr;
  for (const RequantCase& c : cases) {
    if (!in_domain(space.profile, c)) continue;
    const CaseFacts facts = facts_of(space.profile, c, previous);
    for (std::size_t i = 0; i < bins.size(); ++i) {
      if (!bins[i].hit(facts)) continue;
      ++hits[i];
      Decision& d = decisions[i];
      if (d.reach == Reach::reachable) continue;
      surprises += d.reach == Reach::unreachable ? 1 : 0;
      d = {Reach::reachable, {c}, ""};
      if (previous != nullptr) d.witness.insert(d.witness.begin(), *previous);
    }
    previous = &c;
  }
  Coverage coverage{.cases = static_cast<std::int64_t>(cases.size()), .surprises = surprises};
  for (std::size_t i = 0; i < bins.size(); ++i) {
    coverage.bins.push_back({bins[i].group, bins[i].name, goal * bins[i].goal, hits[i], std::move(decisions[i])});
  }
  return coverage;
}

CoverSpace cover_space_of(const RequantSet& set) {
  const Profile& profile = find_profile(set.manifest.profile);
  if (set.manifest.goal != Goal::complete) return cover_space(profile, set.manifest.out);
  const auto key = [](const Channel& c) {
    return std::tuple(c.multiplier, c.shift, c.addend, c.scale, c.zero_point, c.lo, c.hi);
  };
  std::map<decltype(key(Channel{})), std::size_t> known;
  std::vector<ChannelRange> channels;
  for (const RequantCase& c : set.cases) {
    const auto [it, is_new] = known.emplace(key(c.channel), channels.size());
    if (is_new) channels.push_back({c.channel, {c.acc, c.acc}});
    AccRange& r = channels[it->second].range;
    r = {std::min(r.lo, c.acc), std::max(r.hi, c.acc)};
  }
  return cover_space(profile, set.manifest.out, std::move(channels));
}

CoverReport cover_set(const std::filesystem::path& folder, std::int64_t goal) {
  Manifest manifest = load_manifest(folder);
  CoverReport report{.subject = folder.string(),
                     .kind = manifest.kind,
                     .profile = manifest.profile,
                     .out = manifest.out,
                     .goal = goal};
  if (manifest.kind == SetKind::requant) {
    const RequantSet set = load_requant_set(folder, std::move(manifest));
    const CoverSpace space = cover_space_of(set);
    Coverage coverage = cover_cases(space, set.cases, goal);
    coverage.what = fmt::format("requant {} {}", report.profile, type_text(report.out));
    if (space.is_fixed()) coverage.what += fmt::format(", {} given channel(s)", space.fixed.size());
    if (coverage.surprises > 0) {
      report.notes.push_back(fmt::format("{} bin(s) that no channel of {} reaches are hit: the set has other channels",
                                         coverage.surprises, report.profile));
    }
    report.parts.push_back(std::move(coverage));
  } else {
    const NetSet set = load_net_set(folder, std::move(manifest));
    cover_net_set(set, goal, report);
  }
  return report;
}

std::vector<RequantCase> missing_cases(const Coverage& coverage) {
  std::vector<RequantCase> cases;
  for (const BinCover& b : coverage.bins) {
    if (b.met() || b.decision.witness.empty()) continue;
    const std::vector<RequantCase>& w = b.decision.witness;
    for (std::int64_t n = b.hits; n < b.goal; ++n) {
      // A witness that stands there already counts for this bin too; a pair must stay a pair.
      const bool stands = b.goal == 1 && w.size() == 1 && std::find(cases.begin(), cases.end(), w[0]) != cases.end();
      if (!stands) cases.insert(cases.end(), w.begin(), w.end());
    }
  }
  return cases;
}

}  // namespace obz
