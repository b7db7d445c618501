#include "golden/shrink/program.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "golden/engines/check.hpp"
#include "ref/base/error.hpp"
#include "ref/execute/naive.hpp"
#include "ref/tensor/type_text.hpp"

namespace obz {
namespace {

using Kind = Stage::Kind;

std::string_view in_words(Rounding r) {
  switch (r) {
    case Rounding::floor: return "down";
    case Rounding::trunc: return "towards 0";
    case Rounding::half_up: return "to nearest, ties up";
    case Rounding::half_away: return "to nearest, ties away from 0";
    case Rounding::half_even: return "to nearest, ties to even";
  }
  return "";
}

class Builder {
 public:
  Program program;

  void number(const std::string& name, std::int64_t value, const std::string& comment = "") {
    program.numbers.push_back({.name = name, .comment = comment, .values = {value}});
  }
  void list(const std::string& name, std::vector<std::int64_t> values, const std::string& comment) {
    program.numbers.push_back({.name = name, .comment = comment, .values = std::move(values), .is_list = true});
  }
  void real(const std::string& name, double value, const std::string& comment) {
    program.numbers.push_back({.name = name, .comment = comment, .is_real = true, .real = value});
  }
  const std::string& step(Stage s) {
    program.steps.push_back(std::move(s));
    return program.steps.back().dest;
  }
  std::string value(const std::string& dest, const std::string& a, const std::string& comment) {
    return step({.kind = Kind::value, .dest = dest, .a = a, .comment = comment});
  }

  /// `what` into a register of this width; the name of its content.
  std::string narrowed(const std::string& dest, const std::string& a, int bits, Overflow overflow,
                       const std::string& what) {
    if (overflow == Overflow::exact || bits >= 64) return a;
    if (overflow == Overflow::wrap)
      return step({.kind = Kind::wrap,
                   .dest = dest,
                   .a = a,
                   .comment = fmt::format("{}: {} bits, wraps", what, bits),
                   .bits = bits});
    const IntType t{static_cast<std::uint8_t>(bits), true};
    return step({.kind = Kind::saturate,
                 .dest = dest,
                 .a = a,
                 .b = fmt::format("{}", t.min()),
                 .c = fmt::format("{}", t.max()),
                 .comment = fmt::format("{}: {} bits, saturates", what, bits)});
  }

  std::string accumulator(const std::string& sum, const Accumulator& a) {
    return narrowed("acc", sum, a.bits, a.overflow, "accumulator");
  }

  /// The numbers of a requantizer; `p` goes before every name.
  void channel(const std::string& p, const Recipe& r, const Channel& c) {
    if (r.arithmetic == Arithmetic::float32_scale || r.arithmetic == Arithmetic::float64_scale) {
      real(p + "scale",
           r.arithmetic == Arithmetic::float32_scale ? static_cast<double>(static_cast<float>(c.scale)) : c.scale,
           "real meaning: out = acc * scale + zero_point");
    } else {
      number(p + "multiplier", c.multiplier, "real meaning: out = acc * multiplier / 2^shift + zero_point");
      number(p + "shift", c.shift);
      if (c.addend != 0) number(p + "addend", c.addend, "joins the product");
    }
    number(p + "zero_point", c.zero_point);
    number(p + "lo", c.lo);
    number(p + "hi", c.hi);
  }

  /// From accumulator to output; the name of the result, `p`out.
  std::string requantize(const std::string& p, const std::string& acc, const Recipe& r, const Channel& c) {
    switch (r.arithmetic) {
      case Arithmetic::dyadic: return dyadic(p, acc, r, c);
      case Arithmetic::float32_scale: return by_scale(p, acc, r, 32);
      case Arithmetic::float64_scale: return by_scale(p, acc, r, 64);
      case Arithmetic::float64_dyadic: break;
    }
    step({.kind = Kind::to_float, .dest = p + "real_acc", .a = acc, .comment = "accumulator as a double", .bits = 64});
    step({.kind = Kind::to_float,
          .dest = p + "real_mult",
          .a = p + "multiplier",
          .comment = "multiplier likewise",
          .bits = 64});
    step({.kind = Kind::times,
          .dest = p + "product",
          .a = p + "real_acc",
          .b = p + "real_mult",
          .comment = "product: one double multiplication",
          .bits = 64});
    step({.kind = Kind::scale_down,
          .dest = p + "real",
          .a = p + "product",
          .b = p + "shift",
          .comment = "division by 2^shift: exact",
          .bits = 64});
    return finish(p, p + "real", true);
  }

