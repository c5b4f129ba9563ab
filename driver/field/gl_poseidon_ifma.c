/* Eight states at a time, one in each lane, with the 52-bit multiply-add of AVX-512 IFMA.
 *
 * An element is a pair of limbs, value = lo + 2^32 * hi (mod p), whose limbs may exceed 32 bits:
 * sums and the linear layer then need no carries. Since 2^64 = 2^32 - 1 (mod p), what hi has above
 * 32 bits goes back as h * (2^32 - 1). */
#include "driver/field/gl_poseidon_x86.h"

#if GL_POSEIDON_HAVE_X86

#include "driver/field/gl_loose.h"
#include "driver/field/gl_poseidon_constants.h"
#include "driver/field/gl_poseidon_linear.h"
#include "driver/field/gl_poseidon_zmm.h"

#include <immintrin.h>
#include <string.h>

#define INLINE static inline __attribute__((always_inline))

#define WIDTH GL_POSEIDON_WIDTH
#define LANES 8
#define BATCHES_MAX 2
#define SBOXES 3

typedef unsigned long long v8 __attribute__((vector_size(64)));

typedef struct pair {
    v8 lo, hi;
} pair;

GL_POSEIDON_DEFINE_LINEAR(linear_half, v8, __attribute__((always_inline)))

INLINE v8 set1(uint64_t x)
{
    return (v8)_mm512_set1_epi64((long long)x);
}

INLINE v8 madd_lo(v8 acc, v8 a, v8 b)
{
    return (v8)_mm512_madd52lo_epu64((__m512i)acc, (__m512i)a, (__m512i)b);
}

INLINE v8 madd_hi(v8 acc, v8 a, v8 b)
{
    return (v8)_mm512_madd52hi_epu64((__m512i)acc, (__m512i)a, (__m512i)b);
}

/* (a & b) | c */
INLINE v8 and_or(v8 a, v8 b, v8 c)
{
    return (v8)_mm512_ternarylogic_epi64((__m512i)a, (__m512i)b, (__m512i)c, 0xea);
}

INLINE v8 shift_signed_32(v8 a)
{
    return (v8)_mm512_srai_epi64((__m512i)a, 32);
}

/* The multiplications of one S-box wait for each other, and the scheduler of the CPU looks ahead
 * less far than one S-box is long: so several are written side by side, operation by operation. */
#define EACH for (int k = 0; k < n; k++)
#define GROUP_MAX 4

/* Non-negative limbs with hi + lo / 2^32 < 2^63 to lo in (2^31, 2^33), hi < 2^32 + 2^31. Adds
 * 2^32 to the value, so that lo stays positive: the caller has subtracted it. */
INLINE void normalise(pair *x, int n)
{
    const v8 mask = set1(GL_EPSILON), bit = set1(UINT64_C(1) << 32);
    v8 top[GROUP_MAX];

    EACH x[k].hi += x[k].lo >> 32;
    EACH x[k].lo = and_or(x[k].lo, mask, bit);
    EACH top[k] = x[k].hi >> 32;
    EACH x[k].hi &= mask;
    EACH x[k].lo -= top[k];
    EACH x[k].hi += top[k];
}

/* Constants whose sum lo + 2^32 * hi is -2^32 (mod p): what normalise adds, and a lo that
 * outweighs every negative term of a product. */
#define PRODUCT_LO ((UINT64_C(1) << 56) + 1)
#define PRODUCT_HI ((UINT64_C(1) << 32) - (UINT64_C(1) << 24) - 2)

/* The product of normalised pairs as limbs: start + a * b. Limbs of a and b below 2^34 give
 * products below 2^68, whose two words of 52 bits are the lo and hi sums here: lo = start - (a.hi
 * b.hi).lo - 2^20 ((cross).hi + (a.hi b.hi).hi) + (a.lo b.lo).lo,  above start - 2^53 hi = start +
 * (cross).lo + (a.hi b.hi).lo + 2^20 ((a.lo b.lo).hi + (cross).hi),      below start + 2^54 out may
 * be a or b. */
