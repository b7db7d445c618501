// obz_round_divide against division as it is defined: value = floor * count + fraction with 0 <= fraction < count.
// Every value has exactly one such pair, so free pairs are all values, and the specification divides nothing.
#include <fmt/format.h>

#include "ref/arith/reciprocal.hpp"
#include "ref/base/error.hpp"
#include "rtl/proof/unit_proofs.hpp"

namespace obz::rtl {

std::vector<Proof> average_proofs(int count) {
  const std::int64_t largest = std::int64_t{255} * count;
  const auto r = reciprocal(count, largest, Quotient::truncated);
  OBZ_CHECK(r.has_value());
  return {{.subject = fmt::format("division by {}", count),
           .part = "average",
           .claim = fmt::format("obz_round_divide with the reciprocal {} / 2^{} rounds sum / {}", r->multiplier,
                                r->shift, count),
           .covers = fmt::format("every sum of -{0}..{0} and rounding", largest),
           .spec = fmt::format(R"(module miter (
  input  logic signed [9:0] floor_i,
  input  logic [31:0] fraction_i,
  input  logic [2:0] rounding_i,
  output logic bad
);
  logic signed [63:0] floor, value, got;
  logic [63:0] twice;
  logic up;
  assign floor = {{{{54{{floor_i[9]}}}}, floor_i}};
  assign value = floor * 64'sd{0} + $signed({{32'd0, fraction_i}});
  // The fraction against one half
  assign twice = {{31'd0, fraction_i, 1'b0}};
  always_comb begin
    up = 1'b0;
    if (rounding_i == 3'd1) up = floor_i[9] && fraction_i != 32'd0;
    if (rounding_i == 3'd2) up = twice >= 64'd{0};
    if (rounding_i == 3'd3) up = floor_i[9] ? twice > 64'd{0} : twice >= 64'd{0};
    if (rounding_i == 3'd4) up = floor_i[0] ? twice >= 64'd{0} : twice > 64'd{0};
  end
  obz_round_divide u_dut (
    .value_i(value), .count_i(32'd{0}), .reciprocal_i(33'd{1}), .shift_i(6'd{2}), .rounding_i(rounding_i), .result_o(got)
  );
  assign bad = fraction_i < 32'd{0} && value >= -64'sd{3} && value <= 64'sd{3} && rounding_i <= 3'd4
            && got != floor + $signed({{63'd0, up}});
endmodule
)",
                               count, r->multiplier, r->shift, largest)}};
}

const std::vector<RtlMutant>& average_mutants() {
  static const std::vector<RtlMutant> all{
      {"the sign is lost on the way in", "obz_round_divide.sv", "negative ? ~value_i + 64'd1 : value_i", "value_i",
       "3"},
      {"the sign is lost on the way out", "obz_round_divide.sv", "negative ? ~rounded + 64'd1 : rounded", "rounded",
       "3"},
      {"the shift is short", "obz_round_divide.sv", "product >> shift_i", "product >> (shift_i - 6'd1)", "9"},
      {"the reciprocal loses its last bit", "obz_round_divide.sv", "64'(reciprocal_i)", "64'(reciprocal_i & ~33'd1)",
       "49"},
      {"the remainder is of the rounded", "obz_round_divide.sv", "quotient * count_i", "(quotient + 32'd1) * count_i",
       "4"},
      {"half is one too low", "obz_round_divide.sv", "twice = {remainder, 1'b0}", "twice = {remainder, 1'b1}", "7"},
      {"floor rounds negative integers", "obz_round_divide.sv", "negative && remainder != 32'd0", "negative", "5"},
      {"floor truncates", "obz_round_divide.sv", "negative && remainder != 32'd0", "1'b0", "5"},
      {"trunc rounds", "obz_round_divide.sv", "RoundTrunc:    away = 1'b0", "RoundTrunc:    away = above", "5"},
      {"half-up forgets the sign", "obz_round_divide.sv", "(tie && !negative)", "tie", "6"},
      {"half-up loses ties", "obz_round_divide.sv", "(tie && !negative)", "1'b0", "6"},
      {"half-away loses ties", "obz_round_divide.sv", "RoundHalfAway: away = above || tie",
       "RoundHalfAway: away = above", "6"},
      {"half-even rounds ties to odd", "obz_round_divide.sv", "(tie && quotient[0])", "(tie && !quotient[0])", "6"}};
  return all;
}

}  // namespace obz::rtl
