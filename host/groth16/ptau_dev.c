#include "host/groth16/ptau_dev.h"

#include "driver/base/clock.h"
#include "host/groth16/lagrange.h"
#include "host/groth16/multiples.h"
#include "host/groth16/random.h"
#include "host/groth16/zkey_write.h"
#include "host/iden3/field_header.h"

#include <inttypes.h>
#include <string.h>

#define PHASE1_SECTIONS 7
#define PHASE2_SECTIONS 4

enum { TAU, ALPHA, BETA, SECRETS };

typedef struct powers {
    const groth16_setup_options *o;
    uint32_t power;
    bn_fr secret[SECRETS];
    p_memory memory;
    p_pool *pool;
    binfile_writer writer;
    multiples points;
    fixed_base base; /* one table at a time */
} powers;

/* A series of scalars: factor times tau^i, or factor times Lagrange's polynomials of a domain. */
typedef struct series {
    const powers *p;
    bn_fr factor;
    uint32_t log2;
    bool cut; /* as if the highest power of tau were 0 */
} series;

static void monomials(void *arg, uint64_t first, size_t count, bn_fr *out)
{
    const series *x = arg;
    const uint64_t e[4] = {first};

    bn_fr_pow_var(&out[0], &x->p->secret[TAU], e);
    bn_fr_mul(&out[0], &out[0], &x->factor);
    for (size_t i = 1; i < count; i++)
        bn_fr_mul(&out[i], &out[i - 1], &x->p->secret[TAU]);
}

/* L_i = sum over j of w^(-i j) X^j / n, so that its highest coefficient is w^i / n. */
static void drop_highest(const series *x, uint64_t first, size_t count, bn_fr *out)
{
    const uint64_t highest[4] = {(UINT64_C(1) << x->log2) - 1}, start[4] = {first};
    bn_fr w, term, n;

    groth16_root(&w, x->log2);
    bn_fr_pow_var(&term, &w, start);
    bn_fr_set_u64(&n, UINT64_C(1) << x->log2);
    bn_fr_inv(&n, &n);
    bn_fr_mul(&term, &term, &n);
    bn_fr_pow_var(&n, &x->p->secret[TAU], highest);
    bn_fr_mul(&term, &term, &n);
    for (size_t i = 0; i < count; i++) {
        bn_fr_sub(&out[i], &out[i], &term);
        bn_fr_mul(&term, &term, &w);
    }
}

static void lagrange(void *arg, uint64_t first, size_t count, bn_fr *out)
{
    const series *x = arg;

    groth16_lagrange(&x->p->secret[TAU], x->log2, first, 1, out, count);
    if (x->cut)
        drop_highest(x, first, count, out);
    for (size_t i = 0; i < count; i++)
        bn_fr_mul(&out[i], &out[i], &x->factor);
}

/* ---- sections ---- */

static p_status write_powers(powers *p, uint32_t type, const bn_fr *factor, uint64_t count,
                             p_err *err)
{
    series x = {.p = p, .factor = *factor};
    p_status s = binfile_begin(&p->writer, type, err);

    if (s == P_OK)
        s = multiples_append(&p->points, &p->base, "powers", count, monomials, &x, err);
    return s == P_OK ? binfile_end(&p->writer, err) : s;
}

/* Domains of 1, 2, 4 ... ; those of tau in G1 go one further, with what powers there are. */
static p_status write_lagrange(powers *p, uint32_t type, const bn_fr *factor, bool further,
                               p_err *err)
{
    series x = {.p = p, .factor = *factor};
    p_status s = binfile_begin(&p->writer, type, err);

    for (; x.log2 <= p->power + further && s == P_OK; x.log2++) {
        x.cut = x.log2 > p->power;
        s = multiples_append(&p->points, &p->base, "phase 2", UINT64_C(1) << x.log2, lagrange, &x,
                             err);
    }
    return s == P_OK ? binfile_end(&p->writer, err) : s;
}

static p_status write_header(powers *p, const char *out, bool prepared, p_err *err)
{
    uint32_t sections = PHASE1_SECTIONS + (prepared ? PHASE2_SECTIONS : 0) + 1; /* the mark */
    p_status s = binfile_create(&p->writer, out, "ptau", 1, sections, err);

    if (s == P_OK)
        s = binfile_begin(&p->writer, 1, err);
    if (s == P_OK)
        s = field_header_append(&p->writer, FIELD_HEADER_Q, err);
    if (s == P_OK)
        s = binfile_append_u32(&p->writer, p->power, err);
    if (s == P_OK)
        s = binfile_append_u32(&p->writer, p->power, err);
    return s == P_OK ? binfile_end(&p->writer, err) : s;
}

