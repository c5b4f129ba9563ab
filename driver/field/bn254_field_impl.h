/* The functions out of line of bn254_field.h: included by bn_fp.c and bn_fr.c, which define BN_T,
 * BN_F, BN_P and BN_HALF_ORDER. No include guard: a template. */

void BN_F(pow_var)(BN_T *r, const BN_T *a, const uint64_t e[4])
{
    BN_T table[16], t;

    BN_F(set_one)(&table[0]);
    table[1] = *a;
    for (int i = 2; i < 16; i++)
        BN_F(mul)(&table[i], &table[i - 1], a);
    t = table[e[3] >> 60];
    for (int i = 62; i >= 0; i--) {
        for (int k = 0; k < 4; k++)
            BN_F(sqr)(&t, &t);
        if (e[i / 16] >> (i % 16 * 4) & 15)
            BN_F(mul)(&t, &t, &table[e[i / 16] >> (i % 16 * 4) & 15]);
    }
    *r = t;
}

/* Fermat: a^(p-2), whose exponent is public */
void BN_F(inv)(BN_T *r, const BN_T *a)
{
    static const uint64_t e[4] = {BN_P(0) - 2, BN_P(1), BN_P(2), BN_P(3)};

    _Static_assert(BN_P(0) >= 2, "p - 2 borrows");
    BN_F(pow_var)(r, a, e);
}

void BN_F(inv_batch)(BN_T *a, BN_T *scratch, size_t n)
{
    BN_T product, inverse, one;

    BN_F(set_one)(&one);
    product = one;
    for (size_t i = 0; i < n; i++) {
        scratch[i] = product; /* of all before i that are not 0 */
        if (!BN_F(is_zero)(&a[i]))
            BN_F(mul)(&product, &product, &a[i]);
    }
    BN_F(inv)(&inverse, &product);
    for (size_t i = n; i-- > 0;) {
        BN_T t = a[i];

        if (BN_F(is_zero)(&t))
            continue;
        BN_F(mul)(&a[i], &inverse, &scratch[i]);
        BN_F(mul)(&inverse, &inverse, &t);
    }
}

int BN_F(legendre)(const BN_T *a)
{
    static const uint64_t e[4] = BN_HALF_ORDER;
    BN_T t, one;

    BN_F(set_one)(&one);
    BN_F(pow_var)(&t, a, e);
    return BN_F(is_zero)(&t) ? 0 : BN_F(eq)(&t, &one) ? 1 : -1;
}

/* of the roots s and -s the one that is an even number */
static void BN_F(even_root)(BN_T *r, const BN_T *s)
{
    uint64_t w[4];
    BN_T n;

    BN_F(get_words)(w, s);
    BN_F(neg)(&n, s);
    *r = *s;
    BN_F(cmov)(r, &n, w[0] & 1);
}
