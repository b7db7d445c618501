#include "ref/ops/filter.hpp"

#include <fmt/format.h>

#include "ref/base/error.hpp"
#include "ref/tensor/type_text.hpp"

namespace obz {

void check_filter(const Filter& f, std::size_t rank, const std::string& where) {
  if (f.weights.shape.rank() != rank) {
    throw Error(fmt::format("{}: expected weights of rank {}, got {}", where, rank, f.weights.shape.text()));
  }
  const auto out = static_cast<std::size_t>(f.out_channels());
  if (!f.bias.empty() && f.bias.size() != out) {
    throw Error(fmt::format("{}: expected {} bias values, got {}", where, out, f.bias.size()));
  }
  constexpr std::int64_t bias_limit = std::int64_t{1} << 47;
  for (const std::int64_t b : f.bias) {
    if (b < -bias_limit || b >= bias_limit) throw Error(fmt::format("{}: bias {} is wider than 48 bits", where, b));
  }
  if (f.zero_points.size() > 1 && f.zero_points.size() != out) {
    throw Error(fmt::format("{}: expected 1 or {} weight zero points, got {}", where, out, f.zero_points.size()));
  }
  for (const std::int64_t z : f.zero_points) {
    if (!f.weights.type.holds(z)) {
      throw Error(fmt::format("{}: weight zero point {} is no {}", where, z, type_text(f.weights.type)));
    }
  }
}

}  // namespace obz