INLINE void multiply(pair *out, const pair *a, const pair *b, pair start, int n)
{
    v8 top[GROUP_MAX], cross[GROUP_MAX], lo[GROUP_MAX], hi[GROUP_MAX], low[GROUP_MAX];
    v8 low_start = start.lo + start.hi; /* top takes start.hi away again */

    EACH top[k] = madd_lo(start.hi, a[k].hi, b[k].hi);
    EACH cross[k] = madd_hi((v8){0}, a[k].lo, b[k].hi);
    EACH hi[k] = madd_lo(top[k], a[k].lo, b[k].hi);
    EACH lo[k] = madd_lo(low_start, a[k].lo, b[k].lo);
    EACH cross[k] = madd_hi(cross[k], a[k].hi, b[k].lo);
    EACH hi[k] = madd_lo(hi[k], a[k].hi, b[k].lo);
    EACH low[k] = madd_hi(cross[k], a[k].lo, b[k].lo);
    EACH cross[k] = madd_hi(cross[k], a[k].hi, b[k].hi);
    EACH lo[k] -= top[k];
    EACH out[k].hi = madd_lo(hi[k], low[k], set1(1 << 20));
    EACH out[k].lo = lo[k] - (cross[k] << 20);
}

INLINE void square(pair *out, const pair *a, pair start, int n)
{
    v8 top[GROUP_MAX], cross[GROUP_MAX], lo[GROUP_MAX], hi[GROUP_MAX], low[GROUP_MAX];
    v8 low_start = start.lo + start.hi; /* top takes start.hi away again */
    v8 twice[GROUP_MAX];

    EACH twice[k] = a[k].lo + a[k].lo;
    EACH top[k] = madd_lo(start.hi, a[k].hi, a[k].hi);
    EACH lo[k] = madd_lo(low_start, a[k].lo, a[k].lo);
    EACH cross[k] = madd_hi((v8){0}, twice[k], a[k].hi);
    EACH hi[k] = madd_lo(top[k], twice[k], a[k].hi);
    EACH low[k] = madd_hi(cross[k], a[k].lo, a[k].lo);
    EACH cross[k] = madd_hi(cross[k], a[k].hi, a[k].hi);
    EACH lo[k] -= top[k];
    EACH out[k].hi = madd_lo(hi[k], low[k], set1(1 << 20));
    EACH out[k].lo = lo[k] - (cross[k] << 20);
}

/* x^7 of normalised pairs in place, not normalised: the last product starts as given */
INLINE void sbox(pair *x, pair last, int n)
{
    const pair start = {set1(PRODUCT_LO), set1(PRODUCT_HI)};
    pair x2[GROUP_MAX];

    square(x2, x, start, n);
    normalise(x2, n);
    multiply(x, x2, x, start, n);
    square(x2, x2, start, n);
    normalise(x, n);
    normalise(x2, n);
    multiply(x, x, x2, last, n);
}

static const gl_t NONE[WIDTH] = {0};
static const gl_t FIRST_PARTIAL[WIDTH] = {GL_POSEIDON_FIRST_0};
/* what is added before the first of four full rounds and after each */
static const gl_t *const FIRST_HALF[5] = {GL_POSEIDON_FULL[0], GL_POSEIDON_FULL[1],
                                          GL_POSEIDON_FULL[2], GL_POSEIDON_FULL[3], FIRST_PARTIAL};
static const gl_t *const SECOND_HALF[5] = {GL_POSEIDON_FULL[4], GL_POSEIDON_FULL[5],
                                           GL_POSEIDON_FULL[6], GL_POSEIDON_FULL[7], NONE};

/* c: a constant minus 2^32 as two limbs, lo >= 2^62, and hi >= 2^61 in and after partial rounds, so
 * that no sum is negative */
INLINE void add_normalise(v8 *lo, v8 *hi, const uint64_t c[2])
{
    pair x = {*lo + set1(c[0]), *hi + set1(c[1])};

    normalise(&x, 1);
    *lo = x.lo;
    *hi = x.hi;
}

INLINE void full_round(v8 lo[WIDTH], v8 hi[WIDTH], const uint64_t next[2 * WIDTH])
{
    for (int i = 0; i < WIDTH; i += SBOXES) {
        pair x[SBOXES];

        for (int k = 0; k < SBOXES; k++)
            x[k] = (pair){lo[i + k], hi[i + k]};
        sbox(x, (pair){set1(0), set1(0)}, SBOXES);
        for (int k = 0; k < SBOXES; k++) {
            lo[i + k] = x[k].lo;
            hi[i + k] = x[k].hi;
        }
    }
    linear_half(lo);
    linear_half(hi);
    for (int i = 0; i < WIDTH; i++)
        add_normalise(&lo[i], &hi[i], next + 2 * i);
}

