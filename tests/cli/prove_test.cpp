// Claims: the verbs about vectors and devices, as a user calls them: complete sets of layers, mutate, explain of
// networks, bounds.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "ref/base/file.hpp"
#include "ref/tensor/npy.hpp"
#include "tests/support/run_obz.hpp"
#include "tests/support/temp_dir.hpp"

namespace obz {
namespace {

using Json = nlohmann::json;
using test::shell;
using testing::HasSubstr;

const std::string kDigits = std::string(OBZ_SOURCE_DIR) + "/golden/data/digits/";

/// One sentence, exit code 2, nothing on stdout.
void expect_refused(const std::string& command, const std::string& reason) {
  const auto r = shell(command);
  EXPECT_EQ(r.exit_code, 2) << command;
  EXPECT_THAT(r.err, HasSubstr(reason)) << command;
  EXPECT_EQ(std::count(r.err.begin(), r.err.end(), '\n'), 1) << command << ": " << r.err;
  EXPECT_EQ(r.out, "") << command;
}

TEST(CliCompleteLayer, sets_carry_what_is_proved_and_engines_agree_on_them) {
  const test::TempDir dir;
  for (const char* op :
       {"conv2d --conv 1,6,6,3,4,3,3,2,1", "dense --conv 2,1,1,12,4,1,1,1,0", "add --conv 1,16,16,4,1,1,1,1,0",
        "avgpool --conv 1,6,6,4,1,3,3,2,1", "mma --types int4xint4", "concat --conv 1,8,8,4,1,1,1,1,0"}) {
    const std::string set = (dir / "set").string();
    ASSERT_EQ(shell(std::string("obz gen ") + op + " --goal complete -o " + set).exit_code, 0) << op;
    const Json c = Json::parse(as_text(read_file(dir / "set" / "manifest.json"))).at("certificate");
    EXPECT_GT(c.at("points_wanted"), 0) << op;
    EXPECT_GE(c.at("points_visited").get<double>(), c.at("points_wanted").get<double>() * 0.98) << op;
    EXPECT_FALSE(c.at("assumption").get<std::string>().empty()) << op;
    EXPECT_EQ(shell("obz check " + set + " --engines ref,fast").exit_code, 0) << op;
    const std::string unit = std::string(op).starts_with("concat") ? "1:" : "";
    EXPECT_EQ(shell("obz check " + set + " --engines faulty:" + unit + "out-plus-one").exit_code, 1) << op;
    std::filesystem::remove_all(set);
  }
}

TEST(CliMutate, scores_a_complete_set_100_and_names_what_a_poor_one_misses) {
  const test::TempDir dir;
  const std::string set = (dir / "set").string(), poor = (dir / "poor").string();
  ASSERT_EQ(shell("obz gen dense --conv 2,1,1,12,3,1,1,1,0 --goal complete -o " + set).exit_code, 0);
  ASSERT_EQ(shell("obz gen dense --conv 2,1,1,12,3,1,1,1,0 --goal random -n 1 -o " + poor).exit_code, 0);
  const auto good = shell("obz mutate " + set + " --json");
  EXPECT_EQ(good.exit_code, 0) << good.err;
  const Json all = Json::parse(good.out);
  EXPECT_EQ(all.at("score_percent"), 100.0);
  EXPECT_GE(all.at("planted"), 300);
  const auto bad = shell("obz mutate " + poor + " --json");
  EXPECT_EQ(bad.exit_code, 1);
  const Json some = Json::parse(bad.out);
  EXPECT_LT(some.at("score_percent"), 95.0);
  int survivors = 0;
  for (const Json& m : some.at("mutants")) {
    if (m.at("fate") == "survived") ++survivors;
    if (m.at("fate") == "survived") EXPECT_FALSE(m.at("killed_by").get<std::string>().empty());
    if (m.at("fault") == "output-zero") EXPECT_EQ(m.at("fate"), "killed");
  }
  EXPECT_GT(survivors, 10);
  const auto list = shell("obz mutate --list");
  EXPECT_THAT(list.out, HasSubstr("partial-lost-carry-12"));
  expect_refused("obz mutate", "mutate");
  expect_refused("obz mutate conv3d", "conv3d");
  expect_refused("obz mutate requant --times 0", "--times 0");
  expect_refused("obz mutate requant --conv 1,2,3", "--conv");
  expect_refused("obz check " + set + " --engines faulty:round-haf-even", "round-half-even");
}

TEST(CliExplainNetwork, names_the_profile_that_made_the_outputs) {
  const test::TempDir dir;
  const std::string net = (dir / "net.obz").string(), got = (dir / "got.npy").string();
  ASSERT_EQ(shell("obz import " + kDigits + "digits.onnx -p tvm/tonearest -o " + net + " && obz run " + net +
                  " --input " + kDigits + "images.npy -o " + got)
                .exit_code,
            0);
  const auto r = shell("obz explain " + kDigits + "digits.onnx -p hawq-v3/exact -i " + kDigits + "images.npy --got " +
                       got + " --rows 24 --json");
  EXPECT_EQ(r.exit_code, 1) << r.err;
  const Json e = Json::parse(r.out);
  EXPECT_EQ(e.at("best_explains"), 24);
  EXPECT_LT(e.at("reference_explains"), 24);
  EXPECT_THAT(e.at("class").dump(), HasSubstr("tvm/tonearest"));
  const auto same = shell("obz explain " + kDigits + "digits.onnx -p tvm/tonearest -i " + kDigits +
                          "images.npy --got " + got + " --rows 12");
  EXPECT_EQ(same.exit_code, 0) << same.err;
  EXPECT_THAT(same.out, HasSubstr("best theory  "));
}

TEST(CliExplainNetwork, refuses_outputs_that_do_not_fit) {
  const test::TempDir dir;
  const std::string net = (dir / "net.obz").string(), got = (dir / "got.npy").string();
  ASSERT_EQ(shell("obz import " + kDigits + "digits.onnx -p hawq-v3/exact -o " + net).exit_code, 0);
  const std::string base = "obz explain " + net + " -i " + kDigits + "images.npy --got ";
  write_file(got, format_npy(npy_from(FloatTensor{Shape{360, 10}, std::vector<float>(3600, std::nanf(""))})));
  expect_refused(base + got + " --decimals 3", "nan");
  write_file(got, format_npy(npy_from(Tensor(Shape{10, 3}, kInt8))));
  expect_refused(base + got, "10x3");
  write_file(got, format_npy(npy_from(Tensor(Shape{7, 10}, kInt8))));
  expect_refused(base + got, "360 samples");
  write_file(got, Bytes{});
  expect_refused(base + got, "got.npy");
  expect_refused("obz explain " + net + " --got " + got, "--input");
  expect_refused("obz explain " + net + " -i " + kDigits + "images.npy", "--got");
  expect_refused("obz explain " + net + " --questions 3", "--questions");
}

TEST(CliBounds, every_witness_of_the_embedded_network_attains_its_bound) {
  const test::TempDir dir;
  const std::string witnesses = (dir / "w").string();
  const auto r = shell("obz bounds " + kDigits + "digits.onnx -p hawq-v3/exact --witness " + witnesses + " --json");
  EXPECT_EQ(r.exit_code, 0) << r.err;
  for (const Json& layer : Json::parse(r.out).at("layers")) {
    EXPECT_TRUE(layer.at("exact")) << layer.at("layer");
    EXPECT_EQ(layer.at("witnesses").at("replayed"), layer.at("witnesses").at("attained")) << layer.at("layer");
  }
  const Json list = Json::parse(as_text(read_file(dir / "w" / "witness.json"))).at("witnesses");
  EXPECT_GE(list.size(), 16U);
  for (const Json& w : list) EXPECT_TRUE(std::filesystem::exists(dir / "w" / w.at("inputs").at(0).get<std::string>()));
  EXPECT_EQ(shell("obz bounds " + kDigits + "digits.onnx --no-replay --witness " + witnesses).exit_code, 0)
      << "replaced";
  write_file(dir / "w" / "mine.txt", Bytes{1});
  expect_refused("obz bounds " + kDigits + "digits.onnx --no-replay --witness " + witnesses, "not replaced");
  expect_refused("obz bounds nowhere.obz", "nowhere.obz");
  expect_refused("obz bounds " + kDigits + "digits.onnx --layer nobody", "nobody");
}

TEST(CliPipe, a_device_that_hangs_is_ended_after_the_timeout) {
  const test::TempDir dir;
  const std::string set = (dir / "set").string();
  ASSERT_EQ(shell("obz gen requant -n 20 -o " + set).exit_code, 0);
  expect_refused("obz check " + set + " --timeout 1 --engines \"pipe:sleep 600\"", "made no progress for 1 s");
  expect_refused("obz explain \"pipe:sleep 600\" --timeout 1", "made no progress for 1 s");
  EXPECT_NE(shell("pgrep -f \"sleep 60[0]\" | grep -q .").exit_code, 0) << "a child was left behind";
}

}  // namespace
}  // namespace obz
