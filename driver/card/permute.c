/* DRV_POSEIDON, and the constants that bn_poseidon reads. */
#include "driver/card/internal.h"

#include "driver/card/bn_poseidon_table.h"
#include "driver/field/gl_poseidon.h"

#include <inttypes.h>
#include <string.h>

#define GL_PIECE ((uint64_t)1 << 16) /* states: 8 MiB */
#define BN_PIECE ((uint64_t)1 << 11) /* 2 ms of a card */
#define GL_ROWS 2                    /* of a state */
#define FR_WORDS 4
#define GL_CHECKED 8 /* states of a piece */
#define BN_CHECKED 2
/* Time on hardware, ten times too much. */
#define GL_HASH_NS 100
#define BN_HASH_NS 20000

typedef struct permute {
    const drv_poseidon_job *job;
    uint64_t first; /* states that an earlier attempt has done */
    uint64_t piece; /* states of one */
    const card_rows *table;
    const bn_poseidon *poseidon;
    const bn_poseidon_ops *ops;
} permute;

/* ---- constants ---- */

p_status card_poseidon_host(card_device *d, uint32_t width, const bn_poseidon **out, p_err *err)
{
    p_status s = d->poseidon[width] ? P_OK : bn_poseidon_create(width, &d->poseidon[width], err);

    *out = d->poseidon[width];
    return s;
}

uint64_t card_poseidon_table_bytes(uint32_t width)
{
    return width > 0 ? card_rows_bytes(hls_bn_poseidon_rows(width)) : 0;
}

p_status card_poseidon_table(card_run *run, uint32_t width, const card_rows **out, p_err *err)
{
    card_device *d = run->device;
    uint32_t rows = hls_bn_poseidon_rows(width);
    const bn_poseidon *poseidon;
    card_command command = {0};
    card_rows *table = NULL;
    void *p = NULL;
    p_status s;

    *out = d->table[width];
    d->pinned[width] = true;
    if (*out)
        return P_OK;
    s = card_poseidon_host(d, width, &poseidon, err);
    if (s == P_OK)
        s = card_host_alloc(d, rows, HLS_ROW_BYTES, "constants of a hash", &p, err);
    if (s == P_OK)
        s = card_rows_alloc(d, CARD_SIDE_A, rows, &table, err);
    if (s == P_OK) {
        card_bn_poseidon_table(poseidon, p);
        s = card_write(run, &command, table, 0, rows, p, err);
    }
    if (s == P_OK)
        s = card_finish(run, &command, err);
    s = card_end(run, s, err);
    p_memory_free(&d->host, p, rows, HLS_ROW_BYTES);
    if (s == P_OK)
        *out = d->table[width] = table;
    else
        card_rows_free(d, table);
    return s;
}

/* ---- pieces ---- */

static uint64_t states_of(const permute *m, uint64_t piece)
{
    return card_min(m->piece, m->job->count - m->first - piece * m->piece);
}

static uint64_t *state_at(const permute *m, uint64_t piece, uint64_t state)
{
    uint64_t words = m->job->width * (m->job->field == DRV_GOLDILOCKS ? 1 : FR_WORDS);

    return m->job->states + (m->first + piece * m->piece + state) * words;
}

static p_status gl_stage(void *context, card_run *run, uint64_t piece, hls_row *in, uint64_t *rows,
                         p_err *err)
{
    const permute *m = context;
    uint64_t n = states_of(m, piece);

    for (uint64_t i = 0; i < n; i++) {
        const uint64_t *state = state_at(m, piece, i);

        memcpy(in[GL_ROWS * i].w, state, HLS_ROW_BYTES);
        in[GL_ROWS * i + 1] = (hls_row){{0}};
        memcpy(in[GL_ROWS * i + 1].w, state + HLS_ROW_WORDS,
               (GL_POSEIDON_WIDTH - HLS_ROW_WORDS) * sizeof *state);
    }
    *rows = GL_ROWS * n;
    return card_poll(run, err);
}

static p_status gl_start(void *context, card_run *run, uint64_t piece, uint32_t unit,
                         const card_rows *in, const card_rows *out, const card_rows *tmp,
                         card_command *command, p_err *err)
{
    uint64_t n = states_of(context, piece);

    (void)tmp;
    return card_start_kernel(run, command, gl_merkle, unit, n * GL_HASH_NS, err, .src = card_at(in),
                             .tree = card_at(out), .op = card_number(HLS_PERMUTE),
                             .log_leaves = card_number(n));
}

static p_status gl_accept(void *context, card_run *run, uint64_t piece, const hls_row *in,
                          const hls_row *out, p_err *err)
{
    const permute *m = context;
    uint64_t n = states_of(m, piece);

    for (uint64_t k = 0; k < GL_CHECKED && k < n; k++) {
        uint64_t i = n <= GL_CHECKED ? k : card_random(run->device) % n;
        gl_t state[GL_POSEIDON_WIDTH];

        memcpy(state, in + GL_ROWS * i, sizeof state);
        gl_poseidon_permute_portable(state);
        if (memcmp(state, out + GL_ROWS * i, sizeof state) != 0)
            return p_err_set(err, P_EDEVICE, "gl_merkle: permutation %" PRIu64 " is wrong", i);
    }
    for (uint64_t i = 0; i < n; i++)
        for (unsigned k = 0; k < GL_POSEIDON_WIDTH; k++)
            if (!gl_is_canonical(card_words(out + GL_ROWS * i)[k]))
                return p_err_set(err, P_EDEVICE,
                                 "gl_merkle: permutation %" PRIu64 " is not canonical", i);
    for (uint64_t i = 0; i < n; i++)
        memcpy(state_at(m, piece, i), out + GL_ROWS * i, GL_POSEIDON_WIDTH * sizeof(uint64_t));
    run->done += n;
    return P_OK;
}

