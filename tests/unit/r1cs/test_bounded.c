/* Bounded integers: random expressions against K and GMP's integers; forgeries that the bounds
 * exclude; a second assignment is looked for by changing every wire. */
#include "host/r1cs/bounded.h"

#include "host/r1cs/bits.h"

#include "circuit.h"

#include <gmp.h>

#define RANDOM_NODES 60

/* ---- random expressions ---- */

static void words_to_mpz(mpz_t z, const uint64_t w[4])
{
    mpz_import(z, 4, -1, 8, 0, 0, w);
}

/* What the type says of a value: below its bound, its bound at most 2^252, its residue right. */
static void assert_value(r1cs_builder *b, const r1cs_gl *x, gl_t expected)
{
    uint64_t words[4];
    mpz_t value, bound, p;

    if (!r1cs_solving(b))
        return;
    mpz_inits(value, bound, NULL);
    mpz_init_set_str(p, "18446744069414584321", 10);
    bn_fr_get_words(words, &x->lc.value);
    words_to_mpz(value, words);
    words_to_mpz(bound, x->bound.w);
    assert_true(mpz_cmp(value, bound) < 0);
    assert_true(mpz_sizeinbase(bound, 2) <= 253);
    mpz_mod(value, value, p);
    assert_int_equal(mpz_get_ui(value), expected);
    assert_int_equal(r1cs_gl_value(b, x), expected);
    mpz_clears(value, bound, p, NULL);
}

static gl_t edge(uint64_t *seed)
{
    static const uint64_t values[] = {0, 1, 2, GL_P - 1, GL_P - 2, UINT32_MAX, UINT64_C(1) << 32};
    uint64_t r = test_random(seed);

    return r % 3 == 0 ? values[r / 3 % (sizeof values / 8)] : gl_from_u64(test_random(seed));
}

/* A value with room, often the largest that there is: 2^bits - 1, or less. It is not canonical. */
static r1cs_gl any_input(r1cs_builder *b, uint64_t *seed, gl_t *value)
{
    static const unsigned sizes[] = {1, 63, 64, 65, 100, 129, 200, 252};
    uint64_t r = test_random(seed), words[4] = {0};
    unsigned bits = sizes[r % 8];
    bn_fr x;
    r1cs_gl y;

    if (r >> 8 & 1) { /* the range-checked kind, p and above among them */
        uint64_t raw = r >> 9 & 1 ? test_random(seed) : GL_P - 2 + (r >> 16) % 5;

        *value = gl_from_u64(raw);
        return r1cs_gl_input(b, raw);
    }
    for (unsigned i = 0; i < bits; i++)
        words[i / 64] |= UINT64_C(1) << i % 64;
    if (r >> 9 & 1)
        words[0] &= test_random(seed);
    assert_true(bn_fr_set_words(&x, words));
    y = r1cs_gl_assume(r1cs_wire(b, x), bits);
    *value = r1cs_gl_value(b, &(r1cs_gl){.lc = r1cs_constant(b, x)});
    return y;
}

