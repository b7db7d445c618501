#include "golden/engines/pipe_engine.hpp"

#include <fmt/format.h>

#include "golden/cases/requant_stream.hpp"
#include "golden/engines/child.hpp"
#include "golden/engines/through_accumulators.hpp"
#include "ref/base/error.hpp"

namespace obz {
namespace {

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
  return run_through_accumulators(job, [&](const Recipe& recipe, std::span<const RequantCase> cases) {
    return run({&stream_profile(recipe, cases), recipe, job.output->type, cases});
  });
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
