// A dot product with an accumulator, two cycles deep: products, then their sum. Eight lanes of int8.
module own_dot #(
  parameter int unsigned Lanes = 8
) (
  input  logic                      clk_i,
  input  logic                      rst_ni,
  input  logic        [8*Lanes-1:0] a_i,
  input  logic        [8*Lanes-1:0] b_i,
  input  logic signed [       31:0] c_i,
  output logic signed [       31:0] sum_o   // wraps
);
  logic        [16*Lanes-1:0] products_q;
  logic signed [        31:0] c_q, sum_d;

  always_comb begin
    sum_d = c_q;
    for (int unsigned i = 0; i < Lanes; i++) sum_d = sum_d + 32'($signed(products_q[16*i+:16]));
  end

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      products_q <= '0;
      c_q        <= '0;
      sum_o      <= '0;
    end else begin
      for (int unsigned i = 0; i < Lanes; i++) begin
        products_q[16*i+:16] <= 16'($signed(a_i[8*i+:8])) * 16'($signed(b_i[8*i+:8]));
      end
      c_q   <= c_i;
      sum_o <= sum_d;
    end
  end
endmodule
