/* Opening: who may, what is found, what is refused, and that nothing is made anew over a damaged
 * store. */
#include "tests/unit/store/store_test.h"

#include "host/store/store_internal.h"

#include <signal.h>
#include <sys/wait.h>

static int setup(void **state)
{
    test_dir *d = malloc(sizeof *d);
    test_make_dir(d);
    *state = d;
    return 0;
}

static int teardown(void **state)
{
    test_remove_tree(((test_dir *)*state)->top);
    free(*state);
    return 0;
}

/** A closed store with three jobs, one of which has ended. */
static void make_store(const test_dir *d)
{
    p_err err = {0};
    job_store *s = test_open(d);
    for (unsigned i = 0; i < 3; i++) {
        char request[32];
        snprintf(request, sizeof request, "request %u", i);
        test_insert(s, i, request);
    }
    job_id id = test_id(0);
    job_store_end end = {
        .state = JOB_COMPLETED_OK, .text = "end", .proof = (const uint8_t *)"p", .proof_len = 1};
    test_ok(job_store_finish(s, &id, &end, 1, &err), &err);
    job_store_close(s);
}

/** Opening fails so, and leaves jobs.db and the files as they are. */
static void expect_refusal(const test_dir *d, p_status expected, const char *text)
{
    job_store *s = NULL;
    p_err err = {0};
    size_t before_len = 0, after_len = 0;
    unsigned files = test_count_files(d);
    bool there = test_file_exists(d, "jobs.db");
    uint8_t *before = there ? test_read_file(test_path(d, "jobs.db"), &before_len) : NULL;
    test_expect(job_store_open(&s, d->store, NULL, &err), &err, expected, text);
    assert_null(s);
    assert_int_equal(test_count_files(d), files);
    uint8_t *after = test_read_file(test_path(d, "jobs.db"), &after_len);
    assert_int_equal(after_len, before_len);
    if (before_len)
        assert_memory_equal(before, after, after_len);
    free(before);
    free(after);
}

static mode_t mode_of(const char *path)
{
    struct stat st;
    assert_int_equal(stat(path, &st), 0);
    return st.st_mode & 0777;
}

static void test_modes(void **state)
{
    const test_dir *d = *state;
    mode_t old = umask(0);
    job_store *s = test_open(d);
    test_insert(s, 1, "request");
    assert_int_equal(mode_of(d->store), 0700);
    assert_int_equal(mode_of(test_path(d, "artefacts")), 0700);
    static const char *const files[] = {"lock", "jobs.db", "jobs.db-wal", "jobs.db-shm"};
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++)
        assert_int_equal(mode_of(test_path(d, files[i])), 0600);
    DIR *dir = opendir(test_path(d, "artefacts"));
    for (struct dirent *e; (e = readdir(dir));)
        if (e->d_name[0] != '.') {
            char name[300];
            snprintf(name, sizeof name, "artefacts/%s", e->d_name);
            assert_int_equal(mode_of(test_path(d, name)), 0600);
        }
    closedir(dir);
    job_store_close(s);
    assert_int_equal(chmod(d->store, 0755), 0); /* closed to others again by the next opening */
    assert_int_equal(chmod(test_path(d, "jobs.db"), 0644), 0);
    job_store_close(test_open(d));
    assert_int_equal(mode_of(d->store), 0700);
    assert_int_equal(mode_of(test_path(d, "jobs.db")), 0600);
    umask(old);
}

static void test_places(void **state)
{
    const test_dir *d = *state;
    job_store *s;
    p_err err = {0};
    char path[200];
    snprintf(path, sizeof path, "%s/absent/jobs", d->top);
    test_expect(job_store_open(&s, path, NULL, &err), &err, P_EIO, path);
    snprintf(path, sizeof path, "%s/file", d->top);
    test_write_file(path, "x", 1);
    test_expect(job_store_open(&s, path, NULL, &err), &err, P_EINVAL, "is a file");
    char *endless = malloc(PATH_MAX + 10);
    memset(endless, 'a', PATH_MAX + 9);
    endless[PATH_MAX + 9] = 0;
    test_expect(job_store_open(&s, endless, NULL, &err), &err, P_EINVAL, "path");
    free(endless);
    job_store_close(NULL);
}

