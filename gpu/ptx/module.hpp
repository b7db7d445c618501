// A PTX module: text that was read, decoded and is ready to run. What cannot run (floating point, textures) is no
// error until a launch reaches it, so a module with one such kernel still runs its others.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace obz::ptx {

struct Program;

/// Immutable and cheap to copy.
struct Module {
  std::shared_ptr<const Program> program;
};

/// A kernel parameter's place in the parameter block (Launch::args).
struct Param {
  std::string name;
  std::uint32_t offset_bytes = 0, size_bytes = 0, align = 1;
};

struct KernelInfo {
  std::string name;
  std::uint32_t line = 0;
  std::vector<Param> params;
  std::uint32_t param_bytes = 0;   ///< size of the parameter block
  std::uint32_t shared_bytes = 0;  ///< declared; extern arrays come behind it
  std::uint32_t max_threads = 0;   ///< of .maxntid or .reqntid, their product; 0: none stated
  bool exact_threads = false;      ///< .reqntid: the product is demanded
  std::uint32_t virtual_registers = 0;
  std::string refusal = {};  ///< why it cannot run here ("FILE:LINE: ..."), functions it calls included; empty: it can
};

/// Error "FILE:LINE: ..." on what is no PTX. `file` only names the text in messages.
Module parse_module(std::string_view text, const std::string& file);

/// In the order of the text.
std::vector<std::string> kernel_names(const Module& module);

/// Error listing near names when there is no such kernel.
const KernelInfo& kernel_info(const Module& module, const std::string& kernel);

}  // namespace obz::ptx
