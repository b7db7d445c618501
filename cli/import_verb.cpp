// obz import: a model file to an IntNet.
#include <charconv>
#include <memory>

#include <fmt/format.h>

#include "cli/verb.hpp"
#include "ref/base/error.hpp"
#include "ref/base/file.hpp"
#include "ref/net/save_load.hpp"
#include "ref/read/import.hpp"
#include "ref/read/onnx/tensor_proto.hpp"

namespace obz::cli {
namespace {

struct Options {
  std::string model, out, profile;
  std::vector<std::string> bindings, dimensions;
};

/// "name=value" -> both; Error naming the option.
std::pair<std::string, std::string> split(const std::string& text, const char* option) {
  const std::size_t at = text.find('=');
  if (at == 0 || at == std::string::npos) throw Error(fmt::format("{} {}: expected NAME=VALUE", option, text));
  return {text.substr(0, at), text.substr(at + 1)};
}

NpyArray read_array(const std::string& path) {
  const Bytes bytes = read_file(path);
  return path.ends_with(".pb") ? parse_tensor_proto(bytes, path) : parse_npy(bytes, path);
}

int run(const Options& o) {
  ImportOptions import;
  if (!o.profile.empty()) import.profile = o.profile;
  for (const std::string& b : o.bindings) {
    const auto [name, path] = split(b, "--bind");
    import.bindings.emplace(name, read_array(path));
  }
  for (const std::string& d : o.dimensions) {
    const auto [name, value] = split(d, "--dim");
    std::int64_t extent = 0;
    const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), extent);
    if (error != std::errc() || end != value.data() + value.size() || extent < 1)
      throw Error(fmt::format("--dim {}: expected an extent >= 1, got {}", name, value));
    import.dimensions.emplace(name, extent);
  }
  const IntNet net = import_model(std::filesystem::path(o.model), import);
  for (const std::string& note : net.notes) fmt::print(stderr, "note: {}\n", note);
  const Bytes bytes = format_net(net);
  write_file(o.out, bytes);
  fmt::print(stderr, "{}: {} layers, {} bytes, profile {}\n", o.out, net.nodes.size(), bytes.size(), net.profile);
  return 0;
}

}  // namespace

Verb import_verb() {
  auto o = std::make_shared<Options>();
  return {"import",
          "Turn a TFLite or ONNX model into an integer network (.obz)",
          "  obz import kws_ref_model.tflite -o kws.obz\n"
          "  obz import digits.onnx --profile hawq-v3/exact -o digits.obz\n"
          "  obz import qlinear.onnx --bind w=weights.npy --dim N=1 -o net.obz\n",
          {{"model", "MODEL", "TFLite; ONNX with QDQ pairs, QLinear* or integer operators; QONNX", &o->model, true},
           {"--out,-o", "FILE", "the network to write", &o->out, true},
           {"--profile,-p", "ID",
            "meaning of the arithmetic (default: what the file implies: tflite/double, onnx/mlas)", &o->profile},
           {"--bind", "NAME=FILE", "ONNX: take this graph input as a constant (.npy or TensorProto .pb); repeatable",
            &o->bindings},
           {"--dim", "NAME=N", "ONNX: extent of a symbolic dimension (default 1); repeatable", &o->dimensions}},
          [o] { return run(*o); }};
}

}  // namespace obz::cli
