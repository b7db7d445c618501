#include "ref/read/fill.hpp"

#include <algorithm>
#include <bit>
#include <cmath>

#include <fmt/format.h>

#include "ref/arith/reciprocal.hpp"
#include "ref/base/error.hpp"
#include "ref/tensor/type_text.hpp"

namespace obz {
namespace {

void require_no_zero_point(const Profile& p, std::int64_t zero_point, const std::string& where) {
  if (!p.has_zero_point && zero_point != 0) {
    throw Error(
        fmt::format("{}: profile {} knows no zero point, but the output's is {}; quantize symmetrically or "
                    "choose another --profile",
                    where, p.id, zero_point));
  }
}

void require_scale(float scale, const std::string& where) {
  if (!std::isfinite(scale) || scale <= 0) throw Error(fmt::format("{}: expected a scale > 0, got {}", where, scale));
}

/// The encoded scale with the output's zero point and clamp.
Channel encode(const Profile& p, double scale, const OutputQuant& out, const std::string& where) {
  try {
    Channel c = encode_scale(p.scale, scale);
    c.zero_point = static_cast<std::int32_t>(out.zero_point);
    c.lo = out.lo;
    c.hi = out.hi;
    return c;
  } catch (const Error& e) {
    throw Error(fmt::format("{}: profile {}: {}", where, p.id, e.what()));
  }
}

/// A branch of an addition: no zero point, clamped by nothing but the 32-bit register.
OutputQuant branch_output() { return {.lo = kInt32.min(), .hi = kInt32.max(), .type = kInt32}; }

/// TFLite: twice the larger input scale is the common scale of both branches.
Add add_common_scale(const Profile& p, const AddOperand& a, const AddOperand& b, const OutputQuant& out,
                     const std::string& where) {
  Add op;
  op.left_shift = std::max(a.type.bits, b.type.bits) <= 8 ? 20 : 15;
  const double common = 2 * static_cast<double>(std::max(a.scale, b.scale));
  op.branch_a = fill_factor(p, static_cast<double>(a.scale) / common, branch_output(), where);
  op.branch_b = fill_factor(p, static_cast<double>(b.scale) / common, branch_output(), where);
  const double to_output = common / (std::ldexp(1.0, op.left_shift) * static_cast<double>(out.scale));
  op.out = fill_factor(p, to_output, out, where);
  return op;
}

/// HAWQ-V3: both branches to the output's scale, each rounded; the sum is only shifted by zp and clamped.
Add add_branchwise(const Profile& p, const AddOperand& a, const AddOperand& b, const OutputQuant& out,
                   const std::string& where) {
  Add op;
  constexpr float one = 1.0F;
  const std::span<const float> no_weight(&one, 1);
  OutputQuant branch = branch_output();
  branch.scale = out.scale;
  op.branch_a = fill_requant(p, a.scale, no_weight, true, branch, where);
  op.branch_b = fill_requant(p, b.scale, no_weight, true, branch, where);
  op.out = identity_requant(out.type);
  Channel& c = op.out.channels[0];
  c.zero_point = static_cast<std::int32_t>(out.zero_point);
  c.lo = out.lo;
  c.hi = out.hi;
  return op;
}

/// PULP-NN, XNNPACK: round(m_a * a + m_b * b over one shift): the larger ratio gets `add_bits` bits.
Add add_single_sum(const Profile& p, const AddOperand& a, const AddOperand& b, const OutputQuant& out,
                   const std::string& where) {
  Add op;
  const double ra = static_cast<double>(a.scale) / static_cast<double>(out.scale);
  const double rb = static_cast<double>(b.scale) / static_cast<double>(out.scale);
  int exponent = 0;
  std::frexp(std::max(ra, rb), &exponent);
  const int shift = p.add_bits - exponent;
  constexpr int max_shift = 31;
  if (shift < 0 || shift > max_shift) {
    throw Error(fmt::format("{}: profile {}: scale ratios {} and {} need a shift of {}, outside 0..{}", where, p.id, ra,
                            rb, shift, max_shift));
  }
  const auto multiplier = [&](double r) { return static_cast<std::int64_t>(std::nearbyint(std::ldexp(r, shift))); };
  op.branch_a = op.branch_b = identity_requant(kInt32);
  op.branch_a.channels[0].multiplier = multiplier(ra);
  op.branch_b.channels[0].multiplier = multiplier(rb);
  // A float profile still adds in integers here (XNNPACK): its one rounding is half-up.
  op.out.recipe = p.is_dyadic() ? p.recipe : Recipe{.rounding = Rounding::half_up};
  op.out.recipe.first_bits = 0;
  Channel& c = op.out.channels[0];
  c.shift = shift;
  c.zero_point = static_cast<std::int32_t>(out.zero_point);
  c.lo = out.lo;
  c.hi = out.hi;
  return op;
}

Add add_float32(const AddOperand& a, const AddOperand& b, const OutputQuant& out) {
  Add op;
  op.floating = true;
  op.branch_a.channels[0].scale = static_cast<double>(a.scale);
  op.branch_b.channels[0].scale = static_cast<double>(b.scale);
  op.out.recipe.arithmetic = Arithmetic::float32_scale;
  op.out.recipe.rounding = Rounding::half_even;
  Channel& c = op.out.channels[0];
  c.scale = static_cast<double>(out.scale);
  c.zero_point = static_cast<std::int32_t>(out.zero_point);
  c.lo = out.lo;
  c.hi = out.hi;
  return op;
}

/// TOSA: reciprocal_scale(n) with k = 32 - clz(n - 1).
Channel tosa_reciprocal(std::int64_t n) {
  Channel c;
  const int k = n <= 1 ? 0 : 32 - std::countl_zero(static_cast<std::uint32_t>(n - 1));
  c.multiplier = (((std::int64_t{1} << 30) + 1) << k) / n;
  c.shift = 30 + k;
  return c;
}

/// False: raw values do not add up around 0, or their range leaves no proved multiplier.
bool fill_reciprocal_average(AvgPool& pool, Quotient quotient, const OutputQuant& out) {
  constexpr int widest = 16;
  if (pool.x_zero_point != 0 || out.type.bits > widest) return false;
  const std::int64_t counts = std::int64_t{pool.kernel_h} * pool.kernel_w;
  std::vector<Channel> channels;
  for (std::int64_t n = 1; n <= counts; ++n) {
    const auto c = reciprocal(n, n << widest, quotient);
    if (!c) return false;
    channels.push_back(*c);
    channels.back().lo = out.lo;
    channels.back().hi = out.hi;
  }
  pool.by = AverageBy::requant;
  pool.requant = Requant{Recipe{.rounding = Rounding::trunc}, std::move(channels)};
  return true;
}

}  // namespace

Accumulator fill_accumulator(const Profile& p) {
  return {p.acc_bits, p.acc_bits == 64 ? Overflow::exact : p.acc_overflow};
}

Requant fill_requant(const Profile& p, float sx, std::span<const float> sw, bool per_channel, const OutputQuant& out,
                     const std::string& where, bool scales_are_float16) {
  require_no_zero_point(p, out.zero_point, where);
  require_scale(sx, where);
  require_scale(out.scale, where);
  ScaleRule rule = p.scale;
  if (!per_channel) rule.precision = p.per_tensor_precision;
  Requant r{p.recipe, {}};
  for (const float w : sw) {
    require_scale(w, where);
    r.channels.push_back(encode(p, form_scale(rule, sx, w, out.scale, scales_are_float16), out, where));
  }
  return r;
}

Requant fill_factor(const Profile& p, double factor, const OutputQuant& out, const std::string& where) {
  require_no_zero_point(p, out.zero_point, where);
  return {
      p.recipe,
      {encode(p, p.scale.mantissa_bits == 0 ? static_cast<double>(static_cast<float>(factor)) : factor, out, where)}};
}

Add fill_add(const Profile& p, const AddOperand& a, const AddOperand& b, const OutputQuant& out, bool subtract,
             const std::string& where) {
  require_no_zero_point(p, out.zero_point, where);
  for (const float s : {a.scale, b.scale, out.scale}) require_scale(s, where);
  Add op;
  switch (p.add) {
    case AddRule::common_scale: op = add_common_scale(p, a, b, out, where); break;
    case AddRule::branchwise: op = add_branchwise(p, a, b, out, where); break;
    case AddRule::single_sum: op = add_single_sum(p, a, b, out, where); break;
    case AddRule::float32: op = add_float32(a, b, out); break;
  }
  op.a_zero_point = static_cast<std::int32_t>(a.zero_point);
  op.b_zero_point = static_cast<std::int32_t>(b.zero_point);
  op.subtract = subtract;
  return op;
}

void fill_avg_pool(const Profile& p, AvgPool& pool, float sx, const OutputQuant& out, const std::string& where) {
  require_scale(sx, where);
  require_scale(out.scale, where);
  require_no_zero_point(p, out.zero_point, where);
  const std::int64_t counts = std::int64_t{pool.kernel_h} * pool.kernel_w;
  constexpr std::int64_t most = 1 << 20;
  if (counts < 1 || counts > most) {
    throw Error(fmt::format("{}: expected a pooling kernel of 1..{} values, got {}x{}", where, most, pool.kernel_h,
                            pool.kernel_w));
  }
  const bool same_scale = sx == out.scale && pool.x_zero_point == out.zero_point;
  pool.accumulator = fill_accumulator(p);
  const bool guarded = p.avg_pool == AvgPoolRule::truncate_guarded;
  if (same_scale && (guarded || p.avg_pool == AvgPoolRule::truncate)) {
    if (fill_reciprocal_average(pool, guarded ? Quotient::after_hundredth : Quotient::truncated, out)) return;
    if (guarded) {
      throw Error(
          fmt::format("{}: {} averages at most 98 values of at most 16 bits without a zero point, got {}x{} of {}",
                      where, p.id, pool.kernel_h, pool.kernel_w, type_text(out.type)));
    }
  }
  if (same_scale && (p.avg_pool == AvgPoolRule::divide_half_away || p.avg_pool == AvgPoolRule::truncate)) {
    pool.by = AverageBy::division;
    pool.rounding = p.avg_pool == AvgPoolRule::truncate ? Rounding::trunc : Rounding::half_away;
    pool.requant = identity_requant(out.type);
    pool.requant.channels[0].lo = out.lo;
    pool.requant.channels[0].hi = out.hi;
    return;
  }
  pool.by = AverageBy::requant;
  pool.requant = Requant{p.recipe, {}};
  for (std::int64_t n = 1; n <= counts; ++n) {
    if (same_scale && p.avg_pool == AvgPoolRule::reciprocal) {
      pool.requant.recipe = Recipe{.rounding = Rounding::half_up};
      Channel c = tosa_reciprocal(n);
      c.zero_point = static_cast<std::int32_t>(out.zero_point);
      c.lo = out.lo;
      c.hi = out.hi;
      pool.requant.channels.push_back(c);
      continue;
    }
    const double factor = static_cast<double>(sx) / (static_cast<double>(out.scale) * static_cast<double>(n));
    pool.requant.channels.push_back(fill_factor(p, factor, out, where).channels[0]);
  }
}

void fill_mean(const Profile& p, Mean& mean, std::int64_t count, float sx, const OutputQuant& out,
               const std::string& where) {
  require_scale(sx, where);
  require_scale(out.scale, where);
  if (count < 1) throw Error(fmt::format("{}: mean over no values", where));
  mean.accumulator = fill_accumulator(p);
  const double ratio = static_cast<double>(sx) / static_cast<double>(out.scale);
  if (p.add != AddRule::common_scale || !p.is_dyadic()) {
    mean.requant = fill_factor(p, ratio / static_cast<double>(count), out, where);
    return;
  }
  // TFLite divides the multiplier by the count in integers, after shifting it up as far as it goes.
  mean.requant = fill_factor(p, ratio, out, where);
  Channel& c = mean.requant.channels[0];
  const int floor_log2 = 63 - std::countl_zero(static_cast<std::uint64_t>(count));
  const int up = std::min({floor_log2, 32, 62 - c.shift});
  c.multiplier = (c.multiplier << up) / count;
  c.shift += up;
}

}  // namespace obz
