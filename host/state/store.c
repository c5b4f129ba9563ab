#include "host/state/store.h"

#include "host/state/overlay.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <lmdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define FORMAT_KEY "format"
#define FORMAT_VERSION UINT64_C(1)
#define MAX_READERS 1024
#define KEY_BYTES 32
#define NODE_BYTES 96

struct state_store {
    MDB_env *env;
    MDB_dbi nodes, codes, meta;
    int lock_fd; /**< holds the advisory lock that keeps other processes out */
    char dir[PATH_MAX];
};

struct state_reader {
    state_store *store;
    MDB_txn *txn;
};

static p_status store_error(const state_store *s, int rc, const char *what, p_err *err)
{
    p_status status = P_EIO;
    const char *advice = "";
    switch (rc) {
    case MDB_MAP_FULL:
        status = P_EEXHAUSTED;
        advice = "; raise the store's map size or prune it";
        break;
    case MDB_TXN_FULL:
    case MDB_READERS_FULL:
    case ENOMEM:
        status = P_EEXHAUSTED;
        break;
    case ENOSPC:
    case EDQUOT:
        status = P_EEXHAUSTED;
        advice = "; free some space on the disk";
        break;
    case MDB_CORRUPTED:
    case MDB_PAGE_NOTFOUND:
    case MDB_INVALID:
    case MDB_BAD_VALSIZE:
        status = P_ECORRUPT;
        break;
    case MDB_VERSION_MISMATCH:
        status = P_EUNSUPPORTED;
        break;
    case MDB_PANIC:
        advice = "; open the store again";
        break;
    default:
        break;
    }
    return p_err_set(err, status, "state store %s: %s: %s%s", s->dir, what, mdb_strerror(rc),
                     advice);
}

static void store_le64(uint8_t *out, uint64_t x)
{
    for (unsigned i = 0; i < 8; i++)
        out[i] = (uint8_t)(x >> 8 * i);
}

static uint64_t load_le64(const uint8_t *in)
{
    uint64_t x = 0;
    for (unsigned i = 0; i < 8; i++)
        x |= (uint64_t)in[i] << 8 * i;
    return x;
}

static void encode_words(uint8_t *out, const gl_t *words, size_t n)
{
    for (size_t i = 0; i < n; i++)
        store_le64(out + 8 * i, words[i]);
}

/** Makes sure that the directory is there and is ours alone. */
static p_status claim_directory(state_store *s, p_err *err)
{
    char path[PATH_MAX + 16];
    struct stat st;
    if (mkdir(s->dir, 0700) != 0 && errno != EEXIST)
        return p_err_set(err, P_EIO, "state store %s: the directory cannot be made: %s", s->dir,
                         strerror(errno));
    if (stat(s->dir, &st) != 0)
        return p_err_set(err, P_EIO, "state store %s: %s", s->dir, strerror(errno));
    if (!S_ISDIR(st.st_mode))
        return p_err_set(err, P_EINVAL, "state store %s: is a file, expected a directory", s->dir);
    snprintf(path, sizeof path, "%s/owner.lock", s->dir);
    s->lock_fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (s->lock_fd < 0)
        return p_err_set(err, P_EIO, "state store %s: its file owner.lock cannot be opened: %s",
                         s->dir, strerror(errno));
    if (flock(s->lock_fd, LOCK_EX | LOCK_NB) != 0) {
        if (errno == EWOULDBLOCK)
            return p_err_set(err, P_EUNAVAILABLE,
                             "state store %s: is in use by another process; stop it or choose "
                             "another directory",
                             s->dir);
        return p_err_set(err, P_EIO, "state store %s: cannot be locked: %s", s->dir,
                         strerror(errno));
    }
    return P_OK;
}

