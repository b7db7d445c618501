# Puts every mutant of mutants.txt into one copy of the RTL: an expression E becomes (obz_pkg::mutant_q != N ? (E) : (M)).
# The mutant's number comes from C++ through DPI, at every clock edge of a top. Sets MUTATED_SOURCES to copies of the given ones, in their order, and
# writes OUTPUT, a header with names and files.
function(obz_plant_rtl_mutants SOURCE_DIR SOURCES OUTPUT_DIR)
  file(MAKE_DIRECTORY ${OUTPUT_DIR})
  foreach(source IN LISTS SOURCES)
    file(READ ${SOURCE_DIR}/${source} text_${source})
  endforeach()
  string(REPLACE "package obz_pkg;" "package obz_pkg;\n  import \"DPI-C\" function int obz_mutant();\n  int mutant_q;" text_obz_pkg.sv
         "${text_obz_pkg.sv}")
  foreach(top obz_units.sv obz_layer.sv)
    string(REPLACE "endmodule" "  always_ff @(posedge clk_i) obz_pkg::mutant_q <= obz_pkg::obz_mutant();\nendmodule"
           text_${top} "${text_${top}}")
  endforeach()
  file(STRINGS ${CMAKE_CURRENT_FUNCTION_LIST_DIR}/mutants.txt lines REGEX "^obz_")
  set(number 0)
  set(table "")
  foreach(line IN LISTS lines)
    # A semicolon never stands in these expressions, so lines stay whole.
    string(REPLACE " | " ";" fields "${line}")
    list(LENGTH fields count)
    if(NOT count EQUAL 4)
      message(FATAL_ERROR "mutants.txt: expected four fields in: ${line}")
    endif()
    list(GET fields 0 file)
    list(GET fields 1 name)
    list(GET fields 2 from)
    list(GET fields 3 to)
    math(EXPR number "${number} + 1")
    string(FIND "${text_${file}}" "${from}" at)
    if(at EQUAL -1)
      message(FATAL_ERROR "mutants.txt: ${file} no longer contains: ${from}")
    endif()
    string(LENGTH "${from}" length)
    string(SUBSTRING "${text_${file}}" 0 ${at} before)
    math(EXPR after_at "${at} + ${length}")
    string(SUBSTRING "${text_${file}}" ${after_at} -1 after)
    set(text_${file} "${before}(obz_pkg::mutant_q != ${number} ? (${from}) : (${to}))${after}")
    string(APPEND table "    {\"${file}\", \"${name}\"},\n")
  endforeach()
  set(copies "")
  foreach(source IN LISTS SOURCES)
    file(CONFIGURE OUTPUT ${OUTPUT_DIR}/${source} CONTENT "${text_${source}}" @ONLY)
    list(APPEND copies ${OUTPUT_DIR}/${source})
  endforeach()
  file(CONFIGURE OUTPUT ${OUTPUT_DIR}/rtl_mutants.hpp CONTENT
"// Generated from tests/rtl/mutants/mutants.txt.
#pragma once

struct RtlMutant {
  const char *file, *name;
};

inline constexpr RtlMutant kRtlMutants[] = {
${table}};
" @ONLY)
  set(MUTATED_SOURCES ${copies} PARENT_SCOPE)
endfunction()
