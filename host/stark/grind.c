/* The nonce: the smallest one for which the grinding element ends in enough zeros. Nonces are tried
 * in rounds, in order, so the result does not depend on threads. */
#include "host/stark/prover.h"

#include <stdatomic.h>
#include <string.h>

#define GL_ITEM 256 /* nonces of an item */
#define BN_ITEM 32
#define ITEMS_PER_WORKER 8
#define BN_WORDS DRV_DIGEST_WORDS
#define BN_CHUNK (BN_POSEIDON_MAX_WIDTH - 1)
#define BN_SQUEEZE 3 /* width */

typedef struct grind {
    const prover *p;
    uint64_t first, mask, item_nonces;
    atomic_uint_least64_t found; /* smallest of this round; UINT64_MAX: none */
} grind;

/* The state after absorbing the sequence (1, nonce) and the permutation that begins the squeeze. */
static void elements_gl(const stark_transcript *t, uint64_t first, uint64_t *out)
{
    gl_t states[GL_ITEM][GL_POSEIDON_WIDTH];

    for (uint64_t i = 0; i < GL_ITEM; i++) {
        memcpy(states[i], t->state.gl, sizeof states[i]);
        memset(states[i], 0, GL_POSEIDON_RATE * sizeof states[i][0]);
        states[i][0] = 1;
        states[i][1] = first + i;
    }
    t->hash->gl->permute_many(states[0], GL_ITEM);
    t->hash->gl->permute_many(states[0], GL_ITEM);
    for (uint64_t i = 0; i < GL_ITEM; i++)
        out[i] = states[i][0];
}

static void elements_bn(const stark_transcript *t, uint64_t first, uint64_t *out)
{
    const stark_hash *h = t->hash;
    uint64_t initial[BN_ITEM][BN_WORDS], in[BN_ITEM][BN_CHUNK][BN_WORDS];
    uint64_t states[BN_ITEM][BN_SQUEEZE][BN_WORDS];

    memset(in, 0, sizeof in);
    memset(states, 0, sizeof states);
    for (uint64_t i = 0; i < BN_ITEM; i++) {
        memcpy(initial[i], t->state.bn, sizeof initial[i]);
        in[i][0][0] = 1;
        in[i][1][0] = first + i;
    }
    h->bn->hash(h->bn_width[BN_POSEIDON_MAX_WIDTH], BN_CANONICAL, initial[0], in[0][0], initial[0],
                BN_ITEM);
    for (uint64_t i = 0; i < BN_ITEM; i++)
        memcpy(states[i][0], initial[i], sizeof initial[i]);
    h->bn->permute(h->bn_width[BN_SQUEEZE], BN_CANONICAL, states[0][0], BN_ITEM);
    for (uint64_t i = 0; i < BN_ITEM; i++)
        out[i] = states[i][1][0];
}

static p_status grind_item(void *arg, size_t item, unsigned worker)
{
    grind *g = arg;
    const stark_transcript *t = &g->p->transcript;
    uint64_t elements[GL_ITEM], first = g->first + item * g->item_nonces;

    (void)worker;
    if (t->hash->kind == DRV_HASH_GL)
        elements_gl(t, first, elements);
    else
        elements_bn(t, first, elements);
    for (uint64_t i = 0; i < g->item_nonces; i++) {
        uint_least64_t best = atomic_load(&g->found);

        if ((elements[i] & g->mask) != 0)
            continue;
        while (first + i < best && !atomic_compare_exchange_weak(&g->found, &best, first + i))
            ;
        break;
    }
    return P_OK;
}

p_status prover_grind(prover *p, p_err *err)
{
    size_t items = (size_t)prover_workers(p) * ITEMS_PER_WORKER;
    grind g = {.p = p,
               .mask = (UINT64_C(1) << p->params->grinding_bits) - 1,
               .item_nonces = p->params->hash == DRV_HASH_GL ? GL_ITEM : BN_ITEM};
    p_status s = P_OK;

    atomic_init(&g.found, UINT64_MAX);
    /* a chance of 2^-grinding_bits each, at most 2^32 tries on average: far from p */
    while (s == P_OK && atomic_load(&g.found) == UINT64_MAX) {
        s = prover_loop(p, items, grind_item, &g, err);
        g.first += items * g.item_nonces;
    }
    p->words[p->shape.nonce] = atomic_load(&g.found);
    return s;
}
