/** Points of BN254 in affine coordinates over GMP: slow, obvious and independent of driver/field.
 *
 * G1: y^2 = x^3 + 3 over Fp; G2: y^2 = x^3 + 3 / (9 + u) over Fp[u] / (u^2 + 1). Coordinates are
 * pairs (c0, c1), for G1 with c1 = 0. Values live in static storage of one thread's test. */
#ifndef ZKP_TESTS_UNIT_CPU_BN_CURVE_GMP_H
#define ZKP_TESTS_UNIT_CPU_BN_CURVE_GMP_H

#include <gmp.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

typedef struct slow_fe {
    mpz_t c[2];
} slow_fe;

typedef struct slow_point {
    slow_fe x, y;
    bool infinity;
} slow_point;

static mpz_t slow_p, slow_r;

static void slow_setup(void)
{
    mpz_init_set_str(slow_p, "30644e72e131a029b85045b68181585d97816a916871ca8d3c208c16d87cfd47",
                     16);
    mpz_init_set_str(slow_r, "30644e72e131a029b85045b68181585d2833e84879b9709143e1f593f0000001",
                     16);
}

static void slow_fe_init(slow_fe *a)
{
    mpz_init(a->c[0]);
    mpz_init(a->c[1]);
}

static void slow_fe_clear(slow_fe *a)
{
    mpz_clear(a->c[0]);
    mpz_clear(a->c[1]);
}

static void slow_fe_set(slow_fe *r, const slow_fe *a)
{
    mpz_set(r->c[0], a->c[0]);
    mpz_set(r->c[1], a->c[1]);
}

static void slow_fe_sub(slow_fe *r, const slow_fe *a, const slow_fe *b)
{
    for (int i = 0; i < 2; i++) {
        mpz_sub(r->c[i], a->c[i], b->c[i]);
        mpz_mod(r->c[i], r->c[i], slow_p);
    }
}

static void slow_fe_mul(slow_fe *r, const slow_fe *a, const slow_fe *b)
{
    mpz_t t, u;

    mpz_init(t);
    mpz_init(u);
    mpz_mul(t, a->c[0], b->c[0]);
    mpz_submul(t, a->c[1], b->c[1]);
    mpz_mul(u, a->c[0], b->c[1]);
    mpz_addmul(u, a->c[1], b->c[0]);
    mpz_mod(r->c[0], t, slow_p);
    mpz_mod(r->c[1], u, slow_p);
    mpz_clear(t);
    mpz_clear(u);
}

static void slow_fe_inv(slow_fe *r, const slow_fe *a)
{
    mpz_t n;

    mpz_init(n);
    mpz_mul(n, a->c[0], a->c[0]);
    mpz_addmul(n, a->c[1], a->c[1]);
    mpz_invert(n, n, slow_p);
    mpz_mul(r->c[0], a->c[0], n);
    mpz_mul(r->c[1], a->c[1], n);
    mpz_neg(r->c[1], r->c[1]);
    mpz_mod(r->c[0], r->c[0], slow_p);
    mpz_mod(r->c[1], r->c[1], slow_p);
    mpz_clear(n);
}

static bool slow_fe_eq(const slow_fe *a, const slow_fe *b)
{
    return mpz_cmp(a->c[0], b->c[0]) == 0 && mpz_cmp(a->c[1], b->c[1]) == 0;
}

static void slow_init(slow_point *a)
{
    slow_fe_init(&a->x);
    slow_fe_init(&a->y);
    a->infinity = true;
}

static void slow_clear(slow_point *a)
{
    slow_fe_clear(&a->x);
    slow_fe_clear(&a->y);
}

static void slow_set(slow_point *r, const slow_point *a)
{
    slow_fe_set(&r->x, &a->x);
    slow_fe_set(&r->y, &a->y);
    r->infinity = a->infinity;
}

