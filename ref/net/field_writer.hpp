// Writes the fields a struct lists (see `fields` in ref/ops/*.hpp) as JSON; arrays go to .npy entries beside it.
// Internal to ref/net: included by save_load.cpp only.
#pragma once

#include <algorithm>
#include <string>
#include <type_traits>
#include <vector>

#include <nlohmann/json.hpp>

#include "ref/net/names.hpp"
#include "ref/net/profile_json.hpp"
#include "ref/ops/requant.hpp"
#include "ref/tensor/archive.hpp"
#include "ref/tensor/npy.hpp"
#include "ref/tensor/type_text.hpp"

namespace obz {

using Json = nlohmann::ordered_json;

class FieldWriter {
 public:
  FieldWriter(Json& object, std::string path, ArchiveEntries& arrays)
      : object_(object), path_(std::move(path)), arrays_(arrays) {}

  template <class T>
  void operator()(const char* key, const T& value) {
    object_[key] = write(value, path_ + "." + key);
  }

  /// Left out when empty.
  template <class T>
  void optional(const char* key, const std::vector<T>& values) {
    if (!values.empty()) (*this)(key, values);
  }

 private:
  template <class T>
  Json write(const T& value, const std::string& path) {
    if constexpr (std::is_enum_v<T>) {
      return name_of(value);
    } else if constexpr (std::is_arithmetic_v<T> || std::is_same_v<T, std::string>) {
      return value;
    } else {
      Json object = Json::object();
      T::fields(value, FieldWriter(object, path, arrays_));
      return object;
    }
  }

  Json write(const IntType& type, const std::string&) { return type_text(type); }
  Json write(const Shape& shape, const std::string&) { return shape.dims(); }

  Json write(const Recipe& r, const std::string&) { return recipe_json(r); }

  Json write(const Tensor& tensor, const std::string& path) {
    return {{"npy", add(path, format_npy(npy_from(tensor)))}, {"type", type_text(tensor.type)}};
  }
  Json write(const std::vector<std::int64_t>& values, const std::string& path) { return column(values, path); }
  Json write(const std::vector<double>& values, const std::string& path) { return column(values, path); }

  /// One entry per column; a column with one value throughout is that value.
  Json write(const std::vector<Channel>& channels, const std::string& path) {
    Json object = {{"count", channels.size()}};
    const auto columns = [&](const char* key, auto member) {
      std::vector<std::conditional_t<std::is_same_v<decltype(member), double Channel::*>, double, std::int64_t>> values;
      for (const Channel& c : channels) values.push_back(c.*member);
      const bool constant = std::adjacent_find(values.begin(), values.end(), std::not_equal_to<>()) == values.end();
      object[key] = constant && !values.empty() ? Json(values[0]) : column(values, path + "." + key);
    };
    columns("multiplier", &Channel::multiplier);
    columns("shift", &Channel::shift);
    columns("addend", &Channel::addend);
    columns("scale", &Channel::scale);
    columns("zero_point", &Channel::zero_point);
    columns("lo", &Channel::lo);
    columns("hi", &Channel::hi);
    return object;
  }

  template <class T>
  Json write(const std::vector<T>& items, const std::string& path) {
    Json list = Json::array();
    for (std::size_t i = 0; i < items.size(); ++i) list.push_back(write(items[i], path + "." + std::to_string(i)));
    return list;
  }

  /// Short lists stand in the JSON, long ones in a file of their own.
  template <class T>
  Json column(const std::vector<T>& values, const std::string& path) {
    constexpr std::size_t short_list = 8;
    if (values.size() <= short_list) return values;
    return {{"npy", add(path, format_npy(npy_from(values)))}};
  }

  std::string add(const std::string& path, Bytes file) {
    std::string entry = path + ".npy";
    arrays_.emplace_back(entry, std::move(file));
    return entry;
  }

  Json& object_;
  std::string path_;
  ArchiveEntries& arrays_;
};

}  // namespace obz
