#include "host/stark/demo.h"

#include <string.h>

#ifdef ZKP_AIR_GENERATING /* in the program that writes the code */
#define CODE NULL
#else
extern const air_code demo_lookup_code;
#define CODE &demo_lookup_code
#endif

#define PATTERN_PERIOD 8

static const gl_t PATTERN[PATTERN_PERIOD] = {0, 1, 0, 0, 1, 1, 0, 1}; /* 1: multiply */
static const gl_t SAMPLE[4] = {0, 0, 1, 0}; /* rows whose a is looked up from the machine, too */

/* ---- definition ---- */

typedef struct defs {
    air_builder *b;
    air_column column[DEMO_LOOKUP_COLUMNS];
    air_expr one, not_last;
} defs;

static air_expr here(const defs *d, demo_lookup_column c)
{
    return air_here(d->b, d->column[c]);
}

static air_expr next(const defs *d, demo_lookup_column c)
{
    return air_next(d->b, d->column[c]);
}

static air_expr flip(const defs *d, air_expr x)
{
    return air_sub(d->b, d->one, x);
}

static void columns(defs *d)
{
    static const char *const name[DEMO_LOOKUP_COLUMNS] = {
        "clk",  "range", "commit row", "run", "a",   "b",   "c",      "op",          "commit",
        "copy", "t run", "t op",       "t a", "t b", "t c", "t high", "range count", "link"};

    for (int i = 0; i < DEMO_LOOKUP_COLUMNS; i++) {
        if (i <= DEMO_COMMIT_ROW)
            d->column[i] = air_fixed(d->b, name[i]);
        else if (i == DEMO_LINK)
            d->column[i] = air_aux(d->b, name[i]);
        else if (i == DEMO_RUN || i == DEMO_OP || i == DEMO_COMMIT || i == DEMO_T_RUN ||
                 i == DEMO_T_OP)
            d->column[i] = air_main_boolean(d->b, name[i]);
        else
            d->column[i] = air_main(d->b, name[i]);
    }
}

/* x = 0 in the rows where flag is 0 */
static void idle(const defs *d, const char *name, demo_lookup_column flag, demo_lookup_column x)
{
    air_constrain(d->b, name, air_mul(d->b, flip(d, here(d, flag)), here(d, x)));
}

static void machine(const defs *d, air_expr pattern)
{
    air_builder *b = d->b;
    air_expr first = air_first(b), last = air_last(b);
    air_expr run = here(d, DEMO_RUN), run_next = next(d, DEMO_RUN), clk = here(d, DEMO_CLK);
    air_expr c = here(d, DEMO_C), stop = air_mul(b, d->not_last, air_sub(b, run, run_next));
    air_expr step = air_mul(b, d->not_last, run_next), end = air_mul(b, last, run);
    air_expr steps = air_sub(b, clk, air_public(b, 2)), result = air_sub(b, c, air_public(b, 3));

    air_constrain(b, "runs in the first row", air_mul(b, first, air_sub(b, run, d->one)));
    air_constrain(b, "first a", air_mul(b, first, air_sub(b, here(d, DEMO_A), air_public(b, 0))));
    air_constrain(b, "first b", air_mul(b, first, air_sub(b, here(d, DEMO_B), air_public(b, 1))));
    air_constrain(b, "does not start again", air_mul(b, flip(d, run), step));
    air_constrain(b, "next a", air_mul(b, step, air_sub(b, next(d, DEMO_A), here(d, DEMO_B))));
    air_constrain(b, "next b", air_mul(b, step, air_sub(b, next(d, DEMO_B), c)));
    /* it stops once, in the row before padding or in the last */
    air_constrain(b, "steps at the stop", air_mul(b, stop, steps));
    air_constrain(b, "steps in the last row", air_mul(b, end, steps));
    air_constrain(b, "result at the stop", air_mul(b, stop, result));
    air_constrain(b, "result in the last row", air_mul(b, end, result));
    air_constrain(b, "operation", air_sub(b, here(d, DEMO_OP), air_mul(b, run, pattern)));
    idle(d, "idle a", DEMO_RUN, DEMO_A);
    idle(d, "idle b", DEMO_RUN, DEMO_B);
    idle(d, "idle c", DEMO_RUN, DEMO_C);
}

