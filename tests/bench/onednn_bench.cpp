// Our exact convolutions beside oneDNN's int8 ones, which saturate: every convolution of ResNet-50 v1, one thread, the
// contestants taking turns so that what disturbs one disturbs all.
//   onednn_bench [rounds]
// oneDNN: u8 * s8 -> u8 with output scales per channel and a clamp at zero, NHWC, weights in the layout it likes best.
// It has no integer requantizer, and its sums saturate in 16 bits before VNNI; ours are compared with run_naive in
// tests.
#include <chrono>
#include <cmath>
#include <cstdlib>
#include <functional>
#include <numeric>
#include <random>
#include <string>
#include <vector>

#include <dnnl.hpp>
#include <fmt/format.h>
#include <tbb/global_control.h>
#include <unistd.h>

#include "ref/base/error.hpp"
#include "ref/execute/fast.hpp"
#include "ref/execute/fast/value.hpp"
#include "ref/net/validate.hpp"
#include "ref/read/fill.hpp"
#include "tests/bench/bell.hpp"

namespace obz {
namespace {

struct Layer {
  std::int64_t size, in, out, kernel, stride, times;
};

/// ResNet-50 v1 (the stride in the first 1x1), and how often each shape occurs: 53 layers.
constexpr Layer kLayers[] = {
    {224, 3, 64, 7, 2, 1},    {56, 64, 64, 1, 1, 1},    {56, 64, 64, 3, 1, 3},     {56, 64, 256, 1, 1, 4},
    {56, 256, 64, 1, 1, 2},   {56, 256, 128, 1, 2, 1},  {28, 128, 128, 3, 1, 4},   {28, 128, 512, 1, 1, 4},
    {56, 256, 512, 1, 2, 1},  {28, 512, 128, 1, 1, 3},  {28, 512, 256, 1, 2, 1},   {14, 256, 256, 3, 1, 6},
    {14, 256, 1024, 1, 1, 6}, {28, 512, 1024, 1, 2, 1}, {14, 1024, 256, 1, 1, 5},  {14, 1024, 512, 1, 2, 1},
    {7, 512, 512, 3, 1, 3},   {7, 512, 2048, 1, 1, 3},  {14, 1024, 2048, 1, 2, 1}, {7, 2048, 512, 1, 1, 2},
};

std::int64_t out_size(const Layer& l) { return (l.size + 2 * (l.kernel / 2) - l.kernel) / l.stride + 1; }
double work_of(const Layer& l) {
  return static_cast<double>(out_size(l) * out_size(l) * l.in * l.out * l.kernel * l.kernel);
}

struct Kind {
  const char* name;
  IntType x, w;
  const char* profile;
};

constexpr Kind kKinds[] = {
    {"int8, x 0..127", {7, false}, kInt8, "hawq-v3/exact"},
    {"int8, x 0..255", kUInt8, kInt8, "hawq-v3/exact"},
    {"uint4 x int4", kUInt4, kInt4, "hawq-v3/exact"},
};

/// One of our layers, ready to run.
struct Ours {
  Tensor x, y;
  std::unique_ptr<FastNode> node;
  std::vector<std::uint8_t> in_buffer, out_buffer;
  fast::Value in_bytes, out_bytes;

