/* row_gather, gl_lde and gl_merkle on the first OpenCL device against driver/field. */
#include "tests/unit/opencl/ocl_test.h"

#include "driver/field/gl_poseidon.h"
#include "driver/field/goldilocks.h"

static ocl_found found;

static int set_up(void **state)
{
    p_err err = {P_OK, ""};
    ocl_card *card;

    if (ocl_card_create(&found, NULL, NULL, &card, &err) != P_OK) {
        print_error("%s\n", err.text);
        return -1;
    }
    *state = card;
    return 0;
}

static int tear_down(void **state)
{
    OCL_CARD_OPS.close(*state);
    return 0;
}

/* ---- row_gather ---- */

static void test_gather(void **state)
{
    ocl_card *card = *state;
    test_buffer src, index, dst;
    uint64_t seed = 1, count = 301, src_row = 7, index_row = 3, dst_row = 11;

    test_create(card, &src, 100, &seed);
    test_create(card, &index, index_row + (count + 7) / 8, &seed);
    test_create(card, &dst, dst_row + count + 5, &seed);
    for (uint64_t i = 0; i < count; i++) {
        uint64_t from = test_random(&seed) % (src.rows - src_row);

        index.want[index_row + i / 8].w[i % 8] = from;
        dst.want[dst_row + i] = src.want[src_row + from];
    }
    /* beyond the source: zeros, whatever the number */
    static const uint64_t BEYOND[] = {93, 94, 1 << 20, UINT64_MAX, UINT64_MAX - 6};
    for (uint64_t i = 0; i < sizeof BEYOND / sizeof BEYOND[0]; i++) {
        index.want[index_row].w[i] = BEYOND[i];
        memset(&dst.want[dst_row + i], 0, sizeof(hls_row));
    }
    test_write(card, &index);
    TEST_RUN(card, CARD_row_gather, TEST_ROWS(src), TEST_ROWS(index), TEST_ROWS(dst),
             TEST_NUMBER(count), TEST_NUMBER(src_row), TEST_NUMBER(index_row),
             TEST_NUMBER(dst_row));
    test_expect(card, &dst, "gathered");
    TEST_REFUSED(card, CARD_row_gather, TEST_ROWS(src), TEST_ROWS(index), TEST_ROWS(dst),
                 TEST_NUMBER(count + 6), TEST_NUMBER(src_row), TEST_NUMBER(index_row),
                 TEST_NUMBER(dst_row));
    TEST_REFUSED(card, CARD_row_gather, TEST_ROWS(src), TEST_ROWS(index), TEST_ROWS(dst),
                 TEST_NUMBER(count), TEST_NUMBER(101), TEST_NUMBER(index_row),
                 TEST_NUMBER(dst_row));
    TEST_REFUSED(card, CARD_row_gather, TEST_ROWS(src), TEST_ROWS(index), TEST_ROWS(dst),
                 TEST_NUMBER(count), TEST_NUMBER(0), TEST_NUMBER(UINT64_MAX), TEST_NUMBER(0));
    test_destroy(card, &src);
    test_destroy(card, &index);
    test_destroy(card, &dst);
}

/* ---- gl_lde ---- */

/* sum of a[j] z^j of one column */
static gl_t horner(const hls_row *a, uint64_t rows, unsigned lane, gl_t z)
{
    gl_t r = 0;

    for (uint64_t j = rows; j-- > 0;)
        r = gl_add(gl_mul(r, z), gl_from_u64(a[j].w[lane]));
    return r;
}

static gl_t root(uint32_t log_n)
{
    return gl_pow_var(7, (GL_P - 1) >> log_n);
}

/* Rows to look at: all of a small transform, some of a large one. */
static uint64_t next_row(uint64_t row, uint64_t rows, uint64_t *seed)
{
    return rows <= 256 || row < 2 ? row + 1 : row + 1 + test_random(seed) % (rows / 16);
}

