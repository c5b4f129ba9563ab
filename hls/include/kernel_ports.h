/* Ports of the kernels: parameters and arguments for a buffer that is striped over HLS_CHANNELS
 * channels (a power of two; the image's build decides, 16 if it says nothing).
 *
 *   void gl_lde(HLS_GL_LDE_ARGS(HLS_PARAM_ROWS, HLS_PARAM_U32, HLS_PARAM_U64))   a kernel's head
 *   load(HLS_PASS_ROWS(src), src_row)                                            passing a buffer
 * on
 */
#ifndef ZKP_HLS_INCLUDE_KERNEL_PORTS_H
#define ZKP_HLS_INCLUDE_KERNEL_PORTS_H

#include "hls/include/hls_pragma.h"
#include "hls/include/kernel_abi.h"

#ifndef HLS_CHANNELS_LOG2
#define HLS_CHANNELS_LOG2 4
#endif
#define HLS_CHANNELS (1u << HLS_CHANNELS_LOG2)

#define HLS_PARAM_U32(name) uint32_t name
#define HLS_PARAM_U64(name) uint64_t name

/* HLS_EACH(X, name): X(name, 0), X(name, 1), ... */
#if HLS_CHANNELS_LOG2 == 0
#define HLS_EACH(X, n) X(n, 0)
#elif HLS_CHANNELS_LOG2 == 1
#define HLS_EACH(X, n) X(n, 0), X(n, 1)
#elif HLS_CHANNELS_LOG2 == 2
#define HLS_EACH(X, n) X(n, 0), X(n, 1), X(n, 2), X(n, 3)
#elif HLS_CHANNELS_LOG2 == 3
#define HLS_EACH(X, n) X(n, 0), X(n, 1), X(n, 2), X(n, 3), X(n, 4), X(n, 5), X(n, 6), X(n, 7)
#elif HLS_CHANNELS_LOG2 == 4
#define HLS_EACH(X, n)                                                                             \
    X(n, 0), X(n, 1), X(n, 2), X(n, 3), X(n, 4), X(n, 5), X(n, 6), X(n, 7), X(n, 8), X(n, 9),      \
        X(n, 10), X(n, 11), X(n, 12), X(n, 13), X(n, 14), X(n, 15)
#else
#error "HLS_CHANNELS_LOG2 is 0 .. 4"
#endif

#define HLS_PARAM_PORT(name, channel) hls_row *name##_##channel
#define HLS_PASS_PORT(name, channel) name##_##channel
#define HLS_PARAM_ROWS(name) HLS_EACH(HLS_PARAM_PORT, name)
#define HLS_PASS_ROWS(name) HLS_EACH(HLS_PASS_PORT, name)

/* HLS_REPEAT(X, a, b): X(a, b, 0) X(a, b, 1) ..., once for each channel, for statements */
#define HLS_REPEAT_1(X, a, b) X(a, b, 0)
#define HLS_REPEAT_2(X, a, b) HLS_REPEAT_1(X, a, b) X(a, b, 1)
#define HLS_REPEAT_4(X, a, b) HLS_REPEAT_2(X, a, b) X(a, b, 2) X(a, b, 3)
#define HLS_REPEAT_8(X, a, b) HLS_REPEAT_4(X, a, b) X(a, b, 4) X(a, b, 5) X(a, b, 6) X(a, b, 7)
#define HLS_REPEAT_16(X, a, b)                                                                     \
    HLS_REPEAT_8(X, a, b)                                                                          \
    X(a, b, 8)                                                                                     \
    X(a, b, 9)                                                                                     \
    X(a, b, 10)                                                                                    \
    X(a, b, 11)                                                                                    \
    X(a, b, 12)                                                                                    \
    X(a, b, 13)                                                                                    \
    X(a, b, 14)                                                                                    \
    X(a, b, 15)
#if HLS_CHANNELS_LOG2 == 0
#define HLS_REPEAT HLS_REPEAT_1
#elif HLS_CHANNELS_LOG2 == 1
#define HLS_REPEAT HLS_REPEAT_2
#elif HLS_CHANNELS_LOG2 == 2
#define HLS_REPEAT HLS_REPEAT_4
#elif HLS_CHANNELS_LOG2 == 3
#define HLS_REPEAT HLS_REPEAT_8
#else
#define HLS_REPEAT HLS_REPEAT_16
#endif

/* A buffer's pointers, one a channel, on the AXI ports set_0, set_1, ...: arguments that name the
 * same set share its ports (a port reads and writes at the same time, but one place each). TOP in
 * front of the kernel, INTERFACE first in its body. */
#define HLS_TOP_ROWS(name, set) HLS_REPEAT(HLS_TOP_PORT, name, set)
#define HLS_INTERFACE_ROWS(name, set) HLS_REPEAT(HLS_INTERFACE_PORT, name, set)
/* The same with one port, set, for all channels: for a kernel that moves little, since a card's
 * memory takes a bounded number of ports (bitstreams/README.md). */
#define HLS_TOP_ROWS_ONE(name, set) HLS_REPEAT(HLS_TOP_ONE, name, set)
#define HLS_INTERFACE_ROWS_ONE(name, set) HLS_REPEAT(HLS_INTERFACE_ONE, name, set)

/* The kernels. */
#define HLS_DECLARE_KERNEL(name, ARGUMENTS)                                                        \
    void name(ARGUMENTS(HLS_PARAM_ROWS, HLS_PARAM_U32, HLS_PARAM_U64));
HLS_KERNELS(HLS_DECLARE_KERNEL)

#endif
