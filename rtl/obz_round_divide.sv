// round(value / count) without a divider: the quotient of |value| by multiply and shift with a reciprocal from outside,
// the remainder by one more multiplication, the rounding from the remainder. S5 of docs/semantics.md; combinational.
//
// Requires |value| <= 2^31 and a reciprocal m = ceil(2^shift / count) <= 2^32 that is exact there: with
// e = m * count - 2^shift, |value| * e < 2^shift. ref/arith/reciprocal.hpp says why that suffices.
module obz_round_divide (
  input  logic signed [63:0] value_i,
  input  logic        [31:0] count_i,
  input  logic        [32:0] reciprocal_i,
  input  logic        [ 5:0] shift_i,
  input  logic        [ 2:0] rounding_i,
  output logic signed [63:0] result_o
);
  /*verilator no_inline_module*/  // one copy of the code in the simulator, not one a lane

  logic        negative;
  logic [31:0] magnitude, quotient, remainder;
  logic [63:0] product;
  assign negative  = value_i[63];
  assign magnitude = 32'(negative ? ~value_i + 64'd1 : value_i);
  assign product   = 64'(magnitude) * 64'(reciprocal_i);
  assign quotient  = 32'(product >> shift_i);
  assign remainder = magnitude - quotient * count_i;

  // Away from zero or not.
  logic [32:0] twice;
  logic        above, tie, away;
  assign twice = {remainder, 1'b0};
  assign above = twice > {1'b0, count_i};
  assign tie   = twice == {1'b0, count_i};
  always_comb begin
    unique case (rounding_i)
      obz_pkg::RoundFloor:    away = negative && remainder != 32'd0;
      obz_pkg::RoundTrunc:    away = 1'b0;
      obz_pkg::RoundHalfUp:   away = above || (tie && !negative);
      obz_pkg::RoundHalfAway: away = above || tie;
      obz_pkg::RoundHalfEven: away = above || (tie && quotient[0]);
      default:                away = 1'b0;
    endcase
  end

  logic [63:0] rounded;
  assign rounded  = {32'd0, quotient} + {63'd0, away};
  assign result_o = $signed(negative ? ~rounded + 64'd1 : rounded);
endmodule
