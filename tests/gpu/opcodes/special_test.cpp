// Special registers: PTX ISA, "Special Registers". Of those that only count (%clock) and of what a machine is free to
// choose (%smid) nothing is claimed.
#include "tests/gpu/opcodes/typed.hpp"

namespace obz::opcodes {
namespace {

const std::vector<std::string> kNames = {"tid.x",       "tid.y",       "tid.z",       "ntid.x",     "ntid.y",
                                         "ntid.z",      "ctaid.x",     "ctaid.y",     "ctaid.z",    "nctaid.x",
                                         "nctaid.y",    "nctaid.z",    "laneid",      "warpid",     "lanemask_eq",
                                         "lanemask_lt", "lanemask_le", "lanemask_gt", "lanemask_ge"};

/// Each thread stores kNames behind its number, which goes x fastest through block and grid.
std::string reader() {
  std::string text = R"(.version 8.0
.target sm_75
.address_size 64
.visible .entry k(.param .u64 p_in, .param .u64 p_out) {
  .reg .b32 %r<12>;
  .reg .b64 %rd<4>;
  ld.param.u64 %rd0, [p_out];
  cvta.to.global.u64 %rd0, %rd0;
  mov.u32 %r0, %ctaid.z;
  mov.u32 %r1, %nctaid.y;
  mov.u32 %r2, %ctaid.y;
  mad.lo.s32 %r0, %r0, %r1, %r2;
  mov.u32 %r1, %nctaid.x;
  mov.u32 %r2, %ctaid.x;
  mad.lo.s32 %r0, %r0, %r1, %r2;
  mov.u32 %r1, %ntid.z;
  mov.u32 %r2, %tid.z;
  mad.lo.s32 %r0, %r0, %r1, %r2;
  mov.u32 %r1, %ntid.y;
  mov.u32 %r2, %tid.y;
  mad.lo.s32 %r0, %r0, %r1, %r2;
  mov.u32 %r1, %ntid.x;
  mov.u32 %r2, %tid.x;
  mad.lo.s32 %r0, %r0, %r1, %r2;
)";
  text += fmt::format("  mul.wide.u32 %rd1, %r0, {};\n  add.s64 %rd0, %rd0, %rd1;\n", 8 * kNames.size());
  for (std::size_t i = 0; i < kNames.size(); ++i) {
    text += fmt::format("  mov.u32 %r3, %{};\n  st.global.u32 [%rd0+{}], %r3;\n", kNames[i], 8 * i);
  }
  return text + "  ret;\n}\n";
}

const bool reader_listed = (modules().push_back(reader), true);

}  // namespace

TEST(Opcodes, special_registers_say_where_a_thread_is) {
  ASSERT_TRUE(reader_listed);
  const ptx::Dim3 grid = {3, 2, 4}, block = {5, 4, 3};  // 60 threads: the second warp has 28
  const Words got = run_words(reader(), "k", grid, block, {}, grid.count() * block.count() * kNames.size());
  std::size_t at = 0;
  for (std::uint64_t cta = 0; cta < grid.count(); ++cta) {
    for (std::uint64_t thread = 0; thread < block.count(); ++thread, at += kNames.size()) {
      const Word lane = thread % 32, bit = Word{1} << lane, all = 0xFFFFFFFF;
      const Words want = {thread % 5,
                          thread / 5 % 4,
                          thread / 20,
                          5,
                          4,
                          3,
                          cta % 3,
                          cta / 3 % 2,
                          cta / 6,
                          3,
                          2,
                          4,
                          lane,
                          thread / 32,
                          bit,
                          bit - 1,
                          bit | (bit - 1),
                          all & ~(bit | (bit - 1)),
                          all & ~(bit - 1)};
      const Words one(got.begin() + static_cast<std::ptrdiff_t>(at),
                      got.begin() + static_cast<std::ptrdiff_t>(at + kNames.size()));
      ASSERT_EQ(one, want) << "cta " << cta << " thread " << thread;
    }
  }
}

}  // namespace obz::opcodes
