// Numbers that hardware and C++ must agree on. rtl/harness ties each of them to its enumeration by static_assert.
package obz_pkg;

  // ref/arith/round.hpp
  localparam logic [2:0] RoundFloor /*verilator public_flat_rd*/ = 3'd0;
  localparam logic [2:0] RoundTrunc /*verilator public_flat_rd*/ = 3'd1;
  localparam logic [2:0] RoundHalfUp /*verilator public_flat_rd*/ = 3'd2;
  localparam logic [2:0] RoundHalfAway /*verilator public_flat_rd*/ = 3'd3;
  localparam logic [2:0] RoundHalfEven /*verilator public_flat_rd*/ = 3'd4;

  // ref/arith/int_type.hpp
  localparam logic [1:0] OverflowExact /*verilator public_flat_rd*/ = 2'd0;
  localparam logic [1:0] OverflowWrap /*verilator public_flat_rd*/ = 2'd1;
  localparam logic [1:0] OverflowSaturate /*verilator public_flat_rd*/ = 2'd2;

endpackage
