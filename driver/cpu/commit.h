/** Commitments of the CPU back end: what a handle of DRV_COMMIT stands for.
 *
 * A commitment keeps the extended matrix (DRV_LEAVES: the caller's) and the whole tree, both from
 * the run's budget. Made by one call, then only read: any thread. */
#ifndef ZKP_DRIVER_CPU_COMMIT_H
#define ZKP_DRIVER_CPU_COMMIT_H

#include "driver/cpu/kernels.h"

typedef struct cpu_commitment {
    drv_matrix leaves;     /**< the extended matrix, or the caller's leaves */
    uint64_t matrix_words; /**< of leaves.data, if it is ours; else 0 */
    uint64_t *tree;        /**< as cpu_merkle_words says */
    uint64_t tree_words;
    uint32_t cap_log2;
    drv_hash hash;
} cpu_commitment;

/** DRV_COMMIT. *out is NULL on failure, and nothing is left allocated. */
p_status cpu_commit(const cpu_run *run, const drv_commit_job *job, cpu_commitment **out,
                    p_err *err);

/** commitment may be NULL. */
void cpu_commit_free(p_memory *memory, cpu_commitment *commitment);

/** Bytes that cpu_commit takes from the budget at its highest. */
uint64_t cpu_commit_bytes(const cpu_run *run, const drv_commit_job *job);

/** DRV_OPEN, DRV_READ. Take nothing from the budget. */
p_status cpu_commit_open(const cpu_run *run, const cpu_commitment *commitment,
                         const drv_open_job *job, p_err *err);
p_status cpu_commit_read(const cpu_run *run, const cpu_commitment *commitment,
                         const drv_read_job *job, p_err *err);

#endif
