/* 256-bit arithmetic against slow obvious code: one bit or one byte at a time, no carries hidden in
 * wide types. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "host/executor/bytes.h"
#include "host/executor/u256.h"

/* ---- the slow side: little-endian bytes ---- */

#define WIDE 80 /* bytes: room for a 512-bit product and a carry */

typedef struct slow {
    uint8_t b[WIDE];
} slow;

static slow slow_of(const u256 *x)
{
    slow s;
    memset(&s, 0, sizeof s);
    for (unsigned i = 0; i < 32; i++)
        s.b[i] = (uint8_t)(x->limb[i / 8] >> (8 * (i % 8)));
    return s;
}

static u256 slow_low(const slow *s)
{
    u256 r = u256_zero();
    for (unsigned i = 0; i < 32; i++)
        r.limb[i / 8] |= (uint64_t)s->b[i] << (8 * (i % 8));
    return r;
}

static int slow_bit(const slow *s, unsigned i)
{
    return s->b[i / 8] >> (i % 8) & 1;
}

static slow slow_add(const slow *x, const slow *y)
{
    slow r;
    unsigned carry = 0;
    for (unsigned i = 0; i < WIDE; i++) {
        carry += (unsigned)x->b[i] + y->b[i];
        r.b[i] = (uint8_t)carry;
        carry >>= 8;
    }
    return r;
}

static slow slow_sub(const slow *x, const slow *y)
{
    slow r;
    int borrow = 0;
    for (unsigned i = 0; i < WIDE; i++) {
        int d = x->b[i] - y->b[i] - borrow;
        borrow = d < 0;
        r.b[i] = (uint8_t)(d + 256);
    }
    return r;
}

static int slow_cmp(const slow *x, const slow *y)
{
    for (unsigned i = WIDE; i-- > 0;)
        if (x->b[i] != y->b[i])
            return x->b[i] < y->b[i] ? -1 : 1;
    return 0;
}

static slow slow_double(const slow *x)
{
    return slow_add(x, x);
}

static slow slow_mul(const slow *x, const slow *y)
{
    slow r;
    memset(&r, 0, sizeof r);
    for (unsigned i = 256; i-- > 0;) {
        r = slow_double(&r);
        if (slow_bit(y, i))
            r = slow_add(&r, x);
    }
    return r;
}

/** Long division, a bit at a time; y is not 0. */
static void slow_divmod(const slow *x, const slow *y, slow *q, slow *r)
{
    memset(q, 0, sizeof *q);
    memset(r, 0, sizeof *r);
    for (unsigned i = 8 * WIDE - 8; i-- > 0;) {
        *r = slow_double(r);
        r->b[0] |= (uint8_t)slow_bit(x, i);
        if (slow_cmp(r, y) >= 0) {
            *r = slow_sub(r, y);
            q->b[i / 8] |= (uint8_t)(1u << (i % 8));
        }
    }
}

/* ---- values ---- */

static uint64_t random_state = UINT64_C(0x9e3779b97f4a7c15);

static uint64_t random_u64(void)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return random_state;
}

static const uint64_t edge_limbs[] = {
    0,         1, 2, UINT64_C(0x7fffffffffffffff), UINT64_C(0x8000000000000000), UINT64_MAX - 1,
    UINT64_MAX};
#define N_EDGE_LIMBS (sizeof edge_limbs / sizeof edge_limbs[0])

/** Random, of random length, or made of edge limbs. */
static u256 random_u256(void)
{
    u256 x;
    uint64_t kind = random_u64() % 4;
    for (unsigned i = 0; i < 4; i++)
        x.limb[i] = kind == 0 ? edge_limbs[random_u64() % N_EDGE_LIMBS] : random_u64();
    return kind == 1 ? u256_shr(&x, (unsigned)(random_u64() % 256)) : x;
}

