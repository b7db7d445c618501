#include "rtl/dut/dut_engine.hpp"

#include <algorithm>
#include <limits>

#include <fmt/format.h>

#include "golden/engines/through_accumulators.hpp"
#include "ref/base/error.hpp"
#include "ref/base/temporary_folder.hpp"
#include "ref/execute/naive.hpp"
#include "rtl/dut/build.hpp"
#include "rtl/dut/dot_unit.hpp"
#include "rtl/dut/requant_fields.hpp"

namespace obz::rtl {
namespace {

class DutEngine final : public Engine {
 public:
  DutEngine(const std::string& file, const DutOptions& options)
      : unit_(load_user_unit(file, options.top, options.map)),
        timeout_s_(options.timeout_s),
        place_(unit_, folder_.path()) {
    here_ = verilator_version().has_value();
    if (here_) wrapper_ = make_wrapper(unit_, ports_of(unit_, place_));
  }

  std::string name() const override { return "dut:" + std::filesystem::path(unit_.file).stem().string(); }
  std::optional<std::string> absent() const override {
    if (here_) return std::nullopt;
    return "no verilator";
  }

  Support supports(const LayerJob& job) const override {
    if (unit_.map.unit == UnitKind::dot) return supports_dots(unit_.map, wrapper_, job);
    const RequantView view = view_of(job);
    if (view.requant == nullptr) return Support::no("the layer ends in no requantizer");
    if (const Support s = supports(view.requant->recipe); !s.yes) return s;
    for (const Channel& c : view.requant->channels) {
      if (const auto why = refusal(unit_.map, wrapper_, {0, c}, false)) return Support::no(*why);
    }
    return accumulators_fit(job);
  }
  LayerResult run(const LayerJob& job) override {
    if (unit_.map.unit == UnitKind::dot) return run_dots(unit_.map, wrapper_, simulator(), job);
    return run_through_accumulators(job, [&](const Recipe&, std::span<const RequantCase> cases) {
      std::vector<std::int64_t> out = requantize_all(cases);
      // A tensor holds 32 bits; what a wide port says beyond them stays beyond the type.
      for (std::int64_t& v : out) v = std::clamp(v, kInt32.min(), kInt32.max());
      return out;
    });
  }

  Support supports(const RequantJob& job) const override {
    if (unit_.map.unit == UnitKind::dot) return Support::no("a dot unit has no requantizer");
    if (const Support s = supports(job.recipe); !s.yes) return s;
    for (const RequantCase& c : job.cases) {
      if (const auto why = refusal(unit_.map, wrapper_, c, true)) return Support::no(*why);
    }
    return {};
  }
  std::vector<std::int64_t> run(const RequantJob& job) override { return requantize_all(job.cases); }

 private:
  static Support supports(const Recipe& recipe) {
    if (recipe.arithmetic == Arithmetic::float32_scale || recipe.arithmetic == Arithmetic::float64_scale) {
      return Support::no("the unit multiplies and shifts; this recipe scales in float");
    }
    return {};
  }

  /// A port of 64 signed bits holds every sum; of a narrower one the layer's own sums decide.
  Support accumulators_fit(const LayerJob& job) const {
    const Slot& acc = wrapper_.in.at("acc");
    if (acc.holds(INT64_MIN) && acc.holds(INT64_MAX)) return {};
    std::vector<std::int64_t> accs;
    Tensor output(job.output->shape, job.output->type);
    run_naive(*job.node, job.inputs, output, &accs);
    for (const std::int64_t a : accs) {
      if (!acc.holds(a)) return Support::no(fmt::format("accumulator {} does not fit port {}", a, acc.port));
    }
    return {};
  }

  std::vector<std::int64_t> requantize_all(std::span<const RequantCase> cases) {
    constexpr std::size_t block = std::size_t{1} << 20;
    std::vector<std::int64_t> out;
    const auto out_words = static_cast<std::size_t>(wrapper_.out_words);
    for (std::size_t from = 0; from < cases.size(); from += block) {
      const auto part = cases.subspan(from, std::min(block, cases.size() - from));
      std::vector<std::uint32_t> words;
      for (const RequantCase& c : part) append_record(words, unit_.map, wrapper_, c);
      const std::vector<std::uint32_t> answers = simulator()(words);
      for (std::size_t i = 0; i < part.size(); ++i) {
        out.push_back(wrapper_.out.get(std::span(answers).subspan(i * out_words, out_words)));
      }
    }
    return out;
  }

  const Simulator& simulator() {
    if (!simulator_) simulator_ = std::make_unique<Simulator>(unit_, wrapper_, place_, timeout_s_);
    return *simulator_;
  }

  UserUnit unit_;
  int timeout_s_;
  TemporaryFolder folder_{"dut"};
  Workplace place_;
  bool here_ = false;
  Wrapper wrapper_;
  std::unique_ptr<Simulator> simulator_;
};

}  // namespace

std::unique_ptr<Engine> make_dut_engine(const std::string& file, const DutOptions& options) {
  return std::make_unique<DutEngine>(file, options);
}

}  // namespace obz::rtl
