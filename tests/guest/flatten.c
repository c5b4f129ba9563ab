#include "tests/guest/flatten.h"

#include "driver/base/hex.h"

#include <errno.h>
#include <jansson.h>
#include <secp256k1_recovery.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

/* ---- JSON ---- */

static bool fail(char error[256], const char *what, const char *name)
{
    snprintf(error, 256, "%s: %s", what, name);
    return false;
}

/* An integer, a decimal string or a hex string. */
static bool get_number(const json_t *o, const char *name, uint64_t fallback, uint64_t *out)
{
    const json_t *v = json_object_get(o, name);
    *out = fallback;
    if (!v)
        return true;
    if (json_is_integer(v)) {
        *out = (uint64_t)json_integer_value(v);
        return json_integer_value(v) >= 0;
    }
    const char *s = json_string_value(v);
    if (!s || !*s)
        return false;
    char *end;
    errno = 0;
    *out = strtoull(s, &end, 0);
    return *end == 0 && errno == 0;
}

static bool get_bytes(const json_t *o, const char *name, uint8_t *out, size_t len)
{
    const char *s = json_string_value(json_object_get(o, name));
    if (!s)
        return false;
    size_t n = strlen(s), skip = p_hex_prefix(s, n);
    return p_hex_decode_padded(out, len, s + skip, n - skip);
}

static void limbs_of_hash(uint64_t limbs[4], const uint8_t be[32])
{
    for (int i = 0; i < 4; i++) {
        limbs[i] = 0;
        for (int j = 0; j < 8; j++)
            limbs[i] = limbs[i] << 8 | be[(3 - i) * 8 + j];
    }
}

/* ---- a growing block of words ---- */

typedef struct words {
    uint64_t *at;
    size_t n, room;
    bool failed;
} words;

static uint64_t *words_add(words *w, size_t n)
{
    if (w->n + n > w->room && !w->failed) {
        size_t room = (w->n + n) * 2;
        uint64_t *grown = realloc(w->at, room * 8);
        if (grown) {
            w->at = grown;
            w->room = room;
        } else {
            w->failed = true;
        }
    }
    if (w->failed)
        return NULL;
    uint64_t *p = w->at + w->n;
    memset(p, 0, n * 8);
    w->n += n;
    return p;
}

/* Hex digits as bytes padded to a word; returns how many bytes. */
static bool words_add_hex(words *w, const char *hex, size_t *len)
{
    size_t n = strlen(hex), skip = p_hex_prefix(hex, n);
    *len = (n - skip) / 2;
    uint64_t *p = words_add(w, (*len + 7) / 8);
    return p && p_hex_decode((uint8_t *)p, *len, hex + skip, n - skip);
}

static int compare_nodes(const void *a, const void *b)
{
    const uint64_t *x = a, *y = b;
    for (int i = 3; i >= 0; i--) {
        if (x[i] != y[i])
            return x[i] < y[i] ? -1 : 1;
    }
    return 0;
}

static bool hash_key(const char *key, uint64_t limbs[4])
{
    uint8_t be[32];
    size_t n = strlen(key), skip = p_hex_prefix(key, n);
    if (!p_hex_decode_padded(be, sizeof be, key + skip, n - skip))
        return false;
    limbs_of_hash(limbs, be);
    return true;
}

static bool add_nodes(words *w, json_t *db)
{
    const char *key;
    json_t *list;
    size_t first = w->n;
    json_object_foreach(db, key, list)
    {
        uint64_t *p = words_add(w, FLAT_NODE_WORDS);
        size_t n = json_array_size(list);
        if (!p || !hash_key(key, p) || (n != 8 && n != 12))
            return false;
        for (size_t i = 0; i < n; i++) {
            const char *s = json_string_value(json_array_get(list, i));
            uint8_t be[8];
            if (!s)
                return false;
            size_t len = strlen(s), skip = p_hex_prefix(s, len);
            if (!p_hex_decode_padded(be, 8, s + skip, len - skip))
                return false;
            for (int j = 0; j < 8; j++)
                p[4 + i] = p[4 + i] << 8 | be[j];
        }
    }
    qsort(w->at + first, (w->n - first) / FLAT_NODE_WORDS, FLAT_NODE_WORDS * 8, compare_nodes);
    return true;
}

