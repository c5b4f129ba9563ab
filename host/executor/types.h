/** Plain types of the executor. Freestanding (as everything in this folder): no libc beyond memcpy,
 * memset, memcmp, memmove; no allocation; compiled unchanged for RV64IM. */
#ifndef ZKP_HOST_EXECUTOR_TYPES_H
#define ZKP_HOST_EXECUTOR_TYPES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** A 160-bit account address, big-endian as written. */
typedef struct exec_address {
    uint8_t bytes[20];
} exec_address;

/** A 256-bit string (hash, topic), big-endian as written. */
typedef struct exec_hash {
    uint8_t bytes[32];
} exec_hash;

/** A 256-bit unsigned integer, 64-bit limbs, least significant first. A hash of the state tree
 * (four Goldilocks elements h0..h3) is the integer whose limb i is element
 * i. Arithmetic: u256.h. */
typedef struct u256 {
    uint64_t limb[4];
} u256;

/** What ends a whole batch, as opposed to one transaction (that is exec_error). Functions of this
 * folder return it; EXEC_FAULT_NONE is 0, and any other value is passed up at once, untouched. */
typedef enum exec_fault {
    EXEC_FAULT_NONE = 0,
    EXEC_FAULT_OOC_KECCAK,   /**< out of counters: a result (roll back to the root after the exit
                                root), not an error */
    EXEC_FAULT_OOC_POSEIDON, /**< likewise */
    EXEC_FAULT_OOC_PADDING,  /**< likewise */
    EXEC_FAULT_OOC_STEPS,    /**< likewise */
    EXEC_FAULT_OOC_ARITH,    /**< likewise */
    EXEC_FAULT_MISSING_NODE, /**< the witness lacks a tree node; exec.missing says which */
    EXEC_FAULT_MISSING_CODE, /**< the witness lacks a bytecode; exec.missing says which */
    EXEC_FAULT_BAD_NODE,     /**< a node is no legal tree node (a value limb of 2^32 or more, a bad
                                capacity) */
    EXEC_FAULT_STOPPED,      /**< the observer's poll asked to stop */
    EXEC_FAULT_MEMORY,       /**< an arena of exec_memory is full */
    EXEC_FAULT_STORE,        /**< the host's store failed (I/O); the host knows the details */
    EXEC_FAULT_ARGUMENT, /**< exec_batch breaks its own contract: unsupported fork, or 2^24 bytes of
                            data or more */
} exec_fault;

/** `EXEC_TRY(f(...));` passes any fault up at once. */
#define EXEC_TRY(expression)                                                                       \
    do {                                                                                           \
        exec_fault try_fault = (expression);                                                       \
        if (try_fault != EXEC_FAULT_NONE)                                                          \
            return try_fault;                                                                      \
    } while (0)

/** Why a transaction was skipped or undone, or how its outermost frame failed. Texts (executor
 * specification, section 6): exec_error_text. */
/* clang-format off */
#define EXEC_ERROR_ROWS(X)                                                  \
    X(EXEC_OK,                          "")                                 \
    /* skipped: no state change at all */                                   \
    X(EXEC_INTRINSIC_SIGNATURE,         "intrinsic_invalid_signature")      \
    X(EXEC_INTRINSIC_SENDER_CODE,       "intrinsic_invalid_sender_code")    \
    X(EXEC_INTRINSIC_CHAIN_ID,          "intrinsic_invalid_chain_id")       \
    X(EXEC_INTRINSIC_NONCE,             "intrinsic_invalid_nonce")          \
    X(EXEC_INTRINSIC_BATCH_GAS_LIMIT,   "intrinsic_invalid_batch_gas_limit")\
    X(EXEC_INTRINSIC_GAS_LIMIT,         "intrinsic_invalid_gas_limit")      \
    X(EXEC_INTRINSIC_GAS_OVERFLOW,      "intrinsic_invalid_gas_overflow")   \
    X(EXEC_INTRINSIC_BALANCE,           "intrinsic_invalid_balance")        \
    /* processed, but the frame failed */                                   \
    X(EXEC_REVERT,                      "revert")                           \
    X(EXEC_OUT_OF_GAS,                  "OOG")                              \
    X(EXEC_INVALID_JUMP,                "invalidJump")                      \
    X(EXEC_INVALID_OPCODE,              "invalidOpcode")                    \
    X(EXEC_STACK_UNDERFLOW,             "underflow")                        \
    X(EXEC_STACK_OVERFLOW,              "overflow")                         \
    X(EXEC_ADDRESS_COLLISION,           "invalidAddressCollision")          \
    X(EXEC_INVALID_STATIC,              "invalidStaticTx")                  \
    X(EXEC_INVALID_CODE_SIZE,           "invalidCodeSize")                  \
    X(EXEC_INVALID_CODE_STARTS_EF,      "invalidCodeStartsEF")              \
    /* undone: the batch ran out of counters (exec_batch_outcome) and was   \
     * rolled back; never what a frame ends with */                         \
    X(EXEC_UNDONE_KECCAK,               "OOCK")                             \
    X(EXEC_UNDONE_POSEIDON,             "OOCPO")                            \
    X(EXEC_UNDONE_PADDING,              "OOCPA")                            \
    X(EXEC_UNDONE_STEPS,                "OOCS")                             \
    X(EXEC_UNDONE_ARITH,                "OOCA")
/* clang-format on */

typedef enum exec_error {
#define EXEC_ERROR_ENUM(name, text) name,
    EXEC_ERROR_ROWS(EXEC_ERROR_ENUM)
#undef EXEC_ERROR_ENUM
} exec_error;

static inline bool exec_error_is_intrinsic(exec_error e)
{
    return e >= EXEC_INTRINSIC_SIGNATURE && e <= EXEC_INTRINSIC_BALANCE;
}

/** The batch was rolled back: nothing of the transaction counts. */
static inline bool exec_error_is_undone(exec_error e)
{
    return e >= EXEC_UNDONE_KECCAK && e <= EXEC_UNDONE_ARITH;
}

/** Skipped or undone: the transaction is in no block and has neither gas, logs nor output. */
static inline bool exec_error_is_unexecuted(exec_error e)
{
    return exec_error_is_intrinsic(e) || exec_error_is_undone(e);
}

#endif
