// The independent oracle: every requantization profile of the semantics catalogue, written as exact
// rational arithmetic (Boost.Multiprecision). It exists to judge the normative integer code, so it shares
// no line with that code, shifts no machine integer and multiplies no machine float.
#pragma once

#include <string>
#include <vector>

namespace oracle {

// Parameters of one output channel; the real meaning is acc * multiplier / 2^shift + zero_point.
struct Params {
  long long multiplier = 1;
  int shift = 0;                  // TOTAL right shift 0..63. TFLite's "shift" (positive = left) is 31 - this
  long long addend = 0;           // joins the product before the shift (PULP-NN lambda); 0 for everyone else
  double scale = 0;               // float recipes: the real scale (a float32 or float16 value)
  int zero_point = 0;             // output units; gemmlowp/legacy and nvdla/sdp add it BEFORE the multiply
  long long lo = -128, hi = 127;  // clamp, output units
};

// How a system stores a real scale. `multiplier` and `shift` (total right shift) for integer recipes,
// `scale` for float recipes, nothing when the system cannot represent the scale at all.
struct Encoding {
  bool refused = false;
  bool is_float = false;
  long long multiplier = 0;
  int shift = 0;
  double scale = 0;
};

// All profile ids known, sorted. The functions below throw std::invalid_argument on any other id.
std::vector<std::string> profiles();

// The output of `profile` for one accumulator. Outside in_domain() the value means nothing.
long long requantize(const std::string& profile, long long acc, const Params& p);

// False where the cited system leaves the result undefined or unpredictable.
bool in_domain(const std::string& profile, long long acc, const Params& p);

// The real scale scale_input * scale_weight / scale_output as `profile` forms and stores it.
// `per_channel` matters to TFLite, CMSIS-NN and Vela only; `scales_are_float16` to onnx/reference only.
Encoding encode(const std::string& profile, float scale_input, float scale_weight, float scale_output, bool per_channel,
                bool scales_are_float16 = false);

// The function behind requantize() and in_domain(), for loops over many accumulators.
using RequantizeFn = long long (*)(long long acc, const Params& p);
using DomainFn = bool (*)(long long acc, const Params& p);
RequantizeFn requantizer(const std::string& profile);
DomainFn domain_checker(const std::string& profile);

}  // namespace oracle
