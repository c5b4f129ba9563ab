/* Trees and batches over Poseidon-BN254 against plain code: one leaf and one node at a time with
 * the portable permutation, which tests/unit/field compares with the textbook. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "driver/cpu/bn_poseidon_set.h"
#include "driver/cpu/kernels.h"
#include "tests/unit/field/random.h"

#include <stdlib.h>
#include <string.h>

#define GL_P UINT64_C(0xffffffff00000001)

static cpu_bn_poseidon_set set;
static p_memory memory = {.limit = UINT64_MAX};
static p_pool *pools[2];

static int set_up(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 2; i++)
        if (p_pool_create(1 + 2 * i, &pools[i], NULL) != P_OK)
            return -1;
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 2; i++)
        p_pool_destroy(pools[i]);
    cpu_bn_poseidon_clear(&set);
    return 0;
}

static cpu_run run_with(p_isa isa, unsigned pool)
{
    return (cpu_run){.pool = pools[pool], .memory = &memory, .isa = isa, .bn_poseidon = &set};
}

/* The hash of k <= 16 elements. */
static void plain_hash(uint64_t out[4], const uint64_t initial[4], const uint64_t *in, unsigned k)
{
    uint64_t state[17 * 4];
    const bn_poseidon *p;

    assert_int_equal(cpu_bn_poseidon_get(&set, k + 1, &p, NULL), P_OK);
    memcpy(state, initial, 32);
    memcpy(state + 4, in, 32 * k);
    bn_poseidon_select(P_ISA_PORTABLE)->permute(p, BN_CANONICAL, state, 1);
    memcpy(out, state, 32);
}

static void plain_leaf(uint64_t out[4], const uint64_t *row, uint32_t columns)
{
    uint64_t chain[4] = {1, 0, 0, 0}, chunk[16 * 4];
    unsigned k = 0;

    for (uint32_t c = 0; c < columns; c += 3) {
        memset(chunk + 4 * k, 0, 32);
        for (uint32_t j = 0; j < 3 && c + j < columns; j++)
            chunk[4 * k + j] = row[c + j] >= GL_P ? row[c + j] - GL_P : row[c + j];
        if (++k == 16 || c + 3 >= columns) {
            plain_hash(chain, chain, chunk, k);
            k = 0;
        }
    }
    memcpy(out, chain, 32);
}

typedef struct shape {
    uint32_t columns, log_rows, cap_log2;
} shape;

static uint64_t *aligned(uint64_t words)
{
    uint64_t *p = aligned_alloc(64, (words * 8 + 63) / 64 * 64);

    assert_non_null(p);
    return p;
}

/* Random words, one in four of them an edge; filling columns have rubbish. */
static drv_matrix make_matrix(const shape *s, uint64_t *seed)
{
    static const uint64_t EDGES[] = {0, 1, GL_P - 1, GL_P, GL_P + 1, UINT64_MAX, UINT32_MAX};
    drv_matrix m = {.columns = s->columns, .log_rows = s->log_rows};
    uint64_t words = drv_matrix_words(s->columns, s->log_rows);

    m.data = aligned(words);
    for (uint64_t i = 0; i < words; i++) {
        uint64_t r = test_random(seed);

        m.data[i] = r % 4 ? r : EDGES[(r >> 8) % 7];
    }
    return m;
}

static uint64_t element(const drv_matrix *m, uint64_t row, uint32_t column)
{
    return m->data[((column / 8) * (UINT64_C(1) << m->log_rows) + row) * 8 + column % 8];
}

static void plain_tree(uint64_t *tree, const drv_matrix *m, uint32_t cap_log2)
{
    const uint64_t zero[4] = {0};
    uint64_t *row = aligned(m->columns);

    for (uint64_t i = 0; i < UINT64_C(1) << m->log_rows; i++) {
        for (uint32_t c = 0; c < m->columns; c++)
            row[c] = element(m, i, c);
        plain_leaf(tree + 4 * i, row, m->columns);
    }
    for (uint32_t log = m->log_rows; log > cap_log2; log -= 4) {
        uint64_t *up = tree + (UINT64_C(4) << log);

        for (uint64_t i = 0; i < UINT64_C(1) << (log - 4); i++)
            plain_hash(up + 4 * i, zero, tree + 64 * i, 16);
        tree = up;
    }
    free(row);
}

