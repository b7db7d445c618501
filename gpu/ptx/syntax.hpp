// PTX as it stands in the text: declarations, statements and operands, nothing looked up yet.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace obz::ptx {

enum class Space : std::uint8_t { none, reg, param, shared, local, constant, global, generic };

struct Operand {
  enum class Kind : std::uint8_t {
    name,       ///< register, label, symbol, function, special register
    immediate,  ///< `value`, two's complement
    vector,     ///< {a, b}: `items`
    list,       ///< (a, b): `items`
    address,    ///< [base + value]: `name` or empty for an absolute one
    sink,       ///< _
  };
  Kind kind = Kind::name;
  std::string name;
  std::int64_t value = 0;
  bool negated = false;  ///< !p
  std::vector<Operand> items;
  std::string second;  ///< the q of p|q; empty: none
};

struct Statement {
  std::uint32_t line = 0;
  std::string guard;  ///< predicate register; empty: none
  bool guard_negated = false;
  std::string opcode;  ///< with its modifiers: "ld.global.v4.u32"
  std::vector<Operand> operands;
  std::vector<std::string> targets;  ///< brx.idx: the labels its table names
};

/// A variable of any space. Registers carry their type; the others their bytes.
struct Variable {
  Space space = Space::none;
  std::string type;  ///< "b32", "pred"
  std::string name;  ///< unique in its function: inner scopes were renamed
  std::uint32_t line = 0;
  std::uint32_t align = 1;
  std::uint64_t bytes = 0;  ///< 0: an extern array
  bool external = false;
  std::vector<std::uint8_t> init;  ///< of .global and .const; shorter than bytes: zeros follow
  bool has_init = false;
  struct Pointer {
    std::uint64_t offset;
    std::string symbol;
    std::int64_t addend;
    bool generic;
  };
  std::vector<Pointer> pointers;  ///< addresses of other variables inside `init`
};

struct FunctionText {
  std::string name;
  std::uint32_t line = 0;
  bool kernel = false, has_body = false;
  std::vector<Variable> returns, params, variables;  ///< `variables`: of every scope of the body
  std::vector<Statement> body;
  std::map<std::string, std::size_t> labels;  ///< the statement they stand before
  std::uint32_t max_threads = 0;
  bool exact_threads = false;
};

struct ModuleText {
  std::string file;
  std::vector<Variable> variables;
  std::vector<FunctionText> functions;
};

}  // namespace obz::ptx
