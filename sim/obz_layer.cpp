#include "sim/obz_layer.hpp"

#include <algorithm>
#include <cstring>

#include "ref/arith/apply.hpp"

namespace obz::sim {
namespace {

using accel::kTile;

Rows rows_of(const std::array<accel::Word128, kTile>& words) {
  Rows rows;
  static_assert(sizeof(rows.bytes) == sizeof(words));
  std::memcpy(rows.bytes.data(), words.data(), sizeof(words));
  return rows;
}

bool none(const std::array<bool, 8>& flags) {
  return std::none_of(flags.begin(), flags.end(), [](bool f) { return f; });
}

/// Tiles less one: of a block, or of what is left.
unsigned last_tile(unsigned left, unsigned block) { return std::min(left, block) - 1; }

unsigned pixel_tiles(std::uint32_t pixels) { return (pixels + kTile - 1) / kTile; }

/// obz_pack: eight lanes, repeated over 32 bytes, and the bytes that count.
struct Packed {
  Bytes32 word{};
  std::uint32_t enable = 0;
};

Packed pack(const std::array<std::int32_t, 8>& values, accel::Lane lane, unsigned offset) {
  const unsigned bits = 1U << std::min<unsigned>(lane, 5), bytes = bits;  // eight lanes
  Packed p;
  for (unsigned bit = 0; bit < 256; bit += bits) {
    const auto value = static_cast<std::uint32_t>(values[bit / bits % 8]);
    p.word.at[bit / 32] |= (bits == 32 ? value : value & ((1U << bits) - 1)) << (bit % 32);
  }
  p.enable = (bytes == 32 ? ~0U : (1U << bytes) - 1) << offset;
  return p;
}

}  // namespace

obz_layer::obz_layer(const sc_core::sc_module_name& name, const accel::Scratchpads& pads, const CoreTiming& timing)
    : sc_module(name), memories(pads), core_("u_core", timing) {
  core_.clk_i(clk_i);
  core_.rst_ni(rst_ni);
  core_.valid_i(core_valid_);
  core_.ready_o(core_ready_);
  core_.a_lane_i(a_lane_);
  core_.b_lane_i(b_lane_);
  core_.a_signed_i(a_signed_);
  core_.b_signed_i(b_signed_);
  core_.satfinite_i(satfinite_);
  core_.tag_i(tag_);
  core_.a_i(a_);
  core_.b_i(b_);
  core_.c_i(c_);
  core_.valid_o(result_o);
  core_.ready_i(always_);
  core_.tag_o(result_tile_o);
  core_.d_o(d_);
  SC_METHOD(clocked);
  sensitive << clk_i.pos() << rst_ni.neg();
  dont_initialize();
  SC_METHOD(settle_issue);
  sensitive << core_valid_ << core_ready_;
  SC_METHOD(show);
  sensitive << changed_;
}

void obz_layer::describe(const accel::LayerProgram& numbers) {
  numbers_ = numbers;
  numbers_.x.clear();
  numbers_.w.clear();
  numbers_.tiles.resize(numbers.tiles.size());
  changed_.notify(sc_core::SC_ZERO_TIME);
}

void obz_layer::settle_issue() { issue_o.write(core_valid_.read() && core_ready_.read()); }

bool obz_layer::wants_issue() const {
  return issue_.active && fetch_.full[issue_.buffer] && issue_.fresh && !issue_.waiting[issue_.tile];
}

Rows obz_layer::left_operand() const {
  const Chunk& c = fetch_.held[issue_.buffer];
  const auto kh = static_cast<std::int32_t>(c.kh), kw = static_cast<std::int32_t>(c.kw);
  std::array<accel::Word128, kTile> words;
  for (unsigned r = 0; r < kTile; ++r) {
    const Slot& slot = fetch_.slots[issue_.m * kTile + r];
    const std::int32_t ih = slot.top + kh * numbers_.dilation_h, iw = slot.left + kw * numbers_.dilation_w;
    const bool in_image = slot.valid && ih >= 0 && ih < numbers_.in_h && iw >= 0 && iw < numbers_.in_w;
    const std::int32_t at = slot.base + kh * numbers_.tap_h + kw * numbers_.tap_w +
                            static_cast<std::int32_t>(sequencer_.first_word + c.word);
    words[r] = in_image ? memories.x[static_cast<std::size_t>(at) % memories.x.size()] : numbers_.pad_word;
  }
  return rows_of(words);
}

Rows obz_layer::right_operand() const { return rows_of(memories.w[weights_read_ % memories.w.size()].columns); }

void obz_layer::reset() {
  sequencer_ = {};
  const FetchState kept = fetch_;
  fetch_ = {};
  fetch_.slots = kept.slots;
  fetch_.next = kept.next;
  fetch_.pixels_left = kept.pixels_left;
  fetch_.ow = kept.ow;
  fetch_.oh = kept.oh;
  fetch_.image = kept.image;
  fetch_.row = kept.row;
  issue_ = {};
  const DrainState drained = drain_;
  drain_ = {};
  drain_.acc = drained.acc;
  drain_.out = drained.out;
  drain_.taken_addr = drained.taken_addr;
  drain_.addr = drained.addr;
  drain_.parameters = drained.parameters;
  operands_stand_ = false;
}

void obz_layer::step_sequencer(const SequencerState& s, std::uint32_t pixels_left, bool idle, bool drained) {
  SequencerState& q = sequencer_;
  const auto tiles = static_cast<unsigned>(numbers_.tiles.size());
  const bool reads = s.state == SequencerState::table && s.count <= s.last_n;
  q.arriving = reads;
  q.arriving_n = s.count % 8;
  if (s.arriving) {
    const accel::TileParameters& entry = memories.tiles[s.first_n + s.arriving_n];
    q.w_base[s.arriving_n] = entry.w_base;
    if (s.arriving_n == 0) {
      q.first_word = entry.first_word;
      q.words = entry.words;
      q.chunks = entry.chunks;
    }
  }
  switch (s.state) {
    case SequencerState::idle:
      if (!start_i.read()) break;
      q.state = SequencerState::table;
      q.first_n = q.count = 0;
      q.last_n = last_tile(tiles, numbers_.block_n);
      break;
    case SequencerState::table:
      if (reads) {
        q.count = s.count + 1;
      } else if (!s.arriving) {
        q.state = SequencerState::setup;
        q.slot = 0;
        q.last_m = last_tile(pixel_tiles(pixels_left), numbers_.block_m);
      }
      break;
    case SequencerState::setup:
      q.slot = (s.slot + 1) % 64;
      if (s.slot == s.last_m * kTile + 7) {
        q.state = SequencerState::multiply;
        q.started = false;
      }
      break;
    case SequencerState::multiply:
      q.started = true;
      if (s.started && idle) {
        q.state = SequencerState::drain;
        q.started = false;
      }
      break;
    case SequencerState::drain:
      q.started = true;
      if (!drained) break;
      q.slot = 0;
      if (pixels_left != 0) {
        q.state = SequencerState::setup;
        q.last_m = last_tile(pixel_tiles(pixels_left), numbers_.block_m);
      } else if (tiles - 1 - s.first_n > s.last_n) {
        q.state = SequencerState::table;
        q.count = 0;
        q.first_n = s.first_n + s.last_n + 1;
        q.last_n = last_tile(tiles - q.first_n, numbers_.block_n);
      } else {
        q.state = SequencerState::idle;
      }
      break;
  }
}

void obz_layer::step_slots(const SequencerState& s, const FetchState& f) {
  FetchState& q = fetch_;
  const accel::LayerProgram& n = numbers_;
  if (s.state == SequencerState::table) {
    q.pixels_left = n.pixels;
    q.ow = q.oh = 0;
    q.image = q.row = n.origin;
    q.next = {.base = n.origin, .top = -n.pad_top, .left = -n.pad_left};
    return;
  }
  if (s.state != SequencerState::setup) return;
  q.slots[s.slot] = f.next;
  q.slots[s.slot].valid = f.pixels_left != 0;
  if (f.pixels_left == 0) return;
  q.pixels_left = f.pixels_left - 1;
  q.next.y = f.next.y + n.y_stride;
  if (f.ow != n.out_w - 1U) {
    q.ow = f.ow + 1;
    q.next.left = f.next.left + n.stride_w;
    q.next.base = f.next.base + n.step_w;
    return;
  }
  q.ow = 0;
  q.next.left = -n.pad_left;
  if (f.oh != n.out_h - 1U) {
    q.oh = f.oh + 1;
    q.next.top = f.next.top + n.stride_h;
    q.row = q.next.base = f.row + n.step_h;
  } else {
    q.oh = 0;
    q.next.top = -n.pad_top;
    q.image = q.row = q.next.base = f.image + n.step_n;
  }
}

void obz_layer::step_fetch(const SequencerState& s, const FetchState& f, const IssueState& i, bool accepted) {
  FetchState& q = fetch_;
  const bool taking = f.active && !f.full[f.buffer];
  const bool ends = f.slot == s.last_m * kTile + 7;
  q.arriving = taking;
  q.arriving_ends = ends;
  q.arriving_buffer = f.buffer;
  if (accepted && i.m == s.last_m && i.n == s.last_n) q.full[i.buffer] = false;
  if (f.arriving && f.arriving_ends) q.full[f.arriving_buffer] = true;

  if (s.state == SequencerState::multiply && !s.started) {
    q.active = true;
    q.buffer = q.slot = 0;
    q.chunk = {};
    return;
  }
  if (!taking) return;
  q.held[f.buffer] = f.chunk;
  q.slot = ends ? 0 : f.slot + 1;
  if (!ends) return;
  q.buffer = 1 - f.buffer;
  q.chunk.word = f.chunk.word + 1;
  if (q.chunk.word < s.words) return;
  q.chunk.word = 0;
  q.chunk.kw = f.chunk.kw + 1;
  if (q.chunk.kw < numbers_.kernel_w) return;
  q.chunk.kw = 0;
  q.chunk.kh = f.chunk.kh + 1;
  q.active = q.chunk.kh < numbers_.kernel_h;
}

void obz_layer::step_issue(const SequencerState& s, const IssueState& i, bool accepted) {
  IssueState& q = issue_;
  if (i.active && !i.fresh) weights_read_ = s.w_base[i.n] + i.chunk;
  q.fresh = i.active;
  if (result_o.read()) {
    q.waiting[result_tile_o.read()] = false;
    accumulators_[result_tile_o.read()] = d_.read();
  }
  if (s.state == SequencerState::multiply && !s.started) {
    const std::array<bool, 8> waiting = q.waiting;
    q = {.active = true, .first = true, .waiting = waiting};
    return;
  }
  if (!accepted) return;
  operands_stand_ = false;
  q.waiting[i.tile] = true;
  const bool m_ends = i.m == s.last_m, n_ends = i.n == s.last_n;
  q.m = m_ends ? 0 : i.m + 1;
  q.tile = m_ends && n_ends ? 0 : (i.tile + 1) % 8;
  if (!m_ends) return;
  q.fresh = false;
  q.n = n_ends ? 0 : i.n + 1;
  if (!n_ends) return;
  q.buffer = 1 - i.buffer;
  q.first = false;
  q.chunk = i.chunk + 1;
  q.active = q.chunk != s.chunks;
}

void obz_layer::step_drain(const SequencerState& s, const FetchState& f, const DrainState& d, bool go) {
  DrainState& q = drain_;
  if (d.active && d.reading && go) q.parameters = s.first_n + d.n;
  const bool stepping = d.active && !d.reading && go;
  const bool row_ends = d.row == 7, m_ends = d.m == s.last_m, n_ends = d.n == s.last_n;
  if (s.state == SequencerState::drain && !s.started) {
    q.active = q.reading = true;
    q.m = q.n = q.tile = q.row = 0;
  } else if (d.active && go) {
    q.reading = false;
    if (stepping) {
      q.row = (d.row + 1) % 8;
      if (row_ends) {
        q.tile = (d.tile + 1) % 8;
        q.m = m_ends ? 0 : d.m + 1;
        if (m_ends) {
          q.reading = true;
          q.n = d.n + 1;
          q.active = !n_ends;
        }
      }
    }
  }
  const Slot& slot = f.slots[d.m * kTile + d.row];
  if (go) {
    q.taken = stepping && slot.valid;
    q.taken_last = stepping && row_ends && m_ends && n_ends;
    q.kept = d.taken;
    q.last = d.taken_last;
  }
  if (stepping) {
    std::copy_n(accumulators_[d.tile].at.begin() + d.row * 8, 8, q.acc.begin());
    q.taken_addr = slot.y + ((s.first_n + d.n) << numbers_.y_lane);
  }
  if (go && d.taken) {
    const accel::TileParameters& parameters = memories.tiles[d.parameters];
    for (std::size_t c = 0; c < 8; ++c) {
      const std::int64_t acc = wrap(std::int64_t{d.acc[c]} + parameters.bias[c], 32);
      q.out[c] = static_cast<std::int32_t>(apply_recipe(acc, numbers_.recipe, parameters.channels[c]));
    }
    q.addr = d.taken_addr;
  }
}

void obz_layer::clocked() {
  if (!rst_ni.read()) {
    reset();
    changed_.notify(sc_core::SC_ZERO_TIME);
    return;
  }
  const SequencerState s = sequencer_;
  if (unload_i.read()) unload_data_o.write(memories.y[unload_addr_i.read() % memories.y.size()]);
  if (s.state == SequencerState::idle && !start_i.read() && !drain_.kept) return;  // nothing moves

  const bool go = !drain_.kept || write_ready_i.read();
  if (drain_.kept && go) {
    const Packed p = pack(drain_.out, numbers_.y_lane, drain_.addr % 32);
    Bytes32& word = memories.y[drain_.addr / 32 % memories.y.size()];
    for (unsigned byte = 0; byte < 32; ++byte) {
      const std::uint32_t mask = (p.enable >> byte & 1) != 0 ? 0xFFU << (8 * (byte % 4)) : 0;
      word.at[byte / 4] = (word.at[byte / 4] & ~mask) | (p.word.at[byte / 4] & mask);
    }
  }
  const bool accepted = core_valid_.read() && core_ready_.read();
  const bool idle = !issue_.active && none(issue_.waiting), drained = drain_.last && go;
  const FetchState f = fetch_;
  const IssueState i = issue_;
  const DrainState d = drain_;
  step_sequencer(s, f.pixels_left, idle, drained);
  step_slots(s, f);
  step_fetch(s, f, i, accepted);
  step_issue(s, i, accepted);
  step_drain(s, f, d, go);
  changed_.notify(sc_core::SC_ZERO_TIME);
}

void obz_layer::show() {
  const bool wants = wants_issue();
  core_valid_.write(wants);
  if (wants && !operands_stand_) {
    operands_stand_ = true;
    a_.write(left_operand());
    b_.write(right_operand());
    c_.write(issue_.first ? Tile{} : accumulators_[issue_.tile]);
    tag_.write(static_cast<std::uint8_t>(issue_.tile));
  }
  always_.write(true);
  a_lane_.write(numbers_.a_lane);
  b_lane_.write(numbers_.b_lane);
  a_signed_.write(numbers_.a_signed);
  b_signed_.write(numbers_.b_signed);
  satfinite_.write(numbers_.satfinite);
  busy_o.write(sequencer_.state != SequencerState::idle);
  issue_tile_o.write(static_cast<std::uint8_t>(issue_.tile));
  write_o.write(drain_.kept);
  write_addr_o.write(drain_.addr & ~31U);
  const Packed p = pack(drain_.out, numbers_.y_lane, drain_.addr % 32);
  write_data_o.write(p.word);
  write_enable_o.write(p.enable);
}

}  // namespace obz::sim
