// obz explain: what a requantizer does differently, from its answers or by asking it.
#include <algorithm>
#include <array>
#include <cstdio>
#include <memory>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "cli/explain_network.hpp"
#include "cli/requant_options.hpp"
#include "cli/table.hpp"
#include "cli/verb.hpp"
#include "golden/cases/requant_stream.hpp"
#include "golden/engines/pipe_engine.hpp"
#include "golden/explain/explain.hpp"
#include "golden/explain/observations.hpp"
#include "ref/base/file.hpp"

namespace obz::cli {
namespace {

struct Options {
  std::string source;
  std::int64_t next = 0, questions = 64, timeout = 60;
  std::uint64_t seed = 1;
  bool json = false;
  RequantOptions requant;
  ExplainNetwork network;
  std::shared_ptr<Given> given = std::make_shared<Given>();
};

using Json = nlohmann::ordered_json;

Theory theory_or_error(const Profile& p) {
  const auto t = theory_of(p);
  if (!t || !p.uses_multiplier()) {
    throw Error(fmt::format(
        "explain: profile {} scales in floats; the space of theories is about multipliers and shifts", p.id));
  }
  return *t;
}

std::string case_text(const RequantCase& c) {
  return fmt::format("acc {} mult {} shift {} zp {} clamp [{}, {}]", c.acc, c.channel.multiplier, c.channel.shift,
                     c.channel.zero_point, c.channel.lo, c.channel.hi);
}

/// "80 + 1/2", or the fraction's bits: what a rounding sees.
std::string fraction_text(std::int64_t v, int shift) {
  if (shift <= 0 || shift > 62) return fmt::format("{}", v);
  const std::int64_t whole = v >> shift;
  const auto rest = static_cast<std::uint64_t>(v) & ((std::uint64_t{1} << shift) - 1);
  if (rest == 0) return fmt::format("{} exactly", whole);
  if (rest == std::uint64_t{1} << (shift - 1)) return fmt::format("{} + 1/2 exactly", whole);
  return fmt::format("{} + 0x{:x} / 2^{}", whole, rest, shift);
}

/// Both sides, wire by wire, with the first that differs marked.
std::string wires(const Theory& reference, const Theory& device, const RequantCase& c, const Channel& before,
                  IntType out) {
  const RequantTrace a = trace_theory(reference, c.acc, c.channel, before, out);
  const RequantTrace b = trace_theory(device, c.acc, c.channel, before, out);
  const int shift_a = effective_channel(reference, c.channel, before).shift;
  const int shift_b = effective_channel(device, c.channel, before).shift;
  Table table({"stage", ">reference", ">device", ""});
  bool marked = false;
  const auto row = [&](const char* stage, const std::string& left, const std::string& right, bool differs) {
    table.add({stage, left, right, differs && !marked ? "<- first difference" : ""});
    marked = marked || differs;
  };
  const bool floats = device.multiplier == MultiplierIs::float32;
  row("into the multiplier", fmt::format("{}", a.input), floats ? "float32" : fmt::format("{}", b.input),
      !floats && a.input != b.input);
  row("product", fmt::format("{}", a.product), floats ? "float32" : fmt::format("{}", b.product),
      floats || a.product != b.product);
  const bool two = reference.stages != Stages::one || device.stages != Stages::one;
  const auto after_one = [](const Theory& t, const RequantTrace& r, int shift) {
    return t.stages == Stages::one ? fraction_text(r.first, shift) : fraction_text(r.first, std::max(0, shift - 31));
  };
  if (two && !floats) {
    row("before the last rounding", after_one(reference, a, shift_a), after_one(device, b, shift_b),
        after_one(reference, a, shift_a) != after_one(device, b, shift_b));
  } else if (!floats) {
    row("to be rounded", fraction_text(a.first, shift_a), fraction_text(b.first, shift_b), false);
  }
  row("rounded", fmt::format("{}", a.scaled), fmt::format("{}", b.scaled), a.scaled != b.scaled);
  row("with zero point", fmt::format("{}", a.sum), fmt::format("{}", b.sum), a.sum != b.sum);
  row("out", fmt::format("{}", a.out), fmt::format("{}", b.out), a.out != b.out);
  return table.text();
}

double share(std::int64_t part, std::int64_t whole) {
  return whole == 0 ? 0 : 100 * static_cast<double>(part) / static_cast<double>(whole);
}

void print_class(const std::vector<Theory>& alive) {
  constexpr std::size_t most = 8;
  for (std::size_t i = 0; i < std::min(alive.size(), most); ++i) {
    const std::vector<std::string> ids = profiles_like(alive[i]);
    fmt::print("{}  {}\n", i == 0 ? "best theory" : "  or       ", describe(alive[i]));
    if (!ids.empty()) fmt::print("             as {}\n", fmt::join(ids, ", "));
  }
  if (alive.size() > most) fmt::print("             and {} more\n", alive.size() - most);
}

/// The first observation that the reference gets wrong and the theory right, with its wires.
void print_first_difference(const std::vector<Observation>& all, const Theory& reference, const Theory& best,
                            IntType out) {
  for (std::size_t i = 0; i < all.size(); ++i) {
    const RequantCase& c = all[i].asked;
    const Channel& before = all[i == 0 ? 0 : i - 1].asked.channel;
    if (predict(reference, c.acc, c.channel, before, out) == all[i].got) continue;
    if (predict(best, c.acc, c.channel, before, out) != all[i].got) continue;
    fmt::print("\ncase {}: {}\n{}", i, case_text(c), wires(reference, best, c, before, out));
    return;
  }
}

Json to_json(const Profile& p, const Explanation& e) {
  Json theories = Json::array();
  for (const Theory& t : e.best) theories.push_back({{"theory", describe(t)}, {"profiles", profiles_like(t)}});
  return {{"reference", p.id},
          {"observed", e.observed},
          {"reference_explains", e.observed - e.reference_wrong},
          {"best_explains", e.explained},
          {"class", theories}};
}

/// What the cases have in common that a theory does not explain: their ranges beside those of all cases.
std::int64_t print_unexplained(const std::vector<Observation>& all, const Theory& theory, IntType out) {
  std::int64_t count = 0;
  std::array<std::int64_t, 8> lo, hi;
  lo.fill(INT64_MAX);
  hi.fill(INT64_MIN);
  const auto widen = [&](std::size_t first, const RequantCase& c) {
    const std::int64_t values[] = {c.channel.shift, c.channel.multiplier, c.acc, c.channel.zero_point};
    for (std::size_t k = 0; k < 4; ++k) {
      lo[first + k] = std::min(lo[first + k], values[k]);
      hi[first + k] = std::max(hi[first + k], values[k]);
    }
  };
  for (std::size_t i = 0; i < all.size(); ++i) {
    const RequantCase& c = all[i].asked;
    widen(4, c);
    if (predict(theory, c.acc, c.channel, all[i == 0 ? 0 : i - 1].asked.channel, out) == all[i].got) continue;
    ++count;
    widen(0, c);
  }
  if (count == 0) return 0;
  Table table({"", ">shift", ">multiplier", ">accumulator", ">zero point"});
  for (const std::size_t row : {std::size_t{0}, std::size_t{4}}) {
    std::vector<std::string> cells{row == 0 ? "unexplained" : "all cases"};
    for (std::size_t k = row; k < row + 4; ++k) cells.push_back(fmt::format("{}..{}", lo[k], hi[k]));
    table.add(cells);
  }
  fmt::print("\n{} case(s) that no theory of the space explains together with the others:\n{}", grouped(count),
             table.text());
  return count;
}

int report(const Options& o, const Answers& answers, const Explanation& e, const Theory& reference) {
  if (o.json) {
    fmt::print("{}\n", to_json(*answers.profile, e).dump(1));
    return e.reference_wrong == 0 ? 0 : 1;
  }
  fmt::print("{} answers; {} explains {} ({:.2f} %), the best theory {} ({:.2f} %)\n\n", grouped(e.observed),
             answers.profile->id, grouped(e.observed - e.reference_wrong),
             share(e.observed - e.reference_wrong, e.observed), grouped(e.explained), share(e.explained, e.observed));
  print_class(e.best);
  if (e.best.size() > 1)
    fmt::print("{} theories that these answers cannot tell apart; --next N gives inputs that can\n", e.best.size());
  print_first_difference(answers.observations, reference, e.best[0], answers.out);
  print_unexplained(answers.observations, e.best[0], answers.out);
  return e.reference_wrong == 0 ? 0 : 1;
}

int print_next(const Options& o, const Answers& answers, const std::vector<Theory>& alive, std::int64_t wrong) {
  const auto cases = next_cases(alive, *answers.profile, answers.out, static_cast<int>(o.next), o.seed);
  const RecordLayout layout = record_layout(*answers.profile, answers.out);
  std::string text = stream_header({answers.profile, answers.out}, static_cast<std::int64_t>(cases.size())) + "\n";
  for (const RequantCase& c : cases) append_text(text, layout, c, nullptr);
  fmt::print("{}", text);
  fmt::print(stderr, "{} case(s) that split the {} theories left; answer them in this order and explain the result\n",
             cases.size(), alive.size());
  return wrong == 0 ? 0 : 1;
}

int ask(const Options& o, const Theory& reference, const RequantSpace& space) {
  PipeEngine engine(o.source.substr(5), static_cast<int>(o.timeout));
  const Device device = [&](const std::vector<RequantCase>& cases) {
    return engine.run({space.profile, space.profile->recipe, space.out, cases});
  };
  const Identification id = identify(device, *space.profile, space.out, static_cast<int>(o.questions), o.seed);
  const bool is_reference = std::find(id.alive.begin(), id.alive.end(), reference) != id.alive.end();
  if (id.alive.empty()) {
    fmt::print(
        "{} questions asked; no theory explains all answers. Pipe many answers into `obz explain -` for the one that "
        "explains most.\n",
        id.queries.size());
    return 1;
  }
  // The questions told theories apart; whether the device is one of them at all more answers have to say.
  std::vector<RequantCase> cases;
  constexpr std::uint64_t confirming = 2000;
  for (const Goal goal : {Goal::corners, Goal::random}) {
    RequantSpace drawn = space;
    drawn.goal = goal;
    drawn.seed = o.seed + 1;
    for (std::uint64_t i = 0; i < confirming; ++i) cases.push_back(make_requant_case(drawn, i));
  }
  const std::vector<std::int64_t> got = device(cases);
  std::vector<Observation> seen;
  for (std::size_t i = 0; i < cases.size(); ++i) seen.push_back({cases[i], got[i]});
  fmt::print("{} questions asked, {} cases to confirm; {}\n\n", id.queries.size(),
             grouped(static_cast<std::int64_t>(cases.size())),
             is_reference ? fmt::format("of the theories only {} is left", space.profile->id)
                          : fmt::format("the device is not {}", space.profile->id));
  print_class(id.alive);
  if (id.alive.size() > 1) fmt::print("{} theories that no further question was found to split\n", id.alive.size());
  if (!is_reference) print_first_difference(id.queries, reference, id.alive[0], space.out);
  const std::int64_t unexplained = print_unexplained(seen, id.alive[0], space.out);
  if (unexplained > 0) {
    fmt::print(
        "so the device is none of the theories; pipe its answers into `obz explain -` for the one that explains "
        "most\n");
  }
  return is_reference && unexplained == 0 ? 0 : 1;
}

std::string read_all_of_stdin() {
  std::string text;
  char buffer[1 << 16];
  for (std::size_t n = 0; (n = std::fread(buffer, 1, sizeof buffer, stdin)) > 0;) text.append(buffer, n);
  return text;
}

int run(const Options& o) {
  if (o.next < 0 || o.next > 4096) throw Error(fmt::format("--next {}: expected 0..4096", o.next));
  if (o.questions < 1 || o.questions > 4096) throw Error(fmt::format("--questions {}: expected 1..4096", o.questions));
  if (o.timeout < 1 || o.timeout > 3600) throw Error(fmt::format("--timeout {}: expected 1..3600 seconds", o.timeout));
  const bool pipe = o.source.starts_with("pipe:");
  const auto has = [&](std::string_view end) { return !pipe && o.source.ends_with(end); };
  if (has(".obz") || has(".tflite") || has(".onnx")) {
    require_only(*o.given,
                 {"source", "--input", "--got", "--layer", "--decimals", "--rows", "--profile", "--next", "--out",
                  "--seed", "--json"},
                 "explain of a network");
    ExplainNetwork network = o.network;
    network.net = o.source;
    network.next = o.next;
    network.seed = o.seed;
    network.json = o.json;
    if (o.given->count("--profile") != 0) network.profile = o.requant.profile;
    if (o.given->count("--decimals") != 0 && network.decimals < 0) {
      throw Error(fmt::format("--decimals {}: expected 0..12", network.decimals));
    }
    return explain_network(network);
  }
  Given known{"source", "--profile", "--type", "--seed"};
  pipe ? known.insert({"--questions", "--timeout"}) : known.insert({"--next", "--json"});
  require_only(*o.given, known, pipe ? "explain pipe:COMMAND" : "explain of answered cases");
  const RequantSpace space = o.requant.space();
  if (pipe) return ask(o, theory_or_error(*space.profile), space);
  const std::string text = o.source == "-" ? read_all_of_stdin() : as_text(read_file(o.source));
  const Answers answers = parse_answers(text, o.source == "-" ? "stdin" : o.source, space);
  const Theory reference = theory_or_error(*answers.profile);
  const Explanation e = explain(answers.observations, reference, answers.out);
  return o.next > 0 ? print_next(o, answers, e.best, e.reference_wrong) : report(o, answers, e, reference);
}

}  // namespace

Verb explain_verb() {
  auto o = std::make_shared<Options>();
  std::vector<Option> options{
      {"source", "SOURCE",
       "answered cases (a file, or - for stdin); pipe:COMMAND to ask the device; or a network (.obz, .tflite, .onnx)",
       &o->source, true},
      {"--next", "N", "write up to N cases (network: samples, to -o) that split what is left open", &o->next},
      {"--input,-i", "FILE", "network: its inputs, npy with one sample per leading index", &o->network.inputs},
      {"--got", "FILE", "network: what the device answered, npy; ID=FILE for another output than the first",
       &o->network.got},
      {"--layer,-l", "NAME", "network: this layer alone, its own inputs and outputs", &o->network.layer},
      {"--decimals", "N", "network: the answers are real values rounded to N decimals", &o->network.decimals},
      {"--rows", "N", "network: look at the first N samples (default 200)", &o->network.rows},
      {"--out,-o", "FILE", "network: where --next writes", &o->network.out},
      {"--questions", "N", "pipe: at most so many (default 64)", &o->questions},
      {"--timeout", "S", "pipe: seconds without an answer (default 60)", &o->timeout},
      {"--seed,-s", "N", "of the questions (default 1)", &o->seed},
      {"--json", "", "the outcome as JSON (answered cases)", &o->json}};
  o->requant.add_to(options);
  return {"explain",
          "What a requantizer, a layer or a network does differently, in words",
          "  obz gen requant -p hawq-v3/exact -n 10000 | ./dut | obz explain -\n"
          "  obz explain answers.txt --next 8 > questions.txt\n"
          "  obz explain pipe:./dut -p hawq-v3/exact\n"
          "  obz explain kws.tflite -i x.npy --got device_outputs.npy --decimals 3\n"
          "  obz explain net.obz --layer conv1 -i conv1_in.npy --got conv1_out.npy\n",
          std::move(options),
          [o] { return run(*o); },
          o->given};
}

}  // namespace obz::cli
