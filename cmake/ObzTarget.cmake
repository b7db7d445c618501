# One way to declare a target: warnings, exact floating point, root-relative includes.

option(OBZ_WERROR "Warnings are errors" OFF)
set(OBZ_SANITIZE "" CACHE STRING "Sanitizers for every target, e.g. address,undefined")

function(obz_settings target)
  target_include_directories(${target} PUBLIC ${CMAKE_SOURCE_DIR})
  target_compile_options(${target} PRIVATE -Wall -Wextra -Wconversion -Wsign-conversion -Wshadow -Wnon-virtual-dtor -Wno-missing-field-initializers
                                           $<$<CXX_COMPILER_ID:GNU>:-Wno-restrict>  # GCC 12: false alarms on std::string concatenation
                                           $<$<BOOL:${OBZ_WERROR}>:-Werror>)
  # The foreign float recipes are defined operation by operation: no contraction, no reassociation.
  target_compile_options(${target} PUBLIC -ffp-contract=off)
  if(OBZ_SANITIZE)
    target_compile_options(${target} PUBLIC -fsanitize=${OBZ_SANITIZE} -fno-sanitize-recover=all -fno-omit-frame-pointer)
    target_link_options(${target} PUBLIC -fsanitize=${OBZ_SANITIZE})
  endif()
endfunction()

# What nearly every source includes, read once for a target: most of the time of a first build went into these headers.
# Only where asked for: without it, a missing #include shows. With it, GCC 12 no longer knows standard headers for what
# they are, and finds fault with inlined strings.
option(OBZ_PCH "Precompiled headers" OFF)
if(CMAKE_CXX_COMPILER_ID STREQUAL GNU)
  set(OBZ_PCH_OPTIONS -Wno-array-bounds -Wno-stringop-overflow -Wno-stringop-overread -fpch-preprocess)  # the last: for ccache
endif()
function(obz_precompile target)
  if(OBZ_PCH)
    target_precompile_headers(${target} PRIVATE <algorithm> <filesystem> <functional> <map> <memory> <optional> <set>
                                                <string> <vector> <fmt/format.h> <fmt/ranges.h> ${ARGN})
    target_compile_options(${target} PRIVATE ${OBZ_PCH_OPTIONS})
  endif()
endfunction()

# obz_library(name SOURCES a.cpp ... [DEPENDS lib ...])
function(obz_library name)
  cmake_parse_arguments(ARG "" "" "SOURCES;DEPENDS;PRIVATE_DEPENDS" ${ARGN})
  add_library(${name} STATIC ${ARG_SOURCES})
  target_link_libraries(${name} PUBLIC ${ARG_DEPENDS} PRIVATE ${ARG_PRIVATE_DEPENDS})
  obz_settings(${name})
  obz_precompile(${name})
endfunction()
