/* gl_lde of kernel_abi.h: transforms of a block of eight Goldilocks columns.
 *
 * Up to 2^HLS_GL_LDE_TILE_LOG2 rows a transform is one pass over the memory, beyond that two: of
 * index j = i 2^b + c the first pass transforms over i for 16 neighbouring c at a time, the second
 * over c for 16 neighbouring results, and writes them where the transform's natural order has them.
 * Inside a pass three processes work on three tiles at a time: load, transform, store. README.md
 * in this folder draws it and counts cycles.
 *
 * transform() takes a column of 2^a rows as digits of three bits, d1 d2 d3 d4 (d3 and d4 may be
 * shorter, their upper bits are then columns: several columns share the 4096 places). d1 and d2 are
 * one transform of 64 points, d3 and d4 another: inside, all roots are powers of two. General
 * products are at the entrance (s^j of a coset, or the twiddles between the passes, with 1/n) and
 * between d2 and d3: two a row. */
#include "hls/include/kernel_ports.h"

#include "hls/core/gl_ntt.h"
#include "hls/core/rows.h"

/* log2 of the rows that a pass transforms: 7 .. 12; below 12, which only saves memory for trials of
 * tools, sizes of more than that and less than 2^13 are left undone, as are those beyond twice it
 */
#ifndef HLS_GL_LDE_TILE_LOG2
#define HLS_GL_LDE_TILE_LOG2 12
#endif
#define TILE_LOG2 HLS_GL_LDE_TILE_LOG2
#define TILE_ROWS (1u << TILE_LOG2)
/* for the model: products by general factors, eight for the factors at the entrance */
#define HLS_GL_LDE_MULTIPLIERS (2 * HLS_GL_RADIX * HLS_GL_QUAD + HLS_GL_RADIX)

/* Banks of a tile. A piece's bank is its channel if there are 8 or 16; with fewer channels, the
 * channel of 16. Step 1 reads and step 4 writes eight rows at a time. */
#if HLS_CHANNELS_LOG2 == 3
#define BANKS_LOG2 3
#else
#define BANKS_LOG2 4
#endif
#define BANKS (1u << BANKS_LOG2)
#define BANK_ROWS (TILE_ROWS * 16 / BANKS)
#define D3_BITS (TILE_LOG2 < 9 ? TILE_LOG2 - 6 : 3)
#define D4_BITS (TILE_LOG2 - 6 - D3_BITS)
/* Beats of a column, each eight rows of four lanes; groups of 16 beats are 64 rows. */
#define COLUMN_LOG2 10
#define COLUMN_BEATS (1u << COLUMN_LOG2)
/* Beats that a step lags behind the one whose group of 64 rows it takes: a group, and 48 for the
 * pipeline. Rings of eight groups hold what is under way. */
#define LAG 64
#define RING 8

/* 7^((p-1)/2^32) and its inverse */
#define ROOT_32 UINT64_C(0x185629dcda58878c)
#define ROOT_32_INVERSE UINT64_C(0x76b6b635b6fc8719)

#define FROM_SRC 0
#define FROM_TMP 1
#define FROM_DST 2

typedef uint64_t tile_memory[BANKS][BANK_ROWS][HLS_ROW_WORDS];
typedef uint64_t ring_memory[HLS_GL_RADIX][RING * 8][HLS_ROW_WORDS];
typedef uint64_t column_memory[HLS_GL_RADIX][4 << (6 + D4_BITS)][HLS_ROW_WORDS];
typedef uint64_t power_table[TILE_ROWS][HLS_GL_RADIX]; /* a copy for each row of a beat */
typedef uint64_t rows_eight[HLS_GL_RADIX][HLS_GL_QUAD];

/* A pass. Logarithms are of rows unless they say more. */
typedef struct lde_pass {
    uint32_t run, from, to;           /* to: FROM_TMP or FROM_DST */
    uint64_t from_row, to_row, given; /* rows of from beyond given are zero */
    uint32_t tiles, log_columns;      /* columns of a tile: 16 or one */
    uint32_t log_rows;                /* a: rows of a column */
    uint32_t log_n;                   /* of the whole transform */
    uint32_t spread; /* only every 2^spread th row of the one column is there: 2^7 rows at least */
    uint32_t by_column; /* a piece that is loaded has 16 columns of a row, else 16 rows of one */
    uint32_t load_stride, load_tile, store_stride; /* log2 in pieces */
    uint32_t transform, inverse, twiddles;
    uint32_t e3, e4, v3, v4; /* bits of d3 and d4 that are rows, and columns */
    uint32_t store_turn, digit_turn;
    uint64_t base, first, root; /* of the three tables */
} lde_pass;

/* x of some bits, rotated to the left by count < bits (or zero) */
static inline uint32_t rotated(uint32_t x, uint32_t count, uint32_t bits)
{
    HLS_INLINE()
    return (x << count | x >> (bits - count)) & ((1u << bits) - 1);
}

/* the memory bank of a piece */
static inline uint32_t fold(uint64_t piece)
{
    HLS_INLINE()
    return hls_stripe_channel(piece << HLS_PIECE_LOG2, BANKS_LOG2);
}

/* row r of a tile's piece y in its bank */
static inline uint32_t bank_at(uint32_t y, uint32_t r)
{
    HLS_INLINE()
    return y >> BANKS_LOG2 << HLS_PIECE_LOG2 | r;
}

