#include "rtl/harness/pack.hpp"

#include <algorithm>

#include <Vobz_units_obz_pkg.h>

namespace obz::rtl {
namespace {

using Package = Vobz_units_obz_pkg;

/// A field of `bits` bits behind the one before it.
template <class Words>
class Fields {
 public:
  constexpr void put(std::uint64_t value, int bits) {
    for (int i = 0; i < bits; ++i, ++at_) {
      if ((value >> i & 1) != 0) words_[static_cast<std::size_t>(at_ / 32)] |= std::uint32_t{1} << (at_ % 32);
    }
  }
  constexpr int at() const { return at_; }
  constexpr const Words& words() const { return words_; }

 private:
  Words words_{};
  int at_ = 0;
};

/// The fields stand where obz_pkg has them.
static_assert(Package::RoundingAt == 0 && Package::FirstBitsAt == 3 && Package::FirstRoundingAt == 9 &&
              Package::FirstOverflowAt == 12 && Package::LeftOverflowAt == 14 && Package::ProductBitsAt == 16 &&
              Package::ScaledBitsAt == 23 && Package::ScaledOverflowAt == 30 && Package::ZeroPointFirstAt == 32 &&
              Package::ClampFirstAt == 33 && Package::RecipeW == 34);
static_assert(Package::MultiplierAt == 0 && Package::MultiplierW == 34 && Package::ShiftAt == 34 &&
              Package::AddendAt == 40 && Package::ZeroPointAt == 104 && Package::LoAt == 136 && Package::HiAt == 168 &&
              Package::ChannelW == 200);

}  // namespace

std::uint64_t pack(const Recipe& r) {
  Fields<ChannelWords> f;
  f.put(static_cast<std::uint64_t>(r.rounding), 3);
  f.put(r.first_bits, 6);
  f.put(static_cast<std::uint64_t>(r.first_rounding), 3);
  f.put(static_cast<std::uint64_t>(r.first_overflow), 2);
  f.put(static_cast<std::uint64_t>(r.left_overflow), 2);
  f.put(r.product_bits, 7);
  f.put(r.scaled_bits, 7);
  f.put(static_cast<std::uint64_t>(r.scaled_overflow), 2);
  f.put(r.zero_point == ZeroPointAt::before_scaling ? 1 : 0, 1);
  f.put(r.clamp == ClampAt::before_zero_point ? 1 : 0, 1);
  return f.words()[0] | std::uint64_t{f.words()[1]} << 32;
}

ChannelWords pack(const Channel& c) {
  Fields<ChannelWords> f;
  f.put(static_cast<std::uint64_t>(c.multiplier), Package::MultiplierW);
  f.put(static_cast<std::uint64_t>(c.shift), 6);
  f.put(static_cast<std::uint64_t>(c.addend), 64);
  f.put(static_cast<std::uint64_t>(c.zero_point), 32);
  f.put(static_cast<std::uint64_t>(c.lo), 32);
  f.put(static_cast<std::uint64_t>(c.hi), 32);
  return f.words();
}

TileWords pack(const accel::TileParameters& tile) {
  Fields<TileWords> f;
  for (const std::uint16_t count : {tile.w_base, tile.first_word, tile.words, tile.chunks}) f.put(count, 16);
  for (std::size_t c = 0; c < tile.channels.size(); ++c) {
    const ChannelWords channel = pack(tile.channels[c]);
    for (int i = 0; i < static_cast<int>(Package::ChannelW); i += 32) {
      f.put(channel[static_cast<std::size_t>(i / 32)], std::min(32, static_cast<int>(Package::ChannelW) - i));
    }
    f.put(static_cast<std::uint32_t>(tile.bias[c]), 32);
  }
  return f.words();
}

}  // namespace obz::rtl
