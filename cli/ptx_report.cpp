#include "cli/ptx_report.hpp"

#include <algorithm>
#include <vector>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "cli/table.hpp"

namespace obz::cli {
namespace {

using Json = nlohmann::ordered_json;

/// The name of a file may be no UTF-8.
std::string text_of(const Json& json) { return json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n"; }

std::string count(std::uint64_t n) { return grouped(static_cast<std::int64_t>(n)); }

std::vector<std::pair<std::string, std::uint64_t>> totals(const ptx::Counters& c) {
  return {{"ctas", c.ctas},
          {"warps", c.warps},
          {"warp_instructions", c.warp_instructions},
          {"lane_instructions", c.lane_instructions},
          {"mma_macs", c.mma_macs},
          {"shared_loads", c.shared_loads},
          {"shared_stores", c.shared_stores},
          {"shared_atomics", c.shared_atomics},
          {"shared_passes", c.shared_passes},
          {"shared_extra_passes", c.shared_extra_passes},
          {"global_loads", c.global_loads},
          {"global_stores", c.global_stores},
          {"global_atomics", c.global_atomics},
          {"sectors_read", c.sectors_read},
          {"sectors_written", c.sectors_written},
          {"bytes_read", c.bytes_read},
          {"bytes_written", c.bytes_written},
          {"local_loads", c.local_loads},
          {"local_stores", c.local_stores},
          {"barriers", c.barriers},
          {"divergent_branches", c.divergent_branches}};
}

std::string params_text(const ptx::KernelInfo& k) {
  std::vector<std::string> sizes;
  for (const ptx::Param& p : k.params) sizes.push_back(fmt::to_string(p.size_bytes));
  return sizes.empty() ? "none" : fmt::format("{}", fmt::join(sizes, " "));
}

}  // namespace

std::string counters_text(const ptx::Counters& c, bool lines) {
  Table all({"counted", ">"});
  for (const auto& [name, n] : totals(c)) all.add({name, count(n)});
  for (const auto& [shape, n] : c.mma) all.add({"mma " + shape, count(n)});
  std::string text = all.text();
  std::vector<std::pair<std::string, std::uint64_t>> opcodes(c.by_opcode.begin(), c.by_opcode.end());
  std::stable_sort(opcodes.begin(), opcodes.end(), [](const auto& a, const auto& b) { return a.second > b.second; });
  Table by_opcode({"opcode", ">warp instructions"});
  for (const auto& [opcode, n] : opcodes) by_opcode.add({opcode, count(n)});
  text += "\n" + by_opcode.text();
  if (!lines) return text;
  Table by_line({">line", "opcode", ">warps", ">lanes", ">passes", ">extra", ">sectors"});
  for (const auto& [line, l] : c.by_line) {
    by_line.add({fmt::to_string(line), l.opcode, count(l.warp_instructions), count(l.lane_instructions),
                 count(l.shared_passes), count(l.shared_extra_passes), count(l.sectors)});
  }
  return text + "\n" + by_line.text();
}

std::string fault_json(const std::string& kernel, const std::string& sentence) {
  return text_of(Json{{"kernel", kernel}, {"fault", sentence}});
}

std::string counters_json(const ptx::Counters& c, const std::string& kernel) {
  Json json{{"kernel", kernel}, {"fault", nullptr}};
  for (const auto& [name, n] : totals(c)) json[name] = n;
  json["mma"] = c.mma;
  json["by_opcode"] = c.by_opcode;
  for (const auto& [line, l] : c.by_line) {
    json["by_line"].push_back({{"line", line},
                               {"opcode", l.opcode},
                               {"warp_instructions", l.warp_instructions},
                               {"lane_instructions", l.lane_instructions},
                               {"shared_passes", l.shared_passes},
                               {"shared_extra_passes", l.shared_extra_passes},
                               {"sectors", l.sectors}});
  }
  return text_of(json);
}

std::string kernels_text(const ptx::Module& module) {
  Table table({"kernel", ">line", "parameter bytes", ">shared", ">threads", "runs"});
  for (const std::string& name : ptx::kernel_names(module)) {
    const ptx::KernelInfo& k = ptx::kernel_info(module, name);
    table.add({k.name, fmt::to_string(k.line), params_text(k), fmt::to_string(k.shared_bytes),
               k.max_threads == 0 ? "any" : fmt::format("{}{}", k.exact_threads ? "" : "<= ", k.max_threads),
               k.refusal.empty() ? "yes" : "no: " + k.refusal});
  }
  return table.text();
}

std::string kernels_json(const ptx::Module& module) {
  Json json = Json::array();
  for (const std::string& name : ptx::kernel_names(module)) {
    const ptx::KernelInfo& k = ptx::kernel_info(module, name);
    Json params = Json::array();
    for (const ptx::Param& p : k.params) {
      params.push_back({{"name", p.name}, {"offset", p.offset_bytes}, {"bytes", p.size_bytes}, {"align", p.align}});
    }
    json.push_back({{"kernel", k.name},
                    {"line", k.line},
                    {"params", params},
                    {"param_bytes", k.param_bytes},
                    {"shared_bytes", k.shared_bytes},
                    {"max_threads", k.max_threads},
                    {"refusal", k.refusal}});
  }
  return text_of(json);
}

}  // namespace obz::cli
