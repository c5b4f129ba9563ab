/* The guest in the machine with an honest tape, and with lying ones: whatever is changed on a tape,
 * the guest fails, or commits the same words, or what it commits is about another batch. */
#include "host/guest/image.h"
#include "host/guest/record.h"
#include "host/state/batch_file.h"
#include "host/state/recorder.h"
#include "host/state/recover.h"
#include "host/state/run.h"
#include "host/vm/vm.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

/** Words of the tape before the L2 data (run.h). */
#define HEADER_WORDS 20

static uint64_t seed = 3;

static uint64_t rnd(void)
{
    seed += 0x9e3779b97f4a7c15;
    uint64_t z = seed;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
    z = (z ^ z >> 27) * 0x94d049bb133111eb;
    return z ^ z >> 31;
}

typedef struct fixture {
    vm_image *image;
    vm *machine;
    guest_io *io;
    state_runner *runner;
    state_recorder *recorder;
} fixture;

static void open_fixture(fixture *f)
{
    p_err err = {0};
    assert_int_equal(guest_image(&f->image, &err), P_OK);
    assert_int_equal(vm_create(&f->machine, f->image, &err), P_OK);
    assert_int_equal(guest_io_create(&f->io, &err), P_OK);
    assert_int_equal(state_runner_create(&f->runner, gl_poseidon_select(NULL), &err), P_OK);
    assert_int_equal(state_recorder_create(&f->recorder, &err), P_OK);
}

static void close_fixture(fixture *f)
{
    state_recorder_destroy(f->recorder);
    state_runner_destroy(f->runner);
    guest_io_destroy(f->io);
    vm_destroy(f->machine);
    vm_image_destroy(f->image);
}

/** Gives the last transaction the next r that is no x coordinate: its signature is invalid, and
 * the witness still has all that is asked for. */
static void spoil_signature(fixture *f, state_request *req)
{
    uint8_t data[4096];
    size_t len = req->batch.l2_data_len, r_end = len - 2 - 32; /* r, s, v, percentage */
    p_err err = {0};
    assert_true(len <= sizeof data);
    memcpy(data, req->batch.l2_data, len);
    for (unsigned i = 0; i < 40; i++) {
        state_outcome *o = NULL;
        data[r_end - 1]++;
        assert_int_equal(state_request_set_l2_data(req, data, len, sizeof data, &err), P_OK);
        p_status s = state_execute(f->runner, req, NULL, &o, &err);
        bool invalid = s == P_OK && o->txs[o->result.n_txs - 1].error == EXEC_INTRINSIC_SIGNATURE;
        state_outcome_destroy(o);
        if (invalid)
            return;
    }
    fail_msg("no r without a point");
}

/** The tape of a batch of tests/data, and the native executor's public words. "transfer without a
 * point" is transfer with its last signature spoilt. */
static void record(fixture *f, const char *name, guest_tape *tape,
                   uint32_t native[GUEST_PUBLIC_WORDS])
{
    char path[512];
    p_err err = {0};
    state_request *req = NULL;
    batch_expected expected;
    state_outcome *o = NULL;
    state_replay *replay = NULL;
    const uint64_t *answers;
    size_t n_answers;
    batch_file_options options = {.fork_id = 6, .max_l2_data = 1 << 20};
    bool spoilt = strcmp(name, "transfer without a point") == 0;
    snprintf(path, sizeof path, "%s/batch/fork6/%s.json", ZKP_TEST_DATA,
             spoilt ? "transfer" : name);
    json_t *json = json_load_file(path, 0, NULL);
    assert_non_null(json);
    assert_int_equal(batch_json_parse(json, &options, &req, &expected, &err), P_OK);
    json_decref(json);
    assert_int_equal(state_request_verify(req, gl_poseidon_select(NULL), &err), P_OK);
    req->batch.enforce_counters = true;
    if (spoilt)
        spoil_signature(f, req);
    state_run_options run = {.recorder = f->recorder};
    assert_int_equal(state_execute(f->runner, req, &run, &o, &err), P_OK);
    guest_public_words(native, &req->batch, &o->result);
    assert_int_equal(state_recorder_finish(f->recorder, &answers, &n_answers, &err), P_OK);
    assert_int_equal(state_replay_create(&replay, answers, n_answers, state_recover, &err), P_OK);
    if (guest_record(f->io, state_replay_host(replay), &req->batch, tape, &err) != P_OK)
        fail_msg("%s: %s", name, err.text);
    state_replay_destroy(replay);
    state_outcome_destroy(o);
    state_request_destroy(req);
}

static vm_result run(fixture *f, const uint64_t *words, size_t n, uint64_t max_cycles)
{
    p_err err = {0};
    vm_result r;
    const vm_run_options options = {.advice = words,
                                    .advice_words = n,
                                    .max_cycles = max_cycles,
                                    .public_words = GUEST_PUBLIC_WORDS};
    assert_int_equal(vm_run(f->machine, &options, &r, &err), P_OK);
    return r;
}

static const char *const names[] = {"empty",     "transfer",       "mixed",     "revert",
                                    "erc20",     "deploy",         "contracts", "malformed-rlp",
                                    "truncated", "out-of-counters"};

