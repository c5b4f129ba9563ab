/* Points of a key on the card, and sums over them. A piece of the scalars is one run; the sums of
 * its windows are added on the host, which also sees whether they are points of the curve. */
#include "driver/card/internal.h"

#include "driver/field/bn_curve.h"

#include <inttypes.h>
#include <string.h>

#define LOAD_ROWS ((uint64_t)1 << 18) /* of an upload: 16 MiB */
/* points: 0.1 s of a card. Each run adds up all buckets, which for 2^20 points is a third of it. */
#define PIECE ((uint64_t)1 << 22)
#define PIECE_ALIGN (2 * HLS_ROW_ALIGN) /* scalars are two a row */
#define MIN_WINDOW 2
#define MAX_WINDOWS HLS_MSM_WINDOWS(MIN_WINDOW)
#define SUM_ROWS 2 /* of a window */
/* Time on hardware of a point or a bucket in all windows, at the worst: 2.6 us if all scalars are
 * the same, twice if all additions are doublings (hls/kernels/bn_msm_g1.md). */
#define POINT_NS 6000

_Static_assert(sizeof(bn_g1x) == SUM_ROWS * HLS_ROW_BYTES, "a window's sum is two rows");

uint64_t card_points_bytes(uint64_t count)
{
    return card_rows_bytes(count);
}

p_status card_points_ensure(card_run *run, card_points *points, p_err *err)
{
    card_device *d = run->device;
    card_command command[2] = {{0}};
    p_status s;

    if (points->rows && points->rows->buffer)
        return P_OK;
    card_rows_free(d, points->rows);
    s = card_rows_alloc(d, CARD_SIDE_A, points->count, &points->rows, err);
    if (s != P_OK)
        return s;
    for (uint64_t at = 0, i = 0; at < points->count && s == P_OK; at += LOAD_ROWS, i++) {
        s = card_finish(run, &command[i % 2], err);
        if (s == P_OK)
            s = card_write(run, &command[i % 2], points->rows, at,
                           card_min(LOAD_ROWS, points->count - at),
                           points->points + at * HLS_ROW_WORDS, err);
    }
    for (unsigned i = 0; i < 2 && s == P_OK; i++)
        s = card_finish(run, &command[i], err);
    s = card_end(run, s, err);
    if (s != P_OK) {
        card_rows_free(d, points->rows);
        points->rows = NULL;
    }
    return s;
}

/* ---- one sum ---- */

typedef struct msm {
    const drv_msm_job *job;
    const card_points *points;
    uint64_t base, skipped; /* the run begins at an aligned point, with zeros for scalars */
    uint64_t total, piece;
    uint32_t window_bits, windows;
    bn_g1x sum[MAX_WINDOWS];
} msm;

/* The fewest additions: each point in each window, and each bucket twice. */
static uint32_t choose_window(uint64_t points)
{
    uint64_t least = UINT64_MAX;
    uint32_t best = MIN_WINDOW;

    for (uint32_t b = MIN_WINDOW; b <= HLS_MSM_MAX_WINDOW; b++) {
        uint64_t cost = HLS_MSM_WINDOWS(b) * (points + ((uint64_t)1 << b));

        if (cost < least) {
            least = cost;
            best = b;
        }
    }
    return best;
}

static uint64_t points_of(const msm *m, uint64_t piece)
{
    return card_min(m->piece, m->total - piece * m->piece);
}

static p_status set_scalar(const msm *m, uint64_t i, uint64_t *to, p_err *err)
{
    bn_fr a;

    memcpy(&a, m->job->scalars + 4 * i, sizeof a);
    if (!bn_fr_is_canonical(&a))
        return p_err_set(err, P_EINVAL,
                         "scalar %" PRIu64 " of %" PRIu64
                         " is not below the order of the group: reduce it",
                         i, m->job->count);
    if (m->job->form == DRV_MONTGOMERY)
        bn_fr_get_words(to, &a);
    else
        memcpy(to, &a, sizeof a);
    return P_OK;
}

static p_status stage(void *context, card_run *run, uint64_t piece, hls_row *in, uint64_t *rows,
                      p_err *err)
{
    const msm *m = context;
    uint64_t n = points_of(m, piece), first = piece * m->piece;
    p_status s = P_OK;

    *rows = (n + 1) / 2;
    in[*rows - 1] = (hls_row){{0}};
    for (uint64_t i = 0; i < n && s == P_OK; i++) {
        uint64_t *to = in[i / 2].w + i % 2 * 4;

        if (first + i < m->skipped)
            memset(to, 0, 4 * sizeof *to);
        else
            s = set_scalar(m, first + i - m->skipped, to, err);
        if (s == P_OK && i % CARD_POLL_ROWS == 0)
            s = card_poll(run, err);
    }
    return s;
}

