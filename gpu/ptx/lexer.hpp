// PTX text as words, numbers and punctuation, each with its line.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace obz::ptx {

struct Token {
  enum class Kind : std::uint8_t { word, number, text, mark, line_end, end };
  Kind kind = Kind::end;
  std::string_view text;    ///< an opcode with its modifiers is one word
  std::uint64_t value = 0;  ///< of numbers, bit patterns of 0f... and 0d... included
  std::uint32_t line = 1;

  bool is(std::string_view s) const { return (kind == Kind::word || kind == Kind::mark) && text == s; }
};

/// "FILE:LINE: " + sentence, as an Error.
[[noreturn]] void fail_at(const std::string& file, std::uint32_t line, const std::string& sentence);

/// Comments are gone; `line_end` stands only behind directives that end with their line (.loc, .file). The last token
/// is `end`. The tokens point into `text`.
std::vector<Token> tokens_of(std::string_view text, const std::string& file);

}  // namespace obz::ptx
