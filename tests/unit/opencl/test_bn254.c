/* fr_ntt, bn_poseidon and bn_msm_g1 on the first OpenCL device against driver/field. */
#include "tests/unit/opencl/ocl_test.h"

#include "driver/card/bn_poseidon_table.h"
#include "driver/field/bn_curve.h"
#include "driver/field/bn_fr.h"
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

/* Canonical, with edges. */
static bn_fr random_fr(uint64_t *seed)
{
    static const bn_fr LAST = {{BN_FR_P0 - 1, BN_FR_P1, BN_FR_P2, BN_FR_P3}};
    bn_fr r = {{0, 0, 0, 0}};

    switch (test_random(seed) % 8) {
    case 0:
        return r;
    case 1:
        r.l[0] = 1;
        return r;
    case 2:
        return LAST;
    default:
        for (int i = 0; i < 4; i++)
            r.l[i] = hls_test_word(seed);
        for (int i = 0; i < 6; i++)
            bn_fr_reduce_once(&r, r.l);
        return r;
    }
}

static uint64_t *number_at(test_buffer *b, uint64_t row, uint64_t index)
{
    return &b->want[row + index / 2].w[index % 2 * 4];
}

/* ---- fr_ntt ---- */

static bn_fr root(uint32_t log_n)
{
    bn_fr w = BN_FR_ROOT_INIT;

    for (uint32_t i = 28; i > log_n; i--)
        bn_fr_sqr(&w, &w);
    return w;
}

static bn_fr expected(uint32_t mode, const bn_fr *a, uint32_t log_n, const bn_fr *s, uint64_t k)
{
    const uint64_t e[4] = {k};
    bn_fr w = root(log_n), z, r;

    bn_fr_pow_var(&z, &w, e);
    if (mode == HLS_INVERSE)
        bn_fr_inv(&z, &z);
    else
        bn_fr_mul(&z, &z, s);
    bn_fr_set_zero(&r);
    for (uint64_t j = (uint64_t)1 << log_n; j-- > 0;) {
        bn_fr_mul(&r, &r, &z);
        bn_fr_add(&r, &r, &a[j]);
    }
    if (mode == HLS_INVERSE) {
        bn_fr_pow_var(&z, s, e);
        bn_fr_mul(&r, &r, &z);
        for (uint32_t i = 0; i < log_n; i++)
            bn_fr_half(&r, &r);
    }
    return r;
}

