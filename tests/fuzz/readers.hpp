// Every reader of foreign bytes behind one signature, with valid files to start from. Used by the mutation test and by
// the libFuzzer targets.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "ref/base/bytes.hpp"

namespace obz::fuzz {

struct Reader {
  std::string name;
  std::vector<Bytes> seeds;
  /// Reads the bytes and uses what it got; throws obz::Error for bad input and nothing else.
  std::function<void(const Bytes&)> read;
};

const std::vector<Reader>& readers();
const Reader& reader(const std::string& name);

}  // namespace obz::fuzz
