#include "host/groth16/circuit.h"

#include "driver/driver.h"
#include "host/iden3/field_header.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* H belongs to the coset of the elements of twice that order */
#define MAX_DOMAIN_LOG2 (DRV_FR_MAX_LOG2 - 1)

static p_status read_header(groth16_circuit *c, binfile_cursor *cur, p_err *err)
{
    const binfile_section *section;
    uint32_t outputs = 0, inputs = 0, word;
    const uint8_t *p;
    p_status s = binfile_find(&c->file, 1, "header", &section, err);

    if (s != P_OK)
        return s;
    binfile_cursor_init(cur, &c->file, section);
    s = field_header_next(cur, FIELD_HEADER_R, "r", err);
    if (s == P_OK)
        s = binfile_next_u32(cur, &c->wires, err);
    if (s == P_OK)
        s = binfile_next_u32(cur, &outputs, err);
    if (s == P_OK)
        s = binfile_next_u32(cur, &inputs, err);
    if (s == P_OK)
        s = binfile_next_u32(cur, &word, err);
    if (s == P_OK)
        s = binfile_next(cur, 8, &p, err);
    if (s == P_OK)
        s = binfile_next_u32(cur, &word, err);
    if (s != P_OK)
        return s;
    c->constraints = word;
    if ((uint64_t)outputs + inputs >= c->wires)
        return binfile_damaged(&c->file, section, cur->at, err, "more public wires than wires");
    c->publics = outputs + inputs;
    return binfile_find(&c->file, 2, "constraints", &c->rows, err);
}

p_status groth16_circuit_open(groth16_circuit *out, const char *path, p_err *err)
{
    binfile_cursor *cur = malloc(sizeof *cur);
    p_status s;

    memset(out, 0, sizeof *out);
    out->file.fd = -1;
    if (!cur)
        return p_err_set(err, P_EEXHAUSTED, "%s: no memory", path);
    s = binfile_open(&out->file, path, "r1cs", 1, err);
    if (s == P_OK)
        s = read_header(out, cur, err);
    free(cur);
    if (s != P_OK)
        return s;
    /* snarkjs: floor(log2(constraints + publics)) + 1, enough for the 1 + publics rows more */
    for (uint64_t n = out->constraints + out->publics; n > 1; n >>= 1)
        out->domain_log2++;
    out->domain_log2++;
    if (out->domain_log2 > MAX_DOMAIN_LOG2)
        return p_err_set(err, P_EUNSUPPORTED,
                         "%s: %" PRIu64 " constraints and %" PRIu32
                         " public values need a domain of 2^%" PRIu32 "; at most 2^%d is supported",
                         path, out->constraints, out->publics, out->domain_log2, MAX_DOMAIN_LOG2);
    return P_OK;
}

void groth16_circuit_close(groth16_circuit *c)
{
    binfile_close(&c->file);
}

static p_status each(const groth16_circuit *c, binfile_cursor *cur, groth16_visit *visit, void *arg,
                     const p_cancel *cancel, p_err *err)
{
    groth16_term t;
    p_status s = P_OK;

    binfile_cursor_init(cur, &c->file, c->rows);
    for (uint64_t row = 0; row < c->constraints && s == P_OK; row++) {
        t.row = (uint32_t)row;
        if (row % 4096 == 0 && p_cancel_requested(cancel))
            return p_err_set(err, P_ECANCELLED, "cancelled");
        for (int m = 0; m < 3 && s == P_OK; m++) {
            uint32_t terms;

            t.matrix = (groth16_matrix)m;
            s = binfile_next_u32(cur, &terms, err);
            for (uint32_t i = 0; s == P_OK && i < terms; i++) {
                const uint8_t *p;
                uint64_t words[4];

                s = binfile_next(cur, 36, &p, err);
                if (s != P_OK)
                    break;
                t.wire = binfile_u32(p);
                memcpy(words, p + 4, sizeof words);
                if (t.wire >= c->wires || !bn_fr_set_words(&t.factor, words))
                    return binfile_damaged(&c->file, c->rows, cur->at, err, "wire or factor");
                s = visit(arg, &t, err);
            }
        }
    }
    if (s == P_OK)
        s = binfile_finish(cur, err);
    t.matrix = GROTH16_A;
    bn_fr_set_one(&t.factor);
    for (uint64_t i = 0; i <= c->publics && s == P_OK; i++) {
        t.row = (uint32_t)(c->constraints + i);
        t.wire = (uint32_t)i;
        s = visit(arg, &t, err);
    }
    return s;
}

p_status groth16_circuit_each(const groth16_circuit *c, groth16_visit *visit, void *arg,
                              const p_cancel *cancel, p_err *err)
{
    binfile_cursor *cur = malloc(sizeof *cur);
    p_status s;

    if (!cur)
        return p_err_set(err, P_EEXHAUSTED, "%s: no memory", c->file.path);
    s = each(c, cur, visit, arg, cancel, err);
    free(cur);
    return s;
}
