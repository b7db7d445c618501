// Convolutions, dense layers and matrix products as launches.
#pragma once

#include "gpu/lower/lower.hpp"
#include "gpu/lower/residual.hpp"

namespace obz::gpu {

/// True when `join` happens in the epilogue; then there is no value of the convolution itself.
bool lower_conv(Builder& builder, const Node& node, const Conv2d& op, const LowerOptions& options,
                const Join* join = nullptr);
void lower_dense(Builder& builder, const Node& node, const Dense& op, const LowerOptions& options);
void lower_matmul(Builder& builder, const Node& node, const MatMul& op, const LowerOptions& options);

}  // namespace obz::gpu
