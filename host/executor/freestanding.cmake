# The sources that are also compiled for RV64IM without a C library: all of this folder. The including file adds the
# freestanding subset of driver/field.
file(GLOB ZKP_EXECUTOR_FREESTANDING_SOURCES CONFIGURE_DEPENDS ${CMAKE_CURRENT_LIST_DIR}/*.c)
