// Drives obz_tensor_core with one output: every pair of lanes and signs, and results that wait.
#include "stimuli.hpp"
#include <Vobz_tensor_core.h>

using namespace obz::coverage;

int main(int argc, char** argv) {
  Vobz_tensor_core top;
  reset(top);
  for (int i = 0; i < 100000; ++i) {
    if (one_in(5000)) reset(top);
    top.valid_i = !one_in(4);
    top.ready_i = !one_in(4);
    top.a_lane_i = below(5);
    top.b_lane_i = below(5);
    top.a_signed_i = one_in(2);
    top.b_signed_i = one_in(2);
    top.satfinite_i = one_in(2);
    drive(top.tag_i, 8);
    drive(top.a_i, 128);
    drive(top.b_i, 128);
    drive(top.c_i, 32);
    cycle(top);
  }
  return finish(argc, argv);
}
