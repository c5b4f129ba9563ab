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
    uint64_t bytes_used;  /**< of the map: up to its last page that was ever used */
    uint64_t bytes_free;  /**< of those: pages that became free, and are used again first */
    uint64_t bytes_map;   /**< at this moment */
    uint64_t bytes_limit; /**< what the map grows to; of a store opened for reading: bytes_map */
    uint64_t bytes_file;
    uint64_t format; /**< version */
} state_store_info;

/** Opens the store in a directory, which is created with mode 0700 if it is missing (its parent
 * must be there). limit_bytes, at least STORE_MIN_MAP_BYTES, is the store's hard limit: its map
 * begins small and grows up to that when a write needs it; a larger store that exists already keeps
 * its size. One process and one handle at a time: a second one is refused with P_EUNAVAILABLE,
 * which names the process. P_EUNSUPPORTED for a store of another format version. */
#define STORE_MIN_MAP_BYTES ((uint64_t)1 << 20)
p_status state_store_open(state_store **out, const char *dir, uint64_t limit_bytes, p_err *err);
/** For looking at a store that another process may have open, and write, at the same time. Not in a
 * process that has it open itself. P_EMISSING if there is none. */
p_status state_store_open_read(state_store **out, const char *dir, p_err *err);
void state_store_close(state_store *s);

/** P_ENOTFOUND if absent (err is left alone then); P_ECORRUPT if the entry has a wrong size. */
p_status state_store_node(state_store *s, const gl_t hash[4], gl_t node[12], p_err *err);
/** *code is malloc'ed, the caller frees it. */
p_status state_store_code(state_store *s, const gl_t hash[4], uint8_t **code, size_t *len,
                          p_err *err);

/** For many reads in a row: it keeps a place in the table of readers. Each read sees the store of
 * its own moment; between reads it holds nothing up. One thread at a time; close it before the
 * store. At most 1,024 at once. */
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
 * limit is reached, the disk is full or there is no address space to grow; nothing is written and
 * the store stays usable then. Readers wait only for the moment in which the map grows. */
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
