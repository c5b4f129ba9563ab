#include "host/r1cs/check.h"

#include "driver/field/bn_fr.h"
#include "host/iden3/wtns.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* factor * value for canonical numbers: to_mont is 2^512, so that the two products give the
 * Montgomery form. */
static void add_term(bn_fr *sum, const uint64_t factor[4], const uint64_t value[4])
{
    static const bn_fr to_mont = BN_FR_R2_INIT;
    bn_fr a = {{factor[0], factor[1], factor[2], factor[3]}},
          x = {{value[0], value[1], value[2], value[3]}};

    bn_fr_mul(&a, &a, &to_mont);
    bn_fr_mul(&a, &a, &x); /* a x, canonical: a plain number */
    bn_fr_add(sum, sum, &a);
}

static p_status evaluate(r1cs_file_cursor *c, const uint64_t *values, bn_fr *out, p_err *err)
{
    uint32_t terms, wire;
    uint64_t factor[4];
    p_status s = r1cs_file_next(c, &terms, err);

    bn_fr_set_zero(out);
    while (s == P_OK && terms-- > 0) {
        s = r1cs_file_term(c, &wire, factor, err);
        if (s == P_OK)
            add_term(out, factor, values + 4 * (size_t)wire);
    }
    return s;
}

static p_status violated(const r1cs_file *f, uint32_t constraint, r1cs_violation *out, p_err *err)
{
    r1cs_violation v = {.found = true, .constraint = constraint};
    p_status s = r1cs_file_name(f, constraint, v.name, err);

    if (s != P_OK)
        return s;
    if (out)
        *out = v;
    if (v.name[0])
        return p_err_set(err, P_EINVAL, "%s: constraint %" PRIu32 " (%s) does not hold",
                         f->file.path, constraint, v.name);
    return p_err_set(err, P_EINVAL, "%s: constraint %" PRIu32 " does not hold", f->file.path,
                     constraint);
}

p_status r1cs_check(const r1cs_file *f, const uint64_t *values, r1cs_violation *out, p_err *err)
{
    static const bn_fr to_mont = BN_FR_R2_INIT;
    r1cs_file_cursor *c = malloc(sizeof *c);
    p_status s = P_OK;

    if (out)
        memset(out, 0, sizeof *out);
    if (!c)
        return p_err_set(err, P_EEXHAUSTED, "%s: no memory", f->file.path);
    r1cs_file_start(c, f);
    for (uint32_t i = 0; i < f->header.constraints && s == P_OK; i++) {
        bn_fr a, b, product;

        s = evaluate(c, values, &a, err);
        if (s == P_OK)
            s = evaluate(c, values, &b, err);
        if (s == P_OK) {
            bn_fr_mul(&product, &a, &to_mont);
            bn_fr_mul(&product, &product, &b);
            s = evaluate(c, values, &a, err);
        }
        if (s == P_OK && !bn_fr_eq(&product, &a))
            s = violated(f, i, out, err);
    }
    if (s == P_OK)
        s = r1cs_file_finish(c, err);
    free(c);
    return s;
}

static p_status check_open(const r1cs_file *f, const wtns *w, r1cs_violation *out, p_err *err)
{
    uint64_t *values;
    p_status s;

    if (w->count != f->header.wires)
        return p_err_set(err, P_EINVAL,
                         "%s has %" PRIu32 " values, %s is a circuit with %" PRIu32
                         " wires: they do not belong together",
                         w->file.path, w->count, f->file.path, f->header.wires);
    values = malloc((size_t)w->count * 32);
    if (!values)
        return p_err_set(err, P_EEXHAUSTED, "%s: no memory for %" PRIu32 " values", w->file.path,
                         w->count);
    s = wtns_read(w, values, err);
    if (s == P_OK)
        s = r1cs_check(f, values, out, err);
    explicit_bzero(values, (size_t)w->count * 32);
    free(values);
    return s;
}

p_status r1cs_check_files(const char *r1cs_path, const char *wtns_path, r1cs_violation *out,
                          p_err *err)
{
    r1cs_file f;
    wtns w;
    p_status s;

    if (out)
        memset(out, 0, sizeof *out);
    s = r1cs_file_open(&f, r1cs_path, err);
    if (s != P_OK)
        return s;
    s = wtns_open(&w, wtns_path, err);
    if (s == P_OK) {
        s = check_open(&f, &w, out, err);
        wtns_close(&w);
    }
    r1cs_file_close(&f);
    return s;
}
