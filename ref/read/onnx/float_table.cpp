#include "ref/read/onnx/float_table.hpp"

#include <algorithm>
#include <cmath>
#include <iterator>

#include <fmt/format.h>

#include "ref/arith/foreign/float_requantize.hpp"

namespace obz::onnx {
namespace {

float evaluate(const std::string& function, float alpha, float beta, float x) {
  const auto hard_sigmoid = [&] { return std::fmax(0.0F, std::fmin(1.0F, alpha * x + beta)); };
  if (function == "Sigmoid") return static_cast<float>(1.0 / (1.0 + std::exp(-static_cast<double>(x))));
  if (function == "Tanh") return static_cast<float>(std::tanh(static_cast<double>(x)));
  if (function == "HardSigmoid") return hard_sigmoid();
  if (function == "HardSwish") return x * hard_sigmoid();
  return x >= 0 ? x : alpha * x;  // LeakyRelu
}

}  // namespace

bool is_table_function(std::string_view op_type) {
  constexpr std::string_view all[] = {"Sigmoid", "Tanh", "HardSwish", "HardSigmoid", "LeakyRelu"};
  return std::find(std::begin(all), std::end(all), op_type) != std::end(all);
}

Lookup float_table(const std::string& function, float alpha, float beta, const Operand& x, const OutputQuant& out,
                   const std::string& where) {
  if (!(out.scale > 0) || !std::isfinite(out.scale))
    throw Error(fmt::format("{}: expected a scale > 0, got {}", where, out.scale));
  Lookup lookup{Tensor(Shape{std::int64_t{1} << x.type.bits}, out.type), function};
  for (std::size_t i = 0; i < lookup.table.data.size(); ++i) {
    const std::int64_t q = x.type.min() + static_cast<std::int64_t>(i);
    const float real = static_cast<float>(q - x.quant.zero_point()) * x.quant.scale();
    const float scaled = evaluate(function, alpha, beta, real) / out.scale;
    if (std::isnan(scaled)) throw Error(fmt::format("{}: {} of {} is no number", where, function, real));
    const std::int64_t rounded = foreign::round_half_even(static_cast<double>(scaled)) + out.zero_point;
    lookup.table.data[i] = static_cast<std::int32_t>(saturate(rounded, out.lo, out.hi));
  }
  return lookup;
}

}  // namespace obz::onnx