static void test_two_owners(void **state)
{
    const test_dir *d = *state;
    job_store *s = test_open(d), *second;
    p_err err = {0};
    char pid[32];
    snprintf(pid, sizeof pid, "process %ld;", (long)getpid());
    test_expect(job_store_open(&second, d->store, NULL, &err), &err, P_EUNAVAILABLE, pid);
    int status;
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        p_status st = job_store_open(&second, d->store, NULL, &err);
        _exit(st == P_EUNAVAILABLE && strstr(err.text, pid) ? 0 : 1);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    test_insert(s, 1, "still works");
    job_store_close(s);
    job_store_close(test_open(d));
}

/** The lock goes with its process, however that ends. */
static void test_dead_owner(void **state)
{
    const test_dir *d = *state;
    int status, ready[2];
    assert_int_equal(pipe(ready), 0);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        job_store *s;
        if (job_store_open(&s, d->store, NULL, NULL) != P_OK || write(ready[1], "x", 1) != 1)
            _exit(1);
        for (;;)
            pause();
    }
    char c, pid[32];
    assert_int_equal(read(ready[0], &c, 1), 1);
    job_store *s;
    p_err err = {0};
    snprintf(pid, sizeof pid, "process %ld;", (long)child);
    test_expect(job_store_open(&s, d->store, NULL, &err), &err, P_EUNAVAILABLE, pid);
    kill(child, SIGKILL);
    waitpid(child, &status, 0);
    job_store_close(test_open(d));
    close(ready[0]);
    close(ready[1]);
}

static void test_sweep(void **state)
{
    const test_dir *d = *state;
    static const char *const orphan =
        "artefacts/00000000000000000000000000000000000000000000000000000000000000ff";
    make_store(d);
    unsigned files = test_count_files(d);
    test_write_file(test_path(d, orphan), "x", 1);
    test_write_file(test_path(d, "artefacts/tmp-17"), "half", 4);
    test_write_file(test_path(d, "artefacts/README"), "not ours", 8);
    job_store *s = test_open(d);
    job_store_info info;
    p_err err = {0};
    test_ok(job_store_stat(s, &info, &err), &err);
    assert_int_equal(info.swept_files, 2);
    assert_false(test_file_exists(d, orphan));
    assert_false(test_file_exists(d, "artefacts/tmp-17"));
    assert_true(test_file_exists(d, "artefacts/README"));
    assert_int_equal(test_count_files(d), files);
    assert_int_equal(info.artefacts, files);
    job_store_close(s);
}

static void test_damaged_pages(void **state)
{
    const test_dir *d = *state;
    make_store(d);
    size_t len;
    uint8_t *good = test_read_file(test_path(d, "jobs.db"), &len);
    uint8_t *bad = malloc(len);
    unsigned refused = 0;
    /* a page of rubbish at each place */
    for (size_t page = 0; page < len / 4096; page++) {
        memcpy(bad, good, len);
        memset(bad + 4096 * page, 0xa5, 4096);
        test_write_file(test_path(d, "jobs.db"), bad, len);
        job_store *s;
        p_err err = {0};
        p_status st = job_store_open(&s, d->store, NULL, &err);
        if (st == P_OK) { /* a page that holds nothing */
            job_store_close(s);
        } else {
            assert_int_equal(st, P_ECORRUPT);
            assert_non_null(strstr(err.text, "backup"));
            refused++;
        }
    }
    assert_true(refused + 2 >= len / 4096);
    assert_true(refused > 3);
    test_write_file(test_path(d, "jobs.db"), bad, len); /* the last one damaged */
    memset(bad, 0x5a, 4096);
    test_write_file(test_path(d, "jobs.db"), bad, len);
    expect_refusal(d, P_ECORRUPT, "jobs.db is damaged");
    test_write_file(test_path(d, "jobs.db"), good, len / 4096 / 2 * 4096); /* cut off */
    expect_refusal(d, P_ECORRUPT, "damaged");
    test_write_file(test_path(d, "jobs.db"), good, len);
    job_store_close(test_open(d));
    free(good);
    free(bad);
}

