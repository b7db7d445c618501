// An exported function has the name, and the types of parameters and result as machine words, of the documentation.
#pragma once

#define OBZ_EXPORTED extern "C" [[gnu::visibility("default")]] obz::stand_in::Result
