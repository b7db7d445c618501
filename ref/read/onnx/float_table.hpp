// Nonlinear functions between a DequantizeLinear and a QuantizeLinear as tables.
#pragma once

#include <string>
#include <string_view>

#include "ref/read/fill.hpp"
#include "ref/read/onnx/value.hpp"

namespace obz::onnx {

/// Operators a table can hold: Sigmoid, Tanh, HardSwish, HardSigmoid, LeakyRelu.
bool is_table_function(std::string_view op_type);

/// clamp(rne(f(scale * (q - zp)) / scale_out) + zp_out) for every q, each operation in float32; exp and tanh
/// are evaluated in double and rounded to float32, so that the table does not depend on the libm.
Lookup float_table(const std::string& function, float alpha, float beta, const Operand& x, const OutputQuant& out,
                   const std::string& where);

}  // namespace obz::onnx