  /// Rounding of a float, zero point unless it joined before, clamp.
  std::string finish(const std::string& p, const std::string& real, bool late_zero_point) {
    std::string v = step(
        {.kind = Kind::nearest, .dest = p + "rounded", .a = real, .comment = "rounding: to nearest, ties to even"});
    if (late_zero_point) v = value(p + "moved", v + " + " + p + "zero_point", "zero point");
    return clamp(p, v);
  }

  std::string clamp(const std::string& p, const std::string& v) {
    return step({.kind = Kind::saturate, .dest = p + "out", .a = v, .b = p + "lo", .c = p + "hi", .comment = "clamp"});
  }

 private:
  std::string dyadic(const std::string& p, const std::string& acc, const Recipe& r, const Channel& c) {
    std::string v = acc;
    if (r.zero_point == ZeroPointAt::before_scaling)
      v = value(p + "shifted_acc", v + " + " + p + "zero_point", "zero point: joins before the scaling");
    const bool two_stages = r.first_bits > 0;
    std::string rest = p + "shift";
    int rest_bits = c.shift;
    if (two_stages && c.shift < r.first_bits) {
      v = step({.kind = Kind::left_shift,
                .dest = p + "left",
                .a = v,
                .b = fmt::format("{} - {}shift", r.first_bits, p),
                .comment = fmt::format("left shift: the multiplier's stage takes {} bits", r.first_bits)});
      v = narrowed(p + "left_register", v, 32, r.left_overflow, "its register");
      rest_bits = 0;
    } else if (two_stages) {
      rest_bits = c.shift - r.first_bits;
      rest = fmt::format("{}shift - {}", p, r.first_bits);
    }
    v = value(p + "product", v + " * " + p + "multiplier" + (c.addend != 0 ? " + " + p + "addend" : ""), "product");
    if (r.product_bits < 64) v = narrowed(p + "product_register", v, r.product_bits, Overflow::wrap, "its register");
    if (two_stages) {
      v = step({.kind = Kind::shift,
                .dest = p + "first",
                .a = v,
                .b = fmt::format("{}", r.first_bits),
                .comment = fmt::format("stage one: {} bits off, {}", r.first_bits, in_words(r.first_rounding)),
                .rounding = r.first_rounding});
      v = narrowed(p + "first_register", v, 32, r.first_overflow, "its register");
    }
    const bool early = r.zero_point == ZeroPointAt::before_rounding;
    if (rest_bits > 0) {
      v = step({.kind = Kind::shift,
                .dest = p + "scaled",
                .a = v,
                .b = rest,
                .c = early ? p + "zero_point" : "",
                .comment = fmt::format("{}rounding: {} bits off, {}", early ? "zero point, then " : "", rest_bits,
                                       in_words(r.rounding)),
                .rounding = r.rounding});
    } else if (early) {
      v = value(p + "scaled", v + " + " + p + "zero_point", "zero point; nothing to round");
    }
    // What left a 32-bit register and was shifted right needs no register of 32 bits again.
    if (!two_stages || r.first_overflow == Overflow::exact || r.scaled_bits < 32 || early)
      v = narrowed(p + "scaled_register", v, r.scaled_bits, r.scaled_overflow, "its register");
    const bool late = r.zero_point == ZeroPointAt::after_rounding;
    if (r.clamp == ClampAt::before_zero_point) {
      const std::string zp = late ? " - " + p + "zero_point" : "";
      v = step({.kind = Kind::saturate,
                .dest = p + "clamped",
                .a = v,
                .b = p + "lo" + zp,
                .c = p + "hi" + zp,
                .comment = late ? "clamp, before the zero point" : "clamp"});
      return value(p + "out", late ? v + " + " + p + "zero_point" : v, late ? "zero point" : "output");
    }
    if (late) {
      v = value(p + "moved", v + " + " + p + "zero_point", "zero point");
      v = narrowed(p + "moved_register", v, std::max<int>(r.scaled_bits, 32), r.scaled_overflow, "its register");
    }
    return clamp(p, v);
  }

