// atom and red: PTX ISA, "Parallel Synchronization and Communication Instructions". Each lane on its own word first:
// what comes back is the old value and what stays is the new one; then all lanes on one word.
#include <algorithm>

#include "tests/gpu/opcodes/typed.hpp"

namespace obz::opcodes {
namespace {

struct Operation {
  std::string name;  ///< "add.u32"
  char letter;
  Words memory, operand;
  std::function<Word(Word old, Word b)> model;
};

template <class T, class F>
void push(std::vector<Operation>& all, const std::string& op, const std::string& name, F f, Words memory = words<T>(),
          Words operand = words<T>()) {
  all.push_back({op + "." + name, letter<T>(), memory, operand,
                 [=](Word old, Word b) { return low<T>(f(value<T>(old), value<T>(b))); }});
}

std::vector<Operation> operations(bool exchange) {
  std::vector<Operation> all;
  const auto sum = [](Wide a, Wide b) { return a + b; };
  push<u32>(all, "add", "u32", sum);
  push<s32>(all, "add", "s32", sum);
  push<u64>(all, "add", "u64", sum);
  each<u32, s32, u64, s64>([&]<class T>() {
    push<T>(all, "min", type<T>(), [](Wide a, Wide b) { return a < b ? a : b; });
    push<T>(all, "max", type<T>(), [](Wide a, Wide b) { return a > b ? a : b; });
  });
  each<u32, u64>([&]<class T>() {
    const std::string name = fmt::format("b{}", kBits<T>);
    push<T>(all, "and", name, [](Wide a, Wide b) { return a & b; });
    push<T>(all, "or", name, [](Wide a, Wide b) { return a | b; });
    push<T>(all, "xor", name, [](Wide a, Wide b) { return a ^ b; });
    if (exchange) push<T>(all, "exch", name, [](Wide, Wide b) { return b; });
  });
  const Words near = {0, 1, 2, 9, 10, 11, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFE, 0xFFFFFFFF};
  push<u32>(
      all, "inc", "u32", [](Wide r, Wide s) { return r >= s ? Wide{0} : r + 1; }, near, near);
  push<u32>(
      all, "dec", "u32", [](Wide r, Wide s) { return r == 0 || r > s ? s : r - 1; }, near, near);
  return all;
}

/// The lane's word in a space: how its address comes into %w0.
std::string own_word(const std::string& space) {
  if (space == "global") return "mov.u64 %w0, %out;";
  return "mov.u64 %w0, room; mul.wide.u32 %w1, %lane, 8; add.s64 %w0, %w0, %w1;";
}

std::string room(const std::string& space) { return space == "shared" ? ".shared .align 8 .b8 room[256];\n  " : ""; }

std::string width(char letter) { return letter == 'd' ? "u64" : "u32"; }

/// d0 is the memory's word where it is global, so what stays there is compared; shared words are loaded into d2.
Case on_own_word(const std::string& space, const Operation& op) {
  const std::string in(2, op.letter), out = {'m', op.letter, op.letter};
  return {fmt::format("{4}{0} st.{1}.{2} [%w0], %a0; atom.{1}.{3} %d1, [%w0], %a1; ld.{1}.{2} %d2, [%w0];",
                      own_word(space), space, width(op.letter), op.name, room(space)),
          in, out, every({op.memory, op.operand}, [=](const Words& row) {
            const Word after = op.model(row[0], row[1]);
            return Words{space == "global" ? after : 0, row[0], after};
          })};
}

std::string contended() {
  return module_text({R"(ld.param.u64 %w0, [p_out];
  cvta.to.global.u64 %w0, %w0;
  atom.global.add.u32 %t0, [%w0], 1;
  atom.global.inc.u32 %t1, [%w0+8], 6;
  red.global.max.u32 [%w0+16], %t0;
  mul.wide.u32 %w1, %t0, 8;
  add.s64 %w1, %w1, %w0;
  st.global.u32 [%w1+24], %t1;)",
                      "",
                      "",
                      {}},
                     "k");
}

const bool contended_listed = (modules().push_back(contended), true);

}  // namespace

OPCODES(atom_returns_the_old_value_and_leaves_the_new) {
  Cases all;
  for (const std::string space : {"global", "shared"}) {
    for (const Operation& op : operations(true)) all.push_back(on_own_word(space, op));
  }
  return all;
}

OPCODES(atom_cas_writes_only_on_equality) {
  Cases all;
  for (const std::string space : {"global", "shared"}) {
    each<u32, u64>([&]<class T>() {
      const std::string w = width(letter<T>());
      all.push_back(
          {fmt::format("{4}{0} st.{1}.{2} [%w0], %a0; atom.{1}.cas.b{3} %d0, [%w0], %a1, %a2; ld.{1}.{2} %d1, [%w0];",
                       own_word(space), space, w, kBits<T>, room(space)),
           std::string(3, letter<T>()), std::string(2, letter<T>()),
           every({words<T>(1), words<T>(1), {3, low<T>(-7)}}, [](const Words& in) {
             return Words{in[0], in[0] == in[1] ? in[2] : in[0]};
           })});
    });
  }
  return all;
}

OPCODES(red_leaves_what_atom_leaves) {
  Cases all;
  for (const std::string space : {"global", "shared"}) {
    for (const Operation& op : operations(false)) {
      all.push_back({fmt::format("{4}{0} st.{1}.{2} [%w0], %a0; red.{1}.{3} [%w0], %a1; ld.{1}.{2} %d1, [%w0];",
                                 own_word(space), space, width(op.letter), op.name, room(space)),
                     std::string(2, op.letter),
                     {'m', op.letter},
                     every({op.memory, op.operand}, [=](const Words& in) {
                       const Word after = op.model(in[0], in[1]);
                       return Words{space == "global" ? after : 0, after};
                     })});
    }
  }
  return all;
}

OPCODES(atom_takes_generic_addresses_and_qualifiers) {
  return {
      {"cvta.global.u64 %w0, %out; st.global.u32 [%out+8], %a0; atom.add.u32 %d0, [%w0+8], %a1; "
       "atom.relaxed.gpu.global.add.u32 %d2, [%out+8], %a1; atom.global.cta.max.s32 %d3, [%out+8], -1; "
       "atom.acq_rel.sys.global.exch.b32 %d4, [%out+8], 9;",
       "rr", "rmrrr", every({words<u32>(), words<u32>()}, [](const Words& in) {
         const Word once = low<u32>(Wide(in[0] + in[1])), twice = low<u32>(Wide(once + in[1]));
         return Words{in[0], 9, once, twice, low<s32>(std::max<Wide>(value<s32>(twice), -1))};
       })}};
}

/// Which lane comes first is not said; that each sees another count is.
TEST(Opcodes, atoms_of_all_lanes_and_ctas_on_one_word_happen_one_by_one) {
  ASSERT_TRUE(contended_listed);
  constexpr Word kThreads = 32 * 40;
  const Words got = run_words(contended(), "k", {40}, {32}, {}, kThreads + 3);
  EXPECT_EQ(got[0], kThreads);
  EXPECT_EQ(got[1], kThreads % 7);
  EXPECT_EQ(got[2], kThreads - 1);
  Words counts(7, 0);
  for (std::size_t i = 0; i < kThreads; ++i) {
    ASSERT_LT(got[3 + i], 7u);
    ++counts[got[3 + i]];
  }
  for (Word i = 0; i < 7; ++i) EXPECT_EQ(counts[i], kThreads / 7 + (i < kThreads % 7));
}

}  // namespace obz::opcodes
