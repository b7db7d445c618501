// Rewrites a float network into the form that quantizers read: no BatchNormalization, clips behind max pools.
#pragma once

#include "ref/real/float_net.hpp"

namespace obz {

/// * BatchNormalization joins the convolution or dense layer before it: f = gain / sqrt(variance + epsilon), w' = w *
/// f,
///   b' = (b - mean) * f + shift, each operation one float32 rounding (HAWQ's folding).
/// * MaxPool(Clip(x)) becomes Clip(MaxPool(x)), which is the same; HAWQ observes before the ReLU. The value between
///   them is named "<output of the pool>:before_clip".
/// Error when a BatchNormalization has no such layer of its own before it.
FloatNet simplify(FloatNet net);

}  // namespace obz
