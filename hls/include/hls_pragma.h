/* What an HLS tool is told, one macro for each hint; nothing for an ordinary compiler.
 *
 * Vitis HLS (which defines __VITIS_HLS__, in synthesis also __SYNTHESIS__) gets its pragmas and the
 * loops' labels. Bambu (__BAMBU__) rejects a pipeline pragma on a loop and takes its directives
 * from the command line, so of these it gets the interfaces and dataflow only; it wants the
 * interfaces in front of the function (HLS_TOP_...), offset=direct, lower case, while Vitis wants
 * them in the body (HLS_INTERFACE_...), offset=slave. A label that nothing jumps to is a warning
 * under -Wall: hence the macro. Macros stand alone on a line, without a semicolon. */
#ifndef ZKP_HLS_INCLUDE_HLS_PRAGMA_H
#define ZKP_HLS_INCLUDE_HLS_PRAGMA_H

/* clang-format off */ /* a pragma's text stays as its tool documents it */
#define HLS_PRAGMA(text) _Pragma(#text)
#if (defined(__VITIS_HLS__) || defined(__SYNTHESIS__)) && !defined(__BAMBU__)
/* in front of a loop: its name in the reports */
#define HLS_LOOP(name) name:
/* first in a loop's or a function's body: a new iteration (call) each ii cycles */
#define HLS_PIPELINE(ii) HLS_PRAGMA(HLS pipeline II=ii)
/* first in a loop's body: all iterations side by side */
#define HLS_UNROLL() HLS_PRAGMA(HLS unroll)
/* first in a function's body: no module of its own; a module of its own, one for all calls */
#define HLS_INLINE() HLS_PRAGMA(HLS inline)
#define HLS_NO_INLINE() HLS_PRAGMA(HLS inline off)
/* after an array's declaration: registers instead of a memory with two ports */
#define HLS_REGISTERS(array) HLS_PRAGMA(HLS array_partition variable=array complete dim=0)
/* after a variable's declaration: the products it is made of are not for DSPs; with
 * HLS_PRODUCTS_IN_DSPS the tool chooses */
#ifdef HLS_PRODUCTS_IN_DSPS
#define HLS_BIND_FABRIC(name)
#else
#define HLS_BIND_FABRIC(name) HLS_PRAGMA(HLS bind_op variable=name op=mul impl=fabric)
#endif
/* after an array's declaration: a memory for each index of this dimension (from 1) */
#define HLS_BANKS(array, dimension) HLS_PRAGMA(HLS array_partition variable=array complete dim=dimension)
/* after an array's declaration: UltraRAM or block RAM with one port to write and one to read */
#define HLS_URAM(array) HLS_PRAGMA(HLS bind_storage variable=array type=ram_2p impl=uram)
#define HLS_BRAM(array) HLS_PRAGMA(HLS bind_storage variable=array type=ram_2p impl=bram)
#define HLS_LUTRAM(array) HLS_PRAGMA(HLS bind_storage variable=array type=ram_2p impl=lutram)
/* in a pipelined loop's body: no iteration reads what an earlier one writes before it is there (the
 * comment beside it says why) */
#define HLS_NO_DEPENDENCE(array) HLS_PRAGMA(HLS dependence variable=array type=inter dependent=false)
/* in a pipelined loop's body: an iteration reads what was written this many iterations ago, or longer */
#define HLS_DISTANCE(array, iterations) HLS_PRAGMA(HLS dependence variable=array type=inter direction=RAW distance=iterations dependent=true)
/* in a loop's body: as many modules of this function at most, which is called more often */
#define HLS_LIMIT(called, modules) HLS_PRAGMA(HLS allocation function instances=called limit=modules)
/* in a loop's body: its bounds where they are arguments, for the reports */
#define HLS_TRIP(least, most) HLS_PRAGMA(HLS loop_tripcount min=least max=most)
/* first in the body of a function or a loop that calls processes: they run side by side */
#define HLS_DATAFLOW() HLS_PRAGMA(HLS dataflow)
/* first in a kernel's body: numbers (each) and start/done are registers of one bundle */
#define HLS_INTERFACE_CONTROL() HLS_PRAGMA(HLS interface mode=s_axilite port=return bundle=control)
#define HLS_INTERFACE_NUMBER(name) HLS_PRAGMA(HLS interface mode=s_axilite port=name bundle=control)
/* use HLS_INTERFACE_ROWS (kernel_ports.h); bursts of up to a piece (16 rows, 1 KiB, so none crosses 4 KiB), reads
 * and writes enough under way to hide about 400 ns of memory */
