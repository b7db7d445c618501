// Drives the elementwise units (obz_units with one lane): beats of any values, with pauses on either side and resets.
#include "stimuli.hpp"
#include <Vobz_units.h>

using namespace obz::coverage;

int main(int argc, char** argv) {
  Vobz_units top;
  reset(top);
  for (int i = 0; i < 20000; ++i) {
    if (one_in(5000)) reset(top);
    top.add_valid_i = !one_in(3);
    top.add_ready_i = !one_in(3);
    drive(top.add_a_i, 32);
    drive(top.add_b_i, 32);
    top.add_subtract_i = one_in(2);
    drive(top.add_a_zero_point_i, 32);
    drive(top.add_b_zero_point_i, 32);
    top.add_left_shift_i = below(31);
    top.add_a_recipe_i = any_recipe();
    top.add_b_recipe_i = any_recipe();
    top.add_out_recipe_i = any_recipe();
    drive(top.add_a_channel_i, 200);
    drive(top.add_b_channel_i, 200);
    drive(top.add_out_channel_i, 200);
    top.add_acc_bits_i = 1 + below(64);
    top.add_acc_overflow_i = below(4);

    top.pool_valid_i = !one_in(3);
    top.pool_ready_i = !one_in(3);
    top.pool_first_i = one_in(4);
    top.pool_last_i = one_in(4);
    drive(top.pool_x_i, 32);
    drive(top.pool_channel_i, 200);
    drive(top.pool_count_i, 32);
    drive(top.pool_reciprocal_i, 33);
    drive(top.pool_reciprocal_shift_i, 6);
    top.pool_mode_i = below(4);
    drive(top.pool_zero_point_i, 32);
    top.pool_acc_bits_i = 1 + below(64);
    top.pool_acc_overflow_i = below(4);
    top.pool_recipe_i = any_recipe();

    top.scale_valid_i = !one_in(3);
    top.scale_ready_i = !one_in(3);
    drive(top.scale_x_i, 32);
    drive(top.scale_channel_i, 200);
    drive(top.scale_zero_point_i, 32);
    top.scale_recipe_i = any_recipe();
    cycle(top);
  }
  return finish(argc, argv);
}
