#include "tests/fuzz/readers.hpp"

#include <cstring>

#include "golden/cases/requant_stream.hpp"
#include "golden/cases/synth.hpp"
#include "golden/sets/manifest.hpp"
#include "gpu/ptx/launch.hpp"
#include "plan/problem.hpp"
#include "ref/base/error.hpp"
#include "ref/base/file.hpp"
#include "ref/execute/naive.hpp"
#include "ref/net/cost.hpp"
#include "ref/net/save_load.hpp"
#include "ref/quantize/simplify.hpp"
#include "ref/read/import.hpp"
#include "ref/read/onnx/read_float.hpp"
#include "ref/read/onnx/tensor_proto.hpp"
#include "rtl/dut/port_map.hpp"
#include "sim/machine.hpp"
#include "tests/fuzz/ptx_seeds.hpp"
#include "tests/support/onnx_builder.hpp"
#include "tests/support/tflite_builder.hpp"

namespace obz::fuzz {
namespace {

/// What was accepted must also execute: a validated net has no undefined behaviour left in it. Nets that only grew
/// large are not executed.
void use(const IntNet& net) {
  std::int64_t work = 0;
  for (const TensorInfo& t : net.tensors) work += t.shape.elems();
  for (const Node& n : net.nodes) work += cost_of(net, n).macs;
  constexpr std::int64_t affordable = 200'000;
  if (work < 0 || work > affordable) return;
  run_net(net, random_inputs(net, Goal::corners, 1, 0),
          [](const Node& n, std::span<const Tensor* const> in, Tensor& y) { run_naive(n, in, y); });
}

Bytes file(const std::string& name) { return read_file(std::filesystem::path(OBZ_SOURCE_DIR) / name); }

Bytes manifest() {
  Manifest m{.op = "requant", .profile = "tflite/double", .count = 3};
  m.files.emplace_back("cases.bin", std::string(64, 'a'));
  m.coverage.emplace_back("tie", 1);
  const std::string text = format_manifest(m);
  return Bytes(text.begin(), text.end());
}

Bytes requant_lines() {
  const RequantSpace space{.profile = &find_profile("tflite/double")};
  std::string text;
  for (std::uint64_t i = 0; i < 4; ++i)
    append_text(text, record_layout(*space.profile, space.out), make_requant_case(space, i), nullptr);
  return Bytes(text.begin(), text.end());
}

/// A serialised float TensorProto: dims [2], FLOAT, raw_data of 8 bytes.
Bytes tensor_proto() { return {0x08, 0x02, 0x10, 0x01, 0x4A, 0x08, 0, 0, 0x80, 0x3F, 0, 0, 0, 0x40}; }

/// Every operator of float networks once.
Bytes float_network() {
  test::OnnxBuilder b;
  std::string x = b.input("x", {1, 2, 6, 6});
  const std::vector<float> weights(3 * 2 * 3 * 3, 0.25F), one(3, 1.0F), half(3, 0.5F);
  x = b.node("Conv", {x, b.floats(weights, {3, 2, 3, 3}), b.floats(half, {3})}, {{"pads", test::Dims{1, 1, 1, 1}}});
  x = b.node("BatchNormalization",
             {x, b.floats(one, {3}), b.floats(half, {3}), b.floats(half, {3}), b.floats(one, {3})});
  x = b.node("Relu", {x});
  const std::string pooled =
      b.node("MaxPool", {x}, {{"kernel_shape", test::Dims{2, 2}}, {"strides", test::Dims{2, 2}}});
  const std::string mean =
      b.node("AveragePool", {x}, {{"kernel_shape", test::Dims{2, 2}}, {"strides", test::Dims{2, 2}}});
  x = b.node("Add", {pooled, b.node("Clip", {mean, b.scalar(0), b.scalar(6)})});
  x = b.node("Concat", {x, pooled}, {{"axis", std::int64_t{1}}});
  x = b.node("Slice", {x, b.list({0}), b.list({2}), b.list({3})});
  x = b.node("Pad", {x, b.list({0, 1, 0, 0, 0, 1, 0, 0})});
  x = b.node("Flatten", {b.node("GlobalAveragePool", {x})});
  x = b.node("Gemm", {x, b.floats(std::vector<float>(16, 0.5F), {2, 8})}, {{"transB", std::int64_t{1}}});
  b.output(b.node("Softmax", {x}));
  return b.finish();
}

void read_lines(const Bytes& bytes) {
  const RecordLayout layout = record_layout(find_profile("tflite/double"), kInt8);
  const std::string text = as_text(bytes);
  std::int64_t out = 0;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = std::min(text.find('\n', at), text.size());
    parse_text(std::string_view(text).substr(at, end - at), layout, false, out, "line");
    at = end + 1;
  }
}

Bytes plan_table() {
  const std::string text =
      "# seeds\nlayer,weights,activations,same_as,omega,\"bytes, packed\"\nconv1,8,8,,1.5e-3,1000\n"
      "conv1,4,4,,0.25,500\n\"skip \"\"1\"\"\",8,8,conv1,0.1,30\n\"skip \"\"1\"\"\",4,4,conv1,-2,15.5\n";
  const ByteView bytes = as_bytes(text);
  return {bytes.begin(), bytes.end()};
}

/// The table, its integers, and its own text again.
void plan_from(const Bytes& b) {
  const plan::Table table = plan::parse_table(as_text(b), "fuzz.csv");
  plan::Question q{.objective = 0, .second = table.columns.size() - 1, .budgets = {}};
  for (std::size_t c = 0; c < table.columns.size(); ++c) q.budgets.push_back({c, 1e3});
  plan::make_problem(table, q);
  plan::parse_table(plan::table_csv(table), "again.csv");
}

/// Every key of a map, and every key of a port.
Bytes requant_ports() {
  const std::string text = R"({"unit": "requant", "top": "mine", "files": ["mine_pkg.sv"], "parameters": {"W": 32},
    "ports": {"acc": {"port": "acc_i", "width": 20, "signed": true, "bias": -5}, "multiplier": "m_i",
              "shift": {"port": "s_i", "means": "tflite"}, "out": "y_o"},
    "fixed": {"zero_point": 0, "lo": -128, "hi": 127}, "constants": {"mode_i": 2}, "clock": "clk_i",
    "reset": "rst_ni", "reset_active": "low", "latency": 9, "interval": 2, "valid_in": "v_i", "valid_out": "v_o"})";
  const ByteView bytes = as_bytes(text);
  return {bytes.begin(), bytes.end()};
}