static void table(const defs *d)
{
    air_builder *b = d->b;
    air_expr x = here(d, DEMO_T_A), y = here(d, DEMO_T_B), op = here(d, DEMO_T_OP);
    air_expr sum = air_add(b, x, y), product = air_mul(b, x, y);
    air_expr full = air_add(b, air_mul(b, op, product), air_mul(b, flip(d, op), sum));
    air_expr out =
        air_add(b, here(d, DEMO_T_C), air_scale(b, DEMO_LOOKUP_RANGE, here(d, DEMO_T_HIGH)));

    /* all parts are below 32, so both sides are below 2^10 and equal as integers */
    air_constrain(b, "arithmetic", air_sub(b, full, out));
    idle(d, "idle t op", DEMO_T_RUN, DEMO_T_OP);
    idle(d, "idle t a", DEMO_T_RUN, DEMO_T_A);
    idle(d, "idle t b", DEMO_T_RUN, DEMO_T_B);
    idle(d, "idle t c", DEMO_T_RUN, DEMO_T_C);
}

/* c = copy in all rows: the sum of (c - copy) rho^i is 0 */
static void link_constraints(const defs *d)
{
    air_builder *b = d->b;
    air_expr link = here(d, DEMO_LINK),
             difference = air_sub(b, here(d, DEMO_C), here(d, DEMO_COPY));
    air_expr value = air_add(b, air_mul(b, link, air_random(b, AIR_RHO)), difference);

    air_constrain(b, "first link", air_mul(b, air_first(b), link));
    air_constrain(b, "next link", air_mul(b, d->not_last, air_sub(b, next(d, DEMO_LINK), value)));
    air_constrain(b, "last link", air_mul(b, air_last(b), value));
}

static void buses(const defs *d, air_expr sample)
{
    air_builder *b = d->b;
    air_bus arithmetic = air_bus_define(b, "arithmetic", 1, 4);
    air_bus range = air_bus_define(b, "range", 2, 1), commit = air_bus_define(b, "commit", 3, 2);
    air_column run = d->column[DEMO_RUN], t_run = d->column[DEMO_T_RUN];
    air_expr asked[4] = {here(d, DEMO_OP), here(d, DEMO_A), here(d, DEMO_B), here(d, DEMO_C)};
    air_expr answered[4] = {here(d, DEMO_T_OP), here(d, DEMO_T_A), here(d, DEMO_T_B),
                            here(d, DEMO_T_C)};
    air_expr high = here(d, DEMO_T_HIGH), entry = here(d, DEMO_RANGE);
    air_expr sent[2] = {here(d, DEMO_CLK), here(d, DEMO_C)};
    air_expr expected[2] = {here(d, DEMO_CLK), air_public_column(b, 4, DEMO_LOOKUP_COMMITS)};

    air_send(b, arithmetic, run, AIR_NO_EXPR, asked);
    air_receive(b, arithmetic, t_run, AIR_NO_EXPR, answered);
    for (int i = 1; i < 4; i++)
        air_send(b, range, t_run, AIR_NO_EXPR, &answered[i]);
    air_send(b, range, t_run, AIR_NO_EXPR, &high);
    air_send(b, range, run, sample, &asked[1]);
    air_receive_table(b, range, d->column[DEMO_RANGE_COUNT], &entry);
    air_send(b, commit, d->column[DEMO_COMMIT], AIR_NO_EXPR, sent);
    air_receive(b, commit, AIR_NO_COLUMN, here(d, DEMO_COMMIT_ROW), expected);
}

static void define(air_builder *b, const void *context)
{
    defs d = {.b = b};
    air_expr pattern, sample;

    (void)context;
    columns(&d);
    pattern = air_periodic(b, "pattern", PATTERN, PATTERN_PERIOD);
    sample = air_periodic(b, "sample", SAMPLE, sizeof(SAMPLE) / sizeof(SAMPLE[0]));
    d.one = air_constant(b, 1);
    d.not_last = air_sub(b, d.one, air_last(b));
    machine(&d, pattern);
    table(&d);
    link_constraints(&d);
    buses(&d, sample);
}

static gl_t fixed(const void *context, uint32_t column, uint64_t row, uint32_t log_rows)
{
    (void)context;
    (void)log_rows;
    switch (column) {
    case DEMO_CLK:
        return row + 1;
    case DEMO_RANGE:
        return row < DEMO_LOOKUP_RANGE ? row : 0; /* padding repeats the first entry */
    default:
        return row < DEMO_LOOKUP_COMMITS;
    }
}

