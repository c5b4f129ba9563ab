/* bn_poseidon of kernel_abi.h: Poseidon over BN254's Fr. bn_poseidon_layout.h says how the rounds
 * go, bn_poseidon.md has the drawing and the cycles.
 *
 * HLS_BN_POSEIDON_LANES permutations are computed in step, each with a multiplier, a sum and
 * memories of its own; all lanes multiply by the same factor, so the table is read once a cycle for
 * all of them, and every width uses every multiplier. Their sums of products end together. They are
 * then taken one a cycle, while the next sums are formed, through one reduction and one S-box and
 * back into the lanes' memories. Until a result is there, the lanes work on other permutations:
 * each lane has as many of them in its memory (slots) as fit, and each operation is done for one
 * slot after the other.
 *
 * A lane's memory has, for each slot of width t = n + 1:
 *   y: [0, t) region 0, [t, 2 t] a ring of t + 1, of which [t, 2 t) is region 1. Full rounds read
 *      S-boxes' results from one region and write theirs into the other; in partial rounds the ring
 *      has y(q) at t + (t + q) % (t + 1).
 *   a: [0, t) a ring, a(q) at q % t, [t, 2 t - 1) what enter adds to a(1) .. a(n). */
#include "hls/core/bn_poseidon.h"
#include "hls/core/bn_rows.h"
#include "hls/core/rows.h"
#include "hls/include/bn_poseidon_layout.h"

/* permutations in step: multipliers of the sums */
#ifndef HLS_BN_POSEIDON_LANES
#define HLS_BN_POSEIDON_LANES 17u
#endif
/* elements of a lane's two memories: a block RAM's depth at 72 bits */
#ifndef HLS_BN_POSEIDON_DEPTH
#define HLS_BN_POSEIDON_DEPTH 512u
#endif
/* cycles from a sum's last product until its S-box's result can be read: a target (bn_poseidon.md).
 * The same slot's next sum in a partial round ends no earlier than so many cycles later. */
#ifndef HLS_BN_POSEIDON_LATENCY
#define HLS_BN_POSEIDON_LATENCY 300u
#endif

#define LANES HLS_BN_POSEIDON_LANES
#define DEPTH HLS_BN_POSEIDON_DEPTH
#define MAX_T HLS_BN_POSEIDON_MAX_WIDTH
#define IN_DEPTH (DEPTH / 2) /* slots times width */
#define HALF 4u

#if HLS_BN_POSEIDON_DEPTH < 70
#error "two slots of width 17 are the least"
#endif

/* A processor has no latency to fill: it skips slots without a permutation, all but one, as a slot
 * is never read right after it was written. */
#if defined(__SYNTHESIS__) || defined(__VITIS_HLS__) || defined(__BAMBU__)
#define HLS_HANDED_ON
#define RUN_SLOTS(slots, used) ((used) < (slots) ? (slots) : (used)) /* all of them */
#else
#define HLS_HANDED_ON HLS_MEMORY
#define RUN_SLOTS(slots, used) ((used) < 2 ? 2 : (used))
#endif

/* What a run is made of. */
typedef struct job {
    uint32_t op, flags, t, partial, columns;
    uint32_t montgomery; /* states are in Montgomery form */
    uint32_t outputs;    /* elements of a permutation's result: t or 1 */
    uint32_t slots;      /* of a lane */
    uint32_t
        batch; /* permutations that are under way at once: even, slots times LANES or one less */
    uint32_t period; /* least cycles of a partial round's sum */
    uint64_t count, src_row, src_stride, dst_row;
    hls_bn_poseidon_layout at;
} job;

/* What follows from op, flags and t. */
static void set_job(job *b)
{
    HLS_INLINE()
    b->montgomery = b->op == HLS_PERMUTE && (b->flags & HLS_MONTGOMERY);
    b->outputs = b->op == HLS_PERMUTE ? b->t : 1;
    b->partial = HLS_BN_POSEIDON_PARTIAL[b->t];
    hls_bn_poseidon_lay_out(&b->at, b->t);
    b->slots = DEPTH / (2 * b->t + 1);
    b->batch = b->slots * LANES & HLS_FAULTY(104, ~1u, ~0u);
    b->period = (HLS_BN_POSEIDON_LATENCY + b->slots - 2) / HLS_FAULTY(105, b->slots - 1, b->slots);
}

