// obz: a table of verbs. The only file that sees CLI11, and the only place where errors become exit codes.
#include <charconv>
#include <cstdio>
#include <exception>
#include <limits>
#include <system_error>

#include <CLI/CLI.hpp>

#include "cli/verb.hpp"
#include "ref/arith/profile.hpp"
#include "ref/base/error.hpp"
#include "ref/base/version.hpp"

namespace {

using obz::cli::Option;
using obz::cli::Verb;

constexpr int kBadInput = 2, kMissing = 3;

/// Digits in base 10 and nothing else: CLI11's own conversion saturates, wraps -1 and takes an empty text for 0.
template <class T>
T integer(const std::string& text, const std::string& flag) {
  T value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) {
    throw obz::Error(flag + " " + text + ": expected an integer of at most " + std::to_string(8 * sizeof(T)) + " bits");
  }
  return value;
}

std::string name_of(const Option& o) { return o.flags.substr(0, o.flags.find(',')); }

CLI::Option* add_option(CLI::App& command, const Option& o) {
  CLI::Option* added = std::visit(
      [&](auto* target) -> CLI::Option* {
        using T = std::decay_t<decltype(*target)>;
        if constexpr (std::is_same_v<T, bool>) {
          return command.add_flag(o.flags, *target, o.help);
        } else if constexpr (std::is_integral_v<T>) {
          const auto convert = [target, name = name_of(o)](const std::string& text) {
            *target = integer<T>(text, name);
          };
          return command.add_option_function<std::string>(o.flags, convert, o.help)->type_name(o.meta);
        } else {
          return command.add_option(o.flags, *target, o.help)->type_name(o.meta);
        }
      },
      o.target);
  if (std::holds_alternative<std::vector<std::string>*>(o.target)) added->allow_extra_args(false);
  if (o.required) added->required();
  return added;
}

/// What the user gave; an empty text is no value of anything.
void note_given(const Verb& verb, const std::vector<CLI::Option*>& added) {
  for (std::size_t i = 0; i < added.size(); ++i) {
    if (added[i]->count() == 0) continue;
    const std::string name = name_of(verb.options[i]);
    for (const std::string& text : added[i]->results()) {
      if (text.empty()) throw obz::Error(name + ": expected a value, got an empty text");
    }
    if (verb.given) verb.given->insert(name);
  }
}

int run(int argc, char** argv) {
  CLI::App app{
      "offbyzero: golden vectors, bit-exactness checks and latency for integer-only neural networks.\n"
      "Exit codes: 0 all compared and equal, 1 mismatch, 2 bad usage or input, 3 a tool or device is missing."};
  app.set_version_flag("--version", std::string("obz ") + std::string(obz::kVersion) + ", " +
                                        std::to_string(obz::profile_catalogue().size()) + " profiles");
  app.footer("`obz VERB --help` shows the options and an example of each verb.");
  app.require_subcommand(1);
  std::vector<Verb> verbs{
      obz::cli::import_verb(),   obz::cli::quantize_verb(), obz::cli::zoo_verb(),         obz::cli::plan_verb(),
      obz::cli::profiles_verb(), obz::cli::info_verb(),     obz::cli::run_verb(),         obz::cli::gen_verb(),
      obz::cli::ver_verb(),      obz::cli::check_verb(),    obz::cli::distinguish_verb(), obz::cli::explain_verb(),
      obz::cli::mutate_verb(),   obz::cli::cover_verb(),    obz::cli::shrink_verb(),      obz::cli::bounds_verb(),
      obz::cli::kernels_verb(),  obz::cli::ptx_verb(),      obz::cli::prove_verb(),       obz::cli::bench_verb()};
  int code = 0;
  for (const Verb& verb : verbs) {
    CLI::App* command = app.add_subcommand(verb.name, verb.summary);
    command->footer("Examples:\n" + verb.examples);
    std::vector<CLI::Option*> added;
    for (const Option& o : verb.options) added.push_back(add_option(*command, o));
    command->callback([&verb, &code, added] {
      note_given(verb, added);
      code = verb.run();
    });
  }
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& e) {
    if (e.get_exit_code() == 0) return app.exit(e);  // --help, --version
    std::fprintf(stderr, "obz: %s; `obz --help` shows the usage\n", e.what());
    return kBadInput;
  }
  return code;
}

}  // namespace

int main(int argc, char** argv) {
  try {
    const int code = run(argc, argv);
    if (std::fflush(stdout) != 0) {
      std::fprintf(stderr, "obz: cannot write to stdout\n");
      return kBadInput;
    }
    return code;
  } catch (const obz::Error& e) {
    std::fprintf(stderr, "obz: %s\n", e.what());
    return kBadInput;
  } catch (const obz::MissingTool& e) {
    std::fprintf(stderr, "obz: %s\n", e.what());
    return kMissing;
  } catch (const std::bad_alloc&) {
    std::fprintf(stderr, "obz: not enough memory for this input\n");
    return kBadInput;
  } catch (const std::system_error& e) {  // fmt::print on a closed or full stdout
    std::fprintf(stderr, "obz: cannot write to stdout: %s\n", e.code().message().c_str());
    return kBadInput;
  } catch (const std::exception& e) {
    std::fprintf(stderr, "obz: internal error: %s. Please report this.\n", e.what());
    return kBadInput;
  }
}
