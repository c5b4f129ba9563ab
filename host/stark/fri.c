/* Layer after layer: committed, folded; the last one's coefficients are sent. */
#include "host/stark/fri.h"
#include "host/stark/prover.h"

#include <string.h>

#define ITEM_POINTS 512
#define LEAF_COLUMNS (STARK_FOLD * FRI_SLOT_WORDS)

typedef struct fold_loop {
    fri_layer layer;
    gl_ext beta;
    uint64_t points; /* of the next layer */
    uint64_t *out;
} fold_loop;

static p_status fold_item(void *arg, size_t item, unsigned worker)
{
    const fold_loop *l = arg;
    uint64_t first = item * ITEM_POINTS, left = l->points - first;

    (void)worker;
    fri_fold(&l->layer, l->beta, first, left < ITEM_POINTS ? left : ITEM_POINTS, l->out);
    return P_OK;
}

/* Commits layer k and draws its challenge. */
static p_status commit_layer(prover *p, uint32_t k, gl_ext *beta, p_err *err)
{
    uint64_t *cap = p->words + p->shape.layer_cap[k];
    drv_matrix leaves = {.data = p->layer_data[k],
                         .columns = LEAF_COLUMNS,
                         .log_rows = p->shape.layer_leaves_log2[k]};
    p_status s = prover_commit(p, &leaves, DRV_LEAVES, 0, p->shape.layer_cap_log2[k], cap,
                               &p->layers[k], err);

    if (s != P_OK)
        return s;
    stark_absorb_digests(&p->transcript, "cap of a FRI layer", cap,
                         UINT64_C(1) << p->shape.layer_cap_log2[k]);
    stark_squeeze_begin(&p->transcript);
    *beta = stark_squeeze_ext(&p->transcript, "beta_k");
    return P_OK;
}

/* Coefficients from the points that lie 2^log_blowup apart. */
static void finish(prover *p, const uint64_t *data, gl_t shift)
{
    uint32_t log = p->shape.final_log2, log_blowup = p->params->log_blowup;
    uint64_t leaves = (UINT64_C(1) << (log + log_blowup)) / STARK_FOLD;
    gl_ext values[1 << STARK_MAX_FINAL_LOG2], coefficients[1 << STARK_MAX_FINAL_LOG2];
    uint64_t *out = p->words + p->shape.final;

    for (uint64_t i = 0; i < UINT64_C(1) << log; i++)
        memcpy(values[i].c, data + fri_place(leaves, i << log_blowup), sizeof values[i].c);
    fri_interpolate(values, log, shift, coefficients);
    for (uint64_t i = 0; i < UINT64_C(1) << log; i++)
        memcpy(out + i * EXT_WORDS, coefficients[i].c, sizeof coefficients[i].c);
    stark_absorb_words(&p->transcript, "final coefficients", out, (uint64_t)EXT_WORDS << log);
}

p_status prover_fri(prover *p, p_err *err)
{
    gl_t shift = 7;
    uint64_t *last = NULL, last_words = 0;
    p_status s = P_OK;

    for (uint32_t k = 0; k < p->shape.layers && s == P_OK; k++) {
        uint32_t log_points = p->log_n - STARK_FOLD_LOG2 * k;
        fold_loop l = {
            .layer = {.data = p->layer_data[k], .log_points = log_points, .shift = shift},
            .points = UINT64_C(1) << (log_points - STARK_FOLD_LOG2)};

        s = commit_layer(p, k, &l.beta, err);
        if (s != P_OK)
            break;
        if (k + 1 < p->shape.layers) {
            s = prover_alloc(p, prover_layer_words(p, k + 1), "a FRI layer", &p->layer_data[k + 1],
                             err);
            l.out = p->layer_data[k + 1];
        } else {
            last_words = prover_layer_words(p, k + 1);
            s = prover_alloc(p, last_words, "the last FRI layer", &last, err);
            l.out = last;
        }
        if (s == P_OK)
            s = prover_loop(p, (l.points + ITEM_POINTS - 1) / ITEM_POINTS, fold_item, &l, err);
        for (int i = 0; i < STARK_FOLD_LOG2; i++)
            shift = gl_sqr(shift);
        prover_progress(p, k + 1, p->shape.layers);
    }
    if (s == P_OK)
        finish(p, last, shift);
    prover_free(p, last, last_words);
    return s;
}
