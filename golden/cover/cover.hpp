// Coverage of a vector set: how often each bin was hit, what the set misses, and what nothing can hit.
#pragma once

#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "golden/cover/reach.hpp"
#include "golden/sets/vector_set.hpp"

namespace obz {

struct BinCover {
  std::string group, name;
  std::int64_t goal = 1, hits = 0;
  Decision decision;

  bool reachable() const { return decision.reach == Reach::reachable; }
  bool met() const { return !reachable() || hits >= goal; }
};

/// The bins of one requantizer or layer.
struct Coverage {
  std::string name;  ///< of the layer; empty for requantizer sets
  std::string what;  ///< "requant tflite/double int8", "conv2d 3x3"
  std::int64_t cases = 0;
  std::int64_t surprises = 0;  ///< bins proved unreachable that a case hits: it lies outside the profile's scale rule
  std::vector<BinCover> bins;

  std::int64_t reachable() const;
  std::int64_t met() const;
  std::int64_t unreachable() const;
  std::int64_t open() const;
};

struct CoverReport {
  std::string subject;
  SetKind kind = SetKind::requant;
  std::string profile;
  IntType out;
  std::int64_t goal = 1;
  std::vector<Coverage> parts;
  std::vector<std::string> notes;  ///< what was not measured, one sentence each

  bool met() const;
};

/// Counts the bins of the space over the cases, in their order. A bin that a case hits is reachable, whatever the space
/// says: that case is its witness.
Coverage cover_cases(const CoverSpace& space, std::span<const RequantCase> cases, std::int64_t goal);

/// The space a requantizer set is measured against: with goal `complete` exactly its channels, each over the
/// accumulators between its least and its largest; otherwise every channel of the profile.
CoverSpace cover_space_of(const RequantSet& set);

/// Reads a set of any kind.
CoverReport cover_set(const std::filesystem::path& folder, std::int64_t goal);

/// The witnesses of all bins that the cases miss, in order, each case once in a row.
std::vector<RequantCase> missing_cases(const Coverage& coverage);

}  // namespace obz
