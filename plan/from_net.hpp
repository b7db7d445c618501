// The table of a float network: its layers, what each choice of bits costs, and which layers are tied.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "plan/latency.hpp"
#include "plan/table.hpp"
#include "ref/net/net.hpp"
#include "ref/real/float_net.hpp"

namespace obz::plan {

struct NetOptions {
  std::vector<LayerBits> choices{{8, 8}, {4, 4}};
  std::map<std::string, LayerBits> pins;  ///< layers with one choice
  bool pin_ends = true;                   ///< first and last layer at 8 bits, unless pinned otherwise
  std::int64_t batch = 1;                 ///< of latencies
};

/// Layers in execution order with the columns "bytes" (packed weights), "bops" (MACs x bits x bits, batch 1) and, with
/// a machine, "latency_us" and its interval. Layers that read the same value share their bits where the choices differ
/// in those of activations: the authors' identity convolutions and first convolutions, the branches of an inception
/// block. `net` as simplify() leaves it. Error naming an unknown layer in `pins`.
Table table_of(const FloatNet& net, const NetOptions& options, const Machine* machine);

/// The same of an integer network, for which no float one is at hand. Its "omega" is the relative squared error of the
/// integer weights with so many bits, mean over the output channels: the scales of an integer network stand in its
/// multipliers, so the errors of two layers do not compare in absolute terms.
Table table_of(const IntNet& net, const NetOptions& options, const Machine* machine);

/// One number per layer and choice, behind the other columns; for choices at 8 bits and below.
void add_column(Table& table, const std::string& name,
                const std::function<double(const std::string& layer, const LayerBits& bits)>& number);

}  // namespace obz::plan
