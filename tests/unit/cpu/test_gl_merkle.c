#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "driver/cpu/kernels.h"
#include "driver/field/gl_poseidon.h"
#include "tests/unit/field/random.h"

#include <stdlib.h>
#include <string.h>

#define MAX_LOG_LEAVES 8
#define MAX_COLUMNS 33

static p_memory memory = {.limit = UINT64_MAX};

/* ---- plain code: one permutation after the other, over rows in the order of the columns ---- */

static void slow_leaf(gl_t out[4], const gl_t *row, uint32_t columns)
{
    gl_t x[GL_POSEIDON_WIDTH] = {0};

    x[8] = 1;
    for (uint32_t c = 0; c < columns; c += 8) {
        for (uint32_t k = 0; k < 8; k++)
            x[k] = c + k < columns ? row[c + k] % GL_P : 0;
        gl_poseidon_permute_portable(x); /* and x[8] .. x[11] stay for the next block */
    }
    memcpy(out, x, 4 * sizeof(gl_t));
}

static void slow_node(gl_t out[4], const gl_t left[4], const gl_t right[4])
{
    gl_t x[GL_POSEIDON_WIDTH] = {0};

    memcpy(x, left, 4 * sizeof(gl_t));
    memcpy(x + 4, right, 4 * sizeof(gl_t));
    gl_poseidon_permute_portable(x);
    memcpy(out, x, 4 * sizeof(gl_t));
}

/* values: a row after the other; tree as cpu_merkle_words describes it */
static void slow_tree(gl_t *tree, const gl_t *values, uint32_t columns, uint32_t log_leaves,
                      uint32_t cap_log2)
{
    for (size_t i = 0; i < (size_t)1 << log_leaves; i++)
        slow_leaf(tree + 4 * i, values + i * columns, columns);
    for (uint32_t log = log_leaves; log > cap_log2; log--) {
        gl_t *next = tree + ((size_t)4 << log);

        for (size_t i = 0; i < (size_t)1 << (log - 1); i++)
            slow_node(next + 4 * i, tree + 8 * i, tree + 8 * i + 4);
        tree = next;
    }
}

/* ---- helpers ---- */

/* edge words (also above p), and random ones */
static uint64_t word(uint64_t *seed)
{
    static const uint64_t edges[] = {0,        1,          GL_P - 1,   GL_P,
                                     GL_P + 1, UINT64_MAX, 0xffffffff, 0x100000000};
    uint64_t r = test_random(seed);

    return r % 4 == 0 ? edges[r / 4 % 8] : test_random(seed);
}

static drv_matrix make_matrix(uint32_t columns, uint32_t log_rows, const gl_t *values)
{
    drv_matrix m = {.columns = columns, .log_rows = log_rows};
    uint64_t words = drv_matrix_words(columns, log_rows), rows = UINT64_C(1) << log_rows;

    m.data = aligned_alloc(64, words * 8);
    assert_non_null(m.data);
    memset(m.data, 0xa5, words * 8); /* what fills up the last block must not matter */
    for (uint64_t r = 0; r < rows; r++)
        for (uint32_t c = 0; c < columns; c++)
            m.data[(c / 8 * rows + r) * 8 + c % 8] = values[r * columns + c];
    return m;
}

/* The tree of m by the kernels, absorbing `step` blocks a call. */
static void fast_tree(const cpu_run *run, const drv_matrix *m, uint32_t cap_log2, uint64_t step,
                      uint64_t *tree, uint64_t *cap)
{
    uint64_t blocks = drv_blocks(m->columns);
    p_err err = {0};

    assert_int_equal(cpu_gl_merkle_begin(run, m->log_rows, tree, &err), P_OK);
    for (uint64_t b = 0; b < blocks; b += step)
        assert_int_equal(
            cpu_gl_merkle_absorb(run, m, b, b + step < blocks ? step : blocks - b, tree, &err),
            P_OK);
    assert_int_equal(cpu_gl_merkle_finish(run, m->log_rows, cap_log2, tree, cap, &err), P_OK);
}

/* ---- tests ---- */

