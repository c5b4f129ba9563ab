/* What a store does when something is full: its map, its limit, the address space, the disk. */
#define _GNU_SOURCE /* unshare */

#include "tests/unit/state/state_test.h"

#include "host/state/prune.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/wait.h>

#define MIB ((uint64_t)1 << 20)

static state_store *open_store(const char *dir, uint64_t limit)
{
    state_store *s;
    p_err err = {0};
    test_ok(state_store_open(&s, dir, limit, &err), &err);
    return s;
}

static state_store_info info_of(state_store *s)
{
    state_store_info info;
    p_err err = {0};
    test_ok(state_store_stat(s, &info, &err), &err);
    return info;
}

/** Record i of a fixed sequence; its hash is not that of its node, which the store does not ask. */
static void make_record(size_t i, gl_t record[16])
{
    uint64_t seed = i * 1000003;
    for (unsigned k = 0; k < 16; k++)
        record[k] = test_random_gl(&seed);
}

static bool is_there(state_store *s, size_t i)
{
    gl_t record[16], node[12];
    make_record(i, record);
    p_status status = state_store_node(s, record, node, NULL);
    return status == P_OK && memcmp(node, record + 4, 96) == 0;
}

enum { CHUNK = 4000 };

/** Records from..from + n - 1 in one transaction. */
static p_status write_range(state_store *s, size_t from, size_t n, p_err *err)
{
    gl_t(*records)[16] = calloc(n, sizeof *records);
    assert_non_null(records);
    for (size_t i = 0; i < n; i++)
        make_record(from + i, records[i]);
    p_status status = state_store_write(s, (const gl_t(*)[16])records, n, NULL, 0, err);
    free(records);
    return status;
}

typedef struct looker {
    state_store *store;
    volatile bool stop;
    pthread_mutex_t lock;
    size_t written; /**< guarded by lock */
    size_t found, wrong;
} looker;

/** Holds one reader all the time: the map moves under it. */
static void *look(void *arg)
{
    looker *l = arg;
    uint64_t rng = (uint64_t)(uintptr_t)&rng;
    state_reader *reader;
    if (state_reader_open(&reader, l->store, NULL) != P_OK) {
        l->wrong++;
        return NULL;
    }
    for (;;) {
        pthread_mutex_lock(&l->lock);
        size_t n = l->written;
        bool stop = l->stop;
        pthread_mutex_unlock(&l->lock);
        if (stop)
            break;
        gl_t record[16], node[12];
        make_record(n ? test_random(&rng) % n : 0, record);
        if (n == 0)
            continue;
        if (state_reader_node(reader, record, node, NULL) != P_OK ||
            memcmp(node, record + 4, 96) != 0)
            l->wrong++;
        else
            l->found++;
    }
    state_reader_close(reader);
    return NULL;
}

