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
    uint64_t bytes_used, bytes_map; /**< of the LMDB map; pages that became free count as used */
} state_store_info;

/** Opens the store in a directory, which is created with mode 0700 if it is missing (its parent
 * must be there). map_bytes, at least STORE_MIN_MAP_BYTES, is the store's hard limit; a larger
 * store that exists already keeps its size. One process and one handle at a time: a second one is
 * refused with P_EUNAVAILABLE. P_EUNSUPPORTED for a store of another format version. */
#define STORE_MIN_MAP_BYTES ((uint64_t)1 << 20)
p_status state_store_open(state_store **out, const char *dir, uint64_t map_bytes, p_err *err);
void state_store_close(state_store *s);

/** P_ENOTFOUND if absent (err is left alone then); P_ECORRUPT if the entry has a wrong size. */
p_status state_store_node(state_store *s, const gl_t hash[4], gl_t node[12], p_err *err);
/** *code is malloc'ed, the caller frees it. */
p_status state_store_code(state_store *s, const gl_t hash[4], uint8_t **code, size_t *len,
                          p_err *err);

/** A view of the store at one moment, for many reads in a row. One thread at a time; close it soon
 * (and before the store): space that is freed meanwhile cannot be used again. */
typedef struct state_reader state_reader;
p_status state_reader_open(state_reader **out, state_store *s, p_err *err);
void state_reader_close(state_reader *r); /**< NULL is allowed */
/** As state_store_node and state_store_code. */
p_status state_reader_node(state_reader *r, const gl_t hash[4], gl_t node[12], p_err *err);
p_status state_reader_code(state_reader *r, const gl_t hash[4], uint8_t **code, size_t *len,
                           p_err *err);

/** Writes all entries in one durable transaction, or none; what is there already is not
 * written again, and an entry that differs from its damaged copy on disk repairs it. The caller has
 * verified the hashes. nodes: n_nodes records of 4 hash + 12 node elements. P_EEXHAUSTED when the
 * map or the disk is full; the store stays usable then. */
typedef struct state_store_code_entry {
    gl_t hash[4];
    const uint8_t *code;
    size_t len;
} state_store_code_entry;
p_status state_store_write(state_store *s, const gl_t (*nodes)[16], size_t n_nodes,
                           const state_store_code_entry *codes, size_t n_codes, p_err *err);

/** The same for several lists at once. */
typedef struct state_store_part {
    const gl_t (*nodes)[16];
    size_t n_nodes;
    const state_store_code_entry *codes;
    size_t n_codes;
} state_store_part;
p_status state_store_write_parts(state_store *s, const state_store_part *parts, size_t n_parts,
                                 p_err *err);

p_status state_store_stat(state_store *s, state_store_info *out, p_err *err);

#endif
