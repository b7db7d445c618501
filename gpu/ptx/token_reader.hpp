// Walks over tokens and says what it expected where they do not go on.
#pragma once

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "gpu/ptx/lexer.hpp"

namespace obz::ptx {

class TokenReader {
 public:
  TokenReader(std::vector<Token> tokens, const std::string& file) : tokens_(std::move(tokens)), file_(file) {}

  const std::string& file() const { return file_; }
  const Token& peek(std::size_t ahead = 0) const { return tokens_[std::min(at_ + ahead, tokens_.size() - 1)]; }
  Token take() {
    const Token t = peek();
    if (at_ + 1 < tokens_.size()) ++at_;
    return t;
  }
  bool accept(std::string_view s) {
    if (!peek().is(s)) return false;
    take();
    return true;
  }
  void expect(std::string_view s) {
    if (!accept(s)) fail(fmt::format("expected '{}'", s), std::string(peek().text));
  }
  std::string name(const char* what) {
    if (peek().kind != Token::Kind::word) fail(fmt::format("expected {}", what), std::string(peek().text));
    return std::string(take().text);
  }
  std::uint64_t number(const char* what) {
    if (peek().kind != Token::Kind::number) fail(fmt::format("expected {}", what), std::string(peek().text));
    return take().value;
  }
  /// -5, +5, +-5, ~5, 5, in two's complement.
  std::int64_t signed_number() {
    bool negated = false, inverted = false;
    for (;;) {
      if (accept("-")) {
        negated = !negated;
      } else if (!accept("+")) {
        break;
      }
    }
    inverted = accept("~");
    std::uint64_t value = number("an integer");
    if (inverted) value = ~value;
    return static_cast<std::int64_t>(negated ? 0 - value : value);
  }
  /// Past the next `s`.
  void skip_to(std::string_view s) {
    while (!peek().is(s)) {
      if (peek().kind == Token::Kind::end) fail(fmt::format("expected '{}'", s), std::string(peek().text));
      take();
    }
    take();
  }
  /// Past the end of a line-bound directive.
  void skip_line() {
    while (peek().kind != Token::Kind::line_end && peek().kind != Token::Kind::end) take();
    if (peek().kind == Token::Kind::line_end) take();
  }
  [[noreturn]] void fail(const std::string& expected, const std::string& got) const {
    fail_at(file_, peek().line, got.empty() ? expected : fmt::format("{}, got {}", expected, got));
  }

 private:
  std::vector<Token> tokens_;
  const std::string& file_;
  std::size_t at_ = 0;
};

}  // namespace obz::ptx
