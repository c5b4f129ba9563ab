/* The part of wire_sums.c that is the same for both groups, which define A, X, AF(name), XF(name)
 * and WS(name). No include guard. */

/* sum += k point */
static void WS(add)(X *sum, const A *point, const bn_fr *k)
{
    uint64_t words[4], negative[4];
    unsigned bits, negative_bits;
    bn_fr minus;
    A base = *point;
    X x;

    bn_fr_get_words(words, k);
    bn_fr_neg(&minus, k);
    bn_fr_get_words(negative, &minus);
    bits = length_of(words);
    negative_bits = length_of(negative);
    if (negative_bits < bits) { /* factors are often 1, -1, or small */
        memcpy(words, negative, sizeof words);
        bits = negative_bits;
        AF(neg)(&base, point);
    }
    if (bits == 0)
        return;
    if (bits == 1) {
        XF(add_affine)(sum, sum, &base);
        return;
    }
    if (bits > SHORT_BITS) {
        AF(mul_glv_var)(&x, &base, words);
    } else {
        XF(set)(&x, &base);
        for (unsigned i = bits - 1; i-- > 0;) {
            XF(dbl)(&x, &x);
            if (words[i / 64] >> i % 64 & 1)
                XF(add_affine)(&x, &x, &base);
        }
    }
    XF(add)(sum, sum, &x);
}