static inline void put_row(uint64_t bank[BANK_ROWS][HLS_ROW_WORDS], uint32_t at, const hls_row *row)
{
    HLS_INLINE()
    /* II=1, unrolled: eight memories side by side */
    HLS_LOOP(put)
    for (unsigned k = 0; k < HLS_ROW_WORDS; k++) {
        HLS_UNROLL()
        bank[at][k] = row->w[k];
    }
}

static inline void get_row(hls_row *row, uint64_t bank[BANK_ROWS][HLS_ROW_WORDS], uint32_t at)
{
    HLS_INLINE()
    /* II=1, unrolled: eight memories side by side */
    HLS_LOOP(get)
    for (unsigned k = 0; k < HLS_ROW_WORDS; k++) {
        HLS_UNROLL()
        row->w[k] = bank[at][k];
    }
}

/* Bank numbers are exclusive ors of rotated parts. m's part, for m whose lowest bit belongs to bit
 * turn of the bank; and back. turn is below BANKS_LOG2. */
static inline uint32_t bank_part(uint32_t m, uint32_t turn)
{
    HLS_INLINE()
    return rotated(m & (BANKS - 1), turn, BANKS_LOG2);
}

static inline uint32_t part_of_bank(uint32_t bank, uint32_t turn)
{
    HLS_INLINE()
    return rotated(bank, turn == 0 ? 0 : BANKS_LOG2 - turn, BANKS_LOG2);
}

/* d's lowest bits (up to three) in reverse */
static inline uint32_t reversed(uint32_t d, uint32_t bits)
{
    HLS_INLINE()
    return ((d & 1) << 2 | (d & 2) | (d >> 2 & 1)) >> (3 - bits);
}

/* The index of the result at place d of a transform of 2^bits points. An inverse transform is the
 * forward one with index -q for q. */
static inline uint32_t result(uint32_t d, uint32_t bits, uint32_t inverse)
{
    uint32_t q = reversed(d, bits);

    HLS_INLINE()
    return (HLS_FAULTY(63, inverse, 0) ? 0 - q : q) & ((1u << bits) - 1);
}

/* and the place of result q */
static inline uint32_t place(uint32_t q, uint32_t bits, uint32_t inverse)
{
    HLS_INLINE()
    return reversed((inverse ? 0 - q : q) & ((1u << bits) - 1), bits);
}

/* omega_64^exponent is 2^(39 exponent) = 2^(3 (13 exponent mod 64)) */
static inline uint32_t root_shift(const lde_pass *p, uint32_t exponent)
{
    uint32_t e = p->inverse ? 0 - exponent : exponent;

    HLS_INLINE()
    return p->transform ? 3 * (13 * e & 63) : 0;
}

/* ---- load ----
 *
 * Processes take the pass by value: numbers that each gets for itself. */

/* Where row i of a column of a tile lies among the tile's pieces: piece y, row r. */
static inline void loaded_at(const lde_pass *p, uint32_t i, uint32_t column, uint32_t *y,
                             uint32_t *r)
{
    HLS_INLINE()
    *y = p->by_column ? i : column << (p->log_rows - HLS_PIECE_LOG2) | i >> HLS_PIECE_LOG2;
    *r = p->by_column ? column : i & 15;
}

/* the piece of the whole matrix, counted from the offset */
static inline uint64_t loaded_piece(const lde_pass *p, uint32_t tile, uint32_t y)
{
    HLS_INLINE()
    return ((uint64_t)tile << p->load_tile) + ((uint64_t)y << p->load_stride);
}

#if HLS_CHANNELS_LOG2 == BANKS_LOG2
#define BANK(channel, offset_bank, piece) (channel)
#else
#define BANK(channel, offset_bank, piece) ((offset_bank) ^ fold(piece))
#endif

/* The piece, of an aligned group of as many as there are channels, that lies in a channel: bit j of
 * its number is bit (stride + j) mod k of the channel, but for the group's own. */
static inline uint32_t piece_of(uint32_t channel, uint64_t offset_row, uint64_t piece,
                                uint32_t stride)
{
    uint32_t x = channel ^ hls_stripe_channel(offset_row, HLS_CHANNELS_LOG2) ^
                 hls_stripe_channel(piece << HLS_PIECE_LOG2, HLS_CHANNELS_LOG2);

    HLS_INLINE()
#if HLS_CHANNELS_LOG2 > 1
    return rotated(x, (HLS_CHANNELS_LOG2 - stride % HLS_CHANNELS_LOG2) % HLS_CHANNELS_LOG2,
                   HLS_CHANNELS_LOG2);
#else
    (void)stride;
    return x;
#endif
}

#define LOAD_PORT(from, unused, channel)                                                           \
    {                                                                                              \
        uint32_t y = group + piece_of(channel, p->from_row, first, p->load_stride);                \
        uint64_t piece = loaded_piece(p, tile, y);                                                 \
                                                                                                   \
        if (y < pieces) {                                                                          \
            hls_row row = from##_##channel[hls_stripe_row(                                         \
                p->from_row + (piece << HLS_PIECE_LOG2) + r, HLS_CHANNELS_LOG2)];                  \
                                                                                                   \
            put_row(in[BANK(channel, bank, piece)], bank_at(y, r), &row);                          \
        }                                                                                          \
    }