/** Reads or, in a new store, writes the format version. */
static p_status check_format(state_store *s, MDB_txn *txn, p_err *err)
{
    MDB_val key = {sizeof FORMAT_KEY - 1, (void *)FORMAT_KEY}, value;
    int rc = mdb_get(txn, s->meta, &key, &value);
    if (rc == MDB_NOTFOUND) {
        MDB_stat nodes, codes;
        if ((rc = mdb_stat(txn, s->nodes, &nodes)) != 0 ||
            (rc = mdb_stat(txn, s->codes, &codes)) != 0)
            return store_error(s, rc, "reading its size", err);
        if (nodes.ms_entries || codes.ms_entries)
            return p_err_set(err, P_ECORRUPT, "state store %s: has entries but no format version",
                             s->dir);
        uint8_t version[8];
        store_le64(version, FORMAT_VERSION);
        value = (MDB_val){sizeof version, version};
        rc = mdb_put(txn, s->meta, &key, &value, 0);
        return rc == 0 ? P_OK : store_error(s, rc, "writing the format version", err);
    }
    if (rc != 0)
        return store_error(s, rc, "reading the format version", err);
    if (value.mv_size != 8)
        return p_err_set(err, P_ECORRUPT,
                         "state store %s: the format version has %zu bytes, expected 8", s->dir,
                         value.mv_size);
    uint64_t found = load_le64(value.mv_data);
    if (found != FORMAT_VERSION)
        return p_err_set(err, P_EUNSUPPORTED,
                         "state store %s: has format version %" PRIu64
                         ", this program reads version %" PRIu64 "; use a new directory",
                         s->dir, found, FORMAT_VERSION);
    return P_OK;
}

static p_status open_env(state_store *s, uint64_t map_bytes, p_err *err)
{
    MDB_txn *txn = NULL;
    int dead;
    int rc = mdb_env_create(&s->env);
    if (rc != 0)
        return store_error(s, rc, "opening", err);
    if ((rc = mdb_env_set_maxdbs(s->env, 3)) != 0 ||
        (rc = mdb_env_set_maxreaders(s->env, MAX_READERS)) != 0 ||
        (rc = mdb_env_set_mapsize(s->env, (size_t)map_bytes)) != 0 ||
        (rc = mdb_env_open(s->env, s->dir, MDB_NOTLS, 0600)) != 0 ||
        (rc = mdb_reader_check(s->env, &dead)) != 0 ||
        (rc = mdb_txn_begin(s->env, NULL, 0, &txn)) != 0 ||
        (rc = mdb_dbi_open(txn, "nodes", MDB_CREATE, &s->nodes)) != 0 ||
        (rc = mdb_dbi_open(txn, "codes", MDB_CREATE, &s->codes)) != 0 ||
        (rc = mdb_dbi_open(txn, "meta", MDB_CREATE, &s->meta)) != 0) {
        if (txn)
            mdb_txn_abort(txn);
        return store_error(s, rc, "opening", err);
    }
    p_status status = check_format(s, txn, err);
    if (status != P_OK) {
        mdb_txn_abort(txn);
        return status;
    }
    rc = mdb_txn_commit(txn);
    return rc == 0 ? P_OK : store_error(s, rc, "opening", err);
}

p_status state_store_open(state_store **out, const char *dir, uint64_t map_bytes, p_err *err)
{
    *out = NULL;
    if (map_bytes < STORE_MIN_MAP_BYTES || map_bytes > SIZE_MAX / 2)
        return p_err_set(err, P_EINVAL,
                         "state store %s: a map of %" PRIu64 " bytes, expected at least %" PRIu64,
                         dir, map_bytes, STORE_MIN_MAP_BYTES);
    state_store *s = calloc(1, sizeof *s);
    if (!s)
        return p_err_set(err, P_EEXHAUSTED, "state store %s: no memory to open it", dir);
    s->lock_fd = -1;
    p_status status;
    if (snprintf(s->dir, sizeof s->dir, "%s", dir) >= (int)sizeof s->dir)
        status = p_err_set(err, P_EINVAL, "state store: a directory name of %zu bytes is too long",
                           strlen(dir));
    else
        status = claim_directory(s, err);
    /* LMDB maps whole pages */
    uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);
    if (status == P_OK)
        status = open_env(s, (map_bytes + page - 1) / page * page, err);
    if (status != P_OK) {
        state_store_close(s);
        return status;
    }
    *out = s;
    return P_OK;
}

