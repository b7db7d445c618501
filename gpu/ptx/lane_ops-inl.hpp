// What one lane computes, operation by operation, as the PTX ISA defines it. Included once per vector target.
#if defined(OBZ_PTX_LANE_OPS_INL) == defined(HWY_TARGET_TOGGLE)
#ifdef OBZ_PTX_LANE_OPS_INL
#undef OBZ_PTX_LANE_OPS_INL
#else
#define OBZ_PTX_LANE_OPS_INL
#endif

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <limits>
#include <type_traits>

#include <hwy/highway.h>

#include "gpu/ptx/lanes.hpp"

HWY_BEFORE_NAMESPACE();
namespace obz::ptx {
namespace HWY_NAMESPACE {

/// Rows are 32-byte aligned, and only ever one type at a time: rows are memory that the frame gave to one register.
template <class T>
T* row(std::byte* p) {
  return static_cast<T*>(__builtin_assume_aligned(p, 32));
}
template <class T>
const T* row(const std::byte* p) {
  return static_cast<const T*>(__builtin_assume_aligned(p, 32));
}

template <class T>
struct WiderOf;
template <>
struct WiderOf<std::uint16_t> {
  using type = std::uint32_t;
};
template <>
struct WiderOf<std::int16_t> {
  using type = std::int32_t;
};
template <>
struct WiderOf<std::uint32_t> {
  using type = std::uint64_t;
};
template <>
struct WiderOf<std::int32_t> {
  using type = std::int64_t;
};
__extension__ typedef unsigned __int128 U128;
__extension__ typedef __int128 S128;
template <>
struct WiderOf<std::uint64_t> {
  using type = U128;
};
template <>
struct WiderOf<std::int64_t> {
  using type = S128;
};
template <class T>
using Wider = typename WiderOf<T>::type;
template <class T>
using Unsigned = std::make_unsigned_t<T>;
template <class T>
inline constexpr std::uint32_t kBits = 8 * sizeof(T);

// Sums and products wrap; unsigned types of at least 32 bits keep C++ from promoting to a signed int.
template <class T>
using Modular = std::conditional_t<sizeof(T) <= 4, std::uint32_t, std::uint64_t>;

struct Mov {
  template <class T>
  T operator()(T a) const {
    return a;
  }
};
struct Add {
  template <class T>
  T operator()(T a, T b) const {
    return static_cast<T>(static_cast<Modular<T>>(a) + static_cast<Modular<T>>(b));
  }
};
struct Sub {
  template <class T>
  T operator()(T a, T b) const {
    return static_cast<T>(static_cast<Modular<T>>(a) - static_cast<Modular<T>>(b));
  }
};
struct MulLo {
  template <class T>
  T operator()(T a, T b) const {
    return static_cast<T>(static_cast<Modular<T>>(a) * static_cast<Modular<T>>(b));
  }
};
struct MulHi {
  template <class T>
  T operator()(T a, T b) const {
    return static_cast<T>((static_cast<Wider<T>>(a) * static_cast<Wider<T>>(b)) >> kBits<T>);
  }
};
struct MadLo {
  template <class T>
  T operator()(T a, T b, T c) const {
    return Add()(MulLo()(a, b), c);
  }
};
struct MadHi {
  template <class T>
  T operator()(T a, T b, T c) const {
    return Add()(MulHi()(a, b), c);
  }
};

inline std::int32_t clamp32(std::int64_t v) {
  return static_cast<std::int32_t>(
      std::clamp<std::int64_t>(v, std::numeric_limits<std::int32_t>::min(), std::numeric_limits<std::int32_t>::max()));
}
struct AddSat {
  std::int32_t operator()(std::int32_t a, std::int32_t b) const { return clamp32(std::int64_t{a} + b); }
};
struct SubSat {
  std::int32_t operator()(std::int32_t a, std::int32_t b) const { return clamp32(std::int64_t{a} - b); }
};
struct MadHiSat {
  std::int32_t operator()(std::int32_t a, std::int32_t b, std::int32_t c) const {
    return clamp32(std::int64_t{MulHi()(a, b)} + c);
  }
};

/// The low 24 bits as the type's sign says; .lo are bits 0..31 of the 48-bit product, .hi bits 16..47.
template <class T>
std::int64_t low24(T a) {
  if constexpr (std::is_signed_v<T>) return static_cast<std::int32_t>(static_cast<std::uint32_t>(a) << 8) >> 8;
  return static_cast<std::int64_t>(a & 0xFFFFFF);
}
template <bool kHigh>
struct Mul24 {
  template <class T>
  T operator()(T a, T b) const {
    return static_cast<T>((low24(a) * low24(b)) >> (kHigh ? 16 : 0));
  }
};
template <bool kHigh>
struct Mad24 {
  template <class T>
  T operator()(T a, T b, T c) const {
    return Add()(Mul24<kHigh>()(a, b), c);
  }
};
struct Mad24HiSat {
  std::int32_t operator()(std::int32_t a, std::int32_t b, std::int32_t c) const {
    return clamp32(std::int64_t{Mul24<true>()(a, b)} + c);
  }
};

// Lanes that divide by zero were refused before; idle ones must not trap.
struct Div {
  template <class T>
  T operator()(T a, T b) const {
    if (b == 0) return static_cast<T>(-1);
    if constexpr (std::is_signed_v<T>) {
      if (b == -1) return Sub()(T{0}, a);
    }
    return static_cast<T>(a / b);
  }
};
struct Rem {
  template <class T>
  T operator()(T a, T b) const {
    if (b == 0) return a;
    if constexpr (std::is_signed_v<T>) {
      if (b == -1) return 0;
    }
    return static_cast<T>(a % b);
  }
};

struct Neg {
  template <class T>
  T operator()(T a) const {
    return Sub()(T{0}, a);
  }
};
struct Abs {
  template <class T>
  T operator()(T a) const {
    return a < 0 ? Neg()(a) : a;
  }
};
struct Min {
  template <class T>
  T operator()(T a, T b) const {
    return a < b ? a : b;
  }
};
struct Max {
  template <class T>
  T operator()(T a, T b) const {
    return a < b ? b : a;
  }
};
struct Sad {
  template <class T>
  T operator()(T a, T b, T c) const {
    return Add()(c, a < b ? Sub()(b, a) : Sub()(a, b));
  }
};

struct BitAnd {
  template <class T>
  T operator()(T a, T b) const {
    return static_cast<T>(a & b);
  }
};
struct BitOr {
  template <class T>
  T operator()(T a, T b) const {
    return static_cast<T>(a | b);
  }
};
struct BitXor {
  template <class T>
  T operator()(T a, T b) const {
    return static_cast<T>(a ^ b);
  }
};
struct BitNot {
  template <class T>
  T operator()(T a) const {
    return static_cast<T>(~a);
  }
};
struct Cnot {
  template <class T>
  T operator()(T a) const {
    return static_cast<T>(a == 0 ? 1 : 0);
  }
};

/// Amounts beyond the width clamp: everything is shifted out.
struct Shl {
  template <class T>
  T operator()(T a, std::uint32_t n) const {
    const auto shifted = static_cast<T>(static_cast<Modular<T>>(a) << (n & (kBits<Modular<T>> - 1)));
    return n < kBits<T> ? shifted : T{0};
  }
};
struct Shr {
  template <class T>
  T operator()(T a, std::uint32_t n) const {
    if constexpr (std::is_signed_v<T>) return static_cast<T>(a >> std::min(n, kBits<T> - 1));
    const auto shifted = static_cast<T>(a >> (n & (kBits<T> - 1)));
    return n < kBits<T> ? shifted : T{0};
  }
};

struct Popc {
  template <class T>
  std::uint32_t operator()(T a) const {
    return static_cast<std::uint32_t>(std::popcount(static_cast<Unsigned<T>>(a)));
  }
};
struct Clz {
  template <class T>
  std::uint32_t operator()(T a) const {
    return static_cast<std::uint32_t>(std::countl_zero(static_cast<Unsigned<T>>(a)));
  }
};
/// Of signed numbers, the most significant bit that differs from the sign.
struct Bfind {
  template <class T>
  std::uint32_t operator()(T a) const {
    const auto u = static_cast<Unsigned<T>>(a < 0 ? ~a : a);
    return kBits<T> - 1 - static_cast<std::uint32_t>(std::countl_zero(u));  // 0 gives 0xffffffff
  }
};
struct BfindShift {
  template <class T>
  std::uint32_t operator()(T a) const {
    const std::uint32_t bit = Bfind()(a);
    return bit == ~std::uint32_t{0} ? bit : kBits<T> - 1 - bit;
  }
};
struct Brev {
  template <class T>
  T operator()(T a) const {
    auto u = static_cast<std::uint64_t>(static_cast<Unsigned<T>>(a));
    u = ((u >> 1) & 0x5555555555555555) | ((u & 0x5555555555555555) << 1);
    u = ((u >> 2) & 0x3333333333333333) | ((u & 0x3333333333333333) << 2);
    u = ((u >> 4) & 0x0F0F0F0F0F0F0F0F) | ((u & 0x0F0F0F0F0F0F0F0F) << 4);
    return static_cast<T>(__builtin_bswap64(u) >> (64 - kBits<T>));
  }
};

/// The n-th set bit of `mask` from bit `base` on: up for positive n, down for negative, that very bit for 0.
struct Fns {
  std::uint32_t operator()(std::uint32_t mask, std::uint32_t base, std::uint32_t n) const {
    const auto offset = static_cast<std::int32_t>(n);
    if (base > 31) return ~std::uint32_t{0};
    if (offset == 0) return (mask >> base & 1) != 0 ? base : ~std::uint32_t{0};
    std::int64_t left = offset < 0 ? -std::int64_t{offset} : offset;
    for (int at = static_cast<int>(base); at >= 0 && at<32; at += offset> 0 ? 1 : -1) {
      if ((mask >> at & 1) != 0 && --left == 0) return static_cast<std::uint32_t>(at);
    }
    return ~std::uint32_t{0};
  }
};

/// Position and length count modulo 256; bits beyond the value are its sign (0 when unsigned).
template <class T>
T bit_extract(T a, std::uint32_t position, std::uint32_t length) {
  using U = Unsigned<T>;
  const std::uint32_t pos = position & 0xFF, len = length & 0xFF;
  if (len == 0) return 0;
  const T shifted = Shr()(a, pos);  // brings copies of the sign from above
  if (len >= kBits<T>) return shifted;
  const U low = static_cast<U>(shifted) & static_cast<U>((U{1} << len) - 1);
  if constexpr (std::is_signed_v<T>) {
    const std::uint32_t top = std::min(pos + len - 1, kBits<T> - 1);
    if ((static_cast<U>(a) >> top & 1) != 0) return static_cast<T>(low | static_cast<U>(~U{0} << len));
  }
  return static_cast<T>(low);
}

/// b with the low `length` bits of a at `position`.
template <class T>
T bit_insert(T a, T b, std::uint32_t position, std::uint32_t length) {
  const std::uint32_t pos = position & 0xFF, len = length & 0xFF;
  const T field = Shl()(static_cast<T>(len >= kBits<T> ? ~T{0} : Sub()(Shl()(T{1}, len), T{1})), pos);
  return static_cast<T>((b & ~field) | (Shl()(a, pos) & field));
}

/// b:a as 64 bits; .l gives the upper half of it shifted left, .r the lower half of it shifted right.
template <bool kLeft, bool kClamp>
struct Shf {
  std::uint32_t operator()(std::uint32_t a, std::uint32_t b, std::uint32_t c) const {
    const std::uint32_t n = kClamp ? std::min<std::uint32_t>(c, 32) : c & 31;
    const std::uint64_t both = std::uint64_t{b} << 32 | a;
    return static_cast<std::uint32_t>(kLeft ? (both << n) >> 32 : both >> n);
  }
};

/// Each nibble of c picks one of the eight bytes of b:a; its top bit replicates that byte's sign instead.
struct Prmt {
  std::uint32_t operator()(std::uint32_t a, std::uint32_t b, std::uint32_t c) const {
    const std::uint64_t both = std::uint64_t{b} << 32 | a;
    std::uint32_t d = 0;
    for (std::uint32_t k = 0; k < 4; ++k) {
      const std::uint32_t pick = c >> (4 * k);
      const auto byte = static_cast<std::uint32_t>(both >> (8 * (pick & 7)) & 0xFF);
      const std::uint32_t sign = 0xFF * (byte >> 7);
      d |= ((pick & 8) != 0 ? sign : byte) << (8 * k);
    }
    return d;
  }
};
/// f4e, b4e, rc8, ecl, ecr, rc16: the low two bits of c choose one of four fixed picks.
template <int kMode>
struct PrmtMode {
  std::uint32_t operator()(std::uint32_t a, std::uint32_t b, std::uint32_t c) const {
    constexpr std::array<std::array<std::uint32_t, 4>, 6> picks{{{0x3210, 0x4321, 0x5432, 0x6543},
                                                                 {0x5670, 0x6701, 0x7012, 0x0123},
                                                                 {0x0000, 0x1111, 0x2222, 0x3333},
                                                                 {0x3210, 0x3211, 0x3222, 0x3333},
                                                                 {0x0000, 0x1110, 0x2210, 0x3210},
                                                                 {0x1010, 0x3232, 0x1010, 0x3232}}};
    return Prmt()(a, b, picks[kMode][c & 3]);
  }
};

template <class A, class B>
struct Dp4a {
  std::uint32_t operator()(std::uint32_t a, std::uint32_t b, std::uint32_t c) const {
    for (int k = 0; k < 32; k += 8) {
      c += static_cast<std::uint32_t>(static_cast<A>(a >> k)) * static_cast<std::uint32_t>(static_cast<B>(b >> k));
    }
    return c;
  }
};
/// Two halves of a with bytes kFirst and kFirst + 1 of b.
template <class A, class B, int kFirst>
struct Dp2a {
  std::uint32_t operator()(std::uint32_t a, std::uint32_t b, std::uint32_t c) const {
    for (int k = 0; k < 2; ++k) {
      c += static_cast<std::uint32_t>(static_cast<A>(a >> (16 * k))) *
           static_cast<std::uint32_t>(static_cast<B>(b >> (8 * (kFirst + k))));
    }
    return c;
  }
};

// `carry` is read and written.
struct AddCarry {
  template <class T>
  T operator()(T a, T b, T, bool& carry) const {
    const Wider<T> sum = static_cast<Wider<T>>(a) + b + (carry ? 1 : 0);
    carry = (sum >> kBits<T>) != 0;
    return static_cast<T>(sum);
  }
};
struct SubBorrow {
  template <class T>
  T operator()(T a, T b, T, bool& carry) const {
    const Wider<T> difference = static_cast<Wider<T>>(a) - b - (carry ? 1 : 0);
    carry = (difference >> kBits<T>) != 0;
    return static_cast<T>(difference);
  }
};
struct MadLoCarry {
  template <class T>
  T operator()(T a, T b, T c, bool& carry) const {
    return AddCarry()(MulLo()(a, b), c, T{0}, carry);
  }
};
template <class S>
struct MadHiCarry {
  template <class T>
  T operator()(T a, T b, T c, bool& carry) const {
    return AddCarry()(static_cast<T>(MulHi()(static_cast<S>(a), static_cast<S>(b))), c, T{0}, carry);
  }
};

struct Eq {
  template <class T>
  bool operator()(T a, T b) const {
    return a == b;
  }
};
struct Ne {
  template <class T>
  bool operator()(T a, T b) const {
    return a != b;
  }
};
struct Lt {
  template <class T>
  bool operator()(T a, T b) const {
    return a < b;
  }
};
struct Le {
  template <class T>
  bool operator()(T a, T b) const {
    return a <= b;
  }
};
struct Gt {
  template <class T>
  bool operator()(T a, T b) const {
    return a > b;
  }
};
struct Ge {
  template <class T>
  bool operator()(T a, T b) const {
    return a >= b;
  }
};

/// b ones from bit a on.
template <bool kClamp>
struct Bmsk {
  std::uint32_t operator()(std::uint32_t a, std::uint32_t b) const {
    const std::uint32_t from = kClamp ? a : a & 31, count = kClamp ? b : b & 31;
    if (from > 31 || count == 0) return 0;
    const std::uint64_t ones = count > 31 ? ~std::uint64_t{0} : (std::uint64_t{1} << count) - 1;
    return static_cast<std::uint32_t>(ones << from);
  }
};
/// The low b bits of a, extended as the type says.
template <bool kClamp>
struct Szext {
  template <class T>
  T operator()(T a, T n) const {
    const auto bits = static_cast<std::uint32_t>(n);
    if (kClamp && bits > 31) return a;
    const std::uint32_t b = bits & 31;
    const std::uint32_t mask = ~std::uint32_t{0} << b;
    const bool sign = std::is_signed_v<T> && b != 0 && (static_cast<std::uint32_t>(a) >> (b - 1) & 1) != 0;
    return static_cast<T>((static_cast<std::uint32_t>(a) & ~mask) | (sign ? mask : 0));
  }
};

/// 32 flags of 0 or 1 as a mask: a multiplication gathers eight at a time.
inline std::uint32_t pack_flags(const std::array<std::uint8_t, kLanes>& flags) {
  std::uint32_t mask = 0;
  for (std::size_t k = 0; k < 4; ++k) {
    std::uint64_t eight;
    std::memcpy(&eight, flags.data() + 8 * k, 8);
    mask |= static_cast<std::uint32_t>(eight * 0x0102040810204080 >> 56) << (8 * k);
  }
  return mask;
}

}  // namespace HWY_NAMESPACE
}  // namespace obz::ptx
HWY_AFTER_NAMESPACE();

#endif
