// Claims: the area table is what synthesis gives and grows with the width, in every unit at all of INT1..INT16; the dot
// product whose area it quotes computes dot products.
#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <sstream>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "tests/support/run_obz.hpp"

namespace obz {
namespace {

using ::testing::HasSubstr;

const std::filesystem::path kDocs = std::filesystem::path(OBZ_SOURCE_DIR) / "docs";

struct Size {
  int gates = 0, flops = 0;
  int total() const { return gates + flops; }
  friend bool operator==(const Size&, const Size&) = default;
};

/// A cell of the table: "gates + flip-flops", and behind a * in brackets what was synthesized for that width itself.
struct Published {
  Size shown;
  bool borrowed = false;
};

/// The first table of docs/rtl-area.md by unit, INT1 first.
std::map<std::string, std::vector<Published>> published() {
  std::map<std::string, std::vector<Published>> units;
  std::vector<std::string> names;
  std::ifstream file(kDocs / "rtl-area.md");
  for (std::string line; std::getline(file, line);) {
    if (!line.starts_with("|")) {
      if (!names.empty()) break;
      continue;
    }
    std::vector<std::string> cells;
    std::istringstream in(line.substr(1));
    for (std::string cell; std::getline(in, cell, '|');) {
      const std::size_t from = cell.find_first_not_of(' ');
      cells.push_back(from == std::string::npos ? "" : cell.substr(from, cell.find_last_not_of(' ') - from + 1));
    }
    if (names.empty()) {
      names = cells;
    } else if (cells[0].starts_with("INT")) {
      for (std::size_t c = 1; c < cells.size(); ++c) {
        Published p;
        char plus = 0;
        std::istringstream(cells[c]) >> p.shown.gates >> plus >> p.shown.flops;
        EXPECT_EQ(plus, '+') << names[c] << " " << cells[0] << ": \"" << cells[c] << "\"";
        p.borrowed = cells[c].find('*') != std::string::npos;
        units[names.at(c)].push_back(p);
      }
    }
  }
  return units;
}

/// As synthesized for each width.
std::map<std::string, std::vector<Size>> synthesized() {
  std::map<std::string, std::vector<Size>> units;
  const auto json = nlohmann::json::parse(test::slurp(kDocs / "rtl-area.json"));
  for (const auto& [name, widths] : json.at("by_width").items()) {
    int bits = 0;
    for (const auto& w : widths) {
      EXPECT_EQ(w.at("bits"), ++bits) << name;
      units[name].push_back({w.at("gates"), w.at("flip_flops")});
    }
  }
  return units;
}

TEST(RtlArea, grows_with_the_width_in_every_unit_at_all_sixteen_widths) {
  const auto units = published();
  EXPECT_EQ(units.size(), 8U);
  for (const auto& [name, widths] : units) {
    ASSERT_EQ(widths.size(), 16U) << name;
    EXPECT_GT(widths[0].shown.total(), 0) << name;
    for (std::size_t i = 1; i < widths.size(); ++i) {
      EXPECT_GE(widths[i].shown.total(), widths[i - 1].shown.total()) << name << " at INT" << i + 1;
    }
    EXPECT_GT(widths[15].shown.total(), widths[0].shown.total()) << name;
  }
}

TEST(RtlArea, quotes_another_width_only_where_it_says_so_and_a_wider_one_only) {
  const auto own = synthesized();
  for (const auto& [name, widths] : published()) {
    ASSERT_TRUE(own.contains(name)) << name;
    const std::vector<Size>& sizes = own.at(name);
    for (std::size_t i = 0; i < widths.size(); ++i) {
      const auto wider = sizes.begin() + static_cast<std::ptrdiff_t>(i);
      EXPECT_NE(std::find(wider, sizes.end(), widths[i].shown), sizes.end()) << name << " at INT" << i + 1;
      EXPECT_EQ(widths[i].borrowed, widths[i].shown.total() < wider->total()) << name << " at INT" << i + 1;
    }
  }
}

/// Lanes of n bits are in every unit that has wider ones.
TEST(RtlArea, of_the_fusing_dot_product_grows_as_synthesized) {
  const auto own = synthesized();
  const std::vector<Size>& dot = own.at("obz_dot");
  ASSERT_EQ(dot.size(), 16U);
  for (std::size_t i = 1; i < dot.size(); ++i) EXPECT_GE(dot[i].total(), dot[i - 1].total()) << "INT" << i + 1;
  for (const std::size_t lane : {2U, 4U, 8U, 16U}) EXPECT_GT(dot[lane - 1].total(), dot[lane / 2 - 1].total()) << lane;
}

/// Whether yosys proves that a requantizer of `wide` bits, told `hi` so, gives what one of `narrow` bits gives.
bool does_the_work(const std::string& unit, int narrow, int wide, const std::string& hi) {
  const test::TempDir dir;
  const std::string n = std::to_string(narrow), w = std::to_string(wide);
  const std::string same = ".acc_i(acc), .multiplier_i(multiplier), .shift_i(shift), ";
  std::ofstream(dir / "miter.sv") << "module miter (\n"
                                  << "  input logic signed [31:0] acc, input logic [30:0] multiplier,\n"
                                  << "  input logic [5:0] shift, input logic signed [" << n << "-1:0] zp, lo, hi,\n"
                                  << "  output logic bad\n);\n"
                                  << "  logic signed [" << n << "-1:0] a;\n  logic signed [" << w << "-1:0] b;\n"
                                  << "  " << unit << " #(.Bits(" << n << ")) u_a (" << same
                                  << ".zero_point_i(zp), .lo_i(lo), .hi_i(hi), .out_o(a));\n"
                                  << "  " << unit << " #(.Bits(" << w << ")) u_b (" << same << ".zero_point_i(" << w
                                  << "'(zp)), .lo_i(" << w << "'(lo)), .hi_i(" << hi << "), .out_o(b));\n"
                                  << "  assign bad = b != " << w << "'(a);\nendmodule\n";
  std::string files;
  for (const char* name :
       {"pkg", "round_shift", "narrow", "requant_operand", "requant_scale", "requant", "requant_lane"}) {
    files += std::string("rtl/obz_") + name + ".sv ";
  }
  const auto r = test::shell("cd " OBZ_SOURCE_DIR " && yosys -p \"read_verilog -sv " + files + "rtl/area/wrappers.sv " +
                             (dir / "miter.sv").string() +
                             "; hierarchy -check -top miter; proc; flatten; opt -full; sat -timeout 60 -prove bad 0\"");
  EXPECT_EQ(r.exit_code, 0) << r.err;
  const bool proved = r.out.find("SAT proof finished - no model found: SUCCESS!") != std::string::npos;
  EXPECT_NE(proved, r.out.find("SAT proof finished - model found: FAIL!") != std::string::npos) << r.err;
  return proved;
}

/// Why a row may quote a wider netlist.
TEST(RtlArea, a_wider_requantizer_with_sign_extended_inputs_does_the_work_of_a_narrower_one) {
  if (std::system("yosys -V >/dev/null 2>&1") != 0) GTEST_SKIP() << "skipped: no yosys";
  for (const char* unit : {"area_requant", "area_requant_double"}) {
    EXPECT_TRUE(does_the_work(unit, 1, 2, "2'(hi)")) << unit;
    EXPECT_TRUE(does_the_work(unit, 3, 7, "7'(hi)")) << unit;
    EXPECT_TRUE(does_the_work(unit, 8, 14, "14'(hi)")) << unit;
  }
  EXPECT_FALSE(does_the_work("area_requant", 3, 7, "{4'd0, hi}")) << "the upper clamp lost its sign";
}

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