static p_status start(void *context, card_run *run, uint64_t piece, uint32_t unit,
                      const card_rows *in, const card_rows *out, const card_rows *tmp,
                      card_command *command, p_err *err)
{
    const msm *m = context;
    uint64_t n = points_of(m, piece);

    (void)tmp;
    return card_start_kernel(
        run, command, bn_msm_g1, unit, (n + ((uint64_t)1 << m->window_bits)) * POINT_NS, err,
        .points = card_at(m->points->rows), .scalars = card_at(in), .sums = card_at(out),
        .count = card_number(n), .window_bits = card_number(m->window_bits),
        .points_row = card_number(m->base + piece * m->piece));
}

/* Infinity is ZZ = 0; else x = X / ZZ, y = Y / ZZZ with ZZ^3 = ZZZ^2 and y^2 = x^3 + 3. */
static bool on_curve(const bn_g1x *p)
{
    bn_fp cube, square, left, right, three;

    if (!bn_fp_is_canonical(&p->x) || !bn_fp_is_canonical(&p->y) || !bn_fp_is_canonical(&p->zz) ||
        !bn_fp_is_canonical(&p->zzz))
        return false;
    if (bn_g1x_is_zero(p))
        return true;
    bn_fp_sqr(&cube, &p->zz);
    bn_fp_mul(&cube, &cube, &p->zz);
    bn_fp_sqr(&square, &p->zzz);
    if (!bn_fp_eq(&cube, &square))
        return false;
    bn_fp_sqr(&left, &p->y);
    bn_fp_sqr(&right, &p->x);
    bn_fp_mul(&right, &right, &p->x);
    bn_fp_set_u64(&three, 3);
    bn_fp_mul(&cube, &cube, &three);
    bn_fp_add(&right, &right, &cube);
    return bn_fp_eq(&left, &right);
}

static p_status accept(void *context, card_run *run, uint64_t piece, const hls_row *in,
                       const hls_row *out, p_err *err)
{
    msm *m = context;

    (void)in;
    for (uint32_t w = 0; w < m->windows; w++) {
        bn_g1x p;

        memcpy(&p, out + (size_t)w * SUM_ROWS, sizeof p);
        if (!on_curve(&p))
            return p_err_set(err, P_EDEVICE,
                             "bn_msm_g1: the sum of window %" PRIu32 " in piece %" PRIu64
                             " is not a point of the curve",
                             w, piece);
        bn_g1x_add(&m->sum[w], &m->sum[w], &p);
    }
    return card_poll(run, err);
}

static void combine(const msm *m, uint64_t *out)
{
    bn_g1x sum;
    bn_g1 affine;

    bn_g1x_set_zero(&sum);
    for (uint32_t w = m->windows; w-- > 0;) {
        for (uint32_t b = 0; b < m->window_bits; b++)
            bn_g1x_dbl(&sum, &sum);
        bn_g1x_add(&sum, &sum, &m->sum[w]);
    }
    bn_g1x_get(&affine, &sum);
    memcpy(out, &affine, sizeof affine);
}

static card_pipe plan(const card_device *d, msm *m, uint64_t first, uint64_t count)
{
    uint64_t each;

    m->base = first / HLS_ROW_ALIGN * HLS_ROW_ALIGN;
    m->skipped = first - m->base;
    m->total = m->skipped + count;
    each = m->total / card_max(card_units(d, CARD_bn_msm_g1), 1) + 1;
    each = (each + PIECE_ALIGN - 1) / PIECE_ALIGN * PIECE_ALIGN;
    m->piece = card_min(each, PIECE);
    m->window_bits = choose_window(card_min(m->piece, m->total));
    m->windows = HLS_MSM_WINDOWS(m->window_bits);
    return (card_pipe){.kernel = CARD_bn_msm_g1,
                       .pieces = (m->total + m->piece - 1) / m->piece,
                       .in_rows = m->piece / 2,
                       .out_rows = SUM_ROWS * m->windows,
                       .context = m,
                       .stage = stage,
                       .start = start,
                       .accept = accept,
                       .secret = true};
}

uint64_t card_msm_bytes(const card_device *d, uint64_t count)
{
    msm m = {0};
    card_pipe p = plan(d, &m, HLS_ROW_ALIGN - 1, count); /* the worst first point */

    return card_pipe_bytes(&p);
}

p_status card_msm(card_run *run, card_points *points, const drv_msm_job *job, p_err *err)
{
    msm m = {.job = job, .points = points};
    card_pipe p = plan(run->device, &m, job->first, job->count);
    p_status s = card_points_ensure(run, points, err);

    for (uint32_t w = 0; w < MAX_WINDOWS; w++)
        bn_g1x_set_zero(&m.sum[w]);
    if (s == P_OK)
        s = card_pipe_run(run, &p, err);
    if (s == P_OK)
        combine(&m, job->out);
    /* sums of a witness's windows */
    for (uint32_t w = 0; w < MAX_WINDOWS; w++)
        bn_g1x_set_zero(&m.sum[w]);
    return s;
}
