#include "gpu/ptx/body_parser.hpp"

#include <algorithm>
#include <set>

#include <fmt/format.h>

#include "gpu/ptx/parser.hpp"

namespace obz::ptx {
namespace {

constexpr std::uint64_t kLargest = std::uint64_t{1} << 30;  ///< bytes of a variable
constexpr std::uint64_t kMostVariables = 100'000;           ///< of a function, registers included
constexpr std::uint64_t kMostTargets = 1'000'000;           ///< of all brx.idx of a function
constexpr int kDeepest = 100;                               ///< scopes in scopes, lists in lists

/// Reads one body. Names are looked up when a scope ends, so that labels may stand behind their branches.
class BodyParser {
 public:
  BodyParser(TokenReader& r, FunctionText& f) : r_(r), f_(f) {}

  void run() {
    scopes_.push_back({-1, {}, {}, {}});
    for (const auto* list : {&f_.returns, &f_.params}) {
      for (const Variable& v : *list) declare(v.name, v.name);
    }
    block(0);
    resolve();
  }

 private:
  struct Scope {
    int parent;
    std::map<std::string, std::string> names;                ///< as written -> unique
    std::map<std::string, std::size_t> labels;               ///< the statement they stand before
    std::map<std::string, std::vector<std::string>> tables;  ///< .branchtargets
  };

  void declare(const std::string& name, const std::string& unique) {
    if (!scopes_[static_cast<std::size_t>(scope_)].names.emplace(name, unique).second) {
      r_.fail(fmt::format("expected {} to be declared once in its scope", name), "a second declaration");
    }
  }

  std::string unique(const std::string& name) const { return scope_ == 0 ? name : fmt::format("{}@{}", name, scope_); }

  void block(int scope) {
    const int outer = scope_;
    scope_ = scope;
    if (++depth_ > kDeepest) r_.fail("expected at most 100 scopes in each other", "more");
    while (!r_.accept("}")) {
      const Token& t = r_.peek();
      if (t.kind == Token::Kind::end)
        r_.fail(fmt::format("expected '}}' at the end of {}", f_.name), std::string(t.text));
      if (r_.accept("{")) {
        scopes_.push_back({scope_, {}, {}, {}});
        block(static_cast<int>(scopes_.size()) - 1);
      } else if (t.kind == Token::Kind::word && r_.peek(1).is(":")) {
        label();
      } else if (t.kind == Token::Kind::word && t.text[0] == '.') {
        directive();
      } else if (!r_.accept(";")) {
        statement();
      }
    }
    --depth_;
    scope_ = outer;
  }

  void label() {
    const std::string name(r_.take().text);
    r_.expect(":");
    Scope& s = scopes_[static_cast<std::size_t>(scope_)];
    if (r_.accept(".branchtargets")) {
      do {
        s.tables[name].push_back(r_.name("a label"));
      } while (r_.accept(","));
      r_.expect(";");
    } else if (r_.peek().is(".callprototype") || r_.peek().is(".calltargets")) {
      r_.skip_to(";");
    } else if (!s.labels.emplace(name, f_.body.size()).second) {
      r_.fail(fmt::format("expected label {} once", name), "a second one");
    }
  }

  void directive() {
    const Token t = r_.take();
    if (t.is(".loc") || t.is(".file")) return r_.skip_line();
    if (t.is(".pragma")) return r_.skip_to(";");
    Space space = Space::none;
    if (t.is(".reg")) space = Space::reg;
    if (t.is(".param")) space = Space::param;
    if (t.is(".local")) space = Space::local;
    if (t.is(".shared")) space = Space::shared;
    if (space == Space::none) {
      fail_at(r_.file(), t.line, fmt::format("expected a statement or declaration, got {}", t.text));
    }
    const DeclaredType type = read_type(r_, space);
    do {
      Variable v = read_name(r_, type);
      if (space == Space::reg && v.bytes != bytes_of_type(v.type)) r_.fail("expected a register", "an array of them");
      if (space == Space::reg && r_.accept("<")) {
        const std::uint64_t count = r_.number("a number of registers");
        if (count > kMostVariables) r_.fail("expected at most 100000 registers", fmt::to_string(count));
        r_.expect(">");
        for (std::uint64_t i = 0; i < count; ++i) add(v, fmt::format("{}{}", v.name, i));
      } else {
        add(v, v.name);
      }
    } while (r_.accept(","));
    r_.expect(";");
  }

