/* What is read out of a commitment: opened rows with their paths, and rectangles. */
#include "driver/card/internal.h"

#include "driver/field/goldilocks.h"

#include <stdlib.h>
#include <string.h>

#define CHUNK_ROWS 65536 /* fetched at a time: 4 MiB */
#define DIRECT_ROWS 6    /* as many transfers cost less than a run of row_gather and its own two */
#define WINDOW 16        /* transfers under way */
#define GATHER_ROW_NS 1000
#define BN_ARITY 16

/* ---- scattered rows ---- */

typedef struct fetch {
    card_run *run;
    const card_rows *rows;
    const uint64_t *index; /* whole rows, padded */
    uint64_t count;
    hls_row *out;
} fetch;

static p_status fetch_one_by_one(const fetch *f, p_err *err)
{
    card_command command[WINDOW] = {{0}};
    p_status s = P_OK;

    for (uint64_t i = 0; i < f->count && s == P_OK; i++) {
        s = card_finish(f->run, &command[i % WINDOW], err);
        if (s == P_OK)
            s = card_read(f->run, &command[i % WINDOW], f->rows, f->index[i], 1, f->out + i, err);
    }
    for (unsigned i = 0; i < WINDOW && s == P_OK; i++)
        s = card_finish(f->run, &command[i], err);
    return card_end(f->run, s, err);
}

static p_status fetch_by_kernel(const fetch *f, p_err *err)
{
    card_device *d = f->run->device;
    uint64_t index_rows = (f->count + HLS_ROW_WORDS - 1) / HLS_ROW_WORDS;
    card_command command = {0};
    card_rows *index = NULL, *dst = NULL;
    p_status s = card_rows_alloc(d, CARD_SIDE_A, index_rows, &index, err);

    if (s == P_OK)
        s = card_rows_alloc(d, CARD_SIDE_A, f->count, &dst, err);
    if (s == P_OK)
        s = card_write(f->run, &command, index, 0, index_rows, f->index, err);
    if (s == P_OK)
        s = card_finish(f->run, &command, err);
    if (s == P_OK)
        s = card_start_kernel(f->run, &command, row_gather, 0, f->count * GATHER_ROW_NS, err,
                              .src = card_at(f->rows), .index = card_at(index), .dst = card_at(dst),
                              .count = card_number(f->count));
    if (s == P_OK)
        s = card_finish(f->run, &command, err);
    if (s == P_OK)
        s = card_read(f->run, &command, dst, 0, f->count, f->out, err);
    if (s == P_OK)
        s = card_finish(f->run, &command, err);
    s = card_end(f->run, s, err);
    card_rows_free(d, index);
    card_rows_free(d, dst);
    return s;
}

static p_status fetch_rows(const fetch *f, p_err *err)
{
    if (f->count <= DIRECT_ROWS || f->run->device->caps.units[CARD_row_gather] == 0)
        return fetch_one_by_one(f, err);
    return fetch_by_kernel(f, err);
}

/* ---- opened rows ---- */

typedef struct opening {
    const card_commitment *c;
    uint64_t blocks, path_rows; /* of one opened row */
    uint64_t *matrix_index, *tree_index;
    hls_row *matrix, *tree; /* NULL: not from the card */
} opening;

static void list_rows(opening *o, const uint64_t *rows, uint32_t count)
{
    const drv_commitment *shape = &o->c->shape;
    uint64_t stride = card_commit_stride(o->c), *to = o->matrix_index;

    for (uint32_t i = 0; to && i < count; i++)
        for (uint64_t b = 0; b < o->blocks; b++)
            *to++ = b * stride + rows[i];
    to = o->tree_index;
    for (uint32_t level = 0; level < shape->levels; level++) {
        uint64_t base = card_tree_row(shape, level);

        for (uint32_t i = 0; i < count; i++) {
            uint64_t *at = to + i * o->path_rows;

            if (shape->hash == DRV_HASH_GL)
                at[level] = base + (rows[i] >> level) / 2;
            else
                for (uint32_t k = 0; k < BN_ARITY / 2; k++)
                    at[level * (BN_ARITY / 2) + k] =
                        base + (rows[i] >> (4 * level)) / BN_ARITY * (BN_ARITY / 2) + k;
        }
    }
}

