// From the text of a module to kernels, with what the driver's compiler refuses and where it says so.
#pragma once

#include <cstdint>

#include "tests/gpu/stand_in/state.hpp"

namespace obz::stand_in {

/// Failure invalid_value for options that are none, or for a log buffer without a size.
class CompilerOptions {
 public:
  CompilerOptions(unsigned count, const int* options, void** values);

  /// What the compiler has to say, "" included: cut to the size of the error log, with a zero behind it.
  void report(const std::string& error);

 private:
  struct Log {
    char* buffer = nullptr;
    std::uint32_t bytes = 0;
    void** size_value = nullptr;  ///< holds the size, and then how much of it was filled
  };

  static void fill(const Log& log, const std::string& text);

  Log info_, error_;
  void** wall_time_ = nullptr;
};

std::shared_ptr<LoadedModule> load_module(const char* image, CompilerOptions& options);

}  // namespace obz::stand_in
