/* Commitments. Groups of blocks are streamed: while group i is extended, group i + 1 is copied and
 * uploaded, and group i - 1 hashed. Over Goldilocks a group is one block, over BN254 the six blocks
 * whose 48 columns one permutation takes. Extended matrix and tree stay on the card; a commitment
 * of leaves keeps the tree only. */
#include "driver/card/internal.h"

#include "driver/field/goldilocks.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define SHIFT 7 /* driver.h */
#define BN_GROUP_COLUMNS 48
#define BN_PACKED 3
#define MAX_GROUP 6
#define MAX_SLOTS (CARD_MAX_UNITS + 1)
#define RING (MAX_SLOTS + 2)
/* Time on hardware, ten times too much: a row of a transform, a permutation. */
#define LDE_ROW_NS 50
#define GL_HASH_NS 100
#define BN_HASH_NS 20000

typedef struct plan {
    bool extend, bn;
    uint32_t log_rows, log_leaves, levels;
    uint64_t blocks, group, groups;
    uint64_t in_stride, out_stride; /* rows from block to block */
    uint32_t lde_units, hash_units, slots;
    uint32_t parts_log2; /* each unit absorbs a part of the leaves */
    uint64_t slot_rows, tmp_rows, matrix_rows, tree_rows;
    uint64_t table_bytes; /* BN254: constants of the widths that it needs */
} plan;

/* ---- where things are ---- */

uint64_t card_tree_row(const drv_commitment *shape, uint32_t level)
{
    uint64_t row = 0;

    for (uint32_t k = 0; k < level; k++) {
        if (shape->hash == DRV_HASH_GL)
            row += card_max(((uint64_t)1 << (shape->log_leaves - k)) / 2, 1);
        else
            row += card_align(card_max(((uint64_t)1 << (shape->log_leaves - 4 * k)) / 2, 1));
    }
    return row;
}

static uint64_t stride_of(uint32_t log_rows)
{
    return card_align((uint64_t)1 << log_rows);
}

uint64_t card_commit_stride(const card_commitment *c)
{
    return stride_of(c->shape.log_leaves);
}

static uint64_t plan_bytes(const plan *p)
{
    return p->slots * card_rows_bytes(p->slot_rows) +
           (p->extend
                ? p->lde_units * card_rows_bytes(p->tmp_rows) + card_rows_bytes(p->matrix_rows)
                : 0) +
           card_rows_bytes(p->tree_rows) + p->table_bytes;
}

/* Columns of a group over BN254, and the permutation that takes them. */
static uint32_t group_columns(uint32_t columns, uint64_t group)
{
    return (uint32_t)card_min(columns - group * BN_GROUP_COLUMNS, BN_GROUP_COLUMNS);
}

static uint32_t width_of(uint32_t columns)
{
    return (columns + BN_PACKED - 1) / BN_PACKED + 1;
}

static void make_plan(const card_device *d, const drv_commitment *shape, drv_input input,
                      uint32_t log_rows, bool small, plan *p)
{
    uint64_t leaves = (uint64_t)1 << shape->log_leaves;

    *p = (plan){.extend = input != DRV_LEAVES,
                .bn = shape->hash == DRV_HASH_BN254,
                .log_rows = log_rows,
                .log_leaves = shape->log_leaves,
                .levels = shape->levels,
                .blocks = drv_blocks(shape->columns),
                .in_stride = stride_of(log_rows),
                .out_stride = stride_of(shape->log_leaves),
                .lde_units = 1,
                .slots = 1};
    p->group = p->bn ? card_min(p->blocks, MAX_GROUP) : 1;
    p->groups = (p->blocks + p->group - 1) / p->group;
    p->hash_units = card_units(d, p->bn ? CARD_bn_poseidon : CARD_gl_merkle);
    /* a part begins at an aligned row of digests */
    while (2u << p->parts_log2 <= p->hash_units &&
           leaves >> (p->parts_log2 + 1) >= 2 * HLS_ROW_ALIGN)
        p->parts_log2++;
    if (!small) {
        p->lde_units = (uint32_t)card_min(card_units(d, CARD_gl_lde), p->blocks);
        p->slots = (uint32_t)card_min(p->extend && !p->bn ? p->lde_units + 1 : 2, p->groups);
    }
    if (p->bn) {
        uint32_t last = width_of(group_columns(shape->columns, p->groups - 1));
        bool full = p->groups > 1 || p->levels > 0;

        p->table_bytes = card_poseidon_table_bytes(last) +
                         (full && last != BN_POSEIDON_MAX_WIDTH
                              ? card_poseidon_table_bytes(BN_POSEIDON_MAX_WIDTH)
                              : 0);
    }
    p->slot_rows = p->group * p->in_stride;
    p->tmp_rows = p->out_stride;
    p->matrix_rows = p->blocks * p->out_stride;
    p->tree_rows =
        card_tree_row(shape, shape->levels) + card_max(((uint64_t)1 << shape->cap_log2) / 2, 1);
}

