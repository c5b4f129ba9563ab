/* The quotient: constraints on the smallest coset that fits its degree, divided there, transformed
 * to coefficients, and committed in pieces of N. */
#include "host/stark/prover.h"

#include "host/air/eval.h"
#include "host/stark/quotient.h"

#include <string.h>

#define ITEM_ROWS 512

/* log2 of the coset over the rows: deg Q < (D - 1) N. */
uint32_t quotient_log_blowup(const air *a)
{
    uint32_t log = 0;

    while (UINT32_C(1) << log < air_quotients(a))
        log++;
    return log > 0 ? log : 1; /* the evaluator's smallest */
}

typedef struct rows_loop {
    prover *p;
    const air_evaluator *e;
    air_rows here[AIR_TREE_QUOTIENT], next[AIR_TREE_QUOTIENT];
    uint64_t first, rows; /* of the coset, in this tile */
    uint64_t *values;     /* three columns over the coset */
    uint64_t coset;       /* rows of it */
} rows_loop;

static p_status rows_item(void *arg, size_t item, unsigned worker)
{
    const rows_loop *l = arg;
    uint64_t row = item * ITEM_ROWS;
    uint64_t count = l->rows - row < ITEM_ROWS ? l->rows - row : ITEM_ROWS;
    air_rows here[AIR_TREE_QUOTIENT], next[AIR_TREE_QUOTIENT];
    uint64_t *out[EXT_WORDS];

    memcpy(here, l->here, sizeof here);
    memcpy(next, l->next, sizeof next);
    for (int t = 0; t < AIR_TREE_QUOTIENT; t++)
        if (here[t].data) {
            here[t].data += row * here[t].row_stride;
            next[t].data += row * next[t].row_stride;
        }
    for (int c = 0; c < EXT_WORDS; c++)
        out[c] = l->values + (uint64_t)c * l->coset + l->first + row;
    air_eval_rows(l->e, worker, here, next, l->first + row, count, true, out);
    return P_OK;
}

/* Q on the coset, column by column. */
static p_status fill_values(prover *p, uint32_t log_coset, uint64_t *values, p_err *err)
{
    const bool wanted[AIR_TREES] = {
        [AIR_TREE_FIXED] = true, [AIR_TREE_MAIN] = true, [AIR_TREE_AUX] = true};
    uint32_t log_blowup = p->params->log_blowup, log_stride = p->log_n - log_coset;
    air_instance instance = {.publics = p->publics};
    air_evaluator *e = NULL;
    rows_loop l = {.p = p, .values = values, .coset = UINT64_C(1) << log_coset};
    rows_reader reader;
    p_status s = rows_open(&reader, p, wanted, UINT64_C(1) << log_blowup, err);

    memcpy(instance.challenges, p->challenges, sizeof instance.challenges);
    if (s == P_OK)
        s = air_evaluator_create(p->air, &instance, p->log_rows, log_coset - p->log_rows, p->lambda,
                                 prover_workers(p), p->device, &e, err);
    l.e = e;
    prover_note(
        p, air_evaluator_bytes(p->air, p->log_rows, log_coset - p->log_rows, prover_workers(p)));
    l.rows = reader.tile_rows >> log_stride;
    for (uint64_t k = 0; k < reader.tiles && s == P_OK; k++) {
        const uint64_t *tile;

        s = rows_next(&reader, &tile, err);
        if (s != P_OK)
            break;
        l.first = k * l.rows;
        for (int t = 0; t < AIR_TREE_QUOTIENT; t++)
            if (reader.wanted[t]) {
                l.here[t] = (air_rows){.data = tile + reader.first[t],
                                       .row_stride = (uint64_t)DRV_BLOCK_COLUMNS << log_stride,
                                       .block_stride = reader.capacity * DRV_BLOCK_COLUMNS};
                l.next[t] = l.here[t];
                l.next[t].data += (uint64_t)DRV_BLOCK_COLUMNS << log_blowup;
            }
        s = prover_loop(p, (l.rows + ITEM_ROWS - 1) / ITEM_ROWS, rows_item, &l, err);
    }
    air_evaluator_destroy(e);
    rows_close(&reader);
    return s;
}

