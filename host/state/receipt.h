/** Results as JSON, in the form of Ethereum's JSON-RPC (eth_getTransactionReceipt, eth_getLogs;
 * architecture, section 3). Each returned string is malloc'ed, NUL-terminated, and the caller's.
 * Any thread. */
#ifndef ZKP_HOST_STATE_RECEIPT_H
#define ZKP_HOST_STATE_RECEIPT_H

#include "host/state/run.h"

/** The receipt of transaction i: type, status, hashes, from, to, contractAddress, gasUsed,
 * cumulativeGasUsed, effectiveGasPrice, logs, logsBloom, transactionIndex 0, blockNumber,
 * blockHash, and the extra keys `error`, `batchIndex`. A transaction that was skipped,
 * or undone with its batch, has status 0x0, gasUsed 0x0, blockNumber and blockHash null. NULL when
 * out of memory. */
char *state_receipt_json(const state_outcome *o, size_t i);

/** Log j of transaction i. */
char *state_log_json(const state_outcome *o, size_t i, size_t j);

/** The 2048-bit bloom filter of a transaction's logs (yellow paper, 4.3.1). */
void state_logs_bloom(const exec_log *logs, size_t n_logs, uint8_t bloom[256]);

#endif
