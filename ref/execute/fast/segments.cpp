#include "ref/execute/fast/segments.hpp"

#include <algorithm>
#include <numeric>

#include "ref/base/error.hpp"

namespace obz::fast {
namespace {

/// Steps whose weights take 20 KiB: with the rows of a tile they stay in a 32 KiB L1.
constexpr std::int64_t kBlockSteps = 320;
/// From here on a segment keeps all its 16-bit sums in registers.
constexpr std::int64_t kLongSteps = 24;
/// Segments that a step may still join: as many as keep packing quick.
constexpr std::size_t kOpenSegments = 24;

constexpr int kStepWeights = 4 * kPanel;
constexpr int kLanes = 2 * kPanel;

constexpr std::int64_t ceil_div(std::int64_t a, std::int64_t b) { return (a + b - 1) / b; }

/// p and n of every lane.
struct Load {
  std::int32_t positive[kLanes] = {}, negative[kLanes] = {};

  void add(const Load& o) {
    for (int i = 0; i < kLanes; ++i) positive[i] += o.positive[i];
    for (int i = 0; i < kLanes; ++i) negative[i] += o.negative[i];
  }
  /// Whether both together stay within the limits.
  bool holds(const Load& o, const LaneLimits& limits) const {
    std::int32_t outside = 0;
    for (int i = 0; i < kLanes; ++i) outside |= limits.positive - positive[i] - o.positive[i];
    for (int i = 0; i < kLanes; ++i) outside |= limits.negative - negative[i] - o.negative[i];
    return outside >= 0;
  }
  std::int32_t largest() const {
    return std::max(*std::max_element(positive, positive + kLanes), *std::max_element(negative, negative + kLanes));
  }
};

/// Weights of one step as the kernel takes them, and what they put on each lane.
struct Part {
  std::int32_t offset = 0;
  std::int8_t weights[kStepWeights] = {};
  Load load;
};

/// The largest part of (a, b) that one lane holds; the rest stays in a and b.
void take_pair(std::int32_t& a, std::int32_t& b, const LaneLimits& limits, std::int8_t (&out)[2], Load& load,
               int lane) {
  const auto byte = [](std::int32_t v) { return std::clamp<std::int32_t>(v, -128, 127); };
  const std::int32_t first = byte(a);
  std::int32_t second = byte(b);
  if (first > 0 && second > 0) second = std::min(second, limits.positive - first);
  if (first < 0 && second < 0) second = std::max(second, -limits.negative - first);
  out[0] = static_cast<std::int8_t>(first);
  out[1] = static_cast<std::int8_t>(second);
  load.positive[lane] = std::max(first, 0) + std::max(second, 0);
  load.negative[lane] = std::max(-first, 0) + std::max(-second, 0);
  a -= first;
  b -= second;
}

/// Appends the step as one part, or as several where a lane overflows.
void append_parts(std::int32_t offset, std::int32_t (&w)[kStepWeights], const LaneLimits& limits,
                  std::vector<Part>& parts) {
  bool left = true;
  while (left) {
    Part& part = parts.emplace_back();
    part.offset = offset;
    std::int32_t rest = 0;
    for (int lane = 0; lane < kLanes; ++lane) {
      std::int8_t pair[2];
      take_pair(w[2 * lane], w[2 * lane + 1], limits, pair, part.load, lane);
      part.weights[2 * lane] = pair[0];
      part.weights[2 * lane + 1] = pair[1];
      rest |= w[2 * lane] | w[2 * lane + 1];
    }
    left = rest != 0;
  }
}

struct Segment {
  Load load;
  std::vector<std::int32_t> parts;  ///< indices
};

/// Parts into segments: largest first, each into the first open segment that holds it. A large part then meets small
/// ones, where neighbours in the depth would often be large together.
std::vector<Segment> make_segments(const std::vector<Part>& parts, const LaneLimits& limits) {
  std::vector<std::int32_t> order(parts.size());
  std::iota(order.begin(), order.end(), 0);
  std::vector<std::int32_t> largest;
  for (const Part& p : parts) largest.push_back(p.load.largest());
  Load all;
  for (const Part& p : parts) all.add(p.load);
  const bool together = Load().holds(all, limits);  // then one segment in the order of the depth
  if (!together) {
    std::stable_sort(order.begin(), order.end(), [&](std::int32_t a, std::int32_t b) {
      return largest[static_cast<std::size_t>(a)] > largest[static_cast<std::size_t>(b)];
    });
  }
  std::vector<Segment> segments;
  std::size_t open = 0;  // those before are full
  for (const std::int32_t index : order) {
    const Part& part = parts[static_cast<std::size_t>(index)];
    std::size_t s = open;
    while (s < segments.size() && !segments[s].load.holds(part.load, limits)) ++s;
    if (s == segments.size()) {
      segments.emplace_back();
      if (segments.size() - open > kOpenSegments) ++open;
    }
    segments[s].load.add(part.load);
    segments[s].parts.push_back(index);
  }
  return segments;
}

/// Times per step of 16 channels, relative to each other, as measured with AVX2.
constexpr std::int64_t kFusedCost[] = {58, 31, 24, 17, 10};
constexpr std::int64_t kLongStepCost = 7, kLongCost = 10, kPairsCost = 7,  // pairs: 2 terms by 16-bit operands
    kOrderCost = 1;                                                        // to put a step into order

/// Lays the parts of one block out for the kernel.
class Emitter {
 public:
  explicit Emitter(BytePanel& panel) : panel_(panel) {}

