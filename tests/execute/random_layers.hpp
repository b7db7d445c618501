// Random one-layer networks for engine tests: shapes with ragged edges, types, zero points on both sides,
// registers and recipes. Everything goes through validate(); what it refuses is drawn again.
#pragma once

#include <functional>
#include <random>
#include <string>

#include "ref/arith/profile.hpp"
#include "ref/base/error.hpp"
#include "ref/net/validate.hpp"
#include "ref/read/fill.hpp"

namespace obz::testing {

class Random {
 public:
  explicit Random(std::uint64_t seed) : engine_(seed) {}

  std::int64_t between(std::int64_t lo, std::int64_t hi) {
    return std::uniform_int_distribution<std::int64_t>(lo, hi)(engine_);
  }
  bool one_in(std::int64_t n) { return between(1, n) == 1; }
  template <class T>
  T pick(std::initializer_list<T> list) {
    return list.begin()[between(0, static_cast<std::int64_t>(list.size()) - 1)];
  }
  /// Any value of the type, at its ends or near zero half of the time.
  std::int64_t value(IntType t) {
    if (one_in(4)) return pick({t.min(), t.max()});
    if (one_in(4)) return saturate(between(-1, 1), t.min(), t.max());
    return between(t.min(), t.max());
  }
  /// A number whose bit length is uniform: small ones are as likely as large ones.
  std::int64_t of_any_size(int bits) { return between(0, (std::int64_t{1} << between(0, bits)) - 1); }

 private:
  std::mt19937_64 engine_;
};

Tensor random_tensor(Random& random, const Shape& shape, IntType type);

/// A net of one node over free inputs.
IntNet single(const std::string& name, Operator op, const std::vector<std::pair<Shape, IntType>>& inputs, IntType out);

/// Draws until validate() and the profile accept.
IntNet draw(Random& random, const std::function<IntNet(Random&)>& make);

/// Scales such that sums of typical size fill the output about once; powers of two for profiles that need them.
struct Scales {
  float x, y;
  std::vector<float> w;

  Scales(Random& r, const Profile& p, std::int64_t channels, double typical_sum, IntType out) {
    const auto exact = [&](double v) { return std::ldexp(1.0F, std::ilogb(v)); };
    const double factor =
        static_cast<double>(out.max()) / typical_sum * std::ldexp(1.0, static_cast<int>(r.between(-2, 2)));
    x = 0.0625F;
    for (std::int64_t c = 0; c < channels; ++c) {
      const float v = std::ldexp(static_cast<float>(r.between(1 << 20, 1 << 21)), -26);
      w.push_back(p.scale.power_of_two_only ? exact(v) : v);
    }
    y = static_cast<float>(static_cast<double>(x) * static_cast<double>(w[0]) / factor);
    if (p.scale.power_of_two_only) y = exact(y);
  }
};

OutputQuant random_output(Random& r, const Profile& p, float scale, IntType type);

/// The profile's register, or one that wraps and saturates.
Accumulator random_accumulator(Random& r, const Profile& p);

Filter random_filter(Random& r, const Shape& shape, IntType type);

/// Bits of a layer that every operator with weights has.
struct LayerTypes {
  IntType x, w, y;

  explicit LayerTypes(Random& r)
      : x(r.pick({kInt8, kInt8, kUInt8, kInt4, kUInt4, kInt16, kUInt16})),
        w(r.pick({kInt8, kInt8, kUInt8, kInt4, kUInt4, IntType{2, true}, IntType{1, false}, kInt16})),
        y(r.pick({kInt8, kInt8, kUInt8, kInt16, kUInt4, kInt32})) {}
  double typical_sum(std::int64_t depth) const {
    return std::sqrt(static_cast<double>(depth)) * static_cast<double>(x.max()) * static_cast<double>(w.max()) / 2;
  }
};

std::int64_t random_channels(Random& r);

IntNet random_conv(Random& r, const Profile& p);

IntNet random_dense(Random& r, const Profile& p);

IntNet random_matmul(Random& r, const Profile& p);

/// Large enough for tables, and sometimes broadcast.
IntNet random_add(Random& r, const Profile& p);

IntNet random_mul(Random& r, const Profile& p);

IntNet random_rescale(Random& r, const Profile& p);

IntNet random_mean(Random& r, const Profile& p);

IntNet random_concat(Random& r, const Profile& p);

IntNet random_max_pool(Random& r, const Profile&);

IntNet random_pad(Random& r, const Profile&);

IntNet random_threshold(Random& r, const Profile&);

IntNet random_min_max(Random& r, const Profile&);

IntNet random_lookup(Random& r, const Profile&);

/// The profile's own differences where it is of TFLite's family, else tflite/double's.
IntNet random_softmax(Random& r, const Profile& p);

}  // namespace obz::testing
