#include "gpu/ptx/launch.hpp"

#include <algorithm>
#include <atomic>
#include <bit>
#include <cstring>
#include <exception>
#include <memory>
#include <mutex>

#include <fmt/format.h>
#include <tbb/parallel_for.h>
#include <tbb/task_arena.h>

#include "gpu/ptx/machine.hpp"

namespace obz::ptx {
namespace {

constexpr std::uint64_t kMostShared = 227 * 1024;  ///< of the largest devices that run such PTX

void check_launch(const KernelInfo& k, const Launch& l, const std::string& file) {
  const auto refuse = [&](const std::string& what) { throw Error(fmt::format("{}: {}: {}", file, k.name, what)); };
  if (!k.refusal.empty()) throw Error(k.refusal);
  const std::uint64_t threads = l.block.count();
  if (threads == 0 || threads > 1024 || l.block.z > 64) {
    refuse(fmt::format("expected a block of 1 to 1024 threads, z at most 64, got {} x {} x {}", l.block.x, l.block.y,
                       l.block.z));
  }
  if (l.grid.count() == 0 || l.grid.x > 0x7FFFFFFF || l.grid.y > 65535 || l.grid.z > 65535) {
    refuse(fmt::format("expected a grid of at least one block, y and z at most 65535, got {} x {} x {}", l.grid.x,
                       l.grid.y, l.grid.z));
  }
  if (k.max_threads != 0 && (k.exact_threads ? threads != k.max_threads : threads > k.max_threads)) {
    refuse(fmt::format("expected {}{} threads in a block, got {}", k.exact_threads ? "" : "at most ", k.max_threads,
                       threads));
  }
  if (l.args.size() != k.param_bytes) {
    refuse(fmt::format("expected {} bytes of parameters, got {}", k.param_bytes, l.args.size()));
  }
  if (std::uint64_t{k.shared_bytes} + l.dynamic_shared_bytes > kMostShared) {
    refuse(fmt::format("expected at most {} bytes of shared memory, got {} + {}", kMostShared, k.shared_bytes,
                       l.dynamic_shared_bytes));
  }
}

void prepare(Machine& m, const Module& module, const Launch& launch, const Options& options, Memory& memory) {
  const KernelInfo& k = kernel_info(module, launch.kernel);
  m.program = module.program.get();
  m.kernel = &m.program->functions[m.program->by_name.at(launch.kernel)];
  m.launch = &launch;
  m.options = &options;
  m.memory = &memory;
  m.variables = &memory.variables_of(module.program);
  m.warps.resize((launch.block.count() + 31) / 32);
  m.dynamic_base = (k.shared_bytes + 15) / 16 * 16;
  m.shared_bytes = launch.dynamic_shared_bytes > 0 ? m.dynamic_base + launch.dynamic_shared_bytes : k.shared_bytes;
  m.shared.resize(m.shared_bytes);
  m.local_bytes = m.kernel->deepest_local;
  m.shadow.check_races = options.checks.races;
  m.shadow.check_unwritten = options.checks.uninitialised;
  m.shadowed = m.shared_bytes > 0 && (options.checks.races || options.checks.uninitialised);
  m.tallies.assign(m.program->opcode_of.size(), {});
}

std::string mma_shape(const std::string& opcode, std::uint64_t& macs) {
  for (const auto& [shape, work] : {std::pair{"m8n8k16", 1024U}, {"m8n8k32", 2048U}, {"m8n8k128", 8192U}}) {
    if (opcode.find(shape) == std::string::npos) continue;
    macs = work;
    // mma.sync.aligned.SHAPE.row.col[.satfinite].s32.A.B.s32[.op.popc]
    const std::size_t first = opcode.find(".s32.") + 5, last = opcode.find(".s32", first);
    return fmt::format("{}.{}", shape, opcode.substr(first, last - first));
  }
  return opcode;
}

/// From counts per instruction to counts per line and opcode.
Counters summary(const Machine& m) {
  Counters c = m.totals;
  const Program& p = *m.program;
  for (std::size_t k = 0; k < m.tallies.size(); ++k) {
    const Tally& t = m.tallies[k];
    if (t.warps == 0) continue;
    const std::string& opcode = p.opcodes[p.opcode_of[k]];
    c.warp_instructions += t.warps;
    c.lane_instructions += t.lanes;
    c.by_opcode[opcode] += t.warps;
    if (opcode.starts_with("mma.")) {
      std::uint64_t macs = 0;
      c.mma[mma_shape(opcode, macs)] += t.warps;
      c.mma_macs += t.warps * macs;
    }
    c.shared_passes += t.passes;
    c.shared_extra_passes += t.extra_passes;
    LineCounters& line = c.by_line[p.line_of[k]];
    if (line.opcode.empty()) line.opcode = opcode;
    line.warp_instructions += t.warps;
    line.lane_instructions += t.lanes;
    line.shared_passes += t.passes;
    line.shared_extra_passes += t.extra_passes;
    line.sectors += t.sectors;
  }
  return c;
}

Dim3 place_of(std::uint64_t index, const Dim3& grid) {
  return {static_cast<std::uint32_t>(index % grid.x), static_cast<std::uint32_t>(index / grid.x % grid.y),
          static_cast<std::uint32_t>(index / grid.x / grid.y)};
}

/// The first failure in the order of the grid, so that the same launch always reports the same one.
struct FirstFailure {
  std::atomic<std::uint64_t> cta{~std::uint64_t{0}};
  std::exception_ptr what;
  std::mutex mutex;

