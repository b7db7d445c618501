#include "ref/net/profile_json.hpp"

#include <nlohmann/json.hpp>

#include "ref/arith/names.hpp"

namespace obz {

nlohmann::ordered_json recipe_json(const Recipe& r) {
  return {{"arithmetic", name_of(r.arithmetic)},
          {"rounding", name_of(r.rounding)},
          {"first_bits", r.first_bits},
          {"first_rounding", name_of(r.first_rounding)},
          {"first_overflow", name_of(r.first_overflow)},
          {"left_overflow", name_of(r.left_overflow)},
          {"product_bits", r.product_bits},
          {"scaled_bits", r.scaled_bits},
          {"scaled_overflow", name_of(r.scaled_overflow)},
          {"zero_point", name_of(r.zero_point)},
          {"clamp", name_of(r.clamp)}};
}

nlohmann::ordered_json profile_json(const Profile& p) {
  using Json = nlohmann::ordered_json;
  const ScaleRule& s = p.scale;
  Json scale = {{"precision", name_of(s.precision)},
                {"per_tensor_precision", name_of(p.per_tensor_precision)},
                {"mantissa_bits", s.mantissa_bits}};
  if (p.uses_multiplier()) {
    scale["mantissa_rounding"] = name_of(s.mantissa_rounding);
    scale["top_corner"] = name_of(s.top);
    scale["shift"] = {s.min_shift, s.max_shift};
    scale["tiny"] = name_of(s.tiny);
    scale["large"] = name_of(s.large);
    scale["reduce_to_16"] = s.reduce_to_16;
    scale["power_of_two_only"] = s.power_of_two_only;
  } else {
    scale["range_log2"] = {s.float_from, s.float_below};
  }
  return {{"id", p.id},
          {"version", p.version},
          {"citation", p.citation},
          {"evidence", p.evidence == 'S' ? "source" : "documentation"},
          {"summary", p.summary},
          {"scale", scale},
          {"recipe", recipe_json(p.recipe)},
          {"accumulator", {{"bits", p.acc_bits}, {"overflow", name_of(p.acc_overflow)}}},
          {"has_zero_point", p.has_zero_point},
          {"add", name_of(p.add)},
          {"avg_pool", name_of(p.avg_pool)}};
}

}  // namespace obz
