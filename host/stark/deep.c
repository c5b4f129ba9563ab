/* f_0 = (H - H(v)) / (x - z) + gamma^M (S - S(v')) / (x - omega_N z), H and S being sums of all
 * columns with powers of gamma (docs/stark.md, DEEP). */
#include "host/stark/prover.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define LINE GL_LINE
#define CHUNK_ROWS 256
#define ITEM_ROWS 2048

static_assert(CHUNK_ROWS + 64 <= POINTS_MAX, "the inverses of a chunk and of the points before");

typedef struct deep {
    prover *p;
    gl_line_columns *here[AIR_TREES], *next[AIR_TREES]; /* weights by block */
    gl_ext at_z, at_next;                               /* H(v), S(v') */
    gl_ext next_factor;                                 /* gamma^M / omega_N */
    point_inverse z;
    gl_t omega;
    uint64_t ahead; /* 2^log_blowup: omega_N = omega^ahead */
    const uint64_t *data[AIR_TREES];
    uint64_t block_words, first, rows; /* of the tile */
    uint64_t *out;
} deep;

/* ---- weights ---- */

/* Column c of a tree of `width` columns at `offset`: gamma^(offset + width - 1 - c). Those of zero
 * columns multiply zeros. */
static void set_weights(gl_line_columns *out, gl_ext gamma, uint64_t offset, uint64_t width)
{
    gl_ext power = gl_ext_pow_var(gamma, offset);

    for (uint64_t c = width; c-- > 0; power = gl_ext_mul(power, gamma))
        gl_line_columns_set(&out[c / LINE], c % LINE, power);
}

/* Sum of weight times value over a tree's real columns; *values moves on. */
static gl_ext sum_values(const air_tree_info *tree, uint32_t columns, gl_ext gamma, uint64_t offset,
                         uint64_t width, const uint64_t **values)
{
    gl_ext sum = {{0, 0, 0}}, power = gl_ext_pow_var(gamma, offset);

    for (uint32_t c = 0; c < width; c++) { /* Horner, from the first column */
        gl_ext v = {{0, 0, 0}};

        if (c < columns && (c < tree->next || c >= tree->next_padded)) {
            memcpy(v.c, *values, sizeof v.c);
            *values += EXT_WORDS;
        }
        sum = gl_ext_add(gl_ext_mul(sum, gamma), v);
    }
    return gl_ext_mul(sum, power);
}

static p_status prepare(deep *d, gl_line_columns *weights)
{
    prover *p = d->p;
    const uint64_t *at_z = p->words + p->shape.at_z, *at_next = p->words + p->shape.at_next;
    uint64_t offset = 0, next_offset = 0;

    for (int t = 0; t < AIR_TREES; t++) {
        const air_tree_info *tree = &p->air->trees[t];
        uint64_t blocks = drv_blocks(tree->columns), width = blocks * LINE;

        d->here[t] = weights;
        set_weights(d->here[t], p->gamma, offset, width);
        weights += blocks;
        d->at_z =
            gl_ext_add(d->at_z, sum_values(tree, tree->columns, p->gamma, offset, width, &at_z));
        d->next[t] = weights;
        set_weights(d->next[t], p->gamma, next_offset, tree->next_padded);
        weights += tree->next_padded / LINE;
        d->at_next = gl_ext_add(d->at_next, sum_values(tree, tree->next, p->gamma, next_offset,
                                                       tree->next_padded, &at_next));
        offset += width;
        next_offset += tree->next_padded;
    }
    d->next_factor =
        gl_ext_scale(gl_ext_pow_var(p->gamma, offset), gl_inv(gl_root_of_unity(p->log_rows)));
    point_inverse_set(&d->z, p->z);
    return P_OK;
}

/* ---- rows ---- */

/* 1 / (x - omega_N z) = omega_N^-1 / (x / omega_N - z), and x / omega_N is the point `ahead` before
 * x: one run of inverses serves both. */
