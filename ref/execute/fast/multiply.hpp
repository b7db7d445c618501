// The product of rows and packed weights with its epilogue, cut into tasks for all cores: what convolutions,
// depthwise convolutions, dense layers and matrix products share.
#pragma once

#include <cstdint>
#include <string>

#include "ref/execute/fast/epilogue.hpp"
#include "ref/execute/fast/pack.hpp"
#include "ref/execute/fast/segments.hpp"
#include "ref/execute/fast/tail.hpp"

namespace obz::fast {

/// The rows of a product as the pixels (n, h, w) of an output image, numbered in this order. T: what the kernel reads.
template <class T>
struct RowGrid {
  std::int64_t n = 1, h = 1, w = 1;

  const T* in = nullptr;                      ///< base of row (0, 0, 0), group 0
  std::int64_t in_n = 0, in_h = 0, in_w = 0;  ///< steps to the next, in elements
  std::int64_t in_group = 0;

  std::int32_t* out = nullptr;        ///< output of row (0, 0, 0), channel 0,
  std::uint8_t* out_bytes = nullptr;  ///< or this, less out_base
  std::int32_t out_base = 0;
  std::int64_t out_first = 0;  ///< of row (0, 0, 0)
  std::int64_t out_n = 0, out_h = 0, out_w = 0;
  std::int64_t out_c = 1;         ///< channels of all groups are counted through
  const TailJob* tail = nullptr;  ///< in place of an output: out_n, out_h and out_w then count pixels

  std::int64_t count() const { return n * h * w; }
};

/// 16-bit operands.
struct PairProduct {
  DepthPlan depth;
  PackedWeights weights;
};

void multiply(const PairProduct& product, const Epilogue& epilogue, const RowGrid<std::int16_t>& grid);
/// Modes exact and modular only.
void multiply(const ByteWeights& weights, const Epilogue& epilogue, const RowGrid<std::uint8_t>& grid);

/// "gemm int16": what FastNode::path says of such a product.
std::string product_path(const DepthPlan& depth, const Epilogue& epilogue);
/// "gemm int8, 2.1 steps a segment".
std::string product_path(const ByteWeights& weights, const Epilogue& epilogue);

}  // namespace obz::fast
