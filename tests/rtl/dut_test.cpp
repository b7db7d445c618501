// A user's own unit: maps are refused for what is wrong in them, right units are equal, wrong ones are caught, named
// and refuted. Verilating takes seconds, so tests share what they build.
#include <cstdlib>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ref/base/error.hpp"
#include "ref/base/file.hpp"
#include "rtl/dut/dut_engine.hpp"
#include "rtl/dut/port_map.hpp"
#include "rtl/dut/wrapper.hpp"
#include "tests/support/run_obz.hpp"

namespace obz {
namespace {

using rtl::parse_port_map;
using testing::HasSubstr;

const std::string kExample = OBZ_SOURCE_DIR "/examples/own_rtl/";

bool there(const char* tool) { return std::system((std::string(tool) + " >/dev/null 2>&1").c_str()) == 0; }

std::string refusal_of(const std::string& json) {
  return test::message_of<Error>([&] { parse_port_map(json, "m.json"); });
}

/// A map with one part replaced: every refusal differs from a good map in one place.
std::string changed(const std::string& from, const std::string& to) {
  std::string good =
      R"({"unit": "requant", "ports": {"acc": "acc_i", "multiplier": "m_i", "shift": {"port": "s_i", "means": "right"},
 "zero_point": "z_i", "out": "out_o"}, "fixed": {"lo": -128, "hi": 127}, "clock": "clk_i", "latency": 3})";
  EXPECT_EQ(refusal_of(good), "");
  const std::size_t at = good.find(from);
  EXPECT_NE(at, std::string::npos) << from;
  return refusal_of(good.replace(at, from.size(), to));
}

TEST(PortMap, says_what_is_wrong_in_one_sentence) {
  EXPECT_THAT(refusal_of("{"), HasSubstr("m.json: no JSON"));
  EXPECT_THAT(refusal_of("[]"), HasSubstr("m.json: expected an object, got []"));
  EXPECT_THAT(refusal_of("{}"), HasSubstr("field unit is missing"));
  EXPECT_THAT(refusal_of(std::string(100, '[')), HasSubstr("nests deeper"));
  EXPECT_THAT(changed("\"requant\"", "\"mul\""), HasSubstr("field unit: expected requant or dot, got \"mul\""));
  EXPECT_THAT(changed("\"acc\": \"acc_i\", ", ""), HasSubstr("ports: field acc is missing"));
  EXPECT_THAT(changed("\"acc\": \"acc_i\"", "\"acc\": 5"), HasSubstr("field acc: expected a port's name"));
  EXPECT_THAT(changed("\"acc\":", "\"ack\":"), HasSubstr("unknown key \"ack\" (did you mean \"acc\"?)"));
  EXPECT_THAT(changed("\"lo\": -128, ", ""), HasSubstr("lo has no port"));
  EXPECT_THAT(changed("\"lo\": -128", "\"lo\": -1.5"), HasSubstr("field lo: expected an integer of 64 bits, got -1.5"));
  EXPECT_THAT(changed("\"lo\": -128", "\"acc\": 1, \"lo\": -128"), HasSubstr("acc stands under ports and under fixed"));
  EXPECT_THAT(changed("z_i", "m_i"), HasSubstr("port m_i is used twice: for multiplier and for zero_point"));
  EXPECT_THAT(changed("\"hi\": 127", "\"lo\": 127"), HasSubstr("key \"lo\" stands there twice"));
  EXPECT_THAT(changed("\"right\"", "\"up\""), HasSubstr("field means: expected right or left or tflite, got \"up\""));
  EXPECT_THAT(changed("\"latency\": 3", "\"latency\": 1000000000000"), HasSubstr("expected an integer 1..4096"));
  EXPECT_THAT(changed("\"latency\": 3", "\"interval\": 2"), HasSubstr("field latency is missing"));
  EXPECT_THAT(changed("\"clock\": \"clk_i\", ", ""), HasSubstr("field latency needs field clock"));
  EXPECT_THAT(changed("\"latency\"", "\"reset\": \"r\", \"latency\""), HasSubstr("field reset_active is missing"));
  EXPECT_THAT(changed("{\"port\": \"s_i\",", "{\"port\": \"s_i\", \"width\": 0,"), HasSubstr("integer 1..64, got 0"));
  const std::string dot = R"({"unit": "dot", "ports": {"a": {"port": "a", "lanes": 4, "bits": 8, "signed": true},
 "b": {"port": "b", "lanes": 8, "bits": 8, "signed": true}, "out": "o"}})";
  EXPECT_THAT(refusal_of(dot), HasSubstr("b: field lanes: expected 4, as a has, got 8"));
}

