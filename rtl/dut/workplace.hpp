// The folder in which a user's unit is elaborated, built and proved: its sources under plain names, so that no name of
// the user's reaches a shell, a makefile or a script.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "rtl/dut/port_map.hpp"

namespace obz::rtl {

/// A user's unit: what to read and how to connect it.
struct UserUnit {
  std::string file;  ///< as given
  std::string top;
  PortMap map;
};

/// The unit of `file`. Empty `top`: the map's, else the file's stem. Empty `map`: FILE with .json. Error when a file is
/// missing.
UserUnit load_user_unit(const std::string& file, const std::string& top, const std::string& map);

/// Copies the sources to source0.sv, source1.sv ... and links their folders as include0 ...
class Workplace {
 public:
  Workplace(const UserUnit& unit, std::filesystem::path folder);

  const std::filesystem::path& folder() const { return folder_; }
  const std::string& sources() const { return sources_; }    ///< " source0.sv source1.sv"
  const std::string& includes() const { return includes_; }  ///< " -Iinclude0"

  /// Runs a shell line of ours in the folder, its output to `log` there. Returns the exit code; Error after
  /// `timeout_s`.
  int run(const std::string& line, const std::string& log, int timeout_s) const;

  /// The first line of `log` that holds `mark`, with the user's file names; "" when none.
  std::string first_line(const std::string& log, const std::string& mark) const;
  /// The log's last line that is not empty.
  std::string last_line(const std::string& log) const;

  /// The text with the user's file names for ours.
  std::string named(std::string text) const;

 private:
  std::filesystem::path folder_;
  std::vector<std::string> files_;
  std::string sources_, includes_;
};

}  // namespace obz::rtl
