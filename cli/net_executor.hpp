// Whole networks by the name of an engine, for `obz run`.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "ref/execute/naive.hpp"

namespace obz::cli {

struct NetExecutor {
  std::shared_ptr<const IntNet> net;  ///< as loaded; without weights where the executor has packed them
  /// Values in the order of net.outputs; the tap sees every value, where one was asked for.
  std::function<std::vector<Tensor>(const std::vector<Tensor>& inputs, const ValueTap& tap)> run;
  bool from_many_threads = true;
  std::vector<std::string> notes;  ///< for people, a sentence each
};

/// ref, fast, ptx or gpu. `every_value`: taps will be asked for, so nothing may be fused. MissingTool where there is no
/// such device.
NetExecutor make_net_executor(const std::string& engine, IntNet net, bool every_value);

}  // namespace obz::cli