/* The circulant multiplies polynomials modulo X^12 - 1 (gl_poseidon_linear.h), and partial rounds
 * touch element 0 alone: so one limb of the elements stays, through all of them, as its residues
 * modulo X^3 - 1 (a), X^3 + 1 (c) and X^3 - i (r + i s). There element 0 goes up by d if a[0], c[0]
 * and r[0] do.
 *
 * Ranges. Let |a|, |c|, |r| bound the magnitudes of a, of c, and of r and s, x0 that of element 0
 * in them, which is at most (|a| + |c|) / 4 + |r| / 2, and |y| = 2^33 that of an S-box's result.
 * With d = y - x0 a round gives |a| <= 288 |a| +  32 |c| +  64 |r| + 128 |y| |c| <=   8 |a| +  52
 * |c| +  16 |r| +  32 |y| |r| <=   8 |a| +   8 |c| +  66 |r| +  32 |y| Three rounds that begin with
 * |a| < 2^35, |c|, |r| < 2^34 (limbs of the full rounds below 2^33, or what shorten left) end below
 * 2^60, 2^56 and 2^56, and x0 then is below 2^59. */
typedef struct residues {
    v8 a[3], c[3], r[3], s[3];
} residues;

INLINE residues to_residues(const v8 x[WIDTH])
{
    residues t;

    for (int j = 0; j < 3; j++) {
        v8 even = x[j] + x[j + 6], odd = x[j + 3] + x[j + 9];

        t.a[j] = even + odd;
        t.c[j] = even - odd;
        t.r[j] = x[j] - x[j + 6];
        t.s[j] = x[j + 3] - x[j + 9];
    }
    return t;
}

/* The residues of the circulant's product, of which element j + 3k is (a, c, r and s of out) once
 * a + c + 2 r is divided by four: out is that quarter of a and c, and half of r and s. */
INLINE residues times_circulant(const residues *t)
{
    const v8 *a = t->a, *c = t->c, *r = t->r, *s = t->s;
    v8 sum = a[0] + a[1] + a[2];
    residues q;

    /* times (16, 32, 16) */
    q.a[0] = (sum + a[2]) << 4;
    q.a[1] = (sum + a[0]) << 4;
    q.a[2] = (sum + a[1]) << 4;
    /* times (-1, -8, 2) */
    q.c[0] = (c[2] << 3) - (c[1] << 1) - c[0];
    q.c[1] = -(c[0] << 3) - (c[2] << 1) - c[1];
    q.c[2] = (c[0] << 1) - (c[1] << 3) - c[2];
    /* times (2+i, -4-i, 16-i) */
    q.r[0] = (r[0] << 1) - s[0] + r[1] - (s[1] << 4) + r[2] + (s[2] << 2);
    q.s[0] = r[0] + (s[0] << 1) + (r[1] << 4) + s[1] + s[2] - (r[2] << 2);
    q.r[1] = s[0] - (r[0] << 2) + (r[1] << 1) - s[1] + r[2] - (s[2] << 4);
    q.s[1] = r[1] + (s[1] << 1) + (r[2] << 4) + s[2] - r[0] - (s[0] << 2);
    q.r[2] = (r[0] << 4) + s[0] - (r[1] << 2) + s[1] + (r[2] << 1) - s[2];
    q.s[2] = (s[0] << 4) - r[0] - r[1] - (s[1] << 2) + r[2] + (s[2] << 1);
    return q;
}

INLINE void add_to_element_0(residues *t, v8 d)
{
    t->a[0] += d;
    t->c[0] += d;
    t->r[0] += d;
}

/* Multiplies; returns element 0 of the product. */
INLINE v8 multiply_residues(residues *t)
{
    residues q = times_circulant(t);

    for (int j = 0; j < 3; j++) {
        t->a[j] = q.a[j] << 2;
        t->c[j] = q.c[j] << 2;
        t->r[j] = q.r[j] << 1;
        t->s[j] = q.s[j] << 1;
    }
    return q.a[0] + q.c[0] + q.r[0];
}

