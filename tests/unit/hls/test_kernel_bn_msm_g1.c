/* hls/kernels/bn_msm_g1.c against driver/field/bn_curve.h: the windows' sums put together are the
 * sum of multiples, each computed alone; nothing else is written. The channels and the kernel's
 * sizes are those of the program that includes this file. */
#if defined(HLS_FAULT) || defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
/* smaller, since there is a program for each fault, and sanitizers are slow */
#ifndef HLS_MSM_TILE
#define HLS_MSM_TILE 512
#endif
#define LAST_WINDOW 9
#endif
#include "hls/kernels/bn_msm_g1.c"

#include "tests/unit/hls/bn_words.h"
#include "tests/unit/hls/hls_test.h"

#include "driver/field/bn_curve.h"

#ifndef LAST_WINDOW
#define LAST_WINDOW HLS_MSM_MAX_WINDOW
#endif
#define FEW 96 /* points whose multiples are computed one by one */
#define MOST (2 * HLS_MSM_TILE + 77)
#define GUARD UINT64_C(0xa5a5a5a5a5a5a5a5)

typedef struct input {
    uint32_t count;
    bn_g1 point[MOST];
    uint64_t scalar[MOST][4];
} input;

/* a striped buffer, each channel exactly as long as it has to be */
typedef struct buffer {
    uint64_t rows;
    hls_row *channel[16];
} buffer;

static buffer buffer_create(uint64_t rows)
{
    buffer b = {.rows = rows};
    size_t n = (size_t)hls_stripe_rows(rows, HLS_CHANNELS_LOG2);

    for (unsigned c = 0; c < HLS_CHANNELS; c++) {
        b.channel[c] = (hls_row *)malloc(n * sizeof(hls_row));
        assert_non_null(b.channel[c]);
        memset(b.channel[c], 0xa5, n * sizeof(hls_row));
    }
    return b;
}

static void buffer_destroy(buffer *b)
{
    for (unsigned c = 0; c < HLS_CHANNELS; c++)
        free(b->channel[c]);
}

static uint64_t *row_of(const buffer *b, uint64_t row)
{
    assert_true(row < b->rows);
    return b
        ->channel[hls_stripe_channel(row, HLS_CHANNELS_LOG2)]
                 [hls_stripe_row(row, HLS_CHANNELS_LOG2)]
        .w;
}

#define OF(b, of) (b).channel[of]
#define CHANNELS(b) HLS_EACH(OF, b)

/* what the kernel left: canonical, and on the curve's projective form */
static void read_sum(bn_g1x *sum, const buffer *b, uint64_t row)
{
    bn_fp cube, square;

    memcpy(sum->x.l, row_of(b, row), 32);
    memcpy(sum->y.l, row_of(b, row) + 4, 32);
    memcpy(sum->zz.l, row_of(b, row + 1), 32);
    memcpy(sum->zzz.l, row_of(b, row + 1) + 4, 32);
    assert_true(bn_fp_is_canonical(&sum->x) && bn_fp_is_canonical(&sum->y));
    assert_true(bn_fp_is_canonical(&sum->zz) && bn_fp_is_canonical(&sum->zzz));
    bn_fp_sqr(&cube, &sum->zz);
    bn_fp_mul(&cube, &cube, &sum->zz);
    bn_fp_sqr(&square, &sum->zzz);
    assert_true(bn_fp_eq(&cube, &square));
}

/* runs the kernel with buffers at these offsets and puts the windows together */
static void run_at(bn_g1x *out, const input *in, uint32_t bits, uint64_t points_row,
                   uint64_t scalars_row, uint64_t sums_row)
{
    uint32_t windows = HLS_MSM_WINDOWS(bits);
    buffer points = buffer_create(points_row + in->count);
    buffer scalars = buffer_create(scalars_row + (in->count + 1) / 2);
    buffer sums = buffer_create(sums_row + 2 * windows + 40);

    for (uint32_t i = 0; i < in->count; i++) {
        memcpy(row_of(&points, points_row + i), &in->point[i], 64);
        memcpy(row_of(&scalars, scalars_row + i / 2) + 4 * (i % 2), in->scalar[i], 32);
    }
    bn_msm_g1(CHANNELS(points), CHANNELS(scalars), CHANNELS(sums), in->count, bits, points_row,
              scalars_row, sums_row);
    for (uint32_t i = 0; i < in->count; i++) {
        assert_memory_equal(row_of(&points, points_row + i), &in->point[i], 64);
        assert_memory_equal(row_of(&scalars, scalars_row + i / 2) + 4 * (i % 2), in->scalar[i], 32);
    }
    for (uint64_t row = 0; row < sums.rows; row++)
        if (row < sums_row || row >= sums_row + 2 * windows)
            for (int k = 0; k < 8; k++)
                assert_int_equal(row_of(&sums, row)[k], GUARD);
    bn_g1x_set_zero(out);
    for (uint32_t w = windows; w-- > 0;) {
        bn_g1x sum;

        for (uint32_t k = 0; k < bits; k++)
            bn_g1x_dbl(out, out);
        read_sum(&sum, &sums, sums_row + 2 * w);
        bn_g1x_add(out, out, &sum);
    }
    buffer_destroy(&points);
    buffer_destroy(&scalars);
    buffer_destroy(&sums);
}