static void every_shape(void **state)
{
    (void)state;
    static const uint32_t columns[] = {1, 7, 8, 9, 16, 24, MAX_COLUMNS};
    static const unsigned threads[] = {1, 2, 3};
    gl_t *values = malloc((MAX_COLUMNS << MAX_LOG_LEAVES) * sizeof(gl_t));
    uint64_t seed = 1;

    assert_non_null(values);
    for (size_t i = 0; i < MAX_COLUMNS << MAX_LOG_LEAVES; i++)
        values[i] = word(&seed);
    for (unsigned t = 0; t < 3; t++) {
        cpu_run run = {.memory = &memory};

        assert_int_equal(p_pool_create(threads[t], &run.pool, NULL), P_OK);
        for (size_t c = 0; c < sizeof(columns) / sizeof(columns[0]); c++)
            for (uint32_t log = 0; log <= MAX_LOG_LEAVES; log++) {
                drv_matrix m = make_matrix(columns[c], log, values);
                uint32_t cap_log2 = (uint32_t)(test_random(&seed) % (log + 1));
                uint64_t words = cpu_merkle_words(DRV_HASH_GL, log, cap_log2);
                uint64_t cap_words = UINT64_C(4) << cap_log2, before;
                uint64_t *expected = malloc(words * 8), *tree = malloc((words + 1) * 8);
                uint64_t *cap = malloc((cap_words + 1) * 8);

                assert_non_null(expected);
                assert_non_null(tree);
                assert_non_null(cap);
                slow_tree(expected, values, columns[c], log, cap_log2);
                before = m.data[drv_matrix_words(columns[c], log) - 1];
                for (p_isa isa = P_ISA_PORTABLE; isa < P_ISA_COUNT; isa++) {
                    if (!p_isa_supported(isa))
                        continue;
                    run.isa = isa;
                    for (uint64_t step = 1; step <= 5; step += 2) {
                        memset(tree, 0x5a, (words + 1) * 8);
                        memset(cap, 0x5a, (cap_words + 1) * 8);
                        fast_tree(&run, &m, cap_log2, step, tree, cap);
                        assert_memory_equal(tree, expected, words * 8);
                        assert_memory_equal(cap, expected + words - cap_words, cap_words * 8);
                        assert_int_equal(tree[words], 0x5a5a5a5a5a5a5a5a);
                        assert_int_equal(cap[cap_words], 0x5a5a5a5a5a5a5a5a);
                    }
                }
                assert_int_equal(m.data[drv_matrix_words(columns[c], log) - 1], before);
                free(cap);
                free(tree);
                free(expected);
                free(m.data);
            }
        p_pool_destroy(run.pool);
    }
    for (p_isa isa = P_ISA_PORTABLE; isa < P_ISA_COUNT; isa++)
        print_message("%s: %s\n", p_isa_name(isa), p_isa_supported(isa) ? "run" : "skipped");
    free(values);
}

/* Many items: every instruction set and thread count gives the same bits as one thread of plain C.
 */
static void many_rows(void **state)
{
    (void)state;
    enum { LOG = 12, COLUMNS = 19, CAP = 3 };
    gl_t *values = malloc((COLUMNS << LOG) * sizeof(gl_t));
    uint64_t words = cpu_merkle_words(DRV_HASH_GL, LOG, CAP), seed = 2;
    uint64_t *expected = malloc(words * 8), *tree = malloc(words * 8), cap[4 << CAP];
    drv_matrix m;

    assert_true(values && expected && tree);
    for (size_t i = 0; i < COLUMNS << LOG; i++)
        values[i] = word(&seed);
    m = make_matrix(COLUMNS, LOG, values);
    slow_tree(expected, values, COLUMNS, LOG, CAP);
    for (unsigned threads = 1; threads <= 4; threads++) {
        cpu_run run = {.memory = &memory};

        assert_int_equal(p_pool_create(threads, &run.pool, NULL), P_OK);
        for (p_isa isa = P_ISA_PORTABLE; isa < P_ISA_COUNT; isa++) {
            if (!p_isa_supported(isa))
                continue;
            run.isa = isa;
            fast_tree(&run, &m, CAP, 2, tree, cap);
            assert_memory_equal(tree, expected, words * 8);
            assert_memory_equal(cap, expected + words - (4 << CAP), sizeof(cap));
        }
        p_pool_destroy(run.pool);
    }
    free(m.data);
    free(tree);
    free(expected);
    free(values);
}

/* Every path of both hashes' trees: what it holds are the other children, in order. */
static void paths(void **state)
{
    (void)state;
    static const struct {
        drv_hash hash;
        unsigned step;
        uint32_t max;
    } kind[2] = {{DRV_HASH_GL, 1, 6}, {DRV_HASH_BN254, 4, 9}};

    for (int h = 0; h < 2; h++)
        for (uint32_t log = 0; log <= kind[h].max; log++)
            for (uint32_t cap = log % kind[h].step; cap <= log; cap += kind[h].step) {
                uint64_t words = cpu_merkle_words(kind[h].hash, log, cap), sum = 0;
                uint64_t *tree = malloc(words * 8);
                size_t levels = (log - cap) / kind[h].step, arity = (size_t)1 << kind[h].step;
                uint64_t *path = malloc((levels * (arity - 1) * 4 + 1) * 8);

                assert_true(tree && path);
                for (uint32_t l = 0; l <= levels; l++)
                    sum += UINT64_C(4) << (log - l * kind[h].step);
                assert_int_equal(words, sum);
                for (uint64_t i = 0; i < words; i++)
                    tree[i] = i; /* word 0 of digest d of the whole array: 4 d */
                for (uint64_t leaf = 0; leaf < UINT64_C(1) << log; leaf++) {
                    uint64_t start = 0, *p = path;

                    memset(path, 0xa5, (levels * (arity - 1) * 4 + 1) * 8);
                    cpu_merkle_path(kind[h].hash, tree, log, cap, leaf, path);
                    for (size_t l = 0; l < levels; l++) {
                        uint64_t at = leaf >> (l * kind[h].step);

                        for (uint64_t k = 0; k < arity; k++)
                            if (k != at % arity)
                                for (uint64_t w = 0; w < 4; w++)
                                    assert_int_equal(*p++,
                                                     4 * (start + at / arity * arity + k) + w);
                        start += UINT64_C(1) << (log - l * kind[h].step);
                    }
                    assert_int_equal(*p, 0xa5a5a5a5a5a5a5a5);
                }
                free(path);
                free(tree);
            }
}

