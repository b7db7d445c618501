#include "cli/layer_options.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "cli/numbers.hpp"
#include "golden/sets/vector_set.hpp"
#include "ref/net/save_load.hpp"

namespace obz::cli {

void LayerOptions::add_to(std::vector<Option>& options) {
  options.push_back({"--layer,-l", "NAME", "of an .obz network: this layer (name or index)", &layer});
  options.push_back({"--conv", "LIST", "N,H,W,C,K,R,S,stride,pad (default 1,8,8,16,16,3,3,1,1)", &conv});
  options.push_back({"--types", "WxA", "weight and activation types (default int8xint8)", &widths});
  requant.add_to(options);
}

Given LayerOptions::options_for(const std::string& what) const {
  if (what.ends_with(".obz")) return {"--layer"};
  return {"--conv", "--types", "--profile", "--type"};
}

SynthSpec LayerOptions::spec(const std::string& op, std::uint64_t seed) const {
  SynthSpec spec{.op = op, .profile = requant.profile, .seed = seed};
  if (!conv.empty()) {
    const std::vector<std::int64_t> numbers = parse_integers(conv, "--conv");
    if (numbers.size() != spec.conv.size()) {
      throw Error(fmt::format("--conv {}: expected {} numbers N,H,W,C,K,R,S,stride,pad, got {}", conv, spec.conv.size(),
                              numbers.size()));
    }
    std::copy(numbers.begin(), numbers.end(), spec.conv.begin());
  }
  spec.out = requant.space().out;
  if (!widths.empty()) {
    const std::size_t x = widths.find('x');
    const auto weight = type_from_text(widths.substr(0, x));
    const auto activation = x == std::string::npos ? std::nullopt : type_from_text(widths.substr(x + 1));
    if (!weight || !activation || weight->bits > 16 || activation->bits > 16) {
      throw Error(fmt::format("--types {}: expected WEIGHTxACTIVATION such as int8xint8 or int4xuint4", widths));
    }
    spec.weight = *weight;
    spec.activation = *activation;
  }
  return spec;
}

IntNet LayerOptions::one_layer(const std::string& what, std::uint64_t seed) const {
  if (!what.ends_with(".obz")) return synthesize(spec(what, seed));
  if (layer.empty()) throw Error(fmt::format("{}: name a layer with --layer", what));
  const IntNet net = load_net(what);
  return extract_layer(net, find_node(net, layer));
}

}  // namespace obz::cli
