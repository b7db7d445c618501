#include "ref/execute/fast_net.hpp"

#include <algorithm>
#include <chrono>
#include <map>
#include <mutex>

#include <hwy/aligned_allocator.h>

#include "ref/execute/fast.hpp"
#include "ref/execute/fast/byte_node.hpp"
#include "ref/execute/fast/fuse.hpp"
#include "ref/execute/fast/tensors.hpp"
#include "ref/execute/fast/transfer.hpp"
#include "ref/execute/naive.hpp"

namespace obz {
namespace {

using fast::Value;

/// Where a value lives during a run.
struct Slot {
  enum class Kind : std::uint8_t { tensor, bytes, words, none };  ///< none: it never leaves the tile it is made in
  Kind kind = Kind::tensor;
  Layout layout = Layout::nhwc;  ///< of the tensor; values are channels last
  Value value;                   ///< without data
  std::int64_t offset = 0;       ///< in the arena
  std::size_t last_use = 0;      ///< node

  bool is_value() const { return kind == Kind::bytes || kind == Kind::words; }
  std::int64_t room() const {
    const std::int64_t size = value.size() * static_cast<std::int64_t>(kind == Kind::words ? sizeof(std::int32_t) : 1);
    return (size + fast::kByteSlack + 63) / 64 * 64;
  }
};

struct Step {
  std::unique_ptr<FastNode> node;         ///< products, and whatever runs on tensors
  std::unique_ptr<fast::ByteNode> bytes;  ///< in its place, where there is one
  bool tries_values = false;              ///< all its tensors are values, laid out as it sees them
  const fast::Fusion* fusion = nullptr;   ///< what runs as its tail
  std::string within;                     ///< name of the node it is a tail of; it has nothing else then
};

/// Frees what a packed node no longer needs of its operator.
struct ReleaseWeights {
  template <class Op>
  void operator()(Op& op) const {
    if constexpr (requires { op.filter; }) op.filter.weights.data = {};
  }
};

/// Writes the seconds of its life, if anywhere.
class Stopwatch {
 public:
  explicit Stopwatch(double* seconds) : seconds_(seconds), start_(std::chrono::steady_clock::now()) {}
  ~Stopwatch() {
    if (seconds_ != nullptr) {
      *seconds_ = std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count();
    }
  }
  Stopwatch(const Stopwatch&) = delete;
  Stopwatch& operator=(const Stopwatch&) = delete;

 private:
  double* seconds_;
  std::chrono::steady_clock::time_point start_;
};

}  // namespace

struct FastNet::Plan {
  IntNet net;
  std::vector<Range> ranges;
  std::map<std::size_t, fast::Fusion> fusions;
  std::vector<Slot> slots;
  std::vector<Step> steps;
  std::int64_t arena_size = 0;
  mutable std::mutex mutex;
  mutable std::vector<hwy::AlignedFreeUniquePtr<std::uint8_t[]>> arenas;  ///< idle ones

  explicit Plan(IntNet n) : net(std::move(n)), ranges(fast::ranges_with_padding(net)), steps(net.nodes.size()) {
    const std::vector<Layout> layouts = fast::layouts_of(net);
    prepare_products();
    fuse(layouts);
    choose_kinds(layouts);
    place_values();
    prepare_rest();
  }

  Slot& slot(int tensor) { return slots[static_cast<std::size_t>(tensor)]; }
  const Slot& slot(int tensor) const { return slots[static_cast<std::size_t>(tensor)]; }

  /// Convolutions first: the others depend on what these take.
  void prepare_products() {
    for (std::size_t n = 0; n < steps.size(); ++n) {
      Node& node = net.nodes[n];
      if (!std::holds_alternative<Conv2d>(node.op)) continue;
      steps[n].node = prepare_fast(net, node, &ranges);
      std::visit(ReleaseWeights(), node.op);
    }
  }

  bool takes_values(std::size_t n) const { return steps[n].node && steps[n].node->takes_tail(); }

  void fuse(const std::vector<Layout>& layouts) {
    fast::FusionSite site{net, ranges, layouts, {}};
    for (std::size_t n = 0; n < steps.size(); ++n) site.takes_tail.push_back(takes_values(n));
    fusions = fast::find_fusions(site);
    for (const auto& [n, fusion] : fusions) {
      steps[n].fusion = &fusion;
      steps[fusion.add].within = net.nodes[n].name;
      for (const std::size_t r : fusion.rescales) steps[r].within = net.nodes[n].name;
    }
  }

