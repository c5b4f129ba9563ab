/* Proofs from end to end: every hash, size, blow-up and degree, with and without fixed columns and
 * buses; a proof does not depend on threads; traces that do not satisfy the constraints. */
#include "tests/unit/stark/prove_test.h"

/* ---- AIRs of these tests ---- */

/* a' = b, b' = a + b; no fixed columns, no aux columns, no public ones. */
static void define_fibonacci(air_builder *b, const void *context)
{
    air_column x = air_main(b, "x"), y = air_main(b, "y");
    air_expr not_last = air_sub(b, air_constant(b, 1), air_last(b));

    (void)context;
    air_constrain(b, "next x", air_mul(b, not_last, air_sub(b, air_next(b, x), air_here(b, y))));
    air_constrain(b, "next y",
                  air_mul(b, not_last,
                          air_sub(b, air_next(b, y), air_add(b, air_here(b, x), air_here(b, y)))));
    air_constrain(b, "first",
                  air_mul(b, air_first(b), air_sub(b, air_here(b, x), air_public(b, 0))));
}

/* y = x^degree, no next rows. */
static void define_power(air_builder *b, const void *context)
{
    uint32_t degree = *(const uint32_t *)context;
    air_column x = air_main(b, "x"), y = air_main(b, "y");
    air_expr power = air_here(b, x);

    for (uint32_t i = 1; i < degree; i++)
        power = air_mul(b, power, air_here(b, x));
    air_constrain(b, "power", air_sub(b, air_here(b, y), power));
}

static void fill_fibonacci(proving *t)
{
    gl_t x = 3, y = 4;

    t->publics[0] = x;
    for (uint64_t row = 0; row < UINT64_C(1) << t->main.log_rows; row++) {
        gl_t sum = gl_add(x, y);

        *proving_cell(t, t->a->columns[0].position, row) = x;
        *proving_cell(t, t->a->columns[1].position, row) = y;
        x = y;
        y = sum;
    }
}

static void fill_power(proving *t, uint32_t degree)
{
    for (uint64_t row = 0; row < UINT64_C(1) << t->main.log_rows; row++) {
        gl_t x = gl_from_u64(row * UINT64_C(0x9e3779b97f4a7c15));

        *proving_cell(t, t->a->columns[0].position, row) = x;
        *proving_cell(t, t->a->columns[1].position, row) = gl_pow_var(x, degree);
    }
}

/* ---- proving ---- */

/* Proves, verifies once more with the verifying key alone, and that other public values do not. */
static void prove_once(proving *t, drv_device *device, p_pool *pool)
{
    stark_options o = {.pool = pool};
    p_err err = {P_OK, ""};
    stark_key key;
    stark_proof proof;
    stark_report report;

    expect_ok(stark_setup(t->a, &t->params, device, &o, &key, &err));
    expect_ok(stark_prove(&key, &t->main, t->publics, &o, &proof, &report, &err));
    expect_ok(stark_verify(&key.vk, t->publics, &proof, true, &err));
    if (t->a->definition.publics > 0) {
        t->publics[0] ^= 1;
        assert_int_not_equal(stark_verify(&key.vk, t->publics, &proof, true, NULL), P_OK);
        t->publics[0] ^= 1;
    }
    assert_true(report.memory_bytes > 0 && report.peak_bytes > 0);
    stark_proof_free(&proof);
    stark_key_free(&key);
}

static p_pool *pool_of(unsigned threads)
{
    p_pool *pool;
    p_err err = {P_OK, ""};

    expect_ok(p_pool_create(threads, &pool, &err));
    return pool;
}

static void sizes_and_blowups(void **state)
{
    drv_device *device = proving_device("cpu", 2, NULL);
    p_pool *pool = pool_of(2);

    (void)state;
    for (int hash = DRV_HASH_GL; hash <= DRV_HASH_BN254; hash++)
        for (uint32_t log_rows = 6; log_rows <= (hash == DRV_HASH_GL ? 12 : 9); log_rows++)
            for (uint32_t log_blowup = 1; log_blowup <= 4; log_blowup++) {
                proving t;

                /* all blow-ups of small sizes, one of the larger ones */
                if (log_rows > (SANITIZED ? 6 : 8) && log_blowup != log_rows % 4 + 1)
                    continue;
                if (SANITIZED &&
                    (log_rows > 8 || (hash == DRV_HASH_BN254 && (log_rows > 6 || log_blowup != 2))))
                    continue;
                proving_lookup(&t, proving_params((drv_hash)hash, log_rows, log_blowup));
                prove_once(&t, device, log_rows % 2 ? pool : NULL);
                proving_close(&t);
            }
    p_pool_destroy(pool);
    proving_device_close(device);
}

static void degrees_and_trees(void **state)
{
    drv_device *device = proving_device("cpu", 2, NULL);
    proving t;

    (void)state;
    for (int hash = DRV_HASH_GL; hash <= DRV_HASH_BN254; hash++) {
        const air_definition fibonacci = {
            .name = "fibonacci", .max_degree = 2, .publics = 1, .define = define_fibonacci};
        air_definition lookup = demo_lookup;
        p_err err = {P_OK, ""};

        proving_open(&t, &fibonacci, proving_params((drv_hash)hash, 7, 1));
        fill_fibonacci(&t);
        prove_once(&t, device, NULL);
        proving_close(&t);
        for (uint32_t degree = 2; degree <= AIR_MAX_DEGREE; degree += !SANITIZED ? 1
                                                                      : hash == DRV_HASH_GL
                                                                          ? 3
                                                                          : AIR_MAX_DEGREE) {
            const air_definition power = {
                .name = "power", .max_degree = degree, .define = define_power, .context = &degree};

            proving_open(&t, &power, proving_params((drv_hash)hash, 6, degree > 5 ? 3 : 2));
            fill_power(&t, degree);
            prove_once(&t, device, NULL);
            proving_close(&t);
        }
        /* six and seven interactions share a column */
        lookup.max_degree = AIR_MAX_DEGREE;
        lookup.code = NULL; /* which is of the graph with degree 3 */
        proving_open(&t, &lookup, proving_params((drv_hash)hash, 8, 3));
        expect_ok(demo_lookup_trace(t.a, 8, 1, 2, 200, &t.main, t.publics, &err));
        prove_once(&t, device, NULL);
        proving_close(&t);
    }
    proving_device_close(device);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sizes_and_blowups),
        cmocka_unit_test(degrees_and_trees),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
