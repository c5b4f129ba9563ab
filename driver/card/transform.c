/* DRV_NTT. A piece is a block of eight columns, over Fr a column; the card takes and gives natural
 * order, other orders and layouts are the host's work while it stages and accepts. */
#include "driver/card/internal.h"

#include "driver/field/goldilocks.h"

#include <inttypes.h>
#include <string.h>

/* Time on hardware, ten times too much, of a row or an element. */
#define GL_ROW_NS 50
#define FR_ELEMENT_NS 50
#define FR_WORDS 4
/* Up to this many rows all columns of a block are computed again, else one. */
#define ALL_COLUMNS_ROWS ((uint64_t)1 << 16)

typedef struct transform {
    const drv_ntt_job *job;
    uint64_t first; /* columns that an earlier attempt has done */
    uint64_t scale[4];
} transform;

static uint64_t place(drv_order order, uint32_t log_n, uint64_t i)
{
    uint64_t r = 0;

    if (order == DRV_NATURAL)
        return i;
    for (uint32_t bit = 0; bit < log_n; bit++)
        r |= (i >> bit & 1) << (log_n - 1 - bit);
    return r;
}

/* ---- Goldilocks ---- */

static uint32_t filled(const transform *t, uint64_t piece)
{
    return (uint32_t)card_min(t->job->columns - t->first - piece * DRV_BLOCK_COLUMNS,
                              DRV_BLOCK_COLUMNS);
}

/* The word of the piece's column 0 in row i, and how far it is to column 1. */
static uint64_t *row_at(const transform *t, uint64_t piece, uint64_t i, uint64_t *step)
{
    const drv_ntt_job *job = t->job;
    uint64_t column = t->first + piece * DRV_BLOCK_COLUMNS;

    if (job->layout == DRV_BLOCKED) {
        *step = 1;
        return job->data + ((column / DRV_BLOCK_COLUMNS << job->log_n) + i) * DRV_BLOCK_COLUMNS;
    }
    *step = (uint64_t)1 << job->log_n;
    return job->data + (column << job->log_n) + i;
}

static p_status gl_stage(void *context, card_run *run, uint64_t piece, hls_row *in, uint64_t *rows,
                         p_err *err)
{
    const transform *t = context;
    uint64_t n = (uint64_t)1 << t->job->log_n, step;
    uint32_t columns = filled(t, piece);
    p_status s = P_OK;

    for (uint64_t i = 0; i < n && s == P_OK; i++) {
        const uint64_t *from = row_at(t, piece, place(t->job->in_order, t->job->log_n, i), &step);

        for (uint32_t c = 0; c < DRV_BLOCK_COLUMNS; c++)
            in[i].w[c] = c < columns ? from[c * step] : 0;
        if (i % CARD_POLL_ROWS == 0)
            s = card_poll(run, err);
    }
    *rows = n;
    return s;
}

static p_status gl_start(void *context, card_run *run, uint64_t piece, uint32_t unit,
                         const card_rows *in, const card_rows *out, const card_rows *tmp,
                         card_command *command, p_err *err)
{
    const transform *t = context;
    uint32_t log_n = t->job->log_n;

    (void)piece;
    return card_start_kernel(run, command, gl_lde, unit, (uint64_t)GL_ROW_NS << log_n, err,
                             .src = card_at(in), .tmp = card_at(tmp), .dst = card_at(out),
                             .mode = card_number(t->job->inverse ? HLS_INVERSE : HLS_FORWARD),
                             .log_in = card_number(log_n), .log_out = card_number(log_n),
                             .scale = card_number(t->scale[0]));
}

static p_status gl_check(const transform *t, card_run *run, uint64_t piece, const hls_row *in,
                         const hls_row *out, p_err *err)
{
    uint64_t n = (uint64_t)1 << t->job->log_n;
    uint32_t columns = filled(t, piece), mask = (1u << columns) - 1;
    p_status s = P_OK;

    for (uint64_t i = 0; i < n && s == P_OK; i++) {
        for (uint32_t c = 0; c < columns; c++)
            if (!gl_is_canonical(out[i].w[c]))
                return p_err_set(err, P_EDEVICE,
                                 "gl_lde: a number of row %" PRIu64 " is not canonical", i);
        if (i % CARD_POLL_ROWS == 0)
            s = card_poll(run, err);
    }
    if (s != P_OK)
        return s;
    if (n > ALL_COLUMNS_ROWS)
        mask = 1u << card_random(run->device) % columns;
    return t->job->inverse
               ? card_check_gl(run, out, in, t->job->log_n, t->job->shift[0], mask, err)
               : card_check_gl(run, in, out, t->job->log_n, t->job->shift[0], mask, err);
}

static p_status gl_accept(void *context, card_run *run, uint64_t piece, const hls_row *in,
                          const hls_row *out, p_err *err)
{
    const transform *t = context;
    const drv_ntt_job *job = t->job;
    uint64_t n = (uint64_t)1 << job->log_n, step;
    uint32_t columns = filled(t, piece);
    p_status s = gl_check(t, run, piece, in, out, err);

    for (uint64_t i = 0; i < n && s == P_OK; i++) {
        uint64_t *to = row_at(t, piece, place(job->out_order, job->log_n, i), &step);

        for (uint32_t c = 0; c < columns; c++)
            to[c * step] = out[i].w[c];
        for (uint32_t c = columns; c < DRV_BLOCK_COLUMNS && job->layout == DRV_BLOCKED; c++)
            to[c] = 0;
        if (i % CARD_POLL_ROWS == 0)
            s = card_poll(run, err);
    }
    if (s == P_OK)
        run->done += columns;
    return s;
}

