/* Jobs as rows: states, order, ends, stages, retention. */
#include "tests/unit/store/store_test.h"

typedef struct fixture {
    test_dir dir;
    job_store *s;
} fixture;

static int setup(void **state)
{
    fixture *f = calloc(1, sizeof *f);
    test_make_dir(&f->dir);
    f->s = test_open(&f->dir);
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    fixture *f = *state;
    job_store_close(f->s);
    test_remove_tree(f->dir.top);
    free(f);
    return 0;
}

static void reopen(fixture *f)
{
    job_store_close(f->s);
    f->s = test_open(&f->dir);
}

static job_row get(job_store *s, unsigned n)
{
    job_id id = test_id(n);
    job_row row;
    p_err err = {0};
    test_ok(job_store_get(s, &id, &row, &err), &err);
    assert_string_equal(row.id.text, id.text);
    return row;
}

static void finish(job_store *s, unsigned n, job_state state, const char *proof, uint64_t now)
{
    job_id id = test_id(n);
    p_err err = {0};
    job_store_end end = {.state = state, .text = "an end"};
    if (proof) {
        end.proof = (const uint8_t *)proof;
        end.proof_len = strlen(proof);
        end.publics = (const uint8_t *)"publics";
        end.publics_len = 7;
    }
    test_ok(job_store_finish(s, &id, &end, now, &err), &err);
}

static void start(job_store *s, unsigned n, uint64_t now)
{
    job_id id = test_id(n);
    p_err err = {0};
    test_ok(job_store_start(s, &id, now, &err), &err);
}

static void test_ids(void **state)
{
    (void)state;
    job_id id;
    const char *good = "0123ABCD-4567-89ab-CDEF-0123456789ab";
    assert_true(job_id_parse(&id, good, 36));
    assert_string_equal(id.text, "0123abcd-4567-89ab-cdef-0123456789ab");
    assert_false(job_id_parse(&id, good, 35));
    assert_false(job_id_parse(&id, "", 0));
    for (size_t i = 0; i < 36; i++) {
        char bad[37];
        strcpy(bad, good);
        bad[i] = bad[i] == '-' ? '0' : '-';
        assert_false(job_id_parse(&id, bad, 36));
        bad[i] = 0;
        assert_false(job_id_parse(&id, bad, 36));
        bad[i] = 'g';
        assert_false(job_id_parse(&id, bad, 36));
    }
    for (int i = -1; i <= JOB_STATES; i++)
        assert_non_null(job_state_text((job_state)i));
}

static void test_insert_and_request(void **state)
{
    fixture *f = *state;
    p_err err = {0};
    uint64_t a = test_insert(f->s, 1, "abc"), b = test_insert(f->s, 2, "");
    assert_true(b > a && a > 0);
    /* FIPS 180-2, and the empty string */
    assert_true(test_file_exists(
        &f->dir, "artefacts/ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"));
    assert_true(test_file_exists(
        &f->dir, "artefacts/e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"));
    for (unsigned round = 0; round < 2; round++) {
        job_row row = get(f->s, 1);
        assert_int_equal(row.state, JOB_PENDING);
        assert_int_equal(row.sequence, a);
        assert_int_equal(row.created_ms, 1001);
        assert_int_equal(row.started_ms + row.ended_ms + row.attempts, 0);
        assert_int_equal(row.request_bytes, 3);
        uint8_t *bytes;
        size_t len;
        job_id id = test_id(1);
        test_ok(job_store_request(f->s, &id, &bytes, &len, &err), &err);
        assert_int_equal(len, 3);
        assert_memory_equal(bytes, "abc", 3);
        free(bytes);
        id = test_id(2);
        test_ok(job_store_request(f->s, &id, &bytes, &len, &err), &err);
        assert_int_equal(len, 0);
        free(bytes);
        reopen(f);
    }
    job_id id = test_id(1), unknown = test_id(9);
    uint64_t sequence;
    test_expect(job_store_insert(f->s, &id, (const uint8_t *)"other", 5, 0, &sequence, &err), &err,
                P_EINVAL, id.text);
    assert_int_equal(sequence, 0);
    assert_int_equal(test_count_files(&f->dir), 2); /* "other" is gone again */
    job_row row;
    assert_int_equal(job_store_get(f->s, &unknown, &row, &err), P_ENOTFOUND);
    assert_int_equal(err.status, P_OK);
}

