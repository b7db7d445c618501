// Claims: with the integers that the authors' own HAWQ-V3 code produced, this reference gives theirs: every row of
// their requantizer, residual join, activation quantizer and average pool, and every tensor of their networks, on both
// executors. The data stands outside the project.
#include "tests/vectors/hawq_peer.hpp"

#include <algorithm>
#include <fstream>
#include <map>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "ref/arith/apply.hpp"
#include "ref/arith/dyadic.hpp"
#include "ref/arith/profile.hpp"
#include "ref/border/convert.hpp"
#include "ref/execute/fast.hpp"
#include "ref/execute/naive.hpp"
#include "ref/ops/avg_pool.hpp"
#include "ref/read/fill.hpp"
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
