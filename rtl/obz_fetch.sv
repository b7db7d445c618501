// The left operand of a convolution: for a block of up to 64 output pixels, the 128-bit words of activations that
// their windows meet, tap by tap. Activations lie as [n][h][w][words of channels]; a position outside the image reads
// as pad_word_i.
//
// setup_i makes a slot a cycle (address and position of the next pixel's window), start_i then fetches chunk after
// chunk (kernel row, kernel column, word) into two buffers that the issuer empties: a word a cycle.
module obz_fetch #(
  parameter int unsigned AddrW = 16
) (
  input  logic                clk_i,
  input  logic                rst_ni,
  // of the layer
  input  logic        [ 15:0] in_h_i,
  input  logic        [ 15:0] in_w_i,
  input  logic        [ 15:0] out_h_i,
  input  logic        [ 15:0] out_w_i,
  input  logic        [ 31:0] pixels_i,      // n * out_h * out_w
  input  logic signed [ 31:0] origin_i,      // word address of tap (0, 0) of the first pixel; may lie before the memory
  input  logic signed [ 31:0] step_w_i,      // words to the next output column, row, image
  input  logic signed [ 31:0] step_h_i,
  input  logic signed [ 31:0] step_n_i,
  input  logic        [ 15:0] stride_h_i,
  input  logic        [ 15:0] stride_w_i,
  input  logic        [ 15:0] pad_top_i,
  input  logic        [ 15:0] pad_left_i,
  input  logic        [ 15:0] kernel_h_i,
  input  logic        [ 15:0] kernel_w_i,
  input  logic        [ 15:0] dilation_h_i,
  input  logic        [ 15:0] dilation_w_i,
  input  logic signed [ 31:0] tap_h_i,       // words to the next kernel row, column
  input  logic signed [ 31:0] tap_w_i,
  input  logic        [127:0] pad_word_i,
  input  logic        [ 15:0] y_stride_i,    // bytes from a pixel's outputs to the next one's
  // of the block
  input  logic                restart_i,     // the next slot is the first pixel's
  input  logic                setup_i,
  input  logic        [  5:0] slot_i,
  input  logic                start_i,
  input  logic        [  5:0] last_slot_i,
  input  logic        [ 15:0] first_word_i,  // words of a pixel that count
  input  logic        [ 15:0] words_i,
  output logic        [ 31:0] left_o,        // pixels without a slot
  // the activations' memory
  output logic                read_o,
  output logic [AddrW-1:0]    read_addr_o,
  input  logic        [127:0] read_data_i,
  // to the issuer: eight slots are a tile
  output logic        [  1:0] full_o,
  input  logic                release_i,     // the older full buffer
  input  logic                buffer_i,
  input  logic        [  2:0] tile_i,
  output logic [1023:0]       a_o,
  // to the drain
  input  logic        [  5:0] y_slot_i,
  output logic                y_valid_o,
  output logic        [ 31:0] y_addr_o       // of the pixel's outputs, in bytes
);
  // Pixels to slots.
  logic               valid_q [64];
  logic signed [31:0] base_q  [64];
  logic signed [17:0] top_q   [64];
  logic signed [17:0] left_q  [64];
  logic        [31:0] y_q     [64];

  logic        [31:0] pixels_left_q, next_y_q;
  logic        [15:0] ow_q, oh_q;
  logic signed [31:0] image_q, row_q, pixel_q;
  logic signed [17:0] row_top_q, column_left_q;
  logic               row_ends, image_ends;
  assign row_ends   = ow_q == out_w_i - 16'd1;
  assign image_ends = oh_q == out_h_i - 16'd1;
  assign left_o     = pixels_left_q;

  always_ff @(posedge clk_i) begin
    if (restart_i) begin
      pixels_left_q <= pixels_i;
      next_y_q      <= '0;
      ow_q          <= '0;
      oh_q          <= '0;
      image_q       <= origin_i;
      row_q         <= origin_i;
      pixel_q       <= origin_i;
      row_top_q     <= -$signed({2'b00, pad_top_i});
      column_left_q <= -$signed({2'b00, pad_left_i});
    end else if (setup_i) begin
      valid_q[slot_i] <= pixels_left_q != 32'd0;
      base_q[slot_i]  <= pixel_q;
      top_q[slot_i]   <= row_top_q;
      left_q[slot_i]  <= column_left_q;
      y_q[slot_i]     <= next_y_q;
      if (pixels_left_q != 32'd0) begin
        pixels_left_q <= pixels_left_q - 32'd1;
        next_y_q      <= next_y_q + {16'd0, y_stride_i};
        if (!row_ends) begin
          ow_q          <= ow_q + 16'd1;
          column_left_q <= column_left_q + $signed({2'b00, stride_w_i});
          pixel_q       <= pixel_q + step_w_i;
        end else begin
          ow_q          <= '0;
          column_left_q <= -$signed({2'b00, pad_left_i});
          if (!image_ends) begin
            oh_q      <= oh_q + 16'd1;
            row_top_q <= row_top_q + $signed({2'b00, stride_h_i});
            row_q     <= row_q + step_h_i;
            pixel_q   <= row_q + step_h_i;
          end else begin
            oh_q      <= '0;
            row_top_q <= -$signed({2'b00, pad_top_i});
            image_q   <= image_q + step_n_i;
            row_q     <= image_q + step_n_i;
            pixel_q   <= image_q + step_n_i;
          end
        end
      end
    end
  end
  assign y_valid_o = valid_q[y_slot_i];
  assign y_addr_o  = y_q[y_slot_i];

  // Chunks to buffers.
  logic               active_q, buffer_q;
  logic        [ 5:0] slot_q;
  logic        [15:0] word_q, kw_q, kh_q;
  logic signed [17:0] down_q, right_q;       // dilated kernel position
  logic signed [31:0] row_tap_q, tap_q;      // words from the window's origin
  logic               taking, chunk_ends, words_end, columns_end, rows_end;
  assign taking      = active_q && !full_o[buffer_q];
  assign chunk_ends  = slot_q == last_slot_i;
  assign words_end   = word_q == words_i - 16'd1;
  assign columns_end = kw_q == kernel_w_i - 16'd1;
  assign rows_end    = kh_q == kernel_h_i - 16'd1;

  logic signed [17:0] ih, iw;
  logic               in_image;
  assign ih          = top_q[slot_q] + down_q;
  assign iw          = left_q[slot_q] + right_q;
  assign in_image      = valid_q[slot_q] && ih >= 18'sd0 && ih < $signed({2'b00, in_h_i}) && iw >= 18'sd0 &&
                       iw < $signed({2'b00, in_w_i});
  assign read_o      = taking && in_image;
  assign read_addr_o = AddrW'(base_q[slot_q] + tap_q + $signed({16'd0, first_word_i}) + $signed({16'd0, word_q}));

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      active_q  <= 1'b0;
      buffer_q  <= 1'b0;
      slot_q    <= '0;
      word_q    <= '0;
      kw_q      <= '0;
      kh_q      <= '0;
      down_q    <= '0;
      right_q   <= '0;
      row_tap_q <= '0;
      tap_q     <= '0;
    end else if (start_i) begin
      active_q  <= 1'b1;
      buffer_q  <= 1'b0;
      slot_q    <= '0;
      word_q    <= '0;
      kw_q      <= '0;
      kh_q      <= '0;
      down_q    <= '0;
      right_q   <= '0;
      row_tap_q <= '0;
      tap_q     <= '0;
    end else if (taking) begin
      slot_q <= chunk_ends ? '0 : slot_q + 6'd1;
      if (chunk_ends) begin
        buffer_q <= !buffer_q;
        word_q   <= words_end ? '0 : word_q + 16'd1;
        if (words_end) begin
          kw_q    <= columns_end ? '0 : kw_q + 16'd1;
          right_q <= columns_end ? '0 : right_q + $signed({2'b00, dilation_w_i});
          tap_q   <= columns_end ? row_tap_q + tap_h_i : tap_q + tap_w_i;
          if (columns_end) begin
            kh_q      <= kh_q + 16'd1;
            down_q    <= down_q + $signed({2'b00, dilation_h_i});
            row_tap_q <= row_tap_q + tap_h_i;
            active_q  <= !rows_end;
          end
        end
      end
    end
  end

  // A word arrives the cycle after it was asked for.
  logic          arriving_q, arriving_in_image_q, arriving_ends_q, arriving_buffer_q;
  logic [   5:0] arriving_slot_q;
  logic [1023:0] tile_q [16];
  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      arriving_q        <= 1'b0;
      arriving_in_image_q <= 1'b0;
      arriving_ends_q   <= 1'b0;
      arriving_buffer_q <= 1'b0;
      arriving_slot_q   <= '0;
      full_o            <= '0;
    end else begin
      arriving_q        <= taking;
      arriving_in_image_q <= in_image;
      arriving_ends_q   <= chunk_ends;
      arriving_buffer_q <= buffer_q;
      arriving_slot_q   <= slot_q;
      if (release_i) full_o[buffer_i] <= 1'b0;
      if (arriving_q && arriving_ends_q) full_o[arriving_buffer_q] <= 1'b1;
    end
  end
  always_ff @(posedge clk_i) begin
    if (arriving_q) begin
      tile_q[{arriving_buffer_q, arriving_slot_q[5:3]}][arriving_slot_q[2:0]*128+:128] <=
        arriving_in_image_q ? read_data_i : pad_word_i;
    end
  end
  assign a_o = tile_q[{buffer_i, tile_i}];
endmodule
