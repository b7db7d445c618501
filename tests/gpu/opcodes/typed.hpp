// Operand types of PTX as C++ types, the values worth trying of each, and cases with one instruction. A model gets its
// operands as 128-bit integers and returns the mathematical result, of which the destination keeps its low bits.
#pragma once

#include <algorithm>
#include <limits>
#include <random>
#include <type_traits>

#include <fmt/format.h>

#include "tests/gpu/opcodes/harness.hpp"

namespace obz::opcodes {

__extension__ using Wide = __int128;
__extension__ using UWide = unsigned __int128;

using u8 = std::uint8_t;
using u16 = std::uint16_t;
using u32 = std::uint32_t;
using u64 = std::uint64_t;
using s8 = std::int8_t;
using s16 = std::int16_t;
using s32 = std::int32_t;
using s64 = std::int64_t;

template <class T>
constexpr unsigned kBits = 8 * sizeof(T);

/// "u32"
template <class T>
std::string type() {
  return fmt::format("{}{}", std::is_signed_v<T> ? 's' : 'u', kBits<T>);
}

/// The register that holds it: 8-bit types live in 16 bits.
template <class T>
constexpr char letter() {
  return sizeof(T) <= 2 ? 'h' : sizeof(T) == 4 ? 'r' : 'd';
}

template <class T>
Wide value(Word word) {
  return static_cast<Wide>(static_cast<T>(word));
}

/// The low bits of a result.
template <class T>
Word low(Wide result) {
  return static_cast<Word>(static_cast<std::make_unsigned_t<T>>(static_cast<UWide>(result)));
}

/// Registers that may hold a type in a load, store or conversion, by letter.
template <class T>
std::string holders() {
  return sizeof(T) <= 2 ? "hrd" : sizeof(T) == 4 ? "rd" : "d";
}

inline Word in_register(char letter, Wide x) {
  return letter == 'h' ? low<u16>(x) : letter == 'r' ? low<u32>(x) : low<u64>(x);
}

/// Field `index` of a word of fields.
inline Wide element(Word word, unsigned index, unsigned bits, bool is_signed) {
  const Wide x = static_cast<Wide>(word >> index * bits & ((Word{1} << bits) - 1));
  return is_signed && x >> (bits - 1) ? x - (Wide{1} << bits) : x;
}

template <class T>
Wide clamp_to(Wide x) {
  const Wide lo = std::numeric_limits<T>::min(), hi = std::numeric_limits<T>::max();
  return x < lo ? lo : x > hi ? hi : x;
}

/// Corners first, then `more` seeded values.
template <class T>
Words words(int more = 5) {
  const Wide lo = std::numeric_limits<T>::min(), hi = std::numeric_limits<T>::max();
  Words all;
  for (const Wide x : {Wide{0}, Wide{1}, Wide{-1}, lo, hi, lo + 1, hi - 1, Wide{2}, Wide{-2}, hi / 3, -(hi / 3)}) {
    const Word word = low<T>(x);
    if (std::find(all.begin(), all.end(), word) == all.end()) all.push_back(word);
  }
  std::mt19937_64 random(kBits<T> + std::is_signed_v<T>);
  for (int i = 0; i < more; ++i) all.push_back(low<T>(static_cast<Wide>(random())));
  return all;
}

/// 0, 1, .. last, and then the others.
inline Words counting(Word last, const Words& others = {}) {
  Words all;
  for (Word i = 0; i <= last; ++i) all.push_back(i);
  all.insert(all.end(), others.begin(), others.end());
  return all;
}

template <class D, class A, class F>
Case unary(const std::string& opcode, F model) {
  return {opcode + " %d0, %a0;", {letter<A>()}, {letter<D>()}, every({words<A>(40)}, [=](const Words& in) {
            return Words{low<D>(model(value<A>(in[0])))};
          })};
}

template <class D, class A, class B, class F>
Case binary(const std::string& opcode, F model, Words a = words<A>(), Words b = words<B>()) {
  return {opcode + " %d0, %a0, %a1;", {letter<A>(), letter<B>()}, {letter<D>()}, every({a, b}, [=](const Words& in) {
            return Words{low<D>(model(value<A>(in[0]), value<B>(in[1])))};
          })};
}

template <class D, class A, class B, class C, class F>
Case ternary(const std::string& opcode, F model, Words a = words<A>(2), Words b = words<B>(2), Words c = words<C>(2)) {
  return {opcode + " %d0, %a0, %a1, %a2;",
          {letter<A>(), letter<B>(), letter<C>()},
          {letter<D>()},
          every({a, b, c}, [=](const Words& in) {
            return Words{low<D>(model(value<A>(in[0]), value<B>(in[1]), value<C>(in[2])))};
          })};
}

/// Calls a generic lambda for each type.
template <class... T, class F>
void each(F f) {
  (f.template operator()<T>(), ...);
}

}  // namespace obz::opcodes
