/** A circuit under test: built and solved in every combination of modes, its constraints read back
 * from the file, so that witnesses can be changed and looked at. */
#ifndef ZKP_TESTS_UNIT_R1CS_CIRCUIT_H
#define ZKP_TESTS_UNIT_R1CS_CIRCUIT_H

#include "host/iden3/r1cs_file.h"
#include "host/iden3/wtns.h"
#include "host/r1cs/builder_internal.h"
#include "host/r1cs/check.h"

#include "tests/unit/field/random.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

typedef void (*circuit_fn)(r1cs_builder *b, void *context);

typedef struct circuit_term {
    uint32_t wire;
    bn_fr factor;
} circuit_term;

typedef struct circuit {
    r1cs_counts counts;
    r1cs_file_header header;
    uint64_t *values; /* the honest witness */
    circuit_term *terms;
    size_t *start; /* of combination 3 i + part; one more at the end */
} circuit;

/** A file's path; in memory if the system has a folder for that: the library syncs what it writes.
 */
static inline void circuit_path(char out[64], const char *suffix)
{
    snprintf(out, 64, "%s/zkp-r1cs-%ld.%s", access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp",
             (long)getpid(), suffix);
}

static inline void circuit_read(circuit *c, const char *path)
{
    r1cs_file f;
    r1cs_file_counts counts;
    r1cs_file_cursor *cursor = malloc(sizeof *cursor);
    p_err err = {0};
    size_t n = 0, all;

    if (r1cs_file_open(&f, path, &err) != P_OK || r1cs_file_check(&f, &counts, &err) != P_OK)
        fail_msg("%s", err.text);
    c->header = f.header;
    all = (size_t)(counts.terms[0] + counts.terms[1] + counts.terms[2]);
    assert_int_equal(all, c->counts.terms);
    c->terms = calloc(all + 1, sizeof *c->terms);
    c->start = calloc(3 * (size_t)f.header.constraints + 1, sizeof *c->start);
    r1cs_file_start(cursor, &f);
    for (size_t i = 0; i < 3 * (size_t)f.header.constraints; i++) {
        uint32_t terms, last = 0;
        uint64_t factor[4];

        assert_int_equal(r1cs_file_next(cursor, &terms, &err), P_OK);
        for (uint32_t k = 0; k < terms; k++, n++) {
            assert_int_equal(r1cs_file_term(cursor, &c->terms[n].wire, factor, &err), P_OK);
            assert_true(bn_fr_set_words(&c->terms[n].factor, factor));
            assert_false(bn_fr_is_zero(&c->terms[n].factor));
            assert_true(k == 0 || last < c->terms[n].wire);
            last = c->terms[n].wire;
        }
        c->start[i + 1] = n;
    }
    assert_int_equal(r1cs_file_finish(cursor, &err), P_OK);
    r1cs_file_close(&f);
    free(cursor);
}

/** Builds alone, solves alone, does both, and compares. */
static inline void circuit_make(circuit *c, circuit_fn make, void *context, uint32_t outputs,
                                uint32_t inputs)
{
    char path[64], both_path[64], wtns_path[64];
    const uint64_t *values;
    r1cs_counts counts[3];
    p_err err = {0};

    memset(c, 0, sizeof *c);
    circuit_path(path, "r1cs");
    circuit_path(both_path, "both.r1cs");
    circuit_path(wtns_path, "wtns");
    for (int i = 0; i < 3; i++) {
        r1cs_builder *b;
        unsigned modes = i == 0 ? R1CS_BUILD : i == 1 ? R1CS_SOLVE : R1CS_BUILD | R1CS_SOLVE;

        assert_int_equal(r1cs_create(modes,
                                     i == 0   ? path
                                     : i == 1 ? NULL
                                              : both_path,
                                     outputs, inputs, &b, &err),
                         P_OK);
        make(b, context);
        if (r1cs_finish(b, &counts[i], &values, &err) != P_OK)
            fail_msg("%s", err.text);
        assert_true((values != NULL) == (i > 0));
        if (i == 1) {
            c->values = malloc((size_t)counts[i].wires * 32);
            memcpy(c->values, values, (size_t)counts[i].wires * 32);
        }
        if (i == 2)
            assert_memory_equal(values, c->values, (size_t)counts[i].wires * 32);
        r1cs_destroy(b);
    }
    for (int i = 1; i < 3; i++) {
        assert_int_equal(counts[i].wires, counts[0].wires);
        assert_int_equal(counts[i].constraints, counts[0].constraints);
    }
    assert_int_equal(counts[2].terms, counts[0].terms);
    c->counts = counts[0];
    assert_int_equal(wtns_write(wtns_path, c->values, c->counts.wires, &err), P_OK);
    if (r1cs_check_files(path, wtns_path, NULL, &err) != P_OK ||
        r1cs_check_files(both_path, wtns_path, NULL, &err) != P_OK)
        fail_msg("%s", err.text);
    circuit_read(c, path);
    unlink(path);
    unlink(both_path);
    unlink(wtns_path);
}

