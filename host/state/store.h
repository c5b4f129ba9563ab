/** The node store: tree nodes and bytecodes by hash, in LMDB. Entries are immutable facts (a hash
 * and its preimage), so writing one twice is harmless and order does not matter. Any thread; one
 * writer at a time inside. */
#ifndef ZKP_HOST_STATE_STORE_H
#define ZKP_HOST_STATE_STORE_H

#include "driver/base/err.h"
#include "driver/field/goldilocks.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct state_store state_store;

typedef struct state_store_info {
    uint64_t nodes, codes;
    uint64_t bytes_used, bytes_map; /**< of the LMDB map */
} state_store_info;

/** Opens (creates) the store in a directory. map_bytes is its hard limit. */
p_status state_store_open(state_store **out, const char *dir, uint64_t map_bytes, p_err *err);
void state_store_close(state_store *s);

/** P_ENOTFOUND if absent (err is left alone then); P_ECORRUPT if the entry has a wrong size. */
p_status state_store_node(state_store *s, const gl_t hash[4], gl_t node[12], p_err *err);
/** *code is malloc'ed, the caller frees it. */
p_status state_store_code(state_store *s, const gl_t hash[4], uint8_t **code, size_t *len,
                          p_err *err);

/** Writes all entries in one durable transaction, or none. nodes: n_nodes records of 4 hash + 12
 * node elements. P_EEXHAUSTED when the map or the disk is full. */
typedef struct state_store_code_entry {
    gl_t hash[4];
    const uint8_t *code;
    size_t len;
} state_store_code_entry;
p_status state_store_write(state_store *s, const gl_t (*nodes)[16], size_t n_nodes,
                           const state_store_code_entry *codes, size_t n_codes, p_err *err);

p_status state_store_stat(state_store *s, state_store_info *out, p_err *err);

#endif
