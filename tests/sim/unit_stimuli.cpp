#include "tests/sim/unit_stimuli.hpp"

#include <array>
#include <bit>

#include "accel/requant_refusal.hpp"
#include "ref/arith/reciprocal.hpp"

namespace obz::test {
namespace {

constexpr std::array kTypes{kInt4, kUInt4, kInt8, kUInt8, kInt16, kUInt16, kInt32};
constexpr std::int64_t kLongest = 4096;  ///< beats of a window

std::vector<const Profile*> profiles_of_the_units() {
  std::vector<const Profile*> all;
  for (const Profile& p : profile_catalogue()) {
    if (!accel::requant_refusal(p.recipe, {})) all.push_back(&p);
  }
  return all;
}

bool is_rail(std::int32_t v) {
  for (const IntType t : kTypes) {
    if (v == t.min() || v == t.max()) return true;
  }
  return false;
}

}  // namespace

IntType UnitTraffic::draw_type() { return kTypes[static_cast<std::size_t>(random_.between(0, kTypes.size() - 1))]; }

accel::Lanes UnitTraffic::draw_lanes(IntType type) {
  accel::Lanes lanes;
  for (std::int32_t& v : lanes) v = static_cast<std::int32_t>(random_.value(type));
  return lanes;
}

/// A profile's; or every field on its own.
Recipe UnitTraffic::draw_recipe() {
  static const std::vector<const Profile*> kProfiles = profiles_of_the_units();
  if (random_.one_in(2)) {
    const Profile& p = *kProfiles[static_cast<std::size_t>(random_.between(0, std::ssize(kProfiles) - 1))];
    tally.profiles.insert(p.id);
    return p.recipe;
  }
  const auto rounding = [&] { return static_cast<Rounding>(random_.between(0, 4)); };
  const auto overflow = [&] { return static_cast<Overflow>(random_.between(0, 2)); };
  const auto bits = [&](std::int64_t lo, std::int64_t hi) {
    return static_cast<std::uint8_t>(random_.between(lo, hi));
  };
  Recipe r{.rounding = rounding(), .first_rounding = rounding(), .first_overflow = overflow()};
  r.first_bits = random_.one_in(2) ? 0 : random_.one_in(2) ? 31 : bits(1, 63);
  r.left_overflow = overflow();
  r.product_bits = random_.one_in(2) ? 64 : bits(1, 64);
  r.scaled_bits = random_.one_in(2) ? 64 : bits(1, 64);
  r.scaled_overflow = overflow();
  r.zero_point = random_.one_in(3) ? ZeroPointAt::before_scaling : ZeroPointAt::after_rounding;
  r.clamp = random_.one_in(3) ? ClampAt::before_zero_point : ClampAt::after_zero_point;
  return r;
}

/// For accumulators of so many bits: no product reaches 2^63.
Channel UnitTraffic::draw_channel(const Recipe& recipe, int bits) {
  Channel c;
  c.zero_point = static_cast<std::int32_t>(random_.one_in(2) ? random_.value(kInt8) : random_.value(kInt32));
  if (recipe.zero_point == ZeroPointAt::before_scaling) bits = std::max(bits, 32) + 1;
  if (recipe.first_bits > 0) bits = std::max(bits, 32);
  const int most = std::clamp(63 - bits, 0, 33);  // |acc * multiplier| <= 2^62
  c.multiplier = random_.of_any_size(most);
  if (most < 33 && random_.one_in(8)) c.multiplier = std::int64_t{1} << most;
  const int wide = bits + static_cast<int>(std::bit_width(static_cast<std::uint64_t>(c.multiplier)));
  if (random_.one_in(2)) c.multiplier = -c.multiplier;
  if (random_.one_in(8)) c.addend = random_.of_any_size(61) - random_.of_any_size(61);
  // Anything; or what leaves a few bits.
  c.shift = static_cast<std::int32_t>(
      random_.one_in(4) ? random_.between(0, 63) : std::clamp<std::int64_t>(wide - random_.between(0, 20), 0, 63));
  if (recipe.left_overflow == Overflow::exact) c.shift = std::max<std::int32_t>(c.shift, recipe.first_bits);
  const IntType clamp = random_.one_in(2) ? kInt32 : draw_type();
  c.lo = clamp.min();
  c.hi = clamp.max();
  if (random_.one_in(4)) {
    c.lo = random_.value(clamp);
    c.hi = random_.between(c.lo, clamp.max());
  }
  return c;
}

Requant UnitTraffic::draw_requant(int bits) {
  Requant r{.recipe = draw_recipe()};
  r.channels[0] = draw_channel(r.recipe, bits);
  return r;
}

Add UnitTraffic::draw_add() {
  add_type_ = draw_type();
  Add op{.subtract = random_.one_in(2)};
  op.a_zero_point = static_cast<std::int32_t>(random_.value(add_type_));
  op.b_zero_point = static_cast<std::int32_t>(random_.value(add_type_));
  op.left_shift = static_cast<std::int32_t>(random_.one_in(2) ? 0 : random_.between(0, 30));
  const int bits = add_type_.bits + 2 + op.left_shift;
  op.branch_a = draw_requant(std::min(bits, 63));
  op.branch_b = draw_requant(std::min(bits, 63));
  op.accumulator = {static_cast<std::uint8_t>(random_.one_in(2) ? 32 : random_.between(1, 64)),
                    static_cast<Overflow>(random_.between(0, 2))};
  op.out = draw_requant(34);
  return op;
}

void UnitTraffic::renew_add(accel::UnitsDevice& device) {
  if (random_.one_in(16) || tally.cycles == 0) device.describe(draw_add());
  device.drive(accel::AddBeat{draw_lanes(add_type_), draw_lanes(add_type_)});
}

void UnitTraffic::renew_scale(accel::UnitsDevice& device) {
  if (random_.one_in(16) || tally.cycles == 0) {
    scale_type_ = draw_type();
    const IntType zero = random_.one_in(2) ? scale_type_ : kInt32;
    scale_bits_ = std::max(scale_type_.bits, zero.bits) + 2;
    scale_ = {static_cast<std::int32_t>(random_.value(zero)), draw_recipe()};
    device.describe(scale_);
  }
  accel::ScaleBeat beat{.x = draw_lanes(scale_type_)};
  std::array<Channel, accel::kUnitLanes> channels;
  for (std::size_t i = 0; i < accel::kUnitLanes; ++i) {
    if (random_.one_in(16)) continue;
    channels[i] = draw_channel(scale_.recipe, scale_bits_);
    beat.channels[i] = &channels[i];
  }
  device.drive(beat);
}

void UnitTraffic::describe_pool(accel::UnitsDevice& device) {
  pool_type_ = draw_type();
  pool_.mode = static_cast<accel::PoolMode>(random_.between(0, 2));
  pool_.zero_point = static_cast<std::int32_t>(random_.one_in(2) ? 0 : random_.value(pool_type_));
  pool_.recipe = draw_recipe();
  const bool divides = pool_.mode == accel::PoolMode::divide;
  const bool narrow_sums = pool_type_.bits + 14 <= 31;
  pool_.accumulator.overflow = static_cast<Overflow>(random_.between(divides && !narrow_sums ? 1 : 0, 2));
  pool_.accumulator.bits = static_cast<std::uint8_t>(random_.one_in(2) ? 32 : random_.between(1, divides ? 32 : 64));
  pool_bits_ = pool_type_.bits + 14;  // kLongest elements without their zero points
  if (pool_.accumulator.overflow != Overflow::exact) pool_bits_ = std::min<int>(pool_bits_, pool_.accumulator.bits);
  length_ = random_.one_in(32) ? kLongest : random_.of_any_size(6) + 1;
  fresh_ = true;
  device.describe(pool_);
}

/// A count whose reciprocal is exact on all sums.
void UnitTraffic::draw_reciprocal(accel::PoolBeat& beat) {
  const std::int64_t largest = std::int64_t{1} << (pool_bits_ - 1);
  for (;;) {
    const std::int64_t count = random_.of_any_size(random_.one_in(4) ? 31 : 12) + 1;
    const auto r = reciprocal(count, largest, Quotient::truncated);
    if (!r || r->multiplier > std::int64_t{1} << 32) continue;
    beat.count = static_cast<std::uint32_t>(count);
    beat.reciprocal = r->multiplier;
    beat.reciprocal_shift = r->shift;
    return;
  }
}

void UnitTraffic::renew_pool(accel::UnitsDevice& device) {
  if (pool_pace_.renew && tally.cycles > 0) {  // the last beat was taken
    in_window_ = pool_beat_.first ? 1 : in_window_ + 1;
    fresh_ = pool_beat_.last && !random_.one_in(64);  // else the sum goes on behind its result
  }
  if (random_.one_in(64) || tally.cycles == 0) describe_pool(device);
  pool_beat_ = {.x = draw_lanes(pool_type_)};
  pool_beat_.first = fresh_ || in_window_ == kLongest;
  pool_beat_.last = random_.one_in(length_);
  pool_channel_ = draw_channel(pool_.recipe, pool_bits_);
  pool_beat_.channel = &pool_channel_;
  if (pool_beat_.last && pool_.mode == accel::PoolMode::divide) draw_reciprocal(pool_beat_);
  device.drive(pool_beat_);
}

void UnitTraffic::pace(Pace& pace, accel::UnitInputs& in) {
  if (tally.cycles % 256 == 0) {
    pace.offered = random_.pick({256, 128, 24});
    pace.taken = random_.pick({256, 192, 48});
  }
  in.valid_i = tally.cycles >= 2 && random_.between(0, 255) < pace.offered;
  in.ready_i = random_.between(0, 255) < pace.taken;
}

void UnitTraffic::count(UnitTally& unit, Pace& pace, const accel::UnitInputs& in, const accel::UnitOutputs& out) {
  pace.renew = in.valid_i && out.ready_o;  // in a reset too
  if (!in_.rst_ni) return;
  unit.beats += pace.renew ? 1 : 0;
  unit.stalls += out.valid_o && !in.ready_i ? 1 : 0;
  if (!out.valid_o || !in.ready_i) return;
  ++unit.results;
  for (const std::int32_t v : out.y_o) unit.inside += is_rail(v) ? 0U : 1U;
}

void UnitTraffic::step(accel::UnitsDevice& device) {
  if (resetting_ == 0 && random_.one_in(2048)) resetting_ = random_.between(1, 3);
  in_.rst_ni = resetting_ == 0;
  if (resetting_ > 0) --resetting_;
  if (add_pace_.renew || random_.one_in(16)) renew_add(device);
  if (pool_pace_.renew || random_.one_in(16)) renew_pool(device);
  if (scale_pace_.renew || random_.one_in(16)) renew_scale(device);
  pace(add_pace_, in_.add);
  pace(pool_pace_, in_.pool);
  pace(scale_pace_, in_.scale);
  const accel::UnitsOutputs& out = device.settle(in_);
  count(tally.add, add_pace_, in_.add, out.add);
  count(tally.pool, pool_pace_, in_.pool, out.pool);
  count(tally.scale, scale_pace_, in_.scale, out.scale);
  if (in_.rst_ni && pool_pace_.renew) ++tally.modes[static_cast<std::size_t>(pool_.mode)];
  tally.resets += in_.rst_ni ? 0 : 1;
  ++tally.cycles;
  device.edge();
}

}  // namespace obz::test
