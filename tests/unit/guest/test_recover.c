/* The guest's signature recovery, compiled natively, against libsecp256k1. */
#include "host/guest/record.h"
#include "host/guest/recover.h"
#include "host/state/recover.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <gmp.h>
#include <stdlib.h>
#include <string.h>

static uint64_t seed = 7;

static uint64_t rnd(void)
{
    seed += 0x9e3779b97f4a7c15;
    uint64_t z = seed;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
    z = (z ^ z >> 27) * 0x94d049bb133111eb;
    return z ^ z >> 31;
}

static const char n_hex[] = "fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141";
static const char p_hex[] = "fffffffffffffffffffffffffffffffffffffffffffffffffffffffefffffc2f";
static const char gx_hex[] = "79be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798";

static void store(uint8_t out[32], const mpz_t z)
{
    uint8_t le[32] = {0};
    mpz_export(le, NULL, -1, 1, 0, 0, z);
    for (unsigned i = 0; i < 32; i++)
        out[i] = le[31 - i];
}

static void load(mpz_t z, const uint8_t in[32])
{
    mpz_import(z, 32, 1, 1, 0, 0, in);
}

typedef struct tally {
    unsigned ok, none, infinity;
} tally;

/** Both recover; returns what libsecp256k1 said. */
static exec_recovery compare(guest_io *io, tally *t, const uint8_t hash[32], const uint8_t r[32],
                             const uint8_t s[32], bool odd)
{
    p_err err = {0};
    uint8_t ours[64] = {0}, theirs[64] = {0};
    guest_io_begin(io, NULL);
    exec_recovery a = guest_recover(io, hash, r, s, odd, ours);
    exec_recovery b = state_recover(NULL, hash, r, s, odd, theirs);
    if (guest_io_check(io, &err) != P_OK)
        fail_msg("%s", err.text);
    assert_int_equal(a, b);
    if (b == EXEC_RECOVERY_OK)
        assert_memory_equal(ours, theirs, 64);
    t->ok += b == EXEC_RECOVERY_OK;
    t->none += b == EXEC_RECOVERY_NONE;
    t->infinity += b == EXEC_RECOVERY_INFINITY;
    return b;
}

static void test_random(void **state)
{
    p_err err = {0};
    guest_io *io;
    tally t = {0};
    const char *cases = getenv("ZKP_TEST_CASES");
    unsigned n = cases ? (unsigned)strtoul(cases, NULL, 10) : 1000;
    mpz_t z, order;
    (void)state;
    mpz_inits(z, order, NULL);
    mpz_set_str(order, n_hex, 16);
    assert_int_equal(guest_io_create(&io, &err), P_OK);
    for (unsigned i = 0; i < n; i++) {
        uint8_t bytes[3][32];
        for (unsigned j = 0; j < 96; j++)
            bytes[j / 32][j % 32] = (uint8_t)rnd();
        for (unsigned j = 1; j < 3; j++) { /* r, s in 1..n-1, some of them short */
            load(z, bytes[j]);
            if (rnd() % 4 == 0)
                mpz_tdiv_q_2exp(z, z, rnd() % 250);
            mpz_mod(z, z, order);
            if (mpz_sgn(z) == 0)
                mpz_set_ui(z, 1);
            store(bytes[j], z);
        }
        compare(io, &t, bytes[0], bytes[1], bytes[2], rnd() & 1);
    }
    /* half of all numbers are an x coordinate */
    assert_true(t.ok > n / 3 && t.none > n / 3);
    guest_io_destroy(io);
    mpz_clears(z, order, NULL);
}

/** Small and large r and s, hashes of 0, 1, n - 1, n, n + 1, 2^256 - 1; r = x(G), where table
 * entries of both points meet; and every hash = s r' that gives the point at infinity or a
 * doubling. */
static void test_edges(void **state)
{
    p_err err = {0};
    guest_io *io;
    tally t = {0};
    mpz_t n, p, gx, x;
    (void)state;
    mpz_inits(n, p, gx, x, NULL);
    mpz_set_str(n, n_hex, 16);
    mpz_set_str(p, p_hex, 16);
    mpz_set_str(gx, gx_hex, 16);
    assert_int_equal(guest_io_create(&io, &err), P_OK);
    uint8_t rs[12][32], hashes[8][32];
    for (unsigned i = 0; i < 12; i++) {
        if (i < 6)
            mpz_set_ui(x, i + 1);
        else if (i < 9)
            mpz_sub_ui(x, n, i - 5);
        else if (i < 10)
            mpz_set(x, gx);
        else if (i < 11)
            mpz_tdiv_q_2exp(x, n, 1);
        else
            mpz_ui_pow_ui(x, 2, 128);
        store(rs[i], x);
    }
    for (unsigned i = 0; i < 8; i++) {
        if (i < 3)
            mpz_set_ui(x, i);
        else if (i < 6)
            mpz_add_ui(x, n, i - 3);
        else {
            mpz_ui_pow_ui(x, 2, 256);
            mpz_sub_ui(x, x, i - 5);
        }
        store(hashes[i], x);
    }
    for (unsigned i = 0; i < 12 * 12 * 8; i += 3) {
        for (unsigned odd = 0; odd < 2; odd++)
            compare(io, &t, hashes[i / 144], rs[i / 12 % 12], rs[i % 12], odd);
    }
    /* R = G or -G: Q = (s R - z G) / r, so z = +-s is the infinity, and z = k s meets multiples */
    t.infinity = 0;
    for (unsigned i = 1; i < 60; i++) {
        uint8_t hash[32], s[32];
        mpz_set_ui(x, i);
        store(s, x);
        for (int k = -4; k <= 4; k++) {
            mpz_mul_si(x, x, k);
            mpz_mod(x, x, n);
            store(hash, x);
            compare(io, &t, hash, rs[9], s, false);
            compare(io, &t, hash, rs[9], s, true);
            mpz_set_ui(x, i);
        }
    }
    assert_int_equal(t.infinity, 2 * 59);
    guest_io_destroy(io);
    mpz_clears(n, p, gx, x, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_random),
        cmocka_unit_test(test_edges),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
