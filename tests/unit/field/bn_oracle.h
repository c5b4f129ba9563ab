/** BN254 in GMP numbers, by the definitions: the oracle of the tests of bn_fp2, bn_curve, bn_fp12
 * and bn_pairing. An element of an extension is the list of its coordinates. */
#ifndef ZKP_TESTS_UNIT_FIELD_BN_ORACLE_H
#define ZKP_TESTS_UNIT_FIELD_BN_ORACLE_H

#include "driver/field/bn_fp2.h"
#include "driver/field/bn_fr.h"
#include "tests/unit/field/random.h"

#include <gmp.h>
#include <stdio.h>
#include <stdlib.h>

/* EIP-196's numbers */
#define ORACLE_P "21888242871839275222246405745257275088696311157297823662689037894645226208583"
#define ORACLE_R "21888242871839275222246405745257275088548364400416034343698204186575808495617"

typedef struct oracle {
    mpz_t p, r, mont_inv; /**< 2^-256 mod p */
} oracle;

static inline void oracle_init(oracle *o)
{
    mpz_init_set_str(o->p, ORACLE_P, 10);
    mpz_init_set_str(o->r, ORACLE_R, 10);
    mpz_init_set_ui(o->mont_inv, 1);
    mpz_mul_2exp(o->mont_inv, o->mont_inv, 256);
    mpz_invert(o->mont_inv, o->mont_inv, o->p);
}

static inline void oracle_clear(oracle *o)
{
    mpz_clears(o->p, o->r, o->mont_inv, NULL);
}

/** The number that an element of Fp stands for, not by bn_fp_get_words. */
static inline void oracle_get(const oracle *o, mpz_t n, const bn_fp *a)
{
    mpz_import(n, 4, -1, 8, 0, 0, a->l);
    mpz_mul(n, n, o->mont_inv);
    mpz_mod(n, n, o->p);
}

/** Whether a is n's canonical Montgomery form. */
static inline bool oracle_is(const oracle *o, const bn_fp *a, const mpz_t n)
{
    mpz_t found;
    bool same;

    mpz_init(found);
    mpz_import(found, 4, -1, 8, 0, 0, a->l);
    same = mpz_cmp(found, o->p) < 0;
    oracle_get(o, found, a);
    mpz_sub(found, found, n);
    same = same && mpz_divisible_p(found, o->p);
    mpz_clear(found);
    return same;
}

static inline void random_fp(bn_fp *a, uint64_t *seed)
{
    do
        for (int i = 0; i < 4; i++)
            a->l[i] = i < 3 ? test_random(seed) : test_random(seed) >> 2;
    while (!bn_fp_is_canonical(a));
}

/** One in four is special: 0, 1, -1, or a form of one word. */
static inline void random_or_edge_fp(bn_fp *a, uint64_t *seed)
{
    bn_fp one;

    random_fp(a, seed);
    bn_fp_set_one(&one);
    switch (test_random(seed) % 16) {
    case 0:
        bn_fp_set_zero(a);
        break;
    case 1:
        *a = one;
        break;
    case 2:
        bn_fp_neg(a, &one);
        break;
    case 3:
        a->l[1] = a->l[2] = a->l[3] = 0;
        break;
    default:
        break;
    }
}

/** How many random cases: share, or ZKP_TEST_CASES millionths of it. */
static inline uint64_t random_cases(uint64_t share)
{
    const char *text = getenv("ZKP_TEST_CASES");
    double n = text != NULL ? (double)share * strtod(text, NULL) / 1e6 : (double)share;

    return n >= 1 ? (uint64_t)n : 1;
}

/* ---- Fp2: c[0] + c[1] u ---- */

typedef struct oracle2 {
    mpz_t c[2];
} oracle2;

static inline void oracle2_init(oracle2 *a)
{
    mpz_inits(a->c[0], a->c[1], NULL);
}

static inline void oracle2_clear(oracle2 *a)
{
    mpz_clears(a->c[0], a->c[1], NULL);
}

static inline void oracle2_set(oracle2 *r, const oracle2 *a)
{
    mpz_set(r->c[0], a->c[0]);
    mpz_set(r->c[1], a->c[1]);
}

static inline void oracle2_mod(const oracle *o, oracle2 *r)
{
    mpz_mod(r->c[0], r->c[0], o->p);
    mpz_mod(r->c[1], r->c[1], o->p);
}

static inline void oracle2_sub(const oracle *o, oracle2 *r, const oracle2 *a, const oracle2 *b)
{
    mpz_sub(r->c[0], a->c[0], b->c[0]);
    mpz_sub(r->c[1], a->c[1], b->c[1]);
    oracle2_mod(o, r);
}

static inline void oracle2_mul(const oracle *o, oracle2 *r, const oracle2 *a, const oracle2 *b)
{
    mpz_t t0, t1;

    mpz_inits(t0, t1, NULL);
    mpz_mul(t0, a->c[0], b->c[0]);
    mpz_submul(t0, a->c[1], b->c[1]);
    mpz_mul(t1, a->c[0], b->c[1]);
    mpz_addmul(t1, a->c[1], b->c[0]);
    mpz_set(r->c[0], t0);
    mpz_set(r->c[1], t1);
    oracle2_mod(o, r);
    mpz_clears(t0, t1, NULL);
}

/** a is not 0 */
static inline void oracle2_inv(const oracle *o, oracle2 *r, const oracle2 *a)
{
    mpz_t n;

    mpz_init(n);
    mpz_mul(n, a->c[0], a->c[0]);
    mpz_addmul(n, a->c[1], a->c[1]);
    mpz_invert(n, n, o->p);
    mpz_mul(r->c[0], a->c[0], n);
    mpz_mul(r->c[1], a->c[1], n);
    mpz_neg(r->c[1], r->c[1]);
    oracle2_mod(o, r);
    mpz_clear(n);
}

static inline bool oracle2_eq(const oracle2 *a, const oracle2 *b)
{
    return mpz_cmp(a->c[0], b->c[0]) == 0 && mpz_cmp(a->c[1], b->c[1]) == 0;
}

static inline void oracle2_get(const oracle *o, oracle2 *r, const bn_fp2 *a)
{
    oracle_get(o, r->c[0], &a->c0);
    oracle_get(o, r->c[1], &a->c1);
}

static inline bool oracle2_is(const oracle *o, const bn_fp2 *a, const oracle2 *n)
{
    return oracle_is(o, &a->c0, n->c[0]) && oracle_is(o, &a->c1, n->c[1]);
}

#endif
