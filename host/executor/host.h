/** What the executor needs from outside: the host interface (answers that the result depends on)
 * and the observer (events that the result does not depend on).
 *
 * Natively the host is host/state; in the guest it is the advice tape. A host is used by one
 * executor at a time, from one thread. Pointers that a host returns stay valid until the end of the
 * run. */
#ifndef ZKP_HOST_EXECUTOR_HOST_H
#define ZKP_HOST_EXECUTOR_HOST_H

#include "driver/field/goldilocks.h"
#include "host/executor/types.h"

/** Answer to a signature recovery. */
typedef enum exec_recovery {
    EXEC_RECOVERY_OK,       /**< public_key holds x || y, 32 bytes each, big-endian */
    EXEC_RECOVERY_NONE,     /**< r is no x coordinate on the curve */
    EXEC_RECOVERY_INFINITY, /**< the recovered point is the point at infinity */
} exec_recovery;

typedef struct exec_host {
    void *ctx;

    /** The node whose Poseidon hash (elements 0-7 as input, 8-11 as capacity) is `hash`: 12
     * canonical elements. A value node has four zero capacity elements. The host guarantees that
     * the node hashes to `hash` (natively it verified the entry when it took it in; the guest
     * recomputes it). Returns EXEC_FAULT_NONE, EXEC_FAULT_MISSING_NODE or EXEC_FAULT_STORE. Never
     * called with the zero hash. */
    exec_fault (*node)(void *ctx, const gl_t hash[4], gl_t node[12]);

    /** The bytecode whose linear Poseidon hash is `hash`; same guarantee. EXEC_FAULT_MISSING_CODE
     * if unknown. */
    exec_fault (*code)(void *ctx, const gl_t hash[4], const uint8_t **code, size_t *len);

    /** Poseidon on count independent states of 12 elements, in place. */
    void (*permute_many)(void *ctx, gl_t *states, size_t count);

    /** One Poseidon permutation in place (lowest latency). */
    void (*permute)(gl_t state[12]);

    /** Keccak-256. */
    void (*keccak)(uint8_t out[32], const uint8_t *in, size_t len);

    /** secp256k1 public key recovery. The caller has checked 1 <= r, s <= n-1; odd_y is the parity
     * bit of R (v - 27). x(R) = r only, never r + n. */
    exec_recovery (*recover)(void *ctx, const uint8_t hash[32], const uint8_t r[32],
                             const uint8_t s[32], bool odd_y, uint8_t public_key[64]);
} exec_host;

/** One log of a transaction; pointers live for the duration of the callback. */
typedef struct exec_log {
    exec_address address; /**< storage address of the frame (the caller's under DELEGATECALL) */
    unsigned n_topics;    /**< 0..4 */
    u256 topics[4];
    const uint8_t *data;
    size_t data_len;
} exec_log;

typedef enum exec_call_kind {
    EXEC_CALL,
    EXEC_CALLCODE,
    EXEC_DELEGATECALL,
    EXEC_STATICCALL,
    EXEC_CREATE,
    EXEC_CREATE2,
} exec_call_kind;

/** The start of a frame, for call tracers. */
typedef struct exec_call_event {
    exec_call_kind kind;
    unsigned depth; /**< 0 is the transaction's own frame */
    exec_address from, to;
    u256 value;
    uint64_t gas;
    const uint8_t *input;
    size_t input_len;
} exec_call_event;

/** The end of a frame. */
typedef struct exec_return_event {
    unsigned depth;
    exec_error error;
    uint64_t gas_used;
    const uint8_t *output;
    size_t output_len;
} exec_return_event;

/** What happened to one parsed transaction. Pointers live for the duration of the callback. */
typedef struct exec_tx_result {
    uint32_t index;   /**< position among the parsed transactions, from 0 */
    exec_error error; /**< EXEC_OK, an intrinsic error (skipped), the failure of the outermost
                         frame, or that the transaction was undone with its batch */
    exec_hash hash;   /**< Ethereum transaction hash of the canonical re-encoding */
    bool has_from; /**< false for an invalid signature, and for an undone transaction that was not
                      begun */
    exec_address from;
    bool is_create;
    exec_address to; /**< if not is_create */
    u256 nonce, gas_price, value;
    uint64_t gas_limit;
    const uint8_t *data;
    size_t data_len;
    bool has_chain_id;
    uint64_t chain_id;
    uint8_t effective_percentage; /**< 255 where the fork has none */
    u256 effective_gas_price;
    uint8_t v;
    exec_hash r, s;

    uint64_t gas_used, gas_left,
        gas_refunded; /**< 0, gas limit, 0 if skipped or undone; gas_left is after the refund */
    uint64_t cumulative_gas_used; /**< of the batch, this transaction included */
    bool has_create_address;      /**< a create transaction that got as far as having an address */
    exec_address create_address;
    u256 block_number; /**< NUMBER as the transaction saw it; meaningless if skipped or undone */
    u256 block_hash; /**< the root that BLOCKHASH returns for it: after the write of the transaction
                        count */
    u256 state_root; /**< root after both writes of the system account; the unchanged root if
                        skipped; the root that the batch was rolled back to if undone */
    const uint8_t *output;
    size_t output_len; /**< return data or revert data of the outermost frame */
    const exec_log *logs;
    size_t n_logs;
} exec_tx_result;

/** Events. Every entry may be NULL. Callbacks run on the executor's thread and must not call the
 * executor. */
typedef struct exec_observer {
    void *ctx;
    /** A transaction is over; in order, once for each parsed transaction (skipped ones too). When
     * the batch runs out of counters: see rolled_back. */
    void (*tx)(void *ctx, const exec_tx_result *result);
    /** The batch ran out of counters. Everything that was reported before is void; tx follows once
     * more, from index 0, for each transaction that was decoded, with an EXEC_UNDONE_* error. An
     * observer with tx and without this sees undone results after the void ones. */
    void (*rolled_back)(void *ctx);
    void (*call)(void *ctx, const exec_call_event *event);
    void (*call_end)(void *ctx, const exec_return_event *event);
    /** A tree node that did not exist before this run and is part of a root
     * reported to the caller. */
    void (*node)(void *ctx, const gl_t hash[4], const gl_t node[12]);
    /** A bytecode that a transaction deployed. */
    void (*code)(void *ctx, const gl_t hash[4], const uint8_t *code, size_t len);
    /** Asked at least every few milliseconds; true stops the run with EXEC_FAULT_STOPPED. */
    bool (*poll)(void *ctx);
} exec_observer;

#endif
