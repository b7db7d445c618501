// What enters the multiplier: the accumulator, the zero point where it joins first, and the left shift of two-stage
// recipes. S6 of docs/semantics.md.
module obz_requant_operand (
  input  logic signed [63:0] acc_i,
  input  logic        [ 5:0] shift_i,
  input  logic signed [31:0] zero_point_i,
  input  logic        [ 5:0] first_bits_i,        // 0: one stage
  input  logic        [ 1:0] left_overflow_i,
  input  logic               zero_point_first_i,
  output logic signed [63:0] operand_o
);
  logic signed [63:0] joined, shifted, kept;
  logic               shifts_left;
  logic        [ 5:0] left;

  assign joined      = zero_point_first_i ? acc_i + 64'(zero_point_i) : acc_i;
  assign shifts_left = shift_i < first_bits_i;
  assign left        = shifts_left ? first_bits_i - shift_i : 6'd0;
  assign shifted     = joined <<< left;
  obz_narrow u_kept (.value_i(shifted), .bits_i(7'd32), .overflow_i(left_overflow_i), .result_o(kept));
  assign operand_o = shifts_left ? kept : joined;
endmodule
