#include "ref/execute/fast/epilogue.hpp"

#include <algorithm>

namespace obz::fast {
namespace {

/// Lanes of one panel; `ok` false when a channel refuses.
RequantLanes lanes_of(const Requant& r, RequantForm form, const Accumulator& a, std::span<const ChannelSum> sums,
                      std::int64_t first, bool& ok) {
  RequantLanes lanes;
  lanes.form = form;
  lanes.rounding = r.recipe.rounding;
  ok = true;
  for (std::size_t i = 0; i < sums.size(); ++i) {
    const auto lane = static_cast<std::int64_t>(i);
    const std::uint64_t bound = accumulator_bound(sums[i].largest, a);
    ok = ok && fill_lane(lanes, lane, r.recipe, r.channel(first + lane), bound);
  }
  return lanes;
}

/// From so many rows on, proving the stairs pays within a few runs.
constexpr std::int64_t kStairsRows = 48;

/// `lanes` is untouched where a channel refuses.
void replace_by_stairs(const Requant& r, const Accumulator& a, std::span<const ChannelSum> sums, std::int64_t first,
                       RequantLanes& lanes) {
  RequantLanes stairs;
  stairs.form = RequantForm::stairs;
  for (std::size_t i = 0; i < sums.size(); ++i) {
    const auto lane = static_cast<std::int64_t>(i);
    const std::uint64_t bound = accumulator_bound(sums[i].largest, a);
    if (!fill_stairs(stairs, lane, r.recipe, r.channel(first + lane), bound)) return;
  }
  lanes = stairs;
}

}  // namespace

Epilogue::Epilogue(const PanelMap& map, SumMode mode, std::span<const ChannelSum> sums, Accumulator accumulator,
                   Requant requant, std::int64_t rows)
    : map_(map), mode_(mode), accumulator_(accumulator), requant_(std::move(requant)) {
  const std::int64_t register_top =
      accumulator.bits >= 64 ? INT64_MAX : (std::int64_t{1} << (accumulator.bits - 1)) - 1;
  for (const ChannelSum& s : sums) {
    narrows_ = narrows_ || s.largest > static_cast<std::uint64_t>(register_top);
    wide_starts_.push_back(s.start);
  }
  // A register that is exact never changes a value; one of 32 bits that wraps is the lane itself.
  narrows_ =
      narrows_ && accumulator.overflow != Overflow::exact && !(mode == SumMode::modular && accumulator.bits == 32);
  const auto form = mode == SumMode::wide ? std::nullopt : vector_form(requant_.recipe);
  for (std::int64_t p = 0; p < map.count(); ++p) {
    const std::int64_t first = map.first_channel(p), width = map.width(p);
    std::array<std::int32_t, kPanel>& start = starts_.emplace_back();
    for (std::int64_t c = 0; c < width && mode != SumMode::wide; ++c) {
      start[static_cast<std::size_t>(c)] =
          static_cast<std::int32_t>(wrap(wide_starts_[static_cast<std::size_t>(first + c)], 32));
    }
    bool ok = false;
    if (form) {
      const auto part = sums.subspan(static_cast<std::size_t>(first), static_cast<std::size_t>(width));
      lanes_.push_back(lanes_of(requant_, *form, accumulator, part, first, ok));
      if (ok && rows >= kStairsRows) replace_by_stairs(requant_, accumulator, part, first, lanes_.back());
    }
    is_vector_.push_back(ok);
  }
}

bool Epilogue::is_vector() const { return std::find(is_vector_.begin(), is_vector_.end(), false) == is_vector_.end(); }

void Epilogue::narrow(std::int32_t* tile, std::int64_t rows) const {
  if (!narrows_) return;
  for (std::int64_t i = 0; i < rows * kPanel; ++i) tile[i] = static_cast<std::int32_t>(accumulator_(tile[i]));
}

bool Epilogue::finish_bytes(std::int64_t panel, std::int32_t* tile, std::int64_t rows, std::int32_t base,
                            std::uint8_t* const* to) const {
  const auto index = static_cast<std::size_t>(panel);
  if (!is_vector_[index] || lanes_[index].form != RequantForm::stairs) return false;
  narrow(tile, rows);
  const std::int64_t first = map_.first_channel(panel), width = map_.width(panel);
  if (width == kPanel) {
    stairs_to_bytes(lanes_[index], tile, rows, base, to, first);
    return true;
  }
  constexpr std::int64_t most = 64;  // rows at a time; they are written whole, and only their channels kept
  std::uint8_t whole[most * kPanel];
  std::uint8_t* buffer[most];
  for (std::int64_t r = 0; r < most; ++r) buffer[r] = whole + r * kPanel;
  for (std::int64_t r = 0; r < rows; r += most) {
    const std::int64_t count = std::min(most, rows - r);
    stairs_to_bytes(lanes_[index], tile + r * kPanel, count, base, buffer, 0);
    for (std::int64_t i = 0; i < count; ++i) std::copy_n(buffer[i], width, to[r + i] + first);
  }
  return true;
}

void Epilogue::finish(std::int64_t panel, std::int32_t* tile, std::int64_t rows) const {
  narrow(tile, rows);
  const auto index = static_cast<std::size_t>(panel);
  if (is_vector_[index] && requantize_tile(lanes_[index], tile, rows)) return;
  const std::int64_t first = map_.first_channel(panel), width = map_.width(panel);
  for (std::int64_t r = 0; r < rows; ++r) {
    for (std::int64_t c = 0; c < width; ++c) tile[r * kPanel + c] = requant_(tile[r * kPanel + c], first + c);
  }
}

void Epilogue::finish_wide(std::int64_t panel, const std::int64_t* sums, std::int32_t* tile, std::int64_t rows) const {
  const std::int64_t first = map_.first_channel(panel), width = map_.width(panel);
  for (std::int64_t r = 0; r < rows; ++r) {
    for (std::int64_t c = 0; c < width; ++c) {
      const std::int64_t sum = sums[r * kPanel + c] + wide_starts_[static_cast<std::size_t>(first + c)];
      tile[r * kPanel + c] = requant_(accumulator_(sum), first + c);
    }
  }
}

}  // namespace obz::fast
