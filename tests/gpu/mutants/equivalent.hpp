// Survivors: changes that no input can show, each with the reason.
#pragma once

#include <span>

#include "tests/gpu/mutants/mutate.hpp"

namespace obz::test {

struct Equivalent {
  const char* kernel;
  const char* change;  ///< "LINE -> LINE", with single blanks
  const char* why;
};

std::span<const Equivalent> equivalents();

/// The entry for this change; nullptr when there is none.
const Equivalent* equivalent(const KernelText& kernel, const Mutant& mutant);

}  // namespace obz::test
