/* Private to driver/field: the cubic extension's formulas over any prime field, so that tests can
 * run them through all elements of a small one. A file defines, includes this, and has static
 * inline functions:
 *
 *   EXT(f)             its name for f; EXT_T the extension's type, with c[3] of FE
 *   FE                 an element of the prime field
 *   fe_add, fe_sub, fe_mul, fe_inv   its arithmetic
 *   ACC, acc_mul(&acc, a, b), acc_value(&acc)   a sum of up to five products; ACC starts as {0}
 *
 * With X^3 = X + 1 and X^4 = X^2 + X the product's coefficients c[0..4] become
 *   c0 + c3, c1 + c3 + c4, c2 + c4. */

static inline EXT_T EXT(mul)(EXT_T a, EXT_T b)
{
    ACC s0 = {0}, s1 = {0}, s2 = {0};

    acc_mul(&s0, a.c[0], b.c[0]);
    acc_mul(&s0, a.c[1], b.c[2]);
    acc_mul(&s0, a.c[2], b.c[1]);
    acc_mul(&s1, a.c[0], b.c[1]);
    acc_mul(&s1, a.c[1], b.c[0]);
    acc_mul(&s1, a.c[1], b.c[2]);
    acc_mul(&s1, a.c[2], b.c[1]);
    acc_mul(&s1, a.c[2], b.c[2]);
    acc_mul(&s2, a.c[0], b.c[2]);
    acc_mul(&s2, a.c[1], b.c[1]);
    acc_mul(&s2, a.c[2], b.c[0]);
    acc_mul(&s2, a.c[2], b.c[2]);
    return (EXT_T){{acc_value(&s0), acc_value(&s1), acc_value(&s2)}};
}

static inline EXT_T EXT(sqr)(EXT_T a)
{
    ACC s0 = {0}, s1 = {0}, s2 = {0};
    FE twice1 = fe_add(a.c[1], a.c[1]), twice2 = fe_add(a.c[2], a.c[2]);

    acc_mul(&s0, a.c[0], a.c[0]);
    acc_mul(&s0, a.c[1], twice2);
    acc_mul(&s1, a.c[0], twice1);
    acc_mul(&s1, a.c[1], twice2);
    acc_mul(&s1, a.c[2], a.c[2]);
    acc_mul(&s2, a.c[0], twice2);
    acc_mul(&s2, a.c[1], a.c[1]);
    acc_mul(&s2, a.c[2], a.c[2]);
    return (EXT_T){{acc_value(&s0), acc_value(&s1), acc_value(&s2)}};
}

/* The first row of cofactors of the matrix of multiplication by a over its determinant, the norm.
 * Multiplication by a takes 1, X, X^2 to (a0, a1, a2), (a2, a0 + a2, a1), (a1, a1 + a2, a0 + a2).
 * The norm of 0 is 0, and so is its inverse here. */
static inline EXT_T EXT(inv)(EXT_T a)
{
    FE d = fe_add(a.c[0], a.c[2]), e = fe_add(a.c[1], a.c[2]);
    FE b0 = fe_sub(fe_mul(d, d), fe_mul(e, a.c[1]));
    FE b1 = fe_sub(fe_mul(a.c[2], e), fe_mul(a.c[1], d));
    FE b2 = fe_sub(fe_mul(a.c[1], a.c[1]), fe_mul(d, a.c[2]));
    ACC norm = {0};
    FE n;

    acc_mul(&norm, a.c[0], b0);
    acc_mul(&norm, a.c[2], b1);
    acc_mul(&norm, a.c[1], b2);
    n = fe_inv(acc_value(&norm));
    return (EXT_T){{fe_mul(b0, n), fe_mul(b1, n), fe_mul(b2, n)}};
}
