#include "cli/verb.hpp"

#include "ref/base/error.hpp"

namespace obz::cli {

void require_only(const Given& given, const Given& known, const std::string& use) {
  for (const std::string& name : given) {
    if (known.count(name) == 0) throw Error(use + ": " + name + " means nothing here");
  }
}

}  // namespace obz::cli
