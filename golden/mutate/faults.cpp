#include "golden/mutate/faults.hpp"

#include <algorithm>
#include <atomic>
#include <cmath>

#include <tbb/parallel_for.h>

#include "golden/complete/complete.hpp"
#include "ref/arith/apply.hpp"
#include "ref/base/philox.hpp"

namespace obz {
namespace {

const Profile& reference() { return find_profile("tflite/single"); }

std::int64_t with_rounding(std::int64_t acc, Channel c, Rounding rounding) {
  Recipe r = reference().recipe;
  r.rounding = rounding;
  return requantize(acc, r, c);
}

std::int64_t double_rounding(std::int64_t acc, const Channel& c, int) {
  return requantize(acc, find_profile("tflite/double").recipe, c);
}

std::int64_t float32_scale(std::int64_t acc, const Channel& c, int) {
  Channel f = c;
  f.scale = static_cast<double>(static_cast<float>(std::ldexp(static_cast<double>(c.multiplier), -c.shift)));
  return apply_recipe(acc, find_profile("fbgemm/fp32").recipe, f);
}

std::int64_t ties_away(std::int64_t acc, const Channel& c, int) { return with_rounding(acc, c, Rounding::half_away); }
std::int64_t floored(std::int64_t acc, const Channel& c, int) { return with_rounding(acc, c, Rounding::floor); }

std::int64_t shift_off_by_one(std::int64_t acc, const Channel& c, int) {
  Channel wrong = c;
  wrong.shift += 1;
  return requantize(acc, reference().recipe, wrong);
}

std::int64_t multiplier_of_16_bits(std::int64_t acc, const Channel& c, int) {
  Channel wrong = c;
  wrong.multiplier = std::min<std::int64_t>((c.multiplier + (1 << 15)) >> 16, 0x7FFF);
  wrong.shift = c.shift - 16;
  return requantize(acc, reference().recipe, wrong);
}

/// The adder of the rounding constant loses the carry into bit `carry_bit`.
std::int64_t lost_carry(std::int64_t acc, const Channel& c, int carry_bit) {
  const auto product = static_cast<std::uint64_t>(acc * c.multiplier);
  const std::uint64_t constant = std::uint64_t{1} << (c.shift - 1);
  const std::uint64_t low = (std::uint64_t{1} << carry_bit) - 1;
  const std::uint64_t sum = (((product & ~low) + (constant & ~low)) & ~low) | ((product + constant) & low);
  const std::int64_t scaled = static_cast<std::int64_t>(sum) >> c.shift;
  return saturate(scaled + c.zero_point, c.lo, c.hi);
}

struct Drawn {
  Channel channel;
  AccRange range;
  int carry_bit = 0;
};

Drawn draw(const Fault& fault, std::uint64_t seed, std::uint64_t index) {
  CaseRandom rng(seed, index);
  constexpr double lowest = -10, highest = -4;
  const double unit = std::ldexp(static_cast<double>(rng.bits64() >> 11), -53);
  Drawn d;
  d.channel = channel_of_scale(reference(), std::exp2(lowest + (highest - lowest) * unit),
                               static_cast<std::int32_t>(rng.between(-128, 127)), kInt8);
  if (fault.short_multiplier) {
    d.channel.multiplier >>= 23;
    d.channel.shift -= 23;
  }
  const double scale = std::ldexp(static_cast<double>(d.channel.multiplier), -d.channel.shift);
  const auto reach = static_cast<std::int64_t>(1.25 * 256 / scale);
  d.range = {-reach, reach};
  d.carry_bit = d.channel.shift + static_cast<int>(rng.between(-2, 7));
  return d;
}

}  // namespace

const std::vector<Fault>& requant_faults() {
  static const std::vector<Fault> faults{
      {"double rounding", false, double_rounding},      {"float32 scale", false, float32_scale},
      {"ties away, 8-bit multiplier", true, ties_away}, {"floor", false, floored},
      {"shift off by one", false, shift_off_by_one},    {"16-bit multiplier", false, multiplier_of_16_bits},
      {"lost carry at one bit", false, lost_carry}};
  return faults;
}

std::vector<FaultScore> measure_faults(std::int64_t channels, std::uint64_t seed) {
  std::vector<FaultScore> scores;
  for (const Fault& fault : requant_faults()) {
    std::atomic<std::int64_t> differ = 0, by_complete = 0, by_random = 0, by_random_100 = 0, by_tolerance = 0,
                              cases = 0;
    tbb::parallel_for(std::int64_t{0}, channels, [&](std::int64_t i) {
      const Drawn d = draw(fault, seed, static_cast<std::uint64_t>(i));
      const auto error = [&](std::int64_t acc) {
        return fault.device(acc, d.channel, d.carry_bit) - requantize(acc, reference().recipe, d.channel);
      };
      bool any = false, beyond_one = false;
      for (std::int64_t acc = d.range.lo; acc <= d.range.hi; ++acc) {
        const std::int64_t e = error(acc);
        any = any || e != 0;
        beyond_one = beyond_one || std::abs(e) > 1;
        if (beyond_one) break;
      }
      Certificate certificate;
      const std::vector<RequantCase> set = complete_cases(reference(), {d.channel}, d.range, certificate);
      const bool complete =
          std::any_of(set.begin(), set.end(), [&](const RequantCase& c) { return error(c.acc) != 0; });
      CaseRandom rng(seed, static_cast<std::uint64_t>(i), 1);
      const auto found_by_random = [&](std::size_t count) {
        for (std::size_t k = 0; k < count; ++k) {
          if (error(rng.between(d.range.lo, d.range.hi)) != 0) return true;
        }
        return false;
      };
      const bool random = found_by_random(set.size()), random_100 = random || found_by_random(99 * set.size());
      differ += any ? 1 : 0;
      by_complete += complete ? 1 : 0;
      by_random += random ? 1 : 0;
      by_random_100 += random_100 ? 1 : 0;
      by_tolerance += beyond_one ? 1 : 0;
      cases += static_cast<std::int64_t>(set.size());
    });
    scores.push_back({fault.name, channels, differ, by_complete, by_random, by_random_100, by_tolerance,
                      static_cast<double>(cases) / static_cast<double>(channels)});
  }
  return scores;
}

}  // namespace obz
