#include "tests/gpu/opcodes/harness.hpp"

#include <algorithm>
#include <array>
#include <random>

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace obz::opcodes {
namespace {

constexpr std::size_t kLanes = 32;
constexpr int kShown = 3;  ///< wrong rows printed per case

std::string register_type(char letter) {
  switch (letter) {
    case 'h': return ".b16";
    case 'r': return ".b32";
    case 'd': return ".b64";
    default: return ".pred";
  }
}

std::string declare(const std::string& letters, char name) {
  std::string text;
  for (std::size_t i = 0; i < letters.size(); ++i) {
    if (letters[i] != 'm') text += fmt::format("  .reg {} %{}{};\n", register_type(letters[i]), name, i);
  }
  return text;
}

std::string load(const std::string& letters) {
  std::string text;
  for (std::size_t i = 0; i < letters.size(); ++i) {
    const std::size_t at = 8 * i;
    switch (letters[i]) {
      case 'h': text += fmt::format("  ld.global.u16 %a{}, [%in+{}];\n", i, at); break;
      case 'r': text += fmt::format("  ld.global.u32 %a{}, [%in+{}];\n", i, at); break;
      case 'd': text += fmt::format("  ld.global.u64 %a{}, [%in+{}];\n", i, at); break;
      case 'p': text += fmt::format("  ld.global.u32 %h0, [%in+{}];\n  setp.ne.u32 %a{}, %h0, 0;\n", at, i); break;
      default: break;
    }
  }
  return text;
}

std::string store(const std::string& letters) {
  std::string text;
  for (std::size_t i = 0; i < letters.size(); ++i) {
    const std::size_t at = 8 * i;
    switch (letters[i]) {
      case 'h': text += fmt::format("  st.global.u16 [%out+{}], %d{};\n", at, i); break;
      case 'r': text += fmt::format("  st.global.u32 [%out+{}], %d{};\n", at, i); break;
      case 'd': text += fmt::format("  st.global.u64 [%out+{}], %d{};\n", at, i); break;
      case 'p': text += fmt::format("  selp.u32 %h0, 1, 0, %d{};\n  st.global.u32 [%out+{}], %h0;\n", i, at); break;
      default: break;
    }
  }
  return text;
}

std::span<const std::byte> bytes_of(const Words& words) { return std::as_bytes(std::span<const Word>(words)); }

void expect_case(const Case& c) {
  SCOPED_TRACE(c.text);
  ASSERT_FALSE(c.rows.empty());
  Words in;
  const std::size_t rows = (c.rows.size() + kLanes - 1) / kLanes * kLanes;
  for (std::size_t i = 0; i < rows; ++i) {
    const Row& row = c.rows[std::min(i, c.rows.size() - 1)];  // idle lanes repeat the last row
    ASSERT_EQ(row.in.size(), c.in.size());
    ASSERT_EQ(row.want.size(), c.out.size());
    in.insert(in.end(), row.in.begin(), row.in.end());
  }
  Words got;
  try {
    const auto warps = static_cast<std::uint32_t>(rows / kLanes);
    got = run_words(module_text(c, "k"), "k", {warps}, {kLanes}, in, rows * c.out.size());
  } catch (const std::exception& e) {
    ADD_FAILURE() << e.what();
    return;
  }
  int wrong = 0;
  std::string text;
  for (std::size_t i = 0; i < c.rows.size(); ++i) {
    const Row& row = c.rows[i];
    const Words one(got.begin() + static_cast<std::ptrdiff_t>(i * c.out.size()),
                    got.begin() + static_cast<std::ptrdiff_t>((i + 1) * c.out.size()));
    if (one == row.want || wrong++ >= kShown) continue;
    text += fmt::format("  row {}, in ({:#x}): want ({:#x}), got ({:#x})\n", i, fmt::join(row.in, ", "),
                        fmt::join(row.want, ", "), fmt::join(one, ", "));
  }
  if (wrong > 0) ADD_FAILURE() << wrong << " of " << c.rows.size() << " rows are wrong\n" << text;
}

}  // namespace

std::string kernel_text(const Case& c, const std::string& kernel) {
  return fmt::format(R"({}
.visible .entry {}(.param .u64 p_in, .param .u64 p_out) {{
  .reg .b32 %h<4>;
  .reg .b32 %t<8>;
  .reg .b32 %lane;
  .reg .b64 %g<4>;
  .reg .b64 %w<8>;
  .reg .b64 %in;
  .reg .b64 %out;
  .reg .b16 %s<8>;
  .reg .pred %p<8>;
{}{}
  ld.param.u64 %g0, [p_in];
  ld.param.u64 %g1, [p_out];
  cvta.to.global.u64 %g2, %g0;
  cvta.to.global.u64 %g3, %g1;
  mov.u32 %lane, %tid.x;
  mov.u32 %h1, %ctaid.x;
  mad.lo.s32 %h2, %h1, {}, %lane;
  mul.wide.u32 %in, %h2, {};
  add.s64 %in, %in, %g2;
  mul.wide.u32 %out, %h2, {};
  add.s64 %out, %out, %g3;
{}
  {}
{}
  ret;
}}
)",
                     c.around, kernel, declare(c.in, 'a'), declare(c.out, 'd'), kLanes, 8 * c.in.size(),
                     8 * c.out.size(), load(c.in), c.text, store(c.out));
}

