#include "golden/sets/manifest.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "ref/arith/names.hpp"
#include "ref/base/error.hpp"
#include "ref/base/file.hpp"
#include "ref/base/json_depth.hpp"
#include "ref/base/sha256.hpp"
#include "ref/base/version.hpp"
#include "ref/net/profile_json.hpp"
#include "ref/tensor/type_text.hpp"

namespace obz {

template <>
struct EnumNames<SetKind> {
  static constexpr std::array<std::string_view, 3> values{"requant", "layer", "network"};
};
template <>
struct EnumNames<Goal> {
  static constexpr std::array<std::string_view, 3> values{"corners", "random", "complete"};
};

namespace {

using Json = nlohmann::ordered_json;

Json certificate_fields(const Certificate& c) {
  return {{"claim",
           "a device that is monotone in the accumulator and answers every case right is right on the whole range"},
          {"assumption", "monotone device; the directed cases are for devices that are not, and prove nothing"},
          {"proof",
           "both ends of every tread of the staircase are among the cases (golden/complete/staircase.hpp); checked by "
           "brute "
           "force over all monotone functions and all channels of small widths (tests/golden)"},
          {"channels", c.channels},
          {"accumulators", {c.range.lo, c.range.hi}},
          {"channels_on_a_smaller_range", c.narrowed},
          {"steps", c.steps},
          {"determining_cases", c.determining},
          {"directed_cases", c.directed}};
}

Json certificate_fields(const LayerCertificate& c) {
  Json json = {
      {"claim", c.claim}, {"assumption", c.assumption}, {"points_wanted", c.wanted}, {"points_visited", c.visited}};
  if (c.windows > 0) json["windows"] = c.windows;
  return json;
}

/// Reads typed fields and complains in one voice.
class Reader {
 public:
  Reader(const Json& json, std::string file) : json_(json), file_(std::move(file)) {}

  const Json& at(const char* key) const {
    const auto it = json_.find(key);
    if (it == json_.end()) throw Error(fmt::format("{}: field {} is missing", file_, key));
    return *it;
  }
  std::string text(const char* key) const {
    if (!at(key).is_string()) fail(key, "a string");
    return at(key).get<std::string>();
  }
  std::int64_t integer(const char* key, std::int64_t lo, std::int64_t hi) const {
    const Json& v = at(key);
    const bool fits = v.is_number_integer() && !(v.is_number_unsigned() && v.get<std::uint64_t>() > INT64_MAX);
    if (!fits || v.get<std::int64_t>() < lo || v.get<std::int64_t>() > hi) {
      fail(key, fmt::format("an integer in {}..{}", lo, hi));
    }
    return v.get<std::int64_t>();
  }
  template <class E>
  E choice(const char* key) const {
    const auto parsed = enum_from<E>(text(key));
    if (!parsed) fail(key, fmt::format("one of {}", fmt::join(EnumNames<E>::values, ", ")));
    return *parsed;
  }
  [[noreturn]] void fail(const char* key, const std::string& expected) const {
    std::string got = at(key).dump(-1, ' ', true, Json::error_handler_t::replace);
    if (got.size() > 40) got = got.substr(0, 40) + "...";
    throw Error(fmt::format("{}: field {}: expected {}, got {}", file_, key, expected, got));
  }

 private:
  const Json& json_;
  std::string file_;
};

/// A plain relative name: sets cannot reach outside their folder.
bool is_inside(const std::string& name) {
  const std::filesystem::path path(name);
  if (name.empty() || path.is_absolute()) return false;
  for (const auto& part : path) {
    if (part == ".." || part == ".") return false;
  }
  return true;
}

}  // namespace

std::string format_manifest(const Manifest& m) {
  Json json = {{"format", "obz-vectors"},
               {"version", kVectorFormatVersion},
               {"generator", fmt::format("obz {}", kVersion)},
               {"kind", name_of(m.kind)},
               {"op", m.op},
               {"profile", m.profile},
               {"goal", name_of(m.goal)},
               {"seed", m.seed},
               {"count", m.count},
               {"out", type_text(m.out)},
               {"mem_lanes", m.mem_lanes}};
  if (!m.profile.empty()) json["profile_fields"] = profile_json(find_profile(m.profile));
  Json files = Json::object(), coverage = Json::object();
  for (const auto& [name, sha] : m.files) files[name] = sha;
  for (const auto& [event, times] : m.coverage) coverage[event] = times;
  json["coverage"] = coverage;
  if (m.certificate) json["certificate"] = certificate_fields(*m.certificate);
  if (m.layer_certificate) json["certificate"] = certificate_fields(*m.layer_certificate);
  json["files"] = files;
  return json.dump(1) + "\n";
}

Manifest parse_manifest(const std::string& text, const std::string& file) {
  if (json_depth(text) > kMaxJsonDepth)
    throw Error(fmt::format("{}: expected at most {} levels of JSON", file, kMaxJsonDepth));
  const Json json = Json::parse(text, nullptr, false);
  if (!json.is_object()) throw Error(fmt::format("{}: no JSON object", file));
  const Reader in(json, file);
  if (in.text("format") != "obz-vectors") in.fail("format", "\"obz-vectors\"");
  in.integer("version", kVectorFormatVersion, kVectorFormatVersion);
  Manifest m;
  m.kind = in.choice<SetKind>("kind");
  m.op = in.text("op");
  m.profile = in.text("profile");
  if (!m.profile.empty()) {
    const Json fields = profile_json(find_profile(m.profile));
    if (in.at("profile_fields") != fields) {
      throw Error(
          fmt::format("{}: field profile_fields: this set was made for another version of {} than this obz knows", file,
                      m.profile));
    }
  }
  m.goal = in.choice<Goal>("goal");
  if (!in.at("seed").is_number_unsigned()) in.fail("seed", "an integer >= 0");
  m.seed = in.at("seed").get<std::uint64_t>();
  m.count = in.integer("count", 1, INT64_MAX);
  const auto out = type_from_text(in.text("out"));
  if (!out || out->bits > 32) in.fail("out", "an integer type of at most 32 bits");
  m.out = *out;
  m.mem_lanes = static_cast<int>(in.integer("mem_lanes", 1, 1 << 16));
  if (!in.at("files").is_object()) in.fail("files", "an object of name: sha256");
  for (const auto& item : in.at("files").items()) {
    if (!item.value().is_string() || !is_inside(item.key()))
      in.fail("files", "plain relative names with a sha256 each");
    m.files.emplace_back(item.key(), item.value().get<std::string>());
  }
  return m;
}

Manifest load_manifest(const std::filesystem::path& folder) {
  const std::filesystem::path path = folder / "manifest.json";
  constexpr std::uint64_t largest = std::uint64_t{1} << 28;
  Manifest m = parse_manifest(as_text(read_file(path, largest)), path.string());
  for (const auto& [name, sha] : m.files) {
    const std::string got = sha256_hex(read_file(folder / name));
    if (got != sha) {
      throw Error(fmt::format("{}: the file changed since the set was made (sha256 {} instead of {})",
                              (folder / name).string(), got.substr(0, 12), sha.substr(0, 12)));
    }
  }
  return m;
}

}  // namespace obz
