/* --guest: every batch that was executed once more by the guest in the machine. */
#include "host/cli/vectors_guest.h"

#include "host/guest/image.h"
#include "host/guest/record.h"
#include "host/state/recover.h"
#include "host/vm/vm.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/** Above what a batch within the rollup's counters takes; a guest that goes on is at fault. */
#define MAX_CYCLES (UINT64_C(1) << 36)
/** Rows of the largest segment, and of a call of POSEIDON or MULMOD in it. */
#define SEGMENT_ROWS (UINT64_C(1) << 20)
#define CALL_ROWS 16

struct vec_guest {
    vm_image *image;
    vm *machine;
    guest_io *io;
    state_recorder *recorder;
    size_t n_run, n_fit;
    uint64_t cycles, least, most;
};

p_status vec_guest_create(vec_guest **out, p_err *err)
{
    *out = NULL;
    vec_guest *g = calloc(1, sizeof *g);
    if (!g)
        return p_err_set(err, P_EEXHAUSTED, "out of memory");
    p_status s = guest_image(&g->image, err);
    if (s == P_OK)
        s = vm_create(&g->machine, g->image, err);
    if (s == P_OK)
        s = guest_io_create(&g->io, err);
    if (s == P_OK)
        s = state_recorder_create(&g->recorder, err);
    if (s != P_OK) {
        vec_guest_destroy(g);
        return s;
    }
    *out = g;
    return P_OK;
}

void vec_guest_destroy(vec_guest *g)
{
    if (!g)
        return;
    state_recorder_destroy(g->recorder);
    guest_io_destroy(g->io);
    vm_destroy(g->machine);
    vm_image_destroy(g->image);
    free(g);
}

/** The native run under the guest's rules, and its answers as a tape. */
static p_status run_native(vec_guest *g, state_runner *runner, const state_request *req,
                           uint32_t words[GUEST_PUBLIC_WORDS], guest_tape *tape, p_err *err)
{
    state_run_options options = {.recorder = g->recorder};
    state_outcome *o = NULL;
    state_replay *replay = NULL;
    const uint64_t *answers;
    size_t n_answers;
    p_status s = state_execute(runner, req, &options, &o, err);
    if (s == P_OK) {
        guest_public_words(words, &req->batch, &o->result);
        s = state_recorder_finish(g->recorder, &answers, &n_answers, err);
    }
    if (s == P_OK)
        s = state_replay_create(&replay, answers, n_answers, state_recover, err);
    if (s == P_OK)
        s = guest_record(g->io, state_replay_host(replay), &req->batch, tape, err);
    state_replay_destroy(replay);
    state_outcome_destroy(o);
    return s;
}

p_status vec_guest_run(vec_guest *g, state_runner *runner, state_request *req, bool verbose,
                       const char *name, p_err *err)
{
    uint32_t words[GUEST_PUBLIC_WORDS];
    guest_tape tape;
    vm_result r;
    const bool enforced = req->batch.enforce_counters;
    const uint64_t gas_limit = req->batch.block_gas_limit;
    req->batch.enforce_counters = true; /* the guest knows no other rules */
    req->batch.block_gas_limit = EXEC_BLOCK_GAS_LIMIT;
    p_status s = run_native(g, runner, req, words, &tape, err);
    req->batch.enforce_counters = enforced;
    req->batch.block_gas_limit = gas_limit;
    if (s != P_OK)
        return s;
    const vm_run_options options = {.advice = tape.words,
                                    .advice_words = tape.n_words,
                                    .max_cycles = MAX_CYCLES,
                                    .public_words = GUEST_PUBLIC_WORDS};
    s = vm_run(g->machine, &options, &r, err);
    if (s == P_OK)
        s = vm_result_check(&r, err);
    if (s != P_OK)
        return s;
    for (unsigned i = 0; i < GUEST_PUBLIC_WORDS; i++) {
        if (r.public_words[i] != words[i] || tape.public_words[i] != words[i])
            return p_err_set(err, P_ECORRUPT,
                             "public word %u: the native executor has %08" PRIx32
                             ", the guest %08" PRIx32 " natively and %08" PRIx32 " in the machine",
                             i, words[i], tape.public_words[i], r.public_words[i]);
    }
    if (r.advice_used != tape.n_words)
        return p_err_set(err, P_ECORRUPT, "the guest read %zu words of a tape of %zu",
                         r.advice_used, tape.n_words);
    g->n_run++;
    g->cycles += r.cycles;
    if (g->n_run == 1 || r.cycles < g->least)
        g->least = r.cycles;
    if (r.cycles > g->most)
        g->most = r.cycles;
    g->n_fit += r.cycles <= SEGMENT_ROWS && r.n_poseidon <= SEGMENT_ROWS / CALL_ROWS &&
                r.n_mulmod <= SEGMENT_ROWS / CALL_ROWS;
    if (verbose)
        printf("GUEST %s: %" PRIu64 " instructions, %" PRIu64 " POSEIDON, %" PRIu64
               " MULMOD, %zu words of advice\n",
               name, r.cycles, r.n_poseidon, r.n_mulmod, tape.n_words);
    return P_OK;
}

void vec_guest_summary(const vec_guest *g)
{
    if (!g->n_run) {
        printf("guest: no batch was run\n");
        return;
    }
    printf("guest: %zu batches in the machine, the same public words as natively; %" PRIu64
           " to %" PRIu64 " instructions, %" PRIu64 " on average; %zu within 2^20 rows\n",
           g->n_run, g->least, g->most, g->cycles / g->n_run, g->n_fit);
}
