// Pooling of Lanes channels in parallel: an element of each a cycle, a window from first_i to last_i. Maximum; sum
// through a requantizer (averages, means); sum divided by a count with any rounding, without a divider. Padding is
// whatever elements the window's owner sends: none for the maximum, the zero point where it counts.
//
// Channel, count and reciprocal belong to the window and stand with its last element; the rest stands still. The result
// is registered: latency 1 behind the last element, and it stands while valid_o waits for ready_i.
module obz_pool #(
  parameter int unsigned Lanes = obz_pkg::UnitLanes
) (
  input  logic                         clk_i,
  input  logic                         rst_ni,

  input  logic                         valid_i,
  output logic                         ready_o,
  input  logic                         first_i,
  input  logic                         last_i,
  input  logic [         Lanes*32-1:0] x_i,                 // lane 0 in the low bits
  input  logic [obz_pkg::ChannelW-1:0] channel_i,           // the clamp holds in every mode
  input  logic [                 31:0] count_i,             // PoolDivide, as are the next two: see obz_round_divide
  input  logic [                 32:0] reciprocal_i,
  input  logic [                  5:0] reciprocal_shift_i,

  input  logic [                  1:0] mode_i,
  input  logic [                 31:0] zero_point_i,        // leaves each element before the sum
  input  logic [                  6:0] acc_bits_i,          // 1..64
  input  logic [                  1:0] acc_overflow_i,
  input  logic [ obz_pkg::RecipeW-1:0] recipe_i,            // PoolDivide: its last rounding

  output logic                         valid_o,
  input  logic                         ready_i,
  output logic [         Lanes*32-1:0] y_o
);
  logic [Lanes*64-1:0] sum_d, sum_q;
  logic [Lanes*32-1:0] largest_d, largest_q, y_d;
  for (genvar i = 0; i < Lanes; i++) begin : gen_lane
    obz_pool_lane u_lane (
      .x_i($signed(x_i[i*32+:32])), .first_i, .sum_i($signed(sum_q[i*64+:64])),
      .largest_i($signed(largest_q[i*32+:32])), .mode_i, .zero_point_i, .acc_bits_i,
      .acc_overflow_i, .recipe_i, .channel_i, .count_i, .reciprocal_i, .reciprocal_shift_i,
      .sum_o(sum_d[i*64+:64]), .largest_o(largest_d[i*32+:32]), .y_o(y_d[i*32+:32])
    );
  end

  always_ff @(posedge clk_i) begin
    if (valid_i && ready_o) begin
      sum_q     <= sum_d;
      largest_q <= largest_d;
    end
  end

  obz_out_stage #(.Width(Lanes * 32)) u_out (
    .clk_i, .rst_ni, .valid_i(valid_i && last_i), .ready_o, .data_i(y_d), .valid_o, .ready_i, .data_o(y_o)
  );
endmodule
