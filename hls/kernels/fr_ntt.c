/* fr_ntt of kernel_abi.h: transforms over BN254's Fr in two passes. fr_ntt.md has the drawing and
 * the cycles.
 *
 * n elements are a matrix of C = 2^(log_n / 2) rows and R = n / C columns, element j1 R + j2. With
 * z = s w^(k1 + C k2) the transform is
 *
 *   columns: G[k1][j2] = sum over j1 of x[j1 R + j2] (s^R w_C^k1)^j1         for each column j2
 *   rows:    y[k1 + C k2] = sum over j2 of G[k1][j2] (s w^k1 w_R^k2)^j2      for each row k1
 *
 * so the twiddles between the passes are shifts of the rows' transforms, which bn_ntt.h has inside
 * its butterflies: nothing is multiplied between the passes. The inverse is the transposed network,
 * rows first.
 *
 * A tile is the transforms of HLS_FR_NTT_LANES neighbouring columns or rows, a memory bank for
 * each, which also takes as many butterflies: load, twiddles, compute and store of neighbouring
 * tiles run side by side. Of a matrix whose columns it has, a tile takes a piece of
 * HLS_FR_NTT_LANES neighbouring elements from each row (512 bytes); of one whose rows it has, whole
 * rows (pieces of 1 KiB). Pieces that are read or written at once lie in different channels, as
 * kernel_abi.h promises. */
#include "hls/core/bn_ntt.h"
#include "hls/core/bn_rows.h"
#include "hls/core/rows.h"

/* log2 of the longest transform of a pass; 2^12 for 2^24, less to have many tiles in a test */
#ifndef HLS_FR_NTT_PASS_LOG2
#define HLS_FR_NTT_PASS_LOG2 (HLS_FR_NTT_MAX_LOG2 / 2)
#endif
/* Transforms of a tile. */
#define HLS_FR_NTT_LANES 16u
/* Multipliers of the butterflies: a node of four takes four cycles in each lane. */
#define HLS_FR_NTT_BUTTERFLIES 16
#define HLS_FR_NTT_NODE_II 4
/* Multipliers that make twiddles: a pass needs LENGTH - 1 a lane, and log2 LENGTH powers of its
 * shift, each a product of the one before: a product leaves its pipe within so many cycles. */
#define HLS_FR_NTT_POWER_CYCLES 64u
#define HLS_FR_NTT_TWIDDLE_UNITS 3u

#define LANES HLS_FR_NTT_LANES
#define UNITS HLS_FR_NTT_TWIDDLE_UNITS
#define POWER_CYCLES HLS_FR_NTT_POWER_CYCLES
#define LENGTH (1u << HLS_FR_NTT_PASS_LOG2)
#define ROOT_LOG2 28
#define HALF_ROWS (LANES / 2)             /* rows of a piece of one matrix row */
#define PIECE_ROWS (1u << HLS_PIECE_LOG2) /* rows of a piece of one lane */
#define PIECE_ELEMENTS (2 * PIECE_ROWS)   /* elements of it */
#define LINE_LOG2 5                       /* log2 of the shortest pass that moves whole pieces */
#define GROUP HLS_CHANNELS                /* pieces that are moved at once, one a channel */
/* cycles of a group: elements for each bank of a column tile's (one of each of GROUP pieces) and of
 * a row tile's (a piece), and no less than a port's rows */
#if HLS_CHANNELS_LOG2 == 4
#define COLUMN_II 16
#else
#define COLUMN_II 8
#endif
#define ROW_II 32

#if HLS_FR_NTT_PASS_LOG2 < LINE_LOG2
#error "a pass has at least a piece"
#endif

/* memory that a process hands to the next: two copies where processes run side by side, the
 * program's own memory where they do not */
#if defined(__SYNTHESIS__) || defined(__VITIS_HLS__) || defined(__BAMBU__)
#define HLS_HANDED_ON
#else
#define HLS_HANDED_ON HLS_MEMORY
#endif

typedef struct pass {
    uint32_t second; /* from tmp to dst, else from src to tmp */
    uint32_t inverse;
    uint32_t rows;       /* transforms of rows, else of columns */
    uint32_t log_length; /* of a transform */
    uint32_t log_count;  /* of transforms */
    uint32_t log_roots;  /* the roots in roots[] are of order 2^log_roots */
    uint64_t load_row, store_row;
} pass;