/** Every change of state from every state. */
static void test_transitions(void **state)
{
    fixture *f = *state;
    p_err err = {0};
    enum { START, GIVE_BACK, FINISH, CHECKPOINT, ACTIONS };
    for (unsigned from = 0; from < JOB_STATES; from++)
        for (unsigned action = 0; action < ACTIONS; action++) {
            unsigned n = 10 * from + action;
            job_id id = test_id(n);
            job_store_end end = {.state = JOB_CANCELLED};
            test_insert(f->s, n, "x");
            if (from >= JOB_RUNNING)
                start(f->s, n, 5);
            if (from > JOB_RUNNING)
                finish(f->s, n, (job_state)from, from == JOB_COMPLETED_OK ? "p" : NULL, 6);
            p_status st = P_OK;
            bool legal = false;
            job_state after = (job_state)from;
            switch (action) {
            case START:
                st = job_store_start(f->s, &id, 7, &err);
                legal = from == JOB_PENDING;
                after = legal ? JOB_RUNNING : after;
                break;
            case GIVE_BACK:
                st = job_store_give_back(f->s, &id, &err);
                legal = from == JOB_RUNNING;
                after = legal ? JOB_PENDING : after;
                break;
            case FINISH:
                st = job_store_finish(f->s, &id, &end, 8, &err);
                legal = from <= JOB_RUNNING;
                after = legal ? JOB_CANCELLED : after;
                break;
            default:
                st = job_store_checkpoint(f->s, &id, "stage", (const uint8_t *)"c", 1, 9, &err);
                legal = from == JOB_RUNNING;
                break;
            }
            if (legal)
                test_ok(st, &err);
            else
                test_expect(st, &err, P_ENOTFOUND, id.text);
            assert_int_equal(get(f->s, n).state, after);
        }
    job_id unknown = test_id(999);
    job_store_end end = {.state = JOB_CANCELLED}, running = {.state = JOB_RUNNING};
    test_expect(job_store_start(f->s, &unknown, 1, &err), &err, P_ENOTFOUND, unknown.text);
    test_expect(job_store_finish(f->s, &unknown, &end, 1, &err), &err, P_ENOTFOUND, unknown.text);
    test_insert(f->s, 998, "x");
    job_id id = test_id(998);
    test_expect(job_store_finish(f->s, &id, &running, 1, &err), &err, P_EINTERNAL, "running");
}

static void test_times_and_attempts(void **state)
{
    fixture *f = *state;
    p_err err = {0};
    job_id id = test_id(1);
    test_insert(f->s, 1, "x");
    start(f->s, 1, 2000);
    assert_int_equal(get(f->s, 1).started_ms, 2000);
    assert_int_equal(get(f->s, 1).attempts, 1);
    reopen(f); /* as after a crash */
    job_store_info info;
    test_ok(job_store_stat(f->s, &info, &err), &err);
    assert_int_equal(info.resumed_jobs, 1);
    assert_int_equal(get(f->s, 1).state, JOB_PENDING);
    assert_int_equal(get(f->s, 1).started_ms, 0);
    assert_int_equal(get(f->s, 1).attempts, 1);
    start(f->s, 1, 3000);
    assert_int_equal(get(f->s, 1).attempts, 2);
    test_ok(job_store_give_back(f->s, &id, &err), &err); /* as after a drain */
    assert_int_equal(get(f->s, 1).attempts, 1);
    start(f->s, 1, 4000);
    finish(f->s, 1, JOB_INTERNAL_ERROR, NULL, 5000);
    reopen(f);
    job_row row = get(f->s, 1);
    assert_int_equal(row.state, JOB_INTERNAL_ERROR);
    assert_int_equal(row.started_ms, 4000);
    assert_int_equal(row.ended_ms, 5000);
    test_ok(job_store_stat(f->s, &info, &err), &err);
    assert_int_equal(info.resumed_jobs, 0);
}

