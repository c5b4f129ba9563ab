#include "host/state/prune.h"

#include "host/state/overlay.h"
#include "host/state/store_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#define TREE_DEPTH 256
/** A path holds one pending sibling for each level, and its own end. */
#define STACK_ITEMS (TREE_DEPTH + 3)
/** No two entries of the store begin within so many bytes: a header of 8 and a key of 32. */
#define MARK_GRAIN 32
/** Entries removed in one transaction: small at first, since a full disk has no room for more, and
 * what one transaction frees the one after the next uses. */
#define FIRST_SWEEP 64
#define MAX_SWEEP 8192
/** Room in the map that removing needs, though the store has reached its limit. */
#define SWEEP_MAP_BYTES ((uint64_t)16 << 20)
#define COMPACT_SPARE_BYTES ((uint64_t)1 << 20)

/** A set of entries, known by where they lie in the map: exact, and far smaller than their hashes.
 * Good for as long as the transaction that finds them. */
typedef struct marks {
    uint8_t *bits;
    size_t n_bytes;
    const uint8_t *origin; /**< address of bit 0 */
} marks;

/** One bit for each entry of a table in the order of keys, which outlives the transaction. */
typedef struct ranks {
    uint8_t *bits;
    uint64_t n, n_kept;
    uint64_t waste_bytes; /**< of entries that are not kept */
} ranks;

typedef enum place {
    PLACE_NODE, /**< an inner node or a leaf */
    PLACE_VALUE,
} place;

typedef struct item {
    gl_t hash[4];
    place place;
    unsigned depth;
} item;

typedef struct walk {
    state_store *store;
    MDB_txn *txn;
    marks marks;
    const gl_poseidon_ops *poseidon;
    state_reach *reach;
    item stack[STACK_ITEMS];
    size_t n_stack;
} walk;

static bool hash_is_zero(const gl_t hash[4])
{
    return (hash[0] | hash[1] | hash[2] | hash[3]) == 0;
}

/* ---- marks ---- */

static p_status marks_create(marks *m, const state_store *s, MDB_txn *txn, p_err *err)
{
    MDB_cursor *cursor;
    MDB_val key, value = {0, NULL};
    uint64_t used, free_bytes;
    memset(m, 0, sizeof *m);
    int rc = store_usage(s->env, txn, &used, &free_bytes);
    if (rc == 0)
        rc = mdb_cursor_open(txn, s->nodes, &cursor);
    if (rc != 0)
        return store_error(s, rc, "reading", err);
    rc = mdb_cursor_get(cursor, &key, &value, MDB_FIRST);
    mdb_cursor_close(cursor);
    if (rc != 0 && rc != MDB_NOTFOUND)
        return store_error(s, rc, "reading", err);
    /* where the map begins LMDB does not tell: any entry lies within its used length on either
     * side of the first one */
    size_t n = (size_t)(2 * used / MARK_GRAIN + 8) / 8 + 1;
    m->bits = calloc(n, 1);
    if (!m->bits)
        return p_err_set(err, P_EEXHAUSTED, "state store %s: no memory for %zu bytes of marks",
                         s->dir, n);
    m->n_bytes = n;
    m->origin = rc == 0 ? (const uint8_t *)value.mv_data - used : NULL;
    return P_OK;
}

static size_t mark_index(const marks *m, const MDB_val *value)
{
    return (size_t)((const uint8_t *)value->mv_data - m->origin) / MARK_GRAIN;
}

static bool mark_test(const marks *m, const MDB_val *value)
{
    size_t i = mark_index(m, value);
    return i / 8 < m->n_bytes && (m->bits[i / 8] >> i % 8 & 1) != 0;
}

/** Whether it was not marked before. */
static bool mark_set(marks *m, const MDB_val *value)
{
    size_t i = mark_index(m, value);
    if (i / 8 >= m->n_bytes || mark_test(m, value))
        return false;
    m->bits[i / 8] |= (uint8_t)(1u << i % 8);
    return true;
}

/* ---- the walk ---- */

static int find(const walk *w, MDB_dbi dbi, const gl_t hash[4], MDB_val *value)
{
    uint8_t bytes[STORE_KEY_BYTES];
    store_encode_words(bytes, hash, 4);
    MDB_val key = {sizeof bytes, bytes};
    return mdb_get(w->txn, dbi, &key, value);
}

static void note_absent(walk *w, const gl_t hash[4], bool damaged)
{
    if (w->reach->absent++ == 0) {
        memcpy(w->reach->first, hash, sizeof w->reach->first);
        w->reach->first_is_damaged = damaged;
    }
}

