// Arrays of a vector set in the formats people's tools read: npy, mem ($readmemh), bin, csv, C header.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "ref/base/bytes.hpp"
#include "ref/tensor/tensor.hpp"

namespace obz {

enum class Format : std::uint8_t { npy, mem, bin, csv, h };

/// "npy,mem" -> formats; Error naming the unknown one.
std::vector<Format> parse_formats(std::string_view list);
std::string_view extension(Format format);

/// How `mem` packs elements: `lanes` per word, the first in the least significant bits, each in exactly type.bits bits
/// (4-bit values: low nibble first).
struct MemLayout {
  int lanes = 1;
};

/// A tensor as a file of this format. `name` becomes the C identifier. bin: storage_bytes per element, little-endian.
Bytes format_tensor(const Tensor& tensor, Format format, const std::string& name, const MemLayout& mem = {});

/// A table of integers, one column per name, one row per case: npy is not possible here (columns differ in type).
struct Column {
  std::string name;
  int bits = 32;  ///< width in mem words
  bool is_signed = true;
  std::vector<std::int64_t> values;
};
/// mem: one word per row, the first column most significant. csv: decimal. h: one array per column. bin: as mem but
/// whole bytes per column, little-endian, first column first.
Bytes format_table(const std::vector<Column>& columns, Format format, const std::string& name);

/// A C identifier from any text.
std::string c_identifier(std::string_view text);

}  // namespace obz
