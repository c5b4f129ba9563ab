/* Points of y^2 = x^3 + b: the template of bn_curve.h for G1 and G2, which define E (the type of a
 * coordinate), EF(name) (its functions), A and X (the types of affine and of projective points),
 * AF(name) and XF(name) (theirs). Any field of characteristic above 3 will do; the tests use tiny
 * ones. No include guard.
 *
 * Affine (x, y), infinity is (0, 0), which is on no such curve with b other than 0. Projective:
 * (X, Y, ZZ, ZZZ) with x = X / ZZ, y = Y / ZZZ, ZZ^3 = ZZZ^2, infinity is ZZ = 0 (the formulas are
 * those of the Explicit-Formulas Database for "XYZZ", shortw-xyzz, 2008 Sutherland). Every function
 * takes every case: equal points, opposite ones, infinity; so they branch on those cases, and on
 * nothing else. */

typedef struct A {
    E x, y;
} A;

typedef struct X {
    E x, y, zz, zzz;
} X;

static inline void AF(set_zero)(A *r)
{
    EF(set_zero)(&r->x);
    EF(set_zero)(&r->y);
}

static inline bool AF(is_zero)(const A *a)
{
    return EF(is_zero)(&a->x) && EF(is_zero)(&a->y);
}

static inline bool AF(eq)(const A *a, const A *b)
{
    return EF(eq)(&a->x, &b->x) && EF(eq)(&a->y, &b->y);
}

static inline void AF(neg)(A *r, const A *a)
{
    r->x = a->x;
    EF(neg)(&r->y, &a->y);
}

static inline void XF(set_zero)(X *r)
{
    EF(set_zero)(&r->x);
    EF(set_zero)(&r->y);
    EF(set_zero)(&r->zz);
    EF(set_zero)(&r->zzz);
}

static inline bool XF(is_zero)(const X *a)
{
    return EF(is_zero)(&a->zz);
}

static inline void XF(set)(X *r, const A *a)
{
    if (AF(is_zero)(a)) {
        XF(set_zero)(r);
        return;
    }
    r->x = a->x;
    r->y = a->y;
    EF(set_one)(&r->zz);
    EF(set_one)(&r->zzz);
}

static inline void XF(neg)(X *r, const X *a)
{
    r->x = a->x;
    EF(neg)(&r->y, &a->y);
    r->zz = a->zz;
    r->zzz = a->zzz;
}

/** 6 products, 3 squares; 2 (0, 0) = infinity and 2 of a point with y = 0 follow from ZZ = 0. */
static inline void XF(dbl)(X *r, const X *a)
{
    E u, v, w, s, m, t;

    EF(dbl)(&u, &a->y);
    EF(sqr)(&v, &u);
    EF(mul)(&w, &u, &v);
    EF(mul)(&s, &a->x, &v);
    EF(sqr)(&t, &a->x);
    EF(dbl)(&m, &t);
    EF(add)(&m, &m, &t);
    EF(mul)(&u, &w, &a->y);
    EF(mul)(&r->zz, &v, &a->zz);
    EF(mul)(&r->zzz, &w, &a->zzz);
    EF(sqr)(&t, &m);
    EF(sub)(&t, &t, &s);
    EF(sub)(&r->x, &t, &s);
    EF(sub)(&s, &s, &r->x);
    EF(mul)(&t, &m, &s);
    EF(sub)(&r->y, &t, &u);
}

/** 2 a of an affine point. */
static inline void XF(dbl_affine)(X *r, const A *a)
{
    E u, v, w, s, m, t;

    EF(dbl)(&u, &a->y); /* 0 for infinity, so ZZ becomes 0 */
    EF(sqr)(&v, &u);
    EF(mul)(&w, &u, &v);
    EF(mul)(&s, &a->x, &v);
    EF(sqr)(&t, &a->x);
    EF(dbl)(&m, &t);
    EF(add)(&m, &m, &t);
    EF(mul)(&u, &w, &a->y);
    EF(sqr)(&t, &m);
    EF(sub)(&t, &t, &s);
    EF(sub)(&r->x, &t, &s);
    EF(sub)(&s, &s, &r->x);
    EF(mul)(&t, &m, &s);
    EF(sub)(&r->y, &t, &u);
    r->zz = v;
    r->zzz = w;
}

