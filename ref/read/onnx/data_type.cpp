#include "ref/read/onnx/data_type.hpp"

#include <array>
#include <string_view>

namespace obz::onnx {
namespace {

// Position = code of the file format.
constexpr std::array<std::string_view, 27> kNames{
    "undefined", "float32",    "uint8",      "int8",         "uint16",         "int16",      "int32",
    "int64",     "string",     "bool",       "float16",      "float64",        "uint32",     "uint64",
    "complex64", "complex128", "bfloat16",   "float8e4m3fn", "float8e4m3fnuz", "float8e5m2", "float8e5m2fnuz",
    "uint4",     "int4",       "float4e2m1", "float8e8m0",   "uint2",          "int2"};

}  // namespace

std::string type_name(DataType type) {
  const int code = static_cast<int>(type);
  if (code >= 0 && code < static_cast<int>(kNames.size())) return std::string(kNames[static_cast<std::size_t>(code)]);
  return "type " + std::to_string(code);
}

std::optional<IntType> int_type(DataType type) {
  switch (type) {
    case DataType::uint2: return IntType{2, false};
    case DataType::int2: return IntType{2, true};
    case DataType::uint4: return kUInt4;
    case DataType::int4: return kInt4;
    case DataType::uint8: return kUInt8;
    case DataType::int8: return kInt8;
    case DataType::uint16: return kUInt16;
    case DataType::int16: return kInt16;
    case DataType::int32: return kInt32;
    default: return std::nullopt;
  }
}

DataType data_type_of(IntType type) {
  for (std::size_t code = 0; code < kNames.size(); ++code) {
    if (int_type(static_cast<DataType>(code)) == type) return static_cast<DataType>(code);
  }
  return DataType::undefined;
}

bool is_float(DataType type) {
  return type == DataType::float16 || type == DataType::float32 || type == DataType::float64;
}

std::optional<Storage> storage_of(DataType type) {
  switch (type) {
    case DataType::float16: return Storage{'f', 2};
    case DataType::float32: return Storage{'f', 4};
    case DataType::float64: return Storage{'f', 8};
    case DataType::boolean: return Storage{'b', 1};
    case DataType::uint2:
    case DataType::uint4:
    case DataType::uint8: return Storage{'u', 1};
    case DataType::uint16: return Storage{'u', 2};
    case DataType::uint32: return Storage{'u', 4};
    case DataType::uint64: return Storage{'u', 8};
    case DataType::int2:
    case DataType::int4:
    case DataType::int8: return Storage{'i', 1};
    case DataType::int16: return Storage{'i', 2};
    case DataType::int32: return Storage{'i', 4};
    case DataType::int64: return Storage{'i', 8};
    default: return std::nullopt;
  }
}

int packed_bits(DataType type) {
  if (type == DataType::uint2 || type == DataType::int2) return 2;
  if (type == DataType::uint4 || type == DataType::int4) return 4;
  const std::optional<Storage> storage = storage_of(type);
  return storage ? 8 * storage->item_bytes : 0;
}

}  // namespace obz::onnx