TEST(Slot, carries_every_value_it_holds_and_refuses_the_next) {
  for (const int width : {1, 5, 31, 32, 33, 63, 64, 65, 100}) {
    for (const bool is_signed : {false, true}) {
      for (const std::int64_t bias : {0, -7, 31}) {
        const rtl::Slot s{.word = 1, .width = width, .is_signed = is_signed, .bias = bias};
        for (const std::int64_t v :
             {INT64_MIN, INT64_MIN + 31, std::int64_t{-1} << 31, std::int64_t{-17}, std::int64_t{-1}, std::int64_t{0},
              std::int64_t{1}, std::int64_t{7}, std::int64_t{1} << 32, INT64_MAX - 31, INT64_MAX}) {
          std::uint32_t words[5] = {};
          if (!s.holds(v)) continue;
          s.put(words, v);
          EXPECT_EQ(s.get(words), v) << width << (is_signed ? " signed" : " unsigned") << ", bias " << bias;
        }
      }
    }
  }
  const rtl::Slot byte{.width = 8, .is_signed = true, .bias = 1};
  EXPECT_TRUE(byte.holds(126));
  EXPECT_FALSE(byte.holds(127));
  EXPECT_TRUE(byte.holds(-129));
  EXPECT_FALSE(byte.holds(-130));
}

class OwnRtl : public testing::Test {
 protected:
  void SetUp() override {
    if (!there("verilator --version")) GTEST_SKIP() << "skipped: no verilator";
  }

  /// The Error that a file with this text and map gives.
  static std::string error_of(const std::string& sv, const std::string& map, const std::string& name = "unit") {
    const test::TempDir dir;
    const auto file = dir / (name + ".sv"), json = dir / "map.json";
    write_file(file, as_bytes(sv));
    write_file(json, as_bytes(map));
    return test::message_of<Error>([&] { rtl::make_dut_engine(file.string(), {.top = "unit", .map = json.string()}); });
  }
};

const std::string kSmallMap =
    R"({"unit": "requant", "ports": {"acc": "a", "out": "o"}, "fixed": {"multiplier": 1, "shift": 0, "zero_point": 0,
 "lo": -128, "hi": 127}})";
const std::string kSmallUnit =
    "module unit(input logic signed [15:0] a, output logic signed [7:0] o);\n"
    "  assign o = a > 127 ? 8'sd127 : a < -128 ? -8'sd128 : a[7:0];\nendmodule\n";

TEST_F(OwnRtl, a_map_that_does_not_fit_the_rtl_is_one_sentence) {
  EXPECT_EQ(error_of(kSmallUnit, kSmallMap), "");
  EXPECT_EQ(error_of(kSmallUnit, kSmallMap, "it's a $(touch x) `file`; \"odd\" & spaced"), "");
  EXPECT_THAT(error_of("module other; endmodule", kSmallMap), HasSubstr("'unit'"));
  EXPECT_THAT(error_of("module unit(input a, output o); assign o = a endmodule", kSmallMap),
              HasSubstr("unit.sv:1:46: syntax error"));
  EXPECT_THAT(error_of("module unit(input a, output p); assign p = a; endmodule", kSmallMap),
              HasSubstr("out: unit has no port o (did you mean \"a\" or \"p\"?); its ports are a, p"));
  EXPECT_THAT(error_of("module unit(output a, output o); assign a = 0; assign o = a; endmodule", kSmallMap),
              HasSubstr("acc: expected an input, got port a, an output of unit"));
  EXPECT_THAT(error_of("module unit(input a, input mode, output o); assign o = a ^ mode; endmodule", kSmallMap),
              HasSubstr("input mode of unit (1 bits) is not named"));
  EXPECT_THAT(error_of("module unit(input a [4], output o); assign o = a[0]; endmodule", kSmallMap),
              HasSubstr("port a of unit is no packed vector"));
  EXPECT_THAT(error_of("module unit(input real a, output o); assign o = a > 1; endmodule", kSmallMap),
              HasSubstr("port a of unit is no packed vector"));
}

