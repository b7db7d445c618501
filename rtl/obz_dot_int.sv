// A dot product of one precision: Terms elements of AW bits by as many of BW bits a cycle, added to an accumulator. What
// obz_dot would be if its operands had one width each; scripts/rtl_area compares the two.
//
// Latency 1: a beat with valid_i adds its products to the accumulator (with first_i to c_i instead), all at once, and
// the sum is kept in AccW bits once. sum_o stands until the next beat.
module obz_dot_int #(
  parameter int unsigned AW       = 8,      // >= 1; one signed bit is 0 or -1
  parameter int unsigned BW       = 8,
  parameter int unsigned Terms    = 4,      // >= 1
  parameter int unsigned AccW     = 32,     // >= 2
  parameter bit          ASigned  = 1'b1,
  parameter bit          BSigned  = 1'b1,
  parameter bit          Saturate = 1'b0    // the accumulator; else it wraps
) (
  input  logic                   clk_i,
  input  logic                   rst_ni,
  input  logic                   valid_i,
  input  logic                   first_i,
  input  logic [   Terms*AW-1:0] a_i,       // element 0 in the low bits
  input  logic [   Terms*BW-1:0] b_i,
  input  logic signed [AccW-1:0] c_i,
  output logic signed [AccW-1:0] sum_o
);
  // A bit more than each operand makes both signed; a product of those, and a sum of Terms.
  localparam int unsigned ProductW = AW + BW + 2;
  localparam int unsigned DotW     = ProductW + $clog2(Terms);
  localparam int unsigned SumW     = (DotW > AccW ? DotW : AccW) + 1;

  // Products are the leaves of a tree that lies as a heap: node i is the sum of 2i+1 and 2i+2, node 0 is all.
  logic [(2*Terms-1)*DotW-1:0] node;
  always_comb begin
    node = '0;
    for (int unsigned i = 0; i < Terms; i++) begin
      node[(Terms-1+i)*DotW+:DotW] = DotW'($signed({ASigned & a_i[i*AW+AW-1], a_i[i*AW+:AW]})) *
                                     DotW'($signed({BSigned & b_i[i*BW+BW-1], b_i[i*BW+:BW]}));
    end
    for (int unsigned i = Terms - 1; i > 0; i--) begin
      node[(i-1)*DotW+:DotW] = node[(2*i-1)*DotW+:DotW] + node[2*i*DotW+:DotW];
    end
  end

  logic signed [SumW-1:0] sum;
  logic signed [AccW-1:0] base, acc_d, acc_q;
  logic                   fits;
  assign base   = first_i ? c_i : acc_q;
  assign sum    = SumW'(base) + SumW'($signed(node[DotW-1:0]));
  assign fits   = sum[SumW-1:AccW-1] == '0 || sum[SumW-1:AccW-1] == '1;
  if (Saturate) begin : gen_saturate
    assign acc_d = fits ? sum[AccW-1:0] : {sum[SumW-1], {(AccW-1){!sum[SumW-1]}}};
  end else begin : gen_wrap
    assign acc_d = sum[AccW-1:0];
    logic unused_sum;
    assign unused_sum = &{1'b0, fits, sum[SumW-1:AccW]};
  end

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) acc_q <= '0;
    else if (valid_i) acc_q <= acc_d;
  end
  assign sum_o = acc_q;
endmodule
