/* Eight-lane BN254 arithmetic against GMP: every operation, every lane, both fields, the ends of
 * the ranges that the header allows. */
#include "bn_ifma_ops.h"
#include "driver/base/isa.h"
#include "random.h"

#include <gmp.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#if defined(__x86_64__)

#define WORDS 6          /* of a value: below 2^260 and some room */
#define WIDE (2 * WORDS) /* of a product with some room */
#define EDGES_MAX 64
#define RANDOM_CASES 1000000

typedef mp_limb_t value[WORDS];
typedef mp_limb_t wide[WIDE];

static value P[2], EDGES[2][EDGES_MAX], TOP; /* TOP = 2^260 */
static unsigned EDGE_COUNT;

static void from_mpz(value v, const mpz_t z)
{
    memset(v, 0, sizeof(value));
    mpz_export(v, NULL, -1, sizeof *v, 0, 0, z);
}

static void edge(int field, const mpz_t z)
{
    if (mpz_sgn(z) < 0 || mpz_sizeinbase(z, 2) > 260)
        return;
    from_mpz(EDGES[field][EDGE_COUNT++], z);
    assert_true(EDGE_COUNT <= EDGES_MAX);
}

static int set_up(void **state)
{
    static const char *const modulus[2] = {
        "21888242871839275222246405745257275088696311157297823662689037894645226208583",
        "21888242871839275222246405745257275088548364400416034343698204186575808495617"};
    static const unsigned powers[] = {32, 51, 52, 64, 103, 104, 156, 207, 208, 248, 255, 256, 260};
    static const unsigned multiples[] = {1, 2, 3, 5, 16, 64, 83, 84};
    mpz_t p, z;

    (void)state;
    mpz_inits(p, z, NULL);
    mpz_ui_pow_ui(z, 2, 260);
    from_mpz(TOP, z);
    for (int field = 0; field < 2; field++) {
        EDGE_COUNT = 0;
        mpz_set_str(p, modulus[field], 10);
        from_mpz(P[field], p);
        for (unsigned i = 0; i < 3; i++) {
            mpz_set_ui(z, i);
            edge(field, z);
        }
        for (size_t i = 0; i < sizeof powers / sizeof *powers; i++) {
            mpz_ui_pow_ui(z, 2, powers[i]);
            edge(field, z);
            mpz_sub_ui(z, z, 1);
            edge(field, z);
        }
        for (size_t i = 0; i < sizeof multiples / sizeof *multiples; i++) {
            mpz_mul_ui(z, p, multiples[i]);
            edge(field, z);
            mpz_add_ui(z, z, 1);
            edge(field, z);
            mpz_sub_ui(z, z, 2);
            edge(field, z);
        }
        mpz_sub_ui(z, p, 2);
        edge(field, z);
        mpz_ui_pow_ui(z, 2, 260); /* limbs all ones but one, which is zero */
        for (int hole = 0; hole < 5; hole++) {
            value v;
            mpz_ui_pow_ui(z, 2, 260);
            mpz_sub_ui(z, z, 1);
            for (int bit = 0; bit < 52; bit++)
                mpz_clrbit(z, (mp_bitcnt_t)(52 * hole + bit));
            from_mpz(v, z);
            edge(field, z);
        }
    }
    mpz_clears(p, z, NULL);
    return 0;
}

/* Small multiples of p, for ranges; v = n * p / 1000. */
static void thousandths(value v, int field, mp_limb_t n)
{
    mpn_mul_1(v, P[field], WORDS, n);
    mpn_divrem_1(v, 0, v, WORDS, 1000);
}

static void multiple(value v, int field, mp_limb_t n)
{
    mpn_mul_1(v, P[field], WORDS, n);
}

static void reduce_below(value v, const value bound)
{
    mp_limb_t q[WORDS];
    mp_size_t n = WORDS;

    if (mpn_cmp(v, bound, WORDS) < 0)
        return;
    while (!bound[n - 1])
        n--;
    mpn_tdiv_qr(q, v, 0, v, WORDS, bound, n);
    memset(v + n, 0, (size_t)(WORDS - n) * sizeof *v);
}

