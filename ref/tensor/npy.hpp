// NumPy's .npy format, versions 1.0 to 3.0: C order, little-endian, integers, bools and floats.
#pragma once

#include <string>
#include <vector>

#include "ref/base/bytes.hpp"
#include "ref/tensor/tensor.hpp"

namespace obz {

/// An array as the file holds it.
struct NpyArray {
  char kind = 'i';     ///< 'i' signed, 'u' unsigned, 'f' float, 'b' bool
  int item_bytes = 1;  ///< 1, 2, 4 or 8 (float: 2, 4, 8)
  Shape shape;
  Bytes bytes;  ///< little-endian, C order

  std::string dtype() const;  ///< "int8", "float32", ...
};

/// Parses a whole file; every error is one sentence opening with `name`.
NpyArray parse_npy(ByteView file, const std::string& name);
Bytes format_npy(const NpyArray& array);

/// Sub-arrays along the leading axis share the file's dtype: sample `i` of n, without the leading extent.
NpyArray npy_sample(const NpyArray& array, std::int64_t index);

/// Integer array -> Tensor of `type`; Error when it is not an integer array or a value does not fit.
Tensor npy_to_tensor(const NpyArray& array, IntType type, const std::string& name);
FloatTensor npy_to_floats(const NpyArray& array, const std::string& name);
std::vector<std::int64_t> npy_to_int64(const NpyArray& array, const std::string& name);
std::vector<double> npy_to_double(const NpyArray& array, const std::string& name);

/// dtype = the smallest numpy integer type that holds tensor.type (int4 is written unpacked as int8).
NpyArray npy_from(const Tensor& tensor);
NpyArray npy_from(const FloatTensor& tensor);
NpyArray npy_from(const std::vector<std::int64_t>& values);
NpyArray npy_from(const std::vector<double>& values);

}  // namespace obz
