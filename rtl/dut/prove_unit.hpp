// Is a user's combinational requantizer what a profile means, for every legal input? By yosys.
//
// SAT cannot compare two large multiplications that are written differently, so a unit that multiplies once is proved
// in two halves: its multiplier gets the operands that the specification's gets; and for every product that two such
// operands can have, the outputs are equal. A unit without one multiplication is compared whole, for as long as
// allowed.
#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "golden/cases/requant_case.hpp"
#include "rtl/dut/workplace.hpp"

namespace obz::rtl {

struct UnitProof {
  enum class Outcome : std::uint8_t { proved, refuted, open };
  Outcome outcome = Outcome::open;
  std::string how;                            ///< one clause: in which way
  std::string assumes;                        ///< of the inputs
  std::optional<RequantCase> counterexample;  ///< refuted
  double seconds = 0;
};

/// Works in `folder`, which then holds everything to run the proofs again. Error for a unit with registers, a dot unit,
/// RTL that yosys cannot read. `timeout_s`: for each question asked. Needs yosys and Verilator.
UnitProof prove_unit(const UserUnit& unit, const Profile& profile, IntType out, const std::filesystem::path& folder,
                     int timeout_s);

}  // namespace obz::rtl
