// Eight values side by side in lanes of 1, 2, 4, 8, 16 or 32 bits, the first in the lowest bits (of a byte with two
// nibbles, the low one is the earlier element), at their place in a word of 32 bytes. Eight lanes of 2^k bits are 2^k
// bytes and stand at a multiple of that, so the word is the lanes repeated and an enable for each byte.
module obz_pack (
  input  logic [255:0] values_i,   // eight of 32 bits; what does not fit its lane is cut off
  input  logic [  2:0] lane_i,     // log2 of the lane's bits, 0..5
  input  logic [  4:0] offset_i,   // bytes, a multiple of 2^lane_i
  output logic [255:0] word_o,
  output logic [ 31:0] enable_o
);
  logic [  7:0] ones;
  logic [ 15:0] twos;
  logic [ 31:0] fours;
  logic [ 63:0] eights;
  logic [127:0] sixteens;
  for (genvar i = 0; i < 8; i++) begin : gen_lane
    assign ones[i]            = values_i[32*i];
    assign twos[2*i+:2]       = values_i[32*i+:2];
    assign fours[4*i+:4]      = values_i[32*i+:4];
    assign eights[8*i+:8]     = values_i[32*i+:8];
    assign sixteens[16*i+:16] = values_i[32*i+:16];
  end

  logic [31:0] mask;
  always_comb begin
    unique case (lane_i)
      3'd0:    begin word_o = {32{ones}};    mask = 32'h0000_0001; end
      3'd1:    begin word_o = {16{twos}};    mask = 32'h0000_0003; end
      3'd2:    begin word_o = {8{fours}};    mask = 32'h0000_000f; end
      3'd3:    begin word_o = {4{eights}};   mask = 32'h0000_00ff; end
      3'd4:    begin word_o = {2{sixteens}}; mask = 32'h0000_ffff; end
      default: begin word_o = values_i;      mask = 32'hffff_ffff; end
    endcase
  end
  assign enable_o = mask << offset_i;
endmodule
