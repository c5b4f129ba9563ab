/* bn_msm_g1 of kernel_abi.h: multi-scalar multiplication over BN254's G1 by buckets.
 *
 * A pass over the points serves HLS_MSM_WINDOWS_PER_PASS windows with HLS_MSM_ADDERS pipes of mixed
 * additions, fewer than windows: a pipe takes a point and adds it to a bucket of each window in
 * turn, in a round of as many steps, one addition a step. In step s pipe j is at window (s + j) mod
 * windows, so no two are at the same window's buckets.
 *
 * A pipe is a ring of HLS_MSM_LATENCY slots: what enters in a step ends as many steps later, in the
 * same slot, and only then is the bucket written. What comes out of a slot is one of
 *
 *   a sum             it goes to its bucket, and the slot is free
 *   "equal points"    the same point enters again and is doubled; its bucket stays its own
 *   "bucket in use"   another addition to the same bucket was under way when this one entered: its
 *                     sum means nothing, the point enters again
 *
 * A pipe takes a point if all slots of the round are free. So there is no queue in front of the
 * adders: the ring is the queue, and only what came out of it decides what enters. bn_msm_g1.md has
 * the argument for each step, the bounds and the resources. */
#include "hls/core/bn_g1.h"
#include "hls/core/bn_rows.h"
#include "hls/core/rows.h"

/* pipes of additions */
#ifndef HLS_MSM_ADDERS
#define HLS_MSM_ADDERS 3
#endif
/* windows of a pass, with buckets each; at least as many as pipes */
#ifndef HLS_MSM_WINDOWS_PER_PASS
#define HLS_MSM_WINDOWS_PER_PASS 4
#endif
/* steps from a bucket's read to its write: at least what the tool needs from one to the other, and
 * a round; a multiple of a round's steps */
#ifndef HLS_MSM_LATENCY
#define HLS_MSM_LATENCY 192
#endif
/* points of a tile: a multiple of 32 * HLS_CHANNELS, so that scalars fill all channels, too */
#ifndef HLS_MSM_TILE
#define HLS_MSM_TILE 4096
#endif
/* parts of a window's buckets that are added up side by side */
#ifndef HLS_MSM_SEGMENTS_LOG2
#define HLS_MSM_SEGMENTS_LOG2 4
#endif
/* cycles between two additions of the unit that adds the buckets up */
#ifndef HLS_MSM_REDUCE_II
#define HLS_MSM_REDUCE_II 4
#endif

#define WINDOWS HLS_MSM_WINDOWS_PER_PASS
#define ROUNDS (HLS_MSM_LATENCY / WINDOWS) /* of a trip */
#define BUCKETS (1u << (HLS_MSM_MAX_WINDOW - 1))
#define SEGMENTS (1u << HLS_MSM_SEGMENTS_LOG2)
#define LANES (SEGMENTS * WINDOWS)
#define TILE_ROWS (HLS_MSM_TILE / HLS_CHANNELS)
/* a scalar plus the constant that makes its digits signed: below 2^(windows * bits) <= 2^269 */
#define DIGIT_LIMBS 9

#if HLS_MSM_TILE % (32 << HLS_CHANNELS_LOG2) != 0
#error "a tile is whole groups of pieces, of points and of scalars"
#endif
#if HLS_MSM_LATENCY % HLS_MSM_WINDOWS_PER_PASS != 0 || HLS_MSM_ADDERS > HLS_MSM_WINDOWS_PER_PASS
#error "a trip is whole rounds, and in each step pipes are at different windows"
#endif

/* What the slots of a pipe's ring hold, in memories. */
typedef struct msm_ring {
    uint8_t equal[HLS_MSM_LATENCY];
    hls_g1_affine point[HLS_MSM_LATENCY];
    hls_g1_xyzz sum[HLS_MSM_LATENCY];
} msm_ring;

/* And in registers, since each step looks at all slots of its window: the bucket's number from 1, 0
 * for a slot that is not in use (16 bits are enough for 2^15); and whether no other addition to the
 * bucket was under way when this one entered. A window has one slot of each round in each pipe. */
typedef struct msm_slots {
    uint16_t bucket[HLS_MSM_ADDERS * ROUNDS];
    uint8_t alone[HLS_MSM_ADDERS * ROUNDS];
} msm_slots;

