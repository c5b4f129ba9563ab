/* A witness holds what the reference read: every node on the way to a key, the value of the leaf
 * there, and beside a deleted leaf its sibling. The world must never ask for more, whatever is
 * written, undone and read again in between. The reference is modelled here as it works: each tree
 * is a root in a store of immutable nodes, and undoing is taking an older root. */
#include "tests/unit/executor/tree_reference.h"

#include "driver/field/keccak.h"
#include "host/executor/world.h"

/* ---- the model ---- */

typedef struct model {
    node_db *witness; /* nodes of the old tree */
    node_db *made;    /* nodes made since: the reference has them without a witness */
    node_db *needed;  /* nodes of the witness that were read */
    gl_t root[4];
} model;

static bool has(const node_db *db, const gl_t hash[4])
{
    return db->slot[db_slot(db, hash)].used;
}

static bool is_zero4(const gl_t h[4])
{
    return (h[0] | h[1] | h[2] | h[3]) == 0;
}

static const gl_t *fetch(model *m, const gl_t hash[4])
{
    if (has(m->made, hash))
        return m->made->slot[db_slot(m->made, hash)].node;
    assert_true(has(m->witness, hash));
    const gl_t *node = m->witness->slot[db_slot(m->witness, hash)].node;
    db_put(m->needed, hash, node);
    return node;
}

static void make(model *m, const gl_t node[12], gl_t hash[4])
{
    db_add(m->made, node, hash);
}

static void remaining(const gl_t key[4], unsigned depth, gl_t out[4])
{
    memcpy(out, key, 32);
    for (unsigned i = 0; i < depth; i++)
        out[i % 4] >>= 1;
}

static void make_leaf(model *m, const gl_t key[4], unsigned depth, const gl_t value_hash[4],
                      gl_t hash[4])
{
    gl_t node[12] = {0};
    remaining(key, depth, node);
    memcpy(node + 4, value_hash, 32);
    node[8] = 1;
    make(m, node, hash);
}

static u256 read_value(model *m, const gl_t value_hash[4])
{
    const gl_t *v = fetch(m, value_hash);
    u256 x;
    for (unsigned i = 0; i < 4; i++)
        x.limb[i] = v[2 * i] | v[2 * i + 1] << 32;
    return x;
}

static u256 model_get(model *m, const gl_t root[4], const gl_t key[4])
{
    gl_t at[4], rest[4];
    memcpy(at, root, 32);
    for (unsigned depth = 0; !is_zero4(at); depth++) {
        const gl_t *node = fetch(m, at);
        if (node[8] == 1) {
            u256 value = read_value(m, node + 4);
            remaining(key, depth, rest);
            return memcmp(rest, node, 32) == 0 ? value : (u256){{0}};
        }
        memcpy(at, node + 4 * ref_bit(key, depth), 32);
    }
    return (u256){{0}};
}

/* Both leaves below inner nodes from this depth to the bit in which they differ. */
static void fork_leaves(model *m, const gl_t a[4], const gl_t a_value[4], const gl_t b[4],
                        const gl_t b_value[4], unsigned depth, gl_t out[4])
{
    gl_t node[12] = {0};
    unsigned bit = ref_bit(a, depth);
    if (bit == ref_bit(b, depth)) {
        fork_leaves(m, a, a_value, b, b_value, depth + 1, node + 4 * bit);
    } else {
        make_leaf(m, a, depth + 1, a_value, node + 4 * bit);
        make_leaf(m, b, depth + 1, b_value, node + 4 * !bit);
    }
    make(m, node, out);
}

/* The key of a leaf that was met on the path of another. */
static void whole_key(const gl_t rest[4], const gl_t path[4], unsigned depth, gl_t out[4])
{
    memcpy(out, rest, 32);
    for (unsigned i = depth; i-- > 0;)
        out[i % 4] = out[i % 4] << 1 | ref_bit(path, i);
}

