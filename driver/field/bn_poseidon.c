#include "driver/field/bn_poseidon.h"

#include "driver/field/bn_poseidon_table.h"

#include <stdlib.h>
#include <string.h>

#define MAX_N (BN_POSEIDON_MAX_WIDTH - 1)
#define MODULUS_BITS 254

static const uint8_t PARTIAL_ROUNDS[] = {56, 57, 56, 60, 60, 63, 64, 63,
                                         60, 66, 60, 65, 70, 60, 64, 68};

/* ---- Grain: the generator of the constants (eprint 2019/458, appendix F) ---- */

/* 80 bits b(n) .. b(n+79); fresh: the bits made last, of which count are not used yet */
typedef struct grain {
    uint64_t low; /* bit i is b(n+i) */
    uint16_t high;
    uint16_t fresh;
    unsigned count;
} grain;

/* Sixteen bits at once: b(n+80) = b(n+62) + b(n+51) + b(n+38) + b(n+23) + b(n+13) + b(n), and the
 * highest tap is eighteen below. */
static void grain_step(grain *g)
{
    uint64_t s = g->low, h = g->high;
    uint64_t bits = (s >> 62 | h << 2) ^ (s >> 51 | h << 13) ^ s >> 38 ^ s >> 23 ^ s >> 13 ^ s;

    g->fresh = (uint16_t)bits;
    g->low = s >> 16 | h << 48;
    g->high = g->fresh;
    g->count = 16;
}

static void grain_init(grain *g, unsigned width, unsigned partial)
{
    const struct {
        uint32_t value;
        unsigned bits;
    } fields[] = {{1, 2}, /* a prime field */
                  {0, 4}, /* the S-box is a power */
                  {MODULUS_BITS, 12},
                  {width, 12},
                  {BN_POSEIDON_FULL_ROUNDS, 10},
                  {partial, 10},
                  {(1u << 30) - 1, 30}};
    unsigned at = 0;

    memset(g, 0, sizeof(*g));
    for (size_t f = 0; f < sizeof(fields) / sizeof(fields[0]); f++)
        for (unsigned i = fields[f].bits; i-- > 0; at++) {
            uint64_t bit = fields[f].value >> i & 1;

            if (at < 64)
                g->low |= bit << at;
            else
                g->high |= (uint16_t)(bit << (at - 64));
        }
    for (int i = 0; i < 160 / 16; i++)
        grain_step(g);
    g->count = 0;
}

/* 254 bits, most significant first: of each pair of bits the second, if the first is 1 */
static void grain_number(grain *g, uint64_t w[4])
{
    memset(w, 0, 4 * sizeof(w[0]));
    for (unsigned bits = 0; bits < MODULUS_BITS;) {
        if (!g->count)
            grain_step(g);
        if (g->fresh & 1) {
            w[3] = w[3] << 1 | w[2] >> 63;
            w[2] = w[2] << 1 | w[1] >> 63;
            w[1] = w[1] << 1 | w[0] >> 63;
            w[0] = w[0] << 1 | (g->fresh >> 1 & 1);
            bits++;
        }
        g->fresh >>= 2;
        g->count -= 2;
    }
}

static void derive_constants(bn_poseidon *p, grain *g)
{
    size_t count = (size_t)(BN_POSEIDON_FULL_ROUNDS + p->partial) * p->width;

    for (size_t i = 0; i < count; i++) {
        uint64_t w[4];

        do
            grain_number(g, w);
        while (!bn_fr_set_words(&p->constants[i], w)); /* not below r */
    }
}

