// A CMSIS-NN case as a network of ours.
#pragma once

#include <string>
#include <variant>
#include <vector>

#include "ref/arith/profile.hpp"
#include "ref/net/net.hpp"
#include "tests/vectors/cmsis_case.hpp"

namespace obz::test {

struct CmsisNet {
  IntNet net;  ///< validated
  std::vector<Tensor> inputs;
  std::vector<std::int64_t> expected;
  std::string remark;
};

/// Why a case is none of ours.
struct NotApplicable {
  std::string reason;
};

/// Throws Error when the case belongs to an operator we have but does not fit together.
std::variant<CmsisNet, NotApplicable> build_cmsis_net(const CmsisCase& c);

// The operators, from the arrays and numbers of one case or of one layer of a network.

/// Which requantization CMSIS-NN takes for a layer with weights, found by trying what makes all vectors
/// equal.
/// - 8-bit input: cmsis-nn/double (arm_nn_requantize, 32-bit accumulator, two roundings)
/// - 16-bit input with 32-bit or null bias: cmsis-nn/double, too
/// - 16-bit input with 64-bit bias: cmsis-nn/int16 (arm_nn_requantize_s64, 16-bit multiplier, one rounding)
///
/// All expected outputs come from the double build (no CMSIS_NN_USE_SINGLE_ROUNDING), those of ADD and
/// SOFTMAX included. How many cases break under another choice, so what the vectors can tell apart:
/// - cmsis-nn/single for cmsis-nn/double: 16. Layers with int4 weights, conv2d s16 with 32-bit bias, batch
///   matmul s8, ADD s16, SOFTMAX s16 and ds_cnn_s, but not MUL, fully connected s8 or transpose conv.
/// - double rounding for cmsis-nn/int16: 14; its one rounding with the unreduced multiplier: 12, and 2 more do
///   not fit in 64 bits
/// - cmsis-nn/int16 for the layers with 32-bit bias: 5, all there are
/// - tflite/double and tflite/int16: 0. No vector visits the corners where CMSIS-NN leaves TFLite.
const Profile& cmsis_profile(IntType x, bool bias_is_64_bit);

/// Multipliers and left-positive shifts into a requantizer of the profile.
Requant cmsis_requant(const Profile& profile, const std::vector<std::int64_t>& multipliers,
                      const std::vector<std::int64_t>& shifts, std::int64_t zero_point, std::int64_t lo,
                      std::int64_t hi);

Conv2d cmsis_conv2d(const CmsisCase& c);
Conv2d cmsis_depthwise(const CmsisCase& c);
ConvTranspose2d cmsis_conv_transpose2d(const CmsisCase& c);
/// `depth`: input values per row.
Dense cmsis_dense(const CmsisCase& c, std::int64_t depth);
MatMul cmsis_matmul(const CmsisCase& c);
Add cmsis_add(const CmsisCase& c);
Mul cmsis_mul(const CmsisCase& c);
AvgPool cmsis_avg_pool(const CmsisCase& c);
MaxPool cmsis_max_pool(const CmsisCase& c);
Softmax cmsis_softmax(const CmsisCase& c, IntType x);
/// The manifest lost dimensions and permutation of these cases: they are searched for. `in` receives the shape of x.
Transpose cmsis_transpose(const CmsisCase& c, Shape& in, std::string& remark);

}  // namespace obz::test
