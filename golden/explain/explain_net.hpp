// Which arithmetic explains the outputs of a layer or of a whole network, seen from outside: theories are the network
// under every profile it can be imported under, and under one fault in all of its layers. Each is executed on the
// inputs; what disagrees too often dies early.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "golden/device/fault.hpp"
#include "ref/execute/inputs.hpp"
#include "ref/net/net.hpp"

namespace obz {

/// What was seen of one sample: for each output element the integers that it allows, lo..hi (empty when lo > hi).
struct SeenRow {
  std::vector<std::int64_t> lo, hi;
};

/// Integers as they are; floats are taken back through the output's border: every integer whose real value rounds to
/// the one seen at `decimals` decimals (negative: the exact float). Error when the shape is not samples x output, for
/// NaN, and for floats without a border.
std::vector<SeenRow> seen_rows(const IntNet& net, int output, const NpyArray& got, int decimals,
                               const std::string& file);

/// A network with what it stands for.
struct NamedNet {
  std::vector<std::string> profiles;  ///< that all give this network
  IntNet net;
};

/// A theory: a network of the list, and a fault in each of its layers that can have it.
struct NetTheory {
  std::size_t net = 0;
  Fault fault{};

  friend bool operator==(const NetTheory&, const NetTheory&) = default;
};

struct NetExplanation {
  std::int64_t unshown =
      0;  ///< faults on top of the best network that the samples they were tried on do not show either
  std::int64_t screened = 0;  ///< those samples
  bool by_value = false;  ///< evidence is counted in output values (one layer) rather than in whole rows (a network)
  std::int64_t evidence = 0;              ///< rows or values compared
  std::int64_t reference = 0;             ///< explained by the first network without a fault
  std::int64_t explained = 0;             ///< by the best theories
  std::int64_t theories = 0;              ///< tried
  std::vector<NetTheory> best;            ///< all that explain that many; fewest departures first
  std::vector<std::int64_t> unexplained;  ///< rows that the best one misses, the first few
};

/// Networks with the same content once, the first one first.
std::vector<NamedNet> distinct_nets(std::vector<NamedNet> nets);

/// Faults that a device may well have in every layer: all quirks and narrow registers that fit some node.
std::vector<Fault> uniform_faults(const IntNet& net);

/// `nets[0]` is the reference. Compares the first `seen.size()` samples. Runs on all cores; progress: (done, total)
/// theories.
NetExplanation explain_net(const std::vector<NamedNet>& nets, int output, const InputSet& inputs,
                           const std::vector<SeenRow>& seen,
                           const std::function<void(std::int64_t, std::int64_t)>& progress);

/// Every value of the network under a theory, by tensor.
std::vector<Tensor> run_theory(const IntNet& net, const Fault& fault, const std::vector<Tensor>& inputs);

/// Where a theory leaves the reference first on one sample.
struct Departure {
  int node = -1;  ///< -1: nowhere
  std::int64_t element = 0;
  std::int64_t want = 0, got = 0;
  std::int64_t acc_want = 0, acc_got = 0;  ///< what entered the requantizer there, when has_accs
  bool has_accs = false;
};
Departure first_departure(const IntNet& reference, const IntNet& net, const Fault& fault,
                          const std::vector<Tensor>& inputs);

/// Seeded inputs that split the theories, each chosen to leave the fewest together; at most `count`.
std::vector<std::vector<Tensor>> next_inputs(const std::vector<NamedNet>& nets, const std::vector<NetTheory>& alive,
                                             int output, int count, std::uint64_t seed);

/// "tflite/single", "tflite/double with multiplier 16 bits".
std::string describe(const std::vector<NamedNet>& nets, const NetTheory& theory);

}  // namespace obz
