// atom and red: lane after lane, indivisible among the machines that share global memory.
#include <array>
#include <bit>
#include <cstring>

#include "gpu/ptx/access.hpp"
#include "gpu/ptx/exec.hpp"

namespace obz::ptx {
namespace {

template <class T>
T apply(std::uint8_t op, T old, T b, T c) {
  using U = std::make_unsigned_t<T>;
  switch (op) {
    case kAtomAdd: return static_cast<T>(static_cast<U>(old) + static_cast<U>(b));
    case kAtomMin: return old < b ? old : b;
    case kAtomMax: return old < b ? b : old;
    case kAtomAnd: return static_cast<T>(old & b);
    case kAtomOr: return static_cast<T>(old | b);
    case kAtomXor: return static_cast<T>(old ^ b);
    case kAtomExch: return b;
    case kAtomCas: return old == b ? c : old;
    case kAtomInc: return old >= b ? T{0} : static_cast<T>(old + 1);
    default: return old == 0 || old > b ? b : static_cast<T>(old - 1);  // dec
  }
}

template <class T>
void run_atom(Machine& m, const Instr& i, std::uint32_t lanes, const HostPlaces& places) {
  for (std::uint32_t rest = lanes; rest != 0; rest &= rest - 1) {
    const auto lane = static_cast<std::size_t>(std::countr_zero(rest));
    auto* const place = reinterpret_cast<T*>(places[lane]);
    T b, c{};
    std::memcpy(&b, m.row(i.s[1]) + lane * sizeof(T), sizeof(T));
    if (i.mode == kAtomCas) std::memcpy(&c, m.row(i.s[2]) + lane * sizeof(T), sizeof(T));
    T old = __atomic_load_n(place, __ATOMIC_RELAXED);
    while (!__atomic_compare_exchange_n(place, &old, apply(i.mode, old, b, c), false, __ATOMIC_SEQ_CST,
                                        __ATOMIC_RELAXED)) {
    }
    if (i.d[0] >= 0) std::memcpy(m.row(i.d[0]) + lane * sizeof(T), &old, sizeof(T));
  }
}

}  // namespace

void exec_atom(Machine& m, const Instr& i, std::uint32_t mask) {
  form_addresses(m, i);
  const bool is_signed = i.signed_values;
  by_space(m, i, mask, [&](Space space, std::uint32_t lanes) {
    HostPlaces places;
    resolve(m, i, space, Touch::atomic, lanes, places);
    if (i.access_bytes == 4) {
      is_signed ? run_atom<std::int32_t>(m, i, lanes, places) : run_atom<std::uint32_t>(m, i, lanes, places);
    } else if (i.access_bytes == 2) {
      run_atom<std::uint16_t>(m, i, lanes, places);
    } else {
      is_signed ? run_atom<std::int64_t>(m, i, lanes, places) : run_atom<std::uint64_t>(m, i, lanes, places);
    }
  });
}

}  // namespace obz::ptx
