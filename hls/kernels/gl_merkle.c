/* gl_merkle of kernel_abi.h: Poseidon-Goldilocks sponges, trees, and permutations.
 *
 * One pipelined loop does everything: in round t it reads the rows of group t through all ports
 * side by side, permutes those of group t - 1, one permutation every second cycle, and writes what
 * came out of group t - 2. A group is 256 rows (16 pieces, one or two a channel), so the
 * ports are busy for 16 or 32 of 256 iterations and never keep the permutation waiting. There is
 * one permutation circuit: the loop has one call of it, for all operations and all levels.
 * gl_merkle.md in this folder draws it and counts cycles. */
#include "hls/include/kernel_ports.h"

#include "hls/core/gl_poseidon.h"

#define DIGEST 4
/* Banks of a group. A piece's bank is its channel if there are 8 or 16; with fewer channels, the
 * channel of 16. */
#if HLS_CHANNELS_LOG2 == 3
#define BANKS_LOG2 3
#else
#define BANKS_LOG2 4
#endif
#define BANKS (1u << BANKS_LOG2)
#define GROUP_LOG2 8
#define GROUP (1u << GROUP_LOG2) /* rows, HLS_ROW_ALIGN */
#define MAX_LOG2 32              /* of leaves: row numbers end at 2^36 */
/* for the model: products of a permutation, cycles between two, multipliers of the pipe */
#define HLS_GL_MERKLE_PRODUCTS 472
#define HLS_GL_MERKLE_II 2
#define HLS_GL_MERKLE_MULTIPLIERS (HLS_GL_MERKLE_PRODUCTS / HLS_GL_MERKLE_II)

/* rows of a group: two groups, banks, rows of a bank, words */
typedef uint64_t group_memory[2][BANKS][GROUP / BANKS][HLS_ROW_WORDS];

/* Rows of a buffer that a group has: row first + i for from <= i < to; first is a multiple of as
 * many rows as the group may have, so that its pieces lie in different channels. */
typedef struct merkle_window {
    uint64_t first;
    uint32_t from, to;
} merkle_window;

/* One run of the loop: an operation, or a level of a tree. */
typedef struct merkle_stage {
    uint32_t op, flags;
    uint64_t count;             /* permutations */
    uint64_t in_row, tree_row;  /* where input starts, and output (and capacities) */
    uint32_t in_log2, out_log2; /* rows of a group at most */
} merkle_stage;

static inline merkle_window window_of(uint64_t start, uint32_t log2, uint64_t group, uint64_t rows)
{
    uint64_t row = start + (group << log2), done = group << log2;
    uint32_t mask = (1u << log2) - 1;
    merkle_window w;

    HLS_INLINE()
    /* Only a level below a group's size starts inside a group, and it ends there, too: the level of
     * m rows starts at a multiple of m. */
    w.first = row & ~(uint64_t)mask;
    w.from = (uint32_t)row & mask;
    w.to = rows - done < mask + 1 ? w.from + (uint32_t)(rows - done) : mask + 1;
    return w;
}

static inline uint32_t bank_of(const merkle_window *w, uint32_t i)
{
    HLS_INLINE()
    return hls_stripe_channel(w->first + i, BANKS_LOG2);
}

/* row i of a window in its bank */
static inline uint32_t bank_at(uint32_t i)
{
    HLS_INLINE()
    return i >> (BANKS_LOG2 + HLS_PIECE_LOG2) << HLS_PIECE_LOG2 | (i & 15);
}

#if HLS_CHANNELS_LOG2 == BANKS_LOG2
#define BANK(channel, window, i) (channel)
#else
#define BANK(channel, window, i) bank_of(window, i)
#endif

