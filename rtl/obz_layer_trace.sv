// obz_layer for waves (obz check --trace-fst): what it is told and does beside two inputs that say what only the harness
// knows, the program that runs and the writes that differ from the reference, and a counter of cycles. Scratchpads are
// parameters: as small as the layer lets them be.
module obz_layer_trace #(
  parameter  int unsigned XWords  = 65536,                 // each at least 16
  parameter  int unsigned WWords  = 8192,
  parameter  int unsigned Tiles   = 512,
  parameter  int unsigned YWords  = 32768,
  localparam int unsigned ParamW  = 8 * (32 + obz_pkg::ChannelW) + 64,
  localparam int unsigned YAddrW  = $clog2(YWords)
) (
  input  logic               clk_i,
  input  logic               rst_ni,
  input  logic               start_i,
  output logic               busy_o,
  input  logic               load_i,
  input  logic [        1:0] load_space_i,
  input  logic [       15:0] load_addr_i,
  input  logic [ ParamW-1:0] load_data_i,
  input  logic               unload_i,
  input  logic [ YAddrW-1:0] unload_addr_i,
  output logic [      255:0] unload_data_o,
  input  logic [        2:0] a_lane_i,
  input  logic [        2:0] b_lane_i,
  input  logic               a_signed_i,
  input  logic               b_signed_i,
  input  logic               satfinite_i,
  input  logic [      127:0] pad_word_i,
  input  logic [       15:0] in_h_i,
  input  logic [       15:0] in_w_i,
  input  logic [       15:0] out_h_i,
  input  logic [       15:0] out_w_i,
  input  logic [       31:0] pixels_i,
  input  logic signed [31:0] origin_i,
  input  logic signed [31:0] step_w_i,
  input  logic signed [31:0] step_h_i,
  input  logic signed [31:0] step_n_i,
  input  logic [       15:0] stride_h_i,
  input  logic [       15:0] stride_w_i,
  input  logic [       15:0] pad_top_i,
  input  logic [       15:0] pad_left_i,
  input  logic [       15:0] kernel_h_i,
  input  logic [       15:0] kernel_w_i,
  input  logic [       15:0] dilation_h_i,
  input  logic [       15:0] dilation_w_i,
  input  logic signed [31:0] tap_h_i,
  input  logic signed [31:0] tap_w_i,
  input  logic [        3:0] block_m_i,
  input  logic [        3:0] block_n_i,
  input  logic [        8:0] last_n_i,
  input  logic [obz_pkg::RecipeW-1:0] recipe_i,
  input  logic [        2:0] y_lane_i,
  input  logic [       15:0] y_stride_i,
  input  logic               write_ready_i,
  output logic               write_o,
  output logic [       31:0] write_addr_o,
  output logic [      255:0] write_data_o,
  output logic [       31:0] write_enable_o,
  output logic               issue_o,
  output logic [        2:0] issue_tile_o,
  output logic               result_o,
  output logic [        2:0] result_tile_o,

  input  logic               marker_i,        // this write differs from the reference
  input  logic [       15:0] program_i,       // of a layer that is several: the batches of a matrix product
  output logic [       15:0] program_o,
  output logic               mismatch_o,
  output logic [       31:0] cycle_o          // from 0 in the first cycle after start_i
);
  obz_layer #(.XWords(XWords), .WWords(WWords), .Tiles(Tiles), .YWords(YWords)) u_layer (.*);

  assign program_o  = program_i;
  assign mismatch_o = marker_i && write_o;
  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) cycle_o <= '0;
    else cycle_o <= start_i ? '0 : cycle_o + 32'd1;
  end
endmodule
