// The fast executor: same integers as ref/execute/naive, blocked, vectorized (Highway, best target at run time) and
// on all cores. Operators without a fast path run naively.
#pragma once

#include <map>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "ref/net/bounds.hpp"
#include "ref/net/net.hpp"

namespace obz {

namespace fast {
struct TailJob;
struct Value;
}  // namespace fast

/// One node made ready: weights packed, requantizer in vector form. Immutable, so threads may share it.
class FastNode {
 public:
  virtual ~FastNode() = default;
  /// `y` has the node's output shape and type. Equal to run_naive bit for bit.
  virtual void run(std::span<const Tensor* const> inputs, Tensor& y) const = 0;
  /// The same between values; `y` has its shape and base already. False: the node has no such form.
  virtual bool run_values(std::span<const fast::Value>, const fast::Value&) const { return false; }
  /// Whether run_tail() may take the place of run_values().
  virtual bool takes_tail() const { return false; }
  virtual void run_tail(const fast::Value&, const fast::TailJob&) const {}
  virtual void run_tail(const Tensor&, const fast::TailJob&) const {}
  /// "gemm int16 pairs", "naive": which path the node takes, for `obz info`.
  virtual std::string path() const = 0;
};

/// Requires a node of a validated net; keeps no reference to it. `net` gives the types of its inputs. With `ranges`
/// (of all tensors, as value_ranges gives them) it may rely on its inputs staying inside, and checks that they do.
std::unique_ptr<FastNode> prepare_fast(const IntNet& net, const Node& node, const std::vector<Range>* ranges = nullptr);

/// A NodeRunner that prepares every node of `net` once, on first use. Safe to call from several threads.
class FastExecutor {
 public:
  explicit FastExecutor(const IntNet& net);
  ~FastExecutor();
  void operator()(const Node& node, std::span<const Tensor* const> inputs, Tensor& y);

 private:
  struct State;
  std::shared_ptr<State> state_;
};

/// requantize(accs[i], recipe, channels[i]) for all i; channels has accs.size() entries or one.
void requantize_fast(const Recipe& recipe, std::span<const Channel> channels, std::span<const std::int64_t> accs,
                     std::span<std::int64_t> out);

/// "AVX2, 2 threads": what the fast executor uses here.
std::string fast_target();

}  // namespace obz
