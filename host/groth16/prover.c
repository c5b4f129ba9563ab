#include "host/groth16/prover.h"

#include "driver/base/clock.h"
#include "driver/base/pool.h"
#include "driver/field/bn_fr.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#define WORDS 4 /* of an element of Fr */
#define ELEMENT_BYTES 32
#define COUNT_BYTES 4 /* in front of the coefficients */
#define WAIT_MS 100   /* how often a cancellation is looked for */
#define MAX_READERS 4 /* each reads all coefficients and adds up those of its rows */

const char *groth16_phase_name(groth16_phase phase)
{
    static const char *const names[GROTH16_PHASES] = {
        [GROTH16_READ] = "read",           [GROTH16_EVALUATE] = "evaluate",
        [GROTH16_TRANSFORM] = "transform", [GROTH16_MSM_G1] = "msm g1",
        [GROTH16_MSM_G2] = "msm g2",       [GROTH16_FINISH] = "finish"};

    return (unsigned)phase < GROTH16_PHASES ? names[phase] : "?";
}

/* One proof under way. */
typedef struct run {
    const zkey *key;
    const groth16_options *o;
    const uint64_t *witness;
    groth16_report report;
    groth16_phase phase;
    double since;
    uint64_t rows;    /* of the domain */
    uint64_t *abc;    /* A w, B w, C w, then the quotient's values in the first third */
    uint64_t *points; /* of one section */
    uint64_t points_bytes;
    bn_g1 sum_a, sum_b1, sum_c, sum_h;
    bn_g2 sum_b2;
} run;

static void enter(run *r, groth16_phase phase, unsigned percent)
{
    double now = p_clock_seconds(CLOCK_MONOTONIC);

    r->report.seconds[r->phase] += now - r->since;
    r->since = now;
    r->phase = phase;
    if (r->o->progress)
        r->o->progress(r->o->context, phase, percent);
}

/* ---- jobs ---- */

/* The device that does a job: the chosen one, or the CPU for what that one does not do. */
static p_status submit(const run *r, drv_device *device, const drv_job *job, drv_event **event,
                       p_err *err)
{
    p_err why = {P_OK, ""};
    p_status s = drv_submit(device, job, event, &why);

    if (s == P_EUNSUPPORTED && device != r->o->cpu) {
        p_err_clear(&why);
        s = drv_submit(r->o->cpu, job, event, &why);
    }
    return s == P_OK ? s : p_err_set(err, s, "%s", why.text);
}

static p_status run_job(const run *r, drv_device *device, const drv_job *job, p_err *err)
{
    drv_event *event;
    bool told = false;
    p_status s = submit(r, device, job, &event, err);

    if (s != P_OK)
        return s;
    while (s = drv_wait(event, WAIT_MS, err), s == P_EDEADLINE && !drv_ended(event)) {
        p_err_clear(err);
        if (!told && p_cancel_requested(r->o->cancel)) {
            drv_cancel(event);
            told = true;
        }
    }
    (void)drv_event_release(event);
    return s;
}

/* ---- the matrices times the witness ---- */

typedef struct evaluation {
    run *r;
    unsigned readers;
    p_err err[MAX_READERS];
} evaluation;

/* Adds up the rows of one reader. The value is times 2^512 and the witness a plain number, so that
 * one Montgomery product gives Montgomery form. */
static p_status evaluate_rows(void *arg, size_t item, unsigned worker)
{
    evaluation *e = arg;
    const run *r = e->r;
    uint64_t first = r->rows * item / e->readers, end = r->rows * (item + 1) / e->readers;
    binfile_cursor *c = malloc(sizeof *c);
    const uint8_t *p;
    p_status s;

    (void)worker;
    if (!c)
        return p_err_set(&e->err[item], P_EEXHAUSTED, "no memory to read coefficients");
    binfile_cursor_init(c, &r->key->file, r->key->coefficients);
    s = binfile_next(c, COUNT_BYTES, &p, &e->err[item]);
    for (uint32_t i = 0; i < r->key->n_coefficients && s == P_OK; i++) {
        zkey_coefficient k;

        s = binfile_next(c, ZKEY_COEFFICIENT_BYTES, &p, &e->err[item]);
        if (s == P_OK)
            s = zkey_coefficient_get(r->key, i, p, &k, &e->err[item]);
        if (s == P_OK && i % 65536 == 0 && p_cancel_requested(r->o->cancel))
            s = p_err_set(&e->err[item], P_ECANCELLED, "cancelled");
        if (s != P_OK || k.row < first || k.row >= end)
            continue;
        bn_fr *sum = (bn_fr *)(r->abc + (k.matrix * r->rows + k.row) * WORDS);
        const uint64_t *w = r->witness + (uint64_t)k.wire * WORDS;
        bn_fr value = {{k.value[0], k.value[1], k.value[2], k.value[3]}};
        bn_fr wire = {{w[0], w[1], w[2], w[3]}};

        bn_fr_mul(&value, &value, &wire);
        bn_fr_add(sum, sum, &value);
    }
    free(c);
    /* and C w = A w times B w in each row, which makes the quotient exact if the witness fits */
    for (uint64_t i = first; i < end && s == P_OK; i++) {
        bn_fr *a = (bn_fr *)r->abc + i;

        bn_fr_mul(a + 2 * r->rows, a, a + r->rows);
    }
    return s;
}

