#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "driver/base/memory.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define MIB ((uint64_t)1 << 20)

static void buffers_are_zero_aligned_and_counted(void **state)
{
    (void)state;
    static const uint64_t sizes[] = {1,       4095,        4096,           4097, 2 * MIB - 1,
                                     2 * MIB, 2 * MIB + 1, 5 * MIB + 4096, 100,  3 * MIB + 17};
    enum { COUNT = sizeof sizes / sizeof sizes[0] };
    p_memory m = {.limit = UINT64_MAX};
    void *p[COUNT];
    uint64_t used = 0;

    for (size_t i = 0; i < COUNT; i++) {
        assert_int_equal(p_memory_alloc(&m, sizes[i], 1, "x", &p[i], NULL), P_OK);
        assert_non_null(p[i]);
        assert_int_equal((uintptr_t)p[i] % P_MEMORY_ALIGN, 0);
        for (uint64_t k = 0; k < sizes[i]; k++)
            assert_int_equal(((unsigned char *)p[i])[k], 0);
        memset(p[i], 0xaa, sizes[i]); /* all of it is there, and nobody else's */
        used += (sizes[i] + 4095) / 4096 * 4096;
        assert_int_equal(p_memory_used(&m), used);
    }
    for (size_t i = 0; i < COUNT; i++)
        for (uint64_t k = 0; k < sizes[i]; k += 511)
            assert_int_equal(((unsigned char *)p[i])[k], 0xaa);
    for (size_t i = 0; i < COUNT; i++)
        p_memory_free(&m, p[i], sizes[i], 1);
    assert_int_equal(p_memory_used(&m), 0);
    assert_int_equal(p_memory_peak(&m), used);
    p_memory_free(&m, NULL, 17, 1);
    assert_int_equal(p_memory_used(&m), 0);
}

static void nothing_is_no_buffer(void **state)
{
    (void)state;
    p_memory m = {.limit = 0};
    void *p = &m;

    assert_int_equal(p_memory_alloc(&m, 0, 8, "x", &p, NULL), P_OK);
    assert_null(p);
    p = &m;
    assert_int_equal(p_memory_alloc(&m, UINT64_MAX, 0, "x", &p, NULL), P_OK);
    assert_null(p);
    assert_int_equal(p_memory_peak(&m), 0);
}

static void the_limit_holds_to_the_byte(void **state)
{
    (void)state;
    p_memory m = {.limit = 3 * 4096};
    void *a, *b, *c = &m;
    p_err err;

    assert_int_equal(p_memory_alloc(&m, 4097, 1, "a", &a, NULL), P_OK);
    assert_int_equal(p_memory_alloc(&m, 512, 8, "b", &b, NULL), P_OK);
    assert_int_equal(p_memory_alloc(&m, 1, 1, "the third", &c, &err), P_EEXHAUSTED);
    assert_null(c);
    assert_non_null(strstr(err.text, "the third needs 4096 bytes; 12288 of 12288"));
    assert_int_equal(p_memory_used(&m), 3 * 4096);
    p_memory_free(&m, b, 512, 8);
    assert_int_equal(p_memory_alloc(&m, 4096, 1, "c", &c, NULL), P_OK);
    p_memory_free(&m, c, 4096, 1);
    p_memory_free(&m, a, 4097, 1);
    assert_int_equal(p_memory_used(&m), 0);
    assert_int_equal(p_memory_peak(&m), 3 * 4096);
}

static void what_cannot_be_addressed_is_refused(void **state)
{
    (void)state;
    static const uint64_t cases[][2] = {
        {UINT64_MAX, 1},        {UINT64_MAX, 8}, {(uint64_t)1 << 32, (uint64_t)1 << 32},
        {(uint64_t)1 << 63, 2}, {INT64_MAX, 1},  {3, UINT64_MAX / 2},
    };
    p_memory m = {.limit = UINT64_MAX};
    p_err err;

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        void *p = &m;
        assert_int_equal(p_memory_alloc(&m, cases[i][0], cases[i][1], "huge", &p, &err),
                         P_EEXHAUSTED);
        assert_null(p);
        assert_non_null(strstr(err.text, "huge"));
    }
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
    void *p = &m; /* it can be addressed; no system maps it */
    assert_int_equal(p_memory_alloc(&m, (uint64_t)1 << 62, 1, "huge", &p, &err), P_EEXHAUSTED);
    assert_null(p);
#endif
    assert_int_equal(p_memory_used(&m), 0);
    assert_int_equal(p_memory_peak(&m), 0);
}

static void the_chosen_allocation_fails(void **state)
{
    (void)state;
    p_memory m = {.limit = UINT64_MAX};
    void *p[4];
    p_err err;

    for (unsigned at = 1; at <= 4; at++) {
        atomic_store(&m.fail_at, at);
        for (unsigned i = 0; i < 4; i++) {
            p[i] = &m;
            p_status s = p_memory_alloc(&m, 1, 1, "x", &p[i], &err);
            assert_int_equal(s, i + 1 == at ? P_EEXHAUSTED : P_OK);
            assert_int_equal(p[i] == NULL, i + 1 == at);
        }
        assert_int_equal(p_memory_used(&m), 3 * 4096);
        for (unsigned i = 0; i < 4; i++)
            p_memory_free(&m, p[i], 1, 1);
        assert_int_equal(p_memory_used(&m), 0);
        assert_int_equal(atomic_load(&m.fail_at), 0);
    }
    assert_int_equal(p_memory_peak(&m), 3 * 4096); /* what failed was never in use */
}

