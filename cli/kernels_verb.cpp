// obz kernels: what the main loop of each convolution kernel issues, counted by executing its PTX.
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "cli/table.hpp"
#include "cli/verb.hpp"
#include "gpu/measure/main_loop.hpp"

namespace obz::cli {
namespace {

struct Options {
  bool json = false;
};

void print_json(const std::vector<gpu::MainLoop>& loops) {
  nlohmann::ordered_json list = nlohmann::ordered_json::array();
  for (const gpu::MainLoop& l : loops) {
    list.push_back({{"module", l.module},
                    {"kernel", l.kernel},
                    {"tile", {l.rows, l.columns}},
                    {"threads", l.threads},
                    {"shared_bytes", l.shared_bytes},
                    {"slice",
                     {{"mma", l.mma},
                      {"ldmatrix", l.ldmatrix},
                      {"st_shared", l.shared_stores},
                      {"ld_global", l.global_loads},
                      {"other", l.other},
                      {"macs", l.macs},
                      {"shared_passes", l.shared_passes},
                      {"bank_conflicts", l.bank_conflicts},
                      {"sectors", l.sectors}}},
                    {"cycles",
                     {{"tensor", l.tensor_cycles()},
                      {"issue", l.issue_cycles()},
                      {"alu", l.alu_cycles()},
                      {"memory", l.memory_cycles()}}},
                    {"tensor_share", l.tensor_share()}});
  }
  fmt::print("{}\n", list.dump(1));
}

int run(const Options& o) {
  const std::vector<gpu::MainLoop> loops = gpu::measure_main_loops();
  if (o.json) {
    print_json(loops);
    return 0;
  }
  Table table({"kernel", "tile", ">threads", ">shared", ">mma", ">ldmatrix", ">st.shared", ">ld.global", ">other",
               ">conflicts", ">tensor", ">issue", ">alu", ">memory", ">share"});
  for (const gpu::MainLoop& l : loops) {
    const auto n = [](double v) { return fmt::format("{:g}", v); };
    table.add({l.kernel, fmt::format("{}x{}", l.rows, l.columns), fmt::format("{}", l.threads), grouped(l.shared_bytes),
               n(l.mma), n(l.ldmatrix), n(l.shared_stores), n(l.global_loads), n(l.other), n(l.bank_conflicts),
               n(l.tensor_cycles()), n(l.issue_cycles()), n(l.alu_cycles()), n(l.memory_cycles()),
               fmt::format("{:.0f} %", 100 * l.tensor_share())});
  }
  fmt::print(
      "{}\n\nWarp instructions of PTX a block issues for 64 bytes of depth, and the cycles of an SM of sm_75 that each "
      "resource\nneeds for them: tensor core, issue, ALU, shared and global memory. share: of the largest, the tensor "
      "core's.\n",
      table.text());
  return 0;
}

}  // namespace

Verb kernels_verb() {
  auto o = std::make_shared<Options>();
  return {"kernels",
          "What the CUDA kernels' main loops issue, counted by executing their PTX",
          "  obz kernels                  a table\n"
          "  obz kernels --json           the same for programs\n",
          {{"--json", "", "print JSON", &o->json}},
          [o] { return run(*o); }};
}

}  // namespace obz::cli
