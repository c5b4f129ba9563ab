#include "tests/unit/state/vectors.h"

#include "driver/field/keccak.h"
#include "host/state/batch_file.h"
#include "host/state/overlay.h"
#include "host/state/receipt.h"
#include "host/state/run.h"

#include <jansson.h>
#include <lmdb.h>
#include <pthread.h>

static const gl_poseidon_ops *poseidon;
static state_runner *runner;

static int make_runner(void **unused)
{
    (void)unused;
    poseidon = gl_poseidon_select(NULL);
    return state_runner_create(&runner, poseidon, NULL) == P_OK ? 0 : -1;
}

static int drop_runner(void **unused)
{
    (void)unused;
    state_runner_destroy(runner);
    return 0;
}

/** A batch without transactions that stores one exit root. */
static state_request *exit_root_batch(const u256 *old_root, uint8_t exit_root, uint64_t timestamp)
{
    state_request *req;
    p_err err = {0};
    test_ok(state_request_create(&req, 6, &err), &err);
    test_ok(state_request_set_l2_data(req, NULL, 0, 0, &err), &err);
    req->batch.old_state_root = *old_root;
    req->batch.chain_id = 1000;
    req->batch.timestamp = timestamp;
    req->batch.global_exit_root.bytes[31] = exit_root;
    return req;
}

static void hash8(gl_t out[4], const gl_t in[8], const gl_t capacity[4])
{
    gl_t s[12];
    memcpy(s, in, 64);
    memcpy(s + 8, capacity, 32);
    gl_poseidon_permute_portable(s);
    memcpy(out, s, 32);
}

static const gl_t no_capacity[4];

/** The tree key of the exit root's slot, by the formulas of the specification. */
static void exit_root_key(gl_t key[4], uint8_t exit_root)
{
    uint8_t preimage[64] = {0}, slot[32], manager[20];
    preimage[31] = exit_root;
    keccak_256(slot, preimage, 64);
    assert_true(p_hex_decode(manager, 20, "a40d5f56745a118d0906a34e69aec8c0db1cb8fa", 40));
    gl_t slot_limbs[8] = {0}, in[8] = {0}, capacity[4];
    for (unsigned i = 0; i < 32; i++)
        slot_limbs[i / 4] |= (gl_t)slot[31 - i] << 8 * (i % 4);
    for (unsigned i = 0; i < 20; i++)
        in[i / 4] |= (gl_t)manager[19 - i] << 8 * (i % 4);
    in[6] = 3;
    hash8(capacity, slot_limbs, no_capacity);
    hash8(key, in, capacity);
}

static state_outcome *run_batch(state_request *req, const state_run_options *options)
{
    p_err err = {0};
    state_outcome *o;
    test_ok(state_request_verify(req, poseidon, &err), &err);
    test_ok(state_execute(runner, req, options, &o, &err), &err);
    state_request_destroy(req);
    return o;
}

static void refuse_batch(state_request *req, const state_run_options *options, p_status status,
                         const char *text)
{
    p_err err = {0};
    state_outcome *o;
    test_ok(state_request_verify(req, poseidon, &err), &err);
    test_expect(state_execute(runner, req, options, &o, &err), &err, status, text);
    assert_null(o);
    state_request_destroy(req);
}

