// Numbers that hardware and C++ must agree on. rtl/harness ties each of them to its enumeration by static_assert.
package obz_pkg;
  // verilator lint_off UNUSEDPARAM

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

  // Lane widths of the tensor core's operands, as log2 of their bits.
  localparam logic [2:0] Lane1 /*verilator public_flat_rd*/ = 3'd0;
  localparam logic [2:0] Lane2 /*verilator public_flat_rd*/ = 3'd1;
  localparam logic [2:0] Lane4 /*verilator public_flat_rd*/ = 3'd2;
  localparam logic [2:0] Lane8 /*verilator public_flat_rd*/ = 3'd3;
  localparam logic [2:0] Lane16 /*verilator public_flat_rd*/ = 3'd4;

  // The tensor core: D = A x B + C on 8 x 8 outputs, 128 bits of A a row and of B a column. In cycles.
  localparam int unsigned MmaRows /*verilator public_flat_rd*/ = 8;
  localparam int unsigned MmaCols /*verilator public_flat_rd*/ = 8;
  localparam int unsigned MmaInterval /*verilator public_flat_rd*/ = 4;   // twice that where both operands have 16 bits
  localparam int unsigned MmaLatency /*verilator public_flat_rd*/ = 14;   // from acceptance to the result
  localparam int unsigned MmaLeast /*verilator public_flat_rd*/ = 7;      // latency of the arithmetic alone

  // A recipe as one vector: offsets of its fields, the first in the low bits. ref/arith/recipe.hpp
  localparam int unsigned RoundingAt /*verilator public_flat_rd*/ = 0;         // 3 bits
  localparam int unsigned FirstBitsAt /*verilator public_flat_rd*/ = 3;        // 6
  localparam int unsigned FirstRoundingAt /*verilator public_flat_rd*/ = 9;    // 3
  localparam int unsigned FirstOverflowAt /*verilator public_flat_rd*/ = 12;   // 2
  localparam int unsigned LeftOverflowAt /*verilator public_flat_rd*/ = 14;    // 2
  localparam int unsigned ProductBitsAt /*verilator public_flat_rd*/ = 16;     // 7
  localparam int unsigned ScaledBitsAt /*verilator public_flat_rd*/ = 23;      // 7
  localparam int unsigned ScaledOverflowAt /*verilator public_flat_rd*/ = 30;  // 2
  localparam int unsigned ZeroPointFirstAt /*verilator public_flat_rd*/ = 32;  // 1
  localparam int unsigned ClampFirstAt /*verilator public_flat_rd*/ = 33;      // 1
  localparam int unsigned RecipeW /*verilator public_flat_rd*/ = 34;

  // A channel as one vector; all but the shift in two's complement.
  localparam int unsigned MultiplierAt /*verilator public_flat_rd*/ = 0;
  localparam int unsigned MultiplierW /*verilator public_flat_rd*/ = 34;
  localparam int unsigned ShiftAt /*verilator public_flat_rd*/ = 34;           // 6 bits
  localparam int unsigned AddendAt /*verilator public_flat_rd*/ = 40;          // 64
  localparam int unsigned ZeroPointAt /*verilator public_flat_rd*/ = 104;      // 32
  localparam int unsigned LoAt /*verilator public_flat_rd*/ = 136;             // 32
  localparam int unsigned HiAt /*verilator public_flat_rd*/ = 168;             // 32
  localparam int unsigned ChannelW /*verilator public_flat_rd*/ = 200;

  // The elementwise units.
  localparam int unsigned UnitLanes /*verilator public_flat_rd*/ = 8;
  localparam logic [1:0] PoolMax /*verilator public_flat_rd*/ = 2'd0;
  localparam logic [1:0] PoolRequant /*verilator public_flat_rd*/ = 2'd1;  // the sum, requantized
  localparam logic [1:0] PoolDivide /*verilator public_flat_rd*/ = 2'd2;   // the sum, divided by the count
endpackage
