/* The texts of the programs, embedded by embed.cmake. */
#ifndef ZKP_DRIVER_OPENCL_OCL_PROGRAM_H
#define ZKP_DRIVER_OPENCL_OCL_PROGRAM_H

extern const char OCL_PROGRAM_plain[];
extern const char OCL_PROGRAM_lanes[];

#endif