/** The map grows as it is needed, up to the limit, under readers. */
static void test_growth(void **unused)
{
    (void)unused;
    enum { READERS = 2 };
    const uint64_t limit = 40 * MIB;
    char dir[64], text[64];
    p_err err = {0};
    test_make_dir(dir);
    state_store *s = open_store(dir, limit);
    assert_int_equal(info_of(s).bytes_map, 16 * MIB);
    assert_int_equal(info_of(s).bytes_limit, limit);
    looker lookers[READERS];
    pthread_t threads[READERS];
    for (unsigned i = 0; i < READERS; i++) {
        lookers[i] = (looker){.store = s};
        pthread_mutex_init(&lookers[i].lock, NULL);
        assert_int_equal(pthread_create(&threads[i], NULL, look, &lookers[i]), 0);
    }
    size_t n = 0, before_limit = 0;
    uint64_t maps[8] = {16 * MIB}, n_maps = 1;
    p_status status;
    while ((status = write_range(s, n, CHUNK, &err)) == P_OK) {
        n += CHUNK;
        uint64_t map = info_of(s).bytes_map;
        if (map != maps[n_maps - 1] && n_maps < 8)
            maps[n_maps++] = map;
        if (map < limit)
            before_limit = n;
        for (unsigned i = 0; i < READERS; i++) {
            pthread_mutex_lock(&lookers[i].lock);
            lookers[i].written = n;
            pthread_mutex_unlock(&lookers[i].lock);
        }
    }
    assert_int_equal(n_maps, 3);
    assert_int_equal(maps[1], 32 * MIB);
    assert_int_equal(maps[2], limit);
    assert_true(before_limit > 0 && n > before_limit);
    snprintf(text, sizeof text, "of %llu bytes are used", (unsigned long long)limit);
    test_expect(status, &err, P_EEXHAUSTED, text);
    for (unsigned i = 0; i < READERS; i++) {
        pthread_mutex_lock(&lookers[i].lock);
        lookers[i].stop = true;
        pthread_mutex_unlock(&lookers[i].lock);
        pthread_join(threads[i], NULL);
        pthread_mutex_destroy(&lookers[i].lock);
        assert_int_equal(lookers[i].wrong, 0);
        assert_true(lookers[i].found > 0);
    }
    /* nothing of the refused write is there, and everything else is */
    assert_int_equal(info_of(s).nodes, n);
    assert_false(is_there(s, n));
    assert_true(is_there(s, n - 1));
    test_ok(write_range(s, n, 10, &err), &err);
    /* a store keeps the size it has under a smaller limit, and grows under a larger one */
    state_store_close(s);
    s = open_store(dir, MIB);
    assert_true(info_of(s).bytes_map >= info_of(s).bytes_used);
    assert_true(info_of(s).bytes_limit == info_of(s).bytes_map);
    assert_true(is_there(s, n + 9));
    /* pages that became free while somebody read are used by now, so that a little more may fit */
    size_t more = 0;
    while ((status = write_range(s, n + more, CHUNK, &err)) == P_OK && more < 50000)
        more += CHUNK;
    test_expect(status, &err, P_EEXHAUSTED, "bytes are used");
    n += more;
    state_store_close(s);
    s = open_store(dir, 2 * limit);
    test_ok(write_range(s, n, CHUNK, &err), &err);
    assert_int_equal(info_of(s).nodes, n + CHUNK);
    state_store_close(s);
    test_remove_dir(dir);
}

/** One write that needs several steps of growth. */
static void test_large_write(void **unused)
{
    (void)unused;
    char dir[64];
    p_err err = {0};
    test_make_dir(dir);
    state_store *s = open_store(dir, 1024 * MIB);
    static uint8_t bytes[48 << 20];
    memset(bytes, 1, sizeof bytes);
    state_store_code_entry code = {.hash = {1}, .code = bytes, .len = sizeof bytes};
    test_ok(state_store_write(s, NULL, 0, &code, 1, &err), &err);
    assert_int_equal(info_of(s).bytes_map, 64 * MIB);
    uint8_t *found;
    size_t len;
    test_ok(state_store_code(s, code.hash, &found, &len, &err), &err);
    assert_int_equal(len, sizeof bytes);
    assert_memory_equal(found, bytes, len);
    free(found);
    state_store_close(s);
    test_remove_dir(dir);
}

