#include "tests/unit/air/random_air.h"

#include <stdio.h>

#ifdef ZKP_AIR_GENERATING
#define CODE NULL
#else
extern const air_code random_air_code;
#define CODE &random_air_code
#endif

enum { FIXED = 2, MAIN = 19, AUX = 3, OPERATIONS = 150, POOL = 400 };

typedef struct pool {
    air_builder *b;
    air_expr expr[POOL];
    uint32_t degree[POOL], count;
    uint64_t seed;
} pool;

static uint64_t next_random(pool *p)
{
    uint64_t x = p->seed += UINT64_C(0x9e3779b97f4a7c15);

    x = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ x >> 27) * UINT64_C(0x94d049bb133111eb);
    return x ^ x >> 31;
}

static void add(pool *p, air_expr e, uint32_t degree)
{
    p->expr[p->count] = e;
    p->degree[p->count++] = degree;
}

static void leaves(pool *p)
{
    static const gl_t one[1] = {5}, two[2] = {0, 1}, eight[8] = {1, GL_P - 1, 3, 4, 5, 6, 7, 8};
    air_builder *b = p->b;
    gl_t many[AIR_MAX_PERIOD];
    char name[AIR_NAME_BYTES];

    for (int i = 0; i < AIR_MAX_PERIOD; i++)
        many[i] = next_random(p) % GL_P;
    for (int i = 0; i < FIXED + MAIN + AUX; i++) {
        air_column c;

        snprintf(name, sizeof(name), "column %d", i);
        c = i < FIXED          ? air_fixed(b, name)
            : i < FIXED + MAIN ? air_main(b, name)
                               : air_aux(b, name);
        add(p, air_here(b, c), 1);
        if (i % 2)
            add(p, air_next(b, c), 1);
    }
    add(p, air_periodic(b, "one", one, 1), 1);
    add(p, air_periodic(b, "two", two, 2), 1);
    add(p, air_periodic(b, "eight", eight, 8), 1);
    add(p, air_periodic(b, "many", many, AIR_MAX_PERIOD), 1);
    add(p, air_first(b), 1);
    add(p, air_last(b), 1);
    add(p, air_public_column(b, 0, 5), 1);
    add(p, air_public_column(b, 2, 7), 1);
    for (uint32_t i = 0; i < RANDOM_AIR_PUBLICS; i++)
        add(p, air_public(b, i), 0);
    for (int i = 0; i < AIR_CHALLENGES; i++)
        add(p, air_random(b, (air_challenge)i), 0);
    add(p, air_constant(b, GL_P - 1), 0);
    add(p, air_constant(b, UINT64_C(1) << 32), 0);
}

static void buses(pool *p)
{
    air_builder *b = p->b;
    air_bus narrow = air_bus_define(b, "narrow", 7, 1), wide = air_bus_define(b, "wide", 9, 16);
    air_column flag = air_main_boolean(b, "flag");
    air_expr here = air_here(b, flag), message[16];

    for (int i = 0; i < 16; i++)
        message[i] = air_add(b, air_scale(b, (uint64_t)i + 1, p->expr[FIXED + 2 * i % 8]), here);
    for (int i = 0; i < 9; i++) {
        air_send(b, narrow, flag, AIR_NO_EXPR, &message[i]);
        air_receive(b, narrow, AIR_NO_COLUMN, air_last(b), &message[i + 1]);
    }
    air_send(b, wide, flag, air_first(b), message);
    air_receive(b, wide, flag, AIR_NO_EXPR, message);
}

static void define(air_builder *b, const void *context)
{
    pool p = {.b = b, .seed = 42};
    char name[AIR_NAME_BYTES];
    uint32_t leaf_count;

    (void)context;
    leaves(&p);
    leaf_count = p.count;
    for (uint32_t i = 0; i < leaf_count; i++) { /* all leaves are read */
        if (p.degree[i] == 0)
            p.expr[i] = air_mul(b, p.expr[i], p.expr[i % FIXED]);
        snprintf(name, sizeof(name), "leaf %u", i);
        air_constrain(b, name, air_add(b, p.expr[i], p.expr[FIXED]));
    }
    /* constraints that are the same in every row, over F and over K */
    air_constrain(b, "public", air_sub(b, air_public(b, 0), air_public(b, 1)));
    air_constrain(b, "challenge", air_sub(b, air_random(b, AIR_RHO), air_public(b, 1)));
    for (int i = 0; i < OPERATIONS; i++) {
        uint32_t x = (uint32_t)(next_random(&p) % p.count),
                 y = (uint32_t)(next_random(&p) % p.count);
        uint32_t degree = p.degree[x] > p.degree[y] ? p.degree[x] : p.degree[y];
        uint64_t kind = next_random(&p) % 4;
        air_expr e;

        if (x == y || (kind > 1 && p.degree[x] + p.degree[y] > 8))
            continue;
        if (kind == 0)
            e = air_add(b, p.expr[x], p.expr[y]);
        else if (kind == 1)
            e = air_sub(b, p.expr[x], p.expr[y]);
        else
            e = air_mul(b, p.expr[x], p.expr[y]);
        add(&p, e, kind > 1 ? p.degree[x] + p.degree[y] : degree);
        snprintf(name, sizeof(name), "operation %d", i);
        if (i % 3 == 0 && degree > 0)
            air_constrain(b, name, e);
    }
    buses(&p);
}

static gl_t fixed(const void *context, uint32_t column, uint64_t row, uint32_t log_rows)
{
    (void)context;
    (void)log_rows;
    return row + column;
}

static p_status aux(const void *context, const air *a, uint32_t log_rows,
                    const struct drv_matrix *fixed_rows, const struct drv_matrix *main,
                    const gl_ext challenges[AIR_CHALLENGES], struct drv_matrix *out, p_err *err)
{
    (void)context;
    (void)a;
    (void)log_rows;
    (void)fixed_rows;
    (void)main;
    (void)challenges;
    (void)out;
    (void)err;
    return P_OK;
}

const air_definition random_air = {.name = "random_air",
                                   .max_degree = 8,
                                   .publics = RANDOM_AIR_PUBLICS,
                                   .define = define,
                                   .fixed = fixed,
                                   .aux = aux,
                                   .code = CODE};