  std::string by_scale(const std::string& p, const std::string& acc, const Recipe& r, int bits) {
    const bool early = r.zero_point == ZeroPointAt::before_rounding;
    const std::string width = fmt::format("float{}", bits);
    std::string v = step(
        {.kind = Kind::to_float, .dest = p + "real_acc", .a = acc, .comment = "accumulator as " + width, .bits = bits});
    v = step({.kind = Kind::times,
              .dest = p + "product",
              .a = v,
              .b = p + "scale",
              .comment = "product: one multiplication in " + width,
              .bits = bits});
    if (early) {
      step({.kind = Kind::to_float,
            .dest = p + "real_zero_point",
            .a = p + "zero_point",
            .comment = "zero point as " + width,
            .bits = bits});
      v = step({.kind = Kind::plus,
                .dest = p + "real_sum",
                .a = v,
                .b = p + "real_zero_point",
                .comment = "zero point: joins before the rounding",
                .bits = bits});
    }
    if (r.clamp == ClampAt::before_rounding) {
      const std::string zp = early ? "" : " - " + p + "zero_point";
      v = step({.kind = Kind::clip,
                .dest = p + "clipped",
                .a = v,
                .b = p + "lo" + zp,
                .c = p + "hi" + zp,
                .comment = "clamp of the real value",
                .bits = bits});
    }
    return finish(p, v, !early);
  }
};

std::vector<std::int64_t> wide(const std::vector<std::int32_t>& values) { return {values.begin(), values.end()}; }

/// A case of one output, operator by operator.
struct ProgramOf {
  const LayerCase& c;
  Builder b = {};

  const Tensor& x(std::size_t i = 0) const { return c.inputs[i]; }

  void finish(const std::string& sum, const Accumulator& accumulator, const Requant& requant,
              std::int64_t channel = 0) {
    const Channel& ch = requant.channel(channel);
    b.channel("", requant.recipe, ch);
    b.requantize("", b.accumulator(sum, accumulator), requant.recipe, ch);
  }
  void dot(std::vector<std::int64_t> xs, std::vector<std::int64_t> ws, std::int64_t zx, std::int64_t zw,
           std::optional<std::int64_t> bias, const std::string& padding) {
    b.list("x", std::move(xs), "activations" + padding);
    b.list("w", std::move(ws), "weights");
    b.number("x_zero_point", zx);
    b.number("w_zero_point", zw);
    if (bias) b.number("bias", *bias);
    b.step({.kind = Kind::dot,
            .dest = "total",
            .a = bias ? "bias" : "0",
            .b = "x_zero_point",
            .c = "w_zero_point",
            .comment = bias ? "sum: the bias and every product" : "sum of the products"});
  }