/* Cauchy: 1 / (x_i + y_j) of 2 t different numbers, taken mod r */
static void derive_matrix(bn_poseidon *p, grain *g, bn_fr *scratch)
{
    unsigned t = p->width;
    bn_fr draws[2 * BN_POSEIDON_MAX_WIDTH];
    bool good;

    do {
        good = true;
        for (unsigned i = 0; i < 2 * t; i++) {
            uint64_t w[4];
            bn_fr number;

            grain_number(g, w);
            bn_fr_reduce_once(&number, w); /* 2^254 < 2 r */
            good = good && bn_fr_set_words(&draws[i], number.l);
            for (unsigned j = 0; j < i; j++)
                good = good && !bn_fr_eq(&draws[i], &draws[j]);
        }
        for (unsigned i = 0; i < t * t; i++) {
            bn_fr_add(&p->matrix[i], &draws[i / t], &draws[t + i % t]);
            good = good && !bn_fr_is_zero(&p->matrix[i]);
        }
    } while (!good);
    bn_fr_inv_batch(p->matrix, scratch, (size_t)t * t);
}

/* ---- linear algebra ---- */

static void mac(bn_fr *r, const bn_fr *a, const bn_fr *b)
{
    bn_fr t;

    bn_fr_mul(&t, a, b);
    bn_fr_add(r, r, &t);
}

/* r += sum of a[i * da] b[i * db] */
static void dot(bn_fr *r, const bn_fr *a, size_t da, const bn_fr *b, size_t db, size_t n)
{
    for (size_t i = 0; i < n; i++)
        mac(r, &a[i * da], &b[i * db]);
}

/* r = a b: rows x inner times inner x columns */
static void multiply(bn_fr *r, const bn_fr *a, const bn_fr *b, size_t rows, size_t inner,
                     size_t columns)
{
    for (size_t i = 0; i < rows; i++)
        for (size_t j = 0; j < columns; j++) {
            bn_fr_set_zero(&r[i * columns + j]);
            dot(&r[i * columns + j], a + i * inner, 1, b + j, columns, inner);
        }
}

/* alpha[1 .. n]: det(z - a) = z^n + alpha_1 z^(n-1) + ... (Faddeev and LeVerrier: m_1 = 1, alpha_k
 * = -trace(a m_k) / k, m_(k+1) = a m_k + alpha_k). */
static void characteristic(bn_fr *alpha, const bn_fr *a, size_t n)
{
    bn_fr m[MAX_N * MAX_N], am[MAX_N * MAX_N];

    memset(m, 0, sizeof(m));
    for (size_t i = 0; i < n; i++)
        bn_fr_set_one(&m[i * n + i]);
    for (size_t k = 1; k <= n; k++) {
        bn_fr trace, inverse;

        multiply(am, a, m, n, n, n);
        bn_fr_set_zero(&trace);
        for (size_t i = 0; i < n; i++)
            bn_fr_add(&trace, &trace, &am[i * n + i]);
        bn_fr_set_u64(&inverse, k);
        bn_fr_inv(&inverse, &inverse);
        bn_fr_mul(&trace, &trace, &inverse);
        bn_fr_neg(&alpha[k], &trace);
        for (size_t i = 0; i < n; i++)
            bn_fr_add(&am[i * n + i], &am[i * n + i], &alpha[k]);
        memcpy(m, am, n * n * sizeof(m[0]));
    }
}

/* r = a^-1, a is destroyed (Gauss and Jordan); false if there is none */
static bool invert(bn_fr *r, bn_fr *a, size_t n)
{
    for (size_t i = 0; i < n * n; i++)
        bn_fr_set_zero(&r[i]);
    for (size_t i = 0; i < n; i++)
        bn_fr_set_one(&r[i * n + i]);
    for (size_t c = 0; c < n; c++) {
        size_t pivot = c;
        bn_fr f;

        while (pivot < n && bn_fr_is_zero(&a[pivot * n + c]))
            pivot++;
        if (pivot == n)
            return false;
        for (size_t j = 0; j < n; j++) {
            bn_fr t = a[c * n + j], u = r[c * n + j];

            a[c * n + j] = a[pivot * n + j];
            r[c * n + j] = r[pivot * n + j];
            a[pivot * n + j] = t;
            r[pivot * n + j] = u;
        }
        bn_fr_inv(&f, &a[c * n + c]);
        for (size_t j = 0; j < n; j++) {
            bn_fr_mul(&a[c * n + j], &a[c * n + j], &f);
            bn_fr_mul(&r[c * n + j], &r[c * n + j], &f);
        }
        for (size_t i = 0; i < n; i++) {
            if (i == c)
                continue;
            bn_fr_neg(&f, &a[i * n + c]);
            for (size_t j = 0; j < n; j++) {
                mac(&a[i * n + j], &f, &a[c * n + j]);
                mac(&r[i * n + j], &f, &r[c * n + j]);
            }
        }
    }
    return true;
}

