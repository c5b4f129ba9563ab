/* Fails each allocation in turn: nothing leaks, nothing crashes, and the error says what was wrong.
 * malloc, calloc and realloc of the project's libraries arrive here (linker option --wrap), those
 * of jansson by its own hook; LMDB's are not reached. */

#include "tests/unit/state/vectors.h"

#include "host/state/batch_file.h"
#include "host/state/receipt.h"
#include "host/state/run.h"

#include <jansson.h>

void *__real_malloc(size_t size);
void *__real_calloc(size_t n, size_t size);
void *__real_realloc(void *p, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_realloc(void *p, size_t size);

static size_t allocations, failing; /**< the failing-th one fails; 0: none */

static bool fails(void)
{
    return ++allocations == failing;
}

void *__wrap_malloc(size_t size)
{
    return fails() ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t n, size_t size)
{
    return fails() ? NULL : __real_calloc(n, size);
}

void *__wrap_realloc(void *p, size_t size)
{
    return fails() ? NULL : __real_realloc(p, size);
}

/** Starts counting from here. */
static void fail_at(size_t n)
{
    allocations = 0;
    failing = n;
}

static bool write_results(const state_outcome *o)
{
    bool ok = true;
    for (size_t i = 0; i < o->result.n_txs && ok; i++) {
        char *text = state_receipt_json(o, i);
        ok = text != NULL;
        free(text);
        for (size_t j = 0; j < o->txs[i].n_logs && ok; j++) {
            text = state_log_json(o, i, j);
            ok = text != NULL;
            free(text);
        }
    }
    return ok;
}

/** Everything that this folder does with a batch. */
typedef struct journey {
    const char *path;
    state_store *store;
    bool persist;
} journey;

static p_status travel(const journey *j, p_err *err)
{
    const gl_poseidon_ops *poseidon = gl_poseidon_select(NULL);
    batch_file_options options = {.max_l2_data = 1 << 20};
    state_request *req = NULL;
    state_runner *runner = NULL;
    state_recorder *recorder = NULL;
    state_outcome *o = NULL;
    const uint64_t *words;
    size_t n;
    p_status s = batch_file_load(j->path, &options, &req, NULL, err);
    if (s == P_OK)
        s = state_request_verify(req, poseidon, err);
    if (s == P_OK)
        s = state_runner_create(&runner, poseidon, err);
    if (s == P_OK)
        s = state_recorder_create(&recorder, err);
    if (s == P_OK) {
        state_run_options run = {.store = j->store, .persist = j->persist, .recorder = recorder};
        s = state_execute(runner, req, &run, &o, err);
    }
    if (s == P_OK)
        s = state_recorder_finish(recorder, &words, &n, err);
    if (s == P_OK && !write_results(o))
        s = p_err_set(err, P_EEXHAUSTED, "no memory for the results");
    state_outcome_destroy(o);
    state_recorder_destroy(recorder);
    state_runner_destroy(runner);
    state_request_destroy(req);
    return s;
}

/** Lets each allocation fail until the way is free; returns how many there were. */
static size_t fail_each(const journey *j)
{
    for (size_t n = 1;; n++) {
        p_err err = {0};
        fail_at(n);
        p_status s = travel(j, &err);
        size_t made = allocations;
        fail_at(0);
        if (made < n) {
            test_ok(s, &err);
            return made;
        }
        if (s != P_EEXHAUSTED || err.status != s || !err.text[0])
            fail_msg("allocation %zu failed: expected P_EEXHAUSTED, found %s: %s", n,
                     p_status_name(s), err.text);
    }
}

static void test_file(const char *file, const char *missing)
{
    char path[512], dir[64];
    p_err err = {0};
    if (!test_vector_path(path, file)) {
        print_message("%s: not there\n", path);
        skip();
    }
    test_make_dir(dir);
    journey j = {.path = path, .persist = true};
    test_ok(state_store_open(&j.store, dir, (uint64_t)16 << 20, &err), &err);
    print_message("%s: %zu allocations\n", file, fail_each(&j));
    j.persist = false;
    if (missing) { /* the same with everything but the transactions in the store */
        json_t *object = json_load_file(path, 0, NULL);
        char stripped[128];
        assert_non_null(object);
        assert_int_equal(json_object_del(object, "db"), 0);
        assert_int_equal(json_object_del(object, "contractsBytecode"), 0);
        snprintf(stripped, sizeof stripped, "%s/file.json", dir);
        assert_int_equal(json_dump_file(object, stripped, 0), 0);
        json_decref(object);
        j.path = stripped;
        print_message("%s from the store: %zu allocations\n", file, fail_each(&j));
        state_store_close(j.store);
        j.store = NULL;
        test_expect(travel(&j, &err), &err, P_EMISSING, missing);
    } else {
        state_store_close(j.store);
    }
    test_remove_dir(dir);
}

static void test_calls(void **unused)
{
    (void)unused;
    test_file("batch/fork6/calldata/op-log_0.json", "old_state_root: its tree node 0x");
}

static void test_deploy(void **unused)
{
    (void)unused;
    test_file("batch/fork6/calldata/test-deploy_0.json", NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_calls),
        cmocka_unit_test(test_deploy),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