void state_store_close(state_store *s)
{
    if (!s)
        return;
    if (s->env)
        mdb_env_close(s->env);
    if (s->lock_fd >= 0)
        close(s->lock_fd);
    free(s);
}

p_status state_reader_open(state_reader **out, state_store *s, p_err *err)
{
    *out = NULL;
    state_reader *r = malloc(sizeof *r);
    if (!r)
        return p_err_set(err, P_EEXHAUSTED, "state store %s: no memory to read", s->dir);
    r->store = s;
    int rc = mdb_txn_begin(s->env, NULL, MDB_RDONLY, &r->txn);
    if (rc != 0) {
        free(r);
        return store_error(s, rc, "reading", err);
    }
    *out = r;
    return P_OK;
}

void state_reader_close(state_reader *r)
{
    if (!r)
        return;
    mdb_txn_abort(r->txn);
    free(r);
}

/** The bytes under a hash, borrowed until the reader is closed. */
static p_status get_entry(state_reader *r, MDB_dbi dbi, const gl_t hash[4], MDB_val *value,
                          p_err *err)
{
    uint8_t key_bytes[KEY_BYTES];
    encode_words(key_bytes, hash, 4);
    MDB_val key = {sizeof key_bytes, key_bytes};
    int rc = mdb_get(r->txn, dbi, &key, value);
    if (rc == MDB_NOTFOUND)
        return P_ENOTFOUND;
    return rc == 0 ? P_OK : store_error(r->store, rc, "reading", err);
}

p_status state_reader_node(state_reader *r, const gl_t hash[4], gl_t node[12], p_err *err)
{
    MDB_val value;
    p_status status = get_entry(r, r->store->nodes, hash, &value, err);
    if (status != P_OK)
        return status;
    char text[STATE_HASH_TEXT_BYTES];
    state_hash_text(text, hash);
    if (value.mv_size != NODE_BYTES)
        return p_err_set(err, P_ECORRUPT,
                         "state store %s: the node %s has %zu bytes, expected %d; send it again "
                         "with a request that is persisted",
                         r->store->dir, text, value.mv_size, NODE_BYTES);
    for (unsigned i = 0; i < 12; i++) {
        node[i] = load_le64((const uint8_t *)value.mv_data + 8 * i);
        if (!gl_is_canonical(node[i]))
            return p_err_set(err, P_ECORRUPT,
                             "state store %s: element %u of the node %s is %016" PRIx64
                             ", expected less than ffffffff00000001; send it again with a request "
                             "that is persisted",
                             r->store->dir, i, text, node[i]);
    }
    return P_OK;
}

p_status state_reader_code(state_reader *r, const gl_t hash[4], uint8_t **code, size_t *len,
                           p_err *err)
{
    MDB_val value;
    *code = NULL;
    *len = 0;
    p_status status = get_entry(r, r->store->codes, hash, &value, err);
    if (status != P_OK)
        return status;
    uint8_t *copy = malloc(value.mv_size ? value.mv_size : 1);
    if (!copy)
        return p_err_set(err, P_EEXHAUSTED, "state store %s: no memory for a bytecode of %zu bytes",
                         r->store->dir, value.mv_size);
    if (value.mv_size)
        memcpy(copy, value.mv_data, value.mv_size);
    *code = copy;
    *len = value.mv_size;
    return P_OK;
}

p_status state_store_node(state_store *s, const gl_t hash[4], gl_t node[12], p_err *err)
{
    state_reader *r;
    p_status status = state_reader_open(&r, s, err);
    if (status == P_OK)
        status = state_reader_node(r, hash, node, err);
    state_reader_close(r);
    return status;
}

p_status state_store_code(state_store *s, const gl_t hash[4], uint8_t **code, size_t *len,
                          p_err *err)
{
    *code = NULL;
    *len = 0;
    state_reader *r;
    p_status status = state_reader_open(&r, s, err);
    if (status == P_OK)
        status = state_reader_code(r, hash, code, len, err);
    state_reader_close(r);
    return status;
}

/** Puts one entry if it is not there as it should be; *changed says whether something was written.
 */
