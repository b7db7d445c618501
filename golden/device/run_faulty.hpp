// A layer as a device with one fault executes it. Without the fault it is run_naive (tested on every operator it
// knows).
#pragma once

#include <span>
#include <vector>

#include "golden/device/fault.hpp"
#include "ref/net/net.hpp"

namespace obz {

/// conv2d, dense, matmul, add, mul, avg_pool, mean, rescale and concat, in integers.
bool can_be_faulty(const Operator& op);

/// `y` has the node's output shape and type. Requires can_be_faulty. `accs`: what entered the requantizer, as run_naive
/// taps it.
void run_faulty(const Node& node, std::span<const Tensor* const> inputs, Tensor& y, const Fault& fault,
                std::vector<std::int64_t>* accs = nullptr);

/// A fault behind sums that are as they should be: fills `y` from the accumulators of run_naive's tap and returns true.
/// False when the fault or the operator is of another kind.
bool requantize_again(const Node& node, std::span<const std::int64_t> accs, Tensor& y, const Fault& fault);

/// Faults of in_outputs: what becomes of finished outputs, `last_axis` of them in a row.
void rearrange(std::span<std::int32_t> outputs, std::int64_t last_axis, const Fault& fault, IntType out,
               std::int32_t zero_point);

}  // namespace obz
