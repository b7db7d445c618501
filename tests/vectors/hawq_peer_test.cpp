// Claims: with the integers that the authors' own HAWQ-V3 code produced, this reference gives theirs: every row of
// their requantizer, residual join, activation quantizer and average pool, and every tensor of their networks, on both
// executors. The data stands outside the project.
#include "tests/vectors/hawq_peer.hpp"

#include <algorithm>
#include <fstream>
#include <map>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ref/arith/apply.hpp"
#include "ref/arith/dyadic.hpp"
#include "ref/arith/profile.hpp"
#include "ref/base/file.hpp"
#include "ref/border/convert.hpp"
#include "ref/execute/fast.hpp"
#include "ref/execute/inputs.hpp"
#include "ref/execute/naive.hpp"
#include "ref/net/save_load.hpp"
#include "ref/ops/avg_pool.hpp"
#include "ref/read/builder.hpp"
#include "ref/read/fill.hpp"
#include "tests/support/run_obz.hpp"
#include "tests/support/shared_data.hpp"

namespace obz::test {
namespace {

/// All parts of a table that is stored as name_a.npz, name_b.npz, ...
std::vector<NpzFile> parts_of(const std::string& name) {
  std::vector<NpzFile> parts;
  for (char part = 'a'; part <= 'z'; ++part) {
    const auto path = hawq_folder() / fmt::format("{}_{}.npz", name, part);
    if (std::filesystem::exists(path)) parts.emplace_back(path);
  }
  return parts;
}

Channel scaled_by(const Profile& p, float x, float w, float out) {
  return encode_scale(p.scale, form_scale(p.scale, x, w, out));
}

TEST(HawqPeer, every_requantized_row_is_theirs_and_the_exact_profile_differs_only_where_their_product_rounds) {
  OBZ_REQUIRE_SHARED_DATA(hawq_folder());
  const Profile &torch = find_profile("hawq-v3/torch"), &exact = find_profile("hawq-v3/exact");
  std::size_t rows = 0, inexact = 0;
  for (const NpzFile& t : parts_of("requant_case0")) {
    const auto z = t.integers("z_int"), out = t.integers("out"), out_exact = t.integers("out_exact");
    const auto m = t.integers("M"), e = t.integers("E"), bits = t.integers("bits"), mode = t.integers("mode");
    const auto sx = t.floats("S_x"), sw = t.floats("S_w"), sy = t.floats("S_out");
    for (std::size_t i = 0; i < z.size(); ++i, ++rows) {
      Channel c = scaled_by(torch, sx[i], sw[i], sy[i]);
      if (e[i] <= 62) {
        ASSERT_EQ(c.multiplier, m[i]) << "row " << i;
        ASSERT_EQ(c.shift, e[i]) << "row " << i;
      }
      c.lo = mode[i] == 1 ? 0 : -(std::int64_t{1} << (bits[i] - 1));
      c.hi = mode[i] == 1 ? (std::int64_t{1} << bits[i]) - 1 : (std::int64_t{1} << (bits[i] - 1)) - 1;
      ASSERT_EQ(apply_recipe(z[i], torch.recipe, c), out[i]) << "row " << i;
      ASSERT_EQ(apply_recipe(z[i], exact.recipe, c), out_exact[i]) << "row " << i;
      inexact += out[i] != out_exact[i] ? 1U : 0U;
    }
  }
  EXPECT_EQ(rows, 25678U);
  EXPECT_EQ(inexact, 78U) << "rows where a 53-bit product rounds to the other side";
}

TEST(HawqPeer, every_residual_join_is_theirs_from_the_integers_they_recovered) {
  OBZ_REQUIRE_SHARED_DATA(hawq_folder());
  const Profile& torch = find_profile("hawq-v3/torch");
  std::size_t rows = 0;
  for (const NpzFile& t : parts_of("requant_case1")) {
    const auto identity = t.integers("wx_int"), main = t.integers("wy_int"), out = t.integers("out");
    const auto sx = t.floats("S_x"), sw = t.floats("S_w"), si = t.floats("S_i"), swi = t.floats("S_wi");
    const auto sy = t.floats("S_out");
    for (std::size_t i = 0; i < out.size(); ++i, ++rows) {
      const auto branch = [&](std::int64_t value, float x, float w) {
        Channel c = scaled_by(torch, x, w, sy[i]);
        c.lo = INT64_MIN;
        c.hi = INT64_MAX;
        return apply_recipe(value, torch.recipe, c);
      };
      ASSERT_EQ(branch(main[i], sx[i], sw[i]) + branch(identity[i], si[i], swi[i]), out[i]) << "row " << i;
    }
  }
  EXPECT_EQ(rows, 24800U);
}

TEST(HawqPeer, every_quantized_activation_is_theirs_and_a_true_division_would_not_be) {
  OBZ_REQUIRE_SHARED_DATA(hawq_folder());
  const NpzFile t(hawq_folder() / "act_quant.npz");
  const auto x = t.floats("x"), s = t.floats("S");
  const auto bits = t.integers("bits"), mode = t.integers("mode"), q = t.integers("q");
  std::size_t divided_differs = 0;
  for (std::size_t i = 0; i < q.size(); ++i) {
    const IntType type{static_cast<std::uint8_t>(bits[i]), mode[i] == 0};
    InputBorder border{.name = "x", .by = QuantizeBy::reciprocal, .lo = type.min(), .hi = type.max()};
    border.affine.scales = {static_cast<double>(s[i])};
    const FloatTensor one{Shape{1}, {x[i]}};
    ASSERT_EQ(quantize(border, type, one).values.data[0], q[i]) << "row " << i;
    border.by = QuantizeBy::affine;
    divided_differs += quantize(border, type, one).values.data[0] != q[i] ? 1U : 0U;
  }
  EXPECT_EQ(q.size(), 12000U);
  EXPECT_EQ(divided_differs, 332U);
}

TEST(HawqPeer, every_average_is_theirs_by_multiply_and_shift) {
  OBZ_REQUIRE_SHARED_DATA(hawq_folder());
  const NpzFile t(hawq_folder() / "avgpool.npz");
  const auto cases = nlohmann::json::parse(std::ifstream(hawq_folder() / "README.json"))["avgpool"]["cases"];
  std::size_t outputs = 0;
  for (std::size_t i = 0; t.has(fmt::format("case{}.in", i)); ++i) {
    const std::int32_t k = cases[i]["kernel"], stride = cases[i]["stride"], pad = cases[i]["padding"];
    AvgPool pool{.layout = Layout::nchw,
                 .kernel_h = k,
                 .kernel_w = k,
                 .window = {.stride_h = stride,
                            .stride_w = stride,
                            .pad_top = pad,
                            .pad_left = pad,
                            .pad_bottom = pad,
                            .pad_right = pad},
                 .count_includes_pad = true};
    fill_avg_pool(find_profile("hawq-v3/torch"), pool, 1, {.lo = -32768, .hi = 32767, .type = kInt16}, "case");
    const Tensor x = npy_to_tensor(t[fmt::format("case{}.in", i)], kInt16, "in");
    const Tensor want = npy_to_tensor(t[fmt::format("case{}.out", i)], kInt16, "out");
    Tensor got(want.shape, kInt16);
    run(pool, x, got);
    ASSERT_EQ(got, want) << "case " << i;
    EXPECT_EQ(pool.by, AverageBy::requant) << "no division";
    outputs += want.data.size();
  }
  EXPECT_GT(outputs, 20000U);
}

/// One layer of their stress test, its ReLU in the clamp.
IntNet stress_layer(const NpzFile& t, const std::string& key, const nlohmann::json& c) {
  const Tensor x = npy_to_tensor(t[key + "x_int"], kInt8, "x");
  Shape one = x.shape;
  one[0] = 1;
  const NpyArray& w = t[key + "c.weight_int"];
  const Tensor theirs = npy_to_tensor(w, kInt8, "w");
  const std::int64_t o = w.shape[0], i = w.shape[1], plane = w.shape[2] * w.shape[3];
  Conv2d conv{.layout = Layout::nchw};
  conv.filter.weights = Tensor(Shape{o, w.shape[2], w.shape[3], i}, kInt8);
  for (std::int64_t n = 0; n < theirs.elems(); ++n) {
    conv.filter.weights.data[static_cast<std::size_t>((n / (i * plane) * plane + n % plane) * i + n / plane % i)] =
        theirs.data[static_cast<std::size_t>(n)];
  }
  conv.filter.bias = t.integers(key + "c.bias_int");
  const std::int32_t pad = c["padding"];
  conv.window.pad_top = conv.window.pad_left = conv.window.pad_bottom = conv.window.pad_right = pad;
  const auto m = t.integers(key + "b.M"), e = t.integers(key + "b.E");
  const int bits = c["out_bits"];
  const IntType out{static_cast<std::uint8_t>(bits), c["out_mode"] == "symmetric"};
  conv.requant = {find_profile("hawq-v3/exact").recipe, {}};
  for (std::size_t k = 0; k < m.size(); ++k) {
    Channel channel{.multiplier = m[k], .shift = static_cast<std::int32_t>(e[k])};
    channel.lo = 0;
    channel.hi = out.max();
    conv.requant.channels.push_back(channel);
  }
  NetBuilder builder("stress", "stress", "hawq-v3/exact");
  const int in = builder.add_tensor({.id = "x", .name = "x", .shape = one, .type = kInt8});
  builder.add_input(in);
  builder.net().outputs = {builder.add_node("layer", "conv", conv, {in}, {.id = "y", .type = out})};
  return builder.finish();
}

TEST(HawqPeer, where_their_float_simulation_is_inexact_ours_is_exact_and_explain_says_why) {
  OBZ_REQUIRE_SHARED_DATA(hawq_folder());
  const NpzFile t(hawq_folder() / "conv_stress.npz");
  const auto cases = nlohmann::json::parse(std::ifstream(hawq_folder() / "README.json"))["conv_stress"]["cases"];
  std::size_t theirs_differ = 0, layers = 0;
  for (; layers < cases.size(); ++layers) {
    const std::string key = fmt::format("case{}.", layers);
    const IntNet net = stress_layer(t, key, cases[layers]);
    const InputSet inputs(net, {t[key + "x_int"]}, {"x"});
    const auto sums = t.integers(key + "acc_exact"), exact = t.integers(key + "out_exact");
    const auto theirs = t.integers(key + "out_hawq");
    std::size_t at = 0;
    for (std::int64_t s = 0; s < inputs.count(); ++s) {
      Tensor y(net.tensors[1].shape, net.tensors[1].type);
      std::vector<std::int64_t> tap;
      const std::vector<Tensor> in = inputs.sample(s);
      const Tensor* x[] = {&in[0]};
      run_naive(net.nodes[0], x, y, &tap);
      for (std::size_t i = 0; i < y.data.size(); ++i, ++at) {
        ASSERT_EQ(tap[i], sums[at]) << key;
        ASSERT_EQ(y.data[i], exact[at]) << key;
        theirs_differ += theirs[at] != exact[at] ? 1U : 0U;
      }
    }
  }
  EXPECT_EQ(layers, 8U);
  EXPECT_EQ(theirs_differ, 5U) << "one of case 2, four of case 3";

  const TempDir dir;
  save_net(stress_layer(t, "case3.", cases[3]), dir / "layer.obz");
  write_file(dir / "x.npy", format_npy(t["case3.x_int"]));
  write_file(dir / "y.npy", format_npy(t["case3.out_hawq"]));
  const ObzResult r = shell("cd " + dir.path().string() + " && obz explain layer.obz -i x.npy --got y.npy");
  EXPECT_THAT(r.out, testing::HasSubstr("4 of the 4 others are the outputs of accumulators that are off by"))
      << r.out << r.err;
  EXPECT_THAT(r.out, testing::HasSubstr("do not survive float32")) << r.out;
}

TEST(HawqPeer, explain_names_the_float64_product_behind_their_constructed_rows) {
  OBZ_REQUIRE_SHARED_DATA(hawq_folder());
  std::string text;
  std::int64_t rows = 0;
  for (const NpzFile& t : parts_of("requant_case0")) {
    const auto z = t.integers("z_int"), out = t.integers("out"), m = t.integers("M"), e = t.integers("E");
    const auto bits = t.integers("bits"), mode = t.integers("mode"), category = t.integers("category");
    for (std::size_t i = 0; i < z.size(); ++i) {
      const bool wanted = category[i] == 0 || category[i] == 5;
      if (!wanted || bits[i] != 16 || mode[i] != 0 || e[i] > 62 || !kInt32.holds(z[i]) || m[i] > INT32_MAX) continue;
      const auto hex = [](std::int64_t v, std::uint64_t mask) { return static_cast<std::uint64_t>(v) & mask; };
      text += fmt::format("{:08x} {:08x} {:02x} 0000 8000 7fff {:04x}\n", hex(z[i], 0xffffffff), m[i], e[i],
                          hex(out[i], 0xffff));
      ++rows;
    }
  }
  const TempDir dir;
  std::ofstream(dir / "rows.txt") << "# obz requant/1 profile=hawq-v3/exact out=int16 seed=1 count=" << rows
                                  << " fields=acc:s32 mult:u32 shift:s8 zp:s16 lo:s16 hi:s16 out:s16\n"
                                  << text;
  const ObzResult r = shell("obz explain - < " + (dir / "rows.txt").string());
  EXPECT_THAT(r.out, testing::HasSubstr("explains 1 420 (94.79 %), the best theory 1 498 (100.00 %)"))
      << r.out << r.err;
  EXPECT_THAT(r.out, testing::HasSubstr("ties to even, a product kept as float64 (53 bits)")) << r.out;
  EXPECT_THAT(r.out, testing::HasSubstr("hawq-v3/torch")) << r.out;
}

/// Every tensor of a dump that is stored or hashed, on the given executor.
void expect_every_tensor(const std::string& tag, const Recipe& recipe, const char* executor) {
  const HawqDump dump(tag);
  const IntNet net = net_of(dump, recipe);
  std::map<std::string, const nlohmann::json*> nodes;
  for (const auto& node : dump.graph["nodes"]) nodes[node["output"]] = &node;
  FastExecutor fast(net);
  const NodeRunner runner = [&](const Node& node, std::span<const Tensor* const> in, Tensor& y) {
    if (executor[0] == 'f') {
      fast(node, in, y);
    } else {
      run_naive(node, in, y);
    }
  };
  const Tensor x =
      npy_to_tensor(dump.arrays["t." + dump.graph["nodes"][0]["output"].get<std::string>()], kInt8, "input");
  std::size_t compared = 0;
  run_net(net, {x}, runner, [&](int tensor, const Tensor& value) {
    const std::string& id = net.tensors[static_cast<std::size_t>(tensor)].id;
    const auto it = nodes.find(id);
    if (it == nodes.end()) return;  // a branch before its join, a reshape: theirs has no such tensor
    ++compared;
    EXPECT_EQ(sha256_i32(value), (*it->second)["sha256_i32"].get<std::string>()) << tag << " " << id;
  });
  EXPECT_EQ(compared, dump.graph["nodes"].size());
}

class HawqNetworks : public testing::TestWithParam<std::string> {};

TEST_P(HawqNetworks, every_tensor_is_theirs_on_ref_and_fast) {
  OBZ_REQUIRE_SHARED_DATA(hawq_folder());
  const Recipe recipe = find_profile("hawq-v3/exact").recipe;
  expect_every_tensor(GetParam(), recipe, "ref");
  expect_every_tensor(GetParam(), recipe, "fast");
}

TEST_P(HawqNetworks, the_torch_profile_gives_the_same_tensors) {
  OBZ_REQUIRE_SHARED_DATA(hawq_folder());
  expect_every_tensor(GetParam(), find_profile("hawq-v3/torch").recipe, "fast");
}

INSTANTIATE_TEST_SUITE_P(Dumps, HawqNetworks,
                         testing::Values("resnet18_uniform8", "resnet18_uniform4", "resnet18_bops_0.5",
                                         "resnet18w16_uniform8", "resnet18w16_uniform4", "resnet18w16_bops_0.5",
                                         "resnet18w16_pow2_uniform8", "resnet18w16_pow2_uniform4",
                                         "resnet18w16_pow2_bops_0.5", "resnet50_uniform8", "inceptionv3w4_uniform8",
                                         "inceptionv3w4_uniform4"),
                         [](const auto& param) {
                           std::string name = param.param;
                           std::replace_if(
                               name.begin(), name.end(), [](char c) { return std::isalnum(c) == 0; }, '_');
                           return name;
                         });

/// Which of their tensors another rounding would change: what makes the test above able to fail.
TEST(HawqPeer, networks_with_ties_tell_the_roundings_apart) {
  OBZ_REQUIRE_SHARED_DATA(hawq_folder());
  const HawqDump dump("resnet18w16_pow2_uniform8");
  Recipe half_up = find_profile("hawq-v3/exact").recipe;
  half_up.rounding = Rounding::half_up;
  const IntNet net = net_of(dump, half_up);
  std::map<std::string, std::string> want;
  for (const auto& node : dump.graph["nodes"]) want[node["output"]] = node["sha256_i32"];
  std::size_t differ = 0;
  FastExecutor fast(net);
  const Tensor x = npy_to_tensor(dump.arrays["t.quant_input.out"], kInt8, "input");
  run_net(
      net, {x}, [&](const Node& n, std::span<const Tensor* const> in, Tensor& y) { fast(n, in, y); },
      [&](int tensor, const Tensor& value) {
        const auto it = want.find(net.tensors[static_cast<std::size_t>(tensor)].id);
        if (it != want.end() && it->second != sha256_i32(value)) ++differ;
      });
  EXPECT_EQ(differ, 64U) << "as README.json says of half_up";
}

}  // namespace
}  // namespace obz::test