static const u256 edges[] = {
    {{0, 0, 0, 0}},
    {{1, 0, 0, 0}},
    {{2, 0, 0, 0}},
    {{10, 0, 0, 0}},
    {{UINT64_MAX, 0, 0, 0}},
    {{0, 1, 0, 0}},
    {{1, 1, 0, 0}},
    {{UINT64_MAX, UINT64_MAX, 0, 0}},
    {{0, 0, 1, 0}},
    {{0, 0, UINT64_C(1) << 63, 0}},
    {{UINT64_MAX, UINT64_MAX, UINT64_MAX, 0}},
    {{0, 0, 0, 1}},
    {{UINT64_MAX, UINT64_MAX, UINT64_MAX, INT64_MAX}},
    {{0, 0, 0, UINT64_C(1) << 63}},
    {{1, 0, 0, UINT64_C(1) << 63}},
    {{UINT64_MAX - 1, UINT64_MAX, UINT64_MAX, UINT64_MAX}},
    {{UINT64_MAX, UINT64_MAX, UINT64_MAX, UINT64_MAX}},
};
#define N_EDGES (sizeof edges / sizeof edges[0])

static void assert_u256(const u256 *found, const u256 *expected, const char *what)
{
    if (!u256_eq(found, expected))
        fail_msg("%s: found %016llx%016llx%016llx%016llx, expected %016llx%016llx%016llx%016llx",
                 what, (unsigned long long)found->limb[3], (unsigned long long)found->limb[2],
                 (unsigned long long)found->limb[1], (unsigned long long)found->limb[0],
                 (unsigned long long)expected->limb[3], (unsigned long long)expected->limb[2],
                 (unsigned long long)expected->limb[1], (unsigned long long)expected->limb[0]);
}

static void check(u256 found, slow expected, const char *what)
{
    u256 e = slow_low(&expected);
    assert_u256(&found, &e, what);
}

/* ---- one pair ---- */

static void check_division(const u256 *a, const u256 *b)
{
    u256 q, r;
    u256_divmod(a, b, &q, &r);
    if (u256_is_zero(b)) {
        assert_true(u256_is_zero(&q) && u256_is_zero(&r));
        return;
    }
    slow sa = slow_of(a), sb = slow_of(b), sq, sr;
    slow_divmod(&sa, &sb, &sq, &sr);
    check(q, sq, "quotient");
    check(r, sr, "remainder");
    /* a = q b + r without overflow, r < b */
    u256 back = u256_mul(&q, b);
    back = u256_add(&back, &r);
    assert_u256(&back, a, "q b + r");
    assert_true(u256_lt(&r, b));
    u256 only = u256_div(a, b);
    assert_u256(&only, &q, "div");
    only = u256_mod(a, b);
    assert_u256(&only, &r, "mod");
}

static u256 slow_abs(const u256 *a)
{
    slow zero, s = slow_of(a);
    memset(&zero, 0, sizeof zero);
    if (a->limb[3] >> 63)
        s = slow_sub(&zero, &s);
    return slow_low(&s);
}

static void check_signed(const u256 *a, const u256 *b)
{
    bool na = a->limb[3] >> 63, nb = b->limb[3] >> 63;
    slow ma, mb, q, r, zero;
    u256 abs_a = slow_abs(a), abs_b = slow_abs(b);
    memset(&zero, 0, sizeof zero);
    ma = slow_of(&abs_a);
    mb = slow_of(&abs_b);
    q = r = zero;
    if (slow_cmp(&mb, &zero) != 0)
        slow_divmod(&ma, &mb, &q, &r);
    check(u256_sdiv(a, b), na != nb ? slow_sub(&zero, &q) : q, "sdiv");
    check(u256_smod(a, b), na ? slow_sub(&zero, &r) : r, "smod");
    int magnitude = slow_cmp(&ma, &mb);
    bool less = na != nb ? na : na ? magnitude > 0 : magnitude < 0;
    assert_int_equal(u256_slt(a, b), less);
}