static void test_lost_database(void **state)
{
    const test_dir *d = *state;
    make_store(d);
    assert_int_equal(truncate(test_path(d, "jobs.db"), 0), 0);
    expect_refusal(d, P_ECORRUPT, "missing or empty");
    assert_int_equal(unlink(test_path(d, "jobs.db")), 0);
    expect_refusal(d, P_ECORRUPT, "missing or empty");
    expect_refusal(d, P_ECORRUPT, "missing or empty"); /* and again */
}

static void test_foreign_databases(void **state)
{
    const test_dir *d = *state;
    assert_int_equal(mkdir(d->store, 0700), 0);
    test_sql(d, "CREATE TABLE of_somebody_else (x)");
    expect_refusal(d, P_EUNSUPPORTED, "another program");
    unlink(test_path(d, "jobs.db"));
    test_sql(d, "PRAGMA application_id = 77");
    expect_refusal(d, P_EUNSUPPORTED, "application id 77");
    unlink(test_path(d, "jobs.db"));
    test_write_file(test_path(d, "jobs.db"), "this is a text file, not a database at all", 43);
    expect_refusal(d, P_ECORRUPT, "damaged");
}

static void test_newer_schema(void **state)
{
    const test_dir *d = *state;
    make_store(d);
    char sql[64];
    snprintf(sql, sizeof sql, "PRAGMA user_version = %d", JOB_STORE_SCHEMA + 1);
    test_sql(d, sql);
    expect_refusal(d, P_EUNSUPPORTED, "newer program");
    snprintf(sql, sizeof sql, "PRAGMA user_version = %d", JOB_STORE_SCHEMA);
    test_sql(d, sql);
    job_store_close(test_open(d));
}

/** Rows that break a reference are damage too. */
static void test_broken_reference(void **state)
{
    const test_dir *d = *state;
    make_store(d);
    test_sql(d, "PRAGMA foreign_keys = OFF; DELETE FROM artefacts WHERE bytes = 1");
    expect_refusal(d, P_ECORRUPT, "damaged");
}

/** The upgrade path with a table of its own: each step once, a failing one leaves what was. */
static void test_upgrades(void **state)
{
    const test_dir *d = *state;
    static const store_migration steps[] = {
        {"CREATE TABLE t (a); INSERT INTO t VALUES (1)"},
        {"ALTER TABLE t ADD COLUMN b; UPDATE t SET b = a + 1"},
        {"UPDATE t SET a = 99; CREATE TABLE t (twice)"},
    };
    store_conn c = {0};
    p_err err = {0};
    int64_t x;
    assert_int_equal(mkdir(d->store, 0700), 0);
    test_write_file(test_path(d, "jobs.db"), "", 0);
    test_ok(store_conn_open(&c, d->store, true, 100, &err), &err);
    test_ok(store_conn_durable(&c, &err), &err);
    test_ok(store_migrate(&c, steps, 1, &err), &err);
    test_ok(store_migrate(&c, steps, 1, &err), &err);
    test_ok(store_migrate(&c, steps, 2, &err), &err);
    test_ok(store_number(&c, "SELECT a * 10 + b FROM t", &x, &err), &err);
    assert_int_equal(x, 12);
    assert_int_equal(store_migrate(&c, steps, 3, &err), P_EIO);
    assert_non_null(strstr(err.text, "schema version 3"));
    p_err_clear(&err);
    test_ok(store_number(&c, "SELECT a * 10 + b FROM t", &x, &err), &err);
    assert_int_equal(x, 12);
    test_ok(store_number(&c, "PRAGMA user_version", &x, &err), &err);
    assert_int_equal(x, 2);
    test_expect(store_migrate(&c, steps, 1, &err), &err, P_EUNSUPPORTED, "version 2");
    store_conn_close(&c);
}

