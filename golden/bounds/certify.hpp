// Accumulator certificates: the exact least and largest sum of every channel, with an input that makes it; and where
// sums of pairs of products in 16 bits (AVX2 vpmaddubsw) go wrong.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "ref/net/bounds.hpp"
#include "ref/net/net.hpp"

namespace obz {

/// What can enter the accumulator on one channel, before its register narrows it.
struct ChannelBounds {
  Range range;
  std::int64_t at_lo = 0, at_hi = 0;  ///< output elements at which the bounds are attained
};

struct AccCertificate {
  bool exact = false;                   ///< the bounds are attained by inputs inside their ranges; else they only hold
  std::string why_not;                  ///< not exact: the reason
  std::vector<ChannelBounds> channels;  ///< one per output channel of conv2d, dense and matmul; one for all elsewhere
  int register_bits = 64;
  Overflow overflow = Overflow::exact;

  Range whole() const;
  bool fits() const { return signed_bits(whole()) <= register_bits; }
};

/// Bounds over the value ranges of the node's inputs (value_ranges); padding is what it is at each output position.
/// nullopt: the operator does not accumulate.
std::optional<AccCertificate> certify(const IntNet& net, const Node& node, const std::vector<Range>& ranges);

/// The node's free inputs, in the order of node.inputs without constants, that attain a bound of `channel`. Requires an
/// exact certificate.
std::vector<Tensor> witness(const IntNet& net, const Node& node, const std::vector<Range>& ranges,
                            const AccCertificate& certificate, std::size_t channel, bool largest);

/// Both engines on a witness.
struct Replay {
  std::int64_t acc = 0;      ///< what entered the requantizer of the element in ref
  bool attained = false;     ///< it is the bound, as the register holds it
  bool fast_equals = false;  ///< all outputs of fast are those of ref
};
Replay replay(const IntNet& net, const Node& node, const AccCertificate& certificate, std::size_t channel, bool largest,
              const std::vector<Tensor>& inputs);

/// Products of unsigned activations (signed ones offset by their minimum) and signed weights, summed in pairs along K
/// into 16 bits with saturation.
struct PairHazard {
  std::int64_t pairs = 0, at_risk = 0;
  std::int64_t worst = 0;                       ///< the pair sum farthest from 0
  std::size_t channel = 0;                      ///< its channel
  std::int64_t exact = 0, saturating = 0;       ///< accumulators of that channel on `inputs`
  std::optional<std::vector<Tensor>> inputs{};  ///< a witness, when some pair is at risk
};

/// nullopt: not a sum of at most 8-bit activations with constant, signed, at most 8-bit weights.
std::optional<PairHazard> pair_hazard(const IntNet& net, const Node& node, const std::vector<Range>& ranges);

/// min(max(u1 * w1 + u2 * w2, -2^15), 2^15 - 1): one lane of vpmaddubsw.
std::int64_t saturating_pair(std::int64_t u1, std::int64_t w1, std::int64_t u2, std::int64_t w2);

}  // namespace obz