static void test_exit_root(void **unused)
{
    (void)unused;
    u256 zero = {0};
    state_request *req = exit_root_batch(&zero, 1, 1234);
    state_outcome *o;
    p_err err = {0};
    o = run_batch(req, NULL);
    gl_t leaf[8], value[8] = {1234}, root[4];
    static const gl_t leaf_capacity[4] = {1};
    exit_root_key(leaf, 1);
    hash8(leaf + 4, value, no_capacity);
    hash8(root, leaf, leaf_capacity);
    assert_memory_equal(o->result.new_state_root.limb, root, 32);
    assert_int_equal(o->result.n_txs, 0);
    assert_int_equal(o->result.new_batch_num, 1);
    assert_int_equal(o->n_changes, 1);
    assert_memory_equal(o->changes[0].key.limb, leaf, 32);
    assert_int_equal(o->changes[0].new_value.limb[0], 1234);
    assert_null(o->batch.l2_data);
    assert_true(o->seconds >= 0 && o->seconds < 60);
    assert_true(o->arena_peak_bytes > 0);
    state_outcome_destroy(o);
    state_outcome_destroy(NULL);

    /* an unverified entry */
    req = exit_root_batch(&zero, 1, 1234);
    test_ok(state_request_add_node(req, "1", 1, (char[129]){0}, 0, NULL) == P_EINVAL ? P_OK
                                                                                     : P_EINTERNAL,
            &err);
    gl_t node[12] = {0};
    test_ok(state_request_add_node_elements(req, node, node, 12, &err), &err);
    test_expect(state_execute(runner, req, NULL, &o, &err), &err, P_EINTERNAL, "was not verified");
    state_request_destroy(req);
}

static void test_missing(void **unused)
{
    (void)unused;
    u256 root = {{0x11, 0x22, 0x33, 0x44}};
    static const char text[] = "0x0000000000000044000000000000003300000000000000220000000000000011";
    refuse_batch(exit_root_batch(&root, 1, 5), NULL, P_EMISSING, text);
    refuse_batch(exit_root_batch(&root, 1, 5), NULL, P_EMISSING, "there is no state store");
    char dir[64];
    p_err err = {0};
    test_make_dir(dir);
    state_run_options options = {.store = NULL, .persist = true};
    refuse_batch(exit_root_batch(&root, 1, 5), &options, P_EINVAL, "there is no state store");
    test_ok(state_store_open(&options.store, dir, 1 << 20, &err), &err);
    refuse_batch(exit_root_batch(&root, 1, 5), &options, P_EMISSING,
                 "neither in the request nor in the state store");
    state_store_info info;
    test_ok(state_store_stat(options.store, &info, &err), &err);
    assert_int_equal(info.nodes, 0);
    state_store_close(options.store);
    test_remove_dir(dir);
}

/** A root node whose capacity is that of no node kind. */
static void test_bad_node(void **unused)
{
    (void)unused;
    gl_t node[12] = {5, 6, 7, 8, 9, 1, 2, 3, 2, 0, 0, 0}, hash[4];
    hash8(hash, node, node + 8);
    u256 root;
    memcpy(root.limb, hash, 32);
    state_request *req = exit_root_batch(&root, 1, 5);
    p_err err = {0};
    test_ok(state_request_add_node_elements(req, hash, node, 12, &err), &err);
    char key[65], text[160];
    test_key_text(key, hash);
    snprintf(text, sizeof text, "db[0x%s]: no legal node", key);
    refuse_batch(req, NULL, P_EINVAL, text);
}

static bool stop_at_once(void *ctx)
{
    ++*(unsigned *)ctx;
    return true;
}

static void test_cancel(void **unused)
{
    (void)unused;
    u256 zero = {0};
    unsigned asked = 0;
    state_run_options options = {.should_stop = stop_at_once, .should_stop_ctx = &asked};
    state_request *req = exit_root_batch(&zero, 1, 5);
    p_err err = {0};
    test_ok(state_request_set_l2_data(req, (const uint8_t *)"x", 1, 1, &err), &err);
    refuse_batch(req, &options, P_ECANCELLED, "cancelled");
    assert_int_equal(asked, 1);
}

/** A chain of batches whose requests carry no witness: every node comes from the store. Each root
 * is also that of the same batches with the whole witness in the request. */