static void transform(ocl_card *card, uint32_t mode, uint32_t log_n, bool in_place, uint64_t *seed)
{
    uint64_t size = (uint64_t)1 << log_n, rows = (size + 1) / 2;
    uint64_t src_row = 2, dst_row = in_place ? src_row : 5, tmp_row = 1;
    bn_fr *in = malloc(size * sizeof(bn_fr)), s = random_fr(seed), one;
    test_buffer src, tmp, dst;
    hls_row *got;

    assert_non_null(in);
    bn_fr_set_one(&one);
    if (log_n % 3 == 0 || bn_fr_is_zero(&s))
        s = one;
    test_create(card, &src, rows + 4, seed);
    test_create(card, &tmp, rows + 4, seed);
    test_create(card, &dst, rows + 7, seed);
    for (uint64_t i = 0; i < size; i++) {
        in[i] = random_fr(seed);
        memcpy(number_at(&src, src_row, i), &in[i], sizeof in[i]);
    }
    test_write(card, &src);
    TEST_RUN(card, CARD_fr_ntt, TEST_ROWS(src), TEST_ROWS(tmp),
             in_place ? TEST_ROWS(src) : TEST_ROWS(dst), TEST_NUMBER(mode), TEST_NUMBER(log_n),
             TEST_NUMBER(src_row), TEST_NUMBER(tmp_row), TEST_NUMBER(dst_row), TEST_NUMBER(s.l[0]),
             TEST_NUMBER(s.l[1]), TEST_NUMBER(s.l[2]), TEST_NUMBER(s.l[3]));
    test_buffer *out = in_place ? &src : &dst;
    got = test_read(card, out);
    for (uint64_t k = 0; k < size; k += size <= 64 ? 1 : 1 + test_random(seed) % (size / 16)) {
        bn_fr want = expected(mode, in, log_n, &s, k);

        if (memcmp(&got[dst_row + k / 2].w[k % 2 * 4], &want, sizeof want) != 0)
            fail_msg("mode %u, 2^%u elements%s: element %llu is wrong", mode, log_n,
                     in_place ? ", in place" : "", (unsigned long long)k);
    }
    for (unsigned k = 4; k < 8 && size == 1; k++)
        assert_int_equal(got[dst_row].w[k], 0);
    memcpy(out->want + dst_row, got + dst_row, (size_t)rows * sizeof(hls_row));
    free(got);
    test_expect(card, &src, "src");
    test_expect(card, &dst, "dst");
    got = test_read(card, &tmp);
    memcpy(tmp.want + tmp_row, got + tmp_row, (size_t)rows * sizeof(hls_row));
    free(got);
    test_expect(card, &tmp, "tmp");
    TEST_REFUSED(card, CARD_fr_ntt, TEST_ROWS(src), TEST_ROWS(tmp), TEST_ROWS(dst),
                 TEST_NUMBER(mode), TEST_NUMBER(log_n), TEST_NUMBER(src_row), TEST_NUMBER(tmp_row),
                 TEST_NUMBER(8), TEST_NUMBER(1), TEST_NUMBER(0), TEST_NUMBER(0), TEST_NUMBER(0));
    free(in);
    test_destroy(card, &src);
    test_destroy(card, &tmp);
    test_destroy(card, &dst);
}

static void test_transforms(void **state)
{
    static const uint32_t LOGS[] = {0, 1, 2, 3, 4, 5, 8, 9, 11, 14};
    uint64_t seed = 1;

    for (size_t i = 0; i < sizeof LOGS / sizeof LOGS[0]; i++) {
        for (unsigned in_place = 0; in_place < 2; in_place++) {
            transform(*state, HLS_FORWARD, LOGS[i], in_place, &seed);
            transform(*state, HLS_INVERSE, LOGS[i], in_place, &seed);
        }
    }
}

/* ---- bn_poseidon ---- */

typedef struct hash {
    bn_poseidon *poseidon;
    const bn_poseidon_ops *ops;
    test_buffer table;
    uint64_t table_row;
} hash;

static void hash_create(ocl_card *card, hash *h, unsigned t, uint64_t *seed)
{
    p_err err = {P_OK, ""};

    if (bn_poseidon_create(t, &h->poseidon, &err) != P_OK)
        fail_msg("%s", err.text);
    h->ops = bn_poseidon_select(P_ISA_PORTABLE);
    h->table_row = t % 3;
    test_create(card, &h->table, h->table_row + hls_bn_poseidon_rows(t), seed);
    card_bn_poseidon_table(h->poseidon, h->table.want + h->table_row);
    test_write(card, &h->table);
}

static void hash_destroy(ocl_card *card, hash *h)
{
    bn_poseidon_destroy(h->poseidon);
    test_destroy(card, &h->table);
}

