// A user's unit, Verilated at run time: built once in a folder of its own, then run on batches.
#pragma once

#include <cstdint>
#include <vector>

#include "rtl/dut/wrapper.hpp"

namespace obz::rtl {

class Simulator {
 public:
  /// Builds: some seconds. Error with the tools' first error.
  Simulator(const UserUnit& unit, const Wrapper& wrapper, const Workplace& place, int timeout_s);

  /// `inputs`: records of wrapper.in_words; returns as many of wrapper.out_words. Every call starts from reset. Error
  /// when the RTL stops, does not settle or stays silent.
  std::vector<std::uint32_t> operator()(const std::vector<std::uint32_t>& inputs) const;

 private:
  std::string file_, folder_;
  std::size_t in_words_, out_words_;
  int timeout_s_;
};

}  // namespace obz::rtl
