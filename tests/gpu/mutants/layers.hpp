// Small layers that leave a kernel no room: the fixed inputs every mutant has to answer.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "gpu/lower/lower.hpp"
#include "gpu/ptx_device.hpp"
#include "ref/net/net.hpp"

namespace obz::test {

/// Something to run on a device, and whether what comes back is right.
struct Trial {
  std::string name;
  std::function<bool(std::unique_ptr<gpu::PtxDevice>)> is_right;
};

/// For a kernel of this name: conv_* (the name says the types and the tile), depthwise, add, avg_pool, move,
/// requantize_cases, pair, lookup, threshold, softmax_rows.
std::vector<Trial> trials_for(const std::string& kernel);

/// Those of a conv_* kernel.
std::vector<Trial> conv_trials(const std::string& kernel);

/// Those of the last four.
std::vector<Trial> pointwise_trials(const std::string& kernel);

/// One convolution with five slices or more: every barrier of a conv_* kernel matters.
Trial deep_trial(const std::string& kernel);

}  // namespace obz::test
