// Claims: the area table is what synthesis gives, and the dot product whose area it quotes computes dot products.
#include <cstdlib>
#include <fstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/run_obz.hpp"

namespace obz {
namespace {

using ::testing::HasSubstr;

TEST(RtlArea, table_is_what_synthesis_gives) {
  if (std::system("yosys -V >/dev/null 2>&1") != 0) GTEST_SKIP() << "skipped: no yosys";
  const auto r = test::shell("cd " OBZ_SOURCE_DIR " && scripts/rtl_area --check");
  EXPECT_EQ(r.exit_code, 0) << r.err << r.out;
}

TEST(RtlArea, dot_product_of_one_precision_is_one) {
  if (std::system("verilator --version >/dev/null 2>&1") != 0) GTEST_SKIP() << "skipped: no verilator";
  const test::TempDir dir;
  const std::string map = (dir / "map.json").string(), set = (dir / "set").string();
  std::ofstream(map) << R"({"unit": "dot", "top": "obz_dot_int", "parameters": {"AW": 4, "BW": 6, "Terms": 8},
    "ports": {"a": {"port": "a_i", "lanes": 8, "bits": 4, "signed": true},
              "b": {"port": "b_i", "lanes": 8, "bits": 6, "signed": true}, "c": "c_i", "out": "sum_o"},
    "constants": {"first_i": 1}, "clock": "clk_i", "reset": "rst_ni", "reset_active": "low", "latency": 1,
    "valid_in": "valid_i"})";
  ASSERT_EQ(test::shell("obz gen mma --types int6xint4 -p hawq-v3/exact --goal corners -n 50 -o " + set).exit_code, 0);
  const auto r = test::shell("obz check " + set + " --engines dut:" OBZ_SOURCE_DIR "/rtl/obz_dot_int.sv --map " + map);
  EXPECT_EQ(r.exit_code, 0) << r.err << r.out;
  EXPECT_THAT(r.out, HasSubstr("3 200 outputs compared, 0 differ"));
}

}  // namespace
}  // namespace obz