/* ---- the partial rounds as a recurrence (bn_poseidon_table.h) ---- */

typedef struct linear {
    bn_fr h[MAX_N];                   /* a = matrix[0][0] y + h x */
    bn_fr g[MAX_N];                   /* x' = a_ x + g y */
    bn_fr a[MAX_N * MAX_N];           /* the matrix without row and column 0 */
    bn_fr alpha[MAX_N + 1];           /* [0] = 1 */
    bn_fr beta[MAX_N + 1];            /* [0] = matrix[0][0] */
    bn_fr e[MAX_N * MAX_N];           /* e[q] x(0) is what the start adds to a(q+1) */
    bn_fr k[BN_POSEIDON_MAX_PARTIAL]; /* constant that is added to a(q) */
    bn_fr d[MAX_N]; /* constants that wait in x after the last partial round's S-box */
} linear;

static void derive_linear(const bn_poseidon *p, linear *l)
{
    size_t t = p->width, n = t - 1;
    bn_fr power[MAX_N], next[MAX_N], markov[MAX_N];

    for (size_t i = 0; i < n; i++) {
        l->h[i] = p->matrix[i + 1];
        l->g[i] = p->matrix[(i + 1) * t];
        memcpy(&l->a[i * n], &p->matrix[(i + 1) * t + 1], n * sizeof(bn_fr));
    }
    bn_fr_set_one(&l->alpha[0]);
    characteristic(l->alpha, l->a, n);

    /* markov[j] = h a^j g, what an input adds to the output j + 1 rounds later; e[q] = sum over k
     * of alpha_k h a^(q-k) */
    memcpy(power, l->h, sizeof(power));
    for (size_t q = 0; q < n; q++) {
        bn_fr_set_zero(&markov[q]);
        dot(&markov[q], power, 1, l->g, 1, n);
        multiply(next, power, l->a, 1, n, n);
        memcpy(power, next, sizeof(power));
        if (q == 0) {
            memcpy(l->e, l->h, n * sizeof(bn_fr));
            continue;
        }
        multiply(&l->e[q * n], &l->e[(q - 1) * n], l->a, 1, n, n);
        for (size_t i = 0; i < n; i++)
            mac(&l->e[q * n + i], &l->alpha[q], &l->h[i]);
    }
    /* the recurrence of h x, and h x = a - matrix[0][0] y */
    l->beta[0] = p->matrix[0];
    for (size_t i = 1; i <= n; i++) {
        bn_fr_mul(&l->beta[i], &l->alpha[i], &p->matrix[0]);
        for (size_t k = 0; k < i; k++)
            mac(&l->beta[i], &l->alpha[k], &markov[i - 1 - k]);
    }

    /* constants of elements 1 .. n wait in d, which goes through the rounds on its own */
    const bn_fr *c = p->constants + BN_POSEIDON_HALF * t;

    l->k[0] = c[0];
    memcpy(l->d, c + 1, n * sizeof(bn_fr));
    for (size_t q = 1; q < p->partial; q++) {
        c += t;
        l->k[q] = c[0];
        dot(&l->k[q], l->h, 1, l->d, 1, n);
        multiply(next, l->a, l->d, n, n, 1);
        for (size_t i = 0; i < n; i++)
            bn_fr_add(&l->d[i], &next[i], &c[i + 1]);
    }
}

/* ---- tables ---- */

static void lay_out(bn_poseidon_layout *at, uint32_t t, uint32_t partial)
{
    at->first = 0;
    at->matrix = at->first + t;
    at->full = at->matrix + t * t;
    at->enter = at->full + 6 * t;
    at->entered = at->enter + t * t;
    at->step = at->entered + t;
    at->steps = at->step + 2 * t - 1;
    at->leave = at->steps + partial - t;
    at->left = at->leave + t * (2 * t - 1);
    at->count = at->left + t;
}

