#include "rtl/dut/wrapper.hpp"

#include <algorithm>
#include <set>

#include <fmt/format.h>

#include "ref/arith/int_type.hpp"
#include "ref/base/error.hpp"
#include "ref/base/suggest.hpp"

namespace obz::rtl {
namespace {

using Direction = RtlPort::Direction;

const char* text_of(Direction d) {
  return d == Direction::input ? "an input" : d == Direction::output ? "an output" : "an inout";
}

/// Connects port by port and knows in the end which inputs nothing drives.
class Connections {
 public:
  Connections(const UserUnit& unit, const std::vector<RtlPort>& ports) : unit_(unit), ports_(ports) {}

  const RtlPort& port(const std::string& name, const std::string& field, Direction direction) const {
    const auto it = std::find_if(ports_.begin(), ports_.end(), [&](const RtlPort& p) { return p.name == name; });
    if (it == ports_.end()) {
      std::vector<std::string_view> names;
      for (const RtlPort& p : ports_) names.push_back(p.name);
      throw Error(fmt::format("{}: {}: {} has no port {}{}; its ports are {}", unit_.map.file, field, unit_.top, name,
                              did_you_mean(name, names), fmt::join(names, ", ")));
    }
    if (it->direction != direction) {
      throw Error(fmt::format("{}: {}: expected {}, got port {}, {} of {}", unit_.map.file, field, text_of(direction),
                              name, text_of(it->direction), unit_.top));
    }
    return *it;
  }

  void connect(const std::string& name, const std::string& expression) {
    text_ += fmt::format("{}    .\\{} ({})", text_.empty() ? "" : ",\n", name, expression);
    connected_.insert(name);
  }

  /// One bit of control: clock, reset, valid.
  void connect_bit(const std::string& name, const std::string& field, Direction direction,
                   const std::string& expression) {
    if (name.empty()) return;
    const RtlPort& p = port(name, field, direction);
    if (p.width != 1) {
      throw Error(fmt::format("{}: {}: expected a port of 1 bit, {} has {}", unit_.map.file, field, name, p.width));
    }
    connect(name, expression);
  }

  void check_all_inputs_driven() const {
    for (const RtlPort& p : ports_) {
      if (p.direction == Direction::output || connected_.contains(p.name)) continue;
      throw Error(fmt::format("{}: {} {} of {} ({} bits) is not named; expected it under ports or constants",
                              unit_.map.file, p.direction == Direction::input ? "input" : "inout", p.name, unit_.top,
                              p.width));
    }
  }
  const std::string& text() const { return text_; }