static void transform(ocl_card *card, uint32_t mode, uint32_t log_in, uint32_t log_out,
                      bool in_place, gl_t s, uint64_t *seed)
{
    uint64_t in_rows = (uint64_t)1 << log_in, out_rows = (uint64_t)1 << log_out;
    uint64_t src_row = in_rows, dst_row = in_place ? src_row : 2 * out_rows, tmp_row = out_rows;
    test_buffer src, tmp, dst;
    hls_row *coefficients = malloc((size_t)in_rows * sizeof(hls_row)), *got;
    char what[96];

    snprintf(what, sizeof what, "mode %u, 2^%u to 2^%u rows%s", mode, log_in, log_out,
             in_place ? ", in place" : "");
    assert_non_null(coefficients);
    test_create(card, &src, 2 * in_rows + (in_place ? in_rows : 0), seed);
    test_create(card, &tmp, 3 * out_rows, seed);
    test_create(card, &dst, 3 * out_rows, seed);
    memcpy(coefficients, src.want + src_row, (size_t)in_rows * sizeof(hls_row));
    if (mode == HLS_EXTEND) {
        /* the coefficients' values go in */
        for (uint64_t k = 0; k < in_rows; k++)
            for (unsigned lane = 0; lane < 8; lane++)
                src.want[src_row + k].w[lane] =
                    horner(coefficients, in_rows, lane, gl_pow_var(root(log_in), k));
        test_write(card, &src);
    }
    TEST_RUN(card, CARD_gl_lde, TEST_ROWS(src), TEST_ROWS(tmp),
             in_place ? TEST_ROWS(src) : TEST_ROWS(dst), TEST_NUMBER(mode), TEST_NUMBER(log_in),
             TEST_NUMBER(log_out), TEST_NUMBER(src_row), TEST_NUMBER(tmp_row), TEST_NUMBER(dst_row),
             TEST_NUMBER(s));
    test_buffer *out = in_place ? &src : &dst;
    got = test_read(card, out);
    for (uint64_t k = 0; k < out_rows; k = next_row(k, out_rows, seed)) {
        gl_t w = gl_pow_var(root(log_out), k);

        for (unsigned lane = 0; lane < 8; lane++) {
            gl_t want;

            if (mode == HLS_INVERSE)
                want = gl_mul(gl_mul(horner(coefficients, in_rows, lane, gl_inv(w)),
                                     gl_inv(gl_from_u64(in_rows))),
                              gl_pow_var(gl_from_u64(s), k));
            else
                want = horner(coefficients, in_rows, lane, gl_mul(gl_from_u64(s), w));
            if (got[dst_row + k].w[lane] != want)
                fail_msg("%s: row %llu lane %u is %016llx, expected %016llx", what,
                         (unsigned long long)k, lane, (unsigned long long)got[dst_row + k].w[lane],
                         (unsigned long long)want);
        }
    }
    /* nothing else was written */
    for (uint64_t k = 0; k < out_rows; k++)
        for (unsigned lane = 0; lane < 8; lane++)
            assert_true(gl_is_canonical(got[dst_row + k].w[lane]));
    memcpy(out->want + dst_row, got + dst_row, (size_t)out_rows * sizeof(hls_row));
    free(got);
    test_expect(card, &src, "src");
    test_expect(card, &dst, "dst");
    got = test_read(card, &tmp);
    memcpy(tmp.want + tmp_row, got + tmp_row, (size_t)out_rows * sizeof(hls_row));
    free(got);
    test_expect(card, &tmp, "tmp");
    free(coefficients);
    test_destroy(card, &src);
    test_destroy(card, &tmp);
    test_destroy(card, &dst);
}

static void test_transforms(void **state)
{
    static const uint32_t LOGS[] = {0, 1, 2, 3, 5, 6, 7, 8, 12, 13, 19};
    uint64_t seed = 2;

    for (size_t i = 0; i < sizeof LOGS / sizeof LOGS[0]; i++) {
        uint32_t n = LOGS[i];

        if (n > 13 && hls_test_cases(100) < 100)
            continue;
        transform(*state, HLS_FORWARD, n, n, i % 2, n % 3 ? 7 : 1, &seed);
        transform(*state, HLS_INVERSE, n, n, i % 2, n % 3 ? 7 : 1, &seed);
        if (n <= 13) {
            transform(*state, HLS_FORWARD, n, n, !(i % 2), UINT64_MAX, &seed);
            transform(*state, HLS_INVERSE, n, n, !(i % 2), UINT64_MAX, &seed);
        }
    }
}

