// Complete inputs of whole layers: few samples after which a wrong device has been seen to be wrong.
//
//   add, mul (to 8 bits)   every pair of operands: any device
//   rescale, concat        every value of every operand on every channel: any device (to 16 bits)
//   avg_pool               every sum of every count that occurs, over varying values: any device that sums exactly
//   matmul (to 8 bits)     every product at every depth alone, rails, prefixes, seeded tiles: any device that sums
//   exactly what its
//                          multipliers give, each of them an arbitrary function of its two operands
//   conv2d, dense          each channel's accumulator on both sides of each step of its output, at ties, rails and
//   powers of two, made by
//                          windows that visit every output position while each tap walks through its values: any device
//                          whose requantizer is monotone, and any single product, padding, stride, bias or channel that
//                          is wrong by one
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "ref/net/net.hpp"

namespace obz {

/// What complete inputs prove, for the manifest and for people.
struct LayerCertificate {
  std::string claim;         ///< a sentence
  std::string assumption;    ///< about the device; "none" where the set is exhaustive
  std::int64_t wanted = 0;   ///< points to be visited: pairs, sums, accumulators
  std::int64_t visited = 0;  ///< of them
  std::int64_t windows = 0;  ///< conv2d: windows placed
};

struct CompleteInputs {
  std::vector<std::vector<Tensor>> samples;  ///< each in the order of net.inputs
  LayerCertificate certificate;
};

/// `layer`: a net of one node (extract_layer, synthesize). Error for operators without complete inputs, and for layers
/// whose samples would exceed 2^26 elements. A pure function of its arguments.
CompleteInputs complete_inputs(const IntNet& layer, std::uint64_t seed);

}  // namespace obz
