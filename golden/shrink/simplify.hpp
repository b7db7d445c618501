// Numbers towards simpler ones, one question at a time: "does it still fail with this?"
#pragma once

#include <cstdint>
#include <functional>

#include "golden/cases/requant_case.hpp"

namespace obz {

/// Moves `value` to `target`, or as near as bisection and fewer bits find; returns the last value for which `fails` was
/// true. `fails(value)` is taken to be true at the start.
std::int64_t simplify_towards(std::int64_t value, std::int64_t target, const std::function<bool(std::int64_t)>& fails);

/// Simpler numbers of one channel: clamp at the rails of `out`, zero point and addend towards 0, a multiplier with few
/// set bits, a small shift, a scale with a short mantissa. A multiplier keeps its width and a shift stays in the range
/// of `profile` where one is given, so that a device is not blamed for numbers it will never see.
Channel simplify_channel(Channel c, const Profile* profile, bool uses_multiplier, IntType out,
                         const std::function<bool(const Channel&)>& fails);

}  // namespace obz
