#include "cli/plan_options.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <map>
#include <optional>

#include <fmt/format.h>

#include "cli/image_options.hpp"
#include "cli/labels.hpp"
#include "cli/numbers.hpp"
#include "cli/progress.hpp"
#include "cli/table.hpp"
#include "plan/csv.hpp"
#include "plan/from_net.hpp"
#include "plan/sensitivity.hpp"
#include "ref/base/error.hpp"
#include "ref/base/file.hpp"
#include "ref/base/suggest.hpp"
#include "ref/net/save_load.hpp"
#include "ref/quantize/samples.hpp"
#include "ref/quantize/simplify.hpp"
#include "ref/quantize/zoo.hpp"
#include "ref/read/onnx/read_float.hpp"

namespace obz::cli {
namespace {

using plan::Choice;
using plan::Layer;

// --- a network ------------------------------------------------------------------------------------------------

FloatNet read_network(const PlanOptions& o) {
  constexpr std::string_view zoo_mark = "zoo:";
  if (o.source.starts_with(zoo_mark)) return simplify(make_zoo_net(o.source.substr(zoo_mark.size()), o.seed));
  return simplify(read_float_onnx(read_file(o.source), o.source));
}

plan::NetOptions net_options(const PlanOptions& o) {
  plan::NetOptions n{.choices = {}, .pins = {}, .pin_ends = !o.free_ends, .batch = o.batch};
  constexpr std::int64_t most_batch = 4096;
  if (o.batch < 1 || o.batch > most_batch) throw Error(fmt::format("--batch {}: expected 1..{}", o.batch, most_batch));
  for (const std::string_view part : split(o.choices)) {
    const LayerBits bits = plan::parse_bits(part, "--choices");
    if (std::find(n.choices.begin(), n.choices.end(), bits) != n.choices.end()) {
      throw Error(fmt::format("--choices {}: {} appears twice", o.choices, part));
    }
    n.choices.push_back(bits);
  }
  for (const std::string& pin : o.pins) {
    const std::size_t equals = pin.rfind('=');
    if (equals == std::string::npos) throw Error(fmt::format("--pin {}: expected LAYER=BITS", pin));
    if (n.pins.contains(pin.substr(0, equals))) throw Error(fmt::format("--pin {}: the layer is pinned already", pin));
    n.pins[pin.substr(0, equals)] = plan::parse_bits(std::string_view(pin).substr(equals + 1), "--pin " + pin);
  }
  return n;
}

/// The samples of --calib, or seeded pictures for a network of the zoo.
struct Data {
  std::optional<FloatSamples> samples;
  plan::Measurement measurement;
};

Data read_data(const PlanOptions& o, const FloatNet& net) {
  if (o.samples < 1) throw Error(fmt::format("--samples {}: expected at least 1", o.samples));
  Data data;
  const Shape& input = net.values[static_cast<std::size_t>(net.input)].shape;
  if (!o.calibration.empty()) {
    data.samples.emplace(net, parse_npy(read_file(o.calibration), o.calibration), image_border(o.mean, o.deviation),
                         o.calibration);
    data.measurement.samples = std::min(o.samples, data.samples->count());
  } else if (o.source.starts_with("zoo:")) {
    data.measurement.samples = std::min<std::int64_t>(o.samples, 2);
    data.measurement.sample = [seed = o.seed, side = input[2]](std::int64_t i) {
      return zoo_image(seed + static_cast<std::uint64_t>(i), side);
    };
  } else {
    throw Error(fmt::format("--sensitivity {}: expected --calib DATA.npy to measure it on", o.sensitivity));
  }
  const Shape& scores = net.values[static_cast<std::size_t>(net.output)].shape;
  if (!o.labels.empty()) data.measurement.labels = read_labels(o.labels, data.measurement.samples, scores.elems());
  return data;
}

const FloatNode& layer_node(const FloatNet& net, const std::string& name) {
  return *std::find_if(net.nodes.begin(), net.nodes.end(), [&](const FloatNode& n) { return n.name == name; });
}

std::map<std::string, double> read_traces(const std::string& path, const plan::Table& table) {
  const plan::Csv csv = plan::parse_csv(as_text(read_file(path)), path);
  const std::size_t layer = csv.require_column("layer"), trace = csv.require_column("trace");
  std::map<std::string, double> traces;
  const auto known = [&](const std::string& name) {
    return std::any_of(table.layers.begin(), table.layers.end(), [&](const Layer& l) { return l.name == name; });
  };
  for (std::size_t r = 0; r < csv.rows.size(); ++r) {
    const std::string& name = csv.rows[r].cells[layer];
    if (!known(name)) throw Error(fmt::format("{}: the network has no layer \"{}\"", csv.where(r, layer), name));
    const double value = csv.number(r, trace);
    if (value < 0) throw Error(fmt::format("{}: expected a trace of at least 0, got {}", csv.where(r, trace), value));
    if (!traces.emplace(name, value).second)
      throw Error(fmt::format("{}: layer {} appears twice", csv.where(r, layer), name));
  }
  for (const Layer& l : table.layers) {
    if (!traces.contains(l.name)) throw Error(fmt::format("{}: expected a row for layer {}", path, l.name));
  }
  return traces;
}

void say_estimates(const plan::Table& table, const std::vector<plan::Estimate>& traces) {
  Table text({"layer", ">mean Hessian trace", ">standard error"});
  for (std::size_t i = 0; i < traces.size(); ++i) {
    text.add({table.layers[i].name, fmt::format("{:.5g}", traces[i].mean), fmt::format("{:.2g}", traces[i].error)});
  }
  fmt::print(stderr, "{}\n", text.text());
}

/// omega = mean Hessian trace x ||Q(W) - W||^2 (HAWQ-V2, equation 2.11).
void add_omega(plan::Table& table, const FloatNet& net, const std::map<std::string, double>& traces) {
  plan::add_column(table, "omega", [&](const std::string& layer, const LayerBits& bits) {
    return traces.at(layer) * plan::weight_error(layer_node(net, layer), bits.weights);
  });
}

void measure(const PlanOptions& o, const FloatNet& net, plan::Table& table) {
  if (!o.traces.empty() && o.given->contains("--sensitivity"))
    throw Error("--traces and --sensitivity: expected one of them");
  if (!o.traces.empty()) return add_omega(table, net, read_traces(o.traces, table));
  if (o.sensitivity == "mse") {
    for (const char* option : {"--calib", "--labels", "--mean", "--std", "--samples", "--probes"}) {
      if (o.given->contains(option)) throw Error(fmt::format("{}: --sensitivity mse measures on no samples", option));
    }
    return plan::add_column(table, "omega", [&](const std::string& layer, const LayerBits& bits) {
      return plan::weight_error(layer_node(net, layer), bits.weights);
    });
  }
  const bool hessian = o.sensitivity == "hessian";
  if (!hessian && o.sensitivity != "kl") {
    throw Error(fmt::format("--sensitivity {}: expected one of mse, hessian, kl", o.sensitivity));
  }
  Data data = read_data(o, net);
  if (data.samples) data.measurement.sample = [&](std::int64_t i) { return (*data.samples)(i); };
  ProgressBar bar("measuring sensitivity");
  data.measurement.progress = [&](std::int64_t done, std::int64_t total) { bar.update(done, total); };
  if (hessian) {
    constexpr std::int64_t most = 10000;
    if (o.probes < 1 || o.probes > most) throw Error(fmt::format("--probes {}: expected 1..{}", o.probes, most));
    const auto traces =
        plan::hessian_traces(net, data.measurement, {.probes = static_cast<int>(o.probes), .seed = o.seed});
    say_estimates(table, traces);
    std::map<std::string, double> by_name;
    // A sum of squares cannot help; a trace below 0 is noise or a saddle, and would call more rounding better.
    for (std::size_t i = 0; i < traces.size(); ++i) by_name[table.layers[i].name] = std::max(traces[i].mean, 0.0);
    return add_omega(table, net, by_name);
  }
  std::vector<int> widths;
  for (const Layer& l : table.layers) {
    for (const Choice& c : l.choices) {
      if (std::find(widths.begin(), widths.end(), c.bits.weights) == widths.end()) widths.push_back(c.bits.weights);
    }
  }
  const auto kl = plan::output_kl(net, data.measurement, widths);
  std::map<std::pair<std::string, int>, plan::Estimate> found;
  for (std::size_t i = 0; i < kl.size(); ++i) {
    for (std::size_t b = 0; b < widths.size(); ++b) found[{table.layers[i].name, widths[b]}] = kl[i][b];
  }
  plan::add_column(table, "omega", [&](const std::string& l, const LayerBits& b) {
    return found[{l, b.weights}].mean;
  });
  plan::add_column(table, "omega_error", [&](const std::string& l, const LayerBits& b) {
    return found[{l, b.weights}].error;
  });
}

/// Replaces the estimate by measurements: layer, weights, activations, latency_us, perhaps its ends.
void join_latencies(const std::string& path, plan::Table& table) {
  const plan::Table measured = plan::parse_table(as_text(read_file(path)), path);
  if (!measured.column("latency_us")) throw Error(fmt::format("{}: expected a column \"latency_us\"", path));
  for (const Layer& l : measured.layers) {
    const bool known =
        std::any_of(table.layers.begin(), table.layers.end(), [&](const Layer& t) { return t.name == l.name; });
    if (!known) throw Error(fmt::format("{}: the network has no layer \"{}\"", path, l.name));
  }
  for (const std::string& column : measured.columns) {
    const std::size_t from = *measured.column(column);
    for (const Layer& l : measured.layers) {
      for (const Choice& c : l.choices) {
        if (c.values[from] >= 0) continue;
        throw Error(fmt::format("{}: layer {} at {}: expected {} of at least 0, got {}", path, l.name,
                                plan::bits_text(c.bits), column, c.values[from]));
      }
    }
    plan::add_column(table, column, [&](const std::string& layer, const LayerBits& bits) {
      for (const Layer& l : measured.layers) {
        if (l.name != layer) continue;
        for (const Choice& c : l.choices) {
          if (c.bits == bits) return c.values[from];
        }
      }
      throw Error(fmt::format("{}: expected a row for layer {} at {}", path, layer, plan::bits_text(bits)));
    });
  }
}

// --- budgets --------------------------------------------------------------------------------------------------

struct Suffix {
  std::string_view text;
  double factor;
};

double limit_of(const std::string& option, std::string_view text, const plan::Table& table, std::size_t column,
                const std::vector<Suffix>& suffixes) {
  std::string_view digits = text;
  double factor = 1;
  const bool percent = text.ends_with('%');
  if (percent) digits.remove_suffix(1);
  for (const Suffix& s : suffixes) {
    if (percent || !text.ends_with(s.text)) continue;
    digits.remove_suffix(s.text.size());
    factor = s.factor;
    break;
  }
  double value = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
  if (error != std::errc() || end != digits.data() + digits.size() || !std::isfinite(value)) {
    std::string units;
    for (const Suffix& s : suffixes) units += fmt::format(", {}", s.text);
    throw Error(fmt::format("{}: expected a number, a percentage or a number with a unit (%{}), got \"{}\"", option,
                            units, text));
  }
  if (!percent) return value * factor;
  plan::Assignment fewest, most;
  for (const Layer& l : table.layers) {
    fewest.push_back(l.choices.size() - 1);
    most.push_back(0);
  }
  const double lo = plan::column_total(table, column, fewest), hi = plan::column_total(table, column, most);
  return lo + value / 100 * (hi - lo);
}

std::size_t column_of(const plan::Table& table, const std::string& option, const std::string& name) {
  if (const auto c = table.column(name)) return *c;
  const std::vector<std::string_view> known(table.columns.begin(), table.columns.end());
  throw Error(fmt::format("{}: expected a column \"{}\" in the table, got {}{}", option, name,
                          fmt::join(table.columns, ", "), did_you_mean(name, known)));
}

}  // namespace

plan::Table plan_table(const PlanOptions& o) {
  const bool integers = o.source.ends_with(".obz");
  const bool network = integers || o.source.starts_with("zoo:") || o.source.ends_with(".onnx");
  if (!network) {
    require_only(*o.given,
                 {"source", "--size", "--bops", "--latency", "--budget", "--minimize", "--pareto", "--points", "--why",
                  "--robust", "--runner-up", "--compare", "--out", "--csv", "--lp", "--svg", "--json", "--seed"},
                 "a table");
    return plan::parse_table(as_text(read_file(o.source)), o.source);
  }
  if (integers) {
    for (const char* option :
         {"--sensitivity", "--traces", "--calib", "--labels", "--mean", "--std", "--samples", "--probes"}) {
      if (o.given->contains(option))
        throw Error(fmt::format("{}: measured on float networks, got {}", option, o.source));
    }
  }
  const bool measured = !o.latencies.empty();
  const plan::Machine* machine = measured || o.machine == "none" ? nullptr : &plan::find_machine(o.machine);
  plan::Table table;
  if (integers) {
    table = plan::table_of(load_net(o.source), net_options(o), machine);
    if (measured) join_latencies(o.latencies, table);
  } else {
    const FloatNet net = read_network(o);
    table = plan::table_of(net, net_options(o), machine);
    if (measured) join_latencies(o.latencies, table);
    measure(o, net, table);
  }
  for (const Layer& l : table.layers) {
    for (const Choice& c : l.choices) {
      for (std::size_t i = 0; i < c.values.size(); ++i) {
        if (std::isfinite(c.values[i])) continue;
        throw Error(fmt::format("{}: layer {} at {}: {} is {}; do the samples fit the network?", o.source, l.name,
                                plan::bits_text(c.bits), table.columns[i], c.values[i]));
      }
    }
  }
  if (!o.save_table.empty()) {
    const std::string text = plan::table_csv(table);
    write_file(o.save_table, as_bytes(text));
  }
  return table;
}

plan::Question plan_question(const PlanOptions& o, const plan::Table& table) {
  plan::Question q;
  q.objective = column_of(table, "--minimize", o.minimize);
  if (const auto bytes = table.column("bytes"); bytes && *bytes != q.objective) q.second = bytes;
  const auto add = [&](const std::string& option, const std::string& text, const std::string& name,
                       const std::vector<Suffix>& suffixes) {
    const std::size_t column = column_of(table, option, name);
    for (const plan::Budget& b : q.budgets) {
      if (b.column == column) throw Error(fmt::format("{}: the column {} has a budget already", option, name));
    }
    q.budgets.push_back({column, limit_of(option, text, table, column, suffixes)});
  };
  constexpr double kilo = 1e3, mega = 1e6, giga = 1e9, tera = 1e12, kibi = 1024;
  if (!o.size.empty()) {
    add("--size", o.size, "bytes",
        {{"KiB", kibi},
         {"MiB", kibi * kibi},
         {"GiB", kibi * kibi * kibi},
         {"kB", kilo},
         {"KB", kilo},
         {"MB", mega},
         {"GB", giga},
         {"B", 1}});
  }
  if (!o.bops.empty()) add("--bops", o.bops, "bops", {{"k", kilo}, {"M", mega}, {"G", giga}, {"T", tera}});
  if (!o.latency.empty()) add("--latency", o.latency, "latency_us", {{"us", 1}, {"ms", kilo}, {"s", mega}});
  for (const std::string& budget : o.budgets) {
    const std::size_t equals = budget.rfind('=');
    if (equals == std::string::npos) throw Error(fmt::format("--budget {}: expected COLUMN=LIMIT", budget));
    add("--budget " + budget, budget.substr(equals + 1), budget.substr(0, equals), {});
  }
  return q;
}

}  // namespace obz::cli