static void take_values(const opening *o, uint64_t row, uint32_t i, uint64_t *values)
{
    uint32_t columns = o->c->shape.columns;

    for (uint32_t column = 0; column < columns; column++) {
        uint64_t block = column / DRV_BLOCK_COLUMNS, lane = column % DRV_BLOCK_COLUMNS;

        values[column] =
            o->matrix ? o->matrix[i * o->blocks + block].w[lane]
                      : gl_from_u64(card_commit_block(o->c, block)[row * DRV_BLOCK_COLUMNS + lane]);
    }
}

static void take_path(const opening *o, uint64_t row, uint32_t i, uint64_t *path)
{
    const drv_commitment *shape = &o->c->shape;
    uint32_t arity = shape->hash == DRV_HASH_GL ? 2 : BN_ARITY;
    const uint64_t *digests = card_words(o->tree + i * o->path_rows);

    for (uint32_t level = 0; level < shape->levels; level++, row /= arity)
        for (uint32_t child = 0; child < arity; child++, digests += DRV_DIGEST_WORDS)
            if (child != row % arity) {
                memcpy(path, digests, DRV_DIGEST_WORDS * sizeof *path);
                path += DRV_DIGEST_WORDS;
            }
}

static uint64_t whole_rows(uint64_t words)
{
    return (words + HLS_ROW_WORDS - 1) / HLS_ROW_WORDS * HLS_ROW_WORDS;
}

static p_status host_rows(card_device *d, uint64_t count, uint64_t **index, hls_row **rows,
                          p_err *err)
{
    void *p;
    p_status s = card_host_alloc(d, whole_rows(count), sizeof **index, "the rows to open", &p, err);

    if (s != P_OK)
        return s;
    *index = p;
    s = card_host_alloc(d, count, sizeof **rows, "opened rows", &p, err);
    if (s == P_OK)
        *rows = p;
    return s;
}

static p_status open_chunk(card_run *run, opening *o, const uint64_t *rows, uint32_t count,
                           uint64_t *values, uint64_t *paths, p_err *err)
{
    const drv_commitment *shape = &o->c->shape;
    fetch matrix = {run, o->c->matrix, o->matrix_index, count * o->blocks, o->matrix};
    fetch tree = {run, o->c->tree, o->tree_index, count * o->path_rows, o->tree};
    p_status s = P_OK;

    list_rows(o, rows, count);
    if (o->matrix)
        s = fetch_rows(&matrix, err);
    if (s == P_OK && o->path_rows > 0)
        s = fetch_rows(&tree, err);
    for (uint32_t i = 0; i < count && s == P_OK; i++) {
        take_values(o, rows[i], i, values + (uint64_t)i * shape->columns);
        if (o->path_rows > 0)
            take_path(o, rows[i], i, paths + (uint64_t)i * shape->path_digests * DRV_DIGEST_WORDS);
    }
    return s;
}

static uint64_t path_rows(const drv_commitment *shape)
{
    return shape->hash == DRV_HASH_GL ? shape->levels : shape->levels * (BN_ARITY / 2);
}

static uint32_t chunk_of(uint64_t blocks, uint64_t path, uint32_t count)
{
    return (uint32_t)card_max(1, card_min(count, CHUNK_ROWS / card_max(blocks + path, 1)));
}