/* The first pieces of a tile, each 2^load_stride from the next. */
static inline void load_pieces(HLS_PARAM_ROWS(from), const lde_pass *p, uint32_t tile,
                               uint32_t pieces, tile_memory in)
{
    uint32_t bank = fold(p->from_row >> HLS_PIECE_LOG2);

    HLS_INLINE()
    (void)bank;
    /* II=16: each port reads a piece, one burst of 16 rows, and each bank is written 16 times;
     * pieces <= TILE_ROWS */
    HLS_LOOP(load_groups)
    for (uint32_t group = 0; group < pieces; group += HLS_CHANNELS) {
        uint64_t first = loaded_piece(p, tile, group);

        HLS_PIPELINE(16)
        HLS_TRIP(1, TILE_ROWS / HLS_CHANNELS)
        /* II=1, unrolled: rows of a burst */
        HLS_LOOP(load_row)
        for (uint32_t r = 0; r < 16; r++) {
            HLS_UNROLL()
            HLS_REPEAT(LOAD_PORT, from, 0)
        }
    }
}

/* Fewer rows than a piece, or than the 2^7 of the smallest column: row j goes where row j 2^spread
 * of a column has its place, or to column j. */
static inline void load_rows(HLS_PARAM_ROWS(from), const lde_pass *p, tile_memory in)
{
    HLS_INLINE()
    /* II=1: one row a cycle is enough for 64 rows; given <= 64 */
    HLS_LOOP(load_rows)
    for (uint32_t j = 0; j < p->given; j++) {
        uint32_t y, r;
        hls_row row = {{0}};

        HLS_PIPELINE(1)
        HLS_TRIP(1, 64)
        loaded_at(p, p->by_column ? 0 : j << p->spread, p->by_column ? j : 0, &y, &r);
        hls_rows_read(HLS_PASS_ROWS(from), p->from_row + j, &row);
        put_row(in[fold(p->from_row >> HLS_PIECE_LOG2) ^ fold(y)], bank_at(y, r), &row);
    }
}

static inline void load_from(HLS_PARAM_ROWS(from), const lde_pass *p, uint32_t tile, tile_memory in)
{
    HLS_INLINE()
    if (p->spread || p->given < 16) {
        if (tile == 0)
            load_rows(HLS_PASS_ROWS(from), p, in);
    } else {
        uint64_t pieces = p->given >> HLS_PIECE_LOG2, tile_piece = (uint64_t)tile << p->load_tile;
        uint32_t most = 1u << (p->log_rows + p->log_columns - HLS_PIECE_LOG2);

        if (pieces <= tile_piece)
            pieces = 0;
        else
            pieces = (pieces - tile_piece + ((uint64_t)1 << p->load_stride) - 1) >> p->load_stride;
        load_pieces(HLS_PASS_ROWS(from), p, tile, pieces < most ? (uint32_t)pieces : most, in);
    }
}

static void load(HLS_PARAM_ROWS(src), HLS_PARAM_ROWS(tmp), HLS_PARAM_ROWS(dst), lde_pass pass,
                 uint32_t tile, tile_memory in)
{
    const lde_pass *p = &pass;

    HLS_NO_INLINE()
    if (p->from == FROM_SRC)
        load_from(HLS_PASS_ROWS(src), p, tile, in);
    else if (p->from == FROM_TMP)
        load_from(HLS_PASS_ROWS(tmp), p, tile, in);
    else
        load_from(HLS_PASS_ROWS(dst), p, tile, in);
}

/* ---- transform ---- */

/* What a beat of a step works on: beat = column set, group of 16 beats, line, half of the lanes. */
typedef struct lde_beat {
    uint32_t set, group, line, lane;
} lde_beat;

static inline lde_beat beat_at(uint32_t t)
{
    lde_beat b;

    HLS_INLINE()
    b.set = t >> COLUMN_LOG2;
    b.group = t >> 4 & 63;
    b.line = t >> 1 & 7;
    b.lane = (t & 1) * HLS_GL_QUAD;
    return b;
}

/* column of a tile */
static inline uint32_t column_of(const lde_pass *p, uint32_t set, uint32_t d3, uint32_t d4)
{
    HLS_INLINE()
    return set << (p->v3 + p->v4) | (d3 >> p->e3) << p->v4 | d4 >> p->e4;
}

/* d3 and d4 without columns: the low bits of a row's number */
static inline uint32_t low_row(const lde_pass *p, uint32_t d3, uint32_t d4)
{
    HLS_INLINE()
    return (d3 & ((1u << p->e3) - 1)) << p->e4 | (d4 & ((1u << p->e4) - 1));
}

static inline int present(const lde_pass *p, uint32_t d3, uint32_t d4)
{
    HLS_INLINE()
    return d3 >> (p->e3 + p->v3) == 0 && d4 >> (p->e4 + p->v4) == 0;
}

/* Between steps 1 and 2, and 3 and 4: 64 rows of a group, x y, where the first step's beat has all
 * x of one y and the second's all y of one x. Row x y lies in memory x ^ y at place x of the
 * group's slot, so that both find theirs in eight different memories. */
