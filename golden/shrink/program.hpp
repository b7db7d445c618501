// The value of one output as a straight line of named steps, without a language: what a reproducer prints.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "golden/shrink/shrink.hpp"

namespace obz {

/// A named constant of the program: an integer, a list of integers, or a float.
struct Number {
  std::string name, comment;
  std::vector<std::int64_t> values;
  bool is_list = false, is_real = false;
  double real = 0;
};

/// dest = operation(a, b, c): operands are names, or sums and differences of names and small integers.
struct Stage {
  enum class Kind : std::uint8_t {
    value,       ///< a, an expression in + - *
    dot,         ///< a + sum over k of (x[k] - b) * (w[k] - c)
    sum,         ///< sum over k of x[k] - b
    left_shift,  ///< a * 2^b
    wrap,        ///< the low `bits` bits of a
    saturate,    ///< a clamped to [b, c]
    shift,       ///< round(a / 2^b + c) by `rounding`; c may be empty
    divide,      ///< round(a / b) by `rounding`
    to_float,    ///< a as a float of `bits` bits; what follows computes in that width
    times,       ///< a * b
    plus,        ///< a + b
    over,        ///< a / b
    clip,        ///< a clamped to the integers b and c
    scale_down,  ///< a / 2^b
    nearest,     ///< a to an integer, ties to even
  };
  Kind kind = Kind::value;
  std::string dest, a, b, c, comment;
  int bits = 0;  ///< of wrap, and of every float step
  Rounding rounding = Rounding::floor;

  bool is_float() const { return kind >= Kind::to_float && kind != Kind::nearest; }
};

struct Program {
  std::vector<std::string> about;  ///< lines for the head of the file
  std::vector<Number> numbers;
  std::vector<Stage> steps;  ///< the last one is the output
  std::int64_t expected = 0, answered = 0;

  bool has_floats() const;
};

/// Error where the operator has no program (softmax, pooling by maximum ...).
Program program_of(const Shrunk& shrunk);
Program program_of(const ShrunkRequant& shrunk);

}  // namespace obz