static void test_persist(void **unused)
{
    (void)unused;
    enum { N = 40 };
    char dir[64];
    p_err err = {0};
    test_make_dir(dir);
    state_run_options options = {.persist = true};
    test_ok(state_store_open(&options.store, dir, 8 << 20, &err), &err);
    u256 roots[N + 1] = {{{0}}};
    for (unsigned i = 0; i < N; i++) {
        if (i == N / 2) { /* survives being opened again */
            state_store_close(options.store);
            test_ok(state_store_open(&options.store, dir, 8 << 20, &err), &err);
        }
        state_outcome *o =
            run_batch(exit_root_batch(&roots[i], (uint8_t)(i + 1), 1000 + i), &options);
        roots[i + 1] = o->result.new_state_root;
        state_outcome_destroy(o);
    }
    /* again, on the first root's whole history, without writing: the same roots */
    options.persist = false;
    for (unsigned i = 0; i < N; i++) {
        state_outcome *o =
            run_batch(exit_root_batch(&roots[i], (uint8_t)(i + 1), 1000 + i), &options);
        assert_memory_equal(&o->result.new_state_root, &roots[i + 1], sizeof(u256));
        state_outcome_destroy(o);
    }
    /* an exit root that is there already changes nothing */
    state_outcome *o = run_batch(exit_root_batch(&roots[N], 7, 99999), &options);
    assert_memory_equal(&o->result.new_state_root, &roots[N], sizeof(u256));
    assert_int_equal(o->n_changes, 0);
    state_outcome_destroy(o);
    state_store_close(options.store);
    test_remove_dir(dir);
}

static void damage(const char *dir, const char *db, const gl_t hash[4], size_t len)
{
    MDB_env *env;
    MDB_txn *txn;
    MDB_dbi dbi;
    uint8_t bytes[96] = {1};
    MDB_val k = {32, (void *)hash}, v = {len, bytes};
    assert_int_equal(mdb_env_create(&env), 0);
    assert_int_equal(mdb_env_set_maxdbs(env, 3), 0);
    assert_int_equal(mdb_env_open(env, dir, MDB_NOTLS, 0600), 0);
    assert_int_equal(mdb_txn_begin(env, NULL, 0, &txn), 0);
    assert_int_equal(mdb_dbi_open(txn, db, 0, &dbi), 0);
    assert_int_equal(mdb_put(txn, dbi, &k, &v, 0), 0);
    assert_int_equal(mdb_txn_commit(txn), 0);
    mdb_env_close(env);
}

static void test_damaged_store(void **unused)
{
    (void)unused;
    static const size_t sizes[] = {96, 95};
    static const char *const texts[] = {"is damaged: its Poseidon hash is 0x", "has 95 bytes"};
    for (unsigned i = 0; i < 2; i++) {
        char dir[64];
        p_err err = {0};
        u256 zero = {0};
        test_make_dir(dir);
        state_run_options options = {.persist = true};
        test_ok(state_store_open(&options.store, dir, 8 << 20, &err), &err);
        state_outcome *o = run_batch(exit_root_batch(&zero, 1, 5), &options);
        u256 root = o->result.new_state_root;
        state_outcome_destroy(o);
        state_store_close(options.store);
        damage(dir, "nodes", root.limb, sizes[i]);
        test_ok(state_store_open(&options.store, dir, 8 << 20, &err), &err);
        refuse_batch(exit_root_batch(&root, 2, 5), &options, P_ECORRUPT, texts[i]);
        state_store_close(options.store);
        test_remove_dir(dir);
    }
}

/** A full store refuses the batch; the store and the runner go on. */
static void test_full_store(void **unused)
{
    (void)unused;
    char dir[64];
    p_err err = {0};
    test_make_dir(dir);
    state_run_options options = {.persist = true};
    test_ok(state_store_open(&options.store, dir, 1 << 20, &err), &err);
    uint64_t rng = 1;
    u256 zero = {0};
    state_request *req = exit_root_batch(&zero, 1, 5);
    for (unsigned i = 0; i < 10000; i++) {
        gl_t record[16];
        test_random_record(&rng, record, 12);
        test_ok(state_request_add_node_elements(req, record, record + 4, 12, &err), &err);
    }
    refuse_batch(req, &options, P_EEXHAUSTED, "bytes are used");
    state_store_info info;
    test_ok(state_store_stat(options.store, &info, &err), &err);
    assert_int_equal(info.nodes, 0);
    state_outcome *o = run_batch(exit_root_batch(&zero, 1, 5), &options);
    state_outcome_destroy(o);
    test_ok(state_store_stat(options.store, &info, &err), &err);
    assert_int_equal(info.nodes, 2);
    state_store_close(options.store);
    test_remove_dir(dir);
}

