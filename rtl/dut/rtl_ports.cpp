#include "rtl/dut/rtl_ports.hpp"

#include <algorithm>
#include <cctype>
#include <charconv>

#include <fmt/format.h>

#include "golden/engines/child.hpp"
#include "ref/base/error.hpp"
#include "ref/base/file.hpp"

namespace obz::rtl {
namespace {

constexpr int kTimeout = 120;

/// One line of Verilator's XML, an element a line: <var name="acc_i" dtype_id="2" dir="input" .../>.
class Element {
 public:
  explicit Element(std::string_view line) : line_(line.substr(std::min(line.find('<'), line.size()))) {}

  bool is(std::string_view tag) const {
    return line_.size() > tag.size() + 1 && line_.substr(1, tag.size()) == tag &&
           (line_[tag.size() + 1] == ' ' || line_[tag.size() + 1] == '>');
  }
  std::string attribute(const std::string& name) const {
    const std::string key = " " + name + "=\"";
    const std::size_t at = line_.find(key);
    if (at == std::string_view::npos) return {};
    const std::size_t from = at + key.size();
    return unescaped(line_.substr(from, line_.find('"', from) - from));
  }

 private:
  static std::string unescaped(std::string_view text) {
    constexpr std::pair<std::string_view, char> entities[] = {
        {"&lt;", '<'}, {"&gt;", '>'}, {"&quot;", '"'}, {"&apos;", '\''}, {"&amp;", '&'}};
    std::string out;
    while (!text.empty()) {
      const auto it = std::find_if(std::begin(entities), std::end(entities),
                                   [&](const auto& e) { return text.starts_with(e.first); });
      out += it == std::end(entities) ? text.front() : it->second;
      text.remove_prefix(it == std::end(entities) ? 1 : it->first.size());
    }
    return out;
  }

