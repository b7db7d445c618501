#include "gpu/kernels/artefact.hpp"

#include <vector>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "ref/base/error.hpp"

// The assembler brings the files: as literals, texts of this size would be slow to compile.
#define OBZ_PTX_MODULE(NAME)                                         \
  asm(".pushsection .rodata\n"                                       \
      ".global obz_ptx_" #NAME "_begin, obz_ptx_" #NAME              \
      "_end\n"                                                       \
      "obz_ptx_" #NAME "_begin: .incbin \"" OBZ_PTX_FOLDER "/" #NAME \
      ".ptx\"\n"                                                     \
      "obz_ptx_" #NAME                                               \
      "_end: .byte 0\n"                                              \
      ".popsection\n");                                              \
  extern "C" const char obz_ptx_##NAME##_begin[], obz_ptx_##NAME##_end[];
#include "ptx_modules_generated.h"
#undef OBZ_PTX_MODULE

namespace obz::gpu {
namespace {

struct Artefacts {
  std::vector<std::string_view> names, texts;

  void add(std::string_view name, const char* begin, const char* end) {
    names.push_back(name);
    texts.emplace_back(begin, static_cast<std::size_t>(end - begin));
  }
};

const Artefacts& artefacts() {
  static const Artefacts all = [] {
    Artefacts a;
#define OBZ_PTX_MODULE(NAME) a.add(#NAME, obz_ptx_##NAME##_begin, obz_ptx_##NAME##_end);
#include "ptx_modules_generated.h"
#undef OBZ_PTX_MODULE
    return a;
  }();
  return all;
}

}  // namespace

std::span<const std::string_view> kernel_modules() { return artefacts().names; }

std::string_view kernel_ptx(std::string_view module) {
  const Artefacts& all = artefacts();
  for (std::size_t i = 0; i < all.names.size(); ++i) {
    if (all.names[i] == module) return all.texts[i];
  }
  throw Error(fmt::format("kernel module \"{}\": expected one of {}", module, fmt::join(all.names, ", ")));
}

}  // namespace obz::gpu
