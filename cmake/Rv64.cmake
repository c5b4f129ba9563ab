# Cross-compiles freestanding C for RV64IM beside the native build. Sets ZKP_RV64_GCC and ZKP_RV64_QEMU (or leaves them
# NOTFOUND), and defines:
#   zkp_rv64_objects(OUT_VAR SOURCES...)        one custom command for each source
#   zkp_rv64_relocatable(OUTPUT [LIBGCC] OBJECTS...)   links them into one object
find_program(ZKP_RV64_GCC NAMES riscv64-unknown-elf-gcc)
find_program(ZKP_RV64_QEMU NAMES qemu-riscv64 qemu-riscv64-static)

set(ZKP_RV64_ARCH -march=rv64im -mabi=lp64 -mstrict-align -mcmodel=medany)
set(ZKP_RV64_FLAGS ${ZKP_RV64_ARCH} -ffreestanding -std=c17 -O2 -Wall -Wextra -Werror -fno-common -fno-strict-aliasing
                   -ffunction-sections -I${CMAKE_SOURCE_DIR} -isystem ${CMAKE_SOURCE_DIR}/tests/guest/include)

if(ZKP_RV64_GCC)
  string(REGEX REPLACE "gcc$" "" ZKP_RV64_PREFIX ${ZKP_RV64_GCC})
  execute_process(COMMAND ${ZKP_RV64_GCC} ${ZKP_RV64_ARCH} -print-libgcc-file-name OUTPUT_VARIABLE ZKP_RV64_LIBGCC
                  OUTPUT_STRIP_TRAILING_WHITESPACE COMMAND_ERROR_IS_FATAL ANY)
endif()

function(zkp_rv64_objects out)
  set(objects)
  foreach(source IN LISTS ARGN)
    file(RELATIVE_PATH relative ${CMAKE_SOURCE_DIR} ${source})
    string(REPLACE "/" "_" name ${relative})
    set(object ${CMAKE_CURRENT_BINARY_DIR}/rv64/${name}.o)
    add_custom_command(OUTPUT ${object}
      COMMAND ${CMAKE_COMMAND} -E make_directory ${CMAKE_CURRENT_BINARY_DIR}/rv64
      COMMAND ${ZKP_RV64_GCC} ${ZKP_RV64_FLAGS} -MD -MF ${object}.d -c ${source} -o ${object}
      DEPENDS ${source} DEPFILE ${object}.d VERBATIM
      COMMENT "RV64IM ${relative}")
    list(APPEND objects ${object})
  endforeach()
  set(${out} ${objects} PARENT_SCOPE)
endfunction()

function(zkp_rv64_relocatable output)
  cmake_parse_arguments(A "LIBGCC" "" "" ${ARGN})
  set(libgcc)
  if(A_LIBGCC)
    set(libgcc ${ZKP_RV64_LIBGCC})
  endif()
  add_custom_command(OUTPUT ${output}
    COMMAND ${ZKP_RV64_PREFIX}ld -m elf64lriscv -r -o ${output} ${A_UNPARSED_ARGUMENTS} ${libgcc}
    DEPENDS ${A_UNPARSED_ARGUMENTS} VERBATIM)
endfunction()