static void check_pair(const u256 *a, const u256 *b)
{
    slow sa = slow_of(a), sb = slow_of(b);
    u256 out;
    slow sum = slow_add(&sa, &sb);
    assert_int_equal(u256_add_carry(&out, a, b), sum.b[32]);
    check(out, sum, "sum");
    check(u256_add(a, b), sum, "add");
    int order = slow_cmp(&sa, &sb);
    assert_int_equal(u256_sub_borrow(&out, a, b), order < 0);
    check(out, slow_sub(&sa, &sb), "difference");
    check(u256_sub(a, b), slow_sub(&sa, &sb), "sub");
    assert_int_equal(u256_cmp(a, b), order);
    assert_int_equal(u256_lt(a, b), order < 0);
    assert_int_equal(u256_eq(a, b), order == 0);
    slow product = slow_mul(&sa, &sb);
    check(u256_mul(a, b), product, "product");
    uint64_t wide[8];
    u256_mul_wide(wide, a, b);
    for (unsigned i = 0; i < 64; i++)
        assert_int_equal((uint8_t)(wide[i / 8] >> (8 * (i % 8))), product.b[i]);
    /* the result may be an operand */
    u256 same = *a;
    same = u256_mul(&same, &same);
    check(same, slow_mul(&sa, &sa), "square in place");
    for (unsigned i = 0; i < 4; i++) {
        out = u256_and(a, b);
        assert_int_equal(out.limb[i], a->limb[i] & b->limb[i]);
        out = u256_or(a, b);
        assert_int_equal(out.limb[i], a->limb[i] | b->limb[i]);
        out = u256_xor(a, b);
        assert_int_equal(out.limb[i], a->limb[i] ^ b->limb[i]);
        out = u256_not(a);
        assert_int_equal(out.limb[i], ~a->limb[i]);
    }
    check_division(a, b);
    check_signed(a, b);
}

static void check_modular(const u256 *a, const u256 *b, const u256 *m)
{
    slow sa = slow_of(a), sb = slow_of(b), sm = slow_of(m), q, r;
    u256 add = u256_addmod(a, b, m), mul = u256_mulmod(a, b, m);
    if (u256_is_zero(m)) {
        assert_true(u256_is_zero(&add) && u256_is_zero(&mul));
        return;
    }
    slow value = slow_add(&sa, &sb);
    slow_divmod(&value, &sm, &q, &r);
    check(add, r, "addmod");
    value = slow_mul(&sa, &sb);
    slow_divmod(&value, &sm, &q, &r);
    check(mul, r, "mulmod");
}

static void check_shifts(const u256 *a, unsigned amount)
{
    unsigned n = amount < 256 ? amount : 256;
    slow s = slow_of(a), left, right, arithmetic;
    memset(&left, 0, sizeof left);
    right = arithmetic = left;
    for (unsigned i = 0; i < 256; i++) {
        int sign = slow_bit(&s, 255);
        int from_right = i + n < 256 ? slow_bit(&s, i + n) : 0;
        int from_arithmetic = i + n < 256 ? slow_bit(&s, i + n) : sign;
        int from_left = i >= n ? slow_bit(&s, i - n) : 0;
        left.b[i / 8] |= (uint8_t)(from_left << (i % 8));
        right.b[i / 8] |= (uint8_t)(from_right << (i % 8));
        arithmetic.b[i / 8] |= (uint8_t)(from_arithmetic << (i % 8));
    }
    check(u256_shl(a, amount), left, "shl");
    check(u256_shr(a, amount), right, "shr");
    check(u256_sar(a, amount), arithmetic, "sar");
}

