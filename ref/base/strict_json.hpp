// JSON that people write: every key is known, stands once, and has the type and range that is asked for. What is not so
// is an Error naming file, field, expected and got.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json_fwd.hpp>

namespace obz {

/// The text as JSON; Error also for nesting beyond kMaxJsonDepth and for an object with a key that stands there twice,
/// of which a parser would keep the last.
nlohmann::ordered_json parse_strict_json(const std::string& text, const std::string& file);

/// One object, and where it stands: "map.json: ports". Keeps a reference.
class StrictObject {
 public:
  /// Error unless `json` is an object with keys out of `known` alone.
  StrictObject(const nlohmann::ordered_json& json, std::string where, const std::vector<std::string_view>& known);

  bool has(std::string_view key) const;
  const nlohmann::ordered_json& at(std::string_view key) const;  ///< Error when it is missing
  std::string text(std::string_view key) const;                  ///< not empty
  std::string text_or_none(std::string_view key) const;
  std::int64_t integer(std::string_view key, std::int64_t least = INT64_MIN, std::int64_t most = INT64_MAX) const;
  bool flag(std::string_view key) const;
  /// Its place among the names.
  std::size_t one_of(std::string_view key, const std::vector<std::string_view>& names) const;

  const std::string& where() const { return where_; }

  /// Throws: the field is not what was expected.
  [[noreturn]] void wrong(std::string_view key, const std::string& expected) const;

 private:
  const nlohmann::ordered_json& json_;
  std::string where_;
};

}  // namespace obz