static p_status evaluate(run *r, p_err *err)
{
    evaluation e = {.r = r};
    p_pool *pool;
    p_status s = p_pool_create(r->o->threads, &pool, err);

    if (s != P_OK)
        return s;
    e.readers = p_pool_threads(pool) < MAX_READERS ? p_pool_threads(pool) : MAX_READERS;
    memset(r->abc, 0, 2 * r->rows * ELEMENT_BYTES);
    s = p_pool_run(pool, e.readers, evaluate_rows, &e, r->o->cancel);
    p_pool_destroy(pool);
    for (unsigned i = 0; i < e.readers && s != P_OK; i++)
        if (e.err[i].status == s)
            return p_err_set(err, s, "%s", e.err[i].text);
    return s == P_OK ? s : p_err_set(err, s, "%s", p_status_text(s));
}

/* ---- the quotient ---- */

/* The element of order 2 rows: the coset that snarkjs' H points belong to. */
static void coset_shift(uint32_t log2, uint64_t shift[WORDS])
{
    /* 5^((r - 1) / 2^28), driver.h's numbering */
    static const uint64_t minus_one[WORDS] = {BN_FR_P0 - 1, BN_FR_P1, BN_FR_P2, BN_FR_P3};
    uint64_t e[WORDS];
    unsigned bits = log2 + 1;
    bn_fr five, root;

    for (int i = 0; i < WORDS; i++)
        e[i] = minus_one[i] >> bits | (i + 1 < WORDS ? minus_one[i + 1] << (64 - bits) : 0);
    bn_fr_set_u64(&five, 5);
    bn_fr_pow_var(&root, &five, e);
    bn_fr_get_words(shift, &root);
}

typedef struct quotient {
    run *r;
    size_t items;
} quotient;

static p_status quotient_rows(void *arg, size_t item, unsigned worker)
{
    const quotient *q = arg;
    uint64_t rows = q->r->rows;
    bn_fr *a = (bn_fr *)q->r->abc;

    (void)worker;
    for (uint64_t i = rows * item / q->items; i < rows * (item + 1) / q->items; i++) {
        bn_fr_mul(&a[i], &a[i], &a[rows + i]);
        bn_fr_sub(&a[i], &a[i], &a[2 * rows + i]);
    }
    return P_OK;
}

static p_status transform(run *r, drv_device *device, p_err *err)
{
    drv_job job = {.op = DRV_NTT,
                   .ntt = {.field = DRV_BN254_FR,
                           .layout = DRV_COLUMNS,
                           .inverse = true,
                           .in_order = DRV_NATURAL,
                           .out_order = DRV_BIT_REVERSED,
                           .log_n = r->key->domain_log2,
                           .columns = 3,
                           .data = r->abc,
                           .shift = {1, 0, 0, 0}}};
    quotient q = {.r = r};
    p_pool *pool;
    p_status s = run_job(r, device, &job, err);

    if (s != P_OK)
        return s;
    job.ntt.inverse = false;
    job.ntt.in_order = DRV_BIT_REVERSED;
    job.ntt.out_order = DRV_NATURAL;
    coset_shift(r->key->domain_log2, job.ntt.shift);
    s = run_job(r, device, &job, err);
    if (s == P_OK)
        s = p_pool_create(r->o->threads, &pool, err);
    if (s != P_OK)
        return s;
    q.items = p_pool_threads(pool);
    s = p_pool_run(pool, q.items, quotient_rows, &q, r->o->cancel);
    p_pool_destroy(pool);
    return s == P_OK ? s : p_err_set(err, s, "%s", p_status_text(s));
}

/* ---- the sums ---- */

