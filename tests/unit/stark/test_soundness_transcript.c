/* Every word of a proof that a challenge depends on is absorbed before that challenge, exactly once
 * and in order; what is not absorbed is opened against a cap that was. Read from the transcript's
 * own log of a verifier's run. */
#include "tests/unit/stark/fixture.h"

#include <stdio.h>

#define MAX_EVENTS 256

typedef struct event {
    char kind[16], what[32];
    const uint64_t *words; /* of an absorption */
    uint64_t count;
    uint64_t value[3]; /* of a challenge */
} event;

typedef struct log {
    event events[MAX_EVENTS];
    unsigned count;
} log;

static void note(void *context, const char *kind, const char *what, const uint64_t *words,
                 uint64_t count)
{
    log *l = context;
    event *e = &l->events[l->count++];

    assert_true(l->count < MAX_EVENTS);
    snprintf(e->kind, sizeof e->kind, "%s", kind);
    snprintf(e->what, sizeof e->what, "%s", what);
    e->words = words;
    e->count = count;
    if (strcmp(kind, "squeeze") == 0 && count == 3)
        memcpy(e->value, words, sizeof e->value);
}

static void record(const fixture *f, log *l, stark_challenges *c)
{
    stark_transcript t;

    l->count = 0;
    stark_transcript_init(&t, &f->key.hash);
    t.log = note;
    t.log_context = l;
    stark_replay(&t, &f->key.vk, &f->shape, f->publics, &f->proof, c);
}

static unsigned find(const log *l, const char *kind, const char *what, unsigned occurrence)
{
    for (unsigned i = 0; i < l->count; i++)
        if (strcmp(l->events[i].kind, kind) == 0 && strcmp(l->events[i].what, what) == 0 &&
            occurrence-- == 0)
            return i;
    fail_msg("no %s of %s", kind, what);
    return 0;
}

/* The event that absorbed this word of the proof: exactly one. */
static unsigned absorbed_at(const fixture *f, const log *l, uint64_t word)
{
    const uint64_t *w = f->proof.words + word;
    unsigned times = 0, found = 0;

    for (unsigned i = 0; i < l->count; i++)
        if (strcmp(l->events[i].kind, "absorb") == 0 && w >= l->events[i].words &&
            w < l->events[i].words + l->events[i].count) {
            times++;
            found = i;
        }
    if (times != 1)
        fail_msg("word %llu was absorbed %u times", (unsigned long long)word, times);
    return found;
}

/* The first challenge that depends on a part (docs/stark.md, the table of the transcript). */
static unsigned first_dependent(const log *l, const char *part)
{
    unsigned layer;

    if (strcmp(part, "cap of main") == 0)
        return find(l, "squeeze", "alpha", 0);
    if (strcmp(part, "cap of aux") == 0)
        return find(l, "squeeze", "lambda", 0);
    if (strcmp(part, "cap of quotient") == 0)
        return find(l, "squeeze", "z", 0);
    if (strncmp(part, "evaluations at ", 15) == 0)
        return find(l, "squeeze", "gamma", 0);
    if (sscanf(part, "cap of layer %u", &layer) == 1)
        return find(l, "squeeze", "fold", layer);
    assert_true(strcmp(part, "final polynomial") == 0 || strcmp(part, "nonce") == 0);
    return find(l, "squeeze", "grinding", 0);
}

static void check_log(drv_hash hash, uint32_t log_rows)
{
    static log l;
    stark_challenges c;
    stark_part part;
    uint64_t at = 0, next = 0;
    fixture f;

    fixture_make(&f, hash, log_rows, 1, 1);
    record(&f, &l, &c);
    /* the key and the public values come first */
    assert_ptr_equal(l.events[0].words, f.key.vk.digest);
    assert_int_equal(l.events[0].count, 4);
    assert_ptr_equal(l.events[1].words, f.publics);
    assert_int_equal(l.events[1].count, DEMO_LOOKUP_PUBLICS);
    assert_true(find(&l, "squeeze", "alpha", 0) > 1);
    /* each word before the queries: once, and before what depends on it */
    while (stark_shape_part(&f.shape, &at, &part) && part.at < f.shape.queries)
        for (uint64_t i = part.at; i < part.at + part.words; i++)
            assert_true(absorbed_at(&f, &l, i) < first_dependent(&l, part.name));
    /* in the order of the proof, without gaps, and nothing else of it */
    for (unsigned i = 2; i < l.count; i++) {
        const event *e = &l.events[i];

        if (strcmp(e->kind, "absorb") != 0)
            continue;
        assert_ptr_equal(e->words, f.proof.words + next);
        next += e->count;
    }
    assert_int_equal(next, f.shape.queries);
    /* the indices are the last, and a phase of squeezing follows every phase of absorbing that a
     * challenge comes after */
    assert_string_equal(l.events[l.count - 1].what, "indices");
    for (unsigned i = 1; i < l.count; i++)
        if (strcmp(l.events[i].kind, "squeeze") == 0)
            assert_string_not_equal(l.events[i - 1].kind, "absorb");
    fixture_free(&f);
}

