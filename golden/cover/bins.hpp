// The bins of arithmetic coverage: events a vector set can contain, each with the condition under which no input can.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "golden/cover/facts.hpp"
#include "golden/cover/space.hpp"

namespace obz {

/// How completely the search tries what a bin of this kind can need, when the channels are given.
enum class BinKind : std::uint8_t {
  threshold,      ///< monotone in the accumulator: the ends of the range or the sides of one crossing decide
  first_residue,  ///< what stage one drops: all accumulators of the class are solved for
  last_residue,   ///< what the last stage drops, likewise
  other,
};

struct Bin {
  std::string group, name;
  std::function<bool(const CaseFacts&)> hit;
  /// Why no case of the space hits it, in words, when the condition behind the words holds; otherwise empty.
  std::function<std::string(const CoverSpace&)> proof = nullptr;
  /// Holds for the channel of every case that hits the bin; null: any channel may.
  std::function<bool(const Channel&)> channel = nullptr;
  /// Every case that hits has its accumulator here.
  AccRange accumulators{INT64_MIN, INT64_MAX};
  BinKind kind = BinKind::other;
  std::int64_t goal = 1;
};

/// The bins of a requantizer, in a fixed order. Which exist follows from profile and output type; those that cannot be
/// hit are among them, with their proof.
std::vector<Bin> requant_bins(const CoverSpace& space);

}  // namespace obz
