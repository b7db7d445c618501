// The program around the traced layer unit, as text: reads job.bin (job_file.hpp), writes waves.fst and result.txt.
// Behind a generated opening that includes the model and defines kPorts and set_ports.
#pragma once

namespace obz::rtl {

inline constexpr const char* kTraceDriverSource = R"cpp(
#include <cstdint>
#include <cstdio>
#include <cstdlib>

  double sc_time_stamp() { return 0; }

  namespace {

  constexpr std::uint64_t kHalf = 5;  // ns: a cycle is 10 ns, its rising edge in the middle

  std::vector<std::uint32_t> read_all(const char* path) {
    std::vector<std::uint32_t> words;
    std::FILE* f = std::fopen(path, "rb");
    if (f == nullptr) std::exit(70);
    std::uint32_t chunk[4096];
    for (std::size_t n; (n = std::fread(chunk, 4, 4096, f)) > 0;) words.insert(words.end(), chunk, chunk + n);
    std::fclose(f);
    return words;
  }

  struct Bench {
    Vobz_layer_trace& top;
    VerilatedFstC& waves;
    std::uint64_t time = 0;
    bool dumping = false;
    long long cycles = 0, writes = 0, mismatches = 0;
    long long first_cycle = -1, first_time = 0, first_program = 0, first_bit = 0;

    void low() {
      top.clk_i = 0;
      top.eval();
    }
    void high() {
      if (dumping) waves.dump(time);
      top.clk_i = 1;
      top.eval();
      if (dumping) waves.dump(time + kHalf);
      if (dumping) time += 2 * kHalf;
    }
    const std::uint32_t* load(int space, std::size_t count, int words, const std::uint32_t* from) {
      for (std::size_t i = 0; i < count; ++i) {
        top.load_i = 1;
        top.load_space_i = space;
        top.load_addr_i = i;
        for (int k = 0; k < words; ++k) top.load_data_i[k] = *from++;
        low();
        high();
      }
      top.load_i = 0;
      return from;
    }
    void compare(const std::uint32_t* y, long long cycle, int program) {
      ++writes;
      for (int bit = 0; bit < 256; ++bit) {
        if ((top.write_enable_o >> (bit / 8) & 1) == 0) continue;
        const std::uint32_t differ = top.write_data_o[bit / 32] ^ y[top.write_addr_o / 4 + bit / 32];
        if ((differ >> (bit % 32) & 1) == 0) continue;
        top.marker_i = 1;
        top.eval();
        if (mismatches++ > 0) return;
        first_cycle = cycle;
        first_time = static_cast<long long>(time);
        first_program = program;
        first_bit = 8LL * top.write_addr_o + bit;
        return;
      }
    }
    const std::uint32_t* run(const std::uint32_t* at, int program) {
      const std::size_t x = at[0], w = at[1], tiles = at[2], y = at[3];
      at += 4;
      set_ports(top, at);
      at += kPorts;
      for (int k = 0; k < 4; ++k) top.pad_word_i[k] = *at++;
      top.recipe_i = at[0] | static_cast<std::uint64_t>(at[1]) << 32;
      at += 2;
      top.program_i = program;
      at = load(0, x, 4, at);
      at = load(1, w, 32, at);
      at = load(2, tiles, 60, at);
      dumping = true;
      top.start_i = 1;
      low();
      high();
      top.start_i = 0;
      for (long long cycle = 0;; ++cycle, ++cycles) {
        top.marker_i = 0;
        low();
        if (!top.busy_o) break;
        if (top.write_o) compare(at, cycle, program);
        high();
      }
      high();
      dumping = false;
      return at + 8 * y;
    }
  };

  }  // namespace

  int main() {
    const std::vector<std::uint32_t> job = read_all("job.bin");
    if (job.size() < 3 || job[0] != kMagic || job[1] != kVersion) return 71;
    VerilatedContext context;
    context.traceEverOn(true);
    Vobz_layer_trace top{&context};
    VerilatedFstC waves;
    top.trace(&waves, 99);
    waves.set_time_unit("1ns");  // else picoseconds
    waves.set_time_resolution("1ns");
    waves.open("waves.fst");
    Bench bench{top, waves};
    top.rst_ni = 0;
    top.load_i = top.start_i = top.unload_i = top.marker_i = 0;
    top.write_ready_i = 1;
    bench.low();
    bench.high();
    top.rst_ni = 1;
    const std::uint32_t* at = job.data() + 3;
    for (std::uint32_t p = 0; p < job[2]; ++p) at = bench.run(at, static_cast<int>(p));
    waves.close();
    std::FILE* f = std::fopen("result.txt", "w");
    if (f == nullptr) return 72;
    std::fprintf(f, "%lld %lld %lld %lld %lld %lld %lld\n", bench.cycles, bench.writes, bench.mismatches,
                 bench.first_cycle, bench.first_time, bench.first_program, bench.first_bit);
    return std::fclose(f) == 0 ? 0 : 73;
  }
)cpp";

}  // namespace obz::rtl
