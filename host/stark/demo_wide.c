#include "host/stark/demo.h"

#include <stdio.h>

#ifdef ZKP_AIR_GENERATING /* in the program that writes the code */
#define CODE NULL
#else
extern const air_code demo_wide_100_code;
#define CODE &demo_wide_100_code
#endif

enum { LANE_S, LANE_A, LANE_B, LANE_C, LANE_D, LANE_LOW, LANE_HIGH, LANE_ACC, LANE_COLUMNS };

#define RANGE_LOG2 16 /* of the range table; all of a shorter trace's row numbers */

static const gl_t SAMPLE[2] = {1, 0};

/* Columns by number: the fixed one, the range table's multiplicity, lanes, extra ones. */
static uint32_t lane_column(uint32_t lane, uint32_t c)
{
    return 2 + lane * LANE_COLUMNS + c;
}

static uint32_t extra_column(const demo_wide_shape *shape, uint32_t k)
{
    return 2 + shape->lanes * LANE_COLUMNS + k;
}

/* ---- definition ---- */

static void define_lane(air_builder *b, const air_column *x, uint32_t lane)
{
    air_expr s = air_here(b, x[LANE_S]), p = air_here(b, x[LANE_A]), q = air_here(b, x[LANE_B]);
    air_expr r = air_here(b, x[LANE_C]), d = air_here(b, x[LANE_D]);
    air_expr low = air_here(b, x[LANE_LOW]), high = air_here(b, x[LANE_HIGH]);
    air_expr acc = air_here(b, x[LANE_ACC]), first = air_first(b);
    air_expr not_last = air_sub(b, air_constant(b, 1), air_last(b));
    char name[AIR_NAME_BYTES];
#define NAMED(text) (snprintf(name, sizeof(name), "lane %u " text, lane), name)

    air_constrain(b, NAMED("c"), air_sub(b, r, air_add(b, air_mul(b, p, q), d)));
    air_constrain(b, NAMED("high"),
                  air_sub(b, high, air_add(b, air_mul(b, s, air_mul(b, low, low)), low)));
    air_constrain(b, NAMED("next a"),
                  air_mul(b, not_last,
                          air_sub(b, air_next(b, x[LANE_A]), air_add(b, air_mul(b, q, d), low))));
    air_constrain(
        b, NAMED("next b"),
        air_mul(b, not_last,
                air_sub(b, air_next(b, x[LANE_B]),
                        air_add(b, air_mul(b, p, high), air_scale(b, 3, air_mul(b, q, r))))));
    air_constrain(
        b, NAMED("next d"),
        air_mul(b, not_last, air_sub(b, air_next(b, x[LANE_D]), air_add(b, air_mul(b, r, p), s))));
    air_constrain(
        b, NAMED("next sum"),
        air_mul(b, not_last,
                air_sub(b, air_next(b, x[LANE_ACC]), air_add(b, acc, air_mul(b, low, high)))));
    air_constrain(b, NAMED("first sum"), air_mul(b, first, acc));
    if (lane == 0) {
        air_constrain(b, "first a", air_mul(b, first, air_sub(b, p, air_public(b, 0))));
        air_constrain(b, "first b", air_mul(b, first, air_sub(b, q, air_public(b, 1))));
    }
#undef NAMED
}