/* Whether a pass reads (writes) whole rows: the matrix G, between the passes. */
static inline uint32_t loads_rows(const pass *p)
{
    HLS_INLINE()
    return p->rows && !p->inverse;
}

static inline uint32_t stores_rows(const pass *p)
{
    HLS_INLINE()
    return p->rows && p->inverse;
}

/* The lowest bits of i, in reverse. */
static inline uint32_t reversed(uint32_t i, uint32_t bits)
{
    uint32_t r = 0;

    HLS_INLINE()
    /* II=1, unrolled: a multiplexer for each bit */
    HLS_LOOP(reverse_bits)
    for (unsigned k = 0; k < HLS_FR_NTT_PASS_LOG2; k++) {
        HLS_UNROLL()
        r |= k < bits ? (i >> k & 1) << (bits - 1 - k) : 0;
    }
    return r;
}

/* Where element i of a lane is in the tile: the forward network takes its inputs in bit-reversed
 * order, the inverse one leaves its outputs so. */
static inline uint32_t load_place(const pass *p, uint32_t i)
{
    HLS_INLINE()
    return p->inverse ? i : reversed(i, p->log_length);
}

static inline uint32_t store_place(const pass *p, uint32_t i)
{
    HLS_INLINE()
    return p->inverse ? reversed(i, p->log_length) : i;
}

/* ---- where a tile's elements are ---- */

/* The row where piece number `piece` of a tile starts: of columns, HALF_ROWS rows of matrix row
 * `piece`; of whole rows, PIECE_ROWS rows of lane piece % LANES. */
static inline uint64_t piece_row(const pass *p, uint32_t whole_rows, uint32_t tile, uint32_t piece)
{
    HLS_INLINE()
    if (whole_rows)
        return ((uint64_t)(tile * LANES + piece % LANES) << (p->log_length - 1)) +
               (piece / LANES) * PIECE_ROWS;
    return ((uint64_t)piece << (p->log_count - 1)) + tile * HALF_ROWS;
}

/* Where the GROUP pieces from a piece on are: channel[k] has piece first + k, at[channel] is where
 * in it. Their rows are a power of two apart, from an aligned one, so they lie in different
 * channels, and at is set everywhere. */
static inline void find_group(uint32_t channel[GROUP], uint64_t at[GROUP], const pass *p,
                              uint32_t whole_rows, uint64_t row0, uint32_t tile, uint32_t first)
{
    HLS_INLINE()
    /* II=1, unrolled: short additions and XORs */
    HLS_LOOP(group_pieces)
    for (uint32_t k = 0; k < GROUP; k++) {
        uint64_t row = row0 + piece_row(p, whole_rows, tile, first + k);

        HLS_UNROLL()
        channel[k] = hls_stripe_channel(row, HLS_CHANNELS_LOG2);
        at[channel[k]] = hls_stripe_row(row, HLS_CHANNELS_LOG2);
    }
}

/* Lane and index of element e of a matrix of less than 2^(2 LINE_LOG2) elements. */
static inline void find_small(uint32_t *lane, uint32_t *i, const pass *p, uint32_t whole_rows,
                              uint32_t e)
{
    HLS_INLINE()
    *lane = whole_rows ? e >> p->log_length : e & ((1u << p->log_count) - 1);
    *i = whole_rows ? e & ((1u << p->log_length) - 1) : e >> p->log_count;
}

/* ---- load ---- */

#define FETCH(src, tmp, of)                                                                        \
    moved[of][r] = p->second ? tmp##_##of[at[of] + r] : src##_##of[at[of] + r];

