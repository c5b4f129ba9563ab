/* The part of fixed_base.c that is the same for both groups, which define A, X (types of affine and
 * projective points), E (of a coordinate), EF(name), XF(name), AF(name) and FB(name). No include
 * guard. */

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

/* out[i] += q[i], for each i that is listed: one inversion for all. Doubling where they are equal;
 * neither is infinity, and they are not opposite. */
static void FB(add_all)(A *out, const A *q, const size_t *list, size_t n)
{
    E top[FIXED_BASE_BATCH], bottom[FIXED_BASE_BATCH], scratch[FIXED_BASE_BATCH];

    for (size_t m = 0; m < n; m++) {
        const A *a = &out[list[m]], *b = &q[list[m]];

        if (EF(eq)(&a->x, &b->x)) {
            E square;

            EF(sqr)(&square, &a->x);
            EF(dbl)(&top[m], &square);
            EF(add)(&top[m], &top[m], &square);
            EF(dbl)(&bottom[m], &a->y);
        } else {
            EF(sub)(&top[m], &b->y, &a->y);
            EF(sub)(&bottom[m], &b->x, &a->x);
        }
    }
    EF(inv_batch)(bottom, scratch, n);
    for (size_t m = 0; m < n; m++) {
        A *a = &out[list[m]];
        const A *b = &q[list[m]];
        E slope, x, t;

        EF(mul)(&slope, &top[m], &bottom[m]);
        EF(sqr)(&x, &slope);
        EF(sub)(&x, &x, &a->x);
        EF(sub)(&x, &x, &b->x);
        EF(sub)(&t, &a->x, &x);
        EF(mul)(&t, &t, &slope);
        EF(sub)(&a->y, &t, &a->y);
        a->x = x;
    }
}

static void FB(mul)(const fixed_base *t, A *out, const bn_fr *k, size_t n)
{
    uint64_t words[FIXED_BASE_BATCH][4];
    uint32_t carry[FIXED_BASE_BATCH] = {0};
    A term[FIXED_BASE_BATCH];
    const A *row = t->table;
    size_t half = (size_t)1 << (t->bits - 1), list[FIXED_BASE_BATCH];

    for (size_t j = 0; j < n; j++) {
        bn_fr_get_words(words[j], &k[j]);
        AF(set_zero)(&out[j]);
    }
    for (unsigned i = 0; i < t->windows; i++, row += half) {
        size_t listed = 0;

        for (size_t j = 0; j < n; j++) {
            uint32_t digit = window_of(words[j], i * t->bits, t->bits) + carry[j];

            carry[j] = digit > half;
            if (carry[j]) /* digit - 2^bits, and one more of the next window */
                digit = (1u << t->bits) - digit;
            if (digit == 0)
                continue;
            if (carry[j])
                AF(neg)(&term[j], &row[digit - 1]);
            else
                term[j] = row[digit - 1];
            if (AF(is_zero)(&out[j]))
                out[j] = term[j];
            else if (!EF(eq)(&out[j].x, &term[j].x) || EF(eq)(&out[j].y, &term[j].y))
                list[listed++] = j;
            else /* opposite */
                AF(set_zero)(&out[j]);
        }
        FB(add_all)(out, term, list, listed);
    }
    explicit_bzero(words, sizeof words);
}
