/* The state tree against the slow reference, the published vectors, and
 * hosts that answer wrongly. */
#include "tests/unit/executor/tree_reference.h"

#include "host/executor/smt.h"
#include "host/executor/world_cost.h"

#define ARENA_BYTES ((size_t)64 << 20)

typedef struct fixture {
    exec_arena arena;
    void *memory;
    node_db *db;
    exec_host host;
    exec_observer observer;
    u256 missing;
    smt tree;
    ref_tree *ref;
} fixture;

static int setup(void **state)
{
    fixture *f = calloc(1, sizeof *f);
    f->memory = aligned_alloc(64, ARENA_BYTES);
    f->db = db_create();
    f->host = db_host(f->db);
    f->observer = db_observer(f->db);
    f->ref = calloc(1, sizeof *f->ref);
    exec_arena_init(&f->arena, f->memory, ARENA_BYTES);
    *state = f;
    rng_state = 1;
    return smt_init(&f->tree, &f->arena, &f->host, &f->observer, &f->missing, NULL);
}

static int teardown(void **state)
{
    fixture *f = *state;
    db_destroy(f->db);
    free(f->memory);
    free(f->ref);
    free(f);
    return 0;
}

/** Throws the tree away and opens it again at a root, with nothing but the nodes of the store. */
static void reopen(fixture *f, const gl_t root[4])
{
    exec_arena_init(&f->arena, f->memory, ARENA_BYTES);
    assert_int_equal(smt_init(&f->tree, &f->arena, &f->host, &f->observer, &f->missing, root), 0);
}

static void set(fixture *f, const gl_t key[4], const u256 *value)
{
    smt_effect e;
    u256 old = ref_get(f->ref, key);
    assert_int_equal(smt_set(&f->tree, key, value, &e), 0);
    assert_memory_equal(&old, &e.before.value, sizeof old);
    assert_int_equal(world_cost_write(&e), ref_cost_write(f->ref, key, value));
}

static void check_find(fixture *f, smt_which which, const ref_tree *ref, const gl_t key[4])
{
    smt_lookup l;
    u256 value = ref_get(ref, key);
    assert_int_equal(smt_find(&f->tree, which, key, &l), 0);
    assert_memory_equal(&value, &l.value, sizeof value);
    assert_int_equal(l.found, !ref_is_zero(&value));
    assert_int_equal(l.depth, ref_depth(ref, key));
    assert_int_equal(l.tree_empty, ref->n == 0);
    assert_int_equal(l.leaf, ref_sharing(ref, key, l.depth, NULL, NULL) != 0);
    assert_int_equal(world_cost_read(&l), ref_cost_read(ref, key));
}

static void check_root(fixture *f, gl_t root[4])
{
    gl_t expected[4];
    ref_root(f->ref, expected);
    assert_int_equal(smt_root(&f->tree, root), 0);
    assert_memory_equal(expected, root, sizeof expected);
}

/** Keys of which many share long beginnings of their paths, so that forks
 * are deep and lifts long. */
static void random_key(gl_t key[4], unsigned spread)
{
    for (unsigned i = 0; i < 4; i++)
        key[i] = UINT64_C(0x123456789abcdef) * (i + 1);
    switch (rng_below(4)) {
    case 0: /* near each other at the far end of the path */
        key[rng_below(4)] ^= UINT64_C(1) << rng_below(63);
        break;
    case 1:
        for (unsigned i = 0; i < 4; i++)
            key[i] = rng() % spread;
        break;
    case 2: /* the last bits of all */
        key[rng_below(4)] ^= (uint64_t)rng_below(4) << 61;
        break;
    default:
        for (unsigned i = 0; i < 4; i++)
            key[i] = (rng() % spread + 1) * UINT64_C(0x9e3779b97f4a7c15) % GL_P;
        break;
    }
}

