#include "tests/sim/lockstep.hpp"

#include <deque>

#include <fmt/format.h>

#include "tests/sim/stimuli.hpp"

namespace obz::test {
namespace {

struct Expected {
  std::uint8_t tag = 0;
  sim::Tile d;
};

std::optional<Difference> compare_tile(const sim::Tile& want, const sim::Tile& got, const char* port) {
  if (want == got) return std::nullopt;
  unsigned i = 0;
  while (want.at[i] == got.at[i]) ++i;
  return Difference{.port = port, .index = i, .want = want.at[i], .got = got.at[i]};
}

std::optional<Difference> compare_ports(const sim::CoreOutputs& want, const sim::CoreOutputs& got) {
  if (want.valid_o != got.valid_o) return Difference{.port = "valid_o", .want = want.valid_o, .got = got.valid_o};
  if (want.ready_o != got.ready_o) return Difference{.port = "ready_o", .want = want.ready_o, .got = got.ready_o};
  if (want.tag_o != got.tag_o) return Difference{.port = "tag_o", .want = want.tag_o, .got = got.tag_o};
  return compare_tile(want.d_o, got.d_o, "d_o");
}

}  // namespace

std::string Difference::text() const {
  const std::string element =
      port.starts_with("d_o") ? fmt::format(" [{}][{}]", index / sim::kMmaCols, index % sim::kMmaCols) : "";
  return fmt::format("cycle {}, {}{}: want {}, got {}", cycle, port, element, want, got);
}

std::optional<Difference> lockstep(sim::Core& want, sim::Core& got, std::uint64_t cycles, std::uint64_t seed,
                                   LockstepTally& tally) {
  Traffic traffic(seed);
  std::deque<Expected> expected;
  bool accepted = false;
  for (std::uint64_t cycle = 0; cycle < cycles; ++cycle) {
    const sim::CoreInputs& in = traffic.next(accepted);
    const sim::CoreOutputs& out = want.settle(in);
    auto difference = compare_ports(out, got.settle(in));
    if (!in.rst_ni) {
      expected.clear();
      ++tally.resets;
    } else if (out.valid_o && in.ready_i && !difference) {
      if (expected.empty()) return Difference{.cycle = cycle, .port = "valid_o, without an mma", .got = 1};
      if (expected.front().tag != out.tag_o)
        difference = {.port = "tag_o, not tag_i", .want = expected.front().tag, .got = out.tag_o};
      else
        difference = compare_tile(expected.front().d, out.d_o, "d_o, not A x B + C");
      expected.pop_front();
      ++tally.results;
    }
    if (difference) {
      difference->cycle = cycle;
      return difference;
    }
    accepted = in.rst_ni && in.valid_i && out.ready_o;
    if (accepted) {
      const PlainResult plain = plain_mma(in.mma);
      expected.push_back({in.tag_i, plain.d});
      ++tally.accepted;
      ++tally.lane_pairs[in.mma.a_lane][in.mma.b_lane];
      tally.overflows += plain.overflows;
    }
    if (in.rst_ni && out.valid_o && !in.ready_i) ++tally.stalls;
    ++tally.cycles;
    want.edge();
    got.edge();
  }
  return std::nullopt;
}

}  // namespace obz::test
