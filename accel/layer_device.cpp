#include "accel/layer_device.hpp"

#include "accel/lower.hpp"
#include "ref/base/error.hpp"

namespace obz::accel {
namespace {

/// More than any program of Scratchpads{} takes.
constexpr std::int64_t kForever = std::int64_t{1} << 32;

template <class Words>
std::int64_t load_all(LayerDevice& device, const Words& words) {
  for (std::size_t i = 0; i < words.size(); ++i) device.load(i, words[i]);
  return static_cast<std::int64_t>(words.size());
}

}  // namespace

LayerRun run_program(LayerDevice& device, const LayerProgram& program, const LayerWatch& watch,
                     const std::function<bool()>& stalled) {
  LayerRun result;
  result.cycles.load = load_all(device, program.x) + load_all(device, program.w) + load_all(device, program.tiles);
  device.describe(program);
  LayerInputs in{.start_i = true};
  device.settle(in);
  device.edge();
  in.start_i = false;
  for (;; ++result.cycles.run) {
    OBZ_CHECK(result.cycles.run < kForever);
    in.write_ready_i = !stalled || !stalled();
    const LayerOutputs& out = device.settle(in);
    if (!out.busy_o) break;
    if (watch && (out.issue_o || out.result_o || out.write_o)) watch(result.cycles.run, out);
    result.mmas += out.issue_o ? 1 : 0;
    device.edge();
  }

  const std::size_t words = static_cast<std::size_t>(program.y_bytes() + 31) / 32;
  result.y.resize(words * 32);
  in = {.unload_i = true};
  for (std::size_t i = 0; i <= words; ++i) {
    const LayerOutputs& out = device.settle(in);  // the word asked for one cycle ago
    for (std::size_t k = 0; i > 0 && k < 32; ++k) {
      result.y[(i - 1) * 32 + k] = static_cast<std::uint8_t>(out.unload_data_o[k / 4] >> (8 * (k % 4)));
    }
    if (i == words) break;
    in.unload_addr_i = static_cast<std::uint16_t>(i);
    device.settle(in);
    device.edge();
    ++result.cycles.unload;
  }
  device.settle({});
  return result;
}

LayerResult run_layer(LayerDevice& device, const LayerJob& job, const std::vector<LayerProgram>& programs,
                      const LayerCost& cost) {
  std::vector<std::vector<std::uint8_t>> bytes;
  LayerResult result;
  result.cycles = result.ideal_cycles = 0;
  for (const LayerProgram& program : programs) {
    LayerRun one = run_program(device, program);
    *result.cycles += cost ? cost(program, one.cycles.run) : one.cycles.run;
    *result.ideal_cycles += ideal_cycles(program);
    bytes.push_back(std::move(one.y));
  }
  result.output = raise(job, programs, bytes);
  return result;
}

}  // namespace obz::accel
