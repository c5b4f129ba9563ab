#include "tests/unit/state/state_test.h"

#include "host/state/prune.h"

#include <fcntl.h>
#include <lmdb.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/wait.h>

#define MAP ((uint64_t)256 << 20)

static const gl_poseidon_ops *poseidon;

static int choose(void **unused)
{
    (void)unused;
    poseidon = gl_poseidon_select(NULL);
    return 0;
}

/** Entries that were made; what is not written stays a gap. */
typedef struct forest {
    gl_t (*nodes)[16];
    size_t n, cap;
    uint64_t rng;
} forest;

static void add(forest *f, const gl_t content[12], gl_t hash[4])
{
    if (f->n == f->cap) {
        f->cap = f->cap ? 2 * f->cap : 1024;
        f->nodes = realloc(f->nodes, f->cap * sizeof *f->nodes);
        assert_non_null(f->nodes);
    }
    gl_t state[12];
    memcpy(state, content, sizeof state);
    poseidon->permute(state);
    memcpy(hash, state, 32);
    memcpy(f->nodes[f->n], state, 32);
    memcpy(f->nodes[f->n++] + 4, content, 96);
}

/** A full tree of this depth, and its root. code: the value of its first leaf, or NULL. */
static void grow_tree(forest *f, unsigned depth, const gl_t *code, gl_t root[4])
{
    gl_t node[12] = {0};
    if (depth > 0) {
        grow_tree(f, depth - 1, code, node);
        grow_tree(f, depth - 1, NULL, node + 4);
    } else {
        gl_t value[12] = {0};
        for (unsigned i = 0; i < 8; i++)
            value[i] =
                code ? code[i / 2] >> 32 * (i % 2) & UINT32_MAX : test_random(&f->rng) & UINT32_MAX;
        for (unsigned i = 0; i < 4; i++)
            node[i] = test_random_gl(&f->rng);
        node[8] = 1;
        add(f, value, node + 4);
    }
    add(f, node, root);
}

static void write_all(state_store *s, const forest *f, size_t from)
{
    p_err err = {0};
    test_ok(state_store_write(s, (const gl_t(*)[16])(f->nodes + from), f->n - from, NULL, 0, &err),
            &err);
}

static state_store *open_store(const char *dir)
{
    state_store *s;
    p_err err = {0};
    test_ok(state_store_open(&s, dir, MAP, &err), &err);
    return s;
}

static state_reach reach(state_store *s, const gl_t root[4])
{
    state_reach r;
    p_err err = {0};
    test_ok(state_store_reach(s, root, poseidon, &r, &err), &err);
    return r;
}

static state_store_info info_of(state_store *s)
{
    state_store_info info;
    p_err err = {0};
    test_ok(state_store_stat(s, &info, &err), &err);
    return info;
}

static void corrupt(const char *dir, const char *db, const gl_t hash[4], const void *value,
                    size_t len)
{
    MDB_env *env;
    MDB_txn *txn;
    MDB_dbi dbi;
    MDB_val k = {32, (void *)hash}, v = {len, (void *)value};
    assert_int_equal(mdb_env_create(&env), 0);
    assert_int_equal(mdb_env_set_maxdbs(env, 3), 0);
    assert_int_equal(mdb_env_open(env, dir, MDB_NOTLS, 0600), 0);
    assert_int_equal(mdb_txn_begin(env, NULL, 0, &txn), 0);
    assert_int_equal(mdb_dbi_open(txn, db, 0, &dbi), 0);
    assert_int_equal(value ? mdb_put(txn, dbi, &k, &v, 0) : mdb_del(txn, dbi, &k, NULL), 0);
    assert_int_equal(mdb_txn_commit(txn), 0);
    mdb_env_close(env);
}

