/* The world against plain maps: values, roots, warm sets, undoing, and the exact cost of each
 * access. */
#include "tests/unit/executor/tree_reference.h"

#include "host/executor/world.h"

#define ARENA_BYTES ((size_t)64 << 20)

typedef struct fixture {
    exec_memory memory;
    void *bytes;
    node_db *db;
    exec_host host;
    exec_observer observer;
    exec_counters counters;
    u256 missing;
    world *w;
    const uint8_t *host_code; /* what the host answers to every hash, if not NULL */
    size_t host_code_len;
    unsigned codes_asked, codes_seen;
} fixture;

static exec_fault answer_code(void *ctx, const gl_t hash[4], const uint8_t **code, size_t *len)
{
    (void)ctx, (void)hash, (void)code, (void)len;
    return EXEC_FAULT_MISSING_CODE;
}

static void open_world_in(fixture *f, const u256 *root, size_t bytes)
{
    exec_arena_init(&f->memory.tree, f->bytes, bytes);
    memset(&f->counters, 0, sizeof f->counters);
    assert_int_equal(
        world_init(f->w, &f->host, &f->observer, &f->memory, &f->counters, &f->missing, root), 0);
}

static void open_world(fixture *f, const u256 *root)
{
    open_world_in(f, root, ARENA_BYTES);
}

static int setup(void **state)
{
    static const u256 empty;
    fixture *f = calloc(1, sizeof *f);
    f->bytes = aligned_alloc(64, ARENA_BYTES);
    f->w = malloc(world_bytes());
    f->db = db_create();
    f->host = db_host(f->db);
    f->host.code = answer_code;
    f->observer = db_observer(f->db);
    rng_state = 77;
    open_world(f, &empty);
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    fixture *f = *state;
    db_destroy(f->db);
    free(f->bytes);
    free(f->w);
    free(f);
    return 0;
}

static exec_address address_of(uint64_t n)
{
    exec_address a = {{0}};
    for (unsigned i = 0; i < 8; i++)
        a.bytes[19 - i] = (uint8_t)(n >> (8 * i));
    return a;
}

static exec_address parse_address(const char *text)
{
    u256 n = parse_u256(text);
    exec_address a;
    for (unsigned i = 0; i < 20; i++)
        a.bytes[19 - i] = (uint8_t)(n.limb[i / 8] >> (8 * (i % 8)));
    return a;
}

/** A tree key by the definition, written without the code under test. */
static void ref_key(gl_t key[4], unsigned type, const exec_address *a, const u256 *slot)
{
    gl_t s[12] = {0}, in[12] = {0};
    for (unsigned i = 0; slot && i < 8; i++)
        s[i] = (uint32_t)(slot->limb[i / 2] >> (32 * (i & 1)));
    gl_poseidon_permute_portable(s);
    for (unsigned i = 0; i < 5; i++) {
        const uint8_t *b = a->bytes + 16 - 4 * i;
        in[i] = (uint32_t)b[0] << 24 | (uint32_t)b[1] << 16 | (uint32_t)b[2] << 8 | b[3];
    }
    in[6] = type;
    memcpy(in + 8, s, 32);
    gl_poseidon_permute_portable(in);
    memcpy(key, in, 32);
}

/** A deployment, both halves. */
static exec_fault set_code(world *w, const exec_address *a, const uint8_t *code, size_t len)
{
    exec_fault fault = world_set_code_length(w, a, len);
    return fault ? fault : world_set_code_bytes(w, a, code, len);
}

/* ---- vectors ---- */

static void vector_key_one(const json_t *o)
{
    fixture *f;
    setup((void **)&f);
    exec_address a = parse_address(json_string_value(json_object_get(o, "ethAddr")));
    const char *slot_text = json_string_value(json_object_get(o, "storagePosition"));
    u256 slot = slot_text ? parse_u256(slot_text) : (u256){{0}}, key;
    u256 expected = parse_u256(json_string_value(json_object_get(o, "expectedKey")));
    world_leaf type = (world_leaf)json_integer_value(json_object_get(o, "leafType"));
    assert_int_equal(world_tree_key(f->w, type, &a, &slot, &key), 0);
    assert_memory_equal(&key, &expected, sizeof key);
    teardown((void **)&f);
}