TEST_F(OwnRtl, values_that_the_ports_cannot_carry_are_unsupported_with_the_reason) {
  const test::TempDir dir;
  write_file(dir / "unit.sv", as_bytes(kSmallUnit));
  write_file(dir / "unit.json", as_bytes(kSmallMap));
  const auto engine = rtl::make_dut_engine((dir / "unit.sv").string(), {});
  EXPECT_EQ(engine->name(), "dut:unit");
  const Profile& profile = find_profile("tflite/single");
  const auto why = [&](const RequantCase& c) {
    const std::vector<RequantCase> one{c};
    return engine->supports(RequantJob{.profile = &profile, .recipe = profile.recipe, .cases = one}).why;
  };
  EXPECT_EQ(why({5, {}}), "");
  EXPECT_THAT(why({40000, {}}), HasSubstr("acc 40000 does not fit port a, signed 16 bits"));
  EXPECT_THAT(why({5, {.multiplier = 3}}), HasSubstr("multiplier 3 is asked for, 1 is built in"));
  const std::vector<RequantCase> cases{{-129, {}}, {-128, {}}, {5, {}}, {127, {}}, {128, {}}, {32767, {}}};
  const RequantJob job{.profile = &profile, .recipe = profile.recipe, .cases = cases};
  EXPECT_EQ(engine->run(job), (std::vector<std::int64_t>{-128, -128, 5, 127, 127, 127}));
}

TEST_F(OwnRtl, the_example_is_checked_explained_refuted_and_proved) {
  const test::TempDir dir;
  const std::string set = (dir / "set").string(), answers = (dir / "answers").string();
  const std::string map = " --map " + kExample + "own_requant.json";
  ASSERT_EQ(test::shell("obz gen requant -p tflite/double --goal corners -n 4096 -o " + set).exit_code, 0);
  const auto check =
      test::shell("obz check " + set + " --engines ref,dut:" + kExample + "own_requant.sv,dut:" + kExample +
                  "own_requant_wrong.sv" + map + " --observed " + answers);
  EXPECT_EQ(check.exit_code, 1) << check.err;
  EXPECT_THAT(check.out, HasSubstr("want 57, got 58"));
  EXPECT_THAT(check.out, testing::Not(HasSubstr("dut:own_requant: first")));
  const auto right = test::shell("obz explain " + answers + "/dut_own_requant.txt");
  EXPECT_EQ(right.exit_code, 0) << right.out;
  const auto wrong = test::shell("obz explain " + answers + "/dut_own_requant_wrong.txt");
  EXPECT_THAT(wrong.out, HasSubstr("best theory  ties up, two roundings"));
  if (!there("yosys -V")) GTEST_SKIP() << "skipped: no yosys";
  const auto refuted = test::shell("obz prove dut -p tflite/double --rtl " + kExample + "own_requant_wrong.sv" + map);
  EXPECT_EQ(refuted.exit_code, 1);
  EXPECT_THAT(refuted.out, HasSubstr("REFUTED"));
  EXPECT_THAT(refuted.out, testing::ContainsRegex("want -?[0-9]+, got -?[0-9]+"));
  const auto proved = test::shell("obz prove dut -p tflite/double --rtl " + kExample + "own_requant.sv" + map);
  EXPECT_EQ(proved.exit_code, 0) << proved.out << proved.err;
  EXPECT_THAT(proved.out, HasSubstr("proved"));
}

TEST_F(OwnRtl, a_clocked_dot_unit_runs_layers_and_a_wrong_latency_shows) {
  const test::TempDir dir;
  const std::string map = (dir / "late.json").string();
  const auto engines = " --engines dut:" + kExample + "own_dot.sv";
  const std::string digits = OBZ_SOURCE_DIR "/golden/data/digits/", net = (dir / "digits.obz").string();
  ASSERT_EQ(test::shell("obz import " + digits + "digits.onnx -p hawq-v3/exact -o " + net).exit_code, 0);
  const auto right = test::shell("obz check " + net + " -i " + digits + "images.npy" + engines);
  EXPECT_EQ(right.exit_code, 0) << right.err << right.out;
  // Seven layers are convolutions or dense.
  EXPECT_THAT(right.out, HasSubstr("4 618 outputs compared, 0 differ"));
  const std::string set = (dir / "mma").string();
  ASSERT_EQ(test::shell("obz gen mma --goal corners -n 2 -o " + set).exit_code, 0);
  std::string text = test::slurp(kExample + "own_dot.json");
  text.replace(text.find("\"latency\": 2"), 12, "\"latency\": 1");
  write_file(map, as_bytes(text));
  EXPECT_EQ(test::shell("obz check " + set + engines + " --map " + map).exit_code, 1);
}