/* What a pass needs to cut its digits out of a scalar. */
typedef struct msm_window {
    uint32_t half[DIGIT_LIMBS]; /* the sum of 2^(w bits + bits - 1) over all windows w */
    uint32_t bits, first, windows;
} msm_window;

/* Added to a scalar, half makes window w minus 2^(bits - 1) a signed digit: no carries from window
 * to window. */
static void msm_half(msm_window *window)
{
    uint32_t next = window->bits - 1, end = window->windows * window->bits;

    /* II=1: a bit a cycle, 288 cycles once a run */
    HLS_LOOP(half_bits)
    for (unsigned i = 0; i < 32 * DIGIT_LIMBS; i++) {
        HLS_PIPELINE(1)
        if (i % 32 == 0)
            window->half[i / 32] = 0;
        if (i == next && i < end) {
            window->half[i / 32] |= (uint32_t)1 << i % 32;
            next += window->bits;
        }
    }
}

/* The pass's digits of a scalar, -2^(bits - 1) .. 2^(bits - 1) - 1; 0 for windows that there are
 * not. Any limbs: digits above the last window's are cut off. */
static inline void msm_digits(int32_t digit[WINDOWS], const hls_row *row, unsigned half,
                              const msm_window *window)
{
    uint32_t s[DIGIT_LIMBS + 1];
    uint64_t carry = 0;

    HLS_INLINE()
    HLS_REGISTERS(s)
    /* II=1, unrolled: a carry chain of 288 bits */
    HLS_LOOP(digit_add)
    for (unsigned i = 0; i < DIGIT_LIMBS; i++) {
        uint64_t word = i < HLS_BN_LIMBS ? row->w[(4 * half + i / 2) % HLS_ROW_WORDS] : 0;

        HLS_UNROLL()
        carry += (uint64_t)window->half[i] + (uint32_t)(word >> 32 * (i % 2));
        s[i] = (uint32_t)carry;
        carry >>= 32;
    }
    s[DIGIT_LIMBS] = 0;
    /* II=1, unrolled: a shifter for each window, by the same distance all through a pass */
    HLS_LOOP(digit_windows)
    for (unsigned w = 0; w < WINDOWS; w++) {
        uint32_t number = window->first + w, at = number * window->bits;
        uint32_t limb = number < window->windows ? at / 32 : 0;
        uint64_t pair = (uint64_t)s[limb + 1] << 32 | s[limb];
        uint32_t sign = (uint32_t)1 << (window->bits - 1);

        HLS_UNROLL()
        digit[w] = (int32_t)((uint32_t)(pair >> at % 32) & (2 * sign - 1)) -
                   (int32_t)HLS_FAULTY(111, sign, sign - 1);
        if (number >= window->windows)
            digit[w] = 0;
    }
}

#define MSM_COPY(name, tile, channel) tile[channel][i] = name##_##channel[from + i];

/* The tile's points and scalars, through all channels side by side: a buffer's rows lie in each
 * channel one behind the other, in whole groups of pieces. */
static void msm_load(HLS_PARAM_ROWS(points), HLS_PARAM_ROWS(scalars), uint64_t points_row,
                     uint64_t scalars_row, uint32_t items, hls_row point[HLS_CHANNELS][TILE_ROWS],
                     hls_row scalar[HLS_CHANNELS][TILE_ROWS / 2])
{
    uint64_t from = hls_stripe_row(scalars_row, HLS_CHANNELS_LOG2);
    uint32_t rows = (uint32_t)hls_stripe_rows((items + 1) / 2, HLS_CHANNELS_LOG2);

    /* II=1: a row from each channel, bursts of 16; memory gives them as fast */
    HLS_LOOP(load_scalars)
    for (uint32_t i = 0; i < rows; i++) {
        HLS_PIPELINE(1)
        HLS_REPEAT(MSM_COPY, scalars, scalar)
    }
    from = hls_stripe_row(points_row, HLS_CHANNELS_LOG2);
    rows = (uint32_t)hls_stripe_rows(items, HLS_CHANNELS_LOG2);
    /* II=1: the same */
    HLS_LOOP(load_points)
    for (uint32_t i = 0; i < rows; i++) {
        HLS_PIPELINE(1)
        HLS_REPEAT(MSM_COPY, points, point)
    }
}

/* Whether an addition to this bucket is under way; one that ends in this step counts, so that a
 * bucket is not read in the step that writes it. The comparisons need nothing of the step before;
 * only `alone` does: from step to step there is one AND and an OR of HLS_MSM_LATENCY bits. */
