#include "golden/explain/explain_net.hpp"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <functional>
#include <map>
#include <memory>

#include <fmt/format.h>
#include <tbb/parallel_for.h>

#include "golden/cases/synth.hpp"
#include "golden/device/fault_list.hpp"
#include "golden/device/run_faulty.hpp"
#include "ref/base/error.hpp"
#include "ref/base/sha256.hpp"
#include "ref/border/convert.hpp"
#include "ref/execute/fast.hpp"
#include "ref/execute/naive.hpp"
#include "ref/net/save_load.hpp"

namespace obz {
namespace {

void run_node(const Node& node, std::span<const Tensor* const> in, Tensor& y, const Fault& fault) {
  if (fault == Fault{} || !can_be_faulty(node.op)) {
    run_naive(node, in, y);
    return;
  }
  if (in_requantizer(fault) && !in_outputs(fault) && fault.unit == 0) {
    std::vector<std::int64_t> accs;
    run_naive(node, in, y, &accs);
    if (requantize_again(node, accs, y, fault)) return;
  }
  run_faulty(node, in, y, fault);
}

const Tensor& constant_or(const IntNet& net, std::vector<Tensor>& values, int tensor) {
  const TensorInfo& info = net.tensors[static_cast<std::size_t>(tensor)];
  return info.constant ? *info.constant : values[static_cast<std::size_t>(tensor)];
}

/// Elements of a row that a prediction does not explain.
std::int64_t misses(const SeenRow& seen, const Tensor& predicted) {
  std::int64_t count = 0;
  for (std::size_t i = 0; i < seen.lo.size(); ++i) {
    const std::int64_t v = predicted.data[i];
    count += v < seen.lo[i] || v > seen.hi[i] ? 1 : 0;
  }
  return count;
}

/// Every real value of the output's type, in the order of the integers.
std::vector<double> real_values(const IntNet& net, int output, const std::string& file) {
  const TensorInfo& info = net.tensors[static_cast<std::size_t>(output)];
  const auto border = std::find_if(net.output_borders.begin(), net.output_borders.end(),
                                   [&](const OutputBorder& b) { return b.tensor == output; });
  const bool plain = border == net.output_borders.end() || border->affine.scales.size() == 1;
  if (info.type.bits > 16 || !plain || (border == net.output_borders.end() && info.scale == 0)) {
    throw Error(fmt::format("{}: floats were given, but output {} has no scale of its own", file, info.id));
  }
  const double scale = border == net.output_borders.end() ? info.scale : border->affine.scales[0];
  const std::int64_t zero = border == net.output_borders.end()   ? info.zero_point
                            : border->affine.zero_points.empty() ? 0
                                                                 : border->affine.zero_points[0];
  std::vector<double> values;
  for (std::int64_t q = info.type.min(); q <= info.type.max(); ++q) {
    values.push_back(static_cast<double>(static_cast<float>(q - zero) * static_cast<float>(scale)));
  }
  return values;
}

}  // namespace

std::vector<SeenRow> seen_rows(const IntNet& net, int output, const NpyArray& got, int decimals,
                               const std::string& file) {
  const TensorInfo& info = net.tensors[static_cast<std::size_t>(output)];
  const std::int64_t elems = info.shape.elems(), total = got.shape.elems();
  const std::int64_t rows = got.shape.rank() == 0 ? 0 : got.shape[0];
  // [N, output], [N, output without its leading 1], or one sample.
  const bool stacked = elems > 0 && total == rows * elems;
  if (total == 0) throw Error(fmt::format("{}: no outputs, so there is nothing to explain", file));
  if (!stacked && total != elems) {
    throw Error(fmt::format("{}: expected samples of {} ({} values each), got {}", file, info.shape.text(), elems,
                            got.shape.text()));
  }
  const std::int64_t count = stacked ? rows : 1;
  std::vector<SeenRow> seen(static_cast<std::size_t>(count));
  if (got.kind != 'f') {
    const std::vector<std::int64_t> values = npy_to_int64(got, file);
    for (std::int64_t i = 0; i < total; ++i) {
      SeenRow& row = seen[static_cast<std::size_t>(i / elems)];
      row.lo.push_back(values[static_cast<std::size_t>(i)]);
      row.hi.push_back(values[static_cast<std::size_t>(i)]);
    }
    return seen;
  }
  const std::vector<double> reals = real_values(net, output, file), values = npy_to_double(got, file);
  const double reach = decimals < 0 ? 0 : 0.5 * std::pow(10.0, -decimals) * (1 + 1e-4);
  for (std::int64_t i = 0; i < total; ++i) {
    const double v = values[static_cast<std::size_t>(i)];
    if (!std::isfinite(v)) {
      throw Error(fmt::format("{}: sample {}, value {}: expected a number, got {}", file, i / elems, i % elems, v));
    }
    // Scales are positive: the real values ascend.
    const auto lo = std::lower_bound(reals.begin(), reals.end(), v - reach);
    const auto hi = std::upper_bound(reals.begin(), reals.end(), v + reach);
    SeenRow& row = seen[static_cast<std::size_t>(i / elems)];
    row.lo.push_back(info.type.min() + (lo - reals.begin()));
    row.hi.push_back(info.type.min() + (hi - reals.begin()) - 1);
  }
  return seen;
}

std::vector<NamedNet> distinct_nets(std::vector<NamedNet> nets) {
  std::vector<NamedNet> kept;
  std::map<std::string, std::size_t> known;
  for (NamedNet& n : nets) {
    IntNet anonymous = n.net;
    anonymous.profile.clear();
    anonymous.notes.clear();
    const auto [at, is_new] = known.emplace(sha256_hex(format_net(anonymous)), kept.size());
    if (is_new) {
      kept.push_back(std::move(n));
    } else {
      std::vector<std::string>& ids = kept[at->second].profiles;
      for (const std::string& id : n.profiles) {
        if (std::find(ids.begin(), ids.end(), id) == ids.end()) ids.push_back(id);
      }
    }
  }
  return kept;
}

std::vector<Fault> uniform_faults(const IntNet& net) {
  std::vector<Fault> faults;
  for (const Node& node : net.nodes) {
    if (!can_be_faulty(node.op)) continue;
    for (const Fault& f : layer_faults(net, node)) {
      const bool is_register = (f.damage == Damage::wraps || f.damage == Damage::saturates) && f.bit % 4 == 0 &&
                               (f.wire == Wire::acc || f.wire == Wire::partial || f.wire == Wire::sum);
      const bool likely = f.quirk != Quirk::none || is_register;
      if (likely && std::find(faults.begin(), faults.end(), f) == faults.end()) faults.push_back(f);
    }
  }
  return faults;
}

std::vector<Tensor> run_theory(const IntNet& net, const Fault& fault, const std::vector<Tensor>& inputs) {
  std::vector<Tensor> values(net.tensors.size());
  for (std::size_t k = 0; k < net.inputs.size(); ++k) values[static_cast<std::size_t>(net.inputs[k])] = inputs[k];
  for (const Node& node : net.nodes) {
    std::vector<const Tensor*> in;
    for (const int i : node.inputs) in.push_back(&constant_or(net, values, i));
    const TensorInfo& out = net.tensors[static_cast<std::size_t>(node.outputs[0])];
    Tensor y(out.shape, out.type);
    run_node(node, in, y, fault);
    // A fault may leave the type: the next layer reads what fits the wires.
    for (std::int32_t& v : y.data) v = static_cast<std::int32_t>(saturate(v, out.type.min(), out.type.max()));
    values[static_cast<std::size_t>(node.outputs[0])] = std::move(y);
  }
  return values;
}

NetExplanation explain_net(const std::vector<NamedNet>& nets, int output, const InputSet& inputs,
                           const std::vector<SeenRow>& seen,
                           const std::function<void(std::int64_t, std::int64_t)>& progress) {
  NetExplanation e;
  e.by_value = nets[0].net.nodes.size() == 1;
  const auto rows = static_cast<std::int64_t>(seen.size());
  const auto out = static_cast<std::size_t>(output);
  e.evidence = rows;
  if (e.by_value) {
    e.evidence = 0;
    for (const SeenRow& r : seen) e.evidence += static_cast<std::int64_t>(r.lo.size());
  }
  std::vector<std::vector<Tensor>> samples;
  for (std::int64_t r = 0; r < rows; ++r) samples.push_back(inputs.sample(r));
  std::vector<std::unique_ptr<FastExecutor>> fast;
  for (const NamedNet& n : nets) fast.push_back(std::make_unique<FastExecutor>(n.net));
  const auto missed_in = [&](const NetTheory& t, std::int64_t row) {
    const auto r = static_cast<std::size_t>(row);
    std::int64_t count = 0;
    if (t.fault == Fault{}) {
      const std::vector<Tensor> outputs = run_net(nets[t.net].net, samples[r], std::ref(*fast[t.net]));
      const std::vector<int>& ids = nets[t.net].net.outputs;
      count =
          misses(seen[r], outputs[static_cast<std::size_t>(std::find(ids.begin(), ids.end(), output) - ids.begin())]);
    } else {
      count = misses(seen[r], run_theory(nets[t.net].net, t.fault, samples[r])[out]);
    }
    return e.by_value ? count : std::min<std::int64_t>(count, 1);
  };

  // Rows that the reference gets wrong first: there its look-alikes fall.
  std::vector<std::int64_t> order(static_cast<std::size_t>(rows)), reference_missed(static_cast<std::size_t>(rows));
  tbb::parallel_for(std::int64_t{0}, rows, [&](std::int64_t r) {
    order[static_cast<std::size_t>(r)] = r;
    reference_missed[static_cast<std::size_t>(r)] = missed_in({}, r);
  });
  std::stable_sort(order.begin(), order.end(), [&](std::int64_t a, std::int64_t b) {
    return (reference_missed[static_cast<std::size_t>(a)] > 0) > (reference_missed[static_cast<std::size_t>(b)] > 0);
  });
  std::int64_t reference_total = 0;
  for (const std::int64_t m : reference_missed) reference_total += m;
  e.reference = e.evidence - reference_total;

  std::vector<NetTheory> theories{{}};
  for (std::size_t n = 1; n < nets.size(); ++n) theories.push_back({n, {}});
  const std::size_t plain = theories.size();
  std::vector<std::int64_t> missed(1, reference_total);
  std::atomic<std::int64_t> least = reference_total, done = 0;
  std::int64_t planned = static_cast<std::int64_t>(plain);
  // A theory that misses more than a finished one explains nothing better; -1: dropped.
  const auto judge = [&](std::size_t first) {
    missed.resize(theories.size(), -1);
    tbb::parallel_for(first, theories.size(), [&](std::size_t i) {
      std::int64_t count = 0;
      for (const std::int64_t r : order) {
        count += missed_in(theories[i], r);
        if (count > least) break;
      }
      if (count <= least) missed[i] = count;
      for (std::int64_t l = least; count < l && !least.compare_exchange_weak(l, count);) {
      }
      if (progress) progress(++done, planned);
    });
  };
  judge(1);
  std::size_t best_net = 0;
  for (std::size_t i = 0; i < plain; ++i) {
    if (missed[i] >= 0 && missed[i] < missed[best_net]) best_net = i;
  }
  // Faults meet a few rows first. Those that explain more there than the best network does are judged on all of them.
  std::size_t screen = std::min<std::size_t>(order.size(), e.by_value ? 4 : 8);
  const auto screened = [&](const NetTheory& t, std::int64_t most) {
    std::int64_t count = 0;
    for (std::size_t i = 0; i < screen && count <= most; ++i) count += missed_in(t, order[i]);
    return count;
  };
  std::vector<NetTheory> faulty;
  for (const std::size_t n : {best_net, std::size_t{0}}) {
    for (const Fault& f : e.by_value ? layer_faults(nets[n].net, nets[n].net.nodes[0]) : uniform_faults(nets[n].net)) {
      faulty.push_back({n, f});
    }
    if (best_net == 0) break;
  }
  planned += static_cast<std::int64_t>(faulty.size());
  std::int64_t bar = screened({best_net, {}}, INT64_MAX);
  if (bar * 2 < static_cast<std::int64_t>(screen)) {  // few differences to go by: look at more
    screen = std::min<std::size_t>(order.size(), 3 * screen);
    bar = screened({best_net, {}}, INT64_MAX);
  }
  std::vector<std::int64_t> counts(faulty.size());
  tbb::parallel_for(std::size_t{0}, faulty.size(), [&](std::size_t i) {
    counts[i] = screened(faulty[i], bar);
    if (progress) progress(++done, planned);
  });
  std::vector<std::size_t> better;
  for (std::size_t i = 0; i < faulty.size(); ++i) {
    if (counts[i] < bar) better.push_back(i);
  }
  // The most promising first: what they explain cuts the others short.
  std::stable_sort(better.begin(), better.end(), [&](std::size_t a, std::size_t b) { return counts[a] < counts[b]; });
  constexpr std::size_t promising = 4;
  for (std::size_t i = 0; i < better.size(); ++i) {
    if (i == promising) judge(plain);
    theories.push_back(faulty[better[i]]);
  }
  judge(missed.size());
  e.theories = static_cast<std::int64_t>(plain + faulty.size());
  e.explained = e.evidence - least;
  for (std::size_t i = 0; i < theories.size(); ++i) {
    if (missed[i] == least) e.best.push_back(theories[i]);
  }
  if (e.best[0].fault == Fault{}) {
    e.screened = static_cast<std::int64_t>(screen);
    for (std::size_t i = 0; i < faulty.size(); ++i) {
      e.unshown += counts[i] == bar && faulty[i].net == e.best[0].net ? 1 : 0;
    }
  }
  constexpr std::size_t shown = 8;
  for (std::int64_t r = 0; r < rows && e.unexplained.size() < shown; ++r) {
    if (least > 0 && missed_in(e.best[0], r) > 0) e.unexplained.push_back(r);
  }
  return e;
}

Departure first_departure(const IntNet& reference, const IntNet& net, const Fault& fault,
                          const std::vector<Tensor>& inputs) {
  std::vector<Tensor> want = run_theory(reference, Fault{}, inputs), got = run_theory(net, fault, inputs);
  for (std::size_t n = 0; n < reference.nodes.size(); ++n) {
    const Node& node = reference.nodes[n];
    const auto out = static_cast<std::size_t>(node.outputs[0]);
    const auto at = std::mismatch(want[out].data.begin(), want[out].data.end(), got[out].data.begin());
    if (at.first == want[out].data.end()) continue;
    Departure d{.node = static_cast<int>(n),
                .element = at.first - want[out].data.begin(),
                .want = *at.first,
                .got = *at.second};
    // Up to here everything is equal, so both see the same inputs.
    std::vector<const Tensor*> in;
    for (const int i : node.inputs) in.push_back(&constant_or(reference, want, i));
    std::vector<std::int64_t> a, b;
    Tensor y(want[out].shape, want[out].type);
    run_naive(node, in, y, &a);
    if (can_be_faulty(net.nodes[n].op)) run_faulty(net.nodes[n], in, y, fault, &b);
    const auto e = static_cast<std::size_t>(d.element);
    if (e < a.size() && e < b.size()) {
      d.has_accs = true;
      d.acc_want = a[e];
      d.acc_got = b[e];
    }
    return d;
  }
  return {};
}

std::vector<std::vector<Tensor>> next_inputs(const std::vector<NamedNet>& nets, const std::vector<NetTheory>& alive,
                                             int output, int count, std::uint64_t seed) {
  std::vector<std::vector<Tensor>> chosen;
  std::vector<NetTheory> group = alive;
  constexpr std::int64_t candidates = 24;
  for (std::int64_t round = 0; static_cast<int>(chosen.size()) < count && group.size() > 1; ++round) {
    std::vector<std::vector<Tensor>> tried(candidates);
    std::vector<std::map<std::vector<std::int32_t>, std::vector<NetTheory>>> parts(candidates);
    tbb::parallel_for(std::int64_t{0}, candidates, [&](std::int64_t k) {
      const auto i = static_cast<std::size_t>(k);
      tried[i] = random_inputs(nets[0].net, k % 2 == 0 ? Goal::random : Goal::corners, seed, round * candidates + k);
      for (const NetTheory& t : group) {
        parts[i][run_theory(nets[t.net].net, t.fault, tried[i])[static_cast<std::size_t>(output)].data].push_back(t);
      }
    });
    const auto largest = [](const auto& groups) {
      return std::max_element(groups.begin(), groups.end(),
                              [](const auto& a, const auto& b) { return a.second.size() < b.second.size(); })
          ->second;
    };
    std::size_t best = 0;
    for (std::size_t i = 1; i < tried.size(); ++i) {
      if (largest(parts[i]).size() < largest(parts[best]).size()) best = i;
    }
    if (parts[best].size() < 2) break;
    chosen.push_back(tried[best]);
    group = largest(parts[best]);
  }
  return chosen;
}

std::string describe(const std::vector<NamedNet>& nets, const NetTheory& t) {
  const std::string base = fmt::format("{}", fmt::join(nets[t.net].profiles, ", "));
  if (t.fault == Fault{}) return base;
  std::string words = name_of(t.fault);
  std::replace(words.begin(), words.end(), '-', ' ');
  return fmt::format("{}, but: {}", nets[t.net].profiles[0], words);
}

}  // namespace obz
