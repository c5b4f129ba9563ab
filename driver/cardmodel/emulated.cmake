# build/<preset>/emulated: launcher zkp-card, preloaded work-around, the trees that XRT looks for, images and their manifest.
set(emulated ${CMAKE_BINARY_DIR}/emulated)
set(ZKP_EMULATED ${emulated} CACHE INTERNAL "folder of the emulated card")
set(model_folder ${emulated}/vitis/data/emulation/unified/cpu_em/generic_pcie/model)
get_filename_component(xrt_library ${ZKP_XRT_COREUTIL} REALPATH)
get_filename_component(xrt_folder ${xrt_library} DIRECTORY)

zkp_program(genericpciemodel SOURCES main.c LINK zkp_cardmodel ${CMAKE_DL_LIBS})
set_target_properties(genericpciemodel PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${model_folder})
zkp_program(card-pack SOURCES pack.c LINK zkp_cardimage)
set_target_properties(card-pack PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${emulated})
zkp_program(emulated_zkp_card SOURCES launcher.c LINK zkp_field jansson)
target_compile_definitions(emulated_zkp_card PRIVATE XRT_LIBRARY_DIR="${xrt_folder}")
set_target_properties(emulated_zkp_card PROPERTIES OUTPUT_NAME zkp-card RUNTIME_OUTPUT_DIRECTORY ${emulated})
add_library(cardpreload SHARED preload.c)
target_link_libraries(cardpreload PRIVATE zkp_flags ${CMAKE_DL_LIBS})
set_target_properties(cardpreload PROPERTIES LIBRARY_OUTPUT_DIRECTORY ${emulated})
# malloc is meant: the compiler may not replace what it knows of it
target_compile_options(cardpreload PRIVATE -fno-builtin)

file(MAKE_DIRECTORY ${emulated}/xrt)
file(CREATE_LINK ${xrt_folder} ${emulated}/xrt/lib SYMBOLIC)
file(WRITE ${emulated}/xrt.ini "[Emulation]\nsystem_dpa=false\n")
set(channel_mib 128) # memory of a channel: 4 GiB in all, of which the system commits what is written
add_custom_command(OUTPUT ${emulated}/emconfig.json
  COMMAND card-pack emconfig --out ${emulated}/emconfig.json --channel-mib ${channel_mib} DEPENDS card-pack VERBATIM)

# Kernels as compiled for the host, once for each number of channels and each fault that an image needs.
#   card_kernel(OUT KERNEL CHANNELS_LOG2 [FAULT])   sets OUT to the target of the objects
function(card_kernel out kernel channels_log2)
  set(target card_kernel_${kernel}_${channels_log2})
  if(ARGC GREATER 3)
    string(APPEND target _fault_${ARGV3})
  endif()
  set(${out} ${target} PARENT_SCOPE)
  if(TARGET ${target})
    return()
  endif()
  string(TOUPPER ${kernel} upper)
  add_library(${target} OBJECT ${CMAKE_SOURCE_DIR}/hls/kernels/${kernel}.c ${CMAKE_SOURCE_DIR}/driver/cardmodel/kernel_calls.c)
  set_target_properties(${target} PROPERTIES C_STANDARD 99)
  target_include_directories(${target} PRIVATE ${CMAKE_SOURCE_DIR})
  target_compile_options(${target} PRIVATE -Wall -Wextra -Werror -O3)
  target_compile_definitions(${target} PRIVATE CARD_KERNEL=${kernel} CARD_KERNEL_ARGS=HLS_${upper}_ARGS
                                               HLS_CHANNELS_LOG2=${channels_log2})
  if(units_${kernel} GREATER 1) # each unit's thread has its own memory; the library is opened at run time
    target_compile_definitions(${target} PRIVATE HLS_UNITS_ARE_THREADS)
  endif()
  if(ARGC GREATER 3)
    target_compile_definitions(${target} PRIVATE HLS_FAULT=${ARGV3})
  endif()
endfunction()

# card_library(NAME CHANNELS_LOG2 KERNELS... [FAULTS KERNEL NUMBER]): a shared object of kernels, one of them perhaps with
# a fault
function(card_library name channels_log2)
  cmake_parse_arguments(A "" "" "FAULTS" ${ARGN})
  add_library(${name} MODULE)
  foreach(kernel IN LISTS A_UNPARSED_ARGUMENTS)
    if(kernel IN_LIST A_FAULTS)
      list(GET A_FAULTS 1 fault)
      card_kernel(objects ${kernel} ${channels_log2} ${fault})
    else()
      card_kernel(objects ${kernel} ${channels_log2})
    endif()
    target_sources(${name} PRIVATE $<TARGET_OBJECTS:${objects}>)
  endforeach()
  set_target_properties(${name} PROPERTIES LINKER_LANGUAGE C LIBRARY_OUTPUT_DIRECTORY ${CMAKE_CURRENT_BINARY_DIR})
endfunction()

