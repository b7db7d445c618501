// Errors, initialisation, the device, its primary context, memory.
#include <algorithm>
#include <array>
#include <cstring>
#include <iterator>
#include <memory>
#include <span>
#include <string_view>
#include <utility>

#include <fmt/format.h>

#include "tests/gpu/stand_in/capture.hpp"
#include "tests/gpu/stand_in/execute.hpp"
#include "tests/gpu/stand_in/exported.hpp"
#include "tests/gpu/stand_in/state.hpp"

using namespace obz::stand_in;

namespace {

constexpr std::string_view kDeviceName = "obz stand-in";
constexpr std::uint64_t kMemory = std::uint64_t{16} << 30;
constexpr std::byte kNeverWritten{0xA5};

/// By the numbers of the documentation. Of a Tesla T4, where nobody asked for anything else.
constexpr auto kAttributes = std::to_array<std::pair<int, int>>({
    {1, 1024},        // threads in a block
    {2, 1024},        // its x
    {3, 1024},        // y
    {4, 64},          // z
    {5, 0x7FFFFFFF},  // x of a grid
    {6, 65535},       // y
    {7, 65535},       // z
    {8, 48 * 1024},   // shared bytes of a block
    {9, 64 * 1024},   // constant bytes
    {10, 32},         // lanes of a warp
    {12, 65536},      // registers of a block
    {13, 1'590'000},  // clock, kHz
    {16, 40},         // multiprocessors
    {17, 0},          // time limit
    {18, 0},          // integrated
    {20, 0},          // compute mode
    {31, 1},          // concurrent kernels
    {32, 1},          // ECC
    {36, 5'001'000},  // memory clock, kHz
    {37, 256},        // bits of the memory bus
    {38, 4 << 20},    // bytes of L2
    {39, 1024},       // threads of a multiprocessor
    {40, 3},          // copy engines
    {41, 1},          // unified addresses
    {75, 7},          // compute capability
    {76, 5},          // its second number
    {81, 64 * 1024},  // shared bytes of a multiprocessor
    {82, 65536},      // registers of a multiprocessor
    {97, 64 * 1024},  // shared bytes of a block on demand
    {106, 16},        // blocks of a multiprocessor
});

bool has_device() { return setting("OBZ_STAND_IN_DEVICES", 1) != 0; }

void require_device(int device) { require(device == 0 && has_device(), Result::invalid_device); }

/// Inside one allocation.
void require_range(const Context& c, std::uint64_t address, std::size_t bytes) {
  const auto after = c.allocations.upper_bound(address);
  require(after != c.allocations.begin(), Result::invalid_value);
  const auto [base, size] = *std::prev(after);
  require(address - base < size && bytes <= size - (address - base), Result::invalid_value);
}

void read_device(const Context& c, std::uint64_t from, std::span<std::byte> to) {
  const obz::ptx::Allocation& a = *c.memory.find(from);
  const std::uint64_t offset = from - a.base;
  for (std::size_t k = 0; k < to.size(); ++k) {
    to[k] = a.written[offset + k] != 0 ? a.data[offset + k] : kNeverWritten;
  }
}

}  // namespace

OBZ_EXPORTED cuGetErrorName(int error, const char** text) {
  return call("cuGetErrorName", [&] {
    require(text != nullptr, Result::invalid_value);
    const Code* const code = find_code(error);
    *text = code == nullptr ? nullptr : code->name;
    require(code != nullptr, Result::invalid_value);
  });
}

OBZ_EXPORTED cuGetErrorString(int error, const char** text) {
  return call("cuGetErrorString", [&] {
    require(text != nullptr, Result::invalid_value);
    const Code* const code = find_code(error);
    *text = code == nullptr ? nullptr : code->sentence;
    require(code != nullptr, Result::invalid_value);
  });
}

OBZ_EXPORTED cuInit(unsigned flags) {
  return call("cuInit", [&] {
    require(flags == 0, Result::invalid_value);
    require(has_device(), Result::no_device);
    driver().initialised = true;
  });
}

OBZ_EXPORTED cuDriverGetVersion(int* version) {
  return call("cuDriverGetVersion", [&] {  // needs no cuInit: its list of results has no such error
    require(version != nullptr, Result::invalid_value);
    *version = driver_version();
  });
}

OBZ_EXPORTED cuDeviceGetCount(int* count) {
  return call("cuDeviceGetCount", [&] {
    require_initialised();
    require(count != nullptr, Result::invalid_value);
    *count = has_device() ? 1 : 0;
  });
}

OBZ_EXPORTED cuDeviceGet(int* device, int ordinal) {
  return call("cuDeviceGet", [&] {
    require_initialised();
    require(device != nullptr, Result::invalid_value);
    require_device(ordinal);
    *device = 0;
  });
}