  void add(Variable v, const std::string& name) {
    declare(name, unique(name));
    v.name = unique(name);
    if (v.space != Space::reg && v.bytes == 0) r_.fail(fmt::format("expected a size for {}", name), "");
    if (f_.variables.size() >= kMostVariables) r_.fail("expected at most 100000 registers and variables", "more");
    f_.variables.push_back(std::move(v));
  }

  void statement() {
    Statement s{.line = r_.peek().line};
    if (r_.accept("@")) {
      s.guard_negated = r_.accept("!");
      s.guard = r_.name("a predicate register");
    }
    if (r_.peek().kind != Token::Kind::word) r_.fail("expected an instruction", std::string(r_.peek().text));
    s.line = r_.peek().line;
    s.opcode = std::string(r_.take().text);
    if (!r_.peek().is(";")) {
      do {
        s.operands.push_back(operand());
      } while (r_.accept(","));
    }
    r_.expect(";");
    f_.body.push_back(std::move(s));
    scope_of_.push_back(scope_);
  }

  Operand operand(int depth = 0) {
    if (depth > kDeepest) r_.fail("expected at most 100 lists in each other", "more");
    Operand o;
    const Token& t = r_.peek();
    if (t.is("{") || t.is("(")) {
      const std::string_view close = t.is("{") ? "}" : ")";
      o.kind = t.is("{") ? Operand::Kind::vector : Operand::Kind::list;
      r_.take();
      if (r_.accept(close)) return o;
      do {
        o.items.push_back(operand(depth + 1));
      } while (r_.accept(","));
      r_.expect(close);
    } else if (r_.accept("[")) {
      o.kind = Operand::Kind::address;
      if (r_.peek().kind == Token::Kind::word) {
        o.name = r_.name("an address");
        if (r_.peek().is("+") || r_.peek().is("-")) o.value = r_.signed_number();
      } else {
        o.value = r_.signed_number();
      }
      r_.expect("]");
      return o;
    } else if (r_.accept("!")) {
      o.negated = true;
      o.name = r_.name("a predicate register");
    } else if (t.is("_")) {
      r_.take();
      o.kind = Operand::Kind::sink;
    } else if (t.kind == Token::Kind::word) {
      o.name = r_.name("an operand");
      if (r_.peek().is("+") || r_.peek().is("-")) o.value = r_.signed_number();  // symbol + constant
    } else {
      o.kind = Operand::Kind::immediate;
      o.value = r_.signed_number();
    }
    if (r_.accept("|")) o.second = r_.name("a predicate register");
    return o;
  }

  const Scope* parent(const Scope& s) const {
    return s.parent < 0 ? nullptr : &scopes_[static_cast<std::size_t>(s.parent)];
  }

  std::string variable(const std::string& name, int scope) const {
    for (const Scope* s = &scopes_[static_cast<std::size_t>(scope)]; s; s = parent(*s)) {
      if (const auto it = s->names.find(name); it != s->names.end()) return it->second;
    }
    return "";
  }

  /// A label's unique name, "L@2"; registers it for the function.
  std::string label_name(const std::string& name, int scope) {
    for (int at = scope; at >= 0; at = scopes_[static_cast<std::size_t>(at)].parent) {
      const Scope& s = scopes_[static_cast<std::size_t>(at)];
      const auto it = s.labels.find(name);
      if (it == s.labels.end()) continue;
      std::string full = at == 0 ? name : fmt::format("{}@{}", name, at);
      f_.labels[full] = it->second;
      return full;
    }
    return "";
  }