/** Three trees, one of which shares a subtree with another; two codes, one of them reached. */
static void test_prune(void **unused)
{
    (void)unused;
    enum { DEPTH = 8 }; /* 256 leaves: 255 + 256 + 256 nodes */
    char dir[64];
    p_err err = {0};
    test_make_dir(dir);
    forest f = {.rng = 1};
    uint8_t bytes[20000];
    memset(bytes, 0x5b, sizeof bytes);
    state_store_code_entry codes[2] = {{.code = bytes, .len = sizeof bytes},
                                       {.code = bytes, .len = 10000}};
    for (unsigned i = 0; i < 2; i++)
        gl_poseidon_hash_bytes(codes[i].hash, bytes, codes[i].len, poseidon->permute);
    gl_t a[4], b[4], c[4], shared[12] = {0}, zero[4] = {0};
    grow_tree(&f, DEPTH, codes[0].hash, a);
    grow_tree(&f, DEPTH, NULL, b);
    memcpy(shared, a, 32); /* c: a on the left, nothing on the right */
    add(&f, shared, c);
    state_store *s = open_store(dir);
    write_all(s, &f, 0);
    test_ok(state_store_write(s, NULL, 0, codes, 2, &err), &err);

    state_reach r = reach(s, a);
    assert_int_equal(r.inner, 255);
    assert_int_equal(r.leaves, 256);
    assert_int_equal(r.values, 256);
    assert_int_equal(r.codes, 1);
    assert_int_equal(r.bytes, 767 * 128 + 32 + 20000);
    assert_int_equal(r.absent, 0);
    assert_int_equal(reach(s, c).inner, 256);
    assert_int_equal(reach(s, b).codes, 0);
    assert_int_equal(reach(s, zero).inner, 0);

    state_prune_result out;
    state_prune_options o = {.keep = (const gl_t(*)[4])zero, .poseidon = poseidon};
    test_expect(state_store_prune(s, &o, &out, &err), &err, P_EINVAL, "no root to keep");
    o.n_keep = 1;
    test_expect(state_store_prune(s, &o, &out, &err), &err, P_EINVAL, "no root to keep");
    gl_t absent[4] = {1, 2, 3, 4}, none[4] = {1, 2, 3, GL_P};
    o.keep = (const gl_t(*)[4])none;
    test_expect(state_store_prune(s, &o, &out, &err), &err, P_EINVAL, "64-bit word 3");
    o.keep = (const gl_t(*)[4])absent;
    test_expect(state_store_prune(s, &o, &out, &err), &err, P_EMISSING,
                "0000000000000004000000000000000300000000000000020000000000000001 is missing; "
                "nothing was removed");
    o.partial = true;
    test_expect(state_store_prune(s, &o, &out, &err), &err, P_EMISSING, "is missing");
    o.partial = false;
    assert_int_equal(info_of(s).nodes, f.n);

    state_store_info before = info_of(s);
    o.keep = (const gl_t(*)[4])a;
    o.dry_run = true;
    test_ok(state_store_prune(s, &o, &out, &err), &err);
    assert_int_equal(out.removed_nodes, 768);
    assert_int_equal(out.removed_codes, 1);
    assert_int_equal(out.removed_bytes, 768 * 128 + 32 + 10000);
    assert_int_equal(out.freed_bytes, 0);
    assert_int_equal(info_of(s).nodes, before.nodes);
    o.dry_run = false;
    test_ok(state_store_prune(s, &o, &out, &err), &err);
    assert_int_equal(out.removed_nodes, 768);
    assert_int_equal(out.removed_codes, 1);
    assert_int_equal(out.removed_bytes, 768 * 128 + 32 + 10000);
    assert_int_equal(out.kept.inner, 255);
    assert_true(out.freed_bytes >= 10000); /* nodes leave half empty pages */
    assert_int_equal(info_of(s).nodes, 767);
    assert_int_equal(info_of(s).codes, 1);
    r = reach(s, a);
    assert_int_equal(r.absent, 0);
    assert_int_equal(r.codes, 1);
    r = reach(s, b);
    assert_int_equal(r.absent, 1);
    assert_memory_equal(r.first, b, 32);
    test_ok(state_store_prune(s, &o, &out, &err), &err); /* again: nothing to do */
    assert_int_equal(out.removed_nodes + out.removed_codes + out.freed_bytes, 0);

    /* two roots */
    write_all(s, &f, 0);
    gl_t both[2][4];
    memcpy(both[0], c, 32);
    memcpy(both[1], b, 32);
    o.keep = (const gl_t(*)[4])both;
    o.n_keep = 2;
    test_ok(state_store_prune(s, &o, &out, &err), &err);
    assert_int_equal(out.removed_nodes, 0);
    assert_int_equal(out.kept.leaves, 512);
    state_store_close(s);
    free(f.nodes);
    test_remove_dir(dir);
}