static inline int msm_in_use(const msm_slots *slots, uint16_t bucket)
{
    uint8_t hit = 0;

    HLS_INLINE()
    /* II=1, unrolled: comparators of 16 bits, side by side */
    HLS_LOOP(compare)
    for (unsigned i = 0; i < HLS_MSM_ADDERS * ROUNDS; i++) {
        HLS_UNROLL()
        hit |= (uint8_t)((slots->bucket[i] == bucket) & slots->alone[i]);
    }
    return hit;
}

/* One step of a pipe in one window: `slot` of its ring, `place` among the window's slots. What
 * comes out goes to its bucket or enters again; if the slot is free then, the point enters if there
 * is a digit. Returns whether the slot is in use now. */
static inline int msm_step(msm_ring *ring, unsigned slot, msm_slots *slots, unsigned place,
                           hls_g1_xyzz bucket[BUCKETS], const hls_g1_affine *point, int32_t digit)
{
    hls_bn zero = {{0, 0, 0, 0, 0, 0, 0, 0}};
    uint16_t at = slots->bucket[place];
    int again = at != 0 && HLS_FAULTY(112, !slots->alone[place], 0);
    int twice = at != 0 && slots->alone[place] && HLS_FAULTY(113, ring->equal[slot], 0);

    HLS_INLINE()
    if (at != 0 && !again && !twice)
        bucket[at - 1] = ring->sum[slot];
    if (!again && !twice) {
        at = (uint16_t)(digit < 0 ? -digit : digit);
        ring->point[slot].x = point->x;
        ring->point[slot].y = point->y;
        if (HLS_FAULTY(114, digit < 0, 0))
            hls_fp_sub(&ring->point[slot].y, &zero, &point->y);
    }
    /* the second trip of equal points has its bucket already, all others have to look */
    if (!twice)
        slots->alone[place] = at != 0 && !HLS_FAULTY(115, msm_in_use(slots, at), 0);
    slots->bucket[place] = at;
    if (at != 0 && slots->alone[place])
        ring->equal[slot] =
            (uint8_t)hls_g1_pipe(&ring->sum[slot], &bucket[at - 1], &ring->point[slot], twice);
    return at != 0;
}

/* Whether a pipe's slots of a round are free, or will be when their turn comes. */
static inline int msm_round_open(const msm_ring *ring, const msm_slots slots[WINDOWS],
                                 unsigned pipe, unsigned round)
{
    unsigned place = pipe * ROUNDS + round;
    int open = 1;

    HLS_INLINE()
    /* II=1, unrolled: three bits of each slot, known since at least HLS_MSM_LATENCY - WINDOWS steps
     */
    HLS_LOOP(round_slots)
    for (unsigned s = 0; s < WINDOWS; s++) {
        const msm_slots *at = &slots[(s + pipe) % WINDOWS];

        HLS_UNROLL()
        open &= at->bucket[place] == 0 || (at->alone[place] && !ring->equal[round * WINDOWS + s]);
    }
    return open;
}

/* Adds a tile's points to the buckets; at the end of a pass (drain) goes on until all rings are
 * empty. Returns the rounds it took, of WINDOWS steps each.
 *
 * Their bound: an addition that is alone ends within two trips. While a window has slots in use, a
 * trip starts such an addition if there is none, so in each three trips something ends. No point is
 * taken only while some slot is in use, and HLS_MSM_ADDERS * ROUNDS ends make a window's slots
 * free: less than 3 ROUNDS (HLS_MSM_ADDERS * ROUNDS + 1) rounds a point, and once more for the end.
 * (With equal digits all along it is a trip and a step a point, see bn_msm_g1.md.) */