static void test_vectors_keys(void **state)
{
    (void)state;
    assert_true(each_vector("smt-key-eth-balance", vector_key_one) +
                    each_vector("smt-key-eth-nonce", vector_key_one) +
                    each_vector("smt-key-contract-storage", vector_key_one) >=
                8);
}

static size_t parse_bytes(const char *hex, uint8_t *out, size_t max)
{
    if (hex[0] == '0' && hex[1] == 'x')
        hex += 2;
    size_t n = strlen(hex) / 2;
    assert_true(n <= max);
    for (size_t i = 0; i < n; i++) {
        char byte[3] = {hex[2 * i], hex[2 * i + 1], 0};
        out[i] = (uint8_t)strtoul(byte, NULL, 16);
    }
    return n;
}

static void vector_genesis_one(const json_t *o)
{
    fixture *f;
    size_t i;
    const json_t *account;
    static uint8_t code[30000];
    setup((void **)&f);
    json_array_foreach(json_object_get(o, "addresses"), i, account)
    {
        exec_address a = parse_address(json_string_value(json_object_get(account, "address")));
        u256 v = parse_u256(json_string_value(json_object_get(account, "balance")));
        assert_int_equal(world_set_balance(f->w, &a, &v), 0);
        v = parse_u256(json_string_value(json_object_get(account, "nonce")));
        assert_int_equal(world_set_nonce(f->w, &a, &v), 0);
        const char *hex = json_string_value(json_object_get(account, "bytecode")), *slot_text;
        if (hex) {
            size_t n = parse_bytes(hex, code, sizeof code);
            assert_int_equal(set_code(f->w, &a, code, n), 0);
        }
        json_t *value;
        json_object_foreach((json_t *)json_object_get(account, "storage"), slot_text, value)
        {
            u256 slot = parse_u256(slot_text);
            v = parse_u256(json_string_value(value));
            assert_int_equal(world_set_storage(f->w, &a, &slot, &v), 0);
        }
    }
    u256 root, expected = parse_u256(json_string_value(json_object_get(o, "expectedRoot")));
    assert_int_equal(world_root(f->w, &root), 0);
    assert_memory_equal(&root, &expected, sizeof root);
    teardown((void **)&f);
}

static void test_vectors_genesis(void **state)
{
    (void)state;
    assert_true(each_vector("smt-genesis", vector_genesis_one) +
                    each_vector("smt-full-genesis", vector_genesis_one) >=
                5);
}

static void vector_code_one(const json_t *o)
{
    fixture *f;
    static uint8_t code[100000];
    exec_address a = address_of(0x1234);
    setup((void **)&f);
    size_t n = parse_bytes(json_string_value(json_object_get(o, "bytecode")), code, sizeof code);
    u256 hash, expected = parse_u256(json_string_value(json_object_get(o, "expectedHash")));
    assert_int_equal(set_code(f->w, &a, code, n), 0);
    assert_int_equal(world_code_hash(f->w, &a, &hash), 0);
    assert_memory_equal(&hash, &expected, sizeof hash);
    teardown((void **)&f);
}

static void test_vectors_code_hash(void **state)
{
    (void)state;
    assert_true(each_vector("smt-hash-bytecode", vector_code_one) >= 4);
}

/* ---- costs by hand ---- */

/** One account, empty tree: every number follows from the rules by hand. The second key's place
 * is taken from the keys themselves. */
