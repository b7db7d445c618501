// Random operands, with corners at the rails, and random traffic at a tensor core's ports.
#pragma once

#include <random>

#include "sim/core.hpp"
#include "tests/sim/plain_mma.hpp"

namespace obz::test {

using Random = std::mt19937_64;

/// True in `part` of 256 calls.
inline bool chance(Random& random, unsigned part) { return (random() & 255) < part; }

/// Random bits; or every lane at a rail of its type, 0 or -1; or all lanes at the same rail.
inline void draw_rows(Random& random, sim::Rows& rows, std::uint8_t lane, bool is_signed) {
  const std::uint64_t kind = random() % 4;
  for (std::size_t i = 0; i < rows.bytes.size(); i += 8) {
    for (std::uint64_t bits = random(), j = 0; j < 8; ++j) rows.bytes[i + j] = static_cast<std::uint8_t>(bits >> 8 * j);
  }
  if (kind < 2) return;
  const unsigned bits = 1U << lane;
  const std::int64_t most = (std::int64_t{1} << (bits - (is_signed ? 1 : 0))) - 1;
  const std::int64_t rails[4] = {is_signed ? -most - 1 : 0, most, -1, 0};
  const std::uint64_t same = random() % 2;
  for (unsigned r = 0; r < 8; ++r) {
    for (unsigned k = 0; k < 128 / bits; ++k) set_lane(rows, r, k, bits, rails[kind == 2 ? random() % 4 : same]);
  }
}

/// Random words; or close to a rail, at all scales up to 2^16, where the sum leaves 32 bits.
inline void draw_tile(Random& random, sim::Tile& tile) {
  const std::uint64_t kind = random() % 4;
  for (std::int32_t& v : tile.at) {
    const auto near = static_cast<std::int32_t>(random() >> (48 + random() % 16));
    if (kind < 2) v = static_cast<std::int32_t>(random());
    if (kind == 2) v = INT32_MAX - near;
    if (kind == 3) v = INT32_MIN + near;
  }
}

inline sim::Mma draw_mma(Random& random, std::uint8_t a_lane, std::uint8_t b_lane, bool a_signed, bool b_signed,
                         bool satfinite) {
  sim::Mma m{.a_lane = a_lane, .b_lane = b_lane, .a_signed = a_signed, .b_signed = b_signed, .satfinite = satfinite};
  draw_rows(random, m.a, a_lane, a_signed);
  draw_rows(random, m.b, b_lane, b_signed);
  draw_tile(random, m.c);
  return m;
}

inline sim::Mma draw_mma(Random& random) {
  const std::uint64_t r = random();
  return draw_mma(random, static_cast<std::uint8_t>(r % 5), static_cast<std::uint8_t>(r / 8 % 5), (r >> 32 & 1) != 0,
                  (r >> 33 & 1) != 0, (r >> 34 & 1) != 0);
}

/// Inputs cycle by cycle. How often an mma is offered and a result is taken changes every 256 cycles, from always to
/// seldom. An offer may change or vanish before it is accepted, and a reset comes now and then.
class Traffic {
 public:
  explicit Traffic(std::uint64_t seed) : random_(seed) {}

  /// `accepted`: the core took the previous offer.
  const sim::CoreInputs& next(bool accepted) {
    constexpr unsigned kOffered[] = {256, 128, 24}, kTaken[] = {256, 192, 48};
    if (cycle_ % 256 == 0) {
      offered_ = kOffered[random_() % 3];
      taken_ = kTaken[random_() % 3];
    }
    if (resetting_ == 0 && cycle_ > 0 && random_() % 4096 == 0) resetting_ = 1 + static_cast<unsigned>(random_() % 3);
    if (cycle_ == 0) resetting_ = 2;
    in_.rst_ni = resetting_ == 0;
    if (resetting_ > 0) --resetting_;
    in_.valid_i = chance(random_, offered_);
    in_.ready_i = chance(random_, taken_);
    if (accepted || chance(random_, 16)) {
      in_.mma = draw_mma(random_);
      in_.tag_i = static_cast<std::uint8_t>(random_());
    }
    ++cycle_;
    return in_;
  }

 private:
  Random random_;
  sim::CoreInputs in_;
  std::uint64_t cycle_ = 0;
  unsigned resetting_ = 0, offered_ = 256, taken_ = 256;
};

}  // namespace obz::test
