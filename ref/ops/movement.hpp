// Operators that move values and never change them: reshape, transpose, pad, slice. (S49)
#pragma once

#include <string_view>

#include "ref/tensor/tensor.hpp"

namespace obz {

/// Same elements in the same order under another shape.
struct Reshape {
  static constexpr std::string_view kName = "reshape";
  Shape shape;

  template <class Self, class V>
  static void fields(Self& s, V&& v) {
    v("shape", s.shape);
  }
};

/// Axis i of y is axis permutation[i] of x.
struct Transpose {
  static constexpr std::string_view kName = "transpose";
  Shape permutation;

  template <class Self, class V>
  static void fields(Self& s, V&& v) {
    v("permutation", s.permutation);
  }
};

/// before[i] and after[i] elements of `value` (the zero point) around axis i.
struct Pad {
  static constexpr std::string_view kName = "pad";
  Shape before, after;  ///< one entry per axis, >= 0
  std::int32_t value = 0;

  template <class Self, class V>
  static void fields(Self& s, V&& v) {
    v("before", s.before);
    v("after", s.after);
    v("value", s.value);
  }
};

/// y[i] = x[begin + i * step] on every axis.
struct Slice {
  static constexpr std::string_view kName = "slice";
  Shape begin;   ///< one entry per axis, inside x
  Shape step;    ///< one entry per axis, not 0; may be negative
  Shape extent;  ///< of y, per axis, before `shape` applies
  Shape shape;   ///< of y: extent with some axes of 1 dropped

  template <class Self, class V>
  static void fields(Self& s, V&& v) {
    v("begin", s.begin);
    v("step", s.step);
    v("extent", s.extent);
    v("shape", s.shape);
  }
};

Shape infer(const Reshape& op, const Shape& x, const std::string& where);
Shape infer(const Transpose& op, const Shape& x, const std::string& where);
Shape infer(const Pad& op, const Shape& x, const std::string& where);
Shape infer(const Slice& op, const Shape& x, const std::string& where);
void run(const Reshape& op, const Tensor& x, Tensor& y);
void run(const Transpose& op, const Tensor& x, Tensor& y);
void run(const Pad& op, const Tensor& x, Tensor& y);
void run(const Slice& op, const Tensor& x, Tensor& y);

}  // namespace obz