static void test_costs_by_hand(void **state)
{
    fixture *f = *state;
    exec_address a = address_of(0xabc);
    u256 v, one = {{1}}, two = {{2}}, zero = {{0}};
    uint64_t *c = &f->counters.poseidon_g;
#define COSTS(call, expected)                                                                      \
    do {                                                                                           \
        uint64_t before_ = *c;                                                                     \
        assert_int_equal(call, 0);                                                                 \
        assert_int_equal(*c - before_, expected);                                                  \
    } while (0)
    COSTS(world_balance(f->w, &a, &v), 2);
    COSTS(world_set_balance(f->w, &a, &zero), 2);
    COSTS(world_set_balance(f->w, &a, &one), 2 + 0 + 2);
    COSTS(world_balance(f->w, &a, &v), 2 + 2);
    COSTS(world_set_balance(f->w, &a, &one), 2 + 2 + 2); /* also if nothing changes */
    COSTS(world_nonce(f->w, &a, &v), 2 + 2);             /* meets the balance's leaf */
    COSTS(world_set_nonce(f->w, &a, &zero), 2 + 2);
    gl_t first_key[4], second_key[4];
    ref_key(first_key, 0, &a, NULL);
    ref_key(second_key, 1, &a, NULL);
    unsigned same = 0;
    while (ref_bit(first_key, same) == ref_bit(second_key, same))
        same++;
    COSTS(world_set_nonce(f->w, &a, &one), 2 + 2 + 4 + same);
    COSTS(world_nonce(f->w, &a, &v), 2 + (same + 1) + 2);
    COSTS(world_set_nonce(f->w, &a, &two), 2 + (same + 1) + 2 + 2 + (same + 1));
    COSTS(world_set_nonce(f->w, &a, &zero), 2 + (same + 1) + 2 + 3); /* lifted to the root */
    COSTS(world_set_balance(f->w, &a, &zero), 2 + 2);
    COSTS(world_balance(f->w, &a, &v), 2);

    uint8_t code[112] = {0x60};
    ref_key(first_key, 4, &a, NULL);  /* now the length's */
    ref_key(second_key, 2, &a, NULL); /* now the code hash's */
    for (same = 0; ref_bit(first_key, same) == ref_bit(second_key, same);)
        same++;
    COSTS(set_code(f->w, &a, code, 55), 1 + (2 + 0 + 2) + (2 + 2 + 4 + same));
    assert_int_equal(f->counters.padding_pg, 1);
    bool cold;
    exec_address p = address_of(9), q = address_of(10);
    COSTS(world_touch_address(f->w, &p, &cold), 0);
    assert_false(cold);
    COSTS(world_touch_address(f->w, &q, &cold), 2 + 2 + 2);
    assert_true(cold);
    COSTS(world_touch_address(f->w, &q, &cold), 2 + 2);
    assert_false(cold);
    p = address_of(0); /* not a precompile: the tree is no longer empty, a leaf is met */
    uint64_t before = *c;
    assert_int_equal(world_touch_address(f->w, &p, &cold), 0);
    assert_true(cold && *c - before >= 4 + (4 + 4));
    assert_int_equal(world_begin_tx(f->w), 0);
    COSTS(world_touch_address(f->w, &q, &cold), 2 + 2 + 2);
    assert_true(cold);
}

/* ---- everything at random against maps ---- */

typedef struct model {
    ref_tree state, touched;
} model;

#define SNAPSHOTS 6

typedef struct fuzz {
    model now;
    ref_tree frozen, first, checkpoint;
    model saved[SNAPSHOTS];
    size_t token[SNAPSHOTS];
    unsigned depth;
    bool has_checkpoint;
    uint64_t cost;
} fuzz;

static const unsigned n_addresses = 6, n_slots = 9;

static exec_address pick_address(void)
{
    unsigned n = rng_below(n_addresses);
    return address_of(n < 2 ? n : UINT64_C(0x1000000000) * n + 12);
}

static u256 pick_slot(void)
{
    u256 s = {{rng_below(n_slots)}};
    if (s.limb[0] > 5)
        s.limb[3] = s.limb[0] << 60;
    return s;
}

static u256 pick_value(void)
{
    u256 v = {{rng_below(3)}};
    if (rng_below(6) == 0)
        v.limb[3] = rng();
    return v;
}

static void fuzz_touch(fixture *f, fuzz *z)
{
    const u256 one = {{1}};
    exec_address a = pick_address();
    u256 slot = pick_slot();
    bool is_slot = rng_below(2), cold;
    gl_t key[4];
    ref_key(key, is_slot ? 6 : 5, &a, is_slot ? &slot : NULL);
    assert_int_equal(is_slot ? world_touch_slot(f->w, &a, &slot, &cold)
                             : world_touch_address(f->w, &a, &cold),
                     0);
    if (!is_slot && a.bytes[19] == 1) {
        assert_false(cold);
        return;
    }
    u256 is = ref_get(&z->now.touched, key);
    assert_int_equal(cold, ref_is_zero(&is));
    z->cost += ref_cost_read(&z->now.touched, key);
    if (cold)
        z->cost += ref_cost_write(&z->now.touched, key, &one);
}

