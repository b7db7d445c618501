#include <algorithm>
#include <map>

#include <fmt/format.h>

#include "golden/device/fault_list.hpp"
#include "golden/device/requantizer.hpp"
#include "golden/device/run_faulty.hpp"
#include "golden/engines/engine.hpp"
#include "golden/engines/pipe_engine.hpp"
#include "ref/base/error.hpp"
#include "ref/base/suggest.hpp"
#include "ref/execute/fast.hpp"
#include "ref/execute/naive.hpp"

namespace obz {
namespace {

class RefEngine final : public Engine {
 public:
  std::string name() const override { return "ref"; }
  Support supports(const LayerJob&) const override { return {}; }
  LayerResult run(const LayerJob& job) override {
    LayerResult result{Tensor(job.output->shape, job.output->type), std::nullopt};
    run_naive(*job.node, job.inputs, result.output);
    return result;
  }
  Support supports(const RequantJob&) const override { return {}; }
  std::vector<std::int64_t> run(const RequantJob& job) override {
    std::vector<std::int64_t> out;
    out.reserve(job.cases.size());
    for (const RequantCase& c : job.cases) out.push_back(apply_recipe(c.acc, job.recipe, c.channel));
    return out;
  }
};

class FastEngine final : public Engine {
 public:
  std::string name() const override { return "fast"; }
  void forget() override { prepared_.clear(); }
  Support supports(const LayerJob&) const override { return {}; }
  LayerResult run(const LayerJob& job) override {
    std::unique_ptr<FastNode>& node = prepared_[job.node];
    if (!node) node = prepare_fast(*job.net, *job.node);
    LayerResult result{Tensor(job.output->shape, job.output->type), std::nullopt};
    node->run(job.inputs, result.output);
    return result;
  }
  Support supports(const RequantJob&) const override { return {}; }
  std::vector<std::int64_t> run(const RequantJob& job) override {
    std::vector<std::int64_t> accs, out(job.cases.size());
    std::vector<Channel> channels;
    for (const RequantCase& c : job.cases) {
      accs.push_back(c.acc);
      channels.push_back(c.channel);
    }
    requantize_fast(job.recipe, channels, accs, out);
    return out;
  }

 private:
  std::map<const Node*, std::unique_ptr<FastNode>> prepared_;
};

/// The reference with one thing wrong: what a test bench ought to notice.
class FaultyEngine final : public Engine {
 public:
  explicit FaultyEngine(const std::string& fault) : fault_(parse_fault(fault)) {}
  std::string name() const override { return "faulty:" + name_of(fault_); }
  Support supports(const LayerJob& job) const override {
    if (can_be_faulty(job.node->op)) {
      // Any bit of a wire that the operator has.
      const std::vector<Fault> known = layer_faults(*job.net, *job.node);
      const bool has = std::any_of(known.begin(), known.end(), [&](const Fault& f) {
        return f.quirk == fault_.quirk && f.wire == fault_.wire && f.unit == fault_.unit;
      });
      if (has) return {};
      return Support::no(fmt::format("{} has no place for this fault", operator_name(job.node->op)));
    }
    return Support::no(fmt::format("no faults are known for {}", operator_name(job.node->op)));
  }
  LayerResult run(const LayerJob& job) override {
    LayerResult result{Tensor(job.output->shape, job.output->type), std::nullopt};
    run_faulty(*job.node, job.inputs, result.output, fault_);
    return result;
  }
  Support supports(const RequantJob&) const override {
    if (in_requantizer(fault_) && fault_.unit == 0) return {};
    return Support::no("the fault is not in a requantizer");
  }
  std::vector<std::int64_t> run(const RequantJob& job) override {
    std::vector<std::int64_t> out;
    for (std::size_t i = 0; i < job.cases.size(); ++i) {
      const auto at = [&](std::size_t k) { return &job.cases[k % job.cases.size()].channel; };
      const Lane lane{at(i), at(i + job.cases.size() - 1), at(i + 1), at(0)};
      out.push_back(faulty_requantize(job.cases[i].acc, job.recipe, lane, job.out, fault_));
    }
    return out;
  }

 private:
  Fault fault_;
};

}  // namespace

std::unique_ptr<Engine> make_engine(const std::string& name, int timeout_s, const EngineSource& others) {
  if (others) {
    if (auto engine = others(name)) return engine;
  }
  constexpr std::string_view pipe = "pipe:";
  if (name == "ref") return std::make_unique<RefEngine>();
  if (name == "fast") return std::make_unique<FastEngine>();
  if (name.starts_with(pipe)) return std::make_unique<PipeEngine>(name.substr(pipe.size()), timeout_s);
  constexpr std::string_view faulty = "faulty:";
  if (name.starts_with(faulty)) return std::make_unique<FaultyEngine>(name.substr(faulty.size()));
  std::vector<std::string_view> known{"ref", "fast", "faulty:NAME", "pipe:COMMAND"};
  if (others) known.insert(known.begin() + 2, {"ptx", "gpu", "rtl", "sysc", "dut:FILE.sv"});
  throw Error(
      fmt::format("unknown engine \"{}\"{}; engines are {}", name, did_you_mean(name, known), fmt::join(known, ", ")));
}

std::vector<std::unique_ptr<Engine>> make_engines(const std::vector<std::string>& names, int timeout_s,
                                                  const EngineSource& others) {
  std::vector<std::unique_ptr<Engine>> engines;
  for (const std::string& item : names) {
    std::size_t at = 0;
    while (at <= item.size()) {
      // A command may contain anything, so pipe: takes the rest of its item.
      const bool command = item.compare(at, 5, "pipe:") == 0;
      const std::size_t end = command ? item.size() : std::min(item.find(',', at), item.size());
      const std::string name = item.substr(at, end - at);
      if (name.empty()) throw Error(fmt::format("--engines {}: a name is missing", item));
      engines.push_back(make_engine(name, timeout_s, others));
      const auto same = [&](const auto& e) { return e->name() == engines.back()->name(); };
      if (!command && std::count_if(engines.begin(), engines.end(), same) > 1) {
        throw Error(fmt::format("--engines {}: {} stands there twice", item, name));
      }
      at = end + 1;
    }
  }
  if (engines.empty()) throw Error("no engine given: --engines ref,fast");
  return engines;
}

}  // namespace obz
