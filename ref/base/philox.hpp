// Random numbers that belong to a case, not to a sequence: Philox 4x32-10 (Salmon et al., SC'11) through Random123.
// Case i under a seed is the same bytes on any machine, in any order, with any number of threads.
#pragma once

#include <cstdint>

#include <Random123/philox.h>

namespace obz {

/// The draws of one case. `purpose` separates independent uses of one case number.
class CaseRandom {
 public:
  CaseRandom(std::uint64_t seed, std::uint64_t index, std::uint32_t purpose = 0) noexcept
      : key_{{static_cast<std::uint32_t>(seed), static_cast<std::uint32_t>(seed >> 32)}},
        counter_{{static_cast<std::uint32_t>(index), static_cast<std::uint32_t>(index >> 32), purpose, 0}} {}

  std::uint32_t bits32() noexcept {
    if (used_ == 4) {
      block_ = r123::Philox4x32()(counter_, key_);
      ++counter_.v[3];
      used_ = 0;
    }
    return block_.v[used_++];
  }
  std::uint64_t bits64() noexcept {
    const std::uint64_t high = bits32();
    return high << 32 | bits32();
  }

  /// Uniform in lo..hi (both included, hi - lo < 2^63): multiply-shift on 64 bits, bias below 2^-32 for narrow ranges.
  std::int64_t between(std::int64_t lo, std::int64_t hi) noexcept {
    const std::uint64_t span = static_cast<std::uint64_t>(hi) - static_cast<std::uint64_t>(lo) + 1;
    __extension__ using Wide = unsigned __int128;
    const auto scaled = static_cast<std::uint64_t>((static_cast<Wide>(bits64()) * span) >> 64);
    return static_cast<std::int64_t>(static_cast<std::uint64_t>(lo) + scaled);
  }

  /// One in `n`.
  bool one_in(std::uint32_t n) noexcept { return bits32() % n == 0; }

 private:
  r123::Philox4x32::key_type key_;
  r123::Philox4x32::ctr_type counter_;
  r123::Philox4x32::ctr_type block_{};
  unsigned used_ = 4;
};

}  // namespace obz