/** Gaps and damage: refused unless what is there is to be kept. */
static void test_incomplete(void **unused)
{
    (void)unused;
    char dir[64], key[65], text[160];
    p_err err = {0};
    test_make_dir(dir);
    forest f = {.rng = 2};
    gl_t root[4], other[4];
    grow_tree(&f, 6, NULL, root);
    size_t n = f.n;
    grow_tree(&f, 4, NULL, other);
    state_store *s = open_store(dir);
    write_all(s, &f, 0);
    state_prune_result out;
    state_prune_options o = {.keep = (const gl_t(*)[4])root, .n_keep = 1, .poseidon = poseidon};
    /* each kind of node: value, leaf, inner; removed, of another length, with other content, not
     * canonical */
    static const size_t victims[] = {0, 1, 4};
    uint8_t wrong[96];
    memset(wrong, 0xff, sizeof wrong);
    for (size_t i = 0; i < 3; i++) {
        const gl_t *victim = f.nodes[victims[i]];
        test_key_text(key, victim);
        for (unsigned how = 0; how < 4; how++) {
            state_store_close(s);
            uint8_t content[96];
            for (unsigned k = 0; k < 96; k++)
                content[k] = (uint8_t)(victim[4 + k / 8] >> 8 * (k % 8));
            content[0] ^= 1;
            corrupt(dir, "nodes", victim,
                    how == 0   ? NULL
                    : how == 3 ? wrong
                               : content,
                    how == 1 ? 95 : 96);
            s = open_store(dir);
            state_reach r = reach(s, root);
            assert_int_equal(r.absent, 1);
            assert_memory_equal(r.first, victim, 32);
            assert_int_equal(r.first_is_damaged, how > 0);
            snprintf(text, sizeof text, "0x%s is %s; nothing was removed", key,
                     how ? "damaged" : "missing");
            test_expect(state_store_prune(s, &o, &out, &err), &err, how ? P_ECORRUPT : P_EMISSING,
                        text);
            assert_int_equal(info_of(s).nodes, how ? f.n : f.n - 1);
            write_all(s, &f, 0); /* repairs it */
            assert_int_equal(reach(s, root).absent, 0);
        }
    }
    state_store_close(s);
    corrupt(dir, "nodes", f.nodes[1], NULL, 0);
    s = open_store(dir);
    o.partial = true;
    test_ok(state_store_prune(s, &o, &out, &err), &err);
    assert_int_equal(out.kept.absent, 1);
    assert_int_equal(out.removed_nodes, f.n - n + 1); /* and the value of the lost leaf */
    assert_int_equal(info_of(s).nodes, n - 2);
    state_store_close(s);
    free(f.nodes);
    test_remove_dir(dir);
}

/** A chain of inner nodes: the longest legal path, and one more. */
static void test_depth(void **unused)
{
    (void)unused;
    for (unsigned levels = 256; levels <= 257; levels++) {
        char dir[64];
        test_make_dir(dir);
        forest f = {.rng = 3};
        gl_t root[4];
        grow_tree(&f, 0, NULL, root);
        for (unsigned i = 0; i < levels; i++) {
            gl_t node[12] = {0};
            memcpy(node + 4 * (i % 2), root, 32);
            node[4 - 4 * (i % 2)] = 0;
            add(&f, node, root);
        }
        state_store *s = open_store(dir);
        write_all(s, &f, 0);
        state_reach r = reach(s, root);
        assert_int_equal(r.absent, levels == 257);
        assert_int_equal(r.leaves, levels == 256);
        state_store_close(s);
        free(f.nodes);
        test_remove_dir(dir);
    }
}

/** The process dies after some transactions: SIGKILL, as from outside. */
static bool die(void *ctx)
{
    if (--*(int *)ctx == 0)
        kill(getpid(), SIGKILL);
    return false;
}

static bool stop(void *ctx)
{
    return --*(int *)ctx == 0;
}

