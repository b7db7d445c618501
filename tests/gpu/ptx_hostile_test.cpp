// Modules that ask for too much or lie about themselves: each gives one sentence, at once and in little memory.
#include <chrono>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "gpu/ptx/launch.hpp"
#include "ref/base/error.hpp"
#include "tests/gpu/ptx_snippet.hpp"

namespace obz {
namespace {

using test::error_of;
using ::testing::HasSubstr;
using ::testing::StartsWith;

const std::string kHead = ".version 9.0\n.target sm_75\n.address_size 64\n";

ptx::Module parse(const std::string& text) { return ptx::parse_module(kHead + text, "a.ptx"); }

std::string refusal_of(const std::string& text) {
  return error_of([&] {
    const ptx::Module m = parse(text);
    const std::string& refusal = ptx::kernel_info(m, "k").refusal;
    if (!refusal.empty()) throw Error(refusal);
  });
}

TEST(PtxHostile, a_call_passes_what_the_function_takes) {
  const std::string f = ".func (.param .b32 r) f(.param .b32 a)\n{\nst.param.b32 [r], 1;\nret;\n}\n";
  const auto call = [&](const std::string& lists) {
    return refusal_of(f +
                      ".entry g(.param .b64 a)\n{\nret;\n}\n.entry k()\n{\n.param .b32 p, q;\n.param .b8 s[400];\n" +
                      lists + "\nret;\n}\n");
  };
  EXPECT_EQ(call("call.uni (q), f, (p);"), "");
  EXPECT_EQ(call("call.uni (q), f, (p, p, p);"), "a.ptx:17: call.uni: expected 1 parameters of f, got 3");
  EXPECT_EQ(call("call.uni f, (p);"), "a.ptx:17: call.uni: expected 1 results of f, got 0");
  EXPECT_EQ(call("call.uni (q), f, (s);"),
            "a.ptx:17: call.uni: f: expected 4 bytes as number 0 of its parameters, got 400");
  EXPECT_EQ(call("call.uni g;"), "a.ptx:17: call.uni: expected a function, no kernel, got g");
}

TEST(PtxHostile, registers_are_scalars_of_at_most_64_bits) {
  EXPECT_EQ(refusal_of(".entry k()\n{\n.reg .b128 %q;\n.reg .pred %p;\nisspacep.shared %p, %q;\nret;\n}\n"),
            "a.ptx:6: expected registers of at most 64 bits, got .b128");
  EXPECT_EQ(refusal_of(".entry k()\n{\n.reg .b32 %r[3];\nret;\n}\n"),
            "a.ptx:6: expected a register, got an array of them");
  EXPECT_EQ(refusal_of(".global .b128 g[2] = {1, 2};\n.entry k()\n{\nret;\n}\n"),
            "a.ptx:4: expected no numbers for elements of 128 bits");
}

TEST(PtxHostile, offsets_wrap_instead_of_reaching_outside) {
  const auto load = [](const std::string& offset) {
    return refusal_of(".entry k(.param .u64 x)\n{\n.reg .b64 %d;\nld.param.u64 %d, [x" + offset + "];\nret;\n}\n");
  };
  EXPECT_EQ(load("+0"), "");
  for (const char* offset : {"+8", "+-8", "+9223372036854775800", "+-9223372036854775808"}) {
    EXPECT_THAT(load(offset), HasSubstr("expected an address inside the 8 bytes of parameters")) << offset;
  }
}

TEST(PtxHostile, only_the_version_has_a_point) {
  EXPECT_EQ(refusal_of(".entry k()\n{\n.reg .b32 %r;\nmov.u32 %r, 7.9;\nret;\n}\n"),
            "a.ptx:7: expected an integer of 64 bits, got 7.9");
}

TEST(PtxHostile, a_function_may_hide_a_shared_variable_of_the_module) {
  EXPECT_EQ(refusal_of(".shared .align 4 .b8 t[64];\n.func f()\n{\n.shared .b8 t[4];\nret;\n}\n"
                       ".entry k()\n{\nst.shared.u32 [t], 1;\nret;\n}\n"),
            "");
}

TEST(PtxHostile, thread_limits_cannot_wrap) {
  const auto limit = [](const std::string& n) { return refusal_of(".entry k()\n.maxntid " + n + "\n{\nret;\n}\n"); };
  EXPECT_EQ(limit("32, 32, 1"), "");
  EXPECT_EQ(limit("4294967296, 4294967296"), "a.ptx:5: expected 1 to 1024 threads, got 1 x 4294967296");
  EXPECT_EQ(limit("64, 32"), "a.ptx:6: expected 1 to 1024 threads, got 64 x 32");
  EXPECT_EQ(limit("0"), "a.ptx:6: expected 1 to 1024 threads, got 0");
}

TEST(PtxHostile, a_refusal_is_found_behind_calls_in_a_circle) {
  const std::string declared = ".func a();\n.func b();\n.func c();\n";
  const std::string circle =
      ".func a()\n{\ncall b;\nret;\n}\n.func b()\n{\ncall a;\ncall c;\nret;\n}\n"
      ".func c()\n{\n.reg .f32 %f;\nadd.f32 %f, %f, %f;\nret;\n}\n";
  for (const char* first : {"a", "b"}) {
    EXPECT_THAT(refusal_of(declared + circle + fmt::format(".entry other()\n{{\ncall {};\nret;\n}}\n", first) +
                           ".entry k()\n{\ncall a;\nret;\n}\n"),
                HasSubstr("add.f32"));
  }
}

TEST(PtxHostile, large_modules_are_read_or_refused_at_once) {
  const auto repeat = [](int n, const auto& line) {
    std::string text;
    for (int i = 0; i < n; ++i) text += line(i);
    return text;
  };
  const std::string end = ".entry k()\n{\nret;\n}\n";
  const std::string calls = repeat(40, [](int i) {
    return fmt::format(
        ".func a{0}()\n{{\ncall a{1};\ncall b{1};\nret;\n}}\n.func b{0}()\n{{\ncall a{1};\ncall b{1};\n"
        "ret;\n}}\n",
        i, i + 1);
  });
  const std::string chain =
      repeat(5000, [](int i) { return fmt::format(".func c{}()\n{{\ncall c{};\n}}\n", i, i + 1); });
  const std::pair<std::string, std::string> cases[] = {
      // what each of forty functions calls doubles at each level
      {".func a40()\n{\nret;\n}\n.func b40()\n{\nret;\n}\n" + calls + ".entry k()\n{\ncall a0;\nret;\n}\n", ""},
      {".func c5000()\n{\nret;\n}\n" + chain + ".entry k()\n{\ncall c0;\nret;\n}\n", "expected at most 1000 calls"},
      {repeat(20, [](int i) { return fmt::format(".entry k{}()\n{{\n.reg .b64 %r<100000>;\n}}\n", i); }) + end,
       "expected at most 500000 registers"},
      {".entry k()\n{\n.reg .b32 %r<4000000000>;\nret;\n}\n", "expected at most 100000 registers, got 4000000000"},
      {".shared .b8 x[4000000000];\n" + end, "expected at most 2^30 bytes"},
      {repeat(3, [](int i) { return fmt::format(".global .b8 x{}[1000000000];\n", i); }) + end,
       "expected at most 2^30 bytes of .global and .const variables"},
      {repeat(10000, [](int i) { return fmt::format(".global .b8 x{}[4];\n", i); }) + end, ""},
      {".entry k()\n{\n" + repeat(20000, [](int i) { return fmt::format("membar.x{};\n", i); }) + "ret;\n}\n", ""},
      {".entry k()\n{\n.reg .b32 %r;\nt: .branchtargets " + repeat(5000, [](int) { return "L, "; }) + "L;\n" +
           repeat(5000, [](int) { return "brx.idx %r, t;\n"; }) + "L: ret;\n}\n",
       "expected at most 1000000 targets"},
      {".entry k()\n{\nmov.u32 %r, " + std::string(1'000'000, '9') + ";\n}\n", "expected an integer of 64 bits"},
  };
  for (const auto& [text, sentence] : cases) {
    const auto start = std::chrono::steady_clock::now();
    const std::string got = refusal_of(text);
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
    EXPECT_LT(took.count(), 10.0) << text.substr(0, 60);
    EXPECT_LT(got.size(), 1100U);
    if (sentence.empty()) {
      EXPECT_EQ(got, "");
    } else {
      EXPECT_THAT(got, StartsWith("a.ptx:"));
      EXPECT_THAT(got, HasSubstr(sentence));
    }
  }
}

TEST(PtxHostile, local_memory_is_the_same_on_every_run_when_its_check_is_off) {
  // The first block leaves a word behind; the second reads what it never wrote.
  test::Snippet s{.body =
                      ".local .align 4 .b8 l[16];\nsetp.eq.u32 %p1, %cta, 0;\n@%p1 st.local.u32 [l], 77;\n"
                      "@%p1 bra D;\nld.local.u32 %r1, [l];\nst.global.u32 [%at], %r1;\nD: ret;",
                  .grid = {2, 1, 1}};
  EXPECT_THAT(test::fault_of(s), HasSubstr("uninitialised: local byte 0"));
  s.options.checks.uninitialised = false;
  EXPECT_EQ(test::run(s).out[3], 0U);
}

}  // namespace
}  // namespace obz