static u256 random_value(void)
{
    u256 v = {{0}};
    switch (rng_below(4)) {
    case 0:
        break;
    case 1:
        v.limb[0] = 1 + rng_below(3);
        break;
    case 2:
        memset(&v, 0xff, sizeof v);
        break;
    default:
        for (unsigned i = 0; i < 4; i++)
            v.limb[i] = rng();
        break;
    }
    return v;
}

static void run_random(fixture *f, unsigned steps, unsigned spread, unsigned root_every)
{
    ref_tree *frozen = calloc(1, sizeof *frozen);
    gl_t root[4], key[4];
    for (unsigned step = 0; step < steps; step++) {
        random_key(key, spread);
        if (f->ref->n && rng_below(3) == 0)
            memcpy(key, f->ref->leaf[rng_below((unsigned)f->ref->n)].key, sizeof key);
        u256 value = random_value();
        if (f->ref->n > 120)
            value = (u256){{0}};
        set(f, key, &value);
        random_key(key, spread);
        check_find(f, SMT_CURRENT, f->ref, key);
        check_find(f, SMT_FROZEN, frozen, key);
        if (rng_below(7) == 0) {
            smt_freeze(&f->tree);
            memcpy(frozen, f->ref, sizeof *frozen);
        }
        if (rng_below(root_every) == 0)
            check_root(f, root);
        if (rng_below(40) == 0) {
            check_root(f, root);
            reopen(f, root);
            memcpy(frozen, f->ref, sizeof *frozen);
        }
    }
    check_root(f, root);
    free(frozen);
}

static void test_random_dense(void **state)
{
    run_random(*state, 2000, 3, 8);
}

static void test_random_sparse(void **state)
{
    run_random(*state, 1000, 1000000, 4);
}

/** Memory stays bounded however many epochs pass. */
static void test_recycling(void **state)
{
    fixture *f = *state;
    gl_t root[4];
    size_t used = 0;
    for (unsigned epoch = 0; epoch < 600; epoch++) {
        for (unsigned i = 0; i < 8; i++) {
            gl_t key[4] = {rng_below(16), rng_below(4), 5, 7};
            u256 value = {{rng_below(3)}};
            set(f, key, &value);
        }
        check_root(f, root);
        smt_freeze(&f->tree);
        if (epoch == 200)
            used = f->arena.used;
    }
    assert_true(f->arena.used - used < 32 * 1024); /* a lost node an epoch would be as much */
}

static void test_order_does_not_matter(void **state)
{
    fixture *f = *state;
    gl_t key[24][4], first[4], root[4];
    u256 value = {{9}}, zero = {{0}};
    for (unsigned i = 0; i < 24; i++)
        do
            random_key(key[i], 50);
        while (ref_index(f->ref, key[i]) < f->ref->n || (ref_set(f->ref, key[i], &value), false));
    ref_root(f->ref, first);
    f->ref->n = 0;
    for (unsigned round = 0; round < 10; round++) {
        for (unsigned i = 23; i > 0; i--) {
            unsigned j = rng_below(i + 1);
            gl_t swap[4];
            memcpy(swap, key[i], 32);
            memcpy(key[i], key[j], 32);
            memcpy(key[j], swap, 32);
        }
        for (unsigned i = 0; i < 24; i++)
            set(f, key[i], &value);
        check_root(f, root);
        assert_memory_equal(root, first, 32);
        for (unsigned i = 0; i < 24; i++)
            set(f, key[i], &zero);
        check_root(f, root);
        assert_int_equal(f->tree.root, 0);
    }
}

