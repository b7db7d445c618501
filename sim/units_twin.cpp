#include "sim/units_twin.hpp"

#include "ref/base/error.hpp"
#ifdef OBZ_HAVE_SYSTEMC
#include "sim/kernel.hpp"
#include "sim/obz_concat_rescale.hpp"
#include "sim/obz_pool.hpp"
#include "sim/obz_residual_add.hpp"
#endif

namespace obz::sim {

#ifdef OBZ_HAVE_SYSTEMC

namespace {

template <class T>
using Signal = sc_core::sc_signal<T>;

/// The signals that every unit has.
struct Handshake {
  Signal<bool> valid_in, ready_out, valid_out, ready_in;
  Signal<LanesWide> y;

  Handshake(elementwise_unit& unit, Signal<bool>& clk, Signal<bool>& rst_n) {
    unit.clk_i(clk);
    unit.rst_ni(rst_n);
    unit.valid_i(valid_in);
    unit.ready_o(ready_out);
    unit.valid_o(valid_out);
    unit.ready_i(ready_in);
    unit.y_o(y);
  }
  void write(const accel::UnitInputs& in) {
    valid_in.write(in.valid_i);
    ready_in.write(in.ready_i);
  }
  void read(accel::UnitOutputs& out) const {
    out.ready_o = ready_out.read();
    out.valid_o = valid_out.read();
    out.y_o = y.read().value;
  }
};

struct AddModel {
  Signal<LanesWide> a, b;
  Signal<bool> subtract;
  Signal<std::int32_t> a_zero_point, b_zero_point;
  Signal<std::uint8_t> left_shift, acc_bits, acc_overflow;
  Signal<RecipeWide> a_recipe, b_recipe, out_recipe;
  Signal<ChannelWide> a_channel, b_channel, out_channel;
  obz_residual_add unit;
  Handshake handshake;

  AddModel(Signal<bool>& clk, Signal<bool>& rst_n, const UnitTiming& timing)
      : unit(sc_core::sc_gen_unique_name("obz_residual_add"), timing), handshake(unit, clk, rst_n) {
    unit.a_i(a);
    unit.b_i(b);
    unit.subtract_i(subtract);
    unit.a_zero_point_i(a_zero_point);
    unit.b_zero_point_i(b_zero_point);
    unit.left_shift_i(left_shift);
    unit.a_recipe_i(a_recipe);
    unit.b_recipe_i(b_recipe);
    unit.out_recipe_i(out_recipe);
    unit.a_channel_i(a_channel);
    unit.b_channel_i(b_channel);
    unit.out_channel_i(out_channel);
    unit.acc_bits_i(acc_bits);
    unit.acc_overflow_i(acc_overflow);
  }
};

struct PoolModel {
  Signal<bool> first, last;
  Signal<LanesWide> x;
  Signal<ChannelWide> channel;
  Signal<std::uint32_t> count;
  Signal<std::uint64_t> reciprocal;
  Signal<std::uint8_t> reciprocal_shift, mode, acc_bits, acc_overflow;
  Signal<std::int32_t> zero_point;
  Signal<RecipeWide> recipe;
  obz_pool unit;
  Handshake handshake;

  PoolModel(Signal<bool>& clk, Signal<bool>& rst_n, const UnitTiming& timing)
      : unit(sc_core::sc_gen_unique_name("obz_pool"), timing), handshake(unit, clk, rst_n) {
    unit.first_i(first);
    unit.last_i(last);
    unit.x_i(x);
    unit.channel_i(channel);
    unit.count_i(count);
    unit.reciprocal_i(reciprocal);
    unit.reciprocal_shift_i(reciprocal_shift);
    unit.mode_i(mode);
    unit.zero_point_i(zero_point);
    unit.acc_bits_i(acc_bits);
    unit.acc_overflow_i(acc_overflow);
    unit.recipe_i(recipe);
  }
};

struct ScaleModel {
  Signal<LanesWide> x;
  Signal<ChannelsWide> channels;
  Signal<std::int32_t> zero_point;
  Signal<RecipeWide> recipe;
  obz_concat_rescale unit;
  Handshake handshake;

  ScaleModel(Signal<bool>& clk, Signal<bool>& rst_n, const UnitTiming& timing)
      : unit(sc_core::sc_gen_unique_name("obz_concat_rescale"), timing), handshake(unit, clk, rst_n) {
    unit.x_i(x);
    unit.channel_i(channels);
    unit.zero_point_i(zero_point);
    unit.recipe_i(recipe);
  }
};

}  // namespace

struct UnitsTwin::Model {
  explicit Model(const UnitTiming& timing)
      : add(clk, rst_n, timing), pool(clk, rst_n, timing), scale(clk, rst_n, timing) {}

