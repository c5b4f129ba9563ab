/* The functions of one lane for one group (see bn_msm_scalar.h), and its msm_ops. */

static inline void F(mul)(FE *r, const FE *a, const FE *b)
{
    FS_(mul)(r, a, b);
}

static inline void F(mul_loose)(FE *r, const FE *a, const FE *b)
{
    FS_(mul)(r, a, b);
}

static inline void F(sqr_loose)(FE *r, const FE *a)
{
    FS_(sqr)(r, a);
}

static inline void F(sub)(FE *r, const FE *a, const FE *b)
{
    FS_(sub)(r, a, b);
}

/** r = l2 - x1 - x2 with dx = x2 - x1. */
static inline void F(x3)(FE *r, const FE *l2, const FE *x1, const FE *dx)
{
    FE t;

    FS_(sub)(&t, l2, x1);
    FS_(sub)(&t, &t, x1);
    FS_(sub)(r, &t, dx);
}

static inline void F(y3)(FE *r, const FE *t, const FE *y1)
{
    FS_(sub)(r, t, y1);
}

static inline void F(one)(FE *r)
{
    FS_(set_one)(r);
}

static inline void F(null)(FE *r)
{
    FS_(set_zero)(r);
}

static inline void F(tidy)(FE *r, const FE *a)
{
    *r = *a;
}

static inline void F(dbl)(FE *r, const FE *a)
{
    FS_(dbl)(r, a);
}

static inline void F(triple)(FE *r, const FE *a)
{
    FE t;

    FS_(dbl)(&t, a);
    FS_(add)(r, &t, a);
}

static inline void F(select)(FE *r, unsigned mask, const FE *yes, const FE *no)
{
    *r = mask ? *yes : *no;
}

static inline unsigned F(is_zero)(const FE *a)
{
    return FS_(is_zero)(a);
}

static inline unsigned F(gather)(FE *x, FE *y, const uint64_t *const at[1], unsigned sign, bool own)
{
    A p;
    FE n;

    memcpy(&p, at[0], sizeof p);
    FS_(neg)(&n, &p.y);
    FS_(cmov)(&p.y, &n, sign);
    *x = p.x;
    *y = p.y;
    return own ? AF(is_zero)(&p) : 0;
}

static inline void F(scatter)(uint64_t *const at[1], const FE *x, const FE *y, unsigned inf)
{
    A p = {*x, *y};

    if (inf)
        AF(set_zero)(&p);
    memcpy(at[0], &p, sizeof p);
}

static inline void F(get)(FS v[1], const FE *a)
{
    v[0] = *a;
}

static inline void F(set_inverse)(FE *r, const FS v[1])
{
    *r = v[0];
}

#include "driver/cpu/bn_msm_impl.h"

static void M(finish)(uint64_t *points, size_t n)
{
    (void)points;
    (void)n;
}

size_t CHECK(const uint64_t *points, size_t n)
{
    static const FE curve_b = CURVE_B;

    for (size_t i = 0; i < n; i++) {
        A p;
        FE t, u;

        memcpy(&p, points + i * WORDS, sizeof p);
        if (AF(is_zero)(&p))
            continue;
        if (!FS_(is_canonical)(&p.x) || !FS_(is_canonical)(&p.y))
            return i;
        FS_(sqr)(&t, &p.x);
        FS_(mul)(&t, &t, &p.x);
        FS_(add)(&t, &t, &curve_b);
        FS_(sqr)(&u, &p.y);
        if (!FS_(eq)(&t, &u))
            return i;
    }
    return n;
}

const msm_ops OPS = {
    .lanes_log2 = LANES_LOG2,
    .work_bytes = MSM_WORK_BYTES,
    .octet_bytes = sizeof(M(pt)) + 1,
    .sum = M(sum),
    .fold = M(fold),
    .finish = M(finish),
    .check = CHECK,
};

#undef FE
#undef FS
#undef FS_
#undef A
#undef AF
#undef CURVE_B
#undef WORDS
#undef F
#undef M
#undef OPS
#undef CHECK