/* r += a */
static void slow_add(slow_point *r, const slow_point *a)
{
    slow_fe l, t;

    if (a->infinity)
        return;
    if (r->infinity) {
        slow_set(r, a);
        return;
    }
    slow_fe_init(&l);
    slow_fe_init(&t);
    if (slow_fe_eq(&r->x, &a->x)) {
        if (!slow_fe_eq(&r->y, &a->y)) { /* no point of either curve has y = 0 */
            r->infinity = true;
            goto out;
        }
        slow_fe_mul(&l, &r->x, &r->x);
        mpz_mul_ui(l.c[0], l.c[0], 3);
        mpz_mul_ui(l.c[1], l.c[1], 3);
        mpz_mul_ui(t.c[0], r->y.c[0], 2);
        mpz_mul_ui(t.c[1], r->y.c[1], 2);
    } else {
        slow_fe_sub(&l, &a->y, &r->y);
        slow_fe_sub(&t, &a->x, &r->x);
    }
    slow_fe_inv(&t, &t);
    slow_fe_mul(&l, &l, &t);
    slow_fe_mul(&t, &l, &l);
    slow_fe_sub(&t, &t, &r->x);
    slow_fe_sub(&t, &t, &a->x); /* x3 */
    slow_fe_sub(&r->x, &r->x, &t);
    slow_fe_mul(&l, &l, &r->x);
    slow_fe_sub(&r->y, &l, &r->y);
    slow_fe_set(&r->x, &t);
out:
    slow_fe_clear(&l);
    slow_fe_clear(&t);
}

/* r = k a for k >= 0; r and a differ */
static void slow_mul(slow_point *r, const mpz_t k, const slow_point *a)
{
    r->infinity = true;
    for (size_t bit = mpz_sizeinbase(k, 2); bit-- > 0;) {
        slow_point t;

        slow_init(&t);
        slow_set(&t, r);
        slow_add(r, &t);
        slow_clear(&t);
        if (mpz_tstbit(k, bit))
            slow_add(r, a);
    }
}

/* The generators of EIP-197. */
static void slow_generator(slow_point *r, bool g2)
{
    static const char *const words[4] = {
        "10857046999023057135944570762232829481370756359578518086990519993285655852781",
        "11559732032986387107991004021392285783925812861821192530917403151452391805634",
        "8495653923123431417604973247489272438418190587263600148770280649306958101930",
        "4082367875863433681332203403145435568316851327593401208105741076214120093531"};

    r->infinity = false;
    if (g2) {
        mpz_set_str(r->x.c[0], words[0], 10);
        mpz_set_str(r->x.c[1], words[1], 10);
        mpz_set_str(r->y.c[0], words[2], 10);
        mpz_set_str(r->y.c[1], words[3], 10);
    } else {
        mpz_set_ui(r->x.c[0], 1);
        mpz_set_ui(r->x.c[1], 0);
        mpz_set_ui(r->y.c[0], 2);
        mpz_set_ui(r->y.c[1], 0);
    }
}

static void slow_words(uint64_t w[4], const mpz_t a)
{
    memset(w, 0, 32);
    mpz_export(w, NULL, -1, 8, 0, 0, a);
}

static void slow_from_words(mpz_t a, const uint64_t w[4])
{
    mpz_import(a, 4, -1, 8, 0, 0, w);
}

/* driver.h's points: Montgomery form, infinity all zeros */
static void slow_store(uint64_t *w, const slow_point *a, bool g2)
{
    const mpz_t *c[4] = {&a->x.c[0], &a->y.c[0], NULL, NULL};
    mpz_t t;

    memset(w, 0, g2 ? 128 : 64);
    if (a->infinity)
        return;
    if (g2) {
        c[1] = &a->x.c[1];
        c[2] = &a->y.c[0];
        c[3] = &a->y.c[1];
    }
    mpz_init(t);
    for (int i = 0; i < (g2 ? 4 : 2); i++) {
        mpz_mul_2exp(t, *c[i], 256);
        mpz_mod(t, t, slow_p);
        slow_words(w + 4 * i, t);
    }
    mpz_clear(t);
}

#endif