static void expect(bn_g1x *sum, const input *in)
{
    bn_g1x_set_zero(sum);
    for (uint32_t i = 0; i < in->count; i++) {
        bn_g1x t;

        bn_g1_mul_var(&t, &in->point[i], in->scalar[i]);
        bn_g1x_add(sum, sum, &t);
    }
}

static void check(const input *in, uint32_t bits)
{
    bn_g1x ours, theirs;

    run_at(&ours, in, bits, 0, 0, 0);
    expect(&theirs, in);
    assert_true(bn_g1x_eq(&ours, &theirs));
}

static const uint64_t R[4] = {BN_FR_P0, BN_FR_P1, BN_FR_P2, BN_FR_P3};

static void small_scalar(uint64_t out[4], uint64_t k, int negative)
{
    memset(out, 0, 32);
    out[0] = k;
    if (negative) {
        memcpy(out, R, 32);
        out[0] -= k; /* k is small */
    }
}

static void random_scalar(uint64_t out[4], uint64_t *seed)
{
    bn_fr k;

    for (int i = 0; i < 4; i++)
        k.l[i] = hls_test_word(seed);
    for (int i = 0; i < 6; i++)
        bn_fr_reduce_once(&k, k.l);
    memcpy(out, k.l, 32);
}

static bn_g1 multiple(uint64_t k)
{
    uint64_t words[4] = {k, 0, 0, 0};
    bn_g1 g, r;
    bn_g1x x;

    bn_g1_generator(&g);
    bn_g1_mul_var(&x, &g, words);
    bn_g1x_get(&r, &x);
    return r;
}

/* points and scalars of every kind */
static void mixed(input *in, uint32_t count, uint64_t *seed)
{
    in->count = count;
    for (uint32_t i = 0; i < count; i++) {
        uint64_t kind = test_random(seed);

        in->point[i] = multiple(test_random(seed));
        if (kind % 8 == 0)
            memset(&in->point[i], 0, 64);
        else if (i > 0 && kind % 8 == 1)
            in->point[i] = in->point[i - 1];
        else if (i > 0 && kind % 8 == 2)
            bn_g1_neg(&in->point[i], &in->point[i - 1]);
        random_scalar(in->scalar[i], seed);
        if (kind / 8 % 8 == 0)
            small_scalar(in->scalar[i], kind / 64 % 3, kind / 256 % 2);
        else if (i > 0 && kind / 8 % 8 < 3)
            memcpy(in->scalar[i], in->scalar[i - 1], 32);
    }
    /* r itself is not canonical */
    for (uint32_t i = 0; i < count; i++)
        if (memcmp(in->scalar[i], R, 32) == 0)
            in->scalar[i][0]--;
}

/* a window of 16 bits has 2^15 buckets to add up, so few cases of those */
static void every_window(void **state)
{
    static const uint32_t counts[] = {1, 2, 3, 7, 16, 33, 90};
    uint64_t seed = 1;
    static input in;

    (void)state;
    for (uint32_t bits = 2; bits <= LAST_WINDOW; bits++)
        for (unsigned i = bits > 9 ? 4 : 0; i < (bits > 13 ? 5 : 6 + (bits < 7)); i++) {
            mixed(&in, counts[i], &seed);
            check(&in, bits);
        }
}