/** Room for nothing in each of the three parts, then for everything again. */
static void test_memory_limit(void **unused)
{
    (void)unused;
    u256 zero = {0};
    state_run_options options = {.memory_limit = 64};
    refuse_batch(exit_root_batch(&zero, 1, 5), &options, P_EEXHAUSTED, "tree ");
    for (options.memory_limit = 1 << 10; options.memory_limit < (size_t)1 << 40;
         options.memory_limit *= 8) {
        state_request *req = exit_root_batch(&zero, 1, 5);
        p_err err = {0};
        state_outcome *o;
        test_ok(state_request_verify(req, poseidon, &err), &err);
        p_status s = state_execute(runner, req, &options, &o, &err);
        if (options.memory_limit < (size_t)64 << 20 && s != P_OK)
            test_expect(s, &err, P_EEXHAUSTED, "raise the limit");
        else
            test_ok(s, &err);
        state_outcome_destroy(o);
        state_request_destroy(req);
    }
}

typedef struct worker {
    state_store *store;
    u256 root;
    unsigned failed;
} worker;

static void *work(void *arg)
{
    worker *w = arg;
    state_runner *mine;
    if (state_runner_create(&mine, poseidon, NULL) != P_OK) {
        w->failed++;
        return NULL;
    }
    state_run_options options = {.store = w->store, .persist = true};
    for (unsigned i = 0; i < 20; i++) {
        state_request *req = exit_root_batch(&w->root, (uint8_t)(i + 1), 1000 + i);
        state_outcome *o;
        if (state_request_verify(req, poseidon, NULL) != P_OK ||
            state_execute(mine, req, &options, &o, NULL) != P_OK) {
            w->failed++;
        } else {
            w->root = o->result.new_state_root;
            state_outcome_destroy(o);
        }
        state_request_destroy(req);
    }
    state_runner_destroy(mine);
    return NULL;
}

/** Runners of their own on one store, writing the same entries at the same time. */
static void test_threads(void **unused)
{
    (void)unused;
    enum { N = 4 };
    char dir[64];
    p_err err = {0};
    state_store *store;
    test_make_dir(dir);
    test_ok(state_store_open(&store, dir, 8 << 20, &err), &err);
    worker workers[N] = {{.store = NULL}};
    pthread_t threads[N];
    for (unsigned i = 0; i < N; i++) {
        workers[i].store = store;
        assert_int_equal(pthread_create(&threads[i], NULL, work, &workers[i]), 0);
    }
    for (unsigned i = 0; i < N; i++) {
        pthread_join(threads[i], NULL);
        assert_int_equal(workers[i].failed, 0);
        assert_memory_equal(&workers[i].root, &workers[0].root, sizeof(u256));
    }
    state_store_close(store);
    test_remove_dir(dir);
}

/* Published batches. */

static state_request *load_vector(const char *file)
{
    char path[512];
    p_err err = {0};
    state_request *req;
    if (!test_vector_path(path, file)) {
        print_message("%s: not there\n", path);
        skip();
    }
    batch_file_options options = {.max_l2_data = (1 << 24) - 1};
    test_ok(batch_file_load(path, &options, &req, NULL, &err), &err);
    return req;
}

/** The same batch with an empty witness. */
static state_request *without_witness(const state_request *full)
{
    state_request *req;
    p_err err = {0};
    test_ok(state_request_create(&req, full->batch.fork_id, &err), &err);
    test_ok(state_request_set_l2_data(req, full->batch.l2_data, full->batch.l2_data_len, SIZE_MAX,
                                      &err),
            &err);
    const uint8_t *data = req->batch.l2_data;
    req->batch = full->batch;
    req->batch.l2_data = data;
    return req;
}