  void operator()(const Conv2d& op) {
    const View4 in(x().shape, op.layout);
    const Shape& w = op.filter.weights.shape;
    std::vector<std::int64_t> xs, padded;
    for (std::int64_t kh = 0; kh < w[1]; ++kh) {
      for (std::int64_t kw = 0; kw < w[2]; ++kw) {
        const std::int64_t ih = kh * op.window.dilation_h - op.window.pad_top;
        const std::int64_t iw = kw * op.window.dilation_w - op.window.pad_left;
        const bool inside = ih >= 0 && ih < in.h && iw >= 0 && iw < in.w;
        for (std::int64_t i = 0; i < w[3]; ++i) {
          if (!inside) padded.push_back(static_cast<std::int64_t>(xs.size()));
          xs.push_back(inside ? x().data[in.at(0, ih, iw, i)] : op.x_zero_point);
        }
      }
    }
    std::string padding;
    if (!padded.empty()) padding = fmt::format("; padding at {}: the value that means 0", fmt::join(padded, ", "));
    dot(std::move(xs), wide(op.filter.weights.data), op.x_zero_point, op.filter.zero_point_of(0), op.filter.bias_of(0),
        padding);
    finish("total", op.accumulator, op.requant);
  }
  void operator()(const Dense& op) {
    dot(wide(x().data), wide(op.filter.weights.data), op.x_zero_point, op.filter.zero_point_of(0), op.filter.bias_of(0),
        "");
    finish("total", op.accumulator, op.requant);
  }
  void operator()(const MatMul& op) {
    dot(wide(x(0).data), wide(x(1).data), op.a_zero_points[0], op.b_zero_points[0], std::nullopt,
        ", a row of the left operand");
    b.program.numbers[1].comment = "a column of the right operand";
    finish("total", op.accumulator, op.requant);
  }
  template <class Op>
  void pair(const Op& op) {
    b.number("a", x(0).data[0]);
    b.number("b", x(1).data[0]);
    b.number("a_zero", op.a_zero_point, "zero point of a");
    b.number("b_zero", op.b_zero_point, "zero point of b");
  }
  void operator()(const Mul& op) {
    pair(op);
    b.value("total", "(a - a_zero) * (b - b_zero)", "product of the operands");
    finish("total", op.accumulator, op.requant);
  }
  void operator()(const Add& op) {
    pair(op);
    const Channel& out = op.out.channels[0];
    if (op.floating) return floating(op, out);
    b.number("left_shift", op.left_shift, "of both operands");
    b.channel("a_", op.branch_a.recipe, op.branch_a.channels[0]);
    b.channel("b_", op.branch_b.recipe, op.branch_b.channels[0]);
    b.channel("", op.out.recipe, out);
    for (const std::string p : {"a", "b"}) {
      b.value(p + "_value", p + " - " + p + "_zero", "branch " + p);
      b.step({.kind = Kind::left_shift,
              .dest = p + "_wide",
              .a = p + "_value",
              .b = "left_shift",
              .comment = "left shift"});
      const Requant& r = p == "a" ? op.branch_a : op.branch_b;
      b.requantize(p + "_", p + "_wide", r.recipe, r.channels[0]);
    }
    b.value("total", op.subtract ? "a_out - b_out" : "a_out + b_out",
            op.subtract ? "difference of the branches" : "sum of the branches");
    b.requantize("", b.accumulator("total", op.accumulator), op.out.recipe, out);
  }
  void floating(const Add& op, const Channel& out) {
    const auto f32 = [](double v) { return static_cast<double>(static_cast<float>(v)); };
    b.real("a_scale", f32(op.branch_a.channels[0].scale), "of a");
    b.real("b_scale", f32(op.branch_b.channels[0].scale), "of b");
    b.real("scale", f32(out.scale), "of the output");
    b.number("zero_point", out.zero_point);
    b.number("lo", out.lo);
    b.number("hi", out.hi);
    for (const std::string p : {"a", "b"}) {
      const bool negated = op.subtract && p == "b";
      b.value(p + "_value", negated ? "b_zero - b" : p + " - " + p + "_zero",
              "operand " + p + (negated ? ", negated" : ""));
      b.step({.kind = Kind::to_float, .dest = p + "_real", .a = p + "_value", .comment = "as float32", .bits = 32});
      b.step({.kind = Kind::times,
              .dest = p + "_scaled",
              .a = p + "_real",
              .b = p + "_scale",
              .comment = "its real value, rounded to float32",
              .bits = 32});
    }
    b.step({.kind = Kind::plus,
            .dest = "real_sum",
            .a = "a_scaled",
            .b = "b_scaled",
            .comment = "sum in float32",
            .bits = 32});
    b.step({.kind = Kind::over,
            .dest = "quotient",
            .a = "real_sum",
            .b = "scale",
            .comment = "division by the output's scale in float32",
            .bits = 32});
    b.finish("", "quotient", true);
  }
  void summed(std::vector<std::int64_t> xs, std::int64_t zx) {
    b.list("x", std::move(xs), "the values summed");
    b.number("x_zero_point", zx);
    b.step({.kind = Kind::sum, .dest = "total", .b = "x_zero_point", .comment = "sum"});
  }
  void operator()(const Mean& op) {
    summed(wide(x().data), op.x_zero_point);
    finish("total", op.accumulator, op.requant);
  }
  void operator()(const AvgPool& op) {
    const View4 in(x().shape, op.layout);
    std::vector<std::int64_t> xs;
    for (std::int64_t kh = 0; kh < op.kernel_h; ++kh) {
      for (std::int64_t kw = 0; kw < op.kernel_w; ++kw) {
        const std::int64_t ih = kh * op.window.dilation_h - op.window.pad_top;
        const std::int64_t iw = kw * op.window.dilation_w - op.window.pad_left;
        if (ih >= 0 && ih < in.h && iw >= 0 && iw < in.w) xs.push_back(x().data[in.at(0, ih, iw, 0)]);
      }
    }
    const auto inside = static_cast<std::int64_t>(xs.size());
    const std::int64_t count = op.count_includes_pad ? std::int64_t{op.kernel_h} * op.kernel_w : inside;
    if (op.by == AverageBy::requant) {
      summed(std::move(xs), op.x_zero_point);
      return finish("total", op.accumulator, op.requant, count - 1);
    }
    const Channel& clamp = op.requant.channels[0];
    if (count != inside) xs.insert(xs.end(), static_cast<std::size_t>(count - inside), op.x_zero_point);
    b.list("x", std::move(xs), count == inside ? "the values of the window" : "the values of the window, padding last");
    b.number("count", count);
    b.number("lo", clamp.lo);
    b.number("hi", clamp.hi);
    b.step({.kind = Kind::sum, .dest = "total", .b = "0", .comment = "sum of the raw values"});
    const std::string acc = b.accumulator("total", op.accumulator);
    b.step({.kind = Kind::divide,
            .dest = "average",
            .a = acc,
            .b = "count",
            .comment = fmt::format("division, rounded {}", in_words(op.rounding)),
            .rounding = op.rounding});
    b.clamp("", "average");
  }
  void rescaled(std::int64_t zx, const Requant& requant) {
    b.number("x", x().data[0]);
    b.number("x_zero_point", zx);
    b.value("acc", "x - x_zero_point", "the value without its zero point");
    b.channel("", requant.recipe, requant.channels[0]);
    b.requantize("", "acc", requant.recipe, requant.channels[0]);
  }
  void operator()(const Rescale& op) { rescaled(op.x_zero_point, op.requant); }
  void operator()(const Concat& op) { rescaled(op.x_zero_points[0], op.requants[0]); }
  template <class Op>
  void operator()(const Op&) {
    throw Error(
        fmt::format("no reproducer is written for the operator {}; give -o a folder for the reduced layer", Op::kName));
  }
};

}  // namespace

bool Program::has_floats() const {
  return std::any_of(numbers.begin(), numbers.end(), [](const Number& n) { return n.is_real; }) ||
         std::any_of(steps.begin(), steps.end(), [](const Stage& s) { return s.is_float(); });
}

Program program_of(const Shrunk& shrunk) {
  const std::size_t at = shrunk.first_difference();
  const std::int64_t outputs = shrunk.want.elems();
  std::optional<LayerCase> one = cut_to_output(shrunk.layer, static_cast<std::int64_t>(at));
  if (one) settle(*one);
  if (!one || one->output().shape.elems() != 1) {
    throw Error(fmt::format("no reproducer is written for the operator {}; give -o a folder for the reduced layer",
                            operator_name(shrunk.layer.node().op)));
  }
  ProgramOf visit{*one};
  std::visit(visit, one->node().op);
  Program& p = visit.b.program;
  p.expected = shrunk.want.data[at];
  p.answered = shrunk.got.data[at];
  p.about.push_back(fmt::format("{} \"{}\"{}, {} -> {}: one output on which a device and the reference differ.",
                                describe(one->node().op), one_line(one->node().name),
                                one->net.profile.empty() ? "" : " by " + one->net.profile,
                                type_text(one->inputs[0].type), type_text(one->output().type)));
  if (outputs > 1) {
    p.about.push_back(fmt::format(
        "The device fails only while it computes {} outputs; this is number {} of them, alone.", outputs, at));
  }
  return std::move(p);
}

Program program_of(const ShrunkRequant& shrunk) {
  Builder b;
  const Recipe& r = shrunk.profile->recipe;
  b.number("acc", shrunk.reduced.acc, "what enters the requantizer");
  b.channel("", r, shrunk.reduced.channel);
  b.requantize("", "acc", r, shrunk.reduced.channel);
  b.program.expected = shrunk.want;
  b.program.answered = shrunk.got;
  b.program.about.push_back(
      fmt::format("requantizer by {}, -> {}: one case on which a device and the reference differ.", shrunk.profile->id,
                  type_text(shrunk.out)));
  if (!shrunk.alone)
    b.program.about.push_back("The device fails here only after the cases before it, which are not in this file.");
  return std::move(b.program);
}

}  // namespace obz