static void random_gl(r1cs_builder *b, void *context)
{
    uint64_t seed = *(uint64_t *)context;
    r1cs_gl x[RANDOM_NODES];
    gl_t v[RANDOM_NODES];

    for (int i = 0; i < 6; i++) {
        v[i] = edge(&seed);
        x[i] = i < 2 ? r1cs_gl_constant(b, v[i]) : any_input(b, &seed, &v[i]);
    }
    for (int i = 6; i < RANDOM_NODES; i++) {
        uint64_t r = test_random(&seed);
        /* the last ones more often: chains that grow */
        int j = r % 3 ? i - 1 - (int)(r / 8 % 3) : (int)(r / 8 % (uint64_t)i);
        int k = (int)(r / 1024 % (uint64_t)i);
        gl_t f = edge(&seed);

        switch (r >> 32 & 7) {
        case 0:
            x[i] = r1cs_gl_add(b, x[j], x[k]);
            v[i] = gl_add(v[j], v[k]);
            break;
        case 1:
            x[i] = r1cs_gl_sub(b, x[j], x[k]);
            v[i] = gl_sub(v[j], v[k]);
            break;
        case 2:
            x[i] = r1cs_gl_scale(b, x[j], f);
            v[i] = gl_mul(v[j], f);
            break;
        case 3:
            x[i] = r1cs_gl_reduce(b, x[j]);
            v[i] = v[j];
            break;
        case 4: {
            gl_t factors[3] = {f, edge(&seed), edge(&seed)};
            r1cs_gl parts[3] = {x[j], x[k], x[0]};

            x[i] = r1cs_gl_sum(b, parts, factors, 3);
            v[i] =
                gl_add(gl_add(gl_mul(f, v[j]), gl_mul(factors[1], v[k])), gl_mul(factors[2], v[0]));
            break;
        }
        case 5: {
            r1cs_gl left[3] = {x[j], x[k], x[i - 1]}, right[3] = {x[k], x[i - 1], x[1]};

            x[i] = r1cs_gl_dot(b, left, right, 3);
            v[i] =
                gl_add(gl_add(gl_mul(v[j], v[k]), gl_mul(v[k], v[i - 1])), gl_mul(v[i - 1], v[1]));
            break;
        }
        default:
            x[i] = r1cs_gl_mul(b, x[j], x[k]);
            v[i] = gl_mul(v[j], v[k]);
        }
        assert_value(b, &x[i], v[i]);
    }
    r1cs_gl_equal(b, x[RANDOM_NODES - 1], r1cs_gl_constant(b, v[RANDOM_NODES - 1]));
    x[0] = r1cs_gl_canonical(b, x[RANDOM_NODES - 2], NULL);
    if (r1cs_solving(b)) {
        uint64_t words[4];

        bn_fr_get_words(words, &x[0].lc.value);
        assert_int_equal(words[0], v[RANDOM_NODES - 2]);
        assert_int_equal(words[1] | words[2] | words[3], 0);
    }
}

static void test_random_expressions(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 60; seed++) {
        circuit c;

        circuit_make(&c, random_gl, &seed, 0, 0);
        circuit_free(&c);
    }
}

static void random_ext(r1cs_builder *b, void *context)
{
    uint64_t seed = *(uint64_t *)context;
    r1cs_ext x[RANDOM_NODES];
    gl_ext v[RANDOM_NODES];

    for (int i = 0; i < 6; i++) {
        for (int k = 0; k < 3; k++)
            v[i].c[k] = edge(&seed);
        if (i == 2)
            v[i] = gl_ext_from_base(v[i].c[0]);
        x[i] = i == 0   ? r1cs_ext_constant(b, v[i])
               : i == 2 ? r1cs_ext_from_gl(b, r1cs_gl_input(b, v[i].c[0]))
                        : r1cs_ext_input(b, v[i]);
        for (int k = 0; i > 3 && k < 3; k++)
            x[i].c[k] = any_input(b, &seed, &v[i].c[k]);
    }
    for (int i = 6; i < RANDOM_NODES; i++) {
        uint64_t r = test_random(&seed);
        int j = r % 3 ? i - 1 - (int)(r / 8 % 3) : (int)(r / 8 % (uint64_t)i);
        int k = (int)(r / 1024 % (uint64_t)i);
        gl_t f = edge(&seed);

        switch (r >> 32 & 7) {
        case 0:
            x[i] = r1cs_ext_add(b, x[j], x[k]);
            v[i] = gl_ext_add(v[j], v[k]);
            break;
        case 1:
            x[i] = r1cs_ext_sub(b, x[j], x[k]);
            v[i] = gl_ext_sub(v[j], v[k]);
            break;
        case 2:
            x[i] = r1cs_ext_scale(b, x[j], f);
            v[i] = gl_ext_scale(v[j], f);
            break;
        case 3:
            x[i] = r1cs_ext_reduce(b, x[j]);
            v[i] = v[j];
            break;
        case 4: {
            r1cs_ext left[3] = {x[j], x[k], x[i - 1]}, right[3] = {x[k], x[i - 1], x[0]};

            x[i] = r1cs_ext_dot(b, left, right, 3);
            v[i] = gl_ext_add(gl_ext_add(gl_ext_mul(v[j], v[k]), gl_ext_mul(v[k], v[i - 1])),
                              gl_ext_mul(v[i - 1], v[0]));
            break;
        }
        case 5: {
            r1cs_gl right[2] = {x[k].c[1], x[2].c[0]};
            r1cs_ext left[2] = {x[j], x[i - 1]};

            x[i] = r1cs_ext_dot_gl(b, left, right, 2);
            v[i] = gl_ext_add(gl_ext_scale(v[j], v[k].c[1]), gl_ext_scale(v[i - 1], v[2].c[0]));
            break;
        }
        default:
            x[i] = r1cs_ext_mul(b, x[j], x[k]);
            v[i] = gl_ext_mul(v[j], v[k]);
        }
        for (int c = 0; c < 3; c++)
            assert_value(b, &x[i].c[c], v[i].c[c]);
    }
    if (!gl_ext_is_zero(v[RANDOM_NODES - 1])) {
        x[0] = r1cs_ext_inverse(b, x[RANDOM_NODES - 1]);
        v[0] = gl_ext_inv(v[RANDOM_NODES - 1]);
        for (int c = 0; c < 3; c++)
            assert_value(b, &x[0].c[c], v[0].c[c]);
        r1cs_ext_equal(b, x[0], r1cs_ext_constant(b, v[0]));
    }
}