/* Permutations of batch number i. */
static inline uint32_t batch_count(const job *b, uint64_t i)
{
    uint64_t first = i * b->batch;

    HLS_INLINE()
    if (first >= b->count)
        return 0;
    return b->count - first < b->batch ? (uint32_t)(b->count - first) : b->batch;
}

/* Where permutation number k of a batch is. */
typedef struct place {
    uint32_t lane, first; /* of its elements in in[] or out[] */
} place;

static inline void next_place(place *p, uint32_t elements)
{
    HLS_INLINE()
    p->lane++;
    if (p->lane == LANES) {
        p->lane = 0;
        p->first += elements;
    }
}

/* ---- load ---- */

/* States as they are in memory, one after the other: all of them, or 16 children behind a zero. */
static void load_elements(hls_bn in[IN_DEPTH][LANES], const job *b, uint64_t number,
                          HLS_PARAM_ROWS(src), HLS_PARAM_ROWS(dst))
{
    uint32_t skip = b->op == HLS_NODES, each = b->t - skip;
    uint64_t at = number * b->batch * each;
    place to = {0, 0};
    hls_row row = {{0}};
    hls_bn zero = {{0}};

    /* II=1: an element a cycle, 17 cycles of the some 290 that a permutation takes */
    HLS_LOOP(load_states)
    for (uint32_t k = 0; k < batch_count(b, number); k++) {
        HLS_TRIP(1, 238)
        if (skip)
            in[to.first][to.lane] = zero;
        /* II=1 */
        HLS_LOOP(load_state)
        for (uint32_t i = skip; i < b->t; i++) {
            HLS_PIPELINE(1)
            HLS_TRIP(2, 17)
            if (at % 2 == 0 && skip)
                hls_rows_read(HLS_PASS_ROWS(src), b->src_row + at / 2, &row);
            if (at % 2 == 0 && !skip)
                hls_rows_read(HLS_PASS_ROWS(dst), b->dst_row + at / 2, &row);
            hls_bn_from_row(&in[to.first + i][to.lane], &row, (uint32_t)(at % 2));
            at++;
        }
        next_place(&to, b->t);
    }
}

/* Leaves: the chain's value, and columns three by three. */
static void load_leaves(hls_bn in[IN_DEPTH][LANES], const job *b, uint64_t number,
                        HLS_PARAM_ROWS(src), HLS_PARAM_ROWS(dst))
{
    uint32_t words = 3 * (b->t - 1);
    uint64_t leaf = number * b->batch;
    place to = {0, 0};
    hls_row row = {{0}}, digests = {{0}};

    /* II: a cycle for each of up to 48 words */
    HLS_LOOP(load_leaves)
    for (uint32_t k = 0; k < batch_count(b, number); k++) {
        uint64_t triple[3] = {0, 0, 0};
        hls_bn c = {{1}};
        uint32_t element = to.first + 1;

        HLS_TRIP(1, 238)
        if (!(b->flags & HLS_FIRST)) {
            if (leaf % 2 == 0)
                hls_rows_read(HLS_PASS_ROWS(dst), b->dst_row + leaf / 2, &digests);
            hls_bn_from_row(&c, &digests, HLS_FAULTY(100, (uint32_t)(leaf % 2), 0));
        }
        in[to.first][to.lane] = c;
        /* II=1: a word a cycle, a row in eight */
        HLS_LOOP(load_words)
        for (uint32_t w = 0; w < words; w++) {
            HLS_PIPELINE(1)
            HLS_TRIP(3, 48)
            if (w % HLS_ROW_WORDS == 0 && w < b->columns)
                hls_rows_read(HLS_PASS_ROWS(src),
                              b->src_row +
                                  w / HLS_ROW_WORDS * HLS_FAULTY(108, b->src_stride, b->count) +
                                  leaf,
                              &row);
            triple[0] = triple[1];
            triple[1] = triple[2];
            triple[2] = w < HLS_FAULTY(101, b->columns, words) ? row.w[w % HLS_ROW_WORDS] : 0;
            if (w % 3 == 2) {
                hls_bn_poseidon_pack(&in[element][to.lane], triple);
                element++;
            }
        }
        leaf++;
        next_place(&to, b->t);
    }
}