/* Row of the window that a channel has in step: 16 steps for each HLS_CHANNELS pieces. */
static inline uint32_t row_at(const merkle_window *w, uint32_t channel, uint32_t step)
{
    uint32_t piece = step >> HLS_PIECE_LOG2 << HLS_CHANNELS_LOG2;

    HLS_INLINE()
    piece += channel ^
             hls_stripe_channel(w->first + ((uint64_t)piece << HLS_PIECE_LOG2), HLS_CHANNELS_LOG2);
    return piece << HLS_PIECE_LOG2 | (step & 15);
}

static inline void put_row(uint64_t to[HLS_ROW_WORDS], const hls_row *row)
{
    HLS_INLINE()
    /* II=2 of the caller, unrolled: eight words side by side */
    HLS_LOOP(put)
    for (unsigned k = 0; k < HLS_ROW_WORDS; k++) {
        HLS_UNROLL()
        to[k] = row->w[k];
    }
}

static inline void get_row(hls_row *row, const uint64_t from[HLS_ROW_WORDS])
{
    HLS_INLINE()
    /* II=2 of the caller, unrolled: eight words side by side */
    HLS_LOOP(get)
    for (unsigned k = 0; k < HLS_ROW_WORDS; k++) {
        HLS_UNROLL()
        row->w[k] = from[k];
    }
}

#define LOAD_PORT(from, memory, channel)                                                           \
    {                                                                                              \
        uint32_t i = row_at(window, channel, step);                                                \
                                                                                                   \
        if (i >= window->from && i < window->to) {                                                 \
            hls_row row = from##_##channel[hls_stripe_row(window->first + i, HLS_CHANNELS_LOG2)];  \
                                                                                                   \
            put_row(memory[half][BANK(channel, window, i)][bank_at(i)], &row);                     \
        }                                                                                          \
    }

#define STORE_PORT(to, memory, channel)                                                            \
    {                                                                                              \
        uint32_t i = row_at(window, channel, step);                                                \
                                                                                                   \
        if (i >= window->from && i < window->to) {                                                 \
            hls_row row;                                                                           \
                                                                                                   \
            get_row(&row, memory[half][BANK(channel, window, i)][bank_at(i)]);                     \
            to##_##channel[hls_stripe_row(window->first + i, HLS_CHANNELS_LOG2)] = row;            \
        }                                                                                          \
    }

#define NO_DEPENDENCE(buffer, unused, channel) HLS_NO_DEPENDENCE(buffer##_##channel)

/* One row of a window through each port that has one. */
static inline void load_step(HLS_PARAM_ROWS(from), const merkle_window *window, uint32_t step,
                             uint32_t half, group_memory memory)
{
    HLS_INLINE()
    HLS_REPEAT(LOAD_PORT, from, memory)
}

static inline void store_step(HLS_PARAM_ROWS(to), const merkle_window *window, uint32_t step,
                              uint32_t half, group_memory memory)
{
    HLS_INLINE()
    HLS_REPEAT(STORE_PORT, to, memory)
}

