#include "ref/execute/fast_net.hpp"

#include <algorithm>
#include <chrono>
#include <mutex>

#include <hwy/aligned_allocator.h>

#include "ref/execute/fast.hpp"
#include "ref/execute/fast/byte_node.hpp"
#include "ref/execute/fast/byte_value.hpp"
#include "ref/execute/fast/convert.hpp"
#include "ref/execute/fast/parallel.hpp"
#include "ref/execute/naive.hpp"

namespace obz {
namespace {

using fast::ByteValue;

/// Where a value lives during a run.
struct Slot {
  bool is_bytes = false;
  Layout layout = Layout::nhwc;  ///< of the tensor; the bytes are channels last
  ByteValue value;               ///< without data
  std::int64_t offset = 0;       ///< in the arena
  std::size_t last_use = 0;      ///< node
};

struct Step {
  std::unique_ptr<FastNode> node;         ///< products, and whatever runs on tensors
  std::unique_ptr<fast::ByteNode> bytes;  ///< in its place, where there is one
  bool tries_bytes = false;               ///< all its values are bytes, laid out as it sees them
};

struct LayoutOf {
  template <class Op>
  std::optional<Layout> operator()(const Op& op) const {
    if constexpr (requires { op.layout; }) {
      return op.layout;
    } else {
      return std::nullopt;
    }
  }
};

std::optional<Layout> layout_of(const Node& node) { return std::visit(LayoutOf(), node.op); }

bool is_elementwise(const Node& node) {
  return std::holds_alternative<Add>(node.op) || std::holds_alternative<Mul>(node.op) ||
         std::holds_alternative<MinMax>(node.op) || std::holds_alternative<Rescale>(node.op) ||
         std::holds_alternative<Lookup>(node.op);
}

/// Layouts from the operators that have one, and through those that see elements only.
std::vector<Layout> layouts_of(const IntNet& net) {
  std::vector<Layout> layouts(net.tensors.size(), Layout::nhwc);
  const auto at = [&](int tensor) -> Layout& { return layouts[static_cast<std::size_t>(tensor)]; };
  for (const Node& node : net.nodes) {
    if (layout_of(node) == Layout::nchw) at(node.inputs[0]) = at(node.outputs[0]) = Layout::nchw;
  }
  for (bool changed = true; changed;) {
    changed = false;
    for (const Node& node : net.nodes) {
      if (!is_elementwise(node)) continue;
      std::vector<int> all = node.inputs;
      all.push_back(node.outputs[0]);
      const bool any = std::any_of(all.begin(), all.end(), [&](int i) { return at(i) == Layout::nchw; });
      for (const int i : all) {
        if (any && at(i) == Layout::nhwc) at(i) = Layout::nchw, changed = true;
      }
    }
  }
  return layouts;
}

ByteValue geometry(const Shape& shape, Layout layout) {
  ByteValue v;
  if (shape.rank() == 4) {
    const View4 view(shape, layout);
    v.n = view.n, v.h = view.h, v.w = view.w, v.c = view.c;
    v.pixel = fast::spread_pixel(v.c);
    return v;
  }
  v.c = shape.rank() == 0 ? 1 : shape[shape.rank() - 1];
  v.w = v.c == 0 ? 0 : shape.elems() / v.c;
  v.pixel = v.c;
  return v;
}

/// The ranges, widened where a convolution pads with a zero point outside.
std::vector<Range> ranges_with_padding(const IntNet& net) {
  std::vector<Range> ranges = value_ranges(net);
  for (const Node& node : net.nodes) {
    const auto* conv = std::get_if<Conv2d>(&node.op);
    if (conv == nullptr) continue;
    Range& r = ranges[static_cast<std::size_t>(node.inputs[0])];
    const Range wider{std::min<std::int64_t>(r.lo, conv->x_zero_point),
                      std::max<std::int64_t>(r.hi, conv->x_zero_point)};
    if (wider.hi - wider.lo <= UINT8_MAX) r = wider;
  }
  return ranges;
}

/// body(element of the tensor, byte) over all pixels and channels.
template <class Body>
void for_each_element(const Shape& shape, const Slot& slot, const Body& body) {
  const ByteValue& v = slot.value;
  const bool four = shape.rank() == 4;
  const Shape flat{v.w, v.c};
  const std::vector<std::int64_t> strides = strides_of(four ? shape : flat);
  const bool first = four && slot.layout == Layout::nchw;
  const std::int64_t sn = four ? strides[0] : 0, sh = four ? strides[first ? 2 : 1] : 0,
                     sw = four ? strides[first ? 3 : 2] : strides[0], sc = four ? strides[first ? 1 : 3] : strides[1];
  std::int64_t byte = 0;
  for (std::int64_t n = 0; n < v.n; ++n) {
    for (std::int64_t h = 0; h < v.h; ++h) {
      for (std::int64_t w = 0; w < v.w; ++w, byte += v.pixel) body(n * sn + h * sh + w * sw, sc, byte);
    }
  }
}

/// Pixels and channels that are turned around together.
constexpr std::int64_t kTilePixels = 64, kTileChannels = 32;

/// body(sample, first pixel, pixels, first channel, channels) over tiles of an NCHW tensor, on all cores.
template <class Body>
void for_each_tile(const ByteValue& v, const Body& body) {
  const std::int64_t plane = v.h * v.w, blocks = (plane + kTilePixels - 1) / kTilePixels;
  constexpr std::int64_t grain = 4;
  fast::for_ranges(v.n * blocks, grain, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t b = begin; b < end; ++b) {
      const std::int64_t first = b % blocks * kTilePixels, pixels = std::min(kTilePixels, plane - first);
      for (std::int64_t c = 0; c < v.c; c += kTileChannels) {
        body(b / blocks, first, pixels, c, std::min(kTileChannels, v.c - c));
      }
    }
  });
}