static p_status switch_base(powers *p, bool g2, p_err *err)
{
    fixed_base_destroy(&p->base);
    return fixed_base_create(&p->base, &p->memory, p->pool,
                             fixed_base_bits(UINT64_C(2) << p->power), g2, p->o->cancel, err);
}

static p_status write_phase1(powers *p, const bn_fr *one, p_err *err)
{
    uint64_t n = UINT64_C(1) << p->power;
    p_status s = switch_base(p, false, err);

    if (s == P_OK)
        s = write_powers(p, 2, one, 2 * n - 1, err);
    if (s == P_OK)
        s = switch_base(p, true, err);
    if (s == P_OK)
        s = write_powers(p, 3, one, n, err);
    if (s == P_OK)
        s = switch_base(p, false, err);
    if (s == P_OK)
        s = write_powers(p, 4, &p->secret[ALPHA], n, err);
    if (s == P_OK)
        s = write_powers(p, 5, &p->secret[BETA], n, err);
    if (s == P_OK)
        s = switch_base(p, true, err);
    if (s == P_OK)
        s = write_powers(p, 6, &p->secret[BETA], 1, err);
    if (s == P_OK)
        s = binfile_begin(&p->writer, 7, err);
    if (s == P_OK)
        s = binfile_append_u32(&p->writer, 0, err); /* contributions */
    return s == P_OK ? binfile_end(&p->writer, err) : s;
}

static p_status write_phase2(powers *p, const bn_fr *one, p_err *err)
{
    p_status s = switch_base(p, false, err);

    if (s == P_OK)
        s = write_lagrange(p, 12, one, true, err);
    if (s == P_OK)
        s = switch_base(p, true, err);
    if (s == P_OK)
        s = write_lagrange(p, 13, one, false, err);
    if (s == P_OK)
        s = switch_base(p, false, err);
    if (s == P_OK)
        s = write_lagrange(p, 14, &p->secret[ALPHA], false, err);
    return s == P_OK ? write_lagrange(p, 15, &p->secret[BETA], false, err) : s;
}

p_status groth16_ptau_dev(const char *out, uint32_t power, bool prepared,
                          const groth16_setup_options *o, groth16_setup_report *report, p_err *err)
{
    powers p = {.o = o, .power = power, .memory.limit = UINT64_MAX};
    double since = p_clock_seconds(CLOCK_MONOTONIC);
    groth16_setup_report r = {.domain_log2 = power, .dev = true};
    bn_fr one;
    p_status s;

    if (power < 1 || power > GROTH16_PTAU_DEV_MAX_POWER)
        return p_err_set(err, P_EINVAL, "power %" PRIu32 "; expected 1 .. %d", power,
                         GROTH16_PTAU_DEV_MAX_POWER);
    bn_fr_set_one(&one);
    s = groth16_draw_secrets(p.secret, SECRETS, o->secrets, err);
    if (s == P_OK)
        s = p_pool_create(o->threads, &p.pool, err);
    p.points = (multiples){.pool = p.pool,
                           .writer = &p.writer,
                           .cancel = o->cancel,
                           .progress = o->progress,
                           .context = o->context,
                           .memory = &p.memory};
    if (s == P_OK)
        s = multiples_create(&p.points, err);
    if (s == P_OK)
        s = write_header(&p, out, prepared, err);
    if (s == P_OK)
        s = write_phase1(&p, &one, err);
    if (s == P_OK && prepared)
        s = write_phase2(&p, &one, err);
    if (s == P_OK)
        s = zkey_write_dev_mark(&p.writer, err);
    if (s == P_OK)
        s = binfile_commit(&p.writer, err);
    binfile_abandon(&p.writer);
    if (o->progress)
        o->progress(o->context, "", 100);
    fixed_base_destroy(&p.base);
    multiples_destroy(&p.points);
    if (p.pool)
        p_pool_destroy(p.pool);
    r.memory_bytes = p_memory_peak(&p.memory);
    r.seconds = p_clock_seconds(CLOCK_MONOTONIC) - since;
    if (report)
        *report = r;
    explicit_bzero(&p, sizeof p);
    return s;
}