/* Multiplies, and leaves the residues. */
INLINE void multiply_to_elements(v8 x[WIDTH], const residues *t)
{
    residues q = times_circulant(t);

    for (int j = 0; j < 3; j++) {
        v8 even = q.a[j] + q.c[j], odd = q.a[j] - q.c[j];

        x[j] = even + q.r[j];
        x[j + 3] = odd + q.s[j];
        x[j + 6] = even - q.r[j];
        x[j + 9] = odd - q.s[j];
    }
}

/* Signed limbs below 2^62 to lo between -2^31 and 2^32 + 2^31, hi likewise. */
INLINE void shorten(v8 *lo, v8 *hi)
{
    const v8 mask = set1(GL_EPSILON);
    v8 sum = *hi + shift_signed_32(*lo), top = shift_signed_32(sum);

    *lo = (*lo & mask) - top;
    *hi = (sum & mask) + top;
}

INLINE void shorten_residues(residues *lo, residues *hi)
{
    for (int j = 0; j < 3; j++) {
        shorten(&lo->a[j], &hi->a[j]);
        shorten(&lo->c[j], &hi->c[j]);
        shorten(&lo->r[j], &hi->r[j]);
        shorten(&lo->s[j], &hi->s[j]);
    }
}

/* What waits for S-boxes in partial rounds: element 0 with its constant, normalised; and as it is
 * in the residues. */
typedef struct waiting {
    residues lo, hi;
    pair next, first;
} waiting;

/* two batches at once, for the same reason as above */
INLINE void partial_sboxes(waiting *w, pair *y, int batches)
{
    for (int b = 0; b < batches; b++)
        y[b] = w[b].next;
    sbox(y, (pair){set1(PRODUCT_LO), set1(PRODUCT_HI)}, batches);
    normalise(y, batches);
    for (int b = 0; b < batches; b++) {
        add_to_element_0(&w[b].lo, y[b].lo - w[b].first.lo);
        add_to_element_0(&w[b].hi, y[b].hi - w[b].first.hi);
    }
}

INLINE void partial_round(waiting *w, int batches, const uint64_t next[2])
{
    pair y[BATCHES_MAX];

    partial_sboxes(w, y, batches);
    for (int b = 0; b < batches; b++) {
        w[b].first = (pair){multiply_residues(&w[b].lo), multiply_residues(&w[b].hi)};
        /* 8: the matrix's diagonal */
        w[b].next = (pair){w[b].first.lo + (y[b].lo << 3), w[b].first.hi + (y[b].hi << 3)};
        add_normalise(&w[b].next.lo, &w[b].next.hi, next);
    }
}

INLINE void partial_rounds(v8 lo[][WIDTH], v8 hi[][WIDTH], int batches)
{
    waiting w[BATCHES_MAX];
    pair y[BATCHES_MAX];

    for (int b = 0; b < batches; b++) {
        w[b] = (waiting){.lo = to_residues(lo[b]), .hi = to_residues(hi[b])};
        w[b].next = w[b].first = (pair){lo[b][0], hi[b][0]};
    }
    for (int r = 1; r < GL_POSEIDON_PARTIAL_ROUNDS; r++) {
        partial_round(w, batches, GL_POSEIDON_NEXT_WIDE + 2 * (r - 1));
        for (int b = 0; b < batches && r % 3 == 0; b++) {
            shorten_residues(&w[b].lo, &w[b].hi);
            shorten(&w[b].first.lo, &w[b].first.hi);
        }
    }
    partial_sboxes(w, y, batches);
    for (int b = 0; b < batches; b++) {
        multiply_to_elements(lo[b], &w[b].lo);
        multiply_to_elements(hi[b], &w[b].hi);
        lo[b][0] += y[b].lo << 3;
        hi[b][0] += y[b].hi << 3;
    }
}