static bool add_codes(words *w, json_t *codes, uint64_t *count)
{
    const char *key;
    json_t *text;
    *count = 0;
    json_object_foreach(codes, key, text)
    {
        const char *hex = json_string_value(text);
        if (!hex)
            return false;
        if (strlen(key) <= 42)
            continue; /* address -> hash: not part of the protocol */
        size_t at = w->n, len;
        uint64_t *head = words_add(w, 5);
        if (!head || !hash_key(key, head) || !words_add_hex(w, hex, &len))
            return false;
        w->at[at + 4] = len;
        ++*count;
    }
    return true;
}

bool flatten_file(const char *path, uint8_t **block, size_t *len, flatten_expected *expected,
                  char error[256])
{
    *block = NULL;
    *len = 0;
    words w = {0};
    uint8_t root[32], expected_root[32];
    bool ok = false;
    json_error_t where;
    json_t *o = json_load_file(path, JSON_REJECT_DUPLICATES, &where);
    if (!o)
        return fail(error, path, where.text);

    uint64_t *h = words_add(&w, FLAT_H_WORDS), n_codes = 0;
    const char *data = json_string_value(json_object_get(o, "batchL2Data"));
    if (!h || !data) {
        fail(error, path, "no batchL2Data");
        goto out;
    }
    h[FLAT_H_MAGIC] = FLAT_MAGIC;
    if (!get_number(o, "forkID", 0, &h[FLAT_H_FORK_ID]) ||
        !get_number(o, "oldNumBatch", 0, &h[FLAT_H_OLD_BATCH_NUM]) ||
        !get_number(o, "chainID", 0, &h[FLAT_H_CHAIN_ID]) ||
        !get_number(o, "timestamp", 0, &h[FLAT_H_TIMESTAMP]) ||
        !get_number(o, "gasLimit", EXEC_BLOCK_GAS_LIMIT, &h[FLAT_H_BLOCK_GAS_LIMIT])) {
        fail(error, path, "a field that must be a number is none");
        goto out;
    }
    h[FLAT_H_ENFORCE_COUNTERS] = json_is_true(json_object_get(o, "counters"));
    if (!get_bytes(o, "oldStateRoot", root, 32) ||
        !get_bytes(o, "oldAccInputHash", (uint8_t *)&h[FLAT_H_OLD_ACC_INPUT_HASH], 32) ||
        !get_bytes(o, "globalExitRoot", (uint8_t *)&h[FLAT_H_GLOBAL_EXIT_ROOT], 32) ||
        !get_bytes(o, "sequencerAddr", (uint8_t *)&h[FLAT_H_SEQUENCER], 20)) {
        fail(error, path, "a hash or address is malformed");
        goto out;
    }
    limbs_of_hash(&h[FLAT_H_OLD_STATE_ROOT], root);
    if (expected) {
        expected->has_state_root = get_bytes(o, "newStateRoot", expected_root, 32);
        if (expected->has_state_root)
            limbs_of_hash(expected->state_root.limb, expected_root);
    }

    size_t data_len;
    json_t *db = json_object_get(o, "db");
    if (!words_add_hex(&w, data, &data_len)) {
        fail(error, path, "batchL2Data is no hex");
        goto out;
    }
    if (!add_nodes(&w, db)) {
        fail(error, path, "db is malformed");
        goto out;
    }
    if (!add_codes(&w, json_object_get(o, "contractsBytecode"), &n_codes)) {
        fail(error, path, "contractsBytecode is malformed");
        goto out;
    }
    w.at[FLAT_H_L2_DATA_LEN] = data_len;
    w.at[FLAT_H_N_NODES] = json_object_size(db);
    w.at[FLAT_H_N_CODES] = n_codes;
    *block = (uint8_t *)w.at;
    *len = w.n * 8;
    ok = true;
out:
    json_decref(o);
    if (!ok)
        free(w.at);
    return ok;
}

/* ---- recording host ---- */

static exec_fault recorder_node(void *ctx, const gl_t hash[4], gl_t node[12])
{
    flatten_recorder *rec = ctx;
    exec_host inner = flat_host(rec->file);
    return inner.node(inner.ctx, hash, node);
}

static exec_fault recorder_code(void *ctx, const gl_t hash[4], const uint8_t **code, size_t *len)
{
    flatten_recorder *rec = ctx;
    exec_host inner = flat_host(rec->file);
    return inner.code(inner.ctx, hash, code, len);
}

/* libsecp256k1 refuses a recovery at infinity just as an r that is no x coordinate; parsing the
 * point R = (r, parity) tells the two apart. */