/* Permutation i of a group. */
static inline void permute(const merkle_stage *s, const merkle_window *in, const merkle_window *out,
                           uint32_t i, uint32_t half, group_memory rows, group_memory capacities,
                           group_memory results)
{
    uint32_t pair = s->op == HLS_PERMUTE, digest = (i & 1) * DIGEST;
    uint32_t from = in->from + (pair ? 2 * i : i), to = out->from + (pair ? 2 * i : i / 2);
    uint32_t in_bank = bank_of(in, from), out_bank = bank_of(out, to);
    uint32_t output = s->op == HLS_ABSORB && !(s->flags & HLS_LAST)
                          ? HLS_FAULTY(70, HLS_ROW_WORDS, HLS_ROW_WORDS - 1)
                          : 0;
    uint64_t state[HLS_GL_POSEIDON_WIDTH];
    hls_row second;

    HLS_INLINE()
    HLS_REGISTERS(state)
    get_row(&second, rows[half][in_bank][bank_at(from | 1)]);
    /* II=2, unrolled: wires */
    HLS_LOOP(rate)
    for (unsigned k = 0; k < HLS_ROW_WORDS; k++) {
        HLS_UNROLL()
        state[k] = rows[half][in_bank][bank_at(from)][k];
    }
    /* II=2, unrolled: wires */
    HLS_LOOP(capacity)
    for (unsigned k = 0; k < DIGEST; k++) {
        HLS_UNROLL()
        if (pair)
            state[HLS_ROW_WORDS + k] = second.w[k];
        else if (s->op == HLS_ABSORB && !(s->flags & HLS_FIRST))
            state[HLS_ROW_WORDS + k] =
                capacities[half][out_bank][bank_at(to)][HLS_FAULTY(71, digest, 0) + k];
        else
            state[HLS_ROW_WORDS + k] = HLS_FAULTY(72, s->op == HLS_ABSORB, 1) && k == 0;
    }
    hls_gl_poseidon_permute(state);
    if (pair) {
        /* II=2, unrolled: wires */
        HLS_LOOP(state_out)
        for (unsigned k = 0; k < HLS_ROW_WORDS; k++) {
            HLS_UNROLL()
            results[half][out_bank][bank_at(to)][k] = state[k];
            results[half][out_bank][bank_at(to | 1)][k] =
                k < DIGEST ? state[HLS_ROW_WORDS + k] : HLS_FAULTY(73, second.w[k], 0);
        }
    } else {
        /* II=2, unrolled: wires */
        HLS_LOOP(digest_out)
        for (unsigned k = 0; k < DIGEST; k++) {
            HLS_UNROLL()
            results[half][out_bank][bank_at(to)][digest + k] = state[output + k];
            /* an only digest; of two, the second comes after the first and replaces this */
            if (digest == 0)
                results[half][out_bank][bank_at(to)][DIGEST + k] = 0;
        }
    }
}

/* All permutations of a stage. Groups do not depend on each other: what is written is not read
 * again in the stage, but where it is read first (capacities, states), two rounds before. */
static void run_stage(HLS_PARAM_ROWS(src), HLS_PARAM_ROWS(tree), const merkle_stage *s)
{
    HLS_MEMORY group_memory rows, capacities, results;
    uint32_t group_log2 = s->op == HLS_PERMUTE ? GROUP_LOG2 - 1 : GROUP_LOG2; /* permutations */
    uint64_t groups = (s->count + (1u << group_log2) - 1) >> group_log2;
    uint64_t in_rows = s->count << (s->in_log2 - group_log2);
    uint64_t out_rows = s->op == HLS_PERMUTE ? in_rows : (s->count + 1) / 2;
    /* steps for the ports: all of a group, or what the only group has; windows may start late */
    uint32_t steps = GROUP >> HLS_CHANNELS_LOG2;
    uint32_t pace = 0, i = 0; /* iteration i of round t */
    uint64_t t = 0;
    uint32_t span = s->count < (1u << group_log2) ? (uint32_t)s->count : 1u << group_log2;

    HLS_NO_INLINE()
    HLS_BANKS(rows, 2)
    HLS_BANKS(rows, 4)
    HLS_LUTRAM(rows)
    HLS_BANKS(capacities, 2)
    HLS_BANKS(capacities, 4)
    HLS_LUTRAM(capacities)
    HLS_BANKS(results, 2)
    HLS_BANKS(results, 4)
    HLS_LUTRAM(results)
    /* Ports take their steps spread over a full round, so that few reads of one are under way: a
     * step every 16 iterations or 32 cycles for 16 channels. */
    if (span >> group_log2 && HLS_CHANNELS_LOG2 + group_log2 > GROUP_LOG2)
        pace = HLS_CHANNELS_LOG2 + group_log2 - GROUP_LOG2;
    if (span < steps)
        span = steps;
    /* One flat loop, since a nest would drain the pipe in each round. A port reads at most two rows
     * (of src and of tree) and writes one in 16 or 32 of 256 iterations; reads of the results come
     * behind the permutation in the same pipeline. groups <= count, an argument's.
     * II=2: 472 products on 236 multipliers, and a bank of rows is read twice (PERMUTE's two rows
     * are of one piece) */
    HLS_LOOP(permutations)
    for (uint64_t n = 0; n < (groups + 2) * span; n++) {
        merkle_window in = window_of(s->in_row, s->in_log2, t, in_rows);
        merkle_window before = window_of(s->tree_row, s->out_log2, t, out_rows);
        merkle_window in_last = window_of(s->in_row, s->in_log2, t - 1, in_rows);
        merkle_window out_last = window_of(s->tree_row, s->out_log2, t - 1, out_rows);
        merkle_window out = window_of(s->tree_row, s->out_log2, t - 2, out_rows);
        uint64_t left = s->count - ((t - 1) << group_log2);
        uint32_t step = i >> pace, turn = step << pace == i;

        HLS_PIPELINE(2)
        HLS_TRIP(48, 1 << 24)
        HLS_REPEAT(NO_DEPENDENCE, tree, 0)
        if (t < groups && turn && step < steps) {
            if (s->op == HLS_ABSORB)
                load_step(HLS_PASS_ROWS(src), &in, step, t & 1, rows);
            else
                load_step(HLS_PASS_ROWS(tree), &in, step, t & 1, rows);
            if (s->op == HLS_ABSORB && !(s->flags & HLS_FIRST))
                load_step(HLS_PASS_ROWS(tree), &before, step, t & 1, capacities);
        }
        /* one port takes longer over a group of PERMUTE than its permutations do */
        if (t > 0 && t <= groups && i < left && i >> group_log2 == 0)
            permute(s, &in_last, &out_last, i, (t - 1) & 1, rows, capacities, results);
        if (t > 1 && turn && step < steps)
            store_step(HLS_PASS_ROWS(tree), &out, step, t & 1, results);
        t += i + 1 == span;
        i = i + 1 == span ? 0 : i + 1;
    }
}