static void test_random_expressions_of_k(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 30; seed++) {
        circuit c;

        circuit_make(&c, random_ext, &seed, 0, 0);
        circuit_free(&c);
    }
}

/* ---- the bounds themselves ---- */

static r1cs_bound power(unsigned bits)
{
    r1cs_bound r = {{0}};

    r.w[bits / 64] = UINT64_C(1) << bits % 64;
    return r;
}

/* Against GMP: what reduce and zero need of a bound, around every power of two and around multiples
 * of p. */
static void test_quotients(void **state)
{
    mpz_t p, r, most, bound, k;

    (void)state;
    mpz_init_set_str(p, "18446744069414584321", 10);
    mpz_init_set_str(
        r, "21888242871839275222246405745257275088548364400416034343698204186575808495617", 10);
    mpz_inits(most, bound, k, NULL);
    for (unsigned i = 0; i < 256; i++)
        for (int d = -1; d <= 1; d++)
            for (int residue = 0; residue < 2; residue++)
                for (int multiple = 0; multiple < 2; multiple++) {
                    r1cs_bound x = {{0}};
                    unsigned bits;
                    bool sound;

                    mpz_set_ui(bound, 1);
                    mpz_mul_2exp(bound, bound, i);
                    if (multiple)
                        mpz_mul(bound, bound, p);
                    if (d < 0)
                        mpz_sub_ui(bound, bound, 1);
                    else
                        mpz_add_ui(bound, bound, (unsigned)d);
                    if (mpz_sgn(bound) == 0 || mpz_sizeinbase(bound, 2) > 256)
                        continue;
                    mpz_export(x.w, NULL, -1, 8, 0, 0, bound);
                    sound = r1cs_quotient_bits(&x, residue, &bits);
                    mpz_sub_ui(bound, bound, 1);
                    mpz_fdiv_q(k, bound, p);
                    assert_int_equal(bits, mpz_sgn(k) ? mpz_sizeinbase(k, 2) : 0);
                    mpz_set_ui(most, 1);
                    mpz_mul_2exp(most, most, bits);
                    mpz_sub_ui(most, most, 1);
                    mpz_mul(most, most, p);
                    if (residue)
                        mpz_add_ui(most, most, UINT64_MAX);
                    assert_int_equal(sound, mpz_cmp(most, r) < 0);
                }
    mpz_clears(p, r, most, bound, k, NULL);
}

