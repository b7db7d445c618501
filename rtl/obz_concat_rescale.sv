// Requantization alone, Lanes elements a cycle, a channel for each lane: parts of a concatenation, rescales. S46 and S49
// of docs/semantics.md. Registered: latency 1, and the result stands while valid_o waits for ready_i.
module obz_concat_rescale #(
  parameter int unsigned Lanes = obz_pkg::UnitLanes
) (
  input  logic                               clk_i,
  input  logic                               rst_ni,

  input  logic                               valid_i,
  output logic                               ready_o,
  input  logic [               Lanes*32-1:0] x_i,           // lane 0 in the low bits
  input  logic [Lanes*obz_pkg::ChannelW-1:0] channel_i,     // with the elements

  input  logic [                       31:0] zero_point_i,  // these stand still
  input  logic [       obz_pkg::RecipeW-1:0] recipe_i,

  output logic                               valid_o,
  input  logic                               ready_i,
  output logic [               Lanes*32-1:0] y_o
);
  logic [Lanes*32-1:0] y_d;
  for (genvar i = 0; i < Lanes; i++) begin : gen_lane
    logic signed [63:0] centred;
    assign centred = 64'($signed(x_i[i*32+:32])) - 64'($signed(zero_point_i));
    obz_requant_lane #(.OutW(32)) u_requant (
      .acc_i(centred), .recipe_i, .channel_i(channel_i[i*obz_pkg::ChannelW+:obz_pkg::ChannelW]), .out_o(y_d[i*32+:32])
    );
  end

  obz_out_stage #(.Width(Lanes * 32)) u_out (
    .clk_i, .rst_ni, .valid_i, .ready_o, .data_i(y_d), .valid_o, .ready_i, .data_o(y_o)
  );
endmodule
