// From statements to instructions: operands become frame offsets, opcodes handlers.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "gpu/ptx/lanes.hpp"
#include "gpu/ptx/program.hpp"
#include "gpu/ptx/syntax.hpp"

namespace obz::ptx {

/// An opcode's parts: "ld.global.v4.u32" is ld with global, v4, u32. Taking all of them proves that nothing was
/// overlooked.
class Modifiers {
 public:
  explicit Modifiers(const std::string& opcode);
  const std::string& base() const { return base_; }
  bool take(std::string_view name);
  /// The one of `names` that stands there; "" when none does.
  std::string take_one_of(std::initializer_list<std::string_view> names);
  /// The last part left, which is taken; "" when none is.
  std::string take_last();
  /// The first part left.
  std::string take_first();
  bool starts(std::string_view prefix) const;  ///< the first part left
  /// Parts left, ".a.b".
  std::string rest() const;

 private:
  std::string base_;
  std::vector<std::string> parts_;
};

/// Variables by name: the module's, or a function's own shared ones in front of them.
struct Symbols {
  struct Symbol {
    Space space = Space::none;
    std::int64_t offset = 0;   ///< shared: address
    bool dynamic = false;      ///< extern array: behind all other shared memory of the kernel
    std::size_t variable = 0;  ///< global, constant: Program::variables
  };
  std::map<std::string, Symbol> of;
  const Symbols* outer = nullptr;  ///< the module's, seen from a function

  const Symbol* find(const std::string& name) const {
    const auto it = of.find(name);
    if (it != of.end()) return &it->second;
    return outer ? outer->find(name) : nullptr;
  }
};

class Decoder {
 public:
  Decoder(Program& program, const ModuleText& module, const FunctionText& text, const Symbols& symbols, Function& f);

  /// Decodes the body; Error "FILE:LINE: ..." on the first thing that cannot run.
  void run();

  // For the families of instructions below.
  const Statement& at() const { return *at_; }
  /// Exactly `count` operands.
  void want(std::size_t count) const;
  void want(std::size_t least, std::size_t most) const;
  const Operand& operand(std::size_t k) const { return at_->operands[k]; }
  [[noreturn]] void fail(const std::string& sentence) const;
  /// "expected X, got Y" about operand k.
  [[noreturn]] void fail_operand(const Operand& o, const std::string& expected) const;

  /// A row of `bytes` per lane: register, constant, special register or address.
  std::int32_t source(const Operand& o, std::uint32_t bytes);
  /// The same for a row at least that wide; sets `row_bytes`. Immediates get `bytes`.
  std::int32_t wide_source(const Operand& o, std::uint32_t bytes, std::uint32_t& row_bytes);
  std::int32_t dest(const Operand& o, std::uint32_t bytes);
  std::int32_t wide_dest(const Operand& o, std::uint32_t bytes, std::uint32_t& row_bytes);
  std::int32_t predicate(const std::string& name);
  /// A predicate source, noting a `!` as bit k of Instr::negated.
  std::int32_t predicate_source(const Operand& o, Instr& i, unsigned k);
  /// Register or immediate that must be the same 32-bit number for all: still a row.
  bool is_register(const Operand& o) const;
  /// p|q, or plain q when the first is `_`.
  void second_predicate(const Operand& o, Instr& i);
  /// [base + offset] into the address fields of `i`; without a space of its own it is generic.
  void address(const Operand& o, Instr& i);
  std::int32_t constant(std::uint64_t value, std::uint32_t bytes);
  bool is_special(const Operand& o) const;

  const FunctionText& text() const { return text_; }
  /// By its number in the program.
  const FunctionText& text_of(std::uint32_t function) const { return module_.functions[function]; }
  Function& function() { return f_; }
  Program& program() { return program_; }
  std::int64_t kernel_param_bytes() const { return kernel_param_bytes_; }
  std::uint32_t label(const Operand& o) const;
  std::uint32_t label(const std::string& name) const;
  /// The place in the .param area of a parameter of a call.
  Function::Place call_param(const Operand& o) const;

 private:
  struct Register {
    std::int32_t row;
    std::uint32_t bytes;  ///< per lane; 0: predicate
  };
  struct Own {  ///< a variable of the function, or a parameter
    Space space;
    std::int64_t offset;
    std::uint64_t bytes;
    bool kernel_param;
  };

  void lay_out_registers();
  void lay_out_variables();
  std::int32_t behind(std::uint32_t bytes);  ///< a new row behind the registers
  std::int32_t special(const std::string& name, std::uint32_t bytes);
  std::int32_t symbol_address(const Operand& o, std::uint32_t bytes);
  const Register* find(const std::string& name) const;
  Instr statement(const Statement& s);

  Program& program_;
  const ModuleText& module_;
  const FunctionText& text_;
  const Symbols& symbols_;
  Function& f_;
  const Statement* at_ = nullptr;
  std::map<std::string, Register> registers_;
  std::map<std::string, Own> own_;
  std::map<std::pair<std::uint64_t, std::uint32_t>, std::int32_t> constants_;
  std::map<std::pair<std::string, std::uint32_t>, std::int32_t> specials_;
  std::map<std::string, std::int32_t> addresses_;
  std::int32_t sink_ = -1;
  std::int64_t kernel_param_bytes_ = 0;
};

/// "u32" -> type; nothing for predicates, floats and what is no type. b32 counts as u32.
bool integer_type(std::string_view name, LaneType& type);

// Families: true when the opcode is theirs. What they cannot run is an Error.
bool decode_arithmetic(Decoder& d, Modifiers& m, Instr& i);  ///< decode_arith.cpp
bool decode_bits(Decoder& d, Modifiers& m, Instr& i);        ///< decode_bits.cpp
bool decode_compare(Decoder& d, Modifiers& m, Instr& i);     ///< decode_compare.cpp
bool decode_move(Decoder& d, Modifiers& m, Instr& i);        ///< decode_move.cpp
bool decode_memory(Decoder& d, Modifiers& m, Instr& i);      ///< decode_memory.cpp
bool decode_warp(Decoder& d, Modifiers& m, Instr& i);        ///< decode_warp.cpp
bool decode_flow(Decoder& d, Modifiers& m, Instr& i);        ///< decode_flow.cpp

}  // namespace obz::ptx
