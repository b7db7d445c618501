// A user's unit behind two flat vectors, so that simulation and proof see every unit alike: module obz_dut_wrapper
// (in_i, out_o, and clk_i, rst_i, valid_i, valid_o). Fields stand in slots that begin at multiples of 32 bits.
#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "rtl/dut/rtl_ports.hpp"

namespace obz::rtl {

/// Where one field stands.
struct Slot {
  std::string port;
  int word = 0;   ///< first 32-bit word of in_i or out_o
  int width = 1;  ///< bits of the field; of lanes: all of them
  bool is_signed = false;
  std::int64_t bias = 0;  ///< the port holds value + bias

  bool holds(std::int64_t value) const;
  void put(std::span<std::uint32_t> words, std::int64_t value) const;
  /// Values beyond 64 bits come back as the nearest end.
  std::int64_t get(std::span<const std::uint32_t> words) const;
};

struct Wrapper {
  std::string text;  ///< SystemVerilog
  int in_words = 3, out_words = 3;
  std::map<std::string, Slot> in;  ///< by field; a dot unit has a and b too
  Slot out;
};

inline constexpr const char* kWrapperModule = "obz_dut_wrapper";

/// Error when map and RTL disagree: a port that does not exist, has the other direction or too few bits, an input that
/// nothing drives.
Wrapper make_wrapper(const UserUnit& unit, const std::vector<RtlPort>& ports);

}  // namespace obz::rtl
