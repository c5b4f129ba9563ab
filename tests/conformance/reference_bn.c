#include "tests/conformance/reference_bn.h"

#include "tests/conformance/reference_gl.h"

#include <gmp.h>
#include <stdlib.h>
#include <string.h>

_Static_assert(sizeof(mp_limb_t) == 8 && GMP_NAIL_BITS == 0, "words are GMP's limbs");

const ref_n REF_FR = {
    {0x43e1f593f0000001, 0x2833e84879b97091, 0xb85045b68181585d, 0x30644e72e131a029}};
const ref_n REF_FP = {
    {0x3c208c16d87cfd47, 0x97816a916871ca8d, 0xb85045b68181585d, 0x30644e72e131a029}};

/* uint64_t and mp_limb_t may be different types of the same size (-fno-strict-aliasing) */
#define LIMBS(a) ((mp_limb_t *)(a))
#define CLIMBS(a) ((const mp_limb_t *)(a))

void ref_reduce(ref_n *r, const uint64_t words[4], const ref_n *modulus)
{
    mp_limb_t quotient[1], rest[4];

    mpn_tdiv_qr(quotient, rest, 0, CLIMBS(words), 4, CLIMBS(modulus->l), 4);
    memcpy(r->l, rest, 32);
}

void ref_add(ref_n *r, const ref_n *a, const ref_n *b, const ref_n *modulus)
{
    mp_limb_t sum[4];

    mpn_add_n(sum, CLIMBS(a->l), CLIMBS(b->l), 4); /* moduli are below 2^254: no carry */
    if (mpn_cmp(sum, CLIMBS(modulus->l), 4) >= 0)
        mpn_sub_n(sum, sum, CLIMBS(modulus->l), 4);
    memcpy(r->l, sum, 32);
}

void ref_sub(ref_n *r, const ref_n *a, const ref_n *b, const ref_n *modulus)
{
    mp_limb_t d[4];

    if (mpn_sub_n(d, CLIMBS(a->l), CLIMBS(b->l), 4))
        mpn_add_n(d, d, CLIMBS(modulus->l), 4);
    memcpy(r->l, d, 32);
}

void ref_mul(ref_n *r, const ref_n *a, const ref_n *b, const ref_n *modulus)
{
    mp_limb_t product[8], quotient[5], rest[4];

    mpn_mul_n(product, CLIMBS(a->l), CLIMBS(b->l), 4);
    mpn_tdiv_qr(quotient, rest, 0, product, 8, CLIMBS(modulus->l), 4);
    memcpy(r->l, rest, 32);
}

void ref_inv(ref_n *r, const ref_n *a, const ref_n *modulus)
{
    mpz_t x, m, y;
    mp_size_t n;

    mpz_init(y);
    mpz_roinit_n(x, CLIMBS(a->l), 4);
    mpz_roinit_n(m, CLIMBS(modulus->l), 4);
    if (!mpz_invert(y, x, m))
        mpz_set_ui(y, 0);
    memset(r, 0, sizeof(*r));
    n = (mp_size_t)mpz_size(y);
    memcpy(r->l, mpz_limbs_read(y), (size_t)n * 8);
    mpz_clear(y);
}

void ref_pow(ref_n *r, const ref_n *a, uint64_t e, const ref_n *modulus)
{
    ref_n x = *a, y = ref_small(1);

    for (; e; e >>= 1, ref_mul(&x, &x, &x, modulus))
        if (e & 1)
            ref_mul(&y, &y, &x, modulus);
    *r = y;
}

bool ref_is_zero(const ref_n *a)
{
    return !(a->l[0] | a->l[1] | a->l[2] | a->l[3]);
}

bool ref_equal(const ref_n *a, const ref_n *b)
{
    return !memcmp(a, b, sizeof(*a));
}

bool ref_less(const ref_n *a, const ref_n *b)
{
    return mpn_cmp(CLIMBS(a->l), CLIMBS(b->l), 4) < 0;
}

ref_n ref_small(uint64_t a)
{
    return (ref_n){{a, 0, 0, 0}};
}

void ref_to_mont(uint64_t words[4], const ref_n *a, const ref_n *modulus)
{
    mp_limb_t shifted[8] = {0}, quotient[5], rest[4];

    memcpy(shifted + 4, a->l, 32);
    mpn_tdiv_qr(quotient, rest, 0, shifted, 8, CLIMBS(modulus->l), 4);
    memcpy(words, rest, 32);
}

void ref_from_mont(ref_n *r, const uint64_t words[4], const ref_n *modulus)
{
    ref_n one = {{1, 0, 0, 0}}, radix, back, a;

    ref_to_mont(radix.l, &one, modulus);
    ref_inv(&back, &radix, modulus);
    memcpy(a.l, words, 32);
    ref_mul(r, &a, &back, modulus);
}

/* ---- transform over Fr ---- */

