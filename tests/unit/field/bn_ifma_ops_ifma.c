#include "bn_ifma_ops.h"

#if defined(__x86_64__)

#include "driver/field/bn_ifma.h"

#include <string.h>

static void get(bn8 *r, const uint64_t a[8][5])
{
    uint64_t t[8] __attribute__((aligned(64)));

    for (int j = 0; j < 5; j++) {
        for (int i = 0; i < 8; i++)
            t[i] = a[i][j];
        r->l[j] = bn8_row(t);
    }
}

static void put(uint64_t r[8][5], const bn8 *a)
{
    uint64_t t[8] __attribute__((aligned(64)));

    for (int j = 0; j < 5; j++) {
        _mm512_store_si512((void *)t, a->l[j]);
        for (int i = 0; i < 8; i++)
            r[i][j] = t[i];
    }
}

static void put_mask(uint64_t r[8][5], __mmask8 mask)
{
    memset(r, 0, 8 * sizeof *r);
    for (int i = 0; i < 8; i++)
        r[i][0] = mask >> i & 1;
}

static void subtract(bn8 *r, const bn8 *a, const bn8 *b, unsigned s, const bn8_field *f)
{
    switch (s) {
    case 0:
        bn8_sub(r, a, b, 0, f);
        break;
    case 1:
        bn8_sub(r, a, b, 1, f);
        break;
    case 2:
        bn8_sub(r, a, b, 2, f);
        break;
    default:
        bn8_sub(r, a, b, s, f);
    }
}

static void memory(enum op op, bn8 *x, const uint64_t a[8][5], uint64_t r[8][5])
{
    /* one word off any alignment, the elements' distance larger than they are */
    uint64_t words[1 + 8 * 4], apart[8][7];
    const uint64_t *from[8];
    uint64_t *to[8];

    for (int i = 0; i < 8; i++) {
        memcpy(words + 1 + 4 * i, a[i], 4 * sizeof *words);
        memcpy(apart[i], a[i], 4 * sizeof *words);
        from[i] = apart[7 - i];
        to[i] = apart[7 - i];
    }
    switch (op) {
    case OP_LOAD:
        bn8_load(x, words + 1);
        break;
    case OP_LOAD_X16:
        bn8_load_x16(x, words + 1);
        break;
    case OP_GATHER:
        bn8_gather(x, from);
        break;
    case OP_GATHER_X16:
        bn8_gather_x16(x, from);
        break;
    case OP_STORE:
        get(x, a);
        bn8_store(words + 1, x);
        for (int i = 0; i < 8; i++)
            memcpy(r[i], words + 1 + 4 * i, 4 * sizeof *words);
        return;
    default:
        get(x, a);
        bn8_scatter(to, x);
        for (int i = 0; i < 8; i++)
            memcpy(r[i], apart[i], 4 * sizeof *words);
        return;
    }
    put(r, x);
}

static void run(enum op op, unsigned s, const uint64_t a[8][5], const uint64_t b[8][5],
                uint64_t r[8][5], const bn8_field *f)
{
    bn8 x, y;
    bn8w w;

    get(&x, a);
    get(&y, b);
    switch (op) {
    case OP_MUL:
        bn8_mul(&y, &x, &y, f);
        put(r, &y);
        return;
    case OP_MUL_ALIAS:
        bn8_mul(&x, &x, &y, f);
        break;
    case OP_SQR:
        bn8_sqr(&x, &x, f);
        break;
    case OP_MAC:
        bn8w_sqr(&w, &x);
        bn8w_mac(&w, &x, &y);
        bn8w_mac(&w, &y, &x);
        bn8w_redc(&x, &w, f);
        break;
    case OP_ADD:
        bn8_add(&x, &x, &y);
        break;
    case OP_DBL:
        bn8_dbl(&x, &x);
        break;
    case OP_SUB:
        subtract(&x, &x, &y, s, f);
        break;
    case OP_NEG:
        bn8_neg(&x, &x, s, f);
        break;
    case OP_SUB_IF:
        bn8_sub_if(&x, &x, s, f);
        break;
    case OP_REDUCE:
        bn8_reduce(&x, &x, f);
        break;
    case OP_CANON:
        bn8_canon(&x, &x, f);
        break;
    case OP_TO_MONT:
        bn8_to_mont(&x, &x, f);
        break;
    case OP_FROM_MONT:
        bn8_from_mont(&x, &x, f);
        break;
    case OP_DIV16:
        bn8_div16(&x, &x, f);
        break;
    case OP_IS_ZERO:
        put_mask(r, bn8_is_zero(&x));
        return;
    case OP_SELECT:
        bn8_select(&x, _mm512_test_epi64_mask(x.l[0], _mm512_set1_epi64(1)), &y, &x);
        break;
    case OP_CHAIN:
        bn8_add_loose(&x, &x, &x);
        bn8_sub_loose(&x, &x, &y);
        bn8_add_p(&x, &x, s, f);
        bn8_carry(&x, &x);
        break;
    default:
        memory(op, &x, a, r);
        return;
    }
    put(r, &x);
}

void test_bn_ifma_op(enum op op, int field, unsigned s, const uint64_t a[8][5],
                     const uint64_t b[8][5], uint64_t r[8][5])
{
    if (field == 0)
        run(op, s, a, b, r, &bn8_fp);
    else
        run(op, s, a, b, r, &bn8_fr);
}

#endif
