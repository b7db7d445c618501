// The registers of rtl/obz_sequencer.sv, obz_fetch.sv, obz_issue.sv and obz_drain.sv, without their data: those stand
// in the scratchpads and are looked up when they matter. Names as in the RTL.
#pragma once

#include <array>
#include <cstdint>

namespace obz::sim {

struct SequencerState {
  enum Phase : std::uint8_t { idle, table, setup, multiply, drain };
  Phase state = idle;
  unsigned count = 0, arriving_n = 0, last_m = 0, last_n = 0, slot = 0, first_n = 0;
  bool arriving = false, started = false;
  unsigned first_word = 0, words = 0, chunks = 0;
  std::array<unsigned, 8> w_base{};
};

/// Where a window of input pixels begins.
struct Slot {
  bool valid = false;
  std::int32_t base = 0, top = 0, left = 0;
  std::uint32_t y = 0;
};

/// A kernel position and a word of its pixels.
struct Chunk {
  unsigned kh = 0, kw = 0, word = 0;
};

struct FetchState {
  std::array<Slot, 64> slots{};
  Slot next;  ///< what the next set-up slot is
  std::uint32_t pixels_left = 0;
  unsigned ow = 0, oh = 0;
  std::int32_t image = 0, row = 0;

  bool active = false;
  unsigned buffer = 0, slot = 0;
  Chunk chunk;
  std::array<Chunk, 2> held{};  ///< of each buffer
  bool arriving = false, arriving_ends = false;
  unsigned arriving_buffer = 0;
  std::array<bool, 2> full{};
};

struct IssueState {
  bool active = false, first = false, fresh = false;
  unsigned buffer = 0, m = 0, n = 0, tile = 0, chunk = 0;
  std::array<bool, 8> waiting{};
};

struct DrainState {
  bool active = false, reading = false;
  unsigned m = 0, n = 0, tile = 0, row = 0;
  unsigned parameters = 0;  ///< tile of channels whose word was read
  bool taken = false, taken_last = false, last = false, kept = false;
  std::array<std::int32_t, 8> acc{}, out{};
  std::uint32_t taken_addr = 0, addr = 0;
};

}  // namespace obz::sim