p_status card_open_rows(card_run *run, const card_commitment *c, const uint64_t *rows,
                        uint32_t count, uint64_t *values, uint64_t *paths, p_err *err)
{
    card_device *d = run->device;
    opening o = {.c = c, .blocks = drv_blocks(c->shape.columns), .path_rows = path_rows(&c->shape)};
    uint32_t chunk = chunk_of(o.blocks, o.path_rows, count);
    p_status s = P_OK;

    if (c->matrix)
        s = host_rows(d, chunk * o.blocks, &o.matrix_index, &o.matrix, err);
    if (s == P_OK && o.path_rows > 0)
        s = host_rows(d, chunk * o.path_rows, &o.tree_index, &o.tree, err);
    for (uint32_t at = 0; at < count && s == P_OK; at += chunk)
        s = open_chunk(run, &o, rows + at, (uint32_t)card_min(chunk, count - at),
                       values + (uint64_t)at * c->shape.columns,
                       paths + (uint64_t)at * c->shape.path_digests * DRV_DIGEST_WORDS, err);
    p_memory_free(&d->host, o.matrix_index, whole_rows(chunk * o.blocks), sizeof *o.matrix_index);
    p_memory_free(&d->host, o.matrix, chunk * o.blocks, sizeof *o.matrix);
    p_memory_free(&d->host, o.tree_index, whole_rows(chunk * o.path_rows), sizeof *o.tree_index);
    p_memory_free(&d->host, o.tree, chunk * o.path_rows, sizeof *o.tree);
    return s;
}

uint64_t card_open_bytes(const card_device *d, const drv_open_job *job)
{
    drv_commitment shape = {0};

    if (d->caps.units[CARD_row_gather] == 0 || drv_commitment_info(job->commitment, &shape) != P_OK)
        return 0;
    uint64_t blocks = drv_blocks(shape.columns), path = path_rows(&shape);
    uint64_t rows = chunk_of(blocks, path, job->count) * card_max(blocks, path);

    return card_rows_bytes(rows) + card_rows_bytes(rows / HLS_ROW_WORDS + 1);
}

/* Some of what was opened, against the cap that the commitment has answered. */
static p_status check_some(card_run *run, const card_commitment *c, const drv_open_job *job,
                           p_err *err)
{
    uint32_t some = c->shape.hash == DRV_HASH_GL ? 16 : 1;
    p_status s = P_OK;

    for (uint32_t k = 0; k < some && k < job->count && s == P_OK; k++) {
        uint32_t i = some >= job->count ? k : (uint32_t)(card_random(run->device) % job->count);

        s = drv_check_opening(
            &c->shape, c->cap, job->rows + i, 1, job->values + (uint64_t)i * c->shape.columns,
            job->paths + (uint64_t)i * c->shape.path_digests * DRV_DIGEST_WORDS, err);
        if (s == P_OK)
            s = card_poll(run, err);
    }
    return s;
}

p_status card_open_job(card_run *run, card_commitment *c, const drv_open_job *job, p_err *err)
{
    p_status s = card_commit_ensure(run, c, err);

    for (uint32_t i = 0; i < job->count && s == P_OK; i++)
        if (job->rows[i] >> c->shape.log_leaves != 0) /* checked before, but it is the caller's */
            s = p_err_set(err, P_EINVAL, "open.rows was changed while the job ran");
    if (s == P_OK)
        s = card_open_rows(run, c, job->rows, job->count, job->values, job->paths, err);
    return s == P_OK ? check_some(run, c, job, err) : s;
}

/* ---- rectangles ---- */

typedef struct reading {
    card_run *run;
    const card_commitment *c;
    const drv_read_job *job;
    uint64_t first, blocks; /* that the columns touch */
    uint64_t chunk;         /* rows at a time */
    uint64_t checked;       /* row that is computed again */
    hls_row *staged[2];     /* block after block, chunk rows each */
    card_command command[2][DRV_MAX_COLUMNS / DRV_BLOCK_COLUMNS];
} reading;

static p_status start_chunk(reading *r, uint64_t at, p_err *err)
{
    unsigned which = at / r->chunk % 2;
    uint64_t n = card_min(r->chunk, r->job->rows - at), stride = card_commit_stride(r->c);
    p_status s = P_OK;

    for (uint64_t b = 0; b < r->blocks && s == P_OK; b++)
        s = card_read(r->run, &r->command[which][b], r->c->matrix,
                      (r->first + b) * stride + r->job->row + at, n,
                      r->staged[which] + b * r->chunk, err);
    return s;
}