static void fuzz_access(fixture *f, fuzz *z)
{
    exec_address a = pick_address();
    u256 slot = pick_slot(), value = pick_value(), got, is;
    static const unsigned types[4] = {0, 1, 3, 3};
    unsigned kind = rng_below(4), type = types[kind];
    gl_t key[4];
    ref_key(key, type, &a, type == 3 ? &slot : NULL);
    const ref_tree *from = &z->now.state;
    exec_fault fault;
    if (rng_below(2)) {
        fault = kind == 0   ? world_set_balance(f->w, &a, &value)
                : kind == 1 ? world_set_nonce(f->w, &a, &value)
                            : world_set_storage(f->w, &a, &slot, &value);
        assert_int_equal(fault, 0);
        z->cost += ref_cost_write(&z->now.state, key, &value);
        return;
    }
    if (kind == 3)
        from = &z->frozen;
    fault = kind == 0   ? world_balance(f->w, &a, &got)
            : kind == 1 ? world_nonce(f->w, &a, &got)
            : kind == 2 ? world_storage(f->w, &a, &slot, &got)
                        : world_original_storage(f->w, &a, &slot, &got);
    assert_int_equal(fault, 0);
    is = ref_get(from, key);
    assert_memory_equal(&is, &got, sizeof is);
    z->cost += ref_cost_read(from, key);
}

typedef struct change_check {
    fuzz *z;
    size_t n;
} change_check;

static void check_change(void *ctx, const u256 *key, const u256 *old_value, const u256 *new_value)
{
    change_check *c = ctx;
    u256 was = ref_get(&c->z->first, key->limb), is = ref_get(&c->z->now.state, key->limb);
    assert_memory_equal(&was, old_value, sizeof was);
    assert_memory_equal(&is, new_value, sizeof is);
    assert_memory_not_equal(&was, &is, sizeof is);
    c->n++;
}

static void check_changes(fixture *f, fuzz *z)
{
    change_check c = {z, 0};
    size_t expected = 0;
    world_changes(f->w, check_change, &c);
    for (size_t i = 0; i < z->first.n; i++) {
        u256 is = ref_get(&z->now.state, z->first.leaf[i].key);
        expected += memcmp(&is, &z->first.leaf[i].value, sizeof is) != 0;
    }
    for (size_t i = 0; i < z->now.state.n; i++)
        expected += ref_index(&z->first, z->now.state.leaf[i].key) == z->first.n;
    assert_int_equal(c.n, expected);
}

static u256 check_root(fixture *f, const fuzz *z)
{
    u256 root, expected;
    ref_root(&z->now.state, expected.limb);
    assert_int_equal(world_root(f->w, &root), 0);
    assert_memory_equal(&root, &expected, sizeof root);
    return root;
}

static void begin_tx(fixture *f, fuzz *z)
{
    assert_int_equal(world_begin_tx(f->w), 0);
    z->frozen = z->now.state;
    z->now.touched.n = 0;
    z->depth = 0;
}

