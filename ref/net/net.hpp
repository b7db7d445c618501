// IntNet: an integer network with its arithmetic explicit on every node. A plain value: build it, validate it, save
// it, load it, execute it. No profile, no model format and no float is needed to execute a dyadic IntNet.
#pragma once

#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "ref/border/border.hpp"
#include "ref/ops/add.hpp"
#include "ref/ops/avg_pool.hpp"
#include "ref/ops/concat.hpp"
#include "ref/ops/conv2d.hpp"
#include "ref/ops/conv_transpose2d.hpp"
#include "ref/ops/dense.hpp"
#include "ref/ops/lookup.hpp"
#include "ref/ops/matmul.hpp"
#include "ref/ops/max_pool.hpp"
#include "ref/ops/mean.hpp"
#include "ref/ops/min_max.hpp"
#include "ref/ops/movement.hpp"
#include "ref/ops/mul.hpp"
#include "ref/ops/rescale.hpp"
#include "ref/ops/softmax.hpp"
#include "ref/ops/threshold.hpp"

namespace obz {

/// Every operator. Adding one: its file in ref/ops, one entry here, one overload in ref/execute/naive.cpp.
using Operator = std::variant<Conv2d, ConvTranspose2d, Dense, MatMul, Add, Mul, MinMax, AvgPool, MaxPool, Mean, Softmax,
                              Rescale, Lookup, Threshold, Reshape, Transpose, Pad, Slice, Concat>;

std::string_view operator_name(const Operator& op);

/// One value in the graph.
struct TensorInfo {
  std::string id;    ///< unique; a TFLite tensor's index, an ONNX value's name
  std::string name;  ///< for people
  Shape shape;
  IntType type;
  double scale = 0;                ///< real value of one step, for people and borders; 0: unknown. Executing ignores it
  std::int64_t zero_point = 0;     ///< of the whole tensor, likewise
  std::optional<Tensor> constant;  ///< the values, when they are known before execution
};

struct Node {
  std::string name;          ///< unique
  std::string origin;        ///< operator of the source model, "CONV_2D"
  std::vector<int> inputs;   ///< indices into IntNet::tensors, activations and constants; weights live in `op`
  std::vector<int> outputs;  ///< exactly one today
  Operator op;
};

struct IntNet {
  std::string name;
  std::string origin;   ///< file the network came from, without folders, and its sha256
  std::string profile;  ///< id of the profile that filled the fields; "" when mixed or hand-made
  std::vector<TensorInfo> tensors;
  std::vector<Node> nodes;  ///< in execution order: every input is produced earlier, constant, or a network input
  std::vector<int> inputs, outputs;
  std::vector<InputBorder> input_borders;    ///< how float inputs become integers, if the model has such a border
  std::vector<OutputBorder> output_borders;  ///< what the integers mean to a float consumer
  std::vector<std::string> notes;            ///< what the import left out, one sentence each
};

/// The value with this id; Error listing near ids when there is none.
int find_tensor(const IntNet& net, const std::string& id);
/// The node with this name, or, when it is a number, at this index.
int find_node(const IntNet& net, const std::string& name_or_index);

}  // namespace obz
