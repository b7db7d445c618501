#include "gpu/lower/lower.hpp"

#include <algorithm>
#include <map>
#include <set>

#include <fmt/format.h>

#include "gpu/lower/channels.hpp"
#include "gpu/lower/move.hpp"
#include "gpu/lower/orders.hpp"
#include "gpu/lower/pointwise.hpp"
#include "gpu/lower/products.hpp"
#include "gpu/lower/residual.hpp"

namespace obz::gpu {
namespace {

/// One node's lowering, an overload for each operator that has a kernel.
struct Lowering {
  Builder& b;
  const Node& node;
  const LowerOptions& options;

  const TensorInfo& info(int t) const { return b.net().tensors[static_cast<std::size_t>(t)]; }
  const TensorInfo& x_info() const { return info(node.inputs[0]); }
  const TensorInfo& y_info() const { return info(node.outputs[0]); }

  void operator()(const Conv2d& op) const { lower_conv(b, node, op, options); }
  void operator()(const Dense& op) const { lower_dense(b, node, op, options); }
  void operator()(const MatMul& op) const { lower_matmul(b, node, op, options); }

  void operator()(const MaxPool& op) const {
    const Order order = pixel_order(op.layout);
    const Placed x = b.get(node.inputs[0], order), y = b.make(node.outputs[0], order);
    const MaxPoolArgs args{
        .x = x.view(),
        .y = y.view(),
        .g = geometry_of(x.storage.shape, y.storage.shape, op.layout, op.kernel_h, op.kernel_w, op.window),
        .lo = op.lo,
        .hi = op.hi};
    b.call("layers", "max_pool", quads_of(args.y), args);
    b.set(node.outputs[0], y);
  }

  void operator()(const AvgPool& op) const {
    require_dyadic(op.requant);
    const Order order = pixel_order(op.layout);
    const Placed x = b.get(node.inputs[0], order), y = b.make(node.outputs[0], order);
    const auto count = static_cast<std::int64_t>(op.requant.channels.size());
    const AvgPoolArgs args{
        .x = x.view(),
        .y = y.view(),
        .g = geometry_of(x.storage.shape, y.storage.shape, op.layout, op.kernel_h, op.kernel_w, op.window),
        .channels = b.memory().constant(channels_of(op.requant, count, count, no_bias), b.layer() + ": channels"),
        .requant = requantizer_of(op.requant, op.accumulator),
        .count_includes_pad = op.count_includes_pad ? 1 : 0,
        .by_division = op.by == AverageBy::division ? 1 : 0,
        .rounding = op.rounding,
        .x_zero_point = op.x_zero_point};
    b.call("layers", "avg_pool", quads_of(args.y), args);
    b.set(node.outputs[0], y);
  }

  /// Kept axes outermost, the last of them the channel; what is summed lies between.
  void operator()(const Mean& op) const {
    require_dyadic(op.requant);
    const Shape& shape = x_info().shape;
    Order kept, reduced;
    for (std::size_t i = 0; i < shape.rank(); ++i) {
      const bool sums = std::find(op.axes.begin(), op.axes.end(), static_cast<std::int64_t>(i)) != op.axes.end();
      (sums ? reduced : kept).push_back(static_cast<int>(i));
    }
    const int channel = kept.empty() ? kNoAxis : kept.back();
    if (!kept.empty()) kept.pop_back();
    std::int64_t summed = 1;
    for (const int axis : reduced) summed *= shape[static_cast<std::size_t>(axis)];
    Order x_order = kept;
    x_order.insert(x_order.end(), reduced.begin(), reduced.end());
    x_order.push_back(channel);
    // In y the kept axes are those that are left, or all with ones among them.
    Order y_order;
    const auto place = [&](int axis) {
      if (op.keep_dims || axis == kNoAxis) return axis;
      return axis - static_cast<int>(std::count_if(reduced.begin(), reduced.end(), [&](int r) { return r < axis; }));
    };
    for (const int axis : kept) y_order.push_back(place(axis));
    if (op.keep_dims) y_order.insert(y_order.end(), reduced.begin(), reduced.end());
    y_order.push_back(place(channel));
    const Placed x = b.get(node.inputs[0], x_order), y = b.make(node.outputs[0], y_order);
    const MeanArgs args{.x = x.view(),
                        .y = y.view(),
                        .channel = channel_of(op.requant.channels[0]),
                        .requant = requantizer_of(op.requant, op.accumulator),
                        .rows_per_mean = static_cast<std::int32_t>(summed),
                        .x_zero_point = op.x_zero_point};
    b.call("layers", "mean", quads_of(args.y), args);
    b.set(node.outputs[0], y);
  }

  void operator()(const Add& op) const {
    const Operands operands = operands_of(b, node);
    const Placed y = b.make(node.outputs[0], operands.order);
    const AddArgs args{.a = operands.a.view(), .y = y.view(), .with = residual_of(op, operands.b)};
    b.call("layers", "add", quads_of(args.y), args);
    b.set(node.outputs[0], y);
  }

  void operator()(const Rescale& op) const {
    require_dyadic(op.requant);
    const std::size_t rank = x_info().shape.rank();
    const bool per_channel = op.requant.channels.size() > 1;
    const Order order =
        per_channel ? with_channel(rank, static_cast<std::size_t>(op.axis)) : b.order_of(node.inputs[0]);
    const Placed x = b.get(node.inputs[0], order), y = b.make(node.outputs[0], order);
    ConcatArgs args{.y = y.view(), .per_channel = per_channel ? 1 : 0};
    set_part(args, 0, x, op.requant, op.x_zero_point);
    b.call("layers", "concat", quads_of(args.y), args);
    b.set(node.outputs[0], y);
  }