static p_status sum_of(run *r, drv_device *device, zkey_points which, drv_form form,
                       const uint64_t *scalars, void *out, p_err *err)
{
    uint64_t count = zkey_points_count(r->key, which);
    bool g2 = which == ZKEY_B2;
    drv_handle *points = NULL;
    drv_job load = {
        .op = DRV_MSM_LOAD,
        .msm_load = {
            .group = g2 ? DRV_G2 : DRV_G1, .points = r->points, .count = count, .out = &points}};
    drv_job sum = {.op = DRV_MSM,
                   .msm = {.scalars = scalars, .form = form, .count = count, .out = out}};
    p_err why = {P_OK, ""};
    p_status s;

    memset(out, 0, zkey_points_bytes(which));
    if (count == 0)
        return P_OK;
    enter(r, GROTH16_READ, 0);
    s = zkey_read_points(r->key, which, r->points, err);
    if (s != P_OK)
        return s;
    enter(r, g2 ? GROTH16_MSM_G2 : GROTH16_MSM_G1, 0);
    s = run_job(r, device, &load, &why);
    if (s == P_EINVAL) /* a point that is not on its curve */
        return p_err_set(err, P_ECORRUPT, "%s: section %s: %s", r->key->file.path,
                         zkey_points_name(which), why.text);
    if (s != P_OK)
        return p_err_set(err, s, "%s", why.text);
    sum.msm.points = points;
    s = run_job(r, device, &sum, err);
    drv_release(points);
    return s;
}

static p_status all_sums(run *r, drv_device *device, p_err *err)
{
    const uint64_t *private = r->witness + ((uint64_t)r->key->n_public + 1) * WORDS;
    p_status s = sum_of(r, device, ZKEY_H, DRV_MONTGOMERY, r->abc, &r->sum_h, err);

    if (s == P_OK)
        s = sum_of(r, device, ZKEY_A, DRV_CANONICAL, r->witness, &r->sum_a, err);
    if (s == P_OK)
        s = sum_of(r, device, ZKEY_B1, DRV_CANONICAL, r->witness, &r->sum_b1, err);
    if (s == P_OK)
        s = sum_of(r, device, ZKEY_C, DRV_CANONICAL, private, &r->sum_c, err);
    if (s == P_OK)
        s = sum_of(r, device, ZKEY_B2, DRV_CANONICAL, r->witness, &r->sum_b2, err);
    return s;
}

/* ---- the proof ---- */

static p_status draw(uint64_t out[WORDS], p_err *err)
{
    bn_fr x;

    do { /* one in three is below r */
        uint8_t *to = (uint8_t *)x.l;
        size_t got = 0;

        while (got < ELEMENT_BYTES) {
            ssize_t n = getrandom(to + got, ELEMENT_BYTES - got, 0);

            if (n < 0 && errno != EINTR)
                return p_err_set(err, P_EIO, "getrandom: %s", strerror(errno));
            got += n > 0 ? (size_t)n : 0;
        }
        x.l[WORDS - 1] &= UINT64_MAX >> 2;
    } while (!bn_fr_is_canonical(&x));
    memcpy(out, x.l, ELEMENT_BYTES);
    return P_OK;
}

/* r = a + sum + k d */
static void blind_g1(bn_g1 *r, const bn_g1 *a, const bn_g1 *sum, const bn_g1 *d,
                     const uint64_t k[WORDS])
{
    bn_g1x x, t;

    bn_g1_mul_var(&x, d, k);
    bn_g1x_add_affine(&x, &x, a);
    bn_g1x_set(&t, sum);
    bn_g1x_add(&x, &x, &t);
    bn_g1x_get(r, &x);
}

static void blind_g2(bn_g2 *r, const bn_g2 *a, const bn_g2 *sum, const bn_g2 *d,
                     const uint64_t k[WORDS])
{
    bn_g2x x, t;

    bn_g2_mul_var(&x, d, k);
    bn_g2x_add_affine(&x, &x, a);
    bn_g2x_set(&t, sum);
    bn_g2x_add(&x, &x, &t);
    bn_g2x_get(r, &x);
}

/* C = sum_c + sum_h + s A + r B1 - r s delta */
static void make_c(run *r, groth16_proof *p, const uint64_t rk[WORDS], const uint64_t sk[WORDS])
{
    bn_g1 b1;
    bn_g1x x, t;
    bn_fr rs = {{0}}, sm = {{0}}; /* for compilers that do not see them set */
    uint64_t product[WORDS];

    blind_g1(&b1, &r->key->beta1, &r->sum_b1, &r->key->delta1, sk);
    bn_g1x_set(&x, &r->sum_c);
    bn_g1x_add_affine(&x, &x, &r->sum_h);
    bn_g1_mul_var(&t, &p->a, sk);
    bn_g1x_add(&x, &x, &t);
    bn_g1_mul_var(&t, &b1, rk);
    bn_g1x_add(&x, &x, &t);
    (void)bn_fr_set_words(&rs, rk); /* both are canonical */
    (void)bn_fr_set_words(&sm, sk);
    bn_fr_mul(&rs, &rs, &sm);
    bn_fr_neg(&rs, &rs);
    bn_fr_get_words(product, &rs);
    bn_g1_mul_var(&t, &r->key->delta1, product);
    bn_g1x_add(&x, &x, &t);
    bn_g1x_get(&p->c, &x);
}