static bool push(walk *w, const gl_t hash[4], place at, unsigned depth)
{
    if (hash_is_zero(hash))
        return true;
    if (depth > TREE_DEPTH + 1 || w->n_stack == STACK_ITEMS)
        return false;
    item *i = &w->stack[w->n_stack++];
    memcpy(i->hash, hash, sizeof i->hash);
    i->place = at;
    i->depth = depth;
    return true;
}

/** The bytecode whose hash is this value, if there is one. */
static p_status reach_code(walk *w, const gl_t limbs[8], p_err *err)
{
    gl_t hash[4], found[4];
    MDB_val value;
    for (unsigned i = 0; i < 4; i++)
        hash[i] = limbs[2 * i] | limbs[2 * i + 1] << 32;
    int rc = find(w, w->store->codes, hash, &value);
    if (rc == MDB_NOTFOUND)
        return P_OK;
    if (rc != 0)
        return store_error(w->store, rc, "reading", err);
    if (!mark_set(&w->marks, &value))
        return P_OK;
    gl_poseidon_hash_bytes(found, value.mv_data, value.mv_size, w->poseidon->permute);
    if (memcmp(found, hash, sizeof hash) != 0) {
        note_absent(w, hash, true);
        return P_OK;
    }
    w->reach->codes++;
    w->reach->bytes += STORE_KEY_BYTES + value.mv_size;
    return P_OK;
}

/** A node whose hash is right, at its place; false: it is no legal one there. */
static bool expand(walk *w, const item *i, const gl_t node[12])
{
    const gl_t *capacity = node + 8;
    if ((capacity[1] | capacity[2] | capacity[3]) != 0)
        return false;
    if (i->place == PLACE_VALUE) {
        for (unsigned k = 0; k < 8; k++)
            if (node[k] > UINT32_MAX)
                return false;
        w->reach->values++;
        return capacity[0] == 0;
    }
    if (capacity[0] == 1) {
        w->reach->leaves++;
        return push(w, node + 4, PLACE_VALUE, i->depth + 1);
    }
    w->reach->inner++;
    return capacity[0] == 0 && i->depth < TREE_DEPTH &&
           push(w, node + 4, PLACE_NODE, i->depth + 1) && push(w, node, PLACE_NODE, i->depth + 1);
}

static p_status visit(walk *w, const item *i, p_err *err)
{
    MDB_val value;
    gl_t node[12], state[12];
    unsigned bad;
    int rc = find(w, w->store->nodes, i->hash, &value);
    if (rc == MDB_NOTFOUND) {
        note_absent(w, i->hash, false);
        return P_OK;
    }
    if (rc != 0)
        return store_error(w->store, rc, "reading", err);
    /* a node that was met as a value and is met again as an inner one would be skipped: its
     * children would be hashes with elements below 2^32 only */
    if (!mark_set(&w->marks, &value))
        return P_OK;
    bool ok = value.mv_size == STORE_NODE_BYTES && store_decode_node(value.mv_data, node, &bad);
    if (ok) {
        memcpy(state, node, sizeof state);
        w->poseidon->permute(state);
        ok = memcmp(state, i->hash, sizeof i->hash) == 0 && expand(w, i, node);
    }
    if (!ok) {
        note_absent(w, i->hash, true);
        return P_OK;
    }
    w->reach->bytes += STORE_KEY_BYTES + STORE_NODE_BYTES;
    return i->place == PLACE_VALUE ? reach_code(w, node, err) : P_OK;
}

static p_status walk_root(walk *w, const gl_t root[4], p_err *err)
{
    for (unsigned i = 0; i < 4; i++)
        if (!gl_is_canonical(root[i]))
            return p_err_set(err, P_EINVAL,
                             "no root of a state tree: its 64-bit word %u (from the right) is "
                             "%016" PRIx64 ", expected less than ffffffff00000001",
                             i, root[i]);
    w->n_stack = 0;
    push(w, root, PLACE_NODE, 0);
    p_status status = P_OK;
    while (status == P_OK && w->n_stack > 0) {
        item i = w->stack[--w->n_stack];
        status = visit(w, &i, err);
    }
    return status;
}

static p_status walk_begin(walk *w, state_store *s, const gl_poseidon_ops *poseidon,
                           state_reach *reach, p_err *err)
{
    memset(w, 0, sizeof *w);
    memset(reach, 0, sizeof *reach);
    w->store = s;
    w->poseidon = poseidon;
    w->reach = reach;
    if (!s->env)
        return store_broken(s, err);
    int rc = mdb_txn_begin(s->env, NULL, MDB_RDONLY, &w->txn);
    if (rc != 0)
        return store_error(s, rc, "reading", err);
    return marks_create(&w->marks, s, w->txn, err);
}

