/* A slow and obvious state tree to test against: a list of leaves from which root, depths and the
 * cost of each access are computed anew by their definitions; and a store of nodes that serves as
 * host. */
#ifndef ZKP_TESTS_UNIT_EXECUTOR_TREE_REFERENCE_H
#define ZKP_TESTS_UNIT_EXECUTOR_TREE_REFERENCE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

#include "driver/field/gl_poseidon.h"
#include "host/executor/host.h"
#include "host/executor/types.h"

/* ---- random numbers ---- */

static uint64_t rng_state = 1;

static inline uint64_t rng(void)
{
    uint64_t z = rng_state += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}

static inline unsigned rng_below(unsigned n)
{
    return (unsigned)(rng() % n);
}

/* ---- the reference tree ---- */

typedef struct ref_leaf {
    gl_t key[4];
    u256 value;
} ref_leaf;

typedef struct ref_tree {
    ref_leaf leaf[1024];
    size_t n;
} ref_tree;

static inline bool ref_is_zero(const u256 *v)
{
    return !(v->limb[0] | v->limb[1] | v->limb[2] | v->limb[3]);
}

static inline size_t ref_index(const ref_tree *t, const gl_t key[4])
{
    size_t i = 0;
    while (i < t->n && memcmp(t->leaf[i].key, key, 32) != 0)
        i++;
    return i;
}

static inline u256 ref_get(const ref_tree *t, const gl_t key[4])
{
    size_t i = ref_index(t, key);
    return i < t->n ? t->leaf[i].value : (u256){{0}};
}

static inline void ref_set(ref_tree *t, const gl_t key[4], const u256 *value)
{
    size_t i = ref_index(t, key);
    if (ref_is_zero(value)) {
        if (i < t->n)
            t->leaf[i] = t->leaf[--t->n];
        return;
    }
    assert_true(i < 1024);
    memcpy(t->leaf[i].key, key, 32);
    t->leaf[i].value = *value;
    if (i == t->n)
        t->n++;
}

static inline unsigned ref_bit(const gl_t key[4], unsigned depth)
{
    return (unsigned)(key[depth % 4] >> (depth / 4)) & 1;
}

static inline void ref_hash(gl_t out[4], const gl_t in[8], gl_t capacity)
{
    gl_t s[12] = {0};
    memcpy(s, in, 64);
    s[8] = capacity;
    gl_poseidon_permute_portable(s);
    memcpy(out, s, 32);
}

static inline void ref_root_of(const ref_leaf *const *leaf, size_t n, unsigned depth, gl_t out[4])
{
    gl_t in[8];
    if (n == 0) {
        memset(out, 0, 32);
    } else if (n == 1) {
        gl_t value[8];
        for (unsigned i = 0; i < 8; i++)
            value[i] = (uint32_t)(leaf[0]->value.limb[i / 2] >> (i % 2 * 32));
        memcpy(in, leaf[0]->key, 32);
        for (unsigned i = 0; i < depth; i++)
            in[i % 4] >>= 1;
        ref_hash(in + 4, value, 0);
        ref_hash(out, in, 1);
    } else {
        const ref_leaf **side = malloc(n * sizeof *side);
        for (unsigned bit = 0; bit < 2; bit++) {
            size_t m = 0;
            for (size_t i = 0; i < n; i++)
                if (ref_bit(leaf[i]->key, depth) == bit)
                    side[m++] = leaf[i];
            ref_root_of(side, m, depth + 1, in + 4 * bit);
        }
        free(side);
        ref_hash(out, in, 0);
    }
}

static inline void ref_root(const ref_tree *t, gl_t out[4])
{
    const ref_leaf **all = malloc((t->n + 1) * sizeof *all);
    for (size_t i = 0; i < t->n; i++)
        all[i] = &t->leaf[i];
    ref_root_of(all, t->n, 0, out);
    free(all);
}

/** How many path bits two keys share from the beginning; 256 if they are the same. */
static inline unsigned ref_common(const gl_t a[4], const gl_t b[4])
{
    unsigned d = 0;
    while (d < 256 && ref_bit(a, d) == ref_bit(b, d))
        d++;
    return d;
}

