/* What the tests of whole batches share: a small made-up state, a made-up signature scheme, and
 * short ways to add transactions, to run them and to look at the new state. */
#ifndef ZKP_TESTS_UNIT_EXECUTOR_BATCH_FIXTURE_H
#define ZKP_TESTS_UNIT_EXECUTOR_BATCH_FIXTURE_H

#include "tests/unit/executor/tree_reference.h"

#include "driver/field/keccak.h"
#include "host/executor/bytes.h"
#include "host/executor/ecrecover.h"
#include "host/executor/executor.h"
#include "host/executor/process.h"
#include "host/executor/transaction.h"
#include "host/executor/u256.h"

#define ALL(a) (sizeof(a) / sizeof *(a))
#define ARENA_BYTES ((size_t)64 << 20)
#define CHAIN_ID 1000
#define PRICE 1000000000
#define TIMESTAMP 1944498031
#define MAX_TXS 1500

/* What the observer saw of one transaction. */
typedef struct seen_tx {
    exec_tx_result r;
    uint8_t output[64];
} seen_tx;

typedef struct fixture {
    exec_memory memory;
    void *bytes[3];
    node_db *db;
    exec_host host;
    exec_observer observer;
    exec_batch batch;
    exec_result result;
    exec_address sender, other; /* whom the made-up recovery gives for r = 1 and for other r */
    uint8_t *data;
    size_t data_len;
    seen_tx seen[MAX_TXS];
    size_t n_seen, n_changes, n_void; /* n_void: transactions seen before a rollback */
    unsigned polls, polls_until_stop;
} fixture;

/* ---- a made-up signature scheme ---- */

/* The public key is r, then s with its top bits, whatever was signed. */

#define R_OFF_CURVE 5
#define R_INFINITY 7

static inline exec_recovery recover(void *ctx, const uint8_t hash[32], const uint8_t r[32],
                                    const uint8_t s[32], bool odd_y, uint8_t key[64])
{
    (void)ctx, (void)hash, (void)s;
    if (r[31] == R_OFF_CURVE)
        return EXEC_RECOVERY_NONE;
    if (r[31] == R_INFINITY)
        return EXEC_RECOVERY_INFINITY;
    memset(key, 0, 64);
    key[0] = odd_y;
    key[1] = r[31];
    return EXEC_RECOVERY_OK;
}

static inline exec_address address_of(uint8_t r, bool odd_y)
{
    uint8_t key[64] = {odd_y, r}, digest[32];
    exec_address a;
    keccak_256(digest, key, 64);
    memcpy(a.bytes, digest + 12, 20);
    return a;
}

/* ---- the fixture ---- */

static inline void on_tx(void *ctx, const exec_tx_result *r)
{
    fixture *f = ctx;
    assert_true(f->n_seen < MAX_TXS);
    seen_tx *s = &f->seen[f->n_seen++];
    s->r = *r;
    if (r->output_len != 0)
        memcpy(s->output, r->output, r->output_len < 64 ? r->output_len : 64);
}

static inline void on_rolled_back(void *ctx)
{
    fixture *f = ctx;
    f->n_void += f->n_seen;
    f->n_seen = 0;
}

static inline bool on_poll(void *ctx)
{
    fixture *f = ctx;
    return ++f->polls == f->polls_until_stop;
}

static inline void on_node(void *ctx, const gl_t hash[4], const gl_t node[12])
{
    db_observe(((fixture *)ctx)->db, hash, node);
}

static inline void on_change(void *ctx, const u256 *key, const u256 *old_value,
                             const u256 *new_value)
{
    (void)key;
    assert_false(u256_eq(old_value, new_value));
    ((fixture *)ctx)->n_changes++;
}

static inline exec_fault no_code(void *ctx, const gl_t hash[4], const uint8_t **code, size_t *len)
{
    (void)ctx, (void)hash, (void)code, (void)len;
    return EXEC_FAULT_MISSING_CODE;
}

static inline void reset_arenas(fixture *f, size_t size)
{
    exec_arena_init(&f->memory.tree, f->bytes[0], size);
    exec_arena_init(&f->memory.tx, f->bytes[1], size);
    exec_arena_init(&f->memory.frame, f->bytes[2], size);
}

static inline u256 number(uint64_t x)
{
    return u256_from_u64(x);
}

/* 10^18 */
static inline u256 ether(void)
{
    return number(UINT64_C(1000000000000000000));
}

static inline int setup(void **state)
{
    fixture *f = calloc(1, sizeof *f);
    for (int i = 0; i < 3; i++)
        f->bytes[i] = aligned_alloc(64, ARENA_BYTES);
    f->db = db_create();
    f->host = db_host(f->db);
    f->host.code = no_code;
    f->host.keccak = keccak_256;
    f->host.recover = recover;
    f->observer =
        (exec_observer){.ctx = f, .tx = on_tx, .rolled_back = on_rolled_back, .node = on_node};
    f->data = malloc(400000);
    f->sender = address_of(1, false);
    f->other = address_of(1, true);
    f->batch = (exec_batch){.chain_id = CHAIN_ID,
                            .old_batch_num = 41,
                            .timestamp = TIMESTAMP,
                            .fork_id = 6,
                            .l2_data = f->data,
                            .block_gas_limit = EXEC_BLOCK_GAS_LIMIT};
    memset(f->batch.sequencer.bytes, 0x5e, 20);
    memset(f->batch.global_exit_root.bytes, 0x6e, 32);
    memset(f->batch.old_acc_input_hash.bytes, 0xac, 32);
    *state = f;
    return 0;
}

