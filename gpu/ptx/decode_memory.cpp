// ld, st, atom, red, ldmatrix.
#include <map>

#include <fmt/format.h>

#include "gpu/ptx/decoder.hpp"
#include "gpu/ptx/exec.hpp"
#include "gpu/ptx/parser.hpp"

namespace obz::ptx {
namespace {

Space space_of(Modifiers& m) {
  static const std::map<std::string, Space> spaces{{"global", Space::global},      {"shared", Space::shared},
                                                   {"shared::cta", Space::shared}, {"local", Space::local},
                                                   {"const", Space::constant},     {"param", Space::param},
                                                   {"param::entry", Space::param}, {"param::func", Space::param}};
  for (const auto& [name, space] : spaces) {
    if (m.take(name)) return space;
  }
  return Space::generic;
}

/// Caches and scopes change no value. True when the access is strong: it races with none of its like.
bool take_hints(Modifiers& m) {
  const bool strong = !m.take_one_of({"volatile", "relaxed", "acquire", "release", "acq_rel", "mmio"}).empty();
  m.take_one_of({"cta", "cluster", "gpu", "sys"});
  m.take("weak");
  m.take("nc");
  m.take_one_of({"ca", "cg", "cs", "lu", "cv", "wb", "wt"});
  for (const char* hint :
       {"L1::evict_normal", "L1::evict_unchanged", "L1::evict_first", "L1::evict_last", "L1::no_allocate",
        "L2::evict_first", "L2::evict_last", "L2::evict_normal", "L2::64B", "L2::128B", "L2::256B", "unified"}) {
    m.take(hint);
  }
  return strong;
}

/// Vector and type; memory elements of `i.access_bytes`. b128 is no type here.
LaneType element(Decoder& d, Modifiers& m, Instr& i) {
  const std::string vector = m.take_one_of({"v2", "v4"});
  i.vector = vector.empty() ? 1 : vector == "v2" ? 2 : 4;
  std::string type = m.take_last();
  // A load or store moves the bits of a float like any others.
  if (type == "f32") type = "b32";
  if (type == "f64") type = "b64";
  LaneType t{};
  if (!integer_type(type, t)) d.fail(fmt::format("expected a type of 8 to 64 bits, got .{}", type));
  i.access_bytes = static_cast<std::uint8_t>(bytes_of(t));
  if (i.access_bytes * i.vector > 16) d.fail("expected at most 16 bytes");
  return t;
}

const Operand& vector_item(Decoder& d, const Operand& o, const Instr& i, std::size_t k) {
  if (i.vector == 1) return o;
  if (o.kind != Operand::Kind::vector || o.items.size() != i.vector) {
    d.fail_operand(o, fmt::format("{{...}} with {} registers", i.vector));
  }
  return o.items[k];
}

void load(Decoder& d, Modifiers& m, Instr& i) {
  i.strong = take_hints(m);
  i.space = space_of(m);
  const LaneType t = element(d, m, i);
  d.want(2);
  std::uint32_t row_bytes = 0;
  for (std::size_t k = 0; k < i.vector; ++k) {
    std::uint32_t bytes = 0;
    i.d[k] = d.wide_dest(vector_item(d, d.operand(0), i, k), i.access_bytes, bytes);
    if (k > 0 && bytes != row_bytes) d.fail_operand(d.operand(0), "registers of one width");
    row_bytes = bytes;
  }
  i.d_bytes = static_cast<std::uint8_t>(row_bytes);
  i.gather = gather_function(t, row_bytes);
  d.address(d.operand(1), i);
  i.exec = exec_load;
  if (!i.kernel_param || i.s[0] >= 0) return;
  // A kernel's parameter at a fixed place is the same for all threads.
  const std::int64_t n = i.access_bytes * i.vector;
  if (i.imm < 0 || i.imm > d.kernel_param_bytes() - n) {
    d.fail(fmt::format("expected an address inside the {} bytes of parameters", d.kernel_param_bytes()));
  }
  if (i.imm % n != 0) d.fail(fmt::format("misaligned: parameter address {} is no multiple of {}", i.imm, n));
  i.exec = exec_load_param;
}

void store(Decoder& d, Modifiers& m, Instr& i) {
  i.strong = take_hints(m);
  i.space = space_of(m);
  element(d, m, i);
  if (i.space == Space::constant) d.fail("expected a space that can be written");
  d.want(2);
  d.address(d.operand(0), i);
  if (i.kernel_param) d.fail("expected a space that can be written: these are the kernel's parameters");
  std::uint32_t row_bytes = 0;
  for (std::size_t k = 0; k < i.vector; ++k) {
    std::uint32_t bytes = 0;
    i.s[k + 1] = d.wide_source(vector_item(d, d.operand(1), i, k), i.access_bytes, bytes);
    if (k > 0 && bytes != row_bytes) {
      // {%rs1, 0} and the like: a number takes the width of its neighbours.
      d.fail_operand(d.operand(1), "registers of one width");
    }
    row_bytes = bytes;
  }
  i.exec = exec_store;
  i.scatter = scatter_function(i.access_bytes, row_bytes);
}

void atomic(Decoder& d, Modifiers& m, Instr& i, bool has_result) {
  static const std::map<std::string, AtomOp> operations{
      {"add", kAtomAdd}, {"min", kAtomMin},   {"max", kAtomMax}, {"and", kAtomAnd}, {"or", kAtomOr},
      {"xor", kAtomXor}, {"exch", kAtomExch}, {"cas", kAtomCas}, {"inc", kAtomInc}, {"dec", kAtomDec}};
  take_hints(m);
  i.space = space_of(m);
  LaneType t{};
  const std::string type = m.take_last(), operation = m.take_last();
  if (!integer_type(type, t) || bytes_of(t) < 2) d.fail(fmt::format("expected an integer type, got .{}", type));
  const auto it = operations.find(operation);
  if (it == operations.end()) d.fail(fmt::format("expected an operation, got .{}", operation));
  if (bytes_of(t) == 2 && it->second != kAtomCas) d.fail("expected 32 or 64 bits");
  i.mode = it->second;
  i.signed_values = is_signed(t);
  i.access_bytes = static_cast<std::uint8_t>(bytes_of(t));
  const std::size_t first = has_result ? 1 : 0, sources = i.mode == kAtomCas ? 2 : 1;
  d.want(first + 1 + sources);
  if (has_result && d.operand(0).kind != Operand::Kind::sink) i.d[0] = d.dest(d.operand(0), bytes_of(t));
  if (i.space != Space::generic && i.space != Space::global && i.space != Space::shared) {
    d.fail("expected .global, .shared or no space");
  }
  d.address(d.operand(first), i);
  for (std::size_t k = 1; k <= sources; ++k) i.s[k] = d.source(d.operand(first + k), bytes_of(t));
  i.exec = exec_atom;
}

void ldmatrix(Decoder& d, Modifiers& m, Instr& i) {
  const bool plain = m.take("sync") && m.take("aligned") && m.take("m8n8");
  const std::string count = m.take_one_of({"x1", "x2", "x4"});
  const bool transposed = m.take("trans");
  i.space = space_of(m);
  if (!plain || count.empty() || !m.take("b16"))
    d.fail("expected ldmatrix.sync.aligned.m8n8.x1|x2|x4{.trans}{.shared}.b16");
  if (i.space != Space::shared && i.space != Space::generic) d.fail("expected .shared");
  i.vector = count == "x1" ? 1 : count == "x2" ? 2 : 4;
  i.mode = transposed ? 1 : 0;
  i.aligned = true;
  i.exec = exec_ldmatrix;
  d.want(2);
  for (std::size_t k = 0; k < i.vector; ++k) {
    // {%r1} is as good as %r1.
    const Operand& to = d.operand(0);
    const bool single = i.vector == 1 && to.kind == Operand::Kind::vector && to.items.size() == 1;
    i.d[k] = d.dest(single ? to.items[0] : vector_item(d, to, i, k), 4);
  }
  d.address(d.operand(1), i);
}

}  // namespace

bool decode_memory(Decoder& d, Modifiers& m, Instr& i) {
  const std::string& op = m.base();
  if (op == "ld" || op == "ldu") return load(d, m, i), true;
  if (op == "st") return store(d, m, i), true;
  if (op == "atom") return atomic(d, m, i, true), true;
  if (op == "red") return atomic(d, m, i, false), true;
  if (op == "ldmatrix") return ldmatrix(d, m, i), true;
  return false;
}

}  // namespace obz::ptx