INLINE v8 canonical(pair x)
{
    v8 hi = x.hi + (x.lo >> 32), top = hi >> 32;
    v8 word = (x.lo & set1(GL_EPSILON)) + (hi << 32), fold = (top << 32) - top, s = word + fold;

    s = (v8)_mm512_mask_add_epi64((__m512i)s, _mm512_cmplt_epu64_mask((__m512i)s, (__m512i)fold),
                                  (__m512i)s, _mm512_set1_epi64((long long)GL_EPSILON));
    return (v8)_mm512_min_epu64((__m512i)s, (__m512i)(s - set1(GL_P)));
}

INLINE void split(v8 lo[], v8 hi[], const __m512i x[], int n)
{
    for (int i = 0; i < n; i++) {
        lo[i] = (v8)x[i] & set1(GL_EPSILON);
        hi[i] = (v8)x[i] >> 32;
    }
}

INLINE void load(v8 lo[WIDTH], v8 hi[WIDTH], const gl_t *states)
{
    __m512i x[WIDTH];

    gl_zmm_load_8(x, states, WIDTH);
    gl_zmm_load_4(x + 8, states + 8, WIDTH);
    split(lo, hi, x, WIDTH);
}

INLINE void store(gl_t *states, const v8 lo[WIDTH], const v8 hi[WIDTH])
{
    __m512i x[WIDTH];

    for (int i = 0; i < WIDTH; i++)
        x[i] = (__m512i)canonical((pair){lo[i], hi[i]});
    gl_zmm_store_8(states, x, WIDTH);
    gl_zmm_store_4(states + 8, x + 8, WIDTH);
}

/* capacity may be NULL: zeros */
INLINE void load_step(v8 lo[WIDTH], v8 hi[WIDTH], const uint64_t *in, const gl_t *capacity)
{
    __m512i x[WIDTH];

    gl_zmm_load_8(x, in, GL_POSEIDON_RATE);
    if (capacity)
        gl_zmm_load_4(x + 8, capacity, GL_POSEIDON_CAPACITY);
    else
        for (int i = GL_POSEIDON_RATE; i < WIDTH; i++)
            x[i] = _mm512_setzero_si512();
    split(lo, hi, x, WIDTH);
}

INLINE void store_step(gl_t *out, const v8 lo[4], const v8 hi[4])
{
    __m512i x[4];

    for (int i = 0; i < 4; i++)
        x[i] = (__m512i)canonical((pair){lo[i], hi[i]});
    gl_zmm_store_4(out, x, 4);
}

static void full_rounds(v8 lo[WIDTH], v8 hi[WIDTH], const uint64_t constants[5][2 * WIDTH])
{
    for (int i = 0; i < WIDTH; i++)
        add_normalise(&lo[i], &hi[i], constants[0] + 2 * i);
    for (int r = 1; r <= 4; r++)
        full_round(lo, hi, constants[r]);
}

INLINE void permute_batches(gl_t *states, int batches)
{
    v8 lo[BATCHES_MAX][WIDTH], hi[BATCHES_MAX][WIDTH];

    for (int b = 0; b < batches; b++) {
        load(lo[b], hi[b], states + b * LANES * WIDTH);
        full_rounds(lo[b], hi[b], GL_POSEIDON_FULL_WIDE);
    }
    partial_rounds(lo, hi, batches);
    for (int b = 0; b < batches; b++) {
        full_rounds(lo[b], hi[b], GL_POSEIDON_FULL_WIDE + 5);
        store(states + b * LANES * WIDTH, lo[b], hi[b]);
    }
}

static void permute_8(gl_t *states)
{
    permute_batches(states, 1);
}

static void permute_16(gl_t *states)
{
    permute_batches(states, 2);
}

/* from: which four elements are wanted */
INLINE void step_batches(gl_t *out, const uint64_t *in, const gl_t *capacity, int batches, int from)
{
    v8 lo[BATCHES_MAX][WIDTH], hi[BATCHES_MAX][WIDTH];

    for (int b = 0; b < batches; b++) {
        load_step(lo[b], hi[b], in + b * LANES * GL_POSEIDON_RATE,
                  capacity ? capacity + b * LANES * GL_POSEIDON_CAPACITY : NULL);
        full_rounds(lo[b], hi[b], GL_POSEIDON_FULL_WIDE);
    }
    partial_rounds(lo, hi, batches);
    for (int b = 0; b < batches; b++) {
        full_rounds(lo[b], hi[b], GL_POSEIDON_FULL_WIDE + 5);
        store_step(out + b * LANES * 4, lo[b] + from, hi[b] + from);
    }
}

