// Control flow: predicates, branches that part a warp and meet again, brx.idx, calls, barriers that reduce. That lanes
// meet again where the arms of a branch join is more than the ISA says; structured code relies on it, so it is claimed
// here.
#include "tests/gpu/opcodes/typed.hpp"

namespace obz::opcodes {
namespace {

Words mixed() {
  Words all = words<u32>(53);
  for (Word i = 0; i < 32; ++i) all.push_back(i);
  return all;
}

Word steps_to_one(Word x) {
  Word steps = 0;
  for (; x != 1; ++steps) x = x % 2 ? 3 * x + 1 : x / 2;
  return steps;
}

}  // namespace

OPCODES(a_guard_keeps_an_instruction_from_having_effects) {
  return {{R"(mov.u32 %d0, 7;
  mov.u32 %d1, 7;
  @%a0 mov.u32 %d0, %a1;
  @!%a0 mov.u32 %d1, %a1;
  @%a0 st.global.u32 [%out+16], %a1;
  @!%a0 ld.global.u32 %d1, [%in+8];
  mov.pred %d3, %a0;
  @%a0 setp.eq.u32 %d3, %a1, 0;)",
           "pr", "rrmp", every({{0, 1}, mixed()}, [](const Words& in) {
             return in[0] ? Words{in[1], 7, in[1], in[1] == 0} : Words{7, in[1], 0, 0};
           })}};
}

OPCODES(arms_of_a_branch_meet_again) {
  return {{R"(mov.u32 %d0, 0;
  and.b32 %t0, %a0, 1;
  setp.eq.s32 %p0, %t0, 0;
  @%p0 bra EVEN;
  add.s32 %d0, %d0, 100;
  and.b32 %t1, %a0, 2;
  setp.ne.s32 %p1, %t1, 0;
  @!%p1 bra JOIN;
  add.s32 %d0, %d0, 1000;
  bra.uni JOIN;
EVEN:
  shr.u32 %t2, %a0, 2;
  add.s32 %d0, %d0, %t2;
JOIN:
  add.s32 %d0, %d0, 1;
  activemask.b32 %d1;)",
           "r", "rr", every({mixed()}, [](const Words& in) {
             const Word a = in[0];
             return Words{a % 2 == 0 ? a / 4 + 1 : a & 2 ? 1101u : 101u, 0xFFFFFFFF};
           })}};
}

OPCODES(a_loop_runs_as_often_as_each_lane_asks) {
  return {{R"(mov.u32 %t0, %a0;
  mov.u32 %d0, 0;
  setp.eq.s32 %p0, %t0, 1;
  @%p0 bra OUT;
AGAIN:
  and.b32 %t1, %t0, 1;
  setp.eq.u32 %p1, %t1, 1;
  @%p1 mad.lo.u32 %t0, %t0, 3, 1;
  @!%p1 shr.u32 %t0, %t0, 1;
  add.s32 %d0, %d0, 1;
  setp.ne.s32 %p0, %t0, 1;
  @%p0 bra AGAIN;
OUT:
  vote.sync.ballot.b32 %d1, 1, 0xFFFFFFFF;)",
           "r", "rr", [] {
             Words numbers;
             for (Word i = 1; i <= 96; ++i) numbers.push_back(i);
             return every({numbers}, [](const Words& in) { return Words{steps_to_one(in[0]), 0xFFFFFFFF}; });
           }()}};
}

OPCODES(brx_idx_jumps_by_a_table) {
  return {{R"(and.b32 %t0, %a0, 3;
  mov.u32 %d0, 1;
ts: .branchtargets L0, L1, L2, L1;
  brx.idx %t0, ts;
L0:
  add.s32 %d0, %d0, 10;
L1:
  add.s32 %d0, %d0, 100;
  bra.uni L3;
L2:
  mov.u32 %d0, %a0;
L3:
  add.s32 %d0, %d0, 1000;)",
           "r", "r", every({mixed()}, [](const Words& in) {
             const Word base = (in[0] & 3) == 0 ? 111 : (in[0] & 3) == 2 ? in[0] : 101;
             return Words{low<u32>(Wide(base + 1000))};
           })}};
}

