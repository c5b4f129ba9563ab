/** Gas constants: Berlin's, with the EIP that set each; where the executor deviates the comment
 * says so (executor specification, section 4). */
#ifndef ZKP_HOST_EXECUTOR_GAS_H
#define ZKP_HOST_EXECUTOR_GAS_H

#include "host/executor/types.h"

/* Tiers of the Yellow Paper, appendix G. */
#define GAS_JUMPDEST 1
#define GAS_BASE 2
#define GAS_VERY_LOW 3
#define GAS_LOW 5
#define GAS_MID 8
#define GAS_HIGH 10
#define GAS_BLOCKHASH 20

#define GAS_EXP 10
#define GAS_EXP_BYTE 50 /* EIP-160 */
#define GAS_SHA3 30
#define GAS_SHA3_WORD 6
#define GAS_COPY_WORD 3
#define GAS_LOG 375
#define GAS_LOG_TOPIC 375
#define GAS_LOG_BYTE 8

#define GAS_MEMORY_WORD 3
#define GAS_MEMORY_QUADRATIC 512
/** No memory may end above this (2^22 - 32): such an access halts the frame. */
#define GAS_MEMORY_MAX_BYTES UINT64_C(0x3fffe0)

#define GAS_WARM 100                /* EIP-2929 */
#define GAS_COLD_ACCOUNT 2600       /* EIP-2929 */
#define GAS_COLD_ACCOUNT_EXTRA 2500 /* above GAS_WARM */
#define GAS_COLD_SLOT 2100          /* EIP-2929 */
#define GAS_COLD_SLOT_EXTRA 2000    /* above GAS_WARM */

#define GAS_SSTORE_SENTRY 2300 /* EIP-2200: this much or less halts */
#define GAS_SSTORE_SET 20000
#define GAS_SSTORE_RESET 2900          /* 5000 - GAS_COLD_SLOT */
#define GAS_SSTORE_CLEARS_REFUND 15000 /* EIP-3529 is not in force */
#define GAS_SSTORE_RESET_TO_ZERO_REFUND (GAS_SSTORE_SET - GAS_WARM)
#define GAS_SSTORE_RESET_TO_ORIGINAL_REFUND (GAS_SSTORE_RESET - GAS_WARM)

#define GAS_CALL_VALUE 9000
#define GAS_NEW_ACCOUNT 25000 /* EIP-161 */
#define GAS_CALL_STIPEND 2300
#define GAS_CREATE 32000
#define GAS_CODE_DEPOSIT_BYTE 200
#define GAS_SENDALL 5000 /* EIP-150, of SELFDESTRUCT */

#define GAS_ECRECOVER 3000
#define GAS_IDENTITY 15
#define GAS_IDENTITY_WORD 3

/** EIP-170. */
#define GAS_MAX_CODE_BYTES 0x6000

/** What is left after withholding one 64th (EIP-150). */
static inline uint64_t gas_all_but_one_64th(uint64_t gas)
{
    return gas - gas / 64;
}

/** 32-byte words that hold len bytes; len is below 2^63. */
static inline uint64_t gas_words(uint64_t len)
{
    return (len + 31) / 32;
}

/** The price of a whole memory of so many words; words is below 2^32. */
static inline uint64_t gas_memory(uint64_t words)
{
    return GAS_MEMORY_WORD * words + words * words / GAS_MEMORY_QUADRATIC;
}

#endif
