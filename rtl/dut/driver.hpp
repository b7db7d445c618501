// The program around a Verilated unit, as text: records of 32-bit words on stdin, records on stdout. What goes wrong is
// a sentence in failure.txt. Behind a generated opening that includes the model and says how wide records are and how
// the unit is clocked.
#pragma once

namespace obz::rtl {

inline constexpr const char* kDriverSource = R"cpp(
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <string>
#include <vector>

#include <unistd.h>

  namespace {

  [[noreturn]] void fail(const std::string& sentence) {
    if (std::FILE* f = std::fopen("failure.txt", "w")) {
      std::fputs(sentence.c_str(), f);
      std::fclose(f);
    }
    std::_Exit(70);
  }

  std::FILE* g_out;  // records; what the RTL prints goes to stderr
  long g_answers = 0;

  void answer(const Vobz_dut_wrapper& top) {
    std::uint32_t words[kOutWords];
    for (int i = 0; i < kOutWords; ++i) words[i] = top.out_o[i];
    if (std::fwrite(words, sizeof words, 1, g_out) != 1) std::_Exit(71);
    ++g_answers;
  }

  void apply(Vobz_dut_wrapper& top, const std::uint32_t* words) {
    for (int i = 0; i < kInWords; ++i) top.in_i[i] = words[i];
  }

  struct Clocked {
    Vobz_dut_wrapper& top;
    long cycle = 0;
    std::deque<long> due;  // the edge after which each case in flight answers; with valid_o: must have answered

    void edge() {
      top.clk_i = 0;
      top.eval();
      top.clk_i = 1;
      top.eval();
      ++cycle;
    }
    void collect() {
      if (kValidOut && top.valid_o) {
        if (due.empty()) fail("an output is valid after answer " + std::to_string(g_answers) + ", where no case waits");
        due.pop_front();
        answer(top);
      } else if (!kValidOut && !due.empty() && due.front() == cycle) {
        due.pop_front();
        answer(top);
      }
      if (!due.empty() && due.front() < cycle) {
        fail("no valid output for case " + std::to_string(g_answers) + " within " + std::to_string(kLatency) + " cycles");
      }
    }
    void reset() {
      top.rst_i = 0;
      top.clk_i = 0;
      top.eval();
      top.rst_i = 1;
      for (int i = 0; i < 3; ++i) edge();
      top.clk_i = 0;
      top.eval();
      top.rst_i = 0;
      top.eval();
    }
    void feed(const std::uint32_t* words) {
      apply(top, words);
      top.valid_i = 1;
      due.push_back(cycle + kLatency);
      for (long i = 0; i < kInterval; ++i) {
        edge();
        top.valid_i = 0;
        collect();
      }
    }
    void finish() {
      while (!due.empty()) {
        edge();
        collect();
      }
    }
  };

  }  // namespace

  void vl_finish(const char* file, int line, const char*) {
    fail("the RTL called $finish in line " + std::to_string(line));
  }
  void vl_stop(const char* file, int line, const char*) {
    fail("the RTL stopped ($stop, $error or a failed assertion) in line " + std::to_string(line));
  }
  void vl_fatal(const char* file, int line, const char*, const char* message) {
    fail("the simulation failed in line " + std::to_string(line) + ": " + (message ? message : ""));
  }

  int main() {
    g_out = ::fdopen(::dup(1), "wb");
    ::dup2(2, 1);
    static char buffer[1 << 16];
    std::setvbuf(g_out, buffer, _IOFBF, sizeof buffer);
    VerilatedContext context;
    Vobz_dut_wrapper top{&context};
    std::memset(&top.in_i, 0, sizeof(std::uint32_t) * kInWords);
    top.clk_i = 0;
    top.rst_i = 0;
    top.valid_i = 0;
    Clocked clocked{top};
    if (kClocked) clocked.reset();
    std::uint32_t words[kInWords];
    while (std::fread(words, sizeof words, 1, stdin) == 1) {
      if (kClocked) {
        clocked.feed(words);
      } else {
        apply(top, words);
        top.eval();
        answer(top);
      }
    }
    if (kClocked) clocked.finish();
    if (std::fclose(g_out) != 0) return 72;
    std::_Exit(0);
  }
)cpp";

}  // namespace obz::rtl
