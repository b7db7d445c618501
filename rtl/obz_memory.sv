// A scratchpad: one write and one read a cycle. What is read stands on read_data_o from the next cycle until the next
// read. The same address written and read in one cycle reads the old word.
module obz_memory #(
  parameter  int unsigned Width = 128,
  parameter  int unsigned Words = 1024,
  localparam int unsigned AddrW = $clog2(Words)
) (
  input  logic             clk_i,
  input  logic             write_i,
  input  logic [AddrW-1:0] write_addr_i,
  input  logic [Width-1:0] write_data_i,
  input  logic             read_i,
  input  logic [AddrW-1:0] read_addr_i,
  output logic [Width-1:0] read_data_o
);
  logic [Width-1:0] word_q [Words];
  always_ff @(posedge clk_i) begin
    if (write_i) word_q[write_addr_i] <= write_data_i;
    if (read_i) read_data_o <= word_q[read_addr_i];
  end
endmodule
