#include "golden/shrink/shrink.hpp"

#include <algorithm>
#include <numeric>

#include <fmt/format.h>

#include "golden/shrink/simplify.hpp"
#include "ref/arith/apply.hpp"
#include "ref/base/error.hpp"
#include "ref/execute/naive.hpp"

namespace obz {
namespace {

/// The profile of the network, if it is one of the catalogue.
const Profile* known_profile(const std::string& id) {
  for (const Profile& p : profile_catalogue()) {
    if (p.id == id) return &p;
  }
  return nullptr;
}

/// Whether requantizers of this recipe multiply by an integer.
bool multiplies(const Recipe& r) {
  return r.arithmetic == Arithmetic::dyadic || r.arithmetic == Arithmetic::float64_dyadic;
}

class LayerShrinker {
 public:
  LayerShrinker(Engine& engine, const ShrinkOptions& options, LayerCase start)
      : engine_(engine), options_(options), profile_(known_profile(start.net.profile)) {
    settle(start);
    failed_ = run(start);
    if (failed_) result_.layer = std::move(start);
  }

  std::optional<Shrunk> shrink() {
    if (!failed_) return std::nullopt;
    result_.has_cuts = !extents(layer()).empty();
    constexpr int most_rounds = 6;  // each simplification may open the way for another; six are never reached in tests
    for (int round = 0; round < most_rounds && !spent(); ++round) {
      const std::int64_t before = accepted_;
      cut();
      rest_values();
      numbers();
      values_towards_rest();
      if (accepted_ != before) continue;
      if (!fewer_by_larger()) break;
    }
    result_.complete = !spent();
    result_.runs = runs_;
    return std::move(result_);
  }

 private:
  const LayerCase& layer() const { return result_.layer; }
  bool spent() const { return runs_ >= options_.most_runs; }

  /// Runs reference and engine; true and noted in result_ when they differ.
  bool run(const LayerCase& c) {
    const LayerJob job = [&] {
      LayerJob j{&c.net, &c.node(), {}, &c.output()};
      for (const Tensor& t : c.inputs) j.inputs.push_back(&t);
      return j;
    }();
    const bool first = runs_ == 0;
    engine_.forget();
    if (!engine_.supports(job).yes) return false;
    Tensor want(c.output().shape, c.output().type);
    std::vector<std::int64_t> accs;
    run_naive(c.node(), job.inputs, want, &accs);
    if (!first && leaves_domain(c, accs)) return false;
    ++runs_;
    LayerResult result;
    try {
      result = engine_.run(job);
    } catch (const Error&) {
      if (first) throw;
      return false;  // another failure than the one looked for
    }
    engine_.forget();
    OBZ_CHECK(result.output.data.size() == want.data.size());
    const bool differs = result.output.data != want.data;
    if (differs) {
      result_.want = std::move(want);
      result_.got = std::move(result.output);
    }
    if (options_.progress) options_.progress(runs_, result_.want.elems(), (first ? c : layer()).activations());
    return differs;
  }

  /// Accumulators that the profile's own device may not meet (TOSA's range, a left shift that overflows).
  bool leaves_domain(const LayerCase& c, const std::vector<std::int64_t>& accs) const {
    LayerCase copy_for_numbers = c;
    const LayerNumbers numbers = numbers_of(copy_for_numbers);
    if (profile_ == nullptr || numbers.requants.size() != 1) return false;
    const Requant& r = *numbers.requants[0].first;
    if (r.channels.size() != 1 || !(r.recipe == profile_->recipe)) return false;
    if (const auto* pool = std::get_if<AvgPool>(&c.node().op); pool != nullptr && pool->by == AverageBy::division)
      return false;
    return std::any_of(accs.begin(), accs.end(), [&](std::int64_t acc) {
      return !in_domain(*profile_, {acc, r.channels[0]});
    });
  }

  bool attempt(LayerCase candidate) {
    if (spent()) return false;
    try {
      settle(candidate);
    } catch (const Error&) {
      return false;  // no valid layer
    }
    if (!run(candidate)) return false;
    result_.layer = std::move(candidate);
    ++accepted_;
    return true;
  }
  bool attempt(std::optional<LayerCase> candidate) { return candidate && attempt(std::move(*candidate)); }

