#include "ref/net/net.hpp"

#include <algorithm>
#include <charconv>

#include <fmt/format.h>

#include "ref/base/error.hpp"
#include "ref/base/suggest.hpp"

namespace obz {

std::string_view operator_name(const Operator& op) {
  return std::visit([](const auto& o) { return std::decay_t<decltype(o)>::kName; }, op);
}

int find_tensor(const IntNet& net, const std::string& id) {
  const auto it = std::find_if(net.tensors.begin(), net.tensors.end(), [&](const TensorInfo& t) { return t.id == id; });
  if (it != net.tensors.end()) return static_cast<int>(it - net.tensors.begin());
  std::vector<std::string_view> ids;
  for (const TensorInfo& t : net.tensors) ids.push_back(t.id);
  throw Error(fmt::format("{}: no tensor \"{}\"{}", net.name, id, did_you_mean(id, ids)));
}

int find_node(const IntNet& net, const std::string& name_or_index) {
  const auto it =
      std::find_if(net.nodes.begin(), net.nodes.end(), [&](const Node& n) { return n.name == name_or_index; });
  if (it != net.nodes.end()) return static_cast<int>(it - net.nodes.begin());
  int index = 0;
  const char* const end = name_or_index.data() + name_or_index.size();
  const auto [p, ec] = std::from_chars(name_or_index.data(), end, index);
  if (ec == std::errc() && p == end && index >= 0 && index < static_cast<int>(net.nodes.size())) return index;
  std::vector<std::string_view> names;
  for (const Node& n : net.nodes) names.push_back(n.name);
  throw Error(fmt::format("{}: no layer \"{}\"{}; `obz info` lists all {}", net.name, name_or_index,
                          did_you_mean(name_or_index, names), net.nodes.size()));
}

}  // namespace obz