static void test_extensions(void **state)
{
    static const uint32_t LOGS[][2] = {{0, 0}, {0, 1}, {0, 8}, {1, 1}, {1, 9},  {3, 4},
                                       {5, 7}, {6, 6}, {6, 7}, {7, 9}, {7, 13}, {4, 12}};
    uint64_t seed = 3;

    for (size_t i = 0; i < sizeof LOGS / sizeof LOGS[0]; i++) {
        bool square = LOGS[i][0] == LOGS[i][1];

        transform(*state, HLS_EXTEND, LOGS[i][0], LOGS[i][1], square && i % 2, 7, &seed);
        transform(*state, HLS_EXTEND_COEFFICIENTS, LOGS[i][0], LOGS[i][1], square, GL_P - 2, &seed);
    }
    transform(*state, HLS_EXTEND_COEFFICIENTS, 13, 14, false, 7, &seed);
    transform(*state, HLS_EXTEND, 7, 7, true, 1, &seed);
}

static void test_bad_transforms(void **state)
{
    ocl_card *card = *state;
    test_buffer a, b;
    uint64_t seed = 4;

    test_create(card, &a, 64, &seed);
    test_create(card, &b, 64, &seed);
    static const uint64_t BAD[][6] = {
        /* mode, log_in, log_out, src, tmp, dst */
        {4, 3, 3, 0, 0, 16},
        {HLS_FORWARD, 3, 4, 0, 0, 16},
        {HLS_EXTEND, 4, 3, 0, 0, 16},
        {HLS_EXTEND, 25, 25, 0, 0, 16},
        {HLS_EXTEND, 3, UINT32_MAX, 0, 0, 16},
        {HLS_FORWARD, 3, 3, 57, 0, 16},
        {HLS_FORWARD, 3, 3, 0, 57, 16},
        {HLS_FORWARD, 3, 3, 0, 0, 57},
        {HLS_FORWARD, 3, 3, 0, 0, UINT64_MAX},
        {HLS_FORWARD, 3, 3, 0, 0, 4},  /* overlap */
        {HLS_EXTEND, 3, 4, 16, 0, 16}, /* in place needs one size */
    };
    for (size_t i = 0; i < sizeof BAD / sizeof BAD[0]; i++)
        TEST_REFUSED(card, CARD_gl_lde, TEST_ROWS(a), TEST_ROWS(b), TEST_ROWS(a),
                     TEST_NUMBER(BAD[i][0]), TEST_NUMBER(BAD[i][1]), TEST_NUMBER(BAD[i][2]),
                     TEST_NUMBER(BAD[i][3]), TEST_NUMBER(BAD[i][4]), TEST_NUMBER(BAD[i][5]),
                     TEST_NUMBER(7));
    TEST_REFUSED(card, CARD_gl_lde, TEST_ROWS(a), TEST_ROWS(b), TEST_ROWS(a));
    TEST_REFUSED(card, CARD_gl_lde, TEST_NUMBER(1), TEST_ROWS(b), TEST_ROWS(a), TEST_NUMBER(0),
                 TEST_NUMBER(0), TEST_NUMBER(0), TEST_NUMBER(0), TEST_NUMBER(0), TEST_NUMBER(1),
                 TEST_NUMBER(0));
    test_expect(card, &a, "after refusals");
    test_destroy(card, &a);
    test_destroy(card, &b);
}

/* ---- gl_merkle ---- */

static uint64_t level_rows(uint64_t count)
{
    return (count + 1) / 2;
}

