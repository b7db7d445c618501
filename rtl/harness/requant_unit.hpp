// The Verilated obz_requant behind a function call. The only header that the rest of the project sees of it.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "ref/arith/recipe.hpp"

namespace obz::rtl {

class RequantUnit {
 public:
  RequantUnit();
  ~RequantUnit();
  RequantUnit(const RequantUnit&) = delete;
  RequantUnit& operator=(const RequantUnit&) = delete;

  /// Why the ports cannot carry this; nullopt: they can.
  static std::optional<std::string> refusal(const Recipe& recipe, const Channel& channel);

  /// What stands on out_o. Requires no refusal.
  std::int64_t operator()(std::int64_t acc, const Recipe& recipe, const Channel& channel);

 private:
  struct Model;
  std::unique_ptr<Model> model_;
};

}  // namespace obz::rtl