/** Bytecodes from the store: found, damaged, absent. */
static void test_codes(void **unused)
{
    (void)unused;
    char dir[64];
    p_err err = {0};
    state_request *full = load_vector("batch/fork6/calldata/op-log_0.json");
    state_request *stripped = without_witness(full);
    test_make_dir(dir);
    state_run_options options = {.persist = true};
    assert_true(full->overlay->n_codes > 0);
    gl_t hashes[8][4];
    size_t n_codes = full->overlay->n_codes < 8 ? full->overlay->n_codes : 8;
    for (size_t i = 0; i < n_codes; i++)
        memcpy(hashes[i], full->overlay->codes[i].hash, 32);

    /* the nodes alone */
    test_ok(state_store_open(&options.store, dir, 8 << 20, &err), &err);
    test_ok(state_store_write(options.store, (const gl_t(*)[16])full->overlay->nodes,
                              full->overlay->n_nodes, NULL, 0, &err),
            &err);
    refuse_batch(without_witness(stripped), &options, P_EMISSING,
                 "contracts_bytecode: the bytecode 0x");
    state_outcome *first = run_batch(full, &options);
    state_outcome *second = run_batch(without_witness(stripped), &options);
    assert_memory_equal(&first->result.new_state_root, &second->result.new_state_root, 32);
    assert_true(first->result.n_txs > 0);
    assert_int_equal(first->result.n_txs, second->result.n_txs);
    assert_int_equal(first->result.gas_used, second->result.gas_used);
    state_outcome_destroy(first);
    state_outcome_destroy(second);
    state_store_close(options.store);

    for (size_t i = 0; i < n_codes; i++)
        damage(dir, "codes", hashes[i], 96);
    test_ok(state_store_open(&options.store, dir, 8 << 20, &err), &err);
    refuse_batch(without_witness(stripped), &options, P_ECORRUPT, "the bytecode 0x");
    /* sent once more, it is repaired */
    full = load_vector("batch/fork6/calldata/op-log_0.json");
    state_outcome_destroy(run_batch(full, &options));
    state_outcome_destroy(run_batch(stripped, &options));
    state_store_close(options.store);
    test_remove_dir(dir);
}

static void count_call(void *ctx, const exec_call_event *event)
{
    (void)event;
    ++((unsigned *)ctx)[0];
}

static void count_call_end(void *ctx, const exec_return_event *event)
{
    (void)event;
    ++((unsigned *)ctx)[1];
}

static void test_tracer(void **unused)
{
    (void)unused;
    unsigned counts[2] = {0, 0};
    exec_observer tracer = {.ctx = counts, .call = count_call, .call_end = count_call_end};
    state_run_options options = {.tracer = &tracer};
    state_outcome *o = run_batch(load_vector("batch/fork6/calldata/op-call_0.json"), &options);
    assert_true(counts[0] > o->result.n_processed);
    assert_int_equal(counts[0], counts[1]);
    state_outcome_destroy(o);
    tracer.call = NULL;
    state_outcome_destroy(run_batch(load_vector("batch/fork6/calldata/op-call_0.json"), &options));
}

/** The transactions of a batch that runs out of counters are there, and undone. */
static void test_rolled_back(void **unused)
{
    (void)unused;
    state_outcome *o = run_batch(load_vector("rom-checked/fork6/ooc_sload.json"), NULL);
    assert_int_equal(o->result.outcome, EXEC_BATCH_OOC_POSEIDON);
    assert_true(o->result.n_txs > 0);
    assert_int_equal(o->result.n_processed, 0);
    for (size_t i = 0; i < o->result.n_txs; i++) {
        const exec_tx_result *tx = &o->txs[i];
        assert_int_equal(tx->index, i);
        assert_int_equal(tx->error, EXEC_UNDONE_POSEIDON);
        assert_int_equal(tx->gas_used + tx->cumulative_gas_used + tx->n_logs, 0);
        assert_memory_equal(&tx->state_root, &o->result.new_state_root, sizeof(u256));
    }
    assert_true(o->txs[0].has_from);
    state_outcome_destroy(o);
}