static void test_random(void **state)
{
    fixture *f = *state;
    fuzz *z = calloc(1, sizeof *z);
    for (unsigned step = 0; step < 12000; step++) {
        unsigned action = rng_below(100);
        if (action < 50) {
            fuzz_access(f, z);
        } else if (action < 70) {
            fuzz_touch(f, z);
        } else if (action < 80) {
            if (z->depth < SNAPSHOTS) {
                z->saved[z->depth] = z->now;
                z->token[z->depth++] = world_snapshot(f->w);
            }
        } else if (action < 88) {
            if (z->depth) {
                z->depth = rng_below(z->depth);
                world_revert(f->w, z->token[z->depth]);
                z->now = z->saved[z->depth];
            }
        } else if (action < 93) {
            check_root(f, z);
        } else if (action < 97) {
            begin_tx(f, z);
        } else if (action < 98) {
            check_changes(f, z);
        } else if (rng_below(2)) {
            if (z->has_checkpoint && rng_below(2)) {
                f->db->fail = EXEC_FAULT_MISSING_NODE;
                assert_int_equal(world_rollback(f->w), 0);
                z->now.state = z->checkpoint;
                check_root(f, z);
                f->db->fail = EXEC_FAULT_NONE;
                begin_tx(f, z);
            } else {
                world_checkpoint(f->w);
                z->checkpoint = z->now.state;
                z->has_checkpoint = true;
            }
        } else if (rng_below(3) == 0) { /* a new run, with only the nodes that were reported */
            u256 root = check_root(f, z);
            check_changes(f, z);
            assert_int_equal(f->counters.poseidon_g, z->cost);
            open_world(f, &root);
            z->cost = 0;
            z->first = z->frozen = z->now.state;
            z->now.touched.n = 0;
            z->depth = 0;
            z->has_checkpoint = false;
        }
        assert_int_equal(f->counters.poseidon_g, z->cost);
    }
    check_root(f, z);
    free(z);
}

/** A revert asks the host for nothing, whatever the frame did before. */
static void test_revert_needs_no_witness(void **state)
{
    fixture *f = *state;
    u256 root;
    for (unsigned i = 0; i < 40; i++) {
        exec_address a = address_of(1000 + i);
        u256 v = {{i + 1}};
        assert_int_equal(world_set_balance(f->w, &a, &v), 0);
    }
    assert_int_equal(world_root(f->w, &root), 0);
    for (unsigned round = 0; round < 200; round++) {
        u256 again;
        open_world(f, &root);
        assert_int_equal(world_begin_tx(f->w), 0);
        size_t s = world_snapshot(f->w);
        for (unsigned i = rng_below(30); i > 0; i--) {
            exec_address a = address_of(1000 + rng_below(50));
            u256 v = {{rng_below(3)}};
            assert_int_equal(world_set_balance(f->w, &a, &v), 0);
        }
        f->db->fail = EXEC_FAULT_MISSING_NODE;
        world_revert(f->w, s);
        assert_int_equal(world_root(f->w, &again), 0);
        assert_memory_equal(&root, &again, sizeof root);
        f->db->fail = EXEC_FAULT_NONE;
    }
}

static void test_original_value(void **state)
{
    fixture *f = *state;
    exec_address a = address_of(5000);
    u256 slot = {{7}}, one = {{1}}, two = {{2}}, zero = {{0}}, v;
    assert_int_equal(world_set_storage(f->w, &a, &slot, &one), 0);
    assert_int_equal(world_begin_tx(f->w), 0);
    assert_int_equal(world_set_storage(f->w, &a, &slot, &two), 0);
    assert_int_equal(world_original_storage(f->w, &a, &slot, &v), 0);
    assert_memory_equal(&v, &one, sizeof v);
    assert_int_equal(world_set_storage(f->w, &a, &slot, &zero), 0);
    assert_int_equal(world_original_storage(f->w, &a, &slot, &v), 0);
    assert_memory_equal(&v, &one, sizeof v);
    assert_int_equal(world_begin_tx(f->w), 0);
    assert_int_equal(world_original_storage(f->w, &a, &slot, &v), 0);
    assert_memory_equal(&v, &zero, sizeof v);
}

/* ---- code ---- */

static exec_fault host_has_code(void *ctx, const gl_t hash[4], const uint8_t **code, size_t *len)
{
    fixture *f = ctx;
    (void)hash;
    f->codes_asked++;
    *code = f->host_code;
    *len = f->host_code_len;
    return EXEC_FAULT_NONE;
}

static exec_fault node_through(void *ctx, const gl_t hash[4], gl_t node[12])
{
    return db_node(((fixture *)ctx)->db, hash, node);
}

static void see_node(void *ctx, const gl_t hash[4], const gl_t node[12])
{
    db_observe(((fixture *)ctx)->db, hash, node);
}