static bool congruent(int field, const wide x, const wide y)
{
    mp_limb_t d[WIDE], q[WIDE], r[4];

    if (mpn_cmp(x, y, WIDE) >= 0)
        mpn_sub_n(d, x, y, WIDE);
    else
        mpn_sub_n(d, y, x, WIDE);
    mpn_tdiv_qr(q, r, 0, d, WIDE, P[field], 4);
    return mpn_zero_p(r, 4);
}

static void to_limbs(uint64_t l[5], const value v)
{
    const uint64_t mask = (UINT64_C(1) << 52) - 1;

    l[0] = v[0] & mask;
    l[1] = (v[0] >> 52 | v[1] << 12) & mask;
    l[2] = (v[1] >> 40 | v[2] << 24) & mask;
    l[3] = (v[2] >> 28 | v[3] << 36) & mask;
    l[4] = v[3] >> 16 | v[4] << 48;
}

/* False unless the limbs are normal. */
static bool from_limbs(value v, const uint64_t l[5])
{
    for (int j = 0; j < 5; j++)
        if (l[j] >> 52)
            return false;
    v[0] = l[0] | l[1] << 52;
    v[1] = l[1] >> 12 | l[2] << 40;
    v[2] = l[2] >> 24 | l[3] << 28;
    v[3] = l[3] >> 36 | l[4] << 16;
    v[4] = l[4] >> 48;
    v[5] = 0;
    return true;
}

static void widen(wide w, const value v)
{
    memcpy(w, v, sizeof(value));
    memset(w + WORDS, 0, sizeof(value));
}

/* w = v * 2^260 */
static void raise(wide w, const value v)
{
    memset(w, 0, sizeof(wide));
    memcpy(w + 4, v, sizeof(value));
    mpn_lshift(w, w, WIDE, 4);
}

/* Brings the operands of op into the range that the header asks for: a < a_max p and so on, 0: any
 * below 2^260. */
static void into_range(enum op op, int field, unsigned s, value a, value b)
{
    value bound_a, bound_b;

    memcpy(bound_a, TOP, sizeof TOP);
    memcpy(bound_b, TOP, sizeof TOP);
    switch (op) {
    case OP_MUL:
    case OP_MUL_ALIAS:
        multiple(bound_b, field, 64);
        break;
    case OP_SQR:
        multiple(bound_a, field, 64);
        break;
    case OP_MAC: /* 2 * 16 * 30 + 256 < 84 * 66 */
        multiple(bound_a, field, 16);
        multiple(bound_b, field, 30);
        break;
    case OP_ADD:
    case OP_DBL:
        multiple(bound_a, field, 42);
        multiple(bound_b, field, 42);
        break;
    case OP_SUB:
        multiple(bound_a, field, 20);
        multiple(bound_b, field, (mp_limb_t)1 << s);
        mpn_add_1(bound_b, bound_b, WORDS, 1);
        break;
    case OP_NEG:
        multiple(bound_a, field, (mp_limb_t)1 << s);
        mpn_add_1(bound_a, bound_a, WORDS, 1);
        break;
    case OP_CHAIN:
        multiple(bound_a, field, 10);
        multiple(bound_b, field, (mp_limb_t)1 << s);
        mpn_add_1(bound_b, bound_b, WORDS, 1);
        break;
    case OP_SUB_IF:
        multiple(bound_a, field, s == 6 ? 84 : (mp_limb_t)2 << s);
        break;
    case OP_LOAD:
    case OP_LOAD_X16:
    case OP_GATHER:
    case OP_GATHER_X16:
    case OP_STORE:
    case OP_SCATTER:
        memset(bound_a, 0, sizeof bound_a);
        bound_a[4] = 1;
        break;
    default:
        break;
    }
    reduce_below(a, bound_a);
    reduce_below(b, bound_b);
}

