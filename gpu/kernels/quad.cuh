// Four consecutive channels of a row, whatever their width and sign: what a thread of most kernels reads and writes.
// One access of 2, 4, 8 or 16 bytes; a row of 4 bytes that holds fewer than four elements is read and written whole.
#pragma once

#include "gpu/kernels/abi.hpp"
#include "gpu/kernels/instruction.cuh"

namespace obz::gpu {

/// Device memory at `address`. Told to be global, so that the compiler needs no generic access.
template <class T>
__device__ __forceinline__ T* global(Address address) {
  T* p = reinterpret_cast<T*>(address);
  __builtin_assume(__isGlobal(p));
  return p;
}

/// Quads that cover a row with its padding; 1 when a row holds less than a quad.
__host__ __device__ __forceinline__ std::int32_t quads_per_row(const View& v) {
  const std::int32_t quads = v.row_bytes * 2 / v.bits;
  return quads > 0 ? quads : 1;
}

/// Where the quad that begins at `first_channel` lies.
__device__ __forceinline__ char* quad_address(const View& v, std::int32_t row, std::int32_t first_channel) {
  const Address start = v.data + Address{static_cast<std::uint32_t>(row)} * static_cast<std::uint32_t>(v.row_bytes);
  return reinterpret_cast<char*>(start + static_cast<std::uint32_t>(first_channel) / 4 * (v.bits / 2U));
}

/// The `bits` bits of `word` at `first`, extended to 32. 1 <= bits <= 32 - first.
__device__ __forceinline__ std::int32_t field(std::uint32_t word, int first, int bits, bool is_signed) {
  const std::uint32_t top = word << (32 - bits - first);
  return is_signed ? static_cast<std::int32_t>(top) >> (32 - bits) : static_cast<std::int32_t>(top >> (32 - bits));
}

/// Byte or half `index` of `word`, extended to 32 bits in one instruction.
__device__ __forceinline__ std::int32_t byte_of(std::uint32_t word, std::uint32_t index, bool is_signed) {
  return static_cast<std::int32_t>(permute(word, 0, is_signed ? 0x8880 + 0x1111 * index : 0x4440 + index));
}
__device__ __forceinline__ std::int32_t half_of(std::uint32_t word, std::uint32_t index, bool is_signed) {
  return static_cast<std::int32_t>(
      permute(word, 0, (is_signed ? 0x9910 : 0x4410) + (is_signed ? 0x2222 : 0x22) * index));
}

/// out[i] = v[row][first_channel + i]; 0 where that lies beyond the row. first_channel is a multiple of 4.
__device__ __forceinline__ void load_quad(const View& v, std::int32_t row, std::int32_t first_channel,
                                          std::int32_t (&out)[4]) {
  out[0] = out[1] = out[2] = out[3] = 0;
  if (first_channel >= v.channels) return;
  const char* at = quad_address(v, row, first_channel);
  const bool whole = v.row_bytes > 4;
  if (v.bits == 8) {
    const std::uint32_t word = __ldg(reinterpret_cast<const std::uint32_t*>(at));
#pragma unroll
    for (int i = 0; i < 4; ++i) out[i] = byte_of(word, i, v.is_signed);
  } else if (v.bits == 4) {
    const std::uint32_t word = __ldg(reinterpret_cast<const std::uint16_t*>(at));
#pragma unroll
    for (int i = 0; i < 4; ++i) out[i] = field(word, 4 * i, 4, v.is_signed);
  } else if (v.bits == 16) {
    const uint2 words =
        whole ? __ldg(reinterpret_cast<const uint2*>(at)) : uint2{__ldg(reinterpret_cast<const std::uint32_t*>(at)), 0};
    out[0] = half_of(words.x, 0, v.is_signed);
    out[1] = half_of(words.x, 1, v.is_signed);
    out[2] = half_of(words.y, 0, v.is_signed);
    out[3] = half_of(words.y, 1, v.is_signed);
  } else {
    const int4 words = whole ? __ldg(reinterpret_cast<const int4*>(at))
                             : int4{__ldg(reinterpret_cast<const std::int32_t*>(at)), 0, 0, 0};
    out[0] = words.x;
    out[1] = words.y;
    out[2] = words.z;
    out[3] = words.w;
  }
}

/// v[row][first_channel + i] = values[i], cut to v.bits; lanes at or beyond v.channels are written 0.
__device__ __forceinline__ void store_quad(const View& v, std::int32_t row, std::int32_t first_channel,
                                           const std::int32_t (&values)[4]) {
  std::uint32_t lane[4];
#pragma unroll
  for (int i = 0; i < 4; ++i) lane[i] = first_channel + i < v.channels ? static_cast<std::uint32_t>(values[i]) : 0;
  char* at = quad_address(v, row, first_channel);
  const bool whole = v.row_bytes > 4;
  if (v.bits == 8) {
    const std::uint32_t low = permute(lane[0], lane[1], 0x40), high = permute(lane[2], lane[3], 0x40);
    __stwb(reinterpret_cast<std::uint32_t*>(at), permute(low, high, 0x5410));
  } else if (v.bits == 4) {
    const std::uint32_t word = (lane[0] & 15) | (lane[1] & 15) << 4 | (lane[2] & 15) << 8 | lane[3] << 12;
    __stwb(reinterpret_cast<std::uint16_t*>(at), static_cast<std::uint16_t>(word));
  } else if (v.bits == 16) {
    const uint2 words{permute(lane[0], lane[1], 0x5410), permute(lane[2], lane[3], 0x5410)};
    if (whole) {
      __stwb(reinterpret_cast<uint2*>(at), words);
    } else {
      __stwb(reinterpret_cast<std::uint32_t*>(at), words.x);
    }
  } else if (whole) {
    __stwb(reinterpret_cast<uint4*>(at), uint4{lane[0], lane[1], lane[2], lane[3]});
  } else {
    __stwb(reinterpret_cast<std::uint32_t*>(at), lane[0]);
  }
}

/// Element `index` of v's memory, counted in elements from its first byte, padding included.
__device__ __forceinline__ std::int32_t load_element(const View& v, std::int64_t index) {
  const auto* data = reinterpret_cast<const std::uint8_t*>(v.data);
  if (v.bits == 32) return __ldg(reinterpret_cast<const std::int32_t*>(data) + index);
  if (v.bits == 16) return field(__ldg(reinterpret_cast<const std::uint16_t*>(data) + index), 0, 16, v.is_signed);
  if (v.bits == 8) return field(__ldg(data + index), 0, 8, v.is_signed);
  const std::uint32_t pair = __ldg(data + index / 2);
  return field(pair >> (index & 1) * 4, 0, 4, v.is_signed);
}

/// v[row][channel].
__device__ __forceinline__ std::int32_t load_one(const View& v, std::int32_t row, std::int32_t channel) {
  const std::int32_t lanes = v.row_bytes * 8 / v.bits;
  return load_element(v, std::int64_t{row} * lanes + channel);
}

}  // namespace obz::gpu
