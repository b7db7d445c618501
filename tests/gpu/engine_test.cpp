// The compiled kernels as an engine: layers of every kind against the reference.
#include "gpu/engine.hpp"

#include <gtest/gtest.h>

#include "ref/arith/profile.hpp"
#include "ref/execute/naive.hpp"
#include "tests/execute/random_layers.hpp"
#include "tests/gpu/any_device.hpp"

namespace obz::testing {
namespace {

std::unique_ptr<Engine> kernel_engine(const gpu::LowerOptions& options = {}) {
  return gpu::make_kernel_engine(test::device_name(), test::any_device(), options);
}

struct Outcome {
  int equal = 0, unsupported = 0;
};

/// One-layer networks of `make`, on random inputs; what the engine supports must be equal.
Outcome compare(Engine& engine, const std::function<IntNet(Random&)>& make, int count, std::uint64_t seed) {
  Outcome outcome;
  Random random(seed);
  for (int i = 0; i < count; ++i) {
    const IntNet net = draw(random, make);
    engine.forget();
    std::vector<Tensor> inputs;
    for (const int t : net.inputs) {
      const TensorInfo& info = net.tensors[static_cast<std::size_t>(t)];
      inputs.push_back(random_tensor(random, info.shape, info.type));
    }
    LayerJob job{.net = &net,
                 .node = &net.nodes[0],
                 .inputs = {},
                 .output = &net.tensors[static_cast<std::size_t>(net.outputs[0])]};
    for (const Tensor& t : inputs) job.inputs.push_back(&t);
    const Support support = engine.supports(job);
    if (!support.yes) {
      ++outcome.unsupported;
      continue;
    }
    Tensor want(job.output->shape, job.output->type);
    run_naive(net.nodes[0], job.inputs, want);
    const Tensor got = engine.run(job).output;
    EXPECT_EQ(got.data, want.data) << "draw " << i << " of seed " << seed << ", x " << inputs[0].shape.text() << " of "
                                   << int{inputs[0].type.bits} << " bits, y " << want.shape.text();
    if (got.data != want.data) return outcome;
    ++outcome.equal;
  }
  return outcome;
}

using Maker = IntNet (*)(Random&, const Profile&);

struct Kind {
  const char* name;
  Maker make;
  int draws;
  int least;  ///< of the draws that must have a kernel
};

class EveryProfile : public ::testing::TestWithParam<Kind> {};

TEST_P(EveryProfile, is_equal_to_the_reference) {
  const Kind& kind = GetParam();
  Outcome total;
  std::uint64_t seed = 1;
  const auto engine = kernel_engine();  // one: it reads the modules once
  for (const Profile& p : profile_catalogue()) {
    if (p.recipe.arithmetic != Arithmetic::dyadic) continue;
    const Outcome one = compare(
        *engine, [&](Random& r) { return kind.make(r, p); }, kind.draws, seed++);
    if (HasFailure()) FAIL() << "profile " << p.id;
    total.equal += one.equal;
    total.unsupported += one.unsupported;
  }
  EXPECT_GE(total.equal, kind.least) << total.unsupported << " draws had no kernel";
}

INSTANTIATE_TEST_SUITE_P(Kernels, EveryProfile,
                         ::testing::Values(Kind{"conv", random_conv, 12, 150}, Kind{"dense", random_dense, 6, 70},
                                           Kind{"matmul", random_matmul, 4, 50}, Kind{"add", random_add, 1, 5},
                                           Kind{"rescale", random_rescale, 2, 30}, Kind{"mean", random_mean, 2, 20},
                                           Kind{"concat", random_concat, 2, 30},
                                           Kind{"max_pool", random_max_pool, 1, 10}, Kind{"pad", random_pad, 1, 10},
                                           Kind{"mul", random_mul, 2, 30}, Kind{"min_max", random_min_max, 1, 15},
                                           Kind{"lookup", random_lookup, 4, 60},
                                           Kind{"threshold", random_threshold, 1, 15},
                                           Kind{"softmax", random_softmax, 6, 90}),
                         [](const auto& i) { return i.param.name; });

/// Shapes as accelerators meet them; types that choose each product of the tensor core.
struct Precision {
  const char* name;
  IntType x, w;
};

IntNet swept_conv(Random& r, const Profile& p, const Precision& precision) {
  Conv2d op;
  const bool depthwise = r.one_in(6), grouped = !depthwise && r.one_in(6);
  op.groups = depthwise ? r.between(1, 40) : grouped ? r.between(2, 4) : 1;
  const std::int64_t depth = depthwise ? 1
                             : grouped ? r.between(1, 12)
                                       : r.pick<std::int64_t>({1, 3, 4, 7, 16, 20, 33, 64, 70});
  const std::int64_t out = op.groups * (depthwise ? 1
                                        : grouped ? r.between(1, 9)
                                                  : r.pick<std::int64_t>({1, 5, 8, 16, 31, 64, 65, 130}));
  const std::int64_t kernel = r.pick({1, 3, 5, 7});
  op.filter = random_filter(r, Shape{out, kernel, kernel, depth}, precision.w);
  op.filter.zero_points.clear();
  const auto stride = static_cast<std::int32_t>(r.between(1, 2));
  const auto pad = static_cast<std::int32_t>(r.between(0, kernel / 2));
  op.window = {
      .stride_h = stride, .stride_w = stride, .pad_top = pad, .pad_left = pad, .pad_bottom = pad, .pad_right = pad};
  op.x_zero_point = static_cast<std::int32_t>(r.one_in(2) ? 0 : r.value(precision.x));
  op.accumulator = fill_accumulator(p);
  const IntType y = precision.x.bits > 8 ? kInt16 : precision.x.bits > 2 ? precision.x : kInt8;
  const double typical = std::sqrt(static_cast<double>(kernel * kernel * depth)) *
                         static_cast<double>(precision.x.max() + 1) * static_cast<double>(precision.w.max() + 1) / 2;
  const Scales s(r, p, out, typical, y);
  op.requant = fill_requant(p, s.x, s.w, true, random_output(r, p, s.y, y), "conv");
  const Shape x{r.between(1, 9), r.between(1, 11), r.between(1, 11), depth * op.groups};
  if (infer(op, x, "conv").elems() == 0) throw Error("empty: draw again");
  return single("conv", std::move(op), {{x, precision.x}}, y);
}

class ConvSweep : public ::testing::TestWithParam<Precision> {};

TEST_P(ConvSweep, four_hundred_shapes_are_equal) {
  const Profile& p = find_profile("hawq-v3/exact");
  const Outcome o = compare(
      *kernel_engine(), [&](Random& r) { return swept_conv(r, p, GetParam()); }, 400, 7);
  EXPECT_EQ(o.equal, 400);
}

INSTANTIATE_TEST_SUITE_P(Kernels, ConvSweep,
                         ::testing::Values(Precision{"s8s8", kInt8, kInt8}, Precision{"u8s8", kUInt8, kInt8},
                                           Precision{"s4s4", kInt4, kInt4}, Precision{"u4s4", kUInt4, kInt4},
                                           Precision{"s4s8", kInt4, kInt8},
                                           Precision{"u8s16", kUInt8, IntType{12, true}},
                                           Precision{"s16s16", IntType{11, true}, IntType{12, true}},
                                           Precision{"u16s8", IntType{13, false}, kInt8},
                                           Precision{"b1b1", IntType{1, false}, IntType{1, true}},
                                           Precision{"b1b2", IntType{1, true}, IntType{2, true}},
                                           Precision{"b2b1", IntType{2, true}, IntType{1, false}}),
                         [](const auto& i) { return i.param.name; });

class TileTest : public ::testing::TestWithParam<gpu::TileSize> {};

TEST_P(TileTest, any_tile_gives_the_same) {
  const Profile& p = find_profile("hawq-v3/exact");
  for (const Precision& precision : {Precision{"", kInt8, kInt8}, Precision{"", kUInt8, kInt8},
                                     Precision{"", kInt4, kInt4}, Precision{"", kUInt4, kInt4}}) {
    const Outcome o = compare(
        *kernel_engine({.tile = GetParam()}), [&](Random& r) { return swept_conv(r, p, precision); }, 40, 11);
    EXPECT_EQ(o.equal, 40);
  }
}

INSTANTIATE_TEST_SUITE_P(Kernels, TileTest,
                         ::testing::Values(gpu::TileSize::large, gpu::TileSize::medium, gpu::TileSize::small),
                         [](const auto& i) {
                           return i.param == gpu::TileSize::large    ? "large"
                                  : i.param == gpu::TileSize::medium ? "medium"
                                                                     : "small";
                         });

TEST(Kernels, pixels_stored_as_hawq_stores_them_give_the_same) {
  const Profile& p = find_profile("hawq-v3/exact");
  const auto ungrouped = [&](Random& r) {
    IntNet net = swept_conv(r, p, {"", kUInt4, kInt4});
    if (std::get<Conv2d>(net.nodes[0].op).groups != 1) throw Error("grouped: draw again");
    return net;
  };
  EXPECT_EQ(compare(*kernel_engine({.hwnc = true}), ungrouped, 60, 13).equal, 60);
}

}  // namespace
}  // namespace obz::testing
