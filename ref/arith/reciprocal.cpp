#include "ref/arith/reciprocal.hpp"

namespace obz {

std::optional<Channel> reciprocal(std::int64_t n, std::int64_t largest, Quotient quotient) {
  constexpr std::int64_t hundredth = 100, most_values = 98;
  constexpr std::int64_t limit = std::int64_t{1} << 62;  // of the product; also keeps the comparisons inside 64 bits
  if (n < 1 || largest < 0 || (quotient == Quotient::after_hundredth && n > most_values)) return std::nullopt;
  for (int s = 0; s < 62; ++s) {
    const std::int64_t power = std::int64_t{1} << s;
    const std::int64_t m = power / n + (power % n != 0 ? 1 : 0);
    const std::int64_t e = m * n - power;
    if (largest > 0 && (m > limit / largest || e > limit / largest)) return std::nullopt;
    const std::int64_t a = quotient == Quotient::after_hundredth ? power / hundredth : 0;
    if (largest * e >= power - n * a) continue;
    if (quotient == Quotient::after_hundredth && (a == 0 || largest * e >= n * a)) continue;
    Channel c;
    c.multiplier = m;
    c.shift = s;
    c.addend = a;
    return c;
  }
  return std::nullopt;
}

}  // namespace obz