static void compress_8(gl_t *out, const uint64_t *in, const gl_t *capacity)
{
    step_batches(out, in, capacity, 1, 0);
}

static void compress_16(gl_t *out, const uint64_t *in, const gl_t *capacity)
{
    step_batches(out, in, capacity, 2, 0);
}

static void absorb_8(gl_t *out, const uint64_t *in, const gl_t *capacity)
{
    step_batches(out, in, capacity, 1, GL_POSEIDON_RATE);
}

static void absorb_16(gl_t *out, const uint64_t *in, const gl_t *capacity)
{
    step_batches(out, in, capacity, 2, GL_POSEIDON_RATE);
}

/* One state, for latency. Elements x and x + 3k share a vector, which makes the matrix nine
 * rotations of four lanes and 36 multiply-adds with constants ("woven" form: vector j holds the lo
 * limbs of x_j, x_j+3, x_j+6, x_j+9, then their hi limbs). The S-boxes of full rounds want lo and
 * hi apart ("pairs": x0 x3 x6 x9 x1 x4 x7 x10, and x2 x5 x8 x11). In partial rounds element 0 is a
 * scalar outside, and the linear layer of the others runs beside its S-box. */
typedef struct woven {
    v8 v[3];
} woven;

INLINE woven weave(const pair x[2])
{
    __m512i alo = (__m512i)x[0].lo, ahi = (__m512i)x[0].hi;

    return (woven){{(v8)_mm512_shuffle_i64x2(alo, ahi, 0x44),
                    (v8)_mm512_shuffle_i64x2(alo, ahi, 0xee),
                    (v8)_mm512_shuffle_i64x2((__m512i)x[1].lo, (__m512i)x[1].hi, 0x44)}};
}

INLINE void unweave(pair x[2], woven w)
{
    __m512i a = (__m512i)w.v[0], b = (__m512i)w.v[1], c = (__m512i)w.v[2];

    x[0] = (pair){(v8)_mm512_shuffle_i64x2(a, b, 0x44), (v8)_mm512_shuffle_i64x2(a, b, 0xee)};
    x[1] = (pair){(v8)c, (v8)_mm512_shuffle_i64x2(c, c, 0xee)};
}

/* column 0 of the circulant: element n of a product is the sum of
 * CIRCULANT[(n - e) mod 12] * x_e */
#define CIRCULANT                                                                                  \
    {                                                                                              \
        17, 20, 34, 18, 39, 13, 13, 28, 2, 16, 41, 15                                              \
    }

/* The circulant times x; results below 2^52. */
INLINE woven linear_woven(woven x)
{
    static const uint64_t h[WIDTH] = CIRCULANT;
    v8 rotated[3][4];
    woven y;

    for (int m = 0; m < 3; m++) {
        rotated[m][0] = x.v[m];
        rotated[m][1] = (v8)_mm512_permutex_epi64((__m512i)x.v[m], 0x93);
        rotated[m][2] = (v8)_mm512_permutex_epi64((__m512i)x.v[m], 0x4e);
        rotated[m][3] = (v8)_mm512_permutex_epi64((__m512i)x.v[m], 0x39);
    }
    for (int n = 0; n < 3; n++) {
        v8 sum[2] = {{0}, {0}}; /* two chains: each multiply-add takes four cycles */

        for (int m = 0; m < 3; m++)
            for (int k = 0; k < 4; k++)
                sum[k & 1] = madd_lo(sum[k & 1], rotated[m][k], set1(h[(n - m + 3 * k + 12) % 12]));
        y.v[n] = sum[0] + sum[1];
    }
    return y;
}

/* elements in the order of the pairs */
INLINE void load_pairs(v8 *a, v8 *b, const gl_t x[WIDTH])
{
    const __m512i ia = _mm512_setr_epi64(0, 3, 6, 13, 1, 4, 7, 14),
                  ib = _mm512_setr_epi64(2, 5, 12, 15, 2, 5, 12, 15);
    __m512i low = _mm512_loadu_si512(x), high = _mm512_loadu_si512(x + 4);

    *a = (v8)_mm512_permutex2var_epi64(low, ia, high);
    *b = (v8)_mm512_permutex2var_epi64(low, ib, high);
}

