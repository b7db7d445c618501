// State and helpers while a TFLite graph becomes an IntNet, one operator at a time.
#pragma once

#include <string>
#include <vector>

#include "ref/arith/profile.hpp"
#include "ref/read/builder.hpp"
#include "ref/read/fill.hpp"
#include "ref/read/tflite/model.hpp"

namespace obz::tflite {

class Lowering {
 public:
  Lowering(const Model& model, const std::string& file, const Profile& profile);
  IntNet run();

 private:
  void lower(std::size_t index);

  // lower_mac.cpp
  void conv2d();
  void depthwise_conv2d();
  void transpose_conv();
  void fully_connected();
  void batch_matmul();
  // lower_elementwise.cpp
  void add();
  void sub();
  void mul();
  void maximum();
  void minimum();
  void relu();
  void table();
  void quantize();
  void dequantize();
  // lower_reduce.cpp
  void average_pool();
  void max_pool();
  void mean();
  void softmax();
  // lower_movement.cpp
  void reshape();
  void transpose();
  void pad();
  void concatenation();
  void strided_slice();
  void split();

  // --- the operator being lowered
  const OperatorDef& op() const { return *op_; }
  std::string where() const;  ///< "file: operator 3 (CONV_2D)"
  [[noreturn]] void unsupported(const std::string& what) const;
  void require_inputs(std::size_t least, std::size_t most) const;
  const TensorDef& in(std::size_t i) const;  ///< definition of input i; Error when it is absent
  const TensorDef& out(std::size_t i = 0) const;
  bool has_input(std::size_t i) const { return i < op_->inputs.size() && op_->inputs[i] >= 0; }

  // --- values
  int value(std::size_t i);  ///< net tensor of input i (constants are added on first use)
  std::vector<std::int64_t> int_list(std::size_t i) const;  ///< a constant int32/int64 input
  TensorInfo info_of(int tensor_index) const;
  int emit(Operator node, std::vector<int> inputs, std::size_t output = 0);
  void alias(std::size_t output, int net_tensor);

  // --- quantization
  IntType int_type(const TensorDef& t) const;
  float scale(const TensorDef& t) const;  ///< per-tensor
  std::int64_t zero_point(const TensorDef& t) const;
  OutputQuant output(Activation activation, std::size_t i = 0) const;
  void require_same_quant(const TensorDef& a, const TensorDef& b) const;
  bool same_quant(const TensorDef& a, const TensorDef& b) const;
  Tensor constant_of(const TensorDef& t) const;
  std::vector<std::int64_t> bias_of(std::size_t i, std::int64_t channels) const;
  Filter filter(const Shape& shape, Tensor weights, std::size_t weights_input, std::size_t bias_input) const;
  /// Requantizer of input 0 (or `x`) times the weights of input `w`; picks the 16x8 companion profile when due.
  Requant mac_requant(std::size_t x, std::size_t w, std::int64_t channels, const Profile& profile) const;
  const Profile& mac_profile(std::size_t x, std::size_t bias_input) const;
  Window window(std::int64_t in_h, std::int64_t in_w, std::int64_t kernel_h, std::int64_t kernel_w) const;

  const Model& model_;
  const std::string& file_;
  const Profile& profile_;
  NetBuilder builder_;
  std::vector<int> value_;      ///< net tensor of each model tensor, -1 while unknown
  std::vector<bool> is_float_;  ///< values behind the output border
  std::size_t index_ = 0;
  const OperatorDef* op_ = nullptr;
};

}  // namespace obz::tflite
