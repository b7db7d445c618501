// round(value / 2^shift), 0 <= shift <= 63: the floor, and one more where the bits that were shifted out say so.
// S3 and S4 of docs/semantics.md, written a second time: nothing here is taken from the C++.
module obz_round_shift (
  input  logic signed [63:0] value_i,
  input  logic        [ 5:0] shift_i,
  input  logic        [ 2:0] rounding_i,
  output logic signed [63:0] result_o
);
  logic signed [63:0] quotient;
  logic        [63:0] mask, remainder, half;
  logic               inexact, above, tie, up;

  assign quotient  = value_i >>> shift_i;
  assign mask      = (64'd1 << shift_i) - 64'd1;
  assign remainder = value_i & mask;
  assign half      = (64'd1 << shift_i) >> 1;

  assign inexact = remainder != 64'd0;
  assign above   = remainder > half;
  assign tie     = inexact && remainder == half;

  always_comb begin
    unique case (rounding_i)
      obz_pkg::RoundFloor:    up = 1'b0;
      obz_pkg::RoundTrunc:    up = quotient[63] && inexact;
      obz_pkg::RoundHalfUp:   up = above || tie;
      obz_pkg::RoundHalfAway: up = above || (tie && !quotient[63]);
      obz_pkg::RoundHalfEven: up = above || (tie && quotient[0]);
      default:                up = 1'b0;
    endcase
  end

  assign result_o = quotient + {63'd0, up};
endmodule
