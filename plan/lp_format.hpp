// The problem as a CPLEX LP file, for any other solver.
#pragma once

#include <string>

#include "plan/problem.hpp"

namespace obz::plan {

/// Binary x_<layer number>_<bits> per group and choice; coefficients are the integers that the exact search uses, their
/// units in comments.
std::string lp_text(const Table& table, const Question& question);

}  // namespace obz::plan
