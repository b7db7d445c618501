// obz explain NET: which arithmetic explains the outputs of a layer or a network.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace obz::cli {

struct ExplainNetwork {
  std::string net, got, layer, profile, out;
  std::vector<std::string> inputs;
  std::int64_t decimals = -1, rows = 200, next = 0;
  std::uint64_t seed = 1;
  bool json = false;
};

/// 0: the reference explains everything; 1: something else does, or nothing.
int explain_network(const ExplainNetwork& options);

}  // namespace obz::cli
