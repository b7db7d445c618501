#include "rtl/harness/rtl_engine.hpp"

#include "accel/lower.hpp"
#include "accel/unit_jobs.hpp"
#include "golden/engines/through_accumulators.hpp"
#include "ref/base/error.hpp"
#include "rtl/harness/layer_unit.hpp"
#include "rtl/harness/requant_unit.hpp"
#include "rtl/harness/units.hpp"

namespace obz::rtl {

#ifdef OBZ_HAVE_RTL

namespace {

class RtlEngine final : public Engine {
 public:
  std::string name() const override { return "rtl"; }
  /// Additions, pools, rescales and concatenations on obz_units; convolutions, dense layers and matrix products on
  /// obz_layer where its scratchpads hold them; else sums by the reference, their requantization by obz_requant.
  Support supports(const LayerJob& job) const override {
    const auto no_unit = accel::unit_refusal(job);
    if (!no_unit || accel::refusal(job).empty()) return {};
    const Requant* requant = view_of(job).requant;
    if (requant == nullptr) return Support::no(*no_unit);
    for (const Channel& c : requant->channels) {
      if (const auto why = RequantUnit::refusal(requant->recipe, c)) return Support::no(*why);
    }
    return {};
  }
  LayerResult run(const LayerJob& job) override {
    if (!accel::unit_refusal(job)) {
      if (!units_) units_ = std::make_unique<Units>();
      return accel::run_on_units(*units_, job);
    }
    const accel::Lowered lowered = accel::lower(job);
    if (const auto* programs = std::get_if<std::vector<accel::LayerProgram>>(&lowered)) {
      if (!layer_) layer_ = std::make_unique<LayerUnit>();
      return accel::run_layer(*layer_, job, *programs);
    }
    LayerResult result = run_through_accumulators(job, [&](const Recipe& recipe, std::span<const RequantCase> cases) {
      return run({.recipe = recipe, .out = job.output->type, .cases = cases});
    });
    if (accel::multiplies(job)) result.partly += ": " + std::get<std::string>(lowered);
    return result;
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
  std::unique_ptr<LayerUnit> layer_;  ///< made when a layer comes: its scratchpads take megabytes
  std::unique_ptr<Units> units_;
  RequantUnit unit_;
};

}  // namespace

std::unique_ptr<Engine> make_rtl_engine() { return std::make_unique<RtlEngine>(); }
std::unique_ptr<accel::LayerDevice> make_layer_unit() { return std::make_unique<LayerUnit>(); }

#else

namespace {

class AbsentEngine final : public Engine {
 public:
  std::string name() const override { return "rtl"; }
  std::optional<std::string> absent() const override { return "Verilator was not there when this was built"; }
};

}  // namespace

std::unique_ptr<Engine> make_rtl_engine() { return std::make_unique<AbsentEngine>(); }
std::unique_ptr<accel::LayerDevice> make_layer_unit() {
  throw MissingTool("the layer unit's RTL is not part of this build: Verilator was not there when it was configured");
}

#endif

}  // namespace obz::rtl
