// The residual join of two tensors, Lanes elements a cycle. Everything but the elements stands still while a tensor
// passes. The result is registered: latency 1, and it stands while valid_o waits for ready_i.
module obz_residual_add #(
  parameter int unsigned Lanes = obz_pkg::UnitLanes
) (
  input  logic                         clk_i,
  input  logic                         rst_ni,

  input  logic                         valid_i,
  output logic                         ready_o,
  input  logic [         Lanes*32-1:0] a_i,               // lane 0 in the low bits
  input  logic [         Lanes*32-1:0] b_i,

  input  logic                         subtract_i,
  input  logic [                 31:0] a_zero_point_i,
  input  logic [                 31:0] b_zero_point_i,
  input  logic [                  4:0] left_shift_i,      // 0..30
  input  logic [ obz_pkg::RecipeW-1:0] a_recipe_i,
  input  logic [ obz_pkg::RecipeW-1:0] b_recipe_i,
  input  logic [ obz_pkg::RecipeW-1:0] out_recipe_i,
  input  logic [obz_pkg::ChannelW-1:0] a_channel_i,
  input  logic [obz_pkg::ChannelW-1:0] b_channel_i,
  input  logic [obz_pkg::ChannelW-1:0] out_channel_i,
  input  logic [                  6:0] acc_bits_i,        // 1..64
  input  logic [                  1:0] acc_overflow_i,

  output logic                         valid_o,
  input  logic                         ready_i,
  output logic [         Lanes*32-1:0] y_o
);
  logic [Lanes*32-1:0] y_d;
  for (genvar i = 0; i < Lanes; i++) begin : gen_lane
    obz_add_lane u_lane (
      .a_i($signed(a_i[i*32+:32])), .b_i($signed(b_i[i*32+:32])), .subtract_i,
      .a_zero_point_i, .b_zero_point_i, .left_shift_i, .a_recipe_i, .b_recipe_i, .out_recipe_i, .a_channel_i,
      .b_channel_i, .out_channel_i, .acc_bits_i, .acc_overflow_i, .y_o(y_d[i*32+:32])
    );
  end

  obz_out_stage #(.Width(Lanes * 32)) u_out (
    .clk_i, .rst_ni, .valid_i, .ready_o, .data_i(y_d), .valid_o, .ready_i, .data_o(y_o)
  );
endmodule