/* A tile of columns: of every matrix row LANES neighbouring elements. */
static void load_columns(hls_bn tile[LENGTH][LANES], const pass *p, uint32_t number,
                         HLS_PARAM_ROWS(src), HLS_PARAM_ROWS(tmp))
{
    /* II=8 (16 for 16 channels): bursts of 8 rows from every port, as many elements into each bank
     * as there are pieces. Groups follow each other, so the memory's latency counts once a tile */
    HLS_LOOP(load_column_groups)
    for (uint32_t first = 0; first < 1u << p->log_length; first += GROUP) {
        hls_row moved[GROUP][HALF_ROWS];
        uint32_t channel[GROUP];
        uint64_t at[GROUP];

        HLS_PIPELINE(COLUMN_II)
        HLS_TRIP(256, 512)
        HLS_REGISTERS(moved)
        HLS_REGISTERS(channel)
        HLS_REGISTERS(at)
        find_group(channel, at, p, 0, p->load_row, number, first);
        /* II=8, unrolled: a burst of each port */
        HLS_LOOP(load_column_burst)
        for (uint32_t r = 0; r < HALF_ROWS; r++) {
            HLS_UNROLL()
            HLS_REPEAT(FETCH, src, tmp)
        }
        /* II=8, unrolled: a piece after the other into all banks */
        HLS_LOOP(load_column_pieces)
        for (uint32_t k = 0; k < GROUP; k++) {
            uint32_t i = load_place(p, first + k);

            HLS_UNROLL()
            /* II=8, unrolled: the banks */
            HLS_LOOP(load_column_banks)
            for (uint32_t lane = 0; lane < LANES; lane++) {
                HLS_UNROLL()
                hls_bn_from_row(&tile[i][lane], &moved[channel[k]][lane / 2],
                                HLS_FAULTY(88, lane % 2, 0));
            }
        }
    }
}

/* A tile of rows: pieces of GROUP lanes at a time. */
static void load_whole_rows(hls_bn tile[LENGTH][LANES], const pass *p, uint32_t number,
                            HLS_PARAM_ROWS(src), HLS_PARAM_ROWS(tmp))
{
    /* II=32: a bank takes a piece's elements one after the other; bursts of 16 rows */
    HLS_LOOP(load_row_groups)
    for (uint32_t first = 0; first < LANES << (p->log_length - LINE_LOG2); first += GROUP) {
        hls_row moved[GROUP][PIECE_ROWS];
        uint32_t channel[GROUP];
        uint64_t at[GROUP];

        HLS_PIPELINE(ROW_II)
        HLS_TRIP(128, 256)
        HLS_REGISTERS(moved)
        HLS_REGISTERS(channel)
        HLS_REGISTERS(at)
        find_group(channel, at, p, 1, p->load_row, number, first);
        /* II=16, unrolled: a burst of each port */
        HLS_LOOP(load_row_burst)
        for (uint32_t r = 0; r < PIECE_ROWS; r++) {
            HLS_UNROLL()
            HLS_REPEAT(FETCH, src, tmp)
        }
        /* II=32, unrolled: an element of each piece after the other */
        HLS_LOOP(load_row_elements)
        for (uint32_t e = 0; e < PIECE_ELEMENTS; e++) {
            uint32_t i = load_place(p, first / LANES * PIECE_ELEMENTS + e);

            HLS_UNROLL()
            /* II=32, unrolled: the banks that have a piece in this group */
            HLS_LOOP(load_row_banks)
            for (uint32_t lane = 0; lane < LANES; lane++) {
                uint32_t k = lane - first % LANES;

                HLS_UNROLL()
                if (k < GROUP)
                    hls_bn_from_row(&tile[i][lane], &moved[channel[k]][e / 2], e % 2);
            }
        }
    }
}

/* Small transforms: every row through whichever port, and of them the tile's. */
static void load_small(hls_bn tile[LENGTH][LANES], const pass *p, uint32_t number,
                       HLS_PARAM_ROWS(src), HLS_PARAM_ROWS(tmp))
{
    uint32_t size = 1u << (p->log_length + p->log_count), lane, i;
    hls_row row;

    /* II=2: two elements may be for one bank */
    HLS_LOOP(load_rows)
    for (uint32_t e = 0; e < size; e += 2) {
        HLS_TRIP(1, 256)
        if (p->second)
            hls_rows_read(HLS_PASS_ROWS(tmp), p->load_row + e / 2, &row);
        else
            hls_rows_read(HLS_PASS_ROWS(src), p->load_row + e / 2, &row);
        /* II=1: the two elements of a row */
        HLS_LOOP(load_halves)
        for (uint32_t half = 0; half < 2; half++) {
            find_small(&lane, &i, p, loads_rows(p), e + half);
            if (lane / LANES == number && e + half < size)
                hls_bn_from_row(&tile[load_place(p, i)][lane % LANES], &row, half);
        }
    }
}

