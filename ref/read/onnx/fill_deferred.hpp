// The arithmetic of a deferred operator, once it is known what its result becomes.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "ref/read/fill.hpp"
#include "ref/read/onnx/value.hpp"

namespace obz::onnx {

/// Same type, scales and zero points.
bool same_quant(const Operand& a, const Operand& b);

/// The operator's result has the type and the meaning of its operands: Concat and MinMax of equally quantized values.
bool preserves_values(const Deferred& d);

/// The operator with its arithmetic under `profile`. `out_is_float16`: the output's scale is stored in float16.
Operator fill(const Deferred& d, const Profile& profile, const OutputQuant& out, bool out_is_float16,
              const std::string& where);

/// The operator leaving its exact sums as int32; real = scale * sum, one scale or one per index of `axis`.
struct Sums {
  Operator op;
  std::vector<double> scales;
  std::int64_t axis = -1;
};

/// nullopt: the operator is no plain sum of integers (tables, additions of different scales, uneven pools).
std::optional<Sums> sums_of(const Deferred& d, const Profile& profile);

/// The filter of an operator that has one.
Filter* filter_of(Operator& op);

}  // namespace obz::onnx