  std::string_view line_;
};

int number(const std::string& text) {
  int value = 0;
  std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

/// "32'sh1f" as 31.
int constant(const std::string& text) {
  const std::size_t h = text.find('h');
  int value = 0;
  if (h != std::string::npos) {
    unsigned bits = 0;
    std::from_chars(text.data() + h + 1, text.data() + text.size(), bits, 16);
    value = static_cast<int>(bits);
  }
  return value;
}

struct Type {
  int own = 0;  ///< bits of a basic type
  bool is_signed = false, unpacked = false;
  int count = 1;                   ///< of a packed array
  std::vector<std::string> parts;  ///< ids: a member each, or what is referred to
  bool is_union = false;
};

using Types = std::map<std::string, Type>;

struct Size {
  int width = 0;  ///< 0: no packed type
  bool is_signed = false;
};

Size size_of(const Types& types, const std::string& id, int depth = 0) {
  const auto it = types.find(id);
  if (it == types.end() || depth > 32 || it->second.unpacked) return {};
  const Type& t = it->second;
  if (t.parts.empty()) return {t.own, t.is_signed};
  Size size;
  for (const std::string& part : t.parts) {
    const Size s = size_of(types, part, depth + 1);
    if (s.width == 0) return {};
    size.width = t.is_union ? std::max(size.width, s.width) : size.width + s.width;
    size.is_signed = t.parts.size() == 1 && t.count == 1 && s.is_signed;
  }
  size.width *= t.count;
  return size;
}

struct Declarations {
  Types types;
  struct Var {
    std::string name, type, direction;
  };
  std::vector<Var> vars;  ///< of the top alone
};

int basic_bits(const Element& e) {
  const std::string left = e.attribute("left"), name = e.attribute("name");
  if (!left.empty()) return std::abs(number(left) - number(e.attribute("right"))) + 1;
  return name == "logic" || name == "bit" || name == "logic_implicit" ? 1 : 0;  // real, string, chandle: no bits
}

Declarations read_xml(const std::string& xml) {
  Declarations net;
  bool in_top = false;
  std::string open;            // the type whose children follow
  std::vector<int> constants;  // of its range
  for (std::size_t from = 0; from < xml.size();) {
    const std::size_t end = std::min(xml.find('\n', from), xml.size());
    const Element e(std::string_view(xml).substr(from, end - from));
    from = end + 1;
    if (e.is("module")) in_top = e.attribute("topModule") == "1";
    if (e.is("/module")) in_top = false;
    if (in_top && e.is("var") && !e.attribute("dir").empty()) {
      net.vars.push_back({e.attribute("name"), e.attribute("dtype_id"), e.attribute("dir")});
    }
    const std::string id = e.attribute("id");
    if (e.is("basicdtype")) {
      net.types[id] = {.own = basic_bits(e), .is_signed = e.attribute("signed") == "true"};
    } else if (e.is("refdtype") || e.is("enumdtype") || e.is("paramtypedtype") || e.is("constdtype")) {
      net.types[id].parts = {e.attribute("sub_dtype_id")};
    } else if (e.is("structdtype") || e.is("uniondtype")) {
      net.types[id].is_union = e.is("uniondtype");
      open = id;
    } else if (e.is("memberdtype")) {
      net.types[open].parts.push_back(e.attribute("sub_dtype_id"));
    } else if (e.is("packarraydtype")) {
      net.types[id].parts = {e.attribute("sub_dtype_id")};
      open = id;
      constants.clear();
    } else if (e.is("unpackarraydtype")) {
      net.types[id].unpacked = true;
      open.clear();
    } else if (e.is("const") && !open.empty()) {
      constants.push_back(constant(e.attribute("name")));
    } else if (e.is("/packarraydtype") && constants.size() == 2) {
      net.types[open].count = std::abs(constants[0] - constants[1]) + 1;
      open.clear();
    } else if (e.is("/structdtype") || e.is("/uniondtype")) {
      open.clear();
    }
  }
  return net;
}

}  // namespace

std::optional<std::string> verilator_version() {
  const ChildResult r = run_child("verilator --version 2>/dev/null", "", 30);
  if (r.exit_code != 0) return std::nullopt;
  return r.output.substr(0, r.output.find('\n'));
}

void require_identifier(const std::string& name, const std::string& what) {
  const auto plain = [](char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_'; };
  const bool starts = !name.empty() && std::isdigit(static_cast<unsigned char>(name[0])) == 0;
  if (!starts || !std::all_of(name.begin(), name.end(), plain)) {
    throw Error(fmt::format("{} \"{}\": expected a name of letters, digits and _", what, name));
  }
}

std::vector<RtlPort> ports_of(const UserUnit& unit, const Workplace& place) {
  require_identifier(unit.top, "top module");
  std::string options;
  for (const auto& [name, value] : unit.map.parameters) {
    require_identifier(name, unit.map.file + ": parameter");
    options += fmt::format(" -G{}={}", name, value);
  }
  const int code = place.run(fmt::format("verilator --xml-only --xml-output ports.xml -Wno-fatal -Wno-lint -Wno-style "
                                         "--no-timing --top-module {}{}{}{}",
                                         unit.top, options, place.includes(), place.sources()),
                             "ports.log", kTimeout);
  if (code != 0) {
    const std::string line = place.first_line("ports.log", "%Error");
    throw Error(
        fmt::format("{}: Verilator cannot read it: {}", unit.file, line.empty() ? place.last_line("ports.log") : line));
  }
  const Declarations net = read_xml(as_text(read_file(place.folder() / "ports.xml")));
  std::vector<RtlPort> ports;
  for (const Declarations::Var& v : net.vars) {
    const Size size = size_of(net.types, v.type);
    if (size.width == 0) {
      throw Error(
          fmt::format("{}: port {} of {} is no packed vector of bits (an unpacked array or a real): give the "
                      "unit a wrapper with packed ports",
                      unit.file, v.name, unit.top));
    }
    ports.push_back({v.name,
                     v.direction == "input"    ? RtlPort::Direction::input
                     : v.direction == "output" ? RtlPort::Direction::output
                                               : RtlPort::Direction::inout,
                     size.width, size.is_signed});
  }
  return ports;
}

}  // namespace obz::rtl