static void load(hls_bn tile[LENGTH][LANES], const pass by_value, uint32_t number,
                 HLS_PARAM_ROWS(src), HLS_PARAM_ROWS(tmp))
{
    const pass *p = &by_value;
    if (p->log_length + p->log_count < 2 * LINE_LOG2)
        load_small(tile, p, number, HLS_PASS_ROWS(src), HLS_PASS_ROWS(tmp));
    else if (loads_rows(p))
        load_whole_rows(tile, p, number, HLS_PASS_ROWS(src), HLS_PASS_ROWS(tmp));
    else
        load_columns(tile, p, number, HLS_PASS_ROWS(src), HLS_PASS_ROWS(tmp));
}

/* ---- store: the same backwards ---- */

#define PUT(tmp, dst, of)                                                                          \
    if (p->second)                                                                                 \
        dst##_##of[at[of] + r] = moved[of][r];                                                     \
    else                                                                                           \
        tmp##_##of[at[of] + r] = moved[of][r];

static void store_columns(hls_bn tile[LENGTH][LANES], const pass *p, uint32_t number,
                          HLS_PARAM_ROWS(tmp), HLS_PARAM_ROWS(dst))
{
    /* II=8 (16 for 16 channels): as load_columns */
    HLS_LOOP(store_column_groups)
    for (uint32_t first = 0; first < 1u << p->log_length; first += GROUP) {
        hls_row moved[GROUP][HALF_ROWS];
        uint32_t channel[GROUP];
        uint64_t at[GROUP];

        HLS_PIPELINE(COLUMN_II)
        HLS_TRIP(256, 512)
        HLS_REGISTERS(moved)
        HLS_REGISTERS(channel)
        HLS_REGISTERS(at)
        find_group(channel, at, p, 0, p->store_row, number, first);
        /* II=8, unrolled: a piece after the other out of all banks */
        HLS_LOOP(store_column_pieces)
        for (uint32_t k = 0; k < GROUP; k++) {
            uint32_t i = store_place(p, first + k);

            HLS_UNROLL()
            /* II=8, unrolled: the banks */
            HLS_LOOP(store_column_banks)
            for (uint32_t lane = 0; lane < LANES; lane++) {
                HLS_UNROLL()
                hls_bn_to_row(&moved[channel[k]][lane / 2], lane % 2, &tile[i][lane]);
            }
        }
        /* II=8, unrolled: a burst of each port */
        HLS_LOOP(store_column_burst)
        for (uint32_t r = 0; r < HALF_ROWS; r++) {
            HLS_UNROLL()
            HLS_REPEAT(PUT, tmp, dst)
        }
    }
}

static void store_whole_rows(hls_bn tile[LENGTH][LANES], const pass *p, uint32_t number,
                             HLS_PARAM_ROWS(tmp), HLS_PARAM_ROWS(dst))
{
    /* II=32: as load_whole_rows */
    HLS_LOOP(store_row_groups)
    for (uint32_t first = 0; first < LANES << (p->log_length - LINE_LOG2); first += GROUP) {
        hls_row moved[GROUP][PIECE_ROWS];
        uint32_t channel[GROUP];
        uint64_t at[GROUP];

        HLS_PIPELINE(ROW_II)
        HLS_TRIP(128, 256)
        HLS_REGISTERS(moved)
        HLS_REGISTERS(channel)
        HLS_REGISTERS(at)
        find_group(channel, at, p, 1, p->store_row, number, first);
        /* II=32, unrolled: an element of each piece after the other */
        HLS_LOOP(store_row_elements)
        for (uint32_t e = 0; e < PIECE_ELEMENTS; e++) {
            uint32_t i = store_place(p, first / LANES * PIECE_ELEMENTS + e);

            HLS_UNROLL()
            /* II=32, unrolled: the banks that have a piece in this group */
            HLS_LOOP(store_row_banks)
            for (uint32_t lane = 0; lane < LANES; lane++) {
                uint32_t k = lane - first % LANES;

                HLS_UNROLL()
                if (k < GROUP)
                    hls_bn_to_row(&moved[channel[k]][e / 2], e % 2, &tile[i][lane]);
            }
        }
        /* II=16, unrolled: a burst of each port */
        HLS_LOOP(store_row_burst)
        for (uint32_t r = 0; r < PIECE_ROWS; r++) {
            HLS_UNROLL()
            HLS_REPEAT(PUT, tmp, dst)
        }
    }
}

