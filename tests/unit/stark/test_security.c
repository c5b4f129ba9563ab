/* The parameters that ship reach their levels for the shapes they are meant for, with the figures
 * of the design, and what is a little weaker does not. */
#include "tests/unit/stark/stark_test.h"

#include <math.h>
#include <stdio.h>

#define MAX_INTERACTIONS 128

/* The AIRs of the design, as numbers: S0, the segment; S1, the recursion circuit. */
static const test_counts segment = {.degree = 3,
                                    .publics = 48,
                                    .fixed = 25,
                                    .main = 252,
                                    .main_next = 42,
                                    .aux = 141,
                                    .aux_next = 3,
                                    .constraints = 400,
                                    .interactions = 85,
                                    .arity = 7};
static const test_counts circuit = {.degree = 8,
                                    .publics = 64,
                                    .fixed = 30,
                                    .main = 167,
                                    .main_next = 20,
                                    .aux = 12,
                                    .aux_next = 3,
                                    .constraints = 250,
                                    .interactions = 18,
                                    .arity = 5};

typedef struct shape {
    const char *name;
    const test_counts *counts;
    drv_hash hash;
    uint32_t log_rows, log_blowup;
} shape;

/* What each shipped set is for. */
static const shape shapes[] = {
    {"S0 2^20", &segment, DRV_HASH_GL, 20, 1},
    {"S0 2^18", &segment, DRV_HASH_GL, 18, 1},
    {"S0 2^16", &segment, DRV_HASH_GL, 16, 1},
    {"S0 2^19, 1/4", &segment, DRV_HASH_GL, 19, 2},
    {"S1 2^16, 1/8", &circuit, DRV_HASH_GL, 16, 3},
    {"S1 2^16", &circuit, DRV_HASH_GL, 16, 4},
    {"S4 2^13", &circuit, DRV_HASH_BN254, 13, 4},
    {"S4 2^14", &circuit, DRV_HASH_BN254, 14, 4},
    {"S4 2^13, 1/8", &circuit, DRV_HASH_BN254, 13, 3},
    {"slice A", &segment, DRV_HASH_BN254, 16, 2},
    {"1/8 2^18", &circuit, DRV_HASH_GL, 18, 3},
    {"1/16 2^17", &circuit, DRV_HASH_GL, 17, 4},
};

static air_interaction interactions[MAX_INTERACTIONS];
static struct air_bus_info bus;

static void make(const shape *s, stark_level level, air *a, stark_params *p)
{
    p_err err;

    test_air_fake(a, s->counts, &bus, interactions);
    assert_int_equal(stark_params_choose(level, s->hash, s->log_rows, s->log_blowup, p, &err),
                     P_OK);
}

static void near(double found, double expected, double tolerance)
{
    if (!(fabs(found - expected) <= tolerance))
        fail_msg("%.3f, expected %.3f", found, expected);
}

static void between(double found, double low, double high)
{
    if (!(found >= low && found <= high))
        fail_msg("%.3f, expected %.3f .. %.3f", found, low, high);
}

static double other_terms(const stark_bits *b)
{
    return fmin(fmin(fmin(b->logup, b->linking), fmin(b->ali, b->deep)),
                fmin(b->batching, b->folding));
}

/* The gate: nothing ships below its level. */
static void test_shipped(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof shapes / sizeof shapes[0]; i++)
        for (int level = STARK_P100; level <= STARK_P128; level++) {
            stark_security s;
            stark_params p;
            p_err err = {0};
            air a;

            make(&shapes[i], (stark_level)level, &a, &p);
            if (stark_params_hold(&p, &a, &err) != P_OK)
                fail_msg("%s: %s", shapes[i].name, err.text);
            assert_int_equal(stark_security_compute(&p, &a, &s, &err), P_OK);
            assert_true(s.johnson.total >= stark_level_bits((stark_level)level));
            assert_true(s.johnson.sum <= s.johnson.total);
            assert_true(s.level <= s.hash);
            near(s.hash, shapes[i].hash == DRV_HASH_GL ? 128 : 126.8, 0.01);
        }
}

