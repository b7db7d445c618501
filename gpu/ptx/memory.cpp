#include "gpu/ptx/memory.hpp"

#include <algorithm>
#include <cstring>
#include <iterator>

#include <fmt/format.h>

#include "gpu/ptx/program.hpp"
#include "ref/base/error.hpp"

namespace obz::ptx {
namespace {

constexpr std::uint64_t kAlign = 256, kGap = 256;
constexpr std::size_t kLargest = std::size_t{1} << 40;

}  // namespace

std::uint64_t Memory::allocate(std::size_t bytes, std::string label) {
  if (bytes == 0 || bytes > kLargest) {
    throw Error(fmt::format("allocating \"{}\": expected 1 to 2^40 bytes, got {}", label, bytes));
  }
  auto a = std::make_unique<Allocation>();
  a->base = next_;
  a->bytes = bytes;
  a->label = std::move(label);
  a->data = std::make_unique<std::byte[]>(bytes);
  a->written = std::make_unique<std::uint8_t[]>(bytes);
  next_ = (next_ + bytes + kGap + kAlign - 1) / kAlign * kAlign;
  const std::uint64_t base = a->base;
  allocations_.emplace(base, std::move(a));
  return base;
}

void Memory::free(std::uint64_t address) {
  if (allocations_.erase(address) == 0) {
    throw Error(fmt::format("free: expected the address of an allocation, got {:#x}, {}", address, describe(address)));
  }
}

const Allocation* Memory::find(std::uint64_t address) const {
  const auto after = allocations_.upper_bound(address);
  if (after == allocations_.begin()) return nullptr;
  const Allocation* a = std::prev(after)->second.get();
  return address - a->base < a->bytes ? a : nullptr;
}

std::string Memory::describe(std::uint64_t address) const {
  const auto after = allocations_.upper_bound(address);
  std::uint64_t before_next = kGap + 1;
  if (after != allocations_.end()) before_next = after->first - address;
  if (after != allocations_.begin()) {
    const Allocation& a = *std::prev(after)->second;
    const std::uint64_t offset = address - a.base;
    if (offset < a.bytes) return fmt::format("byte {} of \"{}\" ({} bytes)", offset, a.label, a.bytes);
    if (offset - a.bytes < std::min(kGap, before_next)) {
      return fmt::format("{} bytes behind the end of \"{}\" ({} bytes)", offset - a.bytes, a.label, a.bytes);
    }
  }
  if (before_next <= kGap) return fmt::format("{} bytes before \"{}\"", before_next, after->second->label);
  return "in no allocation";
}

Allocation& Memory::holder(std::uint64_t address, std::size_t bytes, const char* verb) const {
  const auto* a = find(address);
  if (a == nullptr || bytes > a->bytes - (address - a->base)) {
    throw Error(fmt::format("{} {} bytes at {:#x}: expected them inside one allocation, they start {}", verb, bytes,
                            address, describe(address)));
  }
  return const_cast<Allocation&>(*a);
}

void Memory::write(std::uint64_t address, std::span<const std::byte> bytes) {
  if (bytes.empty()) return;
  Allocation& a = holder(address, bytes.size(), "writing");
  std::memcpy(a.data.get() + (address - a.base), bytes.data(), bytes.size());
  std::memset(a.written.get() + (address - a.base), 1, bytes.size());
}

void Memory::fill(std::uint64_t address, std::size_t bytes, std::byte value) {
  if (bytes == 0) return;
  Allocation& a = holder(address, bytes, "filling");
  std::memset(a.data.get() + (address - a.base), static_cast<int>(value), bytes);
  std::memset(a.written.get() + (address - a.base), 1, bytes);
}

void Memory::read(std::uint64_t address, std::span<std::byte> bytes) const {
  if (bytes.empty()) return;
  const Allocation& a = holder(address, bytes.size(), "reading");
  const std::uint64_t offset = address - a.base;
  const std::uint8_t* const written = a.written.get() + offset;
  const auto* const hole = static_cast<const std::uint8_t*>(std::memchr(written, 0, bytes.size()));
  if (hole != nullptr) {
    const std::size_t at = static_cast<std::size_t>(hole - written);
    throw Error(fmt::format("reading \"{}\": byte {} of {} was never written", a.label, offset + at, a.bytes));
  }
  std::memcpy(bytes.data(), a.data.get() + offset, bytes.size());
}

const std::vector<std::uint64_t>& Memory::variables_of(const std::shared_ptr<const Program>& program) {
  if (const auto known = variables_.find(program); known != variables_.end()) return known->second;
  std::vector<std::uint64_t> addresses;
  std::map<std::string, std::uint64_t> by_name;
  for (const Variable& v : program->variables) {
    addresses.push_back(allocate(v.bytes, v.name));
    by_name[v.name] = addresses.back();
  }
  for (std::size_t i = 0; i < addresses.size(); ++i) {
    const Variable& v = program->variables[i];
    // What a module does not initialise is zero on the device.
    fill(addresses[i], v.bytes, std::byte{0});
    write(addresses[i], std::as_bytes(std::span(v.init)));
    for (const Variable::Pointer& p : v.pointers) {
      const std::uint64_t to = by_name.at(p.symbol) + static_cast<std::uint64_t>(p.addend);
      write(addresses[i] + p.offset, std::as_bytes(std::span(&to, 1)));
    }
  }
  return variables_.emplace(program, std::move(addresses)).first->second;
}

}  // namespace obz::ptx
