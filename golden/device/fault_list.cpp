#include "golden/device/fault_list.hpp"

#include <algorithm>

namespace obz {
namespace {

void add_quirks(std::vector<Fault>& list, Quirk first, Quirk last, int unit = 0) {
  for (int q = static_cast<int>(first); q <= static_cast<int>(last); ++q) {
    list.push_back({.quirk = static_cast<Quirk>(q), .unit = static_cast<std::int8_t>(unit)});
  }
}

void add_damage(std::vector<Fault>& list, Wire wire, Damage damage, int first, int last, int unit = 0) {
  for (int bit = first; bit <= last; ++bit) {
    list.push_back(
        {.wire = wire, .damage = damage, .bit = static_cast<std::int8_t>(bit), .unit = static_cast<std::int8_t>(unit)});
  }
}

void add_damage(std::vector<Fault>& list, Wire wire, std::initializer_list<Damage> damages, int unit = 0) {
  for (const Damage d : damages) list.push_back({.wire = wire, .damage = d, .unit = static_cast<std::int8_t>(unit)});
}

void add_stuck(std::vector<Fault>& list, Wire wire, int bits, int unit = 0) {
  add_damage(list, wire, Damage::stuck_0, 0, bits - 1, unit);
  add_damage(list, wire, Damage::stuck_1, 0, bits - 1, unit);
}

void add_outputs(std::vector<Fault>& list, IntType out) {
  add_stuck(list, Wire::out, out.bits);
  add_damage(list, Wire::out, {Damage::plus_one, Damage::minus_one, Damage::negated});
  add_quirks(list, Quirk::output_zero, Quirk::output_last_missing);
}

void add_operand(std::vector<Fault>& list, Wire wire, IntType type) {
  add_stuck(list, wire, type.bits);
  add_damage(list, wire, {Damage::plus_one, Damage::minus_one, Damage::negated, Damage::cleared});
}

void add_sum(std::vector<Fault>& list) {
  constexpr int narrowest = 8, widest = 31;
  add_stuck(list, Wire::partial, widest);
  add_damage(list, Wire::partial, Damage::wraps, narrowest, widest);
  add_damage(list, Wire::partial, Damage::saturates, narrowest, widest);
  add_damage(list, Wire::partial, Damage::unsign, narrowest, widest);
  add_damage(list, Wire::partial, Damage::lost_carry, 1, widest);
  add_quirks(list, Quirk::register_saturates, Quirk::register_wraps);
}

void add_products(std::vector<Fault>& list, IntType x, IntType w) {
  const int bits = x.bits + w.bits;
  add_stuck(list, Wire::product, bits);
  add_damage(list, Wire::product, Damage::wraps, std::max(1, bits / 2), bits);
  add_damage(list, Wire::product, Damage::saturates, std::max(1, bits / 2), bits);
  add_damage(list, Wire::product, {Damage::plus_one, Damage::minus_one, Damage::negated});
}

void add_quirks_of(std::vector<Fault>& list, std::initializer_list<Quirk> quirks) {
  for (const Quirk q : quirks) list.push_back({.quirk = q});
}

struct ListFor {
  const IntNet& net;
  const Node& node;
  std::vector<Fault> list{};

  IntType type(std::size_t input) const { return net.tensors[static_cast<std::size_t>(node.inputs[input])].type; }
  IntType out() const { return net.tensors[static_cast<std::size_t>(node.outputs[0])].type; }

  void add_requantizer(const Requant& r, IntType type, int unit) {
    const std::vector<Fault> all = requantizer_faults(r.recipe, type, unit);
    list.insert(list.end(), all.begin(), all.end());
  }

