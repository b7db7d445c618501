// A requantizer as TFLite's reference kernels have it: a doubling high multiply that rounds, then a division by a power
// of two. Wrong: of two ties that lie alike, only the positive one goes away from zero. Combinational.
module own_requant_wrong (
  input  logic signed [31:0] acc_i,
  input  logic signed [31:0] multiplier_i,   // 0 .. 2^31 - 1
  input  logic signed [ 5:0] exponent_i,     // > 0: to the left; 31 - the shift of the whole product
  input  logic signed [ 7:0] zero_point_i,
  input  logic signed [ 7:0] lo_i,
  input  logic signed [ 7:0] hi_i,
  output logic signed [ 7:0] out_o
);
  logic        [ 5:0] left, right;
  assign left  = exponent_i[5] ? 6'd0 : exponent_i;
  assign right = exponent_i[5] ? 6'd0 - exponent_i : 6'd0;

  logic signed [31:0] operand;
  logic signed [63:0] product;
  logic signed [31:0] high;
  assign operand = acc_i <<< left;
  assign product = operand * multiplier_i;
  assign high    = 32'((product + 64'sd1073741824) >>> 31);

  // ties away from zero; planted bug: nobody asks for the sign, so negative ties go up
  logic        [31:0] mask, rest, threshold;
  logic signed [31:0] rounded;
  assign mask      = 32'((33'd1 << right) - 33'd1);
  assign rest      = high & mask;
  assign threshold = mask >> 1;
  assign rounded   = (high >>> right) + (rest > threshold ? 32'sd1 : 32'sd0);

  // The kernels add in 32 bits, so this wraps where they do.
  logic signed [31:0] sum;
  assign sum   = rounded + 32'(zero_point_i);
  assign out_o = sum < 32'(lo_i) ? lo_i : sum > 32'(hi_i) ? hi_i : sum[7:0];
endmodule
