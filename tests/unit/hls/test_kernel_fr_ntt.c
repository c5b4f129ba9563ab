/* hls/kernels/fr_ntt.c against sums over driver/field/bn_fr.h. Channels and the size of a pass are
 * those of the program that includes this file; passes are short here, so that small transforms
 * have many tiles. */
#ifndef HLS_FR_NTT_PASS_LOG2
#define HLS_FR_NTT_PASS_LOG2 6
#endif
#include "hls/kernels/fr_ntt.c"

#include "tests/unit/hls/striped.h"

#include "driver/field/bn_fr.h"

#ifndef MAX_LOG
#define MAX_LOG 12
#endif
#define MAX_SIZE (1u << MAX_LOG)

static bn_fr in[MAX_SIZE], out[MAX_SIZE];

static bn_fr random_fr(uint64_t *seed)
{
    static const bn_fr minus_one = {{BN_FR_P0 - 1, BN_FR_P1, BN_FR_P2, BN_FR_P3}};
    bn_fr r = {{0, 0, 0, 0}};

    switch (test_random(seed) % 8) {
    case 0:
        return r;
    case 1:
        r.l[0] = 1;
        return r;
    case 2:
        return minus_one;
    default:
        for (int i = 0; i < 4; i++)
            r.l[i] = hls_test_word(seed);
        for (int i = 0; i < 6; i++)
            bn_fr_reduce_once(&r, r.l);
        return r;
    }
}

/* of order 2^log_n */
static bn_fr root(unsigned log_n)
{
    bn_fr w = BN_FR_ROOT_INIT;

    for (unsigned i = 28; i > log_n; i--)
        bn_fr_sqr(&w, &w);
    return w;
}

/* sum of a[j] z^j */
static bn_fr horner(const bn_fr *a, unsigned size, const bn_fr *z)
{
    bn_fr r;

    bn_fr_set_zero(&r);
    for (unsigned j = size; j-- > 0;) {
        bn_fr_mul(&r, &r, z);
        bn_fr_add(&r, &r, &a[j]);
    }
    return r;
}

/* what the kernel has to give at k */
static bn_fr expected(uint32_t mode, const bn_fr *a, unsigned log_n, const bn_fr *s, unsigned k)
{
    const uint64_t e[4] = {k};
    bn_fr w = root(log_n), z, r;

    if (mode == HLS_INVERSE)
        bn_fr_inv(&w, &w);
    bn_fr_pow_var(&z, &w, e);
    if (mode == HLS_FORWARD)
        bn_fr_mul(&z, &z, s);
    r = horner(a, 1u << log_n, &z);
    if (mode == HLS_INVERSE) {
        bn_fr_pow_var(&z, s, e);
        bn_fr_mul(&r, &r, &z);
        for (unsigned i = 0; i < log_n; i++)
            bn_fr_half(&r, &r);
    }
    return r;
}

