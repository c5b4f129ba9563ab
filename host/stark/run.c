/* What the parts of proving share: loops, jobs, memory, progress. */
#include "host/stark/prover.h"

#include <string.h>

#define WAIT_MS 50 /* how often a cancellation is looked for while the device works */

const char *stark_phase_name(stark_phase phase)
{
    static const char *const names[STARK_PHASES] = {
        [STARK_PHASE_MAIN] = "main",         [STARK_PHASE_AUX] = "aux",
        [STARK_PHASE_QUOTIENT] = "quotient", [STARK_PHASE_EVALUATE] = "evaluate",
        [STARK_PHASE_DEEP] = "deep",         [STARK_PHASE_FRI] = "fri",
        [STARK_PHASE_GRIND] = "grind",       [STARK_PHASE_OPEN] = "open",
        [STARK_PHASE_VERIFY] = "verify"};

    return (unsigned)phase < STARK_PHASES ? names[phase] : "?";
}

/* ---- loops ---- */

unsigned prover_workers(const prover *p)
{
    return p->o->pool ? p_pool_threads(p->o->pool) : 1;
}

bool prover_cancelled(const prover *p)
{
    return p_cancel_requested(p->o->cancel);
}

p_status prover_loop(prover *p, size_t count, p_pool_item *item, void *arg, p_err *err)
{
    p_status s = P_OK;

    if (p->o->pool)
        s = p_pool_run(p->o->pool, count, item, arg, p->o->cancel);
    else
        for (size_t i = 0; i < count && s == P_OK; i++)
            s = prover_cancelled(p) ? P_ECANCELLED : item(arg, i, 0);
    return s == P_OK ? P_OK : p_err_set(err, s, "phase %s: %s", p->doing, p_status_text(s));
}

void prover_progress(prover *p, uint64_t done, uint64_t of)
{
    if (p->o->progress)
        p->o->progress(p->o->context, p->phase, of ? (unsigned)(100 * done / of) : 100);
}

/* ---- memory ---- */

void prover_note(prover *p, uint64_t bytes)
{
    uint64_t now = p_memory_used(&p->memory) + p->device_bytes + bytes;

    p->peak = now > p->peak ? now : p->peak;
}

p_status prover_alloc(prover *p, uint64_t words, const char *what, uint64_t **out, p_err *err)
{
    void *data;
    p_status s = p_memory_alloc(&p->memory, words, sizeof(uint64_t), what, &data, err);

    *out = data;
    prover_note(p, 0);
    return s;
}

void prover_free(prover *p, uint64_t *data, uint64_t words)
{
    p_memory_free(&p->memory, data, words, sizeof(uint64_t));
}

/* ---- jobs ---- */

p_status prover_submit(prover *p, const drv_job *job, drv_event **event, p_err *err)
{
    if (prover_cancelled(p)) {
        *event = NULL;
        return p_err_set(err, P_ECANCELLED, "phase %s: cancelled", p->doing);
    }
    return drv_submit(p->device, job, event, err);
}

p_status prover_wait(prover *p, drv_event *event, p_err *err)
{
    bool told = false;
    p_status s;

    while (s = drv_wait(event, WAIT_MS, err), s == P_EDEADLINE && !drv_ended(event)) {
        p_err_clear(err);
        if (!told && prover_cancelled(p)) {
            drv_cancel(event);
            told = true;
        }
    }
    (void)drv_event_release(event);
    if (s != P_OK)
        p_err_prefix(err, "phase %s", p->doing);
    return s;
}

p_status prover_job(prover *p, const drv_job *job, p_err *err)
{
    drv_event *event;
    uint64_t bytes = 0;
    p_status s = drv_estimate(p->device, job, &bytes, err);

    if (s == P_OK)
        s = prover_submit(p, job, &event, err);
    if (s != P_OK)
        return s;
    prover_note(p, bytes);
    return prover_wait(p, event, err);
}

/* Words of digests to canonical form was the device's part; a digest that is none would make a
 * proof that cannot be read, so it is an error of the device. */
static p_status check_digests(const prover *p, const uint64_t *digests, uint64_t count, p_err *err)
{
    for (uint64_t i = 0; i < count; i++)
        if (!stark_hash_digest_ok(p->params->hash, digests + i * DRV_DIGEST_WORDS))
            return p_err_set(err, P_EDEVICE, "phase %s: the device's digest is not canonical",
                             p->doing);
    return P_OK;
}

p_status prover_commit(prover *p, const drv_matrix *in, drv_input input, uint32_t log_blowup,
                       uint32_t cap_log2, uint64_t *cap, prover_tree *out, p_err *err)
{
    drv_job job = {.op = DRV_COMMIT,
                   .commit = {.in = *in,
                              .input = input,
                              .hash = p->params->hash,
                              .log_blowup = log_blowup,
                              .cap_log2 = cap_log2,
                              .cap = cap,
                              .out = &out->handle}};
    p_status s;

    out->handle = NULL;
    s = drv_estimate(p->device, &job, &out->bytes, err);
    if (s == P_OK)
        s = prover_job(p, &job, err);
    if (s != P_OK) {
        out->bytes = 0;
        return s;
    }
    p->device_bytes += out->bytes;
    prover_note(p, 0);
    return check_digests(p, cap, UINT64_C(1) << cap_log2, err);
}

void prover_release(prover *p, prover_tree *tree)
{
    if (!tree->borrowed)
        drv_release(tree->handle);
    p->device_bytes -= tree->bytes;
    memset(tree, 0, sizeof *tree);
}
