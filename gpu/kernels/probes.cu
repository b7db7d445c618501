// One mma for every case, as its fragments lie: what a tensor core answers, without anything around it.
#include "gpu/kernels/instruction.cuh"
#include "gpu/kernels/quad.cuh"

namespace obz::gpu {
namespace {

/// One warp a case.
template <Operand A, Operand B, bool Saturate>
__device__ __forceinline__ void probe(const ProbeArgs& args) {
  const auto thread = static_cast<std::int32_t>(blockIdx.x * blockDim.x + threadIdx.x);
  if (thread / 32 >= args.cases) return;
  const int2 c = global<const int2>(args.c)[thread];
  std::int32_t d[2] = {c.x, c.y};
  mma<A, B, Saturate>(d, global<const std::uint32_t>(args.a)[thread], global<const std::uint32_t>(args.b)[thread]);
  global<int2>(args.d)[thread] = int2{d[0], d[1]};
}

}  // namespace

#define OBZ_PROBE(NAME, A, B, SATURATE)                                                            \
  extern "C" __global__ void __launch_bounds__(256) NAME(const __grid_constant__ ProbeArgs args) { \
    probe<Operand::A, Operand::B, SATURATE>(args);                                                 \
  }
#define OBZ_PROBES(A, B)                \
  OBZ_PROBE(mma_##A##_##B, A, B, false) \
  OBZ_PROBE(mma_##A##_##B##_sat, A, B, true)

OBZ_PROBES(s8, s8)
OBZ_PROBES(s8, u8)
OBZ_PROBES(u8, s8)
OBZ_PROBES(u8, u8)
OBZ_PROBES(s4, s4)
OBZ_PROBES(s4, u4)
OBZ_PROBES(u4, s4)
OBZ_PROBES(u4, u4)
OBZ_PROBE(mma_b1, b1, b1, false)

}  // namespace obz::gpu
