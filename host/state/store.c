#include "host/state/store.h"

#include "host/state/overlay.h"
#include "host/state/store_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#define FORMAT_KEY "format"
#define FORMAT_VERSION UINT64_C(1)
#define MAX_READERS 1024
/** The map that a store starts with, and that doubles when it is full. */
#define FIRST_MAP_BYTES ((uint64_t)16 << 20)
/** The map of a store that is only read: it may be larger than the file, which another process may
 * lengthen meanwhile. */
#define READ_MAP_BYTES ((uint64_t)256 << 30)

struct state_reader {
    state_store *store;
    MDB_txn *txn; /**< reset between accesses */
};

p_status store_error(const state_store *s, int rc, const char *what, p_err *err)
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
    case EFBIG:
        status = P_EEXHAUSTED;
        advice = "; raise the limit of the file size (ulimit -f)";
        break;
    case ENOENT:
        status = P_EMISSING;
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

p_status store_broken(const state_store *s, p_err *err)
{
    return p_err_set(err, P_EIO,
                     "state store %s: unusable since its map could not be made again; "
                     "open the store again",
                     s->dir);
}

void store_path(const state_store *s, const char *name, char out[PATH_MAX + 16])
{
    snprintf(out, PATH_MAX + 16, "%s/%s", s->dir, name);
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

void store_encode_words(uint8_t *out, const gl_t *words, size_t n)
{
    for (size_t i = 0; i < n; i++)
        store_le64(out + 8 * i, words[i]);
}

bool store_decode_node(const uint8_t bytes[STORE_NODE_BYTES], gl_t node[12], unsigned *bad)
{
    for (unsigned i = 0; i < 12; i++) {
        node[i] = load_le64(bytes + 8 * i);
        if (!gl_is_canonical(node[i])) {
            *bad = i;
            return false;
        }
    }
    return true;
}

/** The process that wrote its id into the lock file when it took the lock;
 * 0 if that is not known. */
static unsigned long owner_pid(int fd)
{
    char text[24] = "";
    if (pread(fd, text, sizeof text - 1, 0) <= 0)
        return 0;
    return strtoul(text, NULL, 10);
}

/** So that others can say who has the store. Of fixed width, so that it needs no new space the
 * second time; a disk that is full is no reason not to open. */
static void write_pid(int fd)
{
    char text[24];
    int n = snprintf(text, sizeof text, "%-20ld\n", (long)getpid());
    ssize_t done = pwrite(fd, text, (size_t)n, 0);
    (void)done;
}

/** Makes sure that the directory is there and is ours alone. */
static p_status claim_directory(state_store *s, p_err *err)
{
    char path[PATH_MAX + 16], who[48] = "another process";
    struct stat st;
    if (mkdir(s->dir, 0700) != 0 && errno != EEXIST)
        return p_err_set(err, P_EIO, "state store %s: the directory cannot be made: %s", s->dir,
                         strerror(errno));
    if (stat(s->dir, &st) != 0)
        return p_err_set(err, P_EIO, "state store %s: %s", s->dir, strerror(errno));
    if (!S_ISDIR(st.st_mode))
        return p_err_set(err, P_EINVAL, "state store %s: is a file, expected a directory", s->dir);
    store_path(s, "owner.lock", path);
    s->owner_fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (s->owner_fd < 0)
        return p_err_set(err, P_EIO, "state store %s: its file owner.lock cannot be opened: %s",
                         s->dir, strerror(errno));
    if (flock(s->owner_fd, LOCK_EX | LOCK_NB) != 0) {
        if (errno == EWOULDBLOCK) {
            unsigned long pid = owner_pid(s->owner_fd);
            if (pid)
                snprintf(who, sizeof who, "process %lu", pid);
            return p_err_set(err, P_EUNAVAILABLE,
                             "state store %s: is in use by %s; stop it or choose another directory",
                             s->dir, who);
        }
        return p_err_set(err, P_EIO, "state store %s: cannot be locked: %s", s->dir,
                         strerror(errno));
    }
    write_pid(s->owner_fd);
    store_path(s, STORE_COMPACT_NAME, path);
    unlink(path); /* of a compaction that was cut off */
    store_path(s, STORE_PROBE_NAME, path);
    unlink(path);
    return P_OK;
}

/** For a reader beside another process: the file must not be replaced under it. */
static p_status claim_reading(state_store *s, p_err *err)
{
    char path[PATH_MAX + 16];
    struct stat st;
    store_path(s, "data.mdb", path);
    if (stat(path, &st) != 0)
        return p_err_set(err, errno == ENOENT || errno == ENOTDIR ? P_EMISSING : P_EIO,
                         "state store %s: %s: %s", s->dir, "its file data.mdb", strerror(errno));
    store_path(s, "readers.lock", path);
    s->readers_fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (s->readers_fd < 0)
        return p_err_set(err, P_EIO, "state store %s: its file readers.lock cannot be opened: %s",
                         s->dir, strerror(errno));
    if (flock(s->readers_fd, LOCK_SH | LOCK_NB) != 0)
        return p_err_set(err, P_EUNAVAILABLE, "state store %s: is being compacted; try again later",
                         s->dir);
    return P_OK;
}

/** Reads or, in a new store, writes the format version. */
static p_status check_format(state_store *s, MDB_txn *txn, p_err *err)
{
    MDB_val key = {sizeof FORMAT_KEY - 1, (void *)FORMAT_KEY}, value;
    int rc = mdb_get(txn, s->meta, &key, &value);
    if (rc == MDB_NOTFOUND && s->read_only)
        return p_err_set(err, P_ECORRUPT, "state store %s: has no format version", s->dir);
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

static int open_tables(state_store *s, MDB_txn *txn)
{
    unsigned create = s->read_only ? 0 : MDB_CREATE;
    int rc = mdb_dbi_open(txn, "nodes", create, &s->nodes);
    if (rc == 0)
        rc = mdb_dbi_open(txn, "codes", create, &s->codes);
    return rc == 0 ? mdb_dbi_open(txn, "meta", create, &s->meta) : rc;
}

static p_status try_open_env(state_store *s, uint64_t map_bytes, p_err *err)
{
    MDB_txn *txn = NULL;
    MDB_envinfo info;
    int dead;
    unsigned flags = s->read_only ? MDB_RDONLY : 0;
    int rc = mdb_env_create(&s->env);
    if (rc != 0)
        return store_error(s, rc, "opening", err);
    if ((rc = mdb_env_set_maxdbs(s->env, 3)) != 0 ||
        (rc = mdb_env_set_maxreaders(s->env, MAX_READERS)) != 0 ||
        (rc = mdb_env_set_mapsize(s->env, (size_t)map_bytes)) != 0 ||
        (rc = mdb_env_open(s->env, s->dir, MDB_NOTLS | flags, 0600)) != 0 ||
        (rc = mdb_reader_check(s->env, &dead)) != 0 ||
        (rc = mdb_txn_begin(s->env, NULL, flags, &txn)) != 0 || (rc = open_tables(s, txn)) != 0) {
        if (txn)
            mdb_txn_abort(txn);
        if (rc == MDB_NOTFOUND)
            return p_err_set(err, P_ECORRUPT, "state store %s: its tables are not there", s->dir);
        return store_error(s, rc, "opening", err);
    }
    p_status status = check_format(s, txn, err);
    if (status != P_OK) {
        mdb_txn_abort(txn);
        return status;
    }
    rc = mdb_txn_commit(txn);
    if (rc == 0)
        rc = mdb_env_info(s->env, &info);
    if (rc != 0)
        return store_error(s, rc, "opening", err);
    s->map_bytes = info.me_mapsize; /* a file that has more keeps it */
    return P_OK;
}

p_status store_open_env(state_store *s, uint64_t map_bytes, p_err *err)
{
    p_status status = try_open_env(s, map_bytes, err);
    if (status != P_OK && s->env) {
        mdb_env_close(s->env);
        s->env = NULL;
    }
    return status;
}

static p_status create(state_store **out, const char *dir, bool read_only, p_err *err)
{
    pthread_rwlockattr_t attr;
    state_store *s = calloc(1, sizeof *s);
    if (!s)
        return p_err_set(err, P_EEXHAUSTED, "state store %s: no memory to open it", dir);
    s->owner_fd = s->readers_fd = -1;
    s->read_only = read_only;
    pthread_mutex_init(&s->writing, NULL);
    pthread_mutex_init(&s->count, NULL);
    /* or a stream of readers would keep the map from growing */
    pthread_rwlockattr_init(&attr);
    pthread_rwlockattr_setkind_np(&attr, PTHREAD_RWLOCK_PREFER_WRITER_NONRECURSIVE_NP);
    pthread_rwlock_init(&s->mapping, &attr);
    pthread_rwlockattr_destroy(&attr);
    *out = s;
    if (snprintf(s->dir, sizeof s->dir, "%s", dir) >= (int)sizeof s->dir)
        return p_err_set(err, P_EINVAL, "state store: a directory name of %zu bytes is too long",
                         strlen(dir));
    return P_OK;
}

p_status state_store_open(state_store **out, const char *dir, uint64_t limit_bytes, p_err *err)
{
    *out = NULL;
    if (limit_bytes < STORE_MIN_MAP_BYTES || limit_bytes > SIZE_MAX / 2)
        return p_err_set(err, P_EINVAL,
                         "state store %s: a map of %" PRIu64 " bytes, expected at least %" PRIu64,
                         dir, limit_bytes, STORE_MIN_MAP_BYTES);
    state_store *s = NULL;
    p_status status = create(&s, dir, false, err);
    if (status == P_OK)
        status = claim_directory(s, err);
    if (status == P_OK) {
        /* LMDB maps whole pages */
        uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);
        s->limit_bytes = (limit_bytes + page - 1) / page * page;
        status = store_open_env(
            s, s->limit_bytes < FIRST_MAP_BYTES ? s->limit_bytes : FIRST_MAP_BYTES, err);
    }
    if (status != P_OK) {
        state_store_close(s);
        return status;
    }
    *out = s;
    return P_OK;
}

p_status state_store_open_read(state_store **out, const char *dir, p_err *err)
{
    *out = NULL;
    state_store *s = NULL;
    p_status status = create(&s, dir, true, err);
    if (status == P_OK)
        status = claim_reading(s, err);
    if (status == P_OK)
        status = store_open_env(s, READ_MAP_BYTES, err);
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
    if (s->owner_fd >= 0)
        close(s->owner_fd);
    if (s->readers_fd >= 0)
        close(s->readers_fd);
    pthread_rwlock_destroy(&s->mapping);
    pthread_mutex_destroy(&s->writing);
    pthread_mutex_destroy(&s->count);
    free(s);
}

p_status store_grow(state_store *s, uint64_t map_bytes, p_err *err)
{
    if (map_bytes <= s->map_bytes)
        return P_OK;
    /* LMDB gives the old map up before it makes the new one, and is lost if that fails: first see
     * whether there is room for it */
    void *probe = mmap(NULL, (size_t)map_bytes, PROT_NONE,
                       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (probe == MAP_FAILED)
        return p_err_set(err, P_EEXHAUSTED,
                         "state store %s: its map cannot grow from %" PRIu64 " to %" PRIu64
                         " bytes: %s; raise the limit of virtual memory (ulimit -v)",
                         s->dir, s->map_bytes, map_bytes, strerror(errno));
    munmap(probe, (size_t)map_bytes);
    p_status status = P_OK;
    pthread_rwlock_wrlock(&s->mapping);
    int rc = mdb_env_set_mapsize(s->env, (size_t)map_bytes);
    if (rc == 0) {
        s->map_bytes = map_bytes;
    } else {
        status = store_error(s, rc, "growing", err);
        mdb_env_close(s->env);
        s->env = NULL;
    }
    pthread_rwlock_unlock(&s->mapping);
    return status;
}

p_status state_reader_open(state_reader **out, state_store *s, p_err *err)
{
    *out = NULL;
    state_reader *r = malloc(sizeof *r);
    if (!r)
        return p_err_set(err, P_EEXHAUSTED, "state store %s: no memory to read", s->dir);
    r->store = s;
    pthread_rwlock_rdlock(&s->mapping);
    p_status status = P_OK;
    int rc;
    if (!s->env) {
        status = store_broken(s, err);
    } else if ((rc = mdb_txn_begin(s->env, NULL, MDB_RDONLY, &r->txn)) != 0) {
        status = store_error(s, rc, "reading", err);
    } else {
        mdb_txn_reset(r->txn);
        pthread_mutex_lock(&s->count);
        s->readers++;
        pthread_mutex_unlock(&s->count);
    }
    pthread_rwlock_unlock(&s->mapping);
    if (status != P_OK) {
        free(r);
        return status;
    }
    *out = r;
    return P_OK;
}

void state_reader_close(state_reader *r)
{
    if (!r)
        return;
    state_store *s = r->store;
    pthread_rwlock_rdlock(&s->mapping);
    if (s->env) /* else it went with the environment */
        mdb_txn_abort(r->txn);
    pthread_mutex_lock(&s->count);
    s->readers--;
    pthread_mutex_unlock(&s->count);
    pthread_rwlock_unlock(&s->mapping);
    free(r);
}

/** The bytes under a hash, borrowed until end_get, which is due in any case. */
static p_status begin_get(state_reader *r, MDB_dbi dbi, const gl_t hash[4], MDB_val *value,
                          p_err *err)
{
    uint8_t key_bytes[STORE_KEY_BYTES];
    store_encode_words(key_bytes, hash, 4);
    MDB_val key = {sizeof key_bytes, key_bytes};
    pthread_rwlock_rdlock(&r->store->mapping);
    if (!r->store->env)
        return store_broken(r->store, err);
    int rc = mdb_txn_renew(r->txn);
    if (rc == 0)
        rc = mdb_get(r->txn, dbi, &key, value);
    if (rc == MDB_NOTFOUND)
        return P_ENOTFOUND;
    return rc == 0 ? P_OK : store_error(r->store, rc, "reading", err);
}

static void end_get(state_reader *r)
{
    if (r->store->env)
        mdb_txn_reset(r->txn);
    pthread_rwlock_unlock(&r->store->mapping);
}

static p_status read_node(const state_store *s, const gl_t hash[4], const MDB_val *value,
                          gl_t node[12], p_err *err)
{
    char text[STATE_HASH_TEXT_BYTES];
    unsigned bad;
    if (value->mv_size == STORE_NODE_BYTES && store_decode_node(value->mv_data, node, &bad))
        return P_OK;
    state_hash_text(text, hash);
    if (value->mv_size != STORE_NODE_BYTES)
        return p_err_set(err, P_ECORRUPT,
                         "state store %s: the node %s has %zu bytes, expected %d; send it again "
                         "with a request that is persisted",
                         s->dir, text, value->mv_size, STORE_NODE_BYTES);
    return p_err_set(err, P_ECORRUPT,
                     "state store %s: element %u of the node %s is %016" PRIx64
                     ", expected less than ffffffff00000001; send it again with a request "
                     "that is persisted",
                     s->dir, bad, text, node[bad]);
}

p_status state_reader_node(state_reader *r, const gl_t hash[4], gl_t node[12], p_err *err)
{
    MDB_val value;
    p_status status = begin_get(r, r->store->nodes, hash, &value, err);
    if (status == P_OK)
        status = read_node(r->store, hash, &value, node, err);
    end_get(r);
    return status;
}

p_status state_reader_code(state_reader *r, const gl_t hash[4], uint8_t **code, size_t *len,
                           p_err *err)
{
    MDB_val value;
    *code = NULL;
    *len = 0;
    p_status status = begin_get(r, r->store->codes, hash, &value, err);
    if (status == P_OK) {
        uint8_t *copy = malloc(value.mv_size ? value.mv_size : 1);
        if (!copy) {
            status = p_err_set(err, P_EEXHAUSTED,
                               "state store %s: no memory for a bytecode of %zu bytes",
                               r->store->dir, value.mv_size);
        } else {
            memcpy(copy, value.mv_data, value.mv_size);
            *code = copy;
            *len = value.mv_size;
        }
    }
    end_get(r);
    return status;
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

/** Puts one entry if it is not there as it should be; *changed says whether
 * something was written. */
static int put_entry(MDB_txn *txn, MDB_dbi dbi, const gl_t hash[4], const void *bytes, size_t len,
                     bool *changed)
{
    uint8_t key_bytes[STORE_KEY_BYTES];
    store_encode_words(key_bytes, hash, 4);
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
        uint8_t bytes[STORE_NODE_BYTES];
        store_encode_words(bytes, part->nodes[i] + 4, 12);
        rc = put_entry(txn, s->nodes, part->nodes[i], bytes, sizeof bytes, changed);
    }
    for (size_t i = 0; i < part->n_codes && rc == 0; i++) {
        const state_store_code_entry *c = &part->codes[i];
        rc =
            put_entry(txn, s->codes, c->hash, c->len ? (const void *)c->code : "", c->len, changed);
    }
    return rc;
}

int store_write_cause(const state_store *s, int rc)
{
    enum { PROBE_BYTES = 65536 };
    static const uint8_t zeros[PROBE_BYTES];
    char path[PATH_MAX + 16];
    struct stat st;
    struct rlimit limit;
    if (rc != EIO)
        return rc;
    store_path(s, "data.mdb", path);
    if (getrlimit(RLIMIT_FSIZE, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY &&
        stat(path, &st) == 0 && (rlim_t)st.st_size >= limit.rlim_cur)
        return EFBIG;
    store_path(s, STORE_PROBE_NAME, path);
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd < 0)
        return errno == ENOSPC || errno == EDQUOT ? errno : rc;
    for (size_t done = 0; done < PROBE_BYTES;) {
        ssize_t n = write(fd, zeros + done, PROBE_BYTES - done);
        if (n <= 0) {
            if (n < 0 && (errno == ENOSPC || errno == EDQUOT))
                rc = errno;
            break;
        }
        done += (size_t)n;
    }
    unlink(path);
    close(fd);
    return rc;
}

/** One attempt. */
static int write_once(state_store *s, const state_store_part *parts, size_t n_parts)
{
    MDB_txn *txn;
    int rc = mdb_txn_begin(s->env, NULL, 0, &txn);
    if (rc != 0)
        return rc;
    bool changed = false;
    for (size_t i = 0; i < n_parts && rc == 0; i++)
        rc = put_part(s, txn, &parts[i], &changed);
    if (rc != 0 || !changed) {
        mdb_txn_abort(txn);
        return rc;
    }
    return mdb_txn_commit(txn);
}

static p_status full(state_store *s, p_err *err)
{
    state_store_info info;
    if (state_store_stat(s, &info, NULL) != P_OK)
        return store_error(s, MDB_MAP_FULL, "writing", err);
    return p_err_set(err, P_EEXHAUSTED,
                     "state store %s: full: %" PRIu64 " of %" PRIu64
                     " bytes are used, and the new entries do not fit; raise its map size or "
                     "prune it",
                     s->dir, info.bytes_used - info.bytes_free, info.bytes_limit);
}

p_status state_store_write_parts(state_store *s, const state_store_part *parts, size_t n_parts,
                                 p_err *err)
{
    if (s->read_only)
        return p_err_set(err, P_EINTERNAL, "state store %s: was opened for reading", s->dir);
    p_status status = P_OK;
    int rc = MDB_MAP_FULL;
    pthread_mutex_lock(&s->writing);
    while (status == P_OK && rc == MDB_MAP_FULL) {
        rc = s->env ? write_once(s, parts, n_parts) : 0;
        if (!s->env)
            status = store_broken(s, err);
        else if (rc == MDB_MAP_FULL && s->map_bytes >= s->limit_bytes)
            status = full(s, err);
        else if (rc == MDB_MAP_FULL)
            status = store_grow(
                s, s->map_bytes < s->limit_bytes / 2 ? 2 * s->map_bytes : s->limit_bytes, err);
        else if (rc != 0)
            status = store_error(s, store_write_cause(s, rc), "writing", err);
    }
    pthread_mutex_unlock(&s->writing);
    return status;
}

p_status state_store_write(state_store *s, const gl_t (*nodes)[16], size_t n_nodes,
                           const state_store_code_entry *codes, size_t n_codes, p_err *err)
{
    state_store_part part = {nodes, n_nodes, codes, n_codes};
    return state_store_write_parts(s, &part, 1, err);
}

int store_usage(MDB_env *env, MDB_txn *txn, uint64_t *used, uint64_t *free_bytes)
{
    MDB_envinfo info;
    MDB_stat st;
    MDB_cursor *cursor;
    MDB_val key, value;
    uint64_t pages = 0;
    int rc = mdb_env_info(env, &info);
    if (rc == 0)
        rc = mdb_env_stat(env, &st);
    /* table 0 lists the free pages: a count and that many numbers for each transaction */
    if (rc == 0)
        rc = mdb_cursor_open(txn, 0, &cursor);
    if (rc != 0)
        return rc;
    while ((rc = mdb_cursor_get(cursor, &key, &value, MDB_NEXT)) == 0) {
        size_t n;
        if (value.mv_size < sizeof n) {
            rc = MDB_CORRUPTED;
            break;
        }
        memcpy(&n, value.mv_data, sizeof n);
        pages += n;
    }
    mdb_cursor_close(cursor);
    *used = (uint64_t)(info.me_last_pgno + 1) * st.ms_psize;
    *free_bytes = pages * st.ms_psize;
    return rc == MDB_NOTFOUND ? 0 : rc;
}

static int read_info(state_store *s, state_store_info *out)
{
    MDB_txn *txn;
    MDB_stat nodes, codes;
    MDB_envinfo info;
    int rc = mdb_txn_begin(s->env, NULL, MDB_RDONLY, &txn);
    if (rc != 0)
        return rc;
    if ((rc = mdb_stat(txn, s->nodes, &nodes)) == 0 &&
        (rc = mdb_stat(txn, s->codes, &codes)) == 0 && (rc = mdb_env_info(s->env, &info)) == 0 &&
        (rc = store_usage(s->env, txn, &out->bytes_used, &out->bytes_free)) == 0) {
        out->nodes = nodes.ms_entries;
        out->codes = codes.ms_entries;
        out->bytes_map = info.me_mapsize;
    }
    mdb_txn_abort(txn);
    return rc;
}

p_status state_store_stat(state_store *s, state_store_info *out, p_err *err)
{
    char path[PATH_MAX + 16];
    struct stat st;
    memset(out, 0, sizeof *out);
    pthread_rwlock_rdlock(&s->mapping);
    p_status status = P_OK;
    int rc;
    if (!s->env)
        status = store_broken(s, err);
    else if ((rc = read_info(s, out)) != 0)
        status = store_error(s, rc, "reading its size", err);
    pthread_rwlock_unlock(&s->mapping);
    store_path(s, "data.mdb", path);
    out->bytes_file = stat(path, &st) == 0 ? (uint64_t)st.st_size : 0;
    out->bytes_limit = s->limit_bytes > out->bytes_map ? s->limit_bytes : out->bytes_map;
    out->format = FORMAT_VERSION;
    return status;
}
