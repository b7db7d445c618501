// The time of an elementwise unit that can be chosen.
#pragma once

namespace obz::sim {

struct UnitTiming {
  unsigned stages = 1;  ///< registers behind the lanes, >= 1. More are for tests that must see a difference.
};

}  // namespace obz::sim
