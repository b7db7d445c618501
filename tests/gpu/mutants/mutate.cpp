#include "tests/gpu/mutants/mutate.hpp"

#include <array>
#include <map>
#include <optional>
#include <random>
#include <set>

#include <fmt/format.h>

namespace obz::test {
namespace {

/// "@%p1 add.s32 %r1, %r2, 7;" taken apart.
struct Instruction {
  std::string guard, opcode;
  std::vector<std::string> operands;  ///< "{...}" and "[...]" are one each
};

std::string trimmed(const std::string& s) {
  const std::size_t from = s.find_first_not_of(" \t"), to = s.find_last_not_of(" \t");
  return from == std::string::npos ? "" : s.substr(from, to - from + 1);
}

std::optional<Instruction> instruction(const std::string& line) {
  std::string s = trimmed(line);
  if (s.empty() || s.back() != ';' || s.find('(') != std::string::npos) return std::nullopt;
  s.pop_back();
  Instruction i;
  const auto word = [&] {
    const std::size_t end = s.find_first_of(" \t");
    const std::string w = s.substr(0, end);
    s = end == std::string::npos ? "" : trimmed(s.substr(end));
    return w;
  };
  if (s[0] == '@') i.guard = word();
  if (s[0] < 'a' || s[0] > 'z') return std::nullopt;
  i.opcode = word();
  int depth = 0;
  std::string operand;
  for (const char c : s + ",") {
    depth += c == '{' || c == '[' ? 1 : c == '}' || c == ']' ? -1 : 0;
    if (c != ',' || depth > 0) {
      operand += c;
      continue;
    }
    if (!trimmed(operand).empty()) i.operands.push_back(trimmed(operand));
    operand.clear();
  }
  return i;
}

std::string text_of(const Instruction& i) {
  return fmt::format("{}{}{} {};", i.guard, i.guard.empty() ? "" : " ", i.opcode, fmt::join(i.operands, ", "));
}

bool is_number(const std::string& s) { return s.find_first_not_of("-0123456789") == std::string::npos; }

/// "%rd" of "%rd12"; empty unless it is a register.
std::string class_of(const std::string& operand) {
  return operand[0] == '%' ? operand.substr(0, operand.find_first_of("0123456789")) : "";
}

/// First and second change into each other where `both`, else the first into the second.
struct Swap {
  const char *from, *to;
  bool both = true;
};
/// Of opcodes: a part of them, from a dot to a dot.
constexpr Swap kSwaps[] = {
    {"add.", "sub."},
    {"min.", "max."},
    {"and.", "or."},
    {"shl.b32", "shr.u32"},
    {"shl.b64", "shr.u64", false},
    {"shr.s32", "shr.u32"},
    {"shr.s64", "shr.u64"},
    {"xor.", "or.", false},
    {"div.s32", "rem.s32", false},
    {"div.u32", "rem.u32"},
    {"setp.lt.", "setp.le."},
    {"setp.ge.", "setp.gt."},
    {"setp.eq.", "setp.ne."},
    {"not.", "neg.", false},
    {"neg.s", "not.b", false},
    {"cvt.s64.s32", "cvt.u64.u32"},
    {"cvt.s32.s8", "cvt.u32.u8"},
    {"cvt.s32.s16", "cvt.u32.u16"},
    {"mul.wide.s32", "mul.wide.u32"},
    {"mul.lo.", "add.", false},
    {"ld.global.nc.u8", "ld.global.nc.s8"},
    {"ld.global.nc.u16", "ld.global.nc.s16"},
    {"ld.param.u8", "ld.param.s8", false},
    {"s32.s8.s8.s32", "s32.u8.s8.s32"},
    {"s32.s8.s8.s32", "s32.s8.u8.s32", false},
    {"s32.u4.s4.s32", "s32.s4.s4.s32"},
    {"s32.u4.s4.s32", "s32.u4.u4.s32", false},
    {"s32.u8.s8.s32", "s32.s8.s8.s32", false},
    {"s32.u8.u8.s32", "s32.u8.s8.s32", false},
    {"xor.popc", "and.popc", false},
    {"x4.shared", "x4.trans.shared", false},
};

class Maker {
 public:
  Maker(const KernelText& kernel, std::size_t line) : kernel_(kernel), line_(line) {
    if (const auto i = instruction(kernel.lines[line])) all(*i);
  }
  std::vector<Mutant> made;

 private:
  void add(const std::string& operation, const Instruction& changed) {
    made.push_back({line_, operation, trimmed(kernel_.lines[line_]), text_of(changed)});
  }

  void all(const Instruction& i) {
    if (i.opcode == "ret" || i.opcode.starts_with("bar.")) return;
    for (const Swap& s : kSwaps) {
      opcode(i, s.from, s.to);
      if (s.both) opcode(i, s.to, s.from);
    }
    made.push_back({line_, "dropped", trimmed(kernel_.lines[line_]), ""});
    if (!i.guard.empty()) {
      Instruction other = i;
      other.guard = i.guard[1] == '!' ? "@" + i.guard.substr(2) : "@!" + i.guard.substr(1);
      add("guard", other);
    }
    for (std::size_t k = 0; k < i.operands.size(); ++k) operand(i, k);
    if (i.opcode.starts_with("selp.")) swapped(i, 1, 2, "selp swapped");
    if (i.opcode.starts_with("sub.") || i.opcode.starts_with("setp.l"))
      swapped(i, i.operands.size() - 2, i.operands.size() - 1, "operands swapped");
    if (i.opcode.starts_with("mma.")) swapped(i, 1, 2, "mma a/b swapped");
    if (i.opcode.starts_with("prmt.") && i.operands.size() == 4) swapped(i, 1, 2, "prmt swapped");
  }

