// Concat: rows copied through the table of their part.
#include "ref/execute/fast/nodes.hpp"
#include "ref/execute/fast/tabulate.hpp"

namespace obz::fast {
namespace {

/// Parts lie in rows of y; each value goes through the table of its part.
class ConcatTable final : public FastNode {
 public:
  ConcatTable(std::size_t axis, std::vector<std::vector<std::int32_t>> tables, std::vector<IntType> types)
      : axis_(axis), tables_(std::move(tables)), types_(std::move(types)) {}

  void run(std::span<const Tensor* const> parts, Tensor& y) const override {
    const std::int64_t outer = elems_between(y.shape, 0, axis_), row = elems_between(y.shape, axis_, y.shape.rank());
    std::int64_t start = 0;
    for (std::size_t p = 0; p < parts.size(); ++p) {
      const std::int64_t length = elems_between(parts[p]->shape, axis_, y.shape.rank());
      const auto min = static_cast<std::int32_t>(types_[p].min());
      for (std::int64_t o = 0; o < outer; ++o) {
        const std::int32_t* from = parts[p]->data.data() + o * length;
        std::int32_t* to = y.data.data() + o * row + start;
        for (std::int64_t i = 0; i < length; ++i) to[i] = tables_[p][static_cast<std::size_t>(from[i] - min)];
      }
      start += length;
    }
  }
  std::string path() const override { return "table"; }

 private:
  std::size_t axis_;
  std::vector<std::vector<std::int32_t>> tables_;
  std::vector<IntType> types_;
};

}  // namespace

Prepared prepare(const NodeSite& site, const Concat& op) {
  std::vector<std::vector<std::int32_t>> tables;
  std::vector<IntType> types;
  for (std::size_t p = 0; p < op.requants.size(); ++p) {
    const IntType type = site.in(p).type;
    if (!is_narrow(type) || site.in(p).shape.elems() < value_count(type)) return nullptr;
    const Concat one{.axis = 0, .x_zero_points = {op.x_zero_points[p]}, .requants = {op.requants[p]}};
    const Shape shape{value_count(type)};
    std::optional<Tensor> y = tabulate(one, {all_values(type, shape)}, shape, site.out().type);
    if (!y) return nullptr;
    tables.push_back(std::move(y->data));
    types.push_back(type);
  }
  return std::make_unique<ConcatTable>(static_cast<std::size_t>(op.axis), std::move(tables), std::move(types));
}

}  // namespace obz::fast
