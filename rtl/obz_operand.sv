// What one row of A, or one column of B, feeds into its multipliers in one phase: 32 bits of lanes, as sixteen crumbs
// (2 bits). A row is 128 bits, its first element in the lowest. The wider of the two lane widths decides how many
// elements a phase takes: 32, 16, 8, 4 of 1, 2, 4, 8 bits, 2 where one operand has 16, 1 where both have. The narrower
// operand is as dense; its lanes are widened here.
//
// Multiplier g multiplies crumb g of B by that element of A which meets it: a byte, a nibble or a crumb.
module obz_operand #(
  parameter  bit          IsB     = 1'b0,
  localparam int unsigned FactorW = IsB ? 3 : 9
) (
  input  logic [127:0] row_i,
  input  logic [  2:0] phase_i,
  input  logic [  2:0] lane_i,          // log2 of the lane's bits, 0..4
  input  logic [  2:0] other_lane_i,    // of the other operand
  input  logic         signed_i,
  output logic [ 31:0] bits_o,          // what 1-bit lanes are compared on
  output logic [16*FactorW-1:0] factors_o   // sixteen in two's complement: of A whole bytes, of B crumbs
);
  logic [2:0] wide, slice_log2;
  logic       both16, one16;
  assign wide       = lane_i > other_lane_i ? lane_i : other_lane_i;
  assign both16     = lane_i == obz_pkg::Lane16 && other_lane_i == obz_pkg::Lane16;
  assign one16      = wide == obz_pkg::Lane16 && !both16;
  assign slice_log2 = both16 ? 3'd4 : 3'd5 - (wide - lane_i);

  logic [ 6:0] start;
  logic [31:0] slice;
  assign start = 7'({4'd0, phase_i} << slice_log2);
  assign slice = 32'(row_i >> start);

  // Narrow lanes to the width of the other operand's, a byte at most.
  logic [31:0] of2, of4, of8;
  always_comb begin
    of2 = slice;
    if (lane_i == obz_pkg::Lane1 && wide >= obz_pkg::Lane2) begin
      for (int unsigned i = 0; i < 16; i++) of2[2*i+:2] = {signed_i & slice[i], slice[i]};
    end
    of4 = of2;
    if (lane_i <= obz_pkg::Lane2 && wide >= obz_pkg::Lane4) begin
      for (int unsigned i = 0; i < 8; i++) of4[4*i+:4] = {{2{signed_i & of2[2*i+1]}}, of2[2*i+:2]};
    end
    of8 = of4;
    if (lane_i <= obz_pkg::Lane4 && wide >= obz_pkg::Lane8) begin
      for (int unsigned i = 0; i < 4; i++) of8[8*i+:8] = {{4{signed_i & of4[4*i+3]}}, of4[4*i+:4]};
    end
  end

  // Bytes to groups of four multipliers. Of 16-bit lanes the high byte alone has the sign. Two 16-bit operands: A brings
  // low, high, low, high, B brings low, low, high, high.
  logic [31:0] bytes;
  logic [ 3:0] byte_signed;
  always_comb begin
    bytes       = of8;
    byte_signed = {4{signed_i}};
    if (both16) begin
      bytes       = IsB ? {of8[15:8], of8[15:8], of8[7:0], of8[7:0]} : {of8[15:0], of8[15:0]};
      byte_signed = IsB ? {signed_i, signed_i, 2'b00} : {signed_i, 1'b0, signed_i, 1'b0};
    end else if (one16 && lane_i == obz_pkg::Lane16) begin
      byte_signed = {signed_i, 1'b0, signed_i, 1'b0};
    end else if (one16) begin
      bytes = {of8[15:8], of8[15:8], of8[7:0], of8[7:0]};
    end
  end
  assign bits_o = bytes;

  // A lane of B has its sign in its last crumb.
  for (genvar g = 0; g < 16; g++) begin : gen_factor
    if (IsB) begin : gen_b
      localparam logic [2:0] Ends = g % 4 == 3 ? obz_pkg::Lane16 : g % 2 == 1 ? obz_pkg::Lane4 : obz_pkg::Lane2;
      assign factors_o[3*g+:3] = {byte_signed[g/4] && wide <= Ends && bytes[2*g+1], bytes[2*g+:2]};
    end else begin : gen_a
      logic [8:0] crumb, nibble, whole;
      assign crumb             = {{7{byte_signed[g/4] & bytes[2*g+1]}}, bytes[2*g+:2]};
      assign nibble            = {{5{byte_signed[g/4] & bytes[4*(g/2)+3]}}, bytes[4*(g/2)+:4]};
      assign whole             = {byte_signed[g/4] & bytes[8*(g/4)+7], bytes[8*(g/4)+:8]};
      assign factors_o[9*g+:9] = wide == obz_pkg::Lane2 ? crumb : wide == obz_pkg::Lane4 ? nibble : whole;
    end
  end
endmodule