static void load(hls_bn in[IN_DEPTH][LANES], const job by_value, uint64_t number,
                 HLS_PARAM_ROWS(src), HLS_PARAM_ROWS(dst))
{
    const job *b = &by_value;
    if (b->op == HLS_ABSORB)
        load_leaves(in, b, number, HLS_PASS_ROWS(src), HLS_PASS_ROWS(dst));
    else
        load_elements(in, b, number, HLS_PASS_ROWS(src), HLS_PASS_ROWS(dst));
}

/* ---- compute ---- */

/* Operations of a batch in their order; partial rounds are as many as there are. */
typedef enum step_kind {
    TURN,    /* last round of the batch before, and first S-boxes of this one */
    FULL,    /* a matrix: region to region */
    ENTER,   /* the last full round's before the partial ones */
    PARTIAL, /* the sum that makes a(q+1) of the values up to y(q) */
    LEAVE,   /* state after the partial rounds */
    DRAIN    /* results of the last sums */
} step_kind;

/* One operation: rows sums of length products each, for every slot. */
typedef struct operation {
    step_kind what;
    uint32_t round; /* FULL: 0 .. 6; PARTIAL: q */
    uint32_t rows, length;
    uint32_t period;           /* cycles of a sum: at least LANES, so that all results are taken */
    uint32_t factors;          /* in the table, row by row */
    uint32_t summands;         /* in the table, by row; PARTIAL with q < n: from a */
    uint32_t from, to;         /* FULL: region's start in y */
    uint32_t y_first, a_first; /* PARTIAL, LEAVE: ring places of the first y and a */
    uint32_t y_next, a_next;   /* PARTIAL: ring places of y(q+1) and a(q+1) */
} operation;

static inline uint32_t at_least(uint32_t a, uint32_t b)
{
    HLS_INLINE()
    return a < b ? b : a;
}

static inline uint32_t wrapped(uint32_t i, uint32_t size)
{
    HLS_INLINE()
    return i + 1 == size ? 0 : i + 1;
}

static inline void first_operation(operation *o, const job *b)
{
    HLS_INLINE()
    o->what = TURN;
    o->round = 2 * HALF - 1;
    o->rows = b->t;
    o->length = b->t;
    o->period = at_least(b->t, LANES);
    o->factors = b->montgomery ? b->at.matrix : b->at.matrix_out;
    o->summands = 0;
    o->from = b->t;
    o->to = 0;
    o->y_first = o->a_first = o->y_next = o->a_next = 0;
}

static inline void next_operation(operation *o, const job *b, uint32_t any)
{
    uint32_t t = b->t, n = t - 1;

    HLS_INLINE()
    if (o->what == TURN && any) {
        o->what = FULL;
        o->round = 0;
        o->factors = b->montgomery ? b->at.matrix : HLS_FAULTY(102, b->at.matrix_in, b->at.matrix);
        o->summands = b->at.full;
        o->from = 0;
        o->to = t;
    } else if (o->what == FULL && o->round == HALF - 2) {
        o->what = ENTER;
        o->factors = b->at.enter;
        o->summands = b->at.entered;
        o->from = t;
    } else if (o->what == FULL && o->round < 2 * HALF - 2) {
        o->round++;
        o->factors = b->at.matrix;
        o->summands += t;
        o->from = t - o->from;
        o->to = t - o->to;
    } else if (o->what == ENTER) {
        o->what = PARTIAL;
        o->round = 0;
        o->rows = 1;
        o->length = 1;
        o->period = at_least(b->period, LANES);
        o->factors = b->at.step + 2 * n;
        o->y_first = t; /* y(0) */
        o->a_first = wrapped(0, t);
        o->y_next = 0;
        o->a_next = wrapped(0, t);
    } else if (o->what == PARTIAL) {
        o->round++;
        if (o->round <= n) {
            o->length += 2;
            o->factors -= 2;
        }
        if (o->round > n) {
            o->y_first = wrapped(o->y_first, t + 1);
            o->a_first = wrapped(o->a_first, t);
        }
        o->y_next = wrapped(o->y_next, HLS_FAULTY(103, t + 1, t));
        o->a_next = wrapped(o->a_next, t);
        o->period = at_least(o->length, at_least(b->period, LANES));
        o->summands = b->at.steps + o->round - n;
        if (o->round == b->partial - 1) {
            o->what = LEAVE;
            o->rows = t;
            o->period = at_least(o->length, LANES);
            o->factors = b->at.leave;
            o->summands = b->at.left;
            o->to = 0;
        }
    } else if (o->what == LEAVE) {
        o->what = FULL;
        o->round = HALF;
        o->length = t;
        o->period = at_least(t, LANES);
        o->factors = b->at.matrix;
        o->summands = b->at.full + 3 * t;
        o->from = 0;
        o->to = t;
    } else {
        o->what = DRAIN;
        o->rows = 1;
        o->length = 0;
        o->period = LANES;
    }
}

