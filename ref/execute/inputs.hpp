// Input files of a network: one array per network input, one sample per leading index, integers or, where the network
// has a float border, floats.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "ref/net/net.hpp"
#include "ref/tensor/npy.hpp"

namespace obz {

/// Arrays bound to network inputs and checked against them.
class InputSet {
 public:
  /// `files`: "x.npy", or "id=x.npy" for networks with several inputs. Error when a shape, a type or the sample counts
  /// do not fit. An input declared 1xHxWxC takes arrays HxWxC, 1xHxWxC and NxHxWxC.
  InputSet(const IntNet& net, const std::vector<std::string>& files);
  /// The same from arrays in the order of net.inputs; `names` for messages.
  InputSet(const IntNet& net, std::vector<NpyArray> arrays, const std::vector<std::string>& names);

  std::int64_t count() const { return count_; }

  /// The integers that enter the network for sample `i`, in the order of net.inputs; floats pass the input border.
  std::vector<Tensor> sample(std::int64_t i) const;

 private:
  void bind(std::vector<NpyArray> arrays, const std::vector<std::string>& names);

  const IntNet& net_;
  std::vector<NpyArray> arrays_;  ///< leading axis = sample
  std::vector<std::string> names_;
  std::int64_t count_ = 0;
};

}  // namespace obz
