#include "rtl/dut/port_map.hpp"

#include <algorithm>
#include <limits>
#include <set>
#include <string_view>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "ref/base/error.hpp"
#include "ref/base/file.hpp"
#include "ref/base/json_depth.hpp"
#include "ref/base/suggest.hpp"

namespace obz::rtl {
namespace {

using Json = nlohmann::ordered_json;
using Names = std::vector<std::string_view>;

constexpr std::string_view kRequantInputs[] = {"acc", "multiplier", "shift", "addend", "zero_point", "lo", "hi"};
constexpr std::int64_t kMostCycles = 4096;

/// One object of the file: every key is asked for by name, and `known` ones alone may stand there.
class Fields {
 public:
  Fields(const Json& json, std::string where, const Names& known) : json_(json), where_(std::move(where)) {
    if (!json.is_object()) throw Error(fmt::format("{}: expected an object, got {}", where_, text_of(json)));
    for (const auto& [key, value] : json.items()) {
      if (std::find(known.begin(), known.end(), key) == known.end()) {
        throw Error(fmt::format("{}: unknown key \"{}\"{}; expected {}", where_, key, did_you_mean(key, known),
                                fmt::join(known, ", ")));
      }
    }
  }

  bool has(std::string_view key) const { return json_.contains(key); }
  const Json& at(std::string_view key) const {
    if (!has(key)) throw Error(fmt::format("{}: field {} is missing", where_, key));
    return json_.at(key);
  }
  std::string text(std::string_view key) const {
    const Json& v = at(key);
    if (!v.is_string() || v.get_ref<const std::string&>().empty()) throw wrong(key, "a name");
    return v.get<std::string>();
  }
  std::string text_or_none(std::string_view key) const { return has(key) ? text(key) : std::string(); }
  std::int64_t integer(std::string_view key, std::int64_t least, std::int64_t most) const {
    const Json& v = at(key);
    const std::string expected = least == std::numeric_limits<std::int64_t>::min()
                                     ? std::string("an integer of 64 bits")
                                     : fmt::format("an integer {}..{}", least, most);
    if (!v.is_number_integer()) throw wrong(key, expected);
    if (v.is_number_unsigned() && v.get<std::uint64_t>() > std::uint64_t{INT64_MAX}) throw wrong(key, expected);
    const auto n = v.get<std::int64_t>();
    if (n < least || n > most) throw wrong(key, expected);
    return n;
  }
  std::int64_t integer(std::string_view key) const { return integer(key, INT64_MIN, INT64_MAX); }
  bool flag(std::string_view key) const {
    if (!at(key).is_boolean()) throw wrong(key, "true or false");
    return at(key).get<bool>();
  }
  std::size_t one_of(std::string_view key, const Names& names) const {
    const std::string got = at(key).is_string() ? at(key).get<std::string>() : std::string();
    const auto it = std::find(names.begin(), names.end(), got);
    if (it == names.end()) throw wrong(key, fmt::format("{}", fmt::join(names, " or ")));
    return static_cast<std::size_t>(it - names.begin());
  }
  const std::string& where() const { return where_; }

  Error wrong(std::string_view key, const std::string& expected) const {
    return Error(fmt::format("{}: field {}: expected {}, got {}", where_, key, expected, text_of(at(key))));
  }

 private:
  static std::string text_of(const Json& json) {
    std::string text = json.dump(-1, ' ', true, Json::error_handler_t::replace);
    constexpr std::size_t most = 40;
    if (text.size() > most) text = text.substr(0, most) + "...";
    return text;
  }