static void test_deepest_fork(void **state)
{
    fixture *f = *state;
    gl_t a[4] = {1, 2, 3, 4}, b[4] = {1, 2, 3, 4 | UINT64_C(1) << 63}, root[4];
    u256 one = {{1}}, zero = {{0}};
    smt_effect e;
    set(f, a, &one);
    assert_int_equal(smt_set(&f->tree, b, &one, &e), 0);
    assert_int_equal(e.kind, SMT_INSERT_FORK);
    assert_int_equal(e.count, 255);
    ref_set(f->ref, b, &one);
    check_root(f, root);
    reopen(f, root);
    check_find(f, SMT_CURRENT, f->ref, a);
    check_find(f, SMT_CURRENT, f->ref, b);
    assert_int_equal(ref_depth(f->ref, b), 256);
    assert_int_equal(smt_set(&f->tree, a, &zero, &e), 0);
    assert_int_equal(e.kind, SMT_DELETE_LIFT);
    assert_int_equal(e.count, 0);
    ref_set(f->ref, a, &zero);
    check_root(f, root);
}

/** Hand-computed effects: keys by their first path bits (bit 0 is the lowest of element 0). */
static void test_effects(void **state)
{
    fixture *f = *state;
    const gl_t k00[4] = {0, 0}, k01[4] = {0, 1}, k1[4] = {1}, k000001[4] = {0, 2};
    const u256 v = {{5}}, zero = {{0}};
    static const struct {
        unsigned key;
        bool remove;
        smt_case kind;
        unsigned depth, count;
    } steps[] = {
        {0, true, SMT_NOTHING, 0, 0},      {0, false, SMT_INSERT, 0, 0},
        {0, false, SMT_UPDATE, 0, 0},      {1, true, SMT_NOTHING, 0, 0},
        {1, false, SMT_INSERT_FORK, 0, 1}, {2, false, SMT_INSERT, 1, 0},
        {2, true, SMT_DELETE_INNER, 1, 0}, {1, true, SMT_DELETE_LIFT, 2, 0},
        {1, false, SMT_INSERT_FORK, 0, 1}, {2, false, SMT_INSERT, 1, 0},
        {3, false, SMT_INSERT_FORK, 2, 3}, {3, true, SMT_DELETE_LIFT, 6, 2},
        {1, true, SMT_DELETE_LIFT, 2, 1},  {0, true, SMT_DELETE_LIFT, 1, 0},
        {2, true, SMT_DELETE_LAST, 0, 0},
    };
    const gl_t *keys[] = {k00, k01, k1, k000001};
    for (unsigned i = 0; i < sizeof steps / sizeof *steps; i++) {
        smt_effect e;
        print_message("step %u\n", i);
        assert_int_equal(smt_set(&f->tree, keys[steps[i].key], steps[i].remove ? &zero : &v, &e),
                         0);
        assert_int_equal(e.kind, steps[i].kind);
        assert_int_equal(e.before.depth, steps[i].depth);
        assert_int_equal(e.count, steps[i].count);
    }
}

static void test_vector_raw_one(const json_t *o)
{
    fixture *f;
    setup((void **)&f);
    const json_t *keys = json_object_get(o, "keys"), *values = json_object_get(o, "values");
    for (size_t i = 0; i < json_array_size(keys); i++) {
        u256 key = parse_u256(json_string_value(json_array_get(keys, i)));
        u256 value = parse_u256(json_string_value(json_array_get(values, i)));
        set(f, key.limb, &value);
    }
    gl_t root[4];
    u256 expected = parse_u256(json_string_value(json_object_get(o, "expectedRoot")));
    check_root(f, root);
    assert_memory_equal(root, expected.limb, 32);
    teardown((void **)&f);
}

static void test_vectors_raw(void **state)
{
    (void)state;
    assert_true(each_vector("smt-raw", test_vector_raw_one) >= 15);
}

/* ---- undoing ---- */

