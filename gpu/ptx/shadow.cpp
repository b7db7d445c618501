#include "gpu/ptx/shadow.hpp"

#include <algorithm>

#include "ref/base/error.hpp"

namespace obz::ptx {
namespace {

constexpr std::uint32_t kRenumberAt = std::uint32_t{1} << 25;  ///< of 2^26 numbers a stamp holds
constexpr std::uint32_t kLast = (std::uint32_t{1} << 26) - 1;

}  // namespace

void SharedShadow::begin(std::uint32_t warps, std::uint32_t bytes) {
  warps_ = warps;
  retired_ = 0;
  if (next_ > kRenumberAt) {
    writer_.assign(writer_.size(), 0);
    for (auto& r : reader_) r.assign(r.size(), 0);
    latest_reader_.assign(latest_reader_.size(), 0);
    next_ = 1;
  }
  if (writer_.size() < bytes) writer_.resize(bytes, 0);
  if (latest_reader_.size() < bytes) latest_reader_.resize(bytes, 0);
  if (reader_.size() < warps) reader_.resize(warps);
  for (std::uint32_t w = 0; w < warps; ++w) {
    if (reader_[w].size() < bytes) reader_[w].resize(bytes, 0);
  }
  accesses_.clear();
  base_ = first_ = next_;
  time_ = 1;
  first_at_.assign(2, next_);
  // At the start nobody has done anything: time 1 is everyone's, and known to nobody but by barriers.
  for (auto& row : known_) row.fill(1);
  last_time_.fill(0);
  floor_.fill(next_);
}

void SharedShadow::access(std::uint32_t warp, std::uint32_t line, bool strong) {
  if (next_ >= kLast)
    throw Error("the race check holds 2^26 shared accesses between two barriers of all warps; run without it");
  warp_ = warp;
  number_ = next_++;
  strong_ = strong;
  own_first_ = first_at_[known_[warp][warp]] << 6;
  last_time_[warp] = time_;
  accesses_.push_back({time_, line, static_cast<std::uint16_t>(warp), strong});
}

bool SharedShadow::ordered(std::uint32_t stamp, std::uint32_t lane) const {
  const std::uint32_t number = stamp >> 6;
  if (number < floor_[warp_]) return true;
  const Access& a = accesses_[number - base_];
  if (a.time < known_[warp_][a.warp]) return true;
  if (a.warp == warp_ && (stamp & kSeveral) == 0 && (stamp & 31) == lane) return true;
  return a.strong && strong_;
}

SharedProblem SharedShadow::problem(SharedProblem::Kind kind, std::uint32_t stamp, std::uint32_t byte,
                                    std::uint32_t lane) const {
  SharedProblem p{.kind = kind, .byte = byte, .lane = lane};
  if (kind == SharedProblem::Kind::unwritten) return p;
  const Access& a = accesses_[(stamp >> 6) - base_];
  p.other_warp = a.warp;
  p.other_lane = stamp & 31;
  p.several = (stamp & kSeveral) != 0;
  p.other_line = a.line;
  return p;
}

std::optional<SharedProblem> SharedShadow::explain_read(std::uint32_t lane, std::uint32_t at,
                                                        std::uint32_t bytes) const {
  for (std::uint32_t k = at; k < at + bytes; ++k) {
    const std::uint32_t w = writer_[k];
    if (w < first_ << 6) {
      if (check_unwritten) return problem(SharedProblem::Kind::unwritten, w, k, lane);
    } else if (check_races && !ordered(w, lane)) {
      return problem(SharedProblem::Kind::race_with_write, w, k, lane);
    }
  }
  return std::nullopt;
}

template <std::uint32_t kBytes>
std::optional<SharedProblem> SharedShadow::read_bytes(std::uint32_t lane, std::uint32_t at) {
  // One comparison finds both: stamps before this CTA wrap to the top, stamps behind the floor are not small enough.
  const std::uint32_t first = first_ << 6, quiet = (floor_[warp_] << 6) - first;
  const std::uint32_t* const w = writer_.data() + at;
  std::uint32_t suspicious = 0;
  for (std::uint32_t k = 0; k < kBytes; ++k) suspicious |= static_cast<std::uint32_t>(w[k] - first >= quiet);
  if (suspicious != 0) {
    if (auto p = explain_read(lane, at, kBytes)) return p;
  }
  if (!check_races) return std::nullopt;
  std::uint32_t* const r = reader_[warp_].data() + at;
  const std::uint32_t mine = number_ << 6 | lane;
  for (std::uint32_t k = 0; k < kBytes; ++k) latest_reader_[at + k] = mine;
  for (std::uint32_t k = 0; k < kBytes; ++k) {
    const std::uint32_t old = r[k];
    const bool recent = old >= own_first_;
    if (strong_ && recent) continue;  // a plain read there says more
    r[k] = recent && ((old ^ mine) & 63) != 0 ? mine | kSeveral : mine;
  }
  return std::nullopt;
}

std::optional<SharedProblem> SharedShadow::read(std::uint32_t lane, std::uint32_t at, std::uint32_t bytes) {
  switch (bytes) {
    case 1: return read_bytes<1>(lane, at);
    case 2: return read_bytes<2>(lane, at);
    case 4: return read_bytes<4>(lane, at);
    case 8: return read_bytes<8>(lane, at);
    default: return read_bytes<16>(lane, at);
  }
}

std::optional<SharedProblem> SharedShadow::read_row(std::uint32_t lane, std::uint32_t at) {
  constexpr std::uint32_t bytes = 16;
  const std::uint32_t first = first_ << 6, quiet = (floor_[warp_] << 6) - first;
  const std::uint32_t* const w = writer_.data() + at;
  std::uint32_t suspicious = 0;
  for (std::uint32_t k = 0; k < bytes; ++k) suspicious |= static_cast<std::uint32_t>(w[k] - first >= quiet);
  if (suspicious != 0) {
    // Row r of a matrix reaches lanes 4r..4r+3: what one of them wrote itself is still not ordered for the others.
    for (std::uint32_t k = at; k < at + bytes; ++k) {
      const std::uint32_t receiver = 4 * (lane & 7);
      if (auto p = explain_read((writer_[k] & 31) == receiver ? receiver + 1 : receiver, k, 1)) return p;
    }
  }
  if (!check_races) return std::nullopt;
  std::uint32_t* const r = reader_[warp_].data() + at;
  const std::uint32_t mine = number_ << 6 | kSeveral | lane;
  std::uint32_t* const latest = latest_reader_.data() + at;
  for (std::uint32_t k = 0; k < bytes; ++k) r[k] = latest[k] = mine;
  return std::nullopt;
}

template <std::uint32_t kBytes>
std::optional<SharedProblem> SharedShadow::write_bytes(std::uint32_t lane, std::uint32_t at) {
  std::uint32_t* const w = writer_.data() + at;
  if (check_races) {
    const std::uint32_t quiet = floor_[warp_] << 6;
    std::uint32_t recent = 0;
    for (std::uint32_t k = 0; k < kBytes; ++k) recent |= static_cast<std::uint32_t>(w[k] >= quiet);
    for (std::uint32_t k = 0; recent != 0 && k < kBytes; ++k) {
      if (w[k] >= quiet && !ordered(w[k], lane)) {
        return problem(SharedProblem::Kind::race_with_write, w[k], at + k, lane);
      }
    }
    const std::uint32_t* const latest = latest_reader_.data() + at;
    recent = 0;
    for (std::uint32_t k = 0; k < kBytes; ++k) recent |= static_cast<std::uint32_t>(latest[k] >= quiet);
    for (std::uint32_t v = 0; recent != 0 && v < warps_; ++v) {
      const std::uint32_t* const r = reader_[v].data() + at;
      for (std::uint32_t k = 0; k < kBytes; ++k) {
        if (r[k] >= quiet && !ordered(r[k], lane)) {
          return problem(SharedProblem::Kind::race_with_read, r[k], at + k, lane);
        }
      }
    }
  }
  const std::uint32_t mine = number_ << 6 | lane;
  for (std::uint32_t k = 0; k < kBytes; ++k) w[k] = mine;
  return std::nullopt;
}

std::optional<SharedProblem> SharedShadow::write(std::uint32_t lane, std::uint32_t at, std::uint32_t bytes) {
  switch (bytes) {
    case 1: return write_bytes<1>(lane, at);
    case 2: return write_bytes<2>(lane, at);
    case 4: return write_bytes<4>(lane, at);
    case 8: return write_bytes<8>(lane, at);
    default: return write_bytes<16>(lane, at);
  }
}

void SharedShadow::tick() {
  ++time_;
  first_at_.push_back(next_);
}

void SharedShadow::sync_warp(std::uint32_t warp) {
  tick();
  known_[warp][warp] = time_;
  raise_floor(warp);
}

void SharedShadow::arrive(std::uint32_t warp, Gathered& barrier) {
  tick();
  // Its own later accesses are not part of what it brings, so its interval ends here.
  known_[warp][warp] = time_;
  for (std::uint32_t v = 0; v < warps_; ++v) barrier.known[v] = std::max(barrier.known[v], known_[warp][v]);
  barrier.arrived |= 1U << warp;
}

void SharedShadow::leave(std::uint32_t warp, const Gathered& barrier) {
  for (std::uint32_t v = 0; v < warps_; ++v) known_[warp][v] = std::max(known_[warp][v], barrier.known[v]);
  raise_floor(warp);
}

void SharedShadow::retire(std::uint32_t warp) { retired_ |= 1U << warp; }

/// Sets the number below which everything is ordered for `warp`; forgets accesses that are ordered for all.
void SharedShadow::raise_floor(std::uint32_t warp) {
  std::uint32_t floor = next_;
  for (std::uint32_t v = 0; v < warps_; ++v) {
    if (last_time_[v] >= known_[warp][v]) floor = std::min(floor, first_at_[known_[warp][v]]);
  }
  floor_[warp] = std::max(floor, base_);  // what was forgotten was ordered for all
  for (std::uint32_t v = 0; v < warps_; ++v) {
    if (floor_[v] != next_ && (retired_ >> v & 1) == 0) return;
  }
  accesses_.clear();
  base_ = next_;
  if (next_ > kRenumberAt) renumber();
}

/// Every access so far is ordered for all: only "written in this CTA" must survive.
void SharedShadow::renumber() {
  for (std::uint32_t& w : writer_) w = w >= first_ << 6 ? 1U << 6 : 0;
  for (auto& r : reader_) r.assign(r.size(), 0);
  latest_reader_.assign(latest_reader_.size(), 0);
  first_ = 1;
  next_ = base_ = 2;
  floor_.fill(2);
  for (std::uint32_t& n : first_at_) n = 2;
}

}  // namespace obz::ptx