/* Sums that have ended and wait to be taken, lane by lane. */
typedef struct ended {
    step_kind what;
    uint32_t row, slot, y, a; /* y and a: where the slot starts in a lane's memories */
    uint32_t to, y_next, a_next;
} ended;

/* The S-box's result and, in partial rounds, its input into a lane's memories. */
static inline void write_back(hls_bn y[DEPTH][LANES], hls_bn a[DEPTH][LANES], const ended *e,
                              uint32_t t, uint32_t lane, const hls_bn *value, const hls_bn *box)
{
    HLS_INLINE()
    if (e->what == ENTER && e->row > 0)
        a[e->a + t + e->row - 1][lane] = *value;
    if (e->what == PARTIAL)
        a[e->a + e->a_next][lane] = *value;
    if (e->what == ENTER && e->row == 0)
        y[e->y + t + t][lane] = *box;
    if (e->what == PARTIAL)
        y[e->y + t + e->y_next][lane] = *box;
    if (e->what == FULL || e->what == LEAVE || e->what == TURN)
        y[e->y + e->to + e->row][lane] = *box;
}

/* Steps of a batch's operations: bn_poseidon.md has the sum. */
static uint32_t count_steps(const job *b, uint32_t slots, uint32_t any)
{
    uint32_t t = b->t, matrix = t * at_least(t, LANES), steps = matrix;
    uint32_t full = at_least(2 * t - 1, at_least(b->period, LANES));

    if (any) {
        steps += 7 * matrix + t * at_least(2 * t - 1, LANES) + (b->partial - t) * full;
        /* II=1: the sums that are cut off, once a batch */
        HLS_LOOP(cut_off)
        for (uint32_t q = 0; q + 1 < t; q++) {
            HLS_PIPELINE(1)
            HLS_TRIP(1, 16)
            steps += at_least(2 * q + 1, at_least(b->period, LANES));
        }
    }
    return slots * steps + LANES;
}

/* All operations of a batch of `now` permutations, of which in has the states, and the last round
 * of the `before` of the batch before, into out. */