static inline void ring_put(ring_memory ring, uint32_t slot, uint32_t own, uint32_t lane,
                            rows_eight x)
{
    HLS_INLINE()
    /* II=1, unrolled: each memory is written once */
    HLS_LOOP(ring_put)
    for (uint32_t k = 0; k < HLS_GL_RADIX; k++) {
        HLS_UNROLL()
        /* II=1, unrolled: four lanes */
        HLS_LOOP(ring_put_lanes)
        for (uint32_t l = 0; l < HLS_GL_QUAD; l++) {
            HLS_UNROLL()
            ring[k][slot * 8 + (k ^ own)][lane + l] = x[k ^ own][l];
        }
    }
}

/* rows 0 .. 7 of the second step's line own */
static inline void ring_get(ring_memory ring, uint32_t slot, uint32_t own, uint32_t lane,
                            rows_eight x)
{
    HLS_INLINE()
    /* II=1, unrolled: each memory is read once */
    HLS_LOOP(ring_get)
    for (uint32_t m = 0; m < HLS_GL_RADIX; m++) {
        HLS_UNROLL()
        /* II=1, unrolled: four lanes */
        HLS_LOOP(ring_get_lanes)
        for (uint32_t l = 0; l < HLS_GL_QUAD; l++) {
            HLS_UNROLL()
            x[m][l] = ring[m ^ own][slot * 8 + own][lane + l];
        }
    }
}

static inline uint32_t column_at(uint32_t set, uint32_t d1, uint32_t d2, uint32_t d4)
{
    HLS_INLINE()
    return ((set & 3) << 6 | d1 << 3 | d2) << D4_BITS | d4;
}

/* Step 1: rows d1 = 0 .. 7 of one d2 d3 d4 out of the tile, times the factors of the entrance. */
static inline void step_first(const lde_pass *p, uint32_t tile, lde_beat b, tile_memory in,
                              power_table low, power_table high, ring_memory ring)
{
    uint32_t d3 = b.group >> 3, d4 = b.group & 7, column = column_of(p, b.set, d3, d4);
    uint32_t f2 = p->e3 + p->e4, i0 = b.line << f2 | low_row(p, d3, d4), y0, r;
    uint32_t digit = p->log_rows - 3 - (p->by_column ? 0 : HLS_PIECE_LOG2); /* of y: d1 */
    uint32_t turn = (p->load_stride + digit) % BANKS_LOG2, bank0;
    uint32_t global = tile << 4 | column;
    uint32_t step = p->twiddles ? global : p->by_column ? 1u << (p->load_stride + 4) : 1;
    uint32_t begin = p->by_column ? global : 0;
    uint64_t value[BANKS][HLS_GL_QUAD];
    rows_eight x;

    HLS_INLINE()
    HLS_REGISTERS(value)
    HLS_REGISTERS(x)
    if (!present(p, d3, d4))
        return;
    loaded_at(p, i0, column, &y0, &r);
    bank0 = fold(p->from_row >> HLS_PIECE_LOG2) ^ fold(loaded_piece(p, tile, y0));
    /* II=1, unrolled: each bank is read once, at the place of the row of ours that it may have */
    HLS_LOOP(first_banks)
    for (uint32_t k = 0; k < BANKS; k++) {
        uint32_t m = part_of_bank(k ^ bank0, turn) & 7;
        uint32_t at = bank_at(y0 | m << digit, r);

        HLS_UNROLL()
        /* II=1, unrolled: four lanes */
        HLS_LOOP(first_bank_lanes)
        for (uint32_t l = 0; l < HLS_GL_QUAD; l++) {
            HLS_UNROLL()
            value[k][l] = in[k][at][b.lane + l];
        }
    }
    /* II=1, unrolled: eight rows, five products each */
    HLS_LOOP(first_rows)
    for (uint32_t m = 0; m < HLS_GL_RADIX; m++) {
        uint32_t i = i0 | m << (p->log_rows - 3), j = i >> p->spread;
        uint32_t exponent = (j * step + begin) & ((1u << p->log_n) - 1);
        uint64_t factor =
            hls_gl_mul(low[exponent & (TILE_ROWS - 1)][m], high[exponent >> TILE_LOG2][m]);
        int there =
            p->twiddles || (j << p->spread == i &&
                            (uint64_t)j * step + begin < HLS_FAULTY(64, p->given, p->given + 1));

        HLS_UNROLL()
        /* II=1, unrolled: four lanes */
        HLS_LOOP(first_lanes)
        for (uint32_t l = 0; l < HLS_GL_QUAD; l++) {
            HLS_UNROLL()
            x[m][l] = there ? hls_gl_mul(value[bank0 ^ bank_part(m, turn)][l], factor) : 0;
        }
    }
    hls_gl_ntt_eight(x, p->transform ? 3 : 0);
    ring_put(ring, b.group & (RING - 1), b.line, b.lane, x);
}

