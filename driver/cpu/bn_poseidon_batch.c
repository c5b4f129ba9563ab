#include "driver/cpu/bn_poseidon_set.h"
#include "driver/cpu/kernels.h"

/* Permutations of an item: 25 us, of the smallest widths with IFMA, to 2 ms in portable C; a
 * multiple of the lanes of every implementation. */
#define ITEM_STATES 16

typedef struct batch {
    const bn_poseidon *poseidon;
    const bn_poseidon_ops *ops;
    const drv_poseidon_job *job;
} batch;

static p_status batch_item(void *arg, size_t item, unsigned worker)
{
    const batch *b = arg;
    uint64_t at = (uint64_t)item * ITEM_STATES, left = b->job->count - at;

    (void)worker;
    b->ops->permute(b->poseidon, b->job->form == DRV_MONTGOMERY ? BN_MONTGOMERY : BN_CANONICAL,
                    b->job->states + at * b->job->width * 4,
                    left < ITEM_STATES ? left : ITEM_STATES);
    return P_OK;
}

p_status cpu_bn_poseidon(const cpu_run *run, const drv_poseidon_job *job, p_err *err)
{
    batch b = {.ops = bn_poseidon_select(run->isa), .job = job};
    p_status s = cpu_bn_poseidon_get(run->bn_poseidon, job->width, &b.poseidon, err);

    if (s != P_OK)
        return s;
    s = p_pool_run(run->pool, (job->count + ITEM_STATES - 1) / ITEM_STATES, batch_item, &b,
                   run->cancel);
    return s == P_OK ? P_OK : p_err_set(err, s, "Poseidon permutations: %s", p_status_text(s));
}
