// Policy: how a convolution is cut into blocks and warps. The host chooses among three: tile_for in
// gpu/lower/conv_tensor_core.cpp.
#pragma once

namespace obz::gpu {

struct AnyChannels;
struct CompactChannels;

/// A block computes kRows pixels x kColumns channels; each warp a piece of them in m8n8 fragments. ChannelSet: how the
/// epilogue keeps the channels' parameters.
template <int Rows, int Columns, int WarpRows, int WarpColumns, class ChannelSet>
struct Tile {
  using Channels = ChannelSet;
  static constexpr int kRows = Rows, kColumns = Columns;
  static constexpr int kWarpRows = WarpRows, kWarpColumns = WarpColumns;
  static constexpr int kWarps = (Rows / WarpRows) * (Columns / WarpColumns);
  static constexpr int kThreads = 32 * kWarps;
};

using Large = Tile<128, 128, 64, 64, CompactChannels>;  ///< 64 mma for 4 ldmatrix.x4: the tensor core is the bound
using Medium = Tile<64, 64, 32, 32, AnyChannels>;       ///< when large tiles would leave SMs idle
using Small = Tile<32, 32, 32, 32, AnyChannels>;        ///< one warp: batch 1, few channels

}  // namespace obz::gpu
