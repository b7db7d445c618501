// obz run: execute a network on samples; write outputs, every value, and accuracy.
#include <algorithm>
#include <atomic>
#include <memory>

#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <tbb/parallel_for.h>

#include "cli/labels.hpp"
#include "cli/net_executor.hpp"
#include "cli/progress.hpp"
#include "cli/verb.hpp"
#include "golden/sets/vector_set.hpp"
#include "ref/base/error.hpp"
#include "ref/base/file.hpp"
#include "ref/base/sha256.hpp"
#include "ref/border/convert.hpp"
#include "ref/execute/inputs.hpp"
#include "ref/net/save_load.hpp"
#include "ref/tensor/archive.hpp"

namespace obz::cli {
namespace {

using Json = nlohmann::ordered_json;

struct Options {
  std::string net, out, taps, engine = "ref", labels;
  std::vector<std::string> inputs;
  std::int64_t samples = INT64_MAX;
  bool json = false;
};

/// Bytes of one value per sample, filled from several threads: sample i owns entry i.
struct Recording {
  std::vector<Bytes> samples;
};

NpyArray stacked(const TensorInfo& info, const std::vector<Bytes>& samples) {
  NpyArray array = npy_from(Tensor(Shape{0}, info.type));
  std::vector<std::int64_t> dims(info.shape.begin(), info.shape.end());
  // One sample per leading index: a declared batch of 1 is that index.
  if (dims.empty() || dims[0] != 1) dims.insert(dims.begin(), 1);
  dims[0] = static_cast<std::int64_t>(samples.size());
  array.shape = Shape(dims);
  for (const Bytes& b : samples) array.bytes.insert(array.bytes.end(), b.begin(), b.end());
  return array;
}

void write_taps(const std::string& folder, const IntNet& net, const std::vector<Recording>& recorded) {
  write_folder(folder, "taps.json", [&](const std::filesystem::path& temporary) {
    Json list = Json::array();
    for (std::size_t t = 0; t < recorded.size(); ++t) {
      if (recorded[t].samples.empty()) continue;
      const TensorInfo& info = net.tensors[t];
      const NpyArray array = stacked(info, recorded[t].samples);
      const std::string file = file_name_of(info.id) + ".npy";
      Json hashes = Json::array();
      for (const Bytes& b : recorded[t].samples) hashes.push_back(sha256_hex(b));
      list.push_back({{"id", info.id},
                      {"name", info.name},
                      {"dtype", array.dtype()},
                      {"shape", info.shape.dims()},
                      {"file", file},
                      {"sha256", hashes}});
      write_file(temporary / file, format_npy(array));
    }
    const std::string text = Json{{"tensors", list}}.dump(1) + "\n";
    write_file(temporary / "taps.json", as_bytes(text));
  });
}

/// Index of the largest score; where every class has a scale of its own, of the largest real value.
std::int64_t largest(const IntNet& net, const Tensor& scores) {
  for (const OutputBorder& border : net.output_borders) {
    if (border.tensor != net.outputs[0] || border.affine.scales.size() < 2) continue;
    const std::vector<float> real = dequantize(border, scores).data;
    return std::max_element(real.begin(), real.end()) - real.begin();
  }
  return std::max_element(scores.data.begin(), scores.data.end()) - scores.data.begin();
}

int run(const Options& o) {
  IntNet loaded = load_net(o.net);
  const bool has_input = !loaded.input_borders.empty() || !loaded.inputs.empty();
  if (!has_input) throw Error(fmt::format("{}: the network has no input", o.net));
  const NetExecutor executor = make_net_executor(o.engine, std::move(loaded), !o.taps.empty());
  const IntNet& net = *executor.net;
  const InputSet inputs(net, o.inputs);
  const std::int64_t count = std::min(inputs.count(), o.samples);
  if (count < 1) throw Error("--samples: expected at least 1");
  const std::vector<std::int64_t> labels =
      o.labels.empty() ? std::vector<std::int64_t>() : read_labels(o.labels, count);

  std::vector<Recording> taps(net.tensors.size());
  std::vector<bool> wanted(net.tensors.size(), false);
  if (!o.taps.empty()) {
    for (const int i : net.inputs) wanted[static_cast<std::size_t>(i)] = true;
    for (const Node& n : net.nodes) wanted[static_cast<std::size_t>(n.outputs[0])] = true;
  }
  for (const int i : net.outputs) wanted[static_cast<std::size_t>(i)] = true;
  for (std::size_t t = 0; t < taps.size(); ++t) {
    if (wanted[t]) taps[t].samples.resize(static_cast<std::size_t>(count));
  }
  std::vector<std::int64_t> top1(static_cast<std::size_t>(count));
  ProgressBar progress("run");
  std::atomic<std::int64_t> done = 0;
  const auto one = [&](std::int64_t i) {
    const auto at = static_cast<std::size_t>(i);
    const auto tap = [&](int tensor, const Tensor& value) {
      const auto t = static_cast<std::size_t>(tensor);
      if (wanted[t]) taps[t].samples[at] = raw_bytes(value);
    };
    const std::vector<Tensor> out = executor.run(inputs.sample(i), o.taps.empty() ? ValueTap() : tap);
    top1[at] = largest(net, out[0]);
    for (std::size_t k = 0; k < out.size(); ++k) {  // an output that is also an input, or constant, has no tap
      auto& sample = taps[static_cast<std::size_t>(net.outputs[k])].samples[at];
      if (sample.empty()) sample = raw_bytes(out[k]);
    }
    progress.update(++done, count);
  };
  if (executor.from_many_threads) {
    tbb::parallel_for(std::int64_t{0}, count, one);
  } else {
    for (std::int64_t i = 0; i < count; ++i) one(i);
  }
  for (const std::string& note : executor.notes) fmt::print(stderr, "{}\n", note);

  ArchiveEntries entries;
  for (const int i : net.outputs) {
    const TensorInfo& info = net.tensors[static_cast<std::size_t>(i)];
    entries.emplace_back(file_name_of(info.id) + ".npy",
                         format_npy(stacked(info, taps[static_cast<std::size_t>(i)].samples)));
  }
  if (!o.out.empty()) {
    if (o.out.ends_with(".npy")) {
      if (entries.size() != 1)
        throw Error(fmt::format("{}: the network has {} outputs, write an .npz", o.out, entries.size()));
      write_file(o.out, entries[0].second);
    } else {
      write_file(o.out, format_archive(entries));
    }
  }
  if (!o.taps.empty()) write_taps(o.taps, net, taps);

  std::int64_t right = 0;
  for (std::size_t i = 0; i < labels.size() && i < top1.size(); ++i) right += labels[i] == top1[i] ? 1 : 0;
  if (o.json) {
    Json json = {{"net", net.name}, {"engine", o.engine}, {"samples", count}, {"top1", top1}};
    if (!labels.empty()) json["correct"] = right;
    fmt::print("{}\n", json.dump());
    return 0;
  }
  fmt::print("{}: {} sample(s) on {}", net.name, count, o.engine);
  if (!labels.empty())
    fmt::print(", top-1 {} of {} = {:.2f} %", right, count,
               100.0 * static_cast<double>(right) / static_cast<double>(count));
  fmt::print("\n");
  if (o.out.empty() && o.taps.empty() && labels.empty()) {
    constexpr std::int64_t most = 10;
    for (std::int64_t i = 0; i < std::min(count, most); ++i)
      fmt::print("  sample {}: top-1 {}\n", i, top1[static_cast<std::size_t>(i)]);
    if (count > most) fmt::print("  ... (-o FILE writes the outputs, --taps DIR every value)\n");
  }
  return 0;
}

}  // namespace

Verb run_verb() {
  auto o = std::make_shared<Options>();
  return {"run",
          "Execute a network on samples, exactly",
          "  obz run kws.obz --input x.npy -o out.npz\n"
          "  obz run kws.obz --input x.npy --taps taps/ --engine fast\n"
          "  obz run digits.obz --input images.npy --labels labels.npy\n"
          "  obz run digits.obz --input images.npy --labels labels.npy --engine ptx\n",
          {{"net", "NET", "an .obz network", &o->net, true},
           {"--input,-i", "FILE", "npy, one sample per leading index; ID=FILE with several inputs; - is stdin",
            &o->inputs, true},
           {"--out,-o", "FILE", ".npz with every output, or .npy with the only one", &o->out},
           {"--taps", "DIR", "write every value of every sample, and taps.json with their sha256", &o->taps},
           {"--engine,-e", "NAME",
            "ref (naive, the golden), fast, ptx (the CUDA kernels' PTX on the CPU) or gpu (default: ref)", &o->engine},
           {"--labels", "FILE", "npy of class numbers: report top-1 accuracy", &o->labels},
           {"--samples,-n", "N", "only the first N samples", &o->samples},
           {"--json", "", "as JSON", &o->json}},
          [o] { return run(*o); }};
}

}  // namespace obz::cli
