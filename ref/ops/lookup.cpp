#include "ref/ops/lookup.hpp"

namespace obz {

Shape infer(const Lookup&, const Shape& x, const std::string&) { return x; }

void run(const Lookup& op, const Tensor& x, Tensor& y) {
  const std::int64_t first = x.type.min();
  for (std::size_t i = 0; i < x.data.size(); ++i) {
    y.data[i] = op.table.data[static_cast<std::size_t>(x.data[i] - first)];
  }
}

}  // namespace obz
