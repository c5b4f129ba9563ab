/** The three counters that can be computed exactly, and their enforcement (executor specification,
 * section 9.2).
 *
 *  The reference checks in advance: before an operation it asks whether the budget still covers the
 * worst case, and if not the whole batch is out of counters. counters_need_* are those checks;
 * counters_add_* is what was really used. With enforced == false the checks always pass and only
 * the counting remains. */
#ifndef ZKP_HOST_EXECUTOR_COUNTERS_H
#define ZKP_HOST_EXECUTOR_COUNTERS_H

#include "host/executor/types.h"

/** Budgets of forks 4-6: the hard limit less 5 %, but paddingPG, which is checked against the hard
 * limit. */
#define COUNTERS_KECCAK_F_BUDGET 2258
#define COUNTERS_POSEIDON_G_BUDGET 265639
#define COUNTERS_PADDING_PG_BUDGET 149796
/** Worst case of one access to a tree of depth 256: what "257 * k free" multiplies. */
#define COUNTERS_POSEIDON_PER_ACCESS 257

typedef struct exec_counters {
    uint64_t ecrecover; /**< signatures recovered: transactions that reach the check, and precompile
                           calls */
    uint64_t keccak_f;  /**< Keccak blocks */
    uint64_t padding_pg; /**< 56-byte bytecode blocks */
    uint64_t poseidon_g; /**< Poseidon permutations of the reference, not of this executor */
    bool enforced;
    uint64_t keccak_reserve; /**< blocks kept free for the hash of the batch */
} exec_counters;

/** poseidonG must have 257 * k + extra free. */
static inline exec_fault counters_need_poseidon(const exec_counters *c, uint64_t k, uint64_t extra)
{
    if (c->enforced &&
        c->poseidon_g + k * COUNTERS_POSEIDON_PER_ACCESS + extra > COUNTERS_POSEIDON_G_BUDGET)
        return EXEC_FAULT_OOC_POSEIDON;
    return EXEC_FAULT_NONE;
}

/** keccakF must have this many blocks free beside the reserve for the batch hash. */
static inline exec_fault counters_need_keccak(const exec_counters *c, uint64_t blocks)
{
    if (c->enforced && c->keccak_f + blocks + c->keccak_reserve > COUNTERS_KECCAK_F_BUDGET)
        return EXEC_FAULT_OOC_KECCAK;
    return EXEC_FAULT_NONE;
}

static inline exec_fault counters_need_padding(const exec_counters *c, uint64_t blocks)
{
    if (c->enforced && c->padding_pg + blocks > COUNTERS_PADDING_PG_BUDGET)
        return EXEC_FAULT_OOC_PADDING;
    return EXEC_FAULT_NONE;
}

/** A Keccak digest of len bytes was computed. */
static inline void counters_add_keccak(exec_counters *c, uint64_t len)
{
    c->keccak_f += len / 136 + 1;
}

/** A bytecode of len bytes was hashed: padding blocks, and as many permutations. */
static inline void counters_add_code_hash(exec_counters *c, uint64_t len)
{
    uint64_t blocks = len / 56 + 1;
    c->padding_pg += blocks;
    c->poseidon_g += blocks;
}

#endif
