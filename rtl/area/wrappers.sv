// What scripts/rtl_area synthesizes: the units restricted to elements of BITS bits. Inputs bring BITS bits and are
// sign-extended, outputs give BITS bits, the recipe is constant; what remains on ports is what changes
// between channels and tensors. Synthesis then removes what the width does not need.
`ifndef BITS
`define BITS 8
`endif
// verilator lint_off DECLFILENAME

// The recipes, laid out as in obz_pkg (in numbers: yosys reads no package from a package). One half-up rounding, as
// tflite/single; a doubling high multiplication that rounds half up and saturates, then one half away from zero, as
// tflite/double.
package area_pkg;
  // verilator lint_off UNUSEDPARAM
  localparam logic [33:0] Single = {2'd0, 2'd0, 7'd64, 7'd64, 2'd1, 2'd2, 3'd2, 6'd0, 3'd2};
  localparam logic [33:0] Double = {2'd0, 2'd0, 7'd64, 7'd64, 2'd1, 2'd2, 3'd2, 6'd31, 3'd3};
  // verilator lint_on UNUSEDPARAM
endpackage

// The channel: a positive multiplier of 31 bits, a shift, zero point and clamp of Bits bits. The clamp is a port, as a
// fused activation needs it: a constant one is the cheaper the more bits it keeps, which would hide the width.
module area_channel #(
  parameter int unsigned Bits = `BITS
) (
  input  logic        [    30:0] multiplier_i,
  input  logic        [     5:0] shift_i,
  input  logic signed [Bits-1:0] zero_point_i,
  input  logic signed [Bits-1:0] lo_i,
  input  logic signed [Bits-1:0] hi_i,
  output logic        [   199:0] channel_o
);
  assign channel_o = {32'(hi_i), 32'(lo_i), 32'(zero_point_i), 64'd0, shift_i, 3'd0, multiplier_i};
endmodule

// A lane's width that is at most the least lane in which Bits fit; others are not representable.
module area_lane #(
  parameter int unsigned Bits = `BITS
) (
  input  logic [2:0] lane_i,
  output logic [2:0] lane_o
);
  if (Bits == 1) begin : gen_1
    assign lane_o = obz_pkg::Lane1;
  end else if (Bits == 2) begin : gen_2
    assign lane_o = {2'd0, lane_i[0]};
  end else if (Bits <= 4) begin : gen_4
    assign lane_o = {1'b0, lane_i[1], lane_i[0] & ~lane_i[1]};
  end else if (Bits <= 8) begin : gen_8
    assign lane_o = {1'b0, lane_i[1:0]};
  end else begin : gen_16
    assign lane_o = {lane_i[2], lane_i[1:0] & {2{~lane_i[2]}}};
  end
  logic unused_lane;
  assign unused_lane = &{1'b0, lane_i};
endmodule

// One output of the tensor core with its two operands: any two widths up to that lane, and any signs.
module area_dot #(
  parameter int unsigned Bits = `BITS
) (
  input  logic         clk_i,
  input  logic         rst_ni,
  input  logic         multiply_i,
  input  logic         sum_i,
  input  logic         first_i,
  input  logic [  2:0] phase_i,
  input  logic [  2:0] a_lane_i,
  input  logic [  2:0] b_lane_i,
  input  logic         a_signed_i,
  input  logic         b_signed_i,
  input  logic [127:0] a_i,
  input  logic [127:0] b_i,
  input  logic [ 31:0] c_i,
  output logic [ 39:0] sum_o
);
  // The factors of A are bytes while 1-bit lanes are compared, when nothing reads their product. Where no lane of a byte
  // is left they are cut to the widest there is, and a sign.
  localparam int unsigned KeptW = Bits <= 2 ? 3 : Bits <= 4 ? 5 : 9;
  logic [  2:0] a_lane, b_lane;
  logic [ 31:0] a_bits, b_bits;
  logic [143:0] a_factors, a_kept;
  logic [ 47:0] b_factors;
  area_lane #(.Bits(Bits)) u_a_lane (.lane_i(a_lane_i), .lane_o(a_lane));
  area_lane #(.Bits(Bits)) u_b_lane (.lane_i(b_lane_i), .lane_o(b_lane));
  obz_operand #(.IsB(1'b0)) u_a (
    .row_i(a_i), .phase_i, .lane_i(a_lane), .other_lane_i(b_lane), .signed_i(a_signed_i), .bits_o(a_bits),
    .factors_o(a_factors)
  );
  obz_operand #(.IsB(1'b1)) u_b (
    .row_i(b_i), .phase_i, .lane_i(b_lane), .other_lane_i(a_lane), .signed_i(b_signed_i), .bits_o(b_bits),
    .factors_o(b_factors)
  );
  for (genvar g = 0; g < 16; g++) begin : gen_kept
    assign a_kept[9*g+:9] = 9'($signed(a_factors[9*g+:KeptW]));
  end
  logic unused_factors;
  assign unused_factors = &{1'b0, a_factors};
  obz_dot u_dot (
    .clk_i, .rst_ni, .multiply_i, .sum_i, .first_i, .a_lane_i(a_lane), .b_lane_i(b_lane), .a_bits_i(a_bits),
    .b_bits_i(b_bits), .a_factors_i(a_kept), .b_factors_i(b_factors), .c_i, .sum_o
  );
endmodule

module area_dot_int #(
  parameter int unsigned Bits = `BITS
) (
  input  logic               clk_i,
  input  logic               rst_ni,
  input  logic               valid_i,
  input  logic               first_i,
  input  logic [ 4*Bits-1:0] a_i,
  input  logic [ 4*Bits-1:0] b_i,
  input  logic signed [31:0] c_i,
  output logic signed [31:0] sum_o
);
  obz_dot_int #(.AW(Bits), .BW(Bits)) u_dot (.clk_i, .rst_ni, .valid_i, .first_i, .a_i, .b_i, .c_i, .sum_o);
endmodule

module area_requant #(
  parameter int unsigned Bits   = `BITS,
  parameter logic [33:0] Recipe = area_pkg::Single
) (
  input  logic signed [    31:0] acc_i,
  input  logic        [    30:0] multiplier_i,
  input  logic        [     5:0] shift_i,
  input  logic signed [Bits-1:0] zero_point_i,
  input  logic signed [Bits-1:0] lo_i,
  input  logic signed [Bits-1:0] hi_i,
  output logic signed [Bits-1:0] out_o
);
  logic [199:0] channel;
  area_channel #(.Bits(Bits)) u_channel (.multiplier_i, .shift_i, .zero_point_i, .lo_i, .hi_i, .channel_o(channel));
  obz_requant_lane #(.AccW(32), .OutW(Bits)) u_requant (.acc_i, .recipe_i(Recipe), .channel_i(channel), .out_o);
