#include "golden/cases/requant_stream.hpp"

#include <bit>

#include <fmt/format.h>

#include "ref/base/error.hpp"
#include "ref/tensor/type_text.hpp"

namespace obz {
namespace {

constexpr int kMaxFields = 8;

/// The input fields of a case in record order, as raw bits. Returns how many.
int fields_of(const RecordLayout& layout, const RequantCase& c, std::int64_t (&values)[kMaxFields]) {
  int n = 0;
  values[n++] = c.acc;
  if (layout.is_float) {
    values[n++] = std::bit_cast<std::int32_t>(static_cast<float>(c.channel.scale));
  } else {
    values[n++] = c.channel.multiplier;
    values[n++] = c.channel.shift;
  }
  if (layout.has_addend) values[n++] = c.channel.addend;
  values[n++] = c.channel.zero_point;
  values[n++] = c.channel.lo;
  values[n++] = c.channel.hi;
  return n;
}

RequantCase case_of(const RecordLayout& layout, const std::int64_t* v) {
  RequantCase c;
  c.acc = *v++;
  if (layout.is_float) {
    c.channel.multiplier = 0;
    c.channel.scale = std::bit_cast<float>(static_cast<std::int32_t>(*v++));
  } else {
    c.channel.multiplier = *v++;
    c.channel.shift = static_cast<std::int32_t>(*v++);
  }
  if (layout.has_addend) c.channel.addend = *v++;
  c.channel.zero_point = static_cast<std::int32_t>(*v++);
  c.channel.lo = *v++;
  c.channel.hi = *v;
  return c;
}

void append_hex(std::string& line, std::int64_t value, int bytes) {
  constexpr char digits[] = "0123456789abcdef";
  for (int i = 2 * bytes - 1; i >= 0; --i) line += digits[(static_cast<std::uint64_t>(value) >> (4 * i)) & 15];
}

std::int64_t extend(std::uint64_t bits, const RecordLayout::Field& f) {
  return f.is_signed ? wrap(static_cast<std::int64_t>(bits), 8 * f.bytes) : static_cast<std::int64_t>(bits);
}

int hex_digit(char ch) {
  if (ch >= '0' && ch <= '9') return ch - '0';
  if (ch >= 'a' && ch <= 'f') return ch - 'a' + 10;
  if (ch >= 'A' && ch <= 'F') return ch - 'A' + 10;
  return -1;
}

/// Takes the next word off `rest` and reads it as the field.
std::int64_t take_field(std::string_view& rest, const RecordLayout::Field& f, const std::string& where) {
  while (!rest.empty() && (rest.front() == ' ' || rest.front() == '\t')) rest.remove_prefix(1);
  const std::size_t end = std::min(rest.find_first_of(" \t"), rest.size());
  const std::string_view word = rest.substr(0, end);
  rest.remove_prefix(end);
  if (word.empty()) throw Error(fmt::format("{}: field {} is missing", where, f.name));
  std::uint64_t bits = 0;
  for (const char ch : word) {
    const int digit = hex_digit(ch);
    if (digit < 0 || static_cast<int>(word.size()) != 2 * f.bytes) {
      throw Error(fmt::format("{}: field {}: expected {} hex digits, got \"{}\"", where, f.name, 2 * f.bytes,
                              word.substr(0, 24)));
    }
    bits = bits << 4 | static_cast<unsigned>(digit);
  }
  return extend(bits, f);
}

}  // namespace

int RecordLayout::input_bytes() const {
  int total = 0;
  for (const Field& f : inputs) total += f.bytes;
  return total;
}

RecordLayout record_layout(const Profile& p, IntType out) {
  RecordLayout layout;
  layout.is_float = !p.uses_multiplier();
  layout.has_addend = p.has_addend;
  const int out_bytes = out.bits <= 8 ? 1 : out.bits <= 16 ? 2 : 4;
  layout.inputs.push_back({"acc", p.acc_bits > 32 ? 8 : 4, true});
  if (layout.is_float) {
    layout.inputs.push_back({"scale", 4, false});
  } else {
    // 2^31 kept beside a sign needs more than 32 bits.
    const bool wide = p.multiplier_is_signed && p.scale.top == TopCorner::keep && p.scale.mantissa_bits == 31;
    layout.inputs.push_back({"mult", wide ? 8 : 4, p.multiplier_is_signed});
    layout.inputs.push_back({"shift", 1, true});
  }
  if (layout.has_addend) layout.inputs.push_back({"add", 8, true});
  const bool early = p.recipe.zero_point == ZeroPointAt::before_scaling;
  layout.inputs.push_back({"zp", early ? 4 : out_bytes, early || out.is_signed});
  layout.inputs.push_back({"lo", out_bytes, out.is_signed});
  layout.inputs.push_back({"hi", out_bytes, out.is_signed});
  layout.out = {"out", out_bytes, out.is_signed};
  return layout;
}

std::string stream_header(const RequantSpace& space, std::int64_t count) {
  const RecordLayout layout = record_layout(*space.profile, space.out);
  std::string text = fmt::format("# obz requant/1 profile={} out={} seed={} count={} fields=", space.profile->id,
                                 type_text(space.out), space.seed, count);
  for (const auto& f : layout.inputs) {
    text += fmt::format("{}:{}{} ", f.name,
                        layout.is_float && f.name == std::string_view("scale") ? 'f'
                        : f.is_signed                                          ? 's'
                                                                               : 'u',
                        8 * f.bytes);
  }
  return text + fmt::format("out:{}{}", layout.out.is_signed ? 's' : 'u', 8 * layout.out.bytes);
}

void append_text(std::string& line, const RecordLayout& layout, const RequantCase& c, const std::int64_t* out) {
  std::int64_t values[kMaxFields];
  const int n = fields_of(layout, c, values);
  for (int i = 0; i < n; ++i) {
    if (i > 0) line += ' ';
    append_hex(line, values[i], layout.inputs[static_cast<std::size_t>(i)].bytes);
  }
  if (out != nullptr) {
    line += ' ';
    append_hex(line, *out, layout.out.bytes);
  }
  line += '\n';
}

void append_binary(Bytes& bytes, const RecordLayout& layout, const RequantCase& c, const std::int64_t* out) {
  std::int64_t values[kMaxFields];
  const int n = fields_of(layout, c, values);
  std::uint8_t record[8 * kMaxFields];
  std::size_t at = 0;
  const auto put = [&](std::int64_t value, int width) {
    for (int i = 0; i < width; ++i)
      record[at++] = static_cast<std::uint8_t>(static_cast<std::uint64_t>(value) >> (8 * i));
  };
  for (int i = 0; i < n; ++i) put(values[i], layout.inputs[static_cast<std::size_t>(i)].bytes);
  if (out != nullptr) put(*out, layout.out.bytes);
  bytes.insert(bytes.end(), record, record + at);
}

RequantCase parse_text(std::string_view line, const RecordLayout& layout, bool with_out, std::int64_t& out,
                       const std::string& where) {
  std::int64_t values[kMaxFields];
  int n = 0;
  for (const auto& f : layout.inputs) values[n++] = take_field(line, f, where);
  if (with_out) out = take_field(line, layout.out, where);
  while (!line.empty() && (line.front() == ' ' || line.front() == '\r' || line.front() == '\t')) line.remove_prefix(1);
  if (!line.empty()) {
    throw Error(fmt::format("{}: expected {} fields, got more: \"{}\"", where,
                            layout.inputs.size() + (with_out ? 1 : 0), line.substr(0, 24)));
  }
  return case_of(layout, values);
}

RequantCase parse_binary(const std::uint8_t* p, const RecordLayout& layout, std::int64_t& out) {
  std::int64_t values[kMaxFields];
  int n = 0;
  for (const auto& f : layout.inputs) {
    values[n++] = extend(load_le(p, f.bytes), f);
    p += f.bytes;
  }
  out = extend(load_le(p, layout.out.bytes), layout.out);
  return case_of(layout, values);
}

}  // namespace obz
