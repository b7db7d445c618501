// All selections, group by group, in integers: dynamic programming that keeps only states which can still matter.
// A state goes when
//   it leaves too little of a budget for the groups to come;
//   its bound is above what is known already: with prices l >= 0 of the budgets, and whatever l is,
//     value(x) >= value so far + l * (weights so far - limits) + sum over the groups to come of min (value + l *
//     weights) for every feasible x that continues it; several prices are tried;
//   another state has no more value and no more of any weight.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "plan/problem.hpp"

namespace obz::plan {

__extension__ using Wide = __int128;

class ExactSearch {
 public:
  /// `prices`: cost units per weight unit, one per budget. Good ones rule out more.
  /// Without `ties` only costs are ranked, and selections of the same cost are one.
  ExactSearch(const Problem& problem, std::span<const double> prices, bool ties = true);

  /// What selections are ranked by: cost, second, third as one number.
  Wide value(const Selection& s) const;
  /// No feasible selection has less.
  Wide bound() const;
  /// No selection has more.
  Wide most() const;
  /// Options that some feasible selection of at most `value` may have, per group.
  std::vector<std::vector<std::size_t>> candidates(Wide value) const;

  /// The best `count` feasible selections of at most `value`, best first; of those that only swap groups with the same
  /// options any one. false: cut short, as more than `most_states` would have been needed.
  bool run(Wide value, std::size_t count, std::int64_t most_states, std::vector<Selection>& best);
  std::int64_t states() const { return states_; }

 private:
  /// A price vector and what follows from it.
  struct Prices {
    std::vector<Wide> price;
    Wide constant = 0;        ///< - price * limits
    std::vector<Wide> least;  ///< per group: min of value + price * weights
  };
  struct Stage;
  struct Bound;

  Wide scaled(Wide value) const { return value * (Wide{1} << price_bits_); }
  Wide value_of(std::size_t group, std::size_t option) const;
  Wide reduced(const Prices& p, std::size_t group, std::size_t option) const;
  Prices prices_of(std::span<const long double> wanted) const;
  Stage expand(const Stage& from, std::size_t group, const std::vector<std::size_t>& options, const Bound& bound) const;
  void reduce(Stage& stage, std::size_t count, const Bound& bound) const;

  const Problem& problem_;
  bool ties_;
  Wide second_span_ = 1, third_span_ = 1;  ///< how many units of what follows outweigh one unit
  int price_bits_ = 0;                     ///< scaled values are multiples of 2^-price_bits of a unit
  std::vector<long double> most_price_;    ///< per budget: more could leave 128 bits
  std::vector<Prices> prices_;             ///< the first are those given
  std::int64_t states_ = 0;
};

}  // namespace obz::plan
