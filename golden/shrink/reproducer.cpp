#include "golden/shrink/reproducer.hpp"

#include <algorithm>
#include <cctype>
#include <cmath>
#include <limits>
#include <set>

#include <fmt/format.h>

#include "ref/base/error.hpp"

namespace obz {
namespace {

using Kind = Stage::Kind;

std::string_view shift_helper(Rounding r) {
  constexpr std::string_view names[] = {"shift_down", "shift_to_zero", "shift_half_up", "shift_half_away",
                                        "shift_half_even"};
  return names[static_cast<std::size_t>(r)];
}

/// What rounding adds to the floor q, from the part `rest` below it and its half.
std::string_view increment(Rounding r, bool python) {
  switch (r) {
    case Rounding::floor: return "0";
    case Rounding::trunc: return python ? "(q < 0 and rest != 0)" : "(q < 0 && rest != 0 ? 1 : 0)";
    case Rounding::half_up: return python ? "(rest >= half)" : "(rest >= half ? 1 : 0)";
    case Rounding::half_away:
      return python ? "(rest > half or (rest == half and q >= 0))"
                    : "(rest > half || (rest == half && q >= 0) ? 1 : 0)";
    case Rounding::half_even:
      return python ? "(rest > half or (rest == half and q % 2 == 1))"
                    : "(rest > half || (rest == half && q % 2 != 0) ? 1 : 0)";
  }
  return "0";
}

bool uses(const Program& p, Kind kind) {
  return std::any_of(p.steps.begin(), p.steps.end(), [&](const Stage& s) { return s.kind == kind; });
}
std::set<Rounding> roundings(const Program& p, Kind kind) {
  std::set<Rounding> found;
  for (const Stage& s : p.steps) {
    if (s.kind == kind) found.insert(s.rounding);
  }
  return found;
}
bool has_offset(const Program& p, Rounding r) {
  return std::any_of(p.steps.begin(), p.steps.end(),
                     [&](const Stage& s) { return s.kind == Kind::shift && s.rounding == r && !s.c.empty(); });
}
std::int64_t list_size(const Program& p) {
  for (const Number& n : p.numbers) {
    if (n.is_list) return static_cast<std::int64_t>(n.values.size());
  }
  return 0;
}
bool has_list(const Program& p) { return list_size(p) > 0; }

std::string joined_numbers(const Program& p, const std::string& separator,
                           const std::function<std::string(const Number&)>& text) {
  std::vector<std::string> parts;
  for (const Number& n : p.numbers) parts.push_back(text(n));
  return fmt::format("{}", fmt::join(parts, separator));
}

/// Comments end at the end of their line, whatever a network calls its layers.
std::string comment_text(std::string text) {
  std::replace(text.begin(), text.end(), '\\', '/');
  return text;
}

// ---- C++

std::string cpp_integer(std::int64_t v) {
  if (v == std::numeric_limits<std::int64_t>::min()) return "INT64_MIN";
  return kInt32.holds(v) ? fmt::format("{}", v) : fmt::format("INT64_C({})", v);
}

std::string cpp_expression(const Stage& s, const Program& p) {
  const char* f = s.bits == 32 ? "float" : "double";
  switch (s.kind) {
    case Kind::value: return s.a;
    case Kind::wrap: return fmt::format("wrap({}, {})", s.a, s.bits);
    case Kind::saturate: return fmt::format("saturate({}, {}, {})", s.a, s.b, s.c);
    case Kind::left_shift: return fmt::format("{} * (int64_t{{1}} << ({}))", s.a, s.b);
    case Kind::shift:
      return fmt::format("{}({}, {}{})", shift_helper(s.rounding), s.a, s.b,
                         has_offset(p, s.rounding) ? ", " + (s.c.empty() ? "0" : s.c) : "");
    case Kind::divide: return fmt::format("divide({}, {})", s.a, s.b);
    case Kind::to_float: return fmt::format("static_cast<{}>({})", f, s.a);
    case Kind::times: return fmt::format("{} * {}", s.a, s.b);
    case Kind::plus: return fmt::format("{} + {}", s.a, s.b);
    case Kind::over: return fmt::format("{} / {}", s.a, s.b);
    case Kind::clip:
      return fmt::format("std::fmin(std::fmax({}, static_cast<{}>({})), static_cast<{}>({}))", s.a, f, s.b, f, s.c);
    case Kind::scale_down: return fmt::format("std::ldexp({}, -static_cast<int>({}))", s.a, s.b);
    case Kind::nearest: return fmt::format("nearest({})", s.a);
    case Kind::dot:
    case Kind::sum: break;
  }
  return "";
}

void cpp_helpers(std::string& t, const Program& p) {
  if (uses(p, Kind::wrap))
    t += "// the low `bits` bits, sign-extended\n"
         "static int64_t wrap(int64_t v, int bits) {\n"
         "  return static_cast<int64_t>(static_cast<uint64_t>(v) << (64 - bits)) >> (64 - bits);\n}\n";
  if (uses(p, Kind::saturate))
    t += "static int64_t saturate(int64_t v, int64_t lo, int64_t hi) { return v < lo ? lo : v > hi ? hi : v; }\n";
  for (const Rounding r : roundings(p, Kind::shift)) {
    t += fmt::format("// v / 2^bits{}, bits >= 1\n", has_offset(p, r) ? " + offset, rounded once" : ", rounded");
    t += fmt::format("static int64_t {}(int64_t v, int64_t bits{}) {{\n", shift_helper(r),
                     has_offset(p, r) ? ", int64_t offset" : "");
    t += fmt::format("  const int64_t q = {};\n", has_offset(p, r) ? "(v >> bits) + offset" : "v >> bits");
    if (r == Rounding::floor) {
      t += "  return q;\n}\n";
      continue;
    }
    t += "  const uint64_t rest = static_cast<uint64_t>(v) & ((uint64_t{1} << bits) - 1);\n";
    if (r != Rounding::trunc) t += "  const uint64_t half = uint64_t{1} << (bits - 1);\n";
    t += fmt::format("  return q + {};\n}}\n", increment(r, false));
  }
  for (const Rounding r : roundings(p, Kind::divide)) {
    t += "// n / d rounded, d > 0\nstatic int64_t divide(int64_t n, int64_t d) {\n"
         "  const int64_t q = n / d - (n % d < 0 ? 1 : 0);\n";
    if (r != Rounding::floor) t += "  const int64_t rest = 2 * (n - q * d);\n";
    if (r != Rounding::floor && r != Rounding::trunc) t += "  const int64_t half = d;\n";
    t += fmt::format("  return q + {};\n}}\n", increment(r, false));
  }
  if (uses(p, Kind::nearest))
    t += "// ties to even; stops at 2^62\n"
         "static int64_t nearest(double v) {\n"
         "  const double limit = 0x1p62;\n"
         "  return v >= limit ? int64_t{1} << 62 : v <= -limit ? -(int64_t{1} << 62) : "
         "static_cast<int64_t>(std::nearbyint(v));\n}\n";
}

std::string cpp_text(const Program& p, const std::string& name) {
  std::string t;
  for (const std::string& line : p.about) t += "// " + comment_text(line) + "\n";
  t += fmt::format(
      "//\n//   $ g++ -std=c++17 {0}.cpp -o {0} && ./{0}              exit status 1 while they differ\n"
      "//   $ g++ -std=c++17 -DDUT=my_unit {0}.cpp my_unit.cpp    asks your unit (see below), not the record\n",
      name);
  t += std::string(p.has_floats() ? "#include <cmath>\n" : "") + "#include <cstdint>\n#include <cstdio>\n\n";
  for (const Number& n : p.numbers) {
    if (n.is_list) {
      std::vector<std::string> v;
      for (const std::int64_t x : n.values) v.push_back(cpp_integer(x));
      t += fmt::format("static const int64_t {}[] = {{{}}};", n.name, fmt::join(v, ", "));
    } else if (n.is_real) {
      const bool single =
          std::any_of(p.steps.begin(), p.steps.end(), [](const Stage& s) { return s.bits == 32 && s.is_float(); });
      t += fmt::format("static const {} {} = {:a}{};", single ? "float" : "double", n.name, n.real, single ? "f" : "");
    } else {
      t += fmt::format("static const int64_t {} = {};", n.name, cpp_integer(n.values[0]));
    }
    t += n.comment.empty() ? "\n" : fmt::format("  // {}\n", n.comment);
  }
  if (has_list(p)) t += fmt::format("static const int64_t count_of_x = {};\n", list_size(p));
  t += "\n";
  cpp_helpers(t, p);
  t += "static int64_t show(const char* stage, int64_t v) {\n"
       "  std::printf(\"  %-16s %lld\\n\", stage, static_cast<long long>(v));\n  return v;\n}\n";
  if (std::any_of(p.steps.begin(), p.steps.end(), [](const Stage& s) { return s.is_float(); }))
    t += "static double show(const char* stage, double v) {\n"
         "  std::printf(\"  %-16s %.17g\\n\", stage, v);\n  return v;\n}\n";
  t += "\n";
  t += "// What the reference does, stage by stage.\nstatic int64_t reference() {\n";
  for (const Stage& s : p.steps) {
    t += fmt::format("  // {}\n", s.comment);
    if (s.kind == Kind::dot || s.kind == Kind::sum) {
      t += fmt::format("  int64_t {} = {};\n", s.dest, s.kind == Kind::dot ? s.a : "0");
      const std::string term = s.kind == Kind::dot ? fmt::format("(x[k] - {}) * (w[k] - {})", s.b, s.c)
                               : s.b == "0"        ? "x[k]"
                                                   : fmt::format("x[k] - {}", s.b);
      t += fmt::format("  for (int k = 0; k < count_of_x; ++k) {} += {};\n  show(\"{}\", {});\n", s.dest, term, s.dest,
                       s.dest);
      continue;
    }
    const char* type = !s.is_float() ? "int64_t" : s.bits == 32 ? "float" : "double";
    t += fmt::format("  const {} {} = show(\"{}\", {});\n", type, s.dest, s.dest, cpp_expression(s, p));
  }
  t += fmt::format("  return {};\n}}\n\n", p.steps.back().dest);
  const bool single =
      std::any_of(p.steps.begin(), p.steps.end(), [](const Stage& s) { return s.bits == 32 && s.is_float(); });
  const std::string declared = joined_numbers(p, ", ", [&](const Number& n) {
    if (n.is_list) return fmt::format("const int64_t* {}", n.name);
    return fmt::format("{} {}", !n.is_real ? "int64_t" : single ? "float" : "double", n.name);
  });
  const std::string passed = joined_numbers(p, ", ", [](const Number& n) { return n.name; });
  const char *count_type = has_list(p) ? "int64_t count_of_x, " : "", *count = has_list(p) ? "count_of_x, " : "";
  t += fmt::format(
      "#ifdef DUT  // your unit: it gets the numbers above and returns the output\n"
      "extern \"C\" int64_t DUT({}{});\n#endif\n\n"
      "int main() {{\n"
      "  const int64_t expected = reference();\n"
      "#ifdef DUT\n  const int64_t device = DUT({}{});\n"
      "#else\n  const int64_t device = {};  // recorded\n#endif\n"
      "  std::printf(\"expected %lld, device answered %lld\\n\", static_cast<long long>(expected), "
      "static_cast<long long>(device));\n"
      "  return device == expected ? 0 : 1;\n}}\n",
      count_type, declared, count, passed, cpp_integer(p.answered));
  return t;
}

// ---- Python

std::string python_expression(const Stage& s, const Program& p) {
  const auto rounded = [&](const std::string& e) { return s.bits == 32 ? fmt::format("float32({})", e) : e; };
  switch (s.kind) {
    case Kind::value: return s.a;
    case Kind::dot: {
      const std::string terms = fmt::format("sum((xk - {}) * (wk - {}) for xk, wk in zip(x, w))", s.b, s.c);
      return s.a == "0" ? terms : s.a + " + " + terms;
    }
    case Kind::sum: return s.b == "0" ? "sum(x)" : fmt::format("sum(xk - {} for xk in x)", s.b);
    case Kind::wrap: return fmt::format("wrap({}, {})", s.a, s.bits);
    case Kind::saturate: return fmt::format("max({}, min({}, {}))", s.b, s.c, s.a);
    case Kind::left_shift: return fmt::format("{} * 2 ** ({})", s.a, s.b);
    case Kind::shift:
      return fmt::format("{}({}, {}{})", shift_helper(s.rounding), s.a, s.b,
                         has_offset(p, s.rounding) ? ", " + (s.c.empty() ? "0" : s.c) : "");
    case Kind::divide: return fmt::format("divide({}, {})", s.a, s.b);
    case Kind::to_float: return rounded(fmt::format("float({})", s.a));
    case Kind::times: return rounded(fmt::format("{} * {}", s.a, s.b));
    case Kind::plus: return rounded(fmt::format("{} + {}", s.a, s.b));
    case Kind::over: return rounded(fmt::format("{} / {}", s.a, s.b));
    case Kind::clip:
      return fmt::format("min(max({}, {}), {})", s.a, rounded("float(" + s.b + ")"), rounded("float(" + s.c + ")"));
    case Kind::scale_down: return fmt::format("math.ldexp({}, -({}))", s.a, s.b);
    case Kind::nearest: return fmt::format("nearest({})", s.a);
  }
  return "";
}

void python_helpers(std::string& t, const Program& p) {
  if (uses(p, Kind::wrap))
    t += "def wrap(v, bits):\n    \"\"\"The low bits, sign-extended.\"\"\"\n"
         "    v &= 2 ** bits - 1\n    return v - 2 ** bits if v >= 2 ** (bits - 1) else v\n\n\n";
  for (const Rounding r : roundings(p, Kind::shift)) {
    const bool offset = has_offset(p, r);
    t += fmt::format("def {}(v, bits{}):\n    \"\"\"v / 2^bits{}.\"\"\"\n", shift_helper(r), offset ? ", offset" : "",
                     offset ? " + offset, rounded once" : ", rounded");
    t += fmt::format("    q = {}\n", offset ? "(v >> bits) + offset" : "v >> bits");
    if (r == Rounding::floor) {
      t += "    return q\n\n\n";
      continue;
    }
    t += "    rest = v & (2 ** bits - 1)\n";
    if (r != Rounding::trunc) t += "    half = 2 ** (bits - 1)\n";
    t += fmt::format("    return q + {}\n\n\n", increment(r, true));
  }
  for (const Rounding r : roundings(p, Kind::divide)) {
    t += "def divide(n, d):\n    \"\"\"n / d, rounded.\"\"\"\n    q, rest = divmod(n, d)\n";
    if (r != Rounding::floor && r != Rounding::trunc) t += "    rest, half = 2 * rest, d\n";
    t += fmt::format("    return q + {}\n\n\n", increment(r, true));
  }
  const bool single =
      std::any_of(p.steps.begin(), p.steps.end(), [](const Stage& s) { return s.bits == 32 && s.is_float(); });
  if (single)
    t += "def float32(v):\n    \"\"\"Rounded to float32; of one operation on float32 values that is the float32 "
         "result.\"\"\"\n"
         "    try:\n        return struct.unpack(\"f\", struct.pack(\"f\", v))[0]\n"
         "    except OverflowError:\n        return math.copysign(math.inf, v)\n\n\n";
  if (uses(p, Kind::nearest))
    t += "def nearest(v):\n    \"\"\"Ties to even; stops at 2^62.\"\"\"\n"
         "    return round(max(-2.0 ** 62, min(2.0 ** 62, v)))\n\n\n";
}

std::string python_text(const Program& p, const std::string& name) {
  std::string t = "#!/usr/bin/env python3\n";
  for (const std::string& line : p.about) t += "# " + comment_text(line) + "\n";
  t += fmt::format(
      "#\n#   $ python3 {0}.py                          exit status 1 while they differ\n"
      "#   $ python3 {0}.py --dut module:function    asks your unit, not the record: it gets the numbers below by "
      "name\n"
      "import importlib\n",
      name);
  if (p.has_floats()) t += "import math\nimport struct\n";
  t += "import sys\n\n";
  for (const Number& n : p.numbers) {
    if (n.is_list) {
      t += fmt::format("{} = [{}]", n.name, fmt::join(n.values, ", "));
    } else if (n.is_real) {
      t += fmt::format("{} = float.fromhex(\"{:a}\")", n.name, n.real);
    } else {
      t += fmt::format("{} = {}", n.name, n.values[0]);
    }
    t += n.comment.empty() ? "\n" : fmt::format("  # {}\n", n.comment);
  }
  t += "\n\n";
  python_helpers(t, p);
  t += "def show(stage, v):\n    print(f\"  {stage:16} {v}\")\n    return v\n\n\n";
  t += "def reference():\n    \"\"\"What the reference does, stage by stage.\"\"\"\n";
  for (const Stage& s : p.steps) {
    t += fmt::format("    # {}\n    {} = show(\"{}\", {})\n", s.comment, s.dest, s.dest, python_expression(s, p));
  }
  t += fmt::format("    return {}\n\n\n", p.steps.back().dest);
  const std::string passed = joined_numbers(p, ", ", [](const Number& n) { return n.name + "=" + n.name; });
  t += fmt::format(
      "def device():\n    if len(sys.argv) == 3 and sys.argv[1] == \"--dut\":\n"
      "        sys.path.insert(0, \"\")\n"
      "        module, function = sys.argv[2].split(\":\")\n"
      "        return int(getattr(importlib.import_module(module), function)({}))\n"
      "    return {}  # recorded\n\n\n"
      "expected, answered = reference(), device()\n"
      "print(f\"expected {{expected}}, device answered {{answered}}\")\n"
      "sys.exit(0 if answered == expected else 1)\n",
      passed, p.answered);
  return t;
}

// ---- SystemVerilog

std::string sv_integer(std::int64_t v) {
  if (v == std::numeric_limits<std::int64_t>::min()) return "64'sh8000000000000000";
  return v < 0 ? fmt::format("-64'sd{}", -v) : fmt::format("64'sd{}", v);
}

/// A bare integer as wide as the variables; names stay.
std::string sv_operand(const std::string& text) {
  const bool is_integer = !text.empty() && text.find_first_not_of("-0123456789") == std::string::npos;
  return is_integer ? sv_integer(std::stoll(text)) : text;
}

/// Amounts of shifts are of type int: Verilator 5.006 shifts wrongly by 64-bit amounts.
std::string sv_expression(const Stage& s, const Program& p) {
  switch (s.kind) {
    case Kind::value: return s.a;
    case Kind::wrap: return fmt::format("wrap({}, {})", s.a, s.bits);
    case Kind::saturate: return fmt::format("saturate({}, {}, {})", s.a, sv_operand(s.b), sv_operand(s.c));
    case Kind::left_shift: return fmt::format("{} <<< int'({})", s.a, s.b);
    case Kind::shift:
      return fmt::format("{}({}, int'({}){})", shift_helper(s.rounding), s.a, s.b,
                         has_offset(p, s.rounding) ? ", " + (s.c.empty() ? "0" : s.c) : "");
    case Kind::divide: return fmt::format("divide({}, {})", s.a, s.b);
    default: break;
  }
  return "";
}

void sv_helpers(std::string& t, const Program& p) {
  if (uses(p, Kind::wrap))
    t += "  // the low `bits` bits, sign-extended\n"
         "  function automatic longint wrap(longint v, int bits);\n"
         "    return (v <<< (64 - bits)) >>> (64 - bits);\n  endfunction\n";
  if (uses(p, Kind::saturate))
    t += "  function automatic longint saturate(longint v, longint least, longint most);\n"
         "    return v < least ? least : v > most ? most : v;\n  endfunction\n";
  for (const Rounding r : roundings(p, Kind::shift)) {
    const bool offset = has_offset(p, r);
    t += fmt::format("  // v / 2^bits{}, bits >= 1\n", offset ? " + offset, rounded once" : ", rounded");
    t += fmt::format("  function automatic longint {}(longint v, int bits{});\n", shift_helper(r),
                     offset ? ", longint offset" : "");
    t += fmt::format("    longint q = {};\n", offset ? "(v >>> bits) + offset" : "v >>> bits");
    if (r == Rounding::floor) {
      t += "    return q;\n  endfunction\n";
      continue;
    }
    t += "    longint unsigned rest = $unsigned(v) & ((64'd1 << bits) - 64'd1);\n";
    if (r != Rounding::trunc) t += "    longint unsigned half = 64'd1 << (bits - 1);\n";
    t += fmt::format("    return q + {};\n  endfunction\n", increment(r, false));
  }
  for (const Rounding r : roundings(p, Kind::divide)) {
    t += "  // n / d rounded, d > 0\n  function automatic longint divide(longint n, longint d);\n"
         "    longint q = n / d - (n % d < 0 ? 1 : 0);\n";
    if (r != Rounding::floor) t += "    longint rest = 2 * (n - q * d);\n";
    if (r != Rounding::floor && r != Rounding::trunc) t += "    longint half = d;\n";
    t += fmt::format("    return q + {};\n  endfunction\n", increment(r, false));
  }
}

std::string sv_text(const Program& p, const std::string& name) {
  if (p.has_floats()) {
    throw Error("SystemVerilog has no float32 arithmetic to show this recipe with; write a .cpp or .py file instead");
  }
  std::string module = name;
  for (char& ch : module) {
    if (std::isalnum(static_cast<unsigned char>(ch)) == 0) ch = '_';
  }
  if (module.empty() || std::isdigit(static_cast<unsigned char>(module[0])) != 0) module = "m_" + module;
  std::string t;
  for (const std::string& line : p.about) t += "// " + comment_text(line) + "\n";
  t += fmt::format(
      "//\n//   $ verilator --binary {0}.sv && obj_dir/V{1}     stops with $fatal while they differ\n"
      "//   $ verilator --binary --timing -DOBZ_DUT=my_unit {0}.sv my_unit.sv    asks your unit, not the record\n",
      name, module);
  t += "/* verilator lint_off DECLFILENAME */\n/* verilator lint_off UNUSED */\n";
  t += fmt::format("module {};\n", module);
  for (const Number& n : p.numbers) {
    if (n.is_list) {
      std::vector<std::string> v;
      for (const std::int64_t x : n.values) v.push_back(sv_integer(x));
      t += fmt::format("  localparam longint {} [0:{}] = '{{{}}};", n.name, n.values.size() - 1, fmt::join(v, ", "));
    } else {
      t += fmt::format("  localparam longint {} = {};", n.name, sv_integer(n.values[0]));
    }
    t += n.comment.empty() ? "\n" : fmt::format("  // {}\n", n.comment);
  }
  t += "\n";
  sv_helpers(t, p);
  t += "\n  // What the reference does, stage by stage.\n  function automatic longint reference_value();\n";
  for (const Stage& s : p.steps) t += fmt::format("    longint {};\n", s.dest);
  for (const Stage& s : p.steps) {
    t += fmt::format("    // {}\n", s.comment);
    if (s.kind == Kind::dot || s.kind == Kind::sum) {
      const std::string term = s.kind == Kind::dot ? fmt::format("(x[k] - {}) * (w[k] - {})", s.b, s.c)
                               : s.b == "0"        ? "x[k]"
                                                   : fmt::format("x[k] - {}", s.b);
      t += fmt::format("    {} = {};\n    for (int k = 0; k < {}; k++) {} += {};\n", s.dest,
                       s.kind == Kind::dot ? s.a : "0", list_size(p), s.dest, term);
    } else {
      t += fmt::format("    {} = {};\n", s.dest, sv_expression(s, p));
    }
    t += fmt::format("    $display(\"  {:16} %0d\", {});\n", s.dest, s.dest);
  }
  t += fmt::format("    return {};\n  endfunction\n\n", p.steps.back().dest);
  t += "  task automatic judge(longint device);\n"
       "    longint expected = reference_value();\n"
       "    $display(\"expected %0d, device answered %0d\", expected, device);\n"
       "    if (device != expected) $fatal(1, \"they differ\");\n    $finish;\n  endtask\n\n";
  const std::string ports = joined_numbers(p, ", ", [](const Number& n) { return fmt::format(".{0}({0})", n.name); });
  const std::string declared = joined_numbers(p, ", ", [](const Number& n) {
    return n.is_list ? fmt::format("longint {} [0:{}]", n.name, n.values.size() - 1) : "longint " + n.name;
  });
  t += fmt::format(
      "`ifdef OBZ_DUT\n  // your unit, combinational: module my_unit(input {}, output longint device_out);\n"
      "  longint device_out;\n  `OBZ_DUT dut({}, .device_out(device_out));\n  initial #1 judge(device_out);\n"
      "`else\n  initial judge({});  // recorded\n`endif\nendmodule\n",
      declared, ports, sv_integer(p.answered));
  return t;
}

}  // namespace

std::optional<ReproducerLanguage> reproducer_language(std::string_view extension) {
  if (extension.starts_with('.')) extension.remove_prefix(1);
  if (extension == "cpp" || extension == "cc" || extension == "cxx") return ReproducerLanguage::cpp;
  if (extension == "sv") return ReproducerLanguage::systemverilog;
  if (extension == "py") return ReproducerLanguage::python;
  return std::nullopt;
}

std::string reproducer(const Program& program, ReproducerLanguage language, const std::string& name) {
  switch (language) {
    case ReproducerLanguage::cpp: return cpp_text(program, name);
    case ReproducerLanguage::systemverilog: return sv_text(program, name);
    case ReproducerLanguage::python: return python_text(program, name);
  }
  return "";
}

}  // namespace obz