/* Whether r is right: congruent to what it should be, and in its range. */
static bool right(enum op op, int field, unsigned s, const value a, const value b,
                  const uint64_t limbs[5])
{
    const mp_limb_t *p = P[field];
    wide want, have, limit;
    value r, bound;

    if (op == OP_STORE || op == OP_SCATTER)
        return memcmp(limbs, a, 4 * sizeof *a) == 0;
    if (!from_limbs(r, limbs))
        return false;
    switch (op) {
    case OP_MUL:
    case OP_MUL_ALIAS:
    case OP_SQR:
    case OP_MAC:
        thousandths(bound, field, 1127);
        raise(limit, bound);
        if (op == OP_MUL || op == OP_MUL_ALIAS) {
            mpn_mul_n(want, a, b, WORDS);
        } else {
            mpn_sqr(want, a, WORDS);
        }
        if (op == OP_MAC) {
            mpn_mul_n(have, a, b, WORDS);
            mpn_add_n(want, want, have, WIDE);
            mpn_add_n(want, want, have, WIDE);
        }
        mpn_add_n(limit, limit, want, WIDE);
        raise(have, r);
        return mpn_cmp(have, limit, WIDE) <= 0 && congruent(field, have, want);
    case OP_ADD:
    case OP_DBL:
        mpn_add_n(bound, a, op == OP_ADD ? b : a, WORDS);
        return mpn_cmp(bound, r, WORDS) == 0;
    case OP_SUB:
        multiple(bound, field, (mp_limb_t)1 << s);
        mpn_add_n(bound, bound, a, WORDS);
        mpn_sub_n(bound, bound, b, WORDS);
        return mpn_cmp(bound, r, WORDS) == 0;
    case OP_CHAIN:
        multiple(bound, field, (mp_limb_t)1 << s);
        mpn_addmul_1(bound, a, WORDS, 2);
        mpn_sub_n(bound, bound, b, WORDS);
        return mpn_cmp(bound, r, WORDS) == 0;
    case OP_NEG:
        multiple(bound, field, (mp_limb_t)1 << s);
        mpn_sub_n(bound, bound, a, WORDS);
        return mpn_cmp(bound, r, WORDS) == 0;
    case OP_SUB_IF:
        multiple(bound, field, (mp_limb_t)1 << s);
        if (mpn_cmp(a, bound, WORDS) < 0)
            return mpn_cmp(a, r, WORDS) == 0;
        mpn_sub_n(bound, a, bound, WORDS);
        return mpn_cmp(bound, r, WORDS) == 0;
    case OP_REDUCE:
        thousandths(bound, field, 1022);
        widen(want, a);
        widen(have, r);
        return mpn_cmp(r, bound, WORDS) < 0 && congruent(field, have, want);
    case OP_CANON:
        widen(want, a);
        widen(have, r);
        return mpn_cmp(r, p, WORDS) < 0 && congruent(field, have, want);
    case OP_TO_MONT:
        thousandths(bound, field, 2130);
        raise(want, a);
        widen(have, r);
        return mpn_cmp(r, bound, WORDS) < 0 && congruent(field, have, want);
    case OP_FROM_MONT:
        widen(want, a);
        raise(have, r);
        return mpn_cmp(r, p, WORDS) < 0 && congruent(field, have, want);
    case OP_DIV16:
        multiple(bound, field, 15);
        mpn_add_n(bound, bound, a, WORDS);
        widen(want, a);
        widen(have, r);
        mpn_lshift(have, have, WORDS, 4);
        return mpn_cmp(have, bound, WORDS) <= 0 && congruent(field, have, want);
    case OP_IS_ZERO:
        return (limbs[0] == 1) == (mpn_zero_p(a, WORDS) != 0);
    case OP_SELECT:
        return mpn_cmp(a[0] & 1 ? b : a, r, WORDS) == 0;
    case OP_LOAD:
        return mpn_cmp(a, r, WORDS) == 0;
    case OP_LOAD_X16:
        mpn_lshift(bound, a, WORDS, 4);
        return mpn_cmp(bound, r, WORDS) == 0;
    default:
        return false;
    }
}

static bool takes_words(enum op op)
{
    return op >= OP_LOAD && op <= OP_GATHER_X16;
}

