#include "gpu/ptx/stream.hpp"

#include <iterator>

#include <fmt/format.h>

namespace obz::ptx {

StreamText::StreamText(const std::string& kernel, Dim3 cta)
    : cta_(cta), text_(fmt::format("# obz-stream 1 {} cta {},{},{}\n", kernel, cta.x, cta.y, cta.z)) {}

Sink StreamText::sink() {
  return [this](const Step& step) {
    fmt::format_to(std::back_inserter(text_), "{} {} {} {:08x}", step.warp, step.line, step.opcode, step.active);
    for (std::size_t lane = 0; lane < step.addresses.size(); ++lane) {
      if ((step.active >> lane & 1) != 0) fmt::format_to(std::back_inserter(text_), " {:x}", step.addresses[lane]);
    }
    text_ += '\n';
  };
}

}  // namespace obz::ptx
