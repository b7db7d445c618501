#include "golden/sets/format.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <span>

#include <fmt/format.h>

#include "ref/base/error.hpp"
#include "ref/tensor/npy.hpp"
#include "ref/tensor/type_text.hpp"

namespace obz {
namespace {

constexpr std::array<std::string_view, 5> kExtensions{"npy", "mem", "bin", "csv", "h"};

/// Bits appended from least to most significant, printed as hex digits.
class HexWord {
 public:
  void append(std::int64_t value, int bits) {
    for (int i = 0; i < bits; ++i) bits_.push_back(((static_cast<std::uint64_t>(value) >> i) & 1) != 0);
  }
  std::string text() const {
    std::string out;
    for (std::size_t digit = (bits_.size() + 3) / 4; digit-- > 0;) {
      int value = 0;
      for (std::size_t i = 0; i < 4 && 4 * digit + i < bits_.size(); ++i) value |= (bits_[4 * digit + i] ? 1 : 0) << i;
      out += "0123456789abcdef"[value];
    }
    return out;
  }

 private:
  std::vector<bool> bits_;
};

Bytes bytes_of(const std::string& text) { return Bytes(text.begin(), text.end()); }

std::string c_array(const std::string& name, int bits, bool is_signed, std::span<const std::int64_t> values) {
  const int width = bits <= 8 ? 8 : bits <= 16 ? 16 : bits <= 32 ? 32 : 64;
  std::string text =
      fmt::format("static const {}int{}_t {}[{}] = {{", is_signed ? "" : "u", width, name, values.size());
  constexpr std::size_t per_line = 16;
  for (std::size_t i = 0; i < values.size(); ++i) {
    text += i % per_line == 0 ? "\n    " : " ";
    // INT64_MIN and INT32_MIN have no literal of their own
    if (values[i] == INT64_MIN) {
      text += "INT64_MIN,";
    } else if (values[i] == INT32_MIN && width == 32) {
      text += "INT32_MIN,";
    } else {
      text += fmt::format("{}{},", values[i], width == 64 ? "LL" : "");
    }
  }
  return text + "\n};\n";
}

std::string c_file(const std::string& name, const std::string& body) {
  const std::string guard = "OBZ_" + c_identifier(name) + "_H";
  return fmt::format(
      "/* Golden vectors written by obz; manifest.json beside this file says how. */\n"
      "#ifndef {0}\n#define {0}\n\n#include <stdint.h>\n\n{1}\n#endif\n",
      guard, body);
}

}  // namespace

std::vector<Format> parse_formats(std::string_view list) {
  std::vector<Format> formats;
  while (!list.empty()) {
    const std::size_t end = std::min(list.find(','), list.size());
    const std::string_view word = list.substr(0, end);
    const auto it = std::find(kExtensions.begin(), kExtensions.end(), word);
    if (it == kExtensions.end()) {
      throw Error(fmt::format("unknown format \"{}\"; formats are {}", word, fmt::join(kExtensions, ", ")));
    }
    const auto format = static_cast<Format>(it - kExtensions.begin());
    if (std::find(formats.begin(), formats.end(), format) == formats.end()) formats.push_back(format);
    list.remove_prefix(std::min(end + 1, list.size()));
  }
  if (formats.empty()) throw Error("no format given: --format npy,mem,bin,csv,h");
  return formats;
}

std::string_view extension(Format format) { return kExtensions[static_cast<std::size_t>(format)]; }

std::string c_identifier(std::string_view text) {
  std::string id;
  for (const char c : text) id += std::isalnum(static_cast<unsigned char>(c)) != 0 ? c : '_';
  if (id.empty() || std::isdigit(static_cast<unsigned char>(id[0])) != 0) id.insert(0, "_");
  return id;
}

Bytes format_tensor(const Tensor& tensor, Format format, const std::string& name, const MemLayout& mem) {
  switch (format) {
    case Format::npy: return format_npy(npy_from(tensor));
    case Format::bin: return raw_bytes(tensor);
    case Format::mem: {
      std::string text = fmt::format("// {} {} {}, {} lane(s) a word, first lane least significant\n", name,
                                     type_text(tensor.type), tensor.shape.text(), mem.lanes);
      const auto lanes = static_cast<std::size_t>(mem.lanes);
      for (std::size_t i = 0; i < tensor.data.size(); i += lanes) {
        HexWord word;
        for (std::size_t lane = i; lane < i + lanes; ++lane) {
          word.append(lane < tensor.data.size() ? tensor.data[lane] : 0, tensor.type.bits);
        }
        text += word.text() + '\n';
      }
      return bytes_of(text);
    }
    case Format::csv: {
      std::string text = fmt::format("# {} {} {}\n", name, type_text(tensor.type), tensor.shape.text());
      const std::int64_t row =
          tensor.shape.rank() == 0 ? 1 : std::max<std::int64_t>(1, tensor.shape[tensor.shape.rank() - 1]);
      for (std::size_t i = 0; i < tensor.data.size(); ++i) {
        text += fmt::format("{}{}", tensor.data[i], (static_cast<std::int64_t>(i) + 1) % row == 0 ? '\n' : ',');
      }
      return bytes_of(text);
    }
    case Format::h: {
      const std::vector<std::int64_t> values(tensor.data.begin(), tensor.data.end());
      const std::string id = c_identifier(name);
      return bytes_of(c_file(name, fmt::format("/* {} {} */\n{}", type_text(tensor.type), tensor.shape.text(),
                                               c_array(id, tensor.type.bits, tensor.type.is_signed, values))));
    }
  }
  return {};
}

Bytes format_table(const std::vector<Column>& columns, Format format, const std::string& name) {
  const std::size_t rows = columns.empty() ? 0 : columns[0].values.size();
  std::string text;
  switch (format) {
    case Format::mem: {
      text = "// one case a word, from most to least significant:";
      for (const Column& c : columns) text += fmt::format(" {}[{}]", c.name, c.bits);
      text += '\n';
      for (std::size_t row = 0; row < rows; ++row) {
        HexWord word;
        for (std::size_t c = columns.size(); c-- > 0;) word.append(columns[c].values[row], columns[c].bits);
        text += word.text() + '\n';
      }
      return bytes_of(text);
    }
    case Format::bin: {
      Bytes bytes;
      for (std::size_t row = 0; row < rows; ++row) {
        for (const Column& c : columns) store_le(bytes, static_cast<std::uint64_t>(c.values[row]), (c.bits + 7) / 8);
      }
      return bytes;
    }
    case Format::csv: {
      for (std::size_t c = 0; c < columns.size(); ++c) text += (c == 0 ? "" : ",") + columns[c].name;
      text += '\n';
      for (std::size_t row = 0; row < rows; ++row) {
        for (std::size_t c = 0; c < columns.size(); ++c)
          text += fmt::format("{}{}", c == 0 ? "" : ",", columns[c].values[row]);
        text += '\n';
      }
      return bytes_of(text);
    }
    case Format::h: {
      for (const Column& c : columns)
        text += c_array(c_identifier(name + "_" + c.name), c.bits, c.is_signed, c.values) + '\n';
      return bytes_of(c_file(name, text));
    }
    case Format::npy: break;
  }
  OBZ_CHECK(format != Format::npy);
  return {};
}

}  // namespace obz