static void permutations(ocl_card *card, unsigned t, bn_form form, uint64_t count, uint64_t *seed)
{
    uint64_t row = 2, elements = t * count, rows = (elements + 1) / 2;
    uint64_t *states = malloc(elements * 32);
    test_buffer b;
    hash h;

    assert_non_null(states);
    hash_create(card, &h, t, seed);
    test_create(card, &b, row + rows + 1, seed);
    for (uint64_t i = 0; i < elements; i++) {
        bn_fr x = random_fr(seed);

        memcpy(number_at(&b, row, i), &x, 32);
    }
    test_write(card, &b);
    TEST_RUN(card, CARD_bn_poseidon, TEST_ROWS(b), TEST_ROWS(h.table), TEST_ROWS(b),
             TEST_NUMBER(HLS_PERMUTE), TEST_NUMBER(form == BN_MONTGOMERY ? HLS_MONTGOMERY : 0),
             TEST_NUMBER(t), TEST_NUMBER(0), TEST_NUMBER(count), TEST_NUMBER(0), TEST_NUMBER(0),
             TEST_NUMBER(h.table_row), TEST_NUMBER(row));
    for (uint64_t i = 0; i < elements; i++)
        memcpy(&states[4 * i], number_at(&b, row, i), 32);
    h.ops->permute(h.poseidon, form, states, count);
    for (uint64_t i = 0; i < elements; i++)
        memcpy(number_at(&b, row, i), &states[4 * i], 32);
    if (elements % 2 != 0)
        memset(number_at(&b, row, elements), 0, 32);
    test_expect(card, &b, "permuted");
    TEST_REFUSED(card, CARD_bn_poseidon, TEST_ROWS(b), TEST_ROWS(h.table), TEST_ROWS(b),
                 TEST_NUMBER(HLS_PERMUTE), TEST_NUMBER(0), TEST_NUMBER(t), TEST_NUMBER(0),
                 TEST_NUMBER(count), TEST_NUMBER(0), TEST_NUMBER(0), TEST_NUMBER(h.table_row + 1),
                 TEST_NUMBER(row));
    free(states);
    hash_destroy(card, &h);
    test_destroy(card, &b);
}

static void test_permutations(void **state)
{
    uint64_t seed = 2;

    for (unsigned t = 2; t <= 17; t++)
        permutations(*state, t, t % 2 ? BN_MONTGOMERY : BN_CANONICAL, 3, &seed);
    permutations(*state, 17, BN_CANONICAL, 2, &seed);
    permutations(*state, 3, BN_CANONICAL, 9, &seed);
    permutations(*state, 4, BN_MONTGOMERY, 1, &seed);
}

static void absorb(ocl_card *card, unsigned t, uint32_t columns, uint64_t count, bool first,
                   uint64_t *seed)
{
    uint64_t stride = count + 2, src_row = 1, dst_row = 3;
    uint64_t *in = calloc((size_t)count * (t - 1), 32), *chain = calloc((size_t)count, 32);
    test_buffer src, dst;
    hash h;

    assert_non_null(in);
    assert_non_null(chain);
    hash_create(card, &h, t, seed);
    test_create(card, &src, src_row + (columns + 7) / 8 * stride, seed);
    test_create(card, &dst, dst_row + (count + 1) / 2 + 1, seed);
    for (uint64_t i = 0; i < count; i++) {
        bn_fr c = random_fr(seed);

        memcpy(number_at(&dst, dst_row, i), &c, 32);
        memcpy(&chain[4 * i], &c, 32);
        if (first)
            memcpy(&chain[4 * i], (const uint64_t[4]){1, 0, 0, 0}, 32);
        for (uint32_t k = 0; k < columns; k++)
            in[(i * (t - 1) + k / 3) * 4 + k % 3] =
                gl_from_u64(src.want[src_row + k / 8 * stride + i].w[k % 8]);
    }
    test_write(card, &dst);
    TEST_RUN(card, CARD_bn_poseidon, TEST_ROWS(src), TEST_ROWS(h.table), TEST_ROWS(dst),
             TEST_NUMBER(HLS_ABSORB), TEST_NUMBER(first ? HLS_FIRST : 0), TEST_NUMBER(t),
             TEST_NUMBER(columns), TEST_NUMBER(count), TEST_NUMBER(src_row), TEST_NUMBER(stride),
             TEST_NUMBER(h.table_row), TEST_NUMBER(dst_row));
    h.ops->hash(h.poseidon, BN_CANONICAL, chain, in, chain, count);
    for (uint64_t i = 0; i < count; i++)
        memcpy(number_at(&dst, dst_row, i), &chain[4 * i], 32);
    if (count % 2 != 0)
        memset(number_at(&dst, dst_row, count), 0, 32);
    test_expect(card, &dst, "absorbed");
    test_expect(card, &src, "src");
    for (unsigned bad = 0; bad < 2; bad++)
        TEST_REFUSED(card, CARD_bn_poseidon, TEST_ROWS(src), TEST_ROWS(h.table), TEST_ROWS(dst),
                     TEST_NUMBER(HLS_ABSORB), TEST_NUMBER(0), TEST_NUMBER(t),
                     TEST_NUMBER(bad ? columns : 3 * t), TEST_NUMBER(count), TEST_NUMBER(src_row),
                     TEST_NUMBER(bad ? UINT64_MAX / 3 : stride), TEST_NUMBER(h.table_row),
                     TEST_NUMBER(bad && columns <= 8 ? UINT64_MAX : dst_row));
    free(in);
    free(chain);
    hash_destroy(card, &h);
    test_destroy(card, &src);
    test_destroy(card, &dst);
}

