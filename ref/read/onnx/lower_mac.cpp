// Float layers between dequantized operands.
#include <fmt/format.h>

#include "ref/read/onnx/lowering.hpp"

namespace obz::onnx {

void Lowering::conv(const View& view) {
  view.require_inputs(2, 3);
  Operand x = operand(view, 0);
  Layer layer = conv_layer(view, std::move(x), operand(view, 1));
  define_with_bias(view, std::move(layer), 2);
}

void Lowering::conv_transpose(const View& view) {
  view.require_inputs(2, 3);
  Operand x = operand(view, 0);
  Layer layer = conv_transpose_layer(view, std::move(x), operand(view, 1));
  define_with_bias(view, std::move(layer), 2);
}

void Lowering::gemm(const View& view) {
  view.require_inputs(2, 3);
  if (view.integer("transA", 0) != 0) view.unsupported("transA = 1");
  if (view.real("alpha", 1) != 1 || (view.has(2) && view.real("beta", 1) != 1))
    view.unsupported("alpha or beta other than 1");
  const bool transposed = view.integer("transB", 0) != 0;
  Operand a = operand(view, 0), b = operand(view, 1);
  if (a.shape.rank() != 2 || b.shape.rank() != 2) {
    view.fail(fmt::format("expected operands of rank 2, got {} and {}", a.shape.text(), b.shape.text()));
  }
  if (b.constant != nullptr) {
    define_with_bias(view, dense_layer(view, std::move(a), b, transposed, true), 2);
    return;
  }
  if (view.has(2)) view.unsupported("a bias on a product of two activations");
  define_layer(view, matmul_layer(view, std::move(a), std::move(b), transposed));
}

void Lowering::matmul(const View& view) {
  view.require_inputs(2, 2);
  Operand a = operand(view, 0);
  define_layer(view, matmul_of(view, std::move(a), operand(view, 1)));
}

void Lowering::define_with_bias(const View& view, Layer layer, std::size_t bias) {
  Shape shape = layer->shape;
  Real value{std::move(layer), {}, {}, std::move(shape)};
  append_bias(view, bias, value);
  define_real(view, std::move(value));
}

}  // namespace obz::onnx
