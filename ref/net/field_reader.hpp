// Reads the fields a struct lists from JSON, the counterpart of field_writer.hpp. Every mistake becomes one sentence
// with the path of the field. Internal to ref/net: included by save_load.cpp only.
#pragma once

#include <limits>
#include <map>
#include <set>
#include <string>
#include <type_traits>
#include <vector>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "ref/base/error.hpp"
#include "ref/net/names.hpp"
#include "ref/ops/requant.hpp"
#include "ref/tensor/npy.hpp"
#include "ref/tensor/type_text.hpp"

namespace obz {

/// What a reader needs at every depth: the file's name for messages and the arrays beside net.json.
struct ReadContext {
  std::string file;
  std::map<std::string, Bytes> arrays;
};

class FieldReader {
 public:
  using Json = nlohmann::ordered_json;

  FieldReader(const Json& object, std::string path, const ReadContext& context)
      : object_(object), path_(std::move(path)), context_(context) {
    if (!object.is_object()) fail(path_, "an object", object);
  }

  template <class T>
  void operator()(const char* key, T& value) {
    seen_.insert(key);
    const auto it = object_.find(key);
    const std::string path = path_ + "." + key;
    if (it == object_.end()) throw Error(fmt::format("{}: {}: field is missing", context_.file, path));
    read(*it, value, path);
  }

  /// Empty when it is missing.
  template <class T>
  void optional(const char* key, std::vector<T>& values) {
    values.clear();
    if (object_.contains(key)) (*this)(key, values);
  }

  /// A field this version does not know could change the meaning: refuse it.
  void refuse_unknown_fields() const {
    for (const auto& item : object_.items()) {
      if (seen_.count(item.key()) == 0) {
        throw Error(fmt::format("{}: {}.{}: unknown field", context_.file, path_, item.key()));
      }
    }
  }

 private:
  [[noreturn]] void fail(const std::string& path, std::string_view expected, const Json& got) const {
    std::string text = got.dump(-1, ' ', true, Json::error_handler_t::replace);
    constexpr std::size_t longest = 40;
    if (text.size() > longest) text = text.substr(0, longest) + "...";
    throw Error(fmt::format("{}: {}: expected {}, got {}", context_.file, path, expected, text));
  }

  template <class T>
  void read(const Json& json, T& value, const std::string& path) {
    if constexpr (std::is_same_v<T, bool>) {
      if (!json.is_boolean()) fail(path, "true or false", json);
      value = json.get<bool>();
    } else if constexpr (std::is_integral_v<T>) {
      value = static_cast<T>(integer(json, path, std::numeric_limits<T>::min(), std::numeric_limits<T>::max()));
    } else if constexpr (std::is_floating_point_v<T>) {
      if (!json.is_number()) fail(path, "a number", json);
      value = json.get<T>();
    } else if constexpr (std::is_same_v<T, std::string>) {
      if (!json.is_string()) fail(path, "a string", json);
      value = json.get<std::string>();
    } else if constexpr (std::is_enum_v<T>) {
      const auto parsed = json.is_string() ? enum_from<T>(json.get<std::string>()) : std::nullopt;
      if (!parsed) fail(path, fmt::format("one of {}", fmt::join(EnumNames<T>::values, ", ")), json);
      value = *parsed;
    } else {
      FieldReader reader(json, path, context_);
      T::fields(value, reader);
      reader.refuse_unknown_fields();
    }
  }

  std::int64_t integer(const Json& json, const std::string& path, std::int64_t lo, std::int64_t hi) const {
    const bool fits = json.is_number_integer() && !(json.is_number_unsigned() && json.get<std::uint64_t>() > INT64_MAX);
    if (!fits || json.get<std::int64_t>() < lo || json.get<std::int64_t>() > hi) {
      fail(path, fmt::format("an integer in {}..{}", lo, hi), json);
    }
    return json.get<std::int64_t>();
  }

  void read(const Json& json, IntType& type, const std::string& path) {
    const auto parsed = json.is_string() ? type_from_text(json.get<std::string>()) : std::nullopt;
    if (!parsed) fail(path, "an integer type such as \"int8\"", json);
    type = *parsed;
  }

  void read(const Json& json, Shape& shape, const std::string& path) {
    std::vector<std::int64_t> dims;
    if (!json.is_array()) fail(path, "a list of integers", json);
    for (const Json& item : json) dims.push_back(integer(item, path, INT64_MIN, INT64_MAX));
    shape = Shape(std::move(dims));
  }