  void operator()(const Concat& op) const {
    if (node.inputs.size() > ConcatArgs::kParts)
      throw Unsupported(fmt::format("{} parts; the kernel joins 8", node.inputs.size()));
    const Order order = with_channel(y_info().shape.rank(), static_cast<std::size_t>(op.axis));
    const Placed y = b.make(node.outputs[0], order);
    ConcatArgs args{.y = y.view(), .parts = static_cast<std::int32_t>(node.inputs.size())};
    for (std::size_t i = 0; i < node.inputs.size(); ++i) {
      require_dyadic(op.requants[i]);
      set_part(args, i, b.get(node.inputs[i], order), op.requants[i], op.x_zero_points[i]);
    }
    b.call("layers", "concat", quads_of(args.y), args);
    b.set(node.outputs[0], y);
  }

  void operator()(const Mul& op) const { lower_mul(b, node, op); }
  void operator()(const MinMax& op) const { lower_min_max(b, node, op); }
  void operator()(const Lookup& op) const { lower_lookup(b, node, op); }
  void operator()(const Threshold& op) const { lower_threshold(b, node, op); }
  void operator()(const Softmax& op) const { lower_softmax(b, node, op); }

  void operator()(const Reshape&) const { moved(strides_of(y_info().shape)); }
  void operator()(const Transpose& op) const {
    const std::vector<std::int64_t> stride = strides_of(x_info().shape);
    std::vector<std::int64_t> step;
    for (const std::int64_t axis : op.permutation) step.push_back(stride[static_cast<std::size_t>(axis)]);
    moved(step);
  }
  void operator()(const Pad& op) const {
    Mapping m{.step = strides_of(x_info().shape), .fill = op.value};
    for (std::size_t i = 0; i < op.before.rank(); ++i) {
      m.low.push_back(op.before[i]);
      m.high.push_back(op.before[i] + x_info().shape[i]);
      m.base -= op.before[i] * m.step[i];
    }
    moved(m, b.order_of(node.inputs[0]));
  }
  void operator()(const Slice& op) const {
    const std::vector<std::int64_t> stride = strides_of(x_info().shape);
    Mapping m;
    for (std::size_t i = 0; i < op.begin.rank(); ++i) {
      m.base += op.begin[i] * stride[i];
      if (op.extent.rank() != op.shape.rank() && op.extent[i] == 1) continue;  // dropped
      m.step.push_back(op.step[i] * stride[i]);
    }
    if (m.step.size() != op.shape.rank()) throw Unsupported("a slice that drops some of its axes of one");
    m.low.assign(op.shape.rank(), 0);
    m.high = op.shape.dims();
    moved(m, op.shape.rank() == op.begin.rank() ? b.order_of(node.inputs[0]) : natural_order(op.shape.rank()));
  }

  template <class Op>
  void operator()(const Op&) const {
    throw Unsupported(fmt::format("no kernel for {}", operator_name(node.op)));
  }

 private:
  static std::int64_t no_bias(std::int64_t) { return 0; }

  void moved(const std::vector<std::int64_t>& step) const {
    const Shape& shape = y_info().shape;
    moved({.step = step, .low = std::vector<std::int64_t>(shape.rank(), 0), .high = shape.dims()},
          natural_order(shape.rank()));
  }
  void moved(const Mapping& mapping, const Order& order) const {
    const Placed x = b.get(node.inputs[0], b.order_of(node.inputs[0])), y = b.make(node.outputs[0], order);
    move(b, x, y, mapping);
    b.set(node.outputs[0], y);
  }

  void set_part(ConcatArgs& args, std::size_t i, const Placed& x, const Requant& requant,
                std::int64_t zero_point) const {
    if (!kInt32.holds(zero_point)) throw Unsupported("a zero point of more than 32 bits");
    const auto count = static_cast<std::int64_t>(requant.channels.size());
    args.x[i] = x.view();
    args.begin[i + 1] = args.begin[i] + args.x[i].channels;
    args.x_zero_point[i] = static_cast<std::int32_t>(zero_point);
    args.channels[i] = b.memory().constant(channels_of(requant, count, count, no_bias), b.layer() + ": channels");
    args.requant[i] = requantizer_of(requant);
  }
};

}  // namespace

void lower(Builder& builder, const Node& node, const LowerOptions& options) {
  builder.set_layer(node.name);
  std::visit(Lowering{builder, node, options}, node.op);
}

std::variant<std::unique_ptr<Program>, std::string> lower_layer(Device& device, const IntNet& net, const Node& node,
                                                                const LowerOptions& options) {
  Builder builder(device, net);
  try {
    lower(builder, node, options);
  } catch (const Unsupported& why) {
    return std::string(why.what());
  }
  return builder.finish();
}

std::unique_ptr<Program> lower_net(Device& device, const IntNet& net, const LowerOptions& options) {
  Builder builder(device, net);
  const std::map<std::size_t, Join> joins = options.join ? joins_of(net) : std::map<std::size_t, Join>();
  std::set<std::size_t> done;
  for (std::size_t n = 0; n < net.nodes.size(); ++n) {
    if (done.count(n) != 0) continue;
    const Node& node = net.nodes[n];
    builder.set_layer(node.name);
    const auto join = joins.find(n);
    try {
      if (join == joins.end()) {
        lower(builder, node, options);
      } else if (lower_conv(builder, node, std::get<Conv2d>(node.op), options, &join->second)) {
        done.insert(join->second.node);
      }
    } catch (const Unsupported& why) {
      builder.on_host(node, why.what());
    }
  }
  // What the network gives must be somewhere, also when it is an input.
  for (const int t : net.outputs) builder.get(t, builder.order_of(t));
  return builder.finish();
}

}  // namespace obz::gpu