/* Step 2: rows d2 = 0 .. 7 of one d1 d3 d4, times the twiddles between the halves. */
static inline void step_second(const lde_pass *p, lde_beat b, ring_memory ring, power_table middle,
                               column_memory columns)
{
    uint32_t d1 = b.line, d3 = b.group >> 3, d4 = b.group & 7;
    uint32_t q1 = result(d1, 3, p->inverse), rest = low_row(p, d3, d4);
    rows_eight x;

    HLS_INLINE()
    HLS_REGISTERS(x)
    if (!present(p, d3, d4))
        return;
    ring_get(ring, b.group & (RING - 1), d1, b.lane, x);
    /* II=1, unrolled: eight rows, shifted apart */
    HLS_LOOP(second_roots)
    for (uint32_t m = 1; m < HLS_GL_RADIX; m++) {
        /* result() of an inverse transform is negated already; the root's exponent is, too */
        uint32_t shift = root_shift(p, q1 * m);

        HLS_UNROLL()
        /* II=1, unrolled: four lanes */
        HLS_LOOP(second_root_lanes)
        for (uint32_t l = 0; l < HLS_GL_QUAD; l++) {
            HLS_UNROLL()
            x[m][l] = hls_gl_shift(x[m][l], shift);
        }
    }
    hls_gl_ntt_eight(x, p->transform ? 3 : 0);
    /* II=1, unrolled: eight rows, four products each */
    HLS_LOOP(second_rows)
    for (uint32_t m = 0; m < HLS_GL_RADIX; m++) {
        uint32_t q = q1 + 8 * result(m, 3, p->inverse);
        uint64_t factor = middle[HLS_FAULTY(65, q * rest, q * rest + 1) & (TILE_ROWS - 1)][m];

        HLS_UNROLL()
        hls_gl_ntt_scale_quad(x[m], factor);
    }
    /* II=1, unrolled: each memory is written once */
    HLS_LOOP(second_put)
    for (uint32_t k = 0; k < HLS_GL_RADIX; k++) {
        HLS_UNROLL()
        /* II=1, unrolled: four lanes */
        HLS_LOOP(second_put_lanes)
        for (uint32_t l = 0; l < HLS_GL_QUAD; l++) {
            HLS_UNROLL()
            columns[k][column_at(b.set, d1, k ^ d3, d4)][b.lane + l] = x[k ^ d3][l];
        }
    }
}

/* Step 3: rows d3 = 0 .. 7 of one d1 d2 d4. */
static inline void step_third(const lde_pass *p, lde_beat b, column_memory columns,
                              ring_memory ring)
{
    uint32_t d1 = b.group >> 3, d2 = b.group & 7, d4 = b.line;
    rows_eight x;

    HLS_INLINE()
    HLS_REGISTERS(x)
    if (!present(p, 0, d4))
        return;
    /* II=1, unrolled: each memory is read once */
    HLS_LOOP(third_get)
    for (uint32_t m = 0; m < HLS_GL_RADIX; m++) {
        HLS_UNROLL()
        /* II=1, unrolled: four lanes */
        HLS_LOOP(third_get_lanes)
        for (uint32_t l = 0; l < HLS_GL_QUAD; l++) {
            HLS_UNROLL()
            x[m][l] = columns[m ^ d2][column_at(b.set, d1, d2, d4)][b.lane + l];
        }
    }
    hls_gl_ntt_eight(x, p->transform ? p->e3 : 0);
    ring_put(ring, b.group & (RING - 1), d4, b.lane, x);
}

/* Step 4: rows d4 = 0 .. 7 of one d1 d2 d3, to where the result's row has its place. */
static inline void step_fourth(const lde_pass *p, uint32_t tile, lde_beat b, ring_memory ring,
                               tile_memory out)
{
    uint32_t d1 = b.group >> 3, d2 = b.group & 7, d3 = b.line, i3 = d3 & ((1u << p->e3) - 1);
    uint32_t q3 = result(i3, p->e3, p->inverse);
    uint32_t column = column_of(p, b.set, d3, 0), digit = p->transform ? 6 + p->e3 : 0, k0, z0, r0;
    uint32_t bank0;
    rows_eight x;

    HLS_INLINE()
    HLS_REGISTERS(x)
    if (!present(p, d3, 0))
        return;
    ring_get(ring, b.group & (RING - 1), d3, b.lane, x);
    /* II=1, unrolled: eight rows, shifted apart */
    HLS_LOOP(fourth_roots)
    for (uint32_t m = 1; m < HLS_GL_RADIX; m++) {
        uint32_t i4 = m & ((1u << p->e4) - 1);
        uint32_t shift = root_shift(p, q3 * i4 << (6 - p->e3 - p->e4));

        HLS_UNROLL()
        /* II=1, unrolled: four lanes */
        HLS_LOOP(fourth_root_lanes)
        for (uint32_t l = 0; l < HLS_GL_QUAD; l++) {
            HLS_UNROLL()
            x[m][l] = hls_gl_shift(x[m][l], shift);
        }
    }
    hls_gl_ntt_eight(x, p->transform ? HLS_FAULTY(66, p->e4, p->e4 & 2) : 0);
    k0 = p->transform ? result(d1, 3, p->inverse) + 8 * result(d2, 3, p->inverse) + 64 * q3
                      : (d1 * 8 + d2) << (p->e3 + p->e4) | i3 << p->e4;
    z0 = p->log_columns ? k0 : k0 >> HLS_PIECE_LOG2;
    r0 = p->log_columns ? column : k0 & 15;
    bank0 = fold(p->to_row >> HLS_PIECE_LOG2) ^ fold(((uint64_t)z0 << p->store_stride) + tile) ^
            bank_part(r0, p->store_turn);
    /* II=1, unrolled: each bank is written once at most, with the row u of ours that belongs to it:
     * result u of digit 4, above it columns */
    HLS_LOOP(fourth_banks)
    for (uint32_t bank = 0; bank < BANKS; bank++) {
        uint32_t u = part_of_bank(bank ^ bank0, p->digit_turn);
        uint32_t q4 = u & ((1u << p->e4) - 1), c = u >> p->e4;
        uint32_t m = (p->transform ? place(q4, p->e4, p->inverse) : q4) | c << p->e4;
        uint32_t k = k0 | q4 << digit;
        uint32_t at =
            p->log_columns ? bank_at(k, column | c) : bank_at(k >> HLS_PIECE_LOG2, k & 15);

        HLS_UNROLL()
        if (u < HLS_GL_RADIX && c >> p->v4 == 0) {
            /* II=1, unrolled: four lanes */
            HLS_LOOP(fourth_lanes)
            for (uint32_t l = 0; l < HLS_GL_QUAD; l++) {
                HLS_UNROLL()
                out[bank][at][b.lane + l] = x[m][l];
            }
        }
    }
}

