// Convolutions of tensors of one and two bits by planes: m8n8k128, xor and popc. The name says the planes of x and of
// w. More planes than two are slower than m8n8k32 does them (four times the multipliers of one plane pair).
#include "gpu/kernels/conv.cuh"

namespace obz::gpu {
using Planes11 = Planes<1, 1>;
using Planes21 = Planes<2, 1>;
using Planes12 = Planes<1, 2>;
}  // namespace obz::gpu

OBZ_CONV(conv_planes_1x1, Planes11, Medium, whole)
OBZ_CONV(conv_planes_2x1, Planes21, Medium, whole)
OBZ_CONV(conv_planes_1x2, Planes12, Medium, whole)