std::string module_text(const Case& c, const std::string& kernel) {
  return fmt::format(".version 8.0\n.target sm_{}\n.address_size 64\n{}", c.sm, kernel_text(c, kernel));
}

Words run_words(const std::string& module, const std::string& kernel, ptx::Dim3 grid, ptx::Dim3 block, const Words& in,
                std::size_t outputs) {
  const ptx::Module program = ptx::parse_module(module, "snippet.ptx");
  ptx::Memory memory;
  Words out(outputs, 0);
  const Words input = in.empty() ? Words{0} : in;
  const std::array<Word, 2> args = {memory.allocate(8 * input.size(), "in"), memory.allocate(8 * outputs, "out")};
  memory.write(args[0], bytes_of(input));
  memory.write(args[1], bytes_of(out));
  const auto block_of_args = std::as_bytes(std::span(args));
  ptx::run(program, {kernel, grid, block, 0, {block_of_args.begin(), block_of_args.end()}}, memory);
  memory.read(args[1], std::as_writable_bytes(std::span(out)));
  return out;
}

void expect_all(const Cases& cases) {
  ASSERT_FALSE(cases.empty());
  for (const Case& c : cases) expect_case(c);
}

std::vector<Group>& groups() {
  static std::vector<Group> all;
  return all;
}

std::vector<std::string (*)()>& modules() {
  static std::vector<std::string (*)()> all;
  return all;
}

bool list(const char* claim, Cases (*cases)()) {
  groups().push_back({claim, cases});
  return true;
}

std::vector<Row> every(const std::vector<Words>& domains, const Model& model) {
  std::vector<Row> rows;
  std::vector<std::size_t> at(domains.size(), 0);
  for (;;) {
    Words in;
    for (std::size_t i = 0; i < at.size(); ++i) in.push_back(domains[i][at[i]]);
    rows.push_back({in, model(in)});
    std::size_t i = 0;
    while (i < at.size() && ++at[i] == domains[i].size()) at[i++] = 0;
    if (i == at.size()) return rows;
  }
}

std::vector<Row> draw(int n, const std::vector<Words>& domains, const Model& model) {
  std::vector<Row> rows;
  std::mt19937_64 random(20);
  for (int k = 0; k < n; ++k) {
    Words in;
    for (const Words& domain : domains) in.push_back(domain[random() % domain.size()]);
    rows.push_back({in, model(in)});
  }
  return rows;
}

std::vector<Row> warps(const std::vector<Words>& inputs, const WarpModel& model) {
  std::vector<Row> rows;
  for (std::size_t i = 0; i + kLanes <= inputs.size(); i += kLanes) {
    const std::vector<Words> lanes(inputs.begin() + static_cast<std::ptrdiff_t>(i),
                                   inputs.begin() + static_cast<std::ptrdiff_t>(i + kLanes));
    const std::vector<Words> want = model(lanes);
    for (std::size_t lane = 0; lane < kLanes; ++lane) rows.push_back({lanes[lane], want[lane]});
  }
  return rows;
}

}  // namespace obz::opcodes