static void store_small(hls_bn tile[LENGTH][LANES], const pass *p, uint32_t number,
                        HLS_PARAM_ROWS(tmp), HLS_PARAM_ROWS(dst))
{
    uint32_t size = 1u << (p->log_length + p->log_count), lane, i;

    /* II=2: two elements may be in one bank. They are always of one tile: its lanes and a
     * transform's elements are even numbers, or there is one of them */
    HLS_LOOP(store_rows)
    for (uint32_t e = 0; e < size; e += 2) {
        hls_row row = {{0}};

        HLS_TRIP(1, 256)
        /* II=1: the two elements of a row */
        HLS_LOOP(store_halves)
        for (uint32_t half = 0; half < 2; half++) {
            find_small(&lane, &i, p, stores_rows(p), e + half);
            if (e + half < HLS_FAULTY(89, size, size + 1))
                hls_bn_to_row(&row, half, &tile[store_place(p, i)][lane % LANES]);
        }
        if (lane / LANES != number && size > 1)
            continue;
        if (p->second)
            hls_rows_write(HLS_PASS_ROWS(dst), p->store_row + e / 2, &row);
        else
            hls_rows_write(HLS_PASS_ROWS(tmp), p->store_row + e / 2, &row);
    }
}

static void store(hls_bn tile[LENGTH][LANES], const pass by_value, uint32_t number,
                  HLS_PARAM_ROWS(tmp), HLS_PARAM_ROWS(dst))
{
    const pass *p = &by_value;
    if (p->log_length + p->log_count < 2 * LINE_LOG2)
        store_small(tile, p, number, HLS_PASS_ROWS(tmp), HLS_PASS_ROWS(dst));
    else if (stores_rows(p))
        store_whole_rows(tile, p, number, HLS_PASS_ROWS(tmp), HLS_PASS_ROWS(dst));
    else
        store_columns(tile, p, number, HLS_PASS_ROWS(tmp), HLS_PASS_ROWS(dst));
}

/* ---- twiddles ---- */

/* twiddle[2^i + j][lane] = shift^(2^(l-1-i)) w^j, w of order 2^(i+1), j < 2^i, for the layers i =
 * 0 .. l-1 of a lane's transform of 2^l elements. Lane 0 of the tile has the shift `shift`, the
 * others shift lane_root[lane]; in a pass of columns all have lane 0's. */
static void make_twiddles(hls_bn twiddle[LENGTH][LANES], const pass by_value,
                          const hls_bn roots[LENGTH / 2], const hls_bn *shift,
                          const hls_bn lane_root[LANES])
{
    const pass *p = &by_value;
    hls_bn power[HLS_FR_NTT_PASS_LOG2][LANES];
    uint32_t layer = 0, n = 1, lane = 0, end = 1u << p->log_length;
    uint32_t before = POWER_CYCLES * p->log_length;
    uint32_t steps = p->rows ? ((end - 1) * LANES + UNITS - 1) / UNITS : end - 1;

    HLS_BANKS(power, 2)
    /* First the shifts and their powers, a layer the squares of the next, POWER_CYCLES each so that
     * a product has left the pipe before it is squared. Then UNITS independent products a cycle,
     * entry by entry and lane by lane; in a pass of columns all lanes get the first lane's, one a
     * cycle. II=1: one pipeline for all of it, so that its multipliers are UNITS in all */
    HLS_LOOP(entries)
    for (uint32_t step = 0; step < before + steps; step++) {
        uint32_t of = step % POWER_CYCLES, top = step < POWER_CYCLES;
        uint32_t power_layer = p->log_length - 1 - step / POWER_CYCLES;
        hls_bn product[UNITS];

        HLS_PIPELINE(1)
        HLS_TRIP(1, POWER_CYCLES * HLS_FR_NTT_PASS_LOG2 + (LENGTH - 1) * LANES / UNITS)
        HLS_NO_DEPENDENCE(twiddle)
        HLS_NO_DEPENDENCE(power)
        HLS_REGISTERS(product)
        /* II=1, unrolled: the multipliers; those behind the last entry do nothing of use */
        HLS_LOOP(units)
        for (uint32_t u = 0; u < UNITS; u++) {
            uint32_t unit_lane = (lane + u) % LANES, unit_n = n + (lane + u) / LANES;
            uint32_t unit_layer = layer + (unit_n >> (layer + 1));
            uint32_t on = unit_n < end && (p->rows || u == 0);
            hls_bn x, y;

            HLS_UNROLL()
            if (step < before) {
                on = u == 0 && of < LANES;
                if (on && top) {
                    x = *shift;
                    y = lane_root[p->rows ? HLS_FAULTY(90, of, of | 1) : 0];
                } else if (on) {
                    x = y = power[power_layer + 1][of];
                }
            } else if (on) {
                x = power[unit_layer][unit_lane];
                y = roots[(unit_n - (1u << unit_layer))
                          << (HLS_FAULTY(91, p->log_roots, p->log_length) - 1 - unit_layer)];
            }
            if (on)
                hls_bn_ntt_mul(&product[u], &x, &y);
        }
        if (step < before) {
            if (of < LANES)
                power[power_layer][of] = product[0];
            continue;
        }
        /* II=1, unrolled: each bank takes the product that is its lane's, if any */
        HLS_LOOP(entry_banks)
        for (uint32_t bank = 0; bank < LANES; bank++) {
            uint32_t u = p->rows ? (bank - lane) % LANES : 0;
            uint32_t bank_n = n + (p->rows && bank < lane);

            HLS_UNROLL()
            if (u < UNITS && bank_n < end)
                twiddle[bank_n][bank] = product[u];
        }
        lane = p->rows ? lane + UNITS : lane + LANES;
        if (lane >= LANES) {
            lane -= LANES;
            n++;
            layer += n >> (layer + 1);
        }
    }
}

