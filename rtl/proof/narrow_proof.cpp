// obz_narrow against registers written another way: a value fits where all its upper bits agree.
#include "rtl/proof/unit_proofs.hpp"

namespace obz::rtl {

std::vector<Proof> narrow_proofs() {
  return {{.subject = "register",
           .part = "narrow",
           .claim = "obz_narrow keeps, wraps and saturates as a register of bits_i bits",
           .covers = "every 64-bit value, width 1..64 and overflow",
           .spec = R"(module miter (
  input  logic signed [63:0] value_i,
  input  logic [6:0] bits_i,
  input  logic [1:0] overflow_i,
  output logic bad
);
  // One bit each for the places from bits_i - 1 up: those that must agree.
  logic [63:0] sign_places, upper, wanted, rail;
  logic [63:0] got;
  logic sign, fits;
  always_comb begin
    for (int i = 0; i < 64; i++) sign_places[i] = i + 1 >= bits_i;
  end
  assign upper = value_i & sign_places;
  assign fits  = upper == 64'd0 || upper == sign_places;
  // The bit at bits_i - 1 is the lowest of the places.
  assign sign  = (value_i & sign_places & ~(sign_places << 1)) != 64'd0;
  assign rail  = value_i[63] ? sign_places : ~sign_places;
  always_comb begin
    wanted = value_i;
    if (overflow_i == 2'd1) wanted = sign ? (value_i | sign_places) : (value_i & ~sign_places);
    if (overflow_i == 2'd2 && !fits) wanted = rail;
  end
  obz_narrow u_dut (.value_i(value_i), .bits_i(bits_i), .overflow_i(overflow_i), .result_o(got));
  assign bad = bits_i >= 7'd1 && bits_i <= 7'd64 && overflow_i <= 2'd2 && got != wanted;
endmodule
)"}};
}

const std::vector<RtlMutant>& narrow_mutants() {
  static const std::vector<RtlMutant> all{
      {"wrapping keeps a bit more", "obz_narrow.sv", "7'd64 - bits_i", "7'd63 - bits_i", "narrow"},
      {"saturation has a bit less", "obz_narrow.sv", "(bits_i - 7'd1)", "(bits_i - 7'd2)", "narrow"},
      {"the lower rail is symmetric", "obz_narrow.sv", "~highest;", "-highest;", "narrow"},
      {"saturation wraps", "obz_narrow.sv",
       "result_o = value_i > highest ? highest : value_i < lowest ? lowest : value_i", "result_o = wrapped", "narrow"},
      {"exact registers wrap", "obz_narrow.sv", "OverflowExact:    result_o = value_i",
       "OverflowExact:    result_o = wrapped", "narrow"},
      {"the top rail is missed", "obz_narrow.sv", "value_i > highest ? highest", "value_i > highest + 64'sd1 ? highest",
       "narrow"}};
  return all;
}

}  // namespace obz::rtl
