#include "host/state/genesis.h"

#include "host/state/grow.h"

#include <stdlib.h>
#include <string.h>

#define PATH_BITS 256

typedef struct leaf {
    uint8_t path[32]; /* the key's bits in path order, first bit of the path = top bit of byte 0 */
    u256 key, value;
    size_t order; /* of setting: the last one wins */
} leaf;

typedef struct code_entry {
    u256 hash;
    uint8_t *bytes;
    size_t len;
} code_entry;

struct state_genesis {
    const gl_poseidon_ops *poseidon;
    leaf *leaves;
    size_t n_leaves, max_leaves;
    size_t n_sorted; /* the first n_sorted leaves are in path order, without duplicates or zeros */
    code_entry *codes;
    size_t n_codes, max_codes;
};

static void limbs_of(gl_t out[8], const u256 *x)
{
    for (unsigned i = 0; i < 8; i++)
        out[i] = (x->limb[i / 2] >> (32 * (i % 2))) & UINT32_MAX;
}

static void hash_12(const gl_poseidon_ops *poseidon, gl_t out[4], const gl_t node[12])
{
    gl_t state[12];
    memcpy(state, node, sizeof state);
    poseidon->permute(state);
    memcpy(out, state, 4 * sizeof(gl_t));
}

static u256 number_of(const gl_t h[4])
{
    return (u256){{h[0], h[1], h[2], h[3]}};
}

u256 state_leaf_key(const gl_poseidon_ops *poseidon, const exec_address *address,
                    unsigned leaf_type, const u256 *slot)
{
    gl_t node[12] = {0}, h[4];
    if (leaf_type == 3 && slot)
        limbs_of(node, slot);
    hash_12(poseidon, h, node);
    for (unsigned i = 0; i < 5; i++) { /* 32-bit limbs of the address, least significant first */
        const uint8_t *b = address->bytes + 16 - 4 * i;
        node[i] = (gl_t)b[0] << 24 | (gl_t)b[1] << 16 | (gl_t)b[2] << 8 | b[3];
    }
    node[5] = 0;
    node[6] = leaf_type;
    node[7] = 0;
    memcpy(node + 8, h, sizeof h);
    hash_12(poseidon, h, node);
    return number_of(h);
}

u256 state_code_hash(const gl_poseidon_ops *poseidon, const uint8_t *code, size_t len)
{
    gl_t h[4] = {0};
    if (len > 0)
        gl_poseidon_hash_bytes(h, code, len, poseidon->permute);
    return number_of(h);
}

p_status state_genesis_create(state_genesis **out, const gl_poseidon_ops *poseidon, p_err *err)
{
    *out = NULL;
    state_genesis *g = calloc(1, sizeof *g);
    if (!g)
        return p_err_set(err, P_EEXHAUSTED, "genesis: out of memory");
    g->poseidon = poseidon;
    *out = g;
    return P_OK;
}

void state_genesis_destroy(state_genesis *g)
{
    if (!g)
        return;
    for (size_t i = 0; i < g->n_codes; i++)
        free(g->codes[i].bytes);
    free(g->codes);
    free(g->leaves);
    free(g);
}

static void path_of(uint8_t path[32], const u256 *key)
{
    memset(path, 0, 32);
    for (unsigned i = 0; i < PATH_BITS; i++)
        path[i / 8] |= (uint8_t)((key->limb[i % 4] >> (i / 4) & 1) << (7 - i % 8));
}

p_status state_genesis_set_leaf(state_genesis *g, const u256 *key, const u256 *value, p_err *err)
{
    for (unsigned i = 0; i < 4; i++)
        if (!gl_is_canonical(key->limb[i]))
            return p_err_set(err, P_EINVAL,
                             "genesis: element %u of a key is 0x%016llx; expected a number below "
                             "0xffffffff00000001",
                             i, (unsigned long long)key->limb[i]);
    void *leaves = g->leaves;
    if (!state_grow(&leaves, &g->max_leaves, g->n_leaves, sizeof *g->leaves))
        return p_err_set(err, P_EEXHAUSTED, "genesis: out of memory at leaf %zu", g->n_leaves);
    g->leaves = leaves;
    leaf *l = g->leaves + g->n_leaves;
    l->key = *key;
    l->value = *value;
    l->order = g->n_leaves++;
    path_of(l->path, key);
    return P_OK;
}

p_status state_genesis_set_balance(state_genesis *g, const exec_address *a, const u256 *value,
                                   p_err *err)
{
    u256 key = state_leaf_key(g->poseidon, a, 0, NULL);
    return state_genesis_set_leaf(g, &key, value, err);
}

p_status state_genesis_set_nonce(state_genesis *g, const exec_address *a, const u256 *value,
                                 p_err *err)
{
    u256 key = state_leaf_key(g->poseidon, a, 1, NULL);
    return state_genesis_set_leaf(g, &key, value, err);
}

p_status state_genesis_set_storage(state_genesis *g, const exec_address *a, const u256 *slot,
                                   const u256 *value, p_err *err)
{
    u256 key = state_leaf_key(g->poseidon, a, 3, slot);
    return state_genesis_set_leaf(g, &key, value, err);
}

p_status state_genesis_set_code(state_genesis *g, const exec_address *a, const uint8_t *code,
                                size_t len, p_err *err)
{
    u256 hash = state_code_hash(g->poseidon, code, len), length = {{len, 0, 0, 0}};
    u256 key = state_leaf_key(g->poseidon, a, 2, NULL);
    p_status s = state_genesis_set_leaf(g, &key, &hash, err);
    if (s != P_OK)
        return s;
    key = state_leaf_key(g->poseidon, a, 4, NULL);
    s = state_genesis_set_leaf(g, &key, &length, err);
    return s == P_OK && len > 0 ? state_genesis_keep_code(g, code, len, err) : s;
}