/* All elements of a table in Montgomery form. */
static p_status derive_table(const bn_poseidon *p, bn_fr *table, linear *l, p_err *err)
{
    const bn_poseidon_layout *at = &p->at;
    size_t t = p->width, n = t - 1, window = 2 * n + 1, partial = p->partial;
    const bn_fr *second = p->constants + (BN_POSEIDON_HALF + partial) * t;
    bn_fr e[MAX_N * MAX_N], inverse[MAX_N * MAX_N];
    bn_fr lower[BN_POSEIDON_MAX_WIDTH * MAX_N], f[BN_POSEIDON_MAX_WIDTH * MAX_N];

    derive_linear(p, l);
    memcpy(table + at->first, p->constants, t * sizeof(bn_fr));
    memcpy(table + at->matrix, p->matrix, t * t * sizeof(bn_fr));
    memcpy(table + at->full, p->constants + t, 3 * t * sizeof(bn_fr));
    memcpy(table + at->full + 3 * t, second + t, 3 * t * sizeof(bn_fr));
    memcpy(table + at->enter, p->matrix, t * sizeof(bn_fr));
    multiply(table + at->enter + t, l->e, p->matrix + t, n, n, t);

    for (size_t i = 0; i <= n; i++)
        table[at->step + 2 * n - 2 * i] = l->beta[i];
    for (size_t k = 1; k <= n; k++)
        bn_fr_neg(&table[at->step + 2 * n + 1 - 2 * k], &l->alpha[k]);

    /* the recurrence is of a without the constants k, and the kernels keep a with them */
    for (size_t q = 0; q < partial; q++) {
        bn_fr *to = table + (q < t ? at->entered + q : at->steps + q - t);

        *to = l->k[q];
        for (size_t k = 1; k <= n && k < q; k++)
            mac(to, &l->alpha[k], &l->k[q - k]);
    }

    /* The last state: x with e x = z, where z_i = sum over j > i of beta_j y(R-1+i-j) - alpha_j
     * a(R+i-j), for R partial rounds; then matrix * (y(R-1), x). */
    memcpy(e, l->e, n * n * sizeof(bn_fr));
    if (!invert(inverse, e, n))
        return p_err_set(err, P_EINTERNAL,
                         "Poseidon-BN254 of width %zu: the state of the partial rounds does not "
                         "follow from what their S-boxes see",
                         t);
    for (size_t i = 0; i < t; i++)
        memcpy(&lower[i * n], &p->matrix[i * t + 1], n * sizeof(bn_fr));
    multiply(f, lower, inverse, t, n, n);
    for (size_t row = 0; row < t; row++) {
        bn_fr *to = table + at->leave + row * window, *added = &table[at->left + row];

        to[2 * n] = p->matrix[row * t];
        *added = second[row];
        dot(added, &lower[row * n], 1, l->d, 1, n);
        for (size_t m = 1; m <= n; m++) {
            bn_fr a;

            bn_fr_set_zero(&a);
            bn_fr_set_zero(&to[2 * n - 2 * m]);
            dot(&a, &f[row * n], 1, &l->alpha[m], 1, n - m + 1);
            dot(&to[2 * n - 2 * m], &f[row * n], 1, &l->beta[m], 1, n - m + 1);
            bn_fr_neg(&to[2 * n + 1 - 2 * m], &a);
            mac(added, &a, &l->k[partial - m]);
        }
    }
    return P_OK;
}

static void write_limbs(uint64_t limbs[5], const bn_fr *a)
{
    const uint64_t mask = (UINT64_C(1) << 52) - 1;

    limbs[0] = a->l[0] & mask;
    limbs[1] = (a->l[0] >> 52 | a->l[1] << 12) & mask;
    limbs[2] = (a->l[1] >> 40 | a->l[2] << 24) & mask;
    limbs[3] = (a->l[2] >> 28 | a->l[3] << 36) & mask;
    limbs[4] = a->l[3] >> 16;
}

