// A kernel around a few lines of PTX, and the words it leaves behind.
#pragma once

#include <cstdint>
#include <cstring>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "gpu/ptx/launch.hpp"

namespace obz::test {

struct Snippet {
  std::string body;         ///< %out: the output array; %in: the input array; %tid: threadIdx.x; %cta: blockIdx.x
  std::string around = {};  ///< declarations in front of the kernel
  ptx::Dim3 grid = {}, block = {32, 1, 1};
  std::vector<std::uint32_t> in = std::vector<std::uint32_t>(64, 0);
  std::size_t out_words = 64;  ///< 0 at the start
  std::uint32_t dynamic_shared = 0;
  ptx::Options options = {.threads = 1};
};

struct Outcome {
  std::vector<std::uint32_t> out;
  ptx::Counters counters;
};

/// Registers for every snippet: %p<8>, %s<8> (.b16), %r<32>, %d<16> (.b64).
inline std::string module_text(const Snippet& s) {
  // All on one line: the body starts at line 6, or behind as many more as `around` has.
  const std::string prologue =
      "{ .reg .pred %p<8>; .reg .b16 %s<8>; .reg .b32 %r<32>, %tid, %cta; .reg .b64 %d<16>, %out, %in, %at; "
      "ld.param.u64 %out, [k_out]; ld.param.u64 %in, [k_in]; mov.u32 %tid, %tid.x; mov.u32 %cta, %ctaid.x; "
      "mad.wide.u32 %at, %tid, 4, %out;\n";  // %at: where the thread stores its word
  return ".version 9.0\n.target sm_75\n.address_size 64\n" + s.around +
         "\n.visible .entry k(.param .u64 k_out, .param .u64 k_in) " + prologue + s.body + "\nret;\n}\n";
}

inline Outcome run(const Snippet& s) {
  const ptx::Module module = ptx::parse_module(module_text(s), "k.ptx");
  ptx::Memory memory;
  const std::uint64_t in = memory.allocate(s.in.size() * 4, "in"), out = memory.allocate(s.out_words * 4, "out");
  memory.write(in, std::as_bytes(std::span(s.in)));
  memory.fill(out, s.out_words * 4, std::byte{0});
  ptx::Launch launch{
      .kernel = "k", .grid = s.grid, .block = s.block, .dynamic_shared_bytes = s.dynamic_shared, .args = {}};
  launch.args.resize(16);
  std::memcpy(launch.args.data(), &out, 8);
  std::memcpy(launch.args.data() + 8, &in, 8);
  Outcome result;
  result.counters = ptx::run(module, launch, memory, s.options);
  result.out.resize(s.out_words);
  memory.read(out, std::as_writable_bytes(std::span(result.out)));
  return result;
}

/// The fault's sentence; "" when there was none.
inline std::string fault_of(const Snippet& s) {
  try {
    run(s);
  } catch (const ptx::Fault& f) {
    return f.what();
  }
  return "";
}

/// The sentence of an Error that is no fault.
inline std::string error_of(const std::function<void()>& f) {
  try {
    f();
  } catch (const Error& e) {
    return e.what();
  }
  return "";
}

}  // namespace obz::test