static void compute(hls_bn out[IN_DEPTH][LANES], hls_bn in[IN_DEPTH][LANES],
                    const hls_bn table[HLS_BN_POSEIDON_MAX_COUNT], const job by_value,
                    uint32_t before, uint32_t now)
{
    const job *b = &by_value;
    HLS_MEMORY hls_bn y[DEPTH][LANES];
    HLS_MEMORY hls_bn a[DEPTH][LANES];
    hls_fr_sum sum[LANES], held[LANES];
    uint32_t t = b->t, row = 0, k = 0, slot = 0, y_at = 0, a_at = 0, first = 0;
    uint32_t most = before < now ? now : before;
    uint32_t slots = RUN_SLOTS(b->slots, (most + LANES - 1) / LANES);
    uint32_t all = count_steps(b, slots, now);
    uint32_t factor = 0, y_ring = 0, a_ring = 0;
    operation o;
    ended e;

    HLS_BANKS(y, 2)
    HLS_BRAM(y)
    HLS_BANKS(a, 2)
    HLS_BRAM(a)
    HLS_REGISTERS(sum)
    HLS_REGISTERS(held)
    first_operation(&o, b);
    e.what = DRAIN;
    e.row = e.slot = e.y = e.a = e.to = e.y_next = e.a_next = 0;
    factor = o.factors;
    /* II=1: a product in each lane, and a result through reduction and S-box. What a step reads was
     * written long before: a slot's next operation is `slots` sums later, slots * period >=
     * HLS_BN_POSEIDON_LATENCY */
    HLS_LOOP(steps)
    for (uint32_t step = 0; step < all; step++) {
        uint32_t batch = o.what == TURN ? before : now;
        uint32_t length = o.what == TURN && row >= b->outputs ? 0 : o.length;
        uint32_t ring = o.what == PARTIAL || o.what == LEAVE, own = 0;
        uint32_t busy = batch > first ? batch - first : 0; /* lanes with a permutation */

        HLS_PIPELINE(1)
        HLS_TRIP(1, 80000)
        HLS_NO_DEPENDENCE(y)
        HLS_NO_DEPENDENCE(a)
        if (busy > LANES)
            busy = LANES;
        if (k == 0) {
            y_ring = o.y_first;
            a_ring = o.a_first;
            own = o.what == PARTIAL && o.round + 1 < t;
        }

        /* ---- a result of the sums that ended last ---- */
        if (k < LANES && e.what != DRAIN) {
            uint32_t index = e.slot * LANES + k;
            uint32_t valid = index < (e.what == TURN ? before : now);
            uint32_t feed = e.what == TURN && index < now;
            hls_bn value = {{0}}, box = {{0}};

            if (valid && !(e.what == TURN && e.row >= b->outputs)) {
                hls_fr_sum_reduce(&value, &held[k]);
                if (e.what == TURN)
                    hls_bn_reduce_once(
                        &out[e.slot * b->outputs + e.row][HLS_FAULTY(109, k, k & ~1u)], &value,
                        HLS_BN_FR, 0);
            }
            if (feed)
                hls_fr_add_loose(&value, &in[e.slot * t + e.row][k],
                                 &table[(b->montgomery ? b->at.first : b->at.first_in) + e.row]);
            if (e.what == TURN ? feed : valid) {
                if (e.what != ENTER || e.row == 0)
                    hls_bn_poseidon_pow5(&box, &value);
                write_back(y, a, &e, t, k, &value, &box);
            }
        }

        /* ---- a product in each lane ---- */
        if (k < length) {
            /* II=1, unrolled: the lanes; those without a permutation are skipped for a processor's
             * sake */
            HLS_LOOP(lanes)
            for (uint32_t lane = 0; lane < LANES; lane++) {
                hls_bn value, summand;

                HLS_UNROLL()
                if (lane >= busy)
                    continue;
                if (k == 0) {
                    summand = HLS_FAULTY(106, own, 0) ? a[a_at + t + o.round][lane]
                                                      : table[o.summands + row];
                    if (o.what == TURN)
                        hls_fr_sum_clear(&sum[lane]);
                    else
                        hls_fr_sum_start(&sum[lane], &summand);
                }
                if (!ring)
                    value = y[y_at + o.from + k][lane];
                else if (k % 2 == 0)
                    value = y[y_at + t + y_ring][lane];
                else
                    value = a[a_at + a_ring][lane];
                hls_fr_sum_add(&sum[lane], &value, &table[factor]);
            }
            if (ring && k % 2 == 0)
                y_ring = wrapped(y_ring, t + 1);
            if (ring && k % 2 == 1)
                a_ring = wrapped(a_ring, t);
            factor++;
        }

        /* ---- and on ---- */
        k++;
        if (k < o.period)
            continue;
        k = 0;
        e.what = o.what;
        e.row = row;
        e.slot = slot;
        e.y = y_at;
        e.a = a_at;
        e.to = o.to;
        e.y_next = o.y_next;
        e.a_next = o.a_next;
        /* II=1, unrolled: registers */
        HLS_LOOP(hold)
        for (uint32_t lane = 0; lane < LANES; lane++) {
            HLS_UNROLL()
            if (lane < busy)
                held[lane] = sum[lane];
        }
        row++;
        if (row < o.rows)
            continue;
        row = 0;
        slot++;
        first += LANES;
        y_at += 2 * t + 1;
        a_at += 2 * t - 1;
        factor = o.factors;
        if (slot < slots && o.what != DRAIN)
            continue;
        slot = 0;
        first = 0;
        y_at = 0;
        a_at = 0;
        next_operation(&o, b, now);
        factor = o.factors;
    }
}

/* ---- store ---- */

static void store(hls_bn out[IN_DEPTH][LANES], const job by_value, uint64_t number, uint32_t count,
                  HLS_PARAM_ROWS(dst))
{
    const job *b = &by_value;
    uint64_t at = number * b->batch * b->outputs, end = at + (uint64_t)count * b->outputs;
    place from = {0, 0};
    hls_row row;

    /* II=1: an element a cycle, as it was loaded */
    HLS_LOOP(store_states)
    for (uint32_t k = 0; k < count; k++) {
        HLS_TRIP(1, 238)
        /* II=1 */
        HLS_LOOP(store_state)
        for (uint32_t i = 0; i < b->outputs; i++) {
            const hls_bn zero = {{0}};

            HLS_PIPELINE(1)
            HLS_TRIP(1, 17)
            if (HLS_FAULTY(107, at % 2 == 0, at == 0))
                hls_bn_to_row(&row, 1, &zero);
            hls_bn_to_row(&row, (uint32_t)(at % 2), &out[from.first + i][from.lane]);
            if (at % 2 == 1 || at + 1 == end)
                hls_rows_write(HLS_PASS_ROWS(dst), b->dst_row + at / 2, &row);
            at++;
        }
        next_place(&from, b->outputs);
    }
}