static void tree(ocl_card *card, uint32_t log_leaves, uint32_t blocks, uint32_t levels,
                 uint64_t *seed)
{
    uint64_t count = (uint64_t)1 << log_leaves, src_row = 3, tree_row = 5, rows = 0;
    test_buffer src, tree;
    gl_t *states = calloc(count, 12 * sizeof(gl_t));

    assert_non_null(states);
    for (uint32_t l = 0; l <= log_leaves; l++)
        rows += level_rows(count >> l);
    test_create(card, &src, src_row + blocks * count, seed);
    test_create(card, &tree, tree_row + rows + 3, seed);
    for (uint64_t i = 0; i < count; i++)
        states[12 * i + 8] = 1;
    for (uint32_t b = 0; b < blocks; b++) {
        TEST_RUN(card, CARD_gl_merkle, TEST_ROWS(src), TEST_ROWS(tree), TEST_NUMBER(HLS_ABSORB),
                 TEST_NUMBER((b == 0 ? HLS_FIRST : 0) | (b + 1 == blocks ? HLS_LAST : 0)),
                 TEST_NUMBER(log_leaves), TEST_NUMBER(0), TEST_NUMBER(src_row + b * count),
                 TEST_NUMBER(tree_row));
        for (uint64_t i = 0; i < count; i++) {
            gl_t *state = &states[12 * i];

            for (unsigned k = 0; k < 8; k++)
                state[k] = gl_from_u64(src.want[src_row + b * count + i].w[k]);
            gl_poseidon_permute_portable(state);
            memcpy(&tree.want[tree_row + i / 2].w[i % 2 * 4], b + 1 == blocks ? state : state + 8,
                   32);
        }
        if (count == 1)
            memset(&tree.want[tree_row].w[4], 0, 32);
        test_expect(card, &tree, "absorbed");
    }
    TEST_RUN(card, CARD_gl_merkle, TEST_ROWS(src), TEST_ROWS(tree), TEST_NUMBER(HLS_NODES),
             TEST_NUMBER(0), TEST_NUMBER(log_leaves), TEST_NUMBER(levels), TEST_NUMBER(0),
             TEST_NUMBER(tree_row));
    uint64_t from = tree_row;
    for (uint32_t l = 1; l <= levels; l++) {
        uint64_t to = from + level_rows(count >> (l - 1));

        for (uint64_t i = 0; i < count >> l; i++) {
            gl_t state[12] = {0};

            memcpy(state, tree.want[from + i].w, 64);
            gl_poseidon_permute_portable(state);
            memcpy(&tree.want[to + i / 2].w[i % 2 * 4], state, 32);
        }
        if (count >> l == 1)
            memset(&tree.want[to].w[4], 0, 32);
        from = to;
    }
    test_expect(card, &tree, "nodes");
    TEST_REFUSED(card, CARD_gl_merkle, TEST_ROWS(src), TEST_ROWS(tree), TEST_NUMBER(HLS_NODES),
                 TEST_NUMBER(0), TEST_NUMBER(log_leaves), TEST_NUMBER(log_leaves), TEST_NUMBER(0),
                 TEST_NUMBER(tree_row + 4));
    TEST_REFUSED(card, CARD_gl_merkle, TEST_ROWS(src), TEST_ROWS(tree), TEST_NUMBER(HLS_ABSORB),
                 TEST_NUMBER(HLS_FIRST), TEST_NUMBER(log_leaves), TEST_NUMBER(0),
                 TEST_NUMBER(src.rows), TEST_NUMBER(tree_row));
    free(states);
    test_destroy(card, &src);
    test_destroy(card, &tree);
}

static void test_trees(void **state)
{
    uint64_t seed = 5;

    tree(*state, 0, 1, 0, &seed);
    tree(*state, 1, 2, 1, &seed);
    tree(*state, 3, 3, 2, &seed);
    tree(*state, 5, 1, 5, &seed);
    tree(*state, 10, 2, 10, &seed);
}

static void test_permutations(void **state)
{
    ocl_card *card = *state;
    test_buffer b;
    uint64_t seed = 6, row = 1;

    for (uint64_t count = 1; count < 40; count += 6) {
        test_create(card, &b, row + 2 * count + 1, &seed);
        TEST_RUN(card, CARD_gl_merkle, TEST_ROWS(b), TEST_ROWS(b), TEST_NUMBER(HLS_PERMUTE),
                 TEST_NUMBER(0), TEST_NUMBER(count), TEST_NUMBER(0), TEST_NUMBER(0),
                 TEST_NUMBER(row));
        for (uint64_t i = 0; i < count; i++) {
            gl_t state_of[12];

            for (unsigned k = 0; k < 12; k++)
                state_of[k] = gl_from_u64(b.want[row + 2 * i + k / 8].w[k % 8]);
            gl_poseidon_permute_portable(state_of);
            for (unsigned k = 0; k < 12; k++)
                b.want[row + 2 * i + k / 8].w[k % 8] = state_of[k];
        }
        test_expect(card, &b, "permuted");
        TEST_REFUSED(card, CARD_gl_merkle, TEST_ROWS(b), TEST_ROWS(b), TEST_NUMBER(HLS_PERMUTE),
                     TEST_NUMBER(0), TEST_NUMBER(count + 1), TEST_NUMBER(0), TEST_NUMBER(0),
                     TEST_NUMBER(row));
        test_destroy(card, &b);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_gather),     cmocka_unit_test(test_transforms),
        cmocka_unit_test(test_extensions), cmocka_unit_test(test_bad_transforms),
        cmocka_unit_test(test_trees),      cmocka_unit_test(test_permutations),
    };

    if (!test_find(&found))
        return TEST_SKIPPED;
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
