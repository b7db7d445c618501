#include "gpu/ptx/lexer.hpp"

#include <algorithm>
#include <charconv>

#include <fmt/format.h>

#include "ref/base/error.hpp"

namespace obz::ptx {
namespace {

bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool starts_word(char c) { return is_letter(c) || c == '_' || c == '$' || c == '%' || c == '.'; }
bool goes_on(char c) { return starts_word(c) || is_digit(c); }

class Lexer {
 public:
  Lexer(std::string_view text, const std::string& file) : text_(text), file_(file) {}

  std::vector<Token> run() {
    for (skip_blanks(); at_ < text_.size(); skip_blanks()) {
      const char c = text_[at_];
      if (starts_word(c)) {
        word();
      } else if (is_digit(c)) {
        number();
      } else if (c == '"') {
        quoted();
      } else if (std::string_view("{}[]()<>,;:+-|!@=~&*/^?").find(c) != std::string_view::npos) {
        add(Token::Kind::mark, 1);
      } else {
        const auto byte = static_cast<unsigned char>(c);
        const bool visible = byte > 0x20 && byte < 0x7F;
        fail_at(file_, line_,
                "expected PTX, got the " +
                    (visible ? fmt::format("character '{}'", c) : fmt::format("byte {:#04x}", byte)));
      }
    }
    tokens_.push_back({Token::Kind::end, "the end of the text", 0, line_});
    return std::move(tokens_);
  }

 private:
  void add(Token::Kind kind, std::size_t length, std::uint64_t value = 0) {
    tokens_.push_back({kind, text_.substr(at_, length), value, line_});
    at_ += length;
  }

  void skip_blanks() {
    while (at_ < text_.size()) {
      const std::string_view rest = text_.substr(at_);
      if (rest[0] == '\n') {
        ++line_, ++at_;
        if (!to_line_end_) continue;
        to_line_end_ = false;
        tokens_.push_back({Token::Kind::line_end, "the end of the line", 0, line_ - 1});
      } else if (rest[0] == ' ' || rest[0] == '\t' || rest[0] == '\r' || rest[0] == '\0') {
        ++at_;
      } else if (rest.starts_with("//") || (rest[0] == '#' && fresh_line())) {
        at_ += std::min(rest.find('\n'), rest.size());
      } else if (rest.starts_with("/*")) {
        const std::size_t end = rest.find("*/", 2);
        if (end == std::string_view::npos)
          fail_at(file_, line_, "expected the comment to end, got the end of the text");
        line_ +=
            static_cast<std::uint32_t>(std::count(rest.begin(), rest.begin() + static_cast<std::ptrdiff_t>(end), '\n'));
        at_ += end + 2;
      } else {
        return;
      }
    }
  }

  bool fresh_line() const { return at_ == 0 || text_[at_ - 1] == '\n'; }

  void word() {
    std::size_t n = 1;
    while (at_ + n < text_.size()) {
      if (goes_on(text_[at_ + n])) {
        ++n;
      } else if (text_.substr(at_ + n, 2) == "::") {
        n += 2;  // .L1::no_allocate
      } else {
        break;
      }
    }
    const std::string_view w = text_.substr(at_, n);
    if (w == ".loc" || w == ".file") to_line_end_ = true;
    add(Token::Kind::word, n);
  }

  void quoted() {
    const std::size_t end = text_.find_first_of("\"\n", at_ + 1);
    if (end == std::string_view::npos || text_[end] == '\n')
      fail_at(file_, line_, "expected the text to be closed by '\"'");
    add(Token::Kind::text, end + 1 - at_);
  }

  void number() {
    std::size_t n = 1;
    while (at_ + n < text_.size() && (goes_on(text_[at_ + n]) && text_[at_ + n] != '%' && text_[at_ + n] != '$')) ++n;
    std::string_view digits = text_.substr(at_, n);
    int base = 10;
    const char second = n > 1 ? text_[at_ + 1] : ' ';
    if (digits[0] == '0' && n > 2 && (second == 'x' || second == 'X')) base = 16;
    if (digits[0] == '0' && n == 10 && (second == 'f' || second == 'F')) base = 16;
    if (digits[0] == '0' && n == 18 && (second == 'd' || second == 'D')) base = 16;
    if (digits[0] == '0' && n > 2 && (second == 'b' || second == 'B')) base = 2;
    if (base != 10) {
      digits.remove_prefix(2);
    } else if (digits[0] == '0' && is_digit(second)) {
      base = 8;
    }
    if (digits.ends_with('U')) digits.remove_suffix(1);
    // .version 9.0 is the one use of a point.
    const bool version = !tokens_.empty() && tokens_.back().is(".version");
    std::uint64_t value = 0;
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value, base);
    if (!version && (error != std::errc() || end != digits.data() + digits.size() || digits.empty())) {
      fail_at(file_, line_, fmt::format("expected an integer of 64 bits, got {}", text_.substr(at_, n)));
    }
    add(Token::Kind::number, n, value);
  }

  std::string_view text_;
  const std::string& file_;
  std::size_t at_ = 0;
  std::uint32_t line_ = 1;
  bool to_line_end_ = false;
  std::vector<Token> tokens_;
};

}  // namespace

void fail_at(const std::string& file, std::uint32_t line, const std::string& sentence) {
  // What was got may be a whole file without a blank.
  constexpr std::size_t longest = 1000;
  const char* const more = sentence.size() > longest ? "..." : "";
  throw Error(fmt::format("{}:{}: {}{}", file, line, std::string_view(sentence).substr(0, longest), more));
}

std::vector<Token> tokens_of(std::string_view text, const std::string& file) { return Lexer(text, file).run(); }

}  // namespace obz::ptx