static void test_killed(void **unused)
{
    (void)unused;
    char dir[64];
    p_err err = {0};
    test_make_dir(dir);
    forest f = {.rng = 4};
    gl_t root[4], waste[4];
    grow_tree(&f, 9, NULL, root);
    size_t n = f.n;
    state_store *s = open_store(dir);
    for (unsigned i = 0; i < 15; i++)
        grow_tree(&f, 10, NULL, waste);
    write_all(s, &f, 0);
    state_store_close(s);
    bool in_the_middle = false, finished = false;
    int batches = 1, first = 1;
    state_prune_options o = {.keep = (const gl_t(*)[4])root,
                             .n_keep = 1,
                             .poseidon = poseidon,
                             .should_stop = die,
                             .should_stop_ctx = &batches};
    for (unsigned round = 0; round < 40 && !finished; round++) {
        pid_t child = fork();
        assert_true(child >= 0);
        if (child == 0) {
            state_prune_result out;
            batches = (int)round % 3 + 1;
            if (round % 4 == 3) { /* at some moment, also within a transaction */
                o.should_stop = NULL;
            }
            if (state_store_open(&s, dir, MAP, &err) != P_OK)
                _exit(2);
            _exit(state_store_prune(s, &o, &out, &err) == P_OK ? 0 : 3);
        }
        int status;
        if (round % 4 == 3) {
            usleep(1000 * (round + 1));
            kill(child, SIGKILL);
        }
        assert_int_equal(waitpid(child, &status, 0), child);
        finished = WIFEXITED(status);
        assert_true(finished ? WEXITSTATUS(status) == 0 : WTERMSIG(status) == SIGKILL);
        s = open_store(dir);
        uint64_t left = info_of(s).nodes;
        assert_int_equal(reach(s, root).absent, 0);
        assert_int_equal(reach(s, root).leaves, 512);
        in_the_middle |= left > n && left < f.n;
        assert_true(!finished || left == n);
        state_store_close(s);
    }
    assert_true(in_the_middle);

    /* asked to stop */
    s = open_store(dir);
    write_all(s, &f, 0);
    state_prune_result out;
    o.should_stop = stop;
    o.should_stop_ctx = &first;
    test_expect(state_store_prune(s, &o, &out, &err), &err, P_ECANCELLED, "stopped");
    assert_true(out.removed_nodes > 0 && out.removed_nodes < f.n - n);
    assert_int_equal(info_of(s).nodes, f.n - out.removed_nodes);
    assert_int_equal(reach(s, root).absent, 0);
    o.should_stop = NULL;
    test_ok(state_store_prune(s, &o, &out, &err), &err);
    assert_int_equal(info_of(s).nodes, n);
    state_store_close(s);
    free(f.nodes);
    test_remove_dir(dir);
}

