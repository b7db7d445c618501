// Operators other than products from bytes to bytes.
#pragma once

#include <memory>
#include <span>

#include "ref/execute/fast/nodes.hpp"
#include "ref/execute/fast/value.hpp"

namespace obz::fast {

class ByteNode {
 public:
  virtual ~ByteNode() = default;
  virtual void run(std::span<const Value> inputs, const Value& y) const = 0;
  virtual const char* path() const = 0;
};

/// What FastNet has decided about a node's values: their bases, and that inputs of one shape are laid out alike.
struct ByteSite {
  NodeSite site;
  std::vector<std::int32_t> in_bases;
  std::int32_t out_base = 0;
};

/// Element by element, two operands of the output's shape or one; max pools. nullptr: no such form.
std::unique_ptr<ByteNode> prepare_byte_node(const ByteSite& site);

}  // namespace obz::fast
