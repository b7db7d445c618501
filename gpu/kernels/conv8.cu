// Convolutions of 8-bit tensors: m8n8k16.
#include "gpu/kernels/conv.cuh"

namespace obz::gpu {
using S8 = Plain<Operand::s8, Operand::s8>;
using U8 = Plain<Operand::u8, Operand::s8>;
/// Unsigned weights.
using S8U8 = Plain<Operand::s8, Operand::u8>;
using U8U8 = Plain<Operand::u8, Operand::u8>;
}  // namespace obz::gpu

OBZ_CONV(conv_s8_large, S8, Large, whole)
OBZ_CONV(conv_s8_medium, S8, Medium, whole)
OBZ_CONV(conv_s8_small, S8, Small, whole)
OBZ_CONV(conv_s8_stem, S8, Medium, narrow)
OBZ_CONV(conv_u8_large, U8, Large, whole)
OBZ_CONV(conv_u8_medium, U8, Medium, whole)
OBZ_CONV(conv_u8_small, U8, Small, whole)
OBZ_CONV(conv_u8_stem, U8, Medium, narrow)
OBZ_CONV(conv_s8u8_medium, S8U8, Medium, whole)
OBZ_CONV(conv_u8u8_medium, U8U8, Medium, whole)
