// Nonlinear functions of one 8-bit integer as tables, computed once while a model is read.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "ref/arith/int_type.hpp"
#include "ref/ops/lookup.hpp"

namespace obz {

struct TableQuant {
  float scale = 1;
  std::int64_t zero_point = 0;
  IntType type = kInt8;
};

/// (S52) clamp(zp + half_away(f(scale * (q - zp)) * (1 / scale_out))) in float32, as TFLite's LUTPopulate. The
/// function itself is evaluated in double and rounded to float32, so that the table does not depend on the libm.
Lookup logistic_table(const TableQuant& from, const TableQuant& to);
Lookup tanh_table(const TableQuant& from, const TableQuant& to);

/// (S53) TFLite's 16-bit fixed-point hard swish, evaluated for every input. Error when the output scale is too fine
/// for it (the operator itself refuses such models).
Lookup tflite_hard_swish_table(const TableQuant& from, const TableQuant& to, const std::string& where);

/// (S51) 513 samples of f over [lo, hi] in Q0.15 for interpolation, each biased by half the midpoint error, as TFLite's
/// gen_lut: exp over [-10, 0] and 1 / (1 + x) over [0, 1].
std::vector<std::int64_t> softmax_exp_table();
std::vector<std::int64_t> softmax_reciprocal_table();

}  // namespace obz
