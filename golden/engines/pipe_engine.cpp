#include "golden/engines/pipe_engine.hpp"

#include <fmt/format.h>

#include "golden/cases/requant_stream.hpp"
#include "golden/engines/child.hpp"
#include "ref/base/error.hpp"
#include "ref/execute/naive.hpp"

namespace obz {
namespace {

/// Requantizer of an operator whose outputs each come from one accumulator, and the channel of every output.
struct RequantView {
  const Requant* requant = nullptr;
  std::vector<std::int64_t> channels;  ///< in output order
};

/// Channels cycle through `count` with `inner` outputs each.
std::vector<std::int64_t> cycling(std::int64_t outputs, std::int64_t inner, std::int64_t count) {
  std::vector<std::int64_t> channels(static_cast<std::size_t>(outputs));
  for (std::int64_t i = 0; i < outputs; ++i) channels[static_cast<std::size_t>(i)] = i / inner % count;
  return channels;
}

struct ViewOf {
  const Shape& y;

  template <class Conv>
  RequantView conv(const Conv& op) const {
    const bool nhwc = op.layout == Layout::nhwc;
    return {&op.requant, cycling(y.elems(), nhwc ? 1 : y[2] * y[3], op.out_channels())};
  }
  RequantView operator()(const Conv2d& op) const { return conv(op); }
  RequantView operator()(const ConvTranspose2d& op) const { return conv(op); }
  RequantView operator()(const Dense& op) const { return {&op.requant, cycling(y.elems(), 1, op.out_channels())}; }
  RequantView operator()(const MatMul& op) const { return {&op.requant, cycling(y.elems(), 1, y[y.rank() - 1])}; }
  RequantView operator()(const Mul& op) const { return {&op.requant, cycling(y.elems(), 1, 1)}; }
  RequantView operator()(const Mean& op) const { return {&op.requant, cycling(y.elems(), 1, 1)}; }
  RequantView operator()(const Rescale& op) const {
    const auto axis = static_cast<std::size_t>(op.axis);
    const bool single = op.requant.channels.size() == 1;
    return {&op.requant, cycling(y.elems(), single ? 1 : elems_between(y, axis + 1, y.rank()), single ? 1 : y[axis])};
  }
  RequantView operator()(const Add& op) const {
    if (op.floating) return {};
    return {&op.out, cycling(y.elems(), 1, 1)};
  }
  template <class Op>
  RequantView operator()(const Op&) const {
    return {};
  }
};

RequantView view_of(const LayerJob& job) {
  if (job.output->shape.elems() == 0) return {};
  return std::visit(ViewOf{job.output->shape}, job.node->op);
}

/// A profile whose stream fields fit any recipe of this arithmetic.
const Profile& stream_profile(const Recipe& recipe, std::span<const RequantCase> cases) {
  if (recipe.arithmetic == Arithmetic::float32_scale || recipe.arithmetic == Arithmetic::float64_scale) {
    return find_profile("onnx/mlas");
  }
  for (const RequantCase& c : cases) {
    if (!kInt32.holds(c.acc)) return find_profile("tflite/int16");
  }
  for (const RequantCase& c : cases) {
    if (c.channel.multiplier > kInt32.max()) return find_profile("hawq-v3/exact");
  }
  return find_profile("tflite/double");
}

}  // namespace

std::string PipeEngine::name() const {
  const std::string program = command_.substr(0, command_.find(' '));
  return "pipe:" + program.substr(program.rfind('/') + 1);
}

Support PipeEngine::supports(const LayerJob& job) const {
  if (view_of(job).requant == nullptr) return Support::no("the layer ends in no requantizer");
  return {};
}

Support PipeEngine::supports(const RequantJob&) const { return {}; }

LayerResult PipeEngine::run(const LayerJob& job) {
  const RequantView view = view_of(job);
  LayerResult result{Tensor(job.output->shape, job.output->type), std::nullopt};
  std::vector<std::int64_t> accs;
  run_naive(*job.node, job.inputs, result.output, &accs);
  OBZ_CHECK(accs.size() == view.channels.size());
  std::vector<RequantCase> cases;
  for (std::size_t i = 0; i < accs.size(); ++i) cases.push_back({accs[i], view.requant->channel(view.channels[i])});
  const Recipe& recipe = view.requant->recipe;
  const std::vector<std::int64_t> out = run({&stream_profile(recipe, cases), recipe, job.output->type, cases});
  for (std::size_t i = 0; i < out.size(); ++i) result.output.data[i] = static_cast<std::int32_t>(out[i]);
  return result;
}

std::vector<std::int64_t> PipeEngine::run(const RequantJob& job) {
  const RecordLayout layout = record_layout(*job.profile, job.out);
  std::string input = stream_header({job.profile, job.out}, static_cast<std::int64_t>(job.cases.size())) + "\n";
  for (const RequantCase& c : job.cases) append_text(input, layout, c, nullptr);
  // An answer repeats its line and adds an output; a device that writes much more is not answering.
  const std::size_t most = 2 * input.size() + 64 * job.cases.size() + (std::size_t{1} << 16);
  const ChildResult child = run_child(command_, input, timeout_s_, most);
  if (child.exit_code == 127 || child.exit_code == 126)
    throw MissingTool(fmt::format("pipe: \"{}\" cannot be started", command_));

  std::vector<std::int64_t> out;
  std::size_t line_number = 0;
  for (std::string_view rest = child.output; !rest.empty();) {
    const std::size_t end = std::min(rest.find('\n'), rest.size());
    const std::string_view line = rest.substr(0, end);
    rest.remove_prefix(std::min(end + 1, rest.size()));
    ++line_number;
    if (line.empty() || line.front() == '#') continue;
    const std::string where = fmt::format("output of \"{}\", line {}", command_, line_number);
    std::int64_t value = 0;
    const RequantCase echoed = parse_text(line, layout, true, value, where);
    if (out.size() >= job.cases.size())
      throw Error(fmt::format("{}: more answers than the {} cases", where, job.cases.size()));
    std::string asked, answered;
    append_text(asked, layout, job.cases[out.size()], nullptr);
    append_text(answered, layout, echoed, nullptr);
    if (asked != answered) {
      throw Error(fmt::format("{}: answers another case than the one asked: \"{}\" instead of \"{}\"", where,
                              answered.substr(0, answered.size() - 1), asked.substr(0, asked.size() - 1)));
    }
    out.push_back(value);
  }
  if (out.size() != job.cases.size()) {
    throw Error(fmt::format("\"{}\" answered {} of {} cases (exit code {})", command_, out.size(), job.cases.size(),
                            child.exit_code));
  }
  if (child.exit_code > 128) throw Error(fmt::format("\"{}\" was ended by signal {}", command_, child.exit_code - 128));
  if (child.exit_code != 0) throw Error(fmt::format("\"{}\" ended with exit code {}", command_, child.exit_code));
  return out;
}

}  // namespace obz
