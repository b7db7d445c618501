// Which mma enters the tensor core when: chunk by chunk, and in a chunk every tile of the block, columns of weights
// outermost, so that a word of weights is read once a chunk. A tile waits for its own last result and nothing else.
module obz_issue #(
  parameter int unsigned AddrW = 13
) (
  input  logic             clk_i,
  input  logic             rst_ni,
  // of the block
  input  logic             start_i,
  input  logic [      2:0] last_m_i,       // tiles of pixels less one; tiles of both kinds together are 8 at most
  input  logic [      2:0] last_n_i,       // tiles of output channels less one
  input  logic [     15:0] chunks_i,       // words of weights a tile of channels
  input  logic [AddrW-1:0] w_base_i,       // of the tile n_o
  output logic             idle_o,         // and all results are there
  // left operands
  input  logic [      1:0] full_i,
  output logic             release_o,
  output logic             buffer_o,
  output logic [      2:0] m_o,
  // right operands
  output logic [      2:0] n_o,
  output logic             read_o,
  output logic [AddrW-1:0] read_addr_o,
  // the tensor core
  output logic             valid_o,
  input  logic             ready_i,
  output logic [      2:0] tile_o,
  output logic             first_o,        // the tile starts at zero
  input  logic             result_i,
  input  logic [      2:0] result_tile_i
);
  logic        active_q, buffer_q, first_q, fresh_q;
  logic [ 2:0] m_q, n_q, tile_q;
  logic [15:0] chunk_q;
  logic [ 7:0] waiting_q;
  logic        accepted, m_ends, n_ends, chunks_end;
  assign accepted   = valid_o && ready_i;
  assign m_ends     = m_q == last_m_i;
  assign n_ends     = n_q == last_n_i;
  assign chunks_end = chunk_q == chunks_i - 16'd1;

  assign valid_o     = active_q && full_i[buffer_q] && fresh_q && !waiting_q[tile_q];
  assign release_o   = accepted && m_ends && n_ends;
  assign buffer_o    = buffer_q;
  assign m_o         = m_q;
  assign n_o         = n_q;
  assign tile_o      = tile_q;
  assign first_o     = first_q;
  assign read_o      = active_q && !fresh_q;
  assign read_addr_o = w_base_i + AddrW'(chunk_q);
  assign idle_o      = !active_q && waiting_q == '0;

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      active_q  <= 1'b0;
      buffer_q  <= 1'b0;
      first_q   <= 1'b0;
      fresh_q   <= 1'b0;
      m_q       <= '0;
      n_q       <= '0;
      tile_q    <= '0;
      chunk_q   <= '0;
      waiting_q <= '0;
    end else begin
      fresh_q <= active_q;  // the weights at this place are read, unless the place moves
      if (result_i) waiting_q[result_tile_i] <= 1'b0;
      if (start_i) begin
        active_q <= 1'b1;
        buffer_q <= 1'b0;
        first_q  <= 1'b1;
        fresh_q  <= 1'b0;
        m_q      <= '0;
        n_q      <= '0;
        tile_q   <= '0;
        chunk_q  <= '0;
      end else if (accepted) begin
        waiting_q[tile_q] <= 1'b1;
        m_q    <= m_ends ? '0 : m_q + 3'd1;
        tile_q <= m_ends && n_ends ? '0 : tile_q + 3'd1;
        if (m_ends) begin
          fresh_q <= 1'b0;
          n_q     <= n_ends ? '0 : n_q + 3'd1;
          if (n_ends) begin
            buffer_q <= !buffer_q;
            first_q  <= 1'b0;
            chunk_q  <= chunk_q + 16'd1;
            active_q <= !chunks_end;
          end
        end
      end
    end
  end
endmodule
