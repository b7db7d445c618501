// obz ver: judges the answers of a device that stood in the middle of a gen | dut | ver pipe.
#include <charconv>
#include <cstdio>
#include <memory>

#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <unistd.h>

#include "cli/requant_options.hpp"
#include "cli/verb.hpp"
#include "golden/cases/requant_stream.hpp"
#include "ref/arith/apply.hpp"

namespace obz::cli {
namespace {

struct Options {
  std::string what, format = "text";
  std::int64_t errors = 20;
  bool json = false;
  RequantOptions requant;
  std::shared_ptr<Given> given = std::make_shared<Given>();
};

/// Counts and the first few mismatches.
class Judge {
 public:
  Judge(const RequantSpace& space, std::int64_t show) : profile_(space.profile), show_(show) {}

  /// The stream says what it is before its first case.
  void adopt(const RequantSpace& space) { profile_ = space.profile; }
  bool has_judged() const { return compared_ > 0; }

  void judge(const RequantCase& c, std::int64_t got, const char* unit, std::int64_t number) {
    const std::int64_t want = apply_recipe(c.acc, profile_->recipe, c.channel);
    ++compared_;
    if (want == got) return;
    if (show_ == 0 || differ_ < show_) {
      const Channel& ch = c.channel;
      const std::string scale = profile_->uses_multiplier() ? fmt::format("mult {} shift {}", ch.multiplier, ch.shift)
                                                            : fmt::format("scale {:.9g}", ch.scale);
      fmt::print("{} {}: acc {} {} zp {} clamp [{}, {}]: want {}, got {}\n", unit, number, c.acc, scale, ch.zero_point,
                 ch.lo, ch.hi, want, got);
    }
    ++differ_;
  }
  /// A case outside the profile's domain would be judged by an undefined expectation.
  void require_domain(const RequantCase& c, const std::string& where) const {
    if (!in_domain(*profile_, c))
      throw Error(
          fmt::format("{}: this case is outside the domain of {} (stream of another profile?)", where, profile_->id));
  }

  /// The stream's header says how many cases it has; several streams in a row add up.
  void announce(std::int64_t count) { announced_ += count; }

  int finish(bool json) const {
    if (compared_ == 0) throw Error("ver: no cases on stdin, so nothing was compared");
    if (announced_ > 0 && compared_ != announced_) {
      throw Error(fmt::format("ver: the stream announced {} cases, {} were answered", announced_, compared_));
    }
    if (json) {
      fmt::print(
          "{}\n",
          nlohmann::ordered_json{{"profile", profile_->id}, {"compared", compared_}, {"differ", differ_}}.dump());
    }
    fmt::print(stderr, "{}: {} of {} cases differ from {}\n", differ_ == 0 ? "match" : "MISMATCH", differ_, compared_,
               profile_->id);
    return differ_ == 0 ? 0 : 1;
  }

