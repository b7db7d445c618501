// .obz files and validation: what is refused, and with which sentence.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "golden/cases/synth.hpp"
#include "ref/base/error.hpp"
#include "ref/net/cost.hpp"
#include "ref/net/save_load.hpp"
#include "ref/net/validate.hpp"
#include "ref/tensor/archive.hpp"
#include "tests/support/temp_dir.hpp"

namespace obz {
namespace {

using test::message_of;
using testing::HasSubstr;
using Json = nlohmann::ordered_json;

IntNet sample() { return synthesize({.op = "conv2d", .conv = {1, 6, 6, 12, 10, 3, 3, 1, 1}}); }

/// The .obz of sample() with net.json edited.
template <class Edit>
std::string error_after(Edit&& edit) {
  auto entries = parse_archive(format_net(sample()), "n");
  Json json = Json::parse(entries["net.json"].begin(), entries["net.json"].end());
  edit(json, entries);
  const std::string text = json.dump();
  entries["net.json"] = Bytes(text.begin(), text.end());
  ArchiveEntries list(entries.begin(), entries.end());
  const Bytes file = format_archive(list);
  return message_of<Error>([&] { parse_net(file, "n.obz"); });
}

using Entries = std::map<std::string, Bytes>;

TEST(NetFile, round_trip_is_identical) {
  const IntNet net = sample();
  const Bytes file = format_net(net);
  EXPECT_EQ(format_net(parse_net(file, "n.obz")), file);
}

TEST(NetFile, mistakes_are_named_by_path_expected_and_got) {
  EXPECT_THAT(error_after([](Json& j, Entries&) { j["version"] = 99; }),
              HasSubstr("n.obz: net.json: expected version 1, got 99"));
  EXPECT_THAT(error_after([](Json& j, Entries&) { j["nodes"][0]["op"] = "convolution"; }),
              HasSubstr("nodes[0].op: unknown operator \"convolution\""));
  EXPECT_THAT(error_after([](Json& j, Entries&) { j["nodes"][0]["fields"].erase("window"); }),
              HasSubstr("nodes[0].fields.window: field is missing"));
  EXPECT_THAT(error_after([](Json& j, Entries&) { j["nodes"][0]["fields"]["window"]["stride_h"] = "two"; }),
              HasSubstr("stride_h: expected an integer"));
  EXPECT_THAT(error_after([](Json& j, Entries&) { j["nodes"][0]["fields"]["extra"] = 1; }),
              HasSubstr("nodes[0].fields.extra: unknown field"));
  EXPECT_THAT(error_after([](Json& j, Entries&) { j["nodes"][0]["fields"]["requant"]["recipe"]["rounding"] = "up"; }),
              HasSubstr("expected one of floor, trunc"));
  EXPECT_THAT(error_after([](Json&, Entries& e) { e.erase("node0.filter.weights.npy"); }),
              HasSubstr("the archive has no entry node0.filter.weights.npy"));
  EXPECT_THAT(error_after([](Json& j, Entries&) { j["tensors"][0]["type"] = "float32"; }),
              HasSubstr("expected an integer type"));
}

TEST(NetFile, what_parses_is_still_validated) {
  EXPECT_THAT(error_after([](Json& j, Entries&) { j["nodes"][0]["inputs"] = {7}; }),
              HasSubstr("input tensor 7 is not known"));
  EXPECT_THAT(error_after([](Json& j, Entries&) { j["nodes"][0]["fields"]["window"]["stride_h"] = 0; }),
              HasSubstr("strides"));
  EXPECT_THAT(error_after([](Json& j, Entries&) { j["nodes"][0]["fields"]["window"]["pad_top"] = 0; }),
              HasSubstr("expected output"));
  EXPECT_THAT(error_after([](Json& j, Entries&) { j["nodes"][0]["fields"]["requant"]["channels"]["shift"] = 64; }),
              HasSubstr("shift in 0..63"));
  EXPECT_THAT(error_after([](Json& j, Entries&) { j["nodes"][0]["fields"]["requant"]["channels"]["hi"] = 128; }),
              HasSubstr("is not inside int8"));
  EXPECT_THAT(
      error_after([](Json& j, Entries&) { j["nodes"][0]["fields"]["requant"]["channels"]["multiplier"] = INT64_MAX; }),
      HasSubstr("leaves 64 bits"));
  EXPECT_THAT(error_after([](Json& j, Entries&) {
                j["nodes"][0]["fields"]["accumulator"] = {{"bits", 12}, {"overflow", "exact"}};
              }),
              HasSubstr("the accumulator reaches"));
  EXPECT_THAT(error_after([](Json& j, Entries&) { j["outputs"] = Json::array(); }), HasSubstr("no output"));
  EXPECT_THAT(error_after([](Json& j, Entries&) { j["tensors"][1]["id"] = j["tensors"][0]["id"]; }),
              HasSubstr("stands twice"));
}

TEST(NetFile, no_archive_no_network) {
  EXPECT_THAT(message_of<Error>([] { parse_net({}, "n.obz"); }), HasSubstr("n.obz"));
  EXPECT_THAT(message_of<Error>([] {
                parse_net(format_archive({{"other", {}}}), "n.obz");
              }),
              HasSubstr("net.json is missing"));
}

TEST(NetFile, saving_leaves_nothing_half_written) {
  const test::TempDir dir;
  save_net(sample(), dir / "deep/net.obz");
  EXPECT_EQ(format_net(load_net(dir / "deep/net.obz")), format_net(sample()));
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(dir / "deep"), {}), 1);
  EXPECT_THROW(save_net(sample(), dir.path()), Error);
}

TEST(Cost, counts_macs_bops_and_packed_bytes) {
  const IntNet net =
      synthesize({.op = "conv2d", .conv = {1, 8, 8, 16, 32, 3, 3, 1, 1}, .activation = kUInt4, .weight = kInt4});
  const LayerCost cost = cost_of(net, net.nodes[0]);
  EXPECT_EQ(cost.macs, 8 * 8 * 32 * 3 * 3 * 16);
  EXPECT_EQ(cost.bops, cost.macs * 16);
  EXPECT_EQ(cost.weight_bytes, 32 * 3 * 3 * 16 / 2);
}

}  // namespace
}  // namespace obz
