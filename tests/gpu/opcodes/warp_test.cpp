// Lanes that look at each other: PTX ISA, shfl.sync, vote.sync, match.sync, redux.sync, activemask.
#include "tests/gpu/opcodes/typed.hpp"

namespace obz::opcodes {
namespace {

using Lanes = std::vector<Words>;

Lanes lanes_of(int warps_wanted, const std::function<Words(unsigned warp, unsigned lane, std::mt19937_64&)>& make) {
  Lanes all;
  std::mt19937_64 random(7);
  for (unsigned w = 0; w < static_cast<unsigned>(warps_wanted); ++w) {
    for (unsigned lane = 0; lane < 32; ++lane) all.push_back(make(w, lane, random));
  }
  return all;
}

/// The text's pseudocode: the lane read from, and whether it is in range.
std::pair<int, bool> source_of(const std::string& mode, int lane, Word b, Word c) {
  const int bval = static_cast<int>(b & 31), cval = static_cast<int>(c & 31), mask = static_cast<int>(c >> 8 & 31);
  const int max_lane = (lane & mask) | (cval & ~mask), min_lane = lane & mask;
  int j = 0;
  if (mode == "up") j = lane - bval;
  if (mode == "down") j = lane + bval;
  if (mode == "bfly") j = lane ^ bval;
  if (mode == "idx") j = min_lane | (bval & ~mask);
  const bool in_range = mode == "up" ? j >= max_lane : j <= max_lane;
  return {in_range ? j : lane, in_range};
}

/// c operands as compilers write them, per segment width, for each mode.
Word usual_c(const std::string& mode, unsigned width) { return (mode == "up" ? 0 : 31) | (32 - width) << 8; }

std::vector<Row> shuffles(const std::string& mode, bool any_c) {
  const unsigned widths[] = {32, 16, 8, 4, 2, 1};
  const auto make = [&](unsigned w, unsigned, std::mt19937_64& random) {
    const Word value = random() & 0xFFFFFFFF, roll = random();
    if (any_c) return Words{value, roll >> 8 & 0xFF, roll & 0xFFFFFFFF};  // amounts beyond 31 and any clamp and mask
    return Words{value, w % 40, usual_c(mode, widths[w / 40])};
  };
  return warps(lanes_of(any_c ? 128 : 240, make), [=](const Lanes& in) {
    Lanes want;
    for (int lane = 0; lane < 32; ++lane) {
      const Words& own = in[static_cast<std::size_t>(lane)];
      const auto [from, in_range] = source_of(mode, lane, own[1], own[2]);
      want.push_back({in[static_cast<std::size_t>(from)][0], in_range});
    }
    return want;
  });
}

Word word_of(const Lanes& in, const std::function<bool(std::size_t lane)>& bit) {
  Word mask = 0;
  for (std::size_t lane = 0; lane < in.size(); ++lane) mask |= Word{bit(lane)} << lane;
  return mask;
}

/// Runs `text` in two arms, lanes 0..m-1 and the others, with their own member masks in %t0.
std::string in_two_arms(const std::string& text) {
  return fmt::format(R"(setp.lt.u32 %p0, %lane, 11;
  @%p0 bra LOW;
  mov.u32 %t0, 0xFFFFF800;
  {0}
  bra DONE;
LOW:
  mov.u32 %t0, 0x7FF;
  {0}
DONE:)",
                     text);
}

bool same_arm(std::size_t a, std::size_t b) { return (a < 11) == (b < 11); }

Lanes predicates() {
  return lanes_of(40, [](unsigned w, unsigned lane, std::mt19937_64& random) {
    if (w == 0) return Words{0};
    if (w == 1) return Words{1};
    if (w < 34) return Words{Word{lane == w - 2}};
    return Words{random() & 1};
  });
}

template <class Same>
std::vector<Row> votes(Same same) {
  return warps(predicates(), [=](const Lanes& in) {
    Lanes want;
    for (std::size_t me = 0; me < 32; ++me) {
      const Word members = word_of(in, [&](std::size_t lane) { return same(me, lane); });
      const Word yes = word_of(in, [&](std::size_t lane) { return same(me, lane) && in[lane][0]; });
      want.push_back({yes == members, yes != 0, yes == members || yes == 0, yes});
    }
    return want;
  });
}

Lanes few_values() {
  return lanes_of(24, [](unsigned w, unsigned lane, std::mt19937_64& random) {
    if (w == 0) return Words{0};
    if (w == 1) return Words{0xFFFFFFFF12345678};
    if (w < 10) return Words{Word{0xABC} << 32 | Word{lane == w}};
    if (w < 12) return Words{Word{lane} << 32};  // differ above 32 bits alone
    return Words{random() % (w - 10)};
  });
}

template <class T, class Same>
std::vector<Row> matches(bool all_mode, Same same) {
  Lanes inputs = few_values();
  for (Words& in : inputs) in[0] = low<T>(static_cast<Wide>(in[0]));
  return warps(inputs, [=](const Lanes& in) {
    Lanes want;
    for (std::size_t me = 0; me < 32; ++me) {
      const Word members = word_of(in, [&](std::size_t lane) { return same(me, lane); });
      const Word equal = word_of(in, [&](std::size_t lane) { return same(me, lane) && in[lane][0] == in[me][0]; });
      if (all_mode)
        want.push_back({equal == members ? members : 0, equal == members});
      else
        want.push_back({equal});
    }
    return want;
  });
}

bool together(std::size_t, std::size_t) { return true; }

template <class T>
Case reduction(const std::string& op, const std::string& name, const std::function<Wide(Wide, Wide)>& combine) {
  const Lanes inputs = lanes_of(12, [](unsigned w, unsigned, std::mt19937_64& random) {
    const Words corners = words<T>();
    return Words{w < 6 ? corners[random() % corners.size()] : random() & 0xFFFFFFFF};
  });
  const std::string text = fmt::format("redux.sync.{}.{} %d0, %a0, 0xFFFFFFFF;\n  {}", op, name,
                                       in_two_arms(fmt::format("redux.sync.{}.{} %d1, %a0, %t0;", op, name)));
  Case c{text, "r", "rr", warps(inputs, [=](const Lanes& in) {
           const auto over = [&](std::size_t begin, std::size_t end) {
             Wide total = value<T>(in[begin][0]);
             for (std::size_t lane = begin + 1; lane < end; ++lane) total = combine(total, value<T>(in[lane][0]));
             return low<T>(total);
           };
           Lanes want;
           for (std::size_t me = 0; me < 32; ++me) want.push_back({over(0, 32), me < 11 ? over(0, 11) : over(11, 32)});
           return want;
         })};
  c.sm = 80;
  return c;
}

}  // namespace

