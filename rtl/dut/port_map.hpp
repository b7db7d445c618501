// ports.json: which port of a user's unit carries what. Read strictly: an unknown key, a wrong type, a missing field or
// a port that stands twice is a sentence. What the RTL says itself (directions, widths, signs) is not repeated here.
// Described in docs/own-rtl.md.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace obz::rtl {

enum class UnitKind : std::uint8_t {
  requant,  ///< one accumulator to one output
  dot,      ///< lanes of a times lanes of b, summed
};

/// How the port says the total right shift s of the product.
enum class ShiftMeans : std::uint8_t {
  right,   ///< s
  left,    ///< -s
  tflite,  ///< 31 - s
};

/// A number on a port: the port holds value + bias.
struct PortUse {
  std::string port;
  std::optional<int> width;  ///< low bits used, 1..64; default: all
  std::optional<bool> is_signed;
  std::int64_t bias = 0;
};

/// Lanes packed into one port, the first in the low bits.
struct LanesUse {
  std::string port;
  int lanes = 0, bits = 0;  ///< 1..1024, 1..32
  bool is_signed = true;
};

struct Clocking {
  std::string clock, reset;  ///< reset: empty where there is none
  bool reset_is_high = false;
  int latency = 1;   ///< rising edges from input to output; with valid_out: the most to wait for. 1..4096
  int interval = 1;  ///< edges between two inputs, 1..4096
  std::string valid_in, valid_out;  ///< empty where there is none
};

struct PortMap {
  std::string file;  ///< opens every sentence
  UnitKind unit = UnitKind::requant;
  std::string top;                 ///< empty: not said
  std::vector<std::string> files;  ///< further sources, beside the map; read before the unit's own
  std::map<std::string, std::int64_t> parameters, constants;
  std::map<std::string, PortUse> ports;       ///< by field: acc, multiplier ... out; of a dot unit c and out
  std::map<std::string, std::int64_t> fixed;  ///< fields with no port: the value that is built in
  ShiftMeans shift = ShiftMeans::right;
  LanesUse a, b;
  std::optional<Clocking> clocking;
};

/// Error opening with `file`.
PortMap parse_port_map(const std::string& text, const std::string& file);
PortMap load_port_map(const std::string& file);

}  // namespace obz::rtl