/* A path and its leaf lead to the cap. */
static void check_path(const uint64_t *tree, const uint64_t *cap, const shape *s, uint64_t leaf)
{
    const uint64_t zero[4] = {0};
    uint64_t path[2 * 15 * 4], digest[4], *at = path, index = leaf;

    assert_true(s->log_rows - s->cap_log2 <= 8);
    cpu_merkle_path(DRV_HASH_BN254, tree, s->log_rows, s->cap_log2, leaf, path);
    memcpy(digest, tree + 4 * leaf, 32);
    for (uint32_t log = s->log_rows; log > s->cap_log2; log -= 4) {
        uint64_t children[16 * 4], own = index % 16;

        memcpy(children, at, 32 * own);
        memcpy(children + 4 * own, digest, 32);
        memcpy(children + 4 * own + 4, at + 4 * own, 32 * (15 - own));
        plain_hash(digest, zero, children, 16);
        at += 15 * 4;
        index /= 16;
    }
    assert_memory_equal(digest, cap + 4 * index, 32);
}

static void check_shape(const shape *s, uint64_t *seed)
{
    drv_matrix m = make_matrix(s, seed);
    uint64_t words = cpu_merkle_words(DRV_HASH_BN254, s->log_rows, s->cap_log2);
    uint64_t cap_words = UINT64_C(4) << s->cap_log2, guard = UINT64_C(0x1234567887654321);
    uint64_t *expected = aligned(words), *tree = aligned(words + 1), *cap = aligned(cap_words + 1);

    plain_tree(expected, &m, s->cap_log2);
    for (p_isa isa = P_ISA_PORTABLE; isa < P_ISA_COUNT; isa++)
        for (unsigned pool = 0; pool < 2 && p_isa_supported(isa); pool++) {
            cpu_run run = run_with(isa, pool);

            memset(tree, 0xa5, words * 8);
            memset(cap, 0xa5, cap_words * 8);
            tree[words] = cap[cap_words] = guard;
            assert_int_equal(cpu_bn_merkle(&run, &m, s->cap_log2, tree, cap, NULL), P_OK);
            assert_memory_equal(tree, expected, words * 8);
            assert_memory_equal(cap, expected + words - cap_words, cap_words * 8);
            assert_true(tree[words] == guard && cap[cap_words] == guard);
        }
    for (unsigned i = 0; i < 4; i++)
        check_path(tree, cap, s, test_random(seed) % (UINT64_C(1) << s->log_rows));
    free(m.data);
    free(expected);
    free(tree);
    free(cap);
}

static void test_shapes(void **state)
{
    static const shape SHAPES[] = {
        {1, 0, 0},  {100, 0, 0}, {1, 4, 0},  {2, 4, 4},  {3, 5, 1},  {4, 3, 3},
        {47, 4, 0}, {48, 4, 0},  {49, 4, 0}, {96, 2, 2}, {97, 3, 3}, {143, 5, 1},
        {5, 8, 0},  {50, 7, 3},  {8, 1, 1},  {9, 6, 2},  {4, 9, 5},
    };
    uint64_t seed = 1;

    (void)state;
    for (size_t i = 0; i < sizeof(SHAPES) / sizeof(SHAPES[0]); i++)
        check_shape(&SHAPES[i], &seed);
}

/* A leaf that differs in one column only, whichever it is, has another digest, and columns that are
 * not there count as zeros. */
static void test_every_column(void **state)
{
    shape s = {49, 0, 0};
    uint64_t seed = 2, base[4], changed[4], cap[4];
    drv_matrix m = make_matrix(&s, &seed), wider;
    cpu_run run = run_with(p_isa_best(), 0);

    (void)state;
    assert_int_equal(cpu_bn_merkle(&run, &m, 0, base, cap, NULL), P_OK);
    for (uint32_t c = 0; c < s.columns; c++) {
        m.data[c / 8 * 8 + c % 8] ^= 1;
        assert_int_equal(cpu_bn_merkle(&run, &m, 0, changed, cap, NULL), P_OK);
        assert_memory_not_equal(base, changed, 32);
        m.data[c / 8 * 8 + c % 8] ^= 1;
    }
    wider = m; /* 51 columns are as many elements, and the two more are zeros */
    wider.columns = 51;
    wider.data[49] = wider.data[50] = 0;
    assert_int_equal(cpu_bn_merkle(&run, &wider, 0, changed, cap, NULL), P_OK);
    assert_memory_equal(base, changed, 32);
    free(m.data);
}

