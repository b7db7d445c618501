#include "rtl/dut/port_map.hpp"

#include <algorithm>
#include <string_view>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "ref/base/error.hpp"
#include "ref/base/file.hpp"
#include "ref/base/strict_json.hpp"

namespace obz::rtl {
namespace {

using Json = nlohmann::ordered_json;
using Names = std::vector<std::string_view>;

constexpr std::string_view kRequantInputs[] = {"acc", "multiplier", "shift", "addend", "zero_point", "lo", "hi"};
constexpr std::int64_t kMostCycles = 4096;

std::map<std::string, std::int64_t> integers(const StrictObject& parent, std::string_view key) {
  std::map<std::string, std::int64_t> values;
  if (!parent.has(key)) return values;
  const Json& json = parent.at(key);
  if (!json.is_object()) parent.wrong(key, "an object of integers");
  Names names;
  for (const auto& [name, value] : json.items()) names.push_back(name);
  const StrictObject f(json, fmt::format("{}: {}", parent.where(), key), names);
  for (const std::string_view name : names) {
    if (name.empty()) throw Error(fmt::format("{}: a name is empty", f.where()));
    values[std::string(name)] = f.integer(name);
  }
  return values;
}

PortUse port_use(const StrictObject& ports, std::string_view field, bool is_shift, ShiftMeans& means) {
  const Json& json = ports.at(field);
  if (json.is_string()) return {.port = ports.text(field)};
  if (!json.is_object()) ports.wrong(field, "a port's name, or an object with \"port\"");
  Names known{"port", "width", "signed", "bias"};
  if (is_shift) known.emplace_back("means");
  const StrictObject f(json, fmt::format("{}: {}", ports.where(), field), known);
  PortUse use{.port = f.text("port")};
  if (f.has("width")) use.width = static_cast<int>(f.integer("width", 1, 64));
  if (f.has("signed")) use.is_signed = f.flag("signed");
  constexpr std::int64_t most_bias = std::int64_t{1} << 40;
  if (f.has("bias")) use.bias = f.integer("bias", -most_bias, most_bias);
  if (f.has("means")) means = static_cast<ShiftMeans>(f.one_of("means", {"right", "left", "tflite"}));
  return use;
}

LanesUse lanes_use(const StrictObject& ports, std::string_view field) {
  const StrictObject f(ports.at(field), fmt::format("{}: {}", ports.where(), field),
                       {"port", "lanes", "bits", "signed"});
  LanesUse use{.port = f.text("port")};
  use.lanes = static_cast<int>(f.integer("lanes", 1, 1024));
  use.bits = static_cast<int>(f.integer("bits", 1, 32));
  use.is_signed = f.flag("signed");
  return use;
}

void read_requant(PortMap& map, const StrictObject& top) {
  Names known(std::begin(kRequantInputs), std::end(kRequantInputs));
  Names fixable(known);
  known.emplace_back("out");
  const StrictObject ports(top.at("ports"), map.file + ": ports", known);
  if (top.has("fixed")) {
    const StrictObject checked(top.at("fixed"), map.file + ": fixed", fixable);
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

void read_dot(PortMap& map, const StrictObject& top) {
  if (top.has("fixed")) throw Error(fmt::format("{}: fixed is for requant units; this is a dot unit", map.file));
  const StrictObject ports(top.at("ports"), map.file + ": ports", {"a", "b", "c", "out"});
  map.a = lanes_use(ports, "a");
  map.b = lanes_use(ports, "b");
  if (map.a.lanes != map.b.lanes) {
    throw Error(
        fmt::format("{}: b: field lanes: expected {}, as a has, got {}", ports.where(), map.a.lanes, map.b.lanes));
  }
  if (ports.has("c")) map.ports["c"] = port_use(ports, "c", false, map.shift);
  map.ports["out"] = port_use(ports, "out", false, map.shift);
}

void read_clocking(PortMap& map, const StrictObject& top) {
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

}  // namespace

PortMap parse_port_map(const std::string& text, const std::string& file) {
  const Json json = parse_strict_json(text, file);
  const StrictObject top(json, file,
                         {"unit", "top", "files", "parameters", "ports", "fixed", "constants", "clock", "reset",
                          "reset_active", "latency", "interval", "valid_in", "valid_out"});
  PortMap map{.file = file};
  map.unit = static_cast<UnitKind>(top.one_of("unit", {"requant", "dot"}));
  map.top = top.text_or_none("top");
  if (top.has("files")) {
    const Json& files = top.at("files");
    const auto is_name = [](const Json& f) { return f.is_string() && !f.get_ref<const std::string&>().empty(); };
    if (!files.is_array() || !std::all_of(files.begin(), files.end(), is_name)) {
      top.wrong("files", "a list of file names");
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