 private:
  const Profile* profile_;
  std::int64_t show_, compared_ = 0, differ_ = 0, announced_ = 0;
};

/// Reads stdin in large pieces and hands out whole records; what is left at the end is an incomplete one.
template <class TakeRecords>
void read_pieces(TakeRecords&& take) {
  std::vector<std::uint8_t> buffer(1 << 20);
  std::size_t have = 0;
  for (;;) {
    constexpr std::size_t longest = std::size_t{1} << 26;
    if (have == longest) throw Error(fmt::format("stdin: a line of more than {} bytes is no record", longest));
    if (have == buffer.size()) buffer.resize(2 * buffer.size());
    const std::size_t n = std::fread(buffer.data() + have, 1, buffer.size() - have, stdin);
    have += n;
    const std::size_t used = take(buffer.data(), have, n == 0);
    std::copy(buffer.begin() + static_cast<std::ptrdiff_t>(used), buffer.begin() + static_cast<std::ptrdiff_t>(have),
              buffer.begin());
    have -= used;
    if (n == 0) return;
  }
}

void judge_binary(const RecordLayout& layout, Judge& judge) {
  const auto size = static_cast<std::size_t>(layout.record_bytes());
  std::int64_t number = 0;
  read_pieces([&](const std::uint8_t* p, std::size_t have, bool end) {
    std::size_t at = 0;
    for (; at + size <= have; at += size, ++number) {
      std::int64_t got = 0;
      const RequantCase c = parse_binary(p + at, layout, got);
      judge.require_domain(c, fmt::format("record {}", number));
      judge.judge(c, got, "record", number);
    }
    if (end && at != have)
      throw Error(fmt::format("record {}: expected {} bytes, got {} (truncated, or another --profile or --type)",
                              number, size, have - at));
    return at;
  });
}

/// What the options leave open the header decides. One that names another profile or type than the options is a
/// mistake, not a mismatch.
void read_header(std::string_view line, const Given& given, RequantSpace& space, Judge& judge) {
  if (!line.starts_with("# obz requant/")) return;
  const auto word = [](std::string_view text, std::string_view key) {
    const std::size_t at = text.find(key);
    if (at == std::string_view::npos) return std::string_view();
    const std::string_view rest = text.substr(at + key.size());
    return rest.substr(0, rest.find(' '));
  };
  RequantSpace stated = space;
  if (given.count("--profile") == 0 && !judge.has_judged()) stated.profile = &find_profile(word(line, "profile="));
  if (given.count("--type") == 0 && !judge.has_judged()) {
    const auto out = type_from_text(std::string(word(line, "out=")));
    if (!out || out->bits > 16) throw Error("stream header: it names no output type");
    stated.out = *out;
  }
  space = stated;
  judge.adopt(space);
  const std::string expected = stream_header(space, 0);
  for (const std::string_view key : {"requant/", "profile=", "out="}) {
    if (word(line, key) != word(expected, key)) {
      throw Error(fmt::format("stream header: {}\"{}\", but the options say \"{}\"", key, word(line, key),
                              word(expected, key)));
    }
  }
  const std::string_view count = word(line, "count=");
  std::int64_t announced = 0;
  std::from_chars(count.data(), count.data() + count.size(), announced);
  judge.announce(announced);
}

void judge_text(const Given& given, RequantSpace space, Judge& judge) {
  RecordLayout layout = record_layout(*space.profile, space.out);
  std::int64_t number = 0;
  read_pieces([&](const std::uint8_t* p, std::size_t have, bool end) {
    const std::string_view text(reinterpret_cast<const char*>(p), have);
    std::size_t at = 0;
    for (;;) {
      std::size_t stop = text.find('\n', at);
      if (stop == std::string_view::npos) {
        if (!end || at == have) break;
        stop = have;
      }
      const std::string_view line = text.substr(at, stop - at);
      at = std::min(stop + 1, have);
      ++number;
      if (!line.empty() && line.front() == '#') {
        read_header(line, given, space, judge);
        layout = record_layout(*space.profile, space.out);
      } else if (!line.empty() && line != "\r") {
        std::int64_t got = 0;
        const std::string where = fmt::format("line {}", number);
        const RequantCase c = parse_text(line, layout, true, got, where);
        judge.require_domain(c, where);
        judge.judge(c, got, "line", number);
      }
    }
    return at;
  });
}

int run(const Options& o) {
  if (o.what != "requant")
    throw Error(fmt::format("ver {}: only requant streams are judged; `obz check DIR` judges vector sets", o.what));
  if (o.errors < 0) throw Error(fmt::format("--errors {}: expected 0 for all, or how many to print", o.errors));
  if (o.format != "text" && o.format != "bin") throw Error(fmt::format("--format {}: expected text or bin", o.format));
  const RequantSpace space = o.requant.space();
  Judge judge(space, o.errors);
  o.format == "bin" ? judge_binary(record_layout(*space.profile, space.out), judge)
                    : judge_text(*o.given, space, judge);
  return judge.finish(o.json);
}

}  // namespace

Verb ver_verb() {
  auto o = std::make_shared<Options>();
  std::vector<Option> options{{"what", "WHAT", "requant", &o->what, true},
                              {"--format,-f", "FORMAT", "text or bin (default text)", &o->format},
                              {"--errors", "N", "mismatches to print, 0 for all (default 20)", &o->errors},
                              {"--json", "", "summary as JSON on stdout", &o->json}};
  o->requant.add_to(options);
  return {"ver",
          "Verify a device's answers to a generated stream; its header says profile and type",
          "  obz gen requant -n 100000 | ./dut | obz ver requant\n"
          "  obz gen requant -p nvdla/sdp -t int16 -f bin -n 5000000 | ./dut | obz ver requant -p nvdla/sdp -t int16 "
          "-f bin\n",
          std::move(options),
          [o] { return run(*o); },
          o->given};
}

}  // namespace obz::cli