static void johnson(const shape *s, stark_level level, uint32_t queries, uint32_t grinding,
                    stark_bits *out)
{
    stark_params p;
    p_err err;
    air a;

    make(s, level, &a, &p);
    p.queries = queries;
    p.grinding_bits = grinding;
    assert_int_equal(stark_security_johnson(&p, &a, STARK_JOHNSON_M, out, &err), P_OK);
}

/* Figures of the design: bits of the queries alone. */
static void test_query_figures(void **state)
{
    stark_bits b;

    (void)state;
    johnson(&shapes[0], STARK_P128, 238, 0, &b);
    near(b.queries, 112.2, 0.05);
    johnson(&shapes[0], STARK_P128, 238, 18, &b);
    near(b.queries, 130.2, 0.05);
    johnson(&shapes[4], STARK_P128, 76, 20, &b);
    near(b.queries, 131.8, 0.05);
    johnson(&shapes[5], STARK_P128, 58, 16, &b);
    near(b.queries, 130.3, 0.05);
    johnson(&shapes[8], STARK_P128, 78, 16, &b);
    near(b.queries, 130.8, 0.05);
    /* P100, where the design takes twice the multiplicity: 105, 106, 103, 102 there */
    johnson(&shapes[0], STARK_P100, 180, 18, &b);
    near(b.queries, 102.9, 0.05);
    johnson(&shapes[4], STARK_P100, 58, 20, &b);
    near(b.queries, 105.3, 0.05);
    johnson(&shapes[6], STARK_P100, 44, 16, &b);
    near(b.queries, 102.7, 0.05);
    johnson(&shapes[8], STARK_P100, 58, 16, &b);
    near(b.queries, 101.3, 0.05);
}

static void at_m(const shape *s, uint32_t m, stark_bits *out)
{
    stark_params p;
    p_err err = {0};
    air a;

    make(s, STARK_P128, &a, &p);
    if (stark_security_johnson(&p, &a, m, out, &err) != P_OK)
        fail_msg("%s: %s", s->name, err.text);
}

/* Figures of the design: all but the queries, and what another multiplicity makes of them. */
static void test_other_figures(void **state)
{
    stark_bits b;

    (void)state;
    /* gap = sqrt(rho) / 50, in the design's words m = 25: 132.4 - 132.9 bits */
    at_m(&shapes[0], 50, &b);
    between(other_terms(&b), 132.3, 133.0);
    near(b.theta, 1 - sqrt(0.5) * 1.02, 1e-9);
    assert_true(b.ali >= 173 && b.deep >= 160 && b.logup >= 155);
    /* S1 at rho = 1/16 pays for its rate: rho^-1.5 in e(n) */
    at_m(&shapes[5], 50, &b);
    between(other_terms(&b), 130.1, 130.4);
    at_m(&shapes[6], 50, &b);
    between(other_terms(&b), 132.9, 133.4);
    at_m(&shapes[7], 50, &b);
    between(other_terms(&b), 131.9, 132.4);
    /* m = 50 there: more bits a query, but the other terms miss P128 */
    at_m(&shapes[0], 100, &b);
    between(other_terms(&b), 127.3, 128.1);
    assert_true(b.total < 128);
    near(b.queries, 238 * 0.4856 + 18, 0.1);
    /* a smaller m than the shipped one: the queries miss it */
    at_m(&shapes[0], 10, &b);
    assert_true(b.queries < 128 && b.total < 128);
    at_m(&shapes[5], 10, &b);
    assert_true(b.queries < 128 && b.total < 128);
    /* the theorem's least m is 3, whatever the gap: the same e(n) */
    {
        stark_bits b3;

        at_m(&shapes[5], 2, &b);
        at_m(&shapes[5], 3, &b3);
        near(b.folding, b3.folding, 0.2); /* but for theta */
        assert_true(b.queries < b3.queries && b3.total < 128);
    }
}

