#include "rtl/dut/requant_fields.hpp"

#include <fmt/format.h>

#include "ref/base/error.hpp"

namespace obz::rtl {

std::int64_t shift_of(ShiftMeans means, std::int64_t value) {
  constexpr std::int64_t tflite = 31;
  switch (means) {
    case ShiftMeans::right: return value;
    case ShiftMeans::left: return -value;
    case ShiftMeans::tflite: return tflite - value;
  }
  return value;
}

std::int64_t field_value(const PortMap& map, const std::string& field, const RequantCase& c) {
  const Channel& ch = c.channel;
  if (field == "acc") return c.acc;
  if (field == "multiplier") return ch.multiplier;
  if (field == "shift") return shift_of(map.shift, ch.shift);  // each meaning is its own inverse
  if (field == "addend") return ch.addend;
  if (field == "zero_point") return ch.zero_point;
  if (field == "lo") return ch.lo;
  OBZ_CHECK(field == "hi");
  return ch.hi;
}

std::optional<std::string> refusal(const PortMap& map, const Wrapper& wrapper, const RequantCase& c, bool with_acc) {
  for (const std::string field : kRequantFields) {
    if (field == "acc" && !with_acc) continue;
    const auto slot = wrapper.in.find(field);
    if (slot == wrapper.in.end()) {
      const std::int64_t built_in = map.fixed.at(field);
      const std::int64_t asked = field == "shift" ? c.channel.shift : field_value(map, field, c);
      if (asked == built_in) continue;
      return fmt::format("{} {} is asked for, {} is built in", field, asked, built_in);
    }
    const std::int64_t value = field_value(map, field, c);
    const Slot& s = slot->second;
    if (s.holds(value)) continue;
    return fmt::format("{} {} does not fit port {}, {} {} bits{}", field, value, s.port,
                       s.is_signed ? "signed" : "unsigned", s.width,
                       s.bias == 0 ? "" : fmt::format(" with bias {}", s.bias));
  }
  return std::nullopt;
}

void append_record(std::vector<std::uint32_t>& words, const PortMap& map, const Wrapper& wrapper,
                   const RequantCase& c) {
  const std::size_t at = words.size();
  words.resize(at + static_cast<std::size_t>(wrapper.in_words));
  for (const auto& [field, slot] : wrapper.in) slot.put(std::span(words).subspan(at), field_value(map, field, c));
}

}  // namespace obz::rtl
