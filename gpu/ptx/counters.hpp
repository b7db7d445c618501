// What a launch did, counted: instructions, bank conflicts, sectors. Sums over all warps; equal on every run.
#pragma once

#include <cstdint>
#include <map>
#include <string>

namespace obz::ptx {

/// One instruction of the text, or several that share a line.
struct LineCounters {
  std::string opcode;                     ///< with its modifiers
  std::uint64_t warp_instructions = 0;    ///< times a warp issued it, predicated off or not
  std::uint64_t lane_instructions = 0;    ///< threads that executed it
  std::uint64_t shared_passes = 0;        ///< passes over the banks
  std::uint64_t shared_extra_passes = 0;  ///< of them, those that bank conflicts cost
  std::uint64_t sectors = 0;              ///< global 32-byte sectors
};

struct Counters {
  std::uint64_t ctas = 0, warps = 0;
  std::uint64_t warp_instructions = 0, lane_instructions = 0;
  std::map<std::string, std::uint64_t> by_opcode;  ///< warp instructions, by opcode with modifiers
  std::map<std::string, std::uint64_t> mma;        ///< warp instructions, by "m8n8k16.s8.s8"
  std::uint64_t mma_macs = 0;                      ///< multiply-accumulates (b1: bit operations) of those

  std::uint64_t shared_loads = 0, shared_stores = 0, shared_atomics = 0;  ///< warp accesses; ldmatrix is a load
  std::uint64_t shared_passes = 0, shared_extra_passes = 0;

  std::uint64_t global_loads = 0, global_stores = 0, global_atomics = 0;  ///< warp accesses
  std::uint64_t sectors_read = 0, sectors_written = 0;  ///< 32 bytes each, counted per access; an atomic does both
  std::uint64_t bytes_read = 0, bytes_written = 0;      ///< asked for by threads

  std::uint64_t local_loads = 0, local_stores = 0;  ///< warp accesses
  std::uint64_t barriers = 0;                       ///< warp arrivals at bar.sync, .arrive and .red
  std::uint64_t divergent_branches = 0;             ///< branches whose threads parted

  std::map<std::uint32_t, LineCounters> by_line;  ///< lines of the PTX text, those that were executed

  Counters& operator+=(const Counters& other);
};

}  // namespace obz::ptx
