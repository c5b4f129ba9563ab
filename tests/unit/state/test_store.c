#include "tests/unit/state/state_test.h"

#include "host/state/store.h"

#include <fcntl.h>
#include <lmdb.h>
#include <pthread.h>
#include <sys/wait.h>

#define MAP ((uint64_t)16 << 20)

static state_store *open_store(const char *dir, uint64_t map)
{
    state_store *s;
    p_err err = {0};
    test_ok(state_store_open(&s, dir, map, &err), &err);
    return s;
}

static void make_records(uint64_t seed, gl_t (*records)[16], size_t n)
{
    for (size_t i = 0; i < n; i++)
        for (unsigned k = 0; k < 16; k++)
            records[i][k] = test_random_gl(&seed);
}

static void test_write_and_reopen(void **unused)
{
    (void)unused;
    enum { N = 500 };
    char dir[64], sub[80];
    p_err err = {0};
    test_make_dir(dir);
    snprintf(sub, sizeof sub, "%s/store", dir);
    static gl_t records[N][16];
    make_records(1, records, N);
    static const uint8_t bytes[70000] = {1, 2, 3};
    state_store_code_entry codes[3] = {
        {{1, 2, 3, 4}, bytes, 3}, {{1, 2, 3, 5}, bytes, sizeof bytes}, {{9, 9, 9, 9}, NULL, 0}};

    state_store *s = open_store(sub, MAP);
    struct stat st;
    assert_int_equal(stat(sub, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0700);
    gl_t node[12];
    uint8_t *code;
    size_t len;
    assert_int_equal(state_store_node(s, records[0], node, &err), P_ENOTFOUND);
    assert_int_equal(err.status, P_OK);
    assert_int_equal(state_store_code(s, codes[0].hash, &code, &len, &err), P_ENOTFOUND);
    assert_null(code);
    test_ok(state_store_write(s, (const gl_t(*)[16])records, N, codes, 3, &err), &err);
    for (unsigned round = 0; round < 2; round++) {
        for (size_t i = 0; i < N; i++) {
            test_ok(state_store_node(s, records[i], node, &err), &err);
            assert_memory_equal(node, records[i] + 4, 96);
        }
        for (size_t i = 0; i < 3; i++) {
            test_ok(state_store_code(s, codes[i].hash, &code, &len, &err), &err);
            assert_int_equal(len, codes[i].len);
            assert_memory_equal(code, bytes, len);
            free(code);
        }
        state_store_info info;
        test_ok(state_store_stat(s, &info, &err), &err);
        assert_int_equal(info.nodes, N);
        assert_int_equal(info.codes, 3);
        assert_int_equal(info.bytes_map, MAP);
        assert_int_equal(info.bytes_limit, MAP);
        assert_int_equal(info.format, 1);
        assert_true(info.bytes_file >= info.bytes_used && info.bytes_free < info.bytes_used);
        assert_true(info.bytes_used > N * 128 + 70000 && info.bytes_used < MAP);
        /* writing the same again changes nothing */
        test_ok(state_store_write(s, (const gl_t(*)[16])records, N, codes, 3, &err), &err);
        state_store_info again;
        test_ok(state_store_stat(s, &again, &err), &err);
        assert_memory_equal(&info, &again, sizeof info);
        state_store_close(s);
        s = open_store(sub, MAP);
    }
    state_store_close(s);
    test_remove_dir(sub);
    test_remove_dir(dir);
}

/** A full map refuses the whole write, keeps what was there, and takes what still fits. */
static void test_full_map(void **unused)
{
    (void)unused;
    enum { N = 20000 };
    char dir[64];
    p_err err = {0};
    test_make_dir(dir);
    gl_t(*records)[16] = calloc(N, sizeof *records);
    assert_non_null(records);
    make_records(2, records, N);
    state_store *s = open_store(dir, STORE_MIN_MAP_BYTES);
    gl_t node[12];
    test_ok(state_store_write(s, (const gl_t(*)[16])records, 100, NULL, 0, &err), &err);
    for (unsigned i = 0; i < 3; i++) {
        test_expect(
            state_store_write(s, (const gl_t(*)[16])(records + 100), N - 100, NULL, 0, &err), &err,
            P_EEXHAUSTED, "of 1048576 bytes are used");
        assert_int_equal(state_store_node(s, records[N - 1], node, &err), P_ENOTFOUND);
        assert_int_equal(state_store_node(s, records[100], node, &err), P_ENOTFOUND);
        test_ok(state_store_node(s, records[99], node, &err), &err);
    }
    test_ok(state_store_write(s, (const gl_t(*)[16])(records + 100), 100, NULL, 0, &err), &err);
    test_ok(state_store_node(s, records[150], node, &err), &err);
    state_store_close(s);
    s = open_store(dir, MAP); /* a larger map takes the rest */
    test_ok(state_store_write(s, (const gl_t(*)[16])records, N, NULL, 0, &err), &err);
    test_ok(state_store_node(s, records[N - 1], node, &err), &err);
    state_store_close(s);
    free(records);
    test_remove_dir(dir);
}

static void test_open_errors(void **unused)
{
    (void)unused;
    char dir[64], path[128];
    p_err err = {0};
    state_store *s;
    test_make_dir(dir);
    test_expect(state_store_open(&s, dir, 1000, &err), &err, P_EINVAL, "at least 1048576");
    assert_null(s);
    snprintf(path, sizeof path, "%s/none/there", dir);
    test_expect(state_store_open(&s, path, MAP, &err), &err, P_EIO,
                "the directory cannot be made: No such file");
    snprintf(path, sizeof path, "%s/file.json", dir);
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    fputs("x", f);
    fclose(f);
    test_expect(state_store_open(&s, path, MAP, &err), &err, P_EINVAL,
                "is a file, expected a directory");
    char *name = malloc(5000);
    assert_non_null(name);
    memset(name, 'a', 4999);
    name[4999] = 0;
    test_expect(state_store_open(&s, name, MAP, &err), &err, P_EINVAL, "too long");
    free(name);
    if (geteuid() != 0) { /* root may write anywhere */
        assert_int_equal(chmod(dir, 0500), 0);
        test_expect(state_store_open(&s, dir, MAP, &err), &err, P_EIO, "Permission denied");
        assert_int_equal(chmod(dir, 0700), 0);
    }
    /* the second handle, then a foreign file in place of the data */
    state_store *first = open_store(dir, MAP);
    char in_use[64];
    snprintf(in_use, sizeof in_use, "is in use by process %ld;", (long)getpid());
    test_expect(state_store_open(&s, dir, MAP, &err), &err, P_EUNAVAILABLE, in_use);
    state_store_close(first);
    snprintf(path, sizeof path, "%s/data.mdb", dir);
    f = fopen(path, "w");
    assert_non_null(f);
    for (unsigned i = 0; i < 20000; i++)
        fputc('x', f);
    fclose(f);
    test_expect(state_store_open(&s, dir, MAP, &err), &err, P_ECORRUPT, "opening");
    assert_null(s);
    test_remove_dir(dir);
    state_store_close(NULL);
}

/** Puts an entry behind the store's back. */
static void put_raw(const char *dir, const char *db, const void *key, size_t key_len,
                    const void *value, size_t len)
{
    MDB_env *env;
    MDB_txn *txn;
    MDB_dbi dbi;
    MDB_val k = {key_len, (void *)key}, v = {len, (void *)value};
    assert_int_equal(mdb_env_create(&env), 0);
    assert_int_equal(mdb_env_set_maxdbs(env, 3), 0);
    assert_int_equal(mdb_env_open(env, dir, MDB_NOTLS, 0600), 0);
    assert_int_equal(mdb_txn_begin(env, NULL, 0, &txn), 0);
    assert_int_equal(mdb_dbi_open(txn, db, 0, &dbi), 0);
    assert_int_equal(mdb_put(txn, dbi, &k, &v, 0), 0);
    assert_int_equal(mdb_txn_commit(txn), 0);
    mdb_env_close(env);
}

static void test_damage(void **unused)
{
    (void)unused;
    char dir[64];
    p_err err = {0};
    test_make_dir(dir);
    gl_t record[1][16], node[12];
    make_records(3, record, 1);
    state_store *s = open_store(dir, MAP);
    test_ok(state_store_write(s, (const gl_t(*)[16])record, 1, NULL, 0, &err), &err);
    state_store_close(s);
    static const size_t sizes[] = {0, 1, 64, 95, 97, 128};
    uint8_t bytes[128] = {0};
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        char text[160], key[65];
        put_raw(dir, "nodes", record[0], 32, bytes, sizes[i]);
        s = open_store(dir, MAP);
        test_key_text(key, record[0]);
        snprintf(text, sizeof text, "0x%s has %zu bytes, expected 96", key, sizes[i]);
        test_expect(state_store_node(s, record[0], node, &err), &err, P_ECORRUPT, text);
        state_store_close(s);
    }
    memset(bytes, 0xff, 8);
    put_raw(dir, "nodes", record[0], 32, bytes, 96);
    s = open_store(dir, MAP);
    test_expect(state_store_node(s, record[0], node, &err), &err, P_ECORRUPT,
                "element 0 of the node");
    /* the right entry repairs it */
    test_ok(state_store_write(s, (const gl_t(*)[16])record, 1, NULL, 0, &err), &err);
    test_ok(state_store_node(s, record[0], node, &err), &err);
    assert_memory_equal(node, record[0] + 4, 96);
    state_store_close(s);

    uint8_t version[8] = {2};
    put_raw(dir, "meta", "format", 6, version, 8);
    test_expect(state_store_open(&s, dir, MAP, &err), &err, P_EUNSUPPORTED,
                "has format version 2, this program reads version 1");
    put_raw(dir, "meta", "format", 6, version, 7);
    test_expect(state_store_open(&s, dir, MAP, &err), &err, P_ECORRUPT,
                "the format version has 7 bytes");
    assert_null(s);
    test_remove_dir(dir);
}

