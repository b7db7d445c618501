// What a device must not be asked to do is found and said.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/gpu/ptx_snippet.hpp"

namespace obz {
namespace {

using test::fault_of;
using test::Snippet;
using ::testing::HasSubstr;

const std::string kTile = ".shared .align 16 .b8 tile[1024];\n";

/// 64 threads: each writes its word of `tile` and reads its neighbour's behind `between`.
Snippet exchange(const std::string& between, std::uint32_t threads = 64,
                 const std::string& other = "xor.b32 %r2, %r1, 4;") {
  return {.body = "shl.b32 %r1, %tid, 2; mov.u32 %r3, tile; add.u32 %r1, %r1, %r3; " + other +
                  "\nst.shared.u32 [%r1], 0; bar.sync 0; st.shared.u32 [%r1], %tid;\n" + between +
                  "\nld.shared.u32 %r4, [%r2];\nst.global.u32 [%at], %r4;",
          .around = kTile,
          .block = {threads, 1, 1}};
}

TEST(PtxRaces, a_barrier_orders_what_without_it_is_a_race) {
  EXPECT_EQ(fault_of(exchange("bar.sync 0;")), "");
  EXPECT_EQ(
      fault_of(exchange("")),
      "k.ptx:10: ld.shared.u32: race on shared byte 4: thread (1,0,0) wrote it at line 8 and no barrier lies between, "
      "in thread (0,0,0), CTA (0,0,0)");
}

TEST(PtxRaces, bar_warp_sync_orders_a_warp_and_no_other) {
  EXPECT_EQ(fault_of(exchange("bar.warp.sync -1;")), "");
  // Neighbours 32 lanes away are in the other warp.
  const std::string far = "xor.b32 %r2, %r1, 128;";
  EXPECT_EQ(fault_of(exchange("bar.sync 0;", 64, far)), "");
  EXPECT_THAT(fault_of(exchange("bar.warp.sync -1;", 64, far)), HasSubstr("race on shared byte"));
}

TEST(PtxRaces, order_of_execution_hides_nothing) {
  // Warp 0 reads before warp 1 writes, and the other way round: both are races.
  for (const char* writer : {"0", "32"}) {
    const Snippet s{.body = std::string("setp.eq.u32 %p1, %tid, 5; @%p1 st.shared.u32 [tile], 1; bar.sync 0;\n"
                                        "setp.eq.u32 %p2, %tid, ") +
                            writer + "; @%p2 st.shared.u32 [tile], 7; @!%p2 ld.shared.u32 %r1, [tile];",
                    .around = kTile,
                    .block = {64, 1, 1}};
    EXPECT_THAT(fault_of(s), HasSubstr("race on shared byte 0"));
  }
}

TEST(PtxRaces, several_readers_are_all_remembered) {
  // Threads 1 and 40 read; thread 40 may not write behind that, as thread 1 may still be reading.
  const Snippet s{.body =
                      "setp.eq.u32 %p1, %tid, 0; @%p1 st.shared.u32 [tile], 1; bar.sync 0;\n"
                      "setp.eq.u32 %p2, %tid, 1; setp.eq.u32 %p3, %tid, 40; or.pred %p4, %p2, %p3;\n"
                      "@%p4 ld.shared.u32 %r1, [tile];\n@%p3 st.shared.u32 [tile], 9;",
                  .around = kTile,
                  .block = {64, 1, 1}};
  EXPECT_THAT(fault_of(s),
              HasSubstr("thread (1,0,0) read it at line 9 and no barrier lies between, in thread (40,0,0)"));
}

TEST(PtxRaces, bytes_of_one_word_are_their_own) {
  const Snippet s{.body =
                      "mov.u32 %r3, tile; add.u32 %r1, %r3, %tid; st.shared.u8 [%r1], %tid; bar.sync 0;\n"
                      "ld.shared.u8 %r4, [%r1]; st.global.u32 [%at], %r4;",
                  .around = kTile,
                  .block = {64, 1, 1}};
  EXPECT_EQ(fault_of(s), "");
}

TEST(PtxRaces, two_lanes_of_one_store_may_not_meet) {
  EXPECT_THAT(fault_of({.body = "st.shared.u32 [tile], %tid;", .around = kTile}),
              HasSubstr("race on shared byte 0: thread (0,0,0) wrote it at line 7"));
}

TEST(PtxRaces, atomics_race_with_plain_accesses_only) {
  const std::string init = "setp.eq.u32 %p1, %tid, 0; @%p1 st.shared.u32 [tile], 0; bar.sync 0;\n";
  const std::string add = "atom.shared.add.u32 %r1, [tile], 1;\n";
  const auto with = [&](const std::string& rest) {
    return Snippet{.body = init + rest, .around = kTile, .block = {64, 1, 1}};
  };
  EXPECT_EQ(fault_of(with(add + add + "bar.sync 0; ld.shared.u32 %r2, [tile]; st.global.u32 [%at], %r2;")), "");
  EXPECT_THAT(fault_of(with(add + "ld.shared.u32 %r2, [tile];")), HasSubstr("race on shared byte 0"));
}

TEST(PtxRaces, named_barriers_order_those_who_meet_there) {
  // Warps 0 and 1 exchange at barrier 1; warp 2 does not take part, and reading from it is a race.
  const auto meet = [](const std::string& other) {
    return Snippet{.body = "shl.b32 %r1, %tid, 2; mov.u32 %r3, tile; add.u32 %r1, %r1, %r3; " + other +
                           "\nst.shared.u32 [%r1], 0; bar.sync 0; st.shared.u32 [%r1], %tid;\nsetp.ge.u32 %p1, %tid, "
                           "64;\n@%p1 bra DONE;\nbar.sync 1, 64;\n"
                           "ld.shared.u32 %r4, [%r2];\nDONE:",
                   .around = kTile,
                   .block = {96, 1, 1}};
  };
  EXPECT_EQ(fault_of(meet("xor.b32 %r2, %r1, 128;")), "");
  EXPECT_THAT(fault_of(meet("add.u32 %r2, %r1, 128;")), HasSubstr("race on shared byte"));
}

TEST(PtxRaces, arriving_orders_what_came_before_it) {
  // A producer arrives, a consumer waits; what the producer writes behind its arrival is not covered.
  const auto produce = [](const std::string& late) {
    return Snippet{.body =
                       "shl.b32 %r1, %tid, 2; and.b32 %r1, %r1, 127; setp.ge.u32 %p1, %tid, 32; @%p1 bra CONSUME;\n"
                       "st.shared.u32 [%r1], %tid; bar.arrive 2, 64;" +
                       late +
                       "\nbra DONE;\n"
                       "CONSUME: bar.sync 2, 64; ld.shared.u32 %r4, [%r1]; st.global.u32 [%at], %r4;\nDONE:",
                   .around = kTile,
                   .block = {64, 1, 1}};
  };
  EXPECT_EQ(fault_of(produce("")), "");
  EXPECT_THAT(fault_of(produce("st.shared.u32 [%r1], 0;")), HasSubstr("race on shared byte"));
}

TEST(PtxRaces, a_cta_does_not_see_its_predecessor) {
  Snippet s = exchange("bar.sync 0;");
  s.grid = {50, 1, 1};
  EXPECT_EQ(fault_of(s), "");
  // CTA 0 wrote the tile; in CTA 1 it is new.
  s.body = "setp.ne.u32 %p1, %cta, 0; @%p1 bra READ; st.shared.u32 [tile], 1;\nREAD:\nld.shared.u32 %r1, [tile];";
  s.block = {1, 1, 1};
  s.grid = {2, 1, 1};
  EXPECT_THAT(fault_of(s), HasSubstr("uninitialised: shared byte 0 was never written, in thread (0,0,0), CTA (1,0,0)"));
}

TEST(PtxRaces, ldmatrix_reads_for_four_lanes) {
  // Even a row that the addressing lane wrote itself reaches others: a barrier is needed.
  const auto load = [](const std::string& between) {
    return Snippet{
        .body =
            "shl.b32 %r1, %tid, 4; mov.u32 %r3, tile; add.u32 %r1, %r1, %r3;\n"
            "st.shared.v4.u32 [%r1], {%tid, %tid, %tid, %tid};\n" +
            between +
            "\nldmatrix.sync.aligned.m8n8.x4.shared.b16 {%r4, %r5, %r6, %r7}, [%r1];\nst.global.u32 [%at], %r5;",
        .around = kTile};
  };
  EXPECT_EQ(fault_of(load("bar.warp.sync 0xffffffff;")), "");
  EXPECT_THAT(
      fault_of(load("")),
      HasSubstr(
          "ldmatrix.sync.aligned.m8n8.x4.shared.b16: race on shared byte 0: thread (0,0,0) wrote it at line 8 and no "
          "barrier lies between, in thread (1,0,0)"));
}

TEST(PtxRaces, can_be_left_out) {
  Snippet s = exchange("");
  s.options.checks = {.races = false, .uninitialised = true};
  EXPECT_EQ(fault_of(s), "");
}

TEST(PtxBounds, names_the_allocation_and_the_thread) {
  EXPECT_EQ(
      fault_of({.body = "mad.wide.u32 %d1, %tid, 16, %out;\nst.global.u32 [%d1], %tid;"}),
      "k.ptx:7: st.global.u32: out of bounds: 4 bytes at 0x200000300, 0 bytes behind the end of \"out\" (256 bytes), "
      "in thread (16,0,0), CTA (0,0,0)");
  EXPECT_THAT(fault_of({.body = "ld.global.u32 %r1, [%out+-4];"}), HasSubstr("4 bytes before \"out\""));
  EXPECT_THAT(fault_of({.body = "ld.global.u32 %r1, [0];"}), HasSubstr("in no allocation"));
  EXPECT_THAT(fault_of({.body = "ld.global.v4.u32 {%r1, %r2, %r3, %r4}, [%in+8];"}),
              HasSubstr("misaligned: global address 0x200000008 is no multiple of 16"));
  EXPECT_THAT(fault_of({.body = "st.shared.u64 [tile+1020], %out;", .around = kTile}),
              HasSubstr("misaligned: shared address"));
  EXPECT_THAT(fault_of({.body = "st.shared.u32 [tile+1024], %r1;", .around = kTile}),
              HasSubstr("out of bounds: 4 bytes at shared address 1024, the CTA has 1024 bytes"));
  EXPECT_THAT(fault_of({.body = ".local .align 4 .b8 own[8]; st.local.u32 [own+16], %r1;"}),
              HasSubstr("out of bounds: 4 bytes at local address 16, a thread has 16 bytes"));
}

TEST(PtxBounds, dynamic_shared_memory_lies_behind_the_declared) {
  Snippet s{
      .body = "mov.u32 %r1, dyn; st.global.u32 [%at], %r1; setp.eq.u32 %p1, %tid, 0; @%p1 st.shared.u32 [dyn+60], 5;",
      .around = ".shared .align 4 .b8 fixed[20];\n.extern .shared .align 16 .b8 dyn[];\n",
      .dynamic_shared = 64};
  EXPECT_EQ(test::run(s).out[0], 32U);
  s.dynamic_shared = 32;
  EXPECT_THAT(fault_of(s), HasSubstr("out of bounds: 4 bytes at shared address 92, the CTA has 64 bytes"));
}

TEST(PtxUninitialised, bytes_that_nobody_wrote_are_not_read) {
  EXPECT_THAT(fault_of({.body = "ld.shared.u32 %r1, [tile+8];", .around = kTile}),
              HasSubstr("shared byte 8 was never written"));
  EXPECT_THAT(fault_of({.body = ".local .align 4 .b8 own[16]; st.local.u16 [own], %s1; ld.local.u32 %r1, [own];"}),
              HasSubstr("uninitialised: local byte 2 was never written"));
  Snippet s{.body = "ld.shared.u32 %r1, [tile+8];", .around = kTile};
  s.options.checks.uninitialised = false;
  EXPECT_EQ(fault_of(s), "");
  // Global memory, which the host has not written.
  const ptx::Module m = ptx::parse_module(
      ".version 9.0\n.target sm_75\n.address_size 64\n.entry k(.param .u64 a) { .reg .b64 %a; .reg .b16 %s; "
      "ld.param.u64 %a, [a]; "
      "st.global.u8 [%a+1], 5; ld.global.u16 %s, [%a]; }",
      "k.ptx");
  ptx::Memory memory;
  const std::uint64_t a = memory.allocate(4, "scratch");
  ptx::Launch launch{.kernel = "k", .args = std::vector<std::byte>(8)};
  std::memcpy(launch.args.data(), &a, 8);
  try {
    ptx::run(m, launch, memory);
    FAIL() << "no fault";
  } catch (const ptx::Fault& f) {
    EXPECT_THAT(f.what(), HasSubstr("uninitialised: byte 0 of \"scratch\" was never written"));
  }
  std::vector<std::byte> two(2);
  EXPECT_EQ(test::error_of([&] { memory.read(a, two); }), "reading \"scratch\": byte 0 of 4 was never written");
  memory.read(a + 1, std::span(two).first(1));
  EXPECT_EQ(two[0], std::byte{5});
}

TEST(PtxDivergence, collectives_want_everyone_they_name) {
  const std::string half = "setp.lt.u32 %p1, %tid, 16; @%p1 bra LOW;\n";
  EXPECT_EQ(fault_of({.body = half + "LOW: shfl.sync.bfly.b32 %r1, %tid, 1, 31, -1;"}), "") << "they meet again at LOW";
  EXPECT_THAT(fault_of({.body = half + "bra END;\nLOW: shfl.sync.bfly.b32 %r1, %tid, 1, 31, -1;\nEND:"}),
              HasSubstr("the member mask 0xffffffff names lanes 16-31 of warp 0, which do not stand here"));
  EXPECT_EQ(fault_of({.body = half + "bra END;\nLOW: shfl.sync.bfly.b32 %r1, %tid, 1, 31, 0xffff;\nEND:"}), "");
  EXPECT_THAT(
      fault_of({.body = "setp.eq.u32 %p1, %tid, 3; @%p1 bra END;\nmma.sync.aligned.m8n8k16.row.col.s32.s8.s8.s32 "
                        "{%r1, %r2}, {%r3}, {%r4}, {%r5, %r6};\nEND:"}),
      HasSubstr("divergence: all 32 threads of warp 0 must stand here, missing: lane 3"));
  EXPECT_THAT(fault_of({.body = half + "bar.sync 0;\nLOW:"}),
              HasSubstr("every thread of warp 0 must stand here, missing: lanes 0-15"));
}

TEST(PtxDeadlock, is_seen_and_described) {
  const Snippet two{.body = "setp.lt.u32 %p1, %tid, 32; @%p1 bra LOW;\nbar.sync 1;\nbra END;\nLOW: bar.sync 2;\nEND:",
                    .block = {64, 1, 1}};
  EXPECT_EQ(fault_of(two),
            "k.ptx:9: bar.sync: deadlock: warp 0 waits at barrier 2 (line 9), warp 1 waits at barrier 1 (line 7), "
            "CTA (0,0,0)");
  const Snippet gone{.body = "setp.lt.u32 %p1, %tid, 32; @%p1 bra END;\nbar.sync 1, 64;\nEND:", .block = {64, 1, 1}};
  EXPECT_THAT(fault_of(gone), HasSubstr("deadlock: warp 0 has exited, warp 1 waits at barrier 1"));
  // Without a number, a barrier waits for those that are still there.
  const Snippet plain{.body = "setp.lt.u32 %p1, %tid, 32; @%p1 bra END;\nbar.sync 1;\nEND:", .block = {64, 1, 1}};
  EXPECT_EQ(fault_of(plain), "");
}

TEST(PtxFaults, runaways_traps_and_divisions_by_zero_stop_the_launch) {
  Snippet s{.body = "L: bra.uni L;"};
  s.options.max_instructions = 1000;
  EXPECT_EQ(fault_of(s), "k.ptx:6: bra.uni: runaway: the warp has executed 1000 instructions, CTA (0,0,0)");
  EXPECT_THAT(fault_of({.body = "setp.eq.u32 %p1, %tid, 9; @%p1 trap;"}), HasSubstr("thread (9,0,0)"));
  EXPECT_THAT(fault_of({.body = "div.u32 %r1, 100, %tid;"}), HasSubstr("division by zero"));
  EXPECT_EQ(fault_of({.body = "setp.ne.u32 %p1, %tid, 0; @%p1 div.u32 %r1, 100, %tid;"}), "");
}

TEST(PtxFaults, the_first_cta_in_the_grid_is_reported_whatever_the_threads) {
  for (int threads : {1, 2, 4}) {
    Snippet s{.body = "setp.ge.u32 %p1, %cta, 37; @%p1 st.global.u32 [0], %cta;", .grid = {200, 1, 1}};
    s.options.threads = threads;
    EXPECT_THAT(fault_of(s), HasSubstr("CTA (37,0,0)"));
  }
}

}  // namespace
}  // namespace obz
