/* Columns at z and omega_N z: barycentric sums over N values of each.
 *
 * On the coset s <omega_N> with points x_i, f(y) = (y^N - s^N) / (N s^N) sum of f(x_i) x_i / (y -
 * x_i). At y = omega_N z, y^N = z^N and x_i / (omega_N z - x_i) = x_(i-1) / (z - x_(i-1)): the
 * weights of z serve both, one row further on.
 *
 * Fixed and main columns are summed over the trace's rows (s = 1), which are in memory as they are;
 * the others, whose values are only on the device by now, over those rows of the extended matrix
 * that lie 2^log_blowup apart (s = 7). */
#include "host/stark/prover.h"

#include <stdlib.h>
#include <string.h>

#define LINE GL_LINE
#define CHUNK_ROWS 128 /* weights of so many rows stay in the first cache */
#define ITEM_ROWS 1024

/* Blocks whose rows lie side by side. */
typedef struct source {
    const uint64_t *data;
    uint64_t block_words, blocks, next_blocks;
    gl_ext *at_z, *at_next; /* sums of the blocks' columns, of worker 0 */
} source;

typedef struct sums {
    prover *p;
    const point_inverse *z;
    source sources[AIR_TREES];
    unsigned count;
    uint64_t row_words; /* from a row to the next */
    uint64_t rows;      /* of these sources, from first on */
    uint64_t wrap;      /* row behind which comes row 0; UINT64_MAX: the rows go on */
    uint64_t first;     /* number of the first one's point */
    gl_t shift, omega;
    uint64_t stride; /* elements from a worker's sums to the next's */
} sums;

static void next_rows(const sums *s, const source *from, uint64_t row, uint64_t count,
                      const gl_line_weight *weights, gl_ext *out)
{
    const gl_lines_ops *ops = s->p->lines;
    uint64_t around = row + count == s->wrap; /* the last row's next is the first */

    for (uint64_t b = 0; b < from->next_blocks; b++, out += LINE) {
        const uint64_t *block = from->data + b * from->block_words;

        ops->sum(out, block + (row + 1) * s->row_words, s->row_words, weights, count - around);
        if (around)
            ops->sum(out, block, s->row_words, weights + count - 1, 1);
    }
}

static p_status sums_item(void *arg, size_t item, unsigned worker)
{
    const sums *s = arg;
    uint64_t row = item * ITEM_ROWS, end = row + ITEM_ROWS < s->rows ? row + ITEM_ROWS : s->rows;
    gl_t x = gl_mul(s->shift, gl_pow_var(s->omega, s->first + row));
    gl_ext inverse[CHUNK_ROWS];
    gl_line_weight weights[CHUNK_ROWS];

    while (row < end) {
        uint64_t n = end - row < CHUNK_ROWS ? end - row : CHUNK_ROWS;

        point_inverses(s->z, x, s->omega, n, inverse);
        for (uint64_t i = 0; i < n; i++, x = gl_mul(x, s->omega))
            gl_line_weight_set(&weights[i], gl_ext_scale(inverse[i], x));
        for (unsigned k = 0; k < s->count; k++) {
            const source *from = &s->sources[k];
            gl_ext *out = from->at_z + worker * s->stride;

            for (uint64_t b = 0; b < from->blocks; b++)
                s->p->lines->sum(out + b * LINE,
                                 from->data + b * from->block_words + row * s->row_words,
                                 s->row_words, weights, n);
            next_rows(s, from, row, n, weights, from->at_next + worker * s->stride);
        }
        row += n;
    }
    return P_OK;
}

static p_status run_sums(sums *s, p_err *err)
{
    return prover_loop(s->p, (s->rows + ITEM_ROWS - 1) / ITEM_ROWS, sums_item, s, err);
}

/* ---- sources ---- */

static p_status sum_traces(prover *p, sums *s, const source all[AIR_TREES], p_err *err)
{
    const drv_matrix *traces[AIR_TREES] = {
        [AIR_TREE_FIXED] = &p->key->fixed_rows, [AIR_TREE_MAIN] = p->main};

    s->count = 0;
    s->row_words = LINE;
    s->rows = UINT64_C(1) << p->log_rows;
    s->wrap = s->rows;
    s->first = 0;
    s->shift = 1;
    for (int t = AIR_TREE_FIXED; t <= AIR_TREE_MAIN; t++)
        if (all[t].blocks) {
            source *to = &s->sources[s->count++];

            *to = all[t];
            to->data = traces[t]->data;
            to->block_words = (uint64_t)LINE << p->log_rows;
        }
    return run_sums(s, err);
}