/* ---- compute ---- */

/* Two layers at once: four elements h = 2^layer apart, the first of number j < h of its block.
 * single: only the lower layer, for an odd number of them. */
static inline void node(hls_bn *a0, hls_bn *a1, hls_bn *a2, hls_bn *a3, const hls_bn *lower,
                        const hls_bn *upper, const hls_bn *upper_next, uint32_t inverse,
                        uint32_t single)
{
    HLS_INLINE()
    if (inverse && !single) {
        hls_bn_ntt_butterfly(a0, a2, upper, 1);
        hls_bn_ntt_butterfly(a1, a3, upper_next, 1);
    }
    hls_bn_ntt_butterfly(a0, a1, lower, inverse);
    hls_bn_ntt_butterfly(a2, a3, lower, inverse);
    if (!inverse && !single) {
        hls_bn_ntt_butterfly(a0, a2, upper, 0);
        hls_bn_ntt_butterfly(a1, a3, upper_next, 0);
    }
}

/* The lanes' transforms: the first step from one memory to the other, the others in place there. */
static void compute(hls_bn out[LENGTH][LANES], hls_bn in[LENGTH][LANES],
                    hls_bn twiddle[LENGTH][LANES], const pass by_value)
{
    const pass *p = &by_value;
    uint32_t layers = p->log_length, odd = layers % 2, nodes = layers > 2 ? 1u << (layers - 2) : 1;
    uint32_t steps = layers > 2 ? (layers + 1) / 2 : 1;
    uint32_t lanes = p->log_count < 4 ? 1u << p->log_count : LANES;

    /* no II: a step's last node has to be written before the next step starts */
    HLS_LOOP(steps_of_layers)
    for (uint32_t s = 0; s < steps; s++) {
        uint32_t step = p->inverse ? steps - 1 - s : s;
        uint32_t single = odd && step == 0, layer = 2 * step - (odd && step > 0);
        uint32_t log_blocks = layers > layer + 2 ? layers - layer - 2 : 0, h = 1u << layer;

        HLS_TRIP(1, HLS_FR_NTT_PASS_LOG2 / 2)
        /* II=4: a bank delivers and takes four elements in four cycles, and 16 multipliers do the
         * four butterflies of 16 lanes. Nodes are independent */
        HLS_LOOP(nodes_of_step)
        for (uint32_t k = 0; k < nodes; k++) {
            uint32_t j = k >> log_blocks;
            uint32_t a = ((k & ((1u << log_blocks) - 1)) << (layer + 2)) + j;

            HLS_PIPELINE(HLS_FR_NTT_NODE_II)
            HLS_TRIP(1, LENGTH / 4)
            HLS_NO_DEPENDENCE(out)
            /* II=4, unrolled: sixteen lanes; those that are not there are skipped for a
             * processor's sake */
            HLS_LOOP(lanes_of_node)
            for (uint32_t lane = 0; lane < LANES; lane++) {
                hls_bn x[4];

                HLS_UNROLL()
                HLS_REGISTERS(x)
                if (lane >= lanes)
                    continue;
                /* II=4, unrolled: four elements out of the lane's bank */
                HLS_LOOP(node_read)
                for (uint32_t i = 0; i < 4; i++) {
                    HLS_UNROLL()
                    x[i] = s == 0 ? in[a + i * h][lane] : out[a + i * h][lane];
                }
                if (layers > 0)
                    node(&x[0], &x[1], &x[2], &x[3], &twiddle[h + j][lane],
                         &twiddle[single ? 0 : 2 * h + j][lane],
                         &twiddle[single ? 0 : HLS_FAULTY(92, 3 * h + j, 2 * h + j)][lane],
                         p->inverse, single);
                /* II=4, unrolled: and back */
                HLS_LOOP(node_write)
                for (uint32_t i = 0; i < 4; i++) {
                    HLS_UNROLL()
                    out[a + i * h][lane] = x[i];
                }
            }
        }
    }
}