static void combine(const deep *d, uint64_t row, uint64_t count)
{
    const prover *p = d->p;
    uint64_t n = UINT64_C(1) << p->log_n, leaves = n / STARK_FOLD;
    uint64_t point = d->first + row;
    gl_ext here[CHUNK_ROWS], next[CHUNK_ROWS], inverse[POINTS_MAX];
    gl_t start = gl_mul(7, gl_pow_var(d->omega, (point + n - d->ahead) % n));

    memset(here, 0, count * sizeof here[0]);
    memset(next, 0, count * sizeof next[0]);
    for (int t = 0; t < AIR_TREES; t++) {
        const air_tree_info *tree = &p->air->trees[t];
        const uint64_t *lines = d->data[t] + row * LINE;

        if (tree->columns == 0)
            continue;
        p->lines->dot(here, lines, d->block_words, d->here[t], drv_blocks(tree->columns), count);
        if (tree->next)
            p->lines->dot(next, lines, d->block_words, d->next[t], tree->next_padded / LINE, count);
    }
    point_inverses(&d->z, start, d->omega, count + d->ahead, inverse);
    for (uint64_t i = 0; i < count; i++) {
        gl_ext v = gl_ext_mul(gl_ext_sub(here[i], d->at_z), inverse[i + d->ahead]);
        gl_ext w = gl_ext_mul(gl_ext_sub(next[i], d->at_next), inverse[i]);
        uint64_t *to = d->out + fri_place(leaves, point + i);

        v = gl_ext_add(v, gl_ext_mul(w, d->next_factor));
        memcpy(to, v.c, sizeof v.c);
    }
}

static p_status rows_item(void *arg, size_t item, unsigned worker)
{
    const deep *d = arg;
    uint64_t row = item * ITEM_ROWS, end = row + ITEM_ROWS < d->rows ? row + ITEM_ROWS : d->rows;

    (void)worker;
    for (; row < end; row += CHUNK_ROWS)
        combine(d, row, end - row < CHUNK_ROWS ? end - row : CHUNK_ROWS);
    return P_OK;
}

static p_status all_rows(deep *d, p_err *err)
{
    const bool wanted[AIR_TREES] = {true, true, true, true};
    prover *p = d->p;
    rows_reader reader;
    p_status s = rows_open(&reader, p, wanted, 0, err);

    d->block_words = reader.capacity * LINE;
    d->rows = reader.tile_rows;
    for (uint64_t k = 0; k < reader.tiles && s == P_OK; k++) {
        const uint64_t *tile;

        s = rows_next(&reader, &tile, err);
        if (s != P_OK)
            break;
        d->first = k * d->rows;
        for (int t = 0; t < AIR_TREES; t++)
            d->data[t] = tile + reader.first[t];
        s = prover_loop(p, (d->rows + ITEM_ROWS - 1) / ITEM_ROWS, rows_item, d, err);
    }
    rows_close(&reader);
    return s;
}

p_status prover_deep(prover *p, p_err *err)
{
    deep d = {
        .p = p, .omega = gl_root_of_unity(p->log_n), .ahead = UINT64_C(1) << p->params->log_blowup};
    uint64_t blocks = 0;
    gl_line_columns *weights;
    p_status s;

    for (int t = 0; t < AIR_TREES; t++)
        blocks += drv_blocks(p->air->trees[t].columns) + p->air->trees[t].next_padded / LINE;
    weights = aligned_alloc(64, blocks * sizeof *weights);
    if (!weights)
        return p_err_set(err, P_EEXHAUSTED, "no memory for powers of gamma");
    s = prepare(&d, weights);
    if (s == P_OK)
        s = prover_alloc(p, prover_layer_words(p, 0), "FRI layer 0", &p->layer_data[0], err);
    d.out = p->layer_data[0];
    if (s == P_OK)
        s = all_rows(&d, err);
    free(weights);
    return s;
}
