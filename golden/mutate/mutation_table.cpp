#include "golden/mutate/mutation_table.hpp"

#include <atomic>

#include <fmt/format.h>
#include <tbb/parallel_for.h>

#include "golden/cases/synth.hpp"
#include "golden/complete/complete.hpp"
#include "golden/engines/check.hpp"
#include "ref/base/philox.hpp"
#include "ref/tensor/type_text.hpp"

namespace obz {
namespace {

constexpr std::uint32_t kRandom = 910;

/// Vectors in chunks against the faults that are still alive: killed ones are not asked again.
template <class MakeChunk, class Kills>
std::vector<bool> killed_by(const std::vector<MutantResult>& faults, std::int64_t vectors, std::int64_t chunk,
                            MakeChunk&& make_chunk, Kills&& kills) {
  std::vector<std::size_t> alive;
  for (std::size_t i = 0; i < faults.size(); ++i) {
    if (faults[i].fate != Fate::equivalent) alive.push_back(i);
  }
  std::vector<bool> killed(faults.size(), false);
  for (std::int64_t done = 0; done < vectors && !alive.empty(); done += chunk) {
    const auto set = make_chunk(done, std::min(chunk, vectors - done));
    std::vector<char> shown(alive.size(), 0);
    tbb::parallel_for(std::size_t{0}, alive.size(),
                      [&](std::size_t k) { shown[k] = kills(set, faults[alive[k]].fault) ? 1 : 0; });
    std::vector<std::size_t> left;
    for (std::size_t k = 0; k < alive.size(); ++k) {
      killed[alive[k]] = shown[k] != 0;
      if (shown[k] == 0) left.push_back(alive[k]);
    }
    alive = std::move(left);
  }
  return killed;
}

std::vector<bool> killed_first(const std::vector<MutantResult>& results) {
  std::vector<bool> killed;
  for (const MutantResult& r : results) killed.push_back(r.fate == Fate::killed);
  return killed;
}

std::string times_text(std::int64_t times) { return fmt::format("{} x as many random", times); }

}  // namespace

RequantUnit seeded_unit(const Profile& profile, IntType out, std::int64_t channels, std::uint64_t seed) {
  RequantUnit unit{profile.recipe, out, {}, {}};
  const RequantSpace space{.profile = &profile, .out = out, .goal = Goal::random, .seed = seed};
  constexpr std::int64_t reach = (1 << 19) - 1;
  for (std::int64_t i = 0; i < channels; ++i) {
    Channel c = draw_channel(space, static_cast<std::uint64_t>(i));
    if (i % 2 == 1 && c.multiplier >= 1 << 16) {
      int drop = 0;
      while (c.multiplier >> drop >= 256) ++drop;
      c.multiplier >>= drop;
      c.shift -= drop;
      if (profile.recipe.first_bits > 0) {  // keeps two stages: the zeros go back below
        c.multiplier <<= drop;
        c.shift += drop;
      }
    }
    unit.channels.push_back(c);
    unit.ranges.push_back({-reach - 1, reach});
  }
  return unit;
}

std::vector<UnitCase> complete_cases(const RequantUnit& unit, const Profile& profile) {
  std::vector<UnitCase> all;
  Profile same = profile;
  same.recipe = unit.recipe;
  for (std::size_t c = 0; c < unit.channels.size(); ++c) {
    std::vector<RequantCase> cases;
    Certificate certificate;
    append_complete(same, unit.channels[c], unit.ranges[c], cases, certificate);
    for (const RequantCase& one : cases) all.push_back({static_cast<std::int32_t>(c), one.acc});
  }
  return all;
}

MutationTable compare_ways(const RequantUnit& unit, const std::vector<Fault>& faults, std::int64_t times,
                           std::uint64_t seed, const MutateProgress& progress) {
  MutationTable table;
  const std::vector<UnitCase> complete = complete_cases(unit, find_profile("tflite/double"));
  const auto count = static_cast<std::int64_t>(complete.size());
  table.results = mutate(unit, complete, faults, progress);
  table.columns.push_back({"complete", count, killed_first(table.results)});
  const auto random = [&](std::int64_t first, std::int64_t size) {
    std::vector<UnitCase> cases;
    for (std::int64_t i = first; i < first + size; ++i) {
      CaseRandom rng(seed, static_cast<std::uint64_t>(i), kRandom);
      const auto c = static_cast<std::size_t>(i) % unit.channels.size();
      cases.push_back({static_cast<std::int32_t>(c), rng.between(unit.ranges[c].lo, unit.ranges[c].hi)});
    }
    return cases;
  };
  constexpr std::int64_t chunk = 1 << 14;
  const auto with = [&](std::int64_t tolerance) {
    return
        [&unit, tolerance](const std::vector<UnitCase>& set, const Fault& f) { return kills(unit, set, f, tolerance); };
  };
  const auto all = [&](std::int64_t, std::int64_t) { return complete; };
  table.columns.push_back({"as many random", count, killed_by(table.results, count, chunk, random, with(0))});
  table.columns.push_back(
      {times_text(times), count * times, killed_by(table.results, count * times, chunk, random, with(0))});
  table.columns.push_back({"complete, atol 1", count, killed_by(table.results, count, count, all, with(1))});
  table.columns.push_back(
      {times_text(times) + ", atol 1", count * times, killed_by(table.results, count * times, chunk, random, with(1))});
  table.subject = fmt::format("requantizer of {} channels to {}", unit.channels.size(), type_text(unit.out));
  return table;
}

MutationTable compare_ways(const LayerUnit& unit, const std::vector<Fault>& faults, std::int64_t times,
                           std::uint64_t seed, const MutateProgress& progress) {
  MutationTable table;
  const CompleteInputs complete = complete_inputs(unit.net(), seed);
  std::vector<LayerUnit::Sample> samples;
  for (const std::vector<Tensor>& inputs : complete.samples) samples.push_back(unit.sample(inputs));
  const auto count = static_cast<std::int64_t>(samples.size());
  table.results = mutate(unit, samples, complete, faults, seed, progress);
  table.columns.push_back({"complete", count, killed_first(table.results)});
  using Set = std::vector<LayerUnit::Sample>;
  const auto random = [&](std::int64_t first, std::int64_t size) {
    Set set;
    for (std::int64_t i = 0; i < size; ++i) {
      set.push_back(unit.sample(random_inputs(unit.net(), Goal::random, seed + kRandom, first + i)));
    }
    return set;
  };
  constexpr std::int64_t chunk = 128;
  const auto with = [&](std::int64_t tolerance) {
    return [&unit, tolerance](const Set& set, const Fault& f) {
      return std::any_of(set.begin(), set.end(), [&](const auto& s) { return unit.kills(s, f, tolerance); });
    };
  };
  const auto all = [&](std::int64_t, std::int64_t) { return samples; };
  table.columns.push_back({"as many random", count, killed_by(table.results, count, chunk, random, with(0))});
  table.columns.push_back(
      {times_text(times), count * times, killed_by(table.results, count * times, chunk, random, with(0))});
  table.columns.push_back({"complete, atol 1", count, killed_by(table.results, count, count, all, with(1))});
  table.columns.push_back(
      {times_text(times) + ", atol 1", count * times, killed_by(table.results, count * times, chunk, random, with(1))});
  table.subject = fmt::format("{} {}", describe(unit.node().op), widths(unit.net(), unit.node()));
  return table;
}

}  // namespace obz