static void check_bytes(const u256 *a)
{
    uint8_t be[32];
    slow s = slow_of(a);
    bytes_store_u256(be, a);
    unsigned length = 0;
    for (unsigned i = 0; i < 32; i++) {
        assert_int_equal(be[i], s.b[31 - i]);
        assert_int_equal(u256_byte(a, i), s.b[31 - i]);
        if (s.b[i] != 0)
            length = i + 1;
    }
    assert_int_equal(u256_byte(a, 32), 0);
    assert_int_equal(u256_byte(a, UINT64_MAX), 0);
    assert_int_equal(u256_byte_length(a), length);
    unsigned bits = 0;
    for (unsigned i = 0; i < 256; i++)
        if (slow_bit(&s, i))
            bits = i + 1;
    assert_int_equal(u256_bit_length(a), bits);
    u256 back = bytes_load_u256(be);
    assert_u256(&back, a, "load");
    for (unsigned n = 0; n <= 32; n++) {
        slow low = s;
        memset(low.b + n, 0, sizeof low.b - n);
        check(bytes_load_u256_short(be + 32 - n, n), low, "short load");
    }
    /* sign extension from each byte, and from beyond */
    for (unsigned i = 0; i < 34; i++) {
        slow e = s;
        if (i < 31)
            memset(e.b + i + 1, e.b[i] & 0x80 ? 0xff : 0, 31 - i);
        check(u256_signextend(a, i), e, "signextend");
    }
    check(u256_signextend(a, UINT64_MAX), s, "signextend");
    exec_address address = bytes_address_of_u256(a);
    assert_memory_equal(address.bytes, be + 12, 20);
    slow masked = s;
    memset(masked.b + 20, 0, sizeof masked.b - 20);
    check(bytes_u256_of_address(&address), masked, "address");
}

/* ---- tests ---- */

static void test_edges(void **state)
{
    (void)state;
    for (size_t i = 0; i < N_EDGES; i++) {
        check_bytes(&edges[i]);
        for (unsigned n = 0; n <= 257; n++)
            check_shifts(&edges[i], n);
        check_shifts(&edges[i], UINT32_MAX);
        for (size_t j = 0; j < N_EDGES; j++) {
            check_pair(&edges[i], &edges[j]);
            for (size_t k = 0; k < N_EDGES; k += 3)
                check_modular(&edges[i], &edges[j], &edges[k]);
        }
    }
}

static void test_random(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 1500; i++) {
        u256 a = random_u256(), b = random_u256(), m = random_u256();
        check_pair(&a, &b);
        check_modular(&a, &b, &m);
        check_shifts(&a, (unsigned)(random_u64() % 260));
        check_bytes(&a);
    }
}

/** Dividends just below, at and above a multiple of the divisor: where an estimated digit is too
 * large. The identity alone is checked, so that many can be. */
static void test_division_near_multiples(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 200000; i++) {
        u256 b = random_u256(), k = random_u256();
        if (u256_is_zero(&b))
            continue;
        k = u256_shr(&k, u256_bit_length(&b)); /* the product fits */
        u256 a = u256_mul(&b, &k), q, r;
        u256 delta = u256_from_u64(random_u64() % 3);
        a = u256_add(&a, &delta);
        delta = u256_from_u64(1);
        a = u256_sub(&a, &delta);
        u256_divmod(&a, &b, &q, &r);
        assert_true(u256_lt(&r, &b));
        uint64_t wide[8];
        u256_mul_wide(wide, &q, &b);
        assert_true((wide[4] | wide[5] | wide[6] | wide[7]) == 0);
        u256 back = {{wide[0], wide[1], wide[2], wide[3]}};
        assert_false(u256_add_carry(&back, &back, &r));
        assert_u256(&back, &a, "q b + r");
    }
}

/** (x y) mod m against the quotient-free identity: x y - r is a multiple of m, seen modulo a second
 * modulus. */
static void test_mulmod_of_products(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 20000; i++) {
        u256 m = random_u256(), x = random_u256(), y = random_u256(), z = random_u256();
        if (u256_is_zero(&m))
            continue;
        /* associativity and distributivity modulo m */
        u256 xy = u256_mulmod(&x, &y, &m), yz = u256_mulmod(&y, &z, &m);
        u256 left = u256_mulmod(&xy, &z, &m), right = u256_mulmod(&x, &yz, &m);
        assert_u256(&left, &right, "(x y) z = x (y z)");
        u256 sum = u256_addmod(&x, &z, &m);
        left = u256_mulmod(&sum, &y, &m);
        right = u256_addmod(&xy, &yz, &m);
        assert_u256(&left, &right, "(x + z) y = x y + z y");
    }
}

