// One file: an oracle is read whole, beside the catalogue, or it is not believed.
#include "tests/oracle/oracle.hpp"

#include <algorithm>
#include <bit>
#include <cstdint>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string_view>

#include <boost/multiprecision/cpp_int.hpp>

namespace oracle {
namespace {

// ---------------------------------------------------------------------------------------------------------
// Exact numbers. Int has no upper limit (it keeps 256 bits in place and only then allocates).

namespace mp = boost::multiprecision;
using Int = mp::number<mp::cpp_int_backend<256, 0, mp::signed_magnitude, mp::unchecked, std::allocator<mp::limb_type>>,
                       mp::et_off>;

// num / den with den > 0, not reduced: the few operations of one requantization never make it long.
struct Rational {
  Int num = 0;
  Int den = 1;
};

// 2^n for n >= 0.
Int pow2(int n) { return Int(1) << static_cast<unsigned>(std::max(n, 0)); }

// r * 2^n, n of either sign.
Rational times_pow2(const Rational& r, int n) {
  return n >= 0 ? Rational{r.num * pow2(n), r.den} : Rational{r.num, r.den * pow2(-n)};
}

Rational operator*(const Rational& a, const Rational& b) { return {a.num * b.num, a.den * b.den}; }

Rational operator/(const Rational& a, const Rational& b) {
  return b.num > 0 ? Rational{a.num * b.den, a.den * b.num} : Rational{-(a.num * b.den), -(a.den * b.num)};
}

Rational operator+(const Rational& a, const Rational& b) { return {a.num * b.den + b.num * a.den, a.den * b.den}; }

bool operator<(const Rational& a, const Rational& b) { return a.num * b.den < b.num * a.den; }
bool operator==(const Rational& a, const Rational& b) { return a.num * b.den == b.num * a.den; }

Rational magnitude(const Rational& r) { return {abs(r.num), r.den}; }

// The five roundings of the table at the top of the catalogue.
Int round_floor(const Rational& r) {
  Int quotient, remainder;
  divide_qr(r.num, r.den, quotient, remainder);  // truncates toward zero
  if (remainder < 0) --quotient;
  return quotient;
}

Int round_truncate(const Rational& r) { return r.num / r.den; }

// floor(r + 1/2)
Int round_half_up(const Rational& r) { return round_floor({2 * r.num + r.den, 2 * r.den}); }

Int round_half_away(const Rational& r) { return r.num < 0 ? Int(-round_half_up({-r.num, r.den})) : round_half_up(r); }

Int round_half_even(const Rational& r) {
  const Int below = round_floor(r);
  const Int twice_rest = 2 * (r.num - below * r.den);  // compare the rest with one half
  if (twice_rest < r.den || (twice_rest == r.den && below % 2 == 0)) return below;
  return below + 1;
}

// The k with 2^k <= |r| < 2^(k+1); r != 0.
int floor_log2(const Rational& r) {
  const int guess = static_cast<int>(msb(Int(abs(r.num)))) - static_cast<int>(msb(r.den));
  return magnitude(r) < times_pow2({1, 1}, guess) ? guess - 1 : guess;
}

// ---------------------------------------------------------------------------------------------------------
// IEEE 754 binary formats, round to nearest even.

struct Format {
  int precision;     // bits of the significand, the hidden one included
  int min_exponent;  // weight of the last bit of a subnormal number
  int max_exponent;  // of the greatest finite number, 2^max_exponent * (2 - ulp)
};
constexpr Format kFloat16{11, -24, 15}, kFloat32{24, -149, 127}, kFloat64{53, -1074, 1023};

bool is_infinite(const Rational& r, const Format& f) { return r.num != 0 && floor_log2(r) > f.max_exponent; }

// r in format f. Overflow gives +-2^(max_exponent + 1), which stands for infinity.
Rational rounded(const Rational& r, const Format& f) {
  if (r.num == 0) return {0, 1};
  if (abs(r.num) < pow2(f.precision) && r.den == 1) return r;  // a short integer is exact
  const int last_bit = std::max(floor_log2(r) - (f.precision - 1), f.min_exponent);
  const Rational result = times_pow2({round_half_even(times_pow2(r, -last_bit)), 1}, last_bit);
  if (!is_infinite(result, f)) return result;
  return {r.num < 0 ? Int(-pow2(f.max_exponent + 1)) : pow2(f.max_exponent + 1), 1};
}

// The exact value of a finite machine number, read from its bits.
Rational exact(float x) {
  const auto bits = std::bit_cast<std::uint32_t>(x);
  const auto exponent = static_cast<int>(bits / 0x800000u % 0x100u);
  const Int fraction = bits % 0x800000u + (exponent == 0 ? 0u : 0x800000u);
  return times_pow2({bits >= 0x80000000u ? Int(-fraction) : fraction, 1}, std::max(exponent, 1) - 150);
}

Rational exact(double x) {
  constexpr std::uint64_t kHidden = 0x10000000000000u;
  const auto bits = std::bit_cast<std::uint64_t>(x);
  const auto exponent = static_cast<int>(bits / kHidden % 0x800u);
  const Int fraction = bits % kHidden + (exponent == 0 ? 0u : kHidden);
  return times_pow2({bits / kHidden >= 0x800u ? Int(-fraction) : fraction, 1}, std::max(exponent, 1) - 1075);
}

// Neither infinite nor NaN; read from the bits because a compiler flag may make std::isfinite lie.
bool is_finite(float x) { return std::bit_cast<std::uint32_t>(x) / 0x800000u % 0x100u != 0xFFu; }
bool is_finite(double x) { return std::bit_cast<std::uint64_t>(x) / 0x10000000000000u % 0x800u != 0x7FFu; }

// The double equal to r; r must be zero or a normal double.
double to_double(const Rational& r) {
  if (r.num == 0) return 0;
  const int exponent = floor_log2(r);
  const Int significand = round_truncate(times_pow2(magnitude(r), 52 - exponent));
  const Int bits = (Int(exponent + 1022) + (r.num < 0 ? 2048 : 0)) * pow2(52) + significand;
  return std::bit_cast<double>(static_cast<std::uint64_t>(bits));
}

// ---------------------------------------------------------------------------------------------------------
// Words shared by the profiles.

constexpr long long kInt32Min = -2147483648LL, kInt32Max = 2147483647LL;

bool inside(long long v, long long lo, long long hi) { return lo <= v && v <= hi; }
bool is_int32(long long v) { return inside(v, kInt32Min, kInt32Max); }
bool is_int48(long long v) { return inside(v, -140737488355328LL, 140737488355327LL); }
bool fits_int32(const Int& v) { return kInt32Min <= v && v <= kInt32Max; }
bool fits_int64(const Int& v) { return -pow2(63) <= v && v < pow2(63); }

// What nearly every system lacks: an addend. And the clamp must be an interval.
bool plain(const Params& p) { return p.addend == 0 && p.lo <= p.hi; }
bool plain_without_zero_point(const Params& p) { return plain(p) && p.zero_point == 0; }

Int clamp(const Int& v, const Int& lo, const Int& hi) { return v < lo ? lo : hi < v ? hi : v; }
long long clamp_output(const Int& v, const Params& p) { return static_cast<long long>(clamp(v, p.lo, p.hi)); }

// Clamp to [lo - zp, hi - zp], then add the zero point.
long long clamp_then_zero_point(const Int& v, const Params& p) {
  const Int zero_point = p.zero_point;
  return static_cast<long long>(clamp(v, p.lo - zero_point, p.hi - zero_point) + zero_point);
}

// Two's complement wrap to 32 bits: the representative of v modulo 2^32 in [-2^31, 2^31).
Int wrap32(const Int& v) { return v - pow2(32) * round_floor({v + pow2(31), pow2(32)}); }

Int saturate32(const Int& v) { return v < kInt32Min ? Int(kInt32Min) : v > kInt32Max ? Int(kInt32Max) : v; }

// acc * multiplier / 2^shift, exactly.
Rational product_over_pow2(const Int& acc, const Params& p) { return times_pow2({acc * p.multiplier, 1}, -p.shift); }

// The 31-bit split of a total shift that TFLite's family makes: left = max(31 - total, 0) before the
// multiply, right = max(total - 31, 0) after it.
int left_part(int total_shift) { return std::max(31 - total_shift, 0); }
int right_part(int total_shift) { return std::max(total_shift - 31, 0); }
Int shifted_left(long long acc, const Params& p) { return acc * pow2(left_part(p.shift)); }

// Double rounding: half-up at bit 31 (SRDHM), then half-away on the remaining right shift.
Int double_rounding(const Int& x, const Params& p) {
  const Int high = round_half_up(times_pow2({x * p.multiplier, 1}, -31));
  return round_half_away(times_pow2({high, 1}, -right_part(p.shift)));
}

// ---------------------------------------------------------------------------------------------------------
// Real scales, and how a mantissa and a shift are made from one.

struct Scales {
  Rational input, weight, output;  // exact values of three float32 numbers
  bool per_channel;
  bool float16;
};
using Scale = std::optional<Rational>;  // empty: an operation overflowed

Scale finite(const Rational& r, const Format& f) { return is_infinite(r, f) ? Scale() : Scale(r); }

// float_f(float_f(input * weight) / output): every operation rounded to one format.
Scale scale_in(const Scales& s, const Format& f) {
  const Scale product = finite(rounded(s.input * s.weight, f), f);
  return product ? finite(rounded(*product / s.output, f), f) : Scale();
}

Scale double_scale(const Scales& s) { return scale_in(s, kFloat64); }
Scale float32_scale(const Scales& s) { return scale_in(s, kFloat32); }

// double(float32(input * weight)) / double(output).
Scale float32_product_scale(const Scales& s) {
  const Scale product = finite(rounded(s.input * s.weight, kFloat32), kFloat32);
  return product ? finite(rounded(*product / s.output, kFloat64), kFloat64) : Scale();
}

// TFLite, CMSIS-NN and Vela form per-channel scales in double, per-tensor ones from a float32 product.
Scale tflite_scale(const Scales& s) { return s.per_channel ? double_scale(s) : float32_product_scale(s); }

Encoding refusal() { return {.refused = true}; }
Encoding stored(long long multiplier, int shift) { return {.multiplier = multiplier, .shift = shift}; }

// Rules of a multiplier field. |scale| = f * 2^e with 1/2 <= f < 1 becomes round(f * 2^bits) / 2^(bits - e).
struct Field {
  int bits;
  Int (*round)(const Rational&);
  bool renormalise;  // a mantissa that rounds up to 2^bits is halved and the shift lowered by one
  int min_shift, max_shift;
  int zero_shift = -1;           // >= 0: a scale too small becomes (0, zero_shift); otherwise it is refused
  bool zero_when_large = false;  // the same for a scale too large
  bool allow_negative = false;
};

Encoding encode_field(const Scale& scale, const Field& field) {
  const Encoding zero = field.zero_shift >= 0 ? stored(0, field.zero_shift) : refusal();
  if (!scale || (scale->num < 0 && !field.allow_negative)) return refusal();
  if (scale->num == 0) return zero;
  int shift = field.bits - (floor_log2(*scale) + 1);
  Int mantissa = field.round(times_pow2(*scale, shift));
  if (field.renormalise && abs(mantissa) == pow2(field.bits)) {
    mantissa /= 2;
    --shift;
  }
  if (shift > field.max_shift) return zero;
  if (shift < field.min_shift) return field.zero_when_large ? zero : refusal();
  return stored(static_cast<long long>(mantissa), shift);
}

Encoding encode_float(const Scale& scale) {
  if (!scale || scale->num < 0) return refusal();
  return {.is_float = true, .scale = to_double(*scale)};
}

// ---------------------------------------------------------------------------------------------------------
// TFLite / TFLM reference, default build; CMSIS-NN default.
//   x = acc << left;  h = half-up(x * m / 2^31);  r = half-away(h / 2^right);  clamp(r + zp)
// The left shift and the zero point add are plain int32 operations, undefined when they overflow.

Int tflite_double_scaled(long long acc, const Params& p) { return double_rounding(shifted_left(acc, p), p); }

long long tflite_double(long long acc, const Params& p) {
  return clamp_output(tflite_double_scaled(acc, p) + p.zero_point, p);
}

bool double_build_domain(long long acc, const Params& p) {
  return plain(p) && is_int32(acc) && is_int32(p.multiplier) && inside(p.shift, 1, 62) &&
         fits_int32(shifted_left(acc, p)) && fits_int32(tflite_double_scaled(acc, p) + p.zero_point);
}

bool tflite_double_domain(long long acc, const Params& p) { return p.multiplier >= 0 && double_build_domain(acc, p); }

// CMSIS-NN takes any int32 multiplier but does not saturate INT_MIN * INT_MIN.
bool cmsis_double_domain(long long acc, const Params& p) {
  return double_build_domain(acc, p) && !(p.multiplier == kInt32Min && shifted_left(acc, p) == Int(kInt32Min));
}

// frexp, mantissa half-away, 2^31 renormalised, total shift 1..62, smaller scales flush to (0, 31).
constexpr Field kTfliteField{31, round_half_away, true, 1, 62, 31};

Encoding encode_tflite_double(const Scales& s) { return encode_field(tflite_scale(s), kTfliteField); }

// ---------------------------------------------------------------------------------------------------------
// TFLite / TFLM with TFLITE_SINGLE_ROUNDING; CMSIS-NN with CMSIS_NN_USE_SINGLE_ROUNDING.
//   r = half-up(acc * m / 2^s) in int64;  clamp(r + zp)

Int single_scaled(long long acc, const Params& p) { return round_half_up(product_over_pow2(acc, p)); }

long long half_up_then_zero_point(long long acc, const Params& p) {
  return clamp_output(single_scaled(acc, p) + p.zero_point, p);
}

// TFLite asserts that r fits int32.
bool tflite_single_domain(long long acc, const Params& p) {
  return plain(p) && is_int32(acc) && inside(p.multiplier, 0, kInt32Max) && inside(p.shift, 1, 62) &&
         fits_int32(single_scaled(acc, p)) && fits_int32(single_scaled(acc, p) + p.zero_point);
}

// The CMSIS-NN vector build multiplies (floor at bit 31) after a 32-bit pre-shift and rounds in a right
// shift of at least one, so its pre-shift is max(32 - s, 0). Where that overflows the two builds differ.
bool cmsis_single_domain(long long acc, const Params& p) {
  return tflite_single_domain(acc, p) && fits_int32(acc * pow2(32 - p.shift));
}

// As the double build, but scales from 2^30 on become the greatest pair, (2^31 - 1, 1).
Encoding encode_tflite_single(const Scales& s) {
  const Scale scale = tflite_scale(s);
  const Encoding result = encode_field(scale, kTfliteField);
  const bool too_large = result.refused && scale && scale->num > 0;
  return too_large ? stored(kInt32Max, 1) : result;
}

// ---------------------------------------------------------------------------------------------------------
// TFLite int16x8 path (int64 accumulator of 48 bits), multiplier already reduced to 16 bits.
//   r = half-up(acc * m / 2^s), s = 15 - tflite shift, 8..46;  must fit int32;  clamp(r + zp)

bool int16_field_domain(long long acc, const Params& p) {
  return plain(p) && is_int48(acc) && inside(p.multiplier, 0, 0x7FFF) && inside(p.shift, 8, 46);
}

bool tflite_int16_domain(long long acc, const Params& p) {
  return int16_field_domain(acc, p) && fits_int32(single_scaled(acc, p)) &&
         fits_int32(single_scaled(acc, p) + p.zero_point);
}

// CMSIS-NN s64: the 64 -> 32 bit narrowing (it wraps) comes before the last + 1.
//   q = wrap32(floor(acc * m / 2^(s-1)));  r = floor((q + 1) / 2);  clamp(r + zp)
Int cmsis_int16_narrowed(long long acc, const Params& p) {
  return wrap32(round_floor(times_pow2({Int(acc) * p.multiplier, 1}, 1 - p.shift)));
}

Int cmsis_int16_scaled(long long acc, const Params& p) { return round_floor({cmsis_int16_narrowed(acc, p) + 1, 2}); }

long long cmsis_int16(long long acc, const Params& p) {
  return clamp_output(cmsis_int16_scaled(acc, p) + p.zero_point, p);
}

// q + 1 is an int32 addition.
bool cmsis_int16_domain(long long acc, const Params& p) {
  return int16_field_domain(acc, p) && cmsis_int16_narrowed(acc, p) < kInt32Max &&
         fits_int32(cmsis_int16_scaled(acc, p) + p.zero_point);
}

// The 31-bit multiplier reduced to half-up(m / 2^16), capped at 0x7FFF; total shift 16 lower. TFLite shifts
// -31..7 only, i.e. totals 24..62 before and 8..46 after the reduction; smaller scales flush to (0, 15).
Encoding encode_tflite_int16(const Scales& s) {
  const Encoding full = encode_field(tflite_scale(s), {31, round_half_away, true, 24, 62, 31});
  if (full.refused) return full;
  if (full.multiplier == 0) return stored(0, 15);
  const Int reduced = round_half_up({full.multiplier, 65536});
  return stored(static_cast<long long>(clamp(reduced, 0, 0x7FFF)), full.shift - 16);
}

// ---------------------------------------------------------------------------------------------------------
// gemmlowp OutputStageQuantizeDownInt32ByFixedPoint (right shift 0..31) and
// OutputStageScaleInt32ByFixedPointAndExponent (left shift done in int64, saturating to int32).
//   x = saturate32(acc << left);  h = half-up(x * m / 2^31), saturated for INT_MIN * INT_MIN;
//   r = half-away(h / 2^right);  r + offset in int32;  saturating cast

Int gemmlowp_scaled(long long acc, const Params& p) {
  const Int x = saturate32(shifted_left(acc, p));
  const Int high = saturate32(round_half_up(times_pow2({x * p.multiplier, 1}, -31)));
  return round_half_away(times_pow2({high, 1}, -right_part(p.shift)));
}

long long gemmlowp_saturating(long long acc, const Params& p) {
  return clamp_output(gemmlowp_scaled(acc, p) + p.zero_point, p);
}

bool gemmlowp_exponent_domain(long long acc, const Params& p) {
  return plain(p) && is_int32(acc) && is_int32(p.multiplier) && inside(p.shift, 1, 62) &&
         fits_int32(gemmlowp_scaled(acc, p) + p.zero_point);
}

bool gemmlowp_fixedpoint_domain(long long acc, const Params& p) {
  return p.shift >= 31 && gemmlowp_exponent_domain(acc, p);
}

Encoding encode_gemmlowp_exponent(const Scales& s) {
  return encode_field(double_scale(s), {31, round_half_away, true, 1, 62, 31});
}

// This older stage shifts right by 0..31 only and flushes nothing.
Encoding encode_gemmlowp_fixedpoint(const Scales& s) {
  return encode_field(double_scale(s), {31, round_half_away, true, 31, 62});
}

// gemmlowp legacy QuantizeDownInt32ToUint8Scale: the offset is added before an int32 (wrapping) multiply.
//   w = wrap32(wrap32(acc + zp) * m);  clamp(half-away(w / 2^s)), s 0..31

long long gemmlowp_legacy(long long acc, const Params& p) {
  const Int product = wrap32(wrap32(Int(acc) + p.zero_point) * p.multiplier);
  return clamp_output(round_half_away(times_pow2({product, 1}, -p.shift)), p);
}

bool gemmlowp_legacy_domain(long long acc, const Params& p) {
  return plain(p) && is_int32(acc) && is_int32(p.multiplier) && inside(p.shift, 0, 31);
}

Encoding encode_gemmlowp_legacy(const Scales& s) {
  return encode_field(double_scale(s), {8, round_half_away, true, 0, 31});
}

// ---------------------------------------------------------------------------------------------------------
// HAWQ-V3 in exact integers, one rounding, no zero point.
//   clamp(half-even(acc * m / 2^e)), 0 <= m <= 2^31

Int half_even_scaled(long long acc, const Params& p) { return round_half_even(product_over_pow2(acc, p)); }

long long half_even(long long acc, const Params& p) { return clamp_output(half_even_scaled(acc, p), p); }

bool hawq_domain(long long acc, const Params& p) {
  return plain_without_zero_point(p) && is_int32(acc) && inside(p.multiplier, 0, kInt32Max + 1) &&
         inside(p.shift, 0, 62);
}

// Decimal ROUND_HALF_UP is half-away; 2^31 is not renormalised; beyond 62 every int32 accumulator gives 0.
constexpr Field kHawqField{31, round_half_away, false, 0, 62, 31};

Encoding encode_hawq(const Scales& s) { return encode_field(float32_product_scale(s), kHawqField); }

// HAWQ-V3 PyTorch golden, I-BERT, I-ViT: the product is a float64 product, the division by 2^e is exact.
//   clamp(half-even(float64(float64(acc) * m) / 2^e))

long long torch_float64(long long acc, const Params& p) {
  const Rational product = rounded(rounded({acc, 1}, kFloat64) * rounded({p.multiplier, 1}, kFloat64), kFloat64);
  return clamp_output(round_half_even(times_pow2(product, -p.shift)), p);
}

// I-BERT and I-ViT: as above with a sign (a LayerNorm gain may be negative).
bool signed_torch_domain(long long acc, const Params& p) {
  return plain_without_zero_point(p) && is_int32(acc) && inside(p.multiplier, kInt32Min, kInt32Max + 1) &&
         inside(p.shift, 0, 62);
}

Encoding encode_signed_torch(const Scales& s) {
  Field field = kHawqField;
  field.allow_negative = true;
  return encode_field(float32_product_scale(s), field);
}

// ---------------------------------------------------------------------------------------------------------
// TVM Relay QNN; and the TVM revision that HAWQ-V3 pins.
//   q = (int64(acc) << left) * m;  r = round(q / 2^(31 + right)), which is round(acc * m / 2^s)
//   UPWARD half-up, TONEAREST half-away, TRUNCATE floor

bool tvm_int64_domain(long long acc, const Params& p, bool adds_rounding_constant) {
  if (!plain(p) || !is_int32(acc) || !inside(p.multiplier, 0, kInt32Max) || !inside(p.shift, 0, 62)) {
    return false;
  }
  const Int product = shifted_left(acc, p) * p.multiplier;
  const Int constant = adds_rounding_constant ? pow2(30 + right_part(p.shift)) : Int(0);
  return fits_int64(product) && fits_int64(product + constant);
}

// Relay v0.9 stays in int64: clamp(r + zp); UPWARD is half_up_then_zero_point.
long long half_away_then_zero_point(long long acc, const Params& p) {
  return clamp_output(round_half_away(product_over_pow2(acc, p)) + p.zero_point, p);
}

bool tvm_domain(long long acc, const Params& p) { return tvm_int64_domain(acc, p, true); }

// The HAWQ revision casts r to int32 without saturation (it wraps), then clamp(r + zp).
template <Int (*kRound)(const Rational&)>
Int hawq_tvm_cast(long long acc, const Params& p) {
  return wrap32(kRound(product_over_pow2(acc, p)));
}

template <Int (*kRound)(const Rational&)>
long long hawq_tvm(long long acc, const Params& p) {
  return clamp_output(hawq_tvm_cast<kRound>(acc, p) + p.zero_point, p);
}

template <Int (*kRound)(const Rational&)>
bool hawq_tvm_domain(long long acc, const Params& p) {
  return tvm_int64_domain(acc, p, kRound != &round_floor) && fits_int32(hawq_tvm_cast<kRound>(acc, p) + p.zero_point);
}

// std::round of the mantissa, 2^31 renormalised; shift beyond 62 becomes (0, 31).
Encoding encode_tvm(const Scales& s) {
  return encode_field(float32_product_scale(s), {31, round_half_away, true, 0, 62, 31});
}

// ---------------------------------------------------------------------------------------------------------
// HMQ (strict codes) and the Gemmini output-stationary shift: power-of-two scales, no zero point.
//   clamp(half-even(acc / 2^s)), s 0..62

bool power_of_two_domain(long long acc, const Params& p) {
  return plain_without_zero_point(p) && is_int32(acc) && p.multiplier == 1 && inside(p.shift, 0, 62);
}

Encoding encode_power_of_two(const Scales& s) {
  const Scale scale = double_scale(s);
  if (!scale || scale->num <= 0) return refusal();
  const int shift = -floor_log2(*scale);
  const bool exact_power = *scale == times_pow2({1, 1}, -shift);
  return exact_power && inside(shift, 0, 62) ? stored(1, shift) : refusal();
}

// ---------------------------------------------------------------------------------------------------------
// TOSA RESCALE scale32, SINGLE_ROUND and DOUBLE_ROUND (v is the input less its zero point).
//   round = 2^(s-1), for DOUBLE_ROUND and s > 31 also + 2^30 (v >= 0) or - 2^30 (v < 0)
//   r = floor((v * m + round) / 2^s);  clamp(r + out_zp);  -2^(s-1) <= v < 2^(s-1), s 2..62

Int tosa_scaled(long long v, const Params& p, bool double_round) {
  Int round = pow2(p.shift - 1);
  if (double_round && p.shift > 31) round += v >= 0 ? pow2(30) : Int(-pow2(30));
  return round_floor(times_pow2({Int(v) * p.multiplier + round, 1}, -p.shift));
}

template <bool kDouble>
long long tosa32(long long v, const Params& p) {
  return clamp_output(tosa_scaled(v, p, kDouble) + p.zero_point, p);
}

template <bool kDouble>
bool tosa32_domain(long long v, const Params& p) {
  return plain(p) && is_int32(v) && inside(p.multiplier, 0, kInt32Max) && inside(p.shift, 2, 62) &&
         -pow2(p.shift - 1) <= v && v < pow2(p.shift - 1) && fits_int32(tosa_scaled(v, p, kDouble)) &&
         fits_int32(tosa_scaled(v, p, kDouble) + p.zero_point);
}

// TOSA RESCALE scale16: 48-bit input, int16 multiplier, SINGLE_ROUND; the result must be an int32.
bool tosa16_domain(long long v, const Params& p) {
  return plain(p) && is_int48(v) && inside(p.multiplier, 0, 0x7FFF) && inside(p.shift, 2, 62) &&
         fits_int32(tosa_scaled(v, p, false)) && fits_int32(tosa_scaled(v, p, false) + p.zero_point);
}

// m = 2^30 * f, s = 30 + n for scale = f / 2^n, 1 <= f < 2; scale16: m = 2^14 * f, s = 14 + n.
Encoding encode_tosa32(const Scales& s) { return encode_field(double_scale(s), {31, round_half_away, true, 2, 62}); }

Encoding encode_tosa16(const Scales& s) { return encode_field(double_scale(s), {15, round_half_away, true, 2, 62}); }

// ---------------------------------------------------------------------------------------------------------
// The float32 recipes. scaled = float32(float32(acc) * scale); nearest-even to an integer at the end.

bool is_float32(double scale) { return is_finite(scale) && rounded(exact(scale), kFloat32) == exact(scale); }

Rational float32_scaled(long long acc, const Params& p) {
  return rounded(rounded({acc, 1}, kFloat32) * exact(p.scale), kFloat32);
}

bool float32_domain(long long acc, const Params& p) {
  return plain(p) && is_int32(acc) && p.scale >= 0 && is_float32(p.scale);
}

bool clamp_bounds_within(const Params& p, long long limit) {
  return -limit <= Int(p.lo) - p.zero_point && Int(p.hi) - p.zero_point <= limit;
}

// ONNX Runtime MLAS, XNNPACK fp32, QNNPACK fp32: clamp in float before rounding, zero point last.
//   nearest-even(clamp(scaled, lo - zp, hi - zp)) + zp
long long clamp_round_zero_point(long long acc, const Params& p) {
  const Rational lo = rounded({Int(p.lo) - p.zero_point, 1}, kFloat32);
  const Rational hi = rounded({Int(p.hi) - p.zero_point, 1}, kFloat32);
  const Rational scaled = float32_scaled(acc, p);
  const Rational clamped = scaled < lo ? lo : hi < scaled ? hi : scaled;
  return static_cast<long long>(round_half_even(clamped) + p.zero_point);
}

// Bounds must be exact in float32.
bool mlas_domain(long long acc, const Params& p) { return float32_domain(acc, p) && clamp_bounds_within(p, 16777216); }

// XNNPACK: 2^-32 <= scale < 256, and the + 1.5 * 2^23 way of rounding reaches to 2^22.
bool xnnpack_fp32_domain(long long acc, const Params& p) {
  return float32_domain(acc, p) && clamp_bounds_within(p, 4194304) && !(exact(p.scale) < times_pow2({1, 1}, -32)) &&
         exact(p.scale) < Rational{256, 1};
}

// FBGEMM default: clamp(zp + lrintf(scaled)). The conversion has no defined result outside int32.
Int fbgemm_rounded(long long acc, const Params& p) { return round_half_even(float32_scaled(acc, p)); }

long long fbgemm_fp32(long long acc, const Params& p) { return clamp_output(fbgemm_rounded(acc, p) + p.zero_point, p); }

bool fbgemm_fp32_domain(long long acc, const Params& p) {
  return float32_domain(acc, p) && fits_int32(fbgemm_rounded(acc, p)) &&
         fits_int32(fbgemm_rounded(acc, p) + p.zero_point);
}

// CUTLASS LinearCombinationClamp (alpha only) and Gemmini's default: nearest-even, saturate, no zero point.
long long saturating_fp32(long long acc, const Params& p) {
  return clamp_output(round_half_even(float32_scaled(acc, p)), p);
}

bool saturating_fp32_domain(long long acc, const Params& p) { return float32_domain(acc, p) && p.zero_point == 0; }

Encoding encode_fp32(const Scales& s) { return encode_float(float32_scale(s)); }

Encoding encode_xnnpack_fp32(const Scales& s) {
  const Scale scale = float32_scale(s);
  if (!scale || *scale < times_pow2({1, 1}, -32) || !(*scale < Rational{256, 1})) return refusal();
  return encode_float(scale);
}

// ONNX reference evaluator: int32 array times scale in float64, zero point added BEFORE the rounding.
//   clamp(nearest-even(float64(float64(acc * scale) + zp)))
long long onnx_reference(long long acc, const Params& p) {
  const Rational scaled = rounded(rounded({acc, 1}, kFloat64) * exact(p.scale), kFloat64);
  return clamp_output(round_half_even(rounded(scaled + Rational{p.zero_point, 1}, kFloat64)), p);
}

// x_scale * w_scale / y_scale in the type of the scales, each operation rounded.
Encoding encode_onnx_reference(const Scales& s) {
  if (!s.float16) return encode_float(float32_scale(s));
  const Scales half{rounded(s.input, kFloat16), rounded(s.weight, kFloat16), rounded(s.output, kFloat16), s.per_channel,
                    true};
  const bool usable = !is_infinite(half.input, kFloat16) && !is_infinite(half.weight, kFloat16) &&
                      !is_infinite(half.output, kFloat16) && half.output.num != 0;
  return usable ? encode_float(scale_in(half, kFloat16)) : refusal();
}

// ---------------------------------------------------------------------------------------------------------
// XNNPACK rndnu: 24-bit mantissa of the float32 scale, shift 16..55.
//   r = half-up(acc * m / 2^s);  clamp(r, lo - zp, hi - zp) + zp

long long xnnpack_rndnu(long long acc, const Params& p) { return clamp_then_zero_point(single_scaled(acc, p), p); }

// The NEON form saturates a pre-shift of max(25 - s, 0) bits (its post-shift is at least one). Where that
// shows in the output the two forms of the profile disagree.
bool xnnpack_rndnu_domain(long long acc, const Params& p) {
  if (!plain(p) || !is_int32(acc) || !inside(p.multiplier, 0, 0xFFFFFF) || !inside(p.shift, 16, 55)) {
    return false;
  }
  const int pre_shift = std::max(25 - p.shift, 0);
  const Int neon =
      round_half_up(times_pow2({saturate32(acc * pow2(pre_shift)) * p.multiplier, 1}, -(p.shift + pre_shift)));
  return clamp_then_zero_point(neon, p) == xnnpack_rndnu(acc, p);
}

// The mantissa is copied, so its rounding function never rounds.
Encoding encode_xnnpack_rndnu(const Scales& s) {
  return encode_field(float32_scale(s), {24, round_half_even, false, 16, 55});
}

// ---------------------------------------------------------------------------------------------------------
// QNNPACK q31: mantissa << 7, scale below one, total shift 31..62.
//   h = half-up(acc * m / 2^31);  r = half-away(h / 2^(s-31));  clamp(r, lo - zp, hi - zp) + zp

long long qnnpack_q31(long long acc, const Params& p) { return clamp_then_zero_point(double_rounding(acc, p), p); }

bool qnnpack_q31_domain(long long acc, const Params& p) {
  return plain(p) && is_int32(acc) && inside(p.multiplier, 0, 0x7FFFFF80) && inside(p.shift, 31, 62);
}

Encoding encode_qnnpack_q31(const Scales& s) {
  return encode_field(float32_scale(s), {31, round_half_even, false, 31, 62});
}

// QNNPACK "precise": 24-bit mantissa, shift 24..55, rounding on the magnitude.
//   r = half-away(acc * m / 2^s);  clamp(r, lo - zp, hi - zp) + zp

long long qnnpack_precise(long long acc, const Params& p) {
  return clamp_then_zero_point(round_half_away(product_over_pow2(acc, p)), p);
}

bool qnnpack_precise_domain(long long acc, const Params& p) {
  return plain(p) && is_int32(acc) && inside(p.multiplier, 0, 0xFFFFFF) && inside(p.shift, 24, 55);
}

Encoding encode_qnnpack_precise(const Scales& s) {
  return encode_field(float32_scale(s), {24, round_half_even, false, 24, 55});
}

// ---------------------------------------------------------------------------------------------------------
// FBGEMM fixed-point: int64, s 0..63 (nothing to round at s = 0).
//   clamp(half-up(acc * m / 2^s) + zp)

bool fbgemm_fixed_domain(long long acc, const Params& p) {
  return plain(p) && is_int32(acc) && inside(p.multiplier, 0, kInt32Max) && inside(p.shift, 0, 63);
}

Encoding encode_fbgemm_fixed(const Scales& s) {
  return encode_field(float32_scale(s), {31, round_half_even, true, 0, 63});
}

// ---------------------------------------------------------------------------------------------------------
// NVDLA SDP output converter: int16 multiplier, shift 0..63, the offset acts before the multiply.
//   r = half-away((acc + zp) * m / 2^s), zp = -offset;  saturate to 17 bits;  clamp

long long nvdla_sdp(long long acc, const Params& p) {
  const Int scaled = round_half_away(product_over_pow2(Int(acc) + p.zero_point, p));
  return clamp_output(clamp(scaled, -65536, 65535), p);
}

bool nvdla_sdp_domain(long long acc, const Params& p) {
  return plain(p) && is_int32(acc) && is_int32(-static_cast<long long>(p.zero_point)) &&
         inside(p.multiplier, -0x8000, 0x7FFF) && inside(p.shift, 0, 63);
}

Encoding encode_nvdla_sdp(const Scales& s) { return encode_field(double_scale(s), {15, round_half_away, true, 0, 63}); }

// ---------------------------------------------------------------------------------------------------------
// PULP-NN / XpulpNN, 64-bit build.
//   clamp(floor((acc * m + addend) / 2^s)) in int64, s 0..62

Int pulp_sum(long long acc, const Params& p) { return Int(acc) * p.multiplier + p.addend; }

long long pulp_floor(long long acc, const Params& p) {
  return clamp_output(round_floor(times_pow2({pulp_sum(acc, p), 1}, -p.shift)), p);
}

bool pulp_floor_domain(long long acc, const Params& p) {
  return p.lo <= p.hi && p.zero_point == 0 && is_int32(acc) && inside(p.shift, 0, 62) &&
         fits_int64(Int(acc) * p.multiplier) && fits_int64(pulp_sum(acc, p));
}

Encoding encode_pulp_floor(const Scales& s) {
  return encode_field(double_scale(s), {15, round_half_even, true, 0, 62});
}

// PULP-NN, 32-bit build: product and addend wrap in int32, which is then shifted by 0..31.
//   clamp(floor(wrap32(acc * m + addend) / 2^s))

long long pulp_floor32(long long acc, const Params& p) {
  return clamp_output(round_floor(times_pow2({wrap32(pulp_sum(acc, p)), 1}, -p.shift)), p);
}

bool pulp_floor32_domain(long long acc, const Params& p) {
  return p.lo <= p.hi && p.zero_point == 0 && is_int32(acc) && is_int32(p.multiplier) && is_int32(p.addend) &&
         inside(p.shift, 0, 31);
}

// NEMO: D = 2^ceil(log2(32 / scale)), m = nearest-even(D * scale), which is 32..64.
Encoding encode_pulp_floor32(const Scales& s) {
  return encode_field(double_scale(s), {6, round_half_even, false, 0, 31});
}

// NEMO / DORY golden: floor division in int64.
//   clamp(floor(acc * m / D)), D = 2^s

bool nemo_domain(long long acc, const Params& p) { return plain(p) && pulp_floor_domain(acc, p); }

Encoding encode_nemo(const Scales& s) { return encode_field(double_scale(s), {6, round_half_even, false, 0, 62}); }

// ---------------------------------------------------------------------------------------------------------
// Vela / Ethos-U: unsigned 32-bit scale, shift 0..63, + ofm zero point, clamp.
//   TFL half-away(half-up(acc * m / 2^31) / 2^(s-31)), below s = 31 with a left shift first;
//   NATURAL half-up(acc * m / 2^s);  TRUNCATE toward zero

template <Int (*kRound)(const Rational&)>
Int vela_single_scaled(long long acc, const Params& p) {
  return kRound(product_over_pow2(acc, p));
}

template <Int (*kScaled)(long long, const Params&)>
long long vela(long long acc, const Params& p) {
  return clamp_output(kScaled(acc, p) + p.zero_point, p);
}

// The hardware is closed: only values that stay in int32 at every step are predictable.
template <Int (*kScaled)(long long, const Params&)>
bool vela_domain(long long acc, const Params& p) {
  return plain(p) && is_int32(acc) && inside(p.multiplier, 0, 0xFFFFFFFFLL) && inside(p.shift, 0, 63) &&
         fits_int32(kScaled(acc, p)) && fits_int32(kScaled(acc, p) + p.zero_point);
}

bool vela_tfl_domain(long long acc, const Params& p) {
  const Int x = shifted_left(acc, p);
  const Int high = round_half_up(times_pow2({x * p.multiplier, 1}, -31));
  return vela_domain<tflite_double_scaled>(acc, p) && fits_int32(high) &&
         (p.multiplier == 0 || fits_int32(x));  // (0, 16) is the pair of a scale out of range
}

// Mantissa half-away, 2^31 kept; any shift outside 0..63 becomes (0, 16).
Encoding encode_vela(const Scales& s) {
  return encode_field(tflite_scale(s), {31, round_half_away, false, 0, 63, 16, true});
}

// ---------------------------------------------------------------------------------------------------------
// The table of profiles, sorted by id.

struct Profile {
  std::string_view id;
  RequantizeFn requantize;
  DomainFn in_domain;
  Encoding (*encode)(const Scales&);
};

constexpr auto vela_natural_scaled = vela_single_scaled<round_half_up>;
constexpr auto vela_truncate_scaled = vela_single_scaled<round_truncate>;

constexpr Profile kProfiles[] = {
    {"cmsis-nn/double", tflite_double, cmsis_double_domain, encode_tflite_double},
    {"cmsis-nn/int16", cmsis_int16, cmsis_int16_domain, encode_tflite_int16},
    {"cmsis-nn/single", half_up_then_zero_point, cmsis_single_domain, encode_tflite_single},
    {"cutlass/fp32", saturating_fp32, saturating_fp32_domain, encode_fp32},
    {"fbgemm/fixed", half_up_then_zero_point, fbgemm_fixed_domain, encode_fbgemm_fixed},
    {"fbgemm/fp32", fbgemm_fp32, fbgemm_fp32_domain, encode_fp32},
    {"gemmini/fp32", saturating_fp32, saturating_fp32_domain, encode_fp32},
    {"gemmini/shift", half_even, power_of_two_domain, encode_power_of_two},
    {"gemmlowp/exponent", gemmlowp_saturating, gemmlowp_exponent_domain, encode_gemmlowp_exponent},
    {"gemmlowp/fixedpoint", gemmlowp_saturating, gemmlowp_fixedpoint_domain, encode_gemmlowp_fixedpoint},
    {"gemmlowp/legacy", gemmlowp_legacy, gemmlowp_legacy_domain, encode_gemmlowp_legacy},
    {"hawq-v3/exact", half_even, hawq_domain, encode_hawq},
    {"hawq-v3/torch", torch_float64, hawq_domain, encode_hawq},
    {"hawq-v3/tvm", hawq_tvm<round_half_away>, hawq_tvm_domain<round_half_away>, encode_tvm},
    {"hawq-v3/tvm-truncate", hawq_tvm<round_floor>, hawq_tvm_domain<round_floor>, encode_tvm},
    {"hawq-v3/tvm-upward", hawq_tvm<round_half_up>, hawq_tvm_domain<round_half_up>, encode_tvm},
    {"hmq/strict", half_even, power_of_two_domain, encode_power_of_two},
    {"i-bert/torch", torch_float64, signed_torch_domain, encode_signed_torch},
    {"i-vit/torch", torch_float64, signed_torch_domain, encode_signed_torch},
    {"nemo/floor", pulp_floor, nemo_domain, encode_nemo},
    {"nvdla/sdp", nvdla_sdp, nvdla_sdp_domain, encode_nvdla_sdp},
    {"onnx/mlas", clamp_round_zero_point, mlas_domain, encode_fp32},
    {"onnx/reference", onnx_reference, float32_domain, encode_onnx_reference},
    {"pulp-nn/floor", pulp_floor, pulp_floor_domain, encode_pulp_floor},
    {"pulp-nn/floor32", pulp_floor32, pulp_floor32_domain, encode_pulp_floor32},
    {"qnnpack/fp32", clamp_round_zero_point, mlas_domain, encode_fp32},
    {"qnnpack/precise", qnnpack_precise, qnnpack_precise_domain, encode_qnnpack_precise},
    {"qnnpack/q31", qnnpack_q31, qnnpack_q31_domain, encode_qnnpack_q31},
    {"tflite/double", tflite_double, tflite_double_domain, encode_tflite_double},
    {"tflite/int16", half_up_then_zero_point, tflite_int16_domain, encode_tflite_int16},
    {"tflite/single", half_up_then_zero_point, tflite_single_domain, encode_tflite_single},
    {"tosa-1.0/double", tosa32<true>, tosa32_domain<true>, encode_tosa32},
    {"tosa-1.0/scale16", tosa32<false>, tosa16_domain, encode_tosa16},
    {"tosa-1.0/single", tosa32<false>, tosa32_domain<false>, encode_tosa32},
    {"tvm/tonearest", half_away_then_zero_point, tvm_domain, encode_tvm},
    {"tvm/upward", half_up_then_zero_point, tvm_domain, encode_tvm},
    {"vela/natural", vela<vela_natural_scaled>, vela_domain<vela_natural_scaled>, encode_vela},
    {"vela/tfl", vela<tflite_double_scaled>, vela_tfl_domain, encode_vela},
    {"vela/truncate", vela<vela_truncate_scaled>, vela_domain<vela_truncate_scaled>, encode_vela},
    {"xnnpack/fp32", clamp_round_zero_point, xnnpack_fp32_domain, encode_xnnpack_fp32},
    {"xnnpack/rndnu", xnnpack_rndnu, xnnpack_rndnu_domain, encode_xnnpack_rndnu},
};

const Profile& find(const std::string& id) {
  const auto* const at = std::lower_bound(std::begin(kProfiles), std::end(kProfiles), id,
                                          [](const Profile& a, const std::string& b) { return a.id < b; });
  if (at == std::end(kProfiles) || at->id != id) throw std::invalid_argument("oracle: no profile " + id);
  return *at;
}

}  // namespace

std::vector<std::string> profiles() {
  std::vector<std::string> ids;
  for (const Profile& profile : kProfiles) ids.emplace_back(profile.id);
  return ids;
}

long long requantize(const std::string& profile, long long acc, const Params& p) {
  return find(profile).requantize(acc, p);
}

bool in_domain(const std::string& profile, long long acc, const Params& p) { return find(profile).in_domain(acc, p); }

Encoding encode(const std::string& profile, float scale_input, float scale_weight, float scale_output, bool per_channel,
                bool scales_are_float16) {
  const Profile& found = find(profile);
  const bool usable =
      is_finite(scale_input) && is_finite(scale_weight) && is_finite(scale_output) && exact(scale_output).num != 0;
  if (!usable) return refusal();
  return found.encode({exact(scale_input), exact(scale_weight), exact(scale_output), per_channel, scales_are_float16});
}

RequantizeFn requantizer(const std::string& profile) { return find(profile).requantize; }
DomainFn domain_checker(const std::string& profile) { return find(profile).in_domain; }

}  // namespace oracle
