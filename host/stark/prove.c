#include "driver/base/clock.h"
#include "host/air/eval.h"
#include "host/stark/prover.h"
#include "host/stark/verify.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define LINE_BYTES 64

/* ---- phases ---- */

static gl_ext squeeze_one(prover *p, const char *what)
{
    stark_squeeze_begin(&p->transcript);
    return stark_squeeze_ext(&p->transcript, what);
}

static void absorb_cap(prover *p, const char *what, air_tree tree)
{
    stark_absorb_digests(&p->transcript, what, p->words + p->shape.cap[tree],
                         UINT64_C(1) << p->shape.tree_cap_log2);
}

static p_status commit_main(prover *p, p_err *err)
{
    static const char *const names[AIR_CHALLENGES] = {
        [AIR_ALPHA] = "alpha", [AIR_BETA] = "beta", [AIR_RHO] = "rho"};
    p_status s;

    stark_absorb_digests(&p->transcript, "VK digest", p->key->vk.digest, 1);
    stark_absorb_words(&p->transcript, "public values", p->publics, p->air->definition.publics);
    s = prover_commit(p, p->main, DRV_VALUES, p->params->log_blowup, p->shape.tree_cap_log2,
                      p->words + p->shape.cap[AIR_TREE_MAIN], &p->trees[AIR_TREE_MAIN], err);
    if (s != P_OK)
        return s;
    absorb_cap(p, "cap of main", AIR_TREE_MAIN);
    stark_squeeze_begin(&p->transcript);
    for (int i = 0; i < AIR_CHALLENGES; i++)
        p->challenges[i] = stark_squeeze_ext(&p->transcript, names[i]);
    return P_OK;
}

static p_status commit_aux(prover *p, p_err *err)
{
    air_instance instance = {.publics = p->publics};
    air_trace trace = {
        .log_rows = p->log_rows,
        .fixed = p->key->fixed_rows,
        .main = *p->main,
        .aux = {.columns = p->air->trees[AIR_TREE_AUX].columns, .log_rows = p->log_rows}};
    uint64_t words = drv_matrix_words(trace.aux.columns, p->log_rows);
    p_status s = P_OK;

    if (trace.aux.columns > 0) {
        memcpy(instance.challenges, p->challenges, sizeof instance.challenges);
        s = prover_alloc(p, words, "the aux columns", &trace.aux.data, err);
        if (s == P_OK)
            s = air_fill_aux(p->air, &instance, &trace, p->o->pool, p->o->cancel, NULL, err);
        if (s == P_OK)
            s = prover_commit(p, &trace.aux, DRV_VALUES, p->params->log_blowup,
                              p->shape.tree_cap_log2, p->words + p->shape.cap[AIR_TREE_AUX],
                              &p->trees[AIR_TREE_AUX], err);
        prover_free(p, trace.aux.data, words);
        if (s == P_OK)
            absorb_cap(p, "cap of aux", AIR_TREE_AUX);
    }
    if (s == P_OK)
        p->lambda = squeeze_one(p, "lambda");
    return s;
}

/* Whether z lies where the identity or the quotients of DEEP have no value (docs/stark.md); nobody
 * will ever see that. */
static bool z_excluded(const prover *p)
{
    gl_ext one = gl_ext_from_base(1), scaled = gl_ext_scale(p->z, gl_inv(7));

    return gl_ext_eq(gl_ext_pow_var(p->z, UINT64_C(1) << p->log_rows), one) ||
           gl_ext_eq(gl_ext_pow_var(scaled, UINT64_C(1) << p->log_n), one) ||
           (p->z.c[1] | p->z.c[2]) == 0;
}

static p_status quotient(prover *p, p_err *err)
{
    p_status s = prover_quotient(p, err);

    if (s != P_OK)
        return s;
    absorb_cap(p, "cap of quotient", AIR_TREE_QUOTIENT);
    p->z = squeeze_one(p, "z");
    return z_excluded(p) ? p_err_set(err, P_EINTERNAL, "the point z is one of the domain's") : P_OK;
}

static p_status evaluate(prover *p, p_err *err)
{
    p_status s = prover_evaluate(p, err);

    if (s != P_OK)
        return s;
    stark_absorb_words(&p->transcript, "evaluations", p->words + p->shape.at_z,
                       (uint64_t)EXT_WORDS * (p->shape.at_z_count + p->shape.at_next_count));
    p->gamma = squeeze_one(p, "gamma");
    return P_OK;
}

static p_status grind(prover *p, p_err *err)
{
    uint64_t mask = (UINT64_C(1) << p->params->grinding_bits) - 1;
    p_status s = prover_grind(p, err);

    if (s != P_OK)
        return s;
    stark_absorb_words(&p->transcript, "nonce", p->words + p->shape.nonce, 1);
    if ((stark_squeeze_grinding(&p->transcript) & mask) != 0)
        return p_err_set(err, P_EINTERNAL, "the nonce does not fit the transcript");
    return P_OK;
}

static p_status verify(prover *p, p_err *err)
{
    stark_proof proof = {.words = p->words, .count = p->shape.words};
    p_err why = {P_OK, ""};
    p_status s;

    /* what is no longer needed, before the checks that may need memory */
    for (int t = 0; t < AIR_TREES; t++)
        prover_release(p, &p->trees[t]);
    s = stark_verify_with(&p->hash, &p->key->vk, p->publics, &proof, true, &why);
    if (s == P_OK)
        return P_OK;
    return prover_explain(p, &why, err);
}

