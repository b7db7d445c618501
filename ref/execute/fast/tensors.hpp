// What FastNet knows of the tensors of a net before it places them.
#pragma once

#include <optional>
#include <vector>

#include "ref/net/bounds.hpp"
#include "ref/net/net.hpp"

namespace obz::fast {

/// The layout an operator sees its tensors in; nullopt: it has none.
std::optional<Layout> layout_of(const Node& node);

/// Per tensor: from the operators that have one, and through those that see elements only.
std::vector<Layout> layouts_of(const IntNet& net);

/// Per tensor: value_ranges(), widened where a convolution pads with a zero point outside.
std::vector<Range> ranges_with_padding(const IntNet& net);

}  // namespace obz::fast