#define THREADS 4

static void *use(void *arg)
{
    p_memory *m = arg;
    uintptr_t got = 0;

    for (int i = 0; i < 500; i++) {
        void *p;
        if (p_memory_alloc(m, 2, 4096, "x", &p, NULL) != P_OK)
            continue;
        got++;
        *(volatile char *)p = 1;
        p_memory_free(m, p, 2, 4096);
    }
    return (void *)got;
}

static void threads_share_a_budget(void **state)
{
    (void)state;
    p_memory m = {.limit = 5 * 4096}; /* two at once */
    pthread_t t[THREADS];
    uintptr_t got = 0;

    for (size_t i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&t[i], NULL, use, &m), 0);
    for (size_t i = 0; i < THREADS; i++) {
        void *n;
        pthread_join(t[i], &n);
        got += (uintptr_t)n;
    }
    assert_true(got > 0);
    assert_int_equal(p_memory_used(&m), 0);
    assert_true(p_memory_peak(&m) <= 4 * 4096);
    assert_true(p_memory_peak(&m) >= 2 * 4096);
}

/* ---- what the system can give ---- */

static char root[] = "/tmp/zkprover-memory-XXXXXX";

static void put(const char *path, const char *text)
{
    char full[512];

    snprintf(full, sizeof full, "%s%s", root, path);
    for (char *at = full + sizeof root; *at; at++) {
        if (*at == '/') {
            *at = '\0';
            mkdir(full, 0700);
            *at = '/';
        }
    }
    FILE *f = fopen(full, "w");
    assert_non_null(f);
    assert_true(fputs(text, f) >= 0);
    assert_int_equal(fclose(f), 0);
}

static void the_least_limit_counts(void **state)
{
    (void)state;
    char command[64];

    assert_non_null(mkdtemp(root));
    assert_true(p_memory_available_at(root) == UINT64_MAX);
    put("/proc/meminfo", "MemTotal:  9000 kB\nMemAvailable:    8000 kB\n");
    assert_int_equal(p_memory_available_at(root), 8000 * 1024);
    /* the unified hierarchy: a group without a limit in one with; the cache is given back */
    put("/proc/self/cgroup", "0::/system.slice/a.service\n");
    put("/sys/fs/cgroup/system.slice/a.service/memory.max", "max\n");
    put("/sys/fs/cgroup/system.slice/a.service/memory.current", "1000\n");
    assert_int_equal(p_memory_available_at(root), 8000 * 1024);
    put("/sys/fs/cgroup/system.slice/memory.max", "500000\n");
    put("/sys/fs/cgroup/system.slice/memory.current", "200000\n");
    assert_int_equal(p_memory_available_at(root), 300000);
    put("/sys/fs/cgroup/system.slice/memory.stat", "file 150000\ninactive_file 100000\n");
    assert_int_equal(p_memory_available_at(root), 400000);
    put("/sys/fs/cgroup/system.slice/a.service/memory.max", "1500\n");
    assert_int_equal(p_memory_available_at(root), 500);
    put("/sys/fs/cgroup/system.slice/a.service/memory.current", "1501\n");
    assert_int_equal(p_memory_available_at(root), 0);
    put("/sys/fs/cgroup/system.slice/a.service/memory.max", "max\n");
    /* in a container the group itself is the mount's top */
    put("/proc/self/cgroup", "0::/\n");
    put("/sys/fs/cgroup/memory.max", "70000\n");
    put("/sys/fs/cgroup/memory.current", "10000\n");
    assert_int_equal(p_memory_available_at(root), 60000);
    /* the older hierarchies */
    put("/proc/self/cgroup", "7:blkio:/\n4:cpu,memory:/jobs\n1:memoryx:/z\nnonsense\n");
    put("/sys/fs/cgroup/memory/jobs/memory.limit_in_bytes", "40000\n");
    put("/sys/fs/cgroup/memory/jobs/memory.usage_in_bytes", "30000\n");
    put("/sys/fs/cgroup/memory/z/memory.limit_in_bytes", "1\n");
    put("/sys/fs/cgroup/memory/z/memory.usage_in_bytes", "1\n");
    assert_int_equal(p_memory_available_at(root), 10000);
    put("/sys/fs/cgroup/memory/jobs/memory.stat", "inactive_file 1\ntotal_inactive_file 20000\n");
    assert_int_equal(p_memory_available_at(root), 30000);
    snprintf(command, sizeof command, "rm -rf %s", root);
    assert_int_equal(system(command), 0);
    assert_true(p_memory_available() > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(buffers_are_zero_aligned_and_counted),
        cmocka_unit_test(nothing_is_no_buffer),
        cmocka_unit_test(the_limit_holds_to_the_byte),
        cmocka_unit_test(what_cannot_be_addressed_is_refused),
        cmocka_unit_test(the_chosen_allocation_fails),
        cmocka_unit_test(threads_share_a_budget),
        cmocka_unit_test(the_least_limit_counts),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
