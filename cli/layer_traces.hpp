// --pipeline and --trace-fst of obz check: one layer again, watched.
#pragma once

#include <string>
#include <vector>

#include "cli/verb.hpp"
#include "ref/net/net.hpp"

namespace obz::cli {

struct LayerTraces {
  std::string pipeline, fst, folder = ".", format = "json";

  void add_to(std::vector<Option>& options);
  /// Error when an option stands there that says something about a file that is not written.
  void require_use(const Given& given) const;
  bool any() const { return !pipeline.empty() || !fst.empty(); }

  /// Runs each layer named on its inputs in the network and writes its files. `engines`: names; the pipeline is that of
  /// the first with a layer unit. Error when there is no such layer or engine, or the layer runs on no layer unit.
  void write(const IntNet& net, const std::vector<Tensor>& inputs, const std::vector<std::string>& engines) const;
};

}  // namespace obz::cli
