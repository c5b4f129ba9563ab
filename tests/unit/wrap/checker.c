#include "tests/unit/wrap/wrap_test.h"

typedef struct term {
    uint32_t wire;
    bn_fr factor;
} term;

struct test_circuit {
    uint32_t wires, publics, constraints;
    uint64_t *first; /* of each combination, 3 * constraints + 1 */
    term *terms;
    uint64_t *uses; /* of each wire: first place in list */
    uint32_t *list; /* of constraints */
    bn_fr *values;
};

static void *need(void *p)
{
    assert_non_null(p);
    return p;
}

static void read_terms(test_circuit *c, const r1cs_file *f, uint64_t total)
{
    r1cs_file_cursor *cursor = need(malloc(sizeof(*cursor)));
    uint64_t at = 0, words[4];
    p_err err = {0};

    c->first = need(calloc((size_t)c->constraints * 3 + 1, sizeof(*c->first)));
    c->terms = need(calloc((size_t)total + 1, sizeof(*c->terms)));
    r1cs_file_start(cursor, f);
    for (uint64_t i = 0; i < (uint64_t)c->constraints * 3; i++) {
        uint32_t n;

        assert_int_equal(r1cs_file_next(cursor, &n, &err), P_OK);
        c->first[i] = at;
        for (uint32_t k = 0; k < n; k++, at++) {
            assert_int_equal(r1cs_file_term(cursor, &c->terms[at].wire, words, &err), P_OK);
            assert_true(bn_fr_set_words(&c->terms[at].factor, words));
        }
    }
    c->first[(uint64_t)c->constraints * 3] = at;
    assert_true(at == total);
    free(cursor);
}

/* Which constraints a wire is in. */
static void make_index(test_circuit *c)
{
    uint64_t total = c->first[(uint64_t)c->constraints * 3];
    uint64_t *fill = need(calloc((size_t)c->wires + 1, sizeof(*fill)));

    c->uses = need(calloc((size_t)c->wires + 1, sizeof(*c->uses)));
    c->list = need(calloc((size_t)total + 1, sizeof(*c->list)));
    for (uint64_t i = 0; i < total; i++)
        c->uses[c->terms[i].wire + 1]++;
    for (uint32_t w = 0; w < c->wires; w++)
        c->uses[w + 1] += c->uses[w];
    memcpy(fill, c->uses, c->wires * sizeof(*fill));
    for (uint32_t n = 0; n < c->constraints; n++)
        for (uint64_t i = c->first[3 * (uint64_t)n]; i < c->first[3 * (uint64_t)n + 3]; i++)
            c->list[fill[c->terms[i].wire]++] = n;
    free(fill);
}

test_circuit *test_circuit_load(const char *path, const uint64_t *values)
{
    test_circuit *c = need(calloc(1, sizeof(*c)));
    r1cs_file f;
    r1cs_file_counts counts;
    p_err err = {0};

    if (r1cs_file_open(&f, path, &err) != P_OK || r1cs_file_check(&f, &counts, &err) != P_OK)
        fail_msg("%s", err.text);
    c->wires = f.header.wires;
    c->publics = f.header.outputs + f.header.inputs;
    c->constraints = f.header.constraints;
    read_terms(c, &f, counts.terms[0] + counts.terms[1] + counts.terms[2]);
    r1cs_file_close(&f);
    make_index(c);
    c->values = need(calloc(c->wires, sizeof(*c->values)));
    for (uint32_t w = 0; w < c->wires; w++)
        assert_true(bn_fr_set_words(&c->values[w], values + 4 * (size_t)w));
    return c;
}

void test_circuit_free(test_circuit *c)
{
    free(c->first);
    free(c->terms);
    free(c->uses);
    free(c->list);
    free(c->values);
    free(c);
}

uint32_t test_circuit_wires(const test_circuit *c)
{
    return c->wires;
}

uint32_t test_circuit_publics(const test_circuit *c)
{
    return c->publics;
}

uint32_t test_circuit_constraints(const test_circuit *c)
{
    return c->constraints;
}

static bool holds(const test_circuit *c, uint32_t constraint)
{
    bn_fr sum[3], t;

    for (uint32_t k = 0; k < 3; k++) {
        uint64_t combination = 3 * (uint64_t)constraint + k;

        bn_fr_set_zero(&sum[k]);
        for (uint64_t i = c->first[combination]; i < c->first[combination + 1]; i++) {
            bn_fr_mul(&t, &c->terms[i].factor, &c->values[c->terms[i].wire]);
            bn_fr_add(&sum[k], &sum[k], &t);
        }
    }
    bn_fr_mul(&t, &sum[0], &sum[1]);
    return bn_fr_eq(&t, &sum[2]);
}

bool test_circuit_holds(const test_circuit *c)
{
    for (uint32_t n = 0; n < c->constraints; n++)
        if (!holds(c, n))
            return false;
    return true;
}

uint32_t test_circuit_uses(const test_circuit *c, uint32_t wire)
{
    return (uint32_t)(c->uses[wire + 1] - c->uses[wire]);
}

void test_circuit_get(const test_circuit *c, uint32_t wire, bn_fr *out)
{
    *out = c->values[wire];
}

void test_circuit_set(test_circuit *c, uint32_t wire, const bn_fr *value)
{
    c->values[wire] = *value;
}

bool test_circuit_holds_at(const test_circuit *c, uint32_t wire, uint32_t *constraint)
{
    for (uint64_t i = c->uses[wire]; i < c->uses[wire + 1]; i++)
        if (!holds(c, c->list[i])) {
            *constraint = c->list[i];
            return false;
        }
    return true;
}
