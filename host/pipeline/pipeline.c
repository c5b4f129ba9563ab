#include "host/pipeline/pipeline.h"

#include <inttypes.h>
#include <stdlib.h>

struct pipeline {
    pipeline_options options;
    state_runner *runner;
};

p_status pipeline_create(pipeline **out, const pipeline_options *options, p_err *err)
{
    *out = NULL;
    if (!options->decode || !options->poseidon || (options->persist && !options->store))
        return p_err_set(
            err, P_EINVAL,
            "pipeline: a decoder and a Poseidon are needed, and a state store if nodes "
            "are to be persisted");
    pipeline *p = calloc(1, sizeof *p);
    if (!p)
        return p_err_set(err, P_EEXHAUSTED, "no memory for the pipeline");
    p->options = *options;
    p_status status = state_runner_create(&p->runner, options->poseidon, err);
    if (status != P_OK) {
        free(p);
        return status;
    }
    *out = p;
    return P_OK;
}

void pipeline_destroy(pipeline *p)
{
    if (!p)
        return;
    state_runner_destroy(p->runner);
    free(p);
}

static uint64_t add(uint64_t a, uint64_t b)
{
    return a > UINT64_MAX - b ? UINT64_MAX : a + b;
}

/** What the request takes in its forms. */
static uint64_t held_bytes(const state_request *req, size_t request_bytes)
{
    return add(state_request_memory(req), request_bytes);
}

uint64_t pipeline_estimate(const state_request *req, size_t request_bytes)
{
    return add(held_bytes(req, request_bytes), PIPELINE_RUN_BYTES);
}

p_status pipeline_admit(const state_request *req, size_t request_bytes, uint64_t limit_bytes,
                        p_err *err)
{
    uint64_t need = pipeline_estimate(req, request_bytes);
    if (!limit_bytes || need <= limit_bytes)
        return P_OK;
    return p_err_set(err, P_EEXHAUSTED,
                     "the job needs at least %" PRIu64 " bytes of memory, and the server's limit "
                     "for one job is %" PRIu64 "; send a smaller witness or raise the limit",
                     need, limit_bytes);
}

static bool stops(const pipeline_hooks *h)
{
    return h && h->should_stop && h->should_stop(h->ctx);
}

static void progress(const pipeline_hooks *h, const char *stage, unsigned percent)
{
    if (h && h->progress)
        h->progress(h->ctx, stage, percent);
}

/** Whether a failure is the batch's (it will fail again) or this server's. */
static pipeline_end end_of(p_status status, const pipeline_hooks *hooks)
{
    switch (status) {
    case P_EINVAL:
    case P_EMISSING:
    case P_EUNSUPPORTED:
        return PIPELINE_COMPLETED_ERROR;
    case P_ECANCELLED:
        return stops(hooks) ? PIPELINE_STOPPED : PIPELINE_INTERNAL_ERROR;
    default:
        return PIPELINE_INTERNAL_ERROR;
    }
}

static p_status execute(pipeline *p, const state_request *req, uint64_t held,
                        const pipeline_hooks *hooks, state_outcome **out, p_err *err)
{
    const pipeline_options *o = &p->options;
    uint64_t left = o->memory_limit_bytes ? o->memory_limit_bytes - held : 0;
    state_run_options run = {.store = o->store,
                             .persist = o->persist,
                             .should_stop = hooks ? hooks->should_stop : NULL,
                             .should_stop_ctx = hooks ? hooks->ctx : NULL,
                             .memory_limit = left < SIZE_MAX ? (size_t)left : 0};
    progress(hooks, PIPELINE_STAGE_EXECUTE, 0);
    return state_execute(p->runner, req, &run, out, err);
}

pipeline_end pipeline_run(pipeline *p, const uint8_t *bytes, size_t len,
                          const pipeline_hooks *hooks, p_err *err)
{
    p_err local = {0}; /* the text is the result: it is needed even if nobody gave a record */
    state_request *req = NULL;
    state_outcome *outcome = NULL;
    if (!err)
        err = &local;
    progress(hooks, PIPELINE_STAGE_READ, 0);
    p_status status = p->options.decode(p->options.decode_ctx, bytes, len, &req, err);
    if (status == P_OK)
        status = pipeline_admit(req, len, p->options.memory_limit_bytes, err);
    if (status == P_OK && stops(hooks))
        status = p_err_set(err, P_ECANCELLED, "stopped before the batch was executed");
    if (status == P_OK) {
        uint64_t held = held_bytes(req, len);
        if (hooks && hooks->drop_request)
            hooks->drop_request(hooks->ctx);
        status = execute(p, req, held, hooks, &outcome, err);
    }
    if (status == P_OK) {
        progress(hooks, PIPELINE_STAGE_EXECUTE, 100);
        p_err_set(err, P_EUNSUPPORTED,
                  "this build has no prover: the batch was executed (%" PRIu32 " of %" PRIu32
                  " transactions processed, %.3f s) and no proof was made",
                  outcome->result.n_processed, outcome->result.n_txs, outcome->seconds);
    }
    state_outcome_destroy(outcome);
    state_request_destroy(req);
    return status == P_OK ? PIPELINE_INTERNAL_ERROR : end_of(status, hooks);
}