static void choose_plan(const card_device *d, const drv_commitment *shape, drv_input input,
                        uint32_t log_rows, plan *p)
{
    make_plan(d, shape, input, log_rows, false, p);
    if (plan_bytes(p) > d->info.memory_bytes)
        make_plan(d, shape, input, log_rows, true, p);
}

static drv_commitment shape_of(const drv_commit_job *job)
{
    uint32_t arity_log2 = job->hash == DRV_HASH_GL ? 1 : 4;
    drv_commitment s = {.columns = job->in.columns,
                        .log_leaves = job->in.log_rows + job->log_blowup,
                        .cap_log2 = job->cap_log2,
                        .hash = job->hash};

    s.levels = (s.log_leaves - s.cap_log2) / arity_log2;
    s.path_digests = s.levels * ((1u << arity_log2) - 1);
    return s;
}

uint64_t card_commit_bytes(const card_device *d, const drv_commit_job *job)
{
    drv_commitment shape = shape_of(job);
    plan p;

    make_plan(d, &shape, job->input, job->in.log_rows, true, &p);
    return plan_bytes(&p);
}

/* ---- on the host ---- */

static uint64_t block_words(const card_commitment *c)
{
    return (uint64_t)DRV_BLOCK_COLUMNS << c->in.log_rows;
}

const uint64_t *card_commit_block(const card_commitment *c, uint64_t block)
{
    return c->last && block == drv_blocks(c->in.columns) - 1 ? c->last
                                                             : c->in.data + block * block_words(c);
}

/* Rows of a block with zeros in the filling columns. */
static p_status copy_block(const card_run *run, uint64_t *to, const uint64_t *from, uint64_t rows,
                           uint32_t filled, p_err *err)
{
    p_status s = P_OK;

    for (uint64_t at = 0; at < rows && s == P_OK; at += CARD_POLL_ROWS) {
        uint64_t n = card_min(rows - at, CARD_POLL_ROWS);
        uint64_t *t = to + at * DRV_BLOCK_COLUMNS;

        memcpy(t, from + at * DRV_BLOCK_COLUMNS, n * HLS_ROW_BYTES);
        for (uint64_t i = 0; filled < DRV_BLOCK_COLUMNS && i < n; i++)
            memset(t + i * DRV_BLOCK_COLUMNS + filled, 0,
                   (DRV_BLOCK_COLUMNS - filled) * sizeof *to);
        s = card_poll(run, err);
    }
    return s;
}

static uint32_t filled_columns(uint32_t columns, uint64_t block)
{
    return (uint32_t)card_min(columns - block * DRV_BLOCK_COLUMNS, DRV_BLOCK_COLUMNS);
}

