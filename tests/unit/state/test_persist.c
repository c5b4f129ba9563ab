/* Batches one after the other on the store: a client that sent its state
 * once sends no more of it. */
#include "tests/unit/state/vectors.h"

#include "host/state/batch_file.h"
#include "host/state/new_nodes.h"
#include "host/state/overlay.h"
#include "host/state/prune.h"
#include "host/state/run.h"

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

static state_request *load(const char *path, batch_expected *expected)
{
    p_err err = {0};
    state_request *req;
    batch_file_options options = {.max_l2_data = (1 << 24) - 1};
    test_ok(batch_file_load(path, &options, &req, expected, &err), &err);
    test_ok(state_request_verify(req, poseidon, &err), &err);
    return req;
}

/** Length of the transaction that begins here: its list, the signature, the percentage. */
static size_t tx_length(const uint8_t *p, uint32_t fork)
{
    size_t len = 1, payload = p[0] - 0xc0u;
    if (p[0] > 0xf7) {
        payload = 0;
        for (; len <= p[0] - 0xf7u; len++)
            payload = payload << 8 | p[len];
    }
    return len + payload + 65 + (fork >= 5);
}

static state_outcome *execute(const state_request *req, const state_run_options *options)
{
    p_err err = {0};
    state_outcome *o;
    test_ok(state_execute(runner, req, options, &o, &err), &err);
    return o;
}

/** Each transaction in a batch of its own, with a witness in the first one only. The last root is
 * that of the whole batch, and each root is complete as far as the witness was. */
static void split(const char *path)
{
    char dir[64];
    p_err err = {0};
    batch_expected expected = {0};
    state_request *whole = load(path, &expected);
    assert_true(expected.has_state_root);
    test_make_dir(dir);
    state_run_options options = {.persist = true};
    test_ok(state_store_open(&options.store, dir, (uint64_t)1 << 30, &err), &err);
    u256 root = whole->batch.old_state_root;
    size_t at = 0, n = 0;
    do {
        const uint8_t *data = whole->batch.l2_data + at;
        size_t len = at < whole->batch.l2_data_len ? tx_length(data, whole->batch.fork_id) : 0;
        assert_true(at + len <= whole->batch.l2_data_len);
        at += len;
        state_request *part;
        test_ok(state_request_create(&part, whole->batch.fork_id, &err), &err);
        test_ok(state_request_set_l2_data(part, data, len, SIZE_MAX, &err), &err);
        const uint8_t *copy = part->batch.l2_data;
        part->batch = whole->batch;
        part->batch.l2_data = copy;
        part->batch.l2_data_len = len;
        part->batch.old_state_root = root;
        part->batch.old_batch_num += n;
        if (n == 0) { /* borrows the whole witness */
            overlay_destroy(part->overlay);
            part->overlay = whole->overlay;
        } else {
            assert_int_equal(part->overlay->n_nodes + part->overlay->n_codes, 0);
        }
        test_ok(state_request_verify(part, poseidon, &err), &err);
        state_outcome *o = execute(part, &options);
        root = o->result.new_state_root;
        state_outcome_destroy(o);
        if (n == 0) {
            part->overlay = NULL;
            /* what was written: the witness, and what the new root reaches */
            gl_t keep[2][4];
            memcpy(keep[0], whole->batch.old_state_root.limb, 32);
            memcpy(keep[1], root.limb, 32);
            state_prune_options prune = {.keep = (const gl_t(*)[4])keep,
                                         .n_keep = 2,
                                         .partial = true,
                                         .dry_run = true,
                                         .poseidon = poseidon};
            state_prune_result removed;
            test_ok(state_store_prune(options.store, &prune, &removed, &err), &err);
            assert_true(removed.removed_nodes == 0);
        }
        state_request_destroy(part);
        n++;
    } while (at < whole->batch.l2_data_len);
    assert_memory_equal(&root, &expected.state_root, sizeof root);
    print_message("%s: %zu batches\n", strrchr(path, '/') + 1, n);
    state_store_close(options.store);
    state_request_destroy(whole);
    test_remove_dir(dir);
}

static void test_chain(void **unused)
{
    (void)unused;
    static const char *const names[] = {"contracts", "deploy", "empty",   "erc20",
                                        "mixed",     "revert", "transfer"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        for (unsigned fork = 4; fork <= 6; fork += 2) {
            char path[512];
            snprintf(path, sizeof path, ZKP_TEST_DATA "/batch/fork%u/%s.json", fork, names[i]);
            split(path);
        }
    }
}

