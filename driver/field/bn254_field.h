/* Montgomery arithmetic of a prime p of four 64-bit words: the template of bn_fp.h and bn_fr.h,
 * which define BN_T (the element type), BN_W (the type of eight words), BN_F(name), the modulus
 * BN_P(0) .. BN_P(3) and BN_NEG_INV = -p^-1 mod 2^64 before they include it. No include guard: it
 * is included once for each field.
 *
 * Bounds. Both primes of BN254 are 0.189 * 2^256, so 5 p < 2^256 and 22 p^2 + 2^256 p < 2^512. */

typedef struct BN_T {
    uint64_t l[4];
} BN_T;

/** An unreduced sum of products, below 2^512. */
typedef struct BN_W {
    uint64_t l[8];
} BN_W;

static inline void BN_F(set_zero)(BN_T *r)
{
    r->l[0] = r->l[1] = r->l[2] = r->l[3] = 0;
}

static inline bool BN_F(is_zero)(const BN_T *a)
{
    return (a->l[0] | a->l[1] | a->l[2] | a->l[3]) == 0;
}

static inline bool BN_F(eq)(const BN_T *a, const BN_T *b)
{
    return ((a->l[0] ^ b->l[0]) | (a->l[1] ^ b->l[1]) | (a->l[2] ^ b->l[2]) |
            (a->l[3] ^ b->l[3])) == 0;
}

/** r = take ? a : r, without a branch. */
static inline void BN_F(cmov)(BN_T *r, const BN_T *a, bool take)
{
    uint64_t mask = -(uint64_t)take;

    for (int i = 0; i < 4; i++)
        r->l[i] ^= (r->l[i] ^ a->l[i]) & mask;
}

/** r = a - p if that is not negative, else a; a is any four words. */
static inline void BN_F(reduce_once)(BN_T *r, const uint64_t a[4])
{
#ifdef BN254_X86
    static const uint64_t p[4] = {BN_P(0), BN_P(1), BN_P(2), BN_P(3)};
    BN_T t = {{a[0], a[1], a[2], a[3]}};

    BN254_ASM_REDUCE(t.l, p);
    *r = t;
#else
    uint64_t d0, d1, d2, d3, mask;
    unsigned char c;

    c = bn254_sub(&d0, a[0], BN_P(0), 0);
    c = bn254_sub(&d1, a[1], BN_P(1), c);
    c = bn254_sub(&d2, a[2], BN_P(2), c);
    c = bn254_sub(&d3, a[3], BN_P(3), c);
    mask = -(uint64_t)c;
    r->l[0] = d0 ^ ((d0 ^ a[0]) & mask);
    r->l[1] = d1 ^ ((d1 ^ a[1]) & mask);
    r->l[2] = d2 ^ ((d2 ^ a[2]) & mask);
    r->l[3] = d3 ^ ((d3 ^ a[3]) & mask);
#endif
}

/** r = a - 2 p if that is not negative, else a; a is any four words. */
static inline void BN_F(reduce_double)(BN_T *r, const uint64_t a[4])
{
    static const uint64_t p[4] = {BN_P(0) << 1, BN_P(1) << 1 | BN_P(0) >> 63,
                                  BN_P(2) << 1 | BN_P(1) >> 63, BN_P(3) << 1 | BN_P(2) >> 63};
#ifdef BN254_X86
    BN_T t = {{a[0], a[1], a[2], a[3]}};

    BN254_ASM_REDUCE(t.l, p);
    *r = t;
#else
    uint64_t d[4], mask;
    unsigned char c = 0;

    for (int i = 0; i < 4; i++)
        c = bn254_sub(&d[i], a[i], p[i], c);
    mask = -(uint64_t)c;
    for (int i = 0; i < 4; i++)
        r->l[i] = d[i] ^ ((d[i] ^ a[i]) & mask);
#endif
}

/** r = a + b, not reduced: below 2^256 as long as the two are below 5 p together. */
static inline void BN_F(add_lazy)(BN_T *r, const BN_T *a, const BN_T *b)
{
#ifdef BN254_X86
    BN_T s = *a;

    BN254_ASM_ADD(s.l, b->l);
    *r = s;
#else
    unsigned char c = bn254_add(&r->l[0], a->l[0], b->l[0], 0);

    c = bn254_add(&r->l[1], a->l[1], b->l[1], c);
    c = bn254_add(&r->l[2], a->l[2], b->l[2], c);
    r->l[3] = a->l[3] + b->l[3] + c;
#endif
}

static inline void BN_F(add)(BN_T *r, const BN_T *a, const BN_T *b)
{
    BN_T s;

    BN_F(add_lazy)(&s, a, b);
    BN_F(reduce_once)(r, s.l);
}

static inline void BN_F(dbl)(BN_T *r, const BN_T *a)
{
    BN_F(add)(r, a, a);
}

