#include "golden/engines/check.hpp"

#include <fmt/format.h>

#include "ref/base/error.hpp"
#include "ref/execute/naive.hpp"

namespace obz {
namespace {

/// "[i,j,k]" of a flat index.
std::string index_text(const Shape& shape, std::int64_t flat) {
  const std::vector<std::int64_t> stride = strides_of(shape);
  std::vector<std::int64_t> index;
  for (std::size_t i = 0; i < shape.rank(); ++i) index.push_back(flat / stride[i] % shape[i]);
  return fmt::format("[{}]", fmt::join(index, ","));
}

void compare(Cell& cell, const Tensor& want, const Tensor& got, std::int64_t sample, bool several_samples) {
  OBZ_CHECK(want.data.size() == got.data.size());
  cell.compared += want.elems();
  for (std::size_t i = 0; i < want.data.size(); ++i) {
    if (want.data[i] == got.data[i]) continue;
    if (cell.differ++ == 0) {
      cell.first = fmt::format("{}{}: want {}, got {}", several_samples ? fmt::format("sample {} ", sample) : "",
                               index_text(want.shape, static_cast<std::int64_t>(i)), want.data[i], got.data[i]);
    }
  }
}

void settle(Cell& cell) {
  if (cell.verdict == Verdict::unsupported || cell.compared == 0) return;
  cell.verdict = cell.differ == 0 ? Verdict::match : Verdict::mismatch;
}

/// One engine on one job; `want` is the golden. `is_golden`: the engine's result is `want` itself.
void run_cell(Cell& cell, Engine& engine, const LayerJob& job, const Tensor& want, std::int64_t sample, bool several) {
  if (cell.verdict == Verdict::unsupported) return;
  const Support support = engine.supports(job);
  if (!support.yes) {
    cell.verdict = Verdict::unsupported;
    cell.why = support.why;
    return;
  }
  const LayerResult result = engine.run(job);
  compare(cell, want, result.output, sample, several);
  cell.partly = result.partly;
  if (result.cycles) cell.cycles = cell.cycles.value_or(0) + *result.cycles;
  if (result.ideal_cycles) cell.ideal_cycles = cell.ideal_cycles.value_or(0) + *result.ideal_cycles;
}

/// Asks every engine whether its tool is there; the absent ones are noted once and get empty cells.
std::vector<bool> present(CheckReport& report, Engines& engines) {
  std::vector<bool> here;
  for (const auto& engine : engines) {
    report.engines.push_back(engine->name());
    const auto absent = engine->absent();
    if (absent) report.skipped.push_back(fmt::format("{}: skipped, {}", engine->name(), *absent));
    here.push_back(!absent);
  }
  return here;
}

struct DescribeOp {
  std::string operator()(const Conv2d& op) const {
    const Shape& w = op.filter.weights.shape;
    const bool depthwise = op.groups > 1 && w[3] == 1;
    std::string text = fmt::format("{} {}x{}", depthwise ? "depthwise" : "conv2d", w[1], w[2]);
    if (op.window.stride_h != 1 || op.window.stride_w != 1) text += fmt::format("/{}", op.window.stride_h);
    return text;
  }
  std::string operator()(const AvgPool& op) const { return fmt::format("avg_pool {}x{}", op.kernel_h, op.kernel_w); }
  std::string operator()(const MaxPool& op) const { return fmt::format("max_pool {}x{}", op.kernel_h, op.kernel_w); }
  std::string operator()(const Add& op) const { return op.subtract ? "sub" : "add"; }
  std::string operator()(const Lookup& op) const { return op.function.empty() ? "lookup" : op.function; }
  template <class Op>
  std::string operator()(const Op&) const {
    return std::string(Op::kName);
  }
};

}  // namespace

std::int64_t CheckReport::compared() const {
  std::int64_t n = 0;
  for (const CheckRow& row : rows)
    for (const Cell& cell : row.cells) n += cell.compared;
  return n;
}

std::int64_t CheckReport::differ() const {
  std::int64_t n = 0;
  for (const CheckRow& row : rows)
    for (const Cell& cell : row.cells) n += cell.differ;
  return n;
}

std::string describe(const Operator& op) { return std::visit(DescribeOp{}, op); }

std::string widths(const IntNet& net, const Node& node) {
  const int x = node.inputs.empty() ? node.outputs[0] : node.inputs[0];
  const int a = net.tensors[static_cast<std::size_t>(x)].type.bits;
  return std::visit(
      [&](const auto& op) {
        if constexpr (requires { op.filter; }) return fmt::format("{}x{}", op.filter.weights.type.bits, a);
        return fmt::format("{}", a);
      },
      node.op);
}

CheckReport check_net(const IntNet& net, const InputSet& inputs, std::int64_t samples, Engines& engines,
                      const Progress& progress) {
  CheckReport report;
  report.subject = net.name;
  report.samples = std::min(samples, inputs.count());
  const std::vector<bool> here = present(report, engines);
  for (const Node& node : net.nodes) {
    CheckRow row{node.name, describe(node.op), widths(net, node), 0, std::vector<Cell>(engines.size())};
    row.outputs = net.tensors[static_cast<std::size_t>(node.outputs[0])].shape.elems() * report.samples;
    report.rows.push_back(std::move(row));
  }
  const std::int64_t total = report.samples * static_cast<std::int64_t>(net.nodes.size());
  for (std::int64_t s = 0; s < report.samples; ++s) {
    std::size_t n = 0;
    run_net(net, inputs.sample(s), [&](const Node& node, std::span<const Tensor* const> in, Tensor& y) {
      run_naive(node, in, y);
      const LayerJob job{&net, &node, {in.begin(), in.end()}, &net.tensors[static_cast<std::size_t>(node.outputs[0])]};
      for (std::size_t e = 0; e < engines.size(); ++e) {
        if (here[e]) run_cell(report.rows[n].cells[e], *engines[e], job, y, s, report.samples > 1);
      }
      ++n;
      if (progress) progress(s * static_cast<std::int64_t>(net.nodes.size()) + static_cast<std::int64_t>(n), total);
    });
  }
  for (CheckRow& row : report.rows)
    for (Cell& cell : row.cells) settle(cell);
  return report;
}

namespace {

CheckReport check_requant_set(const std::filesystem::path& folder, Manifest manifest, Engines& engines) {
  const RequantSet set = load_requant_set(folder, std::move(manifest));
  CheckReport report;
  report.samples = set.manifest.count;
  const std::vector<bool> here = present(report, engines);
  const Profile& profile = find_profile(set.manifest.profile);
  CheckRow row{"requant", set.manifest.profile, fmt::format("{}", set.manifest.out.bits), set.manifest.count,
               std::vector<Cell>(engines.size())};
  const RequantJob job{&profile, profile.recipe, set.manifest.out, set.cases};
  for (std::size_t e = 0; e < engines.size(); ++e) {
    Cell& cell = row.cells[e];
    if (!here[e]) continue;
    const Support support = engines[e]->supports(job);
    if (!support.yes) {
      cell = {.verdict = Verdict::unsupported, .why = support.why};
      continue;
    }
    const std::vector<std::int64_t> got = engines[e]->run(job);
    OBZ_CHECK(got.size() == set.expected.size());
    cell.compared = static_cast<std::int64_t>(got.size());
    for (std::size_t i = 0; i < got.size(); ++i) {
      if (got[i] == set.expected[i]) continue;
      const Channel& c = set.cases[i].channel;
      if (cell.differ++ == 0) {
        cell.first = fmt::format("case {} (acc {} mult {} shift {} zp {}): want {}, got {}", i, set.cases[i].acc,
                                 c.multiplier, c.shift, c.zero_point, set.expected[i], got[i]);
      }
    }
    settle(cell);
  }
  report.rows.push_back(std::move(row));
  return report;
}

CheckReport check_net_set(const std::filesystem::path& folder, Manifest manifest, Engines& engines,
                          const Progress& progress) {
  const NetSet set = load_net_set(folder, std::move(manifest));
  CheckReport report;
  report.samples = set.manifest.count;
  const std::vector<bool> here = present(report, engines);
  const auto value_of = [&](int tensor, std::int64_t sample) -> Tensor {
    const TensorInfo& info = set.net.tensors[static_cast<std::size_t>(tensor)];
    if (info.constant) return *info.constant;
    for (std::size_t k = 0; k < set.net.inputs.size(); ++k) {
      if (set.net.inputs[k] == tensor)
        return npy_to_tensor(npy_sample(set.inputs[k], sample), info.type, folder.string());
    }
    for (const auto& [index, array] : set.expected) {
      if (index == tensor) return npy_to_tensor(npy_sample(array, sample), info.type, folder.string());
    }
    OBZ_CHECK(false);
    return {};
  };
  const std::int64_t total = set.manifest.count * static_cast<std::int64_t>(set.net.nodes.size());
  std::int64_t done = 0;
  for (const Node& node : set.net.nodes) {
    const TensorInfo& out = set.net.tensors[static_cast<std::size_t>(node.outputs[0])];
    CheckRow row{node.name, describe(node.op), widths(set.net, node), out.shape.elems() * set.manifest.count,
                 std::vector<Cell>(engines.size())};
    for (std::int64_t s = 0; s < set.manifest.count; ++s) {
      std::vector<Tensor> values;
      for (const int i : node.inputs) values.push_back(value_of(i, s));
      LayerJob job{&set.net, &node, {}, &out};
      for (const Tensor& t : values) job.inputs.push_back(&t);
      const Tensor want = value_of(node.outputs[0], s);
      for (std::size_t e = 0; e < engines.size(); ++e) {
        if (here[e]) run_cell(row.cells[e], *engines[e], job, want, s, set.manifest.count > 1);
      }
      if (progress) progress(++done, total);
    }
    for (Cell& cell : row.cells) settle(cell);
    report.rows.push_back(std::move(row));
  }
  return report;
}

}  // namespace

CheckReport check_set(const std::filesystem::path& folder, Engines& engines, const Progress& progress) {
  Manifest manifest = load_manifest(folder);
  CheckReport report = manifest.kind == SetKind::requant
                           ? check_requant_set(folder, std::move(manifest), engines)
                           : check_net_set(folder, std::move(manifest), engines, progress);
  report.subject = folder.string();
  return report;
}

}  // namespace obz