  /// Returns the cost. `chunks`: of the panel's chunks, so many belong to these parts.
  std::int64_t emit(const std::vector<Part>& parts, std::int64_t chunks, const LaneLimits& limits,
                    std::vector<std::int8_t>& weights, SegmentCount& count) {
    const std::vector<Segment> segments = make_segments(parts, limits);
    ByteProgram block;
    std::vector<std::vector<std::int32_t>> classes(kFusedSteps.size());  // indices of parts, segment after segment
    std::vector<std::int32_t> rest;
    std::int64_t cost = 0;
    for (const Segment& s : segments) {
      const auto size = static_cast<std::int64_t>(s.parts.size());
      if (size >= kLongSteps) {
        panel_.lengths.push_back(static_cast<std::int32_t>(size));
        ++block.length_count;
        rest.insert(rest.end(), s.parts.begin(), s.parts.end());
        cost += kLongCost + size * kLongStepCost;
        ++count.segments;
        continue;
      }
      for (std::int64_t at = 0; at < size; ++count.segments) {  // a part of a segment is one, too
        std::size_t c = 0;
        while (kFusedSteps[c] > size - at) ++c;
        if (size - at == 5) c = 2;  // 3 + 2
        classes[c].insert(classes[c].end(), s.parts.begin() + at, s.parts.begin() + at + kFusedSteps[c]);
        ++block.fused[c];
        cost += kFusedCost[c];
        at += kFusedSteps[c];
      }
    }
    classes.push_back(rest);
    for (const auto& c : classes) {
      for (const std::int32_t index : c) {
        const Part& part = parts[static_cast<std::size_t>(index)];
        panel_.offsets.push_back(part.offset);
        weights.insert(weights.end(), part.weights, part.weights + kStepWeights);
      }
    }
    block.has_fused = rest.size() < parts.size();
    block.chunk_count = chunks;
    panel_.blocks.push_back(block);
    count.steps += static_cast<std::int64_t>(parts.size());
    return cost;
  }

  /// Pointers, once nothing moves any more.
  void finish(const std::vector<std::int8_t>& weights) {
    panel_.offsets.shrink_to_fit();
    panel_.weights = hwy::AllocateAligned<std::int8_t>(weights.size());
    std::copy(weights.begin(), weights.end(), panel_.weights.get());
    const std::int32_t* offsets = panel_.offsets.data();
    const std::int32_t* lengths = panel_.lengths.data();
    const std::int8_t* at = panel_.weights.get();
    const std::int32_t* chunks = panel_.chunks.data();
    const std::uint8_t* patterns = panel_.patterns.data();
    for (ByteProgram& b : panel_.blocks) {
      b.chunks = chunks;
      b.patterns = patterns;
      chunks += b.chunk_count;
      patterns += b.chunk_count * kChunk;
      b.offsets = offsets;
      b.weights = at;
      b.lengths = lengths;
      std::int64_t steps = 0;
      for (std::size_t i = 0; i < kFusedSteps.size(); ++i) steps += b.fused[i] * kFusedSteps[i];
      for (std::int64_t i = 0; i < b.length_count; ++i) steps += lengths[i];
      offsets += steps;
      lengths += b.length_count;
      at += steps * kStepWeights;
    }
  }

 private:
  BytePanel& panel_;
};

/// Four terms of the depth.
struct Step {
  std::int32_t offset = 0;
  std::int64_t first = 0, count = 0;  ///< terms
};

std::vector<Step> steps_of(std::span<const Run> runs) {
  std::vector<Step> steps;
  std::int64_t term = 0;
  for (const Run& run : runs) {
    for (std::int64_t k = 0; k < run.length; k += 4) {
      steps.push_back({static_cast<std::int32_t>(run.offset + k), term + k, std::min<std::int64_t>(4, run.length - k)});
    }
    term += run.length;
  }
  return steps;
}

/// Terms of the depth whose bytes one pattern orders.
constexpr int kHalf = 16;

/// Which of 16 terms stand side by side, so that the fullest lane of each pair is as empty as possible.
class Pairing {
 public:
  /// w[term][channel]; the first `count` terms, a multiple of 4.
  Pairing(const std::int32_t (&w)[kHalf][kPanel], int count, const LaneLimits& limits) : count_(count) {
    for (int i = 0; i < count; ++i) {
      for (int k = 0; k < i; ++k) cost_[i][k] = cost_[k][i] = cost_of(w[i], w[k], limits);
    }
    start(w);
    improve();
    // Full pairs in one step, so that the others make long segments.
    std::sort(pairs_, pairs_ + count / 2,
              [&](const Pair& a, const Pair& b) { return cost_[a.i][a.k] > cost_[b.i][b.k]; });
  }
  int term(int position) const {
    const Pair& p = pairs_[position / 2];
    return position % 2 == 0 ? p.i : p.k;
  }