static inline void BN_F(sub)(BN_T *r, const BN_T *a, const BN_T *b)
{
#ifdef BN254_X86
    static const uint64_t p[4] = {BN_P(0), BN_P(1), BN_P(2), BN_P(3)};
    BN_T s = *a;

    BN254_ASM_SUB(s.l, b->l, p);
    *r = s;
#else
    uint64_t d0, d1, d2, d3, mask;
    unsigned char c = bn254_sub(&d0, a->l[0], b->l[0], 0);

    c = bn254_sub(&d1, a->l[1], b->l[1], c);
    c = bn254_sub(&d2, a->l[2], b->l[2], c);
    c = bn254_sub(&d3, a->l[3], b->l[3], c);
    mask = -(uint64_t)c;
    c = bn254_add(&r->l[0], d0, BN_P(0) & mask, 0);
    c = bn254_add(&r->l[1], d1, BN_P(1) & mask, c);
    c = bn254_add(&r->l[2], d2, BN_P(2) & mask, c);
    r->l[3] = d3 + (BN_P(3) & mask) + c;
#endif
}

static inline void BN_F(neg)(BN_T *r, const BN_T *a)
{
    uint64_t mask = -(uint64_t)!BN_F(is_zero)(a);
    unsigned char c = bn254_sub(&r->l[0], BN_P(0) & mask, a->l[0], 0);

    c = bn254_sub(&r->l[1], BN_P(1) & mask, a->l[1], c);
    c = bn254_sub(&r->l[2], BN_P(2) & mask, a->l[2], c);
    r->l[3] = (BN_P(3) & mask) - a->l[3] - c;
}

/** r = a / 2. */
static inline void BN_F(half)(BN_T *r, const BN_T *a)
{
    uint64_t mask = -(a->l[0] & 1), s0, s1, s2, s3; /* a + p is even then and below 2^255 */
    unsigned char c = bn254_add(&s0, a->l[0], BN_P(0) & mask, 0);

    c = bn254_add(&s1, a->l[1], BN_P(1) & mask, c);
    c = bn254_add(&s2, a->l[2], BN_P(2) & mask, c);
    s3 = a->l[3] + (BN_P(3) & mask) + c;
    r->l[0] = s0 >> 1 | s1 << 63;
    r->l[1] = s1 >> 1 | s2 << 63;
    r->l[2] = s2 >> 1 | s3 << 63;
    r->l[3] = s3 >> 1;
}

/** One step of the multiplication: t = (t + a b + m p) / 2^64 with m such that it divides. With
 * a <= 4 p, b any word: t < a + p before implies t < a + p <= 5 p < 2^256 after it, and all of
 * t + a b + m p is below 2^320, so neither of the two carry chains nor their sum carries out. */
static inline void BN_F(mul_step)(uint64_t t[4], const BN_T *a, uint64_t b)
{
    uint64_t u0, u1, u2, u3, ca = 0, cm = 0, m;

    u0 = bn254_mac(t[0], a->l[0], b, &ca);
    m = u0 * BN_NEG_INV;
    bn254_mac(u0, m, BN_P(0), &cm);
    u1 = bn254_mac(t[1], a->l[1], b, &ca);
    t[0] = bn254_mac(u1, m, BN_P(1), &cm);
    u2 = bn254_mac(t[2], a->l[2], b, &ca);
    t[1] = bn254_mac(u2, m, BN_P(2), &cm);
    u3 = bn254_mac(t[3], a->l[3], b, &ca);
    t[2] = bn254_mac(u3, m, BN_P(3), &cm);
    t[3] = ca + cm;
}

/** r = a b / 2^256 mod p, not reduced: a <= 4 p, b any four words; r < a b / 2^256 + p. So factors
 * below 2 p give a result below 2 p. */
static inline void BN_F(mul_lazy)(BN_T *r, const BN_T *a, const BN_T *b)
{
#ifdef BN254_ADX
    static const uint64_t p[6] = {BN_P(0), BN_P(1), BN_P(2), BN_P(3), BN_NEG_INV, BN_NEG_INV_HIGH};

    BN254_ASM_MUL(BN254_MUL, BN_T, r, a, b, p);
#else
    uint64_t t[4] = {0, 0, 0, 0};

    BN_F(mul_step)(t, a, b->l[0]);
    BN_F(mul_step)(t, a, b->l[1]);
    BN_F(mul_step)(t, a, b->l[2]);
    BN_F(mul_step)(t, a, b->l[3]);
    r->l[0] = t[0];
    r->l[1] = t[1];
    r->l[2] = t[2];
    r->l[3] = t[3];
#endif
}