static p_status bn_stage(void *context, card_run *run, uint64_t piece, hls_row *in, uint64_t *rows,
                         p_err *err)
{
    const permute *m = context;
    uint64_t elements = states_of(m, piece) * m->job->width;
    const uint64_t *from = state_at(m, piece, 0);

    for (uint64_t i = 0; i < elements; i++) {
        bn_fr a;

        memcpy(&a, from + FR_WORDS * i, sizeof a);
        if (!bn_fr_is_canonical(&a)) /* a word of memory decides, so both forms alike */
            return p_err_set(err, P_EINVAL, "poseidon: element %" PRIu64 " is not below r",
                             m->first * m->job->width + piece * m->piece * m->job->width + i);
    }
    *rows = (elements + 1) / 2;
    memcpy(in, from, elements * FR_WORDS * sizeof *from);
    if (elements % 2)
        memset(in[*rows - 1].w + FR_WORDS, 0, FR_WORDS * sizeof *from);
    return card_poll(run, err);
}

static p_status bn_start(void *context, card_run *run, uint64_t piece, uint32_t unit,
                         const card_rows *in, const card_rows *out, const card_rows *tmp,
                         card_command *command, p_err *err)
{
    const permute *m = context;
    uint64_t n = states_of(m, piece);

    (void)tmp;
    return card_start_kernel(
        run, command, bn_poseidon, unit, n * BN_HASH_NS, err, .src = card_at(in),
        .table = card_at(m->table), .dst = card_at(out), .op = card_number(HLS_PERMUTE),
        .flags = card_number(m->job->form == DRV_MONTGOMERY ? HLS_MONTGOMERY : 0),
        .width = card_number(m->job->width), .count = card_number(n));
}

static p_status bn_accept(void *context, card_run *run, uint64_t piece, const hls_row *in,
                          const hls_row *out, p_err *err)
{
    const permute *m = context;
    uint64_t n = states_of(m, piece), words = (uint64_t)m->job->width * FR_WORDS;

    for (uint64_t k = 0; k < BN_CHECKED && k < n; k++) {
        uint64_t i = n <= BN_CHECKED ? k : card_random(run->device) % n;
        uint64_t state[BN_POSEIDON_MAX_WIDTH * FR_WORDS];

        memcpy(state, card_words(in) + i * words, words * sizeof *state);
        m->ops->permute(m->poseidon, m->job->form == DRV_MONTGOMERY ? BN_MONTGOMERY : BN_CANONICAL,
                        state, 1);
        if (memcmp(state, card_words(out) + i * words, words * sizeof *state) != 0)
            return p_err_set(err, P_EDEVICE, "bn_poseidon: permutation %" PRIu64 " is wrong", i);
    }
    for (uint64_t i = 0; i < n * m->job->width; i++) {
        bn_fr a;

        memcpy(&a, card_words(out) + i * FR_WORDS, sizeof a);
        if (!bn_fr_is_canonical(&a))
            return p_err_set(err, P_EDEVICE, "bn_poseidon: element %" PRIu64 " is not below r", i);
    }
    memcpy(state_at(m, piece, 0), out, n * words * sizeof(uint64_t));
    run->done += n;
    return P_OK;
}

/* ---- jobs ---- */

static card_pipe pipe_of(permute *m)
{
    bool gl = m->job->field == DRV_GOLDILOCKS;
    uint64_t left = m->job->count - m->first;

    m->piece = card_min(left, gl ? GL_PIECE : BN_PIECE);
    return (card_pipe){.kernel = gl ? CARD_gl_merkle : CARD_bn_poseidon,
                       .pieces = m->piece > 0 ? (left + m->piece - 1) / m->piece : 0,
                       .in_rows = gl ? GL_ROWS * m->piece : (m->piece * m->job->width + 1) / 2,
                       .context = m,
                       .stage = gl ? gl_stage : bn_stage,
                       .start = gl ? gl_start : bn_start,
                       .accept = gl ? gl_accept : bn_accept};
}

uint64_t card_permute_bytes(const drv_poseidon_job *job)
{
    permute m = {.job = job};
    card_pipe p = pipe_of(&m);

    return card_pipe_bytes(&p) +
           card_poseidon_table_bytes(job->field == DRV_BN254_FR ? job->width : 0);
}

p_status card_permute(card_run *run, const drv_poseidon_job *job, p_err *err)
{
    permute m = {.job = job, .first = run->done, .ops = bn_poseidon_select(p_isa_best())};
    card_pipe p = pipe_of(&m);
    p_status s = P_OK;

    if (job->field == DRV_BN254_FR) {
        s = card_poseidon_host(run->device, job->width, &m.poseidon, err);
        if (s == P_OK)
            s = card_poseidon_table(run, job->width, &m.table, err);
    }
    return s == P_OK ? card_pipe_run(run, &p, err) : s;
}
