// One element into the sum and the maximum of a window, and what the window gives if this element is its last.
// S35 to S39 of docs/semantics.md; combinational, the state is obz_pool's.
module obz_pool_lane (
  input  logic signed [                 31:0] x_i,
  input  logic                                first_i,
  input  logic signed [                 63:0] sum_i,           // of the elements before; ignored with first_i
  input  logic signed [                 31:0] largest_i,
  input  logic        [                  1:0] mode_i,
  input  logic        [                 31:0] zero_point_i,
  input  logic        [                  6:0] acc_bits_i,      // 1..64
  input  logic        [                  1:0] acc_overflow_i,
  input  logic        [ obz_pkg::RecipeW-1:0] recipe_i,
  input  logic        [obz_pkg::ChannelW-1:0] channel_i,
  input  logic        [                 31:0] count_i,
  input  logic        [                 32:0] reciprocal_i,
  input  logic        [                  5:0] reciprocal_shift_i,
  output logic signed [                 63:0] sum_o,
  output logic signed [                 31:0] largest_o,
  output logic signed [                 31:0] y_o
);
  logic signed [63:0] centred, acc, scaled, divided;
  assign centred   = 64'(x_i) - 64'($signed(zero_point_i));
  assign sum_o     = (first_i ? 64'sd0 : sum_i) + centred;
  assign largest_o = first_i || x_i > largest_i ? x_i : largest_i;

  obz_narrow u_acc (.value_i(sum_o), .bits_i(acc_bits_i), .overflow_i(acc_overflow_i), .result_o(acc));
  obz_requant_lane u_requant (.acc_i(acc), .recipe_i, .channel_i, .out_o(scaled));
  obz_round_divide u_divide (
    .value_i(acc), .count_i, .reciprocal_i, .shift_i(reciprocal_shift_i),
    .rounding_i(recipe_i[obz_pkg::RoundingAt+:3]), .result_o(divided)
  );

  logic signed [63:0] value, lo, hi, clamped;
  assign lo = 64'($signed(channel_i[obz_pkg::LoAt+:32]));
  assign hi = 64'($signed(channel_i[obz_pkg::HiAt+:32]));
  always_comb begin
    unique case (mode_i)
      obz_pkg::PoolMax:     value = 64'(largest_o);
      obz_pkg::PoolRequant: value = scaled;
      obz_pkg::PoolDivide:  value = divided;
      default:              value = 64'(largest_o);
    endcase
  end
  assign clamped = value < lo ? lo : value > hi ? hi : value;  // scaled is inside
  assign y_o     = clamped[31:0];

  logic unused_clamped;
  assign unused_clamped = &{1'b0, clamped[63:32]};
endmodule