/* The formulas themselves, computed another way: with logarithms and the numbers of S0. */
static void test_formulas(void **state)
{
    const double n = exp2(21), rows = exp2(20), f = 3 * log2((double)GL_P);
    stark_security s;
    stark_params p;
    p_err err;
    air a;
    double lin, batch;

    (void)state;
    make(&shapes[0], STARK_P128, &a, &p);
    assert_int_equal(stark_security_compute(&p, &a, &s, &err), P_OK);
    /* padded: fixed 25 -> 32; main 48 + 210 = 258 -> 264; aux 8 + 138 = 146 -> 152; 6 -> 8; next
     * 48 + 8 */
    batch = 32 + 264 + 152 + 8 + 48 + 8;
    lin = (2 * pow(50.5, 5) + 3 * 50.5 * (1 - 0.70710678118654752 * 1.02) * 0.5) * n /
              (3 * pow(0.5, 1.5)) +
          50.5 * sqrt(2);
    near(s.johnson.batching, f - log2(lin) - log2(batch - 1), 1e-6);
    near(s.johnson.folding, f - log2(lin) - log2(7), 1e-6);
    near(s.johnson.ali, f - log2(50) - log2(400), 1e-6);
    near(s.johnson.deep, f - log2(50) - log2(3 * (rows + 1) + rows), 1e-6);
    near(s.johnson.logup, f - log2(50) - log2(2 * 85 * rows * 7), 1e-6);
    assert_true(isinf(s.johnson.linking));
    near(s.unique.batching, f - log2(n / 4 + 1) - log2(batch - 1), 1e-6);
    near(s.unique.queries, 238 * -log2(0.75) + 18, 1e-6);
    near(s.unique.ali, f - log2(400), 1e-6);
    near(s.johnson.total, s.johnson.queries, 1e-12);
    /* the sum is below each and above total - log2(8) */
    between(s.johnson.sum, s.johnson.total - 3, s.johnson.total);
    /* all terms of S0, S1 and S4 together: still more than 128 */
    {
        stark_bits s1, s4;

        at_m(&shapes[5], 50, &s1);
        at_m(&shapes[6], 50, &s4);
        between(-log2(exp2(-s.johnson.sum) + exp2(-s1.sum) + exp2(-s4.sum)), 128.0, 128.4);
    }
}

/* Unique decoding alone: 0.415 bits a query at rho = 1/2, 0.830 at 1/8, 0.913 at 1/16. */
static void test_unique_figures(void **state)
{
    static const struct {
        size_t shape;
        uint32_t queries, grinding;
    } sets[] = {{0, 198, 18}, {4, 97, 20}, {6, 93, 16}};

    (void)state;
    for (size_t i = 0; i < 3; i++) {
        stark_security s;
        stark_params p;
        p_err err;
        air a;

        make(&shapes[sets[i].shape], STARK_P100, &a, &p);
        p.queries = sets[i].queries;
        p.grinding_bits = sets[i].grinding;
        assert_int_equal(stark_security_compute(&p, &a, &s, &err), P_OK);
        assert_true(s.unique.total >= 100);
        near(s.unique.queries,
             sets[i].queries * (1 - log2(1 + exp2(-(double)p.log_blowup))) + sets[i].grinding,
             1e-6);
    }
}

/* The least number of queries for each set and level: there it holds, one less and it is refused
 * with the figures. */
static void test_one_query_short(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof shapes / sizeof shapes[0]; i++)
        for (int level = STARK_P100; level <= STARK_P128; level++) {
            stark_params p;
            p_err err = {0};
            uint32_t shipped;
            air a;

            make(&shapes[i], (stark_level)level, &a, &p);
            shipped = p.queries;
            p.queries = (uint32_t)ceil((stark_level_bits((stark_level)level) - p.grinding_bits) /
                                       (0.5 * p.log_blowup - log2(1.02)));
            assert_true(p.queries <= shipped && p.queries + 8 > shipped);
            assert_int_equal(stark_params_hold(&p, &a, &err), P_OK);
            p.queries--;
            assert_int_equal(stark_params_hold(&p, &a, &err), P_EINVAL);
            assert_non_null(strstr(err.text, "are declared: the least is that of the queries"));
            p.queries++;
            p.grinding_bits--;
            if (stark_params_hold(&p, &a, &err) == P_OK) /* less than a bit to spare */
                p.grinding_bits--;
            assert_int_equal(stark_params_hold(&p, &a, &err), P_EINVAL);
        }
}

