// Comparison and selection: PTX ISA, "Comparison and Selection Instructions".
#include "tests/gpu/opcodes/typed.hpp"

namespace obz::opcodes {
namespace {

const Words kBit = {0, 1};

bool holds(const std::string& op, Wide a, Wide b) {
  if (op == "eq") return a == b;
  if (op == "ne") return a != b;
  if (op == "lt" || op == "lo") return a < b;
  if (op == "le" || op == "ls") return a <= b;
  if (op == "gt" || op == "hi") return a > b;
  return a >= b;
}

struct Comparison {
  std::string op, type;
  char letter;
  Words words;
  std::function<bool(Word, Word)> model;
};

/// Every comparison: eq .. ge for all integers, lo .. hs for the unsigned, eq and ne for bits.
std::vector<Comparison> comparisons() {
  std::vector<Comparison> all;
  each<u16, s16, u32, s32, u64, s64>([&]<class T>() {
    Words inputs = words<T>(2);
    const auto add = [&](const std::string& op, const std::string& name) {
      all.push_back(
          {op, name, letter<T>(), inputs, [=](Word a, Word b) { return holds(op, value<T>(a), value<T>(b)); }});
    };
    for (const char* op : {"eq", "ne", "lt", "le", "gt", "ge"}) add(op, type<T>());
    if (std::is_signed_v<T>) return;
    for (const char* op : {"lo", "ls", "hi", "hs"}) add(op, type<T>());
    for (const char* op : {"eq", "ne"}) add(op, fmt::format("b{}", kBits<T>));
  });
  return all;
}

Word combine(const std::string& with, bool t, bool c) {
  return with == "and" ? t && c : with == "or" ? t || c : t != c;
}

}  // namespace

OPCODES(setp_of_every_operator_and_type) {
  Cases all;
  for (const Comparison& c : comparisons()) {
    all.push_back({fmt::format("setp.{0}.{1} %d0, %a0, %a1; setp.{0}.{1} %d1|%d2, %a0, %a1;", c.op, c.type),
                   std::string(2, c.letter), "ppp", every({c.words, c.words}, [&](const Words& in) {
                     const Word t = c.model(in[0], in[1]);
                     return Words{t, t, 1 - t};
                   })});
  }
  return all;
}

/// p = t op c, q = !t op c, also with !c.
OPCODES(setp_combines_with_a_third_predicate) {
  Cases all;
  for (const Comparison& c : comparisons()) {
    for (const std::string with : {"and", "or", "xor"}) {
      all.push_back({fmt::format("setp.{0}.{1}.{2} %d0|%d1, %a0, %a1, %a2; setp.{0}.{1}.{2} %d2|%d3, %a0, %a1, !%a2; "
                                 "setp.{0}.{1}.{2} %d4, %a0, %a1, %a2;",
                                 c.op, with, c.type),
                     std::string(2, c.letter) + "p", "ppppp", every({c.words, c.words, kBit}, [&](const Words& in) {
                       const bool t = c.model(in[0], in[1]), r = in[2] != 0;
                       return Words{combine(with, t, r), combine(with, !t, r), combine(with, t, !r),
                                    combine(with, !t, !r), combine(with, t, r)};
                     })});
    }
  }
  return all;
}

OPCODES(set_writes_all_ones_or_zero) {
  Cases all;
  for (const Comparison& c : comparisons()) {
    all.push_back({fmt::format("set.{0}.u32.{1} %d0, %a0, %a1; set.{0}.s32.{1} %d1, %a0, %a1; "
                               "set.{0}.and.u32.{1} %d2, %a0, %a1, %a2; set.{0}.or.s32.{1} %d3, %a0, %a1, !%a2; "
                               "set.{0}.xor.u32.{1} %d4, %a0, %a1, %a2;",
                               c.op, c.type),
                   std::string(2, c.letter) + "p", "rrrrr", every({c.words, c.words, kBit}, [&](const Words& in) {
                     const bool t = c.model(in[0], in[1]), r = in[2] != 0;
                     const auto ones = [](bool yes) { return yes ? Word{0xFFFFFFFF} : Word{0}; };
                     return Words{ones(t), ones(t), ones(t && r), ones(t || !r), ones(t != r)};
                   })});
  }
  return all;
}

OPCODES(selp_takes_the_first_when_true) {
  Cases all;
  each<u16, u32, u64>([&]<class T>() {
    for (const char kind : {'b', 'u', 's'}) {
      all.push_back(
          {fmt::format("selp.{0}{1} %d0, %a0, %a1, %a2;", kind, kBits<T>),
           {letter<T>(), letter<T>(), 'p'},
           {letter<T>()},
           every({words<T>(), words<T>(), kBit}, [](const Words& in) { return Words{in[2] ? in[0] : in[1]}; })});
    }
  });
  return all;
}

OPCODES(slct_takes_the_first_when_not_negative) {
  Cases all;
  each<u16, u32, u64>([&]<class T>() {
    for (const char kind : {'b', 'u', 's'}) {
      all.push_back({fmt::format("slct.{0}{1}.s32 %d0, %a0, %a1, %a2;", kind, kBits<T>),
                     {letter<T>(), letter<T>(), 'r'},
                     {letter<T>()},
                     every({words<T>(2), words<T>(2), words<s32>()},
                           [](const Words& in) { return Words{value<s32>(in[2]) >= 0 ? in[0] : in[1]}; })});
    }
  });
  return all;
}

}  // namespace obz::opcodes
