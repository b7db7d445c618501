#include "cli/explain_network.hpp"

#include <algorithm>
#include <filesystem>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "cli/progress.hpp"
#include "cli/table.hpp"
#include "golden/cases/layer_requant.hpp"
#include "golden/explain/explain_layer.hpp"
#include "golden/explain/explain_net.hpp"
#include "golden/sets/vector_set.hpp"
#include "ref/base/error.hpp"
#include "ref/base/file.hpp"
#include "ref/net/save_load.hpp"
#include "ref/net/validate.hpp"
#include "ref/read/fill.hpp"
#include "ref/read/import.hpp"

namespace obz::cli {
namespace {

using Json = nlohmann::ordered_json;

/// The network with its additions and average pools as another profile would form them; the rest stays. nullopt:
/// nothing to form, or the profile cannot.
std::optional<IntNet> with_joins_of(IntNet net, const Profile& profile) {
  bool any = false;
  const auto info = [&](const Node& node, std::size_t i) -> const TensorInfo& {
    return net.tensors[static_cast<std::size_t>(node.inputs[i])];
  };
  const auto output = [&](const Node& node, const Channel& clamp) {
    const TensorInfo& y = net.tensors[static_cast<std::size_t>(node.outputs[0])];
    return OutputQuant{static_cast<float>(y.scale), y.zero_point, clamp.lo, clamp.hi, y.type};
  };
  try {
    for (Node& node : net.nodes) {
      const bool scaled = net.tensors[static_cast<std::size_t>(node.outputs[0])].scale > 0 &&
                          std::all_of(node.inputs.begin(), node.inputs.end(),
                                      [&](int i) { return net.tensors[static_cast<std::size_t>(i)].scale > 0; });
      if (!scaled) continue;
      if (auto* add = std::get_if<Add>(&node.op)) {
        const auto operand = [&](std::size_t i) {
          return AddOperand{static_cast<float>(info(node, i).scale), info(node, i).zero_point, info(node, i).type};
        };
        *add = fill_add(profile, operand(0), operand(1), output(node, add->out.channels[0]), add->subtract, node.name);
        any = true;
      } else if (auto* pool = std::get_if<AvgPool>(&node.op)) {
        const OutputQuant out = output(node, pool->requant.channels[0]);
        fill_avg_pool(profile, *pool, static_cast<float>(info(node, 0).scale), out, node.name);
        any = true;
      }
    }
    if (!any) return std::nullopt;
    validate(net, "explain");
  } catch (const Error&) {
    return std::nullopt;
  }
  return net;
}

/// The reference first; a model also under every other profile that can express it.
std::vector<NamedNet> candidates(const ExplainNetwork& o) {
  std::vector<NamedNet> nets;
  if (o.net.ends_with(".obz")) {
    if (!o.profile.empty())
      throw Error(fmt::format("--profile {}: an .obz network has its profile already", o.profile));
    IntNet net = load_net(o.net);
    if (!o.layer.empty()) net = extract_layer(net, find_node(net, o.layer));
    nets.push_back({{net.profile.empty() ? "the network's own arithmetic" : net.profile}, net});
    for (const Profile& p : profile_catalogue()) {
      if (auto other = with_joins_of(net, p)) {
        nets.push_back({{fmt::format("joins of {}", p.id)}, std::move(*other)});
      }
    }
    return distinct_nets(std::move(nets));
  }
  ImportOptions options;
  if (!o.profile.empty()) options.profile = std::string(find_profile(o.profile).id);
  const auto take = [&](IntNet net) {
    if (!o.layer.empty()) net = extract_layer(net, find_node(net, o.layer));
    const std::string profile = net.profile;
    nets.push_back({{profile}, std::move(net)});
  };
  take(import_model(o.net, options));
  for (const Profile& p : profile_catalogue()) {
    if (p.id == nets[0].profiles[0]) continue;
    try {
      options.profile = std::string(p.id);
      take(import_model(o.net, options));
    } catch (const Error&) {
      // This system cannot express the model, so it is no theory about it.
    }
  }
  return distinct_nets(std::move(nets));
}

std::string index_text(const Shape& shape, std::int64_t flat) {
  const std::vector<std::int64_t> stride = strides_of(shape);
  std::vector<std::int64_t> index;
  for (std::size_t i = 0; i < shape.rank(); ++i) index.push_back(flat / stride[i] % shape[i]);
  return fmt::format("[{}]", fmt::join(index, ","));
}

/// The channel of an output element.
std::size_t channel_of(const Node& node, const Shape& y, std::int64_t element, std::size_t channels) {
  std::int64_t inner = 1;
  if (const auto* conv = std::get_if<Conv2d>(&node.op); conv != nullptr && conv->layout == Layout::nchw) {
    inner = y[2] * y[3];
  }
  return static_cast<std::size_t>(element / inner % static_cast<std::int64_t>(channels));
}

std::string fixed_point(std::int64_t v, int shift) {
  if (shift <= 0 || shift > 62) return fmt::format("{}", v);
  const auto rest = static_cast<std::uint64_t>(v) & ((std::uint64_t{1} << shift) - 1);
  if (rest == 0) return fmt::format("{} exactly", v >> shift);
  if (rest == std::uint64_t{1} << (shift - 1)) return fmt::format("{} + 1/2 exactly", v >> shift);
  return fmt::format("{} + 0x{:x} / 2^{}", v >> shift, rest, shift);
}

/// Both requantizers on the same accumulator, wire by wire.
std::string wires(const LayerRequant& a, const LayerRequant& b, std::size_t channel, std::int64_t acc) {
  if (a.recipe.arithmetic != Arithmetic::dyadic || b.recipe.arithmetic != Arithmetic::dyadic) return "";
  const Channel &ca = a.channels[channel % a.channels.size()], &cb = b.channels[channel % b.channels.size()];
  const RequantTrace ta = trace_requantize(acc, a.recipe, ca), tb = trace_requantize(acc, b.recipe, cb);
  Table table({"stage", ">reference", ">device", ""});
  bool marked = false;
  const auto row = [&](const char* stage, const std::string& left, const std::string& right) {
    const bool differs = left != right && !marked;
    table.add({stage, left, right, differs ? "<- first difference" : ""});
    marked = marked || differs;
  };
  const auto number = [](std::int64_t v) { return fmt::format("{}", v); };
  const int left_a = std::max(0, ca.shift - a.recipe.first_bits), left_b = std::max(0, cb.shift - b.recipe.first_bits);
  row("accumulator", number(acc), number(acc));
  row("multiplier", number(ca.multiplier), number(cb.multiplier));
  row("shift", number(ca.shift), number(cb.shift));
  row("product", number(ta.product), number(tb.product));
  row("before the last rounding", fixed_point(ta.first, left_a), fixed_point(tb.first, left_b));
  row("rounded", number(ta.scaled), number(tb.scaled));
  row("with zero point", number(ta.sum), number(tb.sum));
  row("out", number(ta.out), number(tb.out));
  return table.text();
}

/// The first sample that the theory explains and the reference does not, and where they part.
void print_departure(const std::vector<NamedNet>& nets, const NetTheory& best, int output, const InputSet& inputs,
                     const std::vector<SeenRow>& seen) {
  for (std::size_t r = 0; r < seen.size(); ++r) {
    const std::vector<Tensor> sample = inputs.sample(static_cast<std::int64_t>(r));
    const Tensor want = run_theory(nets[0].net, Fault{}, sample)[static_cast<std::size_t>(output)];
    const Tensor got = run_theory(nets[best.net].net, best.fault, sample)[static_cast<std::size_t>(output)];
    const auto allowed = [&](const Tensor& t) {
      for (std::size_t i = 0; i < t.data.size(); ++i) {
        if (t.data[i] < seen[r].lo[i] || t.data[i] > seen[r].hi[i]) return false;
      }
      return true;
    };
    if (allowed(want) || !allowed(got)) continue;
    const Departure d = first_departure(nets[0].net, nets[best.net].net, best.fault, sample);
    if (d.node < 0) continue;
    const Node& node = nets[0].net.nodes[static_cast<std::size_t>(d.node)];
    const Shape& y = nets[0].net.tensors[static_cast<std::size_t>(node.outputs[0])].shape;
    fmt::print("\nthey part in layer {} ({}), first seen on sample {} at {}: reference {}, device {}\n", node.name,
               operator_name(node.op), r, index_text(y, d.element), d.want, d.got);
    if (d.has_accs && d.acc_want != d.acc_got) {
      fmt::print("the sums differ already: {} and {}\n", d.acc_want, d.acc_got);
    } else if (d.has_accs && best.fault == Fault{}) {
      const auto a = layer_requant(nets[0].net, node);
      const auto b = layer_requant(nets[best.net].net, nets[best.net].net.nodes[static_cast<std::size_t>(d.node)]);
      if (a && b) fmt::print("{}", wires(*a, *b, channel_of(node, y, d.element, a->channels.size()), d.acc_want));
    } else if (d.has_accs) {
      fmt::print("both requantize the accumulator {}\n", d.acc_want);
    }
    return;
  }
}

double share(std::int64_t part, std::int64_t whole) {
  return whole == 0 ? 0 : 100 * static_cast<double>(part) / static_cast<double>(whole);
}

int print_next(const ExplainNetwork& o, const std::vector<NamedNet>& nets, const NetExplanation& e, int output) {
  const int code = e.reference == e.evidence ? 0 : 1;
  if (e.best.size() < 2) {
    fmt::print(stderr, "one theory is left: there is nothing to split\n");
    return code;
  }
  const auto chosen = next_inputs(nets, e.best, output, static_cast<int>(o.next), o.seed);
  if (chosen.empty()) {
    fmt::print(stderr, "no seeded input was found that splits the {} theories left\n", e.best.size());
    return code;
  }
  const IntNet& net = nets[0].net;
  for (std::size_t k = 0; k < net.inputs.size(); ++k) {
    Tensor all = chosen[0][k];
    for (std::size_t s = 1; s < chosen.size(); ++s) {
      all.data.insert(all.data.end(), chosen[s][k].data.begin(), chosen[s][k].data.end());
    }
    std::vector<std::int64_t> dims(all.shape.begin(), all.shape.end());
    dims.insert(dims.begin(), static_cast<std::int64_t>(chosen.size()));
    all.shape = Shape(dims);
    const std::string file = k == 0 ? o.out : fmt::format("{}.{}", o.out, k);
    write_file(file, format_npy(npy_from(all)));
    fmt::print(stderr, "{}: {} sample(s) of {} that split the {} theories left\n", file, chosen.size(),
               net.tensors[static_cast<std::size_t>(net.inputs[k])].id, e.best.size());
  }
  return code;
}

/// No single fault explains a layer: several departures of its requantizer at once, or a wrong sum and a wrong
/// requantizer.
void print_layer_theories(const IntNet& net, const InputSet& inputs, const std::vector<SeenRow>& seen) {
  const auto e = explain_layer(net, inputs, seen);
  if (!e || e->best.empty()) return;
  fmt::print("\nseveral departures at once: {} of {} outputs ({:.2f} %) explained by\n", grouped(e->explained),
             grouped(e->observed), share(e->explained, e->observed));
  constexpr std::size_t most = 4;
  for (std::size_t i = 0; i < std::min(most, e->best.size()); ++i) {
    std::string sum = name_of(e->best[i].sum);
    std::replace(sum.begin(), sum.end(), '-', ' ');
    fmt::print("  {}{}\n", describe(e->best[i].requant), e->best[i].sum == Fault{} ? "" : "; the sum: " + sum);
  }
  if (e->best.size() > most) fmt::print("  and {} more\n", e->best.size() - most);
  const NearSums& near = e->near;
  if (near.outputs == 0) return;
  fmt::print(
      "{} of the {} others are the outputs of accumulators that are off by {} to {}; the right ones there are {} or "
      "more\n",
      grouped(near.outputs), grouped(e->observed - e->explained), grouped(near.least), grouped(near.most),
      grouped(near.smallest_sum));
  constexpr std::int64_t float32_grows_inexact = 1 << 21;
  if (near.smallest_sum >= float32_grows_inexact) {
    fmt::print(
        "so large sums do not survive float32 (24 bits, less after scaling): a device that sums or rescales in float32 "
        "answers like this\n");
  }
}

}  // namespace

int explain_network(const ExplainNetwork& o) {
  constexpr std::int64_t most_rows = 1 << 20, most_decimals = 12;
  if (o.got.empty()) throw Error(fmt::format("explain {}: give the device's outputs with --got FILE.npy", o.net));
  if (o.inputs.empty()) throw Error(fmt::format("explain {}: give the inputs with --input FILE.npy", o.net));
  if (o.rows < 1 || o.rows > most_rows) throw Error(fmt::format("--rows {}: expected 1..{}", o.rows, most_rows));
  if (o.decimals > most_decimals) throw Error(fmt::format("--decimals {}: expected 0..{}", o.decimals, most_decimals));
  if ((o.next > 0) != !o.out.empty()) throw Error("--next N and -o FILE.npy: give both or none of them");
  if (o.next > 0 && !o.out.ends_with(".npy")) throw Error(fmt::format("-o {}: expected a name ending in .npy", o.out));
  const std::vector<NamedNet> nets = candidates(o);
  const IntNet& net = nets[0].net;
  const std::size_t equals = o.got.find('=');
  const std::string file = equals == std::string::npos ? o.got : o.got.substr(equals + 1);
  const int output = equals == std::string::npos ? net.outputs[0] : find_tensor(net, o.got.substr(0, equals));
  if (std::find(net.outputs.begin(), net.outputs.end(), output) == net.outputs.end()) {
    throw Error(fmt::format("--got {}: not an output of {}", o.got, o.net));
  }
  std::vector<SeenRow> seen =
      seen_rows(net, output, parse_npy(read_file(file), file), static_cast<int>(o.decimals), file);
  const InputSet inputs(net, o.inputs);
  if (inputs.count() != static_cast<std::int64_t>(seen.size())) {
    throw Error(fmt::format("{}: expected outputs of the {} samples in {}, got {}", file, inputs.count(), o.inputs[0],
                            seen.size()));
  }
  const auto all = static_cast<std::int64_t>(seen.size());
  if (all > o.rows) seen.resize(static_cast<std::size_t>(o.rows));
  ProgressBar bar("explain");
  const NetExplanation e =
      explain_net(nets, output, inputs, seen, [&](std::int64_t done, std::int64_t total) { bar.update(done, total); });
  if (o.next > 0) return print_next(o, nets, e, output);
  const char* unit = e.by_value ? "values" : "samples";
  if (o.json) {
    Json theories = Json::array();
    for (const NetTheory& t : e.best) {
      theories.push_back(
          {{"theory", describe(nets, t)}, {"profiles", nets[t.net].profiles}, {"fault", name_of(t.fault)}});
    }
    fmt::print("{}\n", Json{{"reference", nets[0].profiles[0]},
                            {"evidence", unit},
                            {"observed", e.evidence},
                            {"reference_explains", e.reference},
                            {"best_explains", e.explained},
                            {"theories", e.theories},
                            {"faults_not_shown", e.unshown},
                            {"class", theories}}
                           .dump(1));
    return e.reference == e.evidence ? 0 : 1;
  }
  fmt::print("{} {}{}; {} explains {} ({:.2f} %), the best of {} theories {} ({:.2f} %)\n\n", grouped(e.evidence), unit,
             all > o.rows ? fmt::format(" (the first {} of {} samples, --rows N for more)", o.rows, all) : "",
             nets[0].profiles[0], grouped(e.reference), share(e.reference, e.evidence), e.theories,
             grouped(e.explained), share(e.explained, e.evidence));
  constexpr std::size_t most = 8;
  for (std::size_t i = 0; i < std::min(most, e.best.size()); ++i) {
    fmt::print("{}  {}\n", i == 0 ? "best theory" : "  or       ", describe(nets, e.best[i]));
  }
  if (e.best.size() > most) fmt::print("             and {} more\n", e.best.size() - most);
  if (e.best.size() > 1) {
    fmt::print("{} theories that these outputs cannot tell apart; --next N -o FILE.npy gives inputs that can\n",
               e.best.size());
  }
  if (e.unshown > 0) {
    fmt::print("{} faults on top of it would not show on the {} samples they were tried on\n", e.unshown, e.screened);
  }
  if (!e.unexplained.empty()) {
    fmt::print("samples that even the best theory does not explain: {}{}\n", fmt::join(e.unexplained, ", "),
               e.unexplained.size() < 8 ? "" : ", ...");
  }
  if (e.by_value && e.explained < e.evidence) print_layer_theories(net, inputs, seen);
  if (!(e.best[0] == NetTheory{})) print_departure(nets, e.best[0], output, inputs, seen);
  return e.reference == e.evidence ? 0 : 1;
}

}  // namespace obz::cli
