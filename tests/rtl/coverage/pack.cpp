// Drives obz_pack: every lane at every place that it may have.
#include "stimuli.hpp"
#include <Vobz_pack.h>

using namespace obz::coverage;

int main(int argc, char** argv) {
  Vobz_pack top;
  for (int i = 0; i < 5000; ++i) {
    drive(top.values_i, 256);
    top.lane_i = below(6);
    top.offset_i = below(std::uint64_t{32} >> top.lane_i) << top.lane_i;
    top.eval();
  }
  return finish(argc, argv);
}