static uint64_t msm_accumulate(hls_row point[HLS_CHANNELS][TILE_ROWS],
                               hls_row scalar[HLS_CHANNELS][TILE_ROWS / 2], uint64_t points_row,
                               uint64_t scalars_row, uint32_t items, const msm_window *window,
                               int drain, uint32_t *round, msm_slots slots[WINDOWS],
                               msm_ring ring[HLS_MSM_ADDERS], hls_g1_xyzz bucket[WINDOWS][BUCKETS])
{
    const uint64_t most =
        UINT64_C(3) * ROUNDS * (HLS_MSM_ADDERS * ROUNDS + 1) * ((uint64_t)items + 1);
    uint64_t points_base = hls_stripe_row(points_row, HLS_CHANNELS_LOG2);
    uint64_t scalars_base = hls_stripe_row(scalars_row, HLS_CHANNELS_LOG2);
    uint64_t rounds = 0;
    uint32_t taken = 0, idle = 0, at = *round;

    /* Whether points are taken, and with it the address of the next, depends on what entered almost
     * a trip ago. From step to step there are the verdicts of msm_in_use and counters. The sums'
     * ring is read HLS_MSM_LATENCY steps after it was written, so the tool has that long for an
     * addition. Buckets are written before they are read in a step, and never the same one. When no
     * slot was in use for a whole trip, nothing is under way. Therefore: II=WINDOWS, a step of each
     * pipe a cycle: HLS_MSM_ADDERS * WINDOWS additions by HLS_MSM_ADDERS adders */
    HLS_LOOP(accumulate)
    for (uint64_t i = 0; i < most; i++) {
        hls_g1_affine next[HLS_MSM_ADDERS];
        int32_t digit[HLS_MSM_ADDERS][WINDOWS];
        int used = 0;

        HLS_PIPELINE(HLS_MSM_WINDOWS_PER_PASS)
        HLS_DISTANCE(ring, ROUNDS)
        HLS_LIMIT(hls_g1_pipe, HLS_MSM_ADDERS)
        if (taken == items && (!drain || idle == ROUNDS))
            break;
        rounds++;
        /* II=1, unrolled: a point for each pipe whose round is free */
        HLS_LOOP(take)
        for (unsigned j = 0; j < HLS_MSM_ADDERS; j++) {
            uint64_t p = points_row + taken, s = scalars_row + taken / 2;
            int take = taken < items && msm_round_open(&ring[j], slots, j, at);

            HLS_UNROLL()
            next[j].x = next[j].y = (hls_bn){{0, 0, 0, 0, 0, 0, 0, 0}};
            /* II=1, unrolled: constants */
            HLS_LOOP(no_digits)
            for (unsigned w = 0; w < WINDOWS; w++) {
                HLS_UNROLL()
                digit[j][w] = 0;
            }
            if (take) {
                const hls_row *row = &point[hls_stripe_channel(p, HLS_CHANNELS_LOG2)]
                                           [hls_stripe_row(p, HLS_CHANNELS_LOG2) - points_base];

                hls_bn_from_row(&next[j].x, row, 0);
                hls_bn_from_row(&next[j].y, row, 1);
                row = &scalar[hls_stripe_channel(s, HLS_CHANNELS_LOG2)]
                             [hls_stripe_row(s, HLS_CHANNELS_LOG2) - scalars_base];
                msm_digits(digit[j], row, HLS_FAULTY(117, taken % 2, 0), window);
                taken++;
            }
        }
        /* II=1, unrolled: the steps of a round */
        HLS_LOOP(steps)
        for (unsigned s = 0; s < WINDOWS; s++) {
            HLS_UNROLL()
            /* II=1, unrolled: the pipes, at different windows */
            HLS_LOOP(pipes)
            for (unsigned j = 0; j < HLS_MSM_ADDERS; j++) {
                unsigned w = (s + j) % WINDOWS;

                HLS_UNROLL()
                used |= msm_step(&ring[j], at * WINDOWS + s, &slots[w], j * ROUNDS + at, bucket[w],
                                 &next[j], digit[j][w]);
            }
        }
        idle = used ? 0 : idle + 1;
        at = at + 1 == ROUNDS ? 0 : at + 1;
    }
    *round = at;
    return rounds;
}

/* A tile's way: reading the next one and adding up this one overlap. */
static uint64_t msm_tile(HLS_PARAM_ROWS(points), HLS_PARAM_ROWS(scalars), uint64_t points_row,
                         uint64_t scalars_row, uint32_t items, int last, const msm_window *window,
                         uint32_t *round, msm_slots slots[WINDOWS], msm_ring ring[HLS_MSM_ADDERS],
                         hls_g1_xyzz bucket[WINDOWS][BUCKETS])
{
    hls_row point[HLS_CHANNELS][TILE_ROWS];
    hls_row scalar[HLS_CHANNELS][TILE_ROWS / 2];

    HLS_DATAFLOW()
    HLS_BANKS(point, 1)
    HLS_BANKS(scalar, 1)
    msm_load(HLS_PASS_ROWS(points), HLS_PASS_ROWS(scalars), points_row, scalars_row, items, point,
             scalar);
    return msm_accumulate(point, scalar, points_row, scalars_row, items, window, last, round, slots,
                          ring, bucket);
}

