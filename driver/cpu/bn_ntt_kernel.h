/** The part of the Fr NTT that exists once for each instruction set: the transforms of one tile.
 *
 * A tile is eight transforms of the same size side by side, small enough for the second-level
 * cache. Row j of a tile is element j of each of the eight, so all lanes of a row have the same
 * factors. bn_ntt.c cuts large transforms into tiles. Any thread, each with its own scratch. */
#ifndef ZKP_DRIVER_CPU_BN_NTT_KERNEL_H
#define ZKP_DRIVER_CPU_BN_NTT_KERNEL_H

#include "driver/cpu/kernels.h"
#include "driver/field/bn_fr.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define BN_NTT_LANES 8
#define BN_NTT_TILE_LOG 10 /**< rows of a tile at most */
#define BN_NTT_ROW_BYTES 320

/** An element as the kernel that made it multiplies by it. */
typedef struct bn_ntt_factor {
    uint64_t l[5];
} bn_ntt_factor;

/** Factors of the stages of a transform of 2^log_n, entries 1 .. 2^log_n - 1: the stage that joins
 * or splits pairs of blocks of h elements has the h (up) or 2^log_n / (2 h) (down) factors that
 * start at that number.
 *   up:   entry h + j = w_{2h}^j g^(2^log_n / 2h), for x[k] g^k transformed at the powers of w;
 *   down: entry b + i = w_{2b}^rev(i) g^(2^log_n / 2b), rev within the bits of b, the same map.
 * plain: g is 1, so that the first factor of every stage is 1. */
typedef struct bn_ntt_table {
    const bn_ntt_factor *factor;
    bool plain;
} bn_ntt_table;

typedef struct bn_ntt_tile {
    uint64_t *lane[BN_NTT_LANES]; /**< element 0 of each transform; in place */
    size_t distance;              /**< words from an element to the next of the same transform */
    bool adjacent;                /**< lane[i] = lane[0] + 4 i */
    unsigned log_n;               /**< 0 .. BN_NTT_TILE_LOG */
    bool up;   /**< bit-reversed in, natural out; else natural in, reversed out */
    bool swap; /**< write element i to the place with i's bits in reverse */
    bool last; /**< write canonical elements, else any four words that this
                  kernel reads as the same element */
    bn_ntt_table table;
    const bn_ntt_factor *out; /**< NULL, or for each row a factor of what is written */
    bool twist;               /**< multiply element j of lane i by start[i] * step[i]^j: down
                                 what is read, up what is written */
    bn_fr start[BN_NTT_LANES], step[BN_NTT_LANES];
} bn_ntt_tile;

typedef struct bn_ntt_kernel {
    void (*factors)(bn_ntt_factor *out, const bn_fr *in, size_t count);
    /** rows: BN_NTT_ROW_BYTES << log_n bytes of scratch, aligned to 64. Elements read may be any
     * below 4 p. */
    void (*tile)(const bn_ntt_tile *t, void *rows);
} bn_ntt_kernel;

extern const bn_ntt_kernel bn_ntt_portable;
#if defined(__x86_64__)
extern const bn_ntt_kernel bn_ntt_avx2;
extern const bn_ntt_kernel bn_ntt_ifma;
#endif

/** cpu_bn_ntt with tiles of at most 2^tile_log rows, 3 .. BN_NTT_TILE_LOG, log_n <= 3 tile_log: so
 * that tests see all levels at small sizes. */
p_status bn_ntt_tiled(const cpu_run *run, const drv_ntt_job *job, unsigned tile_log, p_err *err);

#endif