/* Adds constants and normalises. The -1 takes away what normalise adds. It makes no pair negative:
 * after a full round lo is a row of the matrix times limbs above 2^31, after the partial rounds
 * shorten_woven left hi above 1, and for element 0 there the generator checks the constant's hi. */
INLINE void add_pairs(pair x[2], const gl_t constants[WIDTH])
{
    v8 c[2];

    load_pairs(&c[0], &c[1], constants);
    for (int k = 0; k < 2; k++) {
        x[k].lo += c[k] & set1(GL_EPSILON);
        x[k].hi += (c[k] >> 32) - set1(1);
    }
    normalise(x, 2);
}

INLINE void full_round_one(pair x[2], const gl_t next[WIDTH])
{
    const v8 diagonal = {8, 0, 0, 0, 8, 0, 0, 0};
    woven w, y;

    sbox(x, (pair){set1(PRODUCT_LO), set1(PRODUCT_HI)}, 2);
    normalise(x, 2);
    w = weave(x);
    y = linear_woven(w);
    y.v[0] = madd_lo(y.v[0], w.v[0], diagonal);
    unweave(x, y);
    add_pairs(x, next);
}

/* Limbs below 2^50 back to about 2^33, plus a multiple of 2^32 + 1 + 2^32 * (2^32 - 2) = 0 (mod p),
 * which keeps lo positive. */
INLINE v8 shorten_woven(v8 x)
{
    const uint64_t lo = (UINT64_C(1) << 32) + 1, hi = (UINT64_C(1) << 32) - 2;
    const v8 bias = {lo, lo, lo, lo, hi, hi, hi, hi};
    __m512i top = (__m512i)(x >> 32), swapped = _mm512_shuffle_i64x2(top, top, 0x4e);
    /* lo half: the tops of hi; hi half: the tops of both */
    __m512i add = _mm512_mask_add_epi64(swapped, 0xf0, swapped, top);
    __m512i base = (__m512i)((x & set1(GL_EPSILON)) + bias);

    return (v8)_mm512_mask_sub_epi64(_mm512_add_epi64(base, add), 0x0f, base, add);
}

/* lanes 0 and 4 of vector 0 as a number below 2^84 */
INLINE gl_u128 element_0(v8 x)
{
    uint64_t lo = (uint64_t)_mm_cvtsi128_si64(_mm512_castsi512_si128((__m512i)x));
    uint64_t hi = (uint64_t)_mm_cvtsi128_si64(
        _mm512_castsi512_si128(_mm512_shuffle_i64x2((__m512i)x, (__m512i)x, 0x4e)));

    return ((gl_u128)hi << 32) + lo;
}

INLINE v8 halves(uint64_t x)
{
    return (v8)_mm512_inserti64x4(_mm512_set1_epi64((long long)(x & GL_EPSILON)),
                                  _mm256_set1_epi64x((long long)(x >> 32)), 1);
}

INLINE void partial_rounds_one(pair pairs[2])
{
    static const uint64_t h[WIDTH] = CIRCULANT;
    woven x = weave(pairs);
    uint64_t first = gl_loose_fold(element_0(x.v[0]));
    v8 column[3];

    for (int n = 0; n < 3; n++)
        column[n] = (v8){h[n], h[n + 3], h[n + 6], h[n + 9], h[n], h[n + 3], h[n + 6], h[n + 9]};
    for (int r = 1; r <= GL_POSEIDON_PARTIAL_ROUNDS; r++) {
        uint64_t next = r < GL_POSEIDON_PARTIAL_ROUNDS ? GL_POSEIDON_FIRST[r] : 0, y;
        v8 y_halves;

        x.v[0] = (v8)_mm512_maskz_mov_epi64(0xee, (__m512i)x.v[0]);
        x = linear_woven(x);
        y = gl_loose_pow7(first);
        /* 25 = 17 + 8: element 0 of circulant and diagonal */
        first = gl_loose_fold(element_0(x.v[0]) + (gl_u128)y * 25 + next);
        y_halves = halves(y);
        for (int n = 0; n < 3; n++)
            x.v[n] = madd_lo(x.v[n], y_halves, column[n]);
        if (r % 2 == 0)
            for (int n = 0; n < 3; n++)
                x.v[n] = shorten_woven(x.v[n]);
    }
    x.v[0] = (v8)_mm512_mask_mov_epi64((__m512i)x.v[0], 0x11, (__m512i)halves(first));
    unweave(pairs, x);
}