ref_n ref_fr_root(unsigned k)
{
    ref_n five = ref_small(5), root;
    mpz_t base, exponent, m, y;

    mpz_init(exponent);
    mpz_init(y);
    mpz_roinit_n(m, CLIMBS(REF_FR.l), 4);
    mpz_roinit_n(base, CLIMBS(five.l), 4);
    mpz_sub_ui(exponent, m, 1);
    mpz_tdiv_q_2exp(exponent, exponent, k);
    mpz_powm(y, base, exponent, m);
    memset(&root, 0, sizeof(root));
    memcpy(root.l, mpz_limbs_read(y), mpz_size(y) * 8);
    mpz_clear(exponent);
    mpz_clear(y);
    return root;
}

void ref_fr_dft(ref_n *out, const ref_n *in, unsigned log_n, const ref_n *shift, bool inverse)
{
    uint64_t n = UINT64_C(1) << log_n;
    ref_n omega = ref_fr_root(log_n);

    for (uint64_t k = 0; k < n; k++) {
        ref_n sum = ref_small(0), x, term;

        for (uint64_t j = 0; j < n; j++) {
            if (inverse) {
                ref_pow(&x, &omega, j * k % n, &REF_FR);
                ref_inv(&x, &x, &REF_FR);
            } else {
                ref_pow(&x, &omega, k, &REF_FR);
                ref_mul(&x, &x, shift, &REF_FR);
                ref_pow(&x, &x, j, &REF_FR);
            }
            ref_mul(&term, &in[j], &x, &REF_FR);
            ref_add(&sum, &sum, &term, &REF_FR);
        }
        if (inverse) {
            ref_n size = ref_small(n);

            ref_pow(&x, shift, k, &REF_FR);
            ref_mul(&x, &x, &size, &REF_FR);
            ref_inv(&x, &x, &REF_FR);
            ref_mul(&sum, &sum, &x, &REF_FR);
        }
        out[k] = sum;
    }
}

static void recurse(ref_n *a, uint64_t n, const ref_n *omega, ref_n *b)
{
    ref_n x = ref_small(1), square;

    if (n == 1)
        return;
    for (uint64_t i = 0; i < n / 2; i++) {
        b[i] = a[2 * i];
        b[n / 2 + i] = a[2 * i + 1];
    }
    ref_mul(&square, omega, omega, &REF_FR);
    recurse(b, n / 2, &square, a);
    recurse(b + n / 2, n / 2, &square, a + n / 2);
    for (uint64_t i = 0; i < n / 2; i++, ref_mul(&x, &x, omega, &REF_FR)) {
        ref_n odd;

        ref_mul(&odd, &x, &b[n / 2 + i], &REF_FR);
        ref_add(&a[i], &b[i], &odd, &REF_FR);
        ref_sub(&a[n / 2 + i], &b[i], &odd, &REF_FR);
    }
}

void ref_fr_ntt(ref_n *a, unsigned log_n, const ref_n *shift, bool inverse)
{
    uint64_t n = UINT64_C(1) << log_n;
    ref_n omega = ref_fr_root(log_n), x = ref_small(1), step = *shift, size = ref_small(n);
    ref_n *scratch = malloc(n * sizeof(*scratch));

    if (!scratch)
        abort();
    if (inverse) {
        ref_inv(&omega, &omega, &REF_FR);
        ref_inv(&step, shift, &REF_FR);
        ref_inv(&x, &size, &REF_FR);
        recurse(a, n, &omega, scratch);
    }
    for (uint64_t i = 0; i < n; i++, ref_mul(&x, &x, &step, &REF_FR))
        ref_mul(&a[i], &a[i], &x, &REF_FR);
    if (!inverse)
        recurse(a, n, &omega, scratch);
    free(scratch);
}

ref_n ref_fr_horner(const ref_n *coefficients, uint64_t n, const ref_n *x)
{
    ref_n sum = ref_small(0);

    while (n) {
        ref_mul(&sum, &sum, x, &REF_FR);
        ref_add(&sum, &sum, &coefficients[--n], &REF_FR);
    }
    return sum;
}

/* ---- Poseidon ---- */

/* The self-shrinking Grain sequence of the Poseidon paper (appendix E) for a prime field of 254
 * bits and the S-box x^alpha. */
typedef struct grain {
    uint8_t bit[80];
    unsigned at; /* place of the oldest bit */
} grain;

static unsigned grain_step(grain *g)
{
    static const unsigned TAP[6] = {62, 51, 38, 23, 13, 0};
    unsigned bit = 0;

    for (unsigned i = 0; i < 6; i++)
        bit ^= g->bit[(g->at + TAP[i]) % 80];
    g->bit[g->at] = (uint8_t)bit;
    g->at = (g->at + 1) % 80;
    return bit;
}

static void grain_begin(grain *g, unsigned width, unsigned full, unsigned partial)
{
    /* field kind, S-box kind, bits of the field, width, full rounds, partial rounds, ones */
    const unsigned value[7] = {1, 0, 254, width, full, partial, 0x3fffffff};
    const unsigned bits[7] = {2, 4, 12, 12, 10, 10, 30};
    unsigned n = 0;

    for (unsigned f = 0; f < 7; f++)
        for (unsigned i = bits[f]; i-- > 0;)
            g->bit[n++] = value[f] >> i & 1;
    g->at = 0;
    for (unsigned i = 0; i < 160; i++)
        grain_step(g);
}