/* ---- Fr ---- */

static uint64_t *element_at(const transform *t, uint64_t piece, uint64_t i)
{
    return t->job->data + (((t->first + piece) << t->job->log_n) + i) * FR_WORDS;
}

static p_status fr_stage(void *context, card_run *run, uint64_t piece, hls_row *in, uint64_t *rows,
                         p_err *err)
{
    const transform *t = context;
    uint64_t n = (uint64_t)1 << t->job->log_n;
    p_status s = P_OK;

    *rows = card_max(n / 2, 1);
    in[*rows - 1] = (hls_row){{0}}; /* beside a single element */
    for (uint64_t i = 0; i < n && s == P_OK; i++) {
        uint64_t from = place(t->job->in_order, t->job->log_n, i);
        bn_fr a;

        memcpy(&a, element_at(t, piece, from), sizeof a);
        if (!bn_fr_is_canonical(&a))
            return p_err_set(err, P_EINVAL,
                             "ntt: element %" PRIu64 " of column %" PRIu64 " is not below r", from,
                             t->first + piece);
        memcpy(in[i / 2].w + i % 2 * FR_WORDS, &a, sizeof a);
        if (i % CARD_POLL_ROWS == 0)
            s = card_poll(run, err);
    }
    return s;
}

static p_status fr_start(void *context, card_run *run, uint64_t piece, uint32_t unit,
                         const card_rows *in, const card_rows *out, const card_rows *tmp,
                         card_command *command, p_err *err)
{
    const transform *t = context;
    uint32_t log_n = t->job->log_n;

    (void)piece;
    return card_start_kernel(run, command, fr_ntt, unit, (uint64_t)FR_ELEMENT_NS << log_n, err,
                             .src = card_at(in), .tmp = card_at(tmp), .dst = card_at(out),
                             .mode = card_number(t->job->inverse ? HLS_INVERSE : HLS_FORWARD),
                             .log_n = card_number(log_n), .scale_0 = card_number(t->scale[0]),
                             .scale_1 = card_number(t->scale[1]),
                             .scale_2 = card_number(t->scale[2]),
                             .scale_3 = card_number(t->scale[3]));
}

static p_status fr_accept(void *context, card_run *run, uint64_t piece, const hls_row *in,
                          const hls_row *out, p_err *err)
{
    const transform *t = context;
    const drv_ntt_job *job = t->job;
    uint64_t n = (uint64_t)1 << job->log_n;
    p_status s =
        job->inverse
            ? card_check_fr(run, card_words(out), card_words(in), job->log_n, job->shift, err)
            : card_check_fr(run, card_words(in), card_words(out), job->log_n, job->shift, err);

    for (uint64_t i = 0; i < n && s == P_OK; i++) {
        memcpy(element_at(t, piece, place(job->out_order, job->log_n, i)),
               out[i / 2].w + i % 2 * FR_WORDS, FR_WORDS * sizeof(uint64_t));
        if (i % CARD_POLL_ROWS == 0)
            s = card_poll(run, err);
    }
    if (s == P_OK)
        run->done++;
    return s;
}

/* ---- both ---- */

static card_pipe pipe_of(const drv_ntt_job *job, transform *t)
{
    uint64_t n = (uint64_t)1 << job->log_n, columns = job->columns - t->first;

    if (job->field == DRV_GOLDILOCKS)
        return (card_pipe){.kernel = CARD_gl_lde,
                           .pieces = drv_blocks((uint32_t)columns),
                           .in_rows = n,
                           .tmp_rows = n,
                           .context = t,
                           .stage = gl_stage,
                           .start = gl_start,
                           .accept = gl_accept};
    return (card_pipe){.kernel = CARD_fr_ntt,
                       .pieces = columns,
                       .in_rows = card_max(n / 2, 1),
                       .tmp_rows = card_max(n / 2, 1),
                       .context = t,
                       .stage = fr_stage,
                       .start = fr_start,
                       .accept = fr_accept};
}

uint64_t card_ntt_bytes(const drv_ntt_job *job)
{
    transform t = {.job = job};
    card_pipe p = pipe_of(job, &t);

    return card_pipe_bytes(&p);
}

p_status card_ntt(card_run *run, const drv_ntt_job *job, p_err *err)
{
    transform t = {.job = job, .first = run->done};
    card_pipe p = pipe_of(job, &t);

    /* the kernels multiply by powers of scale in both directions */
    if (job->field == DRV_GOLDILOCKS) {
        t.scale[0] = gl_from_u64(job->shift[0]);
        if (job->inverse)
            t.scale[0] = gl_inv(t.scale[0]);
    } else {
        bn_fr s;

        if (!bn_fr_set_words(&s, job->shift))
            return p_err_set(err, P_EINVAL, "ntt.shift is not below r");
        if (job->inverse)
            bn_fr_inv(&s, &s);
        memcpy(t.scale, &s, sizeof s);
    }
    return card_pipe_run(run, &p, err);
}
