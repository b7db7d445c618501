#include "rtl/trace/job_file.hpp"

#include <bit>
#include <cstring>

#include "ref/base/error.hpp"
#include "rtl/harness/pack.hpp"

namespace obz::rtl {
namespace {

static_assert(std::endian::native == std::endian::little);

class Words {
 public:
  void put(std::uint32_t word) { words_.push_back(word); }
  void put(std::size_t count) { words_.push_back(static_cast<std::uint32_t>(count)); }
  template <class Range>
  void append(const Range& range) {
    words_.insert(words_.end(), range.begin(), range.end());
  }
  Bytes bytes() const {
    Bytes all(words_.size() * sizeof(std::uint32_t));
    std::memcpy(all.data(), words_.data(), all.size());
    return all;
  }

 private:
  std::vector<std::uint32_t> words_;
};

/// Whole words of 32 bytes.
std::vector<std::uint32_t> y_words(const std::vector<std::uint8_t>& bytes) {
  std::vector<std::uint32_t> words((bytes.size() + 31) / 32 * 8);
  std::memcpy(words.data(), bytes.data(), bytes.size());
  return words;
}

}  // namespace

std::vector<TracePort> trace_ports(const accel::LayerProgram& p) {
  return {{"a_lane_i", p.a_lane},
          {"b_lane_i", p.b_lane},
          {"a_signed_i", p.a_signed},
          {"b_signed_i", p.b_signed},
          {"satfinite_i", p.satfinite},
          {"in_h_i", p.in_h},
          {"in_w_i", p.in_w},
          {"out_h_i", p.out_h},
          {"out_w_i", p.out_w},
          {"pixels_i", p.pixels},
          {"origin_i", static_cast<std::uint32_t>(p.origin)},
          {"step_w_i", static_cast<std::uint32_t>(p.step_w)},
          {"step_h_i", static_cast<std::uint32_t>(p.step_h)},
          {"step_n_i", static_cast<std::uint32_t>(p.step_n)},
          {"stride_h_i", p.stride_h},
          {"stride_w_i", p.stride_w},
          {"pad_top_i", p.pad_top},
          {"pad_left_i", p.pad_left},
          {"kernel_h_i", p.kernel_h},
          {"kernel_w_i", p.kernel_w},
          {"dilation_h_i", p.dilation_h},
          {"dilation_w_i", p.dilation_w},
          {"tap_h_i", static_cast<std::uint32_t>(p.tap_h)},
          {"tap_w_i", static_cast<std::uint32_t>(p.tap_w)},
          {"block_m_i", p.block_m},
          {"block_n_i", p.block_n},
          {"last_n_i", static_cast<std::uint32_t>(p.tiles.size() - 1)},
          {"y_lane_i", p.y_lane},
          {"y_stride_i", p.y_stride}};
}

Bytes trace_job(const std::vector<accel::LayerProgram>& programs,
                const std::vector<std::vector<std::uint8_t>>& expected) {
  OBZ_CHECK(programs.size() == expected.size());
  Words words;
  words.put(kTraceMagic);
  words.put(kTraceVersion);
  words.put(programs.size());
  for (std::size_t i = 0; i < programs.size(); ++i) {
    const accel::LayerProgram& p = programs[i];
    const std::vector<std::uint32_t> y = y_words(expected[i]);
    for (const std::size_t count : {p.x.size(), p.w.size(), p.tiles.size(), y.size() / 8}) words.put(count);
    for (const auto& [name, value] : trace_ports(p)) words.put(value);
    words.append(p.pad_word.bits);
    const std::uint64_t recipe = pack(p.recipe);
    words.put(static_cast<std::uint32_t>(recipe));
    words.put(static_cast<std::uint32_t>(recipe >> 32));
    for (const accel::Word128& word : p.x) words.append(word.bits);
    for (const accel::WeightWord& word : p.w) {
      for (const accel::Word128& column : word.columns) words.append(column.bits);
    }
    for (const accel::TileParameters& tile : p.tiles) words.append(pack(tile));
    words.append(y);
  }
  return words.bytes();
}

}  // namespace obz::rtl
