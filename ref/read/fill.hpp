// A profile's choices into the explicit fields of operators: what every importer calls, whatever the file format.
#pragma once

#include <span>
#include <string>

#include "ref/arith/profile.hpp"
#include "ref/ops/add.hpp"
#include "ref/ops/avg_pool.hpp"
#include "ref/ops/mean.hpp"
#include "ref/ops/requant.hpp"

namespace obz {

/// Output side of a layer: its quantization and the clamp, in output units.
struct OutputQuant {
  float scale = 1;
  std::int64_t zero_point = 0;
  std::int64_t lo = -128, hi = 127;
  IntType type = kInt8;
};

/// Accumulator register of the profile.
Accumulator fill_accumulator(const Profile& profile);

/// Requantizer of a layer that multiplies x (scale sx) with weights (one scale, or one per output channel).
/// `per_channel` selects the precision in which scales are formed even if there is only one channel.
/// Error opening with `where` when the profile cannot express a scale or a zero point.
Requant fill_requant(const Profile& profile, float sx, std::span<const float> sw, bool per_channel,
                     const OutputQuant& out, const std::string& where, bool scales_are_float16 = false);

/// Requantizer for a real factor that is already known.
Requant fill_factor(const Profile& profile, double factor, const OutputQuant& out, const std::string& where);

/// The operands of an addition.
struct AddOperand {
  float scale = 1;
  std::int64_t zero_point = 0;
  IntType type = kInt8;
};

/// (S30-S34) a +- b under the profile's AddRule.
Add fill_add(const Profile& profile, const AddOperand& a, const AddOperand& b, const OutputQuant& out, bool subtract,
             const std::string& where);

/// (S35-S37) Fills `by`, `rounding`, `accumulator`, `requant` of a pool whose geometry is set; sx, zx of the input.
void fill_avg_pool(const Profile& profile, AvgPool& pool, float sx, const OutputQuant& out, const std::string& where);

/// (S39) Mean over `count` values.
void fill_mean(const Profile& profile, Mean& mean, std::int64_t count, float sx, const OutputQuant& out,
               const std::string& where);

}  // namespace obz
