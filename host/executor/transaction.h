/** One transaction as data: reading it from the batch form and from the Ethereum form, writing
 * both, its hashes, its price and its intrinsic gas (executor specification, sections 2, 3 and 6).
 * What it does to the state is process.h.
 *
 * Batch form: L || r || s || v || percentage, where L is the list that was signed, and the
 * percentage exists from fork 5. Ethereum form: one RLP list with v, r, s at its end. An exec_tx
 * borrows its data from the bytes it was read from. Pure functions: freestanding, any thread. */
#ifndef ZKP_HOST_EXECUTOR_TRANSACTION_H
#define ZKP_HOST_EXECUTOR_TRANSACTION_H

#include "host/executor/host.h"
#include "host/executor/rlp.h"
#include "host/executor/types.h"

#define EXEC_TX_GAS 21000
#define EXEC_TX_CREATE_GAS 53000
#define EXEC_TX_DATA_ZERO_GAS 4
#define EXEC_TX_DATA_NONZERO_GAS 16
/** The percentage that leaves the price as signed: what forks without one use. */
#define EXEC_TX_FULL_PERCENTAGE 255

typedef struct exec_tx {
    const uint8_t *signed_list; /**< L as received; NULL if read from the Ethereum form */
    size_t signed_list_len;
    const uint8_t *data; /**< borrowed from the bytes read */
    size_t data_len;
    u256 gas_price, value;
    uint64_t nonce, gas_limit, chain_id;
    exec_hash r, s;
    exec_address to; /**< zero if is_create */
    bool is_create;
    bool has_chain_id; /**< EIP-155 form; chain_id is 0 otherwise */
    uint8_t v;         /**< 27 or 28 if the signature can be valid */
    uint8_t effective_percentage;
} exec_tx;

/** Reads the header of L; *list_len is the length of L as the header says, header included, not yet
 * checked against the data. false: the reader says where and why. */
bool exec_tx_read_header(rlp_reader *r, size_t *list_len);

/** Reads the rest of a transaction whose L begins at `start`. */
bool exec_tx_read_body(rlp_reader *r, size_t start, bool has_percentage, exec_tx *tx);

/** Reads an Ethereum raw transaction (legacy form with v, r, s) that fills the bytes exactly. v is
 * 27 or 28 (no chain id) or 35 + 2 * chain id + parity. The percentage becomes
 * EXEC_TX_FULL_PERCENTAGE. On failure *reason says why (may be NULL). */
bool exec_tx_read_ethereum(const uint8_t *bytes, size_t len, exec_tx *tx, const char **reason);

/** Length of the Ethereum form, and the form itself (canonical encoding; the result is the byte
 * after it). Its Keccak-256 is the transaction's hash. V is v without a chain id or with chain id
 * 0, else v - 27 + 35 + 2 * chain id. */
size_t exec_tx_ethereum_size(const exec_tx *tx);
uint8_t *exec_tx_put_ethereum(uint8_t *out, const exec_tx *tx);

/** The same for the batch form, L re-encoded canonically. */
size_t exec_tx_batch_size(const exec_tx *tx, bool has_percentage);
uint8_t *exec_tx_put_batch(uint8_t *out, const exec_tx *tx, bool has_percentage);

/** The Ethereum hash. scratch receives the encoding: exec_tx_ethereum_size bytes. */
void exec_tx_hash(const exec_tx *tx, uint8_t *scratch,
                  void (*keccak)(uint8_t out[32], const uint8_t *in, size_t len), exec_hash *hash);

/** floor(gas_price * (percentage + 1) / 256), the product not being cut to 256 bits. out may be
 * gas_price. */
void exec_effective_gas_price(u256 *out, const u256 *gas_price, uint8_t percentage);

/** What a transaction costs before its first instruction. */
uint64_t exec_tx_intrinsic_gas(const exec_tx *tx);

/** The address of the contract that `from` creates with this nonce: the last 20 bytes of
 * keccak(rlp([from, nonce])). Any nonce below 2^64. */
void exec_create_address(exec_address *out, const exec_address *from, uint64_t nonce,
                         void (*keccak)(uint8_t out[32], const uint8_t *in, size_t len));

#endif
