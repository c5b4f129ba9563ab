/** A batch with its witness as one flat block of memory, and a host over it: what a guest without
 * files, JSON or allocation can take in. Freestanding.
 *
 * Layout, little-endian words of eight bytes: the header (flat_header_word), l2_data padded to a
 * word, the nodes (4 words hash, 12 words elements, sorted by hash), the bytecodes (4 words hash, 1
 * word length, bytes padded to a word), and the answers to signature recoveries (hash, r, s as 32
 * bytes each, odd_y, exec_recovery, public key as 64 bytes).
 *
 * Everything but the recoveries is checked on use: a node or bytecode must hash to the hash that
 * it is asked for. One thread at a time. */
#ifndef ZKP_TESTS_GUEST_FLAT_H
#define ZKP_TESTS_GUEST_FLAT_H

#include "host/executor/executor.h"

#define FLAT_MAGIC UINT64_C(0x3154414c46504b5a) /* "ZKPFLAT1" */
#define FLAT_NODE_WORDS 16
#define FLAT_RECOVERY_WORDS 22

typedef enum flat_header_word {
    FLAT_H_MAGIC,
    FLAT_H_FORK_ID,
    FLAT_H_OLD_BATCH_NUM,
    FLAT_H_CHAIN_ID,
    FLAT_H_TIMESTAMP,
    FLAT_H_BLOCK_GAS_LIMIT,
    FLAT_H_ENFORCE_COUNTERS,
    FLAT_H_OLD_STATE_ROOT,          /**< 4 words */
    FLAT_H_OLD_ACC_INPUT_HASH = 11, /**< 32 bytes */
    FLAT_H_GLOBAL_EXIT_ROOT = 15,   /**< 32 bytes */
    FLAT_H_SEQUENCER = 19,          /**< 20 bytes, padded to 3 words */
    FLAT_H_L2_DATA_LEN = 22,        /**< bytes */
    FLAT_H_N_NODES,
    FLAT_H_N_CODES,
    FLAT_H_N_RECOVERIES,
    FLAT_H_WORDS,
} flat_header_word;

/** One recovery, as it stands in the block. */
typedef struct flat_recovery {
    uint8_t hash[32], r[32], s[32];
    uint64_t odd_y;
    uint64_t answer; /**< exec_recovery */
    uint8_t public_key[64];
} flat_recovery;

typedef struct flat_file {
    exec_batch batch; /**< l2_data points into the block */
    const uint64_t *nodes;
    size_t n_nodes;
    const uint64_t *codes;
    size_t n_codes;
    const uint64_t *recoveries;
    size_t n_recoveries;
    const char
        *fault; /**< set by the host when the block lacks or falsifies something; else NULL */
} flat_file;

/** Reads the header and checks every length against len. bytes must be aligned to 8 and outlive f.
 * Returns NULL, or what is wrong. */
const char *flat_parse(flat_file *f, const uint8_t *bytes, size_t len);

/** A host over f. Its recover looks the answer up in the block; callers may replace that entry. */
exec_host flat_host(flat_file *f);

#endif
