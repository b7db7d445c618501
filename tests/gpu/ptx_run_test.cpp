// Convergence, calls, memory, counters: what a warp does and what it costs.
#include <algorithm>
#include <numeric>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/gpu/ptx_snippet.hpp"

namespace obz {
namespace {

using test::Outcome;
using test::Snippet;
using ::testing::ElementsAre;

std::vector<std::uint32_t> first(const Outcome& o, std::size_t n) {
  return {o.out.begin(), o.out.begin() + static_cast<std::ptrdiff_t>(n)};
}

TEST(PtxWarp, branches_part_lanes_and_the_next_common_instruction_joins_them) {
  const Outcome o = test::run(
      {.body =
           "setp.lt.u32 %p1, %tid, 8; @%p1 bra LOW;\nmul.lo.u32 %r1, %tid, 3; bra.uni JOIN;\n"
           "LOW: add.u32 %r1, %tid, 100;\nJOIN: activemask.b32 %r2; selp.b32 %r3, 1, 0, %p1;\n"
           "shl.b32 %r4, %r3, 16; add.u32 %r1, %r1, %r4; st.global.u32 [%at], %r1; st.global.u32 [%out+128], %r2;"});
  for (std::uint32_t i = 0; i < 32; ++i) EXPECT_EQ(o.out[i], i < 8 ? 65536 + 100 + i : 3 * i) << i;
  EXPECT_EQ(o.out[32], 0xFFFFFFFFU) << "all lanes stand at JOIN together";
  EXPECT_EQ(o.counters.divergent_branches, 1U);
  EXPECT_EQ(o.counters.by_opcode.at("mul.lo.u32"), 1U);
}

TEST(PtxWarp, loops_with_different_trip_counts_join_behind_the_loop) {
  // Lane i runs i + 1 times: sum of 0..i.
  const Outcome o =
      test::run({.body = "mov.u32 %r1, 0; mov.u32 %r2, 0;\nLOOP: add.u32 %r2, %r2, %r1; add.u32 %r1, %r1, 1;\n"
                         "setp.le.u32 %p1, %r1, %tid; @%p1 bra LOOP;\nactivemask.b32 %r3; st.global.u32 [%at], %r2;\n"
                         "st.global.u32 [%out+128], %r3;"});
  for (std::uint32_t i = 0; i < 32; ++i) EXPECT_EQ(o.out[i], i * (i + 1) / 2) << i;
  EXPECT_EQ(o.out[32], 0xFFFFFFFFU);
  std::uint64_t lanes = 0, warps = 0;
  for (const auto& [line, l] : o.counters.by_line) {
    if (l.opcode != "add.u32") continue;
    warps = l.warp_instructions;
    lanes = l.lane_instructions;
  }
  EXPECT_EQ(warps, 64U) << "two additions a line, 32 rounds";
  EXPECT_EQ(lanes, 2 * 33U * 32 / 2);
}

TEST(PtxWarp, nested_divergence_and_early_exits) {
  const Outcome o = test::run(
      {.body = "mov.u32 %r1, 0; setp.ge.u32 %p1, %tid, 24; @%p1 exit;\nsetp.lt.u32 %p2, %tid, 12; @!%p2 bra A;\n"
               "add.u32 %r1, %r1, 1; setp.lt.u32 %p3, %tid, 6; @%p3 bra B;\nadd.u32 %r1, %r1, 10;\nB: add.u32 %r1, "
               "%r1, 100;\n"
               "A: add.u32 %r1, %r1, 1000; st.global.u32 [%at], %r1;"});
  for (std::uint32_t i = 0; i < 32; ++i) {
    EXPECT_EQ(o.out[i], i >= 24 ? 0 : i >= 12 ? 1000 : i >= 6 ? 1111 : 1101) << i;
  }
}

TEST(PtxWarp, brx_goes_where_each_lane_wants) {
  const Outcome o = test::run({.body = "and.b32 %r1, %tid, 3; ts: .branchtargets L0, L1, L2, L1;\nbrx.idx %r1, ts;\n"
                                       "L0: mov.u32 %r2, 7; bra E;\nL1: mov.u32 %r2, 8; bra E;\nL2: mov.u32 %r2, "
                                       "9;\nE: st.global.u32 [%at], %r2;"});
  EXPECT_THAT(first(o, 5), ElementsAre(7, 8, 9, 8, 7));
  EXPECT_EQ(o.counters.divergent_branches, 1U);
}

TEST(PtxWarp, a_block_need_not_fill_its_last_warp) {
  const Outcome o =
      test::run({.body = "st.global.u32 [%at], 1; vote.sync.ballot.b32 %r1, 1, -1; mov.u32 %r2, %warpid;\n"
                         "setp.eq.u32 %p1, %tid, 39; @%p1 st.global.u32 [%out+200], %r1;",
                 .block = {40, 1, 1}});
  EXPECT_EQ(std::accumulate(o.out.begin(), o.out.begin() + 50, 0U), 40U);
  EXPECT_EQ(o.out[50], 0xFFU);
  EXPECT_EQ(o.counters.warps, 2U);
}

const std::string kFunctions =
    ".func (.param .b32 r) twice(.param .b32 a)\n{\n.reg .b32 %x;\nld.param.u32 %x, [a];\nadd.u32 %x, %x, "
    "%x;\nst.param.b32 [r+0], %x;\nret;\n}\n"
    ".func (.param .align 16 .b8 r[16]) pair(.param .align 16 .b8 a[16], .param .b32 n)\n{\n.local .align 4 .b8 "
    "own[16];\n.reg .b32 %x<4>;\n"
    ".reg .b64 %d<4>;\n.reg .pred %p;\nld.param.v2.u64 {%d1, %d2}, [a];\nld.param.u32 %x1, [n];\nst.local.u32 [own+4], "
    "%x1;\nsetp.lt.u32 %p, %x1, 16;\n"
    "@%p bra SMALL;\nadd.u64 %d1, %d1, 1000;\nSMALL:\n{\n.param .b32 p0;\nst.param.b32 [p0+0], %x1;\n.param .b32 q0;\n"
    "call.uni (q0), twice, (p0);\nld.param.b32 %x2, [q0+0];\n}\nld.local.u32 %x3, [own+4];\nadd.u32 %x2, %x2, "
    "%x3;\ncvt.u64.u32 %d2, %x2;\n"
    "st.param.v2.b64 [r+0], {%d1, %d2};\nret;\n}\n";

TEST(PtxCalls, pass_values_and_structures_and_keep_each_frame_its_own) {
  const Outcome o = test::run(
      {.body = ".local .align 4 .b8 mine[8]; st.local.u32 [mine+4], 77;\ncvt.u64.u32 %d1, %tid; mov.u64 %d2, 5;\n"
               "setp.ge.u32 %p1, %tid, 4; mov.u64 %d3, 0; mov.u64 %d4, 0;\n"
               "{\n.param .align 16 .b8 a[16]; .param .b32 n; .param .align 16 .b8 r[16];\n"
               "st.param.v2.b64 [a+0], {%d1, %d2}; st.param.b32 [n+0], %tid;\n@%p1 call (r), pair, (a, n);\n"
               "@%p1 ld.param.v2.b64 {%d3, %d4}, [r+0];\n}\nld.local.u32 %r1, [mine+4]; cvt.u32.u64 %r2, %d3; "
               "cvt.u32.u64 %r3, %d4;\n"
               "mad.lo.u32 %r4, %r3, 10000, %r2; add.u32 %r4, %r4, %r1; st.global.u32 [%at], %r4;",
       .around = kFunctions});
  for (std::uint32_t i = 0; i < 32; ++i) {
    const std::uint32_t d3 = i < 4 ? 0 : i < 16 ? i : i + 1000, d4 = i < 4 ? 0 : 3 * i;
    EXPECT_EQ(o.out[i], d4 * 10000 + d3 + 77) << i;
  }
}

TEST(PtxCalls, recursion_works_until_the_stack_is_full) {
  const std::string factorial =
      ".func (.param .b32 r) f(.param .b32 n)\n{\n.local .align 4 .b8 own[16];\n.reg .b32 %x<4>;\n.reg .pred "
      "%p;\nld.param.u32 %x1, [n];\n"
      "mov.u32 %x2, 1;\nst.local.u32 [own], %x1;\nsetp.le.u32 %p, %x1, 1;\n@%p bra END;\nsub.u32 %x3, %x1, "
      "1;\n{\n.param .b32 a;\n.param .b32 b;\n"
      "st.param.b32 [a+0], %x3;\ncall (b), f, (a);\nld.param.b32 %x2, [b+0];\n}\nld.local.u32 %x1, [own];\nmul.lo.u32 "
      "%x2, %x2, %x1;\n"
      "END:\nst.param.b32 [r+0], %x2;\nret;\n}\n";
  const auto with = [&](const std::string& n) {
    return Snippet{.body = n +
                           "\n{\n.param .b32 a; .param .b32 b; st.param.b32 [a+0], %r1; call (b), f, (a); ld.param.b32 "
                           "%r2, [b+0];\n}\n"
                           "st.global.u32 [%at], %r2;",
                   .around = factorial};
  };
  EXPECT_THAT(first(test::run(with("and.b32 %r1, %tid, 7;")), 8), ElementsAre(1, 1, 2, 6, 24, 120, 720, 5040));
  EXPECT_THAT(test::fault_of(with("mov.u32 %r1, 1000000;")), ::testing::HasSubstr("the call stack is full"));
}

TEST(PtxCalls, a_barrier_inside_a_function_stops_the_warp_there) {
  const Outcome o =
      test::run({.body = "shl.b32 %r1, %tid, 2; st.shared.u32 [%r1], %tid; call.uni meet;\nxor.b32 %r1, %r1, 128;\n"
                         "ld.shared.u32 %r2, [%r1]; st.global.u32 [%at], %r2;",
                 .around = ".shared .align 4 .b8 tile[256];\n.func meet()\n{\nbar.sync 0;\nret;\n}\n",
                 .block = {64, 1, 1}});
  EXPECT_EQ(o.out[0], 32U);
  EXPECT_EQ(o.out[63], 31U);
  EXPECT_EQ(o.counters.barriers, 2U);
}

TEST(PtxMemory, generic_addresses_reach_every_space) {
  const Outcome o = test::run(
      {.body =
           ".local .align 8 .b8 own[8]; .shared .align 8 .b8 tile[256];\nmov.u64 %d1, own; cvta.local.u64 %d1, %d1;\n"
           "mul.wide.u32 %d2, %tid, 8; mov.u64 %d3, tile; add.u64 %d2, %d2, %d3; cvta.shared.u64 %d2, %d2;\n"
           "st.u32 [%d1], %tid; st.u32 [%d2+4], %tid;\nisspacep.shared %p1, %d2; isspacep.local %p2, %d2; "
           "isspacep.global %p3, %at;\n"
           // Even lanes read their local memory, odd lanes their shared: one instruction, two spaces.
           "add.u64 %d4, %d2, 4; and.b32 %r1, %tid, 1; setp.eq.u32 %p4, %r1, 0; selp.b64 %d5, %d1, %d4, %p4;\nld.u32 "
           "%r2, [%d5];\n"
           "cvta.to.shared.u64 %d6, %d4; ld.shared.u32 %r3, [%d6]; add.u32 %r2, %r2, %r3;\n"
           "@%p1 add.u32 %r2, %r2, 100; @%p2 add.u32 %r2, %r2, 1000; @%p3 add.u32 %r2, %r2, 10000;\nst.u32 [%at], "
           "%r2;"});
  for (std::uint32_t i = 0; i < 32; ++i) EXPECT_EQ(o.out[i], 2 * i + 10100) << i;
}

TEST(PtxMemory, atomics_of_all_ctas_and_host_threads_add_up) {
  Snippet s{.body =
                "atom.global.add.u32 %r1, [%out], 1; red.global.max.u32 [%out+4], %r1; atom.global.inc.u32 %r2, "
                "[%out+8], 9;\n"
                "atom.global.cas.b32 %r3, [%out+12], %r1, %tid; cvt.u64.u32 %d1, %tid; atom.global.add.u64 %d2, "
                "[%out+16], %d1;",
            .grid = {500, 1, 1},
            .block = {64, 1, 1}};
  for (int threads : {1, 4}) {
    s.options.threads = threads;
    const Outcome o = test::run(s);
    EXPECT_EQ(o.out[0], 32000U);
    EXPECT_EQ(o.out[1], 31999U);
    EXPECT_EQ(o.out[2], 0U) << "32000 steps of a counter that wraps after 9";
    EXPECT_EQ(o.out[4], 500U * 64 * 63 / 2);
    EXPECT_EQ(o.counters.global_atomics, 5U * 1000);
  }
}

TEST(PtxMemory, host_side_errors_name_the_allocation) {
  ptx::Memory m;
  const std::uint64_t a = m.allocate(10, "small");
  std::vector<std::byte> bytes(11);
  EXPECT_THAT(test::error_of([&] { m.write(a, bytes); }),
              ::testing::HasSubstr("expected them inside one allocation, they start byte 0 of \"small\""));
  EXPECT_THAT(test::error_of([&] { m.free(a + 1); }), ::testing::HasSubstr("expected the address of an allocation"));
  EXPECT_THAT(test::error_of([&] { m.allocate(0, "none"); }), ::testing::HasSubstr("\"none\""));
  m.free(a);
  EXPECT_EQ(m.find(a), nullptr);
  EXPECT_GT(m.allocate(10, "next"), a) << "an address is never used twice";
}

/// Passes and extra passes of one shared access of the given kind by 32 lanes at tid * stride.
ptx::Counters shared_access(const std::string& type, int bytes, int stride) {
  const std::string row = bytes == 16 ? "{%r4, %r5, %r6, %r7}" : bytes == 8 ? "{%r4, %r5}" : "%r4";
  return test::run({.body = "mov.u32 %r3, tile; mad.lo.u32 %r1, %tid, " + std::to_string(stride) +
                            ", %r3;\nst.shared." + type + " [%r1], " + row + ";",
                    .around = ".shared .align 16 .b8 tile[8192];\n",
                    .options = {.checks = {.races = false}, .threads = 1}})
      .counters;
}

TEST(PtxCounters, bank_conflicts_of_known_patterns) {
  struct Pattern {
    const char* type;
    int bytes, stride;
    std::uint64_t passes, extra;
  };
  for (const Pattern& p : std::vector<Pattern>{{"u32", 4, 4, 1, 0},      // a word each
                                               {"u32", 4, 0, 1, 0},      // broadcast
                                               {"u32", 4, 8, 2, 1},      // every other word
                                               {"u32", 4, 128, 32, 31},  // one bank
                                               {"u32", 4, 132, 1, 0},    // padded rows
                                               {"u8", 1, 1, 1, 0},       // four lanes a word
                                               {"u16", 2, 64, 16, 15},
                                               {"v2.u32", 8, 8, 2, 0},  // half warps
                                               {"v2.u32", 8, 16, 4, 2},
                                               {"v4.u32", 16, 16, 4, 0},  // quarter warps
                                               {"v4.u32", 16, 64, 16, 12},
                                               {"v4.u32", 16, 144, 4, 0}}) {
    const ptx::Counters c = shared_access(p.type, p.bytes, p.stride);
    EXPECT_EQ(c.shared_passes, p.passes) << p.type << " stride " << p.stride;
    EXPECT_EQ(c.shared_extra_passes, p.extra) << p.type << " stride " << p.stride;
    EXPECT_EQ(c.shared_stores, 1U);
  }
}

TEST(PtxCounters, each_ldmatrix_matrix_is_one_pass_unless_rows_share_banks) {
  const auto passes = [](int stride) {
    return test::run({.body = "mul.lo.u32 %r1, %tid, " + std::to_string(stride) +
                              ";\nldmatrix.sync.aligned.m8n8.x4.shared.b16 {%r4, %r5, %r6, %r7}, [%r1];",
                      .around = ".shared .align 16 .b8 tile[8192];\n",
                      .options = {.checks = {.uninitialised = false}, .threads = 1}})
        .counters;
  };
  EXPECT_EQ(passes(16).shared_passes, 4U);
  EXPECT_EQ(passes(16).shared_extra_passes, 0U);
  EXPECT_EQ(passes(64).shared_passes, 16U) << "rows 64 bytes apart share groups of four banks by fours";
  EXPECT_EQ(passes(128).shared_extra_passes, 28U);
}

TEST(PtxCounters, sectors_are_32_bytes_that_anybody_touches) {
  const auto sectors = [](int stride, const std::string& type = "u32") {
    return test::run({.body = "mad.wide.u32 %d1, %tid, " + std::to_string(stride) + ", %in;\nld.global." + type +
                              " %r1, [%d1];",
                      .in = std::vector<std::uint32_t>(2048)})
        .counters.sectors_read;
  };
  EXPECT_EQ(sectors(4), 4U);
  EXPECT_EQ(sectors(0), 1U);
  EXPECT_EQ(sectors(1, "u8"), 1U);
  EXPECT_EQ(sectors(32), 32U);
  EXPECT_EQ(sectors(64), 32U);
  // Lanes in reverse order touch the same sectors.
  const auto o =
      test::run({.body = "sub.u32 %r1, 31, %tid; mad.wide.u32 %d1, %r1, 4, %out; st.global.u32 [%d1], %tid;"});
  EXPECT_EQ(o.counters.sectors_written, 4U);
  EXPECT_EQ(o.counters.bytes_written, 128U);
}

TEST(PtxCounters, are_the_same_for_any_number_of_host_threads) {
  Snippet s{.body =
                "shl.b32 %r1, %tid, 2; st.shared.u32 [%r1], %cta; bar.sync 0; xor.b32 %r1, %r1, 64; ld.shared.u32 %r2, "
                "[%r1];\n"
                "setp.lt.u32 %p1, %tid, %cta; @%p1 add.u32 %r2, %r2, 1; st.global.u32 [%at], %r2;",
            .around = ".shared .align 4 .b8 tile[256];\n",
            .grid = {64, 1, 1},
            .block = {64, 1, 1}};
  const ptx::Counters one = test::run(s).counters;
  s.options.threads = 3;
  const ptx::Counters three = test::run(s).counters;
  EXPECT_EQ(one.by_opcode, three.by_opcode);
  EXPECT_EQ(one.lane_instructions, three.lane_instructions);
  EXPECT_EQ(one.shared_passes, three.shared_passes);
  EXPECT_EQ(one.ctas, 64U);
  EXPECT_EQ(one.barriers, 128U);
  ASSERT_EQ(one.by_line.size(), three.by_line.size());
  for (const auto& [line, l] : one.by_line)
    EXPECT_EQ(l.lane_instructions, three.by_line.at(line).lane_instructions) << line;
}

TEST(PtxSink, sees_every_instruction_with_its_lanes_and_addresses) {
  std::vector<std::string> steps;
  std::vector<std::uint64_t> addresses;
  Snippet s{.body = "setp.lt.u32 %p1, %tid, 3;\n@%p1 st.shared.u8 [%tid], %tid;",
            .around = ".shared .b8 tile[32];\n",
            .grid = {3, 1, 1}};
  s.options.sink_cta = ptx::Dim3{1, 0, 0};
  s.options.sink = [&](const ptx::Step& step) {
    EXPECT_EQ(step.cta.x, 1U);
    if (step.line < 7) return;
    steps.push_back(std::string(step.opcode) + " " + std::to_string(step.line) + " " + std::to_string(step.active));
    if (!step.addresses.empty()) addresses.assign(step.addresses.begin(), step.addresses.begin() + 3);
  };
  test::run(s);
  EXPECT_THAT(steps, ElementsAre("setp.lt.u32 7 4294967295", "st.shared.u8 8 7", "ret 9 4294967295"));
  EXPECT_THAT(addresses, ElementsAre(0, 1, 2));
}

}  // namespace
}  // namespace obz