/* v = 5 of which only v < 2^bits is known, reduced without a look at the bound: the prover takes
 * the residue of v + r_BN instead. */
typedef struct forgery {
    unsigned k_bits;
    uint64_t residue;
} forgery;

static void reduce_unasserted(r1cs_builder *b, void *context)
{
    const forgery *f = context;
    r1cs_lc v = r1cs_public(b, r1cs_fr_u64(5)), r = r1cs_wire(b, r1cs_fr_u64(f->residue));
    bn_fr p = r1cs_fr_u64(GL_P);

    r1cs_bits(b, r, 64, NULL);
    bn_fr_inv(&p, &p);
    r1cs_bits(b, r1cs_scale(b, r1cs_sub(b, v, r), p), f->k_bits, NULL);
}

static void reduce_too_large(r1cs_builder *b, void *context)
{
    r1cs_lc v = r1cs_public(b, r1cs_fr_u64(5));
    r1cs_gl x = r1cs_gl_assume(v, 252);

    x.bound = *(r1cs_bound *)context;
    (void)r1cs_gl_reduce(b, x);
}

static void zero_too_large(r1cs_builder *b, void *context)
{
    r1cs_gl x = r1cs_gl_assume(r1cs_public(b, r1cs_fr_u64(0)), 252);

    x.bound = *(r1cs_bound *)context;
    r1cs_gl_zero(b, x);
}

static void assume_too_much(r1cs_builder *b, void *context)
{
    unsigned bits = *(unsigned *)context;
    r1cs_gl x = r1cs_gl_assume(r1cs_public(b, r1cs_fr_u64(5)), bits);

    (void)r1cs_gl_add(b, x, r1cs_gl_constant(b, 1));
}

static void test_forged_residue(void **state)
{
    /* correction 4: floor((5 + r_BN) / p) has 190 bits */
    forgery f = {.k_bits = 190, .residue = UINT64_C(12983339531537517837)};
    r1cs_bound bound = power(253);
    unsigned bits = 253;
    circuit c;

    (void)state;
    /* a builder that does not assert lets it through ... */
    circuit_make(&c, reduce_unasserted, &f, 0, 1);
    circuit_free(&c);
    /* ... with the bits that 2^252 allows it cannot be written down ... */
    f.k_bits = 189;
    circuit_refused(reduce_unasserted, &f, 0, 1, P_EINVAL, "do not satisfy");
    /* ... and the builder has neither 190 bits nor bounds that lead there */
    assert_false(r1cs_quotient_bits(&bound, true, &bits));
    assert_int_equal(bits, 190);
    assert_false(r1cs_quotient_bits(&bound, false, &bits));
    circuit_refused(reduce_too_large, &bound, 0, 1, P_EINTERNAL, "bound");
    circuit_refused(zero_too_large, &bound, 0, 1, P_EINTERNAL, "bound");
    circuit_refused(assume_too_much, (unsigned[]){253}, 0, 1, P_EINTERNAL, "bound");
    circuit_refused(assume_too_much, (unsigned[]){1000}, 0, 1, P_EINTERNAL, "bound");
    bound = power(252);
    assert_true(r1cs_quotient_bits(&bound, true, &bits));
    assert_int_equal(bits, 189);
    bound.w[0] = 1; /* one more than the limit */
    circuit_refused(reduce_too_large, &bound, 0, 1, P_EINTERNAL, "bound");
    bound = (r1cs_bound){{0}};
    circuit_refused(reduce_too_large, &bound, 0, 1, P_EINTERNAL, "bound");
}

/* ---- second assignments ---- */

typedef enum gadget {
    INPUT,
    REDUCE,
    CANONICAL,
    ZERO,
    EQUAL,
    MUL,
    DOT,
    EXT_MUL,
    EXT_INVERSE,
    EXT_EQUAL,
    GADGETS
} gadget;

typedef struct gadget_call {
    gadget what;
    uint64_t value;
    unsigned bits; /* that the value is assumed to have */
} gadget_call;

