// Element types of ONNX tensors: their codes, spelling, and the logical integers they are.
#pragma once

#include <optional>
#include <string>

#include "ref/arith/int_type.hpp"

namespace obz::onnx {

/// Codes of the file format.
enum class DataType : int {
  undefined = 0,
  float32 = 1,
  uint8 = 2,
  int8 = 3,
  uint16 = 4,
  int16 = 5,
  int32 = 6,
  int64 = 7,
  boolean = 9,
  float16 = 10,
  float64 = 11,
  uint32 = 12,
  uint64 = 13,
  uint4 = 21,
  int4 = 22,
  uint2 = 25,
  int2 = 26,
};

/// "int8", "float8e4m3fn"; "type 99" of an unknown code.
std::string type_name(DataType type);

/// The logical integer, if a tensor of an IntNet can hold it (2 to 16 bits, and int32).
std::optional<IntType> int_type(DataType type);

/// The other way round; undefined when ONNX has no such type.
DataType data_type_of(IntType type);

/// float16, float32 or float64.
bool is_float(DataType type);

/// How the values are kept once decoded: NpyArray's kind and item_bytes (types below 8 bits take a byte).
struct Storage {
  char kind = 'i';
  int item_bytes = 1;
};

/// nullopt: a type this importer does not decode (float8, float4, bfloat16, strings, complex numbers).
std::optional<Storage> storage_of(DataType type);

/// Bits per element in the file.
int packed_bits(DataType type);

}  // namespace obz::onnx