static void define(air_builder *b, const void *context)
{
    const demo_wide_shape *shape = context;
    air_expr sample = AIR_NO_EXPR, entry;
    air_column table = air_fixed(b, "range"), count = air_main(b, "range count");
    air_column x[LANE_COLUMNS], before = AIR_NO_COLUMN, low = AIR_NO_COLUMN;
    air_bus range = air_bus_define(b, "range", 1, 1), ring = {0};
    char name[AIR_NAME_BYTES];

    for (uint32_t lane = 0; lane < shape->lanes; lane++) {
        static const char *const columns[LANE_COLUMNS] = {"s", "a",   "b",    "c",
                                                          "d", "low", "high", "sum"};
        bool alone = lane % 2 == 0 && lane + 1 == shape->lanes;
        air_expr message[3], value;

        for (uint32_t c = 0; c < LANE_COLUMNS; c++) {
            snprintf(name, sizeof(name), "%s %u", columns[c], lane);
            x[c] = c == LANE_S ? air_main_boolean(b, name) : air_main(b, name);
        }
        define_lane(b, x, lane);
        for (uint32_t i = 0; i < 3; i++)
            message[i] = air_here(b, x[LANE_A + i]);
        value = air_here(b, x[LANE_LOW]);
        air_send(b, range, x[LANE_S], AIR_NO_EXPR, &value);
        if (alone) {
            sample = air_periodic(b, "sample", SAMPLE, 2);
            air_send(b, range, x[LANE_S], sample, &value);
        } else if (lane % 2 == 0) {
            snprintf(name, sizeof(name), "ring %u", lane / 2);
            ring = air_bus_define(b, name, 2 + lane / 2, 3);
            air_send(b, ring, x[LANE_S], AIR_NO_EXPR, message);
        } else {
            air_receive(b, ring, x[LANE_S], AIR_NO_EXPR, message);
        }
        before = x[LANE_B];
        low = x[LANE_LOW];
    }
    for (uint32_t k = 0; k < shape->extra; k++) {
        air_column e;
        air_expr value;

        snprintf(name, sizeof(name), "extra %u", k);
        e = air_main(b, name);
        value = air_add(b, air_mul(b, air_here(b, e), air_here(b, low)), air_here(b, before));
        snprintf(name, sizeof(name), "next extra %u", k);
        air_constrain(b, name,
                      air_mul(b, air_sub(b, air_constant(b, 1), air_last(b)),
                              air_sub(b, air_next(b, e), value)));
        before = e;
    }
    entry = air_here(b, table);
    air_receive_table(b, range, count, &entry);
}

static gl_t fixed(const void *context, uint32_t column, uint64_t row, uint32_t log_rows)
{
    (void)context;
    (void)column;
    (void)log_rows;
    return row >> RANGE_LOG2 ? 0 : row; /* padding repeats the first entry */
}

air_definition demo_wide_definition(const demo_wide_shape *shape)
{
    return (air_definition){.name = "demo_wide",
                            .max_degree = 3,
                            .publics = DEMO_WIDE_PUBLICS,
                            .define = define,
                            .fixed = fixed,
                            .context = shape};
}

const demo_wide_shape demo_wide_100_shape = {.lanes = 7, .extra = 10};
const air_definition demo_wide_100 = {.name = "demo_wide_100",
                                      .max_degree = 3,
                                      .publics = DEMO_WIDE_PUBLICS,
                                      .define = define,
                                      .fixed = fixed,
                                      .context = &demo_wide_100_shape,
                                      .code = CODE};

/* ---- trace ---- */

typedef struct wide_loop {
    const air *a;
    const demo_wide_shape *shape;
    drv_matrix *main;
    uint64_t seed;
} wide_loop;

static uint64_t *cell(const wide_loop *l, uint32_t column, uint64_t row)
{
    uint32_t at = l->a->columns[column].position;

    return &l->main->data[(((uint64_t)(at / 8) << l->main->log_rows) + row) * 8 + at % 8];
}

static uint64_t mix(uint64_t x)
{
    x = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ x >> 27) * UINT64_C(0x94d049bb133111eb);
    return x ^ x >> 31;
}

/* What a pair looks up in step i of its sequence. */
static uint64_t low_of(const wide_loop *l, uint32_t pair, uint64_t i)
{
    uint32_t log = l->main->log_rows < RANGE_LOG2 ? l->main->log_rows : RANGE_LOG2;

    return mix(l->seed + ((uint64_t)pair << 40) + i) & ((UINT64_C(1) << log) - 1);
}

/* A step's flag: 0 before the first step and in the last one of any trace. */
static uint64_t flag_of(uint64_t i)
{
    return (i & 3) != 3;
}

/* Both lanes of a pair: the second one has the same sequence a row later, which is what makes their
 * bus balance. */