static inline void circuit_free(circuit *c)
{
    free(c->values);
    free(c->terms);
    free(c->start);
    memset(c, 0, sizeof *c);
}

static inline bn_fr circuit_value(const circuit *c, const bn_fr *values, size_t combination)
{
    bn_fr sum = r1cs_fr_zero(), part;

    for (size_t i = c->start[combination]; i < c->start[combination + 1]; i++) {
        bn_fr_mul(&part, &values[c->terms[i].wire], &c->terms[i].factor);
        bn_fr_add(&sum, &sum, &part);
    }
    return sum;
}

static inline bool circuit_constraint_holds(const circuit *c, const bn_fr *values, size_t i)
{
    bn_fr a = circuit_value(c, values, 3 * i), b = circuit_value(c, values, 3 * i + 1),
          z = circuit_value(c, values, 3 * i + 2);

    bn_fr_mul(&a, &a, &b);
    return bn_fr_eq(&a, &z);
}

/** The honest witness in Montgomery form. */
static inline bn_fr *circuit_witness(const circuit *c)
{
    bn_fr *w = malloc(c->counts.wires * sizeof *w);

    for (uint32_t i = 0; i < c->counts.wires; i++)
        assert_true(bn_fr_set_words(&w[i], c->values + 4 * (size_t)i));
    return w;
}

static inline bool circuit_holds(const circuit *c, const bn_fr *values)
{
    for (size_t i = 0; i < c->counts.constraints; i++)
        if (!circuit_constraint_holds(c, values, i))
            return false;
    return true;
}

/** Whether a wire's constraints hold. */
static inline bool circuit_wire_holds(const circuit *c, const bn_fr *values, const size_t *list,
                                      size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (!circuit_constraint_holds(c, values, list[i]))
            return false;
    return true;
}

/** Changes every wire from first on, alone, to several other values: each breaks a constraint.
 * Returns the number of wires that may be changed (0 unless the circuit says why). */
static inline uint32_t circuit_free_wires(const circuit *c, uint32_t first, uint64_t seed)
{
    bn_fr *w = circuit_witness(c);
    size_t *list = malloc((c->counts.constraints + 1) * sizeof *list);
    uint32_t free_wires = 0;

    assert_true(circuit_holds(c, w));
    for (uint32_t wire = first; wire < c->counts.wires; wire++) {
        bn_fr honest = w[wire], one = r1cs_fr_one(), other[8];
        size_t n = 0;
        bool held = false;

        for (size_t i = 0; i < c->counts.constraints; i++)
            for (size_t t = c->start[3 * i]; t < c->start[3 * i + 3]; t++)
                if (c->terms[t].wire == wire) {
                    list[n++] = i;
                    break;
                }
        bn_fr_add(&other[0], &honest, &one);
        bn_fr_sub(&other[1], &honest, &one);
        bn_fr_sub(&other[2], &one, &honest); /* a bit's other value */
        bn_fr_neg(&other[3], &honest);
        other[4] = r1cs_fr_zero();
        other[5] = r1cs_fr_u64(test_random(&seed));
        bn_fr_mul(&other[6], &honest, &other[5]);
        bn_fr_add(&other[7], &honest, (bn_fr[]){r1cs_fr_u64(UINT64_C(0xffffffff00000001))});
        for (int k = 0; k < 8; k++) {
            if (bn_fr_eq(&other[k], &honest))
                continue;
            w[wire] = other[k];
            held = held || circuit_wire_holds(c, w, list, n);
        }
        w[wire] = honest;
        free_wires += held;
    }
    free(list);
    free(w);
    return free_wires;
}

/** Solves alone and expects failure with a text. */
static inline void circuit_refused(circuit_fn make, void *context, uint32_t outputs,
                                   uint32_t inputs, p_status status, const char *text)
{
    r1cs_builder *b;
    p_err err = {0};

    assert_int_equal(r1cs_create(R1CS_SOLVE, NULL, outputs, inputs, &b, &err), P_OK);
    make(b, context);
    assert_int_equal(r1cs_finish(b, NULL, NULL, &err), status);
    if (!strstr(err.text, text))
        fail_msg("expected '%s' in: %s", text, err.text);
    r1cs_destroy(b);
}

#endif
