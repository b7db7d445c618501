// A whole network made ready: values that fit are bytes, channels last, in one block of memory planned by liveness, and
// residual additions happen while the outputs of their convolution are in L1.
// Same integers as run_net with run_naive.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "ref/net/net.hpp"

namespace obz {

class FastNet {
 public:
  /// Takes a validated net and frees its weights once they are packed; everything else of it stays in net().
  explicit FastNet(IntNet net);
  ~FastNet();
  FastNet(const FastNet&) = delete;
  FastNet& operator=(const FastNet&) = delete;

  /// `inputs` in the order of net().inputs; returns values in the order of net().outputs. Error when an input's shape
  /// or type is not the declared one. Safe to call from several threads.
  std::vector<Tensor> run(const std::vector<Tensor>& inputs) const;

  const IntNet& net() const;
  /// "gemm int8, 2.1 steps a segment", one per node; "..., as int32" where a node runs on tensors, "in NODE" where it
  /// is part of another.
  std::vector<std::string> paths() const;
  /// Seconds of every node, the best of so many runs.
  std::vector<double> profile(const std::vector<Tensor>& inputs, int runs) const;
  /// Memory of the values of one run that are not tensors.
  std::int64_t value_bytes() const;

 private:
  struct Plan;
  class Run;
  std::vector<Tensor> run_timed(const std::vector<Tensor>& inputs, std::vector<double>* seconds) const;
  std::unique_ptr<Plan> plan_;
};

}  // namespace obz
