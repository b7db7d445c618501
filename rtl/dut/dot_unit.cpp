#include "rtl/dut/dot_unit.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "golden/engines/through_accumulators.hpp"
#include "ref/arith/apply.hpp"
#include "rtl/dut/dots.hpp"

namespace obz::rtl {
namespace {

/// Outputs that are in memory at a time.
constexpr std::size_t kBlock = 16384;

bool fits(const LanesUse& lanes, std::int32_t v) {
  return IntType{static_cast<std::uint8_t>(lanes.bits), lanes.is_signed}.holds(v);
}

std::string lanes_text(const LanesUse& l) {
  return fmt::format("{} lanes of {} {} bits", l.port, l.is_signed ? "signed" : "unsigned", l.bits);
}

/// Lane i of a chunk at bit i * bits of its slot.
void put_lanes(std::span<std::uint32_t> words, const Slot& slot, const LanesUse& lanes,
               std::span<const std::int32_t> values) {
  for (std::size_t i = 0; i < values.size(); ++i) {
    const auto bits =
        static_cast<std::uint64_t>(static_cast<std::uint32_t>(values[i])) & ((std::uint64_t{1} << lanes.bits) - 1);
    const std::size_t at = i * static_cast<std::size_t>(lanes.bits) + 32 * static_cast<std::size_t>(slot.word);
    const std::uint64_t moved = bits << at % 32;
    words[at / 32] |= static_cast<std::uint32_t>(moved);
    if (moved >> 32 != 0) words[at / 32 + 1] |= static_cast<std::uint32_t>(moved >> 32);
  }
}

/// Sums of a block of dots, round by round: round r feeds chunk r of every dot that has one.
class Block {
 public:
  Block(const PortMap& map, const Wrapper& wrapper, const Simulator& simulate)
      : map_(map), wrapper_(wrapper), simulate_(simulate), lanes_(static_cast<std::size_t>(map.a.lanes)) {}

  void add(const Dot& dot) { dots_.push_back(dot); }
  bool full() const { return dots_.size() >= kBlock; }

  void flush(std::vector<std::int64_t>& sums) {
    const auto c = wrapper_.in.find("c");
    std::vector<std::int64_t> sum;
    std::size_t longest = 0;
    for (const Dot& d : dots_) {
      sum.push_back(d.bias);
      longest = std::max(longest, d.a.size());
    }
    const auto in_words = static_cast<std::size_t>(wrapper_.in_words);
    const auto out_words = static_cast<std::size_t>(wrapper_.out_words);
    for (std::size_t from = 0; from < std::max<std::size_t>(longest, 1); from += lanes_) {
      std::vector<std::uint32_t> words;
      std::vector<std::size_t> asked;
      for (std::size_t i = 0; i < dots_.size(); ++i) {
        const Dot& d = dots_[i];
        if (from != 0 && from >= d.a.size()) continue;
        asked.push_back(i);
        words.resize(words.size() + in_words);
        const std::span<std::uint32_t> record = std::span(words).last(in_words);
        const std::size_t n = std::min(lanes_, d.a.size() - std::min(from, d.a.size()));
        put_lanes(record, wrapper_.in.at("a"), map_.a, std::span(d.a).subspan(std::min(from, d.a.size()), n));
        put_lanes(record, wrapper_.in.at("b"), map_.b, std::span(d.b).subspan(std::min(from, d.b.size()), n));
        if (c != wrapper_.in.end()) c->second.put(record, sum[i]);
      }
      const std::vector<std::uint32_t> out = simulate_(words);
      for (std::size_t k = 0; k < asked.size(); ++k) {
        const std::int64_t got = wrapper_.out.get(std::span(out).subspan(k * out_words, out_words));
        sum[asked[k]] = c != wrapper_.in.end() ? got : sum[asked[k]] + got;
      }
    }
    sums.insert(sums.end(), sum.begin(), sum.end());
    dots_.clear();
  }

 private:
  const PortMap& map_;
  const Wrapper& wrapper_;
  const Simulator& simulate_;
  std::size_t lanes_;
  std::vector<Dot> dots_;
};

}  // namespace

Support supports_dots(const PortMap& map, const Wrapper& wrapper, const LayerJob& job) {
  if (!has_dots(job.node->op)) return Support::no("a dot unit runs matmul, dense and conv2d");
  const auto c = wrapper.in.find("c");
  std::string why;
  for_each_dot(job, [&](const Dot& d) {
    if (!why.empty()) return;
    for (const auto& [lanes, values] : {std::pair{&map.a, &d.a}, {&map.b, &d.b}}) {
      const auto bad = std::find_if(values->begin(), values->end(), [&](std::int32_t v) { return !fits(*lanes, v); });
      if (bad != values->end()) {
        why = fmt::format("{}, its zero point subtracted, does not fit {}", *bad, lanes_text(*lanes));
      }
    }
    if (c != wrapper.in.end() && !c->second.holds(d.bias)) {
      why = fmt::format("bias {} does not fit port {}", d.bias, c->second.port);
    }
  });
  return why.empty() ? Support{} : Support::no(why);
}

LayerResult run_dots(const PortMap& map, const Wrapper& wrapper, const Simulator& simulate, const LayerJob& job) {
  std::vector<std::int64_t> sums;
  Block block(map, wrapper, simulate);
  for_each_dot(job, [&](const Dot& d) {
    block.add(d);
    if (block.full()) block.flush(sums);
  });
  block.flush(sums);
  const RequantView view = view_of(job);
  const Accumulator& accumulator = accumulator_of(job.node->op);
  LayerResult result{Tensor(job.output->shape, job.output->type), std::nullopt};
  for (std::size_t i = 0; i < sums.size(); ++i) {
    result.output.data[i] = static_cast<std::int32_t>(
        apply_recipe(accumulator(sums[i]), view.requant->recipe, view.requant->channel(view.channels[i])));
  }
  return result;
}

}  // namespace obz::rtl
