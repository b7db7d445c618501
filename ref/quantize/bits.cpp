#include "ref/quantize/bits.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "ref/base/error.hpp"
#include "ref/base/file.hpp"
#include "ref/base/json_depth.hpp"
#include "ref/base/suggest.hpp"

namespace obz {
namespace {

using Json = nlohmann::json;

constexpr int kMost = 8;

int checked(const std::string& where, std::int64_t bits) {
  if (bits < 1 || bits > kMost) throw Error(fmt::format("{}: expected 1..{} bits, got {}", where, kMost, bits));
  return static_cast<int>(bits);
}

LayerBits layer_bits(const Json& json, const std::string& where) {
  if (!json.is_object()) throw Error(fmt::format("{}: expected an object with weights and activations", where));
  LayerBits bits;
  for (const auto& [key, value] : json.items()) {
    if (key != "weights" && key != "activations") throw Error(fmt::format("{}.{}: unknown field", where, key));
    if (!value.is_number_integer()) throw Error(fmt::format("{}.{}: expected an integer", where, key));
    (key == "weights" ? bits.weights : bits.activations) =
        checked(fmt::format("{}.{}", where, key), value.get<std::int64_t>());
  }
  return bits;
}

BitPlan read_plan(const std::string& path) {
  const Bytes bytes = read_file(path);
  if (json_depth(as_text(bytes)) > kMaxJsonDepth) throw Error(fmt::format("{}: nests too deeply for a plan", path));
  Json json = Json::parse(bytes.begin(), bytes.end(), nullptr, false);
  if (json.is_discarded() || !json.is_object()) throw Error(fmt::format("{}: expected a JSON object", path));
  for (const auto& [key, value] : json.items()) {
    // "plan": what `obz plan` says of how it came about.
    if (key != "layers" && key != "rest" && key != "plan") {
      throw Error(fmt::format("{}: {}: unknown field; layers and rest are known", path, one_line(key)));
    }
  }
  const Json layers = json.value("layers", Json());
  if (!layers.is_object() && !(layers.is_null() && json.contains("rest"))) {
    throw Error(fmt::format("{}: layers: expected an object of layers by name", path));
  }
  BitPlan plan{.file = path};
  if (const auto rest = json.find("rest"); rest != json.end()) plan.rest = layer_bits(*rest, path + ": rest");
  for (const auto& [name, value] : layers.items()) {
    plan.layers[name] = layer_bits(value, fmt::format("{}: layers.{}", path, name));
  }
  return plan;
}

}  // namespace

BitPlan read_bits(const std::string& text) {
  const auto digit = [](char c) { return c >= '0' && c <= '9'; };
  constexpr std::size_t length = 4;
  if (text.size() == length && text[0] == 'w' && text[2] == 'a' && digit(text[1]) && digit(text[3])) {
    const std::string where = fmt::format("--bits {}", text);
    return {.rest = {checked(where, text[1] - '0'), checked(where, text[3] - '0')}, .layers = {}};
  }
  if (text.ends_with(".json")) return read_plan(text);
  throw Error(fmt::format(
      "--bits {}: expected bits of weights and activations in 1..8, such as w4a8, or a plan file .json", text));
}

std::map<std::string, LayerBits> bits_of(const FloatNet& net, const BitPlan& plan) {
  std::map<std::string, LayerBits> bits;
  std::vector<std::string_view> names;
  for (const FloatNode& node : net.nodes) {
    if (!has_weights(node.op)) continue;
    names.push_back(node.name);
    bits[node.name] = plan.rest;
  }
  if (plan.first_and_last_8 && !names.empty()) {
    bits[std::string(names.front())] = {};
    bits[std::string(names.back())] = {};
  }
  for (const auto& [name, b] : plan.layers) {
    const auto it = bits.find(name);
    if (it == bits.end()) {
      throw Error(fmt::format("{}: the network {} has no layer \"{}\"{}", plan.file.empty() ? "plan" : plan.file,
                              net.name, name, did_you_mean(name, names)));
    }
    it->second = b;
  }
  return bits;
}

}  // namespace obz
