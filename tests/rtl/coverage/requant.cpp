// Drives obz_requant: every rounding, overflow and order, one and two stages.
#include "stimuli.hpp"
#include <Vobz_requant.h>

using namespace obz::coverage;

int main(int argc, char** argv) {
  Vobz_requant top;
  for (int i = 0; i < 60000; ++i) {
    const std::uint64_t recipe = any_recipe();
    drive(top.acc_i, 64);
    drive(top.multiplier_i, 34);
    drive(top.shift_i, 6);
    drive(top.addend_i, 64);
    drive(top.zero_point_i, 32);
    drive(top.lo_i, 64);
    drive(top.hi_i, 64);
    top.rounding_i = recipe & 7;
    top.first_bits_i = recipe >> 3 & 63;
    top.first_rounding_i = recipe >> 9 & 7;
    top.first_overflow_i = recipe >> 12 & 3;
    top.left_overflow_i = recipe >> 14 & 3;
    top.product_bits_i = recipe >> 16 & 127;
    top.scaled_bits_i = recipe >> 23 & 127;
    top.scaled_overflow_i = recipe >> 30 & 3;
    top.zero_point_first_i = recipe >> 32 & 1;
    top.clamp_first_i = recipe >> 33 & 1;
    top.eval();
  }
  return finish(argc, argv);
}