  void resolve_name(std::string& name, Statement& s, int scope) {
    if (name.empty()) return;
    if (std::string found = variable(name, scope); !found.empty()) {
      name = std::move(found);
      return;
    }
    if (std::string found = label_name(name, scope); !found.empty()) {
      name = std::move(found);
      return;
    }
    for (const Scope* at = &scopes_[static_cast<std::size_t>(scope)]; at; at = parent(*at)) {
      const auto it = at->tables.find(name);
      if (it == at->tables.end()) continue;
      for (const std::string& target : it->second) {
        const std::string full = label_name(target, scope);
        if (full.empty()) fail_at(r_.file(), s.line, fmt::format("expected a label, got {}", target));
        s.targets.push_back(full);
        if (++targets_ > kMostTargets) fail_at(r_.file(), s.line, "expected at most 1000000 targets of branches");
      }
      return;
    }
    // Special registers and what the module declares are looked up when the statement is decoded.
  }

  void resolve_operand(Operand& o, Statement& s, int scope) {
    resolve_name(o.name, s, scope);
    resolve_name(o.second, s, scope);
    for (Operand& item : o.items) resolve_operand(item, s, scope);
  }

  void resolve() {
    for (std::size_t i = 0; i < f_.body.size(); ++i) {
      Statement& s = f_.body[i];
      resolve_name(s.guard, s, scope_of_[i]);
      for (Operand& o : s.operands) resolve_operand(o, s, scope_of_[i]);
    }
  }

  TokenReader& r_;
  FunctionText& f_;
  std::vector<Scope> scopes_;
  std::vector<int> scope_of_;  ///< per statement
  int scope_ = 0, depth_ = 0;
  std::uint64_t targets_ = 0;
};

}  // namespace

DeclaredType read_type(TokenReader& r, Space space) {
  DeclaredType t{.type = {.space = space}};
  Variable& v = t.type;
  std::uint32_t align = 0;
  while (r.peek().kind == Token::Kind::word && r.peek().text.starts_with('.')) {
    const std::string word = r.name("a type");
    if (word == ".align") {
      const std::uint64_t n = r.number("an alignment");
      if (n == 0 || n > 65536 || (n & (n - 1)) != 0) {
        r.fail("expected an alignment that is a power of 2", fmt::to_string(n));
      }
      align = static_cast<std::uint32_t>(n);
    } else if (word == ".ptr") {
      // What the pointer points to follows: a space and an alignment that say nothing about the parameter.
      while (r.peek().is(".global") || r.peek().is(".shared") || r.peek().is(".const") || r.peek().is(".local"))
        r.take();
      if (r.accept(".align")) r.number("an alignment");
    } else if (word == ".v2" || word == ".v4") {
      t.vector = word == ".v2" ? 2 : 4;
    } else {
      if (!v.type.empty()) r.fail("expected one type", word);
      v.type = word.substr(1);
      if (bytes_of_type(v.type) == 0 || (v.type == "pred" && space != Space::reg)) r.fail("expected a type", word);
    }
  }
  if (v.type.empty()) r.fail("expected a type", std::string(r.peek().text));
  if (t.vector > 1 && space == Space::reg) r.fail("expected scalar registers", "a vector register");
  v.align = align != 0 ? align : bytes_of_type(v.type) * t.vector;
  return t;
}

Variable read_name(TokenReader& r, const DeclaredType& declared) {
  Variable v = declared.type;
  v.line = r.peek().line;
  v.name = r.name("a name");
  v.bytes = std::uint64_t{bytes_of_type(v.type)} * declared.vector;
  while (r.accept("[")) {
    const std::uint64_t n = r.peek().is("]") ? 0 : r.number("a number of elements");
    r.expect("]");
    if (n > kLargest || v.bytes * n > kLargest) r.fail("expected at most 2^30 bytes", fmt::to_string(n));
    v.bytes *= n;
  }
  return v;
}

void read_body(TokenReader& reader, FunctionText& function) { BodyParser(reader, function).run(); }

}  // namespace obz::ptx
