#include "tests/gpu/stand_in/modules.hpp"

#include <algorithm>
#include <cctype>
#include <charconv>
#include <cstring>
#include <string_view>
#include <utility>

#include <fmt/format.h>

namespace obz::stand_in {
namespace {

// Numbers of options.
constexpr int kWallTime = 2, kInfoLog = 3, kInfoLogBytes = 4, kErrorLog = 5, kErrorLogBytes = 6, kLastOption = 34;

constexpr int kCapability = 75;

struct Version {
  int major = 0, minor = 0;
  auto operator<=>(const Version&) const = default;
};

/// The newest PTX that the driver's compiler knows. It went in step with CUDA, four behind, but for one release of 12.
Version newest_ptx() {
  const Version cuda{driver_version() / 1000, driver_version() % 1000 / 10};
  return {cuda.major - 4, cuda.minor - (cuda.major == 12 && cuda.minor >= 6 ? 1 : 0)};
}

void skip_space(std::string_view& text) {
  for (;;) {
    while (!text.empty() && std::isspace(static_cast<unsigned char>(text[0])) != 0) text.remove_prefix(1);
    if (text.starts_with("//")) {
      text.remove_prefix(std::min(text.find('\n'), text.size()));
    } else if (text.starts_with("/*")) {
      const std::size_t end = text.find("*/", 2);
      text.remove_prefix(end == std::string_view::npos ? text.size() : end + 2);
    } else {
      return;
    }
  }
}

std::string_view next_word(std::string_view& text) {
  skip_space(text);
  const std::size_t end = std::min(text.find_first_of(" \t\r\n,;/"), text.size());
  const std::string_view word = text.substr(0, end);
  text.remove_prefix(end);
  return word;
}

/// -1 for what is no number.
int number_of(std::string_view digits) {
  int value = -1;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
  return error == std::errc() && end == digits.data() + digits.size() ? value : -1;
}

struct Refusal {
  Result result;
  std::string sentence;
};

/// A module begins with .version and .target.
void check_header(std::string_view text) {
  const Refusal no_header{Result::invalid_ptx, "a module must begin with .version and .target"};
  if (next_word(text) != ".version") throw no_header;
  const std::string_view version = next_word(text);
  const std::size_t dot = version.find('.');
  if (dot == std::string_view::npos) throw no_header;
  const Version asked{number_of(version.substr(0, dot)), number_of(version.substr(dot + 1))};
  if (asked.major < 0 || asked.minor < 0) throw no_header;
  const Version newest = newest_ptx();
  if (asked > newest) {
    throw Refusal{Result::unsupported_ptx_version, fmt::format("unsupported .version {}.{}, the newest is {}.{}",
                                                               asked.major, asked.minor, newest.major, newest.minor)};
  }
  if (next_word(text) != ".target") throw no_header;
  const std::string_view target = next_word(text);
  if (!target.starts_with("sm_")) throw no_header;
  const std::size_t end = std::min(target.find_first_not_of("0123456789", 3), target.size());
  const int capability = number_of(target.substr(3, end - 3));
  if (capability > kCapability) {
    throw Refusal{Result::invalid_ptx, fmt::format("the module is for {}, the device is sm_{}", target, kCapability)};
  }
}

ptx::Module compile(const char* image, const std::string& name) {
  check_header(image);
  try {
    return ptx::parse_module(image, name);
  } catch (const Error& e) {
    throw Refusal{Result::invalid_ptx, e.what()};
  }
}

}  // namespace

CompilerOptions::CompilerOptions(unsigned count, const int* options, void** values) {
  require(count == 0 || (options != nullptr && values != nullptr), Result::invalid_value);
  for (unsigned k = 0; k < count; ++k) {
    require(options[k] >= 0 && options[k] <= kLastOption, Result::invalid_value);
    // A number is the value itself, in the place of a pointer.
    const auto number = static_cast<std::uint32_t>(reinterpret_cast<std::uintptr_t>(values[k]));
    Log& log = options[k] == kInfoLog || options[k] == kInfoLogBytes ? info_ : error_;
    switch (options[k]) {
      case kWallTime: wall_time_ = &values[k]; break;
      case kInfoLog:
      case kErrorLog: log.buffer = static_cast<char*>(values[k]); break;
      case kInfoLogBytes:
      case kErrorLogBytes:
        log.bytes = number;
        log.size_value = &values[k];
        break;
      default: break;
    }
  }
  for (const Log& log : {info_, error_}) {
    require(log.buffer == nullptr || log.size_value != nullptr, Result::invalid_value);
  }
}

void CompilerOptions::report(const std::string& error) {
  fill(info_, "");
  fill(error_, error);
  if (wall_time_ != nullptr) {
    const float milliseconds = 1;
    std::memcpy(static_cast<void*>(wall_time_), &milliseconds, sizeof milliseconds);
  }
}

void CompilerOptions::fill(const Log& log, const std::string& text) {
  std::size_t length = 0;
  if (log.buffer != nullptr && log.bytes > 0) {
    length = std::min<std::size_t>(text.size(), log.bytes - 1);
    std::memcpy(log.buffer, text.data(), length);
    log.buffer[length] = '\0';
  }
  if (log.size_value != nullptr) *log.size_value = reinterpret_cast<void*>(static_cast<std::uintptr_t>(length));
}

std::shared_ptr<LoadedModule> load_module(const char* image, CompilerOptions& options) {
  // Machine code, alone or in a container: documented, but not for a device like this.
  for (const char* magic : {"\x7f"
                            "ELF",
                            "\x50\xed\x55\xba"}) {
    require(std::strncmp(image, magic, 4) != 0, Result::invalid_image);
  }
  auto loaded = std::make_shared<LoadedModule>();
  try {
    loaded->code = compile(image, fmt::format("module {}", ++driver().modules_loaded));
  } catch (const Refusal& r) {
    options.report(r.sentence);
    throw Failure{r.result};
  }
  options.report("");
  return loaded;
}

}  // namespace obz::stand_in