static void model_set_at(model *m, const gl_t at[4], const gl_t key[4], unsigned depth,
                         const gl_t *value_hash, gl_t out[4])
{
    gl_t copy[12], rest[4], other[4];
    memcpy(out, at, 32);
    if (is_zero4(at)) {
        if (value_hash)
            make_leaf(m, key, depth, value_hash, out);
        return;
    }
    memcpy(copy, fetch(m, at), sizeof copy);
    if (copy[8] == 1) {
        (void)read_value(m, copy + 4);
        remaining(key, depth, rest);
        if (memcmp(rest, copy, 32) == 0) {
            memset(out, 0, 32);
            if (value_hash)
                make_leaf(m, key, depth, value_hash, out);
        } else if (value_hash) {
            whole_key(copy, key, depth, other);
            fork_leaves(m, key, value_hash, other, copy + 4, depth, out);
        }
        return;
    }
    unsigned bit = ref_bit(key, depth);
    gl_t *child = copy + 4 * bit, *sibling = copy + 4 * !bit, was[4];
    memcpy(was, child, 32);
    model_set_at(m, was, key, depth + 1, value_hash, child);
    bool changed = memcmp(was, child, 32) != 0;
    if (changed && !value_hash) {
        gl_t beside[4], leaf_key[4];
        memcpy(beside, key, 32);
        const gl_t *lift = NULL, *lift_path = key;
        if (is_zero4(child)) {
            /* the sibling of a deleted leaf */
            beside[depth % 4] ^= UINT64_C(1) << (depth / 4);
            lift = fetch(m, sibling);
            lift_path = beside;
        } else if (is_zero4(sibling)) {
            lift = fetch(m, child);
        }
        if (lift && lift[8] == 1) {
            gl_t leaf[12];
            memcpy(leaf, lift, sizeof leaf);
            whole_key(leaf, lift_path, depth + 1, leaf_key);
            make_leaf(m, leaf_key, depth, leaf + 4, out);
            return;
        }
    }
    if (changed)
        make(m, copy, out);
}

static void model_set(model *m, const gl_t key[4], const u256 *value)
{
    gl_t node[12] = {0}, value_hash[4], out[4];
    for (unsigned i = 0; i < 8; i++)
        node[i] = (uint32_t)(value->limb[i / 2] >> (i % 2 * 32));
    if (!ref_is_zero(value))
        make(m, node, value_hash);
    model_set_at(m, m->root, key, 0, ref_is_zero(value) ? NULL : value_hash, out);
    memcpy(m->root, out, 32);
}

/* ---- the run ---- */

typedef struct asking {
    node_db *witness, *asked;
} asking;

static exec_fault ask(void *ctx, const gl_t hash[4], gl_t node[12])
{
    asking *a = ctx;
    exec_fault fault = db_node(a->witness, hash, node);
    if (fault == EXEC_FAULT_NONE)
        db_put(a->asked, hash, node);
    return fault;
}

#define ADDRESSES 40
#define MAX_SNAPSHOTS 16

static exec_address address(unsigned i)
{
    exec_address a;
    memset(&a, 0x11, sizeof a);
    a.bytes[19] = (uint8_t)i;
    return a;
}

/* One of the leaves: a balance, or a slot of the first address. */
static void leaf_key(world *w, unsigned i, gl_t key[4])
{
    u256 k, slot = {{i}};
    exec_address a = address(i % 2 ? i : 0);
    assert_int_equal(world_tree_key(w, i % 2 ? WORLD_BALANCE : WORLD_STORAGE, &a, &slot, &k), 0);
    memcpy(key, k.limb, 32);
}

static u256 leaf_read(world *w, unsigned i)
{
    u256 v, slot = {{i}};
    exec_address a = address(i % 2 ? i : 0);
    assert_int_equal(i % 2 ? world_balance(w, &a, &v) : world_storage(w, &a, &slot, &v), 0);
    return v;
}

static void leaf_write(world *w, unsigned i, const u256 *v)
{
    u256 slot = {{i}};
    exec_address a = address(i % 2 ? i : 0);
    assert_int_equal(i % 2 ? world_set_balance(w, &a, v) : world_set_storage(w, &a, &slot, v), 0);
}

static void check_root(world *w, const model *m)
{
    u256 root;
    assert_int_equal(world_root(w, &root), 0);
    assert_memory_equal(root.limb, m->root, 32);
}