  Signal<bool> clk, rst_n;
  AddModel add;
  PoolModel pool;
  ScaleModel scale;
  accel::UnitsOutputs outputs;
};

UnitsTwin::UnitsTwin(const UnitTiming& timing) {
  OBZ_CHECK(!kernel_started());
  model_ = std::make_unique<Model>(timing);
}

void UnitsTwin::describe(const Add& op) {
  AddModel& m = model_->add;
  m.subtract.write(op.subtract);
  m.a_zero_point.write(op.a_zero_point);
  m.b_zero_point.write(op.b_zero_point);
  m.left_shift.write(static_cast<std::uint8_t>(op.left_shift));
  m.a_recipe.write({op.branch_a.recipe});
  m.b_recipe.write({op.branch_b.recipe});
  m.out_recipe.write({op.out.recipe});
  m.a_channel.write({op.branch_a.channels[0]});
  m.b_channel.write({op.branch_b.channels[0]});
  m.out_channel.write({op.out.channels[0]});
  m.acc_bits.write(op.accumulator.bits);
  m.acc_overflow.write(static_cast<std::uint8_t>(op.accumulator.overflow));
}

void UnitsTwin::describe(const accel::PoolSetting& setting) {
  PoolModel& m = model_->pool;
  m.mode.write(static_cast<std::uint8_t>(setting.mode));
  m.zero_point.write(setting.zero_point);
  m.acc_bits.write(setting.accumulator.bits);
  m.acc_overflow.write(static_cast<std::uint8_t>(setting.accumulator.overflow));
  m.recipe.write({setting.recipe});
}

void UnitsTwin::describe(const accel::ScaleSetting& setting) {
  model_->scale.zero_point.write(setting.zero_point);
  model_->scale.recipe.write({setting.recipe});
}

void UnitsTwin::drive(const accel::AddBeat& beat) {
  model_->add.a.write({beat.a});
  model_->add.b.write({beat.b});
}

void UnitsTwin::drive(const accel::PoolBeat& beat) {
  PoolModel& m = model_->pool;
  m.x.write({beat.x});
  m.first.write(beat.first);
  m.last.write(beat.last);
  if (!beat.last) return;
  m.channel.write({*beat.channel});
  m.count.write(beat.count);
  m.reciprocal.write(static_cast<std::uint64_t>(beat.reciprocal));
  m.reciprocal_shift.write(static_cast<std::uint8_t>(beat.reciprocal_shift));
}

void UnitsTwin::drive(const accel::ScaleBeat& beat) {
  ChannelsWide channels;
  for (std::size_t i = 0; i < accel::kUnitLanes; ++i) {
    constexpr Channel kZeros{.multiplier = 0, .lo = 0, .hi = 0};
    channels.value[i] = beat.channels[i] == nullptr ? kZeros : *beat.channels[i];
  }
  model_->scale.x.write({beat.x});
  model_->scale.channels.write(channels);
}

const accel::UnitsOutputs& UnitsTwin::settle(const accel::UnitsInputs& in) {
  Model& m = *model_;
  m.clk.write(false);
  m.rst_n.write(in.rst_ni);
  m.add.handshake.write(in.add);
  m.pool.handshake.write(in.pool);
  m.scale.handshake.write(in.scale);
  advance();
  m.add.handshake.read(m.outputs.add);
  m.pool.handshake.read(m.outputs.pool);
  m.scale.handshake.read(m.outputs.scale);
  return m.outputs;
}

void UnitsTwin::edge() {
  model_->clk.write(true);
  advance();
}

#else

struct UnitsTwin::Model {};

UnitsTwin::UnitsTwin(const UnitTiming&) {
  throw MissingTool("the SystemC twins are not part of this build: SystemC was not there when it was configured");
}
void UnitsTwin::describe(const Add&) { OBZ_CHECK(false); }
void UnitsTwin::describe(const accel::PoolSetting&) { OBZ_CHECK(false); }
void UnitsTwin::describe(const accel::ScaleSetting&) { OBZ_CHECK(false); }
void UnitsTwin::drive(const accel::AddBeat&) { OBZ_CHECK(false); }
void UnitsTwin::drive(const accel::PoolBeat&) { OBZ_CHECK(false); }
void UnitsTwin::drive(const accel::ScaleBeat&) { OBZ_CHECK(false); }
const accel::UnitsOutputs& UnitsTwin::settle(const accel::UnitsInputs&) { OBZ_CHECK(false); }
void UnitsTwin::edge() { OBZ_CHECK(false); }

#endif

UnitsTwin::~UnitsTwin() = default;

}  // namespace obz::sim
