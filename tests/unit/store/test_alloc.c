/* Each allocation of the store fails in turn: an error, no crash, no leak,
 * and a store that works. */
#include "tests/unit/store/store_test.h"

#include <stdatomic.h>

static atomic_long allocations, fail_at; /* fail_at -1: none */

static bool fails(void)
{
    return atomic_fetch_add(&allocations, 1) == atomic_load(&fail_at);
}

void *__real_malloc(size_t n);
void *__real_calloc(size_t n, size_t size);
void *__real_realloc(void *p, size_t n);
char *__real_strdup(const char *s);
void *__wrap_malloc(size_t n);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_realloc(void *p, size_t n);
char *__wrap_strdup(const char *s);

void *__wrap_malloc(size_t n)
{
    return fails() ? NULL : __real_malloc(n);
}

void *__wrap_calloc(size_t n, size_t size)
{
    return fails() ? NULL : __real_calloc(n, size);
}

void *__wrap_realloc(void *p, size_t n)
{
    return fails() ? NULL : __real_realloc(p, n);
}

char *__wrap_strdup(const char *s)
{
    return fails() ? NULL : __real_strdup(s);
}

static unsigned failures;

/** Every failure must be of memory. */
static bool ok(p_status st, const p_err *err)
{
    if (st == P_OK)
        return true;
    if (st != P_EEXHAUSTED || !strstr(err->text, "memory"))
        fail_msg("%s: %s", p_status_name(st), err->text);
    failures++;
    return false;
}

/** One life of a store; each step is tried again without a failing allocation. */
static void life(const test_dir *d)
{
    p_err err = {0};
    job_store *s;
    job_id id = test_id(1), other = test_id(2);
    uint64_t x;
    const uint8_t *bytes = (const uint8_t *)"bytes";
#define STEP(call)                                                                                 \
    do {                                                                                           \
        p_err_clear(&err);                                                                         \
        if (!ok(call, &err)) {                                                                     \
            p_err_clear(&err);                                                                     \
            test_ok(call, &err);                                                                   \
        }                                                                                          \
    } while (0)
    STEP(job_store_open(&s, d->store, NULL, &err));
    STEP(job_store_insert(s, &id, bytes, 5, 1, &x, &err));
    STEP(job_store_insert(s, &other, bytes, 4, 1, &x, &err));
    STEP(job_store_start(s, &id, 1, &err));
    STEP(job_store_checkpoint(s, &id, "stage", bytes, 3, 1, &err));
    STEP(job_store_checkpoint(s, &id, "stage", bytes, 2, 1, &err));
    uint8_t *read;
    size_t len, n;
    STEP(job_store_checkpoint_read(s, &id, "stage", &read, &len, &err));
    free(read);
    STEP(job_store_request(s, &id, &read, &len, &err));
    free(read);
    job_store_end end = {.state = JOB_COMPLETED_OK,
                         .text = "text",
                         .proof = bytes,
                         .proof_len = 1,
                         .publics = bytes + 1,
                         .publics_len = 1};
    STEP(job_store_finish(s, &id, &end, 1, &err));
    job_record r;
    STEP(job_store_read(s, &id, &r, &err));
    assert_string_equal(r.text, "text");
    assert_true(r.proof_len == 1 && r.publics_len == 1);
    job_record_free(&r);
    job_row *rows;
    STEP(job_store_list(s, 0, 0, 10, &rows, &n, &err));
    assert_int_equal(n, 2);
    free(rows);
    STEP(job_store_queue(s, &rows, &n, &err));
    assert_int_equal(n, 1);
    free(rows);
    STEP(job_store_retain(s, 100, 0, &x, &err));
    assert_int_equal(x, 1);
    assert_int_equal(test_count_files(d), 1);
    assert_false(job_store_failed(s, NULL));
    job_store_close(s);
#undef STEP
}

static void test_each_allocation(void **state)
{
    (void)state;
    long n = 0;
    for (long k = -1; k < n; k++) {
        test_dir d;
        test_make_fast_dir(&d);
        atomic_store(&allocations, 0);
        atomic_store(&fail_at, k);
        life(&d);
        if (k < 0)
            n = atomic_load(&allocations);
        atomic_store(&fail_at, -1);
        test_remove_tree(d.top);
    }
    print_message("%ld allocations, %u failures seen\n", n, failures);
    assert_true(n > 10);
    assert_int_equal(failures, n);
}

int main(void)
{
    atomic_store(&fail_at, -1);
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_each_allocation)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
