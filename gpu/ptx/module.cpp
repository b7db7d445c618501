#include "gpu/ptx/module.hpp"

#include <algorithm>
#include <map>
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
constexpr std::uint64_t kMostShared = std::uint64_t{1} << 30, kMostGlobal = kMostShared,
                        kMostParams = 32764;  ///< bytes

std::uint64_t aligned(std::uint64_t at, std::uint64_t align) { return (at + align - 1) / align * align; }

/// Names that functions share, and where their shared memory lies: the module's variables first, then those of
/// functions, then those of each kernel, which overlap as only one kernel runs.
struct Layout {
  Symbols symbols;                             ///< the module's
  std::map<std::string, Symbols> of_function;  ///< shared variables of functions: two may use one name
  std::uint64_t common = 0;                    ///< bytes before the kernels' own
  std::map<std::string, std::uint64_t> end;    ///< per kernel
};

Layout lay_out(const ModuleText& text, Program& program) {
  Layout l;
  const auto place = [&](const Variable& v, std::uint64_t& at) {
    at = aligned(at, v.align);
    const Symbols::Symbol symbol{Space::shared, static_cast<std::int64_t>(at), v.bytes == 0, 0};
    at += v.bytes;
    if (at > kMostShared) fail_at(text.file, v.line, "expected at most 2^30 bytes of shared memory");
    return symbol;
  };
  std::uint64_t global = 0;
  for (const Variable& v : text.variables) {
    if (v.space == Space::shared) {
      l.symbols.of[v.name] = place(v, l.common);
      continue;
    }
    global += v.bytes;
    if (global > kMostGlobal) fail_at(text.file, v.line, "expected at most 2^30 bytes of .global and .const variables");
    l.symbols.of[v.name] = {v.space, 0, false, program.variables.size()};
    program.variables.push_back(v);
  }
  for (const bool kernels : {false, true}) {
    for (const FunctionText& f : text.functions) {
      if (f.kernel != kernels) continue;
      std::uint64_t own = l.common;
      std::uint64_t& at = kernels ? own : l.common;
      Symbols& symbols = l.of_function[f.name];
      for (const Variable& v : f.variables) {
        if (v.space == Space::shared) symbols.of[v.name] = place(v, at);
      }
      l.end[f.name] = at;
    }
  }
  return l;
}

void check_pointers(const ModuleText& text, const Program& program) {
  std::set<std::string_view> names;
  for (const Variable& v : program.variables) names.insert(v.name);
  for (const Variable& v : program.variables) {
    for (const Variable::Pointer& p : v.pointers) {
      if (names.contains(p.symbol)) continue;
      fail_at(text.file, v.line, fmt::format("{}: expected a .global or .const variable, got {}", v.name, p.symbol));
    }
  }
}

/// A kernel and all that it calls, each followed once.
class Calls {
 public:
  explicit Calls(const Program& p) : program_(p) {}

  /// Bytes of .local that a thread needs.
  std::uint32_t local_of(std::uint32_t at) {
    const Function& f = program_.functions[at];
    if (refusal.empty()) refusal = f.refusal;
    if (++depth_ > kDeepest && refusal.empty()) {
      refusal =
          fmt::format("{}:{}: {}: expected at most {} calls in each other", program_.file, f.line, f.name, kDeepest);
    }
    // Until it is known it counts as one that calls itself.
    const auto [known, fresh] = local_.emplace(at, kRecursion);
    if (fresh && depth_ <= kDeepest) {
      std::uint32_t deepest = 0;
      for (const std::uint32_t callee : f.callees) deepest = std::max(deepest, local_of(callee));
      known->second = std::min(f.local_bytes + deepest, std::uint32_t{1} << 20);
    }
    --depth_;
    return known->second;
  }

  std::string refusal;  ///< the first among them

 private:
  static constexpr int kDeepest = 1000;  ///< as at a launch

  const Program& program_;
  std::map<std::uint32_t, std::uint32_t> local_;
  int depth_ = 0;
};

KernelInfo info_of(const FunctionText& f, const Program& program, std::string refusal, std::uint64_t shared) {
  KernelInfo k{.name = f.name, .line = f.line};
  std::uint64_t at = 0;
  for (const Variable& v : f.params) {
    at = aligned(at, v.align);
    k.params.push_back({v.name, static_cast<std::uint32_t>(at), static_cast<std::uint32_t>(v.bytes), v.align});
    at += v.bytes;
    if (at > kMostParams) fail_at(program.file, v.line, "expected at most 32764 bytes of parameters");
  }
  k.param_bytes = static_cast<std::uint32_t>(at);
  k.shared_bytes = static_cast<std::uint32_t>(shared);
  k.max_threads = f.max_threads;
  k.exact_threads = f.exact_threads;
  for (const Variable& v : f.variables) k.virtual_registers += v.space == Space::reg ? 1 : 0;
  k.refusal = std::move(refusal);
  return k;
}

}  // namespace

Module parse_module(std::string_view source, const std::string& file) {
  const ModuleText text = parse_text(source, file);
  auto program = std::make_shared<Program>();
  program->file = file;
  Layout layout = lay_out(text, *program);
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
      Symbols& symbols = layout.of_function[f.name];
      symbols.outer = &layout.symbols;
      Decoder(*program, text, f, symbols, to).run();
    } catch (const Error& e) {
      to.refusal = e.what();
    }
  }
  for (std::uint32_t k = 0; k < program->functions.size(); ++k) {
    Function& f = program->functions[k];
    if (!f.kernel) continue;
    Calls calls(*program);
    f.deepest_local = calls.local_of(k);
    program->kernels.push_back(info_of(text.functions[k], *program, std::move(calls.refusal), layout.end.at(f.name)));
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
