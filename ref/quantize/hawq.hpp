// HAWQ-V3: a float network and ranges to an integer-only IntNet. Scales, folding, multipliers and roundings as the
// authors' code forms them (Zhen-Dong/HAWQ 1616df6; docs/quantize.md lists every switch).
//
// Activations are integers in one of three places:
//   operand    what a convolution or dense layer reads: 1..8 bits, its own scale
//   stream     what additions, concatenations and pools read: 16 bits, its own scale
//   branch     a summand, already in the scale of its sum, rounded on its own, unclamped
// A layer's accumulators go straight into the one its consumers want. Where several want different ones they become a
// stream, and operands are rescaled from it.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>

#include "ref/arith/profile.hpp"
#include "ref/net/net.hpp"
#include "ref/quantize/bits.hpp"
#include "ref/quantize/observe.hpp"
#include "ref/quantize/weights.hpp"
#include "ref/real/float_net.hpp"

namespace obz {

/// The grid of operands.
enum class ActivationGrid : std::uint8_t {
  hawq,        ///< 4 bits: unsigned where no value is negative; other widths: signed       the authors' code
  unsigned_,   ///< every width unsigned where no value is negative: one bit more
  asymmetric,  ///< unsigned with a zero point                                           the paper, eq. 1
};

/// What bounds the sum of a residual join, in units of its 16-bit scale.
enum class ResidualStream : std::uint8_t {
  int16_unclamped,  ///< convolution outputs are clamped to int16, sums are not         the authors' PyTorch code
  int16_clamped,    ///< both are
  int32,            ///< neither is                                                     TVM, and the paper's INT32
};

/// How concatenated branches reach their common scale.
enum class ConcatSteps : std::uint8_t {
  two,  ///< each to 16 bits of its own, then to the common 16 bits         the authors' PyTorch code
  one,  ///< accumulators straight to the common 16 bits                    TVM
};

/// The float range of a value on the grid it goes to; Error when it is not known.
using RangeOf = std::function<FloatRange(const std::string& value, const Grid& grid)>;

/// What the last dense layer gives.
enum class Scores : std::uint8_t {
  common,     ///< its sums rescaled, class by class, to the smallest class scale: comparable integers
  per_class,  ///< its sums; each class has a float scale of its own                       the authors' code
};

/// Integers that an improvement chose instead of plain rounding, and the bias to go with them.
struct LayerOverride {
  Tensor weights;           ///< on the scales that plain rounding would use
  std::vector<float> bias;  ///< real
};

struct HawqOptions {
  std::string profile = "hawq-v3/exact";
  BitPlan bits;
  ActivationGrid activations = ActivationGrid::hawq;
  ResidualStream residual = ResidualStream::int16_unclamped;
  ConcatSteps concat = ConcatSteps::two;
  Scores scores = Scores::common;
  WeightScale weight_scale = WeightScale::largest;
  std::map<std::string, LayerOverride> overrides;  ///< by layer name
};

/// `net` as simplify() leaves it. The result's input border takes the float input, its output border gives float
/// logits. Tensors are called after the float value and where it stands: "conv1:s8", "add:s16".
/// Error naming the layer: no range, a divisor whose reciprocal is not proved, a scale that the profile cannot express.
IntNet quantize_hawq(const FloatNet& net, const RangeOf& range_of, const HawqOptions& options);

}  // namespace obz
