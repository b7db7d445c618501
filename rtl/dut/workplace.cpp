#include "rtl/dut/workplace.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "golden/engines/child.hpp"
#include "ref/base/error.hpp"
#include "ref/base/file.hpp"

namespace obz::rtl {
namespace fs = std::filesystem;

namespace {

constexpr std::uint64_t kLargestSource = std::uint64_t{1} << 26;

std::string replaced(std::string text, const std::string& from, const std::string& to) {
  for (std::size_t at = text.find(from); at != std::string::npos; at = text.find(from, at + to.size())) {
    text.replace(at, from.size(), to);
  }
  return text;
}

}  // namespace

UserUnit load_user_unit(const std::string& file, const std::string& top, const std::string& map) {
  if (file.empty()) throw Error("dut: expected a SystemVerilog file after \"dut:\", got nothing");
  read_file(file, kLargestSource);  // the sentence about a missing unit comes before the one about its map
  fs::path beside(file);
  UserUnit unit{file, top, load_port_map(map.empty() ? beside.replace_extension(".json").string() : map)};
  if (unit.top.empty()) unit.top = unit.map.top.empty() ? fs::path(file).stem().string() : unit.map.top;
  return unit;
}

Workplace::Workplace(const UserUnit& unit, fs::path folder) : folder_(std::move(folder)) {
  fs::create_directories(folder_);
  const fs::path beside = fs::path(unit.map.file).parent_path();
  for (const std::string& f : unit.map.files) files_.push_back((beside / f).string());
  files_.push_back(unit.file);
  std::vector<fs::path> folders;
  for (std::size_t i = 0; i < files_.size(); ++i) {
    const std::string name = fmt::format("source{}.sv", i);
    write_file(folder_ / name, read_file(files_[i], kLargestSource));
    sources_ += " " + name;
    const fs::path parent = fs::absolute(files_[i]).parent_path();
    if (std::find(folders.begin(), folders.end(), parent) != folders.end()) continue;
    const std::string link = fmt::format("include{}", folders.size());
    std::error_code ignored;
    fs::remove(folder_ / link, ignored);
    fs::create_directory_symlink(parent, folder_ / link, ignored);
    includes_ += " -I" + link;
    folders.push_back(parent);
  }
}

int Workplace::run(const std::string& line, const std::string& log, int timeout_s) const {
  const std::string command = fmt::format("cd {} && {{ {}; }} >{} 2>&1", shell_quoted(folder_.string()), line, log);
  return run_child(command, "", timeout_s).exit_code;
}

std::string Workplace::named(std::string line) const {
  // From the last, as source1.sv opens source10.sv in no name of ours: the dot ends it.
  for (std::size_t i = files_.size(); i-- > 0;) line = replaced(line, fmt::format("source{}.sv", i), files_[i]);
  return line;
}

std::string Workplace::first_line(const std::string& log, const std::string& mark) const {
  const std::string text = as_text(read_file(folder_ / log));
  const std::size_t at = text.find(mark);
  if (at == std::string::npos) return {};
  const std::size_t before = text.rfind('\n', at);
  const std::size_t from = before == std::string::npos ? 0 : before + 1;
  return named(text.substr(from, text.find('\n', at) - from));
}

std::string Workplace::last_line(const std::string& log) const {
  const std::string text = as_text(read_file(folder_ / log));
  const std::size_t last = text.find_last_not_of("\n ");
  if (last == std::string::npos) return "nothing";
  const std::size_t line = text.rfind('\n', last);
  const std::size_t from = line == std::string::npos ? 0 : line + 1;
  return named(text.substr(from, last + 1 - from));
}

}  // namespace obz::rtl