static void test_log_goldilocks(void **state)
{
    (void)state;
    check_log(DRV_HASH_GL, 6);
    check_log(DRV_HASH_GL, 9);
}

static void test_log_bn254(void **state)
{
    (void)state;
    check_log(DRV_HASH_BN254, 6);
}

/* What the log says is true: a changed word leaves the challenges before its absorption as they
 * were and makes each one after it another. */
static void test_each_word_moves_what_follows(void **state)
{
    static log before, after;
    stark_challenges c;
    fixture f;

    (void)state;
    fixture_make(&f, DRV_HASH_GL, 6, 1, 1);
    record(&f, &before, &c);
    for (uint64_t i = 0; i < f.shape.queries; i++) {
        const unsigned at = absorbed_at(&f, &before, i);

        f.proof.words[i] = gl_add(f.proof.words[i], 1);
        record(&f, &after, &c);
        assert_int_equal(before.count, after.count);
        for (unsigned e = 0; e < before.count; e++) {
            const event *x = &before.events[e], *y = &after.events[e];

            if (strcmp(x->kind, "squeeze") != 0 || x->count != 3)
                continue;
            if (e < at)
                assert_memory_equal(x->value, y->value, sizeof x->value);
            else
                assert_memory_not_equal(x->value, y->value, sizeof x->value);
        }
        f.proof.words[i] = gl_sub(f.proof.words[i], 1);
    }
    fixture_free(&f);
}

/* SP1's audit: sums of look-ups that were not absorbed before the challenges that use them. Here
 * the running sum is a column of the aux tree, there is no sum beside it, and the tree's cap is
 * absorbed after the buses' challenges and before lambda. */
static void test_bug_sp1_lookup_sums(void **state)
{
    static log l;
    stark_challenges c;
    const air_column_info *sum;
    fixture f;
    unsigned cap;

    (void)state;
    fixture_make(&f, DRV_HASH_GL, 6, 1, 1);
    record(&f, &l, &c);
    sum = &f.a->columns[f.a->sum_column];
    assert_int_equal(sum->tree, AIR_TREE_AUX);
    assert_true(f.shape.tree_columns[AIR_TREE_AUX] > 0);
    cap = absorbed_at(&f, &l, f.shape.cap[AIR_TREE_AUX]);
    assert_true(find(&l, "squeeze", "rho", 0) < cap && cap < find(&l, "squeeze", "lambda", 0));
    fixture_free(&f);
}

/* The grinding element is not an index: its low bits are zero (correction 22). */
static void test_grinding_is_no_index(void **state)
{
    (void)state;
    for (int hash = DRV_HASH_GL; hash <= DRV_HASH_BN254; hash++) {
        stark_transcript t, again;
        uint64_t e0, index[3];
        stark_hash h;
        p_err err;

        assert_int_equal(stark_hash_create((drv_hash)hash, &h, &err), P_OK);
        stark_transcript_init(&t, &h);
        again = t;
        e0 = stark_squeeze_grinding(&t);
        stark_squeeze_indices(&t, 21, index, 3);
        assert_true(index[0] != e0 % (1u << 21));
        /* and it depends on the state alone */
        assert_int_equal(stark_squeeze_grinding(&again), e0);
        stark_hash_destroy(&h);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_log_goldilocks),
        cmocka_unit_test(test_log_bn254),
        cmocka_unit_test(test_each_word_moves_what_follows),
        cmocka_unit_test(test_bug_sp1_lookup_sums),
        cmocka_unit_test(test_grinding_is_no_index),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
