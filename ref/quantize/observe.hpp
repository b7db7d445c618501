// What values a float network takes on calibration data, and the range a quantizer gives each of them.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "ref/real/float_net.hpp"

namespace obz {

struct FloatRange {
  float lo = 0, hi = 0;
};

/// How a range is taken from observations.
enum class Observer : std::uint8_t {
  min_max,     ///< the extremes
  momentum,    ///< extremes of each batch, running: r = r * m + batch * (1 - m); the first batch as it is      HAWQ-V3
  percentile,  ///< of the absolute values (of the values, where none is negative)
  mse,         ///< the range whose quantization error is least, for the bits in question
};

struct ObserveOptions {
  Observer by = Observer::min_max;
  double momentum = 0.99;
  std::int64_t batch = 1;     ///< samples a running extreme covers
  double percentile = 99.99;  ///< in (50, 100]
};

/// Of one value.
struct Observation {
  FloatRange extremes;                   ///< or running extremes
  FloatRange seen;                       ///< the histogram's ends
  std::vector<std::uint64_t> histogram;  ///< equal bins over `seen`; percentile and mse only
  std::vector<double> channel_means;     ///< along axis 1; for bias correction
};

/// By value name.
using Observations = std::map<std::string, Observation>;

/// Runs `count` samples; `sample(i)` is the input. Two passes where histograms are wanted.
Observations observe(const FloatNet& net, std::int64_t count, const std::function<FloatTensor(std::int64_t)>& sample,
                     const ObserveOptions& options, const std::function<void(std::int64_t)>& progress = nullptr);

/// The grid an activation goes to.
struct Grid {
  std::int64_t lo = -128, hi = 127;  ///< of the integers
  bool symmetric = true;             ///< zero point 0 and lo < 0: the scale covers max(|lo|, |hi|)
};

/// The observation's range under this observer; mse searches it for `grid`.
FloatRange range_of(const Observation& o, const ObserveOptions& options, const Grid& grid);

}  // namespace obz
