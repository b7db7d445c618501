// From a network to launches: every layer as the kernel that does it, what stands between the layers in packed form.
#pragma once

#include <variant>

#include "gpu/lower/builder.hpp"

namespace obz::gpu {

/// Which of the tiles of gpu/kernels/tile.cuh.
enum class TileSize { automatic, large, medium, small };

/// Of a block of such a kernel: output pixels, output channels, threads.
struct TileShape {
  const char* name;
  std::uint32_t rows, columns, threads;
};
TileShape shape_of(TileSize tile);

/// What a caller may fix that is otherwise chosen.
struct LowerOptions {
  TileSize tile = TileSize::automatic;
  bool tensor_cores = true;  ///< false: every convolution by the kernel that needs none
  bool join = true;          ///< whole networks: residual additions in the epilogue of a convolution
  bool hwnc = false;         ///< pixels stored h, w, n, as HAWQ-V3's kernels do
};

/// Appends the launches of one node. Throws Unsupported.
void lower(Builder& builder, const Node& node, const LowerOptions& options = {});

/// One layer with its inputs to be written, or why there is no kernel.
std::variant<std::unique_ptr<Program>, std::string> lower_layer(Device& device, const IntNet& net, const Node& node,
                                                                const LowerOptions& options = {});

/// All of it. Layers that have no kernel run on the host between the launches (Program::host says which and why).
std::unique_ptr<Program> lower_net(Device& device, const IntNet& net, const LowerOptions& options = {});

}  // namespace obz::gpu
