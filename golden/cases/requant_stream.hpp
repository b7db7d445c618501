// Requantization cases as a stream that any program can join:  obz gen requant | ./dut | obz ver requant
//
// Text: one case a line, fields in hex, two's complement in as many digits as the field is wide, separated by blanks:
//   acc  mult  shift  [add]  zp  lo  hi  [out]          scale instead of mult and shift for float profiles
// A device reads a line and writes it back with `out` appended. Lines starting with # pass through; the first one names
// the fields and their types. Binary: the same fields packed little-endian, no header.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "golden/cases/requant_case.hpp"
#include "ref/base/bytes.hpp"

namespace obz {

/// Which fields a record has and how wide they are. Follows from profile and output type alone.
struct RecordLayout {
  struct Field {
    const char* name;
    int bytes;
    bool is_signed;
  };
  std::vector<Field> inputs;
  Field out;
  bool is_float = false;
  bool has_addend = false;

  int input_bytes() const;
  int record_bytes() const { return input_bytes() + out.bytes; }
};

RecordLayout record_layout(const Profile& profile, IntType out);

/// "# obz requant/1 profile=tflite/double out=int8 seed=1 count=1000 fields=acc:s32 mult:u32 ..."; a reader that sees
/// the count knows when answers are missing.
std::string stream_header(const RequantSpace& space, std::int64_t count);

/// Appends one record; `out` only when given.
void append_text(std::string& line, const RecordLayout& layout, const RequantCase& c, const std::int64_t* out);
void append_binary(Bytes& bytes, const RecordLayout& layout, const RequantCase& c, const std::int64_t* out);

/// Parses a text record with its output. Error saying which field is wrong; `where` opens the sentence.
RequantCase parse_text(std::string_view line, const RecordLayout& layout, bool with_out, std::int64_t& out,
                       const std::string& where);
/// Reads a binary record with its output; `p` has record_bytes() bytes.
RequantCase parse_binary(const std::uint8_t* p, const RecordLayout& layout, std::int64_t& out);

}  // namespace obz