Bytes text(std::string_view s) { return {s.begin(), s.end()}; }

/// What was accepted must also run: to its end, or into a sentence. Parameters of 8 bytes are arrays.
void ptx_from(const Bytes& b) {
  const ptx::Module module = ptx::parse_module(as_text(b), "fuzz.ptx");
  for (const std::string& name : ptx::kernel_names(module)) {
    const ptx::KernelInfo& kernel = ptx::kernel_info(module, name);
    if (!kernel.refusal.empty()) continue;
    constexpr std::size_t array_bytes = 4096;
    ptx::Memory memory;
    std::vector<std::vector<std::byte>> args;
    for (const ptx::Param& p : kernel.params) {
      args.emplace_back(p.size_bytes);
      if (p.size_bytes != sizeof(std::uint64_t)) continue;
      const std::uint64_t at = memory.allocate(array_bytes, p.name);
      memory.fill(at, array_bytes, std::byte{1});
      std::memcpy(args.back().data(), &at, sizeof at);
    }
    ptx::run(module,
             {.kernel = name,
              .block = {kernel.max_threads != 0 ? kernel.max_threads : 64, 1, 1},
              .dynamic_shared_bytes = 64,
              .args = ptx::pack_args(kernel, args)},
             memory, {.threads = 1, .max_instructions = 2000});
  }
}

/// The cycles of the largest program there is do not overflow, whatever machine was accepted.
void machine_from(const Bytes& b) {
  static const accel::LayerProgram largest = [] {
    accel::LayerProgram p;
    p.x.resize(65536);
    p.w.resize(8192);
    p.tiles.resize(512);
    p.pixels = 65535;
    p.y_stride = 65535;
    return p;
  }();
  OBZ_CHECK(sim::parse_machine(as_text(b), "machine.json").cycles(largest, 1) > 0);
}

}  // namespace

const std::vector<Reader>& readers() {
  static const std::vector<Reader> all{
      {"tflite",
       {test::small_cnn(), test::operator_tour()},
       [](const Bytes& b) { use(import_model(b, "fuzz.tflite")); }},
      {"onnx", {file("golden/data/digits/digits.onnx")}, [](const Bytes& b) { use(import_model(b, "fuzz.onnx")); }},
      {"float_onnx", {float_network()}, [](const Bytes& b) { simplify(read_float_onnx(b, "fuzz.onnx")); }},
      {"obz",
       {format_net(import_model(test::small_cnn(), "s")), format_net(import_model(test::operator_tour(), "t")),
        format_net(synthesize({.op = "mma"}))},
       [](const Bytes& b) { use(parse_net(b, "fuzz.obz")); }},
      {"plan_table", {plan_table()}, plan_from},
      {"port_map",
       {requant_ports(), file("examples/own_rtl/own_dot.json")},
       [](const Bytes& b) { rtl::parse_port_map(as_text(b), "map.json"); }},
      {"machine", {file("examples/machine.json")}, machine_from},
      {"ptx", {text(kPtxTour), text(kPtxMatrices), text(kPtxTrimmings), text(kPtxLeast)}, ptx_from},
      {"npy",
       {format_npy(npy_from(Tensor(Shape{3, 4}, kInt8))), format_npy(npy_from(std::vector<double>{1, 2, 3})),
        file("golden/data/digits/labels.npy")},
       [](const Bytes& b) {
         const NpyArray array = parse_npy(b, "fuzz.npy");
         if (array.kind == 'f') {
           npy_to_floats(array, "fuzz.npy");
         } else {
           npy_to_tensor(array, kInt16, "fuzz.npy");
         }
       }},
      {"manifest", {manifest()}, [](const Bytes& b) { parse_manifest(as_text(b), "manifest.json"); }},
      {"stream", {requant_lines()}, read_lines},
      {"tensor_proto", {tensor_proto()}, [](const Bytes& b) { parse_tensor_proto(b, "fuzz.pb"); }},
  };
  return all;
}

const Reader& reader(const std::string& name) {
  for (const Reader& r : readers()) {
    if (r.name == name) return r;
  }
  throw std::out_of_range(name);
}

}  // namespace obz::fuzz