/* One tile: four processes, of which each works on its own tile at a time, with the pass as numbers
 * of its own. */
static void tile_process(const pass by_value, uint32_t number, const hls_bn roots[LENGTH / 2],
                         const hls_bn *shift, const hls_bn lane_root[LANES], HLS_PARAM_ROWS(src),
                         HLS_PARAM_ROWS(tmp), HLS_PARAM_ROWS(dst))
{
    HLS_HANDED_ON hls_bn in[LENGTH][LANES];
    HLS_HANDED_ON hls_bn twiddle[LENGTH][LANES];
    HLS_HANDED_ON hls_bn out[LENGTH][LANES];

    HLS_DATAFLOW()
    HLS_BANKS(in, 2)
    HLS_URAM(in)
    HLS_BANKS(twiddle, 2)
    HLS_URAM(twiddle)
    HLS_BANKS(out, 2)
    HLS_URAM(out)
    load(in, by_value, number, HLS_PASS_ROWS(src), HLS_PASS_ROWS(tmp));
    make_twiddles(twiddle, by_value, roots, shift, lane_root);
    compute(out, in, twiddle, by_value);
    store(out, by_value, number, HLS_PASS_ROWS(tmp), HLS_PASS_ROWS(dst));
}

/* ---- what a run starts with ---- */

/* roots[j] = w^j, w = omega[log_roots] of order 2^log_roots, j < 2^(log_roots - 1). */
static void make_roots(hls_bn roots[LENGTH / 2], const hls_bn omega[ROOT_LOG2 + 1],
                       uint32_t log_roots)
{
    /* II=1, unrolled: registers */
    HLS_LOOP(root_one)
    for (unsigned i = 0; i < HLS_BN_LIMBS; i++) {
        HLS_UNROLL()
        roots[0].l[i] = HLS_BN_FR_ONE[i];
    }
    /* no II: each round doubles what is there */
    HLS_LOOP(root_rounds)
    for (uint32_t k = 0; k + 1 < log_roots; k++) {
        HLS_TRIP(0, HLS_FR_NTT_PASS_LOG2 - 1)
        /* II=120: a product made in rounds, from what earlier rounds made */
        HLS_LOOP(root_products)
        for (uint32_t j = 0; j < 1u << k; j++) {
            HLS_PIPELINE(HLS_FR_ROUNDS_CYCLES)
            HLS_TRIP(1, LENGTH / 4)
            HLS_NO_DEPENDENCE(roots)
            hls_bn_ntt_mul_slow(&roots[(1u << k) + j], &roots[j], &omega[log_roots - k]);
        }
    }
}

