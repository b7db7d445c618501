// The options of verbs that work on one layer: a synthesized one, or one of an .obz network.
#pragma once

#include <string>
#include <vector>

#include "cli/requant_options.hpp"
#include "golden/cases/synth.hpp"

namespace obz::cli {

struct LayerOptions {
  std::string layer, conv, widths;
  RequantOptions requant;

  void add_to(std::vector<Option>& options);

  /// Those that mean something for `what`, an operator or an .obz network.
  Given options_for(const std::string& what) const;

  /// What to synthesize. Error when a number or a type does not fit.
  SynthSpec spec(const std::string& op, std::uint64_t seed) const;

  /// A net of one node: a layer of the network `what`, or the synthesized operator `what`.
  IntNet one_layer(const std::string& what, std::uint64_t seed) const;
};

}  // namespace obz::cli