  Ours(const Layer& l, const Kind& kind) {
    std::mt19937 random(1);
    const auto pad = static_cast<std::int32_t>(l.kernel / 2), stride = static_cast<std::int32_t>(l.stride);
    Conv2d op;
    op.filter.weights = bell_weights(Shape{l.out, l.kernel, l.kernel, l.in}, kind.w, random);
    op.filter.bias.assign(static_cast<std::size_t>(l.out), 1000);
    op.window = {
        .stride_h = stride, .stride_w = stride, .pad_top = pad, .pad_left = pad, .pad_bottom = pad, .pad_right = pad};
    const Profile& profile = find_profile(kind.profile);
    op.accumulator = fill_accumulator(profile);
    std::vector<float> scales;
    for (std::int64_t o = 0; o < l.out; ++o) scales.push_back(0.01F + 0.0001F * static_cast<float>(o % 97));
    const auto depth = static_cast<float>(l.kernel * l.kernel * l.in);
    const OutputQuant out{.scale = 0.001F * std::sqrt(depth) * static_cast<float>(kind.x.max()),
                          .lo = 0,
                          .hi = kind.x.max(),
                          .type = kind.x};
    op.requant = fill_requant(profile, 0.1F, scales, true, out, "conv");
    const Shape in{1, l.size, l.size, l.in};
    IntNet net{.name = "conv",
               .tensors = {{.id = "x", .shape = in, .type = kind.x},
                           {.id = "y", .shape = infer(op, in, "conv"), .type = kind.x}}};
    net.nodes = {{.name = "conv", .inputs = {0}, .outputs = {1}, .op = std::move(op)}};
    net.inputs = {0};
    net.outputs = {1};
    validate(net, "conv");
    x = Tensor(in, kind.x);
    std::uniform_int_distribution<std::int64_t> value(0, kind.x.max());
    for (std::int32_t& v : x.data) v = static_cast<std::int32_t>(value(random));
    y = Tensor(net.tensors[1].shape, kind.x);
    node = prepare_fast(net, net.nodes[0]);
    in_bytes = bytes_of(in, in_buffer);
    out_bytes = bytes_of(y.shape, out_buffer);
    for (std::int64_t i = 0; i < x.elems(); ++i) {
      in_buffer[static_cast<std::size_t>(i / l.in * in_bytes.pixel + i % l.in)] =
          static_cast<std::uint8_t>(x.data[static_cast<std::size_t>(i)]);
    }
    run();
    run_bytes();
    for (std::int64_t i = 0; i < y.elems(); ++i) {
      OBZ_CHECK(y.data[static_cast<std::size_t>(i)] ==
                out_buffer[static_cast<std::size_t>(i / l.out * out_bytes.pixel + i % l.out)]);
    }
  }
  static fast::Value bytes_of(const Shape& s, std::vector<std::uint8_t>& buffer) {
    fast::Value v{.n = s[0], .h = s[1], .w = s[2], .c = s[3], .pixel = fast::spread_pixel(s[3])};
    buffer.resize(static_cast<std::size_t>(v.size() + fast::kByteSlack));
    v.bytes = buffer.data();
    return v;
  }
  void run() {
    const Tensor* in[] = {&x};
    node->run(in, y);
  }
  /// Bytes in, bytes out, as between the layers of a network.
  void run_bytes() { OBZ_CHECK(node->run_values(std::span(&in_bytes, 1), out_bytes)); }
};

struct Theirs {
  dnnl::engine engine{dnnl::engine::kind::cpu, 0};
  dnnl::stream stream{engine};
  dnnl::primitive conv;
  std::unordered_map<int, dnnl::memory> arguments;
  std::string info;

