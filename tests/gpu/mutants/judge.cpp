#include "tests/gpu/mutants/judge.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "ref/base/error.hpp"

namespace obz::test {
namespace {

std::unique_ptr<gpu::PtxDevice> device_with(const KernelText& kernel, const ptx::Module& module, ptx::Options options) {
  options.threads = 1;
  auto device = std::make_unique<gpu::PtxDevice>(std::move(options));
  device->replace(kernel.module, module);
  return device;
}

}  // namespace

Judge::Judge(const KernelText& kernel, std::vector<Trial> trials) : kernel_(kernel) {
  const ptx::Module honest = ptx::parse_module(kernel.text(), kernel.kernel);
  for (Trial& trial : trials) {
    Known known{std::move(trial), {}};
    auto device = device_with(kernel, honest, {});
    device->watch = [&](const gpu::LaunchRecord& launch) {
      if (launch.kernel != kernel.kernel) return;
      known.limit = std::max(known.limit, 4 * launch.counters.warp_instructions);
      for (const auto& [line, counters] : launch.counters.by_line) known.lines.insert(line - 1);
    };
    if (!known.trial.is_right(std::move(device))) {
      throw Error(fmt::format("{}: the honest kernel is wrong: {}", kernel.kernel, known.trial.name));
    }
    trials_.push_back(std::move(known));
  }
}

Judgement Judge::judge(const Mutant& mutant) const {
  Judgement result{Verdict::unreached, ""};
  try {
    const ptx::Module module = ptx::parse_module(kernel_.with(mutant.line, mutant.after), kernel_.kernel);
    for (const Known& known : trials_) {
      if (known.lines.count(mutant.line) == 0) continue;
      result = {Verdict::survives, ""};
      auto device = device_with(kernel_, module, {.max_instructions = known.limit});
      if (!known.trial.is_right(std::move(device))) return {Verdict::different, known.trial.name};
    }
  } catch (const ptx::Fault& fault) {
    return {Verdict::fault, fault.what()};
  } catch (const Error& error) {
    return {Verdict::error, error.what()};
  }
  return result;
}

std::string race_of(const KernelText& kernel, const std::string& text, const Trial& trial) {
  try {
    trial.is_right(device_with(kernel, ptx::parse_module(text, kernel.kernel), {.checks = {.uninitialised = false}}));
  } catch (const ptx::Fault& fault) {
    return fault.what();
  }
  return "";
}

}  // namespace obz::test