static void walk_end(walk *w)
{
    if (w->txn)
        mdb_txn_abort(w->txn);
    w->txn = NULL;
    free(w->marks.bits);
    w->marks.bits = NULL;
}

p_status state_store_reach(state_store *s, const gl_t root[4], const gl_poseidon_ops *poseidon,
                           state_reach *out, p_err *err)
{
    walk w;
    pthread_mutex_lock(&s->writing); /* keeps the map where it is */
    p_status status = walk_begin(&w, s, poseidon, out, err);
    if (status == P_OK)
        status = walk_root(&w, root, err);
    walk_end(&w);
    pthread_mutex_unlock(&s->writing);
    return status;
}

/* ---- prune ---- */

/** Turns the marks of one table into ranks. */
static p_status rank(const walk *w, MDB_dbi dbi, ranks *r, p_err *err)
{
    MDB_stat st;
    MDB_cursor *cursor;
    MDB_val key, value;
    int rc = mdb_stat(w->txn, dbi, &st);
    if (rc != 0)
        return store_error(w->store, rc, "reading", err);
    r->bits = calloc(st.ms_entries / 8 + 1, 1);
    if (!r->bits)
        return p_err_set(err, P_EEXHAUSTED, "state store %s: no memory for marks of %zu entries",
                         w->store->dir, st.ms_entries);
    rc = mdb_cursor_open(w->txn, dbi, &cursor);
    if (rc != 0)
        return store_error(w->store, rc, "reading", err);
    while ((rc = mdb_cursor_get(cursor, &key, &value, MDB_NEXT)) == 0 && r->n < st.ms_entries) {
        if (mark_test(&w->marks, &value)) {
            r->bits[r->n / 8] |= (uint8_t)(1u << r->n % 8);
            r->n_kept++;
        } else {
            r->waste_bytes += key.mv_size + value.mv_size;
        }
        r->n++;
    }
    mdb_cursor_close(cursor);
    if (rc != MDB_NOTFOUND || r->n != st.ms_entries)
        return store_error(w->store, rc == 0 || rc == MDB_NOTFOUND ? MDB_CORRUPTED : rc, "reading",
                           err);
    return P_OK;
}

/** Which entries the kept roots reach. */
static p_status mark(state_store *s, const state_prune_options *o, ranks *nodes, ranks *codes,
                     state_prune_result *out, p_err *err)
{
    walk w;
    char text[STATE_HASH_TEXT_BYTES], root[STATE_HASH_TEXT_BYTES];
    p_status status = walk_begin(&w, s, o->poseidon, &out->kept, err);
    for (size_t i = 0; i < o->n_keep && status == P_OK; i++) {
        uint64_t before = out->kept.absent;
        status = walk_root(&w, o->keep[i], err);
        bool lost = status == P_OK && out->kept.absent > before;
        MDB_val value;
        if (lost && o->partial)
            lost = find(&w, s->nodes, o->keep[i], &value) != 0;
        if (!lost)
            continue;
        state_hash_text(root, o->keep[i]);
        state_hash_text(text, o->partial ? o->keep[i] : out->kept.first);
        bool damaged = !o->partial && out->kept.first_is_damaged;
        status = p_err_set(err, damaged ? P_ECORRUPT : P_EMISSING,
                           "state store %s: the kept root %s is not complete: %s is %s; nothing "
                           "was removed",
                           s->dir, root, text, damaged ? "damaged" : "missing");
    }
    if (status == P_OK)
        status = rank(&w, s->nodes, nodes, err);
    if (status == P_OK)
        status = rank(&w, s->codes, codes, err);
    out->mark_bytes = w.marks.n_bytes + (size_t)(nodes->n + codes->n) / 8;
    walk_end(&w);
    return status;
}

/** Where a sweep stands: entries are met in the order of keys, which removing does not change. */
typedef struct sweep {
    state_store *store;
    MDB_dbi dbi;
    const ranks *ranks;
    uint64_t rank; /**< of the next entry */
    uint8_t next[STORE_KEY_BYTES];
    size_t next_len; /**< 0: from the beginning */
    bool done;
    uint64_t removed, removed_bytes;
} sweep;