/** No address space to grow: the store works on with the map that it has. */
static void test_address_space(void **unused)
{
    (void)unused;
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
    skip(); /* shadow memory takes all of it */
#endif
    char dir[64];
    p_err err = {0};
    test_make_dir(dir);
    pid_t child = fork(); /* the limit stays in there */
    if (child == 0) {
        state_store *s;
        if (state_store_open(&s, dir, 1024 * MIB, &err) != P_OK)
            _exit(2);
        FILE *f = fopen("/proc/self/statm", "r");
        unsigned long pages = 0;
        if (!f || fscanf(f, "%lu", &pages) != 1)
            _exit(3);
        fclose(f);
        rlim_t now = (rlim_t)pages * (rlim_t)sysconf(_SC_PAGESIZE);
        struct rlimit limit = {now + 24 * MIB, RLIM_INFINITY};
        if (setrlimit(RLIMIT_AS, &limit) != 0)
            _exit(4);
        size_t n = 0;
        p_status status;
        while ((status = write_range(s, n, CHUNK, &err)) == P_OK && n < 1000000)
            n += CHUNK;
        if (status != P_EEXHAUSTED || !strstr(err.text, "cannot grow from 16777216 to 33554432"))
            _exit(5);
        if (!is_there(s, 0) || !is_there(s, n - 1) || is_there(s, n) ||
            write_range(s, n, 10, NULL) != P_OK)
            _exit(6);
        limit.rlim_cur = RLIM_INFINITY;
        if (setrlimit(RLIMIT_AS, &limit) != 0 || write_range(s, n, CHUNK, NULL) != P_OK)
            _exit(7);
        state_store_close(s);
        _exit(0);
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
    test_remove_dir(dir);
}

/** Fills a store until the disk, of which `space` tells, has no more room. 0 or where it failed. */
static int fill(const char *dir, bool (*enlarge)(const char *dir), const char *reason)
{
    state_store *s;
    p_err err = {0};
    size_t n = 0;
    if (state_store_open(&s, dir, 1024 * MIB, &err) != P_OK)
        return 10;
    p_status status;
    while ((status = write_range(s, n, 500, &err)) == P_OK && n < 200000)
        n += 500;
    if (status != P_EEXHAUSTED || !strstr(err.text, reason)) {
        print_error("%s\n", err.text);
        return 11;
    }
    if (n == 0 || !is_there(s, 0) || !is_there(s, n - 1) || is_there(s, n))
        return 12;
    if (write_range(s, n, 500, NULL) != P_EEXHAUSTED) /* again, the same */
        return 13;
    if (info_of(s).nodes != n)
        return 14;
    /* opened anew while the disk is full */
    state_store_close(s);
    if (state_store_open(&s, dir, 1024 * MIB, &err) != P_OK)
        return 15;
    for (size_t i = 0; i < n; i++)
        if (!is_there(s, i))
            return 16;
    if (write_range(s, n, 500, NULL) != P_EEXHAUSTED)
        return 17;
    if (!enlarge(dir) || write_range(s, n, 500, &err) != P_OK || info_of(s).nodes != n + 500)
        return 18;
    state_store_close(s);
    return 0;
}

static bool enlarge_limit(const char *dir)
{
    (void)dir;
    struct rlimit limit = {RLIM_INFINITY, RLIM_INFINITY};
    return setrlimit(RLIMIT_FSIZE, &limit) == 0;
}

static void test_file_size(void **unused)
{
    (void)unused;
    char dir[64];
    test_make_dir(dir);
    pid_t child = fork();
    if (child == 0) {
        struct rlimit limit = {3 * MIB + 1234, RLIM_INFINITY};
        signal(SIGXFSZ, SIG_IGN);
        _exit(setrlimit(RLIMIT_FSIZE, &limit) != 0 ? 9
                                                   : fill(dir, enlarge_limit, "limit of the file"));
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
    test_remove_dir(dir);
}

static bool enlarge_mount(const char *dir)
{
    return mount("tmpfs", dir, "tmpfs", MS_REMOUNT, "size=16m") == 0;
}

/** A file system of its own, where the system lets us make one. */
static void test_disk(void **unused)
{
    (void)unused;
    enum { CANNOT = 77 };
    char dir[64];
    test_make_dir(dir);
    pid_t child = fork();
    if (child == 0) {
        if (unshare(geteuid() == 0 ? CLONE_NEWNS : CLONE_NEWUSER | CLONE_NEWNS) != 0 ||
            mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0 ||
            mount("tmpfs", dir, "tmpfs", 0, "size=3m") != 0)
            _exit(CANNOT);
        int failed = fill(dir, enlarge_mount, "free some space on the disk");
        /* no room for a second file either */
        state_store *s;
        uint64_t before, after;
        p_err err = {0};
        if (!failed && mount("tmpfs", dir, "tmpfs", MS_REMOUNT, "size=4m") != 0)
            failed = 20;
        if (!failed && state_store_open(&s, dir, 1024 * MIB, &err) != P_OK)
            failed = 21;
        if (!failed && (state_store_compact(s, &before, &after, &err) != P_EEXHAUSTED ||
                        !strstr(err.text, "bytes beside the old one, the disk has ")))
            failed = 22;
        if (!failed && (before != after || !is_there(s, 0)))
            failed = 23;
        if (!failed)
            state_store_close(s);
        _exit(failed);
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    test_remove_dir(dir);
    if (WEXITSTATUS(status) == CANNOT) {
        print_message("no file system can be mounted here\n");
        skip();
    }
    assert_int_equal(WEXITSTATUS(status), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_growth),        cmocka_unit_test(test_large_write),
        cmocka_unit_test(test_address_space), cmocka_unit_test(test_file_size),
        cmocka_unit_test(test_disk),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
