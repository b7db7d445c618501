// Builds an IntNet while a model is read: ids, names, shapes inferred from the operators.
#pragma once

#include <map>
#include <string>

#include "ref/net/net.hpp"

namespace obz {

class NetBuilder {
 public:
  NetBuilder(std::string file, std::string name, std::string profile);

  /// A value that exists before execution or is computed later; `info.id` must be new.
  int add_tensor(TensorInfo info);
  int add_constant(const std::string& id, Tensor value, double scale = 0, std::int64_t zero_point = 0);
  void add_input(int tensor) { net_.inputs.push_back(tensor); }

  /// Appends a node whose output `out` gets the inferred shape; returns the new tensor. The name is made unique.
  int add_node(const std::string& name, const std::string& origin, Operator op, std::vector<int> inputs,
               TensorInfo out);

  const TensorInfo& info(int tensor) const { return net_.tensors[static_cast<std::size_t>(tensor)]; }
  bool has_id(const std::string& id) const { return ids_.count(id) != 0; }
  IntNet& net() { return net_; }

  /// Validates and gives the net away.
  IntNet finish();

 private:
  std::string file_;
  IntNet net_;
  std::map<std::string, int> ids_, names_;
};

}  // namespace obz
