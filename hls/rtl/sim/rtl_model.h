/* The RTL of hls/rtl as Verilator compiles it, for tests and the emulated card. C and C++.
 *
 * gl_mul_model: one gl_mul_blackbox and its clock. create, then cycles, then destroy; one thread an
 * object. fault: a deliberate fault of gl_fault.vh, 0 for the RTL as it is; there are two builds
 * inside, with faults and without. */
#ifndef ZKP_HLS_RTL_SIM_RTL_MODEL_H
#define ZKP_HLS_RTL_SIM_RTL_MODEL_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct gl_mul_model gl_mul_model;

typedef struct gl_mul_in {
    uint64_t a, b;
    unsigned reset, enable, start; /* 0 or 1 */
} gl_mul_in;

typedef struct gl_mul_out {
    uint64_t r;
    unsigned done, ready, idle;
} gl_mul_out;

/* NULL without memory. */
gl_mul_model *gl_mul_model_create(unsigned fault);
void gl_mul_model_destroy(gl_mul_model *m);

/* One cycle: applies in; out is what the outputs show before the cycle's rising edge, with ready
 * and idle for in. */
void gl_mul_model_cycle(gl_mul_model *m, const gl_mul_in *in, gl_mul_out *out);

/* gl_mul64_blackbox: sends a pair in each cycle, takes what comes with done and both valid signals.
 * Returns the cycles from the first pair to the first product, 0 if products do not come one a
 * cycle from then on. 64 cycles at most. */
unsigned gl_mul64_model_run(const uint64_t *a, const uint64_t *b, uint64_t *low, uint64_t *high,
                            unsigned long count);

/* ---- gl_mul_vector, as the emulated card calls it ---- */

/* args: addresses of a, b and c, each rows of 64 bytes, and rows. Runs the RTL to its end with
 * memories that are always ready and answer CARD_RTL_MEMORY_LATENCY cycles after an address.
 * Addresses outside of the three buffers are not followed. */
void card_call_gl_mul_vector(const uint64_t *args);

/* Cycles from ap_start to ap_done of the calling thread's last run; UINT64_MAX if it had none, or
 * if the RTL left its buffers or did not end. */
uint64_t card_cycles_gl_mul_vector(void);

#define CARD_RTL_MEMORY_LATENCY 64

/* The same with memories that refuse and delay at random: seed 0 is as above. For tests. */
void gl_mul_vector_run(const uint64_t *args, uint64_t seed);

#ifdef __cplusplus
}
#endif

#endif
