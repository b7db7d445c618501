// Between tensors and the channels-last values of FastNet.
#pragma once

#include "ref/execute/fast/value.hpp"

namespace obz::fast {

/// The extents of a tensor as a value, pixel by pixel without gaps; no data.
Value value_geometry(const Shape& shape, Layout layout);

/// `to` has value_geometry() of x, with or without gaps, and its data.
void put(const Tensor& x, Layout layout, const Value& to);
/// y has its shape.
void fetch(const Value& from, Layout layout, Tensor& y);

}  // namespace obz::fast