static exec_recovery recover(const secp256k1_context *secp, flat_recovery *e)
{
    uint8_t compact[64], point[33], serialized[65];
    secp256k1_ecdsa_recoverable_signature sig;
    secp256k1_pubkey key;
    size_t len = sizeof serialized;
    memcpy(compact, e->r, 32);
    memcpy(compact + 32, e->s, 32);
    point[0] = e->odd_y ? 3 : 2;
    memcpy(point + 1, e->r, 32);
    if (!secp256k1_ec_pubkey_parse(secp, &key, point, sizeof point))
        return EXEC_RECOVERY_NONE;
    if (!secp256k1_ecdsa_recoverable_signature_parse_compact(secp, &sig, compact, (int)e->odd_y) ||
        !secp256k1_ecdsa_recover(secp, &key, &sig, e->hash))
        return EXEC_RECOVERY_INFINITY;
    secp256k1_ec_pubkey_serialize(secp, serialized, &len, &key, SECP256K1_EC_UNCOMPRESSED);
    memcpy(e->public_key, serialized + 1, 64);
    return EXEC_RECOVERY_OK;
}

static exec_recovery recorder_recover(void *ctx, const uint8_t hash[32], const uint8_t r[32],
                                      const uint8_t s[32], bool odd_y, uint8_t public_key[64])
{
    flatten_recorder *rec = ctx;
    if (rec->n == rec->room) {
        size_t room = rec->room ? rec->room * 2 : 64;
        flat_recovery *grown = realloc(rec->entries, room * sizeof *grown);
        if (!grown) {
            rec->file->fault = "out of memory";
            return EXEC_RECOVERY_NONE;
        }
        rec->entries = grown;
        rec->room = room;
    }
    flat_recovery *e = &rec->entries[rec->n++];
    memset(e, 0, sizeof *e);
    memcpy(e->hash, hash, 32);
    memcpy(e->r, r, 32);
    memcpy(e->s, s, 32);
    e->odd_y = odd_y;
    e->answer = recover(rec->secp, e);
    memcpy(public_key, e->public_key, 64);
    return (exec_recovery)e->answer;
}

bool flatten_recorder_init(flatten_recorder *rec, flat_file *f)
{
    memset(rec, 0, sizeof *rec);
    rec->file = f;
    rec->secp = secp256k1_context_create(SECP256K1_CONTEXT_NONE);
    return rec->secp != NULL;
}

void flatten_recorder_free(flatten_recorder *rec)
{
    secp256k1_context_destroy(rec->secp);
    free(rec->entries);
    memset(rec, 0, sizeof *rec);
}

exec_host flatten_recorder_host(flatten_recorder *rec)
{
    exec_host host = flat_host(rec->file);
    host.ctx = rec;
    host.node = recorder_node;
    host.code = recorder_code;
    host.recover = recorder_recover;
    return host;
}

uint8_t *flatten_with_recoveries(const uint8_t *block, size_t len, const flatten_recorder *rec,
                                 size_t *out_len)
{
    size_t extra = rec->n * sizeof(flat_recovery);
    uint8_t *out = malloc(len + extra);
    uint64_t n = rec->n;
    if (!out)
        return NULL;
    memcpy(out, block, len);
    memcpy(out + FLAT_H_N_RECOVERIES * 8, &n, 8);
    if (extra)
        memcpy(out + len, rec->entries, extra);
    *out_len = len + extra;
    return out;
}

/* ---- memory ---- */

static bool arena_map(exec_arena *a, size_t size)
{
    void *p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE,
                   -1, 0);
    exec_arena_init(a, p == MAP_FAILED ? NULL : p, p == MAP_FAILED ? 0 : size);
    return p != MAP_FAILED;
}

bool flatten_memory_map(exec_memory *m, size_t arena_bytes)
{
    memset(m, 0, sizeof *m);
    if (arena_map(&m->tree, arena_bytes) && arena_map(&m->tx, arena_bytes) &&
        arena_map(&m->frame, arena_bytes))
        return true;
    flatten_memory_unmap(m);
    return false;
}

void flatten_memory_unmap(exec_memory *m)
{
    exec_arena *arenas[] = {&m->tree, &m->tx, &m->frame};
    for (int i = 0; i < 3; i++) {
        if (arenas[i]->base)
            munmap(arenas[i]->base, arenas[i]->size);
        exec_arena_init(arenas[i], NULL, 0);
    }
}

void flatten_memory_reset(exec_memory *m)
{
    exec_arena *arenas[] = {&m->tree, &m->tx, &m->frame};
    for (int i = 0; i < 3; i++)
        exec_arena_init(arenas[i], arenas[i]->base, arenas[i]->size);
}
