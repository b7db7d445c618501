#include "plan/lp_format.hpp"

#include <fmt/format.h>

namespace obz::plan {
namespace {

/// Sums of many terms, a few to a line.
class Sum {
 public:
  void add(std::int64_t factor, const std::string& name) {
    if (count_ > 0 && count_ % 6 == 0) text_ += "\n   ";
    text_ += fmt::format(" {} {} {}", factor < 0 ? '-' : '+', factor < 0 ? -factor : factor, name);
    ++count_;
  }
  const std::string& text() const { return text_; }

 private:
  std::string text_;
  std::size_t count_ = 0;
};

}  // namespace

std::string lp_text(const Table& table, const Question& question) {
  const Problem p = make_problem(table, question);
  const auto name = [&](std::size_t g, std::size_t o) {
    const std::size_t first = p.groups[g].layers.front();
    return fmt::format("x_{}_{}", first, bits_text(table.layers[first].choices[o].bits));
  };
  std::string text = "\\ Which bits each layer gets; written by obz plan.\n";
  text += fmt::format("\\ {} in units of 1e{}", table.columns[question.objective], -p.cost_unit.digits);
  for (std::size_t k = 0; k < p.limits.size(); ++k) {
    text += fmt::format(", {} of 1e{}", table.columns[question.budgets[k].column], -p.weight_units[k].digits);
  }
  text += '\n';
  for (const Group& g : p.groups) {
    for (const std::size_t i : g.layers) text += fmt::format("\\ {} {}\n", i, table.layers[i].name);
  }
  const auto sum = [&](auto&& number) {
    Sum s;
    for (std::size_t g = 0; g < p.groups.size(); ++g) {
      for (std::size_t o = 0; o < p.groups[g].options.size(); ++o) s.add(number(p.groups[g].options[o]), name(g, o));
    }
    return s.text();
  };
  text += "Minimize\n objective:" + sum([](const Option& o) { return o.cost; }) + "\nSubject To\n";
  for (std::size_t k = 0; k < p.limits.size(); ++k) {
    text += fmt::format(" budget_{}:{} <= {}\n", k, sum([k](const Option& o) { return o.weights[k]; }), p.limits[k]);
  }
  for (std::size_t g = 0; g < p.groups.size(); ++g) {
    Sum s;
    for (std::size_t o = 0; o < p.groups[g].options.size(); ++o) s.add(1, name(g, o));
    text += fmt::format(" one_{}:{} = 1\n", g, s.text());
  }
  text += "Binary\n";
  for (std::size_t g = 0; g < p.groups.size(); ++g) {
    for (std::size_t o = 0; o < p.groups[g].options.size(); ++o) text += fmt::format(" {}\n", name(g, o));
  }
  return text + "End\n";
}

}  // namespace obz::plan