 private:
  struct Pair {
    int i = 0, k = 0;
  };

  /// Rises steeply where a lane overflows.
  static float cost_of(const std::int32_t* a, const std::int32_t* b, const LaneLimits& limits) {
    std::int32_t positive = 0, negative = 0;
    for (int c = 0; c < kPanel; ++c) {
      positive = std::max(positive, std::max(a[c], 0) + std::max(b[c], 0));
      negative = std::max(negative, std::max(-a[c], 0) + std::max(-b[c], 0));
    }
    const float full = std::max(static_cast<float>(positive) / static_cast<float>(limits.positive),
                                static_cast<float>(negative) / static_cast<float>(limits.negative));
    return full <= 1 ? full * full : 20 * full;
  }

  /// The term with the largest weight first, each with the partner that suits it best.
  void start(const std::int32_t (&w)[kHalf][kPanel]) {
    int order[kHalf];
    std::int32_t largest[kHalf];
    for (int i = 0; i < count_; ++i) {
      order[i] = i;
      largest[i] = 0;
      for (int c = 0; c < kPanel; ++c) largest[i] = std::max(largest[i], std::abs(w[i][c]));
    }
    std::sort(order, order + count_, [&](int a, int b) { return largest[a] > largest[b]; });
    bool taken[kHalf] = {};
    int pairs = 0;
    for (int at = 0; at < count_; ++at) {
      const int i = order[at];
      if (taken[i]) continue;
      int partner = -1;
      for (int k = 0; k < count_; ++k) {
        if (k != i && !taken[k] && (partner < 0 || cost_[i][k] < cost_[i][partner])) partner = k;
      }
      taken[i] = taken[partner] = true;
      pairs_[pairs++] = {i, partner};
    }
  }

  /// Two pairs exchange partners as long as that helps.
  void improve() {
    for (int round = 0; round < 4; ++round) {
      bool changed = false;
      for (int a = 0; a < count_ / 2; ++a) {
        for (int b = 0; b < a; ++b) {
          Pair &p = pairs_[a], &q = pairs_[b];
          const float now = cost_[p.i][p.k] + cost_[q.i][q.k];
          const float straight = cost_[p.i][q.k] + cost_[q.i][p.k], crossed = cost_[p.i][q.i] + cost_[p.k][q.k];
          if (straight < now && straight <= crossed) {
            std::swap(p.k, q.k);
          } else if (crossed < now) {
            std::swap(p.k, q.i);
          } else {
            continue;
          }
          changed = true;
        }
      }
      if (!changed) return;
    }
  }

  int count_;
  float cost_[kHalf][kHalf] = {};
  Pair pairs_[kHalf / 2];
};

/// One panel of output channels on its way to the kernel's order.
class PanelPacker {
 public:
  PanelPacker(const WeightView& w, std::int64_t first_channel, std::int64_t width, const LaneLimits& limits,
              BytePanel& panel, SegmentCount& count)
      : w_(w),
        first_channel_(first_channel),
        width_(width),
        limits_(limits),
        panel_(panel),
        count_(count),
        emitter_(panel) {}

  /// Each returns the cost.
  std::int64_t in_order(std::span<const Step> steps) {
    for (const Step& s : steps) {
      std::int32_t values[kStepWeights] = {};
      for (std::int64_t c = 0; c < width_; ++c) {
        for (std::int64_t k = 0; k < s.count; ++k) values[4 * c + k] = w_(first_channel_ + c, s.first + k);
      }
      append_parts(s.offset, values, limits_, parts_);
      end_block_at(kBlockSteps);
    }
    return finish();
  }

  std::int64_t paired(std::span<const Run> runs) {
    std::int64_t term = 0;
    for (const Run& run : runs) {
      for (std::int64_t k = 0; k < run.length; k += kHalf) {
        if (k % kChunk == 0) {
          panel_.chunks.push_back(static_cast<std::int32_t>(run.offset + k));
          panel_.patterns.resize(panel_.patterns.size() + kChunk);
          ++chunks_;
        }
        pair_half(term + k, static_cast<int>(std::min<std::int64_t>(kHalf, run.length - k)), k % kChunk);
        if (k % kChunk + kHalf == kChunk || k + kHalf >= run.length) end_block_at(kBlockSteps);
      }
      term += run.length;
    }
    return finish();
  }

