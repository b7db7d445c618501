// What host and kernels agree on: how tensors lie in device memory, and the one argument struct of each kernel.
// Plain data, the same bytes on both sides; nothing of CUDA is needed to include it.
//
// A tensor in device memory: rows of channels ("NHWC": the row index counts n, h, w; rank 2: rows and columns). An
// element has 4, 8, 16 or 32 bits, the least that holds its type; two's complement when the type is signed; 4-bit
// elements low nibble first. A row is padded with zeros to 4 bytes when its channels fit in 4 bytes, else to a multiple
// of 16 bytes, so that a 16-byte load is always aligned and never crosses a pixel.
#pragma once

#include <cstdint>

#include "ref/arith/recipe.hpp"

namespace obz::gpu {

/// Device addresses are plain numbers on the host.
using Address = std::uint64_t;

/// Channel of ref/arith/recipe.hpp without its float part: 40 bytes.
struct DyadicChannel {
  std::int64_t multiplier = 0;
  std::int64_t addend = 0;
  std::int64_t bias = 0;  ///< joins the sum before the accumulator is narrowed; zero points of x are folded in
  std::int32_t shift = 0;
  std::int32_t zero_point = 0;
  std::int32_t lo = 0, hi = 0;  ///< lanes beyond the last channel: all fields 0, so they come out 0
};
static_assert(sizeof(DyadicChannel) == 40);

/// The channels of a layer where all but these three are the same for all of them, there is no addend and the
/// accumulator has 32 wrapping bits: what large tiles can keep in registers.
struct CompactChannel {
  std::int32_t multiplier = 0;
  std::int32_t shift = 0;
  std::uint32_t bias = 0;  ///< modulo 2^32
  std::int32_t unused = 0;
};

/// A recipe and the register its input is narrowed to first.
struct Requantizer {
  Recipe recipe;
  std::uint8_t accumulator_bits = 32;
  Overflow accumulator_overflow = Overflow::wrap;
};

/// How a tensor lies in memory. `rows` and `channels` are counts; a row takes row_bytes.
struct View {
  Address data = 0;
  std::int32_t rows = 0;
  std::int32_t channels = 0;
  std::int32_t row_bytes = 0;
  std::uint8_t bits = 8;  ///< 4, 8, 16 or 32
  bool is_signed = true;
};

/// Extents and steps of a window over [n, h, w] rows.
struct Geometry {
  std::int32_t n = 1, h = 1, w = 1;   ///< of x
  std::int32_t out_h = 1, out_w = 1;  ///< of y
  std::int32_t kernel_h = 1, kernel_w = 1;
  std::int32_t stride_h = 1, stride_w = 1, dilation_h = 1, dilation_w = 1;
  std::int32_t pad_top = 0, pad_left = 0;
};

/// The branch that joins in the epilogue of a convolution: y = add(conv's output, other), ref/ops/add.hpp with
/// left_shift and one channel a branch. `data` 0: nothing joins.
struct Residual {
  View other;  ///< as y: same rows, channels and row_bytes may differ in bits
  Requantizer branch_a, branch_b, out;
  DyadicChannel a, b, sum;  ///< bias unused
  std::int32_t a_zero_point = 0, b_zero_point = 0;
  std::int32_t left_shift = 0;
  std::int32_t subtract = 0;  ///< 1: a - b
};

/// One 16-byte piece of a filter's depth: where it lies relative to the window's first pixel.
struct Tap {
  std::int32_t offset_bytes;  ///< from the first pixel of the window; within x when (dy, dx) is
  std::int32_t dy, dx;        ///< pixels; a tap beyond the filter has dy = 2^24: always outside, reads as padding
  std::int32_t unused = 0;
};

/// Implicit-GEMM convolution on the tensor core: conv_*; grid (row tiles, channel tiles), a block a tile.
struct ConvArgs {
  View x, y;
  Geometry g;
  Address weights = 0;   ///< [channels of y, padded to 128][depth] pieces of 16 bytes, the planes one after the other
  Address taps = 0;      ///< Tap[depth_chunks]
  Address channels = 0;  ///< DyadicChannel[channels of y, padded to 128]; CompactChannel for large tiles
  std::int32_t lo = 0, hi = 0, zero_point = 0;  ///< of all channels, for large tiles
  Requantizer requant;
  std::int32_t depth_chunks = 0;        ///< pieces of 16 bytes that x contributes to one output, a multiple of 4
  std::uint32_t padding[2] = {};        ///< what stands outside x, as four bytes of elements; per bit plane
  std::int32_t hwnc = 0;                ///< 1: rows count h, w, n instead of n, h, w (HAWQ's blocks), in x and y
  std::int64_t weight_plane_bytes = 0;  ///< limbs and bit planes: from one plane of the weights to the next
  std::int64_t x_plane_bytes = 0;       ///< bit planes: from one plane of x to the next
  Address weight_sums = 0;              ///< bit planes: int32, per channel, the sum of its weights
  std::int32_t weights_signed = 1;      ///< bit planes: whether the top plane counts negative
  Residual residual;
};

/// Convolution without tensor cores, any widths: grouped. A thread: four channels of a pixel.
/// Sums are formed in 64 bits. weights: int32 [O][kernel_h][kernel_w][I / groups], zero points already taken off; that
/// of x is taken off here, so the channels' bias is the layer's own.
struct DirectArgs {
  View x, y;
  Geometry g;
  Address weights = 0, channels = 0;
  Requantizer requant;
  std::int32_t groups = 1;
  std::int32_t x_zero_point = 0;
};

/// Depthwise convolution, one output channel per input channel, |sums| < 2^31 without the bias. weights: int16
/// [kernel_h * kernel_w][lanes of a row of y, at least 4], zero points taken off. A thread: four channels of a pixel.
using DepthwiseArgs = DirectArgs;

/// y[b][i][j] = requant(sum_k (a[b][i][k] - za) * (b[b][k][j] - zb)); both stored as given, strides in elements. A
/// thread: four columns of a row of y.
struct MatMulArgs {
  View a, b, y;
  std::int32_t batch = 1, m = 1, k = 1, n = 1;
  std::int32_t transpose_a = 0, transpose_b = 0;
  Address a_zero_points = 0, b_zero_points = 0;  ///< int32 [m], int32 [n]
  Address a_first_row = 0, b_first_row = 0;      ///< int32 [batch]: row of the view where each matrix begins
  Address channels = 0;                          ///< [n, padded to 4]
  Requantizer requant;
};

/// lo is at least the least value of x's type: a window wholly outside x gives lo.
struct MaxPoolArgs {
  View x, y;
  Geometry g;
  std::int32_t lo = 0, hi = 0;
};

/// ref/ops/avg_pool.hpp: by division (channels[0].lo, hi) or by the channel of each count.
struct AvgPoolArgs {
  View x, y;
  Geometry g;
  Address channels = 0;  ///< DyadicChannel, one per count 1 .. kernel_h * kernel_w; by division: one
  Requantizer requant;
  std::int32_t count_includes_pad = 0, by_division = 0;
  Rounding rounding = Rounding::half_away;
  std::int32_t x_zero_point = 0;
};

/// Mean over groups of `rows_per_mean` consecutive rows.
struct MeanArgs {
  View x, y;
  DyadicChannel channel;
  Requantizer requant;
  std::int32_t rows_per_mean = 1;
  std::int32_t x_zero_point = 0;
};

/// Residual addition of two tensors of one shape.
struct AddArgs {
  View a, y;
  Residual with;  ///< other = b
};

/// Concatenation along the channels, each part rescaled; one part: a rescale, with a channel per channel when
/// `per_channel`.
struct ConcatArgs {
  static constexpr int kParts = 8;
  View y;
  std::int32_t parts = 1;
  std::int32_t per_channel = 0;
  View x[kParts];
  std::int32_t begin[kParts + 1] = {};  ///< first channel of part i in y; begin[parts] = channels of y
  std::int32_t x_zero_point[kParts] = {};
  Address channels[kParts] = {};  ///< DyadicChannel[1 or channels]
  Requantizer requant[kParts];
};

enum class PairOp : std::uint8_t { product, minimum, maximum };

/// y = requant((a - za) * (b - zb)), or the smaller or larger of two tensors that share their scale. One shape.
struct PairArgs {
  View a, b, y;
  DyadicChannel channel;
  Requantizer requant;
  std::int32_t a_zero_point = 0, b_zero_point = 0;
  PairOp does = PairOp::product;
};

/// y = table[x - first]; int32 entries for every value of x's type.
struct LookupArgs {
  View x, y;
  Address table = 0;
  std::int32_t first = 0;
};

/// y = lo + step * #{t : direction[c] * x >= thresholds[c][t]}; int64 [channels or 1][count] ascending, int32 [channels
/// or 1].
struct ThresholdArgs {
  View x, y;
  Address thresholds = 0, directions = 0;
  std::int32_t count = 0, per_channel = 0;
  std::int32_t lo = 0, step = 1;
};

/// ref/ops/softmax.hpp over the channels of each row; 32 threads a row.
struct SoftmaxArgs {
  View x, y;
  DyadicChannel difference;
  Recipe recipe;
  std::int64_t diff_min = 0;
  std::int64_t lo = 0, hi = 0;                  ///< of y's type, which fills its elements
  Address exp_table = 0, reciprocal_table = 0;  ///< int64 [513] each; 0: 8-bit input
};

/// Moves elements: reshape, transpose, pad, slice, packing and unpacking. Element e of y (in memory order: row-major
/// over `extent`, the last of which are the channels) takes logical element
///   L = base + sum_d coordinate_d * step_d      of x, if low_d <= coordinate_d < high_d for every d, else `fill`;
/// and L lies in x's memory at element  sum_d ((L / x_divisor_d) % x_extent_d) * x_step_d  (x_step in elements).
struct MoveArgs {
  static constexpr int kAxes = 6;
  View x, y;
  std::int32_t axes = 1, x_axes = 1;
  std::int32_t fill = 0;
  std::int64_t base = 0;
  std::int32_t extent[kAxes] = {}, low[kAxes] = {}, high[kAxes] = {};
  std::int64_t step[kAxes] = {};
  std::int32_t x_extent[kAxes] = {};
  std::int64_t x_divisor[kAxes] = {}, x_step[kAxes] = {};
};

/// Bit planes of x: plane p, row r, bit c = bit p of x[r][c]. Planes follow each other; a row has a multiple of 16
/// bytes, padded with 0. A thread: 32 channels of a row in all planes.
struct PlanesArgs {
  View x;
  Address planes_out = 0;
  std::int32_t planes = 1;
  std::int32_t row_bytes = 0;  ///< of a plane
  std::int64_t plane_bytes = 0;
};

/// The requantizer alone: out[i] = requantize(acc[i], recipe, channel[i]); a thread a case.
struct RequantArgs {
  Address acc = 0;       ///< int64 [cases]
  Address channels = 0;  ///< DyadicChannel [cases]; bias unused
  Address out = 0;       ///< int64 [cases]
  std::int32_t cases = 0;
  Recipe recipe;
};

/// One warp, one mma for every matrix triple: a and b int32 [cases][32] and c, d int32 [cases][32][2], as the fragments
/// of the lanes lie in registers.
struct ProbeArgs {
  Address a = 0, b = 0, c = 0, d = 0;
  std::int32_t cases = 0;
};

}  // namespace obz::gpu