  void read(const Json& json, Recipe& r, const std::string& path) {
    FieldReader reader(json, path, context_);
    reader("arithmetic", r.arithmetic);
    reader("rounding", r.rounding);
    reader("first_bits", r.first_bits);
    reader("first_rounding", r.first_rounding);
    reader("first_overflow", r.first_overflow);
    reader("left_overflow", r.left_overflow);
    reader("product_bits", r.product_bits);
    reader("scaled_bits", r.scaled_bits);
    reader("scaled_overflow", r.scaled_overflow);
    reader("zero_point", r.zero_point);
    reader("clamp", r.clamp);
    reader.refuse_unknown_fields();
  }

  void read(const Json& json, Tensor& tensor, const std::string& path) {
    const auto it = json.is_object() ? json.find("type") : json.end();
    if (!json.is_object() || it == json.end()) fail(path, "{\"npy\", \"type\"}", json);
    IntType type;
    read(*it, type, path + ".type");
    if (type.bits > 32 || (type.bits == 32 && !type.is_signed)) fail(path + ".type", "at most int32 or uint31", *it);
    tensor = npy_to_tensor(array(json, path), type, context_.file + ": " + path);
  }

  void read(const Json& json, std::vector<std::int64_t>& values, const std::string& path) {
    values.clear();
    if (json.is_array()) {
      for (const Json& item : json) values.push_back(integer(item, path, INT64_MIN, INT64_MAX));
    } else {
      values = npy_to_int64(array(json, path), context_.file + ": " + path);
    }
  }

  void read(const Json& json, std::vector<double>& values, const std::string& path) {
    values.clear();
    if (json.is_array()) {
      for (const Json& item : json) {
        values.emplace_back();
        read(item, values.back(), path);
      }
    } else {
      values = npy_to_double(array(json, path), context_.file + ": " + path);
    }
  }

  void read(const Json& json, std::vector<Channel>& channels, const std::string& path) {
    FieldReader reader(json, path, context_);
    std::int64_t count = 0;
    reader("count", count);
    constexpr std::int64_t most = 1 << 22;
    if (count < 1 || count > most) fail(path + ".count", fmt::format("1..{}", most), json["count"]);
    channels.assign(static_cast<std::size_t>(count), Channel{});
    const auto column = [&](const char* key, auto member) {
      using Value = std::decay_t<decltype(std::declval<Channel>().*member)>;
      using Wide = std::conditional_t<std::is_same_v<Value, double>, double, std::int64_t>;
      const auto it = json.find(key);
      std::vector<Wide> values;
      if (it != json.end() && it->is_number()) {
        seen_column(reader, key);
        values.resize(1);
        read(*it, values[0], path + "." + key);
        values.resize(channels.size(), values[0]);
      } else {
        reader(key, values);
      }
      if (values.size() != channels.size()) {
        throw Error(
            fmt::format("{}: {}.{}: expected {} values, got {}", context_.file, path, key, count, values.size()));
      }
      for (std::size_t i = 0; i < values.size(); ++i) {
        if constexpr (std::is_same_v<Value, std::int32_t>) {
          if (values[i] < INT32_MIN || values[i] > INT32_MAX) {
            throw Error(fmt::format("{}: {}.{}: {} does not fit 32 bits", context_.file, path, key, values[i]));
          }
        }
        channels[i].*member = static_cast<Value>(values[i]);
      }
    };
    column("multiplier", &Channel::multiplier);
    column("shift", &Channel::shift);
    column("addend", &Channel::addend);
    column("scale", &Channel::scale);
    column("zero_point", &Channel::zero_point);
    column("lo", &Channel::lo);
    column("hi", &Channel::hi);
    reader.refuse_unknown_fields();
  }

  static void seen_column(FieldReader& reader, const char* key) { reader.seen_.insert(key); }

  template <class T>
  void read(const Json& json, std::vector<T>& items, const std::string& path) {
    if (!json.is_array()) fail(path, "a list", json);
    items.clear();
    for (std::size_t i = 0; i < json.size(); ++i) {
      items.emplace_back();
      read(json[i], items.back(), fmt::format("{}[{}]", path, i));
    }
  }

  NpyArray array(const Json& json, const std::string& path) const {
    const auto it = json.is_object() ? json.find("npy") : json.end();
    if (!json.is_object() || it == json.end() || !it->is_string()) fail(path, "{\"npy\": name of an array}", json);
    const auto entry = context_.arrays.find(it->get<std::string>());
    if (entry == context_.arrays.end()) {
      throw Error(fmt::format("{}: {}: the archive has no entry {}", context_.file, path, it->get<std::string>()));
    }
    return parse_npy(entry->second, context_.file + ": " + entry->first);
  }

  const Json& object_;
  std::string path_;
  const ReadContext& context_;
  std::set<std::string> seen_;
};

}  // namespace obz
