// What becomes of a wrong kernel: each trial whose honest run passes the changed line is run with it.
#pragma once

#include <cstdint>
#include <set>
#include <string>
#include <vector>

#include "tests/gpu/mutants/layers.hpp"
#include "tests/gpu/mutants/mutate.hpp"

namespace obz::test {

enum class Verdict {
  survives,
  unreached,  ///< no trial executes the line
  different,  ///< another output
  fault,      ///< ptx::Fault: out of bounds, race, uninitialised, divergence, runaway
  error,      ///< no PTX, or an output that nothing wrote
};

struct Judgement {
  Verdict verdict = Verdict::survives;
  std::string why;  ///< the message, or the trial that saw it
};

class Judge {
 public:
  /// Runs every trial honestly; Error when one is wrong.
  Judge(const KernelText& kernel, std::vector<Trial> trials);

  Judgement judge(const Mutant& mutant) const;

 private:
  struct Known {
    Trial trial;
    std::set<std::size_t> lines;  ///< executed, of KernelText::lines
    std::uint64_t limit = 0;      ///< instructions a warp may take: four times what all warps take honestly
  };

  KernelText kernel_;
  std::vector<Known> trials_;
};

/// Only races are looked for: the message of the fault when `text` takes the kernel's place, else empty.
std::string race_of(const KernelText& kernel, const std::string& text, const Trial& trial);

}  // namespace obz::test
