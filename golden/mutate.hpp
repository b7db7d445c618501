// How good a test bench is: faults planted one at a time, vectors run against each, and a proof for every fault that no
// vector could ever show.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "golden/complete_layer.hpp"
#include "golden/device/fault.hpp"
#include "golden/requant_case.hpp"
#include "golden/staircase.hpp"
#include "ref/net/net.hpp"

namespace obz {

/// A requantizer with its channels, and the accumulators that can occur on each.
struct RequantUnit {
  Recipe recipe;
  IntType out = kInt8;
  std::vector<Channel> channels;  ///< neighbours in the list are neighbours in the device
  std::vector<AccRange> ranges;   ///< one per channel
};

/// Cases of a unit: (channel index, accumulator).
struct UnitCase {
  std::int32_t channel = 0;
  std::int64_t acc = 0;
};

enum class Fate : std::uint8_t {
  killed,      ///< some vector shows it
  survived,    ///< no vector shows it, some input would
  equivalent,  ///< no input at all shows it: proved
  undecided,   ///< neither a killing input nor a proof was found; counts as survived
};

struct MutantResult {
  Fault fault;
  Fate fate = Fate::undecided;
  std::string why;  ///< equivalent: the proof; survived: an input that would kill it
};

struct MutationScore {
  std::int64_t killed = 0, survived = 0, equivalent = 0;
  /// Of those that are not equivalent; 100 when there are none.
  double percent() const {
    return killed + survived == 0 ? 100 : 100.0 * static_cast<double>(killed) / static_cast<double>(killed + survived);
  }
};
MutationScore score_of(const std::vector<MutantResult>& results);

/// Called after each mutant, from several threads: (done, total).
using MutateProgress = std::function<void(std::int64_t, std::int64_t)>;

/// Does any of the cases show the fault, when differences up to `tolerance` are forgiven?
bool kills(const RequantUnit& unit, const std::vector<UnitCase>& cases, const Fault& fault, std::int64_t tolerance);

/// A layer with samples and what the reference makes of them.
class LayerUnit {
 public:
  /// `layer`: a net of one node that can_be_faulty.
  explicit LayerUnit(IntNet layer);
  const IntNet& net() const { return net_; }
  const Node& node() const { return net_.nodes[0]; }

  struct Sample {
    std::vector<Tensor> inputs;  ///< in the order of net().inputs
    Tensor want;
    std::vector<std::int64_t> accs;  ///< what entered the requantizer, in output order
  };
  Sample sample(std::vector<Tensor> inputs) const;
  bool kills(const Sample& sample, const Fault& fault, std::int64_t tolerance) const;
  /// The node's operands in order, constants included.
  std::vector<const Tensor*> operands(const std::vector<Tensor>& inputs) const;

 private:
  IntNet net_;
};

/// Fate of faults that the vectors left alive: is there an input at all?
MutantResult decide(const RequantUnit& unit, const Fault& fault);
MutantResult decide(const LayerUnit& unit, const CompleteInputs& complete, const Fault& fault, std::uint64_t seed);

/// Every fault against the cases; survivors are decided. Runs on all cores.
std::vector<MutantResult> mutate(const RequantUnit& unit, const std::vector<UnitCase>& cases,
                                 const std::vector<Fault>& faults, const MutateProgress& progress);
std::vector<MutantResult> mutate(const LayerUnit& unit, const std::vector<LayerUnit::Sample>& samples,
                                 const CompleteInputs& complete, const std::vector<Fault>& faults, std::uint64_t seed,
                                 const MutateProgress& progress);

}  // namespace obz
