/* What C99 and OpenCL C 1.2 call differently. Every header of hls/ includes this instead of
 * stdint.h.
 *
 * OpenCL C has the integer types built in under other names, and arrays at program scope have to
 * lie in the constant address space, as has what a parameter points to that takes one of them:
 *
 *   static HLS_TABLE uint32_t PRIMES[2] = {3, 5};
 *   static inline uint32_t first(HLS_TABLE uint32_t primes[2]);
 *
 * A parameter with HLS_TABLE takes such tables only, any other pointer takes variables only. */
#ifndef ZKP_HLS_INCLUDE_HLS_LANGUAGE_H
#define ZKP_HLS_INCLUDE_HLS_LANGUAGE_H

#ifdef __OPENCL_C_VERSION__
typedef uchar uint8_t;
typedef ushort uint16_t;
typedef int int32_t;
typedef uint uint32_t;
typedef long int64_t;
typedef ulong uint64_t;
#define UINT32_C(c) c##U
#define UINT64_C(c) c##UL
#define HLS_TABLE __constant
#else
#include <stdint.h>
#define HLS_TABLE const
#endif

#endif