p_status card_commit_begin(card_device *d, const drv_commit_job *job, card_commitment *c,
                           p_err *err)
{
    uint32_t rest = job->in.columns % DRV_BLOCK_COLUMNS;
    void *p;
    p_status s;

    *c = (card_commitment){
        .shape = shape_of(job), .in = job->in, .input = job->input, .log_blowup = job->log_blowup};
    s = card_host_alloc(d, (uint64_t)DRV_DIGEST_WORDS << job->cap_log2, sizeof(uint64_t),
                        "the cap of a commitment", &p, err);
    if (s != P_OK)
        return s;
    c->cap = p;
    if (job->input != DRV_LEAVES) {
        c->in_words = drv_matrix_words(job->in.columns, job->in.log_rows);
        s = card_host_alloc(d, c->in_words, sizeof(uint64_t), "the copy of a commitment's input",
                            &p, err);
        if (s == P_OK)
            c->in.data = p;
        else
            c->in_words = 0;
    } else if (rest) {
        s = card_host_alloc(d, block_words(c), sizeof(uint64_t), "the last block of leaves", &p,
                            err);
        if (s == P_OK) {
            card_run quiet = {.device = d};

            c->last = p;
            copy_block(&quiet, c->last,
                       job->in.data + (drv_blocks(job->in.columns) - 1) * block_words(c),
                       (uint64_t)1 << job->in.log_rows, rest, NULL);
        }
    }
    if (s != P_OK)
        card_commit_free(d, c);
    return s;
}

static void free_rows(card_device *d, card_commitment *c)
{
    card_rows_free(d, c->matrix);
    card_rows_free(d, c->tree);
    c->matrix = c->tree = NULL;
}

void card_commit_free(card_device *d, card_commitment *c)
{
    free_rows(d, c);
    if (c->in_words > 0)
        p_memory_free(&d->host, c->in.data, c->in_words, sizeof(uint64_t));
    p_memory_free(&d->host, c->last, block_words(c), sizeof(uint64_t));
    p_memory_free(&d->host, c->cap, (uint64_t)DRV_DIGEST_WORDS << c->shape.cap_log2,
                  sizeof(uint64_t));
    *c = (card_commitment){0};
}

/* ---- streaming ---- */

/* The commands of a group under way. */
typedef struct step {
    card_command write[MAX_GROUP], lde[MAX_GROUP], absorb[CARD_MAX_UNITS];
} step;

typedef struct stream {
    card_run *run;
    card_commitment *c;
    const uint64_t *source; /* the caller's matrix, until the host copy is full */
    plan p;
    const card_rows *table[2]; /* BN254: of full groups and of the last one */
    card_rows *slot[MAX_SLOTS], *tmp[CARD_MAX_UNITS];
    step ring[RING];
} stream;

static step *step_of(stream *s, uint64_t group)
{
    return &s->ring[group % RING];
}

static uint64_t blocks_of(const stream *s, uint64_t group)
{
    return card_min(s->p.group, s->p.blocks - group * s->p.group);
}

static p_status finish_all(stream *s, card_command *commands, uint64_t count, p_err *err)
{
    p_status status = P_OK;

    for (uint64_t i = 0; i < count && status == P_OK; i++)
        status = card_finish(s->run, &commands[i], err);
    return status;
}

static p_status finish_writes(stream *s, uint64_t group, p_err *err)
{
    return finish_all(s, step_of(s, group)->write, MAX_GROUP, err);
}

static p_status finish_ldes(stream *s, uint64_t group, p_err *err)
{
    return finish_all(s, step_of(s, group)->lde, MAX_GROUP, err);
}

static p_status finish_absorbs(stream *s, uint64_t group, p_err *err)
{
    return finish_all(s, step_of(s, group)->absorb, CARD_MAX_UNITS, err);
}

static p_status stage(stream *s, uint64_t group, p_err *err)
{
    card_commitment *c = s->c;
    uint64_t end = group * s->p.group + blocks_of(s, group), words = block_words(c);
    p_status status = P_OK;

    for (uint64_t b = c->copied; c->in_words > 0 && b < end && status == P_OK; b++) {
        status = copy_block(s->run, c->in.data + b * words, s->source + b * words,
                            (uint64_t)1 << c->in.log_rows, filled_columns(c->in.columns, b), err);
        if (status == P_OK)
            c->copied = b + 1;
    }
    return status;
}

static p_status start_writes(stream *s, uint64_t group, p_err *err)
{
    p_status status = P_OK;

    for (uint64_t k = 0; k < blocks_of(s, group) && status == P_OK; k++)
        status = card_write(s->run, &step_of(s, group)->write[k], s->slot[group % s->p.slots],
                            k * s->p.in_stride, (uint64_t)1 << s->p.log_rows,
                            card_commit_block(s->c, group * s->p.group + k), err);
    return status;
}

/* Runs of one unit go one after the other, so each unit has a tmp of its own and they share no
 * other memory. */
