// One case of CMSIS-NN's unit tests as the shared data holds it: flat arrays and the #defines of its config header.
#pragma once

#include <filesystem>
#include <initializer_list>
#include <map>
#include <string>
#include <vector>

#include "ref/tensor/npy.hpp"

namespace obz::test {

/// Names lose the case's own prefix: INPUT_OFFSET, not CONV_1_INPUT_OFFSET. The generators renamed things
/// over the years, so every getter takes the names a value has had and returns the first that is there; Error
/// if none is.
class CmsisCase {
 public:
  using Names = std::initializer_list<const char*>;

  std::string name;
  std::map<std::string, std::int64_t> numbers;
  std::map<std::string, std::string> words;
  std::map<std::string, NpyArray> arrays;
  std::string remark;  ///< what had to be corrected or found out about the data

  std::int64_t number(Names names) const;
  std::int64_t number(Names names, std::int64_t otherwise) const;
  std::int32_t small(Names names) const { return static_cast<std::int32_t>(number(names)); }
  bool has_number(Names names) const { return find(numbers, names) != nullptr; }

  bool has_array(Names names) const { return find(arrays, names) != nullptr; }
  std::vector<std::int64_t> values(Names names) const;
  IntType type(Names names) const;
  std::int64_t elems(Names names) const { return array(names).shape.elems(); }
  /// The array under a shape. Error when the shape has another number of elements.
  Tensor tensor(Names names, const Shape& shape) const;
  /// Two's complement nibbles, the low one first, as int4. Error when the array has not (elements + 1) / 2 bytes.
  Tensor int4_tensor(Names names, const Shape& shape) const;

  /// The part of a whole-network case that belongs to one layer.
  CmsisCase layer(const std::string& number_prefix, const std::string& array_prefix) const;

 private:
  template <class Value>
  static const Value* find(const std::map<std::string, Value>& map, Names names) {
    for (const char* n : names) {
      if (const auto it = map.find(n); it != map.end()) return &it->second;
    }
    return nullptr;
  }
  const NpyArray& array(Names names) const;
};

/// Every case of <folder>/manifest.json, in its order.
std::vector<CmsisCase> load_cmsis_cases(const std::filesystem::path& folder);

}  // namespace obz::test