  const Json& json_;
  std::string where_;
};

std::map<std::string, std::int64_t> integers(const Fields& parent, std::string_view key) {
  std::map<std::string, std::int64_t> values;
  if (!parent.has(key)) return values;
  const Json& json = parent.at(key);
  if (!json.is_object()) throw parent.wrong(key, "an object of integers");
  Names names;
  for (const auto& [name, value] : json.items()) names.push_back(name);
  const Fields f(json, fmt::format("{}: {}", parent.where(), key), names);
  for (const std::string_view name : names) {
    if (name.empty()) throw Error(fmt::format("{}: a name is empty", f.where()));
    values[std::string(name)] = f.integer(name);
  }
  return values;
}

PortUse port_use(const Fields& ports, std::string_view field, bool is_shift, ShiftMeans& means) {
  const Json& json = ports.at(field);
  if (json.is_string()) return {.port = ports.text(field)};
  if (!json.is_object()) throw ports.wrong(field, "a port's name, or an object with \"port\"");
  Names known{"port", "width", "signed", "bias"};
  if (is_shift) known.emplace_back("means");
  const Fields f(json, fmt::format("{}: {}", ports.where(), field), known);
  PortUse use{.port = f.text("port")};
  if (f.has("width")) use.width = static_cast<int>(f.integer("width", 1, 64));
  if (f.has("signed")) use.is_signed = f.flag("signed");
  constexpr std::int64_t most_bias = std::int64_t{1} << 40;
  if (f.has("bias")) use.bias = f.integer("bias", -most_bias, most_bias);
  if (f.has("means")) means = static_cast<ShiftMeans>(f.one_of("means", {"right", "left", "tflite"}));
  return use;
}

LanesUse lanes_use(const Fields& ports, std::string_view field) {
  const Fields f(ports.at(field), fmt::format("{}: {}", ports.where(), field), {"port", "lanes", "bits", "signed"});
  LanesUse use{.port = f.text("port")};
  use.lanes = static_cast<int>(f.integer("lanes", 1, 1024));
  use.bits = static_cast<int>(f.integer("bits", 1, 32));
  use.is_signed = f.flag("signed");
  return use;
}

void read_requant(PortMap& map, const Fields& top) {
  Names known(std::begin(kRequantInputs), std::end(kRequantInputs));
  Names fixable(known);
  known.emplace_back("out");
  const Fields ports(top.at("ports"), map.file + ": ports", known);
  if (top.has("fixed")) {
    const Fields checked(top.at("fixed"), map.file + ": fixed", fixable);
    map.fixed = integers(top, "fixed");
  }
  for (const std::string_view field : known) {
    if (ports.has(field)) {
      if (map.fixed.contains(std::string(field))) {
        throw Error(fmt::format("{}: {} stands under ports and under fixed; expected one of them", map.file, field));
      }
      map.ports[std::string(field)] = port_use(ports, field, field == "shift", map.shift);
    } else if (field == "acc" || field == "out") {
      throw Error(fmt::format("{}: field {} is missing", ports.where(), field));
    } else if (field == "addend") {
      map.fixed.try_emplace("addend", 0);
    } else if (!map.fixed.contains(std::string(field))) {
      throw Error(fmt::format("{}: {} has no port; expected it under ports, or under fixed the value that is built in",
                              map.file, field));
    }
  }
  const auto shift = map.fixed.find("shift");
  if (shift != map.fixed.end() && (shift->second < 0 || shift->second > 63)) {
    throw Error(fmt::format("{}: fixed: field shift: expected an integer 0..63, got {}", map.file, shift->second));
  }
}

void read_dot(PortMap& map, const Fields& top) {
  if (top.has("fixed")) throw Error(fmt::format("{}: fixed is for requant units; this is a dot unit", map.file));
  const Fields ports(top.at("ports"), map.file + ": ports", {"a", "b", "c", "out"});
  map.a = lanes_use(ports, "a");
  map.b = lanes_use(ports, "b");
  if (map.a.lanes != map.b.lanes) {
    throw Error(
        fmt::format("{}: b: field lanes: expected {}, as a has, got {}", ports.where(), map.a.lanes, map.b.lanes));
  }
  if (ports.has("c")) map.ports["c"] = port_use(ports, "c", false, map.shift);
  map.ports["out"] = port_use(ports, "out", false, map.shift);
}

void read_clocking(PortMap& map, const Fields& top) {
  for (const std::string_view key : {"reset", "reset_active", "latency", "interval", "valid_in", "valid_out"}) {
    if (top.has(key) && !top.has("clock")) {
      throw Error(fmt::format("{}: field {} needs field clock, which is missing", map.file, key));
    }
  }
  if (!top.has("clock")) return;
  Clocking c{.clock = top.text("clock"), .reset = top.text_or_none("reset")};
  if (!c.reset.empty()) c.reset_is_high = top.one_of("reset_active", {"low", "high"}) == 1;
  if (c.reset.empty() && top.has("reset_active")) {
    throw Error(fmt::format("{}: field reset_active needs field reset, which is missing", map.file));
  }
  c.valid_in = top.text_or_none("valid_in");
  c.valid_out = top.text_or_none("valid_out");
  constexpr int patience = 64;
  c.latency = patience;
  if (top.has("latency") || c.valid_out.empty()) c.latency = static_cast<int>(top.integer("latency", 1, kMostCycles));
  if (top.has("interval")) c.interval = static_cast<int>(top.integer("interval", 1, kMostCycles));
  map.clocking = c;
}

/// Every port has one use.
void check_ports_once(const PortMap& map) {
  std::map<std::string, std::string> uses;
  const auto use = [&](const std::string& port, const std::string& as) {
    if (port.empty()) return;
    const auto [it, fresh] = uses.try_emplace(port, as);
    if (!fresh)
      throw Error(fmt::format("{}: port {} is used twice: for {} and for {}", map.file, port, it->second, as));
  };
  use(map.a.port, "a");
  use(map.b.port, "b");
  for (const auto& [field, p] : map.ports) use(p.port, field);
  for (const auto& [port, value] : map.constants) use(port, "a constant");
  if (!map.clocking) return;
  use(map.clocking->clock, "clock");
  use(map.clocking->reset, "reset");
  use(map.clocking->valid_in, "valid_in");
  use(map.clocking->valid_out, "valid_out");
}

/// The parser would keep the last of two equal keys without a word.
Json parse_once(const std::string& text, const std::string& file) {
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

}  // namespace

PortMap parse_port_map(const std::string& text, const std::string& file) {
  const Json json = parse_once(text, file);
  const Fields top(json, file,
                   {"unit", "top", "files", "parameters", "ports", "fixed", "constants", "clock", "reset",
                    "reset_active", "latency", "interval", "valid_in", "valid_out"});
  PortMap map{.file = file};
  map.unit = static_cast<UnitKind>(top.one_of("unit", {"requant", "dot"}));
  map.top = top.text_or_none("top");
  if (top.has("files")) {
    const Json& files = top.at("files");
    const auto is_name = [](const Json& f) { return f.is_string() && !f.get_ref<const std::string&>().empty(); };
    if (!files.is_array() || !std::all_of(files.begin(), files.end(), is_name)) {
      throw top.wrong("files", "a list of file names");
    }
    for (const Json& f : files) map.files.push_back(f.get<std::string>());
  }
  map.parameters = integers(top, "parameters");
  map.constants = integers(top, "constants");
  map.unit == UnitKind::requant ? read_requant(map, top) : read_dot(map, top);
  read_clocking(map, top);
  check_ports_once(map);
  return map;
}

PortMap load_port_map(const std::string& file) {
  constexpr std::uint64_t largest = std::uint64_t{1} << 20;
  return parse_port_map(as_text(read_file(file, largest)), file);
}

}  // namespace obz::rtl