/** r = a b; a and b may be below 2 p here. */
static inline void BN_F(mul)(BN_T *r, const BN_T *a, const BN_T *b)
{
#ifdef BN254_ADX
    static const uint64_t p[6] = {BN_P(0), BN_P(1), BN_P(2), BN_P(3), BN_NEG_INV, BN_NEG_INV_HIGH};

    BN254_ASM_MUL(BN254_MUL_REDUCED, BN_T, r, a, b, p);
#else
    BN_T t;

    BN_F(mul_lazy)(&t, a, b);
    BN_F(reduce_once)(r, t.l);
#endif
}

/** r = a^2; a may be below 2 p here. */
static inline void BN_F(sqr)(BN_T *r, const BN_T *a)
{
#ifdef BN254_ADX
    static const uint64_t p[6] = {BN_P(0), BN_P(1), BN_P(2), BN_P(3), BN_NEG_INV, BN_NEG_INV_HIGH};

    BN254_ASM_SQUARE(BN_T, r, a, p);
#else
    BN_F(mul)(r, a, a);
#endif
}

/** A canonical element out of four words; false, and r untouched, if they are not below p. */
static inline bool BN_F(set_words)(BN_T *r, const uint64_t w[4])
{
    static const BN_T r2 = BN_R2;
    BN_T a = {{w[0], w[1], w[2], w[3]}};
    uint64_t d;
    unsigned char c = bn254_sub(&d, w[0], BN_P(0), 0);

    c = bn254_sub(&d, w[1], BN_P(1), c);
    c = bn254_sub(&d, w[2], BN_P(2), c);
    if (!bn254_sub(&d, w[3], BN_P(3), c))
        return false;
    BN_F(mul)(r, &r2, &a);
    return true;
}

/** The number that a stands for, below p. */
static inline void BN_F(get_words)(uint64_t w[4], const BN_T *a)
{
    static const BN_T one = {{1, 0, 0, 0}};
    BN_T t;

    BN_F(mul)(&t, a, &one);
    w[0] = t.l[0];
    w[1] = t.l[1];
    w[2] = t.l[2];
    w[3] = t.l[3];
}

static inline void BN_F(set_u64)(BN_T *r, uint64_t a)
{
    static const BN_T r2 = BN_R2;
    BN_T t = {{a, 0, 0, 0}};

    BN_F(mul)(r, &r2, &t);
}

static inline void BN_F(set_one)(BN_T *r)
{
    static const BN_T one = BN_R;

    *r = one;
}

/** Whether four words are the Montgomery form of an element: below p. */
static inline bool BN_F(is_canonical)(const BN_T *a)
{
    uint64_t d;
    unsigned char c = bn254_sub(&d, a->l[0], BN_P(0), 0);

    c = bn254_sub(&d, a->l[1], BN_P(1), c);
    c = bn254_sub(&d, a->l[2], BN_P(2), c);
    return bn254_sub(&d, a->l[3], BN_P(3), c);
}

/* Sums of products with one reduction. A product of elements below 2 p counts as four. */

static inline void BN_F(wide_zero)(BN_W *w)
{
    for (int i = 0; i < 8; i++)
        w->l[i] = 0;
}

/** w = a b, exactly, for any words. */
static inline void BN_F(wide_mul)(BN_W *w, const BN_T *a, const BN_T *b)
{
#ifdef BN254_ADX
    BN254_ASM_WIDE_MUL(BN_T, w->l, a, b);
#else
    uint64_t t0 = 0, t1 = 0, t2 = 0, t3 = 0;

    for (int i = 0; i < 4; i++) {
        uint64_t c = 0;

        w->l[i] = bn254_mac(t0, a->l[0], b->l[i], &c);
        t0 = bn254_mac(t1, a->l[1], b->l[i], &c);
        t1 = bn254_mac(t2, a->l[2], b->l[i], &c);
        t2 = bn254_mac(t3, a->l[3], b->l[i], &c);
        t3 = c;
    }
    w->l[4] = t0;
    w->l[5] = t1;
    w->l[6] = t2;
    w->l[7] = t3;
#endif
}

/** w = a^2, exactly, for any words. */
static inline void BN_F(wide_sqr)(BN_W *w, const BN_T *a)
{
    BN_F(wide_mul)(w, a, a);
}

/** w += v. */
static inline void BN_F(wide_add)(BN_W *w, const BN_W *v)
{
#ifdef BN254_X86
    uint64_t mask;

    BN254_ASM_WIDE("addq", "adcq", w->l, v->l, mask);
    (void)mask;
#else
    unsigned char c = 0;

    for (int i = 0; i < 8; i++)
        c = bn254_add(&w->l[i], w->l[i], v->l[i], c);
#endif
}

/** w += a b; for at most 22 products of canonical elements in all. */
static inline void BN_F(wide_mac)(BN_W *w, const BN_T *a, const BN_T *b)
{
    BN_W t;

    BN_F(wide_mul)(&t, a, b);
    BN_F(wide_add)(w, &t);
}

