# Shared build rules: one function per kind of target, sanitizers as an option, presets in CMakePresets.json.

set(ZKP_SANITIZE "" CACHE STRING "Sanitizers for every target: empty, address, or thread")
option(ZKP_COVERAGE "Instrument every target for gcov" OFF)
option(ZKP_VALGRIND "Build for a run under Valgrind (scripts/valgrind.sh)" OFF)
option(ZKP_FUZZ "Build the libFuzzer targets of tests/fuzz (needs clang)" OFF)

add_library(zkp_flags INTERFACE)
target_compile_options(zkp_flags INTERFACE
  -Wall -Wextra -Werror -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wvla -Wpointer-arith
  -Wwrite-strings -Wundef -fno-common -fno-strict-aliasing)
target_compile_definitions(zkp_flags INTERFACE _POSIX_C_SOURCE=200809L _DEFAULT_SOURCE
                                               ZKP_VERSION="${PROJECT_VERSION}")
target_include_directories(zkp_flags INTERFACE ${CMAKE_SOURCE_DIR} ${CMAKE_BINARY_DIR})
if(ZKP_SANITIZE STREQUAL "address")
  # recover=all would hide a finding behind a passing exit code
  add_compile_options(-fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer)
  add_link_options(-fsanitize=address,undefined)
elseif(ZKP_SANITIZE STREQUAL "thread")
  add_compile_options(-fsanitize=thread -fno-omit-frame-pointer)
  add_link_options(-fsanitize=thread)
elseif(ZKP_SANITIZE)
  message(FATAL_ERROR "ZKP_SANITIZE is '${ZKP_SANITIZE}'; expected empty, address or thread")
endif()
if(ZKP_VALGRIND)
  add_compile_definitions(ZKP_ASSUME_ADX)
endif()
if(ZKP_FUZZ)
  add_compile_options(-fsanitize=fuzzer-no-link) # every library reports its coverage; tests/fuzz links the driver
endif()
if(ZKP_COVERAGE)
  add_compile_options(--coverage -O1)
  add_link_options(--coverage)
endif()

# zkp_library(NAME SOURCES... [LINK libs...]): a static library with the project's warnings.
function(zkp_library name)
  cmake_parse_arguments(A "" "" "SOURCES;LINK" ${ARGN})
  add_library(${name} STATIC ${A_SOURCES} ${A_UNPARSED_ARGUMENTS})
  target_link_libraries(${name} PUBLIC zkp_flags ${A_LINK})
endfunction()

# zkp_isa_flags(SOURCES...): what a source's suffix stands for, on x86-64: _avx2, _avx512 and _ifma are compiled for the
# levels of driver/base/isa.h. Elsewhere such a file has to be empty, by its own #if.
function(zkp_isa_flags)
  if(NOT CMAKE_SYSTEM_PROCESSOR MATCHES "x86_64|AMD64")
    return()
  endif()
  set(avx2 -mavx2 -mbmi2 -madx)
  set(avx512 ${avx2} -mavx512f -mavx512dq -mavx512bw -mavx512vl)
  set(ifma ${avx512} -mavx512ifma)
  foreach(source IN LISTS ARGN)
    if(source MATCHES "_(avx2|avx512|ifma)[.]c$")
      set_source_files_properties(${source} PROPERTIES COMPILE_OPTIONS "${${CMAKE_MATCH_1}}")
    endif()
  endforeach()
endfunction()

# zkp_program(NAME SOURCES... [LINK libs...]): a program in build/<preset>/bin.
function(zkp_program name)
  cmake_parse_arguments(A "" "" "SOURCES;LINK" ${ARGN})
  add_executable(${name} ${A_SOURCES} ${A_UNPARSED_ARGUMENTS})
  target_link_libraries(${name} PRIVATE zkp_flags ${A_LINK})
endfunction()

# zkp_unit_tests(FOLDER LINK libs...): every test_*.c of the calling folder becomes one cmocka program and one ctest
# entry unit.<folder>.<name> with the label unit.
function(zkp_unit_tests folder)
  cmake_parse_arguments(A "" "" "LINK" ${ARGN})
  file(GLOB tests CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/test_*.c)
  foreach(src IN LISTS tests)
    get_filename_component(name ${src} NAME_WE)
    string(REGEX REPLACE "^test_" "" short ${name})
    zkp_program(unit_${folder}_${short} SOURCES ${src} LINK ${A_LINK} cmocka)
    set_target_properties(unit_${folder}_${short} PROPERTIES RUNTIME_OUTPUT_DIRECTORY
                          ${CMAKE_BINARY_DIR}/tests)
    add_test(NAME unit.${folder}.${short} COMMAND unit_${folder}_${short})
    set_tests_properties(unit.${folder}.${short} PROPERTIES LABELS unit TIMEOUT 600)
    if(ZKP_SANITIZE STREQUAL "thread")
      set_tests_properties(unit.${folder}.${short} PROPERTIES
                           ENVIRONMENT "TSAN_OPTIONS=suppressions=${CMAKE_SOURCE_DIR}/tests/tsan.supp")
    endif()
  endforeach()
endfunction()
