// obz distinguish: on which inputs two profiles differ, or a certificate that they do not.
#include <algorithm>
#include <memory>

#include <fmt/format.h>

#include "cli/numbers.hpp"
#include "cli/requant_options.hpp"
#include "cli/table.hpp"
#include "cli/verb.hpp"
#include "golden/compare/distinguish.hpp"
#include "ref/base/file.hpp"
#include "ref/net/save_load.hpp"
#include "ref/read/import.hpp"

namespace obz::cli {
namespace {

struct Options {
  std::string a, b, scales, net, acc, out = "int8";
  std::int64_t zero_point = 0;
};

std::string numbers_of(const Profile& p, const Channel& c) {
  return p.uses_multiplier() ? fmt::format("{} >> {}", c.multiplier, c.shift) : fmt::format("{:.9g}", c.scale);
}

/// One row of either table: what was compared, and the outcome.
std::vector<std::string> row_of(const Profile& a, const Profile& b, std::string what, const ChannelVerdict& v) {
  if (!v.refused.empty()) return {std::move(what), "", "", "", "refused", "", "", ""};
  std::vector<std::string> row{std::move(what), numbers_of(a, *v.a), numbers_of(b, *v.b), grouped(v.range.size())};
  if (v.difference.count == 0) {
    row.insert(row.end(), {"0", "", "", ""});
  } else {
    row.insert(row.end(), {grouped(v.difference.count), fmt::format("{}", v.difference.at), fmt::format("{}", v.out_a),
                           fmt::format("{}", v.out_b)});
  }
  return row;
}

/// Counts over many channels, and the sentence that ends the report.
struct Tally {
  std::int64_t equal = 0, differ = 0, refused = 0;
  std::string why_refused;

  void add(const ChannelVerdict& v) {
    if (!v.refused.empty()) {
      ++refused;
      if (why_refused.empty()) why_refused = v.refused;
    } else {
      ++(v.difference.count == 0 ? equal : differ);
    }
  }