/** r = (w + m p) / 2^256 < w / 2^256 + p, for w <= 22 p^2. The low half alone becomes
 * (low + m p) / 2^256 <= p; the high half is added to it. */
static inline void BN_F(wide_redc)(BN_T *r, const BN_W *w)
{
#ifdef BN254_ADX
    static const uint64_t p[6] = {BN_P(0), BN_P(1), BN_P(2), BN_P(3), BN_NEG_INV, BN_NEG_INV_HIGH};

    BN254_ASM_MUL(BN254_WIDE_REDC, BN_W, r, w, w, p);
#else
    uint64_t t0 = w->l[0], t1 = w->l[1], t2 = w->l[2], t3 = w->l[3];
    BN_T low, high = {{w->l[4], w->l[5], w->l[6], w->l[7]}};

    for (int i = 0; i < 4; i++) {
        uint64_t m = t0 * BN_NEG_INV, c = 0;

        bn254_mac(t0, m, BN_P(0), &c);
        t0 = bn254_mac(t1, m, BN_P(1), &c);
        t1 = bn254_mac(t2, m, BN_P(2), &c);
        t2 = bn254_mac(t3, m, BN_P(3), &c);
        t3 = c;
    }
    low.l[0] = t0;
    low.l[1] = t1;
    low.l[2] = t2;
    low.l[3] = t3;
    BN_F(add_lazy)(r, &low, &high);
#endif
}

/** r = w / 2^256 mod p, canonical, for w <= 22 p^2: then w / 2^256 + p < 5.2 p. Sums of products of
 * Montgomery forms become the Montgomery form of the sum. */
static inline void BN_F(wide_reduce)(BN_T *r, const BN_W *w)
{
    BN_T t;

    BN_F(wide_redc)(&t, w);
    for (int i = 0; i < 5; i++)
        BN_F(reduce_once)(&t, t.l);
    *r = t;
}

/** The same with one subtraction, for w <= 5 p^2: then w / 2^256 < p. */
static inline void BN_F(wide_reduce5)(BN_T *r, const BN_W *w)
{
#ifdef BN254_ADX
    static const uint64_t p[6] = {BN_P(0), BN_P(1), BN_P(2), BN_P(3), BN_NEG_INV, BN_NEG_INV_HIGH};

    BN254_ASM_MUL(BN254_WIDE_REDUCED, BN_W, r, w, w, p);
#else
    BN_T t;

    BN_F(wide_redc)(&t, w);
    BN_F(reduce_once)(r, t.l);
#endif
}

/** w -= v, modulo 2^256 p: for w, v < 2^256 p the result is, too. */
static inline void BN_F(wide_sub)(BN_W *w, const BN_W *v)
{
    unsigned char c = 0;
    uint64_t mask;

#ifdef BN254_X86
    BN254_ASM_WIDE("subq", "sbbq", w->l, v->l, mask);
#else
    for (int i = 0; i < 8; i++)
        c = bn254_sub(&w->l[i], w->l[i], v->l[i], c);
    mask = -(uint64_t)c;
#endif
    c = bn254_add(&w->l[4], w->l[4], BN_P(0) & mask, 0);
    c = bn254_add(&w->l[5], w->l[5], BN_P(1) & mask, c);
    c = bn254_add(&w->l[6], w->l[6], BN_P(2) & mask, c);
    w->l[7] += (BN_P(3) & mask) + c;
}

/** w -= v, not below 0. */
static inline void BN_F(wide_sub_exact)(BN_W *w, const BN_W *v)
{
#ifdef BN254_X86
    uint64_t mask;

    BN254_ASM_WIDE("subq", "sbbq", w->l, v->l, mask);
    (void)mask;
#else
    unsigned char c = 0;

    for (int i = 0; i < 8; i++)
        c = bn254_sub(&w->l[i], w->l[i], v->l[i], c);
#endif
}

/* ---- out of line; canonical in and out ---- */

/** a^-1, and 0 for 0. No branch depends on a. */
void BN_F(inv)(BN_T *r, const BN_T *a);

/** Inverts n elements in place with one inversion; zeros stay. scratch: n elements. */
void BN_F(inv_batch)(BN_T *a, BN_T *scratch, size_t n);

/** a^e, e four little-endian words; a^0 = 1. Timing depends on e. */
void BN_F(pow_var)(BN_T *r, const BN_T *a, const uint64_t e[4]);

/** 1 for a square other than 0, -1 for a non-square, 0 for 0. */
int BN_F(legendre)(const BN_T *a);

/** A square root, the one whose canonical number is even; false, and r untouched, if there is none.
 * Timing depends on a. */
bool BN_F(sqrt_var)(BN_T *r, const BN_T *a);
