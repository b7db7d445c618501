#include "gpu/measure/main_loop.hpp"

#include <algorithm>

#include "gpu/engine.hpp"
#include "gpu/ptx_device.hpp"
#include "ref/base/error.hpp"
#include "ref/net/validate.hpp"

namespace obz::gpu {
namespace {

/// A layer that one kernel is chosen for.
struct Subject {
  IntType x, w;
  TileSize tile;
  bool stem;
};

std::vector<Subject> subjects() {
  const IntType s16{16, true}, u16{16, false}, s12{12, true};
  std::vector<Subject> list;
  for (const auto& [x, w] : {std::pair{kInt8, kInt8}, {kUInt8, kInt8}, {kInt4, kInt4}, {kUInt4, kInt4}}) {
    for (const TileSize t : {TileSize::large, TileSize::medium, TileSize::small}) list.push_back({x, w, t, false});
    list.push_back({x, w, TileSize::medium, true});
  }
  for (const auto& [x, w] :
       {std::pair{s16, kInt8}, {kInt8, s12}, {s16, s12}, {u16, kInt8}, {kUInt8, s12}, {u16, s12}}) {
    for (const bool stem : {false, true}) list.push_back({x, w, TileSize::medium, stem});
  }
  const IntType b1{1, false}, b2{2, true};
  for (const auto& [x, w] : {std::pair{b1, b1}, {b2, b1}, {b1, b2}}) list.push_back({x, w, TileSize::medium, false});
  return list;
}

/// One block of outputs, `slices` slices deep.
IntNet layer_of(const Subject& s, std::int64_t slices) {
  const auto [name, rows, columns, threads] = shape_of(s.tile);
  const int stored = s.x.bits * s.w.bits <= 2 ? 1 : s.x.bits <= 4 ? 4 : s.x.bits <= 8 ? 8 : 16;
  Conv2d op;
  Shape x;
  if (s.stem) {  // a window of 16 x `slices` pixels of four bytes
    op.filter.weights = Tensor(Shape{columns, slices, 16, 32 / stored}, s.w);
    x = Shape{1, slices, rows + 15, 32 / stored};
  } else {
    op.filter.weights = Tensor(Shape{columns, 1, 1, slices * 512 / stored}, s.w);
    x = Shape{1, 1, rows, slices * 512 / stored};
  }
  // Ones, and one weight that needs all of its type's bits.
  std::fill(op.filter.weights.data.begin(), op.filter.weights.data.end(), 1);
  op.filter.weights.data[0] = static_cast<std::int32_t>(s.w.is_signed ? s.w.min() : s.w.max());
  op.requant.channels[0] = {.multiplier = 1, .shift = 16, .lo = -128, .hi = 127};
  IntNet net{.name = "loop"};
  const std::vector<Shape> shapes{x};
  Node node{.name = "conv", .inputs = {0}, .outputs = {1}, .op = op};
  const Shape y = infer_shape(node.op, shapes, "loop");
  net.tensors = {{.id = "x", .name = "x", .shape = x, .type = s.x},
                 {.id = "y", .name = "y", .shape = y, .type = kInt8}};
  net.nodes = {node};
  net.inputs = {0};
  net.outputs = {1};
  return net;
}

LaunchRecord launch_of(const Subject& s, std::int64_t slices, KernelCall& call) {
  PtxDevice device({.threads = 1});
  LaunchRecord record;
  device.watch = [&](const LaunchRecord& r) { record = r; };  // the last: what comes before it prepares x
  const IntNet net = layer_of(s, slices);
  const auto made = lower_layer(device, net, net.nodes[0], {.tile = s.tile});
  const auto& program = std::get<std::unique_ptr<Program>>(made);
  const Tensor x(net.tensors[0].shape, net.tensors[0].type);
  run_program(device, *program, [&](int) -> const Tensor& { return x; });
  call = program->calls.back();
  return record;
}

bool starts(const std::string& opcode, std::string_view with) { return opcode.rfind(with, 0) == 0; }

}  // namespace

double MainLoop::tensor_cycles() const { return mma * 4 / 4; }
double MainLoop::issue_cycles() const { return (mma + ldmatrix + shared_stores + global_loads + other) / 4; }
double MainLoop::alu_cycles() const { return other * 2 / 4; }
double MainLoop::memory_cycles() const { return shared_passes * 2 + sectors * 32 / 64; }
double MainLoop::tensor_share() const {
  return tensor_cycles() / std::max({tensor_cycles(), issue_cycles(), alu_cycles(), memory_cycles()});
}

std::vector<MainLoop> measure_main_loops() {
  std::vector<MainLoop> loops;
  PtxDevice modules;
  for (const Subject& s : subjects()) {
    constexpr std::int64_t kSlices = 4;
    KernelCall call;
    const ptx::Counters once = launch_of(s, kSlices, call).counters, twice = launch_of(s, 2 * kSlices, call).counters;
    const auto per_slice = [](std::uint64_t a, std::uint64_t b) {
      return (static_cast<double>(b) - static_cast<double>(a)) / kSlices;
    };
    const TileShape shape = shape_of(s.tile);
    OBZ_CHECK(call.grid[0] == 1 && call.grid[1] == 1);
    MainLoop loop{.module = call.module,
                  .kernel = call.kernel,
                  .rows = shape.rows,
                  .columns = shape.columns,
                  .threads = call.block[0],
                  .shared_bytes = ptx::kernel_info(modules.module(call.module), call.kernel).shared_bytes};
    for (const auto& [opcode, count] : twice.by_opcode) {
      const auto before = once.by_opcode.find(opcode);
      const double n = per_slice(before == once.by_opcode.end() ? 0 : before->second, count);
      if (starts(opcode, "mma")) {
        loop.mma += n;
      } else if (starts(opcode, "ldmatrix")) {
        loop.ldmatrix += n;
      } else if (starts(opcode, "st.shared")) {
        loop.shared_stores += n;
      } else if (starts(opcode, "ld.global")) {
        loop.global_loads += n;
      } else {
        loop.other += n;
      }
    }
    loop.macs = per_slice(once.mma_macs, twice.mma_macs);
    loop.shared_passes = per_slice(once.shared_passes, twice.shared_passes);
    loop.bank_conflicts = per_slice(once.shared_extra_passes, twice.shared_extra_passes);
    loop.sectors = per_slice(once.sectors_read, twice.sectors_read);
    loops.push_back(loop);
  }
  return loops;
}

}  // namespace obz::gpu