  void opcode(const Instruction& i, const std::string& from, const std::string& to) {
    // A part of the opcode that begins with it or behind a dot.
    const std::size_t at = i.opcode.find(from);
    if (at == std::string::npos || (at > 0 && i.opcode[at - 1] != '.')) return;
    Instruction other = i;
    other.opcode.replace(at, from.size(), to);
    if (to == "add." && from == "mul.lo.") other.opcode = to + i.opcode.substr(from.size());
    if (to == "neg.") {  // bits have no sign
      if (i.opcode == "not.pred") return;
      other.opcode = i.opcode == "not.b64" ? "neg.s64" : "neg.s32";
    }
    add(from + (" -> " + to), other);
  }

  void operand(const Instruction& i, std::size_t k) {
    const std::string& o = i.operands[k];
    const bool is_result = k == 0 && !i.opcode.starts_with("st.");
    Instruction other = i;
    if (o[0] == '[') {
      address(i, k);
    } else if (o[0] == '{') {
      if (o.find(',') != std::string::npos && !i.opcode.starts_with("mma.")) {
        const std::size_t comma = o.find(','), next = o.find_first_of(",}", comma + 1);
        other.operands[k] =
            "{" + trimmed(o.substr(comma + 1, next - comma - 1)) + ", " + o.substr(1, comma - 1) + o.substr(next);
        add("vector swapped", other);
      }
    } else if (is_number(o) && !is_result) {
      other.operands[k] = std::to_string(std::stoll(o) + 1);
      add("immediate + 1", other);
    } else if (!is_result && !class_of(o).empty() && class_of(o) != "%p" && !i.opcode.starts_with("bra")) {
      const std::string with = neighbour(o);
      if (with.empty()) return;
      other.operands[k] = with;
      add("other register", other);
    }
  }

  void address(const Instruction& i, std::size_t k) {
    const std::string inner = i.operands[k].substr(1, i.operands[k].size() - 2);
    const std::size_t plus = inner.find('+');
    const std::int64_t offset = plus == std::string::npos ? 0 : std::stoll(inner.substr(plus + 1));
    const bool vector = i.opcode.find(".v4.") != std::string::npos || i.opcode.starts_with("ldmatrix");
    for (const std::int64_t by : {4, 16}) {
      if ((by == 16) != vector) continue;
      Instruction other = i;
      other.operands[k] = fmt::format("[{}+{}]", inner.substr(0, plus), offset + by);
      add("offset", other);
    }
  }

  void swapped(const Instruction& i, std::size_t a, std::size_t b, const std::string& operation) {
    Instruction other = i;
    std::swap(other.operands[a], other.operands[b]);
    if (i.operands[a] != i.operands[b]) add(operation, other);
  }

  /// Another register of this class, the last one written before.
  std::string neighbour(const std::string& o) const {
    for (std::size_t at = line_; at-- > kernel_.begin;) {
      const auto i = instruction(kernel_.lines[at]);
      if (!i || i->operands.empty() || i->opcode.starts_with("st.")) continue;
      if (class_of(i->operands[0]) == class_of(o) && i->operands[0] != o) return i->operands[0];
    }
    return "";
  }

  const KernelText& kernel_;
  std::size_t line_;
};

}  // namespace

std::vector<Mutant> mutants_of_line(const KernelText& kernel, std::size_t line) { return Maker(kernel, line).made; }

std::vector<Mutant> choose_mutants(const KernelText& kernel, std::size_t count, std::uint64_t seed) {
  std::array<std::map<std::string, std::vector<Mutant>>, 3> kinds;
  for (std::size_t line = kernel.begin; line < kernel.end; ++line) {
    auto& of_section = kinds[static_cast<std::size_t>(kernel.section_of(line))];
    for (Mutant& m : mutants_of_line(kernel, line)) of_section[m.operation].push_back(std::move(m));
  }
  std::mt19937_64 random(seed);
  std::vector<Mutant> chosen;
  std::set<std::size_t> lines;
  for (auto& of_section : kinds) {
    std::vector<std::vector<Mutant>*> turns;
    for (auto& [operation, mutants] : of_section) turns.push_back(&mutants);
    for (std::size_t i = turns.size(); i > 1; --i) std::swap(turns[i - 1], turns[random() % i]);
    std::size_t taken = 0;
    for (bool any = true; any && taken < count;) {
      any = false;
      for (std::vector<Mutant>* mutants : turns) {
        if (mutants->empty() || taken == count) continue;
        any = true;
        std::swap((*mutants)[random() % mutants->size()], mutants->back());
        if (lines.insert(mutants->back().line).second) {
          chosen.push_back(std::move(mutants->back()));
          ++taken;
        }
        mutants->pop_back();
      }
    }
  }
  return chosen;
}

std::vector<Mutant> single_buffers(const KernelText& kernel) {
  std::vector<Mutant> made;
  for (std::size_t line = kernel.begin; line < kernel.end; ++line) {
    const auto i = instruction(kernel.lines[line]);
    if (kernel.section_of(line) != Section::loop || !i || i->operands.size() != 3 || !is_number(i->operands[2]))
      continue;
    // slice % 2 * bytes, or bytes less that; nothing else has numbers of that size.
    const bool chooses = i->opcode == "and.b32" || i->opcode == "xor.b32" || i->opcode == "mul.lo.s32";
    const std::int64_t bytes = std::stoll(i->operands[2]);
    if (!chooses || bytes < 4096 || bytes > 65536) continue;
    for (const std::int64_t half : {std::int64_t{0}, bytes}) {
      made.push_back(
          {line, "single buffer", trimmed(kernel.lines[line]), fmt::format("mov.u32 {}, {};", i->operands[0], half)});
    }
  }
  return made;
}

}  // namespace obz::test