  /// Sizes before and after, as one step.
  void note(const std::string& what, std::int64_t before, std::int64_t after) {
    if (before != after) result_.steps.push_back(fmt::format("{} {} -> {}", what, before, after));
  }

  void cut() {
    single_output();
    for (bool again = true; again && !spent();) {
      again = false;
      for (LayerCase& form : simpler_forms(layer())) {
        if (!attempt(std::move(form))) continue;
        again = true;
        break;  // the others were made of the case before
      }
    }
    for (std::size_t i = 0; i < extents(layer()).size(); ++i) minimise(i);
  }

  /// All output dimensions at once, at a few of the outputs that differ.
  void single_output() {
    if (result_.want.elems() == 1) return;
    std::vector<std::int64_t> differing;
    for (std::size_t i = 0; i < result_.want.data.size(); ++i) {
      if (result_.want.data[i] != result_.got.data[i]) differing.push_back(static_cast<std::int64_t>(i));
    }
    constexpr std::size_t tries = 8;
    const std::int64_t outputs = result_.want.elems();
    for (std::size_t t = 0; t < std::min(tries, differing.size()); ++t) {
      const std::int64_t flat = differing[t * differing.size() / std::min(tries, differing.size())];
      if (!attempt(cut_to_output(layer(), flat))) continue;
      note("outputs", outputs, result_.want.elems());
      return;
    }
  }

  /// Removes runs of indices of one dimension, halves first, until no single one can go.
  void minimise(std::size_t which) {
    const std::string name = extents(layer())[which].name;
    const auto size = [&] { return which < extents(layer()).size() ? extents(layer())[which].size : 1; };
    const std::int64_t before = size();
    for (std::int64_t chunk = before / 2; chunk >= 1 && !spent();) {
      bool removed = false;
      for (std::int64_t at = 0; at < size() && size() > 1 && !spent();) {
        const Extent e = extents(layer())[which];
        const std::int64_t end = std::min(at + chunk, e.size);
        std::vector<std::int64_t> kept;
        for (std::int64_t i = 0; i < e.size; ++i) {
          if (i < at || i >= end) kept.push_back(i);
        }
        if (!kept.empty() && attempt(e.keep(layer(), kept))) {
          removed = true;
        } else {
          at = end;
        }
      }
      if (chunk > 1) {
        chunk = std::min(chunk / 2, std::max<std::int64_t>(size() / 2, 1));
      } else if (!removed) {
        break;
      }
    }
    note(name, before, size());
  }

  /// One number of the case: an activation, a weight or a bias.
  struct Slot {
    enum class Kind : std::uint8_t { input, weight, bias } kind;
    std::size_t tensor, at;
    std::int64_t target;
  };

  static std::int64_t get(LayerCase& c, const Slot& s) {
    if (s.kind == Slot::Kind::input) return c.inputs[s.tensor].data[s.at];
    Filter& f = *numbers_of(c).filter;
    return s.kind == Slot::Kind::weight ? f.weights.data[s.at] : f.bias[s.at];
  }
  static void set(LayerCase& c, const Slot& s, std::int64_t v) {
    if (s.kind == Slot::Kind::input) {
      c.inputs[s.tensor].data[s.at] = static_cast<std::int32_t>(v);
      return;
    }
    Filter& f = *numbers_of(c).filter;
    if (s.kind == Slot::Kind::weight) {
      f.weights.data[s.at] = static_cast<std::int32_t>(v);
    } else {
      f.bias[s.at] = v;
    }
  }

  /// Every number that is not at rest yet, in groups that are looked at one after the other.
  std::vector<std::vector<Slot>> slots() {
    LayerCase c = layer();
    std::vector<std::vector<Slot>> groups;
    for (std::size_t k = 0; k < c.inputs.size(); ++k) {
      const std::int64_t rest = rest_of_input(c, k);
      groups.emplace_back();
      for (std::size_t i = 0; i < c.inputs[k].data.size(); ++i) {
        if (c.inputs[k].data[i] != rest) groups.back().push_back({Slot::Kind::input, k, i, rest});
      }
    }
    if (const Filter* f = numbers_of(c).filter; f != nullptr) {
      groups.emplace_back();
      const std::int64_t per_channel = f->weights.elems() / std::max<std::int64_t>(f->out_channels(), 1);
      for (std::size_t i = 0; i < f->weights.data.size(); ++i) {
        const std::int64_t rest = f->zero_point_of(static_cast<std::int64_t>(i) / per_channel);
        if (f->weights.data[i] != rest) groups.back().push_back({Slot::Kind::weight, 0, i, rest});
      }
      groups.emplace_back();
      for (std::size_t i = 0; i < f->bias.size(); ++i) {
        if (f->bias[i] != 0) groups.back().push_back({Slot::Kind::bias, 0, i, 0});
      }
    }
    return groups;
  }