OPCODES(calls_pass_and_return_values) {
  const std::string around = R"(.func (.param .b32 result) weigh(.param .b32 first, .param .b64 second)
{
  .reg .b32 %r<4>;
  .reg .b64 %rd<2>;
  .reg .pred %p;
  ld.param.u32 %r0, [first];
  ld.param.u64 %rd0, [second];
  cvt.u32.u64 %r1, %rd0;
  setp.lt.u32 %p, %r0, %r1;
  @%p bra LESS;
  mad.lo.s32 %r2, %r0, 3, %r1;
  st.param.b32 [result], %r2;
  ret;
LESS:
  sub.s32 %r2, %r1, %r0;
  st.param.b32 [result], %r2;
  ret;
}
.func (.param .b32 result) twice(.param .b32 first)
{
  .reg .b32 %r<4>;
  .reg .b64 %rd<2>;
  ld.param.u32 %r0, [first];
  mov.u64 %rd0, 1000;
  {
  .param .b32 param0;
  st.param.b32 [param0], %r0;
  .param .b64 param1;
  st.param.b64 [param1], %rd0;
  .param .b32 retval0;
  call.uni (retval0), weigh, (param0, param1);
  ld.param.b32 %r1, [retval0];
  }
  shl.b32 %r1, %r1, 1;
  st.param.b32 [result], %r1;
  ret;
})";
  const auto weigh = [](Word a, Word b) { return low<u32>(a < b ? Wide(b - a) : Wide(3 * a + b)); };
  return {{R"(cvt.u64.u32 %w0, %a1;
  {
  .param .b32 param0;
  st.param.b32 [param0], %a0;
  .param .b64 param1;
  st.param.b64 [param1], %w0;
  .param .b32 retval0;
  call.uni (retval0), weigh, (param0, param1);
  ld.param.b32 %d0, [retval0];
  }
  mov.u32 %d1, 5;
  setp.gt.u32 %p0, %a0, 16;
  @%p0 bra SKIP;
  {
  .param .b32 param0;
  st.param.b32 [param0+0], %a0;
  .param .b32 retval0;
  call (retval0), twice, (param0);
  ld.param.b32 %d1, [retval0+0];
  }
SKIP:
  activemask.b32 %d2;)",
           "rr", "rrr",
           every({mixed(), mixed()},
                 [=](const Words& in) {
                   const Word second = in[0] > 16 ? 5 : low<u32>(Wide(2 * weigh(in[0], 1000)));
                   return Words{weigh(in[0], in[1]), second, 0xFFFFFFFF};
                 }),
           around}};
}

OPCODES(bar_red_combines_the_predicates_of_the_cta) {
  std::vector<Words> inputs;
  for (Word warp = 0; warp < 20; ++warp) {
    for (Word lane = 0; lane < 32; ++lane)
      inputs.push_back({Word{warp == 1 || (warp > 1 && (lane * 7 + warp) % warp == 0)}});
  }
  return {
      {"bar.red.popc.u32 %d0, 0, %a0; bar.red.and.pred %d1, 0, %a0; bar.red.or.pred %d2, 1, %a0; "
       "bar.red.popc.u32 %d3, 0, !%a0; barrier.sync 2; barrier.sync.aligned 3, 32; "
       "membar.cta; membar.gl; fence.acq_rel.gpu; fence.sc.cta; nanosleep.u32 5; bar.warp.sync 0xFFFFFFFF;",
       "p", "rppr", warps(inputs, [](const std::vector<Words>& in) {
         Word set = 0;
         for (const Words& lane : in) set += lane[0];
         return std::vector<Words>(32, {set, set == 32, set > 0, 32 - set});
       })}};
}

OPCODES(registers_are_declared_singly_numbered_and_in_scopes) {
  return {{R"(.reg .b32 x<2>, %y<3>, z;
  mov.u32 x0, %a0;
  add.u32 x1, x0, 1;
  {
  .reg .b32 x0;
  .reg .pred q;
  mov.u32 x0, 7;
  add.u32 %y2, x0, x1;
  }
  mov.b32 z, x0;
  add.u32 %d0, z, %y2;)",
           "r", "r", every({mixed()}, [](const Words& in) { return Words{low<u32>(Wide(2 * in[0] + 8))}; })}};
}

OPCODES(exit_ends_some_lanes_and_the_others_go_on) {
  return {{R"(st.global.u32 [%out], %a0;
  setp.lt.u32 %p0, %lane, 9;
  @%p0 exit;
  bar.warp.sync 0xFFFFFE00;
  activemask.b32 %t0;
  st.global.u32 [%out+8], %t0;)",
           "r", "mm", warps(std::vector<Words>(32, {3}), [](const std::vector<Words>& in) {
             std::vector<Words> want;
             for (std::size_t lane = 0; lane < in.size(); ++lane) want.push_back({3, lane < 9 ? 0 : 0xFFFFFE00u});
             return want;
           })}};
}

}  // namespace obz::opcodes