/* The columns of a tile, one set of 4096 places after the other, through four steps: step 2 lags
 * LAG behind step 1, step 3 a column behind step 2, since it needs all of it, step 4 LAG behind
 * step 3. So all four work at the same time, each on eight rows of four lanes a beat. */
static void transform(lde_pass pass, uint32_t tile, tile_memory in, power_table low,
                      power_table high, power_table middle, tile_memory out)
{
    HLS_MEMORY ring_memory first_ring, second_ring;
    HLS_MEMORY column_memory columns;
    const lde_pass *p = &pass;
    uint32_t beats = 1u << (COLUMN_LOG2 + p->log_columns - p->v3 - p->v4);

    HLS_NO_INLINE()
    HLS_BANKS(first_ring, 1)
    HLS_BANKS(first_ring, 3)
    HLS_LUTRAM(first_ring)
    HLS_BANKS(second_ring, 1)
    HLS_BANKS(second_ring, 3)
    HLS_LUTRAM(second_ring)
    HLS_BANKS(columns, 1)
    HLS_BANKS(columns, 3)
    HLS_URAM(columns)
    /* II=1: the four steps share no memory port: each memory is written by one and read by another.
     * What a step reads was written at least LAG - 16 beats before, so nothing waits for the
     * pipeline as long as it has fewer stages. beats <= 16 COLUMN_BEATS */
    HLS_LOOP(beats)
    for (uint32_t t = 0; t < beats + COLUMN_BEATS + 3 * LAG; t++) {
        HLS_PIPELINE(1)
        HLS_TRIP(2 * COLUMN_BEATS + 3 * LAG, 17 * COLUMN_BEATS + 3 * LAG)
        HLS_NO_DEPENDENCE(first_ring)
        HLS_NO_DEPENDENCE(second_ring)
        HLS_NO_DEPENDENCE(columns)
        if (t < beats)
            step_first(p, tile, beat_at(t), in, low, high, first_ring);
        if (t >= LAG && t < beats + LAG)
            step_second(p, beat_at(t - LAG), first_ring, middle, columns);
        if (t >= 2 * LAG + COLUMN_BEATS && t < beats + 2 * LAG + COLUMN_BEATS)
            step_third(p, beat_at(t - 2 * LAG - COLUMN_BEATS), columns, second_ring);
        if (t >= 3 * LAG + COLUMN_BEATS)
            step_fourth(p, tile, beat_at(t - 3 * LAG - COLUMN_BEATS), second_ring, out);
    }
}

/* ---- store ---- */

#define STORE_PORT(to, unused, channel)                                                            \
    {                                                                                              \
        uint32_t z = group + piece_of(channel, p->to_row, first, p->store_stride);                 \
        uint64_t piece = ((uint64_t)z << p->store_stride) + tile;                                  \
                                                                                                   \
        if (z < pieces)                                                                            \
            to##_##channel[hls_stripe_row(p->to_row + (piece << HLS_PIECE_LOG2) + r,               \
                                          HLS_CHANNELS_LOG2)] =                                    \
                row[BANK(channel, bank, piece) ^ bank_part(r, p->store_turn)];                     \
    }

static inline void store_pieces(HLS_PARAM_ROWS(to), const lde_pass *p, uint32_t tile,
                                uint32_t pieces, tile_memory out)
{
    uint32_t bank = fold(p->to_row >> HLS_PIECE_LOG2);

    HLS_INLINE()
    (void)bank;
    /* II=16: each port writes a piece, one burst of 16 rows, and each bank is read 16 times; pieces
     * <= TILE_ROWS */
    HLS_LOOP(store_groups)
    for (uint32_t group = 0; group < pieces; group += HLS_CHANNELS) {
        uint64_t first = ((uint64_t)group << p->store_stride) + tile;

        HLS_PIPELINE(16)
        HLS_TRIP(1, TILE_ROWS / HLS_CHANNELS)
        /* II=1, unrolled: rows of a burst */
        HLS_LOOP(store_row)
        for (uint32_t r = 0; r < 16; r++) {
            hls_row row[BANKS];

            HLS_UNROLL()
            HLS_REGISTERS(row)
            /* II=1, unrolled: banks side by side, all at the same place */
            HLS_LOOP(store_banks)
            for (uint32_t k = 0; k < BANKS; k++) {
                HLS_UNROLL()
                get_row(&row[k], out[k], bank_at(group, r));
            }
            HLS_REPEAT(STORE_PORT, to, 0)
        }
    }
}