 private:
  const UserUnit& unit_;
  const std::vector<RtlPort>& ports_;
  std::string text_;
  std::set<std::string> connected_;
};

Slot slot_of(const PortMap& map, const std::string& field, const PortUse& use, const RtlPort& p) {
  if (use.width && *use.width > p.width) {
    throw Error(fmt::format("{}: {}: field width: expected at most the {} bits of {}, got {}", map.file, field, p.width,
                            p.name, *use.width));
  }
  return {.port = p.name,
          .width = use.width.value_or(p.width),
          .is_signed = use.is_signed.value_or(p.is_signed),
          .bias = use.bias};
}

int words_of(int width) { return (width + 31) / 32; }

/// `width` bits of in_i at the slot, zeros above up to the port's width.
std::string slice(const Slot& s, int port_width) {
  const std::string bits = fmt::format("in_i[{}:{}]", 32 * s.word + s.width - 1, 32 * s.word);
  return port_width == s.width ? bits : fmt::format("{{{}'d0, {}}}", port_width - s.width, bits);
}

void connect_inputs(Wrapper& w, Connections& c, const UserUnit& unit) {
  int words = 0;
  const auto place = [&](const std::string& field, Slot slot, int port_width) {
    slot.word = words;
    words += words_of(slot.width);
    c.connect(slot.port, slice(slot, port_width));
    w.in[field] = slot;
  };
  if (unit.map.unit == UnitKind::dot) {
    for (const auto& [field, lanes] : {std::pair{"a", &unit.map.a}, {"b", &unit.map.b}}) {
      const RtlPort& p = c.port(lanes->port, field, Direction::input);
      if (p.width != lanes->lanes * lanes->bits) {
        throw Error(fmt::format("{}: {}: {} lanes of {} bits are {} bits, port {} has {}", unit.map.file, field,
                                lanes->lanes, lanes->bits, lanes->lanes * lanes->bits, p.name, p.width));
      }
      place(field, {.port = p.name, .width = p.width}, p.width);
    }
  }
  for (const auto& [field, use] : unit.map.ports) {
    if (field == "out") continue;
    const RtlPort& p = c.port(use.port, field, Direction::input);
    place(field, slot_of(unit.map, field, use, p), p.width);
  }
  w.in_words = std::max(w.in_words, words);
}

void connect_constants(Connections& c, const UserUnit& unit) {
  for (const auto& [name, value] : unit.map.constants) {
    const RtlPort& p = c.port(name, "constants", Direction::input);
    const bool fits = p.width >= 64 || (value >= -(std::int64_t{1} << (p.width - 1)) &&
                                        static_cast<std::uint64_t>(std::max<std::int64_t>(value, 0)) >> p.width == 0);
    if (!fits) {
      throw Error(fmt::format("{}: constants: {} does not fit the {} bits of {}", unit.map.file, value, p.width, name));
    }
    std::string bits;
    for (int i = p.width; i-- > 0;) bits += (value >> std::min(i, 63) & 1) != 0 ? '1' : '0';
    c.connect(name, fmt::format("{}'b{}", p.width, bits));
  }
}

}  // namespace

bool Slot::holds(std::int64_t value) const {
  const __int128 v = static_cast<__int128>(value) + bias;
  const int magnitude = width - (is_signed ? 1 : 0);
  if (magnitude >= 65) return is_signed || v >= 0;
  const __int128 limit = static_cast<__int128>(1) << magnitude;
  return v < limit && v >= (is_signed ? -limit : 0);
}

void Slot::put(std::span<std::uint32_t> words, std::int64_t value) const {
  __int128 v = static_cast<__int128>(value) + bias;
  for (int i = 0; i < words_of(width); ++i) {
    words[static_cast<std::size_t>(word + i)] = static_cast<std::uint32_t>(v);
    v >>= 32;
  }
}

std::int64_t Slot::get(std::span<const std::uint32_t> words) const {
  const auto bit = [&](int i) {
    return (words[static_cast<std::size_t>(word + i / 32)] >> static_cast<unsigned>(i % 32) & 1U) != 0;
  };
  const bool negative = is_signed && bit(width - 1);
  unsigned __int128 bits = negative ? ~static_cast<unsigned __int128>(0) : 0;
  bool beyond = false;
  for (int i = 0; i < width; ++i) {
    if (i >= 100) {
      beyond = beyond || bit(i) != negative;
      continue;
    }
    const unsigned __int128 one = static_cast<unsigned __int128>(1) << i;
    bits = bit(i) ? bits | one : bits & ~one;
  }
  const __int128 v = static_cast<__int128>(bits) - bias;
  if (beyond || v > INT64_MAX || v < INT64_MIN) return negative ? INT64_MIN : INT64_MAX;
  return static_cast<std::int64_t>(v);
}

Wrapper make_wrapper(const UserUnit& unit, const std::vector<RtlPort>& ports) {
  Wrapper w;
  Connections c(unit, ports);
  connect_inputs(w, c, unit);
  connect_constants(c, unit);
  const PortUse& out = unit.map.ports.at("out");
  const RtlPort& out_port = c.port(out.port, "out", Direction::output);
  w.out = slot_of(unit.map, "out", out, out_port);
  w.out_words = std::max(w.out_words, words_of(out_port.width));
  c.connect(out.port, "out");
  std::string valid = "1'b0";
  if (unit.map.clocking) {
    const Clocking& k = *unit.map.clocking;
    c.connect_bit(k.clock, "clock", Direction::input, "clk_i");
    c.connect_bit(k.reset, "reset", Direction::input, k.reset_is_high ? "rst_i" : "!rst_i");
    c.connect_bit(k.valid_in, "valid_in", Direction::input, "valid_i");
    c.connect_bit(k.valid_out, "valid_out", Direction::output, "valid");
    if (!k.valid_out.empty()) valid = "valid";
  }
  c.check_all_inputs_driven();
  std::string parameters;
  for (const auto& [name, value] : unit.map.parameters) {
    // (Numbers beyond 32 bits need a width.)
    const bool wide = !kInt32.holds(value);
    parameters +=
        fmt::format("{}.{}({})", parameters.empty() ? "" : ", ", name,
                    wide ? fmt::format("64'sh{:x}", static_cast<std::uint64_t>(value)) : fmt::format("{}", value));
  }
  w.text = fmt::format(
      "// {} behind flat vectors, generated.\n"
      "module {} (\n  input  logic clk_i,\n  input  logic rst_i,\n  input  logic valid_i,\n  output logic valid_o,\n"
      "  input  logic [{}:0] in_i,\n  output logic [{}:0] out_o\n);\n"
      "  logic valid;\n  logic [{}:0] out;\n"
      "  {} {}u_dut (\n{}\n  );\n"
      "  assign valid_o = {};\n  assign out_o = {{{}'d0, out}};\nendmodule\n",
      unit.top, kWrapperModule, 32 * w.in_words - 1, 32 * w.out_words - 1, out_port.width - 1, unit.top,
      parameters.empty() ? "" : fmt::format("#({}) ", parameters), c.text(), valid, 32 * w.out_words - out_port.width);
  // A vector that fills its words has nothing above it.
  const std::string nothing = "{0'd0, out}";
  if (const std::size_t at = w.text.find(nothing); at != std::string::npos) w.text.replace(at, nothing.size(), "out");
  return w;
}

}  // namespace obz::rtl
