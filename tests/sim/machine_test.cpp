// Claims: a machine's cycles are those of its transfers and of the layer, by a formula that can be followed by hand;
// its file is read strictly; layers that its scratchpads do not hold are refused with both numbers.
#include "sim/machine.hpp"

#include <fstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "accel/lower.hpp"
#include "golden/cases/synth.hpp"
#include "ref/base/error.hpp"
#include "ref/net/save_load.hpp"
#include "tests/support/run_obz.hpp"

namespace obz::sim {
namespace {

using ::testing::HasSubstr;

std::string sentence(const std::string& text) {
  try {
    parse_machine(text, "m.json");
  } catch (const Error& e) {
    return e.what();
  }
  return "";
}

TEST(Machine, takes_the_cycles_of_its_transfers) {
  accel::LayerProgram program;
  program.x.resize(10);     // 160 bytes
  program.w.resize(3);      // 384
  program.tiles.resize(2);  // 480
  program.pixels = 10;
  program.y_stride = 16;  // 160 bytes
  const Machine m = parse_machine(R"({"dma_bytes_per_cycle": 100, "dma_latency_cycles": 7})", "m.json");
  EXPECT_EQ(m.load_cycles(program), 7 + 11);  // 1024 bytes
  EXPECT_EQ(m.store_cycles(program), 7 + 2);
  EXPECT_EQ(m.cycles(program, 1000), 1000 + 18 + 9);
  const Machine o =
      parse_machine(R"({"dma_bytes_per_cycle": 100, "dma_latency_cycles": 7, "overlap": true})", "m.json");
  EXPECT_EQ(o.cycles(program, 1000), 1000);
  EXPECT_EQ(o.cycles(program, 20), 27);
  EXPECT_EQ(Machine{}.cycles(program, 1000), 1000);
}

TEST(Machine, is_read_strictly) {
  EXPECT_THAT(sentence("[]"), HasSubstr("m.json: expected an object, got []"));
  EXPECT_THAT(sentence("{"), HasSubstr("m.json: no JSON"));
  EXPECT_THAT(sentence(R"({"x_word": 4})"), HasSubstr("unknown key \"x_word\" (did you mean \"x_words\""));
  EXPECT_THAT(sentence(R"({"x_words": 65537})"), HasSubstr("field x_words: expected an integer 1..65536, got 65537"));
  EXPECT_THAT(sentence(R"({"tiles": 2.5})"), HasSubstr("field tiles: expected an integer 1..512, got 2.5"));
  EXPECT_THAT(sentence(R"({"tiles": 18446744073709551615})"), HasSubstr("field tiles: expected"));
  EXPECT_THAT(sentence(R"({"dma_bytes_per_cycle": 4, "overlap": 1})"), HasSubstr("expected true or false, got 1"));
  EXPECT_THAT(sentence(R"({"overlap": true})"), HasSubstr("field dma_bytes_per_cycle is missing"));
  EXPECT_THAT(sentence(R"({"tiles": 1, "tiles": 2})"), HasSubstr("key \"tiles\" stands there twice"));
  EXPECT_EQ(sentence("{}"), "");
  EXPECT_NO_THROW(load_machine(OBZ_SOURCE_DIR "/examples/machine.json"));
}

TEST(Machine, times_and_refuses_layers_of_a_network) {
  const test::TempDir dir;
  const std::string net = (dir / "n.obz").string(), file = (dir / "m.json").string();
  save_net(synthesize({.op = "conv2d", .conv = {1, 4, 4, 16, 16, 3, 3, 1, 1}}), net);
  const auto cycles = [&](const std::string& options) {
    const auto r = test::shell("obz check " + net + " -e sysc --json " + options + " | grep -o '\"cycles\": [0-9]*'");
    return r.exit_code == 0 ? std::stoll(r.out.substr(10)) : -1;
  };
  const long long alone = cycles("");
  if (alone < 0) GTEST_SKIP() << "skipped: no SystemC in this build";
  std::ofstream(file) << R"({"dma_bytes_per_cycle": 8, "dma_latency_cycles": 50, "clock_mhz": 100})";
  // 16 words of activations, 18 of weights, 2 of parameters; 16 pixels of 16 bytes.
  EXPECT_EQ(cycles("--machine " + file), alone + 50 + (16 * 16 + 18 * 128 + 2 * 240) / 8 + 50 + 16 * 16 / 8);
  const auto timed = test::shell("obz check " + net + " -e sysc --machine " + file);
  EXPECT_THAT(timed.err, HasSubstr(" at 100 MHz"));

  std::ofstream(file) << R"({"w_words": 17})";
  EXPECT_THAT(test::shell("obz check " + net + " -e fast,sysc --machine " + file).out,
              HasSubstr("18 words of weights; the machine has 17"));
  const auto none = test::shell("obz check " + net + " -e fast --machine " + file);
  EXPECT_EQ(none.exit_code, 2);
  EXPECT_THAT(none.err, HasSubstr("add it to --engines"));
}

}  // namespace
}  // namespace obz::sim
