// The result codes of the CUDA Driver API that can come from here, with the numbers of its documentation.
#pragma once

namespace obz::stand_in {

enum class Result : int {
  success = 0,
  invalid_value = 1,
  out_of_memory = 2,
  not_initialized = 3,
  no_device = 100,
  invalid_device = 101,
  invalid_image = 200,
  invalid_context = 201,
  invalid_ptx = 218,
  unsupported_ptx_version = 222,
  invalid_handle = 400,
  illegal_state = 401,
  not_found = 500,
  not_ready = 600,
  illegal_address = 700,
  launch_out_of_resources = 701,
  context_is_destroyed = 709,
  misaligned_address = 716,
  launch_failed = 719,
  not_supported = 801,
  stream_capture_unsupported = 900,
  stream_capture_invalidated = 901,
  stream_capture_implicit = 906,
  captured_event = 907,
  stream_capture_wrong_thread = 908,
  unknown = 999,
};

/// Ends a call with this result.
struct Failure {
  Result result;
};

inline void require(bool condition, Result otherwise) {
  if (!condition) throw Failure{otherwise};
}

struct Code {
  int number;
  const char* name;
  const char* sentence;
};

/// nullptr for a number that is no documented code.
const Code* find_code(int number);

}  // namespace obz::stand_in
