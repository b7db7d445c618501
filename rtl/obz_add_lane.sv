// One element of a residual join: zero points, left shift, a requantizer for each branch, their sum or difference in
// its register, the last requantizer. S30 to S33 of docs/semantics.md; combinational.
//
// Requires of each requantizer what obz_requant requires.
module obz_add_lane (
  input  logic signed [                 31:0] a_i,
  input  logic signed [                 31:0] b_i,
  input  logic                                subtract_i,
  input  logic        [                 31:0] a_zero_point_i,
  input  logic        [                 31:0] b_zero_point_i,
  input  logic        [                  4:0] left_shift_i,     // 0..30
  input  logic        [ obz_pkg::RecipeW-1:0] a_recipe_i,
  input  logic        [ obz_pkg::RecipeW-1:0] b_recipe_i,
  input  logic        [ obz_pkg::RecipeW-1:0] out_recipe_i,
  input  logic        [obz_pkg::ChannelW-1:0] a_channel_i,
  input  logic        [obz_pkg::ChannelW-1:0] b_channel_i,
  input  logic        [obz_pkg::ChannelW-1:0] out_channel_i,
  input  logic        [                  6:0] acc_bits_i,       // 1..64
  input  logic        [                  1:0] acc_overflow_i,
  output logic signed [                 31:0] y_o
);
  logic signed [63:0] a_centred, b_centred, a_scaled, b_scaled, sum, acc;

  // 33 bits, 63 with the shift
  assign a_centred = (64'(a_i) - 64'($signed(a_zero_point_i))) <<< left_shift_i;
  assign b_centred = (64'(b_i) - 64'($signed(b_zero_point_i))) <<< left_shift_i;

  obz_requant_lane u_a (.acc_i(a_centred), .recipe_i(a_recipe_i), .channel_i(a_channel_i), .out_o(a_scaled));
  obz_requant_lane u_b (.acc_i(b_centred), .recipe_i(b_recipe_i), .channel_i(b_channel_i), .out_o(b_scaled));

  assign sum = subtract_i ? a_scaled - b_scaled : a_scaled + b_scaled;
  obz_narrow u_acc (.value_i(sum), .bits_i(acc_bits_i), .overflow_i(acc_overflow_i), .result_o(acc));

  obz_requant_lane #(.OutW(32)) u_out (
    .acc_i(acc), .recipe_i(out_recipe_i), .channel_i(out_channel_i), .out_o(y_o)
  );
endmodule
