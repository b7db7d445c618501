// Dyadic requantization of one accumulator, every recipe of the catalogue that is integer: S6 to S12 of
// docs/semantics.md. Combinational; the recipe stands on ports, so a fixed one is this with constants.
//
// Requires |acc * multiplier + addend| < 2^63 and lo <= hi. A zero point that joins before the rounding (float recipes
// alone have it) is not here.
module obz_requant #(
  parameter int unsigned AccW = 64,
  parameter int unsigned MulW = 34
) (
  input  logic signed [AccW-1:0] acc_i,
  // of the channel
  input  logic signed [MulW-1:0] multiplier_i,
  input  logic        [     5:0] shift_i,
  input  logic signed [    63:0] addend_i,
  input  logic signed [    31:0] zero_point_i,
  input  logic signed [    63:0] lo_i,
  input  logic signed [    63:0] hi_i,
  // of the recipe
  input  logic        [     2:0] rounding_i,
  input  logic        [     5:0] first_bits_i,        // 0: one stage
  input  logic        [     2:0] first_rounding_i,
  input  logic        [     1:0] first_overflow_i,
  input  logic        [     1:0] left_overflow_i,
  input  logic        [     6:0] product_bits_i,
  input  logic        [     6:0] scaled_bits_i,
  input  logic        [     1:0] scaled_overflow_i,
  input  logic                   zero_point_first_i,  // joins the accumulator
  input  logic                   clamp_first_i,       // the clamp stands before the zero point

  output logic signed [    63:0] out_o
);
  logic signed [63:0] zero_point, early, late;
  assign zero_point = 64'(zero_point_i);
  assign early      = zero_point_first_i ? zero_point : 64'sd0;
  assign late       = zero_point_first_i ? 64'sd0 : zero_point;

  // S6: what enters the multiplier
  logic signed [63:0] joined, shifted, left_kept, operand;
  logic               shifts_left;
  logic        [ 5:0] left, total_shift;
  assign joined      = 64'(acc_i) + early;
  assign shifts_left = shift_i < first_bits_i;
  assign left        = shifts_left ? first_bits_i - shift_i : 6'd0;
  assign total_shift = shifts_left ? first_bits_i : shift_i;
  assign shifted     = joined <<< left;
  obz_narrow u_left (.value_i(shifted), .bits_i(7'd32), .overflow_i(left_overflow_i), .result_o(left_kept));
  assign operand = shifts_left ? left_kept : joined;

  // S7: the product
  logic signed [63:0] whole_product, product;
  assign whole_product = operand * 64'(multiplier_i) + addend_i;
  obz_narrow u_product (
    .value_i(whole_product), .bits_i(product_bits_i), .overflow_i(obz_pkg::OverflowWrap), .result_o(product)
  );

  // S8: stage one
  logic signed [63:0] first_rounded, first_kept, first;
  logic        [ 5:0] last_shift;
  obz_round_shift u_first (
    .value_i(product), .shift_i(first_bits_i), .rounding_i(first_rounding_i), .result_o(first_rounded)
  );
  obz_narrow u_first_kept (
    .value_i(first_rounded), .bits_i(7'd32), .overflow_i(first_overflow_i), .result_o(first_kept)
  );
  assign first      = first_bits_i != 6'd0 ? first_kept : product;
  assign last_shift = total_shift - first_bits_i;

  // S9: the last rounding
  logic signed [63:0] rounded, scaled;
  obz_round_shift u_last (.value_i(first), .shift_i(last_shift), .rounding_i(rounding_i), .result_o(rounded));
  obz_narrow u_scaled (
    .value_i(rounded), .bits_i(scaled_bits_i), .overflow_i(scaled_overflow_i), .result_o(scaled)
  );

  // S10 and S11: zero point and clamp, in either order
  logic signed [63:0] sum, low, high, clamp_in, clamped;
  logic        [ 6:0] sum_bits;
  assign sum_bits = scaled_bits_i < 7'd32 ? 7'd32 : scaled_bits_i;
  obz_narrow u_sum (
    .value_i(scaled + late), .bits_i(sum_bits), .overflow_i(scaled_overflow_i), .result_o(sum)
  );
  assign clamp_in = clamp_first_i ? scaled : sum;
  assign low      = clamp_first_i ? lo_i - late : lo_i;
  assign high     = clamp_first_i ? hi_i - late : hi_i;
  assign clamped  = clamp_in < low ? low : clamp_in > high ? high : clamp_in;
  assign out_o    = clamp_first_i ? clamped + late : clamped;
endmodule