static void test_restore_needs_no_host(void **state)
{
    fixture *f = *state;
    gl_t root[4], again[4];
    static struct {
        gl_t key[4];
        u256 old;
    } journal[64];
    for (unsigned i = 0; i < 60; i++) {
        gl_t key[4];
        u256 value = {{i + 1}};
        random_key(key, 100);
        set(f, key, &value);
    }
    check_root(f, root);
    for (unsigned round = 0; round < 150; round++) {
        unsigned n = 1 + rng_below(60);
        reopen(f, root);
        for (unsigned i = 0; i < n; i++) {
            smt_effect e;
            u256 value = random_value();
            random_key(journal[i].key, 100);
            if (rng_below(2))
                memcpy(journal[i].key, f->ref->leaf[rng_below((unsigned)f->ref->n)].key, 32);
            assert_int_equal(smt_set(&f->tree, journal[i].key, &value, &e), 0);
            journal[i].old = e.before.value;
            if (rng_below(20) == 0)
                smt_freeze(&f->tree);
            if (rng_below(20) == 0)
                assert_int_equal(smt_root(&f->tree, again), 0);
        }
        f->db->fail = EXEC_FAULT_MISSING_NODE;
        /* backwards, or (only the first value of each key) in any order, which ends the same */
        if (rng_below(2)) {
            for (unsigned i = n; i-- > 0;)
                assert_int_equal(smt_restore(&f->tree, journal[i].key, &journal[i].old), 0);
        } else {
            unsigned start = rng_below(n);
            for (unsigned j = 0; j < n; j++) {
                unsigned i = (start + j) % n, before = 0;
                while (memcmp(journal[before].key, journal[i].key, 32) != 0)
                    before++;
                assert_int_equal(smt_restore(&f->tree, journal[i].key, &journal[before].old), 0);
            }
        }
        assert_int_equal(smt_root(&f->tree, again), 0);
        assert_memory_equal(root, again, 32);
        f->db->fail = EXEC_FAULT_NONE;
    }
}

/* ---- hosts that answer wrongly ---- */

static void test_missing_nodes(void **state)
{
    fixture *f = *state;
    gl_t root[4];
    u256 value = {{7}}, zero = {{0}};
    for (unsigned i = 0; i < 30; i++) {
        gl_t key[4] = {rng() % GL_P, rng() % GL_P, rng() % GL_P, rng() % GL_P};
        set(f, key, &value);
    }
    check_root(f, root);
    size_t met = 0;
    for (size_t i = 0; i < DB_SLOTS; i++) {
        if (!f->db->slot[i].used)
            continue;
        reopen(f, root);
        f->db->slot[i].hidden = true;
        for (size_t k = 0; k < f->ref->n; k++) {
            smt_effect e;
            gl_t again[4];
            exec_fault fault = smt_set(&f->tree, f->ref->leaf[k].key, &zero, &e);
            if (fault) {
                assert_int_equal(fault, EXEC_FAULT_MISSING_NODE);
                assert_memory_equal(f->missing.limb, f->db->slot[i].hash, 32);
                met++;
                /* the tree is as it was, and goes on once the node is there */
                f->db->slot[i].hidden = false;
                assert_int_equal(smt_set(&f->tree, f->ref->leaf[k].key, &zero, &e), 0);
            }
            assert_int_equal(smt_restore(&f->tree, f->ref->leaf[k].key, &value), 0);
            assert_int_equal(smt_root(&f->tree, again), 0);
            assert_memory_equal(again, root, 32);
        }
        f->db->slot[i].hidden = false;
    }
    assert_true(met >= 60);
    f->db->fail = EXEC_FAULT_STORE;
    reopen(f, root);
    smt_lookup l;
    assert_int_equal(smt_find(&f->tree, SMT_CURRENT, f->ref->leaf[0].key, &l), EXEC_FAULT_STORE);
}

static void expect_bad(fixture *f, const gl_t root[4], const gl_t key[4], const gl_t bad[4])
{
    smt_lookup l;
    reopen(f, root);
    assert_int_equal(smt_find(&f->tree, SMT_CURRENT, key, &l), EXEC_FAULT_BAD_NODE);
    assert_memory_equal(f->missing.limb, bad, 32);
}