static void test_ends(void **state)
{
    fixture *f = *state;
    p_err err = {0};
    job_record r;
    job_id id = test_id(1), other = test_id(2), unknown = test_id(3);
    test_insert(f->s, 1, "one");
    test_insert(f->s, 2, "two");
    start(f->s, 1, 10);
    finish(f->s, 1, JOB_COMPLETED_OK, "the proof", 20);
    finish(f->s, 2, JOB_CANCELLED, NULL, 30);
    reopen(f);
    test_ok(job_store_read(f->s, &id, &r, &err), &err);
    assert_int_equal(r.row.state, JOB_COMPLETED_OK);
    assert_string_equal(r.text, "an end");
    assert_int_equal(r.proof_len, 9);
    assert_memory_equal(r.proof, "the proof", 9);
    assert_int_equal(r.publics_len, 7);
    assert_memory_equal(r.publics, "publics", 7);
    job_record_free(&r);
    test_ok(job_store_read(f->s, &other, &r, &err), &err);
    assert_int_equal(r.row.state, JOB_CANCELLED);
    assert_null(r.proof);
    assert_null(r.publics);
    job_record_free(&r);
    assert_int_equal(job_store_read(f->s, &unknown, &r, &err), P_ENOTFOUND);
    job_row last;
    test_ok(job_store_last_ended(f->s, &last, &err), &err);
    assert_string_equal(last.id.text, id.text); /* the other one never ran */
}

static void test_order_and_list(void **state)
{
    fixture *f = *state;
    p_err err = {0};
    job_row *rows, last;
    size_t n;
    test_ok(job_store_queue(f->s, &rows, &n, &err), &err);
    assert_int_equal(n, 0);
    assert_null(rows);
    assert_int_equal(job_store_last_ended(f->s, &last, &err), P_ENOTFOUND);
    for (unsigned i = 0; i < 50; i++)
        test_insert(f->s, 49 - i, "same request"); /* ids fall while sequences rise */
    start(f->s, 49, 1);
    finish(f->s, 40, JOB_CANCELLED, NULL, 5);
    reopen(f);
    test_ok(job_store_queue(f->s, &rows, &n, &err), &err);
    assert_int_equal(n, 49);
    job_id first = test_id(49);
    assert_string_equal(rows[0].id.text, first.text); /* the running one is in front again */
    for (size_t i = 1; i < n; i++)
        assert_true(rows[i].sequence > rows[i - 1].sequence);
    free(rows);
    size_t seen = 0;
    uint64_t before = 0;
    do {
        test_ok(job_store_list(f->s, 0, before, 7, &rows, &n, &err), &err);
        for (size_t i = 0; i < n; i++) {
            assert_true(!before || rows[i].sequence < before);
            before = rows[i].sequence;
        }
        seen += n;
        free(rows);
    } while (n);
    assert_int_equal(seen, 50);
    test_ok(job_store_list(f->s, 1u << JOB_CANCELLED, 0, 100, &rows, &n, &err), &err);
    assert_int_equal(n, 1);
    free(rows);
    assert_int_equal(test_count_files(&f->dir), 1); /* one request, named by its hash */
    job_store_info info;
    test_ok(job_store_stat(f->s, &info, &err), &err);
    assert_int_equal(info.jobs[JOB_PENDING], 49);
    assert_int_equal(info.jobs[JOB_CANCELLED], 1);
    assert_int_equal(info.artefacts, 1);
    assert_int_equal(info.artefact_bytes, 12);
    assert_true(info.database_bytes > 0);
    assert_int_equal(info.schema, JOB_STORE_SCHEMA);
}

