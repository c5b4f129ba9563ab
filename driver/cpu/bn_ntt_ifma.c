/* The Fr NTT's tiles eight lanes at a time, AVX-512 IFMA.
 *
 * Within a tile elements are only bounded by how often they were added to: they start below 6 p
 * (any four words), a pair adds 2 p to both (the product is below 2 p, and so is 2 p minus it), a
 * tile has at most ten stages, so everything is below 26 p. What is multiplied may be below 73 p.
 *
 * Rows are loose between stages, and only what is multiplied next is made normal: additions compete
 * with the multiplier for what the CPU can start in a cycle. The limbs of a product are below 2^58,
 * so after ten stages they are below 2^62. */
#if defined(__x86_64__)

#include "driver/cpu/bn_ntt_kernel.h"
#include "driver/field/bn_ifma.h"

typedef bn8 row;

_Static_assert(sizeof(row) <= BN_NTT_ROW_BYTES, "a row fits its scratch");

static inline void row_load(row *r, const uint64_t *a)
{
    bn8_load(r, a);
}

static inline void row_store(uint64_t *a, const row *r)
{
    bn8_store(a, r);
}

static inline void row_gather(row *r, uint64_t *const lane[BN_NTT_LANES], size_t offset)
{
    const uint64_t *a[BN_NTT_LANES];

    for (int i = 0; i < BN_NTT_LANES; i++)
        a[i] = lane[i] + offset;
    bn8_gather(r, a);
}

static inline void row_scatter(uint64_t *const lane[BN_NTT_LANES], size_t offset, const row *r)
{
    uint64_t *a[BN_NTT_LANES];

    for (int i = 0; i < BN_NTT_LANES; i++)
        a[i] = lane[i] + offset;
    bn8_scatter(a, r);
}

/* Factors have Montgomery form with 2^260, and the product with a factor keeps the other's form. */
static inline void row_from_fr(row *r, const bn_fr a[BN_NTT_LANES])
{
    bn8_load_x16(r, a[0].l);
    bn8_reduce(r, r, &bn8_fr);
}

static inline void row_mul(row *r, const row *a, const row *b)
{
    bn8 x;

    bn8_carry(&x, a);
    bn8_mul(r, &x, b, &bn8_fr);
}

static inline void factor_get(bn8 *r, const bn_ntt_factor *f)
{
    for (int j = 0; j < 5; j++)
        r->l[j] = _mm512_set1_epi64((long long)f->l[j]);
}

static inline void row_scale(row *r, const bn_ntt_factor *f)
{
    bn8 factor;

    factor_get(&factor, f);
    row_mul(r, r, &factor);
}

/* A product is below 2 p and so fits four words. */
static inline void row_finish(row *r, bool small, bool last)
{
    if (!small) {
        bn8_carry(r, r);
        bn8_reduce(r, r, &bn8_fr);
    }
    if (last)
        bn8_sub_if(r, r, 0, &bn8_fr);
}

/* (x, y) = (x + t, x - t + 2 p), t < 2 p. */
static inline __attribute__((always_inline)) void cross(bn8 *x, bn8 *y, const bn8 *t,
                                                        const bn8_field *field)
{
    bn8_sub_loose(y, x, t);
    bn8_add_loose(x, x, t);
    bn8_add_p(y, y, 1, field);
}

static inline __attribute__((always_inline)) void pair(bn8 *x, bn8 *y, const bn8 *f,
                                                       const bn8_field *field)
{
    bn8 t;

    bn8_carry(&t, y);
    bn8_mul_loose(&t, &t, f, field);
    cross(x, y, &t, field);
}

/* y < 26 p needs more than 2 p to subtract from: below 1.022 p first. */
static inline __attribute__((always_inline)) void pair_one(bn8 *x, bn8 *y, const bn8_field *field)
{
    bn8 t;

    bn8_carry(&t, y);
    bn8_reduce(&t, &t, field);
    cross(x, y, &t, field);
}

/* The field's constants as something that the compiler does not know: it then takes them from
 * memory as operands, instead of making each in a general register and spreading it. */
static inline __attribute__((always_inline)) const bn8_field *field_of_unknown_values(void)
{
    const bn8_field *f = &bn8_fr;

    __asm__("" : "+r"(f));
    return f;
}

static inline void row_pair(row *x, row *y, const bn_ntt_factor *f)
{
    const bn8_field *field = field_of_unknown_values();
    bn8 ff;

    if (!f) {
        pair_one(x, y, field);
        return;
    }
    factor_get(&ff, f);
    pair(x, y, &ff, field);
}

static inline void row_four(row *a, row *b, row *c, row *d, const bn_ntt_factor *f,
                            const bn_ntt_factor *g, const bn_ntt_factor *h)
{
    const bn8_field *field = field_of_unknown_values();
    bn8 w, x0 = *a, x1 = *b, x2 = *c, x3 = *d;

    if (f) {
        factor_get(&w, f);
        pair(&x0, &x2, &w, field);
        pair(&x1, &x3, &w, field);
        factor_get(&w, g);
        pair(&x0, &x1, &w, field);
    } else {
        pair_one(&x0, &x2, field);
        pair_one(&x1, &x3, field);
        pair_one(&x0, &x1, field);
    }
    factor_get(&w, h);
    pair(&x2, &x3, &w, field);
    *a = x0;
    *b = x1;
    *c = x2;
    *d = x3;
}

static void make_factors(bn_ntt_factor *out, const bn_fr *in, size_t count)
{
    const uint64_t mask = (UINT64_C(1) << 52) - 1;

    for (size_t i = 0; i < count; i++) {
        bn_fr x = in[i];

        for (int k = 0; k < 4; k++)
            bn_fr_dbl(&x, &x);
        out[i] = (bn_ntt_factor){{x.l[0] & mask, (x.l[0] >> 52 | x.l[1] << 12) & mask,
                                  (x.l[1] >> 40 | x.l[2] << 24) & mask,
                                  (x.l[2] >> 28 | x.l[3] << 36) & mask, x.l[3] >> 16}};
    }
}

#include "driver/cpu/bn_ntt_tile.h"

const bn_ntt_kernel bn_ntt_ifma = {make_factors, tile_run};

#endif