static void test_malformed_nodes(void **state)
{
    fixture *f = *state;
    gl_t value_node[12] = {1}, value[4], leaf[4], root[4];
    const gl_t zero_key[4] = {0}, other[4] = {9, 9, 9, 9};
    smt_lookup l;
    db_add(f->db, value_node, value);
    gl_t good[12] = {0, 0, 0, 0, value[0], value[1], value[2], value[3], 1};
    db_add(f->db, good, root);
    reopen(f, root);
    assert_int_equal(smt_find(&f->tree, SMT_CURRENT, zero_key, &l), 0);
    assert_true(l.found && l.value.limb[0] == 1);

    /* capacities that no node has */
    for (unsigned i = 8; i < 12; i++)
        for (gl_t c = 1; c < 3; c++) {
            gl_t node[12];
            memcpy(node, good, sizeof node);
            node[i] = i == 8 && c == 1 ? 2 : c;
            db_add(f->db, node, root);
            expect_bad(f, root, zero_key, root);
        }
    /* elements that are none */
    for (unsigned i = 0; i < 12; i++) {
        gl_t node[12], hash[4] = {1, 2, 3, i};
        memcpy(node, good, sizeof node);
        node[i] = i % 2 ? GL_P : UINT64_MAX;
        db_put(f->db, hash, node);
        expect_bad(f, hash, zero_key, hash);
    }
    /* values */
    for (unsigned i = 0; i < 13; i++) {
        gl_t bad_value[12] = {1};
        if (i < 8)
            bad_value[i] = UINT64_C(1) << 32;
        else if (i < 12)
            bad_value[i] = 1;
        else
            bad_value[0] = 0;
        gl_t hash[4], node[12] = {0};
        db_add(f->db, bad_value, hash);
        memcpy(node + 4, hash, 32);
        node[8] = 1;
        db_add(f->db, node, root);
        expect_bad(f, root, zero_key, hash);
        assert_int_equal(smt_find(&f->tree, SMT_CURRENT, other, &l), 0); /* needs no value */
    }
    /* a leaf without a value, an inner node without children */
    gl_t no_value[12] = {[8] = 1}, no_children[12] = {0};
    db_add(f->db, no_value, root);
    expect_bad(f, root, zero_key, root);
    db_add(f->db, no_children, root);
    expect_bad(f, root, zero_key, root);

    /* leaves at depth 1 whose remaining key does not fit: bit 63 of element 0 is one too many, and
     * (p >> 1) * 2 + 1 = p is no element */
    static const uint64_t remaining[] = {UINT64_C(1) << 63, GL_P >> 1, (GL_P >> 1) - 1};
    for (unsigned i = 0; i < 3; i++) {
        const gl_t right[4] = {1};
        gl_t node[12], inner[12] = {1, 1, 1, 1};
        memcpy(node, good, sizeof node);
        node[0] = remaining[i];
        db_add(f->db, node, leaf);
        memcpy(inner + 4, leaf, 32);
        db_add(f->db, inner, root);
        if (i < 2) {
            expect_bad(f, root, right, leaf);
        } else {
            reopen(f, root);
            assert_int_equal(smt_find(&f->tree, SMT_CURRENT, right, &l), 0);
            assert_true(l.leaf && !l.found && l.depth == 1);
        }
    }
    /* a leaf alone below an inner node: a canonical tree would have lifted it */
    db_add(f->db, good, leaf);
    gl_t alone[12] = {leaf[0], leaf[1], leaf[2], leaf[3]};
    db_add(f->db, alone, root);
    expect_bad(f, root, zero_key, leaf);
    /* roots that are no hashes */
    gl_t no_hash[4] = {1, 2, GL_P, 3};
    assert_int_equal(smt_init(&f->tree, &f->arena, &f->host, NULL, &f->missing, no_hash),
                     EXEC_FAULT_MISSING_NODE);
}

/** A host for which every hash is an inner node. */
static exec_fault endless_node(void *ctx, const gl_t hash[4], gl_t node[12])
{
    (void)ctx, (void)hash;
    for (unsigned i = 0; i < 12; i++)
        node[i] = i < 8;
    return EXEC_FAULT_NONE;
}