  /// As many numbers as possible to rest: all of a group, then halves, then single ones.
  void rest_values() {
    for (std::vector<Slot> group : slots()) {
      for (std::size_t chunk = std::max<std::size_t>(group.size(), 1); chunk >= 1 && !group.empty(); chunk /= 2) {
        for (std::size_t at = 0; at < group.size() && !spent();) {
          const std::size_t end = std::min(at + chunk, group.size());
          LayerCase next = layer();
          for (std::size_t i = at; i < end; ++i) set(next, group[i], group[i].target);
          if (attempt(std::move(next))) {
            group.erase(group.begin() + static_cast<std::ptrdiff_t>(at),
                        group.begin() + static_cast<std::ptrdiff_t>(end));
          } else {
            at = end;
          }
        }
      }
    }
  }

  /// Sums that overflow need few terms when the terms are large: all values to the rails, cut again, and back when that
  /// left no fewer.
  bool fewer_by_larger() {
    constexpr std::int64_t few = 4;
    if (layer().activations() <= few) return false;
    Shrunk saved = result_;
    LayerCase next = layer();
    for (const std::vector<Slot>& group : slots()) {
      for (const Slot& s : group) {
        if (s.kind == Slot::Kind::bias) continue;
        const IntType type =
            s.kind == Slot::Kind::input ? next.inputs[s.tensor].type : numbers_of(next).filter->weights.type;
        set(next, s, get(next, s) < s.target ? type.min() : type.max());
      }
    }
    if (attempt(std::move(next))) cut();
    if (layer().activations() < saved.layer.activations()) return true;
    result_ = std::move(saved);
    return false;
  }

  void values_towards_rest() {
    for (const std::vector<Slot>& group : slots()) {
      for (const Slot& s : group) {
        if (spent()) return;
        LayerCase now = layer();
        simplify_towards(get(now, s), s.target, [&](std::int64_t v) {
          LayerCase next = layer();
          set(next, s, v);
          return attempt(std::move(next));
        });
      }
    }
  }

  /// Zero points and requantizers.
  void numbers() {
    LayerCase probe = layer();
    for (std::size_t i = 0; i < numbers_of(probe).zero_points.size(); ++i) simplify_zero_point(i);
    for (std::size_t r = 0; r < numbers_of(probe).requants.size(); ++r) {
      for (std::size_t ch = 0; ch < numbers_of(probe).requants[r].first->channels.size() && !spent(); ++ch) {
        const auto [requant, type] = numbers_of(probe).requants[r];
        simplify_channel(requant->channels[ch], profile_, multiplies(requant->recipe), type, [&](const Channel& c) {
          LayerCase next = layer();
          numbers_of(next).requants[r].first->channels[ch] = c;
          return attempt(std::move(next));
        });
      }
    }
  }

  /// Towards 0, the input moved along so that its meaning stays; else with the input as it is.
  void simplify_zero_point(std::size_t which) {
    LayerCase now = layer();
    const ZeroPoint z = numbers_of(now).zero_points[which];
    if (z.get() == 0) return;
    const auto with = [&](std::int64_t v, bool moved) {
      LayerCase next = layer();
      const ZeroPoint mine = numbers_of(next).zero_points[which];
      const std::int64_t by = v - mine.get();
      mine.set(v);
      Tensor* values =
          mine.input < 0 ? &numbers_of(next).filter->weights : &next.inputs[static_cast<std::size_t>(mine.input)];
      for (std::int32_t& x : values->data) {
        if (moved) x = static_cast<std::int32_t>(saturate(x + by, values->type.min(), values->type.max()));
      }
      return attempt(std::move(next));
    };
    if (with(0, true)) return;
    simplify_towards(z.get(), 0, [&](std::int64_t v) { return with(v, false); });
  }

