#include "gpu/ptx/decoder.hpp"

#include <algorithm>
#include <cstring>

#include <fmt/format.h>

#include "gpu/ptx/exec.hpp"
#include "gpu/ptx/lexer.hpp"
#include "gpu/ptx/parser.hpp"

namespace obz::ptx {
namespace {

const std::map<std::string_view, Special>& special_registers() {
  static const std::map<std::string_view, Special> names{{"%tid.x", Special::tid_x},
                                                         {"%tid.y", Special::tid_y},
                                                         {"%tid.z", Special::tid_z},
                                                         {"%ntid.x", Special::ntid_x},
                                                         {"%ntid.y", Special::ntid_y},
                                                         {"%ntid.z", Special::ntid_z},
                                                         {"%ctaid.x", Special::ctaid_x},
                                                         {"%ctaid.y", Special::ctaid_y},
                                                         {"%ctaid.z", Special::ctaid_z},
                                                         {"%nctaid.x", Special::nctaid_x},
                                                         {"%nctaid.y", Special::nctaid_y},
                                                         {"%nctaid.z", Special::nctaid_z},
                                                         {"%laneid", Special::laneid},
                                                         {"%warpid", Special::warpid},
                                                         {"%nwarpid", Special::nwarpid},
                                                         {"%smid", Special::smid},
                                                         {"%nsmid", Special::nsmid},
                                                         {"%gridid", Special::gridid},
                                                         {"%lanemask_eq", Special::mask_eq},
                                                         {"%lanemask_lt", Special::mask_lt},
                                                         {"%lanemask_le", Special::mask_le},
                                                         {"%lanemask_gt", Special::mask_gt},
                                                         {"%lanemask_ge", Special::mask_ge},
                                                         {"WARP_SZ", Special::warp_size},
                                                         {"%total_smem_size", Special::total_shared},
                                                         {"%aggr_smem_size", Special::total_shared},
                                                         {"%dynamic_smem_size", Special::dynamic_shared},
                                                         {"%clock", Special::clock},
                                                         {"%clock64", Special::clock},
                                                         {"%clock_hi", Special::clock},
                                                         {"%globaltimer", Special::clock},
                                                         {"%globaltimer_lo", Special::clock},
                                                         {"%globaltimer_hi", Special::clock}};
  return names;
}

std::uint32_t rounded(std::uint64_t value, std::uint32_t to) {
  return static_cast<std::uint32_t>((value + to - 1) / to * to);
}

/// Addresses wrap like those of the device.
std::int64_t wrapped_sum(std::int64_t a, std::int64_t b) {
  return static_cast<std::int64_t>(static_cast<std::uint64_t>(a) + static_cast<std::uint64_t>(b));
}

std::string operand_text(const Operand& o) {
  switch (o.kind) {
    case Operand::Kind::immediate: return fmt::to_string(o.value);
    case Operand::Kind::vector: return "{...}";
    case Operand::Kind::list: return "(...)";
    case Operand::Kind::address: return "an address";
    case Operand::Kind::sink: return "_";
    default: return (o.negated ? "!" : "") + o.name.substr(0, o.name.find('@'));
  }
}

}  // namespace

Modifiers::Modifiers(const std::string& opcode) {
  std::size_t from = 0;
  for (std::size_t k = 0; k <= opcode.size(); ++k) {
    if (k < opcode.size() && opcode[k] != '.') continue;
    const std::string part = opcode.substr(from, k - from);
    from == 0 ? static_cast<void>(base_ = part) : parts_.push_back(part);
    from = k + 1;
  }
}

bool Modifiers::take(std::string_view name) {
  const auto it = std::find(parts_.begin(), parts_.end(), name);
  if (it == parts_.end()) return false;
  parts_.erase(it);
  return true;
}

std::string Modifiers::take_one_of(std::initializer_list<std::string_view> names) {
  for (const std::string_view n : names) {
    if (take(n)) return std::string(n);
  }
  return "";
}

std::string Modifiers::take_last() {
  if (parts_.empty()) return "";
  std::string last = parts_.back();
  parts_.pop_back();
  return last;
}

std::string Modifiers::take_first() {
  if (parts_.empty()) return "";
  std::string first = parts_.front();
  parts_.erase(parts_.begin());
  return first;
}

bool Modifiers::starts(std::string_view prefix) const { return !parts_.empty() && parts_.front().starts_with(prefix); }

std::string Modifiers::rest() const {
  std::string text;
  for (const std::string& p : parts_) text += "." + p;
  return text;
}

bool integer_type(std::string_view name, LaneType& type) {
  static const std::map<std::string_view, LaneType> types{
      {"u8", LaneType::u8},   {"s8", LaneType::s8},   {"b8", LaneType::u8},   {"u16", LaneType::u16},
      {"s16", LaneType::s16}, {"b16", LaneType::u16}, {"u32", LaneType::u32}, {"s32", LaneType::s32},
      {"b32", LaneType::u32}, {"u64", LaneType::u64}, {"s64", LaneType::s64}, {"b64", LaneType::u64}};
  const auto it = types.find(name);
  if (it == types.end()) return false;
  type = it->second;
  return true;
}

Decoder::Decoder(Program& program, const ModuleText& module, const FunctionText& text, const Symbols& symbols,
                 Function& f)
    : program_(program), module_(module), text_(text), symbols_(symbols), f_(f) {}

void Decoder::lay_out_registers() {
  std::uint32_t at = 0;
  for (const Variable& v : text_.variables) {
    if (v.space != Space::reg) continue;
    if (v.bytes > 8)
      fail_at(module_.file, v.line, fmt::format("expected registers of at most 64 bits, got .{}", v.type));
    const std::uint32_t bytes = v.type == "pred" ? 0 : static_cast<std::uint32_t>(v.bytes);
    // 8-bit registers live in rows of 16 bits: loads and conversions are all that may touch them.
    const std::uint32_t size = bytes == 0 ? 4 : 32 * std::max(bytes, 2U);
    at = rounded(at, std::min(size, 64U));
    registers_[v.name] = {static_cast<std::int32_t>(at), bytes == 1 ? 2 : bytes};
    at += size;
  }
  f_.register_bytes = rounded(at, 64);
}

void Decoder::lay_out_variables() {
  std::uint64_t params = 0, local = 0;
  const auto place = [&](const Variable& v, std::uint64_t& area, Space space) {
    area = (area + v.align - 1) / v.align * v.align;
    own_[v.name] = {space, static_cast<std::int64_t>(area), v.bytes, false};
    area += v.bytes;
    return Function::Place{static_cast<std::uint32_t>(area - v.bytes), static_cast<std::uint32_t>(v.bytes)};
  };
  if (f_.kernel) {
    std::uint64_t block = 0;
    for (const Variable& v : text_.params) {
      place(v, block, Space::param);
      own_[v.name].kernel_param = true;
    }
    kernel_param_bytes_ = static_cast<std::int64_t>(block);
  } else {
    for (const Variable& v : text_.returns) f_.returns.push_back(place(v, params, Space::param));
    for (const Variable& v : text_.params) f_.params.push_back(place(v, params, Space::param));
  }
  for (const Variable& v : text_.variables) {
    if (v.space == Space::param) place(v, params, Space::param);
    if (v.space == Space::local) place(v, local, Space::local);
  }
  if (params > 65536 || local > (1U << 20))
    fail_at(module_.file, text_.line, "expected at most 64 KiB of parameters and 1 MiB of .local memory");
  f_.param_bytes = rounded(params, 16);
  f_.local_bytes = rounded(local, 16);
}

std::int32_t Decoder::behind(std::uint32_t bytes) {
  const std::uint32_t at = rounded(f_.register_bytes + f_.image.size(), 64);
  f_.image.resize(at - f_.register_bytes + bytes);
  return static_cast<std::int32_t>(at);
}

void Decoder::run() {
  lay_out_registers();
  lay_out_variables();
  for (const Statement& s : text_.body) f_.code.push_back(statement(s));
  // Falling off the end is a return.
  Statement end{.line = text_.body.empty() ? text_.line : text_.body.back().line};
  end.opcode = "ret";
  f_.code.push_back(statement(end));
  f_.frame_bytes = rounded(f_.register_bytes + f_.image.size(), 64);
}

Instr Decoder::statement(const Statement& s) {
  at_ = &s;
  Instr i;
  i.line = s.line;
  i.d.fill(-1);
  i.s.fill(-1);
  if (!s.guard.empty()) {
    i.guard = predicate(s.guard);
    i.guard_negated = s.guard_negated;
  }
  Modifiers m(s.opcode);
  const bool known = decode_arithmetic(*this, m, i) || decode_bits(*this, m, i) || decode_compare(*this, m, i) ||
                     decode_move(*this, m, i) || decode_memory(*this, m, i) || decode_warp(*this, m, i) ||
                     decode_flow(*this, m, i);
  if (!known) fail("this instruction is not supported: integers, bits, memory, mma, shuffles and control are");
  if (!m.rest().empty()) fail(fmt::format("expected an instruction without {}", m.rest()));
  // Handlers form the addresses of all source rows; those that mean nothing must lie inside the frame.
  const bool optional_sources = i.exec == exec_carry || i.flow != Flow::next || i.space != Space::none;
  if (!optional_sources) {
    for (std::int32_t& row : i.s) row = std::max(row, 0);
  }
  const auto [opcode, fresh] =
      program_.opcode_at.emplace(s.opcode, static_cast<std::uint32_t>(program_.opcodes.size()));
  i.opcode = opcode->second;
  if (fresh) program_.opcodes.push_back(s.opcode);
  i.counter = static_cast<std::uint32_t>(program_.opcode_of.size());
  program_.opcode_of.push_back(i.opcode);
  program_.line_of.push_back(i.line);
  return i;
}

void Decoder::fail(const std::string& sentence) const {
  fail_at(module_.file, at_->line, fmt::format("{}: {}", at_->opcode, sentence));
}

void Decoder::fail_operand(const Operand& o, const std::string& expected) const {
  fail(fmt::format("expected {}, got {}", expected, operand_text(o)));
}

void Decoder::want(std::size_t count) const { want(count, count); }

void Decoder::want(std::size_t least, std::size_t most) const {
  const std::size_t n = at_->operands.size();
  if (n >= least && n <= most) return;
  const std::string expected = least == most ? fmt::to_string(least) : fmt::format("{} to {}", least, most);
  fail(fmt::format("expected {} operands, got {}", expected, n));
}

const Decoder::Register* Decoder::find(const std::string& name) const {
  const auto it = registers_.find(name);
  return it == registers_.end() ? nullptr : &it->second;
}

bool Decoder::is_register(const Operand& o) const { return o.kind == Operand::Kind::name && find(o.name) != nullptr; }

bool Decoder::is_special(const Operand& o) const {
  return o.kind == Operand::Kind::name && !find(o.name) && special_registers().count(o.name) != 0;
}

std::int32_t Decoder::constant(std::uint64_t value, std::uint32_t bytes) {
  if (bytes < 8) value &= (std::uint64_t{1} << (8 * bytes)) - 1;
  const auto [it, fresh] = constants_.try_emplace({value, bytes}, 0);
  if (fresh) {
    it->second = behind(32 * bytes);
    std::byte* const row = f_.image.data() + it->second - f_.register_bytes;
    for (std::size_t k = 0; k < kLanes; ++k) std::memcpy(row + k * bytes, &value, bytes);
  }
  return it->second;
}

std::int32_t Decoder::special(const std::string& name, std::uint32_t bytes) {
  const Special what = special_registers().at(name);
  if (what == Special::clock) fail(fmt::format("expected {} in a mov only", name));
  const auto [it, fresh] = specials_.try_emplace({name, bytes}, 0);
  if (fresh) {
    it->second = behind(32 * bytes);
    f_.specials.push_back({what, it->second, static_cast<std::uint8_t>(bytes)});
  }
  return it->second;
}

std::int32_t Decoder::symbol_address(const Operand& o, std::uint32_t bytes) {
  const auto own = own_.find(o.name);
  const Symbols::Symbol* const global = symbols_.find(o.name);
  if (own == own_.end() && global == nullptr) {
    fail(fmt::format("expected a declared name, got {}", operand_text(o)));
  }
  if (own != own_.end() && own->second.kernel_param) {
    return constant(static_cast<std::uint64_t>(wrapped_sum(own->second.offset, o.value)), bytes);
  }
  if (own == own_.end() && global->space == Space::shared && !global->dynamic) {
    return constant(static_cast<std::uint64_t>(wrapped_sum(global->offset, o.value)), bytes);
  }
  const auto [it, fresh] = addresses_.try_emplace(fmt::format("{}+{}/{}", o.name, o.value, bytes), 0);
  if (!fresh) return it->second;
  it->second = behind(32 * bytes);
  if (own != own_.end()) {
    const auto from = own->second.space == Space::param ? Function::From::param : Function::From::local;
    f_.places.push_back({it->second, static_cast<std::uint8_t>(bytes), wrapped_sum(own->second.offset, o.value), from});
  } else if (global->dynamic) {
    f_.places.push_back({it->second, static_cast<std::uint8_t>(bytes), o.value, Function::From::dynamic_shared});
  } else {
    if (bytes != 8) fail(fmt::format("expected a 64-bit register for the address of {}", operand_text(o)));
    f_.variables.push_back({it->second, global->variable, o.value});
  }
  return it->second;
}

std::int32_t Decoder::source(const Operand& o, std::uint32_t bytes) {
  std::uint32_t row_bytes = 0;
  const std::int32_t row = wide_source(o, bytes, row_bytes);
  if (row_bytes != bytes) fail_operand(o, fmt::format("a {}-bit register", 8 * bytes));
  return row;
}

std::int32_t Decoder::wide_source(const Operand& o, std::uint32_t bytes, std::uint32_t& row_bytes) {
  row_bytes = std::max(bytes, 2U);
  if (o.kind == Operand::Kind::immediate) return constant(static_cast<std::uint64_t>(o.value), row_bytes);
  if (o.kind != Operand::Kind::name || o.negated || !o.second.empty()) {
    fail_operand(o, fmt::format("a {}-bit register or a number", 8 * bytes));
  }
  if (const Register* r = find(o.name)) {
    if (r->bytes == 0 || r->bytes < bytes) fail_operand(o, fmt::format("a register of {} bits", 8 * bytes));
    row_bytes = r->bytes;
    return r->row;
  }
  if (special_registers().count(o.name) != 0) return special(o.name, row_bytes);
  return symbol_address(o, row_bytes);
}

std::int32_t Decoder::dest(const Operand& o, std::uint32_t bytes) {
  std::uint32_t row_bytes = 0;
  const std::int32_t row = wide_dest(o, bytes, row_bytes);
  if (row_bytes != bytes) fail_operand(o, fmt::format("a {}-bit register", 8 * bytes));
  return row;
}

std::int32_t Decoder::wide_dest(const Operand& o, std::uint32_t bytes, std::uint32_t& row_bytes) {
  row_bytes = std::max(bytes, 2U);
  if (o.kind == Operand::Kind::sink) {
    if (sink_ < 0) sink_ = behind(256);
    return sink_;
  }
  const Register* r = o.kind == Operand::Kind::name && !o.negated ? find(o.name) : nullptr;
  if (!r || r->bytes == 0 || r->bytes < bytes) fail_operand(o, fmt::format("a register of {} bits", 8 * bytes));
  row_bytes = r->bytes;
  return r->row;
}

std::int32_t Decoder::predicate(const std::string& name) {
  const Register* r = find(name);
  if (!r || r->bytes != 0) fail(fmt::format("expected a predicate register, got {}", name.substr(0, name.find('@'))));
  return r->row;
}

std::int32_t Decoder::predicate_source(const Operand& o, Instr& i, unsigned k) {
  if (o.kind == Operand::Kind::immediate) {
    // true and false are written as numbers, of which anything but 0 is true.
    return constant(o.value != 0 ? ~std::uint64_t{0} : 0, 4);
  }
  if (o.kind != Operand::Kind::name) fail_operand(o, "a predicate register");
  if (o.negated) i.negated = static_cast<std::uint8_t>(i.negated | 1U << k);
  return predicate(o.name);
}

void Decoder::second_predicate(const Operand& o, Instr& i) {
  if (!o.second.empty() && o.second != "_") i.second = predicate(o.second);
}

void Decoder::address(const Operand& o, Instr& i) {
  if (o.kind != Operand::Kind::address) fail_operand(o, "an address in [ ]");
  i.imm = o.value;
  if (o.name.empty()) return;
  if (const Register* r = find(o.name)) {
    if (r->bytes != 8 && r->bytes != 4) fail_operand(o, "an address register of 32 or 64 bits");
    i.s[0] = r->row;
    i.address_bytes = static_cast<std::uint8_t>(r->bytes);
    i.kernel_param = f_.kernel && i.space == Space::param;
    return;
  }
  const auto own = own_.find(o.name);
  const Symbols::Symbol* const global = symbols_.find(o.name);
  const Space space = own != own_.end() ? own->second.space : global != nullptr ? global->space : Space::none;
  if (space == Space::none) fail(fmt::format("expected a declared name in [ ], got {}", o.name));
  const bool fits = i.space == space || (i.space == Space::generic && space == Space::global);
  if (!fits) fail(fmt::format("expected a variable of the instruction's space in [ ], got {}", o.name));
  if (own != own_.end() && space == Space::param) {
    i.imm = wrapped_sum(i.imm, own->second.offset);
    i.kernel_param = own->second.kernel_param;
    return;
  }
  if (own == own_.end() && space == Space::shared && !global->dynamic) {
    i.imm = wrapped_sum(i.imm, global->offset);
    return;
  }
  Operand symbol;
  symbol.name = o.name;
  i.s[0] = symbol_address(symbol, 8);
}

std::uint32_t Decoder::label(const std::string& name) const {
  const auto it = text_.labels.find(name);
  if (it == text_.labels.end()) fail(fmt::format("expected a label of {}, got {}", text_.name, name));
  return static_cast<std::uint32_t>(it->second);
}

std::uint32_t Decoder::label(const Operand& o) const {
  if (o.kind != Operand::Kind::name) fail_operand(o, "a label");
  return label(o.name);
}

Function::Place Decoder::call_param(const Operand& o) const {
  const auto own = o.kind == Operand::Kind::name ? own_.find(o.name) : own_.end();
  if (own == own_.end() || own->second.space != Space::param || own->second.kernel_param) {
    fail_operand(o, "a variable in .param space");
  }
  return {static_cast<std::uint32_t>(own->second.offset), static_cast<std::uint32_t>(own->second.bytes)};
}

}  // namespace obz::ptx