/* One batch in, the one before it out. */
static void batch_process(const job by_value, uint64_t number,
                          const hls_bn table[HLS_BN_POSEIDON_MAX_COUNT], HLS_PARAM_ROWS(src),
                          HLS_PARAM_ROWS(dst))
{
    HLS_HANDED_ON hls_bn in[IN_DEPTH][LANES];
    HLS_HANDED_ON hls_bn out[IN_DEPTH][LANES];
    uint32_t now = batch_count(&by_value, number);
    uint32_t before = number > 0 ? batch_count(&by_value, number - 1) : 0;

    HLS_DATAFLOW()
    HLS_BANKS(in, 2)
    HLS_BRAM(in)
    HLS_BANKS(out, 2)
    HLS_BRAM(out)
    load(in, by_value, number, HLS_PASS_ROWS(src), HLS_PASS_ROWS(dst));
    compute(out, in, table, by_value, before, now);
    store(out, by_value, number - 1, before, HLS_PASS_ROWS(dst));
}

HLS_TOP_ROWS_ONE(src, rows)
HLS_TOP_ROWS_ONE(table, rows)
HLS_TOP_ROWS_ONE(dst, rows)
void bn_poseidon(HLS_BN_POSEIDON_ARGS(HLS_PARAM_ROWS, HLS_PARAM_U32, HLS_PARAM_U64))
{
    HLS_MEMORY hls_bn constants[HLS_BN_POSEIDON_MAX_COUNT];
    uint64_t batches;
    hls_row row;
    job b;

    HLS_INTERFACE_ROWS_ONE(src, rows)
    HLS_INTERFACE_ROWS_ONE(table, rows)
    HLS_INTERFACE_ROWS_ONE(dst, rows)
    HLS_INTERFACE_NUMBER(op)
    HLS_INTERFACE_NUMBER(flags)
    HLS_INTERFACE_NUMBER(width)
    HLS_INTERFACE_NUMBER(columns)
    HLS_INTERFACE_NUMBER(count)
    HLS_INTERFACE_NUMBER(src_row)
    HLS_INTERFACE_NUMBER(src_stride)
    HLS_INTERFACE_NUMBER(table_row)
    HLS_INTERFACE_NUMBER(dst_row)
    HLS_INTERFACE_CONTROL()
    HLS_URAM(constants)

    b.op = op;
    b.flags = flags;
    b.t = op == HLS_NODES ? MAX_T : width;
    b.columns = columns;
    b.count = count;
    b.src_row = src_row;
    b.src_stride = src_stride;
    b.dst_row = dst_row;
    if (b.t < HLS_BN_POSEIDON_MIN_WIDTH || b.t > MAX_T || op > HLS_PERMUTE || count == 0)
        return;
    if (op == HLS_ABSORB && (columns > 3 * (b.t - 1) || columns + 3 <= 3 * (b.t - 1)))
        return;
    set_job(&b);
    batches = (count + b.batch - 1) / b.batch;
    /* II=2: a row has two constants, and it is done once a run */
    HLS_LOOP(load_table)
    for (uint32_t i = 0; i < hls_bn_poseidon_rows(b.t); i++) {
        HLS_PIPELINE(2)
        HLS_TRIP(100, 986)
        hls_rows_read(HLS_PASS_ROWS(table), table_row + i, &row);
        hls_bn_from_row(&constants[2 * i], &row, 0);
        hls_bn_from_row(&constants[2 * i + 1], &row, 1);
    }
    /* II: compute's steps; one more than batches, which ends the last one's */
    HLS_LOOP(batches_of_run)
    for (uint64_t i = 0; i <= batches; i++) {
        HLS_TRIP(2, 1 << 20)
        batch_process(b, i, constants, HLS_PASS_ROWS(src), HLS_PASS_ROWS(dst));
    }
}
