/* For the tests of host/stark: an air of given shape, made without a definition, and numbers. */
#ifndef ZKP_TESTS_UNIT_STARK_STARK_TEST_H
#define ZKP_TESTS_UNIT_STARK_STARK_TEST_H

#include "host/stark/vk.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* splitmix64 */
static inline uint64_t test_random(uint64_t *state)
{
    uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);

    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

static inline gl_t test_random_gl(uint64_t *state)
{
    return gl_from_u64(test_random(state));
}

/* Numbers of an air that shapes and error terms are made of: real columns, those also opened at
 * omega z. The quotient's follow from the degree. */
typedef struct test_counts {
    uint32_t degree, publics;
    uint32_t fixed, fixed_next, main, main_next, aux, aux_next;
    uint32_t constraints, interactions, arity;
} test_counts;

static inline void test_tree(air_tree_info *t, uint32_t real, uint32_t next)
{
    *t = (air_tree_info){.real = real, .next = next, .next_padded = (next + 7) / 8 * 8};
    t->columns = t->next_padded + real - next;
}

/* An air for what looks at numbers only; no graph. bus, interactions: arrays of the caller's, for
 * as many as counts say. */
static inline void test_air_fake(air *a, const test_counts *c, struct air_bus_info *bus,
                                 air_interaction *interactions)
{
    memset(a, 0, sizeof *a);
    a->definition.name = "fake";
    a->definition.max_degree = c->degree;
    a->definition.publics = c->publics;
    test_tree(&a->trees[AIR_TREE_FIXED], c->fixed, c->fixed_next);
    test_tree(&a->trees[AIR_TREE_MAIN], c->main, c->main_next);
    test_tree(&a->trees[AIR_TREE_AUX], c->aux, c->aux_next);
    test_tree(&a->trees[AIR_TREE_QUOTIENT], 3 * (c->degree - 1), 0);
    a->constraint_count = c->constraints;
    a->interaction_count = c->interactions;
    a->sum_column = UINT32_MAX;
    if (c->interactions) {
        *bus = (struct air_bus_info){.id = 1, .arity = c->arity};
        a->buses = bus;
        a->bus_count = 1;
        memset(interactions, 0, c->interactions * sizeof *interactions);
        a->interactions = interactions;
    }
    for (int i = 0; i < 32; i++)
        a->hash[i] = (uint8_t)(7 * i + 1);
}

#endif
