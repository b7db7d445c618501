// obz ptx as a user calls it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "ref/base/file.hpp"
#include "ref/tensor/npy.hpp"
#include "tests/support/run_obz.hpp"
#include "tests/support/temp_dir.hpp"

namespace obz {
namespace {

using test::shell;
using ::testing::HasSubstr;

/// y[i] = x[i] * factor for 64 bytes; `neighbour` reads shared memory without a barrier.
constexpr const char* kText = R"(.version 9.0
.target sm_75
.address_size 64
.visible .entry scale(.param .u64 x, .param .u64 y, .param .u32 factor)
{
  .reg .b32 %r<8>;
  .reg .b64 %d<8>;
  ld.param.u64 %d1, [x];
  ld.param.u64 %d2, [y];
  ld.param.u32 %r1, [factor];
  mov.u32 %r2, %tid.x;
  cvt.u64.u32 %d3, %r2;
  add.s64 %d1, %d1, %d3;
  add.s64 %d2, %d2, %d3;
  ld.global.s8 %r3, [%d1];
  mul.lo.s32 %r3, %r3, %r1;
  st.global.u8 [%d2], %r3;
  ret;
}
.visible .entry neighbour()
{
  .shared .align 4 .b8 tile[256];
  .reg .b32 %r<4>;
  mov.u32 %r1, %tid.x;
  shl.b32 %r1, %r1, 2;
  st.shared.u32 [%r1], %r1;
  xor.b32 %r1, %r1, 4;
  ld.shared.u32 %r2, [%r1];
  ret;
}
.visible .entry floats()
{
  .reg .f32 %f<3>;
  fma.rn.f32 %f1, %f1, %f1, %f2;
  ret;
}
)";

struct CliPtx : testing::Test {
  const test::TempDir dir;
  const std::string file = (dir / "k.ptx").string();

  void SetUp() override {
    write_file(file, as_bytes(kText));
    NpyArray x{.kind = 'i', .item_bytes = 1, .shape = Shape({8, 8}), .bytes = {}};
    for (int i = 0; i < 64; ++i) x.bytes.push_back(static_cast<std::uint8_t>(i - 32));
    write_file(dir / "x.npy", format_npy(x));
  }
};

TEST_F(CliPtx, lists_kernels_and_why_one_cannot_run) {
  const auto r = shell("obz ptx " + file);
  EXPECT_EQ(r.exit_code, 0) << r.err;
  EXPECT_THAT(r.out, HasSubstr("8 8 4"));
  EXPECT_THAT(r.out, HasSubstr("k.ptx:34: fma.rn.f32: this instruction is not supported"));
}

TEST_F(CliPtx, runs_a_kernel_on_files_and_counts) {
  const std::string y = (dir / "y.bin").string(), x = (dir / "x.npy").string();
  const auto r = shell("obz ptx " + file + " --kernel scale --grid 1 --block 64 --arg in:" + x + " --arg out:64:" + y +
                       " --arg s32:-3 --lines");
  EXPECT_EQ(r.exit_code, 0) << r.err;
  EXPECT_THAT(r.out, HasSubstr("no fault"));
  EXPECT_THAT(r.out, HasSubstr("mul.lo.s32"));
  const Bytes got = read_file(y);
  ASSERT_EQ(got.size(), 64U);
  for (int i = 0; i < 64; ++i) EXPECT_EQ(got[static_cast<std::size_t>(i)], static_cast<std::uint8_t>(-3 * (i - 32)));
}

TEST_F(CliPtx, an_inout_array_keeps_its_shape) {
  const std::string x = (dir / "x.npy").string(), y = (dir / "y.npy").string();
  const auto r = shell("obz ptx " + file + " -k scale -g 1 -b 64 -a inout:" + x + ":" + y + " -a zeros:64 -a u32:1");
  EXPECT_EQ(r.exit_code, 0) << r.err;
  EXPECT_EQ(read_file(y), read_file(x));
}

TEST_F(CliPtx, a_race_is_exit_code_1_with_its_place) {
  const auto r = shell("obz ptx " + file + " --kernel neighbour --grid 1 --block 64");
  EXPECT_EQ(r.exit_code, 1);
  EXPECT_THAT(r.out, HasSubstr("k.ptx:28: ld.shared.u32: race on shared byte 4: thread (1,0,0) wrote it at line 26"));
  EXPECT_EQ(shell("obz ptx " + file + " --kernel neighbour --grid 1 --block 64 --no-races").exit_code, 0);
  EXPECT_THAT(shell("obz ptx " + file + " --kernel neighbour --grid 1 --block 64 --json").out,
              HasSubstr("\"fault\": \""));
}

TEST_F(CliPtx, writes_the_instruction_stream_of_a_block) {
  const std::string x = (dir / "x.npy").string(), file_out = (dir / "s.txt").string();
  const std::string run =
      "obz ptx " + file + " -k scale -g 2 -b 32 -a in:" + x + " -a zeros:64 -a s32:1 --stream " + file_out;
  ASSERT_EQ(shell(run + " --stream-cta 1").exit_code, 0);
  const Bytes bytes = read_file(file_out);
  const std::string text(bytes.begin(), bytes.end());
  EXPECT_THAT(text, ::testing::StartsWith("# obz-stream 1 scale cta 1,0,0\n0 8 ld.param.u64 ffffffff"));
  EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 1 + 11);
  const auto store = text.find(" st.global.u8 ffffffff ");
  ASSERT_NE(store, std::string::npos);
  const std::string line = text.substr(store, text.find('\n', store) - store);
  EXPECT_EQ(std::count(line.begin(), line.end(), ' '), 2 + 32);  // an address for each lane
  const auto r = shell(run + " --stream-cta 2");
  EXPECT_EQ(r.exit_code, 2);
  EXPECT_THAT(r.err, HasSubstr("--stream-cta 2: expected a block of the grid 2,1,1"));
}

