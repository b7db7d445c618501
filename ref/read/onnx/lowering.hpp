// State and helpers while an ONNX graph becomes an IntNet, one node at a time.
#pragma once

#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "ref/arith/profile.hpp"
#include "ref/read/builder.hpp"
#include "ref/read/fill.hpp"
#include "ref/read/import.hpp"
#include "ref/read/onnx/node_view.hpp"
#include "ref/read/onnx/thresholds.hpp"

namespace obz::onnx {

class Lowering {
 public:
  Lowering(const Model& model, const std::string& file, const Profile& profile, const ImportOptions& options);
  IntNet run();

 private:
  using View = NodeView;
  using Layer = std::shared_ptr<Deferred>;

  // lowering.cpp
  void read_inputs(const ImportOptions& options);
  ConstantPtr bound_constant(const ValueDef& input, const NpyArray& array) const;
  void define_input(const ValueDef& input, Shape shape);
  void lower(const View& view);
  static bool is_integer_operator(const NodeDef& node);
  NodeView view_of(const NodeDef& node) const;
  void define(const std::string& name, Value value);
  void define_outside(const NodeDef& node, const std::string& reason);

  // lower_border.cpp: where floats begin and end
  void quantize_linear(const View& view);
  void dequantize_linear(const View& view);
  void dynamic_quantize_linear(const View& view);
  void dynamic_input(const View& view, const std::string& scale, const std::string& zero_point);
  std::string reported_name(const std::string& name) const;
  void cast(const View& view);
  // lower_integer.cpp
  void qlinear_conv(const View& view);
  void qlinear_matmul(const View& view);
  void qlinear_add(const View& view);
  void conv_integer(const View& view);
  void matmul_integer(const View& view);
  Operand scaled_operand(const View& view, std::size_t i, std::size_t scale, std::size_t zero_point, std::int64_t axis);
  Operand unscaled_operand(const View& view, std::size_t i, std::size_t zero_point, std::int64_t axis) const;
  void define_requantized(const View& view, const Deferred& layer, std::size_t scale, std::size_t zero_point);
  void define_sums(const View& view, Deferred& layer);
  // lower_mac.cpp
  void conv(const View& view);
  void conv_transpose(const View& view);
  void gemm(const View& view);
  void matmul(const View& view);
  void define_with_bias(const View& view, Layer layer, std::size_t bias);
  // lower_elementwise.cpp
  void add(const View& view);
  void mul(const View& view);
  void div(const View& view);
  void min_max(const View& view);
  void relu(const View& view);
  void clip(const View& view);
  void batch_normalization(const View& view);
  void table(const View& view);
  bool is_pair(const View& view) const;
  void define_pair(const View& view, Operator op);
  void append_clip(const View& view, std::size_t x, float lo, float hi);
  static void set_product_zero_points(Deferred& layer);
  // lower_reduce.cpp
  void max_pool(const View& view);
  void average_pool(const View& view);
  void global_average_pool(const View& view);
  void reduce_mean(const View& view);
  void concat(const View& view);
  void define_mean(const View& view, Operand x, std::vector<std::int64_t> axes, bool keep_dims);
  // lower_movement.cpp
  void movement(const View& view);
  void move_value(const View& view, Move move);
  void split(const View& view);
  void identity(const View& view);
  // lower_qonnx.cpp
  void quant(const View& view);
  void bipolar_quant(const View& view);
  void trunc(const View& view);
  void define_bipolar(const View& view, Quantizer q);
  void define_quantized(const View& view, const Quantizer& q);
  Operand quantized_input(const View& view, const Real& value, const Quantizer& q, Operand result);
  Operand thresholded(const View& view, Real& value, const Quantizer& q);

