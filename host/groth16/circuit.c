#include "host/groth16/circuit.h"

#include "driver/driver.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* H belongs to the coset of the elements of twice that order */
#define MAX_DOMAIN_LOG2 (DRV_FR_MAX_LOG2 - 1)

p_status groth16_circuit_open(groth16_circuit *out, const char *path, p_err *err)
{
    p_status s;

    memset(out, 0, sizeof *out);
    s = r1cs_file_open(&out->file, path, err);
    if (s != P_OK)
        return s;
    out->wires = out->file.header.wires;
    out->publics = out->file.header.outputs + out->file.header.inputs;
    out->constraints = out->file.header.constraints;
    /* snarkjs: floor(log2(constraints + publics)) + 1, enough for the 1 + publics rows more */
    for (uint64_t n = (uint64_t)out->constraints + out->publics; n > 1; n >>= 1)
        out->domain_log2++;
    out->domain_log2++;
    if (out->domain_log2 > MAX_DOMAIN_LOG2)
        return p_err_set(err, P_EUNSUPPORTED,
                         "%s: %" PRIu32 " constraints and %" PRIu32
                         " public values need a domain of 2^%" PRIu32 "; at most 2^%d is supported",
                         path, out->constraints, out->publics, out->domain_log2, MAX_DOMAIN_LOG2);
    return P_OK;
}

void groth16_circuit_close(groth16_circuit *c)
{
    r1cs_file_close(&c->file);
}

static p_status each(const groth16_circuit *c, r1cs_file_cursor *cur, groth16_visit *visit,
                     void *arg, const p_cancel *cancel, p_err *err)
{
    groth16_term t;
    p_status s = P_OK;

    r1cs_file_start(cur, &c->file);
    for (uint64_t i = 0; i < (uint64_t)c->constraints * 3 && s == P_OK; i++) {
        uint32_t terms = 0;

        if (i % 16384 == 0 && p_cancel_requested(cancel))
            return p_err_set(err, P_ECANCELLED, "cancelled");
        t.row = (uint32_t)(i / 3);
        t.matrix = (groth16_matrix)(i % 3);
        s = r1cs_file_next(cur, &terms, err);
        for (uint32_t k = 0; k < terms && s == P_OK; k++) {
            uint64_t words[4];

            s = r1cs_file_term(cur, &t.wire, words, err);
            if (s != P_OK)
                break;
            bn_fr_set_words(&t.factor, words); /* r1cs_file_term has seen that it is below r */
            s = visit(arg, &t, err);
        }
    }
    if (s == P_OK)
        s = r1cs_file_finish(cur, err);
    t.matrix = GROTH16_A;
    bn_fr_set_one(&t.factor);
    for (uint32_t i = 0; i <= c->publics && s == P_OK; i++) {
        t.row = c->constraints + i;
        t.wire = i;
        s = visit(arg, &t, err);
    }
    return s;
}

p_status groth16_circuit_each(const groth16_circuit *c, groth16_visit *visit, void *arg,
                              const p_cancel *cancel, p_err *err)
{
    r1cs_file_cursor *cur = malloc(sizeof *cur);
    p_status s;

    if (!cur)
        return p_err_set(err, P_EEXHAUSTED, "%s: no memory", c->file.file.path);
    s = each(c, cur, visit, arg, cancel, err);
    free(cur);
    return s;
}
