#include "host/groth16/multiples.h"

#include <string.h>

#define BLOCK 64 /* batches between two writes */
#define BLOCK_POINTS ((uint64_t)FIXED_BASE_BATCH * BLOCK)

typedef struct making {
    const multiples *m;
    const fixed_base *base;
    multiples_scalars *scalars;
    void *arg;
    uint64_t first, count; /* of the block */
} making;

uint64_t multiples_bytes(void)
{
    return BLOCK_POINTS * sizeof(bn_g2);
}

p_status multiples_create(multiples *m, p_err *err)
{
    return p_memory_alloc(m->memory, multiples_bytes(), 1, "points", &m->block, err);
}

void multiples_destroy(multiples *m)
{
    p_memory_free(m->memory, m->block, multiples_bytes(), 1);
    m->block = NULL;
}

static p_status batch(void *arg, size_t item, unsigned worker)
{
    const making *x = arg;
    uint64_t at = item * FIXED_BASE_BATCH, left = x->count - at;
    size_t n = left < FIXED_BASE_BATCH ? (size_t)left : FIXED_BASE_BATCH;
    size_t bytes = x->base->g2 ? sizeof(bn_g2) : sizeof(bn_g1);
    bn_fr scalars[FIXED_BASE_BATCH];

    (void)worker;
    x->scalars(x->arg, x->first + at, n, scalars);
    fixed_base_mul_var(x->base, (uint8_t *)x->m->block + at * bytes, scalars, n);
    explicit_bzero(scalars, sizeof scalars);
    return P_OK;
}

p_status multiples_append(const multiples *m, const fixed_base *base, const char *what,
                          uint64_t count, multiples_scalars *scalars, void *arg, p_err *err)
{
    making x = {.m = m, .base = base, .scalars = scalars, .arg = arg};
    p_status s = P_OK;

    for (; x.first < count && s == P_OK; x.first += x.count) {
        x.count = count - x.first < BLOCK_POINTS ? count - x.first : BLOCK_POINTS;
        if (m->progress)
            m->progress(m->context, what, (unsigned)(100 * x.first / count));
        s = p_pool_run(m->pool, (x.count + FIXED_BASE_BATCH - 1) / FIXED_BASE_BATCH, batch, &x,
                       m->cancel);
        if (s != P_OK)
            return p_err_set(err, s, "%s", p_status_text(s));
        s = binfile_append(m->writer, m->block,
                           x.count * (base->g2 ? sizeof(bn_g2) : sizeof(bn_g1)), err);
    }
    return s;
}
