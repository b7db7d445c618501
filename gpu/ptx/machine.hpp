// What runs: one worker's machine with the CTA it is at, its warps and their frames.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "gpu/ptx/launch.hpp"
#include "gpu/ptx/program.hpp"
#include "gpu/ptx/shadow.hpp"

namespace obz::ptx {

inline constexpr std::uint32_t kAllLanes = ~std::uint32_t{0};
inline constexpr std::uint32_t kNoPc = ~std::uint32_t{0};

/// Memory whose start is 64-byte aligned, as rows want it; grows, never shrinks.
class RowMemory {
 public:
  std::byte* reserve(std::size_t bytes) {
    bytes = std::max(bytes, sizeof(Block));
    if (bytes > bytes_) {
      blocks_ = std::make_unique<Block[]>((bytes + sizeof(Block) - 1) / sizeof(Block));
      bytes_ = bytes;
    }
    return blocks_[0].bytes;
  }

 private:
  struct alignas(64) Block {
    std::byte bytes[64];
  };
  std::unique_ptr<Block[]> blocks_;
  std::size_t bytes_ = 0;
};

/// A function being executed by the lanes that called it together. The lanes whose next instruction comes first in the
/// text run (`active`); the others wait until it is theirs. Structured code reconverges so.
struct Frame {
  const Function* function = nullptr;
  std::byte* rows = nullptr;
  std::byte* params = nullptr;  ///< 32 x function->param_bytes
  std::uint8_t* params_written = nullptr;
  std::uint32_t pc = 0, active = 0;
  std::uint32_t waiting = 0, next_waiting = kNoPc;  ///< lanes elsewhere, and the first instruction of theirs
  std::array<std::uint32_t, 32> waiting_pc{};
  std::uint32_t returned = 0;    ///< lanes that wait for the others to return
  std::uint32_t local_base = 0;  ///< of this frame's .local variables
  RowMemory memory, param_memory;
};

enum class WarpState : std::uint8_t { ready, at_barrier, done };

struct Warp {
  std::uint32_t index = 0;
  std::uint32_t live = 0;   ///< lanes that have not exited
  std::uint32_t start = 0;  ///< lanes that exist
  std::uint32_t carry = 0;  ///< CC.CF per lane
  WarpState state = WarpState::ready;
  std::vector<std::unique_ptr<Frame>> frames;  ///< kept from CTA to CTA; `depth` of them are in use
  std::size_t depth = 0;
  std::vector<std::byte> local;  ///< 32 x Machine::local_bytes
  std::vector<std::uint8_t> local_written;
  std::uint64_t executed = 0;
  std::uint32_t barrier = 0;  ///< where it waits
  const Instr* barrier_instr = nullptr;

  Frame& frame() { return *frames[depth - 1]; }
};

struct Barrier {
  std::uint32_t threads = 0;     ///< that arrived
  std::uint32_t expected = 0;    ///< 0: all of the CTA
  std::uint32_t waiting = 0;     ///< warps
  std::uint32_t true_count = 0;  ///< .red: threads whose predicate held
  std::uint32_t voters = 0;
  SharedShadow::Gathered gathered;
};

/// Per instruction of the program.
struct Tally {
  std::uint64_t warps = 0, lanes = 0, passes = 0, extra_passes = 0, sectors = 0;
};

struct Machine {
  const Program* program = nullptr;
  const Function* kernel = nullptr;
  const Launch* launch = nullptr;
  const Options* options = nullptr;
  Memory* memory = nullptr;
  const std::vector<std::uint64_t>* variables = nullptr;

  Dim3 cta;
  std::vector<Warp> warps;
  std::vector<std::byte> shared;
  std::uint32_t shared_bytes = 0, local_bytes = 0;
  std::uint32_t dynamic_base = 0;  ///< where extern shared arrays start
  SharedShadow shadow;
  bool shadowed = false;  ///< any check of shared memory
  std::array<Barrier, 16> barriers{};
  std::vector<Tally> tallies;
  Counters totals;  ///< what the tallies do not hold

  // Of the warp that runs.
  Warp* warp = nullptr;
  Frame* frame = nullptr;
  const Allocation* last_allocation = nullptr;
  alignas(64) std::array<std::byte, 4 * 256> scratch{};
  std::array<std::uint64_t, 32> addresses{};
  bool has_addresses = false;

  std::byte* row(std::int32_t offset) const { return frame->rows + offset; }
  std::uint32_t& predicate(std::int32_t offset) const {
    return *reinterpret_cast<std::uint32_t*>(frame->rows + offset);
  }
  Tally& tally(const Instr& i) { return tallies[i.counter]; }
};

/// Where a fault happened: "FILE:LINE: opcode: " + sentence + ", thread (x,y,z), CTA (x,y,z)".
[[noreturn]] void fault(const Machine& m, const Instr& i, std::uint32_t lane, const std::string& sentence);
/// The same without a thread.
[[noreturn]] void fault(const Machine& m, const Instr& i, const std::string& sentence);

std::string thread_text(const Machine& m, std::uint32_t warp, std::uint32_t lane);
/// "lanes 0-15, 31".
std::string lanes_text(std::uint32_t mask);

/// Runs one CTA to its end.
void run_cta(Machine& m, Dim3 cta);

}  // namespace obz::ptx
