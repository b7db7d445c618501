#include "cli/engines.hpp"

#include "rtl/harness/rtl_engine.hpp"

namespace obz::cli {

std::unique_ptr<Engine> outside_engine(const std::string& name) {
  return name == "rtl" ? rtl::make_rtl_engine() : nullptr;
}

}  // namespace obz::cli