/** A large batch leaves one root behind, not one for each transaction. */
static void test_large_batch(void **unused)
{
    (void)unused;
    static const struct {
        const char *file;
        size_t txs;
    } rows[] = {{"batch/fork5/performance/balance_transfer-498.json", 498},
                {"batch/fork5/performance/erc20_transfer-197.json", 197}};
    for (size_t i = 0; i < 2; i++) {
        char path[512], dir[64];
        p_err err = {0};
        if (!test_vector_path(path, rows[i].file)) {
            print_message("%s: not there\n", path);
            skip();
        }
        test_make_dir(dir);
        state_run_options options = {.persist = true};
        test_ok(state_store_open(&options.store, dir, (uint64_t)1 << 30, &err), &err);
        state_request *req = load(path, NULL);
        state_outcome *o = execute(req, &options);
        assert_int_equal(o->result.n_txs, rows[i].txs);
        state_store_info info;
        test_ok(state_store_stat(options.store, &info, &err), &err);
        gl_t keep[2][4];
        memcpy(keep[0], req->batch.old_state_root.limb, 32);
        memcpy(keep[1], o->result.new_state_root.limb, 32);
        state_prune_options prune = {.keep = (const gl_t(*)[4])keep,
                                     .n_keep = 2,
                                     .partial = true,
                                     .dry_run = true,
                                     .poseidon = poseidon};
        state_prune_result removed;
        test_ok(state_store_prune(options.store, &prune, &removed, &err), &err);
        print_message("%s: %zu nodes in the request, %llu in the store\n", rows[i].file,
                      req->overlay->n_nodes, (unsigned long long)info.nodes);
        assert_int_equal(removed.removed_nodes, 0);
        state_outcome_destroy(o);
        state_request_destroy(req);
        state_store_close(options.store);
        test_remove_dir(dir);
    }
}

/** Against a walk that looks everything up by search. */
static void test_keep_reached(void **unused)
{
    (void)unused;
    static const uint64_t seed[4] = {1, 2, 3, 4};
    uint64_t rng = 9;
    for (unsigned round = 0; round < 200; round++) {
        new_nodes list = {.records = NULL};
        gl_t hashes[60][4], all[60][12];
        size_t n = test_random(&rng) % 60 + 1;
        bool reached[60] = {false};
        for (size_t i = 0; i < n; i++) {
            for (unsigned k = 0; k < 4; k++)
                hashes[i][k] = test_random_gl(&rng);
            memset(all[i], 0, sizeof all[i]);
            for (unsigned half = 0; half < 2; half++) { /* an earlier one, nothing, a stranger */
                size_t child = test_random(&rng) % (i + 2);
                if (child < i)
                    memcpy(all[i] + 4 * half, hashes[child], 32);
                else if (child == i)
                    all[i][4 * half] = test_random_gl(&rng);
            }
            assert_true(new_nodes_add(&list, hashes[i], all[i]));
            if (test_random(&rng) % 4 == 0) /* twice */
                assert_true(new_nodes_add(&list, hashes[i], all[i]));
        }
        size_t expected = 0, root = test_random(&rng) % n;
        reached[root] = true;
        for (size_t i = n; i-- > 0;) {
            expected += reached[i];
            for (size_t k = 0; k < i && reached[i]; k++)
                if (memcmp(all[i], hashes[k], 32) == 0 || memcmp(all[i] + 4, hashes[k], 32) == 0)
                    reached[k] = true;
        }
        assert_true(new_nodes_keep_reached(&list, hashes[root], seed));
        assert_int_equal(list.n, expected);
        for (size_t i = 0; i < list.n; i++) {
            size_t k = 0;
            while (k < n && memcmp(list.records[i], hashes[k], 32) != 0)
                k++;
            assert_true(k < n && reached[k]);
            assert_memory_equal(list.records[i] + 4, all[k], 96);
            reached[k] = false;
        }
        gl_t stranger[4] = {1};
        assert_true(new_nodes_keep_reached(&list, stranger, seed));
        assert_int_equal(list.n, 0);
        new_nodes_free(&list);
    }
    new_nodes none = {.records = NULL};
    gl_t zero[4] = {0};
    assert_true(new_nodes_keep_reached(&none, zero, seed));
    new_nodes_free(&none);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_keep_reached),
        cmocka_unit_test(test_chain),
        cmocka_unit_test(test_large_batch),
    };
    return cmocka_run_group_tests(tests, make_runner, drop_runner);
}
