// The command line as users and scripts see it: exit codes, streams, help.
#include <algorithm>
#include <filesystem>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "golden/cases/synth.hpp"
#include "ref/base/file.hpp"
#include "ref/net/save_load.hpp"
#include "ref/tensor/archive.hpp"
#include "ref/tensor/npy.hpp"
#include "tests/support/run_obz.hpp"
#include "tests/support/tflite_builder.hpp"

namespace obz {
namespace {

using test::shell;
using testing::HasSubstr;
using Json = nlohmann::json;

TEST(Cli, every_verb_helps_with_an_example) {
  const auto help = shell("obz --help");
  EXPECT_EQ(help.exit_code, 0);
  for (const char* verb : {"import", "profiles", "info", "run", "gen", "ver", "check", "distinguish", "explain",
                           "shrink", "mutate", "bench", "cover", "quantize", "zoo"}) {
    EXPECT_THAT(help.out, HasSubstr(verb));
    const auto r = shell(std::string("obz ") + verb + " --help");
    EXPECT_EQ(r.exit_code, 0) << verb;
    EXPECT_THAT(r.out, HasSubstr("Examples:")) << verb;
    EXPECT_THAT(r.out, HasSubstr(std::string("obz ") + verb)) << verb;
  }
}

TEST(Cli, bad_usage_is_exit_code_2_with_one_line) {
  for (const char* line :
       {"obz", "obz frobnicate", "obz run", "obz info /no/such/file.obz", "obz profiles nonsense/profile",
        "obz gen requant -p tflite/dobule", "obz gen requant --type float32", "obz gen requant -n -3",
        "obz gen requant --goal best", "obz gen sponge -o never", "obz gen conv2d", "obz gen requant --format xml",
        "obz check docs --engines warp", "obz bench nothing", "obz ver conv2d", "obz import README.md -o never.obz",
        "obz import / -o never.obz"}) {
    const auto r = shell(line);
    EXPECT_EQ(r.exit_code, 2) << line << "\n" << r.err;
    EXPECT_EQ(std::count(r.err.begin(), r.err.end(), '\n'), 1) << line << "\n" << r.err;
    EXPECT_EQ(r.out, "") << line;
  }
}

TEST(Cli, profiles_are_listed_as_text_and_json) {
  EXPECT_THAT(shell("obz profiles").out, HasSubstr("hawq-v3/exact"));
  const Json list = Json::parse(shell("obz profiles --json").out);
  EXPECT_GE(list.size(), 28U);
  EXPECT_THAT(shell("obz profiles tflite/double").out, HasSubstr("example:"));
  for (const Json& p : list) EXPECT_EQ(shell("obz profiles " + p.at("id").get<std::string>()).exit_code, 0);
}

TEST(Cli, gen_dut_ver_pipe) {
  // `cat` adds nothing, so the first line lacks its output; a constant device is wrong; the right answers are right.
  EXPECT_EQ(shell("obz gen requant -n 10 | cat | obz ver requant").exit_code, 2);
  const auto wrong =
      shell("obz gen requant -n 100 | awk '/^#/{print;next}{print $0\" 00\"}' | obz ver requant --errors 2");
  EXPECT_EQ(wrong.exit_code, 1);
  EXPECT_THAT(wrong.err, HasSubstr("MISMATCH"));
  EXPECT_EQ(std::count(wrong.out.begin(), wrong.out.end(), '\n'), 2);
  EXPECT_EQ(shell("obz ver requant").exit_code, 2) << "nothing compared is never success";
}

TEST(Cli, ver_notices_a_stream_of_another_profile) {
  const auto r = shell("obz gen requant -p tvm/upward -n 3 | sed '/^#/!s/$/ 00/' | obz ver requant -p tflite/double");
  EXPECT_EQ(r.exit_code, 2);
  EXPECT_THAT(r.err, HasSubstr("stream header"));
}

TEST(Cli, a_vector_set_made_twice_is_the_same_and_matches_every_engine) {
  const test::TempDir dir;
  const std::string a = (dir / "a").string(), b = (dir / "b").string();
  for (const std::string& d : {a, b})
    ASSERT_EQ(shell("obz gen requant -p nvdla/sdp -n 500 --format npy,mem,csv,h -o " + d).exit_code, 0);
  EXPECT_EQ(shell("diff -r " + a + " " + b).exit_code, 0);
  const auto check = shell("obz check " + a + " --engines ref,fast --junit " + (dir / "r.xml").string() + " --html " +
                           (dir / "html").string());
  EXPECT_EQ(check.exit_code, 0) << check.out << check.err;
  EXPECT_THAT(test::slurp(dir / "r.xml"), HasSubstr("tests=\"2\" failures=\"0\""));
  EXPECT_THAT(test::slurp(dir / "html/index.html"), HasSubstr("<table>"));
}

TEST(Cli, mismatch_is_exit_code_1_in_text_json_and_junit) {
  const test::TempDir dir;
  ASSERT_EQ(shell("obz gen requant -n 200 -o " + (dir / "s").string()).exit_code, 0);
  const std::string engines = " --engines ref --engines 'pipe:awk \"{print (/^#/ ? \\$0 : \\$0 \\\" 00\\\")}\"'";
  const auto r = shell("obz check " + (dir / "s").string() + engines + " --json --junit " + (dir / "r.xml").string());
  EXPECT_EQ(r.exit_code, 1) << r.err;
  const Json report = Json::parse(r.out);
  EXPECT_EQ(report["rows"][0]["cells"][0]["verdict"], "match");
  EXPECT_EQ(report["rows"][0]["cells"][1]["verdict"], "mismatch");
  EXPECT_THAT(test::slurp(dir / "r.xml"), HasSubstr("<failure message=\"mismatch"));
}

TEST(Cli, an_engine_that_did_only_a_part_of_a_layer_is_marked_and_explained) {
  const test::TempDir dir;
  ASSERT_EQ(shell("obz gen conv2d -o " + (dir / "s").string()).exit_code, 0);
  const std::string line = "obz check " + (dir / "s").string() +
                           " --engines ref --engines 'pipe:awk \"{print (/^#/ ? \\$0 : \\$0 \\\" 00\\\")}\"'";
  const auto text = shell(line);
  EXPECT_EQ(text.exit_code, 1) << text.err;
  EXPECT_THAT(text.out, testing::ContainsRegex("1 024  =    [0-9 ]+ of 1 024[*]\n"));
  EXPECT_THAT(text.out, HasSubstr(" *: requantization alone, of the reference's sums\n"));
  const Json cells = Json::parse(shell(line + " --json").out)["rows"][0]["cells"];
  EXPECT_FALSE(cells[0].contains("partly"));
  EXPECT_EQ(cells[1]["partly"], "requantization alone, of the reference's sums");
}

TEST(Cli, a_missing_device_program_is_exit_code_3) {
  const test::TempDir dir;
  ASSERT_EQ(shell("obz gen requant -n 5 -o " + (dir / "s").string()).exit_code, 0);
  EXPECT_EQ(shell("obz check " + (dir / "s").string() + " --engines pipe:/no/such/device").exit_code, 3);
}

TEST(Cli, import_info_run_gen_check_in_one_go) {
  const test::TempDir dir;
  write_file(dir / "m.tflite", test::small_cnn());
  const std::string net = (dir / "m.obz").string(), x = (dir / "x.npy").string();
  const auto imported = shell("obz import " + (dir / "m.tflite").string() + " -o " + net);
  ASSERT_EQ(imported.exit_code, 0) << imported.err;
  const Json info = Json::parse(shell("obz info " + net + " --json").out);
  EXPECT_EQ(info["total"]["layers"], 7);
  EXPECT_EQ(info["total"]["macs"], 8 * 8 * 4 * 18 + 8 * 8 * 4 * 9 + 5 * 16);
  write_file(x, format_npy(npy_from(random_tensor(Shape{3, 8, 8, 2}, kInt8, Goal::random, 5, 1))));
  const auto run = shell("obz run " + net + " --input " + x + " --taps " + (dir / "taps").string() + " -o " +
                         (dir / "y.npz").string());
  ASSERT_EQ(run.exit_code, 0) << run.err;
  const Json taps = Json::parse(test::slurp(dir / "taps/taps.json"));
  EXPECT_EQ(taps["tensors"].size(), 8U);
  EXPECT_EQ(taps["tensors"][0]["sha256"].size(), 3U);
  EXPECT_EQ(parse_archive(read_file(dir / "y.npz"), "y").size(), 1U);
  ASSERT_EQ(shell("obz gen " + net + " --layer 0 --input " + x + " -n 2 --format npy,mem --lanes 4 -o " +
                  (dir / "layer").string())
                .exit_code,
            0);
  EXPECT_EQ(shell("obz check " + (dir / "layer").string() + " --engines ref,fast").exit_code, 0);
  EXPECT_EQ(shell("obz check " + net + " --engines ref,fast --input " + x + " --samples 3").exit_code, 0);
  EXPECT_EQ(shell("obz check " + net + " --engines ref").exit_code, 2)
      << "the golden compared with itself is no comparison";
}

TEST(Cli, inputs_that_do_not_fit_are_named) {
  const test::TempDir dir;
  write_file(dir / "m.tflite", test::small_cnn());
  const std::string net = (dir / "m.obz").string();
  ASSERT_EQ(shell("obz import " + (dir / "m.tflite").string() + " -o " + net).exit_code, 0);
  const auto error = [&](const NpyArray& array) {
    write_file(dir / "x.npy", format_npy(array));
    const auto r = shell("obz run " + net + " --input " + (dir / "x.npy").string());
    EXPECT_EQ(r.exit_code, 2);
    return r.err;
  };
  EXPECT_THAT(error(npy_from(Tensor(Shape{8, 8, 3}, kInt8))), HasSubstr("expected 1x8x8x2 for one sample"));
  EXPECT_THAT(error(npy_from(Tensor(Shape{1, 8, 8, 2}, kInt16, std::vector<std::int32_t>(128, 300)))),
              HasSubstr("got 300 at element 0"));
  EXPECT_THAT(error(npy_from(FloatTensor{Shape{1, 8, 8, 2}, std::vector<float>(128)})),
              HasSubstr("takes int8, got float32"));
  EXPECT_THAT(error(npy_from(Tensor(Shape{0, 8, 8, 2}, kInt8))), HasSubstr("no samples"));
  EXPECT_THAT(shell("obz run " + net).err, HasSubstr("--input"));
}

TEST(Cli, takes_numbers_literally_and_ignores_no_option) {
  for (const char* bad : {"gen requant -n 0", "gen requant -n 0x10", "gen requant -n ''", "gen requant -n 1e3",
                          "gen requant -s -1", "gen requant -s 18446744073709551616", "gen requant --layer 3",
                          "gen requant --conv 1,2,3", "gen requant --lanes 3 -o x", "gen requant --out ''",
                          "gen conv2d --channels 3 -o x", "gen conv2d --conv 1x,8,8,16,16,3,3,1,1 -o x",
                          "gen conv2d -n 1000000000000 -o x", "bench stream -n 1000000000000000",
                          "bench stream --threads 2", "bench layers --threads 0", "check nowhere.obz -e fast -n 0"}) {
    const auto r = shell(std::string("obz ") + bad);
    EXPECT_EQ(r.exit_code, 2) << bad;
    EXPECT_EQ(r.out, "") << bad;
    EXPECT_EQ(std::count(r.err.begin(), r.err.end(), '\n'), 1) << r.err;
  }
}

TEST(Cli, a_full_disk_or_a_short_answer_is_an_error) {
  const auto full = shell("obz profiles > /dev/full");
  EXPECT_EQ(full.exit_code, 2);
  EXPECT_THAT(full.err, HasSubstr("cannot write to stdout"));
  const auto missing =
      shell("obz gen requant -n 50 | sed '/^#/!s/$/ 00/' | head -4 | obz ver requant --errors 1 2>&1 >/dev/null");
  EXPECT_THAT(missing.out, HasSubstr("announced 50 cases, 3 were answered"));
}

TEST(CliDistinguish, gives_a_count_and_an_input_or_a_proof) {
  const auto differ = shell("obz distinguish tflite/double tflite/single --scale 0.0123");
  EXPECT_EQ(differ.exit_code, 1);
  EXPECT_THAT(differ.out, HasSubstr("4 294 967 296     162       -203  -3  -2"));
  const auto equal = shell("obz distinguish tflite/double tosa-1.0/double");
  EXPECT_EQ(equal.exit_code, 0);
  EXPECT_THAT(equal.out, HasSubstr("EQUAL: tflite/double and tosa-1.0/double"));
  for (const char* bad : {"--scale 0", "--scale 1,x", "--scale -1", "--acc 2,1", "--acc 1", "--type float",
                          "--zero-point 300", "--net nowhere.tflite"}) {
    const auto r = shell(std::string("obz distinguish tflite/double tflite/single ") + bad);
    EXPECT_EQ(r.exit_code, 2) << bad;
    EXPECT_EQ(std::count(r.err.begin(), r.err.end(), '\n'), 1) << r.err;
  }
  EXPECT_EQ(shell("obz distinguish tflite/double nobody").exit_code, 2);
}

TEST(CliComplete, writes_a_set_with_a_certificate_that_check_accepts) {
  const test::TempDir dir;
  const std::string set = (dir / "set").string();
  EXPECT_EQ(shell("obz gen requant --goal complete --channels 5 -p tflite/double -o " + set).exit_code, 0);
  const Json manifest = Json::parse(as_text(read_file(dir / "set" / "manifest.json")));
  EXPECT_EQ(manifest.at("goal"), "complete");
  EXPECT_EQ(manifest.at("certificate").at("channels"), 5);
  EXPECT_GT(manifest.at("certificate").at("determining_cases"), 5 * 2);
  EXPECT_EQ(shell("obz check " + set + " --engines ref,fast").exit_code, 0);
  EXPECT_EQ(shell("obz gen requant --goal complete -n 5 -o " + set + "2").exit_code, 2);
  EXPECT_EQ(shell("obz gen add --types int16xint16 --goal complete -o " + set + "2").exit_code, 2);
  EXPECT_EQ(shell("obz gen requant --goal complete --channels 0 -o " + set + "2").exit_code, 2);
  EXPECT_FALSE(std::filesystem::exists(dir / "set2"));
}

/// A device that answers 0 to everything.
const std::string kZeroDevice = " --engines 'pipe:awk \"{print (/^#/ ? \\$0 : \\$0 \\\" 00\\\")}\"'";

std::string last_line(const std::string& text) {
  const std::size_t end = text.find_last_not_of('\n');
  return text.substr(text.rfind('\n', end) + 1, end - text.rfind('\n', end));
}

TEST(CliShrink, a_failing_case_becomes_a_file_that_runs_alone) {
  const test::TempDir dir;
  const std::string set = (dir / "set").string(), file = (dir / "failure.py").string();
  ASSERT_EQ(shell("obz gen requant -n 200 -o " + set).exit_code, 0);
  const auto r = shell("obz shrink " + set + kZeroDevice + " -o " + file);
  EXPECT_EQ(r.exit_code, 1) << r.err;
  EXPECT_THAT(r.out, HasSubstr("multiplier"));
  EXPECT_THAT(r.out, HasSubstr("device answered 0"));
  EXPECT_THAT(r.out, HasSubstr("written: " + file));
  if (shell("command -v python3").exit_code != 0) GTEST_SKIP() << "skipped: no python3";
  const auto run = shell("python3 " + file);
  EXPECT_EQ(run.exit_code, 1) << run.err;
  EXPECT_THAT(r.out, HasSubstr(last_line(run.out)));
}

TEST(CliShrink, a_failing_layer_becomes_one_output_in_every_language_and_as_vectors) {
  const test::TempDir dir;
  const std::string set = (dir / "set").string(), reduced = (dir / "reduced").string();
  ASSERT_EQ(shell("obz gen conv2d --conv 1,6,6,4,4,3,3,1,1 -o " + set).exit_code, 0);
  for (const char* file : {"f.cpp", "f.sv", "f.py"}) {
    const auto r = shell("obz shrink " + set + kZeroDevice + " -o " + (dir / file).string());
    EXPECT_EQ(r.exit_code, 1) << r.err;
    EXPECT_THAT(test::slurp(dir / file), HasSubstr("conv2d"));
  }
  const auto r = shell("obz shrink " + set + kZeroDevice + " --json -o " + reduced);
  EXPECT_EQ(r.exit_code, 1) << r.err;
  const Json report = Json::parse(r.out);
  EXPECT_EQ(report["outputs"], 1);
  EXPECT_EQ(report["got"], 0);
  EXPECT_NE(report["want"], 0);
  const auto check = shell("obz check " + reduced + kZeroDevice);
  EXPECT_EQ(check.exit_code, 1) << check.err;
  EXPECT_THAT(check.out, HasSubstr("1 outputs compared, 1 differ"));
}

TEST(CliShrink, recorded_answers_are_shown_as_they_stand) {
  const test::TempDir dir;
  const std::string file = (dir / "f.cpp").string();
  const auto r = shell("obz gen requant -n 100 | awk '/^#/{print;next}{print $0\" 00\"}' | obz shrink - -o " + file);
  EXPECT_EQ(r.exit_code, 1) << r.err;
  EXPECT_THAT(r.out, HasSubstr("cannot be asked again"));
  EXPECT_THAT(test::slurp(file), HasSubstr("int64_t acc = "));
}

TEST(CliShrink, what_is_equal_writes_nothing_and_ends_with_0) {
  const test::TempDir dir;
  const std::string set = (dir / "set").string();
  ASSERT_EQ(shell("obz gen conv2d --conv 1,6,6,4,4,3,3,1,1 -o " + set).exit_code, 0);
  const auto r = shell("obz shrink " + set + " --engines fast -o " + (dir / "f.cpp").string());
  EXPECT_EQ(r.exit_code, 0) << r.err;
  EXPECT_THAT(r.out, HasSubstr("nothing written"));
  EXPECT_FALSE(std::filesystem::exists(dir / "f.cpp"));
}

TEST(CliShrink, wrong_use_is_one_sentence_and_writes_nothing) {
  const test::TempDir dir;
  const std::string set = (dir / "set").string();
  ASSERT_EQ(shell("obz gen requant -n 20 -o " + set).exit_code, 0);
  ASSERT_EQ(shell("obz gen requant -p onnx/mlas -n 200 -o " + set + "f").exit_code, 0);
  for (const std::string& rest :
       {set, set + " --engines ref,fast", set + kZeroDevice + " -o " + (dir / "f.xml").string(),
        set + kZeroDevice + " --lang ada", set + kZeroDevice + " --layer conv1", set + kZeroDevice + " --runs 0",
        set + kZeroDevice + " --seed 3", std::string("nowhere.txt"),
        set + "f" + kZeroDevice + " -o " + (dir / "f.sv").string()}) {
    const auto r = shell("obz shrink " + rest);
    EXPECT_EQ(r.exit_code, 2) << rest << r.out;
    EXPECT_EQ(std::count(r.err.begin(), r.err.end(), '\n'), 1) << r.err;
  }
  EXPECT_FALSE(std::filesystem::exists(dir / "f.xml"));
  EXPECT_FALSE(std::filesystem::exists(dir / "f.sv"));
  EXPECT_EQ(shell("obz shrink " + set + " --engines pipe:/no/such/device").exit_code, 3);
}

TEST(CliExplain, names_the_bug_and_refuses_what_explains_nothing) {
  // tflite/double's own answers, read as another profile's: the stream says one rounding, the device does two.
  const auto r = shell("obz gen requant -p tflite/single -n 3 | obz explain -");
  EXPECT_EQ(r.exit_code, 2);
  EXPECT_THAT(r.err, HasSubstr("stdin, line 2"));
  EXPECT_EQ(shell("obz explain nowhere.txt").exit_code, 2);
  EXPECT_EQ(shell("obz explain - </dev/null").exit_code, 2);
  EXPECT_EQ(shell("obz explain pipe:no-such-program-here").exit_code, 3);
  EXPECT_EQ(shell("obz explain pipe:true").exit_code, 2);
  EXPECT_EQ(shell("obz explain pipe:cat -p onnx/mlas").exit_code, 2);
}

TEST(CliCover, says_what_a_set_misses_and_completes_it) {
  const test::TempDir dir;
  const std::string set = (dir / "set").string(), rest = (dir / "rest").string();
  ASSERT_EQ(shell("obz gen requant -p hawq-v3/exact -n 300 -o " + set).exit_code, 0);
  const auto text = shell("obz cover " + set);
  EXPECT_EQ(text.exit_code, 1) << text.err;
  for (const char* part : {"group", "reachable, missed:", "unreachable, proved:", "one rounding stage", "MISSING:"})
    EXPECT_THAT(text.out, HasSubstr(part));
  const auto r = shell("obz cover " + set + " --json --missing -o " + rest);
  EXPECT_EQ(r.exit_code, 1) << r.err;
  const Json report = Json::parse(r.out);
  const Json& part = report.at("parts").at(0);
  EXPECT_EQ(part.at("open"), 0);
  EXPECT_EQ(part.at("bins"), part.at("list").size());
  EXPECT_LT(part.at("met").get<int>(), part.at("reachable").get<int>());
  std::int64_t witnesses = 0;
  for (const Json& bin : part.at("list")) {
    const bool reachable = bin.at("reach") == "reachable";
    EXPECT_EQ(bin.contains("witness"), reachable);
    EXPECT_EQ(bin.contains("proof"), !reachable);
    if (!bin.at("met").get<bool>()) ++witnesses;
  }
  EXPECT_GT(witnesses, 0);
  EXPECT_EQ(shell("obz check " + rest + " --engines ref,fast").exit_code, 0)
      << "what is missing is a set like any other";
  EXPECT_THAT(shell("obz cover " + set + " --all").out, HasSubstr("every bin:"));
}

TEST(CliCover, reads_layers_and_networks) {
  const test::TempDir dir;
  const std::string layer = (dir / "layer").string(), net = (dir / "net").string();
  ASSERT_EQ(shell("obz gen conv2d --conv 1,6,6,3,4,3,3,2,1 -n 2 -o " + layer).exit_code, 0);
  const auto r = shell("obz cover " + layer);
  EXPECT_EQ(r.exit_code, 1) << r.err;
  for (const char* part : {"conv2d 3x3", "window", "operand pair", "output channel"})
    EXPECT_THAT(r.out, HasSubstr(part));
  write_file(dir / "m.tflite", test::small_cnn());
  const std::string model = (dir / "m.obz").string();
  ASSERT_EQ(shell("obz import " + (dir / "m.tflite").string() + " -o " + model).exit_code, 0);
  ASSERT_EQ(shell("obz gen " + model + " -n 2 -o " + net).exit_code, 0);
  const auto whole = shell("obz cover " + net);
  EXPECT_EQ(whole.exit_code, 1) << whole.err;
  EXPECT_THAT(whole.out, HasSubstr("total"));
  EXPECT_EQ(Json::parse(shell("obz cover " + net + " --json").out).at("parts").size(), 7U);
}

TEST(CliCover, refuses_what_is_no_set_and_options_that_mean_nothing) {
  const test::TempDir dir;
  const std::string set = (dir / "set").string(), layer = (dir / "layer").string(), out = (dir / "never").string();
  ASSERT_EQ(shell("obz gen requant -n 20 -o " + set).exit_code, 0);
  ASSERT_EQ(shell("obz gen conv2d --conv 1,4,4,2,2,1,1,1,0 -o " + layer).exit_code, 0);
  for (const std::string& bad :
       {std::string("cover"), "cover " + dir.path().string(), std::string("cover /no/such/set"),
        "cover " + set + " --goal 0", "cover " + set + " --goal 1x", "cover " + set + " --missing",
        "cover " + set + " -o " + out, "cover " + set + " --all --json", "cover " + set + " --frobnicate",
        "cover " + layer + " --missing -o " + out}) {
    const auto r = shell("obz " + bad);
    EXPECT_EQ(r.exit_code, 2) << bad;
    EXPECT_EQ(r.out, "") << bad;
    EXPECT_EQ(std::count(r.err.begin(), r.err.end(), '\n'), 1) << r.err;
  }
  EXPECT_FALSE(std::filesystem::exists(dir / "never"));
  write_file(dir / "set/cases.bin", Bytes(7));
  EXPECT_EQ(shell("obz cover " + set).exit_code, 2) << "a damaged set";
  const test::TempDir truncated;
  std::filesystem::copy(layer, truncated / "layer");
  std::filesystem::remove(truncated / "layer/x0.npy");
  EXPECT_EQ(shell("obz cover " + (truncated / "layer").string()).exit_code, 2);
}

}  // namespace
}  // namespace obz