static void one_run(unsigned old_leaves, unsigned steps)
{
    static uint8_t arena[3][8 << 20] __attribute__((aligned(64)));
    model m = {.witness = db_create(), .made = db_create(), .needed = db_create()};
    asking a = {.witness = m.witness, .asked = db_create()};
    exec_host host = db_host(m.witness);
    host.ctx = &a;
    host.node = ask;
    host.keccak = keccak_256;
    exec_observer nobody;
    memset(&nobody, 0, sizeof nobody);
    exec_memory memory;
    exec_arena_init(&memory.tree, arena[0], sizeof arena[0]);
    exec_arena_init(&memory.tx, arena[1], sizeof arena[1]);
    exec_arena_init(&memory.frame, arena[2], sizeof arena[2]);
    exec_counters counters;
    memset(&counters, 0, sizeof counters);
    u256 missing, zero = {{0}};
    world *w = exec_arena_alloc(&memory.tree, world_bytes());

    /* the old tree: made by the model, then moved into the witness */
    assert_int_equal(world_init(w, &host, &nobody, &memory, &counters, &missing, &zero), 0);
    memset(m.root, 0, 32);
    for (unsigned i = 0; i < old_leaves; i++) {
        gl_t key[4];
        u256 value = {{rng() | 1, 0, 0, rng()}};
        leaf_key(w, rng_below(ADDRESSES), key);
        model_set(&m, key, &value);
    }
    for (size_t i = 0; i < DB_SLOTS; i++)
        if (m.made->slot[i].used)
            db_put(m.witness, m.made->slot[i].hash, m.made->slot[i].node);
    db_destroy(m.made);
    m.made = db_create();

    u256 root;
    memcpy(root.limb, m.root, 32);
    assert_int_equal(world_init(w, &host, &nobody, &memory, &counters, &missing, &root), 0);
    assert_int_equal(world_begin_tx(w), 0);
    gl_t checkpoint[4], original[4], roots[MAX_SNAPSHOTS][4];
    size_t snapshots[MAX_SNAPSHOTS], n_snapshots = 0;
    memcpy(original, m.root, 32);
    memcpy(checkpoint, m.root, 32);
    world_checkpoint(w);
    for (unsigned step = 0; step < steps; step++) {
        unsigned i = rng_below(ADDRESSES), what = rng_below(100);
        gl_t key[4];
        leaf_key(w, i, key);
        if (what < 25) {
            u256 got = leaf_read(w, i), want = model_get(&m, m.root, key);
            assert_memory_equal(&got, &want, sizeof got);
        } else if (what < 70) {
            u256 v = {{rng_below(2) ? 0 : rng() | 1}};
            leaf_write(w, i, &v);
            model_set(&m, key, &v);
        } else if (what < 75 && i % 2 == 0) {
            exec_address owner = address(0);
            u256 slot = {{i}}, got, want = model_get(&m, original, key);
            assert_int_equal(world_original_storage(w, &owner, &slot, &got), 0);
            assert_memory_equal(&got, &want, sizeof got);
        } else if (what < 84 && n_snapshots < MAX_SNAPSHOTS) {
            snapshots[n_snapshots] = world_snapshot(w);
            memcpy(roots[n_snapshots++], m.root, 32);
        } else if (what < 93 && n_snapshots > 0) {
            n_snapshots = rng_below((unsigned)n_snapshots);
            world_revert(w, snapshots[n_snapshots]);
            memcpy(m.root, roots[n_snapshots], 32);
        } else if (what < 97) {
            assert_int_equal(world_begin_tx(w), 0);
            memcpy(original, m.root, 32);
            n_snapshots = 0;
        } else if (what < 98) {
            world_checkpoint(w);
            memcpy(checkpoint, m.root, 32);
            n_snapshots = 0; /* not to be gone behind */
        } else if (what < 99) {
            assert_int_equal(world_rollback(w), 0);
            assert_int_equal(world_begin_tx(w), 0);
            memcpy(m.root, checkpoint, 32);
            memcpy(original, m.root, 32);
            n_snapshots = 0;
        } else {
            check_root(w, &m);
        }
    }
    check_root(w, &m);
    for (size_t i = 0; i < DB_SLOTS; i++)
        if (a.asked->slot[i].used && !has(m.needed, a.asked->slot[i].hash))
            fail_msg("asked for a node that the reference never read");
    assert_true(a.asked->n > 0 || old_leaves == 0);
    db_destroy(m.witness);
    db_destroy(m.made);
    db_destroy(m.needed);
    db_destroy(a.asked);
}

static void nothing_is_asked_that_the_reference_did_not_read(void **state)
{
    (void)state;
    rng_state = 4711;
    for (unsigned round = 0; round < 40; round++)
        one_run(round % 8 == 0 ? 2 : rng_below(60), 5 + rng_below(round % 2 ? 12 : 120));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_is_asked_that_the_reference_did_not_read)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