void planes_to_bytes(const Tensor& x, const Slot& slot, std::uint8_t* to) {
  const ByteValue& v = slot.value;
  const std::int64_t plane = v.h * v.w;
  for_each_tile(v, [&](std::int64_t n, std::int64_t p, std::int64_t pixels, std::int64_t c, std::int64_t channels) {
    std::uint8_t tile[kTileChannels * kTilePixels];
    for (std::int64_t k = 0; k < channels; ++k) {
      fast::narrow_values(x.data.data() + (n * v.c + c + k) * plane + p, pixels, v.base, tile + k * kTilePixels);
    }
    for (std::int64_t i = 0; i < pixels; ++i) {
      std::uint8_t* const row = to + (n * plane + p + i) * v.pixel + c;
      for (std::int64_t k = 0; k < channels; ++k) row[k] = tile[k * kTilePixels + i];
    }
  });
}

void bytes_to_planes(const std::uint8_t* from, const Slot& slot, Tensor& x) {
  const ByteValue& v = slot.value;
  const std::int64_t plane = v.h * v.w;
  for_each_tile(v, [&](std::int64_t n, std::int64_t p, std::int64_t pixels, std::int64_t c, std::int64_t channels) {
    const std::uint8_t* const rows = from + (n * plane + p) * v.pixel + c;
    for (std::int64_t k = 0; k < channels; ++k) {
      std::int32_t* const to = x.data.data() + (n * v.c + c + k) * plane + p;
      for (std::int64_t i = 0; i < pixels; ++i) to[i] = rows[i * v.pixel + k] + v.base;
    }
  });
}

void to_bytes(const Tensor& x, const Slot& slot, std::uint8_t* to) {
  if (slot.layout == Layout::nhwc && slot.value.pixel == slot.value.c) {  // the same order
    constexpr std::int64_t grain = 1 << 15;
    return fast::for_ranges(x.elems(), grain, [&](std::int64_t begin, std::int64_t end) {
      fast::narrow_values(x.data.data() + begin, end - begin, slot.value.base, to + begin);
    });
  }
  if (x.shape.rank() == 4 && slot.layout == Layout::nchw) return planes_to_bytes(x, slot, to);
  for_each_element(x.shape, slot, [&](std::int64_t at, std::int64_t step, std::int64_t byte) {
    const std::int32_t* from = x.data.data() + at;
    if (step == 1) return fast::narrow_values(from, slot.value.c, slot.value.base, to + byte);
    for (std::int64_t c = 0; c < slot.value.c; ++c) {
      fast::narrow_values(from + c * step, 1, slot.value.base, to + byte + c);
    }
  });
}

