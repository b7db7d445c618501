// A function of one narrow integer as a table: LOGISTIC, TANH, HARD_SWISH and other int8 nonlinearities. (S47)
#pragma once

#include <string_view>

#include "ref/tensor/tensor.hpp"

namespace obz {

/// y = table[x - x.type.min()]; the table has 2^bits entries of x's type (at most 16 bits).
struct Lookup {
  static constexpr std::string_view kName = "lookup";

  Tensor table;          ///< rank 1
  std::string function;  ///< what the table holds, for people: "logistic"

  template <class Self, class V>
  static void fields(Self& s, V&& v) {
    v("table", s.table);
    v("function", s.function);
  }
};

Shape infer(const Lookup& op, const Shape& x, const std::string& where);
void run(const Lookup& op, const Tensor& x, Tensor& y);

}  // namespace obz