static inline int teardown(void **state)
{
    fixture *f = *state;
    db_destroy(f->db);
    for (int i = 0; i < 3; i++)
        free(f->bytes[i]);
    free(f->data);
    free(f);
    return 0;
}

/* Opens a world at a root; its memory is the fixture's, so it must be done with before a run. */
static inline world *open_world(fixture *f, const u256 *root)
{
    static exec_counters counters; /* not looked at */
    static u256 missing;
    reset_arenas(f, ARENA_BYTES);
    world *w = exec_arena_alloc(&f->memory.tree, world_bytes());
    assert_int_equal(world_init(w, &f->host, &f->observer, &f->memory, &counters, &missing, root),
                     0);
    assert_int_equal(world_begin_tx(w), 0);
    return w;
}

typedef struct account {
    exec_address address;
    u256 balance, nonce;
    bool has_code;
} account;

/* Makes the old state of accounts and storage slots. */
static inline void make_state(fixture *f, const account *a, size_t n, const exec_address *owner,
                              const u256 *slot, const u256 *value)
{
    u256 empty = u256_zero();
    world *w = open_world(f, &empty);
    for (size_t i = 0; i < n; i++) {
        assert_int_equal(world_set_balance(w, &a[i].address, &a[i].balance), 0);
        assert_int_equal(world_set_nonce(w, &a[i].address, &a[i].nonce), 0);
        if (a[i].has_code)
            assert_int_equal(world_set_code_length(w, &a[i].address, 1), 0);
    }
    if (owner != NULL)
        assert_int_equal(world_set_storage(w, owner, slot, value), 0);
    assert_int_equal(world_root(w, &f->batch.old_state_root), 0);
}

/* The usual state: a sender with an ether and nonce 3. */
static inline void usual_state(fixture *f)
{
    account a = {.address = f->sender, .balance = ether(), .nonce = number(3)};
    make_state(f, &a, 1, NULL, NULL, NULL);
}

static inline exec_tx usual_tx(void)
{
    exec_tx tx;
    memset(&tx, 0, sizeof tx);
    tx.nonce = 3;
    tx.gas_price = number(PRICE);
    tx.gas_limit = 100000;
    tx.value = number(5);
    memset(tx.to.bytes, 0x70, 20);
    tx.has_chain_id = true;
    tx.chain_id = CHAIN_ID;
    tx.r.bytes[31] = 1;
    tx.s.bytes[31] = 1;
    tx.v = 27;
    tx.effective_percentage = 255;
    return tx;
}

static inline void clear_data(fixture *f)
{
    f->data_len = 0;
}

static inline void add_tx(fixture *f, const exec_tx *tx)
{
    bool pct = f->batch.fork_id >= 5;
    assert_true(f->data_len + exec_tx_batch_size(tx, pct) < 400000);
    uint8_t *end = exec_tx_put_batch(f->data + f->data_len, tx, pct);
    f->data_len = (size_t)(end - f->data);
}

static inline exec_fault run(fixture *f)
{
    reset_arenas(f, f->memory.tree.size);
    f->n_seen = f->n_changes = 0;
    f->polls = 0;
    f->batch.l2_data_len = f->data_len;
    exec_fault fault =
        exec_run(&f->host, &f->observer, &f->memory, &f->batch, &f->result, on_change, f);
    assert_int_equal(f->memory.tree.used, 0);
    assert_int_equal(f->memory.tx.used, 0);
    assert_int_equal(f->memory.frame.used, 0);
    return fault;
}

static inline void run_ok(fixture *f)
{
    exec_fault fault = run(f);
    if (fault != EXEC_FAULT_NONE)
        fail_msg("fault: %s", exec_fault_text(fault));
}

static inline void run_one(fixture *f, const exec_tx *tx)
{
    clear_data(f);
    add_tx(f, tx);
    run_ok(f);
    assert_int_equal(f->result.outcome, EXEC_BATCH_OK);
    assert_int_equal(f->result.n_txs, 1);
    assert_int_equal(f->n_seen, 1);
}

static inline void check_number(const u256 *got, uint64_t want)
{
    assert_true(u256_fits_u64(got));
    assert_true(got->limb[0] == want);
}

static inline u256 storage_at(world *w, const exec_address *a, const u256 *slot)
{
    u256 v;
    assert_int_equal(world_storage(w, a, slot, &v), 0);
    return v;
}

static inline u256 mapping_slot(const u256 *key, uint8_t position)
{
    uint8_t b[64] = {0}, digest[32];
    bytes_store_u256(b, key);
    b[63] = position;
    keccak_256(digest, b, 64);
    return bytes_load_u256(digest);
}

#endif
