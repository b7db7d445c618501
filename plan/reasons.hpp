// Why a plan is what it is: what a layer would cost with other bits, what would change its bits, why nothing fits, what
// is wrong with somebody else's assignment.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "plan/optimize.hpp"

namespace obz::plan {

/// The best assignment in which a layer has other bits than in the optimum.
struct Alternative {
  std::size_t choice = 0;
  std::optional<Assignment> assignment;  ///< nullopt: infeasible
  double extra_cost = 0;                 ///< objective over the optimum's; what the objective of this choice lacks
};

/// A budget at which the layer's choice changes.
struct Flip {
  std::size_t budget = 0;  ///< of the question
  double limit = 0;        ///< the least one at which a better optimum has it
  std::size_t choice = 0;  ///< then
};

struct LayerReasons {
  std::vector<std::size_t> tied;  ///< layers with the same bits, itself not included
  std::vector<Alternative> alternatives;
  std::vector<Flip> flips;            ///< one a budget at most, upwards
  std::vector<bool> all_steps_tried;  ///< per budget: no flip there means that no larger limit changes the choice
};

/// `optimum` answers the question.
LayerReasons why_layer(const Table& table, const Question& question, const Assignment& optimum, std::size_t layer);

/// One sentence: which budgets cannot hold, and the nearest value that can. Requires that none is feasible.
std::string why_infeasible(const Table& table, const Question& question);

struct Comparison {
  bool feasible = false;
  bool optimal = false;               ///< as good as the optimum
  std::vector<std::size_t> exceeded;  ///< budgets
  std::vector<std::size_t> changes;   ///< layers whose bits differ from the optimum; none where it is as good
};

/// `optimum` answers the question. Error when the assignment gives tied layers different bits.
Comparison compare(const Table& table, const Question& question, const Assignment& assignment,
                   const Assignment& optimum);

}  // namespace obz::plan
