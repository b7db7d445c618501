// Lists of numbers on the command line.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "golden/complete/staircase.hpp"

namespace obz::cli {

/// "1,2,3". Error naming the option unless every part is an integer and nothing is left over.
std::vector<std::int64_t> parse_integers(const std::string& text, const char* option);

/// "0.0123,2^-7": real scales > 0; 2^K is a power of two.
std::vector<double> parse_scales(const std::string& text, const char* option);

/// A number in lo..hi and nothing left over.
double parse_real(std::string_view text, const std::string& option, double lo, double hi);

/// The parts between commas.
std::vector<std::string_view> split(std::string_view text);

/// "LO,HI"; empty text is `otherwise`.
AccRange parse_range(const std::string& text, const char* option, AccRange otherwise);

}  // namespace obz::cli