/** A limit that is too small, and one that is enough, for a batch with calls. */
static void test_limited_calls(void **unused)
{
    (void)unused;
    state_run_options options = {.memory_limit = (size_t)32 << 20};
    refuse_batch(load_vector("batch/fork6/calldata/op-call_0.json"),
                 &(state_run_options){.memory_limit = 1 << 10}, P_EEXHAUSTED, "more memory");
    state_outcome_destroy(run_batch(load_vector("batch/fork6/calldata/op-call_0.json"), &options));
}

typedef struct tally {
    uint32_t fork_id;
    size_t failed, txs;
} tally;

static bool check_receipts(const state_outcome *o)
{
    bool ok = true;
    for (size_t i = 0; i < o->result.n_txs; i++) {
        char *text = state_receipt_json(o, i);
        json_t *r = text ? json_loads(text, 0, NULL) : NULL;
        ok = ok && r && json_array_size(json_object_get(r, "logs")) == o->txs[i].n_logs;
        json_decref(r);
        free(text);
    }
    return ok;
}

static void check_file(void *ctx, const char *path)
{
    tally *t = ctx;
    p_err err = {0};
    state_request *req = NULL;
    state_outcome *o = NULL;
    batch_expected e;
    batch_file_options options = {
        .fork_id = t->fork_id, .default_counters = false, .max_l2_data = (1 << 24) - 1};
    if (batch_file_load(path, &options, &req, &e, &err) != P_OK ||
        state_request_verify(req, poseidon, &err) != P_OK ||
        state_execute(runner, req, NULL, &o, &err) != P_OK) {
        print_error("%s: %s\n", path, err.text);
        t->failed++;
    } else if (!e.has_state_root || !e.has_acc_input_hash || !e.has_local_exit_root ||
               !e.has_batch_num || memcmp(&e.state_root, &o->result.new_state_root, 32) != 0 ||
               memcmp(&e.acc_input_hash, &o->result.new_acc_input_hash, 32) != 0 ||
               memcmp(&e.local_exit_root, &o->result.new_local_exit_root, 32) != 0 ||
               e.batch_num != o->result.new_batch_num || !check_receipts(o)) {
        print_error("%s: another result than the file says\n", path);
        t->failed++;
    } else {
        t->txs += o->result.n_txs;
    }
    state_request_destroy(req);
    state_outcome_destroy(o);
}

static void test_vectors(void **unused)
{
    (void)unused;
    static const struct {
        uint32_t fork_id;
        const char *dir;
    } sets[] = {{4, "batch/fork4"},      {5, "batch/fork5"},     {6, "batch/fork6"},
                {4, "eth-batch/fork4"},  {6, "eth-batch/fork6"}, {4, "rom-checked/fork4"},
                {6, "rom-checked/fork6"}};
    char dir[512];
    if (!test_vector_path(dir, "batch")) {
        print_message("%s: not there, published batches are not tested\n", dir);
        skip();
    }
    for (size_t i = 0; i < sizeof sets / sizeof sets[0]; i++) {
        tally t = {.fork_id = sets[i].fork_id};
        assert_true(test_vector_path(dir, sets[i].dir));
        size_t n = test_vector_walk(dir, check_file, &t);
        print_message("%s: %zu files, %zu transactions, %zu failed\n", sets[i].dir, n, t.txs,
                      t.failed);
        assert_true(n > 0);
        assert_int_equal(t.failed, 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_exit_root),     cmocka_unit_test(test_missing),
        cmocka_unit_test(test_bad_node),      cmocka_unit_test(test_cancel),
        cmocka_unit_test(test_persist),       cmocka_unit_test(test_damaged_store),
        cmocka_unit_test(test_full_store),    cmocka_unit_test(test_memory_limit),
        cmocka_unit_test(test_threads),       cmocka_unit_test(test_rolled_back),
        cmocka_unit_test(test_codes),         cmocka_unit_test(test_tracer),
        cmocka_unit_test(test_limited_calls), cmocka_unit_test(test_vectors),
    };
    return cmocka_run_group_tests(tests, make_runner, drop_runner);
}
