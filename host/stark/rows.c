#include "host/stark/prover.h"

#include <string.h>

#define LINE_WORDS DRV_BLOCK_COLUMNS
/* Words of a tile: small enough for a cache that cores share, so that what was read is worked on
 * before it leaves it, large enough that a job for each block costs little. */
#define TILE_WORDS (UINT64_C(1) << 18)
#define TILE_MIN_ROWS (UINT64_C(1) << 9)
#define TILE_MAX_ROWS (UINT64_C(1) << 16)

static uint64_t all_blocks(const air *a, const bool wanted[AIR_TREES])
{
    uint64_t blocks = 0;

    for (int t = 0; t < AIR_TREES; t++)
        blocks += wanted[t] ? drv_blocks(a->trees[t].columns) : 0;
    return blocks;
}

/* A power of two, at most the rows of the domain. */
static uint64_t tile_rows(uint64_t blocks, uint32_t log_n)
{
    uint64_t rows = TILE_MAX_ROWS;

    while (rows > TILE_MIN_ROWS && rows * blocks * LINE_WORDS > TILE_WORDS)
        rows /= 2;
    return rows >> log_n ? UINT64_C(1) << log_n : rows;
}

uint64_t rows_bytes(const air *a, const stark_params *params, const bool wanted[AIR_TREES],
                    uint64_t ahead)
{
    uint64_t blocks = all_blocks(a, wanted);
    uint64_t rows = tile_rows(blocks, params->log_rows + params->log_blowup);

    uint64_t bytes = blocks * (rows + ahead) * LINE_WORDS * sizeof(uint64_t);

    return 2 * ((bytes + P_MEMORY_ALIGN - 1) / P_MEMORY_ALIGN * P_MEMORY_ALIGN);
}

/* ---- reading ---- */

/* Waits for all reads under way, also when one has failed: their arrays are ours. */
static p_status wait_all(rows_reader *r, p_err *err)
{
    p_status s = P_OK;

    for (uint32_t i = 0; i < r->pending; i++) {
        p_err why = {P_OK, ""};
        p_status one;

        if (s != P_OK)
            drv_cancel(r->events[i]);
        one = prover_wait(r->p, r->events[i], &why);
        if (s == P_OK && one != P_OK)
            s = p_err_set(err, one, "%s", why.text);
    }
    r->pending = 0;
    return s;
}

static p_status submit(rows_reader *r, int tree, uint32_t column, uint64_t row, uint64_t rows,
                       uint64_t *out, p_err *err)
{
    uint32_t left = r->p->air->trees[tree].columns - column;
    drv_job job = {.op = DRV_READ,
                   .read = {.commitment = r->p->trees[tree].handle,
                            .row = row,
                            .rows = rows,
                            .column = column,
                            .columns = left < LINE_WORDS ? left : LINE_WORDS,
                            .out = out}};
    p_status s = r->pending == ROWS_MAX_EVENTS ? wait_all(r, err) : P_OK;

    if (s == P_OK)
        s = prover_submit(r->p, &job, &r->events[r->pending], err);
    if (s == P_OK)
        r->pending++;
    return s;
}

/* A block's rows of a tile; after the last row of the domain comes the first. A block that is not
 * full has its rows closer together until widen() moves them. */
static p_status submit_block(rows_reader *r, int tree, uint64_t block, uint64_t tile,
                             uint64_t *buffer, p_err *err)
{
    uint64_t n = UINT64_C(1) << r->p->log_n, row = tile * r->tile_rows;
    uint64_t *out = buffer + r->first[tree] + block * r->capacity * LINE_WORDS;
    uint32_t column = (uint32_t)block * LINE_WORDS;
    uint32_t left = r->p->air->trees[tree].columns - column;
    uint32_t width = left < LINE_WORDS ? left : LINE_WORDS;
    uint64_t rows = r->capacity < n - row ? r->capacity : n - row;
    p_status s = submit(r, tree, column, row, rows, out, err);

    if (s == P_OK && rows < r->capacity)
        s = submit(r, tree, column, 0, r->capacity - rows, out + rows * width, err);
    return s;
}

static p_status submit_tile(rows_reader *r, uint64_t tile, p_err *err)
{
    p_status s = P_OK;

    for (int t = 0; t < AIR_TREES; t++)
        for (uint64_t b = 0; r->wanted[t] && b < drv_blocks(r->p->air->trees[t].columns); b++)
            if (s == P_OK)
                s = submit_block(r, t, b, tile, r->buffer[tile % 2], err);
    return s;
}

/* Rows of less than eight words to lines, from the last on. */
static void widen(const rows_reader *r, int tree, uint64_t *buffer)
{
    uint32_t columns = r->p->air->trees[tree].columns, width = columns % LINE_WORDS;
    uint64_t *block = buffer + r->first[tree] + columns / LINE_WORDS * r->capacity * LINE_WORDS;

    if (width == 0)
        return;
    for (uint64_t i = r->capacity; i-- > 0;) {
        uint64_t line[LINE_WORDS] = {0};

        memcpy(line, block + i * width, width * sizeof line[0]);
        memcpy(block + i * LINE_WORDS, line, sizeof line);
    }
}

/* ---- the calls ---- */

p_status rows_open(rows_reader *r, prover *p, const bool wanted[AIR_TREES], uint64_t ahead,
                   p_err *err)
{
    uint64_t blocks = 0;
    p_status s;

    memset(r, 0, sizeof *r);
    r->p = p;
    r->ahead = ahead;
    r->tile_rows = tile_rows(all_blocks(p->air, wanted), p->log_n);
    r->tiles = (UINT64_C(1) << p->log_n) / r->tile_rows;
    r->capacity = r->tile_rows + ahead;
    for (int t = 0; t < AIR_TREES; t++) {
        r->wanted[t] = wanted[t] && p->air->trees[t].columns > 0;
        r->first[t] = blocks * r->capacity * LINE_WORDS;
        blocks += r->wanted[t] ? drv_blocks(p->air->trees[t].columns) : 0;
    }
    r->words = blocks * r->capacity * LINE_WORDS;
    s = prover_alloc(p, r->words, "rows of the extended matrices", &r->buffer[0], err);
    if (s == P_OK)
        s = prover_alloc(p, r->words, "rows of the extended matrices", &r->buffer[1], err);
    if (s == P_OK)
        s = submit_tile(r, 0, err);
    return s;
}

p_status rows_next(rows_reader *r, const uint64_t **tile, p_err *err)
{
    uint64_t now = r->next++;
    p_status s = wait_all(r, err);

    if (s == P_OK && now + 1 < r->tiles)
        s = submit_tile(r, now + 1, err);
    if (s != P_OK)
        return s;
    for (int t = 0; t < AIR_TREES; t++)
        if (r->wanted[t])
            widen(r, t, r->buffer[now % 2]);
    prover_progress(r->p, now, r->tiles);
    *tile = r->buffer[now % 2];
    return P_OK;
}

void rows_close(rows_reader *r)
{
    for (uint32_t i = 0; i < r->pending; i++)
        drv_cancel(r->events[i]);
    (void)wait_all(r, NULL);
    prover_free(r->p, r->buffer[0], r->words);
    prover_free(r->p, r->buffer[1], r->words);
}