/* Adds a window's buckets up: sum over i of (i + 1) bucket[i], i < used, for all windows of a pass.
 *
 * Buckets are cut into SEGMENTS segments of m: S_g is the sum of segment g, T_g that of (j + 1)
 * times its bucket j, both by running sums from the last bucket to the first, and the window's sum
 * is that of T_g + g m S_g. A lane is a segment of a window; sums[g * WINDOWS + w] is its S,
 * LANES further its T. Rounds:
 *
 *   m rounds               S_g += the next bucket; T_g += S_g
 *   log2 SEGMENTS rounds   S_g += S_(g + 1), then S_(g + 2), ...: S_g is the sum of all from g on
 *   log2 SEGMENTS rounds   S_0 = the sum of S_1, S_2, ..., which is that of g S_g; T_0 = that of
 * all log2 m rounds          S_0 += S_0 one round              T_0 += S_0
 *
 * A round is 2 LANES additions; none needs a result of the LANES before it. */
static void msm_reduce(hls_g1_xyzz bucket[WINDOWS][BUCKETS], uint32_t bits,
                       hls_g1_xyzz sums[2 * LANES])
{
    uint32_t used = (uint32_t)1 << (bits - 1);
    uint32_t depth_log2 = bits - 1 > HLS_MSM_SEGMENTS_LOG2 ? bits - 1 - HLS_MSM_SEGMENTS_LOG2 : 0;
    uint32_t depth = (uint32_t)1 << depth_log2;
    uint32_t suffix = depth, tree = suffix + HLS_MSM_SEGMENTS_LOG2;
    uint32_t doublings = tree + HLS_MSM_SEGMENTS_LOG2,
             end = doublings + HLS_FAULTY(116, depth_log2, depth_log2 / 2);

    /* II=1: clears registers of sums */
    HLS_LOOP(reduce_clear)
    for (unsigned i = 0; i < 2 * LANES; i++) {
        HLS_PIPELINE(1)
        hls_g1_set_zero(&sums[i]);
    }
    /* no II: rounds follow each other without a gap, as one loop */
    HLS_LOOP(reduce_rounds)
    for (uint32_t round = 0; round <= end; round++) {
        /* II=HLS_MSM_REDUCE_II: one adder of fifteen products, four multipliers at II=4. Its
         * results are there LANES additions later */
        HLS_LOOP(reduce_lanes)
        for (uint32_t i = 0; i < 2 * LANES; i++) {
            uint32_t lane = i % LANES, segment = lane / WINDOWS, w = lane % WINDOWS;
            uint32_t second = i / LANES, from = i, far = 1;
            hls_g1_xyzz a = sums[i], b;
            int active = 1;

            HLS_PIPELINE(HLS_MSM_REDUCE_II)
            HLS_DISTANCE(sums, LANES)
            hls_g1_set_zero(&b);
            if (round < suffix) {
                uint32_t j = segment * depth + depth - 1 - round;

                if (second)
                    from = lane;
                else if (j < used)
                    b = bucket[w][j];
                active = second || j < used;
            } else if (round < tree) {
                far = (uint32_t)1 << (round - suffix);
                from = i + far * WINDOWS;
                active = !second && segment + far < SEGMENTS;
            } else if (round < doublings) {
                far = SEGMENTS >> (round - tree + 1);
                from = i + far * WINDOWS;
                active = segment < far;
                /* g = 0 does not count */
                if (HLS_FAULTY(118, round == tree && segment == 0 && !second, 0))
                    hls_g1_set_zero(&a);
            } else {
                active = segment == 0 && (round < end) == !second;
                from = lane;
            }
            if (active && (round >= suffix || second))
                b = sums[from % (2 * LANES)];
            if (active && !hls_bn_is_zero(&b.zz))
                hls_g1_add_all(&sums[i], &a, &b);
            else if (active)
                sums[i] = a;
        }
    }
}