static void test_exp(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 300; i++) {
        u256 base = random_u256();
        uint64_t n = random_u64() % 70;
        u256 e = u256_from_u64(n), expected = u256_from_u64(1);
        for (uint64_t k = 0; k < n; k++)
            expected = u256_mul(&expected, &base);
        u256 found = u256_exp(&base, &e);
        assert_u256(&found, &expected, "exp");
        /* b^(s+t) = b^s b^t for large exponents */
        u256 s = random_u256(), t = random_u256(), st;
        s.limb[3] >>= 1;
        t.limb[3] >>= 1;
        st = u256_add(&s, &t);
        u256 bs = u256_exp(&base, &s), bt = u256_exp(&base, &t);
        expected = u256_mul(&bs, &bt);
        found = u256_exp(&base, &st);
        assert_u256(&found, &expected, "exp of a sum");
    }
    const u256 zero = u256_zero(), one = u256_from_u64(1), two = u256_from_u64(2);
    u256 r = u256_exp(&zero, &zero);
    assert_u256(&r, &one, "0^0");
    r = u256_exp(&zero, &two);
    assert_u256(&r, &zero, "0^2");
    for (unsigned n = 0; n < 300; n++) {
        u256 e = u256_from_u64(n), expected = u256_shl(&one, n);
        r = u256_exp(&two, &e);
        assert_u256(&r, &expected, "2^n");
    }
    u256 large = {{3, 1, 0, 0}};
    r = u256_exp(&two, &large);
    assert_u256(&r, &zero, "2^large");
    /* 3^5 by hand, and 10^77, the largest power of ten */
    u256 three = u256_from_u64(3), five = u256_from_u64(5), ten = u256_from_u64(10),
         n77 = u256_from_u64(77);
    r = u256_exp(&three, &five);
    assert_int_equal(r.limb[0], 243);
    r = u256_exp(&ten, &n77);
    const u256 ten_77 = {{UINT64_C(0x0), UINT64_C(0xaa987b6e6fd2a000), UINT64_C(0x49ef0eb713f39ebe),
                          UINT64_C(0xdd15fe86affad912)}};
    assert_u256(&r, &ten_77, "10^77");
}

static void test_small_helpers(void **state)
{
    (void)state;
    u256 wide = {{5, 1, 0, 0}}, narrow = {{5, 0, 0, 0}};
    assert_false(u256_fits_u64(&wide));
    assert_true(u256_fits_u64(&narrow));
    assert_true(u256_saturate_u64(&wide) == UINT64_MAX);
    assert_true(u256_saturate_u64(&narrow) == 5);
    u256 r = u256_add_u64(&edges[N_EDGES - 1], 1);
    assert_true(u256_is_zero(&r));
    r = u256_negate(&edges[1]);
    assert_u256(&r, &edges[N_EDGES - 1], "-1");
    exec_hash h = bytes_hash_of_u256(&wide);
    assert_int_equal(h.bytes[31], 5);
    assert_int_equal(h.bytes[23], 1);
    r = bytes_u256_of_hash(&h);
    assert_u256(&r, &wide, "hash");
    exec_address a = bytes_address_of_u256(&wide), b = a;
    assert_true(bytes_address_eq(&a, &b));
    b.bytes[0] ^= 1;
    assert_false(bytes_address_eq(&a, &b));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_edges),
        cmocka_unit_test(test_random),
        cmocka_unit_test(test_division_near_multiples),
        cmocka_unit_test(test_mulmod_of_products),
        cmocka_unit_test(test_exp),
        cmocka_unit_test(test_small_helpers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
