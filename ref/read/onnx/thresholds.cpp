#include "ref/read/onnx/thresholds.hpp"

#include <algorithm>
#include <array>
#include <cmath>

#include <fmt/format.h>

#include "ref/arith/round.hpp"
#include "ref/base/error.hpp"
#include "ref/read/onnx/chain.hpp"

namespace obz::onnx {
namespace {

/// One channel's staircase. `u` = direction * q, so that the level always rises with u.
class Staircase {
 public:
  Staircase(const ChainSource& source, const std::vector<ChainStep>& chain, const Quantizer& quantizer,
            std::int64_t channel, const std::string& where)
      : source_(source), chain_(chain), quantizer_(quantizer), channel_(channel), where_(where) {
    const Range r = source.range;
    direction_ = real(r.lo) <= real(r.hi) ? 1 : -1;
    u_lo_ = direction_ == 1 ? r.lo : -r.hi;
    u_hi_ = direction_ == 1 ? r.hi : -r.lo;
  }

  std::int64_t direction() const { return direction_; }

  /// Least u that reaches `level`; u_hi + 1 when none does.
  std::int64_t threshold(std::int64_t level) const {
    std::int64_t below = u_lo_ - 1, reached = u_hi_ + 1;
    while (reached - below > 1) {
      const std::int64_t middle = below + (reached - below) / 2;
      (value(middle) >= level ? reached : below) = middle;
    }
    return reached;
  }

  /// The staircase of these thresholds is the quantized chain: checked on both sides of each threshold and on
  /// evenly spaced values; on every value when there are few.
  void verify(const Threshold& op, std::size_t first, std::size_t count) const {
    const auto begin = op.thresholds.begin() + static_cast<std::ptrdiff_t>(first),
               end = begin + static_cast<std::ptrdiff_t>(count);
    const auto check = [&](std::int64_t u) {
      if (u < u_lo_ || u > u_hi_) return;
      const std::int64_t stairs = op.lo + op.step * (std::upper_bound(begin, end, u) - begin);
      if (stairs != value(u)) {
        throw Error(fmt::format("{}: the float operations in front of it are not monotone (channel {}, accumulator {})",
                                where_, channel_, direction_ * u));
      }
    };
    for (auto t = begin; t != end; ++t) {
      check(*t - 1);
      check(*t);
    }
    constexpr std::int64_t samples = 1024;
    const std::int64_t stride = std::max<std::int64_t>(1, (u_hi_ - u_lo_) / samples);
    for (std::int64_t u = u_lo_; u <= u_hi_; u += stride) check(u);
  }

 private:
  float real(std::int64_t q) const {
    const float v = apply_chain(chain_, source_.real(q, channel_), channel_);
    if (std::isnan(v))
      throw Error(fmt::format("{}: the float operations in front of it give NaN for accumulator {}", where_, q));
    return v;
  }
  std::int64_t value(std::int64_t u) const { return quantizer_(real(direction_ * u), channel_); }

  const ChainSource& source_;
  const std::vector<ChainStep>& chain_;
  const Quantizer& quantizer_;
  std::int64_t channel_;
  const std::string& where_;
  std::int64_t direction_ = 1, u_lo_ = 0, u_hi_ = 0;
};

}  // namespace

QonnxRounding rounding_of(const std::string& name, const std::string& where) {
  constexpr std::array<std::string_view, 7> names{"ROUND", "CEIL", "FLOOR", "UP", "DOWN", "HALF_UP", "HALF_DOWN"};
  std::string upper = name;
  for (char& c : upper) c = c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
  if (upper == "HALF_EVEN") return QonnxRounding::round;
  const auto it = std::find(names.begin(), names.end(), upper);
  if (it == names.end()) {
    throw Error(fmt::format("{}: attribute \"rounding_mode\": expected one of {}, got another string", where,
                            fmt::join(names, ", ")));
  }
  return static_cast<QonnxRounding>(it - names.begin());
}

std::int64_t round_real(float v, QonnxRounding mode) {
  const double value = std::clamp(static_cast<double>(v), -9e18, 9e18), floor = std::floor(value),
               fraction = value - floor;
  const auto q = static_cast<std::int64_t>(floor);
  const bool exact = fraction == 0;
  const int vs_half = fraction < 0.5 ? -1 : fraction > 0.5 ? 1 : 0;
  switch (mode) {
    case QonnxRounding::round: return round_fraction(q, vs_half, exact, Rounding::half_even);
    case QonnxRounding::floor: return round_fraction(q, vs_half, exact, Rounding::floor);
    case QonnxRounding::down: return round_fraction(q, vs_half, exact, Rounding::trunc);
    case QonnxRounding::half_up: return round_fraction(q, vs_half, exact, Rounding::half_away);
    case QonnxRounding::ceil: return exact ? q : q + 1;
    case QonnxRounding::up: return exact || v < 0 ? q : q + 1;
    case QonnxRounding::half_down: return vs_half > 0 || (vs_half == 0 && q < 0) ? q + 1 : q;
  }
  return q;
}

std::int64_t Quantizer::operator()(float v, std::int64_t channel) const {
  if (bipolar) return v >= 0 ? 1 : -1;
  const float scale = scales[scales.size() == 1 ? 0 : static_cast<std::size_t>(channel)];
  const float shifted = v / scale + static_cast<float>(zero_point);
  const float clamped = std::fmin(std::fmax(shifted, static_cast<float>(lo)), static_cast<float>(hi));
  return std::clamp(round_real(clamped, rounding), lo, hi);
}

Threshold find_thresholds(const ChainSource& source, const std::vector<ChainStep>& chain, const Quantizer& quantizer,
                          std::int64_t axis, std::int64_t channels, const std::string& where) {
  Threshold op{.axis = std::max<std::int64_t>(axis, 0), .channels = channels};
  op.lo = static_cast<std::int32_t>(quantizer.lo);
  op.step = quantizer.bipolar ? 2 : 1;
  const std::int64_t count = (quantizer.hi - quantizer.lo) / op.step;
  constexpr std::int64_t most = std::int64_t{1} << 24;
  if (count > most / std::max<std::int64_t>(channels, 1)) {
    throw Error(
        fmt::format("{}: expected at most {} thresholds, got {} for {} channels", where, most, count, channels));
  }
  for (std::int64_t c = 0; c < channels; ++c) {
    const Staircase stairs(source, chain, quantizer, c, where);
    for (std::int64_t k = 1; k <= count; ++k) op.thresholds.push_back(stairs.threshold(op.lo + op.step * k));
    op.directions.push_back(stairs.direction());
    const auto first = static_cast<std::size_t>(c * count);
    stairs.verify(op, first, static_cast<std::size_t>(count));
  }
  return op;
}

}  // namespace obz::onnx
