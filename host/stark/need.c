/* The memory that a proof needs, phase by phase: what prove.c and its parts allocate. */
#include "host/air/eval.h"
#include "host/stark/prover.h"
#include "host/stark/quotient.h"

#include <inttypes.h>

#define WORD sizeof(uint64_t)

/* An array as p_memory counts it. */
static uint64_t pages(uint64_t words)
{
    return (words * WORD + P_MEMORY_ALIGN - 1) / P_MEMORY_ALIGN * P_MEMORY_ALIGN;
}

/* What lives, and the most so far, of the host's arrays, the device's, and both together. */
typedef struct need {
    uint64_t host, device;
    uint64_t host_most, device_most, most;
} need;

/* So much more for a moment. */
static void peak(need *n, uint64_t host, uint64_t device)
{
    uint64_t h = n->host + host, d = n->device + device;

    n->host_most = h > n->host_most ? h : n->host_most;
    n->device_most = d > n->device_most ? d : n->device_most;
    n->most = h + d > n->most ? h + d : n->most;
}

static p_status commit(const stark_key *key, drv_matrix in, drv_input input, uint32_t log_blowup,
                       uint32_t cap_log2, uint64_t *bytes, p_err *err)
{
    drv_handle *handle;
    drv_job job = {.op = DRV_COMMIT,
                   .commit = {.in = in,
                              .input = input,
                              .hash = key->vk.params.hash,
                              .log_blowup = log_blowup,
                              .cap_log2 = cap_log2,
                              .out = &handle}};

    return drv_estimate(key->device, &job, bytes, err);
}

/* A commitment of a tree, which stays; its matrix is in memory at that time. */
static p_status tree(const stark_key *key, air_tree t, drv_input input, need *n, p_err *err)
{
    const stark_params *p = &key->vk.params;
    drv_matrix in = {.columns = key->vk.air->trees[t].columns, .log_rows = p->log_rows};
    uint64_t bytes = 0, own = t == AIR_TREE_MAIN ? 0 : drv_matrix_words(in.columns, in.log_rows);
    p_status s = in.columns == 0
                     ? P_OK
                     : commit(key, in, input, p->log_blowup,
                              stark_cap_log2(p, p->log_rows + p->log_blowup), &bytes, err);

    peak(n, pages(own), bytes);
    n->device += bytes;
    return s;
}

static p_status quotient(const stark_key *key, unsigned workers, need *n, p_err *err)
{
    const bool wanted[AIR_TREES] = {true, true, true, false};
    const air *a = key->vk.air;
    const stark_params *p = &key->vk.params;
    uint32_t log_coset = p->log_rows + quotient_log_blowup(a);
    uint64_t values = pages((uint64_t)EXT_WORDS << log_coset), transform = 0;
    drv_job job = {.op = DRV_NTT,
                   .ntt = {.field = DRV_GOLDILOCKS,
                           .layout = DRV_COLUMNS,
                           .inverse = true,
                           .log_n = log_coset,
                           .columns = EXT_WORDS,
                           .shift = {7}}};
    p_status s = drv_estimate(key->device, &job, &transform, err);

    peak(n,
         values + rows_bytes(a, p, wanted, UINT64_C(1) << p->log_blowup) +
             air_evaluator_bytes(a, p->log_rows, log_coset - p->log_rows, workers),
         0);
    peak(n, values, transform);
    peak(n, values + pages(drv_matrix_words(a->trees[AIR_TREE_QUOTIENT].columns, p->log_rows)), 0);
    return s == P_OK ? tree(key, AIR_TREE_QUOTIENT, DRV_COEFFICIENTS, n, err) : s;
}

static p_status deep_and_fri(const stark_key *key, need *n, p_err *err)
{
    const bool all[AIR_TREES] = {true, true, true, true};
    const stark_params *p = &key->vk.params;
    uint32_t log_n = p->log_rows + p->log_blowup, layers = stark_layers(p);
    p_status s = P_OK;

    for (uint32_t k = 0; k <= layers && s == P_OK; k++) {
        uint32_t log_points = log_n - STARK_FOLD_LOG2 * k;
        drv_matrix leaves = {.columns = STARK_FOLD * FRI_SLOT_WORDS,
                             .log_rows = log_points - STARK_FOLD_LOG2};
        uint64_t bytes = 0, data = pages((uint64_t)FRI_SLOT_WORDS << log_points);

        peak(n, data + (k == 0 ? rows_bytes(key->vk.air, p, all, 0) : 0), 0);
        if (k == layers)
            break;
        n->host += data;
        s = commit(key, leaves, DRV_LEAVES, 0, stark_cap_log2(p, leaves.log_rows), &bytes, err);
        peak(n, 0, bytes);
        n->device += bytes;
    }
    return s;
}

static p_status compute(const stark_key *key, const stark_options *o, need *n, p_err *err)
{
    const bool extended[AIR_TREES] = {false, false, true, true};
    const stark_params *p = &key->vk.params;
    p_status s;

    *n = (need){0};
    s = tree(key, AIR_TREE_MAIN, DRV_VALUES, n, err);
    if (s == P_OK)
        s = tree(key, AIR_TREE_AUX, DRV_VALUES, n, err);
    if (s == P_OK)
        s = quotient(key, o && o->pool ? p_pool_threads(o->pool) : 1, n, err);
    peak(n, rows_bytes(key->vk.air, p, extended, UINT64_C(1) << p->log_blowup), 0);
    return s == P_OK ? deep_and_fri(key, n, err) : s;
}

p_status stark_memory(const stark_key *key, const stark_options *o, uint64_t *bytes, p_err *err)
{
    need n;
    p_status s = compute(key, o, &n, err);

    *bytes = n.most;
    return s;
}

static p_status refuse(const char *what, uint64_t wanted, uint64_t have, p_err *err)
{
    if (wanted <= have)
        return P_OK;
    return p_err_set(err, P_EEXHAUSTED,
                     "the proof needs %" PRIu64 " bytes of %s; there are %" PRIu64, wanted, what,
                     have);
}

p_status prover_check_memory(const stark_key *key, const stark_options *o, uint64_t *bytes,
                             p_err *err)
{
    const drv_info *info = drv_device_info(key->device);
    need n;
    p_status s = compute(key, o, &n, err);

    *bytes = n.most;
    if (s != P_OK)
        return s;
    if (o->memory_bytes > 0)
        return refuse("memory (the limit of this proof)", n.most, o->memory_bytes, err);
    s = refuse("the device's memory", n.device_most, info->memory_bytes, err);
    /* accelerators have memory of their own; any other device shares the host's */
    if (s == P_OK)
        s = refuse("memory", info->rank >= DRV_RANK_ACCELERATOR ? n.host_most : n.most,
                   p_memory_available(), err);
    return s;
}
