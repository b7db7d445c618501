// Better weights without training: improvements on HAWQ-V3's rounding, off unless asked for. They change which integers
// a layer has, never what the integers mean.
#pragma once

#include <cstdint>
#include <functional>

#include "ref/quantize/hawq.hpp"
#include "ref/quantize/samples.hpp"

namespace obz {

/// Bias correction: weights that are rounded shift the mean of each output by sum (W' - W) E[x]; the bias takes it
/// back. E[x] per input channel as observed; padding counts as if it were not there.
std::map<std::string, LayerOverride> correct_biases(const FloatNet& net, const Observations& observations,
                                                    const HawqOptions& options);

struct ReconstructOptions {
  std::int64_t rows = 8192;  ///< output positions a layer is fitted on, spread over the samples
  double damping = 0.01;     ///< of the mean of the Gram matrix's diagonal; also holds weights to the float ones
};

/// Layer reconstruction: each layer in turn is fitted so that its output on the quantized inputs it will see is nearest
/// (least squares) to the float network's output, then rounded column by column, each rounding error spread over the
/// columns not yet rounded (E. Frantar et al., GPTQ, 2022, on the objective of M. Nagel et al., AdaRound, 2020). Scales
/// stay those of options.weight_scale. The same samples give the same integers.
std::map<std::string, LayerOverride> reconstruct(const FloatNet& net, const RangeOf& range_of,
                                                 const HawqOptions& options, const FloatSamples& samples,
                                                 std::int64_t count, const ReconstructOptions& how,
                                                 const std::function<void(std::int64_t)>& progress = nullptr);

}  // namespace obz
