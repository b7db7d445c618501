// Tables of an operator, filled by running its own loop (ref/ops) over all operand values once: they contain
// its semantics instead of repeating them.
#pragma once

#include <optional>
#include <vector>

#include "ref/net/net.hpp"

namespace obz::fast {

constexpr bool is_narrow(IntType type) { return type.bits <= 8; }
constexpr std::int64_t value_count(IntType type) { return std::int64_t{1} << type.bits; }

/// Every value of a narrow type, ascending, as a tensor of this shape (which repeats them if it is larger).
Tensor all_values(IntType type, const Shape& shape);

/// op over these inputs by its own loop; nullopt where the operator is not defined for all of them. (In its
/// net it need only be defined for what its inputs can hold, which may be less than their types.)
std::optional<Tensor> tabulate(Operator op, const std::vector<Tensor>& inputs, const Shape& shape, IntType type);

}  // namespace obz::fast