  void note(std::uint64_t index, std::exception_ptr e) {
    const std::lock_guard lock(mutex);
    if (index >= cta) return;
    cta = index;
    what = std::move(e);
  }
};

}  // namespace

void fault(const Machine& m, const Instr& i, std::uint32_t lane, const std::string& sentence) {
  throw Fault(fmt::format("{}:{}: {}: {}, in thread {}, CTA ({},{},{})", m.program->file, i.line,
                          m.program->opcodes[i.opcode], sentence, thread_text(m, m.warp->index, lane), m.cta.x, m.cta.y,
                          m.cta.z));
}

void fault(const Machine& m, const Instr& i, const std::string& sentence) {
  throw Fault(fmt::format("{}:{}: {}: {}, CTA ({},{},{})", m.program->file, i.line, m.program->opcodes[i.opcode],
                          sentence, m.cta.x, m.cta.y, m.cta.z));
}

std::string thread_text(const Machine& m, std::uint32_t warp, std::uint32_t lane) {
  const Dim3& b = m.launch->block;
  const std::uint32_t t = 32 * warp + lane;
  return fmt::format("({},{},{})", t % b.x, t / b.x % b.y, t / b.x / b.y);
}

std::string lanes_text(std::uint32_t mask) {
  std::string text;
  for (std::uint32_t k = 0; k < 32; ++k) {
    if ((mask >> k & 1) == 0) continue;
    std::uint32_t last = k;
    while (last < 31 && (mask >> (last + 1) & 1) != 0) ++last;
    text += fmt::format("{}{}", text.empty() ? "" : ", ", k);
    if (last > k) text += fmt::format("-{}", last);
    k = last;
  }
  return (std::popcount(mask) == 1 ? "lane " : "lanes ") + text;
}

Counters& Counters::operator+=(const Counters& o) {
  for (const auto member : {&Counters::ctas,
                            &Counters::warps,
                            &Counters::warp_instructions,
                            &Counters::lane_instructions,
                            &Counters::mma_macs,
                            &Counters::shared_loads,
                            &Counters::shared_stores,
                            &Counters::shared_atomics,
                            &Counters::shared_passes,
                            &Counters::shared_extra_passes,
                            &Counters::global_loads,
                            &Counters::global_stores,
                            &Counters::global_atomics,
                            &Counters::sectors_read,
                            &Counters::sectors_written,
                            &Counters::bytes_read,
                            &Counters::bytes_written,
                            &Counters::local_loads,
                            &Counters::local_stores,
                            &Counters::barriers,
                            &Counters::divergent_branches}) {
    this->*member += o.*member;
  }
  for (const auto& [name, n] : o.by_opcode) by_opcode[name] += n;
  for (const auto& [name, n] : o.mma) mma[name] += n;
  for (const auto& [line, from] : o.by_line) {
    LineCounters& to = by_line[line];
    if (to.opcode.empty()) to.opcode = from.opcode;
    to.warp_instructions += from.warp_instructions;
    to.lane_instructions += from.lane_instructions;
    to.shared_passes += from.shared_passes;
    to.shared_extra_passes += from.shared_extra_passes;
    to.sectors += from.sectors;
  }
  return *this;
}

Counters run(const Module& module, const Launch& launch, Memory& memory, const Options& options) {
  check_launch(kernel_info(module, launch.kernel), launch, module.program->file);
  const std::uint64_t ctas = launch.grid.count();
  int workers = tbb::this_task_arena::max_concurrency();
  if (options.threads > 0) workers = std::min(workers, options.threads);
  if (options.sink) workers = 1;
  workers = static_cast<int>(std::min<std::uint64_t>(static_cast<std::uint64_t>(workers), ctas));
  std::vector<std::unique_ptr<Machine>> machines;
  for (int k = 0; k < workers; ++k) {
    machines.push_back(std::make_unique<Machine>());
    prepare(*machines.back(), module, launch, options, memory);
  }
  std::atomic<std::uint64_t> next{0};
  FirstFailure failure;
  const auto work = [&](int k) {
    for (;;) {
      const std::uint64_t index = next++;
      if (index >= ctas || index > failure.cta) return;
      try {
        run_cta(*machines[static_cast<std::size_t>(k)], place_of(index, launch.grid));
      } catch (...) {
        failure.note(index, std::current_exception());
      }
    }
  };
  if (workers == 1) {
    work(0);
  } else {
    tbb::task_arena arena(workers);
    arena.execute([&] { tbb::parallel_for(0, workers, work, tbb::simple_partitioner()); });
  }
  if (failure.what) std::rethrow_exception(failure.what);
  Counters total;
  for (const auto& m : machines) total += summary(*m);
  return total;
}

std::vector<std::byte> pack_args(const KernelInfo& kernel, std::span<const std::vector<std::byte>> values) {
  if (values.size() != kernel.params.size()) {
    throw Error(fmt::format("{}: expected {} arguments, got {}", kernel.name, kernel.params.size(), values.size()));
  }
  std::vector<std::byte> block(kernel.param_bytes);
  for (std::size_t k = 0; k < values.size(); ++k) {
    const Param& p = kernel.params[k];
    if (values[k].size() != p.size_bytes) {
      throw Error(fmt::format("{}: argument {} ({}): expected {} bytes, got {}", kernel.name, k, p.name, p.size_bytes,
                              values[k].size()));
    }
    if (p.size_bytes > 0) std::memcpy(block.data() + p.offset_bytes, values[k].data(), p.size_bytes);
  }
  return block;
}

}  // namespace obz::ptx