static void test_cancel(void **state)
{
    shape s = {3, 4, 0};
    uint64_t seed = 3, tree[17 * 4], cap[4], states[3 * 4] = {0};
    drv_matrix m = make_matrix(&s, &seed);
    p_cancel cancel = P_CANCEL_INIT;
    cpu_run run = run_with(p_isa_best(), 0);
    drv_poseidon_job job = {.field = DRV_BN254_FR, .width = 3, .count = 1, .states = states};
    p_err err = {0};

    (void)state;
    p_cancel_request(&cancel);
    run.cancel = &cancel;
    assert_int_equal(cpu_bn_merkle(&run, &m, 0, tree, cap, &err), P_ECANCELLED);
    assert_true(err.text[0] != '\0');
    assert_int_equal(cpu_poseidon(&run, &job, NULL), P_ECANCELLED);
    free(m.data);
}

static void test_batch(void **state)
{
    static const uint64_t COUNTS[] = {1, 7, 8, 9, 63, 64, 65, 130};
    static const uint32_t WIDTHS[] = {2, 3, 9, 17};
    uint64_t seed = 4;

    (void)state;
    for (size_t k = 0; k < sizeof(COUNTS) / sizeof(COUNTS[0]); k++)
        for (size_t w = 0; w < sizeof(WIDTHS) / sizeof(WIDTHS[0]); w++) {
            drv_poseidon_job job = {.field = DRV_BN254_FR,
                                    .width = WIDTHS[w],
                                    .form = k % 2 ? DRV_MONTGOMERY : DRV_CANONICAL,
                                    .count = COUNTS[k]};
            uint64_t words = job.count * job.width * 4;
            uint64_t *in = aligned(words), *expected = aligned(words), *got = aligned(words + 1);
            const bn_poseidon *p;

            for (uint64_t i = 0; i < words; i++)
                in[i] = test_random(&seed) >> (i % 4 == 3 ? 3 : 0);
            memcpy(expected, in, words * 8);
            assert_int_equal(cpu_bn_poseidon_get(&set, job.width, &p, NULL), P_OK);
            for (uint64_t i = 0; i < job.count; i++)
                bn_poseidon_select(P_ISA_PORTABLE)
                    ->permute(p, k % 2 ? BN_MONTGOMERY : BN_CANONICAL, expected + i * job.width * 4,
                              1);
            for (p_isa isa = P_ISA_PORTABLE; isa < P_ISA_COUNT; isa++)
                for (unsigned pool = 0; pool < 2 && p_isa_supported(isa); pool++) {
                    cpu_run run = run_with(isa, pool);

                    memcpy(got, in, words * 8);
                    got[words] = 42;
                    job.states = got;
                    assert_int_equal(cpu_poseidon(&run, &job, NULL), P_OK);
                    assert_memory_equal(got, expected, words * 8);
                    assert_int_equal(got[words], 42);
                }
            free(in);
            free(expected);
            free(got);
        }
}

/* Threads that ask for one width at once get the same constants. */
typedef struct asking {
    cpu_bn_poseidon_set *set;
    const bn_poseidon *got[32];
} asking;

static p_status ask(void *arg, size_t item, unsigned worker)
{
    asking *a = arg;

    (void)worker;
    return cpu_bn_poseidon_get(a->set, 2 + item % 3, &a->got[item], NULL);
}

static void test_set(void **state)
{
    cpu_bn_poseidon_set fresh = {.width = {NULL}};
    asking a = {.set = &fresh};
    const bn_poseidon *p;

    (void)state;
    assert_int_equal(p_pool_run(pools[1], 32, ask, &a, NULL), P_OK);
    for (size_t i = 3; i < 32; i++)
        assert_ptr_equal(a.got[i], a.got[i % 3]);
    assert_int_equal(cpu_bn_poseidon_get(&fresh, 1, &p, NULL), P_EINVAL);
    assert_null(p);
    assert_int_equal(cpu_bn_poseidon_get(&fresh, 18, &p, NULL), P_EINVAL);
    cpu_bn_poseidon_clear(&fresh);
    cpu_bn_poseidon_clear(&fresh);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_shapes), cmocka_unit_test(test_every_column),
        cmocka_unit_test(test_cancel), cmocka_unit_test(test_batch),
        cmocka_unit_test(test_set),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
