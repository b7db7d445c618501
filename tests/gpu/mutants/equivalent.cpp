#include "tests/gpu/mutants/equivalent.hpp"

#include <regex>

namespace obz::test {
namespace {

// Reasons. Each site below was read with what is around it; a text that changes needs a new look.
constexpr const char* kPositive = "the number is never negative: a thread, row, piece, tap offset or count";
constexpr const char* kByte = "the register holds a byte, an enumerator or a flag";
constexpr const char* kBit = "the operand was cut to one bit, a byte or a half before: its sign is 0";
constexpr const char* kCut = "what it changes is cut off by the next instructions";
constexpr const char* kNoSlice =
    "the sums of a depth without slices: there is none, and the loop begins with its own zeros";
constexpr const char* kPadding = "all four words of padding are the same";
constexpr const char* kNoLeft = "one stage: a shift is at least 0, so what is shifted left is not taken";
constexpr const char* kLeftByNothing =
    "two stages: what comes in fits in 32 bits, so narrowing it after a shift by 0 changes nothing";
constexpr const char* kBound = "at equality both answers are the bound";
constexpr const char* kGeneral = "a known recipe goes the general way, which gives the same";
constexpr const char* kFalse = "the other operand is false";
constexpr const char* kZero = "what lies beyond the channels is 0 already";
constexpr const char* kWays = "both ways to divide, by 32 bits and by 64, give the same";
constexpr const char* kChannels = "the interval that is asked next ends at the last channel, too";

constexpr Equivalent kEquivalents[] = {
    {"conv_s8_large", "shr.u32 %r1214, %r1213, 30; -> shr.u32 %r1214, %r1213, 31;", kPositive},
    {"conv_s8_large", "cvt.s64.s32 %rd19, %r1479; -> cvt.u64.u32 %rd19, %r1479;", kPositive},
    {"conv_s8_medium", "cvt.s64.s32 %rd4, %r456; -> cvt.u64.u32 %rd4, %r456;", kPositive},
    {"conv_s8_medium", "shr.u32 %r531, %r530, 30; -> shl.b32 %r531, %r530, 30;", kPositive},
    {"conv_s8_medium", "cvt.s64.s32 %rd346, %r704; -> cvt.u64.u32 %rd346, %r704;", kPositive},
    {"conv_s8_medium", "shr.s32 %r1262, %r1209, 2; -> shr.u32 %r1262, %r1209, 2;", kPositive},
    {"conv_s8_stem", "mul.wide.s32 %rd343, %r560, %r14; -> mul.wide.u32 %rd343, %r560, %r14;", kPositive},
    {"conv_s8_stem", "mul.wide.s32 %rd377, %r720, 16; -> mul.wide.u32 %rd377, %r720, 16;", kPositive},
    {"conv_s8_stem", "cvt.u64.u32 %rd104, %r1276; -> cvt.s64.s32 %rd104, %r1276;", kPositive},
    {"conv_u4_medium", "mul.wide.s32 %rd341, %r604, %r13; -> mul.wide.u32 %rd341, %r604, %r13;", kPositive},
    {"conv_s_2x2_medium", "shr.u32 %r881, %r11, 31; -> shr.s32 %r881, %r11, 31;", kPositive},
    {"conv_s_2x2_medium", "mul.wide.s32 %rd330, %r888, %r883; -> mul.wide.u32 %rd330, %r888, %r883;", kPositive},
    {"conv_s_2x2_medium", "shr.s32 %r1046, %r1044, 31; -> shr.s32 %r1046, %r1044, 32;", kPositive},
    {"conv_planes_2x1", "cvt.u64.u32 %rd377, %r2124; -> cvt.s64.s32 %rd377, %r2124;", kPositive},
    {"conv_planes_2x1", "mul.wide.s32 %rd382, %r525, 40; -> mul.wide.u32 %rd382, %r525, 40;", kPositive},
    {"add", "cvt.u64.u32 %rd258, %r138; -> cvt.s64.s32 %rd258, %r138;", kPositive},
    {"move", "cvt.u64.u32 %rd116, %r148; -> cvt.s64.s32 %rd116, %r148;", kPositive},
    {"move", "cvt.s64.s32 %rd25, %r133; -> cvt.u64.u32 %rd25, %r133;", kPositive},
    {"depthwise", "shr.s32 %r477, %r476, 31; -> shr.u32 %r477, %r476, 31;", kPositive},
    {"depthwise", "mul.wide.s32 %rd143, %r480, 8; -> mul.wide.u32 %rd143, %r480, 8;", kPositive},
    {"depthwise", "mul.wide.u32 %rd423, %r190, %r2; -> mul.wide.s32 %rd423, %r190, %r2;", kPositive},
    {"pair", "cvt.u64.u32 %rd118, %r185; -> cvt.s64.s32 %rd118, %r185;", kPositive},
    {"pair", "shr.u64 %rd174, %rd173, 30; -> shr.s64 %rd174, %rd173, 30;", kBit},
    {"pair", "ld.param.u8 %rs20, [%rd103+123]; -> ld.param.s8 %rs20, [%rd103+123];", kByte},
    {"pair", "neg.s32 %r323, %r308; -> not.b32 %r323, %r308;", kNoLeft},
    {"pair", "mul.wide.u32 %rd446, %r94, %r1; -> mul.wide.s32 %rd446, %r94, %r1;", kPositive},
    {"pair", "neg.s32 %r381, %r370; -> not.b32 %r381, %r370;", kNoLeft},
    {"pair", "setp.lt.s32 %p222, %r3, %r426; -> setp.le.s32 %p222, %r3, %r426;", kZero},
    {"lookup", "cvt.u32.u16 %r56, %rs3; -> cvt.s32.s16 %r56, %rs3;", kByte},
    {"lookup", "ld.param.u8 %rs6, [%rd1+-11]; -> ld.param.s8 %rs6, [%rd1+-11];", kByte},
    {"lookup", "ld.param.u8 %rs4, [%rd1+-11]; -> ld.param.s8 %rs4, [%rd1+-11];", kByte},
    {"lookup", "mul.wide.u32 %rd25, %r35, %r1; -> mul.wide.s32 %rd25, %r35, %r1;", kPositive},
    {"threshold", "ld.global.nc.u16 %rs5, [%rd3]; -> ld.global.nc.s16 %rs5, [%rd3];", kCut},
    {"threshold", "ld.param.u8 %rs4, [%rd1+-11]; -> ld.param.s8 %rs4, [%rd1+-11];", kByte},
    {"threshold", "shr.s32 %r227, %r226, 1; -> shr.u32 %r227, %r226, 1;", kPositive},
    {"softmax_rows", "cvt.u64.u32 %rd688, %r590; -> cvt.s64.s32 %rd688, %r590;", kCut},
    {"softmax_rows", "shr.u32 %r319, %r309, 8; -> shr.s32 %r319, %r309, 8;", kBit},
    {"softmax_rows", "shr.u32 %r410, %r409, 30; -> shr.s32 %r410, %r409, 30;", kBit},
    {"avg_pool", "setp.gt.u64 %p156, %rd372, 4294967295; -> setp.ge.u64 %p156, %rd372, 4294967295;", kWays},
    {"conv_s8_large", "cvt.u32.u16 %r3463, %rs123; -> cvt.s32.s16 %r3463, %rs123;", kByte},
    {"conv_u4_medium", "cvt.u32.u16 %r332, %rs119; -> cvt.s32.s16 %r332, %rs119;", kByte},
    {"conv_u4_medium", "cvt.u64.u32 %rd843, %r1468; -> cvt.s64.s32 %rd843, %r1468;", kByte},
    {"add", "cvt.u32.u16 %r607, %rs130; -> cvt.s32.s16 %r607, %rs130;", kByte},
    {"avg_pool", "cvt.u64.u32 %rd325, %r451; -> cvt.s64.s32 %rd325, %r451;", kByte},
    {"avg_pool", "ld.param.u8 %rs33, [%rd252+124]; -> ld.param.s8 %rs33, [%rd252+124];", kByte},
    {"avg_pool", "cvt.u32.u16 %r694, %rs111; -> cvt.s32.s16 %r694, %rs111;", kByte},
    {"conv_s8_medium", "shr.u64 %rd467, %rd466, 30; -> shr.s64 %rd467, %rd466, 30;", kBit},
    {"conv_u4_medium", "shr.u64 %rd529, %rd528, 30; -> shr.s64 %rd529, %rd528, 30;", kBit},
    {"depthwise", "shr.u32 %r365, %r359, 4; -> shr.s32 %r365, %r359, 4;", kBit},
    {"add", "shr.u64 %rd350, %rd349, 30; -> shr.s64 %rd350, %rd349, 30;", kBit},
    {"move", "shr.u32 %r243, %r239, %r242; -> shr.s32 %r243, %r239, %r242;", kBit},
    {"add", "cvt.u64.u32 %rd815, %r493; -> cvt.s64.s32 %rd815, %r493;", kCut},
    {"move", "ld.global.nc.u8 %r189, [%rd157]; -> ld.global.nc.s8 %r189, [%rd157];", kCut},
    {"move", "ld.global.nc.u8 %r365, [%rd331]; -> ld.global.nc.s8 %r365, [%rd331];", kCut},
    {"conv_s8_large", "mov.u32 %r3670, %r3885; ->", kNoSlice},
    {"conv_s_2x2_medium", "mov.u32 %r2655, %r2689; ->", kNoSlice},
    {"conv_s8_stem", "mov.u32 %r1613, %r1610; -> mov.u32 %r1613, %r1611;", kPadding},
    {"add", "neg.s32 %r339, %r324; -> not.b32 %r339, %r324;", kNoLeft},
    {"requantize_cases", "neg.s32 %r28, %r19; -> not.b32 %r28, %r19;", kNoLeft},
    {"avg_pool", "setp.lt.s32 %p392, %r637, 31; -> setp.le.s32 %p392, %r637, 31;", kLeftByNothing},
    {"requantize_cases", "setp.lt.s64 %p78, %rd85, %rd86; -> setp.le.s64 %p78, %rd85, %rd86;", kBound},
    {"requantize_cases", "@%p16 bra $L__BB0_4; ->", kGeneral},
    {"requantize_cases",
     "ld.param.v4.u8 {%rs9, %rs10, %rs11, %rs12}, [%rd1+4]; -> ld.param.v4.u8 {%rs10, %rs9, %rs11, %rs12}, [%rd1+4];",
     kGeneral},
    {"avg_pool", "xor.pred %p35, %p33, %p34; -> or.pred %p35, %p33, %p34;", kFalse},
    {"move", "setp.ge.s32 %p59, %r44, %r30; -> setp.gt.s32 %p59, %r44, %r30;", kChannels},
};

}  // namespace

std::span<const Equivalent> equivalents() { return kEquivalents; }

const Equivalent* equivalent(const KernelText& kernel, const Mutant& mutant) {
  static const std::regex blanks("[ \t]+"), last(" $");
  const std::string change = std::regex_replace(mutant.before + " -> " + mutant.after, blanks, " ");
  for (const Equivalent& e : kEquivalents) {
    if (kernel.kernel == e.kernel && std::regex_replace(change, last, "") == e.change) return &e;
  }
  return nullptr;
}

}  // namespace obz::test
