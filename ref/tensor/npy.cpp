#include "ref/tensor/npy.hpp"

#include <bit>
#include <charconv>
#include <cstring>
#include <string_view>

#include <fmt/format.h>

#include "ref/arith/foreign/float16.hpp"
#include "ref/base/error.hpp"

namespace obz {
namespace {

constexpr std::string_view kMagic("\x93NUMPY", 6);

/// The text after `'key':` in the header dictionary, leading blanks removed.
std::string_view header_value(std::string_view header, std::string_view key, const std::string& name) {
  const std::string quoted = fmt::format("'{}'", key);
  std::size_t at = header.find(quoted);
  if (at != std::string_view::npos) at = header.find(':', at + quoted.size());
  if (at == std::string_view::npos) throw Error(fmt::format("{}: npy header has no '{}'", name, key));
  std::string_view rest = header.substr(at + 1);
  while (!rest.empty() && rest.front() == ' ') rest.remove_prefix(1);
  return rest;
}

Shape parse_shape(std::string_view text, const std::string& name) {
  const std::size_t close = text.find(')');
  if (text.empty() || text.front() != '(' || close == std::string_view::npos) {
    throw Error(fmt::format("{}: npy header: expected a tuple as 'shape'", name));
  }
  Shape shape;
  const char* p = text.data() + 1;
  const char* const end = text.data() + close;
  while (p < end) {
    if (*p == ' ' || *p == ',') {
      ++p;
      continue;
    }
    std::int64_t extent = 0;
    const auto [next, ec] = std::from_chars(p, end, extent);
    if (ec != std::errc()) throw Error(fmt::format("{}: npy header: 'shape' is not a tuple of integers", name));
    shape.push_back(extent);
    p = next;
  }
  check_shape(shape, name + ": npy header 'shape'");
  return shape;
}

void parse_descr(std::string_view text, NpyArray& array, const std::string& name) {
  const std::size_t close = text.size() > 1 ? text.find(text.front(), 1) : std::string_view::npos;
  const std::string_view descr = close != std::string_view::npos && (text.front() == '\'' || text.front() == '"')
                                     ? text.substr(1, close - 1)
                                     : std::string_view();
  const bool shaped = descr.size() == 3 && std::string_view("<|").find(descr[0]) != std::string_view::npos;
  const bool known = shaped && std::string_view("iufb").find(descr[1]) != std::string_view::npos &&
                     std::string_view("1248").find(descr[2]) != std::string_view::npos;
  if (known) {
    array.kind = descr[1];
    array.item_bytes = descr[2] - '0';
  }
  const bool sensible =
      known && !(array.kind == 'f' && array.item_bytes == 1) && !(array.kind == 'b' && array.item_bytes != 1);
  if (!sensible) {
    throw Error(fmt::format("{}: npy header: expected a little-endian integer, float or bool 'descr', got {}", name,
                            text.substr(0, std::min<std::size_t>(text.find(','), 24))));
  }
}

std::int64_t integer_at(const NpyArray& a, std::size_t i, const std::string& name) {
  const auto width = static_cast<std::size_t>(a.item_bytes);
  const std::uint64_t bits = load_le(a.bytes.data() + i * width, a.item_bytes);
  if (a.kind == 'i') return wrap(static_cast<std::int64_t>(bits), 8 * a.item_bytes);
  if (bits > static_cast<std::uint64_t>(INT64_MAX)) {
    throw Error(fmt::format("{}: element {} is {}, beyond 63 bits", name, i, bits));
  }
  return static_cast<std::int64_t>(bits);
}

double float_at(const NpyArray& a, std::size_t i) {
  const auto width = static_cast<std::size_t>(a.item_bytes);
  const std::uint64_t bits = load_le(a.bytes.data() + i * width, a.item_bytes);
  if (a.item_bytes == 2) return foreign::float16_from_bits(static_cast<std::uint16_t>(bits));
  if (a.item_bytes == 4) return std::bit_cast<float>(static_cast<std::uint32_t>(bits));
  return std::bit_cast<double>(bits);
}

void require_integers(const NpyArray& a, const std::string& name) {
  if (a.kind == 'f') throw Error(fmt::format("{}: expected integers, got {}", name, a.dtype()));
}

}  // namespace

std::string NpyArray::dtype() const {
  if (kind == 'b') return "bool";
  return fmt::format("{}{}", kind == 'i' ? "int" : kind == 'u' ? "uint" : "float", 8 * item_bytes);
}

NpyArray parse_npy(ByteView file, const std::string& name) {
  if (file.size() < 10 || std::memcmp(file.data(), kMagic.data(), kMagic.size()) != 0) {
    throw Error(fmt::format("{}: not a .npy file (no \\x93NUMPY magic)", name));
  }
  const int major = file[6];
  if (major < 1 || major > 3) throw Error(fmt::format("{}: npy version {} is unknown (1 to 3 are)", name, major));
  const std::size_t length_bytes = major == 1 ? 2 : 4;
  const std::size_t start = 8 + length_bytes;
  if (file.size() < start) throw Error(fmt::format("{}: truncated npy header", name));
  const std::uint64_t header_bytes = load_le(file.data() + 8, static_cast<int>(length_bytes));
  if (header_bytes > file.size() - start) throw Error(fmt::format("{}: truncated npy header", name));
  const std::string header = as_text(file.subspan(start, header_bytes));

  NpyArray array;
  parse_descr(header_value(header, "descr", name), array, name);
  const std::string_view order = header_value(header, "fortran_order", name);
  if (!order.starts_with("False") || order.size() < 6 || (order[5] != ',' && order[5] != '}' && order[5] != ' ')) {
    throw Error(fmt::format("{}: Fortran order is not supported; save it with numpy.ascontiguousarray", name));
  }
  array.shape = parse_shape(header_value(header, "shape", name), name);
  const ByteView data = file.subspan(start + header_bytes);
  const auto expected = static_cast<std::uint64_t>(array.shape.elems()) * static_cast<std::uint64_t>(array.item_bytes);
  if (data.size() != expected) {
    throw Error(fmt::format("{}: expected {} bytes of data for {} {}, got {}", name, expected, array.shape.text(),
                            array.dtype(), data.size()));
  }
  array.bytes.assign(data.begin(), data.end());
  return array;
}

Bytes format_npy(const NpyArray& array) {
  std::string dims = fmt::format("{}", fmt::join(array.shape, ", "));
  if (array.shape.rank() == 1) dims += ",";
  std::string header = fmt::format("{{'descr': '{}{}{}', 'fortran_order': False, 'shape': ({}), }}",
                                   array.item_bytes == 1 ? '|' : '<', array.kind, array.item_bytes, dims);
  constexpr std::size_t alignment = 64, prefix = 10;
  header.append((alignment - (prefix + header.size() + 1) % alignment) % alignment, ' ');
  header += '\n';
  Bytes file(kMagic.begin(), kMagic.end());
  file.push_back(1);
  file.push_back(0);
  store_le(file, header.size(), 2);
  file.insert(file.end(), header.begin(), header.end());
  file.insert(file.end(), array.bytes.begin(), array.bytes.end());
  return file;
}

NpyArray npy_sample(const NpyArray& array, std::int64_t index) {
  NpyArray sample{
      array.kind, array.item_bytes, Shape(std::vector<std::int64_t>(array.shape.begin() + 1, array.shape.end())), {}};
  const std::int64_t stride = sample.shape.elems() * array.item_bytes;
  sample.bytes.assign(array.bytes.begin() + index * stride, array.bytes.begin() + (index + 1) * stride);
  return sample;
}

Tensor npy_to_tensor(const NpyArray& array, IntType type, const std::string& name) {
  require_integers(array, name);
  Tensor tensor(array.shape, type);
  for (std::size_t i = 0; i < tensor.data.size(); ++i) {
    const std::int64_t value = integer_at(array, i, name);
    if (!type.holds(value)) {
      throw Error(
          fmt::format("{}: expected values in {}..{}, got {} at element {}", name, type.min(), type.max(), value, i));
    }
    tensor.data[i] = static_cast<std::int32_t>(value);
  }
  return tensor;
}

FloatTensor npy_to_floats(const NpyArray& array, const std::string& name) {
  if (array.kind != 'f') throw Error(fmt::format("{}: expected floats, got {}", name, array.dtype()));
  FloatTensor tensor{array.shape, std::vector<float>(static_cast<std::size_t>(array.shape.elems()))};
  for (std::size_t i = 0; i < tensor.data.size(); ++i) tensor.data[i] = static_cast<float>(float_at(array, i));
  return tensor;
}

std::vector<std::int64_t> npy_to_int64(const NpyArray& array, const std::string& name) {
  require_integers(array, name);
  std::vector<std::int64_t> values(static_cast<std::size_t>(array.shape.elems()));
  for (std::size_t i = 0; i < values.size(); ++i) values[i] = integer_at(array, i, name);
  return values;
}

std::vector<double> npy_to_double(const NpyArray& array, const std::string& name) {
  if (array.kind != 'f') throw Error(fmt::format("{}: expected floats, got {}", name, array.dtype()));
  std::vector<double> values(static_cast<std::size_t>(array.shape.elems()));
  for (std::size_t i = 0; i < values.size(); ++i) values[i] = float_at(array, i);
  return values;
}

NpyArray npy_from(const Tensor& tensor) {
  return {tensor.type.is_signed ? 'i' : 'u', storage_bytes(tensor.type), tensor.shape, raw_bytes(tensor)};
}

NpyArray npy_from(const FloatTensor& tensor) {
  NpyArray array{'f', 4, tensor.shape, {}};
  array.bytes.reserve(4 * tensor.data.size());
  for (const float v : tensor.data) store_le(array.bytes, std::bit_cast<std::uint32_t>(v), 4);
  return array;
}

NpyArray npy_from(const std::vector<std::int64_t>& values) {
  NpyArray array{'i', 8, Shape{static_cast<std::int64_t>(values.size())}, {}};
  for (const std::int64_t v : values) store_le(array.bytes, static_cast<std::uint64_t>(v), 8);
  return array;
}

NpyArray npy_from(const std::vector<double>& values) {
  NpyArray array{'f', 8, Shape{static_cast<std::int64_t>(values.size())}, {}};
  for (const double v : values) store_le(array.bytes, std::bit_cast<std::uint64_t>(v), 8);
  return array;
}

}  // namespace obz