static p_status start_ldes(stream *s, uint64_t group, p_err *err)
{
    uint32_t mode = s->c->input == DRV_VALUES ? HLS_EXTEND : HLS_EXTEND_COEFFICIENTS;
    p_status status = P_OK;

    for (uint64_t k = 0; k < blocks_of(s, group) && status == P_OK; k++) {
        uint64_t block = group * s->p.group + k;
        uint32_t unit = (uint32_t)(block % s->p.lde_units);

        status = card_start_kernel(
            s->run, &step_of(s, group)->lde[k], gl_lde, unit,
            (uint64_t)LDE_ROW_NS << s->p.log_leaves, err,
            .src = card_at(s->slot[group % s->p.slots]), .tmp = card_at(s->tmp[unit]),
            .dst = card_at(s->c->matrix), .mode = card_number(mode),
            .log_in = card_number(s->p.log_rows), .log_out = card_number(s->p.log_leaves),
            .src_row = card_number(k * s->p.in_stride), .tmp_row = card_number(0),
            .dst_row = card_number(block * s->p.out_stride), .scale = card_number(SHIFT));
    }
    return status;
}

static p_status start_absorb(stream *s, uint64_t group, uint32_t part, p_err *err)
{
    const plan *p = &s->p;
    card_command *command = &step_of(s, group)->absorb[part];
    uint64_t leaves = (uint64_t)1 << (p->log_leaves - p->parts_log2), first = part * leaves;
    uint32_t flags = (group == 0 ? HLS_FIRST : 0) | (group == p->groups - 1 ? HLS_LAST : 0);
    const card_rows *src = p->extend ? s->c->matrix : s->slot[group % p->slots];
    uint64_t src_row = first + (p->extend ? group * p->group * p->out_stride : 0);
    uint32_t columns = group_columns(s->c->shape.columns, group);

    if (!p->bn)
        return card_start_kernel(
            s->run, command, gl_merkle, part, leaves * GL_HASH_NS, err, .src = card_at(src),
            .tree = card_at(s->c->tree), .op = card_number(HLS_ABSORB), .flags = card_number(flags),
            .log_leaves = card_number(p->log_leaves - p->parts_log2), .levels = card_number(0),
            .src_row = card_number(src_row), .tree_row = card_number(first / 2));
    return card_start_kernel(
        s->run, command, bn_poseidon, part, leaves * BN_HASH_NS, err, .src = card_at(src),
        .table = card_at(s->table[group == p->groups - 1]), .dst = card_at(s->c->tree),
        .op = card_number(HLS_ABSORB), .flags = card_number(flags & HLS_FIRST),
        .width = card_number(width_of(columns)), .columns = card_number(columns),
        .count = card_number(leaves), .src_row = card_number(src_row),
        .src_stride = card_number(p->extend ? p->out_stride : p->in_stride),
        .table_row = card_number(0), .dst_row = card_number(first / 2));
}

/* A group is absorbed after the one before: it continues with what that left. */
static p_status start_absorbs(stream *s, uint64_t group, p_err *err)
{
    p_status status = group > 0 ? finish_absorbs(s, group - 1, err) : P_OK;

    for (uint32_t part = 0; part >> s->p.parts_log2 == 0 && status == P_OK; part++)
        status = start_absorb(s, group, part, err);
    return status;
}

/* Step g stages and uploads group g, extends g - 1, absorbs the one whose slot becomes free. */
static p_status stream_groups(stream *s, p_err *err)
{
    uint64_t n = s->p.groups, slots = s->p.slots;
    p_status status = P_OK;

    for (uint64_t g = 0; g < n + slots && status == P_OK; g++) {
        bool leaving = g >= slots && g - slots < n;

        if (g < n)
            status = stage(s, g, err);
        if (status == P_OK && leaving)
            status =
                s->p.extend ? finish_ldes(s, g - slots, err) : finish_absorbs(s, g - slots, err);
        if (status == P_OK && g < n)
            status = start_writes(s, g, err);
        if (status == P_OK && leaving && s->p.extend)
            status = start_absorbs(s, g - slots, err);
        if (status == P_OK && g >= 1 && g - 1 < n) {
            status = finish_writes(s, g - 1, err);
            if (status == P_OK)
                status = s->p.extend ? start_ldes(s, g - 1, err) : start_absorbs(s, g - 1, err);
        }
    }
    return status == P_OK ? finish_absorbs(s, n - 1, err) : status;
}

