// mma, shuffles, votes, matches, warp barriers.
#include <map>

#include <fmt/format.h>

#include "gpu/ptx/decoder.hpp"
#include "gpu/ptx/exec.hpp"

namespace obz::ptx {
namespace {

/// The registers of {a, b}, or of a alone.
void registers(Decoder& d, const Operand& o, std::size_t n, std::int32_t* to, bool is_dest) {
  const bool vector = o.kind == Operand::Kind::vector;
  if (vector ? o.items.size() != n : n != 1) d.fail_operand(o, fmt::format("{{...}} with {} registers", n));
  for (std::size_t k = 0; k < n; ++k) {
    const Operand& item = vector ? o.items[k] : o;
    to[k] = is_dest ? d.dest(item, 4) : d.source(item, 4);
  }
}

bool mma_type(const std::string& shape, const std::string& name, bool is_and, MmaType& type) {
  if (shape == "m8n8k16" && name == "s8") return type = MmaType::s8, true;
  if (shape == "m8n8k16" && name == "u8") return type = MmaType::u8, true;
  if (shape == "m8n8k32" && name == "s4") return type = MmaType::s4, true;
  if (shape == "m8n8k32" && name == "u4") return type = MmaType::u4, true;
  if (shape == "m8n8k128" && name == "b1") return type = is_and ? MmaType::b1_and : MmaType::b1_xor, true;
  return false;
}

void mma(Decoder& d, Modifiers& m, Instr& i) {
  const bool sync = m.take("sync") && m.take("aligned");
  const std::string shape = m.take_one_of({"m8n8k16", "m8n8k32", "m8n8k128"});
  if (!sync || shape.empty() || !m.take("row") || !m.take("col")) {
    d.fail("expected mma.sync.aligned with m8n8k16, m8n8k32 or m8n8k128 and .row.col: other shapes are not supported");
  }
  const bool saturate = m.take("satfinite"), popc = m.take("popc"), is_and = popc && m.take("and");
  if (popc && !is_and && !m.take("xor")) d.fail("expected .xor.popc or .and.popc");
  const bool sums = m.take_first() == "s32";
  const std::string a = m.take_first(), b = m.take_first();
  MmaType type_a{}, type_b{};
  if (!sums || m.take_first() != "s32" || !mma_type(shape, a, is_and, type_a) || !mma_type(shape, b, is_and, type_b)) {
    d.fail("expected .s32 sums of integer products that fit the shape");
  }
  if ((shape == "m8n8k128") != popc) d.fail("expected .popc with m8n8k128 and only there");
  i.mma = mma_function(type_a, type_b, saturate);
  if (i.mma == nullptr) d.fail("expected no .satfinite with single bits");
  d.want(4);
  i.exec = exec_mma;
  i.aligned = true;
  registers(d, d.operand(0), 2, i.d.data(), true);
  registers(d, d.operand(1), 1, &i.s[0], false);
  registers(d, d.operand(2), 1, &i.s[1], false);
  registers(d, d.operand(3), 2, &i.s[2], false);
}

void shfl(Decoder& d, Modifiers& m, Instr& i) {
  static const std::map<std::string, ShflMode> modes{
      {"up", kShflUp}, {"down", kShflDown}, {"bfly", kShflBfly}, {"idx", kShflIdx}};
  const bool sync = m.take("sync"), b32 = m.take("b32");
  const auto it = modes.find(m.take_last());
  if (!sync || !b32 || it == modes.end()) d.fail("expected shfl.sync.up|down|bfly|idx.b32");
  i.mode = it->second;
  d.want(5);
  i.exec = exec_shfl;
  i.d[0] = d.dest(d.operand(0), 4);
  d.second_predicate(d.operand(0), i);
  for (std::size_t k = 0; k < 4; ++k) i.s[k] = d.source(d.operand(k + 1), 4);
}

void vote(Decoder& d, Modifiers& m, Instr& i) {
  static const std::map<std::string, VoteMode> modes{
      {"all", kVoteAll}, {"any", kVoteAny}, {"uni", kVoteUni}, {"ballot", kVoteBallot}};
  const std::string type = m.take_last();
  const bool sync = m.take("sync");
  const auto it = modes.find(m.take_last());
  if (!sync || it == modes.end()) d.fail("expected vote.sync.all|any|uni.pred or vote.sync.ballot.b32");
  i.mode = it->second;
  if (type != (i.mode == kVoteBallot ? "b32" : "pred")) d.fail("expected .pred, and .b32 with .ballot");
  d.want(3);
  i.exec = exec_vote;
  i.d[0] = i.mode == kVoteBallot ? d.dest(d.operand(0), 4) : d.predicate(d.operand(0).name);
  i.s[0] = d.predicate_source(d.operand(1), i, 0);
  i.s[1] = d.source(d.operand(2), 4);
}

void match(Decoder& d, Modifiers& m, Instr& i) {
  const std::string type = m.take_last();
  const bool sync = m.take("sync"), all = m.take("all");
  if (!sync || (!all && !m.take("any")) || (type != "b32" && type != "b64")) {
    d.fail("expected match.any|all.sync.b32|b64");
  }
  d.want(3);
  i.mode = all ? 1 : 0;
  i.exec = exec_match;
  i.access_bytes = type == "b32" ? 4 : 8;
  i.d[0] = d.dest(d.operand(0), 4);
  d.second_predicate(d.operand(0), i);
  i.s[0] = d.source(d.operand(1), i.access_bytes);
  i.s[1] = d.source(d.operand(2), 4);
}

void redux(Decoder& d, Modifiers& m, Instr& i) {
  static const std::map<std::string, AtomOp> operations{{"add", kAtomAdd}, {"min", kAtomMin}, {"max", kAtomMax},
                                                        {"and", kAtomAnd}, {"or", kAtomOr},   {"xor", kAtomXor}};
  LaneType t{};
  const bool typed = integer_type(m.take_last(), t), sync = m.take("sync");
  const auto it = operations.find(m.take_last());
  if (!typed || bytes_of(t) != 4 || !sync || it == operations.end()) d.fail("expected redux.sync.OP with 32 bits");
  d.want(3);
  i.mode = it->second;
  i.signed_values = is_signed(t);
  i.exec = exec_redux;
  i.d[0] = d.dest(d.operand(0), 4);
  i.s[0] = d.source(d.operand(1), 4);
  i.s[1] = d.source(d.operand(2), 4);
}

/// bar.sync, bar.arrive, bar.red, bar.warp.sync; barrier.* likewise. .cta is the only scope.
void bar(Decoder& d, Modifiers& m, Instr& i) {
  m.take("cta");
  m.take("aligned");
  if (m.take("warp")) {
    if (!m.take("sync")) d.fail("expected bar.warp.sync");
    d.want(1);
    i.exec = exec_sync_warp;
    i.s[0] = d.source(d.operand(0), 4);
    return;
  }
  i.flow = Flow::barrier;
  if (m.take("sync")) {
    i.mode = kBarSync;
    d.want(1, 2);
  } else if (m.take("arrive")) {
    i.mode = kBarArrive;
    d.want(2);
  } else if (m.take("red")) {
    const std::string what = m.take_one_of({"popc", "and", "or"});
    const std::string type = m.take_last();
    if (what.empty() || type != (what == "popc" ? "u32" : "pred")) d.fail("expected .red.popc.u32 or .red.and|or.pred");
    i.mode = what == "popc" ? kBarRedPopc : what == "and" ? kBarRedAnd : kBarRedOr;
    d.want(3, 4);
    const std::size_t n = d.at().operands.size();
    i.d[0] = what == "popc" ? d.dest(d.operand(0), 4) : d.predicate(d.operand(0).name);
    i.s[0] = d.source(d.operand(1), 4);
    if (n == 4) i.s[1] = d.source(d.operand(2), 4);
    i.s[2] = d.predicate_source(d.operand(n - 1), i, 2);
    return;
  } else {
    d.fail("expected .sync, .arrive, .red or .warp.sync");
  }
  i.s[0] = d.source(d.operand(0), 4);
  if (d.at().operands.size() == 2) i.s[1] = d.source(d.operand(1), 4);
}

}  // namespace

bool decode_warp(Decoder& d, Modifiers& m, Instr& i) {
  const std::string& op = m.base();
  if (op == "mma") return mma(d, m, i), true;
  if (op == "shfl") return shfl(d, m, i), true;
  if (op == "vote") return vote(d, m, i), true;
  if (op == "match") return match(d, m, i), true;
  if (op == "redux") return redux(d, m, i), true;
  if (op == "bar" || op == "barrier") return bar(d, m, i), true;
  if (op == "activemask") {
    if (!m.take("b32")) d.fail("expected .b32");
    d.want(1);
    i.exec = exec_activemask;
    i.d[0] = d.dest(d.operand(0), 4);
    return true;
  }
  return false;
}

}  // namespace obz::ptx
