#include "golden/device/fault.hpp"

#include <charconv>

#include <fmt/format.h>

#include "ref/arith/int_type.hpp"
#include "ref/base/error.hpp"
#include "ref/base/suggest.hpp"

namespace obz {
namespace {

bool takes_bit(Damage d) { return d != Damage::none && d < Damage::plus_one; }

[[noreturn]] void refuse(const std::string& name) {
  throw Error(fmt::format("unknown fault \"{}\"{}; `obz mutate --list` names all", name,
                          did_you_mean(name, EnumNames<Quirk>::values)));
}

}  // namespace

bool in_requantizer(const Fault& f) {
  if (f.quirk != Quirk::none) return f.quirk <= Quirk::clamp_lo_at_zero;
  return f.wire >= Wire::acc;
}

bool in_outputs(const Fault& f) { return f.quirk >= Quirk::output_zero; }

std::string name_of(const Fault& f) {
  const std::string unit = f.unit == 0 ? "" : fmt::format("{}:", f.unit);
  if (f.quirk != Quirk::none) return unit + std::string(name_of(f.quirk));
  if (f.wire == Wire::none) return "none";
  const std::string text = fmt::format("{}{}-{}", unit, name_of(f.wire), name_of(f.damage));
  return takes_bit(f.damage) ? fmt::format("{}-{}", text, f.bit) : text;
}

Fault parse_fault(const std::string& name) {
  Fault f;
  std::string_view rest = name;
  if (rest.size() > 2 && rest[1] == ':' && rest[0] >= '1' && rest[0] <= '9') {
    f.unit = static_cast<std::int8_t>(rest[0] - '0');
    rest.remove_prefix(2);
  }
  if (const auto quirk = enum_from<Quirk>(rest); quirk && *quirk != Quirk::none) {
    f.quirk = *quirk;
    return f;
  }
  for (std::size_t w = 1; w < EnumNames<Wire>::values.size(); ++w) {
    const std::string prefix = std::string(EnumNames<Wire>::values[w]) + "-";
    if (!rest.starts_with(prefix)) continue;
    std::string_view damage = rest.substr(prefix.size());
    for (std::size_t d = 1; d < EnumNames<Damage>::values.size(); ++d) {
      const std::string_view text = EnumNames<Damage>::values[d];
      f.wire = static_cast<Wire>(w);
      f.damage = static_cast<Damage>(d);
      if (!takes_bit(f.damage) && damage == text) return f;
      if (!takes_bit(f.damage) || !damage.starts_with(text) || damage.size() < text.size() + 2) continue;
      const std::string_view digits = damage.substr(text.size() + 1);
      int bit = -1;
      const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), bit);
      constexpr int most = 63;
      if (error != std::errc() || end != digits.data() + digits.size() || bit < 0 || bit > most) continue;
      if ((f.damage == Damage::wraps || f.damage == Damage::saturates || f.damage == Damage::unsign) && bit < 1)
        continue;
      f.bit = static_cast<std::int8_t>(bit);
      return f;
    }
  }
  refuse(name);
}

std::int64_t damaged(const Fault& f, Wire wire, std::int64_t v) {
  if (f.wire != wire) return v;
  const auto bits = static_cast<std::uint64_t>(v);
  const std::uint64_t one = std::uint64_t{1} << f.bit;
  switch (f.damage) {
    case Damage::none:
    case Damage::lost_carry: return v;
    case Damage::stuck_0: return static_cast<std::int64_t>(bits & ~one);
    case Damage::stuck_1: return static_cast<std::int64_t>(bits | one);
    case Damage::wraps: return wrap(v, f.bit);
    case Damage::saturates: return narrow(v, f.bit, Overflow::saturate);
    case Damage::unsign: return static_cast<std::int64_t>(bits & (one - 1));
    case Damage::plus_one: return static_cast<std::int64_t>(bits + 1);
    case Damage::minus_one: return static_cast<std::int64_t>(bits - 1);
    case Damage::negated: return static_cast<std::int64_t>(0 - bits);
    case Damage::cleared: return 0;
  }
  return v;
}

std::int64_t added(const Fault& f, Wire wire, std::int64_t a, std::int64_t b) {
  const std::uint64_t ua = static_cast<std::uint64_t>(a), ub = static_cast<std::uint64_t>(b), sum = ua + ub;
  if (f.wire != wire || f.damage != Damage::lost_carry) return static_cast<std::int64_t>(sum);
  const std::uint64_t low = (std::uint64_t{1} << f.bit) - 1;
  return static_cast<std::int64_t>((((ua & ~low) + (ub & ~low)) & ~low) | (sum & low));
}

}  // namespace obz
