/** What the tests of store and jobs share. */
#ifndef ZKP_TESTS_UNIT_STORE_STORE_TEST_H
#define ZKP_TESTS_UNIT_STORE_STORE_TEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>
#include <dirent.h>
#include <fcntl.h>
#include <sqlite3.h>
#include <sys/stat.h>

#include "host/store/store.h"

/** splitmix64: a fixed sequence for a fixed seed. */
static inline uint64_t test_random(uint64_t *state)
{
    uint64_t z = (*state += UINT64_C(0x9e3779b97f4a7c15));
    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}

static inline void test_expect(p_status found, p_err *err, p_status expected, const char *text)
{
    if (found != expected || err->status != expected || !strstr(err->text, text))
        fail_msg("expected %s with \"%s\", found %s (record %s) with \"%s\"",
                 p_status_name(expected), text, p_status_name(found), p_status_name(err->status),
                 err->text);
    p_err_clear(err);
}

static inline void test_ok(p_status found, const p_err *err)
{
    if (found != P_OK)
        fail_msg("expected P_OK, found %s: %s", p_status_name(found), err->text);
}

/** A fresh folder for a store, below a fresh temporary one. */
typedef struct test_dir {
    char top[64], store[80];
} test_dir;

static inline void test_make_dir_in(test_dir *d, const char *parent)
{
    snprintf(d->top, sizeof d->top, "%s/zkprover-test-XXXXXX", parent);
    assert_non_null(mkdtemp(d->top));
    snprintf(d->store, sizeof d->store, "%s/jobs", d->top);
}

static inline void test_make_dir(test_dir *d)
{
    test_make_dir_in(d, "/tmp");
}

/** In memory if the system has a place for that: for tests that sync thousands of times. */
static inline void test_make_fast_dir(test_dir *d)
{
    test_make_dir_in(d, access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
}

static inline void test_remove_tree(const char *path)
{
    DIR *d = opendir(path);
    for (struct dirent *e; d && (e = readdir(d));) {
        char name[8192];
        if (!strcmp(e->d_name, ".") || !strcmp(e->d_name, ".."))
            continue;
        assert_true(strlen(path) + strlen(e->d_name) + 2 < sizeof name);
        sprintf(name, "%s/%s", path, e->d_name);
        struct stat st;
        if (lstat(name, &st) == 0 && S_ISDIR(st.st_mode))
            test_remove_tree(name);
        else
            unlink(name);
    }
    if (d)
        closedir(d);
    rmdir(path);
}

static inline char *test_path(const test_dir *d, const char *name)
{
    static char path[4][512]; /* several in one expression */
    static unsigned next;
    char *p = path[next++ % 4];
    snprintf(p, sizeof path[0], "%s/%s", d->store, name);
    return p;
}

static inline job_store *test_open(const test_dir *d)
{
    job_store *s;
    p_err err = {0};
    test_ok(job_store_open(&s, d->store, NULL, &err), &err);
    return s;
}

/** A well-formed id that says its number. */
static inline job_id test_id(unsigned n)
{
    job_id id;
    snprintf(id.text, sizeof id.text, "00000000-0000-4000-8000-%012u", n);
    return id;
}

static inline uint64_t test_insert(job_store *s, unsigned n, const char *request)
{
    job_id id = test_id(n);
    uint64_t sequence;
    p_err err = {0};
    test_ok(job_store_insert(s, &id, (const uint8_t *)request, strlen(request), 1000 + n, &sequence,
                             &err),
            &err);
    return sequence;
}

/** How many files with the name of a hash there are. */
static inline unsigned test_count_files(const test_dir *d)
{
    unsigned n = 0;
    DIR *dir = opendir(test_path(d, "artefacts"));
    for (struct dirent *e; dir && (e = readdir(dir));)
        n += strlen(e->d_name) == 64;
    if (dir)
        closedir(dir);
    return n;
}

static inline bool test_file_exists(const test_dir *d, const char *name)
{
    return access(test_path(d, name), F_OK) == 0;
}

static inline void test_write_file(const char *path, const void *bytes, size_t len)
{
    FILE *f = fopen(path, "wb");
    assert_non_null(f);
    assert_int_equal(fwrite(bytes, 1, len, f), len);
    assert_int_equal(fclose(f), 0);
}

/** Whole file, malloc'ed. */
static inline uint8_t *test_read_file(const char *path, size_t *len)
{
    FILE *f = fopen(path, "rb");
    assert_non_null(f);
    fseek(f, 0, SEEK_END);
    *len = (size_t)ftell(f);
    rewind(f);
    uint8_t *p = malloc(*len + 1);
    assert_int_equal(fread(p, 1, *len, f), *len);
    fclose(f);
    return p;
}

/** Runs SQL on the store's database, as another program would. */
static inline void test_sql(const test_dir *d, const char *sql)
{
    sqlite3 *db;
    char *message = NULL;
    assert_int_equal(sqlite3_open(test_path(d, "jobs.db"), &db), SQLITE_OK);
    if (sqlite3_exec(db, sql, NULL, NULL, &message) != SQLITE_OK)
        fail_msg("%s: %s", sql, message);
    sqlite3_close(db);
}

static inline double test_seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static inline void test_sleep_ms(unsigned ms)
{
    struct timespec t = {ms / 1000, (long)(ms % 1000) * 1000000};
    nanosleep(&t, NULL);
}

#endif