OPCODES(shfl_of_every_mode_width_and_amount) {
  Cases all;
  for (const std::string mode : {"up", "down", "bfly", "idx"}) {
    const std::string text = fmt::format("shfl.sync.{}.b32 %d0|%d1, %a0, %a1, %a2, 0xFFFFFFFF;", mode);
    all.push_back({text, "rrr", "rp", shuffles(mode, false)});
    all.push_back({text, "rrr", "rp", shuffles(mode, true)});
  }
  return all;
}

OPCODES(shfl_without_a_predicate_and_with_immediates) {
  return {{"shfl.sync.bfly.b32 %d0, %a0, 5, 31, -1; shfl.sync.down.b32 %d1, %a0, 3, 0x181F, -1;", "r", "rr",
           warps(lanes_of(3, [](unsigned, unsigned, std::mt19937_64& random) { return Words{random() & 0xFFFFFFFF}; }),
                 [](const Lanes& in) {
                   Lanes want;
                   for (std::size_t me = 0; me < 32; ++me) {
                     want.push_back({in[me ^ 5][0], in[me % 8 + 3 < 8 ? me + 3 : me][0]});
                   }
                   return want;
                 })}};
}

OPCODES(vote_all_any_uni_ballot) {
  const std::string vote =
      "vote.sync.all.pred %d0, %a0, {0}; vote.sync.any.pred %d1, %a0, {0}; "
      "vote.sync.uni.pred %d2, %a0, {0}; vote.sync.ballot.b32 %d3, %a0, {0};";
  return {{fmt::format(fmt::runtime(vote), "0xFFFFFFFF"), "p", "pppr", votes(together)},
          {in_two_arms(fmt::format(fmt::runtime(vote), "%t0")), "p", "pppr", votes(same_arm)}};
}

OPCODES(vote_of_a_negated_predicate) {
  return {{"vote.sync.ballot.b32 %d0, !%a0, 0xFFFFFFFF; vote.sync.all.pred %d1, !%a0, 0xFFFFFFFF;", "p", "rp",
           warps(predicates(), [](const Lanes& in) {
             const Word no = word_of(in, [&](std::size_t lane) { return in[lane][0] == 0; });
             return Lanes(32, {no, no == 0xFFFFFFFF});
           })}};
}

OPCODES(match_any_and_all) {
  Cases all;
  each<u32, u64>([&]<class T>() {
    const std::string in{letter<T>()};
    const std::string any = fmt::format("match.any.sync.b{} %d0, %a0, {{}};", kBits<T>);
    const std::string whole = fmt::format("match.all.sync.b{} %d0|%d1, %a0, {{}};", kBits<T>);
    const auto with = [](const std::string& text, const char* mask) { return fmt::format(fmt::runtime(text), mask); };
    all.push_back({with(any, "0xFFFFFFFF"), in, "r", matches<T>(false, together)});
    all.push_back({with(whole, "0xFFFFFFFF"), in, "rp", matches<T>(true, together)});
    all.push_back({in_two_arms(with(any, "%t0")), in, "r", matches<T>(false, same_arm)});
    all.push_back({in_two_arms(with(whole, "%t0")), in, "rp", matches<T>(true, same_arm)});
  });
  return all;
}

OPCODES(redux_over_the_member_mask) {
  const auto least = [](Wide a, Wide b) { return a < b ? a : b; };
  const auto most = [](Wide a, Wide b) { return a > b ? a : b; };
  const auto sum = [](Wide a, Wide b) { return a + b; };
  return {reduction<u32>("add", "u32", sum),
          reduction<s32>("add", "s32", sum),
          reduction<u32>("min", "u32", least),
          reduction<s32>("min", "s32", least),
          reduction<u32>("max", "u32", most),
          reduction<s32>("max", "s32", most),
          reduction<u32>("and", "b32", [](Wide a, Wide b) { return a & b; }),
          reduction<u32>("or", "b32", [](Wide a, Wide b) { return a | b; }),
          reduction<u32>("xor", "b32", [](Wide a, Wide b) { return a ^ b; })};
}

OPCODES(activemask_names_the_lanes_of_the_arm) {
  return {{fmt::format("activemask.b32 %d0; {} activemask.b32 %d2;", in_two_arms("activemask.b32 %d1;")), "", "rrr",
           warps(Lanes(32), [](const Lanes& in) {
             Lanes want;
             for (std::size_t me = 0; me < in.size(); ++me)
               want.push_back({0xFFFFFFFF, me < 11 ? 0x7FFu : 0xFFFFF800u, 0xFFFFFFFF});
             return want;
           })}};
}

}  // namespace obz::opcodes