static void checkpoint(job_store *s, unsigned n, const char *stage, const char *text)
{
    job_id id = test_id(n);
    p_err err = {0};
    test_ok(job_store_checkpoint(s, &id, stage, (const uint8_t *)text, strlen(text), 1, &err),
            &err);
}

static void expect_checkpoint(job_store *s, unsigned n, const char *stage, const char *text)
{
    job_id id = test_id(n);
    uint8_t *bytes;
    size_t len;
    p_err err = {0};
    p_status st = job_store_checkpoint_read(s, &id, stage, &bytes, &len, &err);
    if (!text) {
        assert_int_equal(st, P_ENOTFOUND);
        return;
    }
    test_ok(st, &err);
    assert_int_equal(len, strlen(text));
    assert_memory_equal(bytes, text, len);
    free(bytes);
}

static void test_checkpoints(void **state)
{
    fixture *f = *state;
    p_err err = {0};
    test_insert(f->s, 1, "one");
    test_insert(f->s, 2, "two");
    start(f->s, 1, 1);
    start(f->s, 2, 1);
    checkpoint(f->s, 1, "execute", "tape");
    checkpoint(f->s, 2, "execute", "tape"); /* the same file for both */
    checkpoint(f->s, 1, "prove", "segments");
    assert_int_equal(test_count_files(&f->dir), 4);
    checkpoint(f->s, 1, "prove", "better segments");
    assert_int_equal(test_count_files(&f->dir), 4);
    reopen(f);
    expect_checkpoint(f->s, 1, "execute", "tape");
    expect_checkpoint(f->s, 1, "prove", "better segments");
    expect_checkpoint(f->s, 1, "other", NULL);
    expect_checkpoint(f->s, 3, "execute", NULL);
    start(f->s, 1, 2);
    finish(f->s, 1, JOB_COMPLETED_OK, "proof", 9);
    expect_checkpoint(f->s, 1, "execute", NULL);
    expect_checkpoint(f->s, 2, "execute", "tape"); /* the other job's stays */
    finish(f->s, 2, JOB_CANCELLED, NULL, 10);
    assert_int_equal(test_count_files(&f->dir), 4); /* two requests, proof, publics */
    char longest[JOB_STAGE_BYTES + 1];
    memset(longest, 'x', sizeof longest);
    longest[JOB_STAGE_BYTES] = 0;
    job_id id = test_id(1);
    test_expect(job_store_checkpoint(f->s, &id, longest, NULL, 0, 0, &err), &err, P_EINVAL, "64");
    test_expect(job_store_checkpoint(f->s, &id, "", NULL, 0, 0, &err), &err, P_EINVAL, "found 0");
}

static uint64_t retain(job_store *s, uint64_t older, uint64_t keep)
{
    uint64_t deleted;
    p_err err = {0};
    test_ok(job_store_retain(s, older, keep, &deleted, &err), &err);
    return deleted;
}

static void test_retention(void **state)
{
    fixture *f = *state;
    p_err err = {0};
    char request[32];
    for (unsigned i = 0; i < 20; i++) {
        snprintf(request, sizeof request, "request %u", i / 2); /* two jobs share each */
        test_insert(f->s, i, request);
        if (i < 16)
            finish(f->s, i, JOB_COMPLETED_OK, "one proof for all", 100 + i);
    }
    assert_int_equal(test_count_files(&f->dir), 12);
    assert_int_equal(retain(f->s, 0, 0), 0);
    assert_int_equal(retain(f->s, 100, 0), 0);
    assert_int_equal(retain(f->s, 103, 0), 3); /* 0, 1, 2; job 3 still names request 1 */
    assert_int_equal(test_count_files(&f->dir), 11);
    assert_int_equal(retain(f->s, 0, 13), 0);
    assert_int_equal(retain(f->s, 0, 12), 1);
    assert_int_equal(test_count_files(&f->dir), 10);
    assert_int_equal(retain(f->s, 0, 1), 11);
    assert_int_equal(get(f->s, 15).state, JOB_COMPLETED_OK);
    assert_int_equal(retain(f->s, UINT64_MAX / 2, 0), 1);
    assert_int_equal(test_count_files(&f->dir), 2); /* the requests of what is pending */
    job_store_info info;
    test_ok(job_store_stat(f->s, &info, &err), &err);
    assert_int_equal(info.artefacts, 2);
    assert_int_equal(info.artefact_bytes, 18);
    assert_int_equal(info.jobs[JOB_PENDING], 4);
    for (unsigned i = 16; i < 20; i++)
        assert_int_equal(get(f->s, i).state, JOB_PENDING);
    /* a sequence is never used again, also when the newest job was deleted */
    uint64_t top = get(f->s, 19).sequence;
    for (unsigned i = 16; i < 20; i++)
        finish(f->s, i, JOB_CANCELLED, NULL, 200);
    assert_int_equal(retain(f->s, 1000, 0), 4);
    assert_int_equal(test_count_files(&f->dir), 0);
    reopen(f);
    assert_true(test_insert(f->s, 30, "later") > top);
}

