#include "host/groth16/prover_internal.h"
#include "host/groth16/random.h"

#include "driver/base/clock.h"
#include "driver/field/bn_fr.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define WORDS GROTH16_WORDS
#define WAIT_MS 100 /* how often a cancellation is looked for */

const char *groth16_phase_name(groth16_phase phase)
{
    static const char *const names[GROTH16_PHASES] = {
        [GROTH16_READ] = "read",           [GROTH16_EVALUATE] = "evaluate",
        [GROTH16_TRANSFORM] = "transform", [GROTH16_MSM_G1] = "msm g1",
        [GROTH16_MSM_G2] = "msm g2",       [GROTH16_FINISH] = "finish"};

    return (unsigned)phase < GROTH16_PHASES ? names[phase] : "?";
}

void groth16_enter(groth16_run *r, groth16_phase phase, unsigned percent)
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
static p_status submit(const groth16_run *r, drv_device *device, const drv_job *job,
                       drv_event **event, p_err *err)
{
    p_err why = {P_OK, ""};
    p_status s = drv_submit(device, job, event, &why);

    if (s == P_EUNSUPPORTED && device != r->o->cpu) {
        p_err_clear(&why);
        s = drv_submit(r->o->cpu, job, event, &why);
    }
    return s == P_OK ? s : p_err_set(err, s, "%s", why.text);
}

p_status groth16_run_job(const groth16_run *r, drv_device *device, const drv_job *job, p_err *err)
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

/* ---- the proof ---- */

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
static void make_c(groth16_run *r, groth16_proof *p, const uint64_t rk[WORDS],
                   const uint64_t sk[WORDS])
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

static p_status prove_on(groth16_run *r, drv_device *device, groth16_proof *out, p_err *err)
{
    uint64_t blind[2][WORDS];
    groth16_points *points = NULL;
    p_status s = groth16_points_begin(r, &points, err);

    if (s == P_OK)
        s = groth16_quotient(r, device, err);
    if (s == P_OK)
        s = groth16_sums(r, device, points, err);
    groth16_enter(r, GROTH16_FINISH, 0);
    groth16_points_end(points);
    groth16_quotient_free(r);
    for (int i = 0; i < 2 && s == P_OK; i++) {
        if (r->o->randomness)
            memcpy(blind[i], r->o->randomness + i * WORDS, sizeof blind[i]);
        else
            s = groth16_draw(blind[i], err);
    }
    if (s != P_OK)
        return s;
    blind_g1(&out->a, &r->key->vk.alpha1, &r->sum_a, &r->key->delta1, blind[0]);
    blind_g2(&out->b, &r->key->vk.beta2, &r->sum_b2, &r->key->vk.delta2, blind[1]);
    make_c(r, out, blind[0], blind[1]);
    explicit_bzero(blind, sizeof blind);
    return groth16_verify(&r->key->vk, out, r->witness + WORDS, err);
}

p_status groth16_memory(const zkey *key, const groth16_options *o, uint64_t *bytes, p_err *err)
{
    uint64_t quotient = 0, kept = 0, points = 0, sum = 0;
    p_status s = groth16_quotient_memory(key, o, &quotient, &kept, err);

    if (s == P_OK)
        s = groth16_sums_memory(key, o, &points, &sum, err);
    *bytes = points + (quotient > kept + sum ? quotient : kept + sum);
    return s;
}

p_status groth16_prove(const zkey *key, const uint64_t *witness, const groth16_options *o,
                       groth16_proof *out, groth16_report *report, p_err *err)
{
    groth16_run r = {.key = key,
                     .o = o,
                     .witness = witness,
                     .phase = GROTH16_READ,
                     .since = p_clock_seconds(CLOCK_MONOTONIC),
                     .rows = UINT64_C(1) << key->domain_log2};
    p_status s = o->production ? zkey_check_production(key, err) : P_OK;

    if (s != P_OK)
        return s;
    s = groth16_memory(key, o, &r.report.memory_bytes, err);
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
    groth16_enter(&r, GROTH16_FINISH, 100);
    if (report)
        *report = r.report;
    return s;
}