static void see_code(void *ctx, const gl_t hash[4], const uint8_t *code, size_t len)
{
    fixture *f = ctx;
    gl_t expected[4];
    gl_poseidon_hash_bytes(expected, code, len, gl_poseidon_permute_portable);
    assert_memory_equal(expected, hash, 32);
    f->codes_seen++;
}

static void test_code(void **state)
{
    fixture *f = *state;
    exec_address a = address_of(70), b = address_of(71);
    uint8_t bytes[113];
    const uint8_t *code;
    size_t len;
    u256 root, length, hash;
    for (unsigned i = 0; i < sizeof bytes; i++)
        bytes[i] = (uint8_t)(i + 1);
    f->host.ctx = f->observer.ctx = f;
    f->host.node = node_through;
    f->host.code = host_has_code;
    f->observer.node = see_node;
    f->observer.code = see_code;
    assert_int_equal(world_code(f->w, &a, &code, &len), 0);
    assert_int_equal(len, 0);
    assert_int_equal(set_code(f->w, &a, bytes, sizeof bytes), 0);
    assert_int_equal(f->counters.padding_pg, 3); /* 113 bytes and the padding: three times 56 */
    assert_int_equal(set_code(f->w, &b, bytes, sizeof bytes), 0);
    assert_int_equal(f->codes_seen, 2);
    memset(bytes, 0, 50); /* the world has its own copy */
    assert_int_equal(world_code(f->w, &b, &code, &len), 0);
    assert_int_equal(len, sizeof bytes);
    assert_int_equal(f->counters.padding_pg, 9);
    assert_int_equal(f->codes_asked, 0);
    for (unsigned i = 0; i < sizeof bytes; i++)
        assert_int_equal(code[i], i + 1);
    assert_int_equal(world_code_length(f->w, &b, &length), 0);
    assert_int_equal(length.limb[0], sizeof bytes);
    assert_int_equal(set_code(f->w, &a, NULL, 0), 0);
    assert_int_equal(world_code_length(f->w, &a, &length), 0);
    assert_int_equal(world_code_hash(f->w, &a, &hash), 0);
    assert_true(ref_is_zero(&length) && ref_is_zero(&hash));

    /* a later run asks the host, once a hash */
    assert_int_equal(world_root(f->w, &root), 0);
    open_world(f, &root);
    f->host_code = bytes;
    f->host_code_len = sizeof bytes;
    for (unsigned i = 0; i < 3; i++) {
        assert_int_equal(world_code(f->w, &b, &code, &len), 0);
        assert_ptr_equal(code, bytes);
    }
    assert_int_equal(f->codes_asked, 1);
    /* an answer of another length than the leaf says */
    open_world(f, &root);
    f->host_code_len--;
    assert_int_equal(world_code(f->w, &b, &code, &len), EXEC_FAULT_MISSING_CODE);
    assert_int_equal(world_code_hash(f->w, &b, &hash), 0);
    assert_memory_equal(&f->missing, &hash, sizeof hash);
    /* a host without it */
    f->host.code = answer_code;
    open_world(f, &root);
    assert_int_equal(world_code_bytes(f->w, &b, sizeof bytes, &code), EXEC_FAULT_MISSING_CODE);
    assert_memory_equal(&f->missing, &hash, sizeof hash);
}

/** Leaves of a tree that no run made: a length without a hash, a hash that is none, a length that
 * no code has. */
