# Compiles every module to PTX, the same bytes wherever the checkout stands, for drivers since CUDA 11.7: nvcc names the
# newest version of PTX that it knows, of which only a hint to the assembler is used (it makes no difference here).
#   cmake -DNVCC=nvcc -DOUTPUT=FOLDER -P gpu/kernels/compile.cmake
cmake_minimum_required(VERSION 3.25)
include(${CMAKE_CURRENT_LIST_DIR}/modules.cmake)
include(${CMAKE_CURRENT_LIST_DIR}/sources_hash.cmake)
cmake_path(GET CMAKE_CURRENT_LIST_DIR PARENT_PATH GPU)
cmake_path(GET GPU PARENT_PATH ROOT)
file(MAKE_DIRECTORY ${OUTPUT})
foreach(module IN LISTS OBZ_PTX_MODULES)
  # From the root, with relative paths: names of internal symbols would hold a hash of an absolute one.
  execute_process(
    COMMAND ${NVCC} -ptx -arch=compute_75 -std=c++20 -O3 --expt-relaxed-constexpr -I.
            gpu/kernels/${module}.cu -o ${OUTPUT}/${module}.ptx
    WORKING_DIRECTORY ${ROOT}
    COMMAND_ERROR_IS_FATAL ANY)
  file(READ ${OUTPUT}/${module}.ptx text)
  string(FIND "${text}" "${ROOT}" path)
  if(NOT path EQUAL -1)
    message(FATAL_ERROR "${module}.ptx names ${ROOT}: it would not be the same elsewhere")
  endif()
  string(REGEX REPLACE "\n\\.version [0-9.]+" "\n.version 7.7" text "${text}")
  string(REGEX REPLACE "\t\\.pragma \"used_bytes_mask [0-9]+\";\n" "" text "${text}")
  obz_sources_hash(${module} hash)
  file(WRITE ${OUTPUT}/${module}.ptx "${text}// Sources: ${hash}\n")
endforeach()
