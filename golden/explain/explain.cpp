#include "golden/explain/explain.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <map>

#include "golden/complete/complete.hpp"
#include "ref/base/philox.hpp"

namespace obz {
namespace {

/// A theory in the running.
struct Contender {
  Theory theory;
  std::int64_t missed = 0;
};

/// Enough wrong answers to leave: noise may spoil a third of a device's answers, and a few to begin with.
bool is_hopeless(std::int64_t missed, std::int64_t seen) { return missed > 8 + seen / 3; }

/// The case before it in the sequence decides what "the neighbour's multiplier" is.
const Channel& channel_before(const std::vector<Observation>& all, std::size_t i) {
  return all[i == 0 ? 0 : i - 1].asked.channel;
}

/// Where one theory's output first exceeds `level` within +-reach: bisection, as for every monotone function.
std::int64_t rise(const Theory& t, std::int64_t level, std::int64_t reach, const Channel& c, const Channel& before,
                  IntType out) {
  std::int64_t lo = -reach, hi = reach;
  while (hi - lo > 1) {
    const std::int64_t mid = lo + (hi - lo) / 2;
    (predict(t, mid, c, before, out) > level ? hi : lo) = mid;
  }
  return hi;
}

/// Accumulators at which two theories rise past the same output at different places: inputs that tell them apart.
void append_splits(const Theory& a, const Theory& b, const Channel& c, const Channel& before, IntType out,
                   CaseRandom& rng, std::vector<RequantCase>& cases) {
  constexpr int levels = 6;
  constexpr std::array<int, 4> widths{15, 19, 23, 30};  // inside each accumulator of the space
  const std::int64_t reach = (std::int64_t{1} << widths[rng.bits32() % widths.size()]) - 1;
  for (int i = 0; i < levels; ++i) {
    const std::int64_t level = rng.between(c.lo, std::max(c.lo, c.hi - 1));
    const std::int64_t at_a = rise(a, level, reach, c, before, out), at_b = rise(b, level, reach, c, before, out);
    if (at_a != at_b) cases.push_back({std::min(at_a, at_b), c});
  }
}

/// Accumulators that are ties for the numbers this theory multiplies with.
void append_ties(const Theory& t, const Channel& c, const Channel& before, CaseRandom& rng,
                 std::vector<RequantCase>& cases) {
  const Channel used = effective_channel(t, c, before);
  if (used.shift < 1) return;
  constexpr int most = 16;
  const auto ties =
      solve_residue(used.multiplier, 0, used.shift, std::int64_t{1} << (used.shift - 1), {-32768, 32767}, most);
  if (ties.empty()) return;
  for (int i = 0; i < 2; ++i) {
    cases.push_back({ties[rng.bits32() % ties.size()], c});
  }
}

/// Corner cases of this kind have short multipliers, so ties can be reached.
constexpr std::uint64_t kTieEvery = 8, kTieKind = 2;

/// Candidate questions of one round: corner and random cases, accumulators beyond narrow registers, and cases built to
/// split random pairs of what is alive.
std::vector<RequantCase> candidates(const std::vector<Theory>& alive, const Profile& profile, IntType out,
                                    const Channel* before, std::uint64_t seed, std::uint64_t round) {
  constexpr std::uint64_t each = 64;
  std::vector<RequantCase> cases;
  for (const Goal goal : {Goal::corners, Goal::random}) {
    const RequantSpace space{.profile = &profile, .out = out, .goal = goal, .seed = seed};
    for (std::uint64_t i = 0; i < each; ++i) cases.push_back(make_requant_case(space, round * each + i));
  }
  if (profile.uses_multiplier()) {
    for (std::size_t i = 0; i < each; i += 4) {
      RequantCase c = cases[i];
      c.channel.shift = std::min(c.channel.shift + 12, 50);
      c.acc = c.acc * 4096 + static_cast<std::int64_t>(i);
      cases.push_back(c);
    }
  }
  CaseRandom rng(seed, round, 7);
  constexpr std::size_t pairs = 24;
  for (std::size_t k = 0; k < pairs; ++k) {
    const auto any = [&] {
      return static_cast<std::size_t>(rng.between(0, static_cast<std::int64_t>(alive.size()) - 1));
    };
    const Theory &a = alive[any()], &b = alive[any()];
    const Channel c = cases[k % 2 == 0 ? (k / 2 * kTieEvery + kTieKind) % each : k].channel;
    const Channel& last = before == nullptr ? c : *before;
    append_splits(a, b, c, last, out, rng, cases);
    append_ties(a, c, last, rng, cases);
  }
  std::erase_if(cases, [&](const RequantCase& c) { return !kInt32.holds(c.acc) || !in_domain(profile, c); });
  return cases;
}

/// Expected size of the surviving group when all theories are equally likely: sum of squares over groups / total.
double expected_survivors(const std::vector<Theory>& alive, const RequantCase& c, const Channel& before, IntType out) {
  std::map<std::int64_t, std::int64_t> groups;
  for (const Theory& t : alive) ++groups[predict(t, c.acc, c.channel, before, out)];
  double squares = 0;
  for (const auto& [value, size] : groups) squares += static_cast<double>(size) * static_cast<double>(size);
  return squares / static_cast<double>(alive.size());
}

struct Split {
  RequantCase question;
  double survivors = 0;
};

/// The best question of a round of candidates.
Split best_question(const std::vector<Theory>& alive, const Profile& profile, IntType out, const Channel* before,
                    std::uint64_t seed, std::uint64_t round) {
  Split best{{}, static_cast<double>(alive.size())};
  // A thousand theories estimate a split as well as all of them do.
  constexpr std::size_t sample = 1000;
  std::vector<Theory> some;
  const std::size_t stride = std::max<std::size_t>(1, alive.size() / sample);
  for (std::size_t i = 0; i < alive.size(); i += stride) some.push_back(alive[i]);
  const double whole = static_cast<double>(some.size());
  best.survivors = whole;
  for (const RequantCase& c : candidates(some, profile, out, before, seed, round)) {
    const double survivors = expected_survivors(some, c, before == nullptr ? c.channel : *before, out);
    if (survivors < best.survivors) best = {c, survivors};
  }
  best.survivors *= static_cast<double>(alive.size()) / whole;
  return best;
}

/// Rounds of fresh candidates without a split after which the rest counts as one; and how often in between another
/// channel with a short multiplier goes first, for theories that use the neighbour's.
constexpr std::uint64_t kPatience = 72, kChangeNeighbour = 12;

/// A channel worth having been the one before: a scale of 1/8, where every fourth accumulator is a tie; the smallest
/// shift, where a left shift overflows; a short multiplier.
RequantCase neighbour_case(const Profile& profile, IntType out, std::uint64_t seed, std::uint64_t n) {
  RequantCase c = make_requant_case({&profile, out, Goal::corners, seed}, n * kTieEvery + kTieKind);
  if (n % 3 == 0 || !profile.uses_multiplier()) return c;
  RequantCase special = c;
  special.acc = 0;
  const auto power = std::bit_floor(static_cast<std::uint64_t>(std::max<std::int64_t>(c.channel.multiplier, 1)));
  if (n % 3 == 1) {
    special.channel.multiplier = static_cast<std::int64_t>(power);
    special.channel.shift = std::countr_zero(power) + 3;
  } else {
    special.channel.multiplier |= 1;
    special.channel.shift = std::max<int>(1, profile.scale.min_shift);
  }
  return in_domain(profile, special) ? special : c;
}

}  // namespace

Explanation explain(const std::vector<Observation>& observations, const Theory& reference, IntType out) {
  Explanation e;
  e.observed = static_cast<std::int64_t>(observations.size());
  std::vector<Contender> running;
  const bool zero_points = std::any_of(observations.begin(), observations.end(),
                                       [](const Observation& o) { return o.asked.channel.zero_point != 0; });
  for (const Theory& t : theory_space(reference, zero_points, true)) running.push_back({t, 0});
  constexpr std::size_t chunk = 64;
  for (std::size_t begin = 0; begin < observations.size(); begin += chunk) {
    const std::size_t end = std::min(begin + chunk, observations.size());
    for (Contender& c : running) {
      for (std::size_t i = begin; i < end; ++i) {
        const Observation& o = observations[i];
        c.missed +=
            predict(c.theory, o.asked.acc, o.asked.channel, channel_before(observations, i), out) != o.got ? 1 : 0;
      }
    }
    std::int64_t least = e.observed;
    for (const Contender& c : running) least = std::min(least, c.missed);
    const auto seen = static_cast<std::int64_t>(end);
    std::erase_if(running, [&](const Contender& c) { return is_hopeless(c.missed - least, seen) && c.missed > least; });
  }
  std::int64_t least = e.observed;
  for (const Contender& c : running) least = std::min(least, c.missed);
  for (const Contender& c : running) {
    if (c.missed == least) e.best.push_back(c.theory);
  }
  // A product in float64 is worth naming only where it shows.
  const std::vector<Theory> all = e.best;
  std::erase_if(e.best, [&](const Theory& t) {
    Theory exact = t;
    exact.multiplier = MultiplierIs::given;
    return t.multiplier == MultiplierIs::float64 && std::find(all.begin(), all.end(), exact) != all.end();
  });
  e.explained = e.observed - least;
  for (std::size_t i = 0; i < observations.size(); ++i) {
    const Observation& o = observations[i];
    e.reference_wrong +=
        predict(reference, o.asked.acc, o.asked.channel, channel_before(observations, i), out) != o.got ? 1 : 0;
  }
  return e;
}

std::vector<RequantCase> next_cases(const std::vector<Theory>& alive, const Profile& profile, IntType out, int count,
                                    std::uint64_t seed) {
  std::vector<RequantCase> questions;
  // Whatever the answers are, the largest group is the one that still needs questions.
  std::vector<Theory> group = alive;
  std::uint64_t round = 0, fruitless = 0;
  while (static_cast<int>(questions.size()) < count && group.size() > 1 && fruitless < kPatience) {
    const Channel* last = questions.empty() ? nullptr : &questions.back().channel;
    const Split split = best_question(group, profile, out, last, seed, round++);
    const Channel before = last == nullptr ? split.question.channel : *last;
    if (split.survivors >= static_cast<double>(group.size())) {
      ++fruitless;
      continue;
    }
    fruitless = 0;
    std::map<std::int64_t, std::vector<Theory>> parts;
    for (const Theory& t : group) {
      parts[predict(t, split.question.acc, split.question.channel, before, out)].push_back(t);
    }
    questions.push_back(split.question);
    group = std::max_element(parts.begin(), parts.end(), [](const auto& a, const auto& b) {
              return a.second.size() < b.second.size();
            })->second;
  }
  return questions;
}

Identification identify(const Device& device, const Profile& profile, IntType out, int most, std::uint64_t seed) {
  Identification id;
  id.alive = theory_space(theory_of(profile).value_or(Theory{}), profile.has_zero_point);
  std::uint64_t round = 0, fruitless = 0;
  while (static_cast<int>(id.queries.size()) < most && id.alive.size() > 1 && fruitless < kPatience) {
    const Channel* last = id.queries.empty() ? nullptr : &id.queries.back().asked.channel;
    const Split split = best_question(id.alive, profile, out, last, seed, round++);
    const bool splits = split.survivors < static_cast<double>(id.alive.size());
    fruitless = splits ? 0 : fruitless + 1;
    if (!splits && fruitless % kChangeNeighbour != 0) continue;
    const RequantCase question =
        splits ? split.question : neighbour_case(profile, out, seed, fruitless / kChangeNeighbour);
    const Channel before = last == nullptr ? question.channel : *last;
    std::vector<RequantCase> asked;
    for (const Observation& o : id.queries) asked.push_back(o.asked);
    asked.push_back(question);
    const std::int64_t got = device(asked).back();
    id.queries.push_back({question, got});
    std::erase_if(id.alive,
                  [&](const Theory& t) { return predict(t, question.acc, question.channel, before, out) != got; });
  }
  return id;
}

}  // namespace obz
