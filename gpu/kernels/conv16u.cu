// Convolutions of unsigned tensors of 9 to 16 bits by bytes: two or four m8n8k16 for one. The name says how many bytes
// elements of x and of w have.
#include "gpu/kernels/conv.cuh"

namespace obz::gpu {
using Bytes2x1 = Limbs<2, 1, Operand::u8>;
using Bytes1x2 = Limbs<1, 2, Operand::u8>;
using Bytes2x2 = Limbs<2, 2, Operand::u8>;
}  // namespace obz::gpu

OBZ_CONV(conv_u_2x1_medium, Bytes2x1, Medium, whole)
OBZ_CONV(conv_u_2x1_stem, Bytes2x1, Medium, narrow)
OBZ_CONV(conv_u_1x2_medium, Bytes1x2, Medium, whole)
OBZ_CONV(conv_u_1x2_stem, Bytes1x2, Medium, narrow)
OBZ_CONV(conv_u_2x2_medium, Bytes2x2, Medium, whole)
OBZ_CONV(conv_u_2x2_stem, Bytes2x2, Medium, narrow)
