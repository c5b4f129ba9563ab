/** The three counters that can be computed exactly, two that are bounded from below, and their
 * enforcement (executor specification, section 9.2).
 *
 * The reference checks in advance: before an operation it asks whether the budget still covers the
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

/* steps and arith belong to the reference's program and cannot be known without running it. What is
 * counted of them is a part that never exceeds them: for each jump the code that was passed since
 * the last one, at the steps that the cheapest byte of code takes; for the loops within EXP and the
 * copies of code the shortest way through them; and for each recovered signature less than any was
 * seen to take. So a batch that runs out of them here runs out of them there; one that runs out
 * there by less than about a factor of two does not here. binary and memAlign are not counted. */
#define COUNTERS_STEPS_BUDGET 7968988
#define COUNTERS_ARITH_BUDGET 249037
/** Free before each transaction. */
#define COUNTERS_TX_STEPS 100000
/** Free before each signature. */
#define COUNTERS_SIGNATURE_STEPS 6400
#define COUNTERS_SIGNATURE_ARITH 1100
/** What a signature that has a signer takes at least (seen: 5600 and 430). */
#define COUNTERS_SIGNATURE_LEAST_STEPS 4500
#define COUNTERS_SIGNATURE_LEAST_ARITH 380
/** A byte of code: a PUSH of twenty bytes takes 9.7 steps for each byte, a JUMPDEST 12. */
#define COUNTERS_CODE_BYTE_LEAST_STEPS 8
/** A jump beyond what its byte takes. */
#define COUNTERS_JUMP_LEAST_STEPS 12
/** A bit of the exponent of EXP, below its highest one too (the base is not 0). */
#define COUNTERS_EXPONENT_BIT_LEAST_STEPS 80
/** A byte that CODECOPY of a contract or EXTCODECOPY writes. */
#define COUNTERS_COPIED_BYTE_LEAST_STEPS 30

typedef struct exec_counters {
    uint64_t ecrecover; /**< signatures recovered: transactions that reach the check, and precompile
                           calls */
    uint64_t keccak_f;  /**< Keccak blocks */
    uint64_t padding_pg;  /**< 56-byte bytecode blocks */
    uint64_t poseidon_g;  /**< Poseidon permutations of the reference, not of this executor */
    uint64_t steps_least; /**< no more than the reference's steps */
    uint64_t arith_least; /**< no more than the reference's arith */
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

static inline exec_fault counters_need_steps(const exec_counters *c, uint64_t steps)
{
    if (c->enforced && c->steps_least + steps > COUNTERS_STEPS_BUDGET)
        return EXEC_FAULT_OOC_STEPS;
    return EXEC_FAULT_NONE;
}

static inline exec_fault counters_need_arith(const exec_counters *c, uint64_t operations)
{
    if (c->enforced && c->arith_least + operations > COUNTERS_ARITH_BUDGET)
        return EXEC_FAULT_OOC_ARITH;
    return EXEC_FAULT_NONE;
}

static inline exec_fault counters_need_padding(const exec_counters *c, uint64_t blocks)
{
    if (c->enforced && c->padding_pg + blocks > COUNTERS_PADDING_PG_BUDGET)
        return EXEC_FAULT_OOC_PADDING;
    return EXEC_FAULT_NONE;
}

/** A jump, with the bytes of code since the last one, its own included. */
static inline void counters_add_jump(exec_counters *c, uint64_t bytes)
{
    c->steps_least += COUNTERS_CODE_BYTE_LEAST_STEPS * bytes + COUNTERS_JUMP_LEAST_STEPS;
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
