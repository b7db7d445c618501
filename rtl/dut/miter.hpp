// A user's requantizer beside the specification of a profile, as SystemVerilog: module miter, whose output `bad` must
// never be 1. The inputs raw_<field> are what stands on the unit's ports; `legal` are the cases a profile defines.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "ref/arith/profile.hpp"
#include "rtl/dut/netlist.hpp"
#include "rtl/dut/wrapper.hpp"

namespace obz::rtl {

/// The numbers that a profile and an output type allow; everything outside is assumed not to come.
struct LegalRange {
  std::int64_t acc_lo, acc_hi, multiplier_hi, shift_lo, shift_hi, zero_point_lo, zero_point_hi, out_lo, out_hi, addend;
};

LegalRange legal_range(const Profile& profile, IntType out);
/// One sentence: what is assumed of the inputs.
std::string legal_text(const Profile& profile, IntType out);

enum class Question : std::uint8_t {
  operands,  ///< the unit's multiplier gets what the specification's gets
  rest,      ///< given their product, the outputs are equal
  whole,     ///< the outputs are equal, both multiply
};

struct Miter {
  const PortMap& map;
  const Wrapper& wrapper;
  const Profile& profile;
  IntType out;
};

/// `cut`: for operands and rest. `multiplier`: of `whole`, a fixed one.
std::string miter_text(const Miter& m, Question question, const CutProduct* cut,
                       std::optional<std::int64_t> multiplier = std::nullopt);

}  // namespace obz::rtl