/* A key for tests declares nothing; any other level is measured. */
static void test_levels(void **state)
{
    stark_params p;
    p_err err = {0};
    air a;

    (void)state;
    make(&shapes[0], STARK_P100, &a, &p);
    p.level = STARK_P128;
    assert_int_equal(stark_params_hold(&p, &a, &err), P_EINVAL);
    p.level = STARK_TEST;
    p.queries = 1;
    p.grinding_bits = 0;
    assert_int_equal(stark_params_hold(&p, &a, &err), P_OK);
}

/* Larger AIRs: the terms that count columns, constraints and interactions take over. */
static void test_counts_matter(void **state)
{
    test_counts c = segment;
    stark_bits small, large;
    stark_params p;
    p_err err;
    air a;

    (void)state;
    make(&shapes[0], STARK_P128, &a, &p);
    assert_int_equal(stark_security_johnson(&p, &a, 50, &small, &err), P_OK);
    c.main = 4000;
    c.constraints *= 16;
    c.interactions = 128;
    c.arity = 14;
    test_air_fake(&a, &c, &bus, interactions);
    assert_int_equal(stark_security_johnson(&p, &a, 50, &large, &err), P_OK);
    assert_true(large.batching < small.batching - 2.9);
    near(large.ali, small.ali - 4, 1e-6);
    near(large.logup, small.logup - 1 - log2(128 / 85.0), 1e-6);
    c.degree = 2;
    test_air_fake(&a, &c, &bus, interactions);
    assert_int_equal(stark_security_johnson(&p, &a, 50, &small, &err), P_OK);
    assert_true(small.deep > large.deep);
}

/* Own aux columns: their degree in the challenges, and a recurrence without a bound. */
static void test_linking(void **state)
{
    enum { RHO, ACC, NEXT, HERE_RHO, SQUARE, STEP, NODES };
    const shape s = {"", &(const test_counts){.degree = 3, .main = 4, .aux = 3, .constraints = 1},
                     DRV_HASH_GL, 10, 1};
    air_column_info column = {.tree = AIR_TREE_AUX, .width = 3};
    air_constraint constraint = {.name = "step", .node = STEP};
    air_node nodes[NODES] = {
        [RHO] = {.op = AIR_RANDOM},
        [ACC] = {.op = AIR_COLUMN, .a = 0, .b = 0},
        [NEXT] = {.op = AIR_COLUMN, .a = 0, .b = 1},
        [HERE_RHO] = {.op = AIR_MUL, .a = ACC, .b = RHO},
        [STEP] = {.op = AIR_SUB, .a = NEXT, .b = HERE_RHO},
        [SQUARE] = {.op = AIR_MUL, .a = ACC, .b = ACC},
    };
    stark_security security;
    stark_params p;
    p_err err = {0};
    air a;

    (void)state;
    make(&s, STARK_P128, &a, &p);
    a.columns = &column;
    a.column_count = 1;
    a.constraints = &constraint;
    a.constraint_count = 1;
    a.nodes = nodes;
    a.node_count = NODES;
    assert_int_equal(stark_security_compute(&p, &a, &security, &err), P_OK);
    near(security.unique.linking, 3 * log2((double)GL_P) - log2(1025), 1e-6);
    near(security.johnson.linking, 3 * log2((double)GL_P) - log2(1025) - log2(50), 1e-6);
    /* a check of products of sums: twice the degree */
    constraint.node = SQUARE;
    assert_int_equal(stark_security_compute(&p, &a, &security, &err), P_OK);
    near(security.unique.linking, 3 * log2((double)GL_P) - log2(2 * 1025), 1e-6);
    /* next = acc * acc: the degree doubles in each row */
    nodes[STEP].b = SQUARE;
    constraint.node = STEP;
    assert_int_equal(stark_security_compute(&p, &a, &security, &err), P_EINVAL);
    assert_non_null(strstr(err.text, "step"));
    /* the running sum of the buses is none of the definition's */
    a.sum_column = 0;
    assert_int_equal(stark_security_compute(&p, &a, &security, &err), P_OK);
    assert_true(isinf(security.unique.linking));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_shipped),        cmocka_unit_test(test_query_figures),
        cmocka_unit_test(test_other_figures),  cmocka_unit_test(test_formulas),
        cmocka_unit_test(test_unique_figures), cmocka_unit_test(test_one_query_short),
        cmocka_unit_test(test_levels),         cmocka_unit_test(test_counts_matter),
        cmocka_unit_test(test_linking),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
