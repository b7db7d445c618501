#include "sim/sysc_engine.hpp"

#include "accel/lower.hpp"
#include "accel/requant_refusal.hpp"
#include "accel/unit_jobs.hpp"
#include "sim/hardware.hpp"

namespace obz::sim {

Hardware& hardware() {
  static Hardware one;
  return one;
}

namespace {

class SyscEngine final : public Engine {
 public:
  explicit SyscEngine(Machine machine) : machine_(machine) {}
  std::string name() const override { return "sysc"; }
  std::optional<std::string> absent() const override {
#ifdef OBZ_HAVE_SYSTEMC
    return std::nullopt;
#else
    return "SystemC was not there when this was built";
#endif
  }
  Support supports(const LayerJob& job) const override {
    const auto no_unit = accel::unit_refusal(job);
    if (!no_unit) return {};
    const std::string why = accel::refusal(job, machine_.pads);
    if (why.empty()) return {};
    return Support::no(accel::multiplies(job) ? why : *no_unit);
  }
  LayerResult run(const LayerJob& job) override {
    if (!accel::unit_refusal(job)) return accel::run_on_units(hardware().units, job);
    const auto programs = std::get<std::vector<accel::LayerProgram>>(accel::lower(job, machine_.pads));
    return accel::run_layer(
        hardware().layer, job, programs,
        [this](const accel::LayerProgram& program, std::int64_t run) { return machine_.cycles(program, run); });
  }
  /// Cases pass through obz_concat_rescale, a channel a lane.
  Support supports(const RequantJob& job) const override {
    for (const RequantCase& c : job.cases) {
      if (const auto why = accel::requant_refusal({.recipe = job.recipe, .channels = {c.channel}})) {
        return Support::no(*why);
      }
      if (!kInt32.holds(c.acc)) return Support::no("accumulators wider than the 32 bits of x_i");
    }
    return {};
  }
  std::vector<std::int64_t> run(const RequantJob& job) override {
    std::size_t at = 0;
    const auto source = [&](accel::ScaleBeat& beat) {
      if (at >= job.cases.size()) return false;
      beat = {};
      for (std::size_t i = 0; i < accel::kUnitLanes && at < job.cases.size(); ++i, ++at) {
        beat.x[i] = static_cast<std::int32_t>(job.cases[at].acc);
        beat.channels[i] = &job.cases[at].channel;
      }
      return true;
    };
    std::vector<std::int64_t> out;
    accel::stream(hardware().units, accel::ScaleSetting{.recipe = job.recipe}, source,
                  [&](const accel::Lanes& y) { out.insert(out.end(), y.begin(), y.end()); });
    out.resize(job.cases.size());
    return out;
  }

 private:
  Machine machine_;
};

}  // namespace

std::unique_ptr<Engine> make_sysc_engine(const Machine& machine) { return std::make_unique<SyscEngine>(machine); }

}  // namespace obz::sim
