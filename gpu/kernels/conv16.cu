// Convolutions of tensors of 9 to 16 bits by bytes: two or four m8n8k16 for one. The name says x's sign, and how many bytes
// elements of x and of w have.
#include "gpu/kernels/conv.cuh"

namespace obz::gpu {
template <int X, int W>
using Signed = Limbs<X, W, Operand::s8>;
template <int X, int W>
using Unsigned = Limbs<X, W, Operand::u8>;
using S21 = Signed<2, 1>;
using S12 = Signed<1, 2>;
using S22 = Signed<2, 2>;
using U21 = Unsigned<2, 1>;
using U12 = Unsigned<1, 2>;
using U22 = Unsigned<2, 2>;
}  // namespace obz::gpu

OBZ_CONV(conv_s_2x1_medium, S21, Medium, whole)
OBZ_CONV(conv_s_2x1_stem, S21, Medium, narrow)
OBZ_CONV(conv_s_1x2_medium, S12, Medium, whole)
OBZ_CONV(conv_s_1x2_stem, S12, Medium, narrow)
OBZ_CONV(conv_s_2x2_medium, S22, Medium, whole)
OBZ_CONV(conv_s_2x2_stem, S22, Medium, narrow)
OBZ_CONV(conv_u_2x1_medium, U21, Medium, whole)
OBZ_CONV(conv_u_2x1_stem, U21, Medium, narrow)
OBZ_CONV(conv_u_1x2_medium, U12, Medium, whole)
OBZ_CONV(conv_u_1x2_stem, U12, Medium, narrow)
OBZ_CONV(conv_u_2x2_medium, U22, Medium, whole)
OBZ_CONV(conv_u_2x2_stem, U22, Medium, narrow)