void gl_poseidon_permute_ifma(gl_t state[GL_POSEIDON_WIDTH])
{
    const __m512i low = _mm512_setr_epi64(0, 4, 8, 1, 5, 9, 2, 6),
                  high = _mm512_setr_epi64(10, 3, 7, 11, 10, 3, 7, 11);
    v8 s[2], c[2];
    pair x[2];
    __m512i a, b;

    load_pairs(&s[0], &s[1], state);
    load_pairs(&c[0], &c[1], GL_POSEIDON_FULL[0]);
    for (int k = 0; k < 2; k++) { /* sums of two halves are short enough as they are */
        x[k].lo = (s[k] & set1(GL_EPSILON)) + (c[k] & set1(GL_EPSILON));
        x[k].hi = (s[k] >> 32) + (c[k] >> 32);
    }
    for (int r = 1; r <= 4; r++)
        full_round_one(x, FIRST_HALF[r]);
    partial_rounds_one(x);
    add_pairs(x, SECOND_HALF[0]);
    for (int r = 1; r <= 4; r++)
        full_round_one(x, SECOND_HALF[r]);
    a = (__m512i)canonical(x[0]);
    b = (__m512i)canonical(x[1]);
    _mm512_storeu_si512(state, _mm512_permutex2var_epi64(a, low, b));
    _mm256_storeu_si256((__m256i *)(state + 8),
                        _mm512_castsi512_si256(_mm512_permutex2var_epi64(a, high, b)));
}

/* from so many on a batch with idle lanes is faster than one after the other */
#define IDLE_LANES_FROM 4

void gl_poseidon_permute_many_ifma(gl_t *states, size_t count)
{
    for (; count >= 2 * LANES; count -= 2 * LANES, states += 2 * LANES * WIDTH)
        permute_16(states);
    if (count >= LANES) {
        permute_8(states);
        count -= LANES;
        states += LANES * WIDTH;
    }
    if (count >= IDLE_LANES_FROM) {
        gl_t batch[LANES * WIDTH] = {0};

        memcpy(batch, states, count * WIDTH * sizeof(gl_t));
        permute_8(batch);
        memcpy(states, batch, count * WIDTH * sizeof(gl_t));
    } else {
        for (; count > 0; count--, states += WIDTH)
            gl_poseidon_permute_ifma(states);
    }
}

typedef void step_lanes(gl_t *out, const uint64_t *in, const gl_t *capacity);

/* the two of compress, or the two of absorb */
static void steps(gl_poseidon_step at, step_lanes *step_16, step_lanes *step_8)
{
    for (; at.count >= 2 * LANES; gl_poseidon_step_advance(&at, 2 * LANES))
        step_16(at.out, at.in, at.capacity);
    for (; at.count >= LANES; gl_poseidon_step_advance(&at, LANES))
        step_8(at.out, at.in, at.capacity);
    if (at.count >= IDLE_LANES_FROM) {
        uint64_t batch[LANES * GL_POSEIDON_RATE] = {0};
        gl_t state[LANES * GL_POSEIDON_CAPACITY] = {0};

        gl_poseidon_step_gather(&at, batch, state);
        step_8(state, batch, state);
        memcpy(at.out, state, at.count * 4 * sizeof(gl_t));
    } else {
        for (; at.count > 0; gl_poseidon_step_advance(&at, 1))
            gl_poseidon_step_single(&at, gl_poseidon_permute_ifma);
    }
}

void gl_poseidon_compress_ifma(gl_t *out, const uint64_t *in, const gl_t *capacity, size_t count)
{
    steps((gl_poseidon_step){out, in, capacity, count, 0}, compress_16, compress_8);
}

void gl_poseidon_absorb_ifma(gl_t *capacity, const uint64_t *in, size_t count)
{
    steps((gl_poseidon_step){capacity, in, capacity, count, GL_POSEIDON_RATE}, absorb_16, absorb_8);
}

#endif