Tensor to_tensor(const TensorInfo& info, const Slot& slot, const std::uint8_t* from) {
  Tensor x(info.shape, info.type);
  if (x.shape.rank() == 4 && slot.layout == Layout::nchw) {
    bytes_to_planes(from, slot, x);
    return x;
  }
  for_each_element(x.shape, slot, [&](std::int64_t at, std::int64_t step, std::int64_t byte) {
    for (std::int64_t c = 0; c < slot.value.c; ++c) {
      x.data[static_cast<std::size_t>(at + c * step)] = from[byte + c] + slot.value.base;
    }
  });
  return x;
}

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
  std::vector<Slot> slots;
  std::vector<Step> steps;
  std::int64_t arena_size = 0;
  mutable std::mutex mutex;
  mutable std::vector<hwy::AlignedFreeUniquePtr<std::uint8_t[]>> arenas;  ///< idle ones

  explicit Plan(IntNet n) : net(std::move(n)) {
    place_values();
    prepare_steps();
  }

  void place_values() {
    const std::vector<Range> ranges = ranges_with_padding(net);
    const std::vector<Layout> layouts = layouts_of(net);
    for (std::size_t i = 0; i < net.tensors.size(); ++i) {
      const TensorInfo& info = net.tensors[i];
      Slot& s = slots.emplace_back();
      s.layout = layouts[i];
      s.is_bytes = !info.constant && ranges[i].hi - ranges[i].lo <= UINT8_MAX && kInt32.holds(ranges[i].lo);
      s.value = geometry(info.shape, s.layout);
      s.value.base = static_cast<std::int32_t>(ranges[i].lo);
    }
    for (std::size_t n = 0; n < net.nodes.size(); ++n) {
      for (const int i : net.nodes[n].inputs) slot(i).last_use = n;
      slot(net.nodes[n].outputs[0]).last_use = n;
    }
    for (const int i : net.outputs) slot(i).last_use = net.nodes.size();
    for (const int i : net.inputs) place(slot(i), 0);
    for (std::size_t n = 0; n < net.nodes.size(); ++n) place(slot(net.nodes[n].outputs[0]), n);
  }

  Slot& slot(int tensor) { return slots[static_cast<std::size_t>(tensor)]; }
  const Slot& slot(int tensor) const { return slots[static_cast<std::size_t>(tensor)]; }

  /// Those still needed at the node where the value appears keep their place; it takes the first gap that holds it.
  std::vector<const Slot*> placed;
  static std::int64_t room_of(const Slot& s) { return (s.value.size() + fast::kByteSlack + 63) / 64 * 64; }
  void place(Slot& s, std::size_t node) {
    if (!s.is_bytes) return;
    std::erase_if(placed, [&](const Slot* p) { return p->last_use < node; });
    std::sort(placed.begin(), placed.end(), [](const Slot* a, const Slot* b) { return a->offset < b->offset; });
    for (const Slot* p : placed) {
      if (s.offset + room_of(s) <= p->offset) break;
      s.offset = std::max(s.offset, p->offset + room_of(*p));
    }
    placed.push_back(&s);
    arena_size = std::max(arena_size, s.offset + room_of(s));
  }

  void prepare_steps() {
    const std::vector<Range> ranges = ranges_with_padding(net);
    for (Node& node : net.nodes) {
      Step& step = steps.emplace_back();
      const Slot& out = slot(node.outputs[0]);
      const auto layout = layout_of(node);
      bool all = out.is_bytes, alike = true;
      fast::ByteSite site{{net, node, &ranges}, {}, out.value.base};
      for (const int i : node.inputs) {
        all = all && slot(i).is_bytes;
        alike = alike && slot(i).layout == out.layout;
        site.in_bases.push_back(slot(i).value.base);
      }
      step.tries_bytes = all && alike && layout.value_or(out.layout) == out.layout;
      // Dense layers see their input flat, in the order of the tensor.
      if (std::holds_alternative<Dense>(node.op)) step.tries_bytes = all && slot(node.inputs[0]).layout == Layout::nhwc;
      if (step.tries_bytes) step.bytes = fast::prepare_byte_node(site);
      if (!step.bytes) step.node = prepare_fast(net, node, &ranges);
      std::visit(ReleaseWeights(), node.op);
    }
  }

  ByteValue at(int tensor, std::uint8_t* arena) const {
    ByteValue v = slot(tensor).value;
    v.data = arena + slot(tensor).offset;
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

FastNet::FastNet(IntNet net) : plan_(std::make_unique<Plan>(std::move(net))) {}
FastNet::~FastNet() = default;

const IntNet& FastNet::net() const { return plan_->net; }
std::int64_t FastNet::value_bytes() const { return plan_->arena_size; }

std::vector<std::string> FastNet::paths() const {
  std::vector<std::string> paths;
  for (const Step& s : plan_->steps) {
    paths.push_back(s.bytes ? s.bytes->path() : s.node->path() + (s.tries_bytes ? "" : ", as int32"));
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
  auto arena = plan_->take_arena();
  std::vector<Tensor> tensors(net.tensors.size());  // of the values that are not bytes
  const auto info = [&](int i) -> const TensorInfo& { return net.tensors[static_cast<std::size_t>(i)]; };
  const auto set = [&](int i, Tensor value) {
    if (plan_->slot(i).is_bytes) {
      to_bytes(value, plan_->slot(i), plan_->at(i, arena.get()).data);
    } else {
      tensors[static_cast<std::size_t>(i)] = std::move(value);
    }
  };
  const auto get = [&](int i) {
    if (info(i).constant) return *info(i).constant;
    const Slot& slot = plan_->slot(i);
    return slot.is_bytes ? to_tensor(info(i), slot, plan_->at(i, arena.get()).data)
                         : tensors[static_cast<std::size_t>(i)];
  };
  for (std::size_t i = 0; i < inputs.size(); ++i) set(net.inputs[i], inputs[i]);
  for (std::size_t n = 0; n < net.nodes.size(); ++n) {
    const Node& node = net.nodes[n];
    const Step& step = plan_->steps[n];
    const int out = node.outputs[0];
    const Stopwatch stopwatch(seconds == nullptr ? nullptr : &(*seconds)[n]);
    if (step.tries_bytes) {
      std::vector<ByteValue> in;
      for (const int i : node.inputs) in.push_back(plan_->at(i, arena.get()));
      const ByteValue y = plan_->at(out, arena.get());
      if (step.bytes) {
        step.bytes->run(in, y);
        continue;
      }
      if (step.node->run_bytes(in, y)) continue;
    }
    std::vector<Tensor> values;
    values.reserve(node.inputs.size());
    std::vector<const Tensor*> in;
    for (const int i : node.inputs) {
      const bool in_place = !plan_->slot(i).is_bytes;
      if (!in_place) values.push_back(get(i));
      in.push_back(!in_place          ? &values.back()
                   : info(i).constant ? &*info(i).constant
                                      : &tensors[static_cast<std::size_t>(i)]);
    }
    Tensor y(info(out).shape, info(out).type);
    step.node->run(in, y);
    set(out, std::move(y));
    for (const int i : node.inputs) {
      if (plan_->slot(i).last_use == n) tensors[static_cast<std::size_t>(i)] = Tensor();
    }
  }
  std::vector<Tensor> outputs;
  for (const int i : net.outputs) outputs.push_back(get(i));
  const std::lock_guard lock(plan_->mutex);
  plan_->arenas.push_back(std::move(arena));
  return outputs;
}

}  // namespace obz
