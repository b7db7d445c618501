// obz profiles: the catalogue, and one profile explained with a worked example.
#include <algorithm>
#include <cmath>
#include <memory>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "cli/table.hpp"
#include "cli/verb.hpp"
#include "ref/arith/apply.hpp"
#include "ref/arith/names.hpp"
#include "ref/arith/profile.hpp"
#include "ref/net/profile_json.hpp"

namespace obz::cli {
namespace {

using Json = nlohmann::ordered_json;

struct Options {
  std::string id;
  bool json = false;
};

std::string scale_text(const Profile& p) {
  const ScaleRule& s = p.scale;
  if (!p.uses_multiplier()) {
    const bool limited = s.float_from != ScaleRule{}.float_from || s.float_below != ScaleRule{}.float_below;
    return fmt::format("stays a float, formed as {}", name_of(s.precision)) +
           (limited ? fmt::format("; 2^{} <= scale < 2^{}", s.float_from, s.float_below) : std::string());
  }
  std::string text = fmt::format("formed as {}; {}-bit mantissa rounded {}; 2^{} is {}; shift {}..{}",
                                 name_of(s.precision), s.mantissa_bits, name_of(s.mantissa_rounding), s.mantissa_bits,
                                 s.top == TopCorner::keep ? "kept" : "renormalised", s.min_shift, s.max_shift);
  if (s.reduce_to_16) text += "; then rounded to 16 bits";
  if (s.power_of_two_only) text += "; powers of two only";
  return text;
}

std::string rounding_text(const Recipe& r) {
  switch (r.arithmetic) {
    case Arithmetic::float32_scale: return "float32(acc) * scale, nearest-even";
    case Arithmetic::float64_scale: return "float64(acc) * scale, nearest-even";
    case Arithmetic::float64_dyadic: return "float64(acc) * float64(m) / 2^s, nearest-even";
    case Arithmetic::dyadic: break;
  }
  if (r.first_bits == 0) return fmt::format("one stage: acc * m / 2^s, {}", name_of(r.rounding));
  return fmt::format("two stages: acc * m / 2^{} {}, then / 2^(s-{}) {}", r.first_bits, name_of(r.first_rounding),
                     r.first_bits, name_of(r.rounding));
}

std::string hex(std::int64_t v) { return v < 0 ? fmt::format("-0x{:x}", -v) : fmt::format("0x{:x}", v); }

/// A layer's numbers through the profile, every intermediate shown.
void print_example(const Profile& p, std::int64_t acc) {
  const bool pow2 = p.scale.power_of_two_only;
  const float sx = pow2 ? 0.03125F : 0.0235F, sw = pow2 ? 0.00390625F : 0.0042F, sy = pow2 ? 0.0625F : 0.0517F;
  Channel c = encode_scale(p.scale, form_scale(p.scale, sx, sw, sy));
  c.zero_point = p.has_zero_point ? -3 : 0;
  fmt::print("\nexample: Sx {} Sw {} Sy {}, zero point {}, int8, accumulator {}\n", sx, sw, sy, c.zero_point, acc);
  const double real = static_cast<double>(sx) * static_cast<double>(sw) / static_cast<double>(sy);
  fmt::print("  real value        {:.6f} = {} * {:.9g} + {}\n", static_cast<double>(acc) * real + c.zero_point, acc,
             real, c.zero_point);
  if (!p.uses_multiplier()) {
    fmt::print("  scale             {:.9g}\n  out               {}\n", c.scale, apply_recipe(acc, p.recipe, c));
    return;
  }
  fmt::print("  multiplier, shift {} ({}), {}\n", c.multiplier, hex(c.multiplier), c.shift);
  if (!p.is_dyadic()) {
    fmt::print("  out               {}\n", apply_recipe(acc, p.recipe, c));
    return;
  }
  const RequantTrace t = trace_requantize(acc, p.recipe, c);
  fmt::print("  product           {} ({})\n", t.product, hex(t.product));
  if (p.recipe.first_bits > 0)
    fmt::print("  after stage one   {}   (product / 2^{} = {:.6f})\n", t.first, p.recipe.first_bits,
               std::ldexp(static_cast<double>(t.product), -p.recipe.first_bits));
  fmt::print("  scaled            {}   ({:.6f} before rounding)\n", t.scaled,
             std::ldexp(static_cast<double>(t.first), -std::max(0, c.shift - p.recipe.first_bits)));
  fmt::print("  + zero point      {}\n  out               {}\n", t.sum, t.out);
}

/// An accumulator that lands exactly half way, where profiles part.
void print_tie(const Profile& p) {
  if (!p.is_dyadic()) return;
  const ScaleRule& s = p.scale;
  const int bits = s.reduce_to_16 ? 15 : s.mantissa_bits;
  Channel c;
  c.multiplier = std::int64_t{1} << (bits - 1);
  c.shift = bits + 2;  // scale 1/8
  if (s.max_shift < c.shift || s.min_shift > c.shift) return;
  std::string line;
  for (const std::int64_t acc : {-20, -12, -4, 4, 12, 20}) {
    line += fmt::format("{:>7}", fmt::format("{:+.1f}", static_cast<double>(acc) / 8));
  }
  std::string results;
  for (const std::int64_t acc : {-20, -12, -4, 4, 12, 20})
    results += fmt::format("{:>7}", requantize(acc, p.recipe, c));
  fmt::print("\nties:   {}\nbecome  {}\n", line, results);
}

void print_one(const Profile& p) {
  fmt::print("{}\n{}\n\n", p.id, p.summary);
  fmt::print("  version     {}\n  source      {}{}\n", p.version, p.citation,
             p.evidence == 'D' ? "  (documentation, not source)" : "");
  fmt::print("  scale       {}\n  rounding    {}\n", scale_text(p), rounding_text(p.recipe));
  fmt::print("  zero point  {}\n",
             p.has_zero_point ? fmt::format("{}", name_of(p.recipe.zero_point)) : std::string("none"));
  fmt::print("  clamp       {}\n", name_of(p.recipe.clamp));
  fmt::print("  registers   accumulator {} bits ({})", p.acc_bits, name_of(p.acc_overflow));
  if (p.recipe.first_bits > 0) {
    fmt::print(", left shift 32 bits ({}), stage one 32 bits ({})", name_of(p.recipe.left_overflow),
               name_of(p.recipe.first_overflow));
  }
  if (p.recipe.product_bits < 64) fmt::print(", product {} bits (wrap)", p.recipe.product_bits);
  if (p.recipe.scaled_bits < 64)
    fmt::print(", scaled {} bits ({})", p.recipe.scaled_bits, name_of(p.recipe.scaled_overflow));
  fmt::print("\n  add         {}\n  avg pool    {}\n", name_of(p.add), name_of(p.avg_pool));
  print_example(p, -12345);
  print_tie(p);
}

int run(const Options& o) {
  if (!o.id.empty()) {
    const Profile& p = find_profile(o.id);
    if (o.json) {
      fmt::print("{}\n", profile_json(p).dump(1));
    } else {
      print_one(p);
    }
    return 0;
  }
  if (o.json) {
    Json list = Json::array();
    for (const Profile& p : profile_catalogue()) list.push_back(profile_json(p));
    fmt::print("{}\n", list.dump(1));
    return 0;
  }
  Table table({"profile", "multiplier", "rounding", "zp", "summary"});
  for (const Profile& p : profile_catalogue()) {
    const std::string multiplier = !p.uses_multiplier()   ? "float32"
                                   : p.scale.reduce_to_16 ? "16 bit"
                                                          : fmt::format("{} bit", p.scale.mantissa_bits);
    const std::string rounding =
        p.recipe.first_bits > 0 ? fmt::format("{}+{}", name_of(p.recipe.first_rounding), name_of(p.recipe.rounding))
                                : std::string(name_of(p.recipe.rounding));
    table.add({std::string(p.id), multiplier, rounding, p.has_zero_point ? "yes" : "no", std::string(p.summary)});
  }
  fmt::print("{}\n{} profiles; `obz profiles ID` explains one with a worked example\n", table.text(),
             profile_catalogue().size());
  return 0;
}

}  // namespace

Verb profiles_verb() {
  auto o = std::make_shared<Options>();
  return {"profiles",
          "The catalogue of arithmetic semantics; with ID, one explained",
          "  obz profiles\n  obz profiles tflite/double\n  obz profiles --json | jq '.[].id'\n",
          {{"id", "ID", "a profile, e.g. hawq-v3/exact", &o->id}, {"--json", "", "as JSON", &o->json}},
          [o] { return run(*o); }};
}

}  // namespace obz::cli