/* The table's elements first .. end - 1 as the two kinds of kernels take them. */
static void write_elements(bn_poseidon *p, const bn_fr *table, uint32_t first, uint32_t end,
                           bool factors)
{
    bn_fr by_4, by_64; /* 2^4 = 2^260 / 2^256, 2^64 = 2^320 / 2^256 */

    bn_fr_set_u64(&by_4, 16);
    bn_fr_set_u64(&by_64, UINT64_C(1) << 32);
    bn_fr_mul(&by_64, &by_64, &by_64);
    for (uint32_t i = first; i < end; i++) {
        bn_fr scaled;

        bn_fr_mul(&scaled, &table[i], &by_4);
        write_limbs(p->limbs + (size_t)5 * i, &scaled);
        if (factors)
            bn_fr_mul(&p->words[i], &table[i], &by_64);
        else
            p->words[i] = table[i];
    }
}

static void write_table(bn_poseidon *p, const bn_fr *table)
{
    const bn_poseidon_layout *at = &p->at;

    write_elements(p, table, at->first, at->matrix, false);
    write_elements(p, table, at->matrix, at->full, true);
    write_elements(p, table, at->full, at->enter, false);
    write_elements(p, table, at->enter, at->entered, true);
    write_elements(p, table, at->entered, at->step, false);
    write_elements(p, table, at->step, at->steps, true);
    write_elements(p, table, at->steps, at->leave, false);
    write_elements(p, table, at->leave, at->left, true);
    write_elements(p, table, at->left, at->count, false);
}

p_status bn_poseidon_create(unsigned width, bn_poseidon **out, p_err *err)
{
    bn_poseidon *p;
    bn_fr *table = NULL;
    linear *l = NULL;
    grain g;
    size_t plain;
    p_status status;

    *out = NULL;
    if (width < BN_POSEIDON_MIN_WIDTH || width > BN_POSEIDON_MAX_WIDTH)
        return p_err_set(err, P_EINVAL, "Poseidon-BN254 has the widths %d to %d, not %u",
                         BN_POSEIDON_MIN_WIDTH, BN_POSEIDON_MAX_WIDTH, width);
    p = calloc(1, sizeof(*p));
    if (!p)
        goto no_memory;
    p->width = width;
    p->partial = PARTIAL_ROUNDS[width - BN_POSEIDON_MIN_WIDTH];
    lay_out(&p->at, width, p->partial);
    plain = (size_t)(BN_POSEIDON_FULL_ROUNDS + p->partial) * width;
    p->constants = calloc(plain, sizeof(bn_fr));
    p->matrix = calloc((size_t)width * width, sizeof(bn_fr));
    p->words = calloc(p->at.count, sizeof(bn_fr));
    p->limbs = calloc(p->at.count, 5 * sizeof(uint64_t));
    table = calloc(p->at.count, sizeof(bn_fr));
    l = calloc(1, sizeof(*l));
    if (!p->constants || !p->matrix || !p->words || !p->limbs || !table || !l)
        goto no_memory;

    grain_init(&g, width, p->partial);
    derive_constants(p, &g);
    derive_matrix(p, &g, table); /* as scratch: it is longer than the matrix */
    status = derive_table(p, table, l, err);
    if (status == P_OK) {
        write_table(p, table);
        *out = p;
        p = NULL;
    }
    goto out;

no_memory:
    status = p_err_set(err, P_EEXHAUSTED, "no memory for Poseidon-BN254 of width %u", width);
out:
    free(table);
    free(l);
    bn_poseidon_destroy(p);
    return status;
}

void bn_poseidon_destroy(bn_poseidon *p)
{
    if (!p)
        return;
    free(p->constants);
    free(p->matrix);
    free(p->words);
    free(p->limbs);
    free(p);
}

void bn_poseidon_get_plain(const bn_poseidon *p, bn_poseidon_plain *out)
{
    out->width = p->width;
    out->partial_rounds = p->partial;
    out->constants = p->constants;
    out->matrix = p->matrix;
}