static void test_leaves(void **state)
{
    uint64_t seed = 3;

    absorb(*state, 2, 1, 1, true, &seed);
    absorb(*state, 2, 3, 5, false, &seed);
    absorb(*state, 4, 8, 6, true, &seed);
    absorb(*state, 9, 22, 7, false, &seed);
    absorb(*state, 17, 48, 4, true, &seed);
    absorb(*state, 17, 46, 3, false, &seed);
}

static void test_nodes(void **state)
{
    ocl_card *card = *state;
    uint64_t seed = 4, src_row = 2, dst_row = 1;
    hash h;

    hash_create(card, &h, 17, &seed);
    for (uint64_t count = 1; count <= 4; count++) {
        uint64_t in[4 * 16 * 4], out[4 * 4];
        test_buffer src, dst;

        test_create(card, &src, src_row + 8 * count, &seed);
        test_create(card, &dst, dst_row + (count + 1) / 2 + 1, &seed);
        for (uint64_t i = 0; i < 16 * count; i++) {
            bn_fr c = random_fr(&seed);

            memcpy(number_at(&src, src_row, i), &c, 32);
            memcpy(&in[4 * i], &c, 32);
        }
        test_write(card, &src);
        TEST_RUN(card, CARD_bn_poseidon, TEST_ROWS(src), TEST_ROWS(h.table), TEST_ROWS(dst),
                 TEST_NUMBER(HLS_NODES), TEST_NUMBER(0), TEST_NUMBER(0), TEST_NUMBER(0),
                 TEST_NUMBER(count), TEST_NUMBER(src_row), TEST_NUMBER(0), TEST_NUMBER(h.table_row),
                 TEST_NUMBER(dst_row));
        h.ops->hash(h.poseidon, BN_CANONICAL, NULL, in, out, count);
        for (uint64_t i = 0; i < count; i++)
            memcpy(number_at(&dst, dst_row, i), &out[4 * i], 32);
        if (count % 2 != 0)
            memset(number_at(&dst, dst_row, count), 0, 32);
        test_expect(card, &dst, "nodes");
        test_destroy(card, &src);
        test_destroy(card, &dst);
    }
    hash_destroy(card, &h);
}

/* ---- bn_msm_g1 ---- */

#define BASES 8

typedef enum pattern { RANDOM, EQUAL, SMALL, ZERO, LAST, EDGES, PATTERNS } pattern;

/* Points are few different ones, their opposites and infinity, so that buckets meet equal and
 * opposite points all the time; the sum of the scalars of each is the oracle. */