/* the same bucket again and again; equal and opposite points in it; nothing to add */
static void adversaries(void **state)
{
    static const uint32_t bits[] = {2, 3, 5, 8, 12};
    uint64_t seed = 2, k[4];
    static input in;

    (void)state;
    for (unsigned b = 0; b < sizeof(bits) / sizeof(bits[0]) && bits[b] < LAST_WINDOW; b++)
        for (int what = 0; what < 11; what++) {
            in.count = b == 1 ? FEW : 41;
            random_scalar(k, &seed);
            for (uint32_t i = 0; i < in.count; i++) {
                bn_g1 p = multiple(i + 1), same = multiple(77);

                small_scalar(in.scalar[i], 1, 0);
                in.point[i] = p;
                switch (what) {
                case 0: /* all scalars equal */
                    memcpy(in.scalar[i], k, 32);
                    break;
                case 1: /* and all points */
                    memcpy(in.scalar[i], k, 32);
                    in.point[i] = same;
                    break;
                case 2: /* one point, any scalars */
                    random_scalar(in.scalar[i], &seed);
                    in.point[i] = same;
                    break;
                case 3: /* opposite points: everything cancels, but for the last */
                    memcpy(in.scalar[i], k, 32);
                    in.point[i] = same;
                    if (i % 2)
                        bn_g1_neg(&in.point[i], &in.point[i]);
                    break;
                case 4: /* the same by opposite scalars */
                    small_scalar(in.scalar[i], 1, i % 2);
                    in.point[i] = same;
                    break;
                case 5: /* each addition is a doubling: P, P, 2 P, 4 P, ... */
                    in.point[i] = multiple(UINT64_C(1) << (i == 0 ? 0 : (i - 1) % 60));
                    break;
                case 6:
                    small_scalar(in.scalar[i], 0, 0);
                    break;
                case 7: /* r - 1 */
                    small_scalar(in.scalar[i], 1, 1);
                    break;
                case 8: /* infinity alone */
                    memset(&in.point[i], 0, 64);
                    break;
                case 9: /* two buckets in turn, opposite digits */
                    small_scalar(in.scalar[i], 1 + i % 2, i % 3 == 0);
                    in.point[i] = same;
                    break;
                default: /* buckets that meet again when they are added up: 3 P, then 2 P + P */
                    small_scalar(in.scalar[i], 1 + i % 3, 0);
                    in.point[i] = i % 3 == 2 ? same : multiple(77 * (i % 3 + 1));
                    break;
                }
            }
            check(&in, bits[b]);
        }
}

/* the largest window: digits of either end */
static void largest_window(void **state)
{
    uint64_t seed = 3;
    static input in;

    (void)state;
    mixed(&in, 12, &seed);
    for (int i = 0; i < 4; i++) { /* 0x8000, 0x7fff in turn: digits -2^15, 2^15 - 1 */
        in.scalar[0][i] = UINT64_C(0x7fff80007fff8000) >> (i == 3 ? 2 : 0);
        in.scalar[1][i] = UINT64_C(0x8000800080008000) >> (i == 3 ? 2 : 0);
        in.scalar[2][i] = UINT64_C(0x7fff7fff7fff7fff) >> (i == 3 ? 2 : 0);
    }
    small_scalar(in.scalar[3], 1, 1);
    check(&in, LAST_WINDOW);
}

static void offsets(void **state)
{
    bn_g1x ours, theirs;
    uint64_t seed = 4;
    static input in;

    (void)state;
    for (uint32_t count = 40; count <= FEW; count += 27) {
        mixed(&in, count, &seed);
        run_at(&ours, &in, 5, 256 * count, 512, 768);
        expect(&theirs, &in);
        assert_true(bn_g1x_eq(&ours, &theirs));
    }
}

/* more than one tile, and the last not full: some points again and again */
static void tiles(void **state)
{
    static input in;
    static const uint32_t counts[] = {HLS_MSM_TILE, HLS_MSM_TILE + 1, MOST};
    enum { POINTS = 8 };
    bn_g1 some[POINTS];
    uint64_t seed = 6;

    (void)state;
    for (int i = 0; i < POINTS; i++)
        some[i] = multiple(test_random(&seed));
    for (int c = 0; c < 3; c++) {
        bn_fr sum[POINTS];
        bn_g1x ours, theirs, t;

        memset(sum, 0, sizeof(sum));
        in.count = counts[c];
        for (uint32_t i = 0; i < in.count; i++) {
            bn_fr k;

            random_scalar(in.scalar[i], &seed);
            memcpy(k.l, in.scalar[i], 32);
            in.point[i] = some[i / 3 % POINTS];
            bn_fr_add(&sum[i / 3 % POINTS], &sum[i / 3 % POINTS], &k);
        }
        run_at(&ours, &in, 9, 0, 256, 0);
        bn_g1x_set_zero(&theirs);
        for (int i = 0; i < POINTS; i++) {
            bn_g1_mul_var(&t, &some[i], sum[i].l);
            bn_g1x_add(&theirs, &theirs, &t);
        }
        assert_true(bn_g1x_eq(&ours, &theirs));
    }
}