/* ---- pieces ---- */

typedef struct pieces_loop {
    const prover *p;
    const uint64_t *values; /* coefficients, column by column */
    uint64_t coset;
    drv_matrix out;
} pieces_loop;

/* Coefficient i of piece j is coefficient j N + i of Q. */
static p_status pieces_item(void *arg, size_t item, unsigned worker)
{
    const pieces_loop *l = arg;
    uint64_t rows = UINT64_C(1) << l->p->log_rows;
    uint64_t row = item * ITEM_ROWS, end = row + ITEM_ROWS < rows ? row + ITEM_ROWS : rows;

    (void)worker;
    for (uint32_t column = 0; column < l->out.columns; column++) {
        const uint64_t *from =
            l->values + column % EXT_WORDS * l->coset + column / EXT_WORDS * rows;
        uint64_t *to = l->out.data + column / DRV_BLOCK_COLUMNS * rows * DRV_BLOCK_COLUMNS +
                       column % DRV_BLOCK_COLUMNS;

        for (uint64_t i = row; i < end; i++)
            to[i * DRV_BLOCK_COLUMNS] = from[i];
    }
    return P_OK;
}

/* A quotient of higher degree is none: the constraints do not hold on the trace. */
static p_status check_degree(prover *p, const uint64_t *values, uint64_t coset, p_err *err)
{
    const p_err why = {P_EINVAL, "the quotient's degree is too high"};
    uint64_t most = (uint64_t)air_quotients(p->air) << p->log_rows;

    for (int c = 0; c < EXT_WORDS; c++)
        for (uint64_t i = most; i < coset; i++)
            if (values[(uint64_t)c * coset + i] != 0)
                return prover_explain(p, &why, err);
    return P_OK;
}

p_status prover_quotient(prover *p, p_err *err)
{
    uint32_t log_coset = p->log_rows + quotient_log_blowup(p->air);
    uint64_t coset = UINT64_C(1) << log_coset, *values = NULL;
    drv_matrix out = {.columns = p->air->trees[AIR_TREE_QUOTIENT].columns, .log_rows = p->log_rows};
    uint64_t out_words = drv_matrix_words(out.columns, out.log_rows);
    pieces_loop l;
    p_status s = prover_alloc(p, EXT_WORDS * coset, "the quotient's values", &values, err);

    if (s == P_OK)
        s = fill_values(p, log_coset, values, err);
    if (s == P_OK) {
        drv_job job = {.op = DRV_NTT,
                       .ntt = {.field = DRV_GOLDILOCKS,
                               .layout = DRV_COLUMNS,
                               .inverse = true,
                               .log_n = log_coset,
                               .columns = EXT_WORDS,
                               .data = values,
                               .shift = {7}}};

        s = prover_job(p, &job, err);
    }
    if (s == P_OK)
        s = check_degree(p, values, coset, err);
    if (s == P_OK)
        s = prover_alloc(p, out_words, "the quotient's pieces", &out.data, err);
    if (s == P_OK) {
        l = (pieces_loop){.p = p, .values = values, .coset = coset, .out = out};
        s = prover_loop(p, ((UINT64_C(1) << p->log_rows) + ITEM_ROWS - 1) / ITEM_ROWS, pieces_item,
                        &l, err);
    }
    prover_free(p, values, EXT_WORDS * coset);
    if (s == P_OK)
        s = prover_commit(p, &out, DRV_COEFFICIENTS, p->params->log_blowup, p->shape.tree_cap_log2,
                          p->words + p->shape.cap[AIR_TREE_QUOTIENT], &p->trees[AIR_TREE_QUOTIENT],
                          err);
    prover_free(p, out.data, out_words);
    return s;
}