TEST_F(CliPtx, bad_usage_is_one_sentence_and_exit_code_2) {
  const auto refuse = [&](const std::string& rest, const std::string& reason) {
    const auto r = shell("obz ptx " + file + " " + rest);
    EXPECT_EQ(r.exit_code, 2) << rest;
    EXPECT_THAT(r.err, HasSubstr(reason)) << rest;
    EXPECT_EQ(std::count(r.err.begin(), r.err.end(), '\n'), 1) << r.err;
  };
  const std::string run = "--kernel scale --grid 1 --block 64 ";
  refuse(run, "scale: expected 3 arguments, got 0");
  refuse(run + "-a s32:5 -a zeros:64 -a s32:1", "--arg s32:5: parameter 0 of scale has 8 bytes, this 4");
  refuse(run + "-a bytes:5", "--arg bytes:5: expected s8|u8|");
  refuse(run + "-a s8:200", "--arg s8:200: expected an integer of 8 bits");
  refuse("--kernel scale", "expected --grid and --block");
  refuse("--kernel scale --grid 1,2,3,4 --block 1", "--grid 1,2,3,4: expected X, X,Y or X,Y,Z");
  refuse("--kernel scald --grid 1 --block 1", "did you mean \"scale\"?");
  refuse("--kernel floats --grid 1 --block 1", "fma.rn.f32: this instruction is not supported");
  refuse("--grid 1", "--grid");
}

TEST_F(CliPtx, arguments_that_lack_a_part_are_refused) {
  const std::string x = (dir / "x.npy").string(), run = "obz ptx " + file + " -k scale -g 1 -b 64 ";
  const auto refuse = [&](const std::string& rest, const std::string& reason) {
    const auto r = shell(run + rest);
    EXPECT_EQ(r.exit_code, 2) << rest;
    EXPECT_THAT(r.err, HasSubstr(reason)) << rest;
  };
  refuse("-a in:" + x + " -a out:64: -a s32:1", "--arg out:64:: expected a file behind the last colon");
  refuse("-a in:" + x + " -a out:y.bin -a s32:1", "--arg out:y.bin: expected 1 to 2^36 bytes, got y.bin");
  refuse("-a in: -a out:64 -a s32:1", "--arg in:: expected a file");
  refuse("-a in:" + dir.path().string() + " -a out:64 -a s32:1", "expected a file, got a folder");
}

TEST_F(CliPtx, nothing_is_written_unless_all_of_it_can_be) {
  const std::string x = (dir / "x.npy").string(), kept = (dir / "kept.bin").string(), y = (dir / "y.bin").string();
  const std::string run =
      "obz ptx " + file + " -k scale -g 1 -b 64 -a inout:" + x + ":" + kept + " -a out:65:" + y + " -a s32:1";
  const auto r = shell(run);
  EXPECT_EQ(r.exit_code, 2);
  EXPECT_THAT(r.err, HasSubstr("the kernel left byte 64 of 65 unwritten"));
  EXPECT_FALSE(std::filesystem::exists(kept));
  EXPECT_FALSE(std::filesystem::exists(y));
  EXPECT_EQ(shell(run + " --no-uninitialised").exit_code, 0);
  EXPECT_EQ(read_file(y).size(), 65U);
  EXPECT_EQ(read_file(y).back(), 0);
}

TEST_F(CliPtx, json_is_json_whatever_the_file_is_called) {
  const std::string odd = (dir / "k\xFF.ptx").string();
  write_file(odd, as_bytes(kText));
  for (const char* rest : {"", " -k neighbour -g 1 -b 64", " -k neighbour -g 1 -b 1 --no-uninitialised"}) {
    const auto r = shell("obz ptx " + odd + rest + " --json");
    EXPECT_NE(r.exit_code, 2) << r.err;
    EXPECT_TRUE(nlohmann::json::accept(r.out)) << rest << r.out;
  }
}

TEST_F(CliPtx, reads_the_module_from_stdin) {
  const auto r = shell("cat " + file + " | obz ptx - -k floats -g 1 -b 1");
  EXPECT_EQ(r.exit_code, 2);
  EXPECT_THAT(r.err, HasSubstr("stdin:34: fma.rn.f32"));
}

}  // namespace
}  // namespace obz