static void test_code_of_odd_leaves(void **state)
{
    fixture *f = *state;
    static const u256 lengths[3] = {{{5}}, {{5}}, {{5, 1}}};
    static const u256 hashes[3] = {{{0}}, {{1, 2, GL_P, 4}}, {{1, 2, 3, 4}}};
    exec_address a = address_of(70);
    for (unsigned i = 0; i < 3; i++) {
        gl_t key[4], value[12], leaf[2][12], inner[12] = {0}, hash[4];
        const u256 *number[2] = {&lengths[i], &hashes[i]};
        u256 root = {{0}};
        const uint8_t *code;
        size_t len;
        unsigned fork = 0;
        gl_t keys[2][4];
        ref_key(keys[0], 4, &a, NULL);
        ref_key(keys[1], 2, &a, NULL);
        while (ref_bit(keys[0], fork) == ref_bit(keys[1], fork))
            fork++;
        bool both = !ref_is_zero(&hashes[i]);
        for (unsigned k = 0; k < 2; k++) {
            memset(value, 0, sizeof value);
            for (unsigned j = 0; j < 8; j++)
                value[j] = (uint32_t)(number[k]->limb[j / 2] >> (32 * (j & 1)));
            db_add(f->db, value, hash);
            memset(leaf[k], 0, sizeof leaf[k]);
            memcpy(key, keys[k], 32);
            for (unsigned d = 0; both && d <= fork; d++)
                key[d % 4] >>= 1;
            memcpy(leaf[k], key, 32);
            memcpy(leaf[k] + 4, hash, 32);
            leaf[k][8] = 1;
            db_add(f->db, leaf[k], hash);
            memcpy(inner + 4 * ref_bit(keys[k], fork), hash, 32);
            if (k == 0)
                memcpy(root.limb, hash, 32);
        }
        for (unsigned d = fork + 1; both && d-- > 0;) {
            db_add(f->db, inner, root.limb);
            memset(inner, 0, sizeof inner);
            if (d > 0)
                memcpy(inner + 4 * ref_bit(keys[0], d - 1), root.limb, 32);
        }
        open_world(f, &root);
        assert_int_equal(world_code(f->w, &a, &code, &len), EXEC_FAULT_MISSING_CODE);
        assert_memory_equal(&f->missing, &hashes[i], sizeof f->missing);
    }
}

/* ---- limits ---- */

static void test_memory_runs_out(void **state)
{
    fixture *f = *state;
    const u256 empty = {{0}};
    unsigned ended = 0, finished = 0;
    for (size_t size = 40000; size < 400000; size += 4999) {
        exec_fault fault = EXEC_FAULT_NONE;
        u256 root;
        open_world_in(f, &empty, size);
        rng_state = 3;
        for (unsigned i = 0; i < 200 && !fault; i++) {
            exec_address a = address_of(100 + rng_below(20));
            u256 slot = {{rng_below(10)}}, v = {{rng_below(3)}};
            bool cold;
            size_t s = world_snapshot(f->w);
            fault = world_set_storage(f->w, &a, &slot, &v);
            if (!fault)
                fault = world_touch_slot(f->w, &a, &slot, &cold);
            if (!fault)
                fault = set_code(f->w, &a, (const uint8_t *)&slot, 8 + i % 20);
            if (!fault && i % 4 == 0)
                world_revert(f->w, s);
            if (!fault && i % 50 == 49)
                fault = world_root(f->w, &root);
            if (!fault && i % 30 == 29)
                fault = world_begin_tx(f->w);
        }
        assert_true(fault == EXEC_FAULT_NONE || fault == EXEC_FAULT_MEMORY);
        assert_true(f->memory.tree.peak <= size);
        ended += fault != 0;
        finished += fault == 0;
    }
    assert_true(ended > 5 && finished > 5);
}

static void test_missing_node(void **state)
{
    fixture *f = *state;
    exec_address a = address_of(70);
    u256 root = {{1, 2, 3, 4}}, no_hash = {{GL_P}}, v;
    open_world(f, &root);
    assert_int_equal(world_balance(f->w, &a, &v), EXEC_FAULT_MISSING_NODE);
    assert_memory_equal(&f->missing, &root, sizeof root);
    assert_int_equal(
        world_init(f->w, &f->host, NULL, &f->memory, &f->counters, &f->missing, &no_hash),
        EXEC_FAULT_MISSING_NODE);
    assert_memory_equal(&f->missing, &no_hash, sizeof root);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_vectors_keys),
        cmocka_unit_test(test_vectors_genesis),
        cmocka_unit_test(test_vectors_code_hash),
        TEST(test_costs_by_hand),
        TEST(test_random),
        TEST(test_revert_needs_no_witness),
        TEST(test_original_value),
        TEST(test_code),
        TEST(test_code_of_odd_leaves),
        TEST(test_memory_runs_out),
        TEST(test_missing_node),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
