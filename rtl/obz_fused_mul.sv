// Four multipliers of 9 x 3 bits that fuse. Each has a crumb (2 bits, and a sign or zero on top) of B and the element of
// A that meets it. Their weights make of them one product of two bytes, the sum of two products of nibbles, or of four
// products of crumbs.
module obz_fused_mul (
  input  logic        [35:0] a_i,        // four of 9 bits
  input  logic        [11:0] b_i,        // four of 3 bits: -2..3
  input  logic               nibbles_i,
  input  logic               crumbs_i,   // excludes nibbles_i
  output logic signed [31:0] sum_o       // u8 x u8 reaches 65025
);
  // 32 bits, as a simulator's; synthesis keeps those that differ.
  logic signed [31:0] product0, product1, product2, product3, low, high;
  assign product0 = 32'($signed(a_i[8:0])) * 32'($signed(b_i[2:0]));
  assign product1 = 32'($signed(a_i[17:9])) * 32'($signed(b_i[5:3]));
  assign product2 = 32'($signed(a_i[26:18])) * 32'($signed(b_i[8:6]));
  assign product3 = 32'($signed(a_i[35:27])) * 32'($signed(b_i[11:9]));

  assign low   = product0 + (crumbs_i ? product1 : product1 <<< 2);
  assign high  = product2 + (crumbs_i ? product3 : product3 <<< 2);
  assign sum_o = low + (nibbles_i || crumbs_i ? high : high <<< 4);
endmodule
