// obz zoo: a published architecture at full size, seeded and quantized, without a download.
#include <memory>

#include <fmt/format.h>

#include "cli/progress.hpp"
#include "cli/table.hpp"
#include "cli/verb.hpp"
#include "ref/base/error.hpp"
#include "ref/base/file.hpp"
#include "ref/net/cost.hpp"
#include "ref/net/save_load.hpp"
#include "ref/quantize/hawq.hpp"
#include "ref/quantize/simplify.hpp"
#include "ref/quantize/zoo.hpp"
#include "ref/tensor/npy.hpp"

namespace obz::cli {
namespace {

struct Options {
  std::string name, out, bits = "w8a8", profile = "hawq-v3/exact", image;
  std::uint64_t seed = 1;
  std::int64_t side = 0, samples = 2;
};

int list() {
  Table table({"name", ">image", "architecture"});
  for (const ZooEntry& e : zoo()) table.add({std::string(e.name), std::to_string(e.side), std::string(e.summary)});
  fmt::print("{}\n", table.text());
  return 0;
}

int run(const Options& o) {
  if (o.name.empty()) return list();
  if (o.out.empty()) throw Error("obz zoo NAME: expected -o FILE.obz");
  constexpr std::int64_t most = 1000;
  if (o.samples < 1 || o.samples > most) throw Error(fmt::format("--samples {}: expected 1..{}", o.samples, most));
  HawqOptions options{.profile = o.profile, .bits = read_bits(o.bits)};
  if (find_profile(o.profile).id.find("tvm") != std::string_view::npos) {
    options.residual = ResidualStream::int32;
    options.concat = ConcatSteps::one;
  }
  const FloatNet net = simplify(make_zoo_net(o.name, o.seed, o.side));
  const std::int64_t side = net.values[static_cast<std::size_t>(net.input)].shape[2];
  ProgressBar bar("calibrating");
  const Observations observed = observe(
      net, o.samples, [&](std::int64_t i) { return zoo_image(o.seed + static_cast<std::uint64_t>(i), side); }, {},
      [&](std::int64_t done) { bar.update(done, o.samples); });
  IntNet result = quantize_hawq(
      net, [&](const std::string& value, const Grid& grid) { return range_of(observed.at(value), {}, grid); }, options);
  result.origin = fmt::format("{} --bits {}", net.origin, o.bits);
  result.notes.push_back("seeded weights: the network names no classes");
  if (!o.image.empty()) {
    const NpyArray image = npy_from(zoo_image(o.seed, side));
    write_file(o.image, format_npy(image));
  }
  save_net(result, o.out);
  LayerCost cost;
  for (const Node& node : result.nodes) cost += cost_of(result, node);
  fmt::print(stderr, "{}: {} layers, {} MAC, {} BOPS, {} bytes of weights, seed {}\n", o.out, result.nodes.size(),
             scaled(static_cast<double>(cost.macs)), scaled(static_cast<double>(cost.bops)), grouped(cost.weight_bytes),
             o.seed);
  return 0;
}

}  // namespace

Verb zoo_verb() {
  auto o = std::make_shared<Options>();
  return {"zoo",
          "Build a published architecture at full size with seeded weights",
          "  obz zoo                                  the list\n"
          "  obz zoo resnet50 -o resnet50.obz --image x.npy\n"
          "  obz zoo inceptionv3 --bits w4a4 --seed 7 -o inception.obz\n",
          {{"name", "NAME", "one of the list that `obz zoo` prints", &o->name},
           {"--out,-o", "FILE", "the network to write", &o->out},
           {"--bits", "BITS", "bits of weights and activations, w4a8 (default w8a8), or a plan file .json", &o->bits},
           {"--seed", "N", "of weights and pictures (default 1)", &o->seed},
           {"--size", "PIXELS", "side of the image (default: the architecture's own)", &o->side},
           {"--samples", "N", "seeded pictures to calibrate on (default 2)", &o->samples},
           {"--profile,-p", "ID", "arithmetic to aim at (default hawq-v3/exact)", &o->profile},
           {"--image", "FILE", "write the first picture, float32 (.npy)", &o->image}},
          [o] { return run(*o); }};
}

}  // namespace obz::cli
