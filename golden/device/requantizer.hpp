// The requantizer as a pipeline of wires on which a fault can sit. Without one it is requantize() (tested over the
// catalogue); the meaning stays in ref/arith.
#pragma once

#include <cstdint>

#include "golden/device/fault.hpp"
#include "ref/arith/recipe.hpp"

namespace obz {

/// The channel at work and the ones a wrong index would take. None is null.
struct Lane {
  const Channel* own;
  const Channel* previous;
  const Channel* next;
  const Channel* first;
};

/// A fault that is nothing but other numbers: the recipe and the channel that the device works with. False: it is of
/// another kind.
bool altered_numbers(const Fault& fault, const Lane& lane, IntType out, Recipe& recipe, Channel& channel);

/// Float recipes know only faults of the accumulator, the zero point, the clamp and the output.
std::int64_t faulty_requantize(std::int64_t acc, const Recipe& recipe, const Lane& lane, IntType out,
                               const Fault& fault);

}  // namespace obz
