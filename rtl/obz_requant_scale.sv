// From the product to the output: one or two roundings, zero point, clamp. S7 (its register) to S11 of
// docs/semantics.md.
module obz_requant_scale (
  input  logic signed [63:0] product_i,
  input  logic        [ 5:0] shift_i,
  input  logic signed [31:0] zero_point_i,
  input  logic signed [63:0] lo_i,
  input  logic signed [63:0] hi_i,
  input  logic        [ 2:0] rounding_i,
  input  logic        [ 5:0] first_bits_i,
  input  logic        [ 2:0] first_rounding_i,
  input  logic        [ 1:0] first_overflow_i,
  input  logic        [ 6:0] product_bits_i,
  input  logic        [ 6:0] scaled_bits_i,
  input  logic        [ 1:0] scaled_overflow_i,
  input  logic               zero_point_first_i,
  input  logic               clamp_first_i,
  output logic signed [63:0] out_o
);
  logic signed [63:0] late;
  logic        [ 5:0] total_shift, last_shift;
  assign late        = zero_point_first_i ? 64'sd0 : 64'(zero_point_i);
  assign total_shift = shift_i < first_bits_i ? first_bits_i : shift_i;
  assign last_shift  = total_shift - first_bits_i;

  // S7: the register of the product
  logic signed [63:0] product;
  obz_narrow u_product (
    .value_i(product_i), .bits_i(product_bits_i), .overflow_i(obz_pkg::OverflowWrap), .result_o(product)
  );

  // S8: stage one
  logic signed [63:0] first_rounded, first_kept, first;
  obz_round_shift u_first (
    .value_i(product), .shift_i(first_bits_i), .rounding_i(first_rounding_i), .result_o(first_rounded)
  );
  obz_narrow u_first_kept (
    .value_i(first_rounded), .bits_i(7'd32), .overflow_i(first_overflow_i), .result_o(first_kept)
  );
  assign first = first_bits_i != 6'd0 ? first_kept : product;

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
