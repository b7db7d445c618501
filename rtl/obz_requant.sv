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
  logic signed [63:0] operand, product;

  obz_requant_operand u_operand (
    .acc_i(64'(acc_i)), .shift_i, .zero_point_i, .first_bits_i, .left_overflow_i, .zero_point_first_i,
    .operand_o(operand)
  );

  // S7: the product
  assign product = operand * 64'(multiplier_i) + addend_i;

  obz_requant_scale u_scale (
    .product_i(product), .shift_i, .zero_point_i, .lo_i, .hi_i, .rounding_i, .first_bits_i, .first_rounding_i,
    .first_overflow_i, .product_bits_i, .scaled_bits_i, .scaled_overflow_i, .zero_point_first_i, .clamp_first_i, .out_o
  );
endmodule
