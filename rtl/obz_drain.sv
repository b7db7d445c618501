// From accumulators to outputs: each row of each tile gets its bias, its requantization, its lanes and its place. A row
// a cycle, eight channels side by side; a cycle more for each tile of channels, whose parameters are read then.
module obz_drain #(
  parameter int unsigned AddrW = 9
) (
  input  logic             clk_i,
  input  logic             rst_ni,
  // of the layer
  input  logic [     33:0] recipe_i,
  input  logic [      2:0] y_lane_i,       // log2 of an output's bits, 0..5
  // of the block
  input  logic             start_i,
  input  logic [      2:0] last_m_i,
  input  logic [      2:0] last_n_i,
  input  logic [AddrW-1:0] first_n_i,      // tile of channels in the layer
  output logic             done_o,         // in the cycle of the last write
  // parameters: eight channels of {bias, channel}
  output logic             read_o,
  output logic [AddrW-1:0] read_addr_o,
  input  logic [   1855:0] read_data_i,
  // accumulators
  output logic [      2:0] tile_o,
  output logic [      2:0] row_o,
  input  logic [    255:0] acc_i,
  // pixels
  output logic [      5:0] y_slot_o,
  input  logic             y_valid_i,
  input  logic [     31:0] y_addr_i,
  // outputs: 32 bytes of which some are written
  output logic             write_o,
  input  logic             ready_i,
  output logic [     31:0] write_addr_o,   // bytes, a multiple of 32
  output logic [    255:0] write_data_o,
  output logic [     31:0] write_enable_o
);
  logic             active_q, reading_q;
  logic [      2:0] m_q, n_q, tile_q, row_q;
  logic             go, row_ends, m_ends, n_ends;
  assign row_ends = row_q == 3'd7;
  assign m_ends   = m_q == last_m_i;
  assign n_ends   = n_q == last_n_i;
  assign go       = !write_o || ready_i;

  assign read_o      = active_q && reading_q && go;
  assign read_addr_o = first_n_i + AddrW'(n_q);
  assign tile_o      = tile_q;
  assign row_o       = row_q;
  assign y_slot_o    = {m_q, row_q};

  logic stepping;
  assign stepping = active_q && !reading_q && go;
  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      active_q  <= 1'b0;
      reading_q <= 1'b0;
      m_q       <= '0;
      n_q       <= '0;
      tile_q    <= '0;
      row_q     <= '0;
    end else if (start_i) begin
      active_q  <= 1'b1;
      reading_q <= 1'b1;
      m_q       <= '0;
      n_q       <= '0;
      tile_q    <= '0;
      row_q     <= '0;
    end else if (active_q && go) begin
      reading_q <= 1'b0;
      if (stepping) begin
        row_q <= row_q + 3'd1;
        if (row_ends) begin
          tile_q <= tile_q + 3'd1;
          m_q    <= m_ends ? '0 : m_q + 3'd1;
          if (m_ends) begin
            reading_q <= 1'b1;
            n_q       <= n_q + 3'd1;
            active_q  <= !n_ends;
          end
        end
      end
    end
  end

  // One stage with the accumulators, one with the outputs.
  logic         taken_q, taken_last_q, last_q, kept_q;
  logic [255:0] acc_q;
  logic [ 31:0] taken_addr_q, addr_q;
  logic [255:0] out_d, out_q;
  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      taken_q      <= 1'b0;
      taken_last_q <= 1'b0;
      last_q       <= 1'b0;
      kept_q       <= 1'b0;
    end else if (go) begin
      taken_q      <= stepping && y_valid_i;
      taken_last_q <= stepping && row_ends && m_ends && n_ends;
      kept_q       <= taken_q;
      last_q       <= taken_last_q;
    end
  end
  always_ff @(posedge clk_i) begin
    if (stepping) begin
      acc_q        <= acc_i;
      taken_addr_q <= y_addr_i + (32'(read_addr_o) << y_lane_i);
    end
    if (go && taken_q) begin
      out_q  <= out_d;
      addr_q <= taken_addr_q;
    end
  end
  for (genvar i = 0; i < 8; i++) begin : gen_lane
    logic signed [31:0] sum;
    assign sum = $signed(acc_q[32*i+:32]) + $signed(read_data_i[232*i+200+:32]);
    obz_requant_lane #(.AccW(32), .OutW(32)) u_requant (
      .acc_i(sum), .recipe_i, .channel_i(read_data_i[232*i+:200]), .out_o(out_d[32*i+:32])
    );
  end

  assign write_o      = kept_q;
  assign done_o       = last_q && go;
  assign write_addr_o = {addr_q[31:5], 5'd0};
  obz_pack u_pack (
    .values_i(out_q), .lane_i(y_lane_i), .offset_i(addr_q[4:0]), .word_o(write_data_o), .enable_o(write_enable_o)
  );
endmodule