static void sums(ocl_card *card, uint32_t count, uint32_t bits, pattern kind, uint64_t *seed)
{
    uint32_t windows = HLS_MSM_WINDOWS(bits);
    uint64_t points_row = 2, scalars_row = 1, sums_row = 3;
    bn_fr total[BASES], equal = random_fr(seed), zero;
    test_buffer points, scalars, out;
    bn_g1 base[BASES], generator, want, got;
    bn_g1x sum, part;
    hls_row *rows;

    bn_g1_generator(&generator);
    bn_fr_set_zero(&zero);
    for (unsigned b = 0; b < BASES; b++) {
        uint64_t k[4] = {test_random(seed), test_random(seed)};

        bn_g1_mul_var(&part, &generator, k);
        bn_g1x_get(&base[b], &part);
        total[b] = zero;
    }
    test_create(card, &points, points_row + count, seed);
    test_create(card, &scalars, scalars_row + (count + 1) / 2, seed);
    test_create(card, &out, sums_row + 2 * windows + 1, seed);
    for (uint32_t i = 0; i < count; i++) {
        unsigned b = (unsigned)(test_random(seed) % (BASES + 1));
        bool opposite = test_random(seed) % 4 == 0;
        bn_fr k = random_fr(seed);
        bn_g1 point;

        if (kind == EQUAL || kind == ZERO)
            k = kind == EQUAL ? equal : zero;
        if (kind == SMALL)
            k = (bn_fr){{test_random(seed) % 3, 0, 0, 0}};
        if (kind == LAST)
            k = (bn_fr){{BN_FR_P0 - 1, BN_FR_P1, BN_FR_P2, BN_FR_P3}};
        if (kind == EDGES) { /* digits at the ends of their range, carries through all windows */
            bn_fr one = {{1, 0, 0, 0}};
            const uint64_t e = i % 254;

            k = zero;
            k.l[e / 64] = (uint64_t)1 << e % 64;
            if (i % 2)
                bn_fr_sub(&k, &k, &one);
        }
        bn_g1_set_zero(&point);
        if (b < BASES) {
            point = base[b];
            if (opposite)
                bn_g1_neg(&point, &point);
            (opposite ? bn_fr_sub : bn_fr_add)(&total[b], &total[b], &k);
        }
        memcpy(points.want[points_row + i].w, &point, 64);
        memcpy(number_at(&scalars, scalars_row, i), &k, 32);
    }
    test_write(card, &points);
    test_write(card, &scalars);
    TEST_RUN(card, CARD_bn_msm_g1, TEST_ROWS(points), TEST_ROWS(scalars), TEST_ROWS(out),
             TEST_NUMBER(count), TEST_NUMBER(bits), TEST_NUMBER(points_row),
             TEST_NUMBER(scalars_row), TEST_NUMBER(sums_row));
    rows = test_read(card, &out);
    bn_g1x_set_zero(&sum);
    for (uint32_t w = windows; w-- > 0;) {
        for (uint32_t i = 0; i < bits; i++)
            bn_g1x_dbl(&sum, &sum);
        memcpy(&part, &rows[sums_row + 2 * w], sizeof part);
        for (unsigned i = 0; i < 4; i++) {
            bn_fp x;

            memcpy(&x, &rows[sums_row + 2 * w].w[4 * i], sizeof x);
            assert_true(bn_fp_is_canonical(&x));
        }
        bn_g1x_add(&sum, &sum, &part);
    }
    bn_g1x_get(&got, &sum);
    bn_g1x_set_zero(&sum);
    for (unsigned b = 0; b < BASES; b++) {
        bn_g1_mul_var(&part, &base[b], total[b].l);
        bn_g1x_add(&sum, &sum, &part);
    }
    bn_g1x_get(&want, &sum);
    if (!bn_g1_eq(&got, &want))
        fail_msg("%u points, windows of %u bits, scalars of kind %d: the sum is wrong", count, bits,
                 (int)kind);
    memcpy(out.want + sums_row, rows + sums_row, (size_t)2 * windows * sizeof(hls_row));
    free(rows);
    test_expect(card, &out, "sums");
    TEST_REFUSED(card, CARD_bn_msm_g1, TEST_ROWS(points), TEST_ROWS(scalars), TEST_ROWS(out),
                 TEST_NUMBER(count + 1), TEST_NUMBER(bits), TEST_NUMBER(points_row),
                 TEST_NUMBER(scalars_row), TEST_NUMBER(sums_row));
    TEST_REFUSED(card, CARD_bn_msm_g1, TEST_ROWS(points), TEST_ROWS(scalars), TEST_ROWS(out),
                 TEST_NUMBER(count), TEST_NUMBER(17), TEST_NUMBER(points_row),
                 TEST_NUMBER(scalars_row), TEST_NUMBER(sums_row));
    test_destroy(card, &points);
    test_destroy(card, &scalars);
    test_destroy(card, &out);
}

