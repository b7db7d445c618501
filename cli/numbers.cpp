#include "cli/numbers.hpp"

#include <charconv>
#include <cmath>
#include <string_view>

#include <fmt/format.h>

#include "ref/base/error.hpp"

namespace obz::cli {
namespace {

/// The whole of `text` as a number, or false.
template <class T>
bool whole(std::string_view text, T& value) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc() && end == text.data() + text.size();
}

}  // namespace

std::vector<std::string_view> split(std::string_view text) {
  std::vector<std::string_view> parts;
  while (true) {
    const std::size_t comma = text.find(',');
    parts.push_back(text.substr(0, comma));
    if (comma == std::string_view::npos) return parts;
    text.remove_prefix(comma + 1);
  }
}

double parse_real(std::string_view text, const std::string& option, double lo, double hi) {
  double value = 0;
  if (!whole(text, value) || !(value >= lo && value <= hi)) {
    throw Error(fmt::format("{} {}: expected a number in {}..{}", option, text, lo, hi));
  }
  return value;
}

std::vector<std::int64_t> parse_integers(const std::string& text, const char* option) {
  std::vector<std::int64_t> numbers;
  for (const std::string_view part : split(text)) {
    std::int64_t n = 0;
    if (!whole(part, n)) throw Error(fmt::format("{} {}: expected integers, got \"{}\"", option, text, part));
    numbers.push_back(n);
  }
  return numbers;
}

std::vector<double> parse_scales(const std::string& text, const char* option) {
  std::vector<double> scales;
  for (const std::string_view part : split(text)) {
    double scale = 0;
    int power = 0;
    if (part.starts_with("2^") && whole(part.substr(2), power) && std::abs(power) < 128) {
      scale = std::ldexp(1.0, power);
    } else if (!whole(part, scale)) {
      scale = 0;
    }
    if (!std::isfinite(scale) || scale <= 0) {
      throw Error(
          fmt::format("{} {}: expected real scales > 0 such as 0.0123 or 2^-7, got \"{}\"", option, text, part));
    }
    scales.push_back(scale);
  }
  return scales;
}

AccRange parse_range(const std::string& text, const char* option, AccRange otherwise) {
  if (text.empty()) return otherwise;
  const std::vector<std::int64_t> ends = parse_integers(text, option);
  constexpr std::int64_t limit = std::int64_t{1} << 47;
  if (ends.size() != 2 || ends[0] > ends[1] || ends[0] < -limit || ends[1] >= limit) {
    throw Error(fmt::format("{} {}: expected LO,HI with -2^47 <= LO <= HI < 2^47", option, text));
  }
  return {ends[0], ends[1]};
}

}  // namespace obz::cli