  void choose_kinds(const std::vector<Layout>& layouts) {
    for (std::size_t i = 0; i < net.tensors.size(); ++i) {
      const TensorInfo& info = net.tensors[i];
      Slot& s = slots.emplace_back();
      s.layout = layouts[i];
      s.value = fast::value_geometry(info.shape, s.layout);
      if (info.constant || ranges[i].hi - ranges[i].lo > UINT8_MAX || !kInt32.holds(ranges[i].lo)) continue;
      s.kind = Slot::Kind::bytes;
      s.value.base = static_cast<std::int32_t>(ranges[i].lo);
      if (info.shape.rank() == 4) s.value.pixel = fast::spread_pixel(s.value.c);
    }
    const auto widen = [&](int i) {
      if (slot(i).kind == Slot::Kind::tensor) slot(i).kind = Slot::Kind::words;
    };
    for (const auto& [n, f] : fusions) {
      slot(net.nodes[n].outputs[0]).kind = Slot::Kind::none;
      widen(f.other);
      if (f.keeps_sum) {
        widen(f.sum);
      } else {
        slot(f.sum).kind = Slot::Kind::none;
      }
      for (const int i : f.rescaled) widen(i);
    }
  }

  void place_values() {
    for (std::size_t n = 0; n < net.nodes.size(); ++n) {
      for (const int i : net.nodes[n].inputs) slot(i).last_use = n;
      slot(net.nodes[n].outputs[0]).last_use = n;
    }
    for (const int i : net.outputs) slot(i).last_use = net.nodes.size();
    for (const int i : net.inputs) place(slot(i), 0);
    for (std::size_t n = 0; n < net.nodes.size(); ++n) {
      if (!steps[n].within.empty()) continue;  // placed with its convolution
      place(slot(net.nodes[n].outputs[0]), n);
      if (steps[n].fusion == nullptr) continue;
      place(slot(steps[n].fusion->sum), n);
      for (const int i : steps[n].fusion->rescaled) place(slot(i), n);
    }
  }

  /// Those still needed at the node where the value appears keep their place; it takes the first gap that holds it.
  std::vector<const Slot*> placed;
  void place(Slot& s, std::size_t node) {
    if (!s.is_value()) return;
    std::erase_if(placed, [&](const Slot* p) { return p->last_use < node; });
    std::sort(placed.begin(), placed.end(), [](const Slot* a, const Slot* b) { return a->offset < b->offset; });
    for (const Slot* p : placed) {
      if (s.offset + s.room() <= p->offset) break;
      s.offset = std::max(s.offset, p->offset + p->room());
    }
    placed.push_back(&s);
    arena_size = std::max(arena_size, s.offset + s.room());
  }

  void prepare_rest() {
    for (std::size_t n = 0; n < steps.size(); ++n) {
      Node& node = net.nodes[n];
      Step& step = steps[n];
      if (!step.within.empty()) continue;
      const Slot& out = slot(node.outputs[0]);
      const auto layout = fast::layout_of(node);
      bool bytes = out.kind == Slot::Kind::bytes, values = out.is_value(), alike = true;
      fast::ByteSite site{{net, node, &ranges}, {}, out.value.base};
      for (const int i : node.inputs) {
        bytes = bytes && slot(i).kind == Slot::Kind::bytes;
        values = values && slot(i).is_value();
        alike = alike && slot(i).layout == out.layout;
        site.in_bases.push_back(slot(i).value.base);
      }
      step.tries_values = values && alike && layout.value_or(out.layout) == out.layout;
      // Dense layers see their input flat, in the order of the tensor.
      if (std::holds_alternative<Dense>(node.op)) {
        step.tries_values = bytes && slot(node.inputs[0]).layout == Layout::nhwc;
      }
      if (step.tries_values && bytes) step.bytes = fast::prepare_byte_node(site);
      if (!step.bytes && !step.node) step.node = prepare_fast(net, node, &ranges);
      std::visit(ReleaseWeights(), node.op);
    }
  }

  Value at(int tensor, std::uint8_t* arena) const {
    const Slot& s = slot(tensor);
    Value v = s.value;
    if (s.kind == Slot::Kind::bytes) v.bytes = arena + s.offset;
    if (s.kind == Slot::Kind::words) v.words = reinterpret_cast<std::int32_t*>(arena + s.offset);
    return v;
  }

  hwy::AlignedFreeUniquePtr<std::uint8_t[]> take_arena() const {
    {
      const std::lock_guard lock(mutex);
      if (!arenas.empty()) {
        auto arena = std::move(arenas.back());
        arenas.pop_back();
        return arena;
      }
    }
    auto arena = hwy::AllocateAligned<std::uint8_t>(static_cast<std::size_t>(arena_size + 64));
    std::fill_n(arena.get(), arena_size + 64, std::uint8_t{0});  // what lies between values is read, if not used
    return arena;
  }
};

/// The values of one run.
class FastNet::Run {
 public:
  explicit Run(const Plan& plan) : plan_(plan), arena_(plan.take_arena()), tensors_(plan.net.tensors.size()) {}
  ~Run() {
    const std::lock_guard lock(plan_.mutex);
    plan_.arenas.push_back(std::move(arena_));
  }
  Run(const Run&) = delete;
  Run& operator=(const Run&) = delete;

  void set(int i, Tensor value) {
    const Slot& s = plan_.slot(i);
    if (s.is_value()) {
      put(value, s.layout, at(i));
    } else {
      tensors_[static_cast<std::size_t>(i)] = std::move(value);
    }
  }

