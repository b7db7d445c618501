// A module ready to run: every statement became an instruction with a handler, every register a row of 32 lanes.
//
// A function's frame is memory of rows: 32 values of 1, 2, 4 or 8 bytes, or one 32-bit mask for a predicate. Constants
// are rows too, so a handler never asks what kind of operand it has.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "gpu/ptx/lanes.hpp"
#include "gpu/ptx/module.hpp"
#include "gpu/ptx/syntax.hpp"

namespace obz::ptx {

struct Machine;
struct Instr;

/// Executes one instruction for the lanes of `mask`, which is not 0.
using Exec = void (*)(Machine&, const Instr&, std::uint32_t mask);

/// What the scheduler does itself.
enum class Flow : std::uint8_t { next, branch, table, call, ret, exit, trap, barrier };

struct Instr {
  Exec exec = nullptr;
  LaneFn lanes = nullptr;
  GatherFn gather = nullptr;    ///< loads
  ScatterFn scatter = nullptr;  ///< stores
  MmaFn mma = nullptr;

  std::int32_t guard = -1;  ///< frame offset of a predicate; -1: none
  bool guard_negated = false;
  Flow flow = Flow::next;

  std::uint8_t d_bytes = 4;         ///< of one lane of a destination
  std::array<std::int32_t, 4> d{};  ///< frame offsets
  std::int32_t second = -1;         ///< of the q in p|q; -1: none
  std::array<std::int32_t, 5> s{};  ///< frame offsets
  std::uint8_t negated = 0;         ///< bit k: predicate source k is negated
  std::uint8_t mode = 0;            ///< meaning by handler
  bool aligned = false;             ///< every lane of the warp must stand here
  bool writes_carry = false;
  bool signed_values = false;  ///< atom, redux

  // Memory accesses. Address: row s[0] (address_bytes wide; -1: none) + offset.
  Space space = Space::none;
  std::uint8_t access_bytes = 0;  ///< of one element in memory
  std::uint8_t vector = 1;        ///< elements of one thread
  std::uint8_t address_bytes = 8;
  bool strong = false;        ///< .volatile, .relaxed, .acquire, .release: no race with its like
  bool kernel_param = false;  ///< .param of a kernel: the launch's block

  std::int64_t imm = 0;      ///< offset of an address; immediate of others
  std::uint32_t target = 0;  ///< of branches: instruction; of calls: function
  std::uint32_t table = 0;   ///< of brx.idx: Function::tables; of calls: Function::calls
  std::uint32_t line = 0;
  std::uint32_t opcode = 0;   ///< Program::opcodes
  std::uint32_t counter = 0;  ///< index among all instructions of the program
};

enum class Special : std::uint8_t {
  tid_x,
  tid_y,
  tid_z,
  ntid_x,
  ntid_y,
  ntid_z,
  ctaid_x,
  ctaid_y,
  ctaid_z,
  nctaid_x,
  nctaid_y,
  nctaid_z,
  laneid,
  warpid,
  nwarpid,
  smid,
  nsmid,
  gridid,
  mask_eq,
  mask_lt,
  mask_le,
  mask_gt,
  mask_ge,
  warp_size,
  total_shared,
  dynamic_shared,
  clock,
};

struct Function {
  std::string name;
  std::uint32_t line = 0;
  bool kernel = false;
  std::string refusal;  ///< why it cannot run; empty: it can
  std::vector<Instr> code;

  std::uint32_t register_bytes = 0;  ///< rows of registers, from offset 0
  std::uint32_t frame_bytes = 0;     ///< with the rows of constants and special registers behind them
  std::vector<std::byte> image;      ///< of what lies behind the registers
  struct SpecialRow {
    Special what;
    std::int32_t row;
    std::uint8_t bytes;
  };
  std::vector<SpecialRow> specials;
  enum class From : std::uint8_t { local, param, dynamic_shared };
  struct PlaceRow {  ///< address that depends on the depth of calls (.local), the frame (.param) or the kernel
    std::int32_t row;
    std::uint8_t bytes;
    std::int64_t offset;
    From from;
  };
  std::vector<PlaceRow> places;
  struct VariableRow {  ///< address of a .global or .const variable: depends on the Memory
    std::int32_t row;
    std::size_t variable;
    std::int64_t offset;
  };
  std::vector<VariableRow> variables;

  std::uint32_t local_bytes = 0;    ///< per thread
  std::uint32_t param_bytes = 0;    ///< per thread: parameters, results and those of its calls
  std::uint32_t deepest_local = 0;  ///< of a kernel: with everything it calls
  struct Place {
    std::uint32_t offset, bytes;
  };
  std::vector<Place> params, returns;  ///< of itself, in the .param area
  struct Call {
    std::vector<Place> params, returns;  ///< in the caller's .param area
  };
  std::vector<Call> calls;
  std::vector<std::vector<std::uint32_t>> tables;
  std::vector<std::uint32_t> callees;
};

struct Program {
  std::string file;
  std::vector<Function> functions;
  std::map<std::string, std::uint32_t> by_name;
  std::vector<KernelInfo> kernels;
  std::vector<std::string> opcodes;
  std::map<std::string, std::uint32_t> opcode_at;  ///< their places
  std::vector<std::uint32_t> opcode_of, line_of;   ///< per counter
  std::vector<Variable> variables;                 ///< .global and .const
};

// Where the windows of other spaces lie among generic addresses. Global and constant addresses are generic already.
inline constexpr std::uint64_t kSharedWindow = std::uint64_t{1} << 56;
inline constexpr std::uint64_t kLocalWindow = std::uint64_t{2} << 56;
inline constexpr std::uint64_t kParamWindow = std::uint64_t{3} << 56;
inline constexpr std::uint64_t kWindowMask = std::uint64_t{0xFF} << 56;

}  // namespace obz::ptx
