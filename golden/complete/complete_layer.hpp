// Complete inputs of whole layers, and what they prove of a device.
//
// add, mul (to 8 bits): every pair of operands. rescale, concat (to 16 bits): every value of every operand on every
// channel. avg_pool: every sum of every count that occurs. matmul (to 8 bits): every product at every depth alone,
// rails over every prefix, seeded tiles. conv2d, dense: each channel's accumulator on both sides of each step of its
// output, at ties, rails and powers of two, by windows that visit every output position while each tap walks through
// its values. The assumption under which each proves a device right stands in the certificate.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "ref/net/net.hpp"

namespace obz {

/// What complete inputs prove, for the manifest and for people.
struct LayerCertificate {
  std::string claim;         ///< a sentence
  std::string assumption;    ///< about the device
  bool exhaustive = false;   ///< every input of the function that the assumption leaves was asked
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