  explicit Theirs(const Layer& l) {
    using dnnl::memory;
    using Tag = memory::format_tag;
    using Type = memory::data_type;
    const std::int64_t pad = l.kernel / 2, size = out_size(l);
    const memory::desc x({1, l.in, l.size, l.size}, Type::u8, Tag::nhwc),
        y({1, l.out, size, size}, Type::u8, Tag::nhwc);
    const memory::desc w({l.out, l.in, l.kernel, l.kernel}, Type::s8, Tag::any), b({l.out}, Type::s32, Tag::a);
    const dnnl::convolution_forward::desc desc(dnnl::prop_kind::forward_inference, dnnl::algorithm::convolution_direct,
                                               x, w, b, y, {l.stride, l.stride}, {pad, pad}, {pad, pad});
    dnnl::primitive_attr attributes;
    std::vector<float> scales;
    for (std::int64_t o = 0; o < l.out; ++o) scales.push_back(1e-3F + 1e-5F * static_cast<float>(o % 97));
    attributes.set_output_scales(2, scales);
    const dnnl::convolution_forward::primitive_desc primitive(desc, attributes, engine);
    info = primitive.impl_info_str();
    conv = dnnl::convolution_forward(primitive);
    std::mt19937 random(1);
    const Tensor weights = bell_weights(Shape{l.out, l.kernel, l.kernel, l.in}, kInt8, random);
    memory ours({{l.out, l.in, l.kernel, l.kernel}, Type::s8, Tag::ohwi}, engine);
    auto* to = static_cast<std::int8_t*>(ours.get_data_handle());
    for (std::size_t i = 0; i < weights.data.size(); ++i) to[i] = static_cast<std::int8_t>(weights.data[i]);
    memory packed(primitive.weights_desc(), engine), bias(b, engine), in(x, engine), out(y, engine);
    dnnl::reorder(ours, packed).execute(stream, ours, packed);
    auto* values = static_cast<std::uint8_t*>(in.get_data_handle());
    for (std::size_t i = 0; i < x.get_size(); ++i) values[i] = static_cast<std::uint8_t>(random());
    std::fill_n(static_cast<std::int32_t*>(bias.get_data_handle()), l.out, 1000);
    arguments = {{DNNL_ARG_SRC, in}, {DNNL_ARG_WEIGHTS, packed}, {DNNL_ARG_BIAS, bias}, {DNNL_ARG_DST, out}};
    stream.wait();
  }
  void run() {
    conv.execute(stream, arguments);
    stream.wait();
  }
};

double seconds_of(const std::function<void()>& work) {
  const auto start = std::chrono::steady_clock::now();
  work();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

struct Means {
  double distinct = 0, weighted = 0, shapes = 0, layers = 0, macs = 0, seconds = 0;

  void add(const Layer& l, double s) {
    const double g = std::log(work_of(l) / s / 1e9), times = static_cast<double>(l.times);
    distinct += g;
    weighted += times * g;
    shapes += 1;
    layers += times;
    macs += times * work_of(l);
    seconds += times * s;
  }
};

int run_all(int rounds) {
  const tbb::global_control limit(tbb::global_control::max_allowed_parallelism, 1);
  fmt::print("GMAC/s, {}, batch 1, best of {} rounds taken in turns\n\n{:<26} {:>5}", fast_target(), rounds, "layer",
             "times");
  fmt::print(" {:>16}", "oneDNN u8s8u8");
  for (const Kind& k : kKinds) fmt::print(" {:>16}", k.name);
  fmt::print("\n");
  std::vector<Means> means(1 + std::size(kKinds));
  std::vector<std::string> notes;
  for (const Layer& l : kLayers) {
    Theirs theirs(l);
    std::vector<Ours> ours;
    for (const Kind& k : kKinds) ours.emplace_back(l, k);
    std::vector<double> best(1 + ours.size(), 1e9);
    for (int i = 0; i < rounds; ++i) {
      best[0] = std::min(best[0], seconds_of([&] { theirs.run(); }));
      for (std::size_t k = 0; k < ours.size(); ++k) {
        best[k + 1] = std::min(best[k + 1], seconds_of([&] { ours[k].run_bytes(); }));
      }
    }
    fmt::print("{:<26} {:>5}", fmt::format("{0}x{0}/{1} {2}x{2} {3}-{4}", l.kernel, l.stride, l.size, l.in, l.out),
               l.times);
    for (std::size_t i = 0; i < best.size(); ++i) {
      fmt::print(" {:>16.1f}", work_of(l) / best[i] / 1e9);
      means[i].add(l, best[i]);
    }
    fmt::print("  {} | {}\n", theirs.info, ours[1].node->path());
    std::fflush(stdout);
  }
  const auto row = [&](const char* name, const std::function<double(const Means&)>& value) {
    fmt::print("{:<32}", name);
    for (const Means& m : means) fmt::print(" {:>8.1f} {:>6.2f}x", value(m), value(m) / value(means[0]));
    fmt::print("\n");
  };
  row("geometric mean, 20 shapes", [](const Means& m) { return std::exp(m.distinct / m.shapes); });
  row("geometric mean, 53 layers", [](const Means& m) { return std::exp(m.weighted / m.layers); });
  row("all 53 layers together", [](const Means& m) { return m.macs / m.seconds / 1e9; });
  return 0;
}

}  // namespace
}  // namespace obz

int main(int argc, char** argv) {
  // oneDNN's threads are read before main begins, so set the environment and begin again.
  const char* threads = std::getenv("OMP_NUM_THREADS");
  if (threads == nullptr || std::string(threads) != "1") {
    setenv("OMP_NUM_THREADS", "1", 1);
    setenv("OMP_WAIT_POLICY", "passive", 1);
    execv("/proc/self/exe", argv);
    return 2;
  }
  const int rounds = argc > 1 ? std::atoi(argv[1]) : 30;
  if (rounds < 1) {
    fmt::print(stderr, "onednn_bench: {}: expected a number of rounds\n", argv[1]);
    return 2;
  }
  return obz::run_all(rounds);
}
