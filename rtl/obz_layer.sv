// A convolution or dense layer in hardware: activations, weights and parameters in scratchpads, an address generator,
// the tensor core, the requantizers, outputs packed for the next layer. A dense layer is a 1x1 convolution.
//
// A host loads the scratchpads, gives the layer's numbers (which must stand still while busy_o), pulses start_i, and
// reads the outputs when busy_o falls. Layouts:
//   activations  [n][h][w] pixels of whole 128-bit words: lanes of the channels, the first lowest, the rest anything
//   weights      1024-bit words [tile of channels][chunk]: eight columns of 128 bits, unused lanes zero. A chunk is a
//                (kernel row, kernel column, word of the pixel), in this order
//   parameters   a word per tile of channels: {chunks, words, first_word, w_base} of 16 bits in the low 64 bits, then
//                eight of {bias, channel} (obz_pkg)
//   outputs      bytes, eight lanes of a tile of channels at y_stride * pixel + tile * 2^y_lane
module obz_layer #(
  parameter  int unsigned XWords  = 65536,
  parameter  int unsigned WWords  = 8192,
  parameter  int unsigned Tiles   = 512,
  parameter  int unsigned YWords  = 32768,                 // of 32 bytes
  parameter  int unsigned Latency = obz_pkg::MmaLatency,
  localparam int unsigned ParamW  = 8 * (32 + obz_pkg::ChannelW) + 64,
  localparam int unsigned YAddrW  = $clog2(YWords)
) (
  input  logic               clk_i,
  input  logic               rst_ni,

  input  logic               start_i,
  output logic               busy_o,
  // loading, while idle: 0 activations, 1 weights, 2 parameters; the low bits of load_data_i count
  input  logic               load_i,
  input  logic [        1:0] load_space_i,
  input  logic [       15:0] load_addr_i,
  input  logic [ ParamW-1:0] load_data_i,
  // reading outputs: the word stands there the cycle after
  input  logic               unload_i,
  input  logic [ YAddrW-1:0] unload_addr_i,
  output logic [      255:0] unload_data_o,

  // operands
  input  logic [        2:0] a_lane_i,
  input  logic [        2:0] b_lane_i,
  input  logic               a_signed_i,
  input  logic               b_signed_i,
  input  logic               satfinite_i,
  input  logic [      127:0] pad_word_i,
  // geometry: see obz_fetch
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
  // blocks: see obz_sequencer
  input  logic [        3:0] block_m_i,
  input  logic [        3:0] block_n_i,
  input  logic [        8:0] last_n_i,
  // outputs
  input  logic [obz_pkg::RecipeW-1:0] recipe_i,
  input  logic [        2:0] y_lane_i,
  input  logic [       15:0] y_stride_i,

  // what happens, for whoever watches
  input  logic               write_ready_i,   // low: the write of outputs waits
  output logic               write_o,
  output logic [       31:0] write_addr_o,
  output logic [      255:0] write_data_o,
  output logic [       31:0] write_enable_o,
  output logic               issue_o,         // an mma enters the tensor core ...
  output logic [        2:0] issue_tile_o,
  output logic               result_o,        // ... and leaves it
  output logic [        2:0] result_tile_o
);
  localparam int unsigned XAddrW = $clog2(XWords);
  localparam int unsigned WAddrW = $clog2(WWords);
  localparam int unsigned TAddrW = $clog2(Tiles);

  // Scratchpads.
  logic              x_read, w_read, p_read, table_read, drain_read;
  logic [XAddrW-1:0] x_addr;
  logic [WAddrW-1:0] w_addr;
  logic [TAddrW-1:0] p_addr, table_addr, drain_addr;
  logic [     127:0] x_data;
  logic [    1023:0] w_data;
  logic [ParamW-1:0] p_data;
  assign p_read = table_read || drain_read;
  assign p_addr = table_read ? table_addr : drain_addr;
  obz_memory #(.Width(128), .Words(XWords)) u_activations (
    .clk_i, .write_i(load_i && load_space_i == 2'd0), .write_addr_i(XAddrW'(load_addr_i)),
    .write_data_i(load_data_i[127:0]), .read_i(x_read), .read_addr_i(x_addr), .read_data_o(x_data)
  );
  obz_memory #(.Width(1024), .Words(WWords)) u_weights (
    .clk_i, .write_i(load_i && load_space_i == 2'd1), .write_addr_i(WAddrW'(load_addr_i)),
    .write_data_i(load_data_i[1023:0]), .read_i(w_read), .read_addr_i(w_addr), .read_data_o(w_data)
  );
  obz_memory #(.Width(ParamW), .Words(Tiles)) u_parameters (
    .clk_i, .write_i(load_i && load_space_i == 2'd2), .write_addr_i(TAddrW'(load_addr_i)), .write_data_i(load_data_i),
    .read_i(p_read), .read_addr_i(p_addr), .read_data_o(p_data)
  );

  // Order.
  logic              restart, setup, multiply, idle, drain, drained, write_accepted;
  logic [       5:0] slot, last_slot, y_slot;
  logic [      15:0] first_word, words, chunks;
  logic [WAddrW-1:0] w_base;
  logic [      31:0] left;
  logic [       2:0] block_last_m, block_last_n, issue_n, issue_m;
  logic [TAddrW-1:0] first_n;
  obz_sequencer #(.TileAddrW(TAddrW), .WAddrW(WAddrW)) u_sequencer (
    .clk_i, .rst_ni, .start_i, .busy_o, .block_m_i, .block_n_i, .last_n_i(TAddrW'(last_n_i)),
    .table_read_o(table_read), .table_addr_o(table_addr), .table_data_i(p_data[63:0]),
    .restart_o(restart), .setup_o(setup), .slot_o(slot), .last_slot_o(last_slot), .first_word_o(first_word),
    .words_o(words), .left_i(left), .multiply_o(multiply), .block_last_m_o(block_last_m),
    .block_last_n_o(block_last_n), .chunks_o(chunks), .n_i(issue_n), .w_base_o(w_base), .idle_i(idle),
    .drain_o(drain), .first_n_o(first_n), .drained_i(drained)
  );

  // Operands to the tensor core.
  logic [     1:0] full;
  logic            released, buffer, y_valid;
  logic [  1023:0] a_tile;
  logic [    31:0] y_addr;
  obz_fetch #(.AddrW(XAddrW)) u_fetch (
    .clk_i, .rst_ni, .in_h_i, .in_w_i, .out_h_i, .out_w_i, .pixels_i, .origin_i, .step_w_i, .step_h_i, .step_n_i,
    .stride_h_i, .stride_w_i, .pad_top_i, .pad_left_i, .kernel_h_i, .kernel_w_i, .dilation_h_i, .dilation_w_i,
    .tap_h_i, .tap_w_i, .pad_word_i, .y_stride_i, .restart_i(restart), .setup_i(setup), .slot_i(slot),
    .start_i(multiply), .last_slot_i(last_slot), .first_word_i(first_word), .words_i(words), .left_o(left),
    .read_o(x_read), .read_addr_o(x_addr), .read_data_i(x_data), .full_o(full), .release_i(released),
    .buffer_i(buffer), .tile_i(issue_m), .a_o(a_tile), .y_slot_i(y_slot), .y_valid_o(y_valid), .y_addr_o(y_addr)
  );

  logic core_valid, core_ready, first;
  obz_issue #(.AddrW(WAddrW)) u_issue (
    .clk_i, .rst_ni, .start_i(multiply), .last_m_i(block_last_m), .last_n_i(block_last_n), .chunks_i(chunks),
    .w_base_i(w_base), .idle_o(idle), .full_i(full), .release_o(released), .buffer_o(buffer),
    .m_o(issue_m), .n_o(issue_n), .read_o(w_read), .read_addr_o(w_addr), .valid_o(core_valid), .ready_i(core_ready),
    .tile_o(issue_tile_o), .first_o(first), .result_i(result_o), .result_tile_i(result_tile_o)
  );
  assign issue_o = core_valid && core_ready;

  // The tensor core and its accumulators.
  logic [2047:0] acc_q [8];
  logic [2047:0] d;
  obz_tensor_core #(.Latency(Latency), .TagW(3)) u_core (
    .clk_i, .rst_ni, .valid_i(core_valid), .ready_o(core_ready), .a_lane_i, .b_lane_i, .a_signed_i, .b_signed_i,
    .satfinite_i, .tag_i(issue_tile_o), .a_i(a_tile), .b_i(w_data),
    .c_i(first ? '0 : acc_q[issue_tile_o]), .valid_o(result_o), .ready_i(1'b1), .tag_o(result_tile_o), .d_o(d)
  );
  always_ff @(posedge clk_i) if (result_o) acc_q[result_tile_o] <= d;

  // Outputs.
  logic [2:0] drain_tile, drain_row;
  obz_drain #(.AddrW(TAddrW)) u_drain (
    .clk_i, .rst_ni, .recipe_i, .y_lane_i, .start_i(drain), .last_m_i(block_last_m), .last_n_i(block_last_n),
    .first_n_i(first_n), .done_o(drained), .read_o(drain_read), .read_addr_o(drain_addr),
    .read_data_i(p_data[ParamW-1:64]), .tile_o(drain_tile), .row_o(drain_row),
    .acc_i(acc_q[drain_tile][drain_row*256+:256]), .y_slot_o(y_slot), .y_valid_i(y_valid), .y_addr_i(y_addr),
    .write_o, .ready_i(write_ready_i), .write_addr_o, .write_data_o, .write_enable_o
  );
  assign write_accepted = write_o && write_ready_i;

  for (genvar i = 0; i < 32; i++) begin : gen_y_byte
    obz_memory #(.Width(8), .Words(YWords)) u_outputs (
      .clk_i, .write_i(write_accepted && write_enable_o[i]), .write_addr_i(write_addr_o[5+:YAddrW]),
      .write_data_i(write_data_o[8*i+:8]), .read_i(unload_i), .read_addr_i(unload_addr_i),
      .read_data_o(unload_data_o[8*i+:8])
    );
  end
endmodule
