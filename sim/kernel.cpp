#include "sim/kernel.hpp"

#include <systemc>

// The library wants one. Ours is not called: main is the executable's own, and time passes in advance().
int sc_main(int, char**) { return 1; }

namespace obz::sim {

bool kernel_started() { return sc_core::sc_get_status() != sc_core::SC_ELABORATION; }

void advance() {
  static const sc_core::sc_time kStep(1, sc_core::SC_NS);
  sc_core::sc_start(kStep);
}

}  // namespace obz::sim
