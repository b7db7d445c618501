// The vector forms of Add and Rescale; where they do not apply, table.cpp has another.
#pragma once

#include "ref/execute/fast/nodes.hpp"

namespace obz::fast {

Prepared prepare_vector(const NodeSite& site, const Add& op);      ///< operands of one shape
Prepared prepare_vector(const NodeSite& site, const Rescale& op);  ///< one channel

}  // namespace obz::fast