/** Leaves that share the first `depth` path bits with a key; *one is one of them, not `except`. */
static inline size_t ref_sharing(const ref_tree *t, const gl_t key[4], unsigned depth,
                                 const gl_t *except, const ref_leaf **one)
{
    size_t n = 0;
    for (size_t i = 0; i < t->n; i++) {
        const ref_leaf *l = &t->leaf[i];
        if (ref_common(l->key, key) < depth || (except && memcmp(l->key, except, 32) == 0))
            continue;
        n++;
        if (one)
            *one = l;
    }
    return n;
}

/** Inner nodes on a key's path. There is one at each depth d where two leaves or more share the
 * first d bits, so for every d up to the second largest number of common bits. */
static inline unsigned ref_depth(const ref_tree *t, const gl_t key[4])
{
    unsigned largest = 0, second = 0;
    for (size_t i = 0; i < t->n; i++) {
        unsigned common = ref_common(t->leaf[i].key, key);
        if (common > largest) {
            second = largest;
            largest = common;
        } else if (common > second) {
            second = common;
        }
    }
    return t->n < 2 ? 0 : second + 1;
}

static inline uint64_t ref_cost_find(const ref_tree *t, const gl_t key[4])
{
    unsigned d = ref_depth(t, key);
    return t->n ? d + (ref_sharing(t, key, d, NULL, NULL) ? 2 : 0) : 0;
}

static inline uint64_t ref_cost_read(const ref_tree *t, const gl_t key[4])
{
    return 2 + ref_cost_find(t, key);
}

/** Cost of a write, from the rules of the executor specification 9.2; then does it. */
static inline uint64_t ref_cost_write(ref_tree *t, const gl_t key[4], const u256 *value)
{
    uint64_t cost = 2 + ref_cost_find(t, key);
    unsigned d = ref_depth(t, key);
    bool there = ref_index(t, key) < t->n;
    bool met_leaf = ref_sharing(t, key, d, NULL, NULL) != 0;
    if (!ref_is_zero(value)) {
        ref_set(t, key, value);
        if (there || !met_leaf)
            return cost + 2 + d;
        return cost + 4 + (ref_depth(t, key) - d - 1) + d;
    }
    if (!there || t->n == 1) {
        ref_set(t, key, value);
        return cost;
    }
    const ref_leaf *one = NULL;
    size_t beside = ref_sharing(t, key, d - 1, key, &one);
    gl_t one_key[4];
    memcpy(one_key, one->key, 32);
    ref_set(t, key, value);
    return cost + (beside == 1 ? 3 + ref_depth(t, one_key) : 1 + d);
}

/* ---- a store of nodes ---- */

#define DB_SLOTS (1u << 18)

typedef struct node_db {
    struct {
        gl_t hash[4];
        gl_t node[12];
        bool used, hidden;
    } * slot;
    size_t n, asked;
    exec_fault fail; /* returned by every question, if set */
} node_db;

static inline node_db *db_create(void)
{
    node_db *db = calloc(1, sizeof *db);
    assert_non_null(db);
    db->slot = calloc(DB_SLOTS, sizeof *db->slot);
    assert_non_null(db->slot);
    return db;
}

static inline void db_destroy(node_db *db)
{
    free(db->slot);
    free(db);
}

static inline size_t db_slot(const node_db *db, const gl_t hash[4])
{
    size_t i = hash[0] % DB_SLOTS;
    while (db->slot[i].used && memcmp(db->slot[i].hash, hash, 32) != 0)
        i = (i + 1) % DB_SLOTS;
    return i;
}

static inline void db_put(node_db *db, const gl_t hash[4], const gl_t node[12])
{
    size_t i = db_slot(db, hash);
    if (!db->slot[i].used)
        assert_true(++db->n < DB_SLOTS / 2);
    db->slot[i].used = true;
    memcpy(db->slot[i].hash, hash, 32);
    memcpy(db->slot[i].node, node, 96);
}

