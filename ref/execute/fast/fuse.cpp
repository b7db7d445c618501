#include "ref/execute/fast/fuse.hpp"

#include <algorithm>

namespace obz::fast {
namespace {

constexpr std::size_t kNowhere = static_cast<std::size_t>(-1);

class Search {
 public:
  explicit Search(const FusionSite& site) : site_(site), readers_(site.net.tensors.size()), maker_(readers_.size(), 0) {
    const IntNet& net = site.net;
    for (std::size_t n = 0; n < net.nodes.size(); ++n) {
      for (const int i : net.nodes[n].inputs) readers_[index(i)].push_back(n);
      maker_[index(net.nodes[n].outputs[0])] = n;
    }
    for (const int i : net.outputs) readers_[index(i)].push_back(kNowhere);
  }

  std::map<std::size_t, Fusion> run() const {
    std::map<std::size_t, Fusion> found;
    for (std::size_t n = 0; n < site_.net.nodes.size(); ++n) {
      const auto* add = std::get_if<Add>(&site_.net.nodes[n].op);
      if (add == nullptr) continue;
      for (const std::size_t operand : {1U, 0U}) {
        const std::size_t conv = taker(n, operand);
        if (conv == kNowhere || found.contains(conv)) continue;
        if (auto fusion = try_fusion(n, *add, operand)) {
          found.emplace(conv, std::move(*fusion));
          break;
        }
      }
    }
    return found;
  }

 private:
  static std::size_t index(int i) { return static_cast<std::size_t>(i); }

  /// The convolution behind this operand of the addition, if the addition may run with it.
  std::size_t taker(std::size_t add, std::size_t operand) const {
    const Node& node = site_.net.nodes[add];
    const int own = node.inputs[operand], other = node.inputs[1 - operand];
    const TensorInfo& info = site_.net.tensors[index(other)];
    const std::size_t conv = maker_[index(own)];
    const bool only_reader = readers_[index(own)] == std::vector<std::size_t>{add};
    if (!only_reader || info.constant || site_.net.tensors[index(own)].constant) return kNowhere;
    if (!site_.takes_tail[conv] || site_.net.nodes[conv].outputs[0] != own) return kNowhere;
    const bool is_input = std::find(site_.net.inputs.begin(), site_.net.inputs.end(), other) != site_.net.inputs.end();
    if (!is_input && maker_[index(other)] >= conv) return kNowhere;
    return info.shape.rank() == 4 && same_layout(own, other) && same_layout(own, node.outputs[0]) ? conv : kNowhere;
  }

  bool same_layout(int a, int b) const { return site_.layouts[index(a)] == site_.layouts[index(b)]; }

  std::optional<Fusion> try_fusion(std::size_t n, const Add& op, std::size_t operand) const {
    const Node& node = site_.net.nodes[n];
    Fusion f{.add = n, .other = node.inputs[1 - operand], .sum = node.outputs[0]};
    const Range range = site_.ranges[index(f.sum)];
    if (range.hi - range.lo <= UINT8_MAX) return std::nullopt;
    auto add = vector_add({site_.net, node, &site_.ranges}, op);
    if (!add) return std::nullopt;
    f.tail.add = std::move(*add);
    f.tail.is_a = operand == 0;
    for (const std::size_t reader : readers_[index(f.sum)]) {
      if (!add_rescale(reader, f)) f.keeps_sum = true;
    }
    return f;
  }

  bool add_rescale(std::size_t reader, Fusion& f) const {
    if (reader == kNowhere) return false;
    const Node& node = site_.net.nodes[reader];
    const auto* op = std::get_if<Rescale>(&node.op);
    if (op == nullptr || !same_layout(f.sum, node.outputs[0])) return false;
    auto scaler = vector_rescale({site_.net, node, &site_.ranges}, *op);
    if (!scaler) return false;
    f.tail.rescalers.push_back(std::move(*scaler));
    f.rescales.push_back(reader);
    f.rescaled.push_back(node.outputs[0]);
    return true;
  }

  const FusionSite& site_;
  std::vector<std::vector<std::size_t>> readers_;  ///< of tensors; kNowhere: an output of the net
  std::vector<std::size_t> maker_;
};

}  // namespace

std::map<std::size_t, Fusion> find_fusions(const FusionSite& site) { return Search(site).run(); }

}  // namespace obz::fast