static void damage_file(const test_dir *d, const char *name)
{
    int fd = open(test_path(d, name), O_WRONLY);
    assert_true(fd >= 0);
    assert_int_equal(pwrite(fd, "#", 1, 0), 1);
    close(fd);
}

static void test_damaged_artefacts(void **state)
{
    const test_dir *d = *state;
    static const char *const abc =
        "artefacts/ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
    job_store *s = test_open(d);
    p_err err = {0};
    uint8_t *bytes;
    size_t len;
    job_id id = test_id(1);
    test_insert(s, 1, "abc");
    damage_file(d, abc);
    test_expect(job_store_request(s, &id, &bytes, &len, &err), &err, P_ECORRUPT, abc);
    assert_null(bytes);
    assert_int_equal(truncate(test_path(d, abc), 0), 0);
    test_expect(job_store_request(s, &id, &bytes, &len, &err), &err, P_ECORRUPT, "SHA-256");
    unlink(test_path(d, abc));
    test_expect(job_store_request(s, &id, &bytes, &len, &err), &err, P_ECORRUPT, "missing");
    assert_false(job_store_failed(s, NULL)); /* one job's trouble, not the store's */
    test_insert(s, 2, "abc");                /* the same bytes again mend it */
    test_ok(job_store_request(s, &id, &bytes, &len, &err), &err);
    free(bytes);
    job_store_end end = {
        .state = JOB_COMPLETED_OK, .proof = (const uint8_t *)"abc", .proof_len = 3};
    test_ok(job_store_finish(s, &id, &end, 5, &err), &err);
    damage_file(d, abc);
    job_record r;
    test_expect(job_store_read(s, &id, &r, &err), &err, P_ECORRUPT, abc);
    assert_int_equal(r.row.state, JOB_COMPLETED_OK);
    job_record_free(&r);
    job_store_close(s);
}

/** Another program holds a lock: a clear answer, and then it works again. */
static void test_foreign_lock(void **state)
{
    const test_dir *d = *state;
    p_err err = {0};
    job_store *s;
    job_store_options o = {.busy_timeout_ms = 50};
    test_ok(job_store_open(&s, d->store, &o, &err), &err);
    test_insert(s, 1, "one");
    sqlite3 *db;
    assert_int_equal(sqlite3_open(test_path(d, "jobs.db"), &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, "BEGIN IMMEDIATE", NULL, NULL, NULL), SQLITE_OK);
    job_id id = test_id(2);
    uint64_t sequence;
    double t = test_seconds();
    test_expect(job_store_insert(s, &id, (const uint8_t *)"two", 3, 1, &sequence, &err), &err,
                P_EUNAVAILABLE, "lock");
    assert_true(test_seconds() - t < 5);
    job_row row;
    id = test_id(1);
    test_ok(job_store_get(s, &id, &row, &err), &err); /* reading goes on */
    sqlite3_close(db);
    test_insert(s, 2, "two");
    assert_int_equal(test_count_files(d), 2);
    job_store_close(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_modes, setup, teardown),
        cmocka_unit_test_setup_teardown(test_places, setup, teardown),
        cmocka_unit_test_setup_teardown(test_two_owners, setup, teardown),
        cmocka_unit_test_setup_teardown(test_dead_owner, setup, teardown),
        cmocka_unit_test_setup_teardown(test_sweep, setup, teardown),
        cmocka_unit_test_setup_teardown(test_damaged_pages, setup, teardown),
        cmocka_unit_test_setup_teardown(test_lost_database, setup, teardown),
        cmocka_unit_test_setup_teardown(test_foreign_databases, setup, teardown),
        cmocka_unit_test_setup_teardown(test_newer_schema, setup, teardown),
        cmocka_unit_test_setup_teardown(test_broken_reference, setup, teardown),
        cmocka_unit_test_setup_teardown(test_upgrades, setup, teardown),
        cmocka_unit_test_setup_teardown(test_damaged_artefacts, setup, teardown),
        cmocka_unit_test_setup_teardown(test_foreign_lock, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
