#include "gpu/ptx/module.hpp"

#include <algorithm>
#include <set>

#include <fmt/format.h>

#include "gpu/ptx/decoder.hpp"
#include "gpu/ptx/lexer.hpp"
#include "gpu/ptx/parser.hpp"
#include "gpu/ptx/program.hpp"
#include "ref/base/error.hpp"
#include "ref/base/suggest.hpp"

namespace obz::ptx {
namespace {

constexpr std::uint32_t kRecursion = 65536;  ///< bytes of .local for functions that call themselves

std::uint64_t aligned(std::uint64_t at, std::uint64_t align) { return (at + align - 1) / align * align; }

/// Names that functions share, and where their shared memory lies: the module's variables first, then those of
/// functions, then those of each kernel, which overlap as only one kernel runs.
struct Layout {
  Symbols symbols;
  std::uint64_t common = 0;                  ///< bytes before the kernels' own
  std::map<std::string, std::uint64_t> end;  ///< per kernel
};

Layout lay_out(const ModuleText& text, Program& program) {
  Layout l;
  const auto shared = [&](const Variable& v, std::uint64_t& at) {
    at = aligned(at, v.align);
    l.symbols.of[v.name] = {Space::shared, static_cast<std::int64_t>(at), v.bytes == 0, 0};
    at += v.bytes;
  };
  for (const Variable& v : text.variables) {
    if (v.space == Space::shared) {
      shared(v, l.common);
    } else {
      l.symbols.of[v.name] = {v.space, 0, false, program.variables.size()};
      program.variables.push_back(v);
    }
  }
  for (const bool kernels : {false, true}) {
    for (const FunctionText& f : text.functions) {
      if (f.kernel != kernels) continue;
      std::uint64_t own = l.common;
      std::uint64_t& at = kernels ? own : l.common;
      for (const Variable& v : f.variables) {
        if (v.space != Space::shared) continue;
        shared(v, at);
        // Two functions may use one name.
        l.symbols.of[f.name + "/" + v.name] = l.symbols.of[v.name];
        l.symbols.of.erase(v.name);
      }
      l.end[f.name] = at;
    }
  }
  return l;
}

/// The symbols a function sees: the module's and its own shared variables.
Symbols symbols_for(const Layout& l, const FunctionText& f) {
  Symbols s = l.symbols;
  for (const Variable& v : f.variables) {
    if (v.space == Space::shared) s.of[v.name] = l.symbols.of.at(f.name + "/" + v.name);
  }
  return s;
}

void check_pointers(const ModuleText& text, const Program& program) {
  for (const Variable& v : program.variables) {
    for (const Variable::Pointer& p : v.pointers) {
      const auto known = std::any_of(program.variables.begin(), program.variables.end(),
                                     [&](const Variable& o) { return o.name == p.symbol; });
      if (!known)
        fail_at(text.file, v.line, fmt::format("{}: expected a .global or .const variable, got {}", v.name, p.symbol));
    }
  }
}

/// Bytes of .local that a thread needs, with everything it calls; and the first refusal among these.
std::uint32_t follow_calls(const Program& p, std::uint32_t at, std::set<std::uint32_t>& open, std::string& refusal) {
  const Function& f = p.functions[at];
  if (refusal.empty()) refusal = f.refusal;
  if (!open.insert(at).second) return kRecursion;
  std::uint32_t deepest = 0;
  for (const std::uint32_t callee : f.callees) deepest = std::max(deepest, follow_calls(p, callee, open, refusal));
  open.erase(at);
  return std::min(f.local_bytes + deepest, std::uint32_t{1} << 20);
}

KernelInfo info_of(const FunctionText& f, const Program& program, std::uint32_t index, std::uint64_t shared) {
  KernelInfo k{.name = f.name, .line = f.line};
  std::uint64_t at = 0;
  for (const Variable& v : f.params) {
    at = aligned(at, v.align);
    k.params.push_back({v.name, static_cast<std::uint32_t>(at), static_cast<std::uint32_t>(v.bytes), v.align});
    at += v.bytes;
  }
  k.param_bytes = static_cast<std::uint32_t>(at);
  k.shared_bytes = static_cast<std::uint32_t>(shared);
  k.max_threads = f.max_threads;
  k.exact_threads = f.exact_threads;
  for (const Variable& v : f.variables) k.virtual_registers += v.space == Space::reg ? 1 : 0;
  std::set<std::uint32_t> open;
  follow_calls(program, index, open, k.refusal);
  return k;
}

}  // namespace

Module parse_module(std::string_view source, const std::string& file) {
  const ModuleText text = parse_text(source, file);
  auto program = std::make_shared<Program>();
  program->file = file;
  const Layout layout = lay_out(text, *program);
  check_pointers(text, *program);
  for (const FunctionText& f : text.functions) {
    program->by_name[f.name] = static_cast<std::uint32_t>(program->functions.size());
    program->functions.push_back({.name = f.name, .line = f.line, .kernel = f.kernel});
  }
  for (std::size_t k = 0; k < text.functions.size(); ++k) {
    const FunctionText& f = text.functions[k];
    Function& to = program->functions[k];
    if (!f.has_body) {
      to.refusal = fmt::format("{}:{}: {} is declared but not defined", file, f.line, f.name);
      continue;
    }
    try {
      Decoder(*program, text, f, symbols_for(layout, f), to).run();
    } catch (const Error& e) {
      to.refusal = e.what();
    }
  }
  for (std::uint32_t k = 0; k < program->functions.size(); ++k) {
    Function& f = program->functions[k];
    std::set<std::uint32_t> open;
    std::string refusal;
    f.deepest_local = follow_calls(*program, k, open, refusal);
    if (f.kernel) program->kernels.push_back(info_of(text.functions[k], *program, k, layout.end.at(f.name)));
  }
  return {std::move(program)};
}

std::vector<std::string> kernel_names(const Module& module) {
  std::vector<std::string> names;
  for (const KernelInfo& k : module.program->kernels) names.push_back(k.name);
  return names;
}

const KernelInfo& kernel_info(const Module& module, const std::string& kernel) {
  std::vector<std::string_view> names;
  for (const KernelInfo& k : module.program->kernels) {
    if (k.name == kernel) return k;
    names.push_back(k.name);
  }
  std::string known = did_you_mean(kernel, names);
  if (known.empty() && names.size() <= 8) known = fmt::format(", which has {}", fmt::join(names, ", "));
  throw Error(fmt::format("{}: no kernel \"{}\"{}", module.program->file, kernel, known));
}

}  // namespace obz::ptx
