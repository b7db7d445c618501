#include "cli/layer_traces.hpp"

#include <algorithm>
#include <filesystem>
#include <memory>

#include <fmt/format.h>

#include "accel/lower.hpp"
#include "accel/output_places.hpp"
#include "accel/trace_writers.hpp"
#include "golden/sets/vector_set.hpp"
#include "ref/base/error.hpp"
#include "ref/base/file.hpp"
#include "ref/execute/naive.hpp"
#include "rtl/harness/rtl_engine.hpp"
#include "rtl/trace/waves.hpp"
#include "sim/hardware.hpp"

namespace obz::cli {
namespace {

/// A layer with its inputs as the reference has them in the network, and its output.
struct Captured {
  const Node* node;
  std::vector<Tensor> inputs;
  Tensor want;
  LayerJob job;
  std::vector<accel::LayerProgram> programs;

  Captured(const IntNet& net, const std::vector<Tensor>& net_inputs, const std::string& option, const std::string& name)
      : node(&net.nodes[static_cast<std::size_t>(find_node(net, name))]) {
    const TensorInfo& out = net.tensors[static_cast<std::size_t>(node->outputs[0])];
    run_net(net, net_inputs, [&](const Node& at, std::span<const Tensor* const> in, Tensor& y) {
      if (&at > node) return;  // nodes stand in their order: nothing behind this one is asked for
      run_naive(at, in, y);
      if (&at != node) return;
      for (const Tensor* t : in) inputs.push_back(*t);
      want = y;
    });
    job = {&net, node, {}, &out};
    for (const Tensor& t : inputs) job.inputs.push_back(&t);
    accel::Lowered lowered = accel::lower(job);
    if (const auto* why = std::get_if<std::string>(&lowered)) {
      throw Error(fmt::format("{} {}: this layer runs on no layer unit: {}", option, name, *why));
    }
    programs = std::get<std::vector<accel::LayerProgram>>(std::move(lowered));
  }
  Captured(const Captured&) = delete;
  Captured& operator=(const Captured&) = delete;
};

accel::PipelineTrace pipeline_of(const Captured& layer, const std::vector<std::string>& engines) {
  for (const std::string& engine : engines) {
    if (engine == "rtl") {
      return accel::trace_pipeline(*rtl::make_layer_unit(), layer.node->name, layer.programs);
    }
    if (engine == "sysc") return accel::trace_pipeline(sim::hardware().layer, layer.node->name, layer.programs);
  }
  throw Error(
      fmt::format("--pipeline: none of the engines {} has a layer unit; name rtl or sysc", fmt::join(engines, ", ")));
}

std::string indices(std::size_t element, const Shape& shape) {
  std::vector<std::size_t> at(shape.rank());
  for (std::size_t i = shape.rank(); i-- > 0;) {
    const auto extent = static_cast<std::size_t>(shape[i]);
    at[i] = element % extent;
    element /= extent;
  }
  return fmt::format("[{}]", fmt::join(at, ","));
}

void write_waves(const Captured& layer, const std::filesystem::path& file) {
  fmt::print(stderr, "{}: building the traced model, about a minute\n", layer.node->name);
  const rtl::WaveResult r =
      rtl::trace_waves(layer.programs, accel::output_bytes(layer.job, layer.programs, layer.want), file);
  fmt::print(stderr, "{}: {} cycles, {} writes, of which {} differ\n", file.string(), r.cycles, r.writes,
             r.wrong_writes);
  if (!r.first) return;
  const auto element = accel::output_element(layer.job, layer.programs, r.first->program, r.first->bit);
  fmt::print(stderr, "first mismatch: cycle {}, {} ns, sample 0, {}\n", r.first->cycle, r.first->time_ns,
             element ? fmt::format("{}: want {}", indices(*element, layer.want.shape), layer.want.data[*element])
                     : "a lane that holds no output");
}

}  // namespace

void LayerTraces::add_to(std::vector<Option>& options) {
  options.push_back({"--pipeline", "LAYER",
                     "also write LAYER.pipeline.json (Perfetto): the mma of its first sample on rtl or sysc, whichever "
                     "is named first",
                     &pipeline});
  options.push_back(
      {"--pipeline-format", "F", "json, kanata (LAYER.kanata, for Konata) or both (default json)", &format});
  options.push_back(
      {"--trace-fst", "LAYER", "also write LAYER.fst: waves of the RTL executing its first sample", &fst});
  options.push_back({"--trace-dir", "DIR", "folder of these files (default .)", &folder});
}

void LayerTraces::require_use(const Given& given) const {
  if (given.contains("--pipeline-format") && pipeline.empty()) {
    throw Error("--pipeline-format: there is no pipeline without --pipeline LAYER");
  }
  if (given.contains("--trace-dir") && !any()) {
    throw Error("--trace-dir: nothing is written there without --pipeline LAYER or --trace-fst LAYER");
  }
}

void LayerTraces::write(const IntNet& net, const std::vector<Tensor>& inputs,
                        const std::vector<std::string>& engines) const {
  if (format != "json" && format != "kanata" && format != "both") {
    throw Error(fmt::format("--pipeline-format {}: expected json, kanata or both", format));
  }
  for (const std::string& name : {pipeline, fst}) {
    if (!name.empty()) find_node(net, name);
  }
  const std::filesystem::path place(folder);
  if (!pipeline.empty()) {
    const Captured layer(net, inputs, "--pipeline", pipeline);
    const accel::PipelineTrace trace = pipeline_of(layer, engines);
    const std::string stem = file_name_of(layer.node->name);
    if (format != "kanata") write_file(place / (stem + ".pipeline.json"), as_bytes(accel::chrome_trace(trace)));
    if (format != "json") write_file(place / (stem + ".kanata"), as_bytes(accel::kanata_log(trace)));
  }
  if (!fst.empty()) {
    const Captured layer(net, inputs, "--trace-fst", fst);
    write_waves(layer, place / (file_name_of(layer.node->name) + ".fst"));
  }
}

}  // namespace obz::cli
