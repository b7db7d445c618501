// obz_requant with its recipe and its channel as two packed vectors (layout: obz_pkg): a lane of the elementwise units
// and of the layer unit. Combinational.
module obz_requant_lane #(
  parameter int unsigned AccW = 64,
  parameter int unsigned OutW = 64                           // of the clamped value's low bits
) (
  input  logic signed [              AccW-1:0] acc_i,
  input  logic        [ obz_pkg::RecipeW-1:0]  recipe_i,
  input  logic        [ obz_pkg::ChannelW-1:0] channel_i,
  output logic signed [              OutW-1:0] out_o
);
  /*verilator no_inline_module*/  // one copy of the code in the simulator, not one a lane

  // verilator lint_off UNUSEDSIGNAL
  logic signed [63:0] out;  // what OutW cuts off repeats the sign of a clamped value
  // verilator lint_on UNUSEDSIGNAL
  assign out_o = OutW'(out);
  obz_requant #(.AccW(AccW), .MulW(obz_pkg::MultiplierW)) u_requant (
    .acc_i,
    .multiplier_i($signed(channel_i[obz_pkg::MultiplierAt+:obz_pkg::MultiplierW])),
    .shift_i(channel_i[obz_pkg::ShiftAt+:6]),
    .addend_i($signed(channel_i[obz_pkg::AddendAt+:64])),
    .zero_point_i($signed(channel_i[obz_pkg::ZeroPointAt+:32])),
    .lo_i(64'($signed(channel_i[obz_pkg::LoAt+:32]))),
    .hi_i(64'($signed(channel_i[obz_pkg::HiAt+:32]))),
    .rounding_i(recipe_i[obz_pkg::RoundingAt+:3]),
    .first_bits_i(recipe_i[obz_pkg::FirstBitsAt+:6]),
    .first_rounding_i(recipe_i[obz_pkg::FirstRoundingAt+:3]),
    .first_overflow_i(recipe_i[obz_pkg::FirstOverflowAt+:2]),
    .left_overflow_i(recipe_i[obz_pkg::LeftOverflowAt+:2]),
    .product_bits_i(recipe_i[obz_pkg::ProductBitsAt+:7]),
    .scaled_bits_i(recipe_i[obz_pkg::ScaledBitsAt+:7]),
    .scaled_overflow_i(recipe_i[obz_pkg::ScaledOverflowAt+:2]),
    .zero_point_first_i(recipe_i[obz_pkg::ZeroPointFirstAt]),
    .clamp_first_i(recipe_i[obz_pkg::ClampFirstAt]),
    .out_o(out)
  );
endmodule