static void test_endless_path(void **state)
{
    fixture *f = *state;
    const gl_t root[4] = {1, 1, 1, 1}, key[4] = {5, 6, 7, 8};
    smt_lookup l;
    f->host.node = endless_node;
    reopen(f, root);
    assert_int_equal(smt_find(&f->tree, SMT_CURRENT, key, &l), EXEC_FAULT_BAD_NODE);
}

/** A leaf at depth 256 has nothing left of its key. */
static exec_fault leaf_below_node(void *ctx, const gl_t hash[4], gl_t node[12])
{
    gl_t leaf[12] = {hash[0] >> 32, 0, 0, 0, 1, 1, 1, 1, 1};
    (void)ctx;
    memcpy(node, leaf, sizeof leaf);
    if ((hash[0] & 0xffffffff) < 256) {
        endless_node(NULL, hash, node);
        node[0] = node[4] = hash[0] + 1;
    }
    return EXEC_FAULT_NONE;
}

static void test_leaf_at_depth_256(void **state)
{
    fixture *f = *state;
    const gl_t fits[4] = {0, 1, 1, 1}, left_over[4] = {UINT64_C(1) << 32, 1, 1, 1};
    const gl_t key[4] = {5, GL_P - 1, 7, 8};
    smt_lookup l;
    f->host.node = leaf_below_node;
    reopen(f, left_over);
    assert_int_equal(smt_find(&f->tree, SMT_CURRENT, key, &l), EXEC_FAULT_BAD_NODE);
    reopen(f, fits);
    /* this host's value node is {2, 1, 1, 1, 2, 1, 1, 1} */
    assert_int_equal(smt_find(&f->tree, SMT_CURRENT, key, &l), 0);
    assert_true(l.found && l.depth == 256 && l.value.limb[3] == (UINT64_C(1) << 32 | 1));
}

/** A host that makes nodes up, the same one whenever it is asked for the same hash: mostly inner
 * nodes, leaves for whatever path, values, one-child nodes, and some that are no nodes at all. */
static exec_fault made_up_node(void *ctx, const gl_t hash[4], gl_t node[12])
{
    uint64_t saved = rng_state;
    rng_state = hash[0] ^ hash[1] << 7 ^ hash[2] << 13 ^ hash[3] << 29 ^
                (uint64_t) * (const unsigned *)ctx << 40;
    unsigned kind = rng_below(16);
    memset(node, 0, 96);
    for (unsigned i = 0; i < 8; i++)
        node[i] = kind < 5 ? rng() % GL_P : rng() >> 33; /* as a value too */
    if (kind < 3) {                                      /* one child */
        memset(node + 4 * (kind & 1), 0, 32);
    } else if (kind >= 9 && kind < 14) { /* leaf, of a short remaining key: it fits */
        node[8] = 1;
        for (unsigned i = 0; i < 4; i++)
            node[i] >>= rng_below(32);
    } else if (kind == 14) {
        node[8 + rng_below(4)] = rng_below(3);
        node[rng_below(12)] = rng();
    } else if (kind == 15 && rng_below(4) == 0) {
        rng_state = saved;
        return EXEC_FAULT_MISSING_NODE;
    }
    rng_state = saved;
    return EXEC_FAULT_NONE;
}