/** Removes up to max entries in one transaction; the sweep moves on only if it is committed. */
static int sweep_once(sweep *w, size_t max)
{
    MDB_txn *txn;
    MDB_cursor *cursor;
    MDB_val key = {w->next_len, w->next}, value;
    sweep after = *w;
    int rc = mdb_txn_begin(w->store->env, NULL, 0, &txn);
    if (rc != 0)
        return rc;
    rc = mdb_cursor_open(txn, w->dbi, &cursor);
    if (rc != 0) {
        mdb_txn_abort(txn);
        return rc;
    }
    size_t removed = 0;
    rc = mdb_cursor_get(cursor, &key, &value, w->next_len ? MDB_SET_RANGE : MDB_FIRST);
    for (; rc == 0; rc = mdb_cursor_get(cursor, &key, &value, MDB_NEXT)) {
        if (after.rank >= w->ranks->n || key.mv_size != STORE_KEY_BYTES) {
            rc = MDB_CORRUPTED;
            break;
        }
        if (removed == max) {
            memcpy(after.next, key.mv_data, STORE_KEY_BYTES);
            after.next_len = STORE_KEY_BYTES;
            break;
        }
        bool keep = w->ranks->bits[after.rank / 8] >> after.rank % 8 & 1;
        after.rank++;
        if (keep)
            continue;
        after.removed_bytes += key.mv_size + value.mv_size;
        if ((rc = mdb_cursor_del(cursor, 0)) != 0) /* MDB_NEXT goes to the entry after it */
            break;
        removed++;
    }
    after.done = rc == MDB_NOTFOUND;
    mdb_cursor_close(cursor);
    if (rc != 0 && rc != MDB_NOTFOUND) {
        mdb_txn_abort(txn);
        return rc;
    }
    rc = mdb_txn_commit(txn);
    if (rc == 0) {
        after.removed += removed;
        *w = after;
    }
    return rc;
}

static p_status sweep_table(state_store *s, MDB_dbi dbi, const ranks *r,
                            const state_prune_options *o, uint64_t *removed, uint64_t *bytes,
                            p_err *err)
{
    sweep w = {.store = s, .dbi = dbi, .ranks = r, .done = r->n_kept == r->n};
    p_status status = P_OK;
    size_t max = FIRST_SWEEP;
    while (status == P_OK && !w.done) {
        int rc = sweep_once(&w, max);
        if (rc == MDB_MAP_FULL)
            status = store_grow(s, s->map_bytes + SWEEP_MAP_BYTES, err);
        else if (rc != 0)
            status = store_error(s, store_write_cause(s, rc), "pruning", err);
        else if (!w.done && o->should_stop && o->should_stop(o->should_stop_ctx))
            status = p_err_set(err, P_ECANCELLED,
                               "state store %s: stopped; the kept roots are complete, prune again "
                               "to remove the rest",
                               s->dir);
        if (max < MAX_SWEEP)
            max *= 2;
    }
    *removed = w.removed;
    *bytes += w.removed_bytes;
    return status;
}

/** Bytes of the map that hold something. */
static p_status live_bytes(state_store *s, uint64_t *out, p_err *err)
{
    state_store_info info;
    p_status status = state_store_stat(s, &info, err);
    *out = status == P_OK ? info.bytes_used - info.bytes_free : 0;
    return status;
}

static p_status check_options(const state_store *s, const state_prune_options *o, p_err *err)
{
    if (s->read_only)
        return p_err_set(err, P_EINTERNAL, "state store %s: was opened for reading", s->dir);
    for (size_t i = 0; i < o->n_keep; i++)
        if (!hash_is_zero(o->keep[i]))
            return P_OK;
    return p_err_set(err, P_EINVAL,
                     "state store %s: no root to keep was given but that of the empty tree; to "
                     "remove everything, delete the directory",
                     s->dir);
}

p_status state_store_prune(state_store *s, const state_prune_options *o, state_prune_result *out,
                           p_err *err)
{
    ranks nodes = {.bits = NULL}, codes = {.bits = NULL};
    uint64_t before = 0, after = 0;
    memset(out, 0, sizeof *out);
    p_status status = check_options(s, o, err);
    if (status != P_OK)
        return status;
    pthread_mutex_lock(&s->writing);
    status = mark(s, o, &nodes, &codes, out, err);
    if (status == P_OK && o->dry_run) {
        out->removed_nodes = nodes.n - nodes.n_kept;
        out->removed_codes = codes.n - codes.n_kept;
        out->removed_bytes = nodes.waste_bytes + codes.waste_bytes;
    } else if (status == P_OK) {
        status = live_bytes(s, &before, err);
        if (status == P_OK)
            status =
                sweep_table(s, s->nodes, &nodes, o, &out->removed_nodes, &out->removed_bytes, err);
        if (status == P_OK)
            status =
                sweep_table(s, s->codes, &codes, o, &out->removed_codes, &out->removed_bytes, err);
        if (live_bytes(s, &after, NULL) == P_OK && before > after)
            out->freed_bytes = before - after;
    }
    pthread_mutex_unlock(&s->writing);
    free(nodes.bits);
    free(codes.bits);
    return status;
}