  int finish(const Options& o, const char* what, const std::string& left_out = "") const {
    if (equal + differ == 0) throw Error(fmt::format("nothing to compare: {}", why_refused));
    if (refused > 0) fmt::print("{} {} not compared: {}\n", refused, what, why_refused);
    if (differ == 0) {
      fmt::print(
          "EQUAL: {} and {} give the same output for every accumulator of {} {}; both staircases were compared "
          "whole{}.\n",
          o.a, o.b, equal, what, left_out);
      return 0;
    }
    fmt::print("DIFFERENT: {} of {} {}. One input tells them apart: the accumulator given, the nearest to zero.\n",
               differ, equal + differ, what);
    return 1;
  }
};

constexpr const char* kHeadings[] = {">accumulators", ">differ", ">first acc"};

Table verdict_table(const char* what, const Options& o) {
  return Table({what, ">" + o.a, ">" + o.b, kHeadings[0], kHeadings[1], kHeadings[2], ">a", ">b"});
}

int compare_scales(const Profile& a, const Profile& b, const Options& o) {
  const auto out = type_from_text(o.out);
  if (!out || out->bits > 16) throw Error(fmt::format("--type {}: expected an integer type of at most 16 bits", o.out));
  if (!out->holds(o.zero_point)) {
    throw Error(fmt::format("--zero-point {}: expected {}..{}", o.zero_point, out->min(), out->max()));
  }
  const AccRange range = parse_range(o.acc, "--acc", {});
  const bool given = !o.scales.empty();
  Table table = verdict_table("scale", o);
  Tally tally;
  for (const double scale : given ? parse_scales(o.scales, "--scale") : default_scales()) {
    const ChannelVerdict v = distinguish_scale(a, b, scale, static_cast<std::int32_t>(o.zero_point), *out, range);
    tally.add(v);
    table.add(row_of(a, b, fmt::format("{:.9g}", scale), v));
  }
  fmt::print("{} output, zero point {}\n\n{}\n", o.out, o.zero_point, table.text());
  if (same_function(a, b))
    fmt::print("{} and {} are one function by construction: same scale rule, same recipe.\n", o.a, o.b);
  return tally.finish(o, given ? "scales" : "scales (13 powers of two, 51 seeded ones between 2^-12 and 1)");
}

/// The model imported under each profile; an .obz network keeps its numbers and changes the recipe alone.
int compare_net(const Profile& a, const Profile& b, const Options& o) {
  IntNet na, nb;
  const bool reimport = !o.net.ends_with(".obz");
  if (reimport) {
    na = import_model(o.net, ImportOptions{.profile = o.a, .bindings = {}, .dimensions = {}});
    nb = import_model(o.net, ImportOptions{.profile = o.b, .bindings = {}, .dimensions = {}});
  } else {
    na = nb = load_net(o.net);
    if (a.uses_multiplier() != b.uses_multiplier()) {
      throw Error(fmt::format("{}: its numbers serve {} only; give the original model to compare with {}", o.net,
                              na.profile, na.profile == o.a ? o.b : o.a));
    }
  }
  if (na.nodes.size() != nb.nodes.size())
    throw Error(fmt::format("{}: the two profiles make different graphs of it", o.net));
  Table table(
      {"layer", ">channels", ">differ", ">accumulators", ">differ", ">channel", ">first acc", ">" + o.a, ">" + o.b});
  Tally tally;
  std::int64_t adds = 0;
  for (std::size_t i = 0; i < na.nodes.size(); ++i) {
    if (std::holds_alternative<Add>(na.nodes[i].op)) {
      ++adds;  // its branches round before the sum, so the requantizer alone decides nothing
      continue;
    }
    const auto la = layer_requant(na, na.nodes[i]), lb = layer_requant(nb, nb.nodes[i]);
    if (!la || !lb || la->channels.size() != lb->channels.size()) continue;
    // The recipe a layer carries is what counts; of an .obz network the profiles' own, where it carries its profile's.
    if (!reimport && !(la->recipe == find_profile(na.profile).recipe)) continue;
    Profile pa = a, pb = b;
    if (reimport) {
      pa.recipe = la->recipe;
      pb.recipe = lb->recipe;
    }
    Tally layer;
    std::int64_t accumulators = 0, differ = 0;
    std::vector<std::string> first{"", "", "", ""};
    for (std::size_t c = 0; c < la->channels.size(); ++c) {
      const ChannelVerdict v = distinguish_channels(pa, la->channels[c], pb, lb->channels[c], la->ranges[c]);
      layer.add(v);
      tally.add(v);
      if (!v.refused.empty()) continue;
      accumulators += v.range.size();
      if (differ == 0 && v.difference.count > 0) {
        first = {fmt::format("{}", c), fmt::format("{}", v.difference.at), fmt::format("{}", v.out_a),
                 fmt::format("{}", v.out_b)};
      }
      differ += v.difference.count;
    }
    table.add({na.nodes[i].name, grouped(layer.equal + layer.differ), grouped(layer.differ), grouped(accumulators),
               grouped(differ), first[0], first[1], first[2], first[3]});
  }
  fmt::print("{}: every accumulator its weights can produce, layer by layer\n\n{}\n", o.net, table.text());
  if (adds > 0) fmt::print("{} residual sum(s) not compared: their branches round on their own\n", adds);
  return tally.finish(o, "channels", adds > 0 ? fmt::format("; {} residual sum(s) were not compared", adds) : "");
}

int run(const Options& o) {
  const Profile &a = find_profile(o.a), &b = find_profile(o.b);
  if (!o.net.empty() && !o.scales.empty()) throw Error("--net and --scale: give one of them");
  return o.net.empty() ? compare_scales(a, b, o) : compare_net(a, b, o);
}

}  // namespace

Verb distinguish_verb() {
  auto o = std::make_shared<Options>();
  return {"distinguish",
          "Where two profiles differ, or a proof that they do not",
          "  obz distinguish tflite/double tflite/single --scale 0.0123\n"
          "  obz distinguish tflite/double tosa-1.0/double          64 scales, every accumulator\n"
          "  obz distinguish tflite/double cmsis-nn/single --net kws.tflite\n",
          {{"a", "A", "profile", &o->a, true},
           {"b", "B", "profile", &o->b, true},
           {"--scale", "LIST", "real scales, such as 0.0123,2^-7 (default: 64 of them)", &o->scales},
           {"--net", "FILE", "a model (.tflite, .onnx) imported under each profile, or an .obz network", &o->net},
           {"--type,-t", "TYPE", "output type (default int8)", &o->out},
           {"--zero-point", "N", "of the output (default 0)", &o->zero_point},
           {"--acc", "LO,HI", "the accumulators that can occur (default all of 32 bits)", &o->acc}},
          [o] { return run(*o); }};
}

}  // namespace obz::cli
