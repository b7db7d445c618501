// A libFuzzer target for the reader named by OBZ_FUZZ_READER. Build with the preset `fuzz`:
//   cmake --preset fuzz && cmake --build --preset fuzz && build/fuzz/tests/fuzz_tflite corpus/ -max_total_time=600
#include "ref/base/error.hpp"
#include "tests/fuzz/readers.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const obz::fuzz::Reader& reader = obz::fuzz::reader(OBZ_FUZZ_READER);
  try {
    reader.read(obz::Bytes(data, data + size));
  } catch (const obz::Error&) {
    // a sentence for the user: what bad input deserves
  }
  return 0;
}