static p_status sum_extended(prover *p, sums *s, const source all[AIR_TREES], p_err *err)
{
    const bool wanted[AIR_TREES] = {[AIR_TREE_AUX] = true, [AIR_TREE_QUOTIENT] = true};
    uint32_t log_blowup = p->params->log_blowup;
    rows_reader reader;
    p_status status = rows_open(&reader, p, wanted, UINT64_C(1) << log_blowup, err);

    s->row_words = (uint64_t)LINE << log_blowup;
    s->rows = reader.tile_rows >> log_blowup;
    s->wrap = UINT64_MAX; /* a tile has the row after its last */
    s->shift = 7;
    for (uint64_t k = 0; k < reader.tiles && status == P_OK; k++) {
        const uint64_t *tile;

        status = rows_next(&reader, &tile, err);
        s->count = 0;
        s->first = k * s->rows;
        for (int t = AIR_TREE_AUX; t < AIR_TREES && status == P_OK; t++)
            if (all[t].blocks) {
                source *to = &s->sources[s->count++];

                *to = all[t];
                to->data = tile + reader.first[t];
                to->block_words = reader.capacity * LINE;
            }
        if (status == P_OK)
            status = run_sums(s, err);
    }
    rows_close(&reader);
    return status;
}

/* ---- results ---- */

/* The factor of a coset's sums, whose weights are x_i / (x_i - z): (s^N - z^N) / (N s^N). */
static gl_ext factor(const prover *p, gl_t shift)
{
    uint64_t n = UINT64_C(1) << p->log_rows;
    gl_t power = gl_pow_var(shift, n);
    gl_ext top = gl_ext_sub(gl_ext_from_base(power), gl_ext_pow_var(p->z, n));

    return gl_ext_scale(top, gl_inv(gl_mul(gl_from_u64(n), power)));
}

/* Adds up the workers' sums of one column. */
static gl_ext total(const prover *p, const gl_ext *sum, uint64_t stride, gl_ext scale)
{
    gl_ext out = {{0, 0, 0}};

    for (unsigned w = 0; w < prover_workers(p); w++)
        out = gl_ext_add(out, sum[w * stride]);
    return gl_ext_mul(out, scale);
}

static void put_values(prover *p, const sums *s, const source all[AIR_TREES])
{
    uint64_t *at_z = p->words + p->shape.at_z, *at_next = p->words + p->shape.at_next;

    for (int t = 0; t < AIR_TREES; t++) {
        const air_tree_info *tree = &p->air->trees[t];
        gl_ext scale = factor(p, t <= AIR_TREE_MAIN ? 1 : 7);

        for (uint32_t c = 0; c < tree->columns; c++) {
            gl_ext v;

            if (c >= tree->next && c < tree->next_padded)
                continue; /* zero columns */
            v = total(p, all[t].at_z + c, s->stride, scale);
            memcpy(at_z, v.c, sizeof v.c);
            at_z += EXT_WORDS;
            if (c >= tree->next)
                continue;
            v = total(p, all[t].at_next + c, s->stride, scale);
            memcpy(at_next, v.c, sizeof v.c);
            at_next += EXT_WORDS;
        }
    }
}

p_status prover_evaluate(prover *p, p_err *err)
{
    source all[AIR_TREES] = {{0}};
    sums s = {.p = p, .omega = gl_root_of_unity(p->log_rows)};
    point_inverse z;
    gl_ext *values;
    p_status status;

    point_inverse_set(&z, p->z);
    s.z = &z;
    for (int t = 0; t < AIR_TREES; t++) {
        all[t].blocks = drv_blocks(p->air->trees[t].columns);
        all[t].next_blocks = p->air->trees[t].next_padded / LINE;
        s.stride += (all[t].blocks + all[t].next_blocks) * LINE;
    }
    values = calloc(s.stride * prover_workers(p), sizeof *values);
    if (!values)
        return p_err_set(err, P_EEXHAUSTED, "no memory for evaluations");
    for (uint64_t t = 0, at = 0; t < AIR_TREES; t++) {
        all[t].at_z = values + at;
        all[t].at_next = all[t].at_z + all[t].blocks * LINE;
        at += (all[t].blocks + all[t].next_blocks) * LINE;
    }
    status = sum_traces(p, &s, all, err);
    if (status == P_OK)
        status = sum_extended(p, &s, all, err);
    if (status == P_OK)
        put_values(p, &s, all);
    free(values);
    return status;
}