OBZ_EXPORTED cuDeviceGetName(char* name, int bytes, int device) {
  return call("cuDeviceGetName", [&] {
    require_initialised();
    require(name != nullptr && bytes > 0, Result::invalid_value);
    require_device(device);
    const std::size_t length = std::min(kDeviceName.size(), static_cast<std::size_t>(bytes) - 1);
    std::memcpy(name, kDeviceName.data(), length);
    name[length] = '\0';
  });
}

OBZ_EXPORTED cuDeviceGetAttribute(int* value, int attribute, int device) {
  return call("cuDeviceGetAttribute", [&] {
    require_initialised();
    require(value != nullptr, Result::invalid_value);
    require_device(device);
    const auto* const at = std::find_if(kAttributes.begin(), kAttributes.end(),
                                        [&](const auto& known) { return known.first == attribute; });
    if (at == kAttributes.end()) {
      say(fmt::format("device attribute {} is not modelled", attribute));
      throw Failure{Result::invalid_value};
    }
    *value = at->second;
  });
}

OBZ_EXPORTED cuDevicePrimaryCtxRetain(void** context, int device) {
  return call("cuDevicePrimaryCtxRetain", [&] {
    require_initialised();
    require(context != nullptr, Result::invalid_value);
    require_device(device);
    fail_if_broken();
    if (driver().context == nullptr) driver().context = std::make_unique<Context>();
    ++driver().context->references;
    *context = context_handle();
  });
}

OBZ_EXPORTED cuDevicePrimaryCtxRelease_v2(int device) {
  return call("cuDevicePrimaryCtxRelease_v2", [&] {
    require_initialised();
    require_device(device);
    require(driver().context != nullptr, Result::invalid_context);
    if (--driver().context->references > 0) return;
    const std::unique_ptr<Context> dying = std::move(driver().context);
    try {
      finish_ownerless(*dying);
    } catch (const Failure&) {
      // It was said on stderr, and whoever retains the context again is told.
    }
    report_left_behind(*dying);
  });
}

OBZ_EXPORTED cuCtxSetCurrent(void* context) {
  return call("cuCtxSetCurrent", [&] {
    require_initialised();
    if (context != nullptr) {
      require(context == context_handle() && driver().context != nullptr, Result::invalid_context);
    }
    context_is_current() = context != nullptr;
  });
}

OBZ_EXPORTED cuMemAlloc_v2(std::uint64_t* address, std::size_t bytes) {
  return call("cuMemAlloc_v2", [&] {
    Context& c = usable_context();
    forbid_while_capturing(c);
    require(address != nullptr && bytes > 0, Result::invalid_value);
    const std::uint64_t limit = setting("OBZ_STAND_IN_MEMORY", kMemory);
    require(bytes <= limit && c.allocated <= limit - bytes, Result::out_of_memory);
    *address = c.memory.allocate(bytes, fmt::format("allocation of {} bytes", bytes));
    c.allocations.emplace(*address, bytes);
    c.allocated += bytes;
  });
}

OBZ_EXPORTED cuMemFree_v2(std::uint64_t address) {
  return call("cuMemFree_v2", [&] {
    Context& c = context_for_cleaning();
    forbid_while_capturing(c);
    const auto at = c.allocations.find(address);
    require(at != c.allocations.end(), Result::invalid_value);
    // "May perform implicit synchronization": what uses the memory and was not waited for may also run afterwards.
    c.memory.free(address);
    c.allocated -= at->second;
    c.allocations.erase(at);
    fail_if_broken();
  });
}

OBZ_EXPORTED cuMemcpyHtoD_v2(std::uint64_t to, const void* from, std::size_t bytes) {
  return call("cuMemcpyHtoD_v2", [&] {
    Context& c = usable_context();
    forbid_while_capturing(c);
    forbid_legacy_while_capturing(c);
    if (bytes > 0) {
      require(from != nullptr, Result::invalid_value);
      require_range(c, to, bytes);
    }
    // "A stream sync is performed before the copy is initiated. The function will return once the pageable buffer has
    // been copied to the staging memory, but the DMA to final destination may not have completed."
    finish_legacy(c);
    if (bytes == 0) return;
    const auto* const source = static_cast<const std::byte*>(from);
    issue(c.legacy, StagedCopy{to, {source, source + bytes}});
  });
}

OBZ_EXPORTED cuMemcpyDtoH_v2(void* to, std::uint64_t from, std::size_t bytes) {
  return call("cuMemcpyDtoH_v2", [&] {
    Context& c = usable_context();
    forbid_while_capturing(c);
    forbid_legacy_while_capturing(c);
    if (bytes > 0) {
      require(to != nullptr, Result::invalid_value);
      require_range(c, from, bytes);
    }
    finish_legacy(c);
    if (bytes == 0) return;
    const std::span<std::byte> target(static_cast<std::byte*>(to), bytes);
    read_device(c, from, target);
    if (++driver().copies_to_host == setting("OBZ_STAND_IN_FLIP", 0)) target[0] ^= std::byte{1};
  });
}
