#include "cli/report.hpp"

#include <set>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "cli/markup.hpp"
#include "cli/table.hpp"

namespace obz::cli {
namespace {

using Json = nlohmann::ordered_json;

constexpr const char* kVerdicts[] = {"match", "mismatch", "unsupported", "skipped"};

/// Cycles, and how much of them the arithmetic needs.
std::string time_text(const Cell& cell) {
  if (!cell.cycles) return "";
  if (!cell.ideal_cycles || *cell.cycles == 0) return fmt::format("  ({} cy)", grouped(*cell.cycles));
  const double busy = 100.0 * static_cast<double>(*cell.ideal_cycles) / static_cast<double>(*cell.cycles);
  return fmt::format("  ({} cy, {:.0f} %)", grouped(*cell.cycles), busy);
}

/// Explained below the table.
std::string part_mark(const Cell& cell) { return cell.partly.empty() ? "" : "*"; }

std::string cell_text(const Cell& cell) {
  switch (cell.verdict) {
    case Verdict::match: return "=" + time_text(cell) + part_mark(cell);
    case Verdict::mismatch:
      return fmt::format("{} of {}", grouped(cell.differ), grouped(cell.compared)) + part_mark(cell);
    case Verdict::unsupported: return "-";
    case Verdict::skipped: return "";
  }
  return "";
}

std::string summary(const CheckReport& r) {
  const std::size_t engines = r.engines.size() - r.skipped.size();
  return fmt::format("{} engine{}, {} row{}, {} outputs compared, {} differ", engines, engines == 1 ? "" : "s",
                     r.rows.size(), r.rows.size() == 1 ? "" : "s", grouped(r.compared()), grouped(r.differ()));
}

}  // namespace

std::string words(const Cell& cell) {
  switch (cell.verdict) {
    case Verdict::match: return fmt::format("match {}{}", cell.compared, cell.partly.empty() ? "" : ": " + cell.partly);
    case Verdict::mismatch:
      return fmt::format("mismatch {} of {}, first at {}", cell.differ, cell.compared, cell.first);
    case Verdict::unsupported: return "unsupported: " + cell.why;
    case Verdict::skipped: return cell.why.empty() ? "skipped" : "skipped: " + cell.why;
  }
  return "";
}

std::string report_text(const CheckReport& r) {
  std::vector<std::string> headings{"layer", "op", "WxA", ">outputs"};
  for (const std::string& e : r.engines) headings.push_back(e);
  Table table(headings);
  std::string details;
  std::set<std::string> reasons;
  for (const CheckRow& row : r.rows) {
    std::vector<std::string> cells{row.layer, row.op, row.widths, grouped(row.outputs)};
    for (std::size_t e = 0; e < row.cells.size(); ++e) {
      const Cell& cell = row.cells[e];
      cells.push_back(cell_text(cell));
      if (cell.verdict == Verdict::mismatch)
        details += fmt::format("{}, {}: first at {}\n", row.layer, r.engines[e], cell.first);
      if (cell.verdict == Verdict::unsupported && reasons.insert(r.engines[e] + cell.why).second) {
        details += fmt::format("{} -: unsupported, {}\n", r.engines[e], cell.why);
      }
      if (!cell.partly.empty() && reasons.insert(r.engines[e] + cell.partly).second) {
        details += fmt::format("{} *: {}\n", r.engines[e], cell.partly);
      }
    }
    table.add(std::move(cells));
  }
  for (const std::string& s : r.skipped) details += s + "\n";
  return table.text() + (details.empty() ? "" : "\n" + details) + "\n" + summary(r) + ".\n";
}

std::string report_json(const CheckReport& r) {
  Json json = {{"subject", r.subject}, {"samples", r.samples},     {"seed", r.seed},      {"engines", r.engines},
               {"skipped", r.skipped}, {"compared", r.compared()}, {"differ", r.differ()}};
  json["rows"] = Json::array();
  for (const CheckRow& row : r.rows) {
    Json item = {{"layer", row.layer}, {"op", row.op}, {"widths", row.widths}, {"outputs", row.outputs}};
    for (std::size_t e = 0; e < row.cells.size(); ++e) {
      const Cell& c = row.cells[e];
      Json cell = {{"engine", r.engines[e]},
                   {"verdict", kVerdicts[static_cast<int>(c.verdict)]},
                   {"compared", c.compared},
                   {"differ", c.differ}};
      if (!c.first.empty()) cell["first"] = c.first;
      if (!c.why.empty()) cell["why"] = c.why;
      if (!c.partly.empty()) cell["partly"] = c.partly;
      if (c.cycles) cell["cycles"] = *c.cycles;
      if (c.ideal_cycles) cell["ideal_cycles"] = *c.ideal_cycles;
      item["cells"].push_back(cell);
    }
    json["rows"].push_back(item);
  }
  return json.dump(1) + "\n";
}

std::string report_junit(const CheckReport& r) {
  std::int64_t tests = 0, failures = 0, skipped = 0;
  std::string cases;
  for (const CheckRow& row : r.rows) {
    for (std::size_t e = 0; e < row.cells.size(); ++e) {
      const Cell& cell = row.cells[e];
      ++tests;
      cases += fmt::format("    <testcase classname=\"{}.{}\" name=\"{}\" time=\"0\"", escaped(r.subject),
                           escaped(r.engines[e]), escaped(row.layer));
      if (cell.verdict == Verdict::match) {
        cases += "/>\n";
      } else if (cell.verdict == Verdict::mismatch) {
        ++failures;
        cases += fmt::format(">\n      <failure message=\"{}\"/>\n    </testcase>\n", escaped(words(cell)));
      } else {
        ++skipped;
        cases += fmt::format(">\n      <skipped message=\"{}\"/>\n    </testcase>\n", escaped(words(cell)));
      }
    }
  }
  return fmt::format(
      "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<testsuites>\n"
      "  <testsuite name=\"obz check\" tests=\"{}\" failures=\"{}\" errors=\"0\" skipped=\"{}\" time=\"0\">\n"
      "    <properties>\n      <property name=\"seed\" value=\"{}\"/>\n      <property name=\"samples\" "
      "value=\"{}\"/>\n"
      "    </properties>\n{}  </testsuite>\n</testsuites>\n",
      tests, failures, skipped, r.seed, r.samples, cases);
}

std::string report_html(const CheckReport& r) {
  std::string body = "<tr><th>layer<th>op<th>W&times;A<th>outputs";
  for (const std::string& e : r.engines) body += "<th>" + escaped(e);
  body += "\n";
  for (const CheckRow& row : r.rows) {
    body += fmt::format("<tr><td>{}<td>{}<td>{}<td class=n>{}", escaped(row.layer), escaped(row.op),
                        escaped(row.widths), grouped(row.outputs));
    for (const Cell& cell : row.cells) {
      body += fmt::format("<td class={} title=\"{}\">{}", kVerdicts[static_cast<int>(cell.verdict)],
                          escaped(words(cell)), escaped(cell_text(cell)));
    }
    body += "\n";
  }
  std::string notes;
  for (const std::string& s : r.skipped) notes += "<p>" + escaped(s) + "\n";
  return fmt::format(
      "<!doctype html>\n<meta charset=utf-8>\n<title>obz check {0}</title>\n<style>\n"
      "body{{font:15px system-ui,sans-serif;margin:2em;color:#222}} table{{border-collapse:collapse}}\n"
      "th,td{{padding:.25em .8em;text-align:left;border-bottom:1px solid #ddd}} .n{{text-align:right}}\n"
      ".match{{background:#e6f4e6}} .mismatch{{background:#f8d7d7;font-weight:bold}} "
      ".unsupported,.skipped{{color:#888}}\n"
      "</style>\n<h1>obz check {0}</h1>\n<p>{1}.\n<table>\n{2}</table>\n{3}",
      escaped(r.subject), summary(r), body, notes);
}

}  // namespace obz::cli
