/* The tables of bn_ops.h: included once for each field by bn_ops_level.h,
 * which defines F(name), T, W, OPS, NAME, ISA, FP2_MUL and FP2_SQR. A template. */

static void F(op_add)(uint64_t *r, const uint64_t *a, const uint64_t *b)
{
    F(add)((T *)r, (const T *)a, (const T *)b);
}

static void F(op_sub)(uint64_t *r, const uint64_t *a, const uint64_t *b)
{
    F(sub)((T *)r, (const T *)a, (const T *)b);
}

static void F(op_mul)(uint64_t *r, const uint64_t *a, const uint64_t *b)
{
    F(mul)((T *)r, (const T *)a, (const T *)b);
}

static void F(op_mul_lazy)(uint64_t *r, const uint64_t *a, const uint64_t *b)
{
    F(mul_lazy)((T *)r, (const T *)a, (const T *)b);
}

static void F(op_neg)(uint64_t *r, const uint64_t *a)
{
    F(neg)((T *)r, (const T *)a);
}

static void F(op_dbl)(uint64_t *r, const uint64_t *a)
{
    F(dbl)((T *)r, (const T *)a);
}

static void F(op_half)(uint64_t *r, const uint64_t *a)
{
    F(half)((T *)r, (const T *)a);
}

static void F(op_sqr)(uint64_t *r, const uint64_t *a)
{
    F(sqr)((T *)r, (const T *)a);
}

static bool F(op_eq)(const uint64_t *a, const uint64_t *b)
{
    return F(eq)((const T *)a, (const T *)b);
}

static bool F(op_is_zero)(const uint64_t *a)
{
    return F(is_zero)((const T *)a);
}

static bool F(op_is_canonical)(const uint64_t *a)
{
    return F(is_canonical)((const T *)a);
}

static bool F(op_set_words)(uint64_t *r, const uint64_t *w)
{
    return F(set_words)((T *)r, w);
}

static void F(op_get_words)(uint64_t *w, const uint64_t *a)
{
    F(get_words)(w, (const T *)a);
}

static void F(op_set_u64)(uint64_t *r, uint64_t a)
{
    F(set_u64)((T *)r, a);
}

static void F(op_wide_mul)(uint64_t *w, const uint64_t *a, const uint64_t *b)
{
    F(wide_mul)((W *)w, (const T *)a, (const T *)b);
}

static void F(op_wide_sqr)(uint64_t *w, const uint64_t *a)
{
    F(wide_sqr)((W *)w, (const T *)a);
}

static void F(op_wide_mac)(uint64_t *w, const uint64_t *a, const uint64_t *b)
{
    F(wide_mac)((W *)w, (const T *)a, (const T *)b);
}

static void F(op_wide_reduce)(uint64_t *r, const uint64_t *w)
{
    F(wide_reduce)((T *)r, (const W *)w);
}

static void F(op_wide_reduce5)(uint64_t *r, const uint64_t *w)
{
    F(wide_reduce5)((T *)r, (const W *)w);
}

static void F(op_wide_sub)(uint64_t *w, const uint64_t *v)
{
    F(wide_sub)((W *)w, (const W *)v);
}

static void F(op_inv)(uint64_t *r, const uint64_t *a)
{
    F(inv)((T *)r, (const T *)a);
}

static bool F(op_sqrt_var)(uint64_t *r, const uint64_t *a)
{
    return F(sqrt_var)((T *)r, (const T *)a);
}

static int F(op_legendre)(const uint64_t *a)
{
    return F(legendre)((const T *)a);
}

static void F(op_inv_batch)(uint64_t *a, uint64_t *scratch, size_t n)
{
    F(inv_batch)((T *)a, (T *)scratch, n);
}

static void F(op_pow_var)(uint64_t *r, const uint64_t *a, const uint64_t *e)
{
    F(pow_var)((T *)r, (const T *)a, e);
}

const bn_ops OPS = {
    .name = NAME,
    .isa = ISA,
    .add = F(op_add),
    .sub = F(op_sub),
    .mul = F(op_mul),
    .mul_lazy = F(op_mul_lazy),
    .neg = F(op_neg),
    .dbl = F(op_dbl),
    .half = F(op_half),
    .sqr = F(op_sqr),
    .eq = F(op_eq),
    .is_zero = F(op_is_zero),
    .is_canonical = F(op_is_canonical),
    .set_words = F(op_set_words),
    .get_words = F(op_get_words),
    .set_u64 = F(op_set_u64),
    .wide_mul = F(op_wide_mul),
    .wide_sqr = F(op_wide_sqr),
    .wide_mac = F(op_wide_mac),
    .wide_reduce = F(op_wide_reduce),
    .wide_reduce5 = F(op_wide_reduce5),
    .wide_sub = F(op_wide_sub),
    .inv = F(op_inv),
    .sqrt_var = F(op_sqrt_var),
    .legendre = F(op_legendre),
    .inv_batch = F(op_inv_batch),
    .pow_var = F(op_pow_var),
    .fp2_mul = FP2_MUL,
    .fp2_sqr = FP2_SQR,
};