/* How many rounds one tile takes: almost as few as there are points for each pipe if buckets come
 * by chance, and a trip and a step for each point where all want the same bucket (bn_msm_g1.md). */
static void rounds(void **state)
{
    static hls_g1_xyzz bucket[WINDOWS][BUCKETS];
    static msm_ring ring[HLS_MSM_ADDERS];
    msm_slots slots[WINDOWS];
    msm_window window = {{0}, 16, 0, 16};
    buffer points = buffer_create(HLS_MSM_TILE), scalars = buffer_create(HLS_MSM_TILE / 2);
    uint64_t seed = 7, taken;
    uint32_t round = 0, items = HLS_MSM_TILE;

    (void)state;
    msm_half(&window);
    memset(slots, 0, sizeof(slots));
    for (uint32_t i = 0; i < items; i++) {
        bn_g1 p = multiple(1 + i % 64);

        memcpy(row_of(&points, i), &p, 64);
        for (int k = 0; k < 4; k++) /* uniform, below 2^253 */
            row_of(&scalars, i / 2)[4 * (i % 2) + k] = test_random(&seed) >> (k == 3 ? 11 : 0);
    }
    memset(bucket, 0, sizeof(bucket));
    taken = msm_tile(CHANNELS(points), CHANNELS(scalars), 0, 0, items, 1, &window, &round, slots,
                     ring, bucket);
    print_message("%u points by chance: %u rounds\n", items, (unsigned)taken);
    assert_true(taken >= items / HLS_MSM_ADDERS);
    assert_true(taken <= items / HLS_MSM_ADDERS * 105 / 100 + 4 * ROUNDS);
    for (uint32_t i = 0; i < items; i++)
        small_scalar(row_of(&scalars, i / 2) + 4 * (i % 2), 5, 0);
    /* different points, so that none is doubled */
    items = items < 60 ? items : 60;
    memset(bucket, 0, sizeof(bucket));
    taken = msm_tile(CHANNELS(points), CHANNELS(scalars), 0, 0, items, 1, &window, &round, slots,
                     ring, bucket);
    print_message("%u points in one bucket: %u rounds\n", items, (unsigned)taken);
    assert_true(taken >= (uint64_t)(items - 1) * ROUNDS);
    assert_true(taken <= (uint64_t)(items + 2) * (ROUNDS + 1));
    buffer_destroy(&points);
    buffer_destroy(&scalars);
}

/* counts and windows that the contract does not have: nothing is read or written */
static void refused(void **state)
{
    static const uint32_t bad[][2] = {
        {0, 4}, {1, 0}, {1, 1}, {1, 17}, {1, 32}, {1, ~0U}, {(1u << 26) + 1, 4}, {~0U, 4}};
    buffer b = buffer_create(HLS_ROW_ALIGN);

    (void)state;
    for (unsigned i = 0; i < sizeof(bad) / sizeof(bad[0]) + 2; i++) {
        if (i < sizeof(bad) / sizeof(bad[0]))
            bn_msm_g1(CHANNELS(b), CHANNELS(b), CHANNELS(b), bad[i][0], bad[i][1], 0, 0, 0);
        else /* rows that are not aligned */
            bn_msm_g1(CHANNELS(b), CHANNELS(b), CHANNELS(b), 1, 4, i % 2, 1 - i % 2, 0);
        for (uint64_t row = 0; row < b.rows; row++)
            assert_int_equal(row_of(&b, row)[0], GUARD);
    }
    buffer_destroy(&b);
}

/* no input makes it read or write elsewhere (the sanitizers look): the result means nothing */
static void any_words(void **state)
{
    uint64_t seed = 5;
    buffer points = buffer_create(64), scalars = buffer_create(32), sums = buffer_create(256);

    (void)state;
    for (int round = 0; round < 3; round++) {
        for (uint64_t row = 0; row < 64; row++)
            for (int k = 0; k < 8; k++) {
                row_of(&points, row)[k] = round ? test_random(&seed) : ~UINT64_C(0);
                row_of(&scalars, row / 2)[k] = round ? test_random(&seed) : ~UINT64_C(0);
            }
        bn_msm_g1(CHANNELS(points), CHANNELS(scalars), CHANNELS(sums), 64, 2 + 5 * round, 0, 0, 0);
    }
    buffer_destroy(&points);
    buffer_destroy(&scalars);
    buffer_destroy(&sums);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_window),   cmocka_unit_test(adversaries),
        cmocka_unit_test(largest_window), cmocka_unit_test(offsets),
        cmocka_unit_test(tiles),          cmocka_unit_test(rounds),
        cmocka_unit_test(refused),        cmocka_unit_test(any_words),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