/* Runs op on eight pairs; a and b are brought into its range first. */
static void check(enum op op, int field, unsigned s, const value a[8], const value b[8])
{
    uint64_t la[8][5], lb[8][5], lr[8][5];
    value x[8], y[8];

    for (int i = 0; i < 8; i++) {
        memcpy(x[i], a[i], sizeof *x);
        memcpy(y[i], b[i], sizeof *y);
        into_range(op, field, s, x[i], y[i]);
        to_limbs(la[i], x[i]);
        to_limbs(lb[i], y[i]);
        if (takes_words(op))
            memcpy(la[i], x[i], 4 * sizeof **la);
    }
    memset(lr, 0xff, sizeof lr);
    test_bn_ifma_op(op, field, s, (const uint64_t(*)[5])la, (const uint64_t(*)[5])lb, lr);
    for (int i = 0; i < 8; i++) {
        const bool turned = op == OP_GATHER || op == OP_GATHER_X16 || op == OP_SCATTER;
        const enum op as = op == OP_GATHER ? OP_LOAD : op == OP_GATHER_X16 ? OP_LOAD_X16 : op;

        if (!right(as, field, s, x[turned ? 7 - i : i], y[i], lr[i]))
            fail_msg("operation %d, field %d, s %u, lane %d: wrong for\na %016lx %016lx %016lx "
                     "%016lx %016lx\nb %016lx %016lx %016lx %016lx %016lx\nr %013lx %013lx %013lx "
                     "%013lx %013lx",
                     (int)op, field, s, i, x[i][4], x[i][3], x[i][2], x[i][1], x[i][0], y[i][4],
                     y[i][3], y[i][2], y[i][1], y[i][0], lr[i][4], lr[i][3], lr[i][2], lr[i][1],
                     lr[i][0]);
    }
}

static bool skipped(void)
{
    if (p_isa_supported(P_ISA_AVX512IFMA))
        return false;
    print_message("skipped: this CPU has no AVX-512 IFMA\n");
    return true;
}

static void test_edges(void **state)
{
    (void)state;
    if (skipped())
        return;
    for (int field = 0; field < 2; field++)
        for (int op = 0; op < OP_COUNT; op++)
            for (unsigned s = 0; s < 7; s++) {
                const bool shifts =
                    op == OP_SUB || op == OP_NEG || op == OP_SUB_IF || op == OP_CHAIN;

                if (s && !shifts)
                    continue;
                for (unsigned i = 0; i < EDGE_COUNT; i++)
                    for (unsigned j = 0; j < EDGE_COUNT; j += 8) {
                        value a[8], b[8];

                        for (unsigned k = 0; k < 8; k++) { /* different pairs in the lanes */
                            memcpy(a[k], EDGES[field][(i + 3 * k) % EDGE_COUNT], sizeof *a);
                            memcpy(b[k], EDGES[field][(j + k) % EDGE_COUNT], sizeof *b);
                        }
                        check((enum op)op, field, s, (const value *)a, (const value *)b);
                    }
            }
}

static void random_value(value v, uint64_t *seed)
{
    const uint64_t how = test_random(seed);

    for (int j = 0; j < 5; j++)
        v[j] = test_random(seed);
    v[4] &= 15;
    v[5] = 0;
    if ((how & 15) == 0) { /* long runs of ones or zeros */
        for (int j = 0; j < 4; j++)
            if (how >> (8 + 2 * j) & 1)
                v[j] = how >> (9 + 2 * j) & 1 ? UINT64_MAX : 0;
    } else if (how & 1) { /* as canonical ones are */
        v[4] = 0;
        v[3] &= UINT64_MAX >> 2;
    }
}

static void test_random_values(void **state)
{
    const char *asked = getenv("ZKP_TEST_CASES");
    const unsigned long cases = asked ? strtoul(asked, NULL, 10) : RANDOM_CASES;
    uint64_t seed = 20254;

    (void)state;
    if (skipped())
        return;
    for (unsigned long n = 0; n < cases; n += 8) {
        value a[8], b[8];

        for (int i = 0; i < 8; i++) {
            random_value(a[i], &seed);
            random_value(b[i], &seed);
        }
        for (int op = 0; op < OP_COUNT; op++)
            check((enum op)op, (int)(n / 8 & 1), (unsigned)(n / 16 % 7), (const value *)a,
                  (const value *)b);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_edges),
        cmocka_unit_test(test_random_values),
    };

    return cmocka_run_group_tests(tests, set_up, NULL);
}

#else

int main(void)
{
    puts("skipped: not x86-64");
    return 0;
}

#endif
