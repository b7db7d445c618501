#include "gpu/ptx/parser.hpp"

#include <map>
#include <set>

#include <fmt/format.h>

#include "gpu/ptx/body_parser.hpp"
#include "gpu/ptx/token_reader.hpp"

namespace obz::ptx {
namespace {

constexpr std::uint64_t kMostRegisters = 500'000;  ///< of a module: each takes some hundred bytes here

/// What the module has so far.
struct Names {
  std::map<std::string, std::size_t> functions;  ///< their places in ModuleText::functions
  std::set<std::string> variables;
  std::uint64_t registers = 0;
};

bool is_linkage(const Token& t) {
  return t.is(".visible") || t.is(".extern") || t.is(".weak") || t.is(".common") || t.is(".internal");
}

/// {1, -2, other+4, generic(x)}: the bytes of a variable.
void read_initialiser(TokenReader& r, Variable& v) {
  const std::uint32_t size = bytes_of_type(v.type);
  v.has_init = true;
  const auto element = [&] {
    if (r.peek().kind == Token::Kind::word) {
      const bool generic = r.accept("generic");
      if (generic) r.expect("(");
      Variable::Pointer p{v.init.size(), r.name("a variable's name"), 0, generic};
      if (generic) r.expect(")");
      if (r.peek().is("+") || r.peek().is("-")) p.addend = r.signed_number();
      if (size != 8) r.fail("expected an address in 8 bytes", "");
      v.pointers.push_back(std::move(p));
      v.init.insert(v.init.end(), size, 0);
      return;
    }
    if (size > 8) r.fail("expected no numbers for elements of 128 bits", "");
    const auto value = static_cast<std::uint64_t>(r.signed_number());
    for (std::uint32_t i = 0; i < size; ++i) v.init.push_back(static_cast<std::uint8_t>(value >> (8 * i)));
  };
  const auto nested = [&](const auto& self, int depth) -> void {
    if (!r.accept("{")) return element();
    if (r.accept("}")) return;
    if (depth == 0) r.fail("expected at most 10 dimensions", "more");
    do {
      self(self, depth - 1);
    } while (r.accept(","));
    r.expect("}");
  };
  nested(nested, 10);
  if (v.bytes == 0) v.bytes = v.init.size();
  if (v.init.size() > v.bytes) {
    r.fail(fmt::format("expected at most {} bytes for {}, got {}", v.bytes, v.name, v.init.size()), "");
  }
}

std::uint32_t read_product(TokenReader& r) {
  std::uint64_t product = 1;
  do {
    const std::uint64_t n = r.number("a number of threads");
    if (n == 0 || n > 1024 / product)
      r.fail("expected 1 to 1024 threads", n == 0 ? "0" : fmt::format("{} x {}", product, n));
    product *= n;
  } while (r.accept(","));
  return static_cast<std::uint32_t>(product);
}

void read_function(TokenReader& r, ModuleText& m, Names& names, bool kernel, std::uint32_t line) {
  FunctionText f{.line = line, .kernel = kernel};
  const auto params = [&](std::vector<Variable>& to) {
    r.expect("(");
    if (r.accept(")")) return;
    do {
      if (r.peek().is(".reg")) r.fail("expected parameters in .param space", ".reg");
      r.expect(".param");
      to.push_back(read_name(r, read_type(r, Space::param)));
    } while (r.accept(","));
    r.expect(")");
  };
  if (!kernel && r.peek().is("(")) params(f.returns);
  f.name = r.name("a function's name");
  if (r.peek().is("(")) params(f.params);
  for (;;) {
    if (r.accept(".maxntid")) {
      f.max_threads = read_product(r);
    } else if (r.accept(".reqntid")) {
      f.max_threads = read_product(r);
      f.exact_threads = true;
    } else if (r.accept(".minnctapersm") || r.accept(".maxnreg") || r.accept(".maxnctapersm")) {
      r.number("a number");
    } else if (r.accept(".pragma")) {
      r.skip_to(";");
    } else if (!r.accept(".noreturn")) {
      break;
    }
  }
  if (!r.accept(";")) {
    r.expect("{");
    f.has_body = true;
    read_body(r, f);
  }
  names.registers += f.variables.size();
  if (names.registers > kMostRegisters)
    r.fail("expected at most 500000 registers and variables in all functions", "more");
  const auto [known, fresh] = names.functions.emplace(f.name, m.functions.size());
  if (!fresh) {
    FunctionText& earlier = m.functions[known->second];
    if (earlier.has_body && f.has_body) r.fail(fmt::format("expected {} once", f.name), "a second body");
    if (f.has_body) earlier = std::move(f);
    return;
  }
  m.functions.push_back(std::move(f));
}

void read_module_variable(TokenReader& r, ModuleText& m, Names& names, Space space, bool external) {
  const DeclaredType type = read_type(r, space);
  do {
    Variable v = read_name(r, type);
    v.external = external;
    if (r.accept("=")) read_initialiser(r, v);
    if (v.bytes == 0 && !(external && space == Space::shared)) {
      r.fail(fmt::format("expected a size for {}", v.name), "");
    }
    if (external && space != Space::shared) r.fail(fmt::format("expected a definition of {}", v.name), ".extern");
    if (!names.variables.insert(v.name).second) r.fail(fmt::format("expected {} once", v.name), "a second declaration");
    m.variables.push_back(std::move(v));
  } while (r.accept(","));
  r.expect(";");
}

void read_header(TokenReader& r, bool& has_version) {
  const Token t = r.take();
  if (t.is(".version")) {
    r.take();
    has_version = true;
  } else if (t.is(".target")) {
    do {
      r.name("a target");
    } while (r.accept(","));
  } else if (t.is(".address_size")) {
    const std::uint64_t bits = r.number("64");
    if (bits != 64) fail_at(r.file(), t.line, fmt::format("expected .address_size 64, got {}", bits));
  } else if (t.is(".file")) {
    r.skip_line();
  } else if (t.is(".pragma")) {
    r.skip_to(";");
  } else if (t.is(".section")) {
    r.take();
    r.skip_to("}");
  } else if (!t.is(";")) {
    fail_at(r.file(), t.line, fmt::format("expected a directive, got {}", t.text));
  }
}

}  // namespace

std::uint32_t bytes_of_type(std::string_view t) {
  if (t == "pred") return 4;
  if (t.size() < 2 || std::string_view("busf").find(t[0]) == std::string_view::npos) return 0;
  const std::string_view bits = t.substr(1);
  if (bits == "8") return t[0] == 'f' ? 0 : 1;
  if (bits == "16") return 2;
  if (bits == "32") return 4;
  if (bits == "64") return 8;
  if (t == "b128") return 16;
  return 0;
}

ModuleText parse_text(std::string_view text, const std::string& file) {
  ModuleText m{.file = file};
  TokenReader r(tokens_of(text, file), file);
  bool has_version = false;
  Names names;
  while (r.peek().kind != Token::Kind::end) {
    bool external = false;
    const std::uint32_t line = r.peek().line;
    while (is_linkage(r.peek())) external = r.take().is(".extern") || external;
    if (r.accept(".entry")) {
      read_function(r, m, names, true, line);
    } else if (r.accept(".func")) {
      read_function(r, m, names, false, line);
    } else if (r.accept(".global")) {
      read_module_variable(r, m, names, Space::global, external);
    } else if (r.accept(".const")) {
      read_module_variable(r, m, names, Space::constant, external);
    } else if (r.accept(".shared")) {
      read_module_variable(r, m, names, Space::shared, external);
    } else {
      read_header(r, has_version);
    }
  }
  if (!has_version) fail_at(file, 1, "expected .version, got no such directive: is this PTX?");
  return m;
}

}  // namespace obz::ptx
