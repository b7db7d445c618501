#include "ref/tensor/shape.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "ref/base/error.hpp"

namespace obz {

std::int64_t Shape::elems() const noexcept {
  std::int64_t product = 1;
  for (const std::int64_t extent : dims_) product *= extent;
  return product;
}

std::string Shape::text() const {
  if (dims_.empty()) return "scalar";
  return fmt::format("{}", fmt::join(dims_, "x"));
}

std::int64_t elems_between(const Shape& shape, std::size_t first, std::size_t last) {
  std::int64_t product = 1;
  for (std::size_t i = first; i < last; ++i) product *= shape[i];
  return product;
}

std::vector<std::int64_t> strides_of(const Shape& shape) {
  std::vector<std::int64_t> strides(shape.rank());
  std::int64_t stride = 1;
  for (std::size_t i = shape.rank(); i-- > 0;) {
    strides[i] = stride;
    stride *= shape[i];
  }
  return strides;
}

Shape broadcast(const Shape& a, const Shape& b) {
  std::vector<std::int64_t> dims(std::max(a.rank(), b.rank()));
  for (std::size_t i = 0; i < dims.size(); ++i) {  // i counts from the innermost axis
    const std::int64_t da = i < a.rank() ? a[a.rank() - 1 - i] : 1;
    const std::int64_t db = i < b.rank() ? b[b.rank() - 1 - i] : 1;
    if (da != db && da != 1 && db != 1) {
      throw Error(fmt::format("shapes {} and {} do not broadcast", a.text(), b.text()));
    }
    dims[dims.size() - 1 - i] = da == 1 ? db : da;
  }
  return Shape(std::move(dims));
}

std::vector<std::int64_t> broadcast_strides(const Shape& from, const Shape& to) {
  const std::vector<std::int64_t> own = strides_of(from);
  std::vector<std::int64_t> strides(to.rank(), 0);
  const std::size_t lead = to.rank() - from.rank();
  for (std::size_t i = 0; i < from.rank(); ++i) strides[lead + i] = from[i] == 1 ? 0 : own[i];
  return strides;
}

std::size_t resolve_axis(std::int64_t axis, std::size_t rank) {
  const std::int64_t signed_rank = static_cast<std::int64_t>(rank);
  const std::int64_t resolved = axis < 0 ? axis + signed_rank : axis;
  if (resolved < 0 || resolved >= signed_rank) {
    throw Error(fmt::format("axis {} does not exist in a tensor of rank {}", axis, rank));
  }
  return static_cast<std::size_t>(resolved);
}

void check_shape(const Shape& shape, const std::string& where) {
  constexpr std::size_t max_rank = 8;
  if (shape.rank() > max_rank) {
    throw Error(fmt::format("{}: expected rank at most {}, got {}", where, max_rank, shape.rank()));
  }
  std::int64_t product = 1;
  for (const std::int64_t extent : shape) {
    if (extent < 0) throw Error(fmt::format("{}: expected extents >= 0, got {}", where, shape.text()));
    if (extent > 0 && product > kMaxElems / extent) {
      throw Error(fmt::format("{}: expected at most {} elements, got shape {}", where, kMaxElems, shape.text()));
    }
    product *= extent;
  }
}

}  // namespace obz
