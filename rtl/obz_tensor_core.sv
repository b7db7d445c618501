// D = A x B + C on Rows x Cols outputs, as mma.sync of sm_75 does it on 8 x 8: m8n8k16 on bytes, m8n8k32 on nibbles,
// m8n8k64 on crumbs, m8n8k128 on bits (xor.popc), and what sm_75 lacks: 16 bits and operands of different widths, on
// the same multipliers. Each operand has its signedness; D wraps or is clamped once (.satfinite).
//
// An mma is accepted every Interval cycles (twice that for 16 x 16 bits), its result stands Latency cycles after
// acceptance (and four more for 16 x 16). While valid_o waits for ready_i everything stands still.
module obz_tensor_core #(
  parameter int unsigned Rows    = obz_pkg::MmaRows,
  parameter int unsigned Cols    = obz_pkg::MmaCols,
  parameter int unsigned Latency = obz_pkg::MmaLatency,  // >= MmaLeast
  parameter int unsigned TagW    = 8
) (
  input  logic                      clk_i,
  input  logic                      rst_ni,

  input  logic                      valid_i,
  output logic                      ready_o,
  input  logic [               2:0] a_lane_i,      // log2 of the bits of a lane
  input  logic [               2:0] b_lane_i,
  input  logic                      a_signed_i,
  input  logic                      b_signed_i,
  input  logic                      satfinite_i,
  input  logic [          TagW-1:0] tag_i,         // comes back with the result
  input  logic [      Rows*128-1:0] a_i,           // row 0 in the low bits, its first element in the lowest
  input  logic [      Cols*128-1:0] b_i,           // column 0 in the low bits
  input  logic [  Rows*Cols*32-1:0] c_i,           // row-major, [0][0] in the low bits

  output logic                      valid_o,
  input  logic                      ready_i,
  output logic [          TagW-1:0] tag_o,
  output logic [  Rows*Cols*32-1:0] d_o
);
  localparam int unsigned Outputs = Rows * Cols;
  localparam int unsigned Delay   = Latency - obz_pkg::MmaLeast;

  logic go;
  assign go = !valid_o || ready_i;

  // Acceptance: operands stand still for all phases.
  logic                    busy_q;
  logic [             2:0] phase_q, last_phase;
  logic [             2:0] a_lane_q, b_lane_q;
  logic                    a_signed_q, b_signed_q, satfinite_q;
  logic [        TagW-1:0] tag_q;
  logic [    Rows*128-1:0] a_q;
  logic [    Cols*128-1:0] b_q;
  logic [  Outputs*32-1:0] c_q;
  assign last_phase = a_lane_q == obz_pkg::Lane16 && b_lane_q == obz_pkg::Lane16
                    ? 3'(2 * obz_pkg::MmaInterval - 1) : 3'(obz_pkg::MmaInterval - 1);
  assign ready_o    = go && (!busy_q || phase_q == last_phase);

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      busy_q  <= 1'b0;
      phase_q <= '0;
    end else if (go) begin
      if (valid_i && ready_o) begin
        busy_q  <= 1'b1;
        phase_q <= '0;
      end else if (busy_q) begin
        busy_q  <= phase_q != last_phase;
        phase_q <= phase_q + 3'd1;
      end
    end
  end
  always_ff @(posedge clk_i) begin
    if (valid_i && ready_o) begin
      a_lane_q    <= a_lane_i;
      b_lane_q    <= b_lane_i;
      a_signed_q  <= a_signed_i;
      b_signed_q  <= b_signed_i;
      satfinite_q <= satfinite_i;
      tag_q       <= tag_i;
      a_q         <= a_i;
      b_q         <= b_i;
      c_q         <= c_i;
    end
  end

  // What belongs to the product in its register, then to the sum.
  logic       multiplied_q, first_q, last_q, summed_q, satfinite1_q, satfinite2_q;
  logic [TagW-1:0] tag1_q, tag2_q;
  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      multiplied_q <= 1'b0;
      first_q      <= 1'b0;
      last_q       <= 1'b0;
      summed_q     <= 1'b0;
      satfinite1_q <= 1'b0;
      satfinite2_q <= 1'b0;
      tag1_q       <= '0;
      tag2_q       <= '0;
    end else if (go) begin
      multiplied_q <= busy_q;
      first_q      <= phase_q == 3'd0;
      last_q       <= phase_q == last_phase;
      satfinite1_q <= satfinite_q;
      tag1_q       <= tag_q;
      summed_q     <= multiplied_q && last_q;
      satfinite2_q <= satfinite1_q;
      tag2_q       <= tag1_q;
    end
  end

  logic [Rows*32-1:0] a_bits;
  logic [Cols*32-1:0] b_bits;
  logic [Rows*144-1:0] a_factors;
  logic [Cols*48-1:0]  b_factors;
  for (genvar r = 0; r < Rows; r++) begin : gen_row
    obz_operand #(.IsB(1'b0)) u_operand (
      .row_i(a_q[r*128+:128]), .phase_i(phase_q), .lane_i(a_lane_q), .other_lane_i(b_lane_q), .signed_i(a_signed_q),
      .bits_o(a_bits[r*32+:32]), .factors_o(a_factors[r*144+:144])
    );
  end
  for (genvar c = 0; c < Cols; c++) begin : gen_col
    obz_operand #(.IsB(1'b1)) u_operand (
      .row_i(b_q[c*128+:128]), .phase_i(phase_q), .lane_i(b_lane_q), .other_lane_i(a_lane_q), .signed_i(b_signed_q),
      .bits_o(b_bits[c*32+:32]), .factors_o(b_factors[c*48+:48])
    );
  end

  logic [Outputs*32-1:0] d_d;
  for (genvar r = 0; r < Rows; r++) begin : gen_outputs
    for (genvar c = 0; c < Cols; c++) begin : gen_output
      logic [39:0] sum;
      obz_dot u_dot (
        .clk_i, .rst_ni, .multiply_i(go && busy_q), .sum_i(go && multiplied_q), .first_i(first_q),
        .a_lane_i(a_lane_q), .b_lane_i(b_lane_q), .a_bits_i(a_bits[r*32+:32]), .b_bits_i(b_bits[c*32+:32]),
        .a_factors_i(a_factors[r*144+:144]), .b_factors_i(b_factors[c*48+:48]), .c_i(c_q[(r*Cols+c)*32+:32]), .sum_o(sum)
      );
      logic fits;
      assign fits = sum[39:31] == '0 || sum[39:31] == '1;
      assign d_d[(r*Cols+c)*32+:32] = fits || !satfinite2_q ? sum[31:0] : {sum[39], {31{!sum[39]}}};
    end
  end

  // The rest of the latency. Stage 0 is the result's own register.
  logic [           Delay:0] valid_pipe_q;
  logic [(Delay+1)*TagW-1:0] tag_pipe_q;
  logic [Outputs*32-1:0]     d_pipe_q [Delay+1];
  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) valid_pipe_q <= '0;
    else if (go) valid_pipe_q <= (Delay + 1)'({valid_pipe_q, summed_q});
  end
  always_ff @(posedge clk_i) begin
    if (go) begin
      if (summed_q) begin
        d_pipe_q[0]     <= d_d;
        tag_pipe_q[TagW-1:0] <= tag2_q;
      end
      for (int unsigned i = 1; i <= Delay; i++) begin
        if (valid_pipe_q[i-1]) begin
          d_pipe_q[i]          <= d_pipe_q[i-1];
          tag_pipe_q[i*TagW+:TagW] <= tag_pipe_q[(i-1)*TagW+:TagW];
        end
      end
    end
  end
  assign valid_o = valid_pipe_q[Delay];
  assign tag_o   = tag_pipe_q[Delay*TagW+:TagW];
  assign d_o     = d_pipe_q[Delay];
endmodule