/* a transform of fewer rows than a piece */
static inline void store_rows(HLS_PARAM_ROWS(to), const lde_pass *p, tile_memory out)
{
    HLS_INLINE()
    /* II=1: 8 rows at most */
    HLS_LOOP(store_rows)
    for (uint32_t r = 0; r < 1u << p->log_n; r++) {
        hls_row row;

        HLS_PIPELINE(1)
        HLS_TRIP(1, 8)
        get_row(&row, out[fold(p->to_row >> HLS_PIECE_LOG2) ^ bank_part(r, p->store_turn)],
                bank_at(0, r));
        hls_rows_write(HLS_PASS_ROWS(to), p->to_row + r, &row);
    }
}

static inline void store_to(HLS_PARAM_ROWS(to), const lde_pass *p, uint32_t tile, tile_memory out)
{
    uint32_t log_rows = p->log_columns ? p->log_rows + p->log_columns : p->log_n; /* of the tile */

    HLS_INLINE()
    if (log_rows < HLS_PIECE_LOG2)
        store_rows(HLS_PASS_ROWS(to), p, out);
    else
        store_pieces(HLS_PASS_ROWS(to), p, tile, 1u << (log_rows - HLS_PIECE_LOG2), out);
}

static void store(HLS_PARAM_ROWS(tmp), HLS_PARAM_ROWS(dst), lde_pass pass, uint32_t tile,
                  tile_memory out)
{
    const lde_pass *p = &pass;

    HLS_NO_INLINE()
    if (p->to == FROM_TMP)
        store_to(HLS_PASS_ROWS(tmp), p, tile, out);
    else
        store_to(HLS_PASS_ROWS(dst), p, tile, out);
}

/* ---- passes ---- */

static inline uint64_t squared(uint64_t a, uint32_t times)
{
    /* II = latency of a product: a few dozen of them a pass; times <= 32 */
    HLS_LOOP(squared)
    for (uint32_t i = 0; i < times; i++) {
        HLS_TRIP(0, 32)
        a = hls_gl_mul(a, a);
    }
    return a;
}

/* omega of order 2^log, or its inverse */
static inline uint64_t root(uint32_t log, uint32_t inverse)
{
    return squared(inverse ? ROOT_32_INVERSE : ROOT_32, 32 - log);
}

/* table[i] = first step^i */
static inline void fill(power_table table, uint32_t count, uint64_t first, uint64_t step)
{
    uint64_t ring[HLS_GL_TWIDDLES], stride = hls_gl_ntt_twiddle_start(ring, first, step);

    /* II=1: eight powers take turns; count <= TILE_ROWS */
    HLS_LOOP(fill)
    for (uint32_t i = 0; i < count; i++) {
        uint64_t w = hls_gl_ntt_twiddle_next(ring, i, stride);

        HLS_PIPELINE(1)
        HLS_TRIP(1, TILE_ROWS)
        /* II=1, unrolled: a copy for each row of a beat */
        HLS_LOOP(copies)
        for (uint32_t m = 0; m < HLS_GL_RADIX; m++) {
            HLS_UNROLL()
            table[i][m] = w;
        }
    }
}

static void tables(const lde_pass *p, power_table low, power_table high, power_table middle)
{
    uint32_t split = p->log_n < TILE_LOG2 ? p->log_n : TILE_LOG2;

    HLS_NO_INLINE()
    fill(low, 1u << split, 1, p->base);
    fill(high, 1u << (p->log_n - split), p->first, squared(p->base, TILE_LOG2));
    fill(middle, 1u << p->log_rows, 1, p->root);
}

/* Transforms have one pass (number 0) or two; step 0 and 1 are those of the inverse, 2 multiplies
 * its result by s^j if it has to, 3 and 4 are those of the forward transform. */
