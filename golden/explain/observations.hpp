// What a device answered, as text: the stream of requant_stream.hpp with every line completed by the device.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "golden/explain/explain.hpp"

namespace obz {

struct Answers {
  const Profile* profile = nullptr;
  IntType out = kInt8;
  std::vector<Observation> observations;
};

/// The stream's header names profile and output type; without one `otherwise` applies. Error naming file and line.
Answers parse_answers(std::string_view text, const std::string& file, const RequantSpace& otherwise);

}  // namespace obz
