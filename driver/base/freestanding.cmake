# The sources of this folder that need no C library beyond memcpy, memset, memcmp and memmove.
set(ZKP_BASE_FREESTANDING_SOURCES ${CMAKE_CURRENT_LIST_DIR}/hex.c)
