/* What an HLS tool is told, one macro for each hint; nothing for an ordinary compiler.
 *
 * Vitis HLS (which defines __VITIS_HLS__, in synthesis also __SYNTHESIS__) gets its pragmas and the
 * loops' labels. Bambu (__BAMBU__) rejects a pipeline pragma on a loop and takes its directives
 * from the command line, so it gets nothing, like gcc and clang. A label that nothing jumps to is a
 * warning under -Wall: hence the macro. Macros stand alone on a line, without a semicolon. */
#ifndef ZKP_HLS_INCLUDE_HLS_PRAGMA_H
#define ZKP_HLS_INCLUDE_HLS_PRAGMA_H

#if (defined(__VITIS_HLS__) || defined(__SYNTHESIS__)) && !defined(__BAMBU__)
/* clang-format off */ /* a pragma's text stays as its tool documents it */
#define HLS_PRAGMA(text) _Pragma(#text)
/* in front of a loop: its name in the reports */
#define HLS_LOOP(name) name:
/* first in a loop's or a function's body: a new iteration (call) each ii cycles */
#define HLS_PIPELINE(ii) HLS_PRAGMA(HLS pipeline II=ii)
/* first in a loop's body: all iterations side by side */
#define HLS_UNROLL() HLS_PRAGMA(HLS unroll)
/* first in a function's body: no module of its own */
#define HLS_INLINE() HLS_PRAGMA(HLS inline)
/* after an array's declaration: registers instead of a memory with two ports */
#define HLS_REGISTERS(array) HLS_PRAGMA(HLS array_partition variable=array complete dim=0)
/* after a variable's declaration: the products it is made of are not for DSPs; with
 * HLS_PRODUCTS_IN_DSPS the tool chooses */
#ifdef HLS_PRODUCTS_IN_DSPS
#define HLS_BIND_FABRIC(name)
#else
#define HLS_BIND_FABRIC(name) HLS_PRAGMA(HLS bind_op variable=name op=mul impl=fabric)
#endif
/* clang-format on */
#else
#define HLS_LOOP(name)
#define HLS_PIPELINE(ii)
#define HLS_UNROLL()
#define HLS_INLINE()
#define HLS_REGISTERS(array)
#define HLS_BIND_FABRIC(name)
#endif

/* a kernel's large memory, in front of its declaration: each compute unit has its own, and where a
 * kernel is a function of a process, a thread is a compute unit */
#if defined(__SYNTHESIS__) || defined(__BAMBU__)
#define HLS_MEMORY static
#else
#define HLS_MEMORY static __thread
#endif

#endif