  // --- operands (operands.cpp)
  /// Input i as integers with a meaning; Unsupported for plain floats.
  Operand operand(const View& view, std::size_t i);
  /// Input i, raw integers, with the meaning they are given.
  Operand integer_operand(const View& view, std::size_t i, Quant quant) const;
  /// Input i as a computed or input float; Unsupported for constants and raw integers.
  Real real(const View& view, std::size_t i) const;
  Quant quant_of(const View& view, std::size_t scale, std::size_t zero_point, DataType type) const;
  void set_axis(const View& view, std::size_t scale, const Shape& x, Quant& quant) const;
  std::vector<float> weight_scales(const View& view, const Operand& w, std::size_t axis, std::int64_t channels) const;

  // --- layers (layers.cpp): operators with their geometry, from operands with a meaning
  Layer conv_layer(const View& view, Operand x, const Operand& w) const;
  Layer conv_transpose_layer(const View& view, Operand x, const Operand& w) const;
  Layer dense_layer(const View& view, Operand x, const Operand& w, bool transposed, bool keep_dims) const;
  Layer matmul_layer(const View& view, Operand a, Operand b, bool transpose_b) const;
  Layer matmul_of(const View& view, Operand a, Operand b) const;
  Layer deferred(const View& view, Operator op, std::vector<Operand> operands) const;
  // bias.cpp
  void append_bias(const View& view, std::size_t i, Real& value) const;
  void absorb_bias(Real& value, bool is_last);

  // --- real values (reals.cpp)
  void define_real(const View& view, Real value) { define(view.output(), std::move(value)); }
  void define_layer(const View& view, Layer layer);
  void append_step(const View& view, Real& value, ChainStep step);
  void append_constant(const View& view, std::size_t x, std::size_t constant, ChainStep::Kind kind);
  void append_move(const View& view, Real value, Move move);
  Operand materialise(const std::string& name, Real& value, const std::string& where);

  // --- into the network (emit.cpp)
  /// What a padding value becomes: the integer its quantizer gives, or an Unsupported when that is not exact.
  enum class Padding { rounded, exact };
  int place(const Operand& o);
  Operand emit_node(const NodeDef& node, Operator op, const std::vector<Operand>& operands, const std::string& id,
                    IntType type, const Quant& quant);
  Operand emit_moves(Operand x, const std::vector<Move>& moves, const std::string& last_id, Padding padding);
  Operand emit_rescale(const NodeDef& node, const Operand& x, const OutputQuant& out, const Quant& quant,
                       const std::string& id);
  Operand emit_layer(const NodeDef& quantizer, const Deferred& d, const OutputQuant& out, const Quant& quant,
                     const std::string& id, const Profile& profile);
  Operand emit_quantized(const NodeDef& quantizer, Real value, OutputQuant out, const Quant& quant,
                         const std::string& id, Padding padding);
  Operand emit_sums(Deferred& d);
  Operand emit_source(Real& value, const std::string& where);
  Operand emit_input(const View& view, const Real& value, InputBorder border, Operand q);
  void annotate(int tensor, const Quant& quant);
  std::string fresh_id(const std::string& id) const;
  std::string where_of(const NodeDef& node) const;

  // --- outputs (outputs.cpp)
  void finish_outputs();
  void finish_output(const std::string& output);
  void finish_real(const std::string& name, Real& value);
  void finish_chain(const std::string& name, const Real& value, Operand x);
  Range range_of(int tensor);
  void add_output(int tensor);
  void add_border(const std::string& name, const Operand& o);
  void note_left_out(const NodeDef& node);

  void note(const std::string& text);

  const Model& model_;
  const std::string& file_;
  const Profile& profile_;
  /// For requantizers that a QuantizeLinear stands for: it rounds first and adds the zero point then, whatever the
  /// profile's own QLinear operators do (onnx/reference adds it before).
  Profile quantizer_profile_;
  NetBuilder builder_;
  std::map<std::string, Value> values_;
  std::map<std::string, const NodeDef*> producers_;
  std::map<std::string, std::size_t> input_order_;  ///< of the graph's inputs
  std::map<int, std::size_t> network_inputs_;       ///< tensor -> graph input
  std::set<const NodeDef*> left_out_;
  bool is_qonnx_ = false;  ///< QONNX operators quantize: float constants stay floats until a threshold
};

}  // namespace obz::onnx
