#include "ref/read/onnx/constant.hpp"

#include <bit>

#include <fmt/format.h>

#include "ref/base/error.hpp"

namespace obz::onnx {
namespace {

void require_decoded(const Constant& c, const std::string& where) {
  if (!storage_of(c.type)) {
    throw Error(fmt::format("{}: {} values are out of scope: expected integers, float16, float32 or float64", where,
                            type_name(c.type)));
  }
}

}  // namespace

std::vector<std::int64_t> integers_of(const Constant& c, const std::string& where) {
  require_decoded(c, where);
  if (is_float(c.type)) throw Error(fmt::format("{}: expected integers, got {}", where, type_name(c.type)));
  return npy_to_int64(c.array, where);
}

std::vector<float> floats_of(const Constant& c, const std::string& where) {
  require_decoded(c, where);
  if (!is_float(c.type)) throw Error(fmt::format("{}: expected floats, got {}", where, type_name(c.type)));
  return npy_to_floats(c.array, where).data;
}

Tensor tensor_of(const Constant& c, const std::string& where) {
  require_decoded(c, where);
  const std::optional<IntType> type = int_type(c.type);
  if (!type)
    throw Error(fmt::format("{}: expected an integer tensor of at most 32 bits, got {}", where, type_name(c.type)));
  return npy_to_tensor(c.array, *type, where);
}

ConstantPtr make_integers(const Shape& shape, const std::vector<std::int64_t>& values, DataType type) {
  const Storage storage = storage_of(type).value_or(Storage{});
  auto c = std::make_shared<Constant>(Constant{type, {storage.kind, storage.item_bytes, shape, {}}});
  for (const std::int64_t v : values) store_le(c->array.bytes, static_cast<std::uint64_t>(v), storage.item_bytes);
  return c;
}

ConstantPtr make_floats(const Shape& shape, const std::vector<float>& values) {
  auto c = std::make_shared<Constant>(Constant{DataType::float32, {'f', 4, shape, {}}});
  for (const float v : values) store_le(c->array.bytes, std::bit_cast<std::uint32_t>(v), 4);
  return c;
}

ConstantPtr pick(const Constant& c, const Shape& shape, const std::vector<std::int32_t>& from) {
  auto picked = std::make_shared<Constant>(Constant{c.type, {c.array.kind, c.array.item_bytes, shape, {}}});
  const auto width = static_cast<std::ptrdiff_t>(c.array.item_bytes);
  for (const std::int32_t i : from) {
    const auto first = c.array.bytes.begin() + i * width;
    picked->array.bytes.insert(picked->array.bytes.end(), first, first + width);
  }
  return picked;
}

}  // namespace obz::onnx