/** Puts a node under its own hash, which goes to hash if that is not NULL. */
static inline void db_add(node_db *db, const gl_t node[12], gl_t hash[4])
{
    gl_t s[12];
    memcpy(s, node, 96);
    gl_poseidon_permute_portable(s);
    db_put(db, s, node);
    if (hash)
        memcpy(hash, s, 32);
}

/** observer->node: the hash is checked. */
static inline void db_observe(void *ctx, const gl_t hash[4], const gl_t node[12])
{
    gl_t s[12];
    memcpy(s, node, 96);
    gl_poseidon_permute_portable(s);
    assert_memory_equal(s, hash, 32);
    db_put(ctx, hash, node);
}

static inline exec_fault db_node(void *ctx, const gl_t hash[4], gl_t node[12])
{
    node_db *db = ctx;
    db->asked++;
    assert_true((hash[0] | hash[1] | hash[2] | hash[3]) != 0);
    if (db->fail)
        return db->fail;
    size_t i = db_slot(db, hash);
    if (!db->slot[i].used || db->slot[i].hidden)
        return EXEC_FAULT_MISSING_NODE;
    memcpy(node, db->slot[i].node, 96);
    return EXEC_FAULT_NONE;
}

static inline exec_fault db_no_code(void *ctx, const gl_t hash[4], const uint8_t **code,
                                    size_t *len)
{
    (void)ctx, (void)hash, (void)code, (void)len;
    return EXEC_FAULT_MISSING_CODE;
}

static inline void db_permute_many(void *ctx, gl_t *states, size_t count)
{
    (void)ctx;
    for (size_t i = 0; i < count; i++)
        gl_poseidon_permute_portable(states + 12 * i);
}

static inline exec_host db_host(node_db *db)
{
    return (exec_host){.ctx = db,
                       .node = db_node,
                       .code = db_no_code,
                       .permute_many = db_permute_many,
                       .permute = gl_poseidon_permute_portable};
}

static inline exec_observer db_observer(node_db *db)
{
    return (exec_observer){.ctx = db, .node = db_observe};
}

/* ---- vectors ---- */

/** A number in decimal, or in hex with 0x. Fails the test if it is neither or too large. */
static inline u256 parse_u256(const char *text)
{
    u256 v = {{0}};
    unsigned base = 10;
    if (text[0] == '0' && (text[1] == 'x' || text[1] == 'X')) {
        base = 16;
        text += 2;
    }
    for (; *text; text++) {
        char c = *text;
        unsigned digit = c >= '0' && c <= '9'   ? (unsigned)(c - '0')
                         : c >= 'a' && c <= 'f' ? (unsigned)(c - 'a' + 10)
                         : c >= 'A' && c <= 'F' ? (unsigned)(c - 'A' + 10)
                                                : 99;
        assert_true(digit < base);
        gl_u128 carry = digit;
        for (unsigned i = 0; i < 4; i++) {
            carry += (gl_u128)v.limb[i] * base;
            v.limb[i] = (uint64_t)carry;
            carry >>= 64;
        }
        assert_true(carry == 0);
    }
    return v;
}

/** Calls each with every file of a folder of the vectors whose number is below 100; returns how
 * many there were. Where the vectors are absent the test is skipped. */
static inline size_t each_vector(const char *kind, void (*each)(const json_t *object))
{
    const char *dir = getenv("ZKPROVER_VECTORS");
    char path[4096];
    size_t n = 0;
    if (!dir)
        dir = ZKP_DEFAULT_VECTORS;
    snprintf(path, sizeof path, "%s/README.md", dir);
    FILE *f = fopen(path, "r");
    if (!f) {
        print_message("no vectors at %s\n", dir);
        skip();
    }
    fclose(f);
    for (unsigned i = 0; i < 100; i++) {
        json_error_t error;
        snprintf(path, sizeof path, "%s/smt/%s/%s_%u.json", dir, kind, kind, i);
        f = fopen(path, "r");
        if (!f)
            continue;
        json_t *object = json_loadf(f, 0, &error);
        fclose(f);
        assert_non_null(object);
        print_message("%s\n", path);
        each(object);
        json_decref(object);
        n++;
    }
    return n;
}

#endif