/* A path leads from its leaf to the cap. */
static void path_verifies(void **state)
{
    (void)state;
    enum { LOG = 5, COLUMNS = 11, CAP = 2 };
    gl_t values[COLUMNS << LOG];
    uint64_t seed = 3, tree[4 << (LOG + 1)], cap[4 << CAP], path[4 * (LOG - CAP)];
    cpu_run run = {.memory = &memory, .isa = p_isa_best()};
    drv_matrix m;

    for (size_t i = 0; i < COLUMNS << LOG; i++)
        values[i] = word(&seed);
    m = make_matrix(COLUMNS, LOG, values);
    assert_int_equal(p_pool_create(1, &run.pool, NULL), P_OK);
    fast_tree(&run, &m, CAP, 2, tree, cap);
    for (size_t leaf = 0; leaf < 1 << LOG; leaf++) {
        gl_t d[4];

        slow_leaf(d, values + leaf * COLUMNS, COLUMNS);
        cpu_merkle_path(DRV_HASH_GL, tree, LOG, CAP, leaf, path);
        for (size_t l = 0; l < LOG - CAP; l++) {
            if (leaf >> l & 1)
                slow_node(d, path + 4 * l, d);
            else
                slow_node(d, d, path + 4 * l);
        }
        assert_memory_equal(d, cap + 4 * (leaf >> (LOG - CAP)), sizeof(d));
    }
    p_pool_destroy(run.pool);
    free(m.data);
}

static void cancelled(void **state)
{
    (void)state;
    p_cancel cancel = P_CANCEL_INIT;
    cpu_run run = {.memory = &memory, .isa = p_isa_best(), .cancel = &cancel};
    gl_t values[8 << 4] = {0};
    uint64_t tree[4 << 5], cap[4];
    drv_matrix m = make_matrix(8, 4, values);
    p_err err = {0};

    assert_int_equal(p_pool_create(2, &run.pool, NULL), P_OK);
    p_cancel_request(&cancel);
    assert_int_equal(cpu_gl_merkle_begin(&run, 4, tree, &err), P_ECANCELLED);
    assert_int_equal(err.status, P_ECANCELLED);
    assert_int_equal(cpu_gl_merkle_absorb(&run, &m, 0, 1, tree, &err), P_ECANCELLED);
    assert_int_equal(cpu_gl_merkle_finish(&run, 4, 0, tree, cap, NULL), P_ECANCELLED);
    p_pool_destroy(run.pool);
    free(m.data);
}

static void permutations(void **state)
{
    (void)state;
    enum { COUNT = 9001 }; /* three items, the last one odd */
    gl_t *in = malloc(COUNT * 12 * 8), *expected = malloc(COUNT * 12 * 8);
    uint64_t *out = aligned_alloc(64, (COUNT * 12 * 8 + 63) / 64 * 64);
    static const uint64_t counts[] = {1, 2, 7, 8, 9, 17, COUNT};
    uint64_t seed = 4;
    p_err err = {0};

    assert_true(in && expected && out);
    for (size_t i = 0; i < COUNT * 12; i++)
        expected[i] = (in[i] = word(&seed)) % GL_P;
    for (size_t i = 0; i < COUNT; i++)
        gl_poseidon_permute_portable(expected + i * 12);
    for (unsigned threads = 1; threads <= 3; threads++) {
        cpu_run run = {.memory = &memory};

        assert_int_equal(p_pool_create(threads, &run.pool, NULL), P_OK);
        for (p_isa isa = P_ISA_PORTABLE; isa < P_ISA_COUNT; isa++) {
            if (!p_isa_supported(isa))
                continue;
            run.isa = isa;
            for (size_t k = 0; k < sizeof(counts) / sizeof(counts[0]); k++) {
                drv_poseidon_job job = {
                    .field = DRV_GOLDILOCKS, .width = 12, .count = counts[k], .states = out};

                memcpy(out, in, COUNT * 12 * 8);
                assert_int_equal(cpu_poseidon(&run, &job, &err), P_OK);
                assert_memory_equal(out, expected, counts[k] * 12 * 8);
                assert_memory_equal(out + counts[k] * 12, in + counts[k] * 12,
                                    (COUNT - counts[k]) * 12 * 8);
            }
        }
        p_pool_destroy(run.pool);
    }
    free(out);
    free(expected);
    free(in);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_shape), cmocka_unit_test(many_rows),
        cmocka_unit_test(paths),       cmocka_unit_test(path_verifies),
        cmocka_unit_test(cancelled),   cmocka_unit_test(permutations),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
