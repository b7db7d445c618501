// Shape: the extents of a tensor, outermost first. Elements are contiguous, C order.
#pragma once

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <string>
#include <vector>

namespace obz {

/// Extents >= 0; a scalar has rank 0 and one element. Guarded on every way in: elems() fits in int64_t.
class Shape {
 public:
  Shape() = default;
  Shape(std::initializer_list<std::int64_t> dims) : dims_(dims) {}
  explicit Shape(std::vector<std::int64_t> dims) : dims_(std::move(dims)) {}

  std::size_t rank() const noexcept { return dims_.size(); }
  std::int64_t operator[](std::size_t axis) const { return dims_[axis]; }
  std::int64_t& operator[](std::size_t axis) { return dims_[axis]; }
  const std::vector<std::int64_t>& dims() const noexcept { return dims_; }
  auto begin() const noexcept { return dims_.begin(); }
  auto end() const noexcept { return dims_.end(); }
  void push_back(std::int64_t extent) { dims_.push_back(extent); }

  std::int64_t elems() const noexcept;
  /// "1x32x32x3"; "scalar" for rank 0.
  std::string text() const;

  friend bool operator==(const Shape&, const Shape&) = default;

 private:
  std::vector<std::int64_t> dims_;
};

/// Product of the extents in [first, last).
std::int64_t elems_between(const Shape& shape, std::size_t first, std::size_t last);

/// Row-major strides in elements.
std::vector<std::int64_t> strides_of(const Shape& shape);

/// Numpy broadcasting of two shapes; Error naming both when they do not fit.
Shape broadcast(const Shape& a, const Shape& b);

/// Strides of `from` seen as shape `to` (0 where it repeats); requires broadcast(from, to) == to.
std::vector<std::int64_t> broadcast_strides(const Shape& from, const Shape& to);

/// The axis with negatives counted from the end; Error when outside the rank.
std::size_t resolve_axis(std::int64_t axis, std::size_t rank);

/// Largest element count accepted from any file: 2^28, so that sums of that many 34-bit products fit in 64 bits.
inline constexpr std::int64_t kMaxElems = std::int64_t{1} << 28;

/// Error unless every extent is >= 0, the rank is at most 8 and the product is at most kMaxElems.
void check_shape(const Shape& shape, const std::string& where);

}  // namespace obz
