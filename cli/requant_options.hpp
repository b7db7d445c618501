// The options `gen requant` and `ver requant` share: both sides of a stream must mean the same cases.
#pragma once

#include <string>

#include <fmt/format.h>

#include "cli/verb.hpp"
#include "golden/cases/requant_case.hpp"
#include "ref/base/error.hpp"
#include "ref/tensor/type_text.hpp"

namespace obz::cli {

struct RequantOptions {
  std::string profile = "tflite/double", out = "int8";

  void add_to(std::vector<Option>& options) {
    options.push_back({"--profile,-p", "ID", "arithmetic (default tflite/double; `obz profiles` lists all)", &profile});
    options.push_back({"--type,-t", "TYPE", "output type: int8, uint8, int16, int4 ... (default int8)", &out});
  }
  RequantSpace space() const {
    const auto type = type_from_text(out);
    if (!type || type->bits > 16) {
      throw Error(fmt::format("--type {}: expected an integer type of at most 16 bits, such as int8 or uint4", out));
    }
    return {.profile = &find_profile(profile), .out = *type};
  }
};

inline Goal goal_from(const std::string& text) {
  if (text == "corners") return Goal::corners;
  if (text == "random") return Goal::random;
  if (text == "complete") return Goal::complete;
  throw Error(fmt::format("--goal {}: expected corners, random or complete", text));
}

}  // namespace obz::cli
