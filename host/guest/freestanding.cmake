# The sources of the guest itself. The first are compiled natively, too; the rest only for RV64IM.
set(ZKP_GUEST_FREESTANDING_SOURCES
    ${CMAKE_CURRENT_LIST_DIR}/recover.c
    ${CMAKE_CURRENT_LIST_DIR}/run.c)
set(ZKP_GUEST_RV64_SOURCES
    ${CMAKE_CURRENT_LIST_DIR}/memory.c
    ${CMAKE_CURRENT_LIST_DIR}/start.c)
