#include "ref/read/onnx/tensor_proto.hpp"

#include <bit>
#include <limits>

#include <fmt/format.h>

#include "ref/base/error.hpp"
#include "ref/read/onnx/decode_tensor.hpp"

namespace obz {
namespace onnx {
namespace {

/// Elements narrower than a byte lie low bits first.
Bytes unpack(ByteView packed, std::size_t elems, int bits, bool is_signed) {
  Bytes bytes(elems);
  const auto per_byte = static_cast<std::size_t>(8 / bits);
  for (std::size_t i = 0; i < elems; ++i) {
    const int shifted = packed[i / per_byte] >> (static_cast<int>(i % per_byte) * bits);
    const int value = shifted & ((1 << bits) - 1);
    bytes[i] = static_cast<std::uint8_t>(is_signed ? wrap(value, bits) : value);
  }
  return bytes;
}

[[noreturn]] void wrong_count(const std::string& where, std::uint64_t expected, std::uint64_t got,
                              const std::string& unit, const Shape& shape, DataType type) {
  throw Error(
      fmt::format("{}: expected {} {} for {} {}, got {}", where, expected, unit, shape.text(), type_name(type), got));
}

/// One of the typed fields, as little-endian bytes of `width` each; Error when a value does not fit.
template <class Field>
Bytes from_field(const Field& field, int width, std::int64_t lo, std::uint64_t hi, const std::string& where) {
  Bytes bytes;
  bytes.reserve(static_cast<std::size_t>(field.size()) * static_cast<std::size_t>(width));
  for (const auto value : field) {
    const bool fits = value < 0 ? static_cast<std::int64_t>(value) >= lo : static_cast<std::uint64_t>(value) <= hi;
    if (!fits) throw Error(fmt::format("{}: value {} does not fit its type", where, value));
    store_le(bytes, static_cast<std::uint64_t>(value), width);
  }
  return bytes;
}

/// The bytes a raw_data field would hold.
Bytes raw_bytes_of(const obz_onnx::TensorProto& t, DataType type, const std::string& where) {
  if (t.has_raw_data()) return Bytes(t.raw_data().begin(), t.raw_data().end());
  const auto in_int32 = [&](int width, std::int64_t lo, std::uint64_t hi) {
    return from_field(t.int32_data(), width, lo, hi, where);
  };
  switch (type) {
    case DataType::float32: {
      Bytes bytes;
      for (const float v : t.float_data()) store_le(bytes, std::bit_cast<std::uint32_t>(v), 4);
      return bytes;
    }
    case DataType::float64: {
      Bytes bytes;
      for (const double v : t.double_data()) store_le(bytes, std::bit_cast<std::uint64_t>(v), 8);
      return bytes;
    }
    case DataType::int64: return from_field(t.int64_data(), 8, INT64_MIN, INT64_MAX, where);
    case DataType::uint64: return from_field(t.uint64_data(), 8, 0, UINT64_MAX, where);
    case DataType::uint32: return from_field(t.uint64_data(), 4, 0, UINT32_MAX, where);
    case DataType::int32: return in_int32(4, INT32_MIN, INT32_MAX);
    case DataType::int16: return in_int32(2, INT16_MIN, INT16_MAX);
    case DataType::uint16:
    case DataType::float16: return in_int32(2, 0, UINT16_MAX);
    case DataType::int8: return in_int32(1, INT8_MIN, INT8_MAX);
    case DataType::boolean: return in_int32(1, 0, 1);
    default: return in_int32(1, INT8_MIN, UINT8_MAX);  // uint8 and packed bytes of narrower types
  }
}

}  // namespace

Constant decode_tensor(const obz_onnx::TensorProto& t, const std::string& where) {
  Constant constant;
  constant.type = static_cast<DataType>(t.data_type());
  NpyArray& array = constant.array;
  array.shape = Shape(std::vector<std::int64_t>(t.dims().begin(), t.dims().end()));
  check_shape(array.shape, where);
  constexpr int external = 1;
  if (t.data_location() == external) {
    throw Error(fmt::format("{}: its data stands in another file; save the model as one file", where));
  }
  const std::optional<Storage> storage = storage_of(constant.type);
  if (!storage) return constant;
  array.kind = storage->kind;
  array.item_bytes = storage->item_bytes;
  const auto elems = static_cast<std::uint64_t>(array.shape.elems());
  const auto bits = static_cast<std::uint64_t>(packed_bits(constant.type));
  const std::uint64_t expected = (elems * bits + 7) / 8;
  Bytes bytes = raw_bytes_of(t, constant.type, where);
  if (bytes.size() != expected) wrong_count(where, expected, bytes.size(), "bytes", array.shape, constant.type);
  const bool packed = bits < 8;
  array.bytes = packed ? unpack(bytes, elems, static_cast<int>(bits), array.kind == 'i') : std::move(bytes);
  return constant;
}

}  // namespace onnx

NpyArray parse_tensor_proto(ByteView file, const std::string& name) {
  obz_onnx::TensorProto proto;
  const bool small = file.size() <= static_cast<std::size_t>(std::numeric_limits<int>::max());
  if (!small || !proto.ParseFromArray(file.data(), static_cast<int>(file.size())) || !proto.has_data_type()) {
    throw Error(fmt::format("{}: not an ONNX tensor (a serialized TensorProto)", name));
  }
  onnx::Constant constant = onnx::decode_tensor(proto, name);
  if (!onnx::storage_of(constant.type)) {
    throw Error(fmt::format("{}: {} is out of scope: expected integers, bool, float16, float32 or float64", name,
                            onnx::type_name(constant.type)));
  }
  return std::move(constant.array);
}

}  // namespace obz
