// Which residual additions run as the tail of a convolution (ref/execute/fast/tail.hpp).
#pragma once

#include <cstddef>
#include <map>
#include <span>
#include <vector>

#include "ref/execute/fast/tail.hpp"

namespace obz::fast {

/// Indices of nodes and tensors.
struct Fusion {
  std::size_t add = 0;
  std::vector<std::size_t> rescales;
  int other = 0;  ///< operand of the addition that is there already
  int sum = 0;
  bool keeps_sum = false;  ///< somebody else reads it
  std::vector<int> rescaled;
  Tail tail;
};

/// What the search needs to know of a net.
struct FusionSite {
  const IntNet& net;
  const std::vector<Range>& ranges;
  const std::vector<Layout>& layouts;  ///< of the tensors
  std::vector<bool> takes_tail;        ///< of the nodes
};

/// By the node that takes the tail. Additions whose sum fits a byte have a quicker form of their own.
std::map<std::size_t, Fusion> find_fusions(const FusionSite& site);

}  // namespace obz::fast
