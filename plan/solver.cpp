#include "plan/solver.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <memory>

#include <coin/Cbc_C_Interface.h>
#include <coin/Clp_C_Interface.h>

namespace obz::plan {
namespace {

/// The program as columns: rows 0 .. groups - 1 say "one option", the limits follow. Costs and limits are scaled to the
/// size of 1, so that the solver's tolerances mean the same for every unit.
struct Matrix {
  std::vector<CoinBigIndex> starts{0};
  std::vector<int> rows;
  std::vector<double> values, costs, lower, upper, row_lower, row_upper;
  double cost_scale = 1;
  std::vector<double> limit_scales;

  explicit Matrix(const Program& p) {
    const std::size_t groups = p.groups.size(), limits = p.limits.size();
    double largest = 0;
    std::vector<double> heaviest(limits, 0.0);
    for (const auto& group : p.groups) {
      for (const Program::Option& o : group) {
        largest = std::max(largest, std::abs(o.cost));
        for (std::size_t k = 0; k < limits; ++k) heaviest[k] = std::max(heaviest[k], std::abs(o.weights[k]));
      }
    }
    if (largest > 0) cost_scale = 1e6 / largest;
    for (std::size_t k = 0; k < limits; ++k) limit_scales.push_back(heaviest[k] > 0 ? 1 / heaviest[k] : 1);
    for (std::size_t g = 0; g < groups; ++g) {
      for (const Program::Option& o : p.groups[g]) {
        rows.push_back(static_cast<int>(g));
        values.push_back(1);
        for (std::size_t k = 0; k < limits; ++k) {
          if (o.weights[k] == 0) continue;
          rows.push_back(static_cast<int>(groups + k));
          values.push_back(o.weights[k] * limit_scales[k]);
        }
        starts.push_back(static_cast<CoinBigIndex>(rows.size()));
        costs.push_back(o.cost * cost_scale);
      }
    }
    lower.assign(costs.size(), 0.0);
    upper.assign(costs.size(), 1.0);
    row_lower.assign(groups, 1.0);
    row_upper.assign(groups, 1.0);
    for (std::size_t k = 0; k < limits; ++k) {
      row_lower.push_back(-std::numeric_limits<double>::max());
      row_upper.push_back(p.limits[k] * limit_scales[k]);
    }
  }
  int columns() const { return static_cast<int>(costs.size()); }
  int row_count() const { return static_cast<int>(row_lower.size()); }
};

struct FreeClp {
  void operator()(Clp_Simplex* model) const { Clp_deleteModel(model); }
};
struct FreeCbc {
  void operator()(Cbc_Model* model) const { Cbc_deleteModel(model); }
};

}  // namespace

std::optional<Relaxation> relax(const Program& program) {
  const Matrix m(program);
  const std::unique_ptr<Clp_Simplex, FreeClp> clp(Clp_newModel());
  Clp_setLogLevel(clp.get(), 0);
  Clp_loadProblem(clp.get(), m.columns(), m.row_count(), m.starts.data(), m.rows.data(), m.values.data(),
                  m.lower.data(), m.upper.data(), m.costs.data(), m.row_lower.data(), m.row_upper.data());
  Clp_initialSolve(clp.get());
  if (!Clp_isProvenOptimal(clp.get())) return std::nullopt;
  Relaxation r;
  const double* x = Clp_getColSolution(clp.get());
  for (const auto& group : program.groups) {
    r.shares.emplace_back(x, x + group.size());
    x += group.size();
  }
  const double* price = Clp_getRowPrice(clp.get()) + program.groups.size();
  for (std::size_t k = 0; k < program.limits.size(); ++k) {
    r.prices.push_back(std::max(0.0, -price[k] * m.limit_scales[k] / m.cost_scale));
  }
  return r;
}

std::optional<std::vector<std::size_t>> branch_and_cut(const Program& program) {
  const Matrix m(program);
  const std::unique_ptr<Cbc_Model, FreeCbc> cbc(Cbc_newModel());
  Cbc_setLogLevel(cbc.get(), 0);
  Cbc_loadProblem(cbc.get(), m.columns(), m.row_count(), m.starts.data(), m.rows.data(), m.values.data(),
                  m.lower.data(), m.upper.data(), m.costs.data(), m.row_lower.data(), m.row_upper.data());
  for (int c = 0; c < m.columns(); ++c) Cbc_setInteger(cbc.get(), c);
  for (const auto& [name, value] :
       {std::pair{"log", "0"}, {"ratioGap", "0"}, {"allowableGap", "0"}, {"increment", "0"}, {"seconds", "20"}}) {
    Cbc_setParameter(cbc.get(), name, value);
  }
  Cbc_solve(cbc.get());
  const double* x = Cbc_isProvenInfeasible(cbc.get()) != 0 ? nullptr : Cbc_bestSolution(cbc.get());
  if (x == nullptr) return std::nullopt;
  std::vector<std::size_t> chosen;
  for (const auto& group : program.groups) {
    chosen.push_back(static_cast<std::size_t>(std::max_element(x, x + group.size()) - x));
    x += group.size();
  }
  return chosen;
}

}  // namespace obz::plan
