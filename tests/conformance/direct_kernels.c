/* The kernels of hls/kernels as functions of an array of arguments, for one number of channels:
 * compiled once for each, with the kernels' names given the suffix _k0, _k2, _k4 by the build. */
#include "tests/conformance/direct_kernels.h"

#include "hls/include/kernel_ports.h"

#define DECLARE(name, arguments) void name(arguments(HLS_PARAM_ROWS, HLS_PARAM_U32, HLS_PARAM_U64));
HLS_KERNELS(DECLARE)

/* a list as the declarators of one declaration, whose initializers run from left to right */
#define TAKE(name) name = *args++
#define TAKE_PORT(name, channel) name##_##channel = *args++
#define TAKE_ROWS(name) HLS_EACH(TAKE_PORT, name)

#define GIVE_U32(name) (uint32_t)(name)
#define GIVE_U64(name) name
#define GIVE_PORT(name, channel) (hls_row *)(uintptr_t)name##_##channel
#define GIVE_ROWS(name) HLS_EACH(GIVE_PORT, name)

#define CALL(name, arguments)                                                                      \
    static void call_##name(const uint64_t *args)                                                  \
    {                                                                                              \
        uint64_t arguments(TAKE_ROWS, TAKE, TAKE);                                                 \
        name(arguments(GIVE_ROWS, GIVE_U32, GIVE_U64));                                            \
    }
HLS_KERNELS(CALL)

#define JOIN2(a, b) a##b
#define JOIN(a, b) JOIN2(a, b)

direct_call *const JOIN(direct_calls_k, HLS_CHANNELS_LOG2)[] = {
#define ROW(name, arguments) call_##name,
    HLS_KERNELS(ROW)};