typedef p_status phase_call(prover *p, p_err *err);

static phase_call *const phases[STARK_PHASES] = {
    [STARK_PHASE_MAIN] = commit_main,  [STARK_PHASE_AUX] = commit_aux,
    [STARK_PHASE_QUOTIENT] = quotient, [STARK_PHASE_EVALUATE] = evaluate,
    [STARK_PHASE_DEEP] = prover_deep,  [STARK_PHASE_FRI] = prover_fri,
    [STARK_PHASE_GRIND] = grind,       [STARK_PHASE_OPEN] = prover_open,
    [STARK_PHASE_VERIFY] = verify};

/* ---- a proof ---- */

static p_status check_arguments(const stark_key *key, const drv_matrix *main,
                                const uint64_t *publics, p_err *err)
{
    const air *a = key->vk.air;

    if (!main || main->columns != a->trees[AIR_TREE_MAIN].columns ||
        main->log_rows != key->vk.params.log_rows)
        return p_err_set(err, P_EINVAL,
                         "a trace of %u columns and 2^%u rows; the key is for %u and 2^%u",
                         main ? main->columns : 0, main ? main->log_rows : 0,
                         a->trees[AIR_TREE_MAIN].columns, key->vk.params.log_rows);
    if (!main->data || (uintptr_t)main->data % LINE_BYTES != 0)
        return p_err_set(err, P_EINVAL, "the trace is not aligned to %d bytes", LINE_BYTES);
    for (uint32_t i = 0; i < a->definition.publics; i++)
        if (!publics || !gl_is_canonical(publics[i]))
            return p_err_set(err, P_EINVAL, "public value %u is not canonical", i);
    return P_OK;
}

static p_status prover_open_all(prover *p, const stark_key *key, const stark_options *o, p_err *err)
{
    p_status s;

    p->key = key;
    p->air = key->vk.air;
    p->params = &key->vk.params;
    p->o = o;
    p->device = key->device;
    p->log_rows = p->params->log_rows;
    p->log_n = p->log_rows + p->params->log_blowup;
    p->lines = gl_lines_for(p_isa_best());
    p->memory.limit = UINT64_MAX;
    p->trees[AIR_TREE_FIXED] = (prover_tree){.handle = key->fixed, .borrowed = true};
    stark_shape_compute(p->params, p->air, &p->shape);
    s = stark_hash_create_for(p->params->hash, p->air, &p->hash, err);
    if (s != P_OK)
        return s;
    stark_transcript_init(&p->transcript, &p->hash);
    p->words = calloc(p->shape.words, sizeof *p->words);
    return p->words ? P_OK
                    : p_err_set(err, P_EEXHAUSTED, "no memory for a proof of %" PRIu64 " words",
                                p->shape.words);
}

/* Returns the bytes of host arrays that nobody gave back: 0. */
static uint64_t prover_close_all(prover *p)
{
    for (int t = 0; t < AIR_TREES; t++)
        prover_release(p, &p->trees[t]);
    for (uint32_t k = 0; k < STARK_MAX_LAYERS; k++) {
        prover_release(p, &p->layers[k]); /* before the leaves that it borrows */
        if (p->layer_data[k])
            prover_free(p, p->layer_data[k], prover_layer_words(p, k));
    }
    stark_hash_destroy(&p->hash);
    free(p->words);
    return p_memory_used(&p->memory);
}

p_status stark_prove(const stark_key *key, const drv_matrix *main, const uint64_t *publics,
                     const stark_options *o, stark_proof *out, stark_report *report, p_err *err)
{
    static const stark_options none = {0};
    stark_report ignored;
    prover *p;
    p_status s;

    *out = (stark_proof){0};
    report = report ? report : &ignored;
    *report = (stark_report){0};
    o = o ? o : &none;
    s = check_arguments(key, main, publics, err);
    if (s == P_OK)
        s = prover_check_memory(key, o, &report->memory_bytes, err);
    if (s != P_OK)
        return s;
    p = calloc(1, sizeof *p);
    if (!p)
        return p_err_set(err, P_EEXHAUSTED, "no memory for a proof");
    p->main = main;
    p->publics = publics;
    s = prover_open_all(p, key, o, err);
    for (int phase = 0; phase < STARK_PHASES && s == P_OK; phase++) {
        double since = p_clock_seconds(CLOCK_MONOTONIC);

        p->phase = (stark_phase)phase;
        p->doing = stark_phase_name(p->phase);
        prover_progress(p, 0, 1);
        s = prover_cancelled(p) ? p_err_set(err, P_ECANCELLED, "phase %s: cancelled", p->doing)
                                : phases[phase](p, err);
        if (s == P_OK)
            prover_progress(p, 1, 1);
        report->seconds[phase] = p_clock_seconds(CLOCK_MONOTONIC) - since;
    }
    report->peak_bytes = p->peak;
    if (s == P_OK) {
        *out = (stark_proof){.words = p->words, .count = p->shape.words};
        p->words = NULL;
    }
    uint64_t left = prover_close_all(p);
    if (left > 0 && s == P_OK) {
        stark_proof_free(out);
        s = p_err_set(err, P_EINTERNAL, "the proof");
    }
    if (left > 0)
        p_err_prefix(err, "%" PRIu64 " bytes were not given back", left);
    free(p);
    return s;
}