/** r = a + b, b affine: 8 products, 2 squares. */
static inline void XF(add_affine)(X *r, const X *a, const A *b)
{
    E u, s, p, pp, ppp, q, t;

    if (AF(is_zero)(b)) {
        *r = *a;
        return;
    }
    if (XF(is_zero)(a)) {
        XF(set)(r, b);
        return;
    }
    EF(mul)(&u, &b->x, &a->zz);
    EF(mul)(&s, &b->y, &a->zzz);
    EF(sub)(&p, &u, &a->x);
    EF(sub)(&s, &s, &a->y);
    if (EF(is_zero)(&p)) {
        if (EF(is_zero)(&s))
            XF(dbl_affine)(r, b);
        else
            XF(set_zero)(r);
        return;
    }
    EF(sqr)(&pp, &p);
    EF(mul)(&ppp, &p, &pp);
    EF(mul)(&q, &a->x, &pp);
    EF(mul)(&u, &a->y, &ppp);
    EF(mul)(&r->zz, &a->zz, &pp);
    EF(mul)(&r->zzz, &a->zzz, &ppp);
    EF(sqr)(&t, &s);
    EF(sub)(&t, &t, &ppp);
    EF(sub)(&t, &t, &q);
    EF(sub)(&r->x, &t, &q);
    EF(sub)(&q, &q, &r->x);
    EF(mul)(&t, &s, &q);
    EF(sub)(&r->y, &t, &u);
}

/** r = a - b. */
static inline void XF(sub_affine)(X *r, const X *a, const A *b)
{
    A n;

    AF(neg)(&n, b);
    XF(add_affine)(r, a, &n);
}

/** r = a + b: 12 products, 2 squares. */
static inline void XF(add)(X *r, const X *a, const X *b)
{
    E u1, u2, s1, s2, pp, ppp, q, t;

    if (XF(is_zero)(b)) {
        *r = *a;
        return;
    }
    if (XF(is_zero)(a)) {
        *r = *b;
        return;
    }
    EF(mul)(&u1, &a->x, &b->zz);
    EF(mul)(&u2, &b->x, &a->zz);
    EF(mul)(&s1, &a->y, &b->zzz);
    EF(mul)(&s2, &b->y, &a->zzz);
    EF(sub)(&u2, &u2, &u1);
    EF(sub)(&s2, &s2, &s1);
    if (EF(is_zero)(&u2)) {
        if (EF(is_zero)(&s2))
            XF(dbl)(r, a);
        else
            XF(set_zero)(r);
        return;
    }
    EF(sqr)(&pp, &u2);
    EF(mul)(&ppp, &u2, &pp);
    EF(mul)(&q, &u1, &pp);
    EF(mul)(&s1, &s1, &ppp);
    EF(mul)(&t, &a->zz, &b->zz);
    EF(mul)(&r->zz, &t, &pp);
    EF(mul)(&t, &a->zzz, &b->zzz);
    EF(mul)(&r->zzz, &t, &ppp);
    EF(sqr)(&t, &s2);
    EF(sub)(&t, &t, &ppp);
    EF(sub)(&t, &t, &q);
    EF(sub)(&r->x, &t, &q);
    EF(sub)(&q, &q, &r->x);
    EF(mul)(&t, &s2, &q);
    EF(sub)(&r->y, &t, &s1);
}

/** Whether a and b are the same point. */
static inline bool XF(eq)(const X *a, const X *b)
{
    E s, t;
    bool same;

    if (XF(is_zero)(a) || XF(is_zero)(b))
        return XF(is_zero)(a) == XF(is_zero)(b);
    EF(mul)(&s, &a->x, &b->zz);
    EF(mul)(&t, &b->x, &a->zz);
    same = EF(eq)(&s, &t);
    EF(mul)(&s, &a->y, &b->zzz);
    EF(mul)(&t, &b->y, &a->zzz);
    return same && EF(eq)(&s, &t);
}

/** The affine form; one inversion. */
static inline void XF(get)(A *r, const X *a)
{
    E i, t;

    if (XF(is_zero)(a)) {
        AF(set_zero)(r);
        return;
    }
    EF(inv)(&i, &a->zzz);
    EF(mul)(&r->y, &a->y, &i);
    EF(mul)(&t, &a->zz, &i); /* 1 / Z, where Z = ZZZ / ZZ */
    EF(sqr)(&t, &t);
    EF(mul)(&r->x, &a->x, &t);
}
