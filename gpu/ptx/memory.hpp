// The device's global memory: allocations with gaps between them, so that no overrun lands in a neighbour, and for
// every byte whether it was ever written.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <vector>

namespace obz::ptx {

struct Program;

struct Allocation {
  std::uint64_t base = 0;
  std::size_t bytes = 0;
  std::string label;
  std::unique_ptr<std::byte[]> data;
  std::unique_ptr<std::uint8_t[]> written;  ///< per byte: 1 once anyone wrote it
};

class Memory {
 public:
  /// 256-byte aligned, at least 256 bytes from any other. Contents count as never written. Error for 0 bytes.
  std::uint64_t allocate(std::size_t bytes, std::string label);
  /// Error unless `address` came from allocate.
  void free(std::uint64_t address);

  /// Host to device; Error naming the label and offset where it does not fit.
  void write(std::uint64_t address, std::span<const std::byte> bytes);
  /// Device to host; Error also when a byte was never written.
  void read(std::uint64_t address, std::span<std::byte> bytes) const;
  /// All of them become `value`.
  void fill(std::uint64_t address, std::size_t bytes, std::byte value);

  /// The allocation that holds `address`, or nullptr.
  const Allocation* find(std::uint64_t address) const;
  /// "12 bytes behind \"weights\" (4096 bytes)": where an address that no allocation holds lies.
  std::string describe(std::uint64_t address) const;

  /// Addresses of the .global and .const variables of a program, made and initialised at its first launch here.
  const std::vector<std::uint64_t>& variables_of(const std::shared_ptr<const Program>& program);

 private:
  Allocation& holder(std::uint64_t address, std::size_t bytes, const char* verb) const;

  static constexpr std::uint64_t kFirst = std::uint64_t{1} << 33;  ///< no 32-bit number is an address

  std::map<std::uint64_t, std::unique_ptr<Allocation>> allocations_;  ///< by base
  std::uint64_t next_ = kFirst;                                       ///< never used again after free
  std::map<std::shared_ptr<const Program>, std::vector<std::uint64_t>> variables_;
};

}  // namespace obz::ptx