/** A store at its limit can be pruned, and takes entries again; compacting shortens the file. */
static void test_full_and_compact(void **unused)
{
    (void)unused;
    char dir[64], path[128];
    p_err err = {0};
    test_make_dir(dir);
    forest f = {.rng = 5};
    gl_t root[4], waste[4];
    grow_tree(&f, 9, NULL, root);
    state_store *s;
    test_ok(state_store_open(&s, dir, 2 << 20, &err), &err);
    write_all(s, &f, 0);
    size_t n = f.n, written = n;
    for (;;) { /* to the last page */
        grow_tree(&f, 2, NULL, waste);
        if (state_store_write(s, (const gl_t(*)[16])(f.nodes + written), f.n - written, NULL, 0,
                              &err) != P_OK)
            break;
        written = f.n;
    }
    assert_int_equal(err.status, P_EEXHAUSTED);
    p_err_clear(&err);
    assert_true(written > 2 * n);
    state_prune_result out;
    state_prune_options o = {.keep = (const gl_t(*)[4])root, .n_keep = 1, .poseidon = poseidon};
    test_ok(state_store_prune(s, &o, &out, &err), &err);
    assert_int_equal(info_of(s).nodes, n);
    assert_int_equal(out.removed_nodes, written - n);
    assert_true(out.freed_bytes > (1 << 20) / 2);

    /* not while somebody reads */
    uint64_t before, after;
    state_reader *reader;
    test_ok(state_reader_open(&reader, s, &err), &err);
    test_expect(state_store_compact(s, &before, &after, &err), &err, P_EUNAVAILABLE,
                "while somebody reads it");
    assert_int_equal(before, after);
    state_reader_close(reader);
    snprintf(path, sizeof path, "%s/readers.lock", dir);
    int fd = open(path, O_RDWR | O_CREAT, 0600);
    assert_true(fd >= 0 && flock(fd, LOCK_SH) == 0); /* as another process that looks at it */
    test_expect(state_store_compact(s, &before, &after, &err), &err, P_EUNAVAILABLE,
                "while somebody reads it");
    close(fd);
    snprintf(path, sizeof path, "%s/data.mdb.new", dir);
    assert_int_equal(access(path, F_OK), -1);

    test_ok(state_store_compact(s, &before, &after, &err), &err);
    assert_true(after < before / 2);
    assert_int_equal(info_of(s).bytes_file, after);
    assert_int_equal(info_of(s).bytes_free, 0);
    assert_int_equal(info_of(s).nodes, n);
    assert_int_equal(reach(s, root).absent, 0);
    write_all(s, &f, n + (f.n - n) / 2); /* goes on as before */
    assert_int_equal(reach(s, root).absent, 0);
    state_store_close(s);
    /* what a compaction that was cut off left is removed */
    fd = open(path, O_RDWR | O_CREAT, 0600);
    assert_true(fd >= 0);
    close(fd);
    s = open_store(dir);
    assert_int_equal(access(path, F_OK), -1);
    assert_int_equal(reach(s, root).leaves, 512);
    state_store_close(s);
    free(f.nodes);
    test_remove_dir(dir);
}

/** Looking at a store beside the process that has it. */
static void test_open_read(void **unused)
{
    (void)unused;
    char dir[64], none[80];
    p_err err = {0};
    state_store *s;
    test_make_dir(dir);
    snprintf(none, sizeof none, "%s/none", dir);
    test_expect(state_store_open_read(&s, none, &err), &err, P_EMISSING, "data.mdb");
    assert_null(s);
    assert_int_equal(access(none, F_OK), -1);
    forest f = {.rng = 6};
    gl_t root[4];
    grow_tree(&f, 5, NULL, root);
    int up[2], down[2];
    char byte = 0;
    assert_int_equal(pipe(up) | pipe(down), 0);
    pid_t child = fork();
    if (child == 0) { /* the server */
        if (state_store_open(&s, dir, MAP, &err) != P_OK ||
            state_store_write(s, (const gl_t(*)[16])f.nodes, f.n, NULL, 0, &err) != P_OK ||
            write(up[1], &byte, 1) != 1 || read(down[0], &byte, 1) != 1)
            _exit(1);
        uint64_t before, after; /* the other one looks at it */
        if (state_store_compact(s, &before, &after, &err) != P_EUNAVAILABLE)
            _exit(2);
        _exit(0);
    }
    close(up[1]); /* a child that failed shows as an end of the pipe */
    assert_int_equal(read(up[0], &byte, 1), 1);
    char text[64];
    snprintf(text, sizeof text, "is in use by process %ld;", (long)child);
    test_expect(state_store_open(&s, dir, MAP, &err), &err, P_EUNAVAILABLE, text);
    test_ok(state_store_open_read(&s, dir, &err), &err);
    assert_int_equal(reach(s, root).leaves, 32);
    assert_int_equal(info_of(s).nodes, f.n);
    test_expect(state_store_write(s, NULL, 0, NULL, 0, &err), &err, P_EINTERNAL, "for reading");
    assert_int_equal(write(down[1], &byte, 1), 1);
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    state_store_close(s);
    close(up[0]);
    close(down[0]);
    close(down[1]);
    free(f.nodes);
    test_remove_dir(dir);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_prune),
        cmocka_unit_test(test_incomplete),
        cmocka_unit_test(test_depth),
        cmocka_unit_test(test_killed),
        cmocka_unit_test(test_full_and_compact),
        cmocka_unit_test(test_open_read),
    };
    return cmocka_run_group_tests(tests, choose, NULL);
}