typedef struct reading {
    state_store *store;
    const gl_t (*records)[16];
    size_t n;
    unsigned wrong;
} reading;

static void *read_all(void *arg)
{
    reading *r = arg;
    for (unsigned round = 0; round < 20; round++) {
        state_reader *reader;
        if (state_reader_open(&reader, r->store, NULL) != P_OK) {
            r->wrong++;
            continue;
        }
        for (size_t i = 0; i < r->n; i++) {
            gl_t node[12];
            p_status s = state_reader_node(reader, r->records[i], node, NULL);
            if (s != P_OK ? s != P_ENOTFOUND : memcmp(node, r->records[i] + 4, 96) != 0)
                r->wrong++;
        }
        state_reader_close(reader);
    }
    return NULL;
}

/** Readers in several threads, and readers of one thread side by side, while another writes. */
static void test_threads(void **unused)
{
    (void)unused;
    enum { N = 200, THREADS = 4 };
    char dir[64];
    p_err err = {0};
    test_make_dir(dir);
    static gl_t records[N][16];
    make_records(4, records, N);
    state_store *s = open_store(dir, MAP);
    pthread_t threads[THREADS];
    reading readings[THREADS];
    for (unsigned i = 0; i < THREADS; i++) {
        readings[i] = (reading){s, (const gl_t(*)[16])records, N, 0};
        assert_int_equal(pthread_create(&threads[i], NULL, read_all, &readings[i]), 0);
    }
    for (size_t i = 0; i < N; i += 20)
        test_ok(state_store_write(s, (const gl_t(*)[16])(records + i), 20, NULL, 0, &err), &err);
    for (unsigned i = 0; i < THREADS; i++) {
        pthread_join(threads[i], NULL);
        assert_int_equal(readings[i].wrong, 0);
    }
    state_reader *readers[50];
    for (unsigned i = 0; i < 50; i++)
        test_ok(state_reader_open(&readers[i], s, &err), &err);
    gl_t node[12];
    for (unsigned i = 0; i < 50; i++) {
        test_ok(state_reader_node(readers[i], records[i], node, &err), &err);
        state_reader_close(readers[i]);
    }
    state_store_close(s);
    test_remove_dir(dir);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_write_and_reopen), cmocka_unit_test(test_full_map),
        cmocka_unit_test(test_open_errors),      cmocka_unit_test(test_damage),
        cmocka_unit_test(test_threads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