/* ---- compact ---- */

static uint64_t file_bytes(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0 ? (uint64_t)st.st_size : 0;
}

static p_status check_room(state_store *s, p_err *err)
{
    state_store_info info;
    struct statvfs fs;
    p_status status = state_store_stat(s, &info, err);
    if (status != P_OK)
        return status;
    if (statvfs(s->dir, &fs) != 0)
        return p_err_set(err, P_EIO, "state store %s: %s", s->dir, strerror(errno));
    uint64_t room = (uint64_t)fs.f_bavail * fs.f_frsize,
             need = info.bytes_used - info.bytes_free + COMPACT_SPARE_BYTES;
    if (room < need)
        return p_err_set(err, P_EEXHAUSTED,
                         "state store %s: cannot be compacted: the new file needs %" PRIu64
                         " bytes beside the old one, the disk has %" PRIu64 " left",
                         s->dir, need, room);
    return P_OK;
}

static p_status write_copy(const state_store *s, const char *path, p_err *err)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd < 0)
        return p_err_set(err, P_EIO, "state store %s: its new file cannot be made: %s", s->dir,
                         strerror(errno));
    int rc = mdb_env_copyfd2(s->env, fd, MDB_CP_COMPACT);
    if (rc == 0 && fsync(fd) != 0)
        rc = errno;
    if (close(fd) != 0 && rc == 0)
        rc = errno;
    if (rc == 0)
        return P_OK;
    rc = store_write_cause(s, rc);
    unlink(path);
    return store_error(s, rc, "compacting", err);
}

/** The new file takes the old one's place. The table of readers goes with the old file: it knows
 * the old one's transactions. */
static p_status replace(state_store *s, const char *path, p_err *err)
{
    char data[PATH_MAX + 16], lock[PATH_MAX + 16];
    store_path(s, "data.mdb", data);
    store_path(s, "lock.mdb", lock);
    mdb_env_close(s->env);
    s->env = NULL;
    p_status status = P_OK;
    if ((unlink(lock) != 0 && errno != ENOENT) || rename(path, data) != 0)
        status = p_err_set(err, P_EIO, "state store %s: its new file cannot take its place: %s",
                           s->dir, strerror(errno));
    int dir = open(s->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (dir >= 0) {
        if (fsync(dir) != 0 && status == P_OK)
            status = p_err_set(err, P_EIO, "state store %s: %s", s->dir, strerror(errno));
        close(dir);
    }
    p_status opened = store_open_env(s, s->map_bytes, status == P_OK ? err : NULL);
    return status == P_OK ? opened : status;
}

/** Replaces the file while nobody has it open. */
static p_status replace_alone(state_store *s, const char *path, p_err *err)
{
    char name[PATH_MAX + 16];
    store_path(s, "readers.lock", name);
    int fd = open(name, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0)
        return p_err_set(err, P_EIO, "state store %s: its file readers.lock cannot be opened: %s",
                         s->dir, strerror(errno));
    pthread_rwlock_wrlock(&s->mapping);
    p_status status;
    if (s->readers > 0 || flock(fd, LOCK_EX | LOCK_NB) != 0)
        status = p_err_set(err, P_EUNAVAILABLE,
                           "state store %s: cannot be compacted while somebody reads it", s->dir);
    else
        status = replace(s, path, err);
    pthread_rwlock_unlock(&s->mapping);
    close(fd);
    return status;
}

p_status state_store_compact(state_store *s, uint64_t *before, uint64_t *after, p_err *err)
{
    char path[PATH_MAX + 16], data[PATH_MAX + 16];
    *before = *after = 0;
    if (s->read_only)
        return p_err_set(err, P_EINTERNAL, "state store %s: was opened for reading", s->dir);
    store_path(s, STORE_COMPACT_NAME, path);
    store_path(s, "data.mdb", data);
    pthread_mutex_lock(&s->writing);
    p_status status = s->env ? check_room(s, err) : store_broken(s, err);
    *before = *after = file_bytes(data);
    if (status == P_OK)
        status = write_copy(s, path, err);
    if (status == P_OK) {
        status = replace_alone(s, path, err);
        if (status != P_OK)
            unlink(path);
    }
    *after = file_bytes(data);
    pthread_mutex_unlock(&s->writing);
    return status;
}