static uint64_t *cell(const air *a, const drv_matrix *m, demo_lookup_column c, uint64_t row)
{
    uint32_t at = a->columns[c].position;

    return &m->data[(((uint64_t)(at / 8) << m->log_rows) + row) * 8 + at % 8];
}

static p_status aux(const void *context, const air *a, uint32_t log_rows,
                    const drv_matrix *fixed_rows, const drv_matrix *main,
                    const gl_ext challenges[AIR_CHALLENGES], drv_matrix *out, p_err *err)
{
    uint32_t at = a->columns[DEMO_LINK].position;
    gl_ext link = gl_ext_from_base(0);

    (void)context;
    (void)fixed_rows;
    (void)err;
    for (uint64_t row = 0; row < UINT64_C(1) << log_rows; row++) {
        gl_t difference = gl_sub(*cell(a, main, DEMO_C, row), *cell(a, main, DEMO_COPY, row));

        for (uint32_t k = 0; k < 3; k++)
            out->data[(((uint64_t)((at + k) / 8) << log_rows) + row) * 8 + (at + k) % 8] =
                link.c[k];
        link = gl_ext_add(gl_ext_mul(link, challenges[AIR_RHO]), gl_ext_from_base(difference));
    }
    return P_OK;
}

const air_definition demo_lookup = {.name = "demo_lookup",
                                    .max_degree = 3,
                                    .publics = DEMO_LOOKUP_PUBLICS,
                                    .define = define,
                                    .fixed = fixed,
                                    .aux = aux,
                                    .code = CODE};

/* ---- trace ---- */

static void count_range(const air *a, drv_matrix *main, uint64_t value)
{
    ++*cell(a, main, DEMO_RANGE_COUNT, value);
}

p_status demo_lookup_trace(const air *a, uint32_t log_rows, uint32_t first_a, uint32_t first_b,
                           uint64_t steps, drv_matrix *main, gl_t *publics, p_err *err)
{
    uint64_t rows = UINT64_C(1) << log_rows, x = first_a, y = first_b, z = 0;

    if (a->definition.define != define || main->columns != a->trees[AIR_TREE_MAIN].columns ||
        main->log_rows != log_rows)
        return p_err_set(err, P_EINVAL, "demo_lookup: a matrix of another shape");
    if (first_a >= DEMO_LOOKUP_RANGE || first_b >= DEMO_LOOKUP_RANGE ||
        steps < DEMO_LOOKUP_COMMITS || steps > rows)
        return p_err_set(err, P_EINVAL,
                         "demo_lookup: a %u, b %u (both below %d), %llu steps (%d to 2^%u)",
                         first_a, first_b, DEMO_LOOKUP_RANGE, (unsigned long long)steps,
                         DEMO_LOOKUP_COMMITS, log_rows);
    memset(publics, 0, DEMO_LOOKUP_PUBLICS * sizeof(*publics));
    for (uint64_t row = 0; row < steps; row++, x = y, y = z) {
        uint64_t t = rows - 1 - row, op = PATTERN[row % PATTERN_PERIOD];
        uint64_t full = op ? x * y : x + y, high = full / DEMO_LOOKUP_RANGE;

        z = full % DEMO_LOOKUP_RANGE;
        *cell(a, main, DEMO_RUN, row) = *cell(a, main, DEMO_T_RUN, t) = 1;
        *cell(a, main, DEMO_OP, row) = *cell(a, main, DEMO_T_OP, t) = op;
        *cell(a, main, DEMO_A, row) = *cell(a, main, DEMO_T_A, t) = x;
        *cell(a, main, DEMO_B, row) = *cell(a, main, DEMO_T_B, t) = y;
        *cell(a, main, DEMO_C, row) = *cell(a, main, DEMO_T_C, t) = z;
        *cell(a, main, DEMO_COPY, row) = z;
        *cell(a, main, DEMO_T_HIGH, t) = high;
        *cell(a, main, DEMO_COMMIT, row) = row < DEMO_LOOKUP_COMMITS;
        count_range(a, main, x);
        count_range(a, main, y);
        count_range(a, main, z);
        count_range(a, main, high);
        if (SAMPLE[row % 4])
            count_range(a, main, x);
        if (row < DEMO_LOOKUP_COMMITS)
            publics[4 + row] = z;
    }
    publics[0] = first_a;
    publics[1] = first_b;
    publics[2] = steps;
    publics[3] = z;
    return P_OK;
}