  Tensor get(int i) const {
    const TensorInfo& info = info_of(i);
    const Slot& s = plan_.slot(i);
    if (info.constant) return *info.constant;
    if (!s.is_value()) return tensors_[static_cast<std::size_t>(i)];
    Tensor y(info.shape, info.type);
    fetch(at(i), s.layout, y);
    return y;
  }

  void step(std::size_t n) {
    const Node& node = plan_.net.nodes[n];
    const Step& step = plan_.steps[n];
    if (!step.within.empty()) return;
    if (step.fusion != nullptr) return with_tail(n);
    if (step.tries_values) {
      const std::vector<Value> in = values_of(node.inputs);
      if (step.bytes) return step.bytes->run(in, at(node.outputs[0]));
      if (step.node->run_values(in, at(node.outputs[0]))) return;
    }
    on_tensors(n);
  }

 private:
  const TensorInfo& info_of(int i) const { return plan_.net.tensors[static_cast<std::size_t>(i)]; }
  Value at(int i) const { return plan_.at(i, arena_.get()); }
  std::vector<Value> values_of(const std::vector<int>& tensors) const {
    std::vector<Value> values;
    for (const int i : tensors) values.push_back(at(i));
    return values;
  }

  void with_tail(std::size_t n) {
    const fast::Fusion& f = *plan_.steps[n].fusion;
    const std::vector<Value> rescaled = values_of(f.rescaled);
    const fast::TailJob job{&f.tail, at(f.other), at(f.sum), rescaled};
    const FastNode& node = *plan_.steps[n].node;
    const int x = plan_.net.nodes[n].inputs[0];
    const Slot& s = plan_.slot(x);
    if (s.is_value() && s.layout == plan_.slot(f.other).layout) return node.run_tail(at(x), job);
    node.run_tail(get(x), job);
  }

  void on_tensors(std::size_t n) {
    const Node& node = plan_.net.nodes[n];
    std::vector<Tensor> converted;
    converted.reserve(node.inputs.size());
    std::vector<const Tensor*> in;
    for (const int i : node.inputs) {
      if (plan_.slot(i).is_value()) {
        in.push_back(&converted.emplace_back(get(i)));
      } else {
        in.push_back(info_of(i).constant ? &*info_of(i).constant : &tensors_[static_cast<std::size_t>(i)]);
      }
    }
    const TensorInfo& info = info_of(node.outputs[0]);
    Tensor y(info.shape, info.type);
    plan_.steps[n].node->run(in, y);
    set(node.outputs[0], std::move(y));
    for (const int i : node.inputs) {
      if (plan_.slot(i).last_use == n) tensors_[static_cast<std::size_t>(i)] = Tensor();
    }
  }

  const Plan& plan_;
  hwy::AlignedFreeUniquePtr<std::uint8_t[]> arena_;
  std::vector<Tensor> tensors_;  ///< of those that are not values
};

FastNet::FastNet(IntNet net) : plan_(std::make_unique<Plan>(std::move(net))) {}
FastNet::~FastNet() = default;

const IntNet& FastNet::net() const { return plan_->net; }
std::int64_t FastNet::value_bytes() const { return plan_->arena_size; }

std::vector<std::string> FastNet::paths() const {
  std::vector<std::string> paths;
  for (const Step& s : plan_->steps) {
    if (!s.within.empty()) {
      paths.push_back("in " + s.within);
    } else if (s.bytes) {
      paths.emplace_back(s.bytes->path());
    } else {
      const char* tail = s.fusion != nullptr ? ", then the addition" : s.tries_values ? "" : ", as int32";
      paths.push_back(s.node->path() + tail);
    }
  }
  return paths;
}

std::vector<Tensor> FastNet::run(const std::vector<Tensor>& inputs) const { return run_timed(inputs, nullptr); }

std::vector<double> FastNet::profile(const std::vector<Tensor>& inputs, int runs) const {
  std::vector<double> best(plan_->steps.size(), 1e9), seconds(best.size());
  for (int r = 0; r < runs; ++r) {
    run_timed(inputs, &seconds);
    for (std::size_t i = 0; i < best.size(); ++i) best[i] = std::min(best[i], seconds[i]);
  }
  return best;
}

std::vector<Tensor> FastNet::run_timed(const std::vector<Tensor>& inputs, std::vector<double>* seconds) const {
  const IntNet& net = plan_->net;
  check_inputs(net, inputs);
  Run run(*plan_);
  for (std::size_t i = 0; i < inputs.size(); ++i) run.set(net.inputs[i], inputs[i]);
  for (std::size_t n = 0; n < net.nodes.size(); ++n) {
    const Stopwatch stopwatch(seconds == nullptr ? nullptr : &(*seconds)[n]);
    run.step(n);
  }
  std::vector<Tensor> outputs;
  for (const int i : net.outputs) outputs.push_back(run.get(i));
  return outputs;
}

}  // namespace obz
