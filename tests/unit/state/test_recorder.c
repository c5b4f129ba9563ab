#include "tests/unit/state/vectors.h"

#include "driver/field/keccak.h"
#include "host/state/batch_file.h"
#include "host/state/memory.h"
#include "host/state/recorder.h"
#include "host/state/recover.h"
#include "host/state/run.h"

/* A host with known answers. */

static gl_t known_node[16], known_code_hash[4];
static uint8_t known_code[13] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13};

static exec_fault answer_node(void *ctx, const gl_t hash[4], gl_t node[12])
{
    (void)ctx;
    if (memcmp(hash, known_node, 32) != 0)
        return EXEC_FAULT_MISSING_NODE;
    memcpy(node, known_node + 4, 96);
    return EXEC_FAULT_NONE;
}

static exec_fault answer_code(void *ctx, const gl_t hash[4], const uint8_t **code, size_t *len)
{
    (void)ctx;
    if (memcmp(hash, known_code_hash, 32) != 0)
        return EXEC_FAULT_MISSING_CODE;
    *code = known_code;
    *len = sizeof known_code;
    return EXEC_FAULT_NONE;
}

/** s selects the answer. */
static exec_recovery answer_recover(void *ctx, const uint8_t hash[32], const uint8_t r[32],
                                    const uint8_t s[32], bool odd_y, uint8_t public_key[64])
{
    (void)ctx;
    if (s[31] == EXEC_RECOVERY_OK) {
        memcpy(public_key, hash, 32);
        memcpy(public_key + 32, r, 32);
        public_key[0] ^= odd_y;
    }
    return (exec_recovery)s[31];
}

static void permute_many(void *ctx, gl_t *states, size_t count)
{
    (void)ctx;
    for (size_t i = 0; i < count; i++)
        gl_poseidon_permute_portable(states + 12 * i);
}

static const exec_host known_host = {.node = answer_node,
                                     .code = answer_code,
                                     .permute_many = permute_many,
                                     .permute = gl_poseidon_permute_portable,
                                     .keccak = keccak_256,
                                     .recover = answer_recover};

/** Asks everything once; true if all answers are the known ones. */
static bool interview(const exec_host *h)
{
    gl_t node[12], states[24] = {1, 2, 3}, other[24] = {1, 2, 3};
    const uint8_t *code;
    size_t len;
    uint8_t hash[32], r[32], s[32] = {0}, key[64] = {0};
    for (unsigned i = 0; i < 32; i++) {
        hash[i] = (uint8_t)(i + 1);
        r[i] = (uint8_t)(200 - i);
    }
    if (h->node(h->ctx, known_node, node) != EXEC_FAULT_NONE ||
        memcmp(node, known_node + 4, 96) != 0)
        return false;
    for (unsigned answer = 0; answer < 3; answer++) {
        s[31] = (uint8_t)answer;
        if (h->recover(h->ctx, hash, r, s, true, key) != (exec_recovery)answer)
            return false;
    }
    if (key[0] != 0 || memcmp(key + 1, hash + 1, 31) != 0 || memcmp(key + 32, r, 32) != 0)
        return false;
    if (h->code(h->ctx, known_code_hash, &code, &len) != EXEC_FAULT_NONE ||
        len != sizeof known_code || memcmp(code, known_code, len) != 0)
        return false;
    if (h->code(h->ctx, known_code_hash, &code, &len) != EXEC_FAULT_NONE)
        return false;
    h->permute_many(h->ctx, states, 2);
    permute_many(NULL, other, 2);
    return memcmp(states, other, sizeof states) == 0;
}

static void record_interview(state_recorder *recorder, const uint64_t **words, size_t *n)
{
    p_err err = {0};
    uint64_t rng = 1;
    test_random_record(&rng, known_node, 12);
    gl_poseidon_hash_bytes(known_code_hash, known_code, sizeof known_code,
                           gl_poseidon_permute_portable);
    assert_true(interview(state_recorder_begin(recorder, &known_host)));
    test_ok(state_recorder_finish(recorder, words, n, &err), &err);
}