endmodule

module area_requant_double #(
  parameter int unsigned Bits = `BITS
) (
  input  logic signed [    31:0] acc_i,
  input  logic        [    30:0] multiplier_i,
  input  logic        [     5:0] shift_i,
  input  logic signed [Bits-1:0] zero_point_i,
  input  logic signed [Bits-1:0] lo_i,
  input  logic signed [Bits-1:0] hi_i,
  output logic signed [Bits-1:0] out_o
);
  area_requant #(.Bits(Bits), .Recipe(area_pkg::Double)) u_requant (
    .acc_i, .multiplier_i, .shift_i, .zero_point_i, .lo_i, .hi_i, .out_o
  );
endmodule

// No left shift; the sum of the branches in 32 bits, exact. Here and in the pool a second lane is not connected, so
// that synthesis removes it: yosys 0.23 cannot read these units with one.
module area_add #(
  parameter int unsigned Bits = `BITS
) (
  input  logic                   clk_i,
  input  logic                   rst_ni,
  input  logic                   valid_i,
  output logic                   ready_o,
  input  logic signed [Bits-1:0] a_i,
  input  logic signed [Bits-1:0] b_i,
  input  logic signed [Bits-1:0] a_zero_point_i,
  input  logic signed [Bits-1:0] b_zero_point_i,
  input  logic        [    30:0] a_multiplier_i,
  input  logic        [    30:0] b_multiplier_i,
  input  logic        [     5:0] a_shift_i,
  input  logic        [     5:0] b_shift_i,
  input  logic signed [Bits-1:0] zero_point_i,
  input  logic signed [Bits-1:0] lo_i,
  input  logic signed [Bits-1:0] hi_i,
  output logic                   valid_o,
  input  logic                   ready_i,
  output logic signed [Bits-1:0] y_o
);
  // The branches leave at the output's scale, so the last requantizer adds the zero point and clamps.
  localparam logic [63:0] Wide = {32'h7fff_ffff, 32'h8000_0000};
  logic [63:0] a, b, y;
  assign a = {32'd0, 32'(a_i)};
  assign b = {32'd0, 32'(b_i)};
  obz_residual_add #(.Lanes(2)) u_add (
    .clk_i, .rst_ni, .valid_i, .ready_o, .a_i(a), .b_i(b), .subtract_i(1'b0),
    .a_zero_point_i(32'(a_zero_point_i)), .b_zero_point_i(32'(b_zero_point_i)), .left_shift_i(5'd0),
    .a_recipe_i(area_pkg::Single), .b_recipe_i(area_pkg::Single), .out_recipe_i(area_pkg::Single),
    .a_channel_i({Wide, 96'd0, a_shift_i, 3'd0, a_multiplier_i}),
    .b_channel_i({Wide, 96'd0, b_shift_i, 3'd0, b_multiplier_i}),
    .out_channel_i({32'(hi_i), 32'(lo_i), 32'(zero_point_i), 64'd0, 6'd0, 34'd1}),
    .acc_bits_i(7'd32), .acc_overflow_i(obz_pkg::OverflowExact), .valid_o, .ready_i, .y_o(y)
  );
  assign y_o = y[Bits-1:0];
  logic unused_y;
  assign unused_y = &{1'b0, y};
endmodule

module area_pool #(
  parameter int unsigned Bits = `BITS,
  parameter logic [1:0]  Mode = obz_pkg::PoolMax
) (
  input  logic                   clk_i,
  input  logic                   rst_ni,
  input  logic                   valid_i,
  output logic                   ready_o,
  input  logic                   first_i,
  input  logic                   last_i,
  input  logic signed [Bits-1:0] x_i,
  input  logic        [    30:0] multiplier_i,
  input  logic        [     5:0] shift_i,
  input  logic signed [Bits-1:0] x_zero_point_i,
  input  logic signed [Bits-1:0] zero_point_i,
  input  logic signed [Bits-1:0] lo_i,
  input  logic signed [Bits-1:0] hi_i,
  output logic                   valid_o,
  input  logic                   ready_i,
  output logic signed [Bits-1:0] y_o
);
  logic [199:0] channel;
  area_channel #(.Bits(Bits)) u_channel (.multiplier_i, .shift_i, .zero_point_i, .lo_i, .hi_i, .channel_o(channel));
  logic [63:0] x, y;
  assign x = {32'd0, 32'(x_i)};
  obz_pool #(.Lanes(2)) u_pool (
    .clk_i, .rst_ni, .valid_i, .ready_o, .first_i, .last_i, .x_i(x), .channel_i(channel), .count_i(32'd1),
    .reciprocal_i(33'd0), .reciprocal_shift_i(6'd0), .mode_i(Mode), .zero_point_i(32'(x_zero_point_i)),
    .acc_bits_i(7'd32), .acc_overflow_i(obz_pkg::OverflowWrap), .recipe_i(area_pkg::Single), .valid_o, .ready_i, .y_o(y)
  );
  assign y_o = y[Bits-1:0];
  logic unused_y;
  assign unused_y = &{1'b0, y};
endmodule

module area_pool_average #(
  parameter int unsigned Bits = `BITS
) (
  input  logic                   clk_i,
  input  logic                   rst_ni,
  input  logic                   valid_i,
  output logic                   ready_o,
  input  logic                   first_i,
  input  logic                   last_i,
  input  logic signed [Bits-1:0] x_i,
  input  logic        [    30:0] multiplier_i,
  input  logic        [     5:0] shift_i,
  input  logic signed [Bits-1:0] x_zero_point_i,
  input  logic signed [Bits-1:0] zero_point_i,
  input  logic signed [Bits-1:0] lo_i,
  input  logic signed [Bits-1:0] hi_i,
  output logic                   valid_o,
  input  logic                   ready_i,
  output logic signed [Bits-1:0] y_o
);
  area_pool #(.Bits(Bits), .Mode(obz_pkg::PoolRequant)) u_pool (
    .clk_i, .rst_ni, .valid_i, .ready_o, .first_i, .last_i, .x_i, .multiplier_i, .shift_i, .x_zero_point_i,
    .zero_point_i, .lo_i, .hi_i, .valid_o, .ready_i, .y_o
  );
endmodule

module area_concat #(
  parameter int unsigned Bits = `BITS
) (
  input  logic                   clk_i,
  input  logic                   rst_ni,
  input  logic                   valid_i,
  output logic                   ready_o,
  input  logic signed [Bits-1:0] x_i,
  input  logic        [    30:0] multiplier_i,
  input  logic        [     5:0] shift_i,
  input  logic signed [Bits-1:0] x_zero_point_i,
  input  logic signed [Bits-1:0] zero_point_i,
  input  logic signed [Bits-1:0] lo_i,
  input  logic signed [Bits-1:0] hi_i,
  output logic                   valid_o,
  input  logic                   ready_i,
  output logic signed [Bits-1:0] y_o
);
  logic [199:0] channel;
  area_channel #(.Bits(Bits)) u_channel (.multiplier_i, .shift_i, .zero_point_i, .lo_i, .hi_i, .channel_o(channel));
  logic [31:0] y;
  obz_concat_rescale #(.Lanes(1)) u_concat (
    .clk_i, .rst_ni, .valid_i, .ready_o, .x_i(32'(x_i)), .channel_i(channel), .zero_point_i(32'(x_zero_point_i)),
    .recipe_i(area_pkg::Single), .valid_o, .ready_i, .y_o(y)
  );
  assign y_o = y[Bits-1:0];
  logic unused_y;
  assign unused_y = &{1'b0, y};
endmodule