#define HLS_INTERFACE_BUNDLE(name, set)                                                            \
    HLS_PRAGMA(HLS interface mode=m_axi port=name offset=slave bundle=set                          \
               max_widen_bitwidth=512 max_read_burst_length=16 max_write_burst_length=16           \
               num_read_outstanding=16 num_write_outstanding=16 latency=64)                        \
    HLS_PRAGMA(HLS interface mode=s_axilite port=name bundle=control)
#define HLS_INTERFACE_PORT(name, set, channel) HLS_INTERFACE_BUNDLE(name##_##channel, set##_##channel)
/* the same on one port for all channels */
#define HLS_INTERFACE_ONE(name, set, channel) HLS_INTERFACE_BUNDLE(name##_##channel, set)
#else
#if defined(__OPENCL_C_VERSION__) && defined(HLS_OPENCL_UNROLL)
#define HLS_LOOP(name) _Pragma("unroll")
#else
#define HLS_LOOP(name)
#endif
#define HLS_PIPELINE(ii)
#define HLS_UNROLL()
#define HLS_INLINE()
#define HLS_NO_INLINE()
#define HLS_REGISTERS(array)
#define HLS_BIND_FABRIC(name)
#define HLS_BANKS(array, dimension)
#define HLS_URAM(array)
#define HLS_BRAM(array)
#define HLS_LUTRAM(array)
#define HLS_NO_DEPENDENCE(array)
#define HLS_DISTANCE(array, iterations)
#define HLS_LIMIT(called, modules)
#define HLS_TRIP(least, most)
#ifdef __BAMBU__
#define HLS_DATAFLOW() HLS_PRAGMA(HLS dataflow)
#else
#define HLS_DATAFLOW()
#endif
#define HLS_INTERFACE_CONTROL()
#define HLS_INTERFACE_NUMBER(name)
#define HLS_INTERFACE_PORT(name, set, channel)
#define HLS_INTERFACE_ONE(name, set, channel)
#endif
#ifdef __BAMBU__
#define HLS_TOP_PORT(name, set, channel)                                                           \
    HLS_PRAGMA(HLS interface port = name##_##channel mode = m_axi offset = direct bundle = set##_##channel)
#define HLS_TOP_ONE(name, set, channel) \
    HLS_PRAGMA(HLS interface port = name##_##channel mode = m_axi offset = direct bundle = set)
#else
#define HLS_TOP_PORT(name, set, channel)
#define HLS_TOP_ONE(name, set, channel)
#endif
/* clang-format on */

/* a kernel's large memory, in front of its declaration: one for each compute unit. Where kernels
 * are functions of a process, calls of one kernel must not overlap; unless HLS_UNITS_ARE_THREADS
 * says that every unit is a thread, and the kernels are in a library that is opened at run time: in
 * a program's own image, memory of threads is part of their stacks, and a bucket memory does not
 * fit there. */
#ifdef HLS_UNITS_ARE_THREADS
#define HLS_MEMORY static __thread
#else
#define HLS_MEMORY static
#endif

/* what one process of a dataflow region hands to the next, likewise; a tool makes two of it, and
 * for that has to see an automatic variable */
#if defined(__SYNTHESIS__) || defined(__BAMBU__)
#define HLS_CHANNEL
#else
#define HLS_CHANNEL HLS_MEMORY
#endif

#endif
