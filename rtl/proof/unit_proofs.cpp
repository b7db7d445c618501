#include "rtl/proof/unit_proofs.hpp"

#include <algorithm>
#include <charconv>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "ref/base/error.hpp"

namespace obz::rtl {
namespace {

bool integer(const Profile& p) { return p.recipe.arithmetic == Arithmetic::dyadic; }

void append(std::vector<Proof>& all, std::vector<Proof> more) {
  std::move(more.begin(), more.end(), std::back_inserter(all));
}

/// Of profiles that `same` calls equal, the first.
template <class Same>
Profiles one_of_each(const Same& same) {
  Profiles chosen;
  for (const Profile& p : profile_catalogue()) {
    const bool known = std::any_of(chosen.begin(), chosen.end(), [&](const Profile* q) { return same(*q, p); });
    if (integer(p) && !known) chosen.push_back(&p);
  }
  return chosen;
}

std::vector<Proof> all_requant(const Profiles& profiles) {
  std::vector<Proof> all;
  const auto same = [](const Profile& a, const Profile& b) { return a.recipe == b.recipe; };
  for (const Profile* p : profiles.empty() ? one_of_each(same) : profiles) append(all, requant_proofs(*p));
  return all;
}

std::vector<Proof> all_add(const Profiles& profiles) {
  std::vector<Proof> all;
  const auto same = [](const Profile& a, const Profile& b) { return a.add == b.add; };
  for (const Profile* p : profiles.empty() ? one_of_each(same) : profiles) append(all, add_proofs(*p));
  return all;
}

std::vector<Proof> all_average(const Profiles&) {
  std::vector<Proof> all;
  for (int n = 2; n <= 16; ++n) append(all, average_proofs(n));
  for (const int n : {25, 36, 49, 64, 121, 196}) append(all, average_proofs(n));
  return all;
}

std::vector<Proof> all_dot(const Profiles&) { return dot_proofs(); }
std::vector<Proof> all_core(const Profiles&) { return core_proofs(); }
std::vector<Proof> all_narrow(const Profiles&) { return narrow_proofs(); }

std::vector<Proof> average_by(const std::string& count) {
  int n = 0;
  std::from_chars(count.data(), count.data() + count.size(), n);
  return average_proofs(n);
}

}  // namespace

std::span<const ProofUnit> proof_units() {
  static const std::vector<ProofUnit> units{
      {"requant", "every integer recipe is obz_requant", true, all_requant, requant_mutants,
       [](const std::string& id) { return requant_proofs(find_profile(id)); }},
      {"add", "residual sums as profiles fill them are obz_add_lane", true, all_add, add_mutants,
       [](const std::string& id) { return add_proofs(find_profile(id)); }},
      {"average", "the reciprocals of obz_round_divide divide", false, all_average, average_mutants, average_by},
      {"narrow", "registers of every width are obz_narrow", false, all_narrow, narrow_mutants,
       [](const std::string&) { return narrow_proofs(); }},
      {"dot", "the multiplier array is the sum of the products of its lanes", false, all_dot, dot_mutants,
       [](const std::string& which) { return dot_proofs(which); }},
      {"core", "the pipeline of obz_tensor_core keeps its promise", false, all_core, core_mutants,
       [](const std::string&) { return core_proofs(); }}};
  return units;
}

const ProofUnit& find_proof_unit(const std::string& name) {
  std::vector<std::string> names;
  for (const ProofUnit& unit : proof_units()) {
    if (unit.name == name) return unit;
    names.push_back(unit.name);
  }
  throw Error(fmt::format("prove {}: expected {}, dut or all", name, fmt::join(names, ", ")));
}

}  // namespace obz::rtl
