// --mean and --std: how images of bytes become the floats that a network was trained on.
#pragma once

#include <string>

#include "ref/border/border.hpp"

namespace obz::cli {

/// "0.485,0.456,0.406", one number per channel, of bytes / 255; both empty: no images of bytes. Error naming the
/// option.
InputBorder image_border(const std::string& mean, const std::string& deviation);

}  // namespace obz::cli
