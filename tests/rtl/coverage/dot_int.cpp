// Drives obz_dot_int: any elements and accumulators, with pauses and resets.
#include "stimuli.hpp"
#include <Vobz_dot_int.h>

using namespace obz::coverage;

int main(int argc, char** argv) {
  Vobz_dot_int top;
  reset(top);
  for (int i = 0; i < 50000; ++i) {
    if (one_in(5000)) reset(top);
    top.valid_i = !one_in(3);
    top.first_i = one_in(3);
    drive(top.a_i, 32);
    drive(top.b_i, 32);
    drive(top.c_i, 32);
    cycle(top);
  }
  return finish(argc, argv);
}