/* 254 bits, the highest first: of each pair of bits the second one counts if the first is set */
static ref_n grain_number(grain *g)
{
    ref_n r = {{0}};

    for (unsigned i = 254; i-- > 0;) {
        while (!grain_step(g))
            grain_step(g);
        r.l[i / 64] |= (uint64_t)grain_step(g) << i % 64;
    }
    return r;
}

void ref_poseidon_make(ref_poseidon *p, unsigned width)
{
    /* partial rounds for the widths 2 to 17 as circomlib has them; eight full rounds */
    static const unsigned PARTIAL[16] = {56, 57, 56, 60, 60, 63, 64, 63,
                                         60, 66, 60, 65, 70, 60, 64, 68};
    ref_n point[34];
    grain g;

    p->width = width;
    p->partial = PARTIAL[width - 2];
    p->rounds = 8 + p->partial;
    p->constant = malloc(p->rounds * width * sizeof(ref_n));
    p->matrix = malloc(width * width * sizeof(ref_n));
    if (!p->constant || !p->matrix)
        abort();
    grain_begin(&g, width, 8, p->partial);
    for (unsigned i = 0; i < p->rounds * width; i++)
        do
            p->constant[i] = grain_number(&g);
        while (!ref_less(&p->constant[i], &REF_FR));
    /* a Cauchy matrix of the next 2 * width numbers, these reduced */
    for (unsigned i = 0; i < 2 * width; i++) {
        ref_n n = grain_number(&g);

        ref_reduce(&point[i], n.l, &REF_FR);
    }
    for (unsigned i = 0; i < width; i++)
        for (unsigned j = 0; j < width; j++) {
            ref_n sum;

            ref_add(&sum, &point[i], &point[width + j], &REF_FR);
            ref_inv(&p->matrix[i * width + j], &sum, &REF_FR);
        }
}

void ref_poseidon_free(ref_poseidon *p)
{
    free(p->constant);
    free(p->matrix);
    *p = (ref_poseidon){0};
}

void ref_poseidon_permute(const ref_poseidon *p, ref_n *state)
{
    for (unsigned round = 0; round < p->rounds; round++) {
        bool full = round < 4 || round >= 4 + p->partial;
        ref_n mixed[17];

        for (unsigned i = 0; i < p->width; i++)
            ref_add(&state[i], &state[i], &p->constant[round * p->width + i], &REF_FR);
        for (unsigned i = 0; i < (full ? p->width : 1); i++)
            ref_pow(&state[i], &state[i], 5, &REF_FR);
        for (unsigned i = 0; i < p->width; i++) {
            /* 17 products of 508 bits fit nine limbs: one division a row */
            mp_limb_t sum[9] = {0}, product[8], quotient[6], rest[4];

            for (unsigned j = 0; j < p->width; j++) {
                mpn_mul_n(product, CLIMBS(p->matrix[i * p->width + j].l), CLIMBS(state[j].l), 4);
                sum[8] += mpn_add_n(sum, sum, product, 8);
            }
            mpn_tdiv_qr(quotient, rest, 0, sum, 9, CLIMBS(REF_FR.l), 4);
            memcpy(mixed[i].l, rest, 32);
        }
        memcpy(state, mixed, p->width * sizeof(*state));
    }
}

void ref_bn_hash_make(ref_bn_hash *h)
{
    *h = (ref_bn_hash){0};
    for (unsigned width = 2; width <= 17; width++)
        ref_poseidon_make(&h->width[width], width);
}

void ref_bn_hash_free(ref_bn_hash *h)
{
    for (unsigned width = 2; width <= 17; width++)
        ref_poseidon_free(&h->width[width]);
}

void ref_bn_leaf(const ref_bn_hash *h, uint64_t digest[4], const uint64_t *row, unsigned columns)
{
    unsigned numbers = (columns + 2) / 3;
    ref_n chain = ref_small(1);

    for (unsigned first = 0; first < numbers; first += 16) {
        unsigned count = numbers - first < 16 ? numbers - first : 16;
        ref_n state[17] = {chain};

        for (unsigned i = 0; i < count; i++)
            for (unsigned word = 0; word < 3; word++) {
                unsigned column = 3 * (first + i) + word;

                if (column < columns)
                    state[1 + i].l[word] = row[column] % REF_GL_P;
            }
        ref_poseidon_permute(&h->width[count + 1], state);
        chain = state[0];
    }
    memcpy(digest, chain.l, 32);
}

void ref_bn_node(const ref_bn_hash *h, uint64_t digest[4], const uint64_t *children)
{
    ref_n state[17] = {{{0}}};

    memcpy(state + 1, children, 16 * 32);
    ref_poseidon_permute(&h->width[17], state);
    memcpy(digest, state[0].l, 32);
}