static p_status group_by_group(stream *s, p_err *err)
{
    p_status status = P_OK;

    for (uint64_t g = 0; g < s->p.groups && status == P_OK; g++) {
        status = stage(s, g, err);
        if (status == P_OK)
            status = start_writes(s, g, err);
        if (status == P_OK)
            status = finish_writes(s, g, err);
        if (status == P_OK && s->p.extend)
            status = start_ldes(s, g, err);
        if (status == P_OK)
            status = finish_ldes(s, g, err);
        if (status == P_OK)
            status = start_absorbs(s, g, err);
        if (status == P_OK)
            status = finish_absorbs(s, g, err);
    }
    return status;
}

/* ---- the tree above the leaves ---- */

static p_status gl_nodes(stream *s, p_err *err)
{
    card_command *command = &s->ring[0].absorb[0];
    p_status status = P_OK;

    if (s->p.levels > 0)
        status = card_start_kernel(
            s->run, command, gl_merkle, 0, (uint64_t)GL_HASH_NS << s->p.log_leaves, err,
            .src = card_at(s->c->tree), .tree = card_at(s->c->tree), .op = card_number(HLS_NODES),
            .log_leaves = card_number(s->p.log_leaves), .levels = card_number(s->p.levels));
    return status == P_OK ? card_finish(s->run, command, err) : status;
}

static p_status bn_nodes(stream *s, p_err *err)
{
    const card_rows *table;
    p_status status = P_OK;

    if (s->p.levels > 0)
        status = card_poseidon_table(s->run, BN_POSEIDON_MAX_WIDTH, &table, err);
    for (uint32_t level = 1; level <= s->p.levels && status == P_OK; level++) {
        uint64_t count = (uint64_t)1 << (s->p.log_leaves - 4 * level), from, to;
        uint32_t parts = 1;

        from = card_tree_row(&s->c->shape, level - 1);
        to = card_tree_row(&s->c->shape, level);
        while (2 * parts <= s->p.hash_units && count / parts >= 4 * HLS_ROW_ALIGN)
            parts *= 2;
        for (uint32_t i = 0; i < parts && status == P_OK; i++) {
            uint64_t first = count / parts * i;

            status = card_start_kernel(
                s->run, &s->ring[0].absorb[i], bn_poseidon, i, count / parts * BN_HASH_NS, err,
                .src = card_at(s->c->tree), .table = card_at(table), .dst = card_at(s->c->tree),
                .op = card_number(HLS_NODES), .width = card_number(BN_POSEIDON_MAX_WIDTH),
                .count = card_number(count / parts), .src_row = card_number(from + first * 8),
                .dst_row = card_number(to + first / 2));
        }
        if (status == P_OK)
            status = finish_absorbs(s, 0, err);
    }
    return status;
}

static p_status read_cap(stream *s, uint64_t *cap, p_err *err)
{
    card_device *d = s->run->device;
    uint64_t words = (uint64_t)DRV_DIGEST_WORDS << s->c->shape.cap_log2;
    uint64_t rows = card_max(words / HLS_ROW_WORDS, 1);
    void *staged;
    p_status status = card_host_alloc(d, rows, HLS_ROW_BYTES, "the cap", &staged, err);

    if (status != P_OK)
        return status;
    status = card_read(s->run, &s->ring[0].write[0], s->c->tree,
                       card_tree_row(&s->c->shape, s->p.levels), rows, staged, err);
    if (status == P_OK)
        status = card_finish(s->run, &s->ring[0].write[0], err);
    status = card_end(s->run, status, err);
    if (status == P_OK)
        memcpy(cap, staged, words * sizeof *cap);
    p_memory_free(&d->host, staged, rows, HLS_ROW_BYTES);
    return status;
}

/* ---- all of it ---- */

