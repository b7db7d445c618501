// Who last touched each byte of a CTA's shared memory, and whether a barrier lies between that and now.
//
// Every warp access gets a number, rising over the whole run. A byte remembers its last writer (access number, lane)
// and per warp its last reader. Barriers make orders known: `known[w][v]` is the time up to which warp w knows warp v's
// accesses. Two accesses of a byte by different threads, one of them a write, must be ordered; else they race,
// whatever order they happened to run in here.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <vector>

namespace obz::ptx {

/// An earlier access that the current one is not ordered behind, or a byte that nobody wrote.
struct SharedProblem {
  enum class Kind : std::uint8_t { unwritten, race_with_write, race_with_read } kind;
  std::uint32_t byte = 0;
  std::uint32_t lane = 0;  ///< of the current access
  std::uint32_t other_warp = 0, other_lane = 0, other_line = 0;
  bool several = false;  ///< other_lane is one of several lanes of that warp
};

class SharedShadow {
 public:
  /// For a CTA of that many warps and bytes; what earlier CTAs did is forgotten.
  void begin(std::uint32_t warps, std::uint32_t bytes);

  /// A warp's next access. `strong`: races with none of its like (atomics, volatile).
  void access(std::uint32_t warp, std::uint32_t line, bool strong);

  /// Parts of that access, 1 to 16 bytes each.
  std::optional<SharedProblem> read(std::uint32_t lane, std::uint32_t at, std::uint32_t bytes);
  std::optional<SharedProblem> write(std::uint32_t lane, std::uint32_t at, std::uint32_t bytes);
  /// 16 bytes at an address that `lane` gave and four lanes receive: ldmatrix.
  std::optional<SharedProblem> read_row(std::uint32_t lane, std::uint32_t at);

  /// __syncwarp.
  void sync_warp(std::uint32_t warp);

  /// What arrivals at one barrier know together.
  struct Gathered {
    std::array<std::uint32_t, 32> known{};
    std::uint32_t arrived = 0;  ///< warps
  };
  void arrive(std::uint32_t warp, Gathered& barrier);
  /// `warp` goes on behind the barrier at which `barrier` gathered.
  void leave(std::uint32_t warp, const Gathered& barrier);

  /// The warp has exited: nobody asks for its order any more, its accesses stay.
  void retire(std::uint32_t warp);

  bool check_races = true, check_unwritten = true;

 private:
  struct Access {
    std::uint32_t time, line;
    std::uint16_t warp;
    bool strong;
  };
  // A stamp: number << 6 | several lanes << 5 | lane. Numbers below `first_` are of earlier CTAs.
  static constexpr std::uint32_t kSeveral = 32;

  template <std::uint32_t kBytes>
  std::optional<SharedProblem> write_bytes(std::uint32_t lane, std::uint32_t at);
  template <std::uint32_t kBytes>
  std::optional<SharedProblem> read_bytes(std::uint32_t lane, std::uint32_t at);
  bool ordered(std::uint32_t stamp, std::uint32_t lane) const;
  SharedProblem problem(SharedProblem::Kind kind, std::uint32_t stamp, std::uint32_t byte, std::uint32_t lane) const;
  std::optional<SharedProblem> explain_read(std::uint32_t lane, std::uint32_t at, std::uint32_t bytes) const;
  void tick();
  void raise_floor(std::uint32_t warp);
  void renumber();

  std::vector<std::uint32_t> writer_;               ///< per byte
  std::vector<std::vector<std::uint32_t>> reader_;  ///< per warp and byte
  std::vector<std::uint32_t> latest_reader_;        ///< per byte: the newest of those; most writes ask no further
  std::vector<Access> accesses_;                    ///< from number base_ on
  std::vector<std::uint32_t> first_at_;             ///< the first number at each time
  std::array<std::array<std::uint32_t, 32>, 32> known_{};
  std::array<std::uint32_t, 32> last_time_{};  ///< of a warp's latest access
  std::array<std::uint32_t, 32> floor_{};      ///< per warp: all accesses below this number are ordered
  std::uint32_t warps_ = 0, retired_ = 0;
  std::uint32_t time_ = 0, next_ = 1, base_ = 1, first_ = 1;

  // Of the current access.
  std::uint32_t warp_ = 0, number_ = 0, own_first_ = 0;
  bool strong_ = false;
};

}  // namespace obz::ptx
