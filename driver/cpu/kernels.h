/** The kernels of the CPU back end: what cpu.c calls, file by file.
 *
 * Each takes a cpu_run (threads, instruction set, budget, cancel) first, uses every thread of the
 * pool, polls cancel often enough to end within 100 ms, and is deterministic: the same bits for
 * every instruction set and thread count. Arguments were validated by driver.c; shapes and numbers
 * are those of driver.h. Scratch memory comes from run->memory. Any thread; several kernels may run
 * on one pool at once. */
#ifndef ZKP_DRIVER_CPU_KERNELS_H
#define ZKP_DRIVER_CPU_KERNELS_H

#include "driver/base/isa.h"
#include "driver/base/memory.h"
#include "driver/base/pool.h"
#include "driver/driver.h"

typedef struct cpu_bn_poseidon_set cpu_bn_poseidon_set; /* bn_poseidon_set.h */

typedef struct cpu_run {
    p_pool *pool;
    p_memory *memory;
    const p_cancel *cancel; /**< may be NULL */
    p_isa isa;
    cpu_bn_poseidon_set *bn_poseidon; /**< the device's; kernels over BN254 hashes need it */
} cpu_run;

/* ---- gl_ntt.c ---- */

/** DRV_NTT over Goldilocks. */
p_status cpu_gl_ntt(const cpu_run *run, const drv_ntt_job *job, p_err *err);

/** Low-degree extension of the blocks first .. first + count - 1 (of eight columns) of in into out,
 * which has the rows 2^(log_rows + log_blowup) in natural order at 7 * omega^i (drv_input
 * DRV_VALUES or DRV_COEFFICIENTS). in is unchanged; in and out are whole matrices and do not
 * overlap. out's filling columns become 0. */
p_status cpu_gl_lde(const cpu_run *run, const drv_matrix *in, drv_input input, uint32_t log_blowup,
                    const drv_matrix *out, uint64_t first, uint64_t count, p_err *err);

/** Scratch bytes of a call beyond in and out. */
uint64_t cpu_gl_ntt_scratch(const cpu_run *run, const drv_ntt_job *job);
uint64_t cpu_gl_lde_scratch(const cpu_run *run, uint32_t log_rows, uint32_t log_blowup);

/* ---- gl_merkle.c (DRV_HASH_GL) and bn_merkle.c (DRV_HASH_BN254) ---- */

/** A tree has all its levels from the leaves' digests up to the cap in one array, level after
 * level, leaves first. */
uint64_t cpu_merkle_words(drv_hash hash, uint32_t log_leaves, uint32_t cap_log2);

/** Hashing leaves as their blocks arrive. state: GL: 4 words a leaf (the capacity between blocks;
 * in the end the leaf's digest), which is the first level of the tree, so no more memory is needed.
 * begin sets it up; absorb takes the blocks first .. first + count - 1 of leaves (in order, each
 * once); finish builds the levels above in tree and copies the cap. */
p_status cpu_gl_merkle_begin(const cpu_run *run, uint32_t log_leaves, uint64_t *tree, p_err *err);
p_status cpu_gl_merkle_absorb(const cpu_run *run, const drv_matrix *leaves, uint64_t first,
                              uint64_t count, uint64_t *tree, p_err *err);
p_status cpu_gl_merkle_finish(const cpu_run *run, uint32_t log_leaves, uint32_t cap_log2,
                              uint64_t *tree, uint64_t *cap, p_err *err);

/** The whole tree of a matrix at once. */
p_status cpu_bn_merkle(const cpu_run *run, const drv_matrix *leaves, uint32_t cap_log2,
                       uint64_t *tree, uint64_t *cap, p_err *err);

/** One path out of a tree of either hash: levels * (arity - 1) digests. */
void cpu_merkle_path(drv_hash hash, const uint64_t *tree, uint32_t log_leaves, uint32_t cap_log2,
                     uint64_t leaf, uint64_t *path);

/* ---- bn_ntt.c ---- */

/** DRV_NTT over BN254 Fr. */
p_status cpu_bn_ntt(const cpu_run *run, const drv_ntt_job *job, p_err *err);
uint64_t cpu_bn_ntt_scratch(const cpu_run *run, const drv_ntt_job *job);

/* ---- bn_msm.c ---- */

typedef struct cpu_msm_points cpu_msm_points;

p_status cpu_msm_load(const cpu_run *run, const drv_msm_load_job *job, cpu_msm_points **out,
                      p_err *err);
void cpu_msm_free(p_memory *memory, cpu_msm_points *points);
p_status cpu_msm(const cpu_run *run, const cpu_msm_points *points, const drv_msm_job *job,
                 p_err *err);
uint64_t cpu_msm_load_bytes(const drv_msm_load_job *job);
uint64_t cpu_msm_scratch(const cpu_run *run, drv_group group, uint64_t count);

/* ---- poseidon.c ---- */

/** DRV_POSEIDON over either field. */
p_status cpu_poseidon(const cpu_run *run, const drv_poseidon_job *job, p_err *err);

/* ---- bn_poseidon_batch.c ---- */

/** DRV_POSEIDON over BN254 Fr. Words that are not below r stand for their residue. */
p_status cpu_bn_poseidon(const cpu_run *run, const drv_poseidon_job *job, p_err *err);

#endif