TEST_F(OwnRtl, rtl_that_stops_or_oscillates_is_one_sentence_and_what_it_prints_is_no_answer) {
  const test::TempDir dir;
  write_file(dir / "unit.sv", as_bytes("module unit(input logic signed [15:0] a, output logic signed [7:0] o);\n"
                                       "  logic [7:0] x;\n"
                                       "  assign x = a == 7 ? ~x : a[7:0];\n"
                                       "  assign o = x;\n"
                                       "  always_comb begin\n"
                                       "    $display(\"a is %d\", a);\n"
                                       "    if (a == 6) $finish;\n"
                                       "    if (a == 8) $fatal(1, \"eight\");\n"
                                       "  end\nendmodule\n"));
  write_file(dir / "unit.json", as_bytes(kSmallMap));
  const auto engine = rtl::make_dut_engine((dir / "unit.sv").string(), {.timeout_s = 20});
  const auto error_for = [&](std::int64_t acc) {
    const std::vector<RequantCase> cases{{5, {}}, {acc, {}}};
    const Profile& p = find_profile("tflite/single");
    return test::message_of<Error>([&] {
      EXPECT_EQ(engine->run(RequantJob{&p, p.recipe, kInt8, cases}), (std::vector<std::int64_t>{5, acc}));
    });
  };
  EXPECT_EQ(error_for(9), "");
  EXPECT_THAT(error_for(6), HasSubstr("called $finish in line 7"));
  EXPECT_THAT(error_for(8), HasSubstr("stopped"));
  EXPECT_THAT(error_for(7), HasSubstr("converge"));
}

TEST_F(OwnRtl, a_proof_refuses_registers_clocks_and_loops) {
  if (!there("yosys -V")) GTEST_SKIP() << "skipped: no yosys";
  const auto refused = [](const std::string& body) {
    const test::TempDir dir;
    write_file(dir / "unit.sv", as_bytes("module unit(input logic signed [15:0] a, output logic signed [7:0] o);\n" +
                                         body + "endmodule\n"));
    write_file(dir / "unit.json", as_bytes(kSmallMap));
    const auto r = test::shell("obz prove dut -p tflite/single --rtl " + (dir / "unit.sv").string());
    EXPECT_EQ(r.exit_code, 2) << r.out;
    return r.err;
  };
  EXPECT_THAT(refused("always_latch if (a[0]) o = a[7:0];\n"), HasSubstr("expected a combinational unit, got"));
  EXPECT_THAT(refused("always_ff @(posedge a[0]) o <= a[7:0];\n"), HasSubstr("expected a combinational unit, got"));
  EXPECT_THAT(refused("logic [7:0] x; assign x = a[0] ? ~x : 8'd0; assign o = x;\n"), HasSubstr("loop"));
  const auto clocked = test::shell("obz prove dut -p tflite/single --rtl " + kExample + "own_dot.sv");
  EXPECT_THAT(clocked.err, HasSubstr("proofs are about requantizers"));
}

TEST_F(OwnRtl, the_examples_are_clean_under_lint) {
  for (const std::string name : {"own_requant", "own_requant_wrong", "own_dot"}) {
    const auto r = test::shell("verilator --lint-only -Wall " + kExample + name + ".sv");
    EXPECT_EQ(r.exit_code, 0) << r.err;
  }
}

TEST(OwnRtlFiles, that_are_missing_or_folders_are_named) {
  const test::TempDir dir;
  const auto error = [](const std::string& file) {
    return test::message_of<Error>([&] { rtl::make_dut_engine(file, {}); });
  };
  EXPECT_THAT(error(""), HasSubstr("expected a SystemVerilog file"));
  EXPECT_THAT(error((dir / "none.sv").string()), HasSubstr("none.sv: cannot open"));
  EXPECT_THAT(error(dir.path().string()), HasSubstr("expected a file, got a folder"));
  write_file(dir / "lone.sv", as_bytes(kSmallUnit));
  EXPECT_THAT(error((dir / "lone.sv").string()), HasSubstr("lone.json: cannot open"));
  EXPECT_THAT(test::shell("obz prove dut -p tflite/single").err, HasSubstr("expected --rtl FILE.sv"));
  EXPECT_THAT(test::shell("obz prove requant --rtl x.sv").err, HasSubstr("--rtl"));
}

}  // namespace
}  // namespace obz
