# The sources of this folder that need no C library beyond memcpy, memset, memcmp and memmove; the
# RISC-V guest is built from them.
set(ZKP_FIELD_FREESTANDING_SOURCES
    ${CMAKE_CURRENT_LIST_DIR}/gl_poseidon.c
    ${CMAKE_CURRENT_LIST_DIR}/goldilocks.c
    ${CMAKE_CURRENT_LIST_DIR}/keccak.c)
