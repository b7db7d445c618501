// Convolutions of 4-bit tensors: m8n8k32.
#include "gpu/kernels/conv.cuh"

namespace obz::gpu {
using S4 = Plain<Operand::s4, Operand::s4>;
using U4 = Plain<Operand::u4, Operand::s4>;
/// Unsigned weights.
using S4U4 = Plain<Operand::s4, Operand::u4>;
using U4U4 = Plain<Operand::u4, Operand::u4>;
}  // namespace obz::gpu

OBZ_CONV(conv_s4_large, S4, Large, whole)
OBZ_CONV(conv_s4_medium, S4, Medium, whole)
OBZ_CONV(conv_s4_small, S4, Small, whole)
OBZ_CONV(conv_s4_stem, S4, Medium, narrow)
OBZ_CONV(conv_u4_large, U4, Large, whole)
OBZ_CONV(conv_u4_medium, U4, Medium, whole)
OBZ_CONV(conv_u4_small, U4, Small, whole)
OBZ_CONV(conv_u4_stem, U4, Medium, narrow)
OBZ_CONV(conv_s4u4_medium, S4U4, Medium, whole)
OBZ_CONV(conv_u4u4_medium, U4U4, Medium, whole)
