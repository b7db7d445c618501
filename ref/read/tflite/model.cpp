#include "ref/read/tflite/model.hpp"

#include <map>

#include "tflite_schema_generated.h"
#include <fmt/format.h>

#include "ref/base/error.hpp"

namespace obz::tflite {
namespace {

namespace fb = tflite_schema;

template <class T>
std::vector<int> indices(const flatbuffers::Vector<T>* v) {
  return v == nullptr ? std::vector<int>() : std::vector<int>(v->begin(), v->end());
}

/// The operator's options as table T, verified; nullptr when the file has none.
template <class T>
const T* options_as(const fb::Operator& op, ByteView bytes, const std::string& where) {
  if (op.options() == nullptr) return nullptr;
  const auto* table = reinterpret_cast<const T*>(op.options());
  flatbuffers::Verifier verifier(bytes.data(), bytes.size());
  if (!table->Verify(verifier)) throw Error(fmt::format("{}: damaged options", where));
  return table;
}

Activation activation_of(int code, const std::string& where) {
  if (code < 0 || code > static_cast<int>(Activation::sign_bit)) {
    throw Error(fmt::format("{}: unknown fused activation {}", where, code));
  }
  return static_cast<Activation>(code);
}

using ReadOptions = void (*)(const fb::Operator&, ByteView, const std::string&, Options&);

template <class Table>
void read_window(const Table& t, Options& o) {
  o.same_padding = t.padding() == 0;
  o.stride_w = t.stride_w();
  o.stride_h = t.stride_h();
}

void read_conv(const fb::Operator& op, ByteView bytes, const std::string& where, Options& o) {
  if (const auto* t = options_as<fb::ConvOptions>(op, bytes, where)) {
    read_window(*t, o);
    o.dilation_w = t->dilation_w();
    o.dilation_h = t->dilation_h();
    o.activation = activation_of(t->activation(), where);
  }
}

void read_depthwise(const fb::Operator& op, ByteView bytes, const std::string& where, Options& o) {
  if (const auto* t = options_as<fb::DepthwiseOptions>(op, bytes, where)) {
    read_window(*t, o);
    o.dilation_w = t->dilation_w();
    o.dilation_h = t->dilation_h();
    o.depth_multiplier = t->depth_multiplier();
    o.activation = activation_of(t->activation(), where);
  }
}

void read_pool(const fb::Operator& op, ByteView bytes, const std::string& where, Options& o) {
  if (const auto* t = options_as<fb::PoolOptions>(op, bytes, where)) {
    read_window(*t, o);
    o.filter_w = t->filter_w();
    o.filter_h = t->filter_h();
    o.activation = activation_of(t->activation(), where);
  }
}

void read_dense(const fb::Operator& op, ByteView bytes, const std::string& where, Options& o) {
  if (const auto* t = options_as<fb::DenseOptions>(op, bytes, where)) {
    o.activation = activation_of(t->activation(), where);
    o.weights_format = t->weights_format();
    o.keep_num_dims = t->keep_num_dims();
  }
}

void read_arithmetic(const fb::Operator& op, ByteView bytes, const std::string& where, Options& o) {
  if (const auto* t = options_as<fb::ArithmeticOptions>(op, bytes, where)) {
    o.activation = activation_of(t->activation(), where);
  }
}

void read_softmax(const fb::Operator& op, ByteView bytes, const std::string& where, Options& o) {
  if (const auto* t = options_as<fb::SoftmaxOptions>(op, bytes, where)) o.beta = t->beta();
}

void read_concat(const fb::Operator& op, ByteView bytes, const std::string& where, Options& o) {
  if (const auto* t = options_as<fb::ConcatOptions>(op, bytes, where)) {
    o.axis = t->axis();
    o.activation = activation_of(t->activation(), where);
  }
}

void read_reshape(const fb::Operator& op, ByteView bytes, const std::string& where, Options& o) {
  const auto* t = options_as<fb::ReshapeOptions>(op, bytes, where);
  if (t != nullptr && t->new_shape() != nullptr) o.new_shape.assign(t->new_shape()->begin(), t->new_shape()->end());
}

void read_batch_matmul(const fb::Operator& op, ByteView bytes, const std::string& where, Options& o) {
  if (const auto* t = options_as<fb::BatchMatMulOptions>(op, bytes, where)) {
    o.adj_x = t->adj_x();
    o.adj_y = t->adj_y();
  }
}

void read_reducer(const fb::Operator& op, ByteView bytes, const std::string& where, Options& o) {
  if (const auto* t = options_as<fb::ReducerOptions>(op, bytes, where)) o.keep_dims = t->keep_dims();
}

void read_strided_slice(const fb::Operator& op, ByteView bytes, const std::string& where, Options& o) {
  if (const auto* t = options_as<fb::StridedSliceOptions>(op, bytes, where)) {
    o.begin_mask = t->begin_mask();
    o.end_mask = t->end_mask();
    o.ellipsis_mask = t->ellipsis_mask();
    o.new_axis_mask = t->new_axis_mask();
    o.shrink_axis_mask = t->shrink_axis_mask();
  }
}

void read_split(const fb::Operator& op, ByteView bytes, const std::string& where, Options& o) {
  if (const auto* t = options_as<fb::SplitOptions>(op, bytes, where)) o.num_splits = t->num_splits();
}

const std::map<std::string_view, ReadOptions>& option_readers() {
  static const std::map<std::string_view, ReadOptions> readers{{"CONV_2D", read_conv},
                                                               {"DEPTHWISE_CONV_2D", read_depthwise},
                                                               {"TRANSPOSE_CONV", read_conv},
                                                               {"AVERAGE_POOL_2D", read_pool},
                                                               {"MAX_POOL_2D", read_pool},
                                                               {"FULLY_CONNECTED", read_dense},
                                                               {"ADD", read_arithmetic},
                                                               {"SUB", read_arithmetic},
                                                               {"MUL", read_arithmetic},
                                                               {"SOFTMAX", read_softmax},
                                                               {"CONCATENATION", read_concat},
                                                               {"RESHAPE", read_reshape},
                                                               {"MEAN", read_reducer},
                                                               {"BATCH_MATMUL", read_batch_matmul},
                                                               {"STRIDED_SLICE", read_strided_slice},
                                                               {"SPLIT", read_split}};
  return readers;
}

/// A vector of 8-byte values may stand at any multiple of 4, so its elements are not read in place.
std::vector<std::int64_t> copy_int64(const flatbuffers::Vector<std::int64_t>& v) {
  std::vector<std::int64_t> values(v.size());
  for (std::size_t i = 0; i < values.size(); ++i) values[i] = static_cast<std::int64_t>(load_le(v.Data() + i * 8, 8));
  return values;
}

TensorDef read_tensor(const fb::Tensor& t, const fb::Model& model, ByteView bytes, const std::string& where) {
  TensorDef def;
  if (t.name() != nullptr) def.name = t.name()->str();
  if (t.shape() != nullptr) {
    for (const int extent : *t.shape()) def.shape.push_back(extent);
  }
  check_shape(def.shape, where);
  def.type = static_cast<Type>(t.type());
  def.is_sparse = t.sparsity() != nullptr;
  def.is_variable = t.is_variable();
  if (const auto* q = t.quantization()) {
    if (q->scale() != nullptr) def.scales.assign(q->scale()->begin(), q->scale()->end());
    if (q->zero_point() != nullptr) def.zero_points = copy_int64(*q->zero_point());
    def.quantized_dimension = q->quantized_dimension();
    def.has_custom_quantization = q->details_type() != 0;
  }
  const std::uint32_t buffers = model.buffers() == nullptr ? 0 : model.buffers()->size();
  if (t.buffer() >= buffers) {
    if (t.buffer() == 0) return def;
    throw Error(fmt::format("{}: buffer {} does not exist (the model has {})", where, t.buffer(), buffers));
  }
  const fb::Buffer* buffer = model.buffers()->Get(t.buffer());
  if (buffer->data() != nullptr && buffer->data()->size() > 0) {
    def.data = ByteView(buffer->data()->data(), buffer->data()->size());
  } else if (buffer->offset() > 1) {  // large models keep their data after the FlatBuffer
    if (buffer->offset() > bytes.size() || buffer->size() > bytes.size() - buffer->offset()) {
      throw Error(fmt::format("{}: buffer {} lies outside the file", where, t.buffer()));
    }
    def.data = bytes.subspan(buffer->offset(), buffer->size());
  }
  return def;
}

OperatorDef read_operator(const fb::Operator& op, const fb::Model& model, std::size_t index, std::size_t tensor_count,
                          ByteView bytes, const std::string& file) {
  OperatorDef def;
  const std::uint32_t codes = model.operator_codes() == nullptr ? 0 : model.operator_codes()->size();
  if (op.opcode_index() >= codes) {
    throw Error(fmt::format("{}: operator {}: opcode {} does not exist (the model has {})", file, index,
                            op.opcode_index(), codes));
  }
  const fb::OperatorCode* code = model.operator_codes()->Get(op.opcode_index());
  // Codes beyond 126 stand in the newer field only; the older one then holds 127.
  def.code = std::max<int>(code->old_builtin_code(), code->builtin_code());
  def.name = operator_name(def.code);
  if (def.name == "CUSTOM" && code->custom_code() != nullptr) def.name = "CUSTOM " + code->custom_code()->str();
  def.inputs = indices(op.inputs());
  def.outputs = indices(op.outputs());
  const auto exists = [&](int i) { return i >= 0 && i < static_cast<int>(tensor_count); };
  for (const int i : def.inputs) {
    if (i != -1 && !exists(i))
      throw Error(fmt::format("{}: operator {} ({}): input {} does not exist", file, index, def.name, i));
  }
  for (const int i : def.outputs) {
    if (!exists(i))
      throw Error(fmt::format("{}: operator {} ({}): output {} does not exist", file, index, def.name, i));
  }
  const auto reader = option_readers().find(def.name);
  if (reader != option_readers().end()) {
    reader->second(op, bytes, fmt::format("{}: operator {} ({})", file, index, def.name), def.options);
  }
  return def;
}

}  // namespace

Model parse(ByteView bytes, const std::string& file) {
  constexpr std::size_t smallest = 8;
  if (bytes.size() < smallest || !flatbuffers::BufferHasIdentifier(bytes.data(), "TFL3")) {
    throw Error(fmt::format("{}: not a TFLite model (no TFL3 identifier)", file));
  }
  flatbuffers::Verifier verifier(bytes.data(), bytes.size());
  if (!verifier.VerifyBuffer<fb::Model>("TFL3")) throw Error(fmt::format("{}: damaged TFLite model", file));
  const fb::Model& model = *fb::GetModel(bytes.data());
  constexpr std::uint32_t version = 3;
  if (model.version() != version) {
    throw Error(fmt::format("{}: expected TFLite schema version {}, got {}", file, version, model.version()));
  }
  const std::uint32_t graphs = model.subgraphs() == nullptr ? 0 : model.subgraphs()->size();
  if (graphs != 1) throw Error(fmt::format("{}: expected one subgraph, got {}", file, graphs));
  const fb::SubGraph& graph = *model.subgraphs()->Get(0);

  Model result;
  if (graph.tensors() != nullptr) {
    for (std::uint32_t i = 0; i < graph.tensors()->size(); ++i) {
      const std::string where = fmt::format("{}: tensor {}", file, i);
      result.tensors.push_back(read_tensor(*graph.tensors()->Get(i), model, bytes, where));
    }
  }
  if (graph.operators() != nullptr) {
    for (std::uint32_t i = 0; i < graph.operators()->size(); ++i) {
      result.operators.push_back(
          read_operator(*graph.operators()->Get(i), model, i, result.tensors.size(), bytes, file));
    }
  }
  result.inputs = indices(graph.inputs());
  result.outputs = indices(graph.outputs());
  for (const std::vector<int>* list : {&result.inputs, &result.outputs}) {
    for (const int i : *list) {
      if (i < 0 || i >= static_cast<int>(result.tensors.size())) {
        throw Error(fmt::format("{}: graph input or output {} does not exist", file, i));
      }
    }
  }
  return result;
}

}  // namespace obz::tflite