p_status state_genesis_keep_code(state_genesis *g, const uint8_t *code, size_t len, p_err *err)
{
    void *codes = g->codes;
    if (!state_grow(&codes, &g->max_codes, g->n_codes, sizeof *g->codes))
        return p_err_set(err, P_EEXHAUSTED, "genesis: out of memory at bytecode %zu", g->n_codes);
    g->codes = codes;
    uint8_t *bytes = malloc(len);
    if (!bytes)
        return p_err_set(err, P_EEXHAUSTED, "genesis: out of memory for %zu bytes of code", len);
    memcpy(bytes, code, len);
    g->codes[g->n_codes++] =
        (code_entry){.hash = state_code_hash(g->poseidon, code, len), .bytes = bytes, .len = len};
    return P_OK;
}

u256 state_genesis_get_leaf(const state_genesis *g, const u256 *key)
{
    uint8_t path[32];
    path_of(path, key);
    for (size_t i = g->n_leaves; i > g->n_sorted; i--)
        if (memcmp(g->leaves[i - 1].path, path, sizeof path) == 0)
            return g->leaves[i - 1].value;
    size_t lo = 0, hi = g->n_sorted;
    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;
        int c = memcmp(g->leaves[mid].path, path, sizeof path);
        if (c == 0)
            return g->leaves[mid].value;
        if (c < 0)
            lo = mid + 1;
        else
            hi = mid;
    }
    return (u256){{0, 0, 0, 0}};
}

static int by_path(const void *pa, const void *pb)
{
    const leaf *a = pa, *b = pb;
    int c = memcmp(a->path, b->path, sizeof a->path);
    return c ? c : (a->order > b->order) - (a->order < b->order);
}

/* Sorts by path, keeps the last value set for each key, drops zeros. */
static void settle(state_genesis *g)
{
    if (g->n_leaves > 1)
        qsort(g->leaves, g->n_leaves, sizeof *g->leaves, by_path);
    size_t kept = 0;
    for (size_t i = 0; i < g->n_leaves; i++) {
        const leaf *l = &g->leaves[i];
        bool last =
            i + 1 == g->n_leaves || memcmp(l->path, g->leaves[i + 1].path, sizeof l->path) != 0;
        uint64_t any = l->value.limb[0] | l->value.limb[1] | l->value.limb[2] | l->value.limb[3];
        if (last && any != 0)
            g->leaves[kept++] = *l;
    }
    for (size_t i = 0; i < kept; i++)
        g->leaves[i].order = i;
    g->n_leaves = g->n_sorted = kept;
}

/* Hashes a node and hands it to the request. */
static p_status emit(state_genesis *g, state_request *req, const gl_t node[12], size_t n,
                     gl_t hash[4], p_err *err)
{
    hash_12(g->poseidon, hash, node);
    return req ? state_request_add_node_elements(req, hash, node, n, err) : P_OK;
}

/* The subtree of the leaves lo..hi-1, which agree in the first `depth` bits of their paths. */
static p_status build(state_genesis *g, state_request *req, size_t lo, size_t hi, unsigned depth,
                      gl_t hash[4], p_err *err)
{
    gl_t node[12] = {0};
    if (lo == hi) {
        memset(hash, 0, 4 * sizeof(gl_t));
        return P_OK;
    }
    if (hi - lo == 1) {
        const leaf *l = &g->leaves[lo];
        gl_t value[12] = {0};
        limbs_of(value, &l->value);
        p_status s = emit(g, req, value, 8, node + 4, err);
        if (s != P_OK)
            return s;
        for (unsigned k = 0; k < 4; k++) { /* the path took depth/4 bits of each, then one more */
            unsigned shift = depth / 4 + (depth % 4 > k);
            node[k] = shift < 64 ? l->key.limb[k] >> shift : 0;
        }
        node[8] = 1;
        return emit(g, req, node, 12, hash, err);
    }
    size_t split = lo;
    while (split < hi && !(g->leaves[split].path[depth / 8] >> (7 - depth % 8) & 1))
        split++;
    p_status s = build(g, req, lo, split, depth + 1, node, err);
    if (s == P_OK)
        s = build(g, req, split, hi, depth + 1, node + 4, err);
    return s == P_OK ? emit(g, req, node, 12, hash, err) : s;
}

p_status state_genesis_finish(state_genesis *g, state_request *req, u256 *root, p_err *err)
{
    gl_t hash[4];
    settle(g);
    p_status s = build(g, req, 0, g->n_leaves, 0, hash, err);
    if (s != P_OK)
        return s;
    *root = number_of(hash);
    if (!req)
        return P_OK;
    req->batch.old_state_root = *root;
    for (size_t i = 0; i < g->n_codes; i++) {
        const code_entry *c = &g->codes[i];
        char key[64], *text = malloc(2 * c->len);
        if (!text)
            return p_err_set(err, P_EEXHAUSTED, "genesis: out of memory for %zu bytes of code",
                             c->len);
        for (unsigned k = 0; k < 64; k++)
            key[k] = "0123456789abcdef"[c->hash.limb[3 - k / 16] >> (60 - 4 * (k % 16)) & 15];
        for (size_t k = 0; k < c->len; k++) {
            text[2 * k] = "0123456789abcdef"[c->bytes[k] >> 4];
            text[2 * k + 1] = "0123456789abcdef"[c->bytes[k] & 15];
        }
        s = state_request_add_code(req, key, sizeof key, text, 2 * c->len, err);
        free(text);
        if (s != P_OK)
            return s;
    }
    return P_OK;
}
