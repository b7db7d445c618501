// What the parser reads, and what it says about the rest.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "gpu/ptx/launch.hpp"
#include "ref/base/error.hpp"
#include "tests/gpu/ptx_snippet.hpp"

namespace obz {
namespace {

using test::error_of;
using test::Snippet;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

const std::string kHead = ".version 9.0\n.target sm_75\n.address_size 64\n";

std::string parse_error(const std::string& text) {
  return error_of([&] { ptx::parse_module(text, "a.ptx"); });
}

TEST(PtxParser, names_file_line_expected_and_got) {
  EXPECT_EQ(parse_error(".target sm_75\n"), "a.ptx:1: expected .version, got no such directive: is this PTX?");
  EXPECT_EQ(parse_error(kHead + ".entry k()\n{\nadd.s32 %r1 %r2;\n}\n"), "a.ptx:6: expected ';', got %r2");
  EXPECT_EQ(parse_error(kHead + ".entry k()\n{\nret;\n"),
            "a.ptx:7: expected '}' at the end of k, got the end of the text");
  EXPECT_EQ(parse_error(kHead + ".entry k(.param .q7 p)\n{\n}\n"), "a.ptx:4: expected a type, got .q7");
  EXPECT_EQ(parse_error(kHead + ".entry k()\n{\nL: ret;\nL: ret;\n}\n"),
            "a.ptx:7: expected label L once, got a second one");
  EXPECT_EQ(parse_error(kHead + ".entry k()\n{\n.reg .b32 %r, %r;\n}\n"),
            "a.ptx:6: expected %r to be declared once in its scope, got a second declaration");
  EXPECT_EQ(parse_error(kHead + ".entry k()\n{\nret;\n}\n.entry k()\n{\n}\n"),
            "a.ptx:11: expected k once, got a second body");
  EXPECT_EQ(parse_error(".version 9.0\n.address_size 32\n"), "a.ptx:2: expected .address_size 64, got 32");
  EXPECT_EQ(parse_error(kHead + ".global .u32 g[1] = {1, 2};"), "a.ptx:4: expected at most 4 bytes for g, got 8");
  EXPECT_EQ(parse_error(kHead + "/* never closed"), "a.ptx:4: expected the comment to end, got the end of the text");
  EXPECT_EQ(parse_error(kHead + ".entry k() { mov.u32 %r, 99999999999999999999; }"),
            "a.ptx:4: expected an integer of 64 bits, got 99999999999999999999");
}

TEST(PtxParser, every_truncation_of_a_module_is_read_or_refused_with_a_sentence) {
  const std::string text = test::module_text(
      {.body = "{ .reg .b32 t; .param .b32 p0; st.param.b32 [p0+0], %tid; } @!%p1 bra L; shfl.sync.idx.b32 %r1|%p2, "
               "%tid, 1, 31, -1;\n"
               "L: ld.global.v2.u32 {%r1, %r2}, [%in+8]; ts: .branchtargets L, L; brx.idx %r1, ts;",
       .around = ".const .align 4 .b8 c[8] = {1, -2, 0x3, 0b11, 017};\n.extern .shared .align 16 .b8 dyn[];\n"});
  for (std::size_t n = 0; n < text.size(); ++n) {
    try {
      ptx::parse_module(text.substr(0, n), "cut.ptx");
    } catch (const Error& e) {
      EXPECT_THAT(e.what(), HasSubstr("cut.ptx:")) << n;
    }
  }
}

TEST(PtxParser, parameters_have_the_layout_that_the_abi_gives_them) {
  const ptx::Module m = ptx::parse_module(kHead +
                                              ".visible .entry first(.param .u8 a, .param .u64 .ptr .global .align 16 "
                                              "b, .param .align 8 .b8 c[24], .param .u16 d)\n"
                                              ".maxntid 64, 2, 1\n.minnctapersm 4\n{\n.shared .align 16 .b8 "
                                              "tile[100];\nret;\n}\n.entry second()\n.reqntid 32\n{ ret; }\n",
                                          "a.ptx");
  EXPECT_THAT(ptx::kernel_names(m), ElementsAre("first", "second"));
  const ptx::KernelInfo& k = ptx::kernel_info(m, "first");
  std::vector<std::uint32_t> offsets;
  for (const ptx::Param& p : k.params) offsets.push_back(p.offset_bytes);
  EXPECT_THAT(offsets, ElementsAre(0, 8, 16, 40));
  EXPECT_EQ(k.param_bytes, 42U);
  EXPECT_EQ(k.shared_bytes, 100U);
  EXPECT_EQ(k.max_threads, 128U);
  EXPECT_FALSE(k.exact_threads);
  EXPECT_TRUE(ptx::kernel_info(m, "second").exact_threads);
  EXPECT_EQ(error_of([&] { ptx::kernel_info(m, "frist"); }), "a.ptx: no kernel \"frist\" (did you mean \"first\"?)");
}

TEST(PtxParser, a_kernel_that_cannot_run_leaves_the_others_alone) {
  const ptx::Module m = ptx::parse_module(
      kHead +
          ".func f(.param .b32 x)\n{\n.reg .f32 %f<2>;\nadd.f32 %f1, %f1, %f1;\nret;\n}\n"
          ".entry floats()\n{\n.param .b32 x;\ncall.uni f, (x);\nret;\n}\n.entry integers()\n{\nret;\n}\n",
      "a.ptx");
  ptx::Memory memory;
  EXPECT_EQ(error_of([&] { ptx::run(m, {.kernel = "floats"}, memory); }),
            "a.ptx:7: add.f32: expected an integer type, got .f32: floating point is not supported");
  EXPECT_EQ(ptx::kernel_info(m, "floats").refusal.substr(0, 8), "a.ptx:7:");
  EXPECT_EQ(ptx::run(m, {.kernel = "integers"}, memory).warps, 1U);
}

TEST(PtxParser, says_what_is_wrong_with_an_instruction) {
  const auto refusal = [](const std::string& body) {
    const std::string text = error_of([&] { test::run({.body = body}); });
    return text.substr(std::min(text.find(": ") + 2, text.size()));
  };
  EXPECT_EQ(refusal("add.s32 %r1, %r2;"), "add.s32: expected 3 operands, got 2");
  EXPECT_EQ(refusal("add.s32 %r1, %d1, 2;"), "add.s32: expected a 32-bit register, got %d1");
  EXPECT_EQ(refusal("add.s32 %r1, %p1, 2;"), "add.s32: expected a register of 32 bits, got %p1");
  EXPECT_EQ(refusal("add.s32 %r1, %nope, 2;"), "add.s32: expected a declared name, got %nope");
  EXPECT_EQ(refusal("add.wild.s32 %r1, %r2, 2;"), "add.wild.s32: expected an instruction without .wild");
  EXPECT_EQ(refusal("tex.1d.v4.u32.s32 {%r1, %r2, %r3, %r4}, [%d1, {%r5}];"), "expected ']', got ,");
  EXPECT_EQ(
      refusal("vadd.u32.u32.u32 %r1, %r2, %r3;"),
      "vadd.u32.u32.u32: this instruction is not supported: integers, bits, memory, mma, shuffles and control are");
  EXPECT_EQ(refusal("bra nowhere;"), "bra: expected a label of k, got nowhere");
  EXPECT_EQ(refusal("ld.global.v4.u32 {%r1, %r2}, [%in];"),
            "ld.global.v4.u32: expected {...} with 4 registers, got {...}");
  EXPECT_EQ(refusal("lop3.b32 %r1, %r2, %r3, %r4, 256;"), "lop3.b32: expected a table from 0 to 255, got 256");
  EXPECT_EQ(refusal("mma.sync.aligned.m16n8k32.row.col.s32.s8.s8.s32 {%r1,%r2}, {%r3}, {%r4}, {%r5,%r6};").substr(49),
            "expected mma.sync.aligned with m8n8k16, m8n8k32 or m8n8k128 and .row.col: other shapes are not supported");
  EXPECT_EQ(refusal("ld.param.u64 %d1, [k_in+8];"),
            "ld.param.u64: expected an address inside the 16 bytes of parameters");
}

TEST(PtxParser, inner_scopes_hide_outer_names) {
  const auto r = test::run(
      {.body = "mov.u32 %r1, 1;\n{ .reg .b32 %r1; mov.u32 %r1, 5; { .reg .b32 %r1; mov.u32 %r1, 7; }\n"
               "bra L; L: add.u32 %r2, %r1, 0; }\n{ bra L; L: add.u32 %r2, %r2, %r1; }\nst.global.u32 [%at], %r2;"});
  EXPECT_EQ(r.out[3], 6U);
}

TEST(PtxParser, constants_and_variables_are_initialised) {
  const auto r = test::run(
      {.body =
           "mov.u64 %d1, words; ld.const.u32 %r1, [%d1+4]; ld.const.s8 %r2, [words+8]; ld.const.u8 %r3, [words+11];\n"
           "ld.global.u64 %d2, [table]; ld.global.u32 %r4, [%d2]; ld.global.u32 %r5, [zero];\n"
           "st.global.v4.u32 [%out], {%r1, %r2, %r3, %r4}; st.global.u32 [%out+16], %r5;",
       .around = ".const .align 4 .b8 words[12] = {1, 0, 0, 0, 0x78, 0x56, 0x34, 0x12, -3};\n"
                 ".global .u32 two[2] = {17, 19};\n.global .u64 table[1] = {two+4};\n.global .u32 zero;\n"});
  EXPECT_THAT(std::vector(r.out.begin(), r.out.begin() + 5), ElementsAre(0x12345678U, 0xFFFFFFFDU, 0U, 19U, 0U));
}

TEST(PtxLaunch, refuses_what_does_not_fit_the_kernel) {
  const ptx::Module m = ptx::parse_module(kHead + ".entry k(.param .u32 a)\n.reqntid 64\n{ ret; }", "a.ptx");
  ptx::Memory memory;
  const auto refusal = [&](const ptx::Launch& l) { return error_of([&] { ptx::run(m, l, memory); }); };
  EXPECT_EQ(refusal({.kernel = "k", .block = {64, 1, 1}}), "a.ptx: k: expected 4 bytes of parameters, got 0");
  const std::vector<std::byte> four(4);
  EXPECT_EQ(refusal({.kernel = "k", .block = {32, 1, 1}, .args = four}),
            "a.ptx: k: expected 64 threads in a block, got 32");
  EXPECT_EQ(refusal({.kernel = "k", .block = {2048, 1, 1}, .args = four}),
            "a.ptx: k: expected a block of 1 to 1024 threads, z at most 64, got 2048 x 1 x 1");
  EXPECT_EQ(refusal({.kernel = "k", .grid = {0, 1, 1}, .block = {64, 1, 1}, .args = four}),
            "a.ptx: k: expected a grid of at least one block, y and z at most 65535, got 0 x 1 x 1");
  EXPECT_EQ(refusal({.kernel = "k", .block = {64, 1, 1}, .args = four}), "");
}

}  // namespace
}  // namespace obz