static void test_sums(void **state)
{
    static const uint32_t COUNTS[] = {1, 2, 31, 32, 33, 300};
    uint64_t seed = 5;

    for (uint32_t bits = 2; bits <= HLS_MSM_MAX_WINDOW; bits++)
        for (unsigned kind = 0; kind < PATTERNS; kind++)
            if (bits <= 7 || ((bits <= 12 || bits == 16) && kind == bits % PATTERNS))
                sums(*state, COUNTS[(bits + kind) % 6], bits, kind, &seed);
    /* several segments and chunks that share buckets */
    sums(*state, 5000, 5, RANDOM, &seed);
    sums(*state, 3000, 8, EQUAL, &seed);
    sums(*state, 2049, 10, SMALL, &seed);
}

/* Few windows at a time. */
static void test_little_memory(void **state)
{
    ocl_card *card = *state;
    uint64_t seed = 6, before = card->scratch_bytes;
    test_buffer points, out;
    card_ticket *ticket;
    p_err err = {P_OK, ""};

    card->scratch_bytes = 200000;
    sums(card, 1000, 8, RANDOM, &seed);
    card->scratch_bytes = 1000;
    test_create(card, &points, 100, &seed);
    test_create(card, &out, 100, &seed);
    const card_arg args[] = {TEST_ROWS(points), TEST_ROWS(points), TEST_ROWS(out), TEST_NUMBER(100),
                             TEST_NUMBER(8),    TEST_NUMBER(0),    TEST_NUMBER(0), TEST_NUMBER(0)};
    assert_int_equal(OCL_CARD_OPS.start_run(card, CARD_bn_msm_g1, 0, args, 8, &ticket, &err),
                     P_EEXHAUSTED);
    card->scratch_bytes = before;
    test_expect(card, &out, "after a refusal");
    test_destroy(card, &points);
    test_destroy(card, &out);
}

/* Numbers that are no scalars and no points: any result, but only where results go. */
static void test_garbage(void **state)
{
    ocl_card *card = *state;
    uint64_t seed = 7;

    for (uint32_t bits = 2; bits <= 12; bits += 5) {
        test_buffer points, scalars, out;
        uint64_t windows = HLS_MSM_WINDOWS(bits);

        test_create(card, &points, 200, &seed);
        test_create(card, &scalars, 100, &seed);
        test_create(card, &out, 2 * windows + 2, &seed);
        memset(scalars.want, 0xff, 10 * sizeof(hls_row));
        test_write(card, &scalars);
        TEST_RUN(card, CARD_bn_msm_g1, TEST_ROWS(points), TEST_ROWS(scalars), TEST_ROWS(out),
                 TEST_NUMBER(200), TEST_NUMBER(bits), TEST_NUMBER(0), TEST_NUMBER(0),
                 TEST_NUMBER(1));
        hls_row *rows = test_read(card, &out);
        memcpy(out.want + 1, rows + 1, (size_t)(2 * windows) * sizeof(hls_row));
        free(rows);
        test_expect(card, &out, "sums of garbage");
        test_expect(card, &points, "points");
        test_destroy(card, &points);
        test_destroy(card, &scalars);
        test_destroy(card, &out);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_transforms), cmocka_unit_test(test_permutations),
        cmocka_unit_test(test_leaves),     cmocka_unit_test(test_nodes),
        cmocka_unit_test(test_sums),       cmocka_unit_test(test_little_memory),
        cmocka_unit_test(test_garbage),
    };

    if (!test_find(&found))
        return TEST_SKIPPED;
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