/* points: how many outputs are computed again, 0 for all */
static void check(uint32_t mode, unsigned log_n, const bn_fr *s, bool in_place, uint64_t place,
                  unsigned points, uint64_t *seed)
{
    uint64_t rows = log_n ? (uint64_t)1 << (log_n - 1) : 1;
    uint64_t align = rows < HLS_ROW_ALIGN ? HLS_ROW_ALIGN : rows;
    uint64_t src_row = place % 3 * align, tmp_row = place / 3 % 2 * align;
    uint64_t dst_row = in_place ? src_row : (place + 1) % 3 * align;
    striped src = striped_create(src_row + rows + 17), tmp = striped_create(tmp_row + rows + 17);
    striped dst = in_place ? src : striped_create(dst_row + rows + 17);
    unsigned size = 1u << log_n;

    for (unsigned i = 0; i < size; i++) {
        in[i] = random_fr(seed);
        memcpy(striped_element(&src, src_row, i), in[i].l, 32);
    }
    if (log_n == 0)
        memset(striped_element(&src, src_row, 1), 0x17, 32);
    fr_ntt(STRIPED_PASS(src), STRIPED_PASS(tmp), STRIPED_PASS(dst), mode, log_n, src_row, tmp_row,
           dst_row, s->l[0], s->l[1], s->l[2], s->l[3]);
    for (unsigned i = 0; i < size; i++)
        memcpy(out[i].l, striped_element(&dst, dst_row, i), 32);
    for (unsigned i = 0; i < (points ? points : size); i++) {
        unsigned k = points ? (unsigned)(test_random(seed) % size) : i;
        bn_fr r = expected(mode, in, log_n, s, k);

        assert_memory_equal(out[k].l, r.l, 32);
    }
    if (log_n == 0) {
        static const uint64_t zeros[4];

        assert_memory_equal(striped_element(&dst, dst_row, 1), zeros, 32);
    }
    striped_check_rest(&dst, dst_row, rows);
    striped_check_rest(&tmp, tmp_row, rows);
    striped_check_rest(&src, src_row, rows);
    if (!in_place) {
        for (unsigned i = 0; i < size; i++)
            assert_memory_equal(striped_element(&src, src_row, i), in[i].l, 32);
        striped_destroy(&dst);
    }
    striped_destroy(&src);
    striped_destroy(&tmp);
}

static void test_small(void **state)
{
    uint64_t seed = 11;

    (void)state;
    for (unsigned log_n = 0; log_n <= 6; log_n++)
        for (uint32_t mode = HLS_FORWARD; mode <= HLS_INVERSE; mode++)
            for (int kind = 0; kind < 4; kind++) {
                bn_fr s;

                bn_fr_set_one(&s);
                if (kind == 1)
                    bn_fr_neg(&s, &s);
                if (kind > 1)
                    s = random_fr(&seed);
                check(mode, log_n, &s, kind % 2, log_n + (unsigned)kind, 0, &seed);
            }
}

static void test_larger(void **state)
{
    uint64_t seed = 12;

    (void)state;
    for (unsigned log_n = 7; log_n <= MAX_LOG && log_n <= 2 * HLS_FR_NTT_PASS_LOG2; log_n++)
        for (uint32_t mode = HLS_FORWARD; mode <= HLS_INVERSE; mode++)
            for (int in_place = 0; in_place < 2; in_place++) {
                bn_fr s = random_fr(&seed);

                check(mode, log_n, &s, in_place, log_n, 24, &seed);
            }
}

/* there and back, every element */
static void test_round_trip(void **state)
{
    unsigned log_n = 10;
    uint64_t rows = (uint64_t)1 << (log_n - 1), seed = 13;
    striped a = striped_create(rows), tmp = striped_create(rows);
    bn_fr s, t;

    (void)state;
    do
        s = random_fr(&seed);
    while (bn_fr_is_zero(&s));
    bn_fr_inv(&t, &s);
    for (unsigned i = 0; i < 1u << log_n; i++) {
        in[i] = random_fr(&seed);
        memcpy(striped_element(&a, 0, i), in[i].l, 32);
    }
    fr_ntt(STRIPED_PASS(a), STRIPED_PASS(tmp), STRIPED_PASS(a), HLS_FORWARD, log_n, 0, 0, 0, s.l[0],
           s.l[1], s.l[2], s.l[3]);
    fr_ntt(STRIPED_PASS(a), STRIPED_PASS(tmp), STRIPED_PASS(a), HLS_INVERSE, log_n, 0, 0, 0, t.l[0],
           t.l[1], t.l[2], t.l[3]);
    for (unsigned i = 0; i < 1u << log_n; i++)
        assert_memory_equal(striped_element(&a, 0, i), in[i].l, 32);
    striped_destroy(&a);
    striped_destroy(&tmp);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_small),
        cmocka_unit_test(test_larger),
        cmocka_unit_test(test_round_trip),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
