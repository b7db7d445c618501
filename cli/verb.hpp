// A verb of the command line as data: main.cpp turns it into a CLI11 subcommand, so no other file sees CLI11.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <set>
#include <string>
#include <variant>
#include <vector>

namespace obz::cli {

using Target = std::variant<bool*, std::string*, std::vector<std::string>*, std::int64_t*, std::uint64_t*>;

struct Option {
  std::string flags;  ///< "--input,-i"; a bare word is a positional argument
  std::string meta;   ///< "FILE"; empty for flags
  std::string help;
  Target target;
  bool required = false;
};

/// Names of the options that stood on the command line, as in Option::flags without aliases: "--count".
using Given = std::set<std::string>;

/// Error unless all options given are among `known` (those that mean something in this use of the verb).
void require_only(const Given& given, const Given& known, const std::string& use);

struct Verb {
  std::string name;
  std::string summary;   ///< one line in `obz --help`
  std::string examples;  ///< shown under the verb's own --help
  std::vector<Option> options;
  std::function<int()> run;  ///< returns the exit code: 0 equal, 1 mismatch; throws Error for 2, MissingTool for 3
  std::shared_ptr<Given> given = nullptr;  ///< filled before run, for verbs that want to know
};

Verb import_verb();
Verb profiles_verb();
Verb info_verb();
Verb quantize_verb();
Verb run_verb();
Verb zoo_verb();
Verb plan_verb();
Verb kernels_verb();
Verb prove_verb();
Verb ptx_verb();
Verb gen_verb();
Verb ver_verb();
Verb check_verb();
Verb bounds_verb();
Verb cover_verb();
Verb distinguish_verb();
Verb explain_verb();
Verb mutate_verb();
Verb shrink_verb();
Verb bench_verb();

}  // namespace obz::cli