static int put_entry(MDB_txn *txn, MDB_dbi dbi, const gl_t hash[4], const void *bytes, size_t len,
                     bool *changed)
{
    uint8_t key_bytes[KEY_BYTES];
    encode_words(key_bytes, hash, 4);
    MDB_val key = {sizeof key_bytes, key_bytes}, value = {len, (void *)bytes};
    int rc = mdb_put(txn, dbi, &key, &value, MDB_NOOVERWRITE);
    if (rc == MDB_KEYEXIST) {
        if (value.mv_size == len && (len == 0 || memcmp(value.mv_data, bytes, len) == 0))
            return 0;
        value = (MDB_val){len, (void *)bytes};
        rc = mdb_put(txn, dbi, &key, &value, 0);
    }
    *changed = *changed || rc == 0;
    return rc;
}

static int put_part(state_store *s, MDB_txn *txn, const state_store_part *part, bool *changed)
{
    int rc = 0;
    for (size_t i = 0; i < part->n_nodes && rc == 0; i++) {
        uint8_t bytes[NODE_BYTES];
        encode_words(bytes, part->nodes[i] + 4, 12);
        rc = put_entry(txn, s->nodes, part->nodes[i], bytes, sizeof bytes, changed);
    }
    for (size_t i = 0; i < part->n_codes && rc == 0; i++) {
        const state_store_code_entry *c = &part->codes[i];
        rc =
            put_entry(txn, s->codes, c->hash, c->len ? (const void *)c->code : "", c->len, changed);
    }
    return rc;
}

static p_status write_error(state_store *s, int rc, p_err *err)
{
    state_store_info info;
    p_status status = store_error(s, rc, "writing", err);
    if (rc == MDB_MAP_FULL && state_store_stat(s, &info, NULL) == P_OK)
        status = p_err_set(err, P_EEXHAUSTED,
                           "state store %s: full: %" PRIu64 " of %" PRIu64
                           " bytes are used, and the new entries do not fit; raise its map size "
                           "or prune it",
                           s->dir, info.bytes_used, info.bytes_map);
    return status;
}

p_status state_store_write_parts(state_store *s, const state_store_part *parts, size_t n_parts,
                                 p_err *err)
{
    MDB_txn *txn;
    int rc = mdb_txn_begin(s->env, NULL, 0, &txn);
    if (rc != 0)
        return store_error(s, rc, "writing", err);
    bool changed = false;
    for (size_t i = 0; i < n_parts && rc == 0; i++)
        rc = put_part(s, txn, &parts[i], &changed);
    if (rc != 0 || !changed) {
        mdb_txn_abort(txn);
        return rc == 0 ? P_OK : write_error(s, rc, err);
    }
    rc = mdb_txn_commit(txn);
    return rc == 0 ? P_OK : write_error(s, rc, err);
}

p_status state_store_write(state_store *s, const gl_t (*nodes)[16], size_t n_nodes,
                           const state_store_code_entry *codes, size_t n_codes, p_err *err)
{
    state_store_part part = {nodes, n_nodes, codes, n_codes};
    return state_store_write_parts(s, &part, 1, err);
}

p_status state_store_stat(state_store *s, state_store_info *out, p_err *err)
{
    MDB_txn *txn;
    MDB_stat nodes, codes;
    MDB_envinfo info;
    memset(out, 0, sizeof *out);
    int rc = mdb_txn_begin(s->env, NULL, MDB_RDONLY, &txn);
    if (rc != 0)
        return store_error(s, rc, "reading its size", err);
    if ((rc = mdb_stat(txn, s->nodes, &nodes)) == 0 &&
        (rc = mdb_stat(txn, s->codes, &codes)) == 0 && (rc = mdb_env_info(s->env, &info)) == 0) {
        out->nodes = nodes.ms_entries;
        out->codes = codes.ms_entries;
        out->bytes_used = (uint64_t)(info.me_last_pgno + 1) * nodes.ms_psize;
        out->bytes_map = info.me_mapsize;
    }
    mdb_txn_abort(txn);
    return rc == 0 ? P_OK : store_error(s, rc, "reading its size", err);
}
