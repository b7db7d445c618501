#include "ref/execute/fast.hpp"

#include <algorithm>
#include <mutex>

#include <fmt/format.h>
#include <tbb/global_control.h>

#include "ref/arith/apply.hpp"
#include "ref/base/error.hpp"
#include "ref/execute/fast/kernel.hpp"
#include "ref/execute/fast/nodes.hpp"
#include "ref/execute/fast/requant_lanes.hpp"
#include "ref/execute/naive.hpp"

namespace obz {
namespace {

/// A node that runs its plain loop. It keeps a copy, as the net may be gone by then.
class NaiveNode final : public FastNode {
 public:
  explicit NaiveNode(const Node& node) : node_(node) {}
  void run(std::span<const Tensor* const> inputs, Tensor& y) const override { run_naive(node_, inputs, y); }
  std::string path() const override { return "naive"; }

 private:
  Node node_;
};

/// The fast form of an operator, where there is one.
struct Prepare {
  const fast::NodeSite& site;

  template <class Op>
  fast::Prepared operator()(const Op& op) const {
    if constexpr (requires { fast::prepare(site, op); }) {
      return fast::prepare(site, op);
    } else {
      return nullptr;
    }
  }
};

/// |acc| when it is a 32-bit number, else nothing the lanes could hold.
std::uint64_t lane_bound(std::int64_t acc) {
  if (!kInt32.holds(acc)) return UINT64_MAX;
  return static_cast<std::uint64_t>(acc < 0 ? -acc : acc);
}

/// Up to kPanel unrelated cases, one per lane; those that a lane refuses are done plainly.
void requantize_panel(fast::RequantLanes lanes, const Recipe& recipe, std::span<const Channel> channels,
                      std::span<const std::int64_t> accs, std::span<std::int64_t> out) {
  alignas(64) std::int32_t tile[fast::kPanel] = {};
  bool in_lane[fast::kPanel] = {};
  const auto channel = [&](std::size_t i) -> const Channel& { return channels[channels.size() == 1 ? 0 : i]; };
  for (std::size_t i = 0; i < accs.size(); ++i) {
    in_lane[i] = fast::fill_lane(lanes, static_cast<std::int64_t>(i), recipe, channel(i), lane_bound(accs[i]));
    if (in_lane[i]) tile[i] = static_cast<std::int32_t>(accs[i]);
  }
  const bool done = fast::requantize_tile(lanes, tile, 1);
  for (std::size_t i = 0; i < accs.size(); ++i) {
    out[i] = done && in_lane[i] ? tile[i] : apply_recipe(accs[i], recipe, channel(i));
  }
}

}  // namespace

std::unique_ptr<FastNode> prepare_fast(const IntNet& net, const Node& node, const std::vector<Range>* ranges) {
  const fast::NodeSite site{net, node, ranges};
  fast::Prepared prepared = std::visit(Prepare{site}, node.op);
  return prepared ? std::move(prepared) : std::make_unique<NaiveNode>(node);
}

/// Nodes by position. Preparing is serial on purpose: a thread that waited in a parallel loop here could pick
/// up another sample and wait for this very node.
struct FastExecutor::State {
  explicit State(const IntNet& n) : net(n), ranges(value_ranges(n)), once(n.nodes.size()), nodes(n.nodes.size()) {}

  const IntNet& net;
  std::vector<Range> ranges;
  std::vector<std::once_flag> once;
  std::vector<std::unique_ptr<FastNode>> nodes;
};

FastExecutor::FastExecutor(const IntNet& net) : state_(std::make_shared<State>(net)) {}
FastExecutor::~FastExecutor() = default;

void FastExecutor::operator()(const Node& node, std::span<const Tensor* const> inputs, Tensor& y) {
  const auto index = static_cast<std::size_t>(&node - state_->net.nodes.data());
  OBZ_CHECK(index < state_->nodes.size());
  std::call_once(state_->once[index], [&] { state_->nodes[index] = prepare_fast(state_->net, node, &state_->ranges); });
  state_->nodes[index]->run(inputs, y);
}

void requantize_fast(const Recipe& recipe, std::span<const Channel> channels, std::span<const std::int64_t> accs,
                     std::span<std::int64_t> out) {
  const auto form = fast::vector_form(recipe);
  if (!form) {
    for (std::size_t i = 0; i < accs.size(); ++i) {
      out[i] = apply_recipe(accs[i], recipe, channels[channels.size() == 1 ? 0 : i]);
    }
    return;
  }
  const fast::RequantLanes empty{.form = *form, .rounding = recipe.rounding};
  for (std::size_t at = 0; at < accs.size(); at += fast::kPanel) {
    const std::size_t count = std::min<std::size_t>(fast::kPanel, accs.size() - at);
    const auto some = channels.size() == 1 ? channels : channels.subspan(at, count);
    requantize_panel(empty, recipe, some, accs.subspan(at, count), out.subspan(at, count));
  }
}

std::string fast_target() {
  const std::size_t threads = tbb::global_control::active_value(tbb::global_control::max_allowed_parallelism);
  return fmt::format("{}, {} thread{}", fast::target_name(), threads, threads == 1 ? "" : "s");
}

}  // namespace obz
