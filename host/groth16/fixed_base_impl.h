/* The part of fixed_base.c that is the same for both groups, which define A, X (types of affine and
 * projective points), E (of a coordinate), XF(name), AF(name) and FB(name). No include guard. */

/* The 2^(bits-1) multiples of one window's unit. */
static p_status FB(window)(void *arg, size_t item, unsigned worker)
{
    const building *b = arg;
    const fixed_base *t = b->table;
    size_t half = (size_t)1 << (t->bits - 1);
    X *sum = (X *)b->scratch + worker * half;
    E *inverses = (E *)((X *)b->scratch + b->threads * half) + worker * 2 * half;
    A unit;
    X x;

    AF(generator)(&unit);
    XF(set)(&x, &unit);
    for (size_t i = 0; i < item * t->bits; i++)
        XF(dbl)(&x, &x);
    XF(get)(&unit, &x);
    XF(set)(&sum[0], &unit);
    for (size_t i = 1; i < half; i++)
        XF(add_affine)(&sum[i], &sum[i - 1], &unit);
    XF(get_batch)((A *)t->table + item * half, sum, inverses, half);
    return P_OK;
}

static void FB(mul)(const fixed_base *t, X *r, const uint64_t k[4])
{
    const A *row = t->table;
    size_t half = (size_t)1 << (t->bits - 1);
    uint32_t carry = 0;

    XF(set_zero)(r);
    for (unsigned i = 0; i < t->windows; i++, row += half) {
        uint32_t digit = window_of(k, i * t->bits, t->bits) + carry;

        carry = digit > half;
        if (carry) { /* digit - 2^bits, and one more of the next window */
            uint32_t negative = (1u << t->bits) - digit;

            if (negative != 0)
                XF(sub_affine)(r, r, &row[negative - 1]);
        } else if (digit != 0) {
            XF(add_affine)(r, r, &row[digit - 1]);
        }
    }
}
