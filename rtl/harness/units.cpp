#include "rtl/harness/units.hpp"

#include <Vobz_units.h>
#include <Vobz_units_obz_pkg.h>

#include "rtl/harness/pack.hpp"

namespace obz::rtl {
namespace {

using Package = Vobz_units_obz_pkg;
using accel::kUnitLanes;
using accel::Lanes;
using accel::PoolMode;

static_assert(Package::UnitLanes == kUnitLanes);
static_assert(Package::PoolMax == static_cast<int>(PoolMode::max));
static_assert(Package::PoolRequant == static_cast<int>(PoolMode::requant));
static_assert(Package::PoolDivide == static_cast<int>(PoolMode::divide));
static_assert(Package::ChannelW % 8 == 0);

template <class Port>
void put(Port& port, const Lanes& lanes) {
  for (std::size_t i = 0; i < kUnitLanes; ++i) port[i] = static_cast<std::uint32_t>(lanes[i]);
}

template <class Port>
void put(Port& port, const Channel& channel) {
  const ChannelWords words = pack(channel);
  for (std::size_t i = 0; i < words.size(); ++i) port[i] = words[i];
}

template <class Port>
void get(accel::UnitOutputs& out, CData ready, CData valid, const Port& y) {
  out.ready_o = ready != 0;
  out.valid_o = valid != 0;
  for (std::size_t i = 0; i < kUnitLanes; ++i) out.y_o[i] = static_cast<std::int32_t>(y[i]);
}

}  // namespace

struct Units::Model {
  Vobz_units top;  // in the default context: a destroyed one of another model would still be the thread's
  accel::UnitsOutputs outputs;
};

Units::Units() : model_(std::make_unique<Model>()) {
  settle({});
  settle({.rst_ni = false});
  settle({});
}
Units::~Units() = default;

void Units::describe(const Add& op) {
  Vobz_units& top = model_->top;
  top.add_subtract_i = op.subtract ? 1 : 0;
  top.add_a_zero_point_i = static_cast<std::uint32_t>(op.a_zero_point);
  top.add_b_zero_point_i = static_cast<std::uint32_t>(op.b_zero_point);
  top.add_left_shift_i = static_cast<std::uint8_t>(op.left_shift);
  top.add_a_recipe_i = pack(op.branch_a.recipe);
  top.add_b_recipe_i = pack(op.branch_b.recipe);
  top.add_out_recipe_i = pack(op.out.recipe);
  put(top.add_a_channel_i, op.branch_a.channels[0]);
  put(top.add_b_channel_i, op.branch_b.channels[0]);
  put(top.add_out_channel_i, op.out.channels[0]);
  top.add_acc_bits_i = op.accumulator.bits;
  top.add_acc_overflow_i = static_cast<std::uint8_t>(op.accumulator.overflow);
}

void Units::describe(const accel::PoolSetting& setting) {
  Vobz_units& top = model_->top;
  top.pool_mode_i = static_cast<std::uint8_t>(setting.mode);
  top.pool_zero_point_i = static_cast<std::uint32_t>(setting.zero_point);
  top.pool_acc_bits_i = setting.accumulator.bits;
  top.pool_acc_overflow_i = static_cast<std::uint8_t>(setting.accumulator.overflow);
  top.pool_recipe_i = pack(setting.recipe);
}

void Units::describe(const accel::ScaleSetting& setting) {
  Vobz_units& top = model_->top;
  top.scale_zero_point_i = static_cast<std::uint32_t>(setting.zero_point);
  top.scale_recipe_i = pack(setting.recipe);
}

void Units::drive(const accel::AddBeat& beat) {
  put(model_->top.add_a_i, beat.a);
  put(model_->top.add_b_i, beat.b);
}

void Units::drive(const accel::PoolBeat& beat) {
  Vobz_units& top = model_->top;
  put(top.pool_x_i, beat.x);
  top.pool_first_i = beat.first ? 1 : 0;
  top.pool_last_i = beat.last ? 1 : 0;
  if (!beat.last) return;
  put(top.pool_channel_i, *beat.channel);
  top.pool_count_i = beat.count;
  top.pool_reciprocal_i = static_cast<std::uint64_t>(beat.reciprocal);
  top.pool_reciprocal_shift_i = static_cast<std::uint8_t>(beat.reciprocal_shift);
}

void Units::drive(const accel::ScaleBeat& beat) {
  Vobz_units& top = model_->top;
  put(top.scale_x_i, beat.x);
  // Lanes of 200 bits next to each other, byte by byte: words of both sides are little-endian.
  std::array<std::uint8_t, kUnitLanes * Package::ChannelW / 8> bytes{};
  for (std::size_t i = 0; i < kUnitLanes; ++i) {
    if (beat.channels[i] == nullptr) continue;
    const ChannelWords words = pack(*beat.channels[i]);
    for (std::size_t k = 0; k < Package::ChannelW / 8; ++k) {
      bytes[i * Package::ChannelW / 8 + k] = static_cast<std::uint8_t>(words[k / 4] >> (8 * (k % 4)));
    }
  }
  for (std::size_t w = 0; w < bytes.size() / 4; ++w) {
    std::uint32_t word = 0;
    for (std::size_t k = 4; k-- > 0;) word = word << 8 | bytes[4 * w + k];
    top.scale_channel_i[w] = word;
  }
}

const accel::UnitsOutputs& Units::settle(const accel::UnitsInputs& in) {
  Vobz_units& top = model_->top;
  top.clk_i = 0;
  top.rst_ni = in.rst_ni;
  top.add_valid_i = in.add.valid_i;
  top.add_ready_i = in.add.ready_i;
  top.pool_valid_i = in.pool.valid_i;
  top.pool_ready_i = in.pool.ready_i;
  top.scale_valid_i = in.scale.valid_i;
  top.scale_ready_i = in.scale.ready_i;
  top.eval();
  accel::UnitsOutputs& out = model_->outputs;
  get(out.add, top.add_ready_o, top.add_valid_o, top.add_y_o);
  get(out.pool, top.pool_ready_o, top.pool_valid_o, top.pool_y_o);
  get(out.scale, top.scale_ready_o, top.scale_valid_o, top.scale_y_o);
  return out;
}

void Units::edge() {
  model_->top.clk_i = 1;
  model_->top.eval();
}

}  // namespace obz::rtl
