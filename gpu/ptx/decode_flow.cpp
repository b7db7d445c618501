// bra, brx.idx, call, ret, exit, trap.
#include <algorithm>

#include <fmt/format.h>

#include "gpu/ptx/decoder.hpp"
#include "gpu/ptx/exec.hpp"

namespace obz::ptx {
namespace {

void branch_table(Decoder& d, Modifiers& m, Instr& i) {
  if (!m.take("idx")) d.fail("expected brx.idx");
  m.take("uni");
  d.want(2);
  if (d.at().targets.empty()) d.fail_operand(d.operand(1), "the label of a .branchtargets list");
  i.flow = Flow::table;
  i.s[0] = d.source(d.operand(0), 4);
  i.table = static_cast<std::uint32_t>(d.function().tables.size());
  std::vector<std::uint32_t> targets;
  for (const std::string& name : d.at().targets) targets.push_back(d.label(name));
  d.function().tables.push_back(std::move(targets));
}

/// What a call passes must be what the function takes: it is copied byte by byte.
void check_list(Decoder& d, const std::string& callee, const char* what, const std::vector<Function::Place>& given,
                const std::vector<Variable>& taken) {
  if (given.size() != taken.size()) {
    d.fail(fmt::format("expected {} {} of {}, got {}", taken.size(), what, callee, given.size()));
  }
  for (std::size_t k = 0; k < given.size(); ++k) {
    if (given[k].bytes == taken[k].bytes) continue;
    d.fail(fmt::format("{}: expected {} bytes as number {} of its {}, got {}", callee, taken[k].bytes, k, what,
                       given[k].bytes));
  }
}

/// call (results), f, (parameters); either list may be absent.
void call(Decoder& d, Modifiers& m, Instr& i) {
  m.take("uni");
  d.want(1, 4);
  std::size_t at = 0;
  Function::Call c;
  const auto places = [&](std::vector<Function::Place>& to) {
    if (at >= d.at().operands.size() || d.operand(at).kind != Operand::Kind::list) return;
    for (const Operand& o : d.operand(at).items) to.push_back(d.call_param(o));
    ++at;
  };
  places(c.returns);
  if (at >= d.at().operands.size()) d.fail("expected a function's name");
  const Operand& name = d.operand(at++);
  places(c.params);
  if (at != d.at().operands.size())
    d.fail("expected a call of a function by its name: calls through pointers are not supported");
  const auto it = name.kind == Operand::Kind::name ? d.program().by_name.find(name.name) : d.program().by_name.end();
  if (it == d.program().by_name.end()) d.fail_operand(name, "a function of this module");
  const FunctionText& callee = d.text_of(it->second);
  if (callee.kernel) d.fail_operand(name, "a function, no kernel");
  check_list(d, callee.name, "results", c.returns, callee.returns);
  check_list(d, callee.name, "parameters", c.params, callee.params);
  i.flow = Flow::call;
  i.target = it->second;
  i.table = static_cast<std::uint32_t>(d.function().calls.size());
  d.function().calls.push_back(std::move(c));
  std::vector<std::uint32_t>& callees = d.function().callees;
  if (std::find(callees.begin(), callees.end(), i.target) == callees.end()) callees.push_back(i.target);
}

}  // namespace

bool decode_flow(Decoder& d, Modifiers& m, Instr& i) {
  const std::string& op = m.base();
  if (op == "bra") {
    m.take("uni");
    d.want(1);
    i.flow = Flow::branch;
    i.target = d.label(d.operand(0));
    return true;
  }
  if (op == "brx") return branch_table(d, m, i), true;
  if (op == "call") return call(d, m, i), true;
  if (op == "ret" || op == "exit" || op == "trap" || op == "brkpt") {
    m.take("uni");
    d.want(0);
    i.flow = op == "ret" ? Flow::ret : op == "exit" ? Flow::exit : Flow::trap;
    return true;
  }
  return false;
}

}  // namespace obz::ptx
