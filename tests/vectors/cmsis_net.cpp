#include "tests/vectors/cmsis_net.hpp"

#include <map>
#include <regex>

#include <fmt/format.h>

#include "ref/base/error.hpp"
#include "ref/read/builder.hpp"

namespace obz::test {
namespace {

constexpr CmsisCase::Names kInput{"input", "input_tensor"};
constexpr CmsisCase::Names kOutput{"output_ref", "output"};

struct Operand {
  CmsisCase::Names array;
  Shape shape;
};

CmsisNet one_node(const CmsisCase& c, Operator op, std::initializer_list<Operand> operands) {
  NetBuilder builder(c.name, c.name, "");
  CmsisNet result;
  std::vector<int> tensors;
  for (const Operand& o : operands) {
    result.inputs.push_back(c.tensor(o.array, o.shape));
    const std::string id = fmt::format("x{}", tensors.size());
    tensors.push_back(builder.add_tensor({.id = id, .shape = o.shape, .type = result.inputs.back().type}));
    builder.add_input(tensors.back());
  }
  const std::string name(operator_name(op));
  const TensorInfo out{.id = "y", .type = c.type(kOutput)};
  builder.net().outputs = {builder.add_node(name, name, std::move(op), tensors, out)};
  result.net = builder.finish();
  result.expected = c.values(kOutput);
  result.remark = c.remark;
  return result;
}

/// INPUT_BATCHES is not in all generations; the array's size is.
Shape image(const CmsisCase& c, CmsisCase::Names channels) {
  const std::int64_t h = c.number({"INPUT_H"}), w = c.number({"INPUT_W"}), ch = c.number(channels);
  return {c.elems(kInput) / (h * w * ch), h, w, ch};
}

Shape rows(const CmsisCase& c, std::int64_t depth) { return {c.elems(kInput) / depth, depth}; }

Shape matrices(const CmsisCase& c, const std::string& side) {
  const auto extent = [&](const char* what) { return c.number({(side + what).c_str()}); };
  return {extent("_BATCH"), extent("_HEIGHT"), extent("_ROWS"), extent("_COLS")};
}

Shape operand(const CmsisCase& c, const std::string& suffix) {
  const auto extent = [&](const char* what) { return c.number({(what + suffix).c_str()}); };
  return {extent("BATCH_"), extent("HEIGHT_"), extent("WIDTH_"), extent("CHANNEL_")};
}

CmsisNet dense(const CmsisCase& c) {
  const std::int64_t depth = c.number({"ACCUMULATION_DEPTH"});
  return one_node(c, cmsis_dense(c, depth), {{kInput, rows(c, depth)}});
}

CmsisNet softmax(const CmsisCase& c) {
  const Shape shape{c.number({"NUM_ROWS"}), c.number({"ROW_SIZE"})};
  return one_node(c, cmsis_softmax(c, c.type(kInput)), {{kInput, shape}});
}

CmsisNet matmul(const CmsisCase& c) {
  return one_node(c, cmsis_matmul(c),
                  {{{"lhs_input_tensor"}, matrices(c, "LHS")}, {{"rhs_input_tensor"}, matrices(c, "RHS")}});
}

CmsisNet min_max(const CmsisCase& c, bool maximum) {
  return one_node(c, MinMax{maximum}, {{{"input_tensor_1"}, operand(c, "1")}, {{"input_tensor_2"}, operand(c, "2")}});
}

CmsisNet elementwise(const CmsisCase& c, Operator op) {
  const Shape shape{c.number({"DST_SIZE"})};
  return one_node(c, std::move(op), {{{"input1"}, shape}, {{"input2"}, shape}});
}

CmsisNet transpose(const CmsisCase& c) {
  Shape in;
  CmsisCase with_remark = c;
  const Transpose op = cmsis_transpose(c, in, with_remark.remark);
  return one_node(with_remark, op, {{kInput, in}});
}

/// A layer of a whole network, numbered by upstream: "CONV_2D_3_" and "layer_3_conv_2d_".
struct Layer {
  std::string type;  ///< "CONV_2D"
  CmsisCase part;
};

std::map<int, Layer> layers_of(const CmsisCase& c) {
  static const std::regex pattern("(CONV_2D|DEPTHWISE_CONV_2D|AVERAGE_POOL_2D|FULLY_CONNECTED|SOFTMAX)_([0-9]+)_.*");
  std::map<int, Layer> layers;
  std::smatch match;
  for (const auto& [key, value] : c.numbers) {
    if (!std::regex_match(key, match, pattern)) continue;
    const std::string type = match[1], number = match[2];
    if (layers.count(std::stoi(number)) != 0) continue;
    std::string lower = type;
    for (char& letter : lower) letter = static_cast<char>(std::tolower(static_cast<unsigned char>(letter)));
    const CmsisCase part = c.layer(type + "_" + number + "_", "layer_" + number + "_" + lower + "_");
    layers.emplace(std::stoi(number), Layer{type, part});
  }
  return layers;
}

Operator operator_of(const Layer& layer, const Shape& x) {
  if (layer.type == "CONV_2D") return cmsis_conv2d(layer.part);
  if (layer.type == "DEPTHWISE_CONV_2D") return cmsis_depthwise(layer.part);
  if (layer.type == "AVERAGE_POOL_2D") return cmsis_avg_pool(layer.part);
  if (layer.type == "FULLY_CONNECTED") return cmsis_dense(layer.part, x.elems());
  if (layer.type == "SOFTMAX") return cmsis_softmax(layer.part, kInt8);
  throw Error(fmt::format("layer type {} is unknown", layer.type));  // the pattern of layers_of admits no other
}

CmsisNet chain(const CmsisCase& c, const std::map<int, Layer>& layers) {
  NetBuilder builder(c.name, c.name, "cmsis-nn/double");
  const CmsisCase& first = layers.begin()->second.part;
  const Shape shape{1, first.number({"INPUT_H"}), first.number({"INPUT_W"}), first.number({"IN_CH"})};
  CmsisNet result;
  result.inputs = {c.tensor(kInput, shape)};
  int value = builder.add_tensor({.id = "x", .shape = shape, .type = kInt8});
  builder.add_input(value);
  for (const auto& [number, layer] : layers) {
    const std::string id = fmt::format("{}_{}", layer.type, number);
    value = builder.add_node(id, layer.type, operator_of(layer, builder.info(value).shape), {value},
                             {.id = id, .type = kInt8});
  }
  builder.net().outputs = {value};
  result.net = builder.finish();
  result.expected = c.values(kOutput);
  result.remark = fmt::format("{} layers", layers.size());
  return result;
}

}  // namespace

std::variant<CmsisNet, NotApplicable> build_cmsis_net(const CmsisCase& c) {
  const auto named = [&](const char* part) { return c.name.find(part) != std::string::npos; };
  if (named("lstm")) return NotApplicable{"UNIDIRECTIONAL_SEQUENCE_LSTM is no operator of ours"};
  if (named("svdf")) return NotApplicable{"SVDF is no operator of ours"};
  if (const auto layers = layers_of(c); layers.size() > 1) return chain(c, layers);
  if (const auto type = c.words.find("LAYER_TYPE"); type != c.words.end()) return min_max(c, type->second == "maximum");
  if (c.has_array({"lhs_input_tensor"})) return matmul(c);
  if (c.has_number({"PERM_SIZE"})) return transpose(c);
  if (named("avgpool")) return one_node(c, cmsis_avg_pool(c), {{kInput, image(c, {"INPUT_C"})}});
  if (named("maxpool")) return one_node(c, cmsis_max_pool(c), {{kInput, image(c, {"INPUT_C"})}});
  if (named("softmax")) return softmax(c);
  if (c.has_number({"INPUT1_MULT"})) return elementwise(c, cmsis_add(c));
  if (c.has_number({"INPUT1_OFFSET"})) return elementwise(c, cmsis_mul(c));
  if (c.has_number({"ACCUMULATION_DEPTH"})) return dense(c);
  if (named("transpose_conv")) return one_node(c, cmsis_conv_transpose2d(c), {{kInput, image(c, {"IN_CH"})}});
  if (c.has_number({"CH_MULT"})) return one_node(c, cmsis_depthwise(c), {{kInput, image(c, {"IN_CH"})}});
  if (c.has_number({"FILTER_X"})) return one_node(c, cmsis_conv2d(c), {{kInput, image(c, {"IN_CH"})}});
  return NotApplicable{"its operator is not recognised"};
}

}  // namespace obz::test
