// The engines that stand outside golden, for the verbs that take --engines.
#pragma once

#include "golden/engines/engine.hpp"

namespace obz::cli {

/// rtl; nullptr for other names.
std::unique_ptr<Engine> outside_engine(const std::string& name);

}  // namespace obz::cli
