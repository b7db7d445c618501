#include "ref/base/strict_json.hpp"

#include <algorithm>
#include <set>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "ref/base/error.hpp"
#include "ref/base/json_depth.hpp"
#include "ref/base/suggest.hpp"

namespace obz {
namespace {

using Json = nlohmann::ordered_json;

std::string shown(const Json& json) {
  std::string text = json.dump(-1, ' ', true, Json::error_handler_t::replace);
  constexpr std::size_t most = 40;
  return text.size() > most ? text.substr(0, most) + "..." : text;
}

}  // namespace

Json parse_strict_json(const std::string& text, const std::string& file) {
  if (json_depth(text) > kMaxJsonDepth) throw Error(fmt::format("{}: nests deeper than {}", file, kMaxJsonDepth));
  std::vector<std::set<std::string>> keys;
  const auto watch = [&](int, Json::parse_event_t event, Json& parsed) {
    if (event == Json::parse_event_t::object_start) keys.emplace_back();
    if (event == Json::parse_event_t::object_end) keys.pop_back();
    if (event == Json::parse_event_t::key && !keys.back().insert(parsed.get<std::string>()).second) {
      throw Error(fmt::format("{}: key \"{}\" stands there twice", file, parsed.get<std::string>()));
    }
    return true;
  };
  try {
    return Json::parse(text, watch);
  } catch (const Json::exception& e) {
    throw Error(fmt::format("{}: no JSON: {}", file, e.what()));
  }
}

StrictObject::StrictObject(const Json& json, std::string where, const std::vector<std::string_view>& known)
    : json_(json), where_(std::move(where)) {
  if (!json.is_object()) throw Error(fmt::format("{}: expected an object, got {}", where_, shown(json)));
  for (const auto& [key, value] : json.items()) {
    if (std::find(known.begin(), known.end(), key) == known.end()) {
      throw Error(fmt::format("{}: unknown key \"{}\"{}; expected {}", where_, key, did_you_mean(key, known),
                              fmt::join(known, ", ")));
    }
  }
}

bool StrictObject::has(std::string_view key) const { return json_.contains(key); }

const Json& StrictObject::at(std::string_view key) const {
  if (!has(key)) throw Error(fmt::format("{}: field {} is missing", where_, key));
  return json_.at(key);
}

std::string StrictObject::text(std::string_view key) const {
  const Json& v = at(key);
  if (!v.is_string() || v.get_ref<const std::string&>().empty()) wrong(key, "a name");
  return v.get<std::string>();
}

std::string StrictObject::text_or_none(std::string_view key) const { return has(key) ? text(key) : std::string(); }

std::int64_t StrictObject::integer(std::string_view key, std::int64_t least, std::int64_t most) const {
  const Json& v = at(key);
  const std::string expected =
      least == INT64_MIN ? std::string("an integer of 64 bits") : fmt::format("an integer {}..{}", least, most);
  if (!v.is_number_integer()) wrong(key, expected);
  if (v.is_number_unsigned() && v.get<std::uint64_t>() > std::uint64_t{INT64_MAX}) wrong(key, expected);
  const auto n = v.get<std::int64_t>();
  if (n < least || n > most) wrong(key, expected);
  return n;
}

bool StrictObject::flag(std::string_view key) const {
  if (!at(key).is_boolean()) wrong(key, "true or false");
  return at(key).get<bool>();
}

std::size_t StrictObject::one_of(std::string_view key, const std::vector<std::string_view>& names) const {
  const std::string got = at(key).is_string() ? at(key).get<std::string>() : std::string();
  const auto it = std::find(names.begin(), names.end(), got);
  if (it == names.end()) wrong(key, fmt::format("{}", fmt::join(names, " or ")));
  return static_cast<std::size_t>(it - names.begin());
}

void StrictObject::wrong(std::string_view key, const std::string& expected) const {
  throw Error(fmt::format("{}: field {}: expected {}, got {}", where_, key, expected, shown(at(key))));
}

}  // namespace obz