/** No answer of the host leads anywhere but to a value or a fault. */
static void test_lying_host(void **state)
{
    fixture *f = *state;
    size_t seen[EXEC_FAULT_STORE + 1] = {0}, found = 0;
    for (unsigned seed = 0; seed < 400; seed++) {
        gl_t root[4] = {seed, 1, 2, 3};
        f->host.ctx = &seed;
        f->host.node = made_up_node;
        reopen(f, root);
        f->tree.observer = NULL;
        for (unsigned i = 0; i < 60; i++) {
            gl_t key[4] = {rng() % GL_P, rng() % GL_P, rng() % GL_P, rng() % GL_P};
            smt_lookup l;
            smt_effect e;
            u256 value = random_value();
            if (rng_below(2)) /* a path that was there before, or near to it */
                key[0] = rng_below(8), key[1] = rng_below(4), key[2] = 0, key[3] = 0;
            exec_fault fault = smt_find(&f->tree, rng_below(2), key, &l);
            seen[fault]++;
            fault = smt_set(&f->tree, key, &value, &e);
            seen[fault]++;
            found += !fault && e.before.leaf;
            if (!fault && rng_below(4) == 0)
                seen[smt_restore(&f->tree, key, &e.before.value)]++;
            if (rng_below(10) == 0)
                seen[smt_root(&f->tree, root)]++;
            if (rng_below(10) == 0)
                smt_freeze(&f->tree);
        }
    }
    print_message("faults: none %zu, bad %zu, missing %zu; leaves met %zu\n", seen[0],
                  seen[EXEC_FAULT_BAD_NODE], seen[EXEC_FAULT_MISSING_NODE], found);
    assert_true(seen[EXEC_FAULT_NONE] > 1000 && seen[EXEC_FAULT_BAD_NODE] > 1000);
    assert_true(seen[EXEC_FAULT_MISSING_NODE] > 10 && found > 100);
    assert_int_equal(seen[EXEC_FAULT_MEMORY], 0);
    assert_int_equal(seen[EXEC_FAULT_STORE], 0);
}

static void test_memory_runs_out(void **state)
{
    fixture *f = *state;
    unsigned ended = 0, finished = 0;
    for (size_t size = 0; size < 260000; size += 997) {
        exec_arena_init(&f->arena, f->memory, size);
        exec_fault fault = smt_init(&f->tree, &f->arena, &f->host, &f->observer, &f->missing, NULL);
        rng_state = 5;
        for (unsigned i = 0; i < 60 && !fault; i++) {
            gl_t key[4], root[4];
            smt_effect e;
            u256 value = random_value();
            random_key(key, 100);
            fault = smt_set(&f->tree, key, &value, &e);
            if (!fault && i % 20 == 19)
                fault = smt_root(&f->tree, root);
            if (i % 10 == 9)
                smt_freeze(&f->tree);
        }
        assert_true(fault == EXEC_FAULT_NONE || fault == EXEC_FAULT_MEMORY);
        assert_true(f->arena.peak <= size);
        ended += fault != 0;
        finished += fault == 0;
    }
    assert_true(ended > 10 && finished > 10);
}

/** A tree without a host keeps shapes only. */
static void test_without_host(void **state)
{
    fixture *f = *state;
    smt tree;
    u256 one = {{1}};
    assert_int_equal(smt_init(&tree, &f->arena, NULL, NULL, &f->missing, NULL), 0);
    size_t used = 0;
    for (unsigned round = 0; round < 50; round++) {
        f->ref->n = 0;
        for (unsigned i = 0; i < 100; i++) {
            gl_t key[4];
            smt_effect e;
            random_key(key, 40);
            if (ref_index(f->ref, key) < f->ref->n)
                continue;
            assert_int_equal(smt_set(&tree, key, &one, &e), 0);
            assert_int_equal(world_cost_write(&e), ref_cost_write(f->ref, key, &one));
        }
        smt_clear(&tree);
        assert_int_equal(tree.root, 0);
        if (round == 25)
            used = f->arena.used;
    }
    assert_true(f->arena.used <= used + 65536);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_random_dense),
        TEST(test_random_sparse),
        TEST(test_recycling),
        TEST(test_order_does_not_matter),
        TEST(test_deepest_fork),
        TEST(test_effects),
        cmocka_unit_test(test_vectors_raw),
        TEST(test_restore_needs_no_host),
        TEST(test_missing_nodes),
        TEST(test_malformed_nodes),
        TEST(test_endless_path),
        TEST(test_leaf_at_depth_256),
        TEST(test_lying_host),
        TEST(test_memory_runs_out),
        TEST(test_without_host),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