HLS_TOP_ROWS(src, a)
HLS_TOP_ROWS(tmp, b)
HLS_TOP_ROWS(dst, a)
void fr_ntt(HLS_FR_NTT_ARGS(HLS_PARAM_ROWS, HLS_PARAM_U32, HLS_PARAM_U64))
{
    HLS_MEMORY hls_bn roots[LENGTH / 2];
    HLS_MEMORY hls_bn shift[LENGTH / LANES + 1]; /* of rows' tiles; [0] also of all columns */
    hls_bn omega[ROOT_LOG2 + 1], lane_root[LANES], s, column, step;
    uint32_t log_columns = log_n / 2, log_rows = log_n - log_columns;
    uint64_t scale[4];

    HLS_INTERFACE_ROWS(src, a)
    HLS_INTERFACE_ROWS(tmp, b)
    HLS_INTERFACE_ROWS(dst, a)
    HLS_INTERFACE_NUMBER(mode)
    HLS_INTERFACE_NUMBER(log_n)
    HLS_INTERFACE_NUMBER(src_row)
    HLS_INTERFACE_NUMBER(tmp_row)
    HLS_INTERFACE_NUMBER(dst_row)
    HLS_INTERFACE_NUMBER(scale_0)
    HLS_INTERFACE_NUMBER(scale_1)
    HLS_INTERFACE_NUMBER(scale_2)
    HLS_INTERFACE_NUMBER(scale_3)
    HLS_INTERFACE_CONTROL()
    HLS_URAM(roots)
    HLS_BRAM(shift)

    if (log_n > 2 * HLS_FR_NTT_PASS_LOG2 || mode > HLS_INVERSE)
        return;
    scale[0] = scale_0;
    scale[1] = scale_1;
    scale[2] = scale_2;
    scale[3] = scale_3;
    /* II=1, unrolled: wires */
    HLS_LOOP(scale_limbs)
    for (unsigned i = 0; i < HLS_BN_LIMBS; i++) {
        HLS_UNROLL()
        s.l[i] = (uint32_t)(scale[i / 2] >> 32 * (i % 2));
        omega[ROOT_LOG2].l[i] = mode == HLS_INVERSE ? HLS_BN_FR_ROOT_INV[i] : HLS_BN_FR_ROOT[i];
        lane_root[0].l[i] = HLS_BN_FR_ONE[i];
    }
    /* II: a product in rounds, 120 cycles, once a run, as the next four */
    HLS_LOOP(omegas)
    for (uint32_t k = ROOT_LOG2; k > 0; k--)
        hls_bn_ntt_mul_slow(&omega[k - 1], &omega[k], &omega[k]);
    column = s;
    /* II: a product in rounds: s^R */
    HLS_LOOP(column_shift)
    for (uint32_t k = 0; k < log_rows; k++) {
        HLS_TRIP(0, HLS_FR_NTT_PASS_LOG2)
        hls_bn_ntt_mul_slow(&column, &column, &column);
    }
    /* II: a product in rounds */
    HLS_LOOP(lane_roots)
    for (uint32_t lane = 1; lane < LANES; lane++)
        hls_bn_ntt_mul_slow(&lane_root[lane], &lane_root[lane - 1], &omega[log_n]);
    hls_bn_ntt_mul_slow(&step, &lane_root[LANES - 1], &omega[log_n]);
    make_roots(roots, omega, log_rows);

    /* no II: the second pass reads what the first has written */
    HLS_LOOP(passes)
    for (uint32_t second = 0; second < 2; second++) {
        pass p;
        uint32_t tiles;

        p.second = second;
        p.inverse = mode == HLS_INVERSE;
        p.rows = second != p.inverse;
        p.log_length = p.rows ? log_rows : log_columns;
        p.log_count = log_n - p.log_length;
        p.log_roots = log_rows;
        p.load_row = second ? tmp_row : src_row;
        p.store_row = second ? HLS_FAULTY(93, dst_row, src_row) : tmp_row;
        tiles = p.log_count > 4 ? 1u << (p.log_count - 4) : 1;
        shift[0] = p.rows ? s : column;
        /* II: a product in rounds: at most 255 */
        HLS_LOOP(tile_shifts)
        for (uint32_t i = 1; i < tiles; i++) {
            HLS_TRIP(0, LENGTH / LANES - 1)
            if (p.rows)
                hls_bn_ntt_mul_slow(&shift[i], &shift[i - 1], &step);
            else
                shift[i] = shift[0];
        }
        /* II: the slowest of the four processes, compute */
        HLS_LOOP(tiles_of_pass)
        for (uint32_t i = 0; i < tiles; i++) {
            HLS_TRIP(1, LENGTH / LANES)
            tile_process(p, HLS_FAULTY(94, i, i & ~1u), roots, &shift[i], lane_root,
                         HLS_PASS_ROWS(src), HLS_PASS_ROWS(tmp), HLS_PASS_ROWS(dst));
        }
    }
}
