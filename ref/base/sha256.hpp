// SHA-256, through OpenSSL's libcrypto.
#pragma once

#include <string>

#include "ref/base/bytes.hpp"

namespace obz {

/// 64 lower-case hex digits.
std::string sha256_hex(ByteView bytes);

}  // namespace obz
