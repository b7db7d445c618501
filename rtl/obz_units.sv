// The elementwise units side by side, for one simulation model: add_, pool_ and scale_ are the ports of
// obz_residual_add, obz_pool and obz_concat_rescale.
module obz_units #(
  parameter int unsigned Lanes = obz_pkg::UnitLanes
) (
  input  logic                               clk_i,
  input  logic                               rst_ni,

  input  logic                               add_valid_i,
  output logic                               add_ready_o,
  input  logic [               Lanes*32-1:0] add_a_i,
  input  logic [               Lanes*32-1:0] add_b_i,
  input  logic                               add_subtract_i,
  input  logic [                       31:0] add_a_zero_point_i,
  input  logic [                       31:0] add_b_zero_point_i,
  input  logic [                        4:0] add_left_shift_i,
  input  logic [       obz_pkg::RecipeW-1:0] add_a_recipe_i,
  input  logic [       obz_pkg::RecipeW-1:0] add_b_recipe_i,
  input  logic [       obz_pkg::RecipeW-1:0] add_out_recipe_i,
  input  logic [      obz_pkg::ChannelW-1:0] add_a_channel_i,
  input  logic [      obz_pkg::ChannelW-1:0] add_b_channel_i,
  input  logic [      obz_pkg::ChannelW-1:0] add_out_channel_i,
  input  logic [                        6:0] add_acc_bits_i,
  input  logic [                        1:0] add_acc_overflow_i,
  output logic                               add_valid_o,
  input  logic                               add_ready_i,
  output logic [               Lanes*32-1:0] add_y_o,

  input  logic                               pool_valid_i,
  output logic                               pool_ready_o,
  input  logic                               pool_first_i,
  input  logic                               pool_last_i,
  input  logic [               Lanes*32-1:0] pool_x_i,
  input  logic [      obz_pkg::ChannelW-1:0] pool_channel_i,
  input  logic [                       31:0] pool_count_i,
  input  logic [                       32:0] pool_reciprocal_i,
  input  logic [                        5:0] pool_reciprocal_shift_i,
  input  logic [                        1:0] pool_mode_i,
  input  logic [                       31:0] pool_zero_point_i,
  input  logic [                        6:0] pool_acc_bits_i,
  input  logic [                        1:0] pool_acc_overflow_i,
  input  logic [       obz_pkg::RecipeW-1:0] pool_recipe_i,
  output logic                               pool_valid_o,
  input  logic                               pool_ready_i,
  output logic [               Lanes*32-1:0] pool_y_o,

  input  logic                               scale_valid_i,
  output logic                               scale_ready_o,
  input  logic [               Lanes*32-1:0] scale_x_i,
  input  logic [Lanes*obz_pkg::ChannelW-1:0] scale_channel_i,
  input  logic [                       31:0] scale_zero_point_i,
  input  logic [       obz_pkg::RecipeW-1:0] scale_recipe_i,
  output logic                               scale_valid_o,
  input  logic                               scale_ready_i,
  output logic [               Lanes*32-1:0] scale_y_o
);
  obz_residual_add #(.Lanes(Lanes)) u_add (
    .clk_i, .rst_ni, .valid_i(add_valid_i), .ready_o(add_ready_o), .a_i(add_a_i), .b_i(add_b_i),
    .subtract_i(add_subtract_i), .a_zero_point_i(add_a_zero_point_i), .b_zero_point_i(add_b_zero_point_i),
    .left_shift_i(add_left_shift_i), .a_recipe_i(add_a_recipe_i), .b_recipe_i(add_b_recipe_i),
    .out_recipe_i(add_out_recipe_i), .a_channel_i(add_a_channel_i), .b_channel_i(add_b_channel_i),
    .out_channel_i(add_out_channel_i), .acc_bits_i(add_acc_bits_i), .acc_overflow_i(add_acc_overflow_i),
    .valid_o(add_valid_o), .ready_i(add_ready_i), .y_o(add_y_o)
  );

  obz_pool #(.Lanes(Lanes)) u_pool (
    .clk_i, .rst_ni, .valid_i(pool_valid_i), .ready_o(pool_ready_o), .first_i(pool_first_i), .last_i(pool_last_i),
    .x_i(pool_x_i), .channel_i(pool_channel_i), .count_i(pool_count_i), .reciprocal_i(pool_reciprocal_i),
    .reciprocal_shift_i(pool_reciprocal_shift_i), .mode_i(pool_mode_i), .zero_point_i(pool_zero_point_i),
    .acc_bits_i(pool_acc_bits_i), .acc_overflow_i(pool_acc_overflow_i), .recipe_i(pool_recipe_i),
    .valid_o(pool_valid_o), .ready_i(pool_ready_i), .y_o(pool_y_o)
  );

  obz_concat_rescale #(.Lanes(Lanes)) u_scale (
    .clk_i, .rst_ni, .valid_i(scale_valid_i), .ready_o(scale_ready_o), .x_i(scale_x_i), .channel_i(scale_channel_i),
    .zero_point_i(scale_zero_point_i), .recipe_i(scale_recipe_i), .valid_o(scale_valid_o), .ready_i(scale_ready_i),
    .y_o(scale_y_o)
  );
endmodule
