// Concatenation along an axis, each part with its own rescale to the output's scale. (S49)
#pragma once

#include <span>
#include <string_view>

#include "ref/ops/requant.hpp"

namespace obz {

/// Part i enters as requant_i(x_i - z_i); parts that already have the output's scale carry the identity.
struct Concat {
  static constexpr std::string_view kName = "concat";

  std::int64_t axis = 0;                    ///< 0 .. rank - 1
  std::vector<std::int64_t> x_zero_points;  ///< one per part
  std::vector<Requant> requants;            ///< one per part, one channel each

  template <class Self, class V>
  static void fields(Self& s, V&& v) {
    v("axis", s.axis);
    v("x_zero_points", s.x_zero_points);
    v("requants", s.requants);
  }
};

Shape infer(const Concat& op, std::span<const Shape> parts, const std::string& where);
void run(const Concat& op, std::span<const Tensor* const> parts, Tensor& y);

}  // namespace obz
