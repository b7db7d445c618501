// The tables can fail: a wrong word, a fault and a text that is no PTX are all noticed.
#include "tests/gpu/opcodes/harness.hpp"

#include <gtest/gtest-spi.h>

namespace obz::opcodes {
namespace {

Cases wrong_word() { return {{"add.u32 %d0, %a0, %a1;", "rr", "r", {{{2, 3}, {5}}, {{2, 3}, {6}}}}}; }
Cases missing_store() { return {{"", "r", "m", {{{2}, {2}}}}}; }
Cases fault() { return {{"ld.global.u32 %d0, [%in+0x1000000];", "r", "r", {{{2}, {2}}}}}; }
Cases no_ptx() { return {{"add.u32 %d0, %a0;", "r", "r", {{{2}, {2}}}}}; }

}  // namespace

TEST(Opcodes, a_wrong_table_is_noticed) {
  EXPECT_NONFATAL_FAILURE(expect_all(wrong_word()), "");
  EXPECT_NONFATAL_FAILURE(expect_all(missing_store()), "");
  EXPECT_NONFATAL_FAILURE(expect_all(fault()), "snippet.ptx");
  EXPECT_NONFATAL_FAILURE(expect_all(no_ptx()), "snippet.ptx");
}

}  // namespace obz::opcodes