/** True if the tape is taken and gives all known answers. */
static bool replays(const uint64_t *words, size_t n)
{
    state_replay *replay;
    p_err err = {0};
    if (state_replay_create(&replay, words, n, answer_recover, &err) != P_OK) {
        assert_int_equal(err.status, P_EINVAL);
        assert_null(replay);
        return false;
    }
    bool same = interview(state_replay_host(replay));
    p_status s = state_replay_finish(replay, &err);
    assert_int_equal(s, err.status);
    /* a wrong answer is never taken for a right one */
    assert_true(same || s != P_OK);
    state_replay_destroy(replay);
    return s == P_OK;
}

static void test_format(void **unused)
{
    (void)unused;
    state_recorder *recorder;
    const uint64_t *w;
    size_t n;
    p_err err = {0};
    test_ok(state_recorder_create(&recorder, &err), &err);
    record_interview(recorder, &w, &n);
    assert_int_equal(n, 2 + 17 + 3 * 10 + 2 * 8 + 1);
    assert_memory_equal(w, "zkpTape1", 8);
    assert_int_equal(w[1], 1);
    assert_int_equal(w[2], STATE_TAPE_NODE);
    assert_memory_equal(w + 3, known_node, sizeof known_node);
    assert_int_equal(w[19], STATE_TAPE_RECOVER);
    assert_int_equal(w[20], EXEC_RECOVERY_OK);
    assert_int_equal(w[29], STATE_TAPE_RECOVER);
    assert_int_equal(w[30], EXEC_RECOVERY_NONE);
    assert_int_equal(w[31], 0);
    assert_int_equal(w[49], STATE_TAPE_CODE);
    assert_memory_equal(w + 50, known_code_hash, 32);
    assert_int_equal(w[54], 13);
    assert_true(w[55] == UINT64_C(0x0807060504030201));
    assert_true(w[56] == UINT64_C(0x0d0c0b0a09));
    assert_int_equal(w[n - 1], STATE_TAPE_END);
    assert_true(replays(w, n));
    /* failed questions leave no trace; a second tape replaces the first */
    const exec_host *h = state_recorder_begin(recorder, &known_host);
    gl_t absent[4] = {1, 2, 3, 4}, node[12];
    const uint8_t *code;
    size_t len;
    assert_int_equal(h->node(h->ctx, absent, node), EXEC_FAULT_MISSING_NODE);
    assert_int_equal(h->code(h->ctx, absent, &code, &len), EXEC_FAULT_MISSING_CODE);
    test_ok(state_recorder_finish(recorder, &w, &n, &err), &err);
    assert_int_equal(n, 3);
    state_recorder_destroy(recorder);
    state_recorder_destroy(NULL);
    state_replay_destroy(NULL);
}

/** Every bit of every word matters, and so does the length. */
static void test_tampered(void **unused)
{
    (void)unused;
    state_recorder *recorder;
    const uint64_t *words;
    size_t n;
    p_err err = {0};
    test_ok(state_recorder_create(&recorder, &err), &err);
    record_interview(recorder, &words, &n);
    for (size_t cut = 0; cut < n; cut++) {
        uint64_t *copy = malloc(cut * 8 + 1); /* of the exact size, for the sanitizer */
        assert_non_null(copy);
        memcpy(copy, words, cut * 8);
        assert_false(replays(copy, cut));
        free(copy);
    }
    uint64_t *copy = malloc((n + 1) * 8);
    assert_non_null(copy);
    memcpy(copy, words, n * 8);
    copy[n] = STATE_TAPE_END;
    assert_true(replays(copy, n));
    assert_false(replays(copy, n + 1));
    for (size_t i = 0; i < n; i++) {
        for (unsigned bit = 0; bit < 64; bit++) {
            copy[i] ^= (uint64_t)1 << bit;
            if (replays(copy, n))
                fail_msg("word %zu with bit %u flipped was taken", i, bit);
            copy[i] ^= (uint64_t)1 << bit;
        }
        copy[i] = UINT64_MAX;
        assert_false(replays(copy, n));
        copy[i] = words[i];
    }
    assert_true(replays(copy, n));
    /* a non-canonical form of the same element */
    for (unsigned i = 0; i < 12; i++) {
        copy[7 + i] += GL_P;
        assert_false(replays(copy, n));
        copy[7 + i] = words[7 + i];
    }
    free(copy);
    state_recorder_destroy(recorder);
}

/* Whole batches. */

