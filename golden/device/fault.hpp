// What can be wrong with a device: a wire of its pipeline damaged, or a part of it built otherwise. Mutation scores,
// explanations of layers and the engine `faulty:NAME` are all made of these.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "ref/arith/names.hpp"

namespace obz {

/// The wires of a layer in the order of the data: the sum, then its requantizer.
enum class Wire : std::uint8_t {
  none,
  x,           ///< activation as read; add: operand a
  w,           ///< weight as read, or the second operand
  product,     ///< of one pair of operands, zero points removed
  partial,     ///< running sum after each addition: of products, of pooled values, of the two branches
  bias,        ///< as read
  acc,         ///< what enters the requantizer
  multiplier,  ///< as read
  shift,       ///< as read
  scaling,     ///< acc * multiplier
  rounding,    ///< the value after the last rounding; as an adder: the increment of the rounding
  zero_point,  ///< as read
  sum,         ///< with the zero point, before the clamp
  out,         ///< after the clamp
};

/// What happens to the word on a wire. `bit` as said.
enum class Damage : std::uint8_t {
  none,
  stuck_0,     ///< bit `bit` is always 0
  stuck_1,     ///< bit `bit` is always 1
  wraps,       ///< keeps `bit` bits, sign-extended
  saturates,   ///< to a signed register of `bit` bits
  unsign,      ///< keeps `bit` bits, zero-extended: a missing sign extension
  lost_carry,  ///< partial, rounding, sum: the adder never carries into bit `bit`
  plus_one,
  minus_one,
  negated,
  cleared,
};

/// A part built otherwise. Names say what the device does.
enum class Quirk : std::uint8_t {
  none,
  // rounding
  round_floor,
  round_trunc,
  round_half_up,
  round_half_away,
  round_half_even,
  constant_half_minus_one,
  constant_half_plus_one,
  constant_quarter,
  constant_one,
  first_stage_added,
  first_stage_dropped,
  first_stage_floor,
  first_stage_wraps,
  // multiplier and shift
  multiplier_previous,
  multiplier_next,
  multiplier_of_first,
  multiplier_8_bits,
  multiplier_16_bits,
  multiplier_16_truncated,
  multiplier_24_truncated,
  multiplier_signed,
  float32_scale,
  shift_one_more,
  shift_one_less,
  shift_previous,
  shift_next,
  shift_modulo_16,
  shift_modulo_32,
  shift_logical,
  // zero point and clamp
  zero_point_missing,
  zero_point_negated,
  zero_point_before_rounding,
  zero_point_before_scaling,
  zero_point_previous,
  zero_point_unsigned,
  clamp_before_zero_point,
  clamp_type_only,
  clamp_wraps,
  clamp_ignores_lo,
  clamp_ignores_hi,
  clamp_lo_one_up,
  clamp_hi_one_down,
  clamp_symmetric,
  clamp_lo_at_zero,
  // operands
  x_other_sign,
  w_other_sign,
  x_pairs_swapped,
  w_pairs_swapped,
  x_zero_point_missing,
  w_zero_point_missing,
  x_zero_point_negated,
  x_zero_point_one_more,
  operands_swapped,
  subtracts,
  left_shift_one_less,
  // filter and window
  filter_transposed,
  filter_flipped,
  filter_previous,
  filter_next,
  drop_first_k,
  drop_last_k,
  drop_tail_of_2,
  drop_tail_of_4,
  drop_tail_of_8,
  drop_tail_of_16,
  drop_tail_of_32,
  pad_raw_zero,
  pad_edge,
  window_one_up,
  window_one_left,
  stride_one,
  dilation_one,
  count_all,
  count_inside,
  // sum
  pairs_saturate_16,
  register_saturates,
  register_wraps,
  bias_missing,
  bias_previous,
  bias_next,
  bias_negated,
  bias_twice,
  bias_16_bits,
  bias_after_rounding,
  // outputs
  output_zero,
  output_zero_point,
  output_minimum,
  output_stale,
  output_pairs_swapped,
  output_last_missing,
  output_transposed,
};

template <>
struct EnumNames<Wire> {
  static constexpr std::array<std::string_view, 14> values{"none",     "x",          "w",          "product", "partial",
                                                           "bias",     "acc",        "multiplier", "shift",   "scaling",
                                                           "rounding", "zero-point", "sum",        "out"};
};
template <>
struct EnumNames<Damage> {
  static constexpr std::array<std::string_view, 11> values{"none",      "stuck0",   "stuck1",     "wraps",
                                                           "saturates", "unsigned", "lost-carry", "plus-one",
                                                           "minus-one", "negated",  "cleared"};
};
template <>
struct EnumNames<Quirk> {
  static constexpr std::array<std::string_view, 92> values{"none",
                                                           "round-floor",
                                                           "round-trunc",
                                                           "round-half-up",
                                                           "round-half-away",
                                                           "round-half-even",
                                                           "constant-half-minus-one",
                                                           "constant-half-plus-one",
                                                           "constant-quarter",
                                                           "constant-one",
                                                           "first-stage-added",
                                                           "first-stage-dropped",
                                                           "first-stage-floor",
                                                           "first-stage-wraps",
                                                           "multiplier-previous",
                                                           "multiplier-next",
                                                           "multiplier-of-first",
                                                           "multiplier-8-bits",
                                                           "multiplier-16-bits",
                                                           "multiplier-16-truncated",
                                                           "multiplier-24-truncated",
                                                           "multiplier-signed",
                                                           "float32-scale",
                                                           "shift-one-more",
                                                           "shift-one-less",
                                                           "shift-previous",
                                                           "shift-next",
                                                           "shift-modulo-16",
                                                           "shift-modulo-32",
                                                           "shift-logical",
                                                           "zero-point-missing",
                                                           "zero-point-negated",
                                                           "zero-point-before-rounding",
                                                           "zero-point-before-scaling",
                                                           "zero-point-previous",
                                                           "zero-point-unsigned",
                                                           "clamp-before-zero-point",
                                                           "clamp-type-only",
                                                           "clamp-wraps",
                                                           "clamp-ignores-lo",
                                                           "clamp-ignores-hi",
                                                           "clamp-lo-one-up",
                                                           "clamp-hi-one-down",
                                                           "clamp-symmetric",
                                                           "clamp-lo-at-zero",
                                                           "x-other-sign",
                                                           "w-other-sign",
                                                           "x-pairs-swapped",
                                                           "w-pairs-swapped",
                                                           "x-zero-point-missing",
                                                           "w-zero-point-missing",
                                                           "x-zero-point-negated",
                                                           "x-zero-point-one-more",
                                                           "operands-swapped",
                                                           "subtracts",
                                                           "left-shift-one-less",
                                                           "filter-transposed",
                                                           "filter-flipped",
                                                           "filter-previous",
                                                           "filter-next",
                                                           "drop-first-k",
                                                           "drop-last-k",
                                                           "drop-tail-of-2",
                                                           "drop-tail-of-4",
                                                           "drop-tail-of-8",
                                                           "drop-tail-of-16",
                                                           "drop-tail-of-32",
                                                           "pad-raw-zero",
                                                           "pad-edge",
                                                           "window-one-up",
                                                           "window-one-left",
                                                           "stride-one",
                                                           "dilation-one",
                                                           "count-all",
                                                           "count-inside",
                                                           "pairs-saturate-16",
                                                           "register-saturates",
                                                           "register-wraps",
                                                           "bias-missing",
                                                           "bias-previous",
                                                           "bias-next",
                                                           "bias-negated",
                                                           "bias-twice",
                                                           "bias-16-bits",
                                                           "bias-after-rounding",
                                                           "output-zero",
                                                           "output-zero-point",
                                                           "output-minimum",
                                                           "output-stale",
                                                           "output-pairs-swapped",
                                                           "output-last-missing",
                                                           "output-transposed"};
};

/// One thing that is wrong. Either a quirk or a damaged wire.
struct Fault {
  Quirk quirk = Quirk::none;
  Wire wire = Wire::none;
  Damage damage = Damage::none;
  std::int8_t bit = 0;
  std::int8_t unit = 0;  ///< which requantizer: 0 the one of the output, 1.. of operand 1.. (add, concat)

  friend bool operator==(const Fault&, const Fault&) = default;
};

/// True when the fault is in the requantizer: it changes what an accumulator becomes, not the accumulator.
bool in_requantizer(const Fault& fault);
/// True when it only moves or overwrites finished outputs.
bool in_outputs(const Fault& fault);

/// "partial-lost-carry-12", "round-half-even", "2:multiplier-8-bits" (of operand 2).
std::string name_of(const Fault& fault);
/// The fault of that name; Error listing near ones.
Fault parse_fault(const std::string& name);

/// The word as it leaves a wire.
std::int64_t damaged(const Fault& fault, Wire wire, std::int64_t word);

/// a + b through an adder on that wire.
std::int64_t added(const Fault& fault, Wire wire, std::int64_t a, std::int64_t b);

}  // namespace obz
