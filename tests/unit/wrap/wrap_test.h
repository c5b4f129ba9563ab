/* For the tests of host/wrap: circuits begun and ended, and a witness whose wires are changed one
 * by one against the constraints in a file. */
#ifndef ZKP_TESTS_UNIT_WRAP_WRAP_TEST_H
#define ZKP_TESTS_UNIT_WRAP_WRAP_TEST_H

#include "host/iden3/r1cs_file.h"
#include "host/wrap/gadgets.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

/* splitmix64 */
static inline uint64_t test_random(uint64_t *state)
{
    uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);

    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

static inline gl_t test_gl(uint64_t *state)
{
    return gl_from_u64(test_random(state));
}

static inline gl_ext test_ext(uint64_t *state)
{
    return (gl_ext){{test_gl(state), test_gl(state), test_gl(state)}};
}

/* A digest: four words of a number below r. */
static inline void test_digest(uint64_t *state, uint64_t out[DRV_DIGEST_WORDS])
{
    for (int i = 0; i < DRV_DIGEST_WORDS; i++)
        out[i] = test_random(state);
    out[3] >>= 3; /* below 2^253 */
}

static inline r1cs_builder *test_begin(void)
{
    r1cs_builder *b;
    p_err err = {0};

    if (r1cs_create(R1CS_SOLVE, NULL, 0, 0, &b, &err) != P_OK)
        fail_msg("%s", err.text);
    return b;
}

/* Ends a circuit whose values have to satisfy it, or whose values must not. */
static inline void test_end(r1cs_builder *b, bool accepted)
{
    p_err err = {0};
    p_status s = r1cs_finish(b, NULL, NULL, &err);

    r1cs_destroy(b);
    if (accepted != (s == P_OK))
        fail_msg("%s: %s", accepted ? "refused" : "accepted", err.text);
    if (!accepted)
        assert_int_equal(s, P_EINVAL);
}

static inline r1cs_lc test_bit(r1cs_builder *b, bool bit)
{
    bn_fr x;
    r1cs_lc wire;

    bn_fr_set_u64(&x, bit);
    wire = r1cs_wire(b, x);
    r1cs_boolean(b, wire);
    return wire;
}

static inline void test_bits(r1cs_builder *b, uint64_t number, uint32_t count, r1cs_lc *out)
{
    for (uint32_t i = 0; i < count; i++)
        out[i] = test_bit(b, number >> i & 1);
}

/* ---- constraints in memory (checker.c) ---- */

typedef struct test_circuit test_circuit;

/* Reads a file; values: of all wires, canonical, copied. */
test_circuit *test_circuit_load(const char *path, const uint64_t *values);
void test_circuit_free(test_circuit *c);
uint32_t test_circuit_wires(const test_circuit *c);
uint32_t test_circuit_publics(const test_circuit *c);
uint32_t test_circuit_constraints(const test_circuit *c);
/* Whether all constraints hold. */
bool test_circuit_holds(const test_circuit *c);
/* Constraints that the wire is in. */
uint32_t test_circuit_uses(const test_circuit *c, uint32_t wire);
void test_circuit_get(const test_circuit *c, uint32_t wire, bn_fr *out);
void test_circuit_set(test_circuit *c, uint32_t wire, const bn_fr *value);
/* Whether all constraints that the wire is in hold; if not, one that does not. */
bool test_circuit_holds_at(const test_circuit *c, uint32_t wire, uint32_t *constraint);

#endif