static p_status prove_on(run *r, drv_device *device, groth16_proof *out, p_err *err)
{
    uint64_t blind[2][WORDS];
    p_status s = P_OK;

    enter(r, GROTH16_EVALUATE, 0);
    s = evaluate(r, err);
    enter(r, GROTH16_TRANSFORM, 0);
    if (s == P_OK)
        s = transform(r, device, err);
    if (s == P_OK)
        s = all_sums(r, device, err);
    enter(r, GROTH16_FINISH, 0);
    for (int i = 0; i < 2 && s == P_OK; i++) {
        if (r->o->randomness)
            memcpy(blind[i], r->o->randomness + i * WORDS, sizeof blind[i]);
        else
            s = draw(blind[i], err);
    }
    if (s != P_OK)
        return s;
    blind_g1(&out->a, &r->key->vk.alpha1, &r->sum_a, &r->key->delta1, blind[0]);
    blind_g2(&out->b, &r->key->vk.beta2, &r->sum_b2, &r->key->vk.delta2, blind[1]);
    make_c(r, out, blind[0], blind[1]);
    explicit_bzero(blind, sizeof blind);
    return groth16_verify(&r->key->vk, out, r->witness + WORDS, err);
}

static uint64_t largest_section(const zkey *key)
{
    uint64_t most = 0;

    for (int i = 0; i < ZKEY_POINTS; i++) {
        uint64_t bytes = zkey_points_count(key, (zkey_points)i) * zkey_points_bytes((zkey_points)i);
        most = bytes > most ? bytes : most;
    }
    return most;
}

p_status groth16_memory(const zkey *key, const groth16_options *o, uint64_t *bytes, p_err *err)
{
    uint64_t rows = UINT64_C(1) << key->domain_log2, ntt = 0;
    drv_job job = {.op = DRV_NTT,
                   .ntt = {.field = DRV_BN254_FR,
                           .layout = DRV_COLUMNS,
                           .log_n = key->domain_log2,
                           .columns = 3,
                           .shift = {1, 0, 0, 0}}};
    p_status s = drv_estimate(o->cpu, &job, &ntt, err);

    *bytes = 3 * rows * ELEMENT_BYTES + largest_section(key) + ntt;
    return s;
}

p_status groth16_prove(const zkey *key, const uint64_t *witness, const groth16_options *o,
                       groth16_proof *out, groth16_report *report, p_err *err)
{
    run r = {.key = key,
             .o = o,
             .witness = witness,
             .phase = GROTH16_READ,
             .since = p_clock_seconds(CLOCK_MONOTONIC),
             .rows = UINT64_C(1) << key->domain_log2,
             .points_bytes = largest_section(key)};
    uint64_t abc_bytes = 3 * r.rows * ELEMENT_BYTES;
    p_status s = o->production ? zkey_check_production(key, err) : P_OK;

    if (s != P_OK)
        return s;
    s = drv_buffer_alloc(o->cpu, abc_bytes, (void **)&r.abc, err);
    if (s == P_OK)
        s = drv_buffer_alloc(o->cpu, r.points_bytes, (void **)&r.points, err);
    r.report.memory_bytes = abc_bytes + r.points_bytes;
    if (s == P_OK)
        s = prove_on(&r, o->device, out, err);
    /* P_EINVAL: the proof does not hold; P_EDEVICE: there is none */
    if ((s == P_EINVAL || s == P_EDEVICE) && o->device != o->cpu) {
        p_err_clear(err);
        r.report.repeated = true;
        s = prove_on(&r, o->cpu, out, err);
    }
    if (s == P_EINVAL)
        p_err_prefix(err, "%s: the witness does not satisfy the key's circuit", key->file.path);
    enter(&r, GROTH16_FINISH, 100);
    if (r.points)
        drv_buffer_free(o->cpu, r.points, r.points_bytes);
    if (r.abc)
        drv_buffer_free(o->cpu, r.abc, abc_bytes);
    if (report)
        *report = r.report;
    return s;
}
