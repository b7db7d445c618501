// The vector forms of Add and Rescale; where they do not apply, table.cpp has another.
#pragma once

#include <optional>

#include "ref/execute/fast/epilogue.hpp"
#include "ref/execute/fast/nodes.hpp"

namespace obz::fast {

/// An element before its requantizer: (x - zero_point) << shift, a 32-bit number of at most `bound`.
struct Operand {
  std::int32_t zero_point = 0;
  int shift = 0;
  std::uint64_t bound = 0;

  std::int32_t operator()(std::int32_t x) const {
    // Modulo 2^32, which is exact as the value fits, and half as wide for the compiler's vectors.
    return static_cast<std::int32_t>((static_cast<std::uint32_t>(x) - static_cast<std::uint32_t>(zero_point)) << shift);
  }
  bool changes() const { return zero_point != 0 || shift != 0; }
};

/// One requantizer for all elements, kPanel of them side by side. nullopt inside: it leaves every one as it is.
struct Scaler {
  Operand operand;
  std::optional<Epilogue> requantizer;

  /// tile[i] = this of tile[i], in place.
  void run(std::int32_t* tile, std::int64_t rows) const;
  /// The same to bytes, to[r][c] = y - base; the tile is used up.
  void run_bytes(std::int32_t* tile, std::int64_t rows, std::int32_t base, std::uint8_t* const* to) const;

 private:
  void prepare(std::int32_t* tile, std::int64_t rows) const;
};

/// Operands of one shape.
struct VectorAdd {
  Scaler a, b;
  bool subtract = false;
  Scaler out;  ///< of the sum

  /// tile_a = out(a(tile_a) +- b(tile_b)); tile_b is used up.
  void run(std::int32_t* tile_a, std::int32_t* tile_b, std::int64_t rows) const;
};

/// nullopt: an operand or a requantizer has no vector form.
std::optional<VectorAdd> vector_add(const NodeSite& site, const Add& op);
std::optional<Scaler> vector_rescale(const NodeSite& site, const Rescale& op);  ///< one channel

Prepared prepare_vector(const NodeSite& site, const Add& op);
Prepared prepare_vector(const NodeSite& site, const Rescale& op);

}  // namespace obz::fast
