// What a requantizer might be doing instead: a point in the space of arithmetics that devices really implement. A
// theory is evaluated through the normative requantize() with altered numbers, so it says exactly where a device
// departs.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "ref/arith/names.hpp"
#include "ref/arith/requantize.hpp"

namespace obz {

enum class Stages : std::uint8_t {
  one,        ///< one rounding of the whole product
  two,        ///< product rounded half-up at bit 31, then the rest
  two_floor,  ///< product truncated at bit 31 (a non-rounding doubling high multiply), then the rest
};

enum class MultiplierIs : std::uint8_t {
  given,         ///< as the case says
  rounded_16,    ///< (m + 2^15) >> 16, capped at 0x7FFF, shift 16 less
  truncated_16,  ///< m >> 16, shift 16 less
  rounded_8,     ///< the upper 8 bits, rounded, shift reduced alike
  neighbours,    ///< multiplier and shift of the case before: a channel index off by one
  float32,       ///< float32(acc) * float32(m / 2^s): a float unit
  float64,       ///< double(acc) * double(m): exact up to 2^53 only (HAWQ's PyTorch code)
};

enum class ZeroPointIs : std::uint8_t {
  after,            ///< round(x) + zp
  before_rounding,  ///< round(x + zp): ties see it
  before_scaling,   ///< round((acc + zp) * s)
  missing,          ///< round(x)
  negated,          ///< round(x) - zp
};

enum class ClampIs : std::uint8_t {
  after_zero_point,   ///< saturate(v + zp, lo, hi)
  before_zero_point,  ///< wrap(saturate(v, lo, hi) + zp)
  type_only,          ///< saturates to the output type, ignores lo and hi (a fused ReLU forgotten)
  wraps,              ///< wraps into the output type
};

enum class AccumulatorIs : std::uint8_t {
  full,
  wraps_24,
  wraps_20,
  wraps_16,
  saturates_24,
  saturates_20,
  saturates_16
};

struct Theory {
  Rounding rounding = Rounding::half_up;  ///< of the last stage
  Stages stages = Stages::one;
  MultiplierIs multiplier = MultiplierIs::given;
  ZeroPointIs zero_point = ZeroPointIs::after;
  ClampIs clamp = ClampIs::after_zero_point;
  AccumulatorIs accumulator = AccumulatorIs::full;
  std::int8_t extra_shift = 0;  ///< -1, 0, 1: shift off by one

  friend bool operator==(const Theory&, const Theory&) = default;
};

/// Every theory, simplest first: by the number of departures from `from`, then in a fixed order. Where there are no
/// zero points (all are 0), the theories about them are one function each with a simpler one and are left out.
/// `doubles` adds products kept as float64, which differ next to ties beyond 2^53 alone: answers may hold such cases,
/// questions do not look for them.
std::vector<Theory> theory_space(const Theory& from, bool zero_points = true, bool doubles = false);

/// How many of its choices differ from `from`.
int departures(const Theory& theory, const Theory& from);

/// The theory that is a dyadic or float32 profile; nullopt for one outside the space.
std::optional<Theory> theory_of(const Profile& profile);

/// Output of the theory for one case; `before` is the channel of the case that preceded it (of the first case: its
/// own), for a channel index off by one.
std::int64_t predict(const Theory& theory, std::int64_t acc, const Channel& channel, const Channel& before,
                     IntType out);

/// The same with the wires: what a dyadic theory computes on the way. Float theories fill scaled, sum and out only.
RequantTrace trace_theory(const Theory& theory, std::int64_t acc, const Channel& channel, const Channel& before,
                          IntType out);

/// The multiplier and shift it really works with.
Channel effective_channel(const Theory& theory, const Channel& channel, const Channel& before);

/// "ties to even, one rounding, a multiplier rounded to 16 bits": rounding and stages, then everything that is not as
/// usual.
std::string describe(const Theory& theory);

/// Profiles that are this theory, "hawq-v3/exact, ..."; empty: none.
std::vector<std::string> profiles_like(const Theory& theory);

}  // namespace obz
