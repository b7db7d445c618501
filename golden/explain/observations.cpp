#include "golden/explain/observations.hpp"

#include <fmt/format.h>

#include "golden/cases/requant_stream.hpp"
#include "ref/base/error.hpp"
#include "ref/tensor/type_text.hpp"

namespace obz {
namespace {

/// The value of "key=value" in a header line; empty when absent.
std::string_view word(std::string_view line, std::string_view key) {
  const std::size_t at = line.find(key);
  if (at == std::string_view::npos) return {};
  const std::string_view rest = line.substr(at + key.size());
  return rest.substr(0, rest.find_first_of(" \r"));
}

}  // namespace

Answers parse_answers(std::string_view text, const std::string& file, const RequantSpace& otherwise) {
  Answers answers{otherwise.profile, otherwise.out, {}};
  RecordLayout layout = record_layout(*answers.profile, answers.out);
  std::size_t number = 0;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    const std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    ++number;
    if (line.starts_with("# obz requant/")) {
      answers.profile = &find_profile(word(line, "profile="));
      const auto out = type_from_text(std::string(word(line, "out=")));
      if (!out || out->bits > 16)
        throw Error(fmt::format("{}, line {}: the header names no output type", file, number));
      answers.out = *out;
      layout = record_layout(*answers.profile, answers.out);
    }
    if (line.empty() || line == "\r" || line.front() == '#') continue;
    Observation o;
    const std::string where = fmt::format("{}, line {}", file, number);
    o.asked = parse_text(line, layout, true, o.got, where);
    if (!in_domain(*answers.profile, o.asked)) {
      throw Error(fmt::format("{}: this case is outside the domain of {}", where, answers.profile->id));
    }
    answers.observations.push_back(o);
  }
  if (answers.observations.empty())
    throw Error(fmt::format("{}: no answered cases, so there is nothing to explain", file));
  return answers;
}

}  // namespace obz