static bool poll_never(void *ctx)
{
    (void)ctx;
    return false;
}

/** Runs a batch from a tape alone. False if the tape was refused. */
static bool replay_batch(state_memory *memory, const exec_batch *batch, const uint64_t *words,
                         size_t n, exec_result *result)
{
    state_replay *replay;
    if (state_replay_create(&replay, words, n, state_recover, NULL) != P_OK)
        return false;
    const exec_observer observer = {.poll = poll_never};
    exec_fault fault =
        exec_run(state_replay_host(replay), &observer, &memory->exec, batch, result, NULL, NULL);
    p_status s = state_replay_finish(replay, NULL);
    state_replay_destroy(replay);
    state_memory_reset(memory);
    return fault == EXEC_FAULT_NONE && s == P_OK;
}

static void test_batch(const char *file, size_t stride)
{
    char path[512];
    p_err err = {0};
    if (!test_vector_path(path, file)) {
        print_message("%s: not there\n", path);
        skip();
    }
    const gl_poseidon_ops *poseidon = gl_poseidon_select(NULL);
    batch_file_options options = {.max_l2_data = 1 << 20};
    state_request *req;
    batch_expected expected;
    state_runner *runner;
    state_recorder *recorder;
    state_outcome *o;
    state_memory memory;
    const uint64_t *words;
    size_t n;
    test_ok(batch_file_load(path, &options, &req, &expected, &err), &err);
    test_ok(state_request_verify(req, poseidon, &err), &err);
    test_ok(state_runner_create(&runner, poseidon, &err), &err);
    test_ok(state_recorder_create(&recorder, &err), &err);
    test_ok(state_memory_reserve(&memory, &err), &err);
    state_run_options run = {.recorder = recorder};
    test_ok(state_execute(runner, req, &run, &o, &err), &err);
    test_ok(state_recorder_finish(recorder, &words, &n, &err), &err);
    assert_memory_equal(&o->result.new_state_root, &expected.state_root, 32);

    /* the overlay is gone; only the batch's constants remain */
    exec_batch batch = req->batch;
    uint8_t *l2_data = malloc(batch.l2_data_len + 1);
    assert_non_null(l2_data);
    memcpy(l2_data, batch.l2_data, batch.l2_data_len);
    batch.l2_data = l2_data;
    state_request_destroy(req);
    exec_result result;
    assert_true(replay_batch(&memory, &batch, words, n, &result));
    assert_memory_equal(&result.new_state_root, &o->result.new_state_root, 32);
    assert_memory_equal(&result.new_acc_input_hash, &o->result.new_acc_input_hash, 32);
    assert_memory_equal(&result.new_local_exit_root, &o->result.new_local_exit_root, 32);
    assert_int_equal(result.counters.poseidon_g, o->result.counters.poseidon_g);
    assert_int_equal(result.counters.keccak_f, o->result.counters.keccak_f);
    assert_int_equal(result.counters.padding_pg, o->result.counters.padding_pg);
    assert_int_equal(result.counters.ecrecover, o->result.counters.ecrecover);
    assert_int_equal(result.n_processed, o->result.n_processed);

    uint64_t *copy = malloc(n * 8), rng = 9;
    assert_non_null(copy);
    memcpy(copy, words, n * 8);
    for (size_t i = 0; i < n; i += stride) {
        copy[i] ^= (uint64_t)1 << test_random(&rng) % 64;
        if (replay_batch(&memory, &batch, copy, n, &result))
            fail_msg("a tape with word %zu of %zu changed was taken", i, n);
        copy[i] = words[i];
    }
    print_message("%s: tape of %zu words\n", file, n);
    free(copy);
    free(l2_data);
    state_memory_unreserve(&memory);
    state_outcome_destroy(o);
    state_recorder_destroy(recorder);
    state_runner_destroy(runner);
}

static void test_transfer_batch(void **unused)
{
    (void)unused;
    test_batch("batch/fork6/recursive/input_executor_1.json", 1);
}

static void test_contract_batch(void **unused)
{
    (void)unused;
    test_batch("batch/fork6/no-data/header_timestamp_1.json", 7);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_format),
        cmocka_unit_test(test_tampered),
        cmocka_unit_test(test_transfer_batch),
        cmocka_unit_test(test_contract_batch),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