static p_status check_chunk(reading *r, uint64_t at, p_err *err)
{
    uint64_t n = card_min(r->chunk, r->job->rows - at);
    hls_row rows[DRV_MAX_COLUMNS / DRV_BLOCK_COLUMNS];

    if (r->checked < at || r->checked - at >= n)
        return P_OK;
    for (uint64_t b = 0; b < r->blocks; b++)
        rows[b] = r->staged[at / r->chunk % 2][b * r->chunk + r->checked - at];
    return card_check_row(r->run, r->c, r->job->row + r->checked, r->first, r->blocks, rows, err);
}

static p_status finish_chunk(reading *r, uint64_t at, p_err *err)
{
    const drv_read_job *job = r->job;
    unsigned which = at / r->chunk % 2;
    uint64_t n = card_min(r->chunk, job->rows - at);
    p_status s = P_OK;

    for (uint64_t b = 0; b < r->blocks && s == P_OK; b++)
        s = card_finish(r->run, &r->command[which][b], err);
    if (s != P_OK)
        return s;
    for (uint64_t i = 0; i < n; i++)
        for (uint32_t k = 0; k < job->columns; k++) {
            uint64_t column = job->column + k, b = column / DRV_BLOCK_COLUMNS - r->first;

            job->out[(at + i) * job->columns + k] =
                r->staged[which][b * r->chunk + i].w[column % DRV_BLOCK_COLUMNS];
        }
    return check_chunk(r, at, err);
}

static p_status read_leaves(card_run *run, const card_commitment *c, const drv_read_job *job,
                            p_err *err)
{
    uint64_t *to = job->out;
    p_status s = P_OK;

    for (uint64_t i = job->row; i < job->row + job->rows && s == P_OK; i++) {
        for (uint32_t column = job->column; column < job->column + job->columns; column++)
            *to++ = gl_from_u64(card_commit_block(
                c, column / DRV_BLOCK_COLUMNS)[i * DRV_BLOCK_COLUMNS + column % DRV_BLOCK_COLUMNS]);
        s = i % 1024 == 0 ? card_poll(run, err) : P_OK;
    }
    return s;
}

static p_status read_card(card_run *run, const card_commitment *c, const drv_read_job *job,
                          p_err *err)
{
    card_device *d = run->device;
    reading *r = calloc(1, sizeof *r);
    uint64_t first = job->column / DRV_BLOCK_COLUMNS;
    void *p;
    p_status s = P_OK;

    if (!r)
        return p_err_set(err, P_EEXHAUSTED, "no memory for a reading");
    *r = (reading){.run = run, .c = c, .job = job, .first = first};
    r->blocks = (job->column + job->columns - 1) / DRV_BLOCK_COLUMNS - first + 1;
    r->chunk = card_min(job->rows, card_max(1, CHUNK_ROWS / r->blocks));
    r->checked = card_random(d) % job->rows;
    for (unsigned i = 0; i < 2 && s == P_OK; i++) {
        s = card_host_alloc(d, r->blocks * r->chunk, HLS_ROW_BYTES, "rows to read", &p, err);
        r->staged[i] = s == P_OK ? p : NULL;
    }
    if (s == P_OK)
        s = start_chunk(r, 0, err);
    for (uint64_t at = 0; at < job->rows && s == P_OK; at += r->chunk) {
        if (at + r->chunk < job->rows)
            s = start_chunk(r, at + r->chunk, err);
        if (s == P_OK)
            s = finish_chunk(r, at, err);
    }
    s = card_end(run, s, err);
    for (unsigned i = 0; i < 2; i++)
        p_memory_free(&d->host, r->staged[i], r->blocks * r->chunk, HLS_ROW_BYTES);
    free(r);
    return s;
}

p_status card_read_job(card_run *run, card_commitment *c, const drv_read_job *job, p_err *err)
{
    p_status s;

    if (c->input == DRV_LEAVES)
        return read_leaves(run, c, job, err);
    s = card_commit_ensure(run, c, err);
    return s == P_OK ? read_card(run, c, job, err) : s;
}
