#include "cli/ptx_args.hpp"

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <limits>
#include <map>
#include <optional>
#include <span>
#include <utility>

#include <fmt/format.h>

#include "gpu/ptx/launch.hpp"
#include "ref/base/error.hpp"
#include "ref/base/file.hpp"
#include "ref/tensor/npy.hpp"

namespace obz::cli {
namespace {

constexpr const char* kForms =
    "expected s8|u8|s16|u16|s32|u32|s64|u64:NUMBER, zeros:BYTES, out:BYTES[:FILE], in:FILE or inout:FILE[:FILE]";

template <class T>
std::optional<T> integer(const std::string& text) {
  T value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

template <class T>
std::vector<std::byte> number(const std::string& arg, const std::string& text) {
  const auto value = integer<T>(text);
  if (!value) throw Error(fmt::format("--arg {}: expected an integer of {} bits", arg, 8 * sizeof(T)));
  const auto bytes = std::as_bytes(std::span(&*value, 1));
  return {bytes.begin(), bytes.end()};
}

std::optional<std::vector<std::byte>> number_of(const std::string& form, const std::string& arg,
                                                const std::string& text) {
  if (form == "s8") return number<std::int8_t>(arg, text);
  if (form == "u8") return number<std::uint8_t>(arg, text);
  if (form == "s16") return number<std::int16_t>(arg, text);
  if (form == "u16") return number<std::uint16_t>(arg, text);
  if (form == "s32") return number<std::int32_t>(arg, text);
  if (form == "u32") return number<std::uint32_t>(arg, text);
  if (form == "s64") return number<std::int64_t>(arg, text);
  if (form == "u64") return number<std::uint64_t>(arg, text);
  return std::nullopt;
}

bool is_npy(const std::string& file) { return std::filesystem::path(file).extension() == ".npy"; }

/// The bytes of an .npy's array, or of any other file as it is.
Bytes contents(const std::string& file) {
  Bytes bytes = read_file(file);
  return is_npy(file) ? parse_npy(bytes, file).bytes : bytes;
}

std::uint64_t size_of(const std::string& arg, const std::string& text) {
  const auto bytes = integer<std::uint64_t>(text);
  if (!bytes || *bytes == 0 || *bytes > (std::uint64_t{1} << 36)) {
    throw Error(fmt::format("--arg {}: expected 1 to 2^36 bytes, got {}", arg, text));
  }
  return *bytes;
}

PtxArg make(const std::string& text, ptx::Memory& memory, std::size_t index) {
  PtxArg a{.text = text};
  const std::size_t colon = text.find(':');
  if (colon == std::string::npos) throw Error(fmt::format("--arg {}: {}", text, kForms));
  const std::string form = text.substr(0, colon);
  std::string rest = text.substr(colon + 1);
  if (auto value = number_of(form, text, rest)) {
    a.value = std::move(*value);
    return a;
  }
  // A second file behind the last colon.
  const auto split = [&] {
    const std::size_t last = rest.find(':');
    if (last == std::string::npos) return std::string();
    std::string file = rest.substr(last + 1);
    if (file.empty()) throw Error(fmt::format("--arg {}: expected a file behind the last colon", text));
    rest.resize(last);
    return file;
  };
  const std::string label = fmt::format("argument {}", index);
  if (form == "zeros" || form == "out") {
    a.read_back = form == "out";
    if (a.read_back) a.file = split();
    a.bytes = size_of(text, rest);
    a.address = memory.allocate(a.bytes, label);
    if (!a.read_back) memory.fill(a.address, a.bytes, std::byte{0});
  } else if (form == "in" || form == "inout") {
    a.read_back = form == "inout";
    if (a.read_back) a.file = split();
    if (rest.empty()) throw Error(fmt::format("--arg {}: expected a file", text));
    const Bytes data = contents(rest);
    if (data.empty()) throw Error(fmt::format("--arg {}: {} holds no bytes", text, rest));
    if (is_npy(rest)) a.like = rest;
    a.bytes = data.size();
    a.address = memory.allocate(a.bytes, label);
    memory.write(a.address, std::as_bytes(std::span(data)));
  } else {
    throw Error(fmt::format("--arg {}: {}", text, kForms));
  }
  a.value = number<std::uint64_t>(text, fmt::to_string(a.address));
  return a;
}

/// An array as the kernel left it; memory starts as zeros.
Bytes left_behind(const PtxArg& a, const ptx::Memory& memory, bool allow_unwritten) {
  const ptx::Allocation& all = *memory.find(a.address);
  const std::uint8_t *const flags = all.written.get(), *const end = flags + all.bytes;
  const std::uint8_t* const hole = std::find(flags, end, std::uint8_t{0});
  if (hole != end && !allow_unwritten) {
    throw Error(fmt::format("--arg {}: the kernel left byte {} of {} unwritten; --no-uninitialised takes it for 0",
                            a.text, hole - flags, all.bytes));
  }
  const auto* const data = reinterpret_cast<const std::uint8_t*>(all.data.get());
  return {data, data + all.bytes};
}

}  // namespace

std::vector<PtxArg> make_ptx_args(const std::vector<std::string>& texts, ptx::Memory& memory) {
  std::vector<PtxArg> args;
  for (const std::string& t : texts) args.push_back(make(t, memory, args.size()));
  return args;
}

std::vector<std::byte> pack(const ptx::KernelInfo& kernel, const std::vector<PtxArg>& args) {
  std::vector<std::vector<std::byte>> values;
  for (std::size_t k = 0; k < args.size(); ++k) {
    if (k < kernel.params.size() && kernel.params[k].size_bytes != args[k].value.size()) {
      throw Error(fmt::format("--arg {}: parameter {} of {} has {} bytes, this {}", args[k].text, k, kernel.name,
                              kernel.params[k].size_bytes, args[k].value.size()));
    }
    values.push_back(args[k].value);
  }
  return ptx::pack_args(kernel, values);
}

void write_back(const std::vector<PtxArg>& args, const ptx::Memory& memory, bool allow_unwritten) {
  std::vector<std::pair<std::string, Bytes>> files;
  for (const PtxArg& a : args) {
    if (!a.read_back || a.file.empty()) continue;
    Bytes data = left_behind(a, memory, allow_unwritten);
    if (is_npy(a.file)) {
      NpyArray array{.kind = 'u', .item_bytes = 1, .shape = Shape({static_cast<std::int64_t>(a.bytes)}), .bytes = {}};
      if (!a.like.empty()) array = parse_npy(read_file(a.like), a.like);
      array.bytes = std::move(data);
      data = format_npy(array);
    }
    files.emplace_back(a.file, std::move(data));
  }
  for (const auto& [file, data] : files) write_file(file, data);
}

}  // namespace obz::cli