 private:
  /// `terms` from `first` on, which stand `inside` the newest chunk.
  void pair_half(std::int64_t first, int terms, std::int64_t inside) {
    std::int32_t w[kHalf][kPanel] = {};
    for (int k = 0; k < terms; ++k) {
      for (std::int64_t c = 0; c < width_; ++c) w[k][c] = w_(first_channel_ + c, first + k);
    }
    const int count = static_cast<int>(ceil_div(terms, 4)) * 4;
    const Pairing pairing(w, count, limits_);
    std::uint8_t* const pattern = panel_.patterns.data() + panel_.patterns.size() - kChunk + inside;
    for (int at = 0; at < count; ++at) pattern[at] = static_cast<std::uint8_t>(pairing.term(at));
    for (int at = 0; at < count; at += 4) {
      std::int32_t values[kStepWeights];
      for (int c = 0; c < kPanel; ++c) {
        for (int k = 0; k < 4; ++k) values[4 * c + k] = w[pairing.term(at + k)][c];
      }
      append_parts(static_cast<std::int32_t>((chunks_ - 1) * kChunk + inside + at), values, limits_, parts_);
    }
  }

  void end_block_at(std::int64_t steps) {
    if (static_cast<std::int64_t>(parts_.size()) < steps && chunks_ < kMostChunks) return;
    if (parts_.empty()) return;
    cost_ += emitter_.emit(parts_, chunks_, limits_, weights_, count_);
    parts_.clear();
    chunks_ = 0;
  }
  std::int64_t finish() {
    end_block_at(1);
    emitter_.finish(weights_);
    return cost_;
  }

  const WeightView& w_;
  std::int64_t first_channel_, width_;
  LaneLimits limits_;
  BytePanel& panel_;
  SegmentCount& count_;
  Emitter emitter_;
  std::vector<Part> parts_;
  std::vector<std::int8_t> weights_;
  std::int64_t chunks_ = 0, cost_ = 0;
};

}  // namespace

LaneLimits lane_limits(std::int64_t largest) {
  OBZ_CHECK(largest >= 0 && largest <= 255);
  if (largest == 0) largest = 1;
  return {static_cast<std::int32_t>(INT16_MAX / largest), static_cast<std::int32_t>(-INT16_MIN / largest)};
}

ByteWeights ByteWeights::pack_once(std::span<const Run> runs, std::int64_t groups, std::int64_t outputs_per_group,
                                   const WeightView& weights, std::int64_t largest, bool paired, std::int64_t most) {
  const LaneLimits limits = lane_limits(largest);
  const std::vector<Step> steps = steps_of(runs);
  ByteWeights packed;
  packed.groups_ = groups;
  packed.panels_ = ceil_div(outputs_per_group, kPanel);
  packed.steps_ = static_cast<std::int64_t>(steps.size());
  packed.count_.paired = paired;
  for (std::int64_t group = 0; group < groups; ++group) {
    for (std::int64_t p = 0; p < packed.panels_; ++p) {
      const std::int64_t width = std::min(kPanel, outputs_per_group - p * kPanel);
      PanelPacker packer(weights, group * outputs_per_group + p * kPanel, width, limits, packed.all_.emplace_back(),
                         packed.count_);
      packed.cost_ += paired ? packer.paired(runs) + packed.steps_ * kOrderCost : packer.in_order(steps);
      packed.count_.given += packed.steps_;
      if (packed.cost_ > most) return packed;
    }
  }
  return packed;
}

std::optional<ByteWeights> ByteWeights::pack(std::span<const Run> runs, std::int64_t groups,
                                             std::int64_t outputs_per_group, const WeightView& weights,
                                             std::int64_t largest, bool at_any_cost) {
  std::int64_t pairs = 0;
  for (const Run& run : runs) pairs += ceil_div(run.length, 2);
  const std::int64_t by_pairs = groups * ceil_div(outputs_per_group, kPanel) * (pairs * kPairsCost + kFusedCost[4]);
  const std::int64_t most = at_any_cost ? INT64_MAX : by_pairs;
  ByteWeights packed = pack_once(runs, groups, outputs_per_group, weights, largest, false, most);
  if (packed.count_.steps > packed.count_.given) {
    ByteWeights paired =
        pack_once(runs, groups, outputs_per_group, weights, largest, true, std::min(most, packed.cost_));
    if (paired.cost_ < packed.cost_ || packed.cost_ > most) packed = std::move(paired);
  }
  if (packed.cost_ > most) return std::nullopt;
  return packed;
}

}  // namespace obz::fast