  void operator()(const Conv2d& op) {
    filter_layer(op.filter);
    add_quirks_of(list, {Quirk::pad_raw_zero, Quirk::pad_edge, Quirk::window_one_up, Quirk::window_one_left,
                         Quirk::stride_one, Quirk::dilation_one, Quirk::filter_flipped});
    add_requantizer(op.requant, out(), 0);
  }
  void operator()(const Dense& op) {
    filter_layer(op.filter);
    add_requantizer(op.requant, out(), 0);
  }
  void filter_layer(const Filter& f) {
    add_operand(list, Wire::x, type(0));
    add_operand(list, Wire::w, f.weights.type);
    add_products(list, type(0), f.weights.type);
    add_sum(list);
    add_damage(list, Wire::bias, {Damage::plus_one, Damage::minus_one});
    add_quirks(list, Quirk::x_other_sign, Quirk::x_zero_point_one_more);
    add_quirks(list, Quirk::filter_transposed, Quirk::filter_transposed);
    add_quirks(list, Quirk::filter_previous, Quirk::drop_tail_of_32);
    add_quirks(list, Quirk::pairs_saturate_16, Quirk::pairs_saturate_16);
    add_quirks(list, Quirk::bias_missing, Quirk::bias_after_rounding);
  }
  void operator()(const MatMul& op) {
    add_operand(list, Wire::x, type(0));
    add_operand(list, Wire::w, type(1));
    add_products(list, type(0), type(1));
    add_sum(list);
    add_quirks(list, Quirk::x_other_sign, Quirk::x_zero_point_one_more);
    add_quirks_of(list, {Quirk::filter_transposed, Quirk::pairs_saturate_16, Quirk::output_transposed});
    add_quirks(list, Quirk::drop_first_k, Quirk::drop_tail_of_32);
    if (op.requant.channels.size() > 1 || out().bits < 32) {
      add_requantizer(op.requant, out(), 0);
    } else {
      add_outputs(list, out());
    }
  }
  void operator()(const Add& op) {
    add_operand(list, Wire::x, type(0));
    add_operand(list, Wire::w, type(1));
    add_sum(list);
    add_quirks_of(list, {Quirk::x_other_sign, Quirk::w_other_sign, Quirk::x_zero_point_missing,
                         Quirk::w_zero_point_missing, Quirk::x_zero_point_negated, Quirk::x_zero_point_one_more,
                         Quirk::operands_swapped, Quirk::subtracts, Quirk::left_shift_one_less});
    add_requantizer(op.out, out(), 0);
    for (const int unit : {1, 2}) {
      const IntType wide{32, true};
      std::vector<Fault> all = requantizer_faults(unit == 1 ? op.branch_a.recipe : op.branch_b.recipe, wide, unit);
      std::erase_if(all, [](const Fault& f) { return in_outputs(f); });
      list.insert(list.end(), all.begin(), all.end());
    }
  }
  void operator()(const Mul& op) {
    add_operand(list, Wire::x, type(0));
    add_operand(list, Wire::w, type(1));
    add_products(list, type(0), type(1));
    add_sum(list);
    add_quirks_of(list, {Quirk::x_other_sign, Quirk::w_other_sign, Quirk::x_zero_point_missing,
                         Quirk::w_zero_point_missing, Quirk::x_zero_point_negated, Quirk::operands_swapped});
    add_requantizer(op.requant, out(), 0);
  }
  void operator()(const AvgPool& op) {
    add_operand(list, Wire::x, type(0));
    add_sum(list);
    add_quirks_of(list, {Quirk::x_other_sign, Quirk::x_zero_point_missing, Quirk::x_zero_point_negated,
                         Quirk::x_zero_point_one_more, Quirk::drop_first_k, Quirk::drop_last_k, Quirk::drop_tail_of_2,
                         Quirk::drop_tail_of_4, Quirk::pad_raw_zero, Quirk::pad_edge, Quirk::window_one_up,
                         Quirk::window_one_left, Quirk::stride_one, Quirk::count_all, Quirk::count_inside});
    if (op.by == AverageBy::requant) {
      add_requantizer(op.requant, out(), 0);
    } else {
      add_quirks(list, Quirk::round_floor, Quirk::round_half_even);
      add_quirks_of(list, {Quirk::clamp_type_only, Quirk::clamp_ignores_lo, Quirk::clamp_ignores_hi,
                           Quirk::clamp_lo_one_up, Quirk::clamp_hi_one_down, Quirk::clamp_symmetric});
      add_stuck(list, Wire::acc, 24);
      add_damage(list, Wire::acc, Damage::wraps, 6, 24);
      add_damage(list, Wire::acc, Damage::saturates, 6, 24);
      add_damage(list, Wire::rounding, {Damage::plus_one, Damage::minus_one, Damage::negated});
      add_outputs(list, out());
    }
  }
  void operator()(const Mean& op) {
    add_operand(list, Wire::x, type(0));
    add_sum(list);
    add_quirks_of(list, {Quirk::x_other_sign, Quirk::x_zero_point_missing, Quirk::drop_first_k, Quirk::drop_last_k});
    add_requantizer(op.requant, out(), 0);
  }
  void operator()(const Rescale& op) {
    add_operand(list, Wire::x, type(0));
    add_quirks_of(list, {Quirk::x_other_sign, Quirk::x_zero_point_missing, Quirk::x_zero_point_negated});
    add_requantizer(op.requant, out(), 0);
  }
  void operator()(const Concat& op) {
    add_operand(list, Wire::x, type(0));
    add_quirks_of(
        list, {Quirk::x_other_sign, Quirk::x_zero_point_missing, Quirk::x_zero_point_negated, Quirk::operands_swapped});
    for (std::size_t p = 0; p < op.requants.size() && p < 9; ++p) {
      std::vector<Fault> all = requantizer_faults(op.requants[p].recipe, out(), static_cast<int>(p) + 1);
      std::erase_if(all, [&](const Fault& f) { return in_outputs(f) && p > 0; });
      list.insert(list.end(), all.begin(), all.end());
    }
  }
  template <class Op>
  void operator()(const Op&) {}
};

}  // namespace

std::vector<Fault> requantizer_faults(const Recipe& recipe, IntType out, int unit) {
  std::vector<Fault> list;
  constexpr int acc_bits = 32;
  add_stuck(list, Wire::acc, acc_bits, unit);
  add_damage(list, Wire::acc, Damage::wraps, 8, 31, unit);
  add_damage(list, Wire::acc, Damage::saturates, 8, 31, unit);
  add_damage(list, Wire::acc, Damage::unsign, 8, 32, unit);
  add_damage(list, Wire::acc, {Damage::plus_one, Damage::minus_one, Damage::negated}, unit);
  add_stuck(list, Wire::zero_point, out.bits, unit);
  add_damage(list, Wire::zero_point, {Damage::plus_one, Damage::minus_one}, unit);
  add_quirks(list, Quirk::zero_point_missing, Quirk::zero_point_before_rounding, unit);
  add_quirks(list, Quirk::zero_point_previous, Quirk::zero_point_unsigned, unit);
  add_quirks(list, Quirk::clamp_type_only, Quirk::clamp_type_only, unit);
  add_quirks(list, Quirk::clamp_ignores_lo, Quirk::clamp_lo_at_zero, unit);
  if (recipe.arithmetic == Arithmetic::dyadic) {
    add_quirks(list, Quirk::round_floor, Quirk::shift_logical, unit);
    add_quirks(list, Quirk::zero_point_before_scaling, Quirk::zero_point_before_scaling, unit);
    add_quirks(list, Quirk::clamp_before_zero_point, Quirk::clamp_before_zero_point, unit);
    add_quirks(list, Quirk::clamp_wraps, Quirk::clamp_wraps, unit);
    add_stuck(list, Wire::multiplier, acc_bits, unit);
    add_damage(list, Wire::multiplier, {Damage::plus_one, Damage::minus_one, Damage::negated}, unit);
    constexpr int shift_bits = 6;
    add_stuck(list, Wire::shift, shift_bits, unit);
    add_damage(list, Wire::scaling, Damage::wraps, 32, 62, unit);
    add_damage(list, Wire::scaling, Damage::saturates, 32, 62, unit);
    add_stuck(list, Wire::scaling, 62, unit);
    add_damage(list, Wire::rounding, Damage::lost_carry, 1, 16, unit);
    add_damage(list, Wire::rounding, Damage::wraps, 6, 31, unit);
    add_damage(list, Wire::rounding, Damage::saturates, 6, 31, unit);
    add_damage(list, Wire::rounding, {Damage::plus_one, Damage::minus_one, Damage::negated}, unit);
    add_damage(list, Wire::sum, Damage::lost_carry, 1, 16, unit);
    add_damage(list, Wire::sum, Damage::wraps, 6, 31, unit);
    add_damage(list, Wire::sum, Damage::saturates, 6, 31, unit);
  }
  std::vector<Fault> outputs;
  if (unit == 0) {
    add_outputs(outputs, out);
  } else {
    add_stuck(outputs, Wire::out, out.bits, unit);
    add_damage(outputs, Wire::out, {Damage::plus_one, Damage::minus_one, Damage::negated}, unit);
  }
  list.insert(list.end(), outputs.begin(), outputs.end());
  // What the recipe does anyway is no fault.
  std::erase_if(list, [&](const Fault& f) {
    const auto same_rounding = static_cast<int>(f.quirk) - static_cast<int>(Quirk::round_floor);
    return (f.quirk >= Quirk::round_floor && f.quirk <= Quirk::round_half_even &&
            same_rounding == static_cast<int>(recipe.rounding)) ||
           (f.quirk == Quirk::first_stage_added && recipe.first_bits > 0) ||
           (f.quirk >= Quirk::first_stage_dropped && f.quirk <= Quirk::first_stage_wraps && recipe.first_bits == 0);
  });
  return list;
}

std::vector<Fault> layer_faults(const IntNet& net, const Node& node) {
  ListFor lister{net, node};
  std::visit(lister, node.op);
  return std::move(lister.list);
}

std::string family_of(const Fault& f) {
  if (f.quirk != Quirk::none) {
    if (f.quirk <= Quirk::first_stage_wraps) return "rounding";
    if (f.quirk <= Quirk::shift_logical) return "multiplier and shift";
    if (f.quirk <= Quirk::zero_point_unsigned) return "zero point";
    if (f.quirk <= Quirk::clamp_lo_at_zero) return "clamp";
    if (f.quirk <= Quirk::left_shift_one_less) return "operands";
    if (f.quirk <= Quirk::count_inside) return "filter and window";
    if (f.quirk <= Quirk::bias_after_rounding) return "sum and bias";
    return "outputs";
  }
  switch (f.wire) {
    case Wire::x:
    case Wire::w: return "operands";
    case Wire::product: return "products";
    case Wire::partial:
    case Wire::bias: return "sum and bias";
    case Wire::acc: return "accumulator";
    case Wire::multiplier:
    case Wire::shift:
    case Wire::scaling: return "multiplier and shift";
    case Wire::rounding: return "rounding";
    case Wire::zero_point:
    case Wire::sum: return "zero point";
    default: return "outputs";
  }
}

}  // namespace obz