static p_status pair_item(void *arg, size_t item, unsigned worker)
{
    const wide_loop *l = arg;
    uint32_t pair = (uint32_t)item, even = 2 * pair;
    bool alone = even + 1 == l->shape->lanes;
    uint64_t rows = UINT64_C(1) << l->main->log_rows, i = UINT64_MAX; /* step -1 */
    gl_t a = gl_from_u64(mix(l->seed ^ pair)), b = gl_add(a, 1), d = 7, sum[2] = {0, 0};

    (void)worker;
    for (uint64_t row = 0; row <= rows; row++, i++) {
        uint64_t s = flag_of(i), low = low_of(l, pair, i);
        gl_t high = s ? gl_add(gl_mul(low, low), low) : low;
        gl_t c = gl_add(gl_mul(a, b), d), value[LANE_COLUMNS - 1] = {s, a, b, c, d, low, high};
        gl_t next_a = gl_add(gl_mul(b, d), low);
        gl_t next_b = gl_add(gl_mul(a, high), gl_mul(3, gl_mul(b, c)));
        gl_t next_d = gl_add(gl_mul(c, a), s);

        /* step row - 1: row of the even lane is the step, of the odd lane the step + 1 */
        for (uint32_t odd = 0; odd < (alone ? 1u : 2u); odd++) {
            if (odd ? row == rows : row == 0)
                continue;
            for (uint32_t k = 0; k < LANE_COLUMNS - 1; k++)
                *cell(l, lane_column(even + odd, k), row - 1 + odd) = value[k];
            *cell(l, lane_column(even + odd, LANE_ACC), row - 1 + odd) = sum[odd];
            sum[odd] = gl_add(sum[odd], gl_mul(low, high));
        }
        a = next_a;
        b = next_b;
        d = next_d;
    }
    return P_OK;
}

static void extra_columns(const wide_loop *l)
{
    uint32_t last = l->shape->lanes - 1;

    for (uint64_t row = 0; row < UINT64_C(1) << l->main->log_rows; row++) {
        for (uint32_t k = 0; k < l->shape->extra; k++) {
            uint32_t before = k ? extra_column(l->shape, k - 1) : lane_column(last, LANE_B);
            gl_t e, y;

            if (row == 0) {
                *cell(l, extra_column(l->shape, k), 0) = k;
                continue;
            }
            e = *cell(l, extra_column(l->shape, k), row - 1);
            y = *cell(l, before, row - 1);
            *cell(l, extra_column(l->shape, k), row) =
                gl_add(gl_mul(e, *cell(l, lane_column(last, LANE_LOW), row - 1)), y);
        }
    }
}

static void count_range(const wide_loop *l)
{
    for (uint64_t row = 0; row < UINT64_C(1) << l->main->log_rows; row++)
        for (uint32_t lane = 0; lane < l->shape->lanes; lane++) {
            bool alone = lane % 2 == 0 && lane + 1 == l->shape->lanes;
            uint64_t s = *cell(l, lane_column(lane, LANE_S), row);
            uint64_t low = *cell(l, lane_column(lane, LANE_LOW), row);

            *cell(l, 1, low) += s + (alone ? s * SAMPLE[row % 2] : 0);
        }
}

p_status demo_wide_trace(const air *a, uint32_t log_rows, uint64_t seed, p_pool *pool,
                         drv_matrix *main, gl_t *publics, p_err *err)
{
    wide_loop l = {a, a->definition.context, main, seed};
    uint32_t pairs = (l.shape->lanes + 1) / 2;
    p_status s = P_OK;

    if (a->definition.define != define || main->columns != a->trees[AIR_TREE_MAIN].columns ||
        main->log_rows != log_rows)
        return p_err_set(err, P_EINVAL, "demo_wide: a matrix of another shape");
    if (pool)
        s = p_pool_run(pool, pairs, pair_item, &l, NULL);
    else
        for (uint32_t i = 0; i < pairs; i++)
            pair_item(&l, i, 0);
    if (s != P_OK)
        return p_err_set(err, s, "demo_wide: %s", p_status_text(s));
    extra_columns(&l);
    count_range(&l);
    publics[0] = *cell(&l, lane_column(0, LANE_A), 0);
    publics[1] = *cell(&l, lane_column(0, LANE_B), 0);
    return P_OK;
}