static void call_gadget(r1cs_builder *b, void *context)
{
    const gadget_call *g = context;
    r1cs_gl x = r1cs_gl_assume(r1cs_public(b, r1cs_fr_u64(g->value)), g->bits), y, z;
    r1cs_ext e, f;

    if (g->what == INPUT) {
        (void)r1cs_gl_input(b, g->value);
        return;
    }
    y = r1cs_gl_assume(r1cs_public(b, r1cs_fr_u64(g->value ^ 77)), 64);
    z = r1cs_gl_assume(r1cs_public(b, r1cs_fr_u64(3)), 64);
    e = (r1cs_ext){{x, y, z}};
    f = (r1cs_ext){{z, x, y}};
    switch (g->what) {
    case REDUCE:
        (void)r1cs_gl_reduce(b, x);
        break;
    case CANONICAL:
        (void)r1cs_gl_canonical(b, x, NULL);
        break;
    case ZERO:
        r1cs_gl_zero(b, r1cs_gl_sub(b, x, r1cs_gl_constant(b, gl_from_u64(g->value))));
        break;
    case EQUAL:
        r1cs_gl_equal(b, x, r1cs_gl_assume(r1cs_public(b, x.lc.value), g->bits));
        break;
    case MUL:
        (void)r1cs_gl_reduce(b, r1cs_gl_mul(b, x, y));
        break;
    case DOT:
        (void)r1cs_gl_reduce(b, r1cs_gl_dot(b, e.c, f.c, 3));
        break;
    case EXT_MUL:
        (void)r1cs_ext_mul(b, e, f);
        break;
    case EXT_INVERSE:
        (void)r1cs_ext_inverse(b, e);
        break;
    default:
        r1cs_ext_equal(b, r1cs_ext_mul(b, e, f), r1cs_ext_mul(b, f, e));
    }
}

static uint32_t publics_of(gadget what)
{
    return what == INPUT ? 1 : what == EQUAL ? 4 : 3;
}

static void test_every_wire_matters(void **state)
{
    /* inputs of 64 bits, with a product of 128 + 2 or 3 of them where products are added up */
    static const unsigned expected[GADGETS][2] = {
        [INPUT] = {64, 0},         [REDUCE] = {64 + 37, 100}, [CANONICAL] = {64 + 1 + 3, 64},
        [ZERO] = {37, 100},        [EQUAL] = {38, 100},       [MUL] = {1 + 64 + 65, 64},
        [DOT] = {3 + 64 + 66, 64}, [EXT_MUL] = {5, 64},       [EXT_INVERSE] = {397, 64},
        [EXT_EQUAL] = {213, 64}};
    static const uint64_t values[] = {5, UINT64_C(0x0123456789abcdef), GL_P - 1, UINT64_MAX};

    (void)state;
    for (int what = 0; what < GADGETS; what++)
        for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) {
            gadget_call g = {.what = (gadget)what, .value = values[i], .bits = expected[what][1]};
            uint32_t publics = publics_of(g.what);
            circuit c;

            circuit_make(&c, call_gadget, &g, 0, publics);
            assert_int_equal(c.counts.constraints, expected[what][0]);
            assert_int_equal(circuit_free_wires(&c, 1 + publics, i),
                             /* the inverse of zero: high = 2^32 - 1 */
                             g.what == CANONICAL && values[i] == GL_P - 1);
            circuit_free(&c);
        }
}

/* The witness with the residue r + p instead of r and the quotient one less: returns how many
 * constraints it breaks. The wires: r, its bits 0 .. 62, the quotient's, then what canonical adds.
 */