  Engine& engine_;
  const ShrinkOptions& options_;
  const Profile* profile_;
  Shrunk result_;
  std::int64_t runs_ = 0, accepted_ = 0;
  bool failed_ = false;
};

}  // namespace

std::size_t Shrunk::first_difference() const {
  const auto [a, b] = std::mismatch(want.data.begin(), want.data.end(), got.data.begin());
  OBZ_CHECK(a != want.data.end());
  return static_cast<std::size_t>(a - want.data.begin());
}

std::optional<Shrunk> shrink(const IntNet& one_layer, std::vector<Tensor> inputs, Engine& engine,
                             const ShrinkOptions& options) {
  LayerCase start = make_case(one_layer, std::move(inputs));
  if (start.output().shape.elems() == 0) return std::nullopt;
  return LayerShrinker(engine, options, std::move(start)).shrink();
}

std::optional<ShrunkRequant> shrink(const Profile& profile, IntType out, std::span<const RequantCase> cases,
                                    Engine& engine, const ShrinkOptions& options) {
  ShrunkRequant result{.profile = &profile, .out = out};
  const auto ask = [&](std::span<const RequantCase> some) {
    ++result.runs;
    const std::vector<std::int64_t> got = engine.run({&profile, profile.recipe, out, some});
    OBZ_CHECK(got.size() == some.size());
    if (options.progress) options.progress(result.runs, 1, 1);
    return got;
  };
  const auto want_of = [&](const RequantCase& c) { return apply_recipe(c.acc, profile.recipe, c.channel); };
  const auto spent = [&] { return result.runs >= options.most_runs; };
  const auto fails = [&](const RequantCase& c) {
    if (spent() || !in_domain(profile, c)) return false;
    std::int64_t got = 0;
    try {
      got = ask({&c, 1})[0];
    } catch (const Error&) {
      return false;
    }
    if (got == want_of(c)) return false;
    result.reduced = c;
    result.want = want_of(c);
    result.got = got;
    return true;
  };

  const std::vector<std::int64_t> answers = ask(cases);
  std::vector<std::size_t> failing;
  for (std::size_t i = 0; i < cases.size(); ++i) {
    if (answers[i] != want_of(cases[i])) failing.push_back(i);
  }
  if (failing.empty()) return std::nullopt;
  constexpr std::size_t tries = 16;
  const auto first_alone =
      std::find_if(failing.begin(), failing.begin() + static_cast<std::ptrdiff_t>(std::min(tries, failing.size())),
                   [&](std::size_t i) { return fails(cases[i]); });
  result.alone = first_alone != failing.begin() + static_cast<std::ptrdiff_t>(std::min(tries, failing.size()));
  const std::size_t chosen = result.alone ? *first_alone : failing[0];
  result.original = cases[chosen];
  if (!result.alone) {
    result.reduced = cases[chosen];
    result.want = want_of(cases[chosen]);
    result.got = answers[chosen];
    return result;
  }
  for (int round = 0; round < 6; ++round) {
    const RequantCase before = result.reduced;
    simplify_channel(before.channel, &profile, profile.uses_multiplier(), out, [&](const Channel& channel) {
      return fails({result.reduced.acc, channel});
    });
    simplify_towards(result.reduced.acc, 0, [&](std::int64_t acc) { return fails({acc, result.reduced.channel}); });
    if (result.reduced == before) break;
  }
  const Channel &a = result.original.channel, &b = result.reduced.channel;
  const auto note = [&](const char* what, auto from, auto to) {
    if (from != to) result.steps.push_back(fmt::format("{} {} -> {}", what, from, to));
  };
  note("acc", result.original.acc, result.reduced.acc);
  note("multiplier", a.multiplier, b.multiplier);
  note("shift", a.shift, b.shift);
  note("scale", a.scale, b.scale);
  note("addend", a.addend, b.addend);
  note("zero point", a.zero_point, b.zero_point);
  note("lo", a.lo, b.lo);
  note("hi", a.hi, b.hi);
  result.complete = !spent();
  return result;
}

}  // namespace obz