static lde_pass plan(uint32_t step, uint32_t mode, uint32_t log_in, uint32_t log_out,
                     uint64_t src_row, uint64_t tmp_row, uint64_t dst_row, uint64_t scale)
{
    uint32_t inverse = step < 3, number = step == 1 || step == 4, multiply = step == 2;
    uint32_t has_inverse = mode == HLS_INVERSE || mode == HLS_EXTEND, b, f2, v;
    lde_pass p = {0};

    p.log_n = inverse ? log_in : log_out;
    p.inverse = inverse;
    p.transform = !multiply;
    p.run = inverse ? has_inverse : mode != HLS_INVERSE;
    if (multiply)
        p.run = mode == HLS_INVERSE && hls_gl_canonical(scale) != 1;
    p.base = 1;
    p.first = 1;
    if (p.log_n > TILE_LOG2) {
        b = (p.log_n + 1) / 2;
        if (p.log_n < 13 || b > TILE_LOG2)
            p.run = 0;
        p.from = number ? FROM_TMP : multiply || (!inverse && has_inverse) ? FROM_DST : FROM_SRC;
        p.to = number || multiply ? FROM_DST : FROM_TMP;
        p.log_columns = 4;
        p.log_rows = number ? b : p.log_n - b;
        p.tiles = 1u << (p.log_n - p.log_rows - 4);
        p.by_column = !number;
        p.load_stride = number ? 0 : b - 4;
        p.load_tile = number ? b : 0;
        p.store_stride = number ? p.log_n - b - 4 : b - 4;
        p.twiddles = number;
        if (number)
            p.base = root(p.log_n, inverse);
    } else {
        p.run = p.run && !number;
        p.from = multiply || (!inverse && has_inverse) ? FROM_DST : FROM_SRC;
        p.to = FROM_DST;
        p.log_rows = p.log_n < 7 ? 7 : p.log_n;
        p.spread = multiply ? 0 : p.log_rows - p.log_n;
        p.tiles = 1;
    }
    if ((!inverse && !number) || multiply)
        p.base = HLS_FAULTY(67, scale, 1);
    if (inverse && !multiply && (number || p.log_n <= TILE_LOG2) && p.log_n > 0)
        p.first = hls_gl_shift(1, 192 - p.log_n); /* 1 / n */
    p.given = (uint64_t)1 << (number || inverse ? p.log_n : log_in);
    p.from_row = p.from == FROM_SRC ? src_row : p.from == FROM_TMP ? tmp_row : dst_row;
    p.to_row = p.to == FROM_TMP ? tmp_row : dst_row;
    p.root = multiply ? 1 : root(p.log_rows, inverse);

    f2 = p.log_rows - 6;
    p.e3 = f2 < 3 ? f2 : 3;
    p.e4 = f2 - p.e3;
    v = TILE_LOG2 - p.log_rows < p.log_columns ? TILE_LOG2 - p.log_rows : p.log_columns;
    p.v4 = v < D4_BITS - p.e4 ? v : D4_BITS - p.e4;
    p.v3 = v - p.v4;
    /* Where in a result's bank digit 4 begins: after the bits below it of its row's number, or of
     * its piece's; in a scaling pass at the row's lowest bit. Columns follow digit 4. */
    p.digit_turn = p.store_stride;
    if (p.transform)
        p.digit_turn += p.log_rows - p.e4 - (p.log_columns ? 0 : HLS_PIECE_LOG2);
    p.store_turn = (p.digit_turn + (p.log_columns ? p.e4 : 0)) % BANKS_LOG2;
    p.digit_turn %= BANKS_LOG2;
    return p;
}

static void run_pass(HLS_PARAM_ROWS(src), HLS_PARAM_ROWS(tmp), HLS_PARAM_ROWS(dst), lde_pass p,
                     power_table low, power_table high, power_table middle)
{
    HLS_NO_INLINE()
    /* II of a tile: the slowest of the three; two tiles' memory on either side of transform */
    HLS_LOOP(tiles)
    for (uint32_t tile = 0; tile < p.tiles; tile++) {
        HLS_CHANNEL tile_memory in, out;

        HLS_DATAFLOW()
        HLS_TRIP(1, 1 << (HLS_GL_LDE_MAX_LOG2 - TILE_LOG2 - 4))
        HLS_BANKS(in, 1)
        HLS_BANKS(in, 3)
        HLS_URAM(in)
        HLS_BANKS(out, 1)
        HLS_BANKS(out, 3)
        HLS_URAM(out)
        load(HLS_PASS_ROWS(src), HLS_PASS_ROWS(tmp), HLS_PASS_ROWS(dst), p, tile, in);
        transform(p, tile, in, low, high, middle, out);
        store(HLS_PASS_ROWS(tmp), HLS_PASS_ROWS(dst), p, tile, out);
    }
}

HLS_TOP_ROWS(src, a)
HLS_TOP_ROWS(tmp, b)
HLS_TOP_ROWS(dst, a)
void gl_lde(HLS_GL_LDE_ARGS(HLS_PARAM_ROWS, HLS_PARAM_U32, HLS_PARAM_U64))
{
    HLS_MEMORY power_table low, high, middle;

    HLS_INTERFACE_ROWS(src, a)
    HLS_INTERFACE_ROWS(tmp, b)
    HLS_INTERFACE_ROWS(dst, a)
    HLS_INTERFACE_NUMBER(mode)
    HLS_INTERFACE_NUMBER(log_in)
    HLS_INTERFACE_NUMBER(log_out)
    HLS_INTERFACE_NUMBER(src_row)
    HLS_INTERFACE_NUMBER(tmp_row)
    HLS_INTERFACE_NUMBER(dst_row)
    HLS_INTERFACE_NUMBER(scale)
    HLS_INTERFACE_CONTROL()
    HLS_BANKS(low, 2)
    HLS_URAM(low)
    HLS_BANKS(high, 2)
    HLS_URAM(high)
    HLS_BANKS(middle, 2)
    HLS_URAM(middle)

    if (log_out > HLS_GL_LDE_MAX_LOG2 || log_in > log_out || mode > HLS_EXTEND_COEFFICIENTS)
        return;
    if (log_in != log_out && (mode == HLS_FORWARD || mode == HLS_INVERSE))
        return;
    /* II: a pass needs all of the one before */
    HLS_LOOP(passes)
    for (uint32_t step = 0; step < 5; step++) {
        lde_pass p = plan(step, mode, log_in, log_out, src_row, tmp_row, dst_row, scale);

        if (p.run) {
            tables(&p, low, high, middle);
            run_pass(HLS_PASS_ROWS(src), HLS_PASS_ROWS(tmp), HLS_PASS_ROWS(dst), p, low, high,
                     middle);
        }
    }
}