HLS_TOP_ROWS(points, a)
HLS_TOP_ROWS(scalars, a)
HLS_TOP_ROWS(sums, a)
void bn_msm_g1(HLS_BN_MSM_G1_ARGS(HLS_PARAM_ROWS, HLS_PARAM_U32, HLS_PARAM_U64))
{
    HLS_MEMORY hls_g1_xyzz bucket[WINDOWS][BUCKETS];
    HLS_MEMORY msm_ring ring[HLS_MSM_ADDERS];
    msm_slots slots[WINDOWS];
    HLS_MEMORY hls_g1_xyzz total[2 * LANES];
    msm_window window = {{0}, 0, 0, 0};
    uint32_t round = 0;

    HLS_INTERFACE_ROWS(points, a)
    HLS_INTERFACE_ROWS(scalars, a)
    HLS_INTERFACE_ROWS(sums, a)
    HLS_INTERFACE_NUMBER(count)
    HLS_INTERFACE_NUMBER(window_bits)
    HLS_INTERFACE_NUMBER(points_row)
    HLS_INTERFACE_NUMBER(scalars_row)
    HLS_INTERFACE_NUMBER(sums_row)
    HLS_INTERFACE_CONTROL()
    HLS_BANKS(bucket, 1)
    HLS_URAM(bucket)
    HLS_BANKS(ring, 1)
    HLS_REGISTERS(slots)

    if (window_bits < 2 || window_bits > HLS_MSM_MAX_WINDOW || count == 0 || count > 1u << 26 ||
        points_row % HLS_ROW_ALIGN != 0 || scalars_row % HLS_ROW_ALIGN != 0)
        return;
    window.bits = window_bits;
    window.windows = HLS_MSM_WINDOWS(window_bits);
    msm_half(&window);
    /* II=1: slots are not in use before the first pass, nor after each */
    HLS_LOOP(rings)
    for (unsigned i = 0; i < HLS_MSM_ADDERS * ROUNDS; i++) {
        HLS_PIPELINE(1)
        /* II=1, unrolled: windows side by side */
        HLS_LOOP(rings_windows)
        for (unsigned w = 0; w < WINDOWS; w++) {
            HLS_UNROLL()
            slots[w].bucket[i] = 0;
            slots[w].alone[i] = 0;
        }
    }
    /* no II: passes follow each other. At most 128 windows */
    HLS_LOOP(passes)
    for (uint32_t first = 0; first < window.windows; first += WINDOWS) {
        uint32_t left = window.windows - first;
        uint32_t stored = left < WINDOWS ? left : WINDOWS;

        window.first = first;
        /* II=1: a bucket of each window a cycle */
        HLS_LOOP(clear)
        for (uint32_t i = 0; i < (uint32_t)1 << (window_bits - 1); i++) {
            HLS_PIPELINE(1)
            /* II=1, unrolled: windows side by side */
            HLS_LOOP(clear_windows)
            for (unsigned w = 0; w < WINDOWS; w++) {
                HLS_UNROLL()
                if (HLS_FAULTY(119, 1, first == 0))
                    hls_g1_set_zero(&bucket[w][i]);
            }
        }
        /* no II: tiles overlap as processes do; at most 2^26 / HLS_MSM_TILE */
        HLS_LOOP(tiles)
        for (uint32_t at = 0; at < count; at += HLS_MSM_TILE) {
            uint32_t items = count - at < HLS_MSM_TILE ? count - at : HLS_MSM_TILE;

            (void)msm_tile(HLS_PASS_ROWS(points), HLS_PASS_ROWS(scalars),
                           points_row + HLS_FAULTY(120, at, 0), scalars_row + at / 2, items,
                           HLS_FAULTY(121, at + items == count, 0), &window, &round, slots, ring,
                           bucket);
        }
        msm_reduce(bucket, window_bits, total);
        /* no II: two rows for each window */
        HLS_LOOP(store)
        for (uint32_t w = 0; w < stored; w++) {
            const hls_g1_xyzz *sum = &total[LANES + w];
            hls_row row;

            hls_bn_to_row(&row, 0, &sum->x);
            hls_bn_to_row(&row, 1, &sum->y);
            hls_rows_write(HLS_PASS_ROWS(sums), sums_row + 2 * (first + w), &row);
            hls_bn_to_row(&row, 0, &sum->zz);
            hls_bn_to_row(&row, 1, &sum->zzz);
            hls_rows_write(HLS_PASS_ROWS(sums), sums_row + 2 * (first + w) + 1, &row);
        }
    }
}
