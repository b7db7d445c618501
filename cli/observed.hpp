// What engines answered, as files that `obz explain` reads.
#pragma once

#include <filesystem>

#include "golden/engines/check.hpp"

namespace obz::cli {

/// Puts a recorder around every engine. The function it returns writes what they answered until then: requantizer cases
/// to FOLDER/ENGINE.txt, a text stream; layers to FOLDER/ENGINE/LAYER.npy, one sample per leading index.
std::function<void()> record_answers(Engines& engines, const std::filesystem::path& folder);

}  // namespace obz::cli