static p_status allocate(stream *s, p_err *err)
{
    card_device *d = s->run->device;
    const plan *p = &s->p;
    p_status status = card_rows_alloc(d, CARD_SIDE_A, p->tree_rows, &s->c->tree, err);

    if (status == P_OK && p->extend)
        status = card_rows_alloc(d, CARD_SIDE_A, p->matrix_rows, &s->c->matrix, err);
    for (uint32_t i = 0; i < p->slots && status == P_OK; i++)
        status = card_rows_alloc(d, CARD_SIDE_A, p->slot_rows, &s->slot[i], err);
    for (uint32_t i = 0; p->extend && i < p->lde_units && status == P_OK; i++)
        status = card_rows_alloc(d, CARD_SIDE_B, p->tmp_rows, &s->tmp[i], err);
    return status;
}

static void release(stream *s)
{
    card_device *d = s->run->device;

    for (unsigned i = 0; i < MAX_SLOTS; i++) {
        card_rows_free(d, s->slot[i]);
        s->slot[i] = NULL;
    }
    for (unsigned i = 0; i < CARD_MAX_UNITS; i++) {
        card_rows_free(d, s->tmp[i]);
        s->tmp[i] = NULL;
    }
}

static p_status tables(stream *s, p_err *err)
{
    uint32_t last = width_of(group_columns(s->c->shape.columns, s->p.groups - 1));
    p_status status = card_poseidon_table(s->run, last, &s->table[1], err);

    return status == P_OK && s->p.groups > 1
               ? card_poseidon_table(s->run, width_of(BN_GROUP_COLUMNS), &s->table[0], err)
               : status;
}

/* source: the caller's matrix, of which what is missing is copied. */
static p_status make(card_run *run, card_commitment *c, const uint64_t *source, uint64_t *cap,
                     p_err *err)
{
    card_device *d = run->device;
    stream *s = calloc(1, sizeof *s);
    p_status status;

    if (!s)
        return p_err_set(err, P_EEXHAUSTED, "no memory for a commitment");
    s->run = run;
    s->c = c;
    s->source = source;
    free_rows(d, c); /* what was lost */
    choose_plan(d, &c->shape, c->input, c->in.log_rows, &s->p);
    status = allocate(s, err);
    if (status == P_EEXHAUSTED && (s->p.slots > 1 || s->p.lde_units > 1)) {
        release(s);
        free_rows(d, c);
        make_plan(d, &c->shape, c->input, c->in.log_rows, true, &s->p);
        status = allocate(s, err);
    }
    if (status == P_OK && s->p.bn)
        status = tables(s, err);
    if (status == P_OK)
        status = s->p.slots > 1 ? stream_groups(s, err) : group_by_group(s, err);
    if (status == P_OK)
        status = s->p.bn ? bn_nodes(s, err) : gl_nodes(s, err);
    if (status == P_OK)
        status = read_cap(s, cap, err);
    status = card_end(run, status, err);
    release(s);
    free(s);
    if (status == P_OK)
        status = card_check_commit(run, c, cap, err);
    if (status != P_OK) {
        status = card_end(run, status, err);
        free_rows(d, c);
    }
    return status;
}

p_status card_commit_make(card_run *run, card_commitment *c, const uint64_t *source, p_err *err)
{
    p_status s = make(run, c, source, c->cap, err);

    c->made = s == P_OK;
    return s;
}

p_status card_commit_ensure(card_run *run, card_commitment *c, p_err *err)
{
    card_device *d = run->device;
    uint64_t words = (uint64_t)DRV_DIGEST_WORDS << c->shape.cap_log2;
    void *cap;
    p_status s;

    if (c->tree && c->tree->buffer && (!c->matrix || c->matrix->buffer))
        return P_OK;
    s = card_host_alloc(d, words, sizeof(uint64_t), "the cap of a commitment made again", &cap,
                        err);
    if (s != P_OK)
        return s;
    s = make(run, c, NULL, cap, err);
    if (s == P_OK && memcmp(cap, c->cap, words * sizeof(uint64_t)) != 0) {
        s = card_end(run,
                     p_err_set(err, P_EDEVICE,
                               "a commitment that was lost with the card and made again has "
                               "another cap"),
                     err);
        free_rows(d, c);
    }
    p_memory_free(&d->host, cap, words, sizeof(uint64_t));
    return s;
}
