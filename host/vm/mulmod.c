#include "host/vm/mulmod.h"

#include "host/vm/isa.h"

#include <assert.h>
#include <stdbool.h>
#include <string.h>

__extension__ typedef unsigned __int128 u128;

/** m = 2^256 - c, with c in `words` words (SEC 2, section 2.4.1). */
typedef struct modulus {
    uint64_t m[4], c[3];
    unsigned words;
} modulus;

static const modulus moduli[VM_MODULI] = {
    [VM_MODULUS_SECP256K1_P] = {{0xfffffffefffffc2f, 0xffffffffffffffff, 0xffffffffffffffff,
                                 0xffffffffffffffff},
                                {0x1000003d1},
                                1},
    [VM_MODULUS_SECP256K1_N] = {{0xbfd25e8cd0364141, 0xbaaedce6af48a03b, 0xfffffffffffffffe,
                                 0xffffffffffffffff},
                                {0x402da1732fc9bebf, 0x4551231950b75fc4, 1},
                                3},
};

void vm_modulus(uint64_t out[4], unsigned selector)
{
    assert(selector < VM_MODULI);
    memcpy(out, moduli[selector].m, sizeof moduli[selector].m);
}

/** out[0..na+nb-1] = a * b; out overlaps neither. */
static void multiply(uint64_t *out, const uint64_t *a, unsigned na, const uint64_t *b, unsigned nb)
{
    memset(out, 0, (na + nb) * sizeof *out);
    for (unsigned i = 0; i < na; i++) {
        uint64_t carry = 0;
        for (unsigned j = 0; j < nb; j++) {
            u128 t = (u128)a[i] * b[j] + out[i + j] + carry;
            out[i + j] = (uint64_t)t;
            carry = (uint64_t)(t >> 64);
        }
        out[i + nb] = carry;
    }
}

/** x -= m unless that is negative; returns whether it did. */
static bool subtract(uint64_t x[4], const uint64_t m[4])
{
    uint64_t d[4], borrow = 0;
    for (unsigned i = 0; i < 4; i++) {
        u128 t = (u128)x[i] - m[i] - borrow;
        d[i] = (uint64_t)t;
        borrow = (uint64_t)(t >> 64) & 1;
    }
    if (borrow)
        return false;
    memcpy(x, d, sizeof d);
    return true;
}

void vm_mulmod_var(uint64_t d[4], const uint64_t a[4], const uint64_t b[4], unsigned selector)
{
    assert(selector < VM_MODULI);
    const modulus *m = &moduli[selector];
    uint64_t x[8];
    multiply(x, a, 4, b, 4);
    /* 2^256 = c: each turn shortens the high half, 512 bits to 386, 260, 257, 256 at most */
    while (x[4] | x[5] | x[6] | x[7]) {
        uint64_t high[8] = {0}, carry = 0;
        multiply(high, x + 4, 4, m->c, m->words);
        for (unsigned i = 0; i < 8; i++) {
            u128 t = (u128)(i < 4 ? x[i] : 0) + high[i] + carry;
            x[i] = (uint64_t)t;
            carry = (uint64_t)(t >> 64);
        }
    }
    while (subtract(x, m->m))
        ;
    memcpy(d, x, 4 * sizeof *d);
}

void vm_powmod_var(uint64_t d[4], const uint64_t a[4], const uint64_t e[4], unsigned selector)
{
    uint64_t base[4], x[4] = {1};
    memcpy(base, a, sizeof base);
    for (unsigned i = 256; i-- > 0;) {
        vm_mulmod_var(x, x, x, selector);
        if (e[i / 64] >> i % 64 & 1)
            vm_mulmod_var(x, x, base, selector);
    }
    memcpy(d, x, sizeof x);
}

static bool is_one(const uint64_t x[4])
{
    return x[0] == 1 && (x[1] | x[2] | x[3]) == 0;
}

/** x / 2 mod m, x < m. */
static void halve(uint64_t x[4], const uint64_t m[4])
{
    uint64_t carry = 0;
    if (x[0] & 1) {
        for (unsigned i = 0; i < 4; i++) {
            u128 t = (u128)x[i] + m[i] + carry;
            x[i] = (uint64_t)t;
            carry = (uint64_t)(t >> 64);
        }
    }
    for (unsigned i = 0; i < 4; i++)
        x[i] = x[i] >> 1 | (i < 3 ? x[i + 1] : carry) << 63;
}

/** x - y mod m; both below m. */
static void submod(uint64_t x[4], const uint64_t y[4], const uint64_t m[4])
{
    uint64_t borrow = 0, carry = 0;
    for (unsigned i = 0; i < 4; i++) {
        u128 t = (u128)x[i] - y[i] - borrow;
        x[i] = (uint64_t)t;
        borrow = (uint64_t)(t >> 64) & 1;
    }
    for (unsigned i = 0; borrow && i < 4; i++) {
        u128 t = (u128)x[i] + m[i] + carry;
        x[i] = (uint64_t)t;
        carry = (uint64_t)(t >> 64);
    }
}

void vm_invmod_var(uint64_t d[4], const uint64_t a[4], unsigned selector)
{
    /* binary extended Euclid: u = a*p, v = a*q mod m all along */
    uint64_t m[4], u[4], v[4], p[4] = {1}, q[4] = {0};
    vm_modulus(m, selector);
    memcpy(u, a, sizeof u);
    while (subtract(u, m))
        ;
    memcpy(v, m, sizeof v);
    if ((u[0] | u[1] | u[2] | u[3]) == 0) {
        memset(d, 0, 4 * sizeof *d);
        return;
    }
    while (!is_one(u) && !is_one(v)) {
        while (!(u[0] & 1)) {
            halve(u, m); /* u is even: no m is added */
            halve(p, m);
        }
        while (!(v[0] & 1)) {
            halve(v, m);
            halve(q, m);
        }
        if (subtract(u, v))
            submod(p, q, m);
        else {
            (void)subtract(v, u);
            submod(q, p, m);
        }
    }
    memcpy(d, is_one(u) ? p : q, 4 * sizeof *d);
}
