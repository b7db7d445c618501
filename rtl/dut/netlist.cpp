#include "rtl/dut/netlist.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "ref/base/error.hpp"

namespace obz::rtl {
namespace {

using Json = nlohmann::ordered_json;

/// Parameters stand there as binary text.
int parameter(const Json& cell, const char* name) {
  int value = 0;
  for (const char c : cell.at("parameters").at(name).get<std::string>()) value = 2 * value + (c == '1' ? 1 : 0);
  return value;
}

bool keeps_state(const std::string& type) {
  for (const char* part : {"dff", "latch", "$sr", "$mem", "$ff", "$_DFF", "$_SDFF", "$_DLATCH", "$_SR", "$_FF"}) {
    if (type.find(part) != std::string::npos) return true;
  }
  return false;
}

CutProduct cut(Json netlist, const std::string& top, const std::string& name) {
  Json& module = netlist.at("modules").at(top);
  const Json cell = module.at("cells").at(name);
  module.at("cells").erase(name);
  for (const auto& [port, of, direction] :
       {std::tuple{"mul_a", "A", "output"}, {"mul_b", "B", "output"}, {"mul_y", "Y", "input"}}) {
    const Json bits = cell.at("connections").at(of);
    module["ports"][port] = {{"direction", direction}, {"bits", bits}};
    module["netnames"][port] = {{"hide_name", 0}, {"bits", bits}, {"attributes", Json::object()}};
  }
  return {.json = netlist.dump(1),
          .a_bits = parameter(cell, "A_WIDTH"),
          .b_bits = parameter(cell, "B_WIDTH"),
          .y_bits = parameter(cell, "Y_WIDTH"),
          .is_signed = parameter(cell, "A_SIGNED") == 1};
}

}  // namespace

Netlist read_netlist(const std::string& json, const std::string& top, const std::string& file) {
  try {
    const Json netlist = Json::parse(json);
    Netlist found;
    std::string product;
    for (const auto& [name, cell] : netlist.at("modules").at(top).at("cells").items()) {
      const auto type = cell.at("type").get<std::string>();
      if (keeps_state(type)) {
        const Json& attributes = cell.at("attributes");
        found.registers.push_back(attributes.value("src", name));
      }
      if (type != "$mul") continue;
      ++found.products;
      product = name;
    }
    if (found.products == 1) {
      CutProduct c = cut(netlist, top, product);
      constexpr int most = 64;
      if (c.a_bits <= most && c.b_bits <= most && c.y_bits <= 2 * most) found.cut = std::move(c);
    }
    return found;
  } catch (const Json::exception& e) {
    throw Error(fmt::format("{}: yosys wrote a netlist that cannot be read: {}", file, e.what()));
  }
}

}  // namespace obz::rtl
