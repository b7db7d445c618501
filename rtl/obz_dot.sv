// One output of the tensor core: what 32 bits of a row and 32 bits of a column add to it in one phase, and their sum
// over the phases. Sixteen multipliers of 9 x 3 bits, or 32 comparisons of 1-bit lanes.
//
// product_q is a register of its own: the sum lags one cycle behind the phase.
module obz_dot (
  input  logic        clk_i,
  input  logic        rst_ni,
  input  logic        multiply_i,     // this cycle's operands count
  input  logic        sum_i,          // product_q counts
  input  logic        first_i,        // of its mma: the sum starts at c_i
  input  logic [ 2:0] a_lane_i,
  input  logic [ 2:0] b_lane_i,
  input  logic [31:0] a_bits_i,
  input  logic [31:0] b_bits_i,
  input  logic [143:0] a_factors_i,
  input  logic [ 47:0] b_factors_i,
  input  logic [31:0] c_i,
  output logic [39:0] sum_o           // exact, in two's complement: |sum| < 2^31 + 8 * 2^32
);
  /*verilator no_inline_module*/  // one copy of the code in the simulator, not one an output

  logic [2:0] wide;
  logic       both16, one16, nibbles, crumbs;
  assign wide    = a_lane_i > b_lane_i ? a_lane_i : b_lane_i;
  assign both16  = a_lane_i == obz_pkg::Lane16 && b_lane_i == obz_pkg::Lane16;
  assign one16   = wide == obz_pkg::Lane16 && !both16;
  assign nibbles = wide == obz_pkg::Lane4;
  assign crumbs  = wide == obz_pkg::Lane2;

  logic signed [31:0] sum0, sum1, sum2, sum3;
  obz_fused_mul u_mul0 (
    .a_i(a_factors_i[35:0]), .b_i(b_factors_i[11:0]), .nibbles_i(nibbles), .crumbs_i(crumbs), .sum_o(sum0)
  );
  obz_fused_mul u_mul1 (
    .a_i(a_factors_i[71:36]), .b_i(b_factors_i[23:12]), .nibbles_i(nibbles), .crumbs_i(crumbs), .sum_o(sum1)
  );
  obz_fused_mul u_mul2 (
    .a_i(a_factors_i[107:72]), .b_i(b_factors_i[35:24]), .nibbles_i(nibbles), .crumbs_i(crumbs), .sum_o(sum2)
  );
  obz_fused_mul u_mul3 (
    .a_i(a_factors_i[143:108]), .b_i(b_factors_i[47:36]), .nibbles_i(nibbles), .crumbs_i(crumbs), .sum_o(sum3)
  );

  // 16-bit lanes: bytes by bytes, the products of their weight.
  logic signed [39:0] fused, product_d, product_q, sum_q;
  logic        [ 5:0] differing;
  always_comb begin
    if (both16) fused = 40'(sum0) + ((40'(sum1) + 40'(sum2)) <<< 8) + (40'(sum3) <<< 16);
    else if (one16) fused = 40'(sum0) + 40'(sum2) + ((40'(sum1) + 40'(sum3)) <<< 8);
    else fused = 40'(sum0) + 40'(sum1) + 40'(sum2) + 40'(sum3);
  end
  assign differing = 6'($countones(a_bits_i ^ b_bits_i));
  assign product_d = wide == obz_pkg::Lane1 ? $signed({34'd0, differing}) : fused;

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      product_q <= '0;
      sum_q     <= '0;
    end else begin
      if (multiply_i) product_q <= product_d;
      if (sum_i) sum_q <= (first_i ? 40'($signed(c_i)) : sum_q) + product_q;
    end
  end
  assign sum_o = sum_q;
endmodule
