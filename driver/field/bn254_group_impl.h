/* The functions out of line of bn254_group.h: included by bn_curve.c with the same names defined.
 * No include guard: a template. */

/* table[i] = i a */
static void XF(multiples)(X table[16], const A *a)
{
    XF(set_zero)(&table[0]);
    XF(set)(&table[1], a);
    for (int i = 2; i < 16; i++)
        XF(add_affine)(&table[i], &table[i - 1], a);
}

void AF(mul_var)(X *r, const A *a, const uint64_t k[4])
{
    X table[16], t;

    XF(multiples)(table, a);
    XF(set_zero)(&t);
    for (int i = 63; i >= 0; i--) {
        for (int d = 0; d < 4; d++)
            XF(dbl)(&t, &t);
        XF(add)(&t, &t, &table[k[i / 16] >> (i % 16 * 4) & 15]);
    }
    *r = t;
}

void AF(mul_glv_var)(X *r, const A *a, const uint64_t k[4])
{
    X table[2][16], t;
    A b[2];
    bn_glv split;

    bn_glv_split(&split, k);
    AF(endo)(&b[1], a);
    b[0] = *a;
    for (int j = 0; j < 2; j++) {
        if (split.neg[j])
            AF(neg)(&b[j], &b[j]);
        XF(multiples)(table[j], &b[j]);
    }
    XF(set_zero)(&t);
    for (int i = 31; i >= 0; i--) {
        for (int d = 0; d < 4; d++)
            XF(dbl)(&t, &t);
        for (int j = 0; j < 2; j++)
            XF(add)(&t, &t, &table[j][split.k[j][i / 16] >> (i % 16 * 4) & 15]);
    }
    *r = t;
}

void XF(get_batch)(A *r, const X *a, E *scratch, size_t n)
{
    E *inverse = scratch;

    for (size_t i = 0; i < n; i++) /* 0 for infinity, as the inverse of 0 */
        inverse[i] = a[i].zzz;
    EF(inv_batch)(inverse, scratch + n, n);
    for (size_t i = 0; i < n; i++) {
        E t;

        EF(mul)(&r[i].y, &a[i].y, &inverse[i]);
        EF(mul)(&t, &a[i].zz, &inverse[i]);
        EF(sqr)(&t, &t);
        EF(mul)(&r[i].x, &a[i].x, &t);
    }
}

bool AF(on_curve)(const A *a)
{
    static const E b = B_INIT;
    E l, t;

    EF(sqr)(&l, &a->y);
    EF(sqr)(&t, &a->x);
    EF(mul)(&t, &t, &a->x);
    EF(add)(&t, &t, &b);
    return EF(eq)(&l, &t) || AF(is_zero)(a);
}
