#include "rtl/harness/rtl_engine.hpp"

#include "golden/engines/through_accumulators.hpp"
#include "ref/base/error.hpp"
#include "rtl/harness/requant_unit.hpp"

namespace obz::rtl {

#ifdef OBZ_HAVE_RTL

namespace {

class RtlEngine final : public Engine {
 public:
  std::string name() const override { return "rtl"; }
  /// Sums by the reference, their requantization by obz_requant.
  Support supports(const LayerJob& job) const override {
    const Requant* requant = view_of(job).requant;
    if (requant == nullptr) return Support::no("the layer ends in no requantizer");
    for (const Channel& c : requant->channels) {
      if (const auto why = RequantUnit::refusal(requant->recipe, c)) return Support::no(*why);
    }
    return {};
  }
  LayerResult run(const LayerJob& job) override {
    return run_through_accumulators(job, [&](const Recipe& recipe, std::span<const RequantCase> cases) {
      return run({.recipe = recipe, .out = job.output->type, .cases = cases});
    });
  }
  Support supports(const RequantJob& job) const override {
    for (const RequantCase& c : job.cases) {
      if (const auto why = RequantUnit::refusal(job.recipe, c.channel)) return Support::no(*why);
    }
    return {};
  }
  std::vector<std::int64_t> run(const RequantJob& job) override {
    std::vector<std::int64_t> out;
    out.reserve(job.cases.size());
    for (const RequantCase& c : job.cases) out.push_back(unit_(c.acc, job.recipe, c.channel));
    return out;
  }

 private:
  RequantUnit unit_;
};

}  // namespace

std::unique_ptr<Engine> make_rtl_engine() { return std::make_unique<RtlEngine>(); }

#else

std::unique_ptr<Engine> make_rtl_engine() {
  throw MissingTool("engine rtl is not part of this build: Verilator was not there when it was configured");
}

#endif

}  // namespace obz::rtl