static size_t take_other_residue(const gadget_call *g, uint32_t quotient_bits)
{
    circuit c;
    bn_fr *w, less;
    uint32_t r = 4, at = r + 1;
    uint64_t value = g->value % GL_P + GL_P, quotient;
    size_t broken = 0;

    circuit_make(&c, call_gadget, (void *)g, 0, 3);
    w = circuit_witness(&c);
    assert_true(g->value >= GL_P && value > GL_P); /* honest: r = value - p, quotient 1 */
    quotient = 0;
    w[r] = r1cs_fr_u64(value);
    for (unsigned i = 0; i < 63; i++)
        w[at++] = r1cs_fr_u64(value >> i & 1);
    for (unsigned i = 0; i + 1 < quotient_bits; i++)
        w[at++] = r1cs_fr_u64(quotient >> i & 1);
    if (g->what == CANONICAL) { /* less = 2^32 - 1 - high is zero for such a residue */
        less = r1cs_fr_u64(UINT32_MAX - (value >> 32));
        bn_fr_inv(&w[at], &less);
        bn_fr_mul(&w[at + 1], &w[at], &less);
        at += 2;
    }
    assert_int_equal(at, c.counts.wires);
    for (size_t i = 0; i < c.counts.constraints; i++)
        broken += !circuit_constraint_holds(&c, w, i);
    free(w);
    circuit_free(&c);
    return broken;
}

static void test_other_residues(void **state)
{
    gadget_call g = {.what = REDUCE, .value = GL_P + 5, .bits = 65};

    (void)state;
    /* a reduction leaves the choice between r and r + p, as documented; canonical does not */
    assert_int_equal(take_other_residue(&g, 2), 0);
    g.what = CANONICAL;
    g.bits = 64;
    assert_int_equal(take_other_residue(&g, 1), 1);
}

/* The same combination is reduced once; another one with its value is not taken for it. */
static void reduce_again(r1cs_builder *b, void *context)
{
    r1cs_gl x = r1cs_gl_assume(r1cs_public(b, r1cs_fr_u64(UINT64_MAX)), 100), y, sum, other;
    uint64_t before;

    (void)context;
    y = r1cs_gl_input(b, 9);
    sum = r1cs_gl_add(b, x, y);
    other = r1cs_gl_add(b, x, y);
    before = r1cs_count(b).constraints;
    (void)r1cs_gl_reduce(b, sum);
    assert_int_equal(r1cs_count(b).constraints - before, 64 + 37);
    (void)r1cs_gl_reduce(b, sum);
    assert_int_equal(r1cs_count(b).constraints - before, 64 + 37);
    (void)r1cs_gl_reduce(b, other);
    assert_int_equal(r1cs_count(b).constraints - before, 2 * (64 + 37));
}

static void test_reduced_once(void **state)
{
    circuit c;

    (void)state;
    circuit_make(&c, reduce_again, NULL, 0, 1);
    circuit_free(&c);
}

/* Values that do not fit are refused where they are used. */
static void wrong(r1cs_builder *b, void *context)
{
    int what = *(int *)context;
    r1cs_gl x = r1cs_gl_input(b, 5), y = r1cs_gl_input(b, GL_P + 5);
    r1cs_ext zero = {{r1cs_gl_sub(b, x, y), r1cs_gl_input(b, 0), r1cs_gl_input(b, GL_P)}};

    r1cs_gl_equal(b, x, y); /* the same residue */
    if (what == 0)
        r1cs_gl_equal(b, x, r1cs_gl_input(b, 6));
    else if (what == 1)
        r1cs_gl_zero(b, x);
    else if (what == 2)
        (void)r1cs_ext_inverse(b, zero);
    else
        r1cs_gl_zero(b, r1cs_gl_constant(b, 1));
}

static void test_wrong_values(void **state)
{
    (void)state;
    for (int what = 0; what < 4; what++)
        circuit_refused(wrong, &what, 0, 0, P_EINVAL, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_random_expressions), cmocka_unit_test(test_random_expressions_of_k),
        cmocka_unit_test(test_quotients),          cmocka_unit_test(test_forged_residue),
        cmocka_unit_test(test_every_wire_matters), cmocka_unit_test(test_other_residues),
        cmocka_unit_test(test_reduced_once),       cmocka_unit_test(test_wrong_values),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