static void test_same_words(void **state)
{
    (void)state;
    fixture f;
    open_fixture(&f);
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        p_err err = {0};
        guest_tape tape;
        uint32_t native[GUEST_PUBLIC_WORDS];
        record(&f, names[i], &tape, native);
        vm_result r = run(&f, tape.words, tape.n_words, UINT64_C(1) << 32);
        if (vm_result_check(&r, &err) != P_OK)
            fail_msg("%s: %s", names[i], err.text);
        assert_int_equal(r.advice_used, tape.n_words);
        assert_memory_equal(r.public_words, native, sizeof native);
        assert_memory_equal(tape.public_words, native, sizeof native);
        printf("%s: %lu instructions, %lu POSEIDON, %lu MULMOD, %zu words of advice\n", names[i],
               (unsigned long)r.cycles, (unsigned long)r.n_poseidon, (unsigned long)r.n_mulmod,
               tape.n_words);
        /* a tape that is too short ends nowhere */
        r = run(&f, tape.words, tape.n_words - 1, UINT64_C(1) << 32);
        assert_int_equal(r.end, VM_END_FAULT);
        assert_int_equal(r.fault, VM_FAULT_ADVICE);
    }
    close_fixture(&f);
}

/** Are these about the same batch? Then all the words must be the same. */
static bool same_question(const uint32_t a[GUEST_PUBLIC_WORDS],
                          const uint32_t b[GUEST_PUBLIC_WORDS])
{
    /* the old root, the old hash, the numbers and the fork; the new hash binds the rest */
    return memcmp(a, b, GUEST_NEW_STATE_ROOT * sizeof *a) == 0 &&
           memcmp(a + GUEST_NEW_ACC_INPUT_HASH, b + GUEST_NEW_ACC_INPUT_HASH, 8 * sizeof *a) == 0;
}

typedef struct tally {
    unsigned failed, same, other;
} tally;

static void lie(fixture *f, const char *name, uint64_t *words, size_t n, size_t at, uint64_t word,
                const vm_result *honest, tally *t)
{
    uint64_t kept = words[at];
    if (word == kept)
        return;
    words[at] = word;
    vm_result r = run(f, words, n, honest->cycles * 4 + 1000000);
    words[at] = kept;
    if (vm_result_check(&r, NULL) != P_OK) {
        t->failed++;
    } else if (memcmp(r.public_words, honest->public_words, sizeof r.public_words) == 0) {
        t->same++;
    } else if (same_question(r.public_words, honest->public_words)) {
        fail_msg("%s: word %zu of %zu, %#lx for %#lx: other public words about the same batch",
                 name, at, n, (unsigned long)word, (unsigned long)kept);
    } else {
        t->other++;
        /* only the batch itself can be another one */
        assert_true(at < HEADER_WORDS || (at - HEADER_WORDS) * 8 < words[HEADER_WORDS - 1]);
    }
}

/** step: every which word is changed; of the last `tail` words, all. */
static void lie_everywhere(fixture *f, const char *name, size_t step, size_t tail)
{
    guest_tape tape;
    uint32_t native[GUEST_PUBLIC_WORDS];
    tally t = {0};
    record(f, name, &tape, native);
    uint64_t *words = malloc(tape.n_words * sizeof *words);
    memcpy(words, tape.words, tape.n_words * sizeof *words);
    vm_result honest = run(f, words, tape.n_words, UINT64_C(1) << 32);
    assert_int_equal(vm_result_check(&honest, NULL), P_OK);
    for (size_t i = 0; i < tape.n_words;
         i += i < HEADER_WORDS || i + tail >= tape.n_words ? 1 : 1 + rnd() % (2 * step - 1)) {
        lie(f, name, words, tape.n_words, i, words[i] + 1, &honest, &t);
        lie(f, name, words, tape.n_words, i, words[i] + GL_P, &honest, &t);
        lie(f, name, words, tape.n_words, i, words[i] ^ UINT64_C(1) << 32, &honest, &t);
        lie(f, name, words, tape.n_words, i, rnd(), &honest, &t);
    }
    free(words);
    printf("%s: %u lies failed, %u changed nothing, %u were about another batch\n", name, t.failed,
           t.same, t.other);
    assert_true(t.failed > t.same && t.failed > 0);
}

static void test_lies(void **state)
{
    (void)state;
    fixture f;
    open_fixture(&f);
    lie_everywhere(&f, "empty", 1, 0);
    lie_everywhere(&f, "transfer", 24, 0);
    /* the last hints are the proof that there is no root: it cannot be faked for another outcome */
    lie_everywhere(&f, "transfer without a point", 400, 8);
    lie_everywhere(&f, "erc20", 200, 0);
    lie_everywhere(&f, "mixed", 400, 0);
    close_fixture(&f);
}

/** A batch of random bytes as hints: the guest ends, whatever comes. */
static void test_noise(void **state)
{
    (void)state;
    fixture f;
    open_fixture(&f);
    static uint64_t words[1 << 16];
    for (unsigned i = 0; i < 50; i++) {
        for (size_t j = 0; j < sizeof words / sizeof words[0]; j++)
            words[j] = rnd() >> (rnd() & 63);
        words[10] = 4 + i % 3; /* the fork */
        words[HEADER_WORDS - 1] = i * 7;
        if (i % 2)
            memset(words, 0, 4 * sizeof words[0]); /* an empty tree: nothing is asked */
        vm_result r = run(&f, words, sizeof words / sizeof words[0], 20000000);
        /* an empty tree and any data are a batch, too */
        if (i % 2 == 0)
            assert_int_not_equal(vm_result_check(&r, NULL), P_OK);
    }
    close_fixture(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_same_words),
        cmocka_unit_test(test_lies),
        cmocka_unit_test(test_noise),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