static void test_retention_in_steps(void **state)
{
    fixture *f = *state;
    job_store_close(f->s);
    test_sql(&f->dir,
             "INSERT INTO artefacts VALUES (printf('%064d', 1), 5);"
             "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 600)"
             "INSERT INTO jobs (id, state, created_ms, ended_ms, request, request_bytes)"
             " SELECT printf('%036d', i), 5, i, i, printf('%064d', 1), 5 FROM n");
    f->s = test_open(&f->dir);
    assert_int_equal(retain(f->s, 0, 10), JOB_STORE_RETAIN_STEP);
    assert_int_equal(retain(f->s, 0, 10), JOB_STORE_RETAIN_STEP);
    assert_int_equal(retain(f->s, 0, 10), 590 - 2 * JOB_STORE_RETAIN_STEP);
    assert_int_equal(retain(f->s, 0, 10), 0);
}

static void test_limits(void **state)
{
    fixture *f = *state;
    p_err err = {0};
    job_store_close(f->s);
    job_store_options o = {.max_artefact_bytes = 10, .max_total_bytes = 25};
    test_ok(job_store_open(&f->s, f->dir.store, &o, &err), &err);
    job_id id = test_id(1);
    uint64_t sequence;
    test_expect(job_store_insert(f->s, &id, (const uint8_t *)"12345678901", 11, 0, &sequence, &err),
                &err, P_EEXHAUSTED, "11 bytes");
    test_insert(f->s, 1, "1234567890");
    test_insert(f->s, 2, "abcdefghij");
    id = test_id(3);
    test_expect(job_store_insert(f->s, &id, (const uint8_t *)"ABCDEF", 6, 0, &sequence, &err), &err,
                P_EEXHAUSTED, "25");
    test_insert(f->s, 4, "ABCDE");
    finish(f->s, 1, JOB_COMPLETED_OK, "the end", 7); /* an end has always room */
    assert_int_equal(retain(f->s, 100, 0), 1);
    test_expect(job_store_insert(f->s, &id, (const uint8_t *)"1234567890+", 11, 0, &sequence, &err),
                &err, P_EEXHAUSTED, "limit of 10");
    test_insert(f->s, 5, "1234567890");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ids),
        cmocka_unit_test_setup_teardown(test_insert_and_request, setup, teardown),
        cmocka_unit_test_setup_teardown(test_transitions, setup, teardown),
        cmocka_unit_test_setup_teardown(test_times_and_attempts, setup, teardown),
        cmocka_unit_test_setup_teardown(test_ends, setup, teardown),
        cmocka_unit_test_setup_teardown(test_order_and_list, setup, teardown),
        cmocka_unit_test_setup_teardown(test_checkpoints, setup, teardown),
        cmocka_unit_test_setup_teardown(test_retention, setup, teardown),
        cmocka_unit_test_setup_teardown(test_retention_in_steps, setup, teardown),
        cmocka_unit_test_setup_teardown(test_limits, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
