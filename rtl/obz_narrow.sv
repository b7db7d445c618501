// A value in a register of `bits_i` (1..64): kept, wrapped or saturated.
module obz_narrow (
  input  logic signed [63:0] value_i,
  input  logic        [ 6:0] bits_i,
  input  logic        [ 1:0] overflow_i,
  output logic signed [63:0] result_o
);
  logic        [ 6:0] unused_bits;
  logic signed [63:0] wrapped, highest, lowest;

  assign unused_bits = 7'd64 - bits_i;
  assign wrapped     = $signed(value_i << unused_bits) >>> unused_bits;
  assign highest     = $signed((64'd1 << (bits_i - 7'd1)) - 64'd1);
  assign lowest      = ~highest;

  always_comb begin
    unique case (overflow_i)
      obz_pkg::OverflowExact:    result_o = value_i;
      obz_pkg::OverflowWrap:     result_o = wrapped;
      obz_pkg::OverflowSaturate: result_o = value_i > highest ? highest : value_i < lowest ? lowest : value_i;
      default:                   result_o = value_i;
    endcase
  end
endmodule
