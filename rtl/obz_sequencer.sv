// The order of a layer's work. Output channels in blocks of tiles of eight, for each the pixels in blocks of tiles of
// eight: set up, multiply, drain. Nothing of one block overlaps the next.
module obz_sequencer #(
  parameter int unsigned TileAddrW = 9,
  parameter int unsigned WAddrW    = 13
) (
  input  logic                 clk_i,
  input  logic                 rst_ni,
  input  logic                 start_i,
  output logic                 busy_o,
  // of the layer
  input  logic [          3:0] block_m_i,       // tiles of pixels a block, 1..8
  input  logic [          3:0] block_n_i,       // tiles of channels a block; block_m_i * block_n_i <= 8
  input  logic [TileAddrW-1:0] last_n_i,        // tiles of channels less one
  // entries of the table of tiles: {chunks, words, first_word, w_base} of 16 bits each
  output logic                 table_read_o,
  output logic [TileAddrW-1:0] table_addr_o,
  input  logic [         63:0] table_data_i,
  // fetch
  output logic                 restart_o,
  output logic                 setup_o,
  output logic [          5:0] slot_o,
  output logic [          5:0] last_slot_o,
  output logic [         15:0] first_word_o,
  output logic [         15:0] words_o,
  input  logic [         31:0] left_i,
  // issue: multiply_o starts it and the fetch
  output logic                 multiply_o,
  output logic [          2:0] block_last_m_o,
  output logic [          2:0] block_last_n_o,
  output logic [         15:0] chunks_o,
  input  logic [          2:0] n_i,
  output logic [   WAddrW-1:0] w_base_o,
  input  logic                 idle_i,
  // drain
  output logic                 drain_o,
  output logic [TileAddrW-1:0] first_n_o,
  input  logic                 drained_i
);
  localparam logic [2:0] Idle = 3'd0, Table = 3'd1, Setup = 3'd2, Multiply = 3'd3, Drain = 3'd4;

  logic [          2:0] state_q;
  logic [          3:0] count_q;                // entries of the table asked for
  logic                 arriving_q, started_q;
  logic [          2:0] arriving_n_q, last_m_q, last_n_q;
  logic [          5:0] slot_q;
  logic [TileAddrW-1:0] first_n_q;
  logic [   WAddrW-1:0] w_base_q [8];
  logic [         15:0] first_word_q, words_q, chunks_q;

  // What is left may fill a smaller block.
  logic [TileAddrW-1:0] n_left;
  logic [         31:0] m_left;
  assign n_left = last_n_i - first_n_q;
  assign m_left = (left_i + 32'd7) >> 3;

  logic [TileAddrW-1:0] next_n;
  assign next_n = first_n_q + TileAddrW'(last_n_q) + TileAddrW'(1);

  assign busy_o         = state_q != Idle;
  assign table_read_o   = state_q == Table && count_q <= {1'b0, last_n_q};
  assign table_addr_o   = first_n_q + TileAddrW'(count_q);
  assign restart_o      = state_q == Table;
  assign setup_o        = state_q == Setup;
  assign slot_o         = slot_q;
  assign last_slot_o    = {last_m_q, 3'd7};
  assign first_word_o   = first_word_q;
  assign words_o        = words_q;
  assign multiply_o     = state_q == Multiply && !started_q;
  assign block_last_m_o = last_m_q;
  assign block_last_n_o = last_n_q;
  assign chunks_o       = chunks_q;
  assign w_base_o       = w_base_q[n_i];
  assign drain_o        = state_q == Drain && !started_q;
  assign first_n_o      = first_n_q;

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      state_q      <= Idle;
      count_q      <= '0;
      arriving_q   <= 1'b0;
      arriving_n_q <= '0;
      started_q    <= 1'b0;
      last_m_q     <= '0;
      last_n_q     <= '0;
      slot_q       <= '0;
      first_n_q    <= '0;
      first_word_q <= '0;
      words_q      <= '0;
      chunks_q     <= '0;
    end else begin
      arriving_q   <= table_read_o;
      arriving_n_q <= count_q[2:0];
      if (arriving_q && arriving_n_q == 3'd0) {chunks_q, words_q, first_word_q} <= table_data_i[63:16];
      unique case (state_q)
        Idle: begin
          if (start_i) begin
            state_q   <= Table;
            first_n_q <= '0;
            count_q   <= '0;
            last_n_q  <= last_n_i < TileAddrW'(block_n_i) ? 3'(last_n_i) : 3'(block_n_i - 4'd1);
          end
        end
        Table: begin
          if (table_read_o) count_q <= count_q + 4'd1;
          else if (!arriving_q) begin
            state_q  <= Setup;
            slot_q   <= '0;
            last_m_q <= m_left < {28'd0, block_m_i} ? 3'(m_left - 32'd1) : 3'(block_m_i - 4'd1);
          end
        end
        Setup: begin
          slot_q <= slot_q + 6'd1;
          if (slot_q == last_slot_o) begin
            state_q   <= Multiply;
            started_q <= 1'b0;
          end
        end
        Multiply: begin
          started_q <= 1'b1;
          if (started_q && idle_i) begin
            state_q   <= Drain;
            started_q <= 1'b0;
          end
        end
        Drain: begin
          started_q <= 1'b1;
          if (drained_i) begin
            slot_q <= '0;
            if (left_i != 32'd0) begin
              state_q  <= Setup;
              last_m_q <= m_left < {28'd0, block_m_i} ? 3'(m_left - 32'd1) : 3'(block_m_i - 4'd1);
            end else if (n_left > TileAddrW'(last_n_q)) begin
              state_q   <= Table;
              count_q   <= '0;
              first_n_q <= next_n;
              last_n_q  <= last_n_i - next_n < TileAddrW'(block_n_i) ? 3'(last_n_i - next_n) : 3'(block_n_i - 4'd1);
            end else begin
              state_q <= Idle;
            end
          end
        end
        default: state_q <= Idle;
      endcase
    end
  end
  always_ff @(posedge clk_i) begin
    if (arriving_q) w_base_q[arriving_n_q] <= WAddrW'(table_data_i[15:0]);
  end
endmodule