HLS_TOP_ROWS(src, a)
HLS_TOP_ROWS(tree, a)
void gl_merkle(HLS_GL_MERKLE_ARGS(HLS_PARAM_ROWS, HLS_PARAM_U32, HLS_PARAM_U64))
{
    uint32_t stages = op == HLS_NODES ? (levels < log_leaves ? levels : log_leaves) : 1;
    merkle_stage s;

    HLS_INTERFACE_ROWS(src, a)
    HLS_INTERFACE_ROWS(tree, a)
    HLS_INTERFACE_NUMBER(op)
    HLS_INTERFACE_NUMBER(flags)
    HLS_INTERFACE_NUMBER(log_leaves)
    HLS_INTERFACE_NUMBER(levels)
    HLS_INTERFACE_NUMBER(src_row)
    HLS_INTERFACE_NUMBER(tree_row)
    HLS_INTERFACE_CONTROL()

    if (op > HLS_PERMUTE || (op != HLS_PERMUTE && log_leaves > MAX_LOG2))
        return;
    s.op = op;
    s.flags = flags;
    s.count = op == HLS_PERMUTE ? log_leaves : (uint64_t)1 << log_leaves;
    s.in_row = op == HLS_ABSORB ? src_row : tree_row;
    s.tree_row = tree_row;
    s.in_log2 = GROUP_LOG2;
    s.out_log2 = op == HLS_PERMUTE ? GROUP_LOG2 : GROUP_LOG2 - 1;
    /* II: a level needs all of the one before; stages <= log_leaves */
    HLS_LOOP(stages)
    for (uint32_t stage = 0; stage < stages; stage++) {
        HLS_TRIP(1, 24)
        if (op == HLS_NODES) {
            /* a level of 2 count digests has count rows; the next starts behind it */
            s.count >>= 1;
            s.in_row = s.tree_row;
            s.tree_row += HLS_FAULTY(74, s.count, s.count + (stage == 2));
        }
        run_stage(HLS_PASS_ROWS(src), HLS_PASS_ROWS(tree), &s);
    }
}
