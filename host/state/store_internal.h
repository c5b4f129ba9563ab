/** What the files of the node store share: store.c (entries) and prune.c (reachability, sweeping,
 * compacting). Private to host/state. */
#ifndef ZKP_HOST_STATE_STORE_INTERNAL_H
#define ZKP_HOST_STATE_STORE_INTERNAL_H

#include "host/state/store.h"

#include <limits.h>
#include <lmdb.h>
#include <pthread.h>

#define STORE_KEY_BYTES 32
#define STORE_NODE_BYTES 96
/** What a compaction writes before it takes the place of data.mdb. */
#define STORE_COMPACT_NAME "data.mdb.new"
/** Written and removed to learn why a write failed. */
#define STORE_PROBE_NAME "space.probe"

/** Two locks. `writing` is held by whoever writes, for all of it: LMDB has one writer at a time
 * anyway. `mapping` is held shared for each single access of a reader, and alone while the map
 * moves (it grows, or the file is replaced). Only the holder of `writing` moves the map, so it
 * needs no `mapping` for its own accesses. Order: writing before mapping. Readers hold nothing
 * between two accesses: the map moves as soon as the accesses of this moment are over, however long
 * a run goes on. */
struct state_store {
    MDB_env *env; /**< NULL after a failure that only opening the store again can mend */
    MDB_dbi nodes, codes, meta;
    bool read_only;
    uint64_t map_bytes, limit_bytes; /**< map_bytes: guarded by writing */
    unsigned readers;                /**< open ones; guarded by count */
    pthread_mutex_t writing, count;
    pthread_rwlock_t mapping;
    int owner_fd;   /**< holds the lock that keeps other writing processes out; -1 if read-only */
    int readers_fd; /**< holds the lock against the replacement of the file; -1 if not read-only */
    char dir[PATH_MAX];
};

p_status store_error(const state_store *s, int rc, const char *what, p_err *err);
p_status store_broken(const state_store *s, p_err *err);

void store_encode_words(uint8_t *out, const gl_t *words, size_t n);
/** False: some element is not canonical; *bad is its index. */
bool store_decode_node(const uint8_t bytes[STORE_NODE_BYTES], gl_t node[12], unsigned *bad);

/** Opens the environment and its tables; on failure s->env is NULL. */
p_status store_open_env(state_store *s, uint64_t map_bytes, p_err *err);

/** Makes the map at least so large. The caller holds writing and has no transaction. P_EEXHAUSTED
 * if there is no address space; the store works on as before then. */
p_status store_grow(state_store *s, uint64_t map_bytes, p_err *err);

/** Why a write failed: LMDB says EIO where the system wrote only a part, which is what the first
 * write does that meets the end of the disk (or of what a file may have). */
int store_write_cause(const state_store *s, int rc);

/** Bytes of the map that were ever used, and of those the ones that are free again. */
int store_usage(MDB_env *env, MDB_txn *txn, uint64_t *used, uint64_t *free_bytes);

void store_path(const state_store *s, const char *name, char out[PATH_MAX + 16]);

#endif