# zkp_card_image(NAME LIBRARY [MODE mode] [ARGS card-pack's arguments...] [KERNELS KERNEL=UNITS...]): an image of a shared
# object (a target, or a file with a target that makes it as DEPENDS), NAME.xclbin and its manifest entry NAME.entry
function(zkp_card_image name library)
  cmake_parse_arguments(A "" "MODE" "ARGS;KERNELS;DEPENDS" ${ARGN})
  if(NOT A_MODE)
    set(A_MODE sw_emu)
  endif()
  if(TARGET ${library})
    set(file $<TARGET_FILE:${library}>)
  else()
    set(file ${library})
  endif()
  add_custom_command(OUTPUT ${emulated}/${name}.xclbin ${emulated}/${name}.entry
    COMMAND card-pack --out ${emulated}/${name}.xclbin --entry ${emulated}/${name}.entry --kernels ${file} --name ${name}
            --mode ${A_MODE} --channel-mib ${channel_mib} ${A_ARGS} image ${A_KERNELS}
    DEPENDS card-pack ${library} ${A_DEPENDS} VERBATIM COMMENT "Emulated image ${name}")
  set_property(GLOBAL APPEND PROPERTY ZKP_CARD_IMAGES ${emulated}/${name}.xclbin)
endfunction()

# The kernels that there are, and how many units of each the card has: two where the schedule has independent work for two
# (blocks of a matrix), so that running side by side is tried.
set(units_row_gather 1)
set(units_gl_lde 2)
set(units_gl_merkle 1)
set(units_fr_ntt 1)
set(units_bn_msm_g1 1)
set(units_bn_poseidon 1)
set(kernels)
foreach(kernel IN ITEMS row_gather gl_lde gl_merkle fr_ntt bn_msm_g1 bn_poseidon)
  if(EXISTS ${CMAKE_SOURCE_DIR}/hls/kernels/${kernel}.c)
    list(APPEND kernels ${kernel})
  endif()
endforeach()
set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/hls/kernels)

# card_image(NAME ARGS... KERNELS kernels...): an image of the manifest, with the usual units
set(entries)
macro(card_image name library)
  cmake_parse_arguments(C "" "" "ARGS;KERNELS" ${ARGN})
  set(units)
  foreach(kernel IN LISTS C_KERNELS)
    list(APPEND units ${kernel}=${units_${kernel}})
  endforeach()
  zkp_card_image(${name} ${library} ARGS ${C_ARGS} KERNELS ${units})
  list(APPEND entries ${emulated}/${name}.entry)
endmacro()

if(kernels)
  card_library(card_kernels 4 ${kernels})
  card_image(emulated card_kernels KERNELS ${kernels})
  card_image(emulated_hw card_kernels ARGS --mode hw_emu KERNELS ${kernels})
  # what the images for cards have, with their number of channels: stark and msm as for a U55C, fr as for a U250
  foreach(image IN ITEMS stark:3:row_gather,gl_lde,gl_merkle msm:3:row_gather,bn_msm_g1 fr:1:row_gather,fr_ntt,bn_poseidon)
    string(REPLACE ":" ";" image ${image})
    list(GET image 0 name)
    list(GET image 1 channels_log2)
    list(GET image 2 composition)
    string(REPLACE "," ";" composition ${composition})
    set(missing ${composition})
    list(REMOVE_ITEM missing ${kernels})
    if(NOT missing)
      card_library(card_kernels_${name} ${channels_log2} ${composition})
      card_image(${name} card_kernels_${name} ARGS --channels-log2 ${channels_log2} KERNELS ${composition})
    endif()
  endforeach()
  # what has to be refused
  foreach(break IN ITEMS uuid hash platform length)
    card_image(broken_${break} card_kernels ARGS --break ${break} KERNELS ${kernels})
  endforeach()
  card_image(other_card card_kernels ARGS --platform xilinx_u250_gen3x16_xdma_4_1_202210_1 KERNELS ${kernels})
  # one kernel each with a deliberate fault of its arithmetic, which no job misses; row_gather has none and takes the first of
  # its own
  set(core_fault_gl_lde 3)
  set(core_fault_gl_merkle 12)
  set(core_fault_fr_ntt 133)
  set(core_fault_bn_msm_g1 137)
  set(core_fault_bn_poseidon 133)
  foreach(kernel IN LISTS kernels)
    set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/hls/kernels/${kernel}.c)
    file(READ ${CMAKE_SOURCE_DIR}/hls/kernels/${kernel}.c text)
    set(fault ${core_fault_${kernel}})
    if(NOT fault AND text MATCHES "HLS_FAULTY\\(([0-9]+)")
      set(fault ${CMAKE_MATCH_1})
    endif()
    if(fault)
      card_library(card_kernels_faulty_${kernel} 4 ${kernels} FAULTS ${kernel} ${fault})
      card_image(faulty_${kernel} card_kernels_faulty_${kernel} KERNELS ${kernels})
    endif()
  endforeach()
endif()

if(ZKP_RTL_MODELS) # hls/rtl: RTL under Verilator, one of them with a fault
  foreach(rtl IN ITEMS rtl_gl_mul_vector rtl_gl_mul_vector_faulty)
    get_target_property(file ${rtl} RTL_MODEL)
    zkp_card_image(${rtl} ${file} MODE hw_emu DEPENDS ${rtl} ARGS --channels-log2 0 --extra gl_mul_vector:R=a,R=b,R=c,W=rows)
  endforeach()
endif()

add_custom_command(OUTPUT ${emulated}/manifest.json COMMAND card-pack --out ${emulated}/manifest.json manifest ${entries}
                   DEPENDS card-pack ${entries} VERBATIM)
get_property(images GLOBAL PROPERTY ZKP_CARD_IMAGES)
add_custom_target(emulated_card ALL
                  DEPENDS ${emulated}/manifest.json ${emulated}/emconfig.json ${images} genericpciemodel emulated_zkp_card cardpreload)
