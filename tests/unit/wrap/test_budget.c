/* Constraints of the circuit for a STARK of the size that the last proof of the chain is designed
 * to have (167 main columns, 12 fixed, 30 aux, 21 quotient; 2^13 rows, blow-up 2^4), against what
 * the design allows. Only counted: there is no proof. */
#include "host/stark/vk.h"
#include "tests/unit/wrap/wrap_test.h"

#include <inttypes.h>

#define MAIN 167
#define FIXED 12
#define AUX 10 /* over K */
#define NEXT 24
#define PUBLICS 48

/* Products: 5 in each of 170 constraints. The numbers mean nothing. */
static void define(air_builder *b, const void *context)
{
    air_expr x[MAIN + FIXED + AUX + NEXT], value;
    air_column main[MAIN];
    char name[32];
    uint32_t n = 0;

    (void)context;
    for (int i = 0; i < FIXED; i++) {
        snprintf(name, sizeof(name), "fixed %d", i);
        x[n++] = air_here(b, air_fixed(b, name));
    }
    for (int i = 0; i < MAIN; i++) {
        snprintf(name, sizeof(name), "main %d", i);
        main[i] = air_main(b, name);
        x[n++] = air_here(b, main[i]);
        if (i < NEXT)
            x[n++] = air_next(b, main[i]);
    }
    for (int i = 0; i < AUX; i++) {
        snprintf(name, sizeof(name), "aux %d", i);
        x[n++] = air_here(b, air_aux(b, name));
    }
    for (uint32_t i = 0; i < 170; i++) {
        value = x[i];
        for (uint32_t k = 1; k <= 5; k++)
            value = air_mul(b, value, air_add(b, x[(i + 37 * k) % n], x[(i + 11 * k) % n]));
        if (i < PUBLICS)
            value = air_sub(b, value, air_mul(b, air_first(b), air_public(b, i)));
        snprintf(name, sizeof(name), "constraint %" PRIu32, i);
        air_constrain(b, name, value);
    }
}

static gl_t fixed_value(const void *context, uint32_t column, uint64_t row, uint32_t log_rows)
{
    (void)context;
    (void)log_rows;
    return column + row;
}

static p_status fill_aux(const void *context, const air *a, uint32_t log_rows,
                         const struct drv_matrix *fixed, const struct drv_matrix *main,
                         const gl_ext challenges[AIR_CHALLENGES], struct drv_matrix *aux,
                         p_err *err)
{
    (void)context;
    (void)a;
    (void)log_rows;
    (void)fixed;
    (void)main;
    (void)challenges;
    (void)aux;
    return p_err_set(err, P_EUNSUPPORTED, "columns to be counted only");
}

static const air_definition definition = {.name = "budget",
                                          .max_degree = 8,
                                          .publics = PUBLICS,
                                          .define = define,
                                          .fixed = fixed_value,
                                          .aux = fill_aux};

static uint64_t count(const air *a, uint32_t queries, uint64_t parts[WRAP_PARTS])
{
    char path[] = "/tmp/zkp_wrap_XXXXXX";
    int fd = mkstemp(path);
    uint64_t seed = 1;
    stark_vk vk = {.air = a};
    r1cs_counts counts;
    stark_hash hash;
    p_err err = {0};

    assert_true(fd >= 0);
    close(fd);
    assert_int_equal(stark_params_choose(STARK_P100, DRV_HASH_BN254, 13, 4, &vk.params, &err),
                     P_OK);
    vk.params.level = STARK_TEST;
    vk.params.queries = queries;
    vk.fixed_cap = calloc(stark_vk_cap_digests(&vk.params, a), 32);
    assert_non_null(vk.fixed_cap);
    for (uint64_t i = 0; i < stark_vk_cap_digests(&vk.params, a); i++)
        test_digest(&seed, vk.fixed_cap + 4 * i);
    assert_int_equal(stark_hash_create(DRV_HASH_BN254, &hash, &err), P_OK);
    stark_vk_digest(&vk.params, a, vk.fixed_cap, &hash, vk.digest);
    stark_hash_destroy(&hash);
    if (wrap_write(&vk, NULL, NULL, path, NULL, &counts, parts, &err) != P_OK)
        fail_msg("%s", err.text);
    unlink(path);
    free(vk.fixed_cap);
    return counts.constraints;
}

static void counts_are_within_the_design(void **state)
{
    uint64_t one[WRAP_PARTS], ten[WRAP_PARTS], c1, c10, query, fixed;
    uint32_t products = 0;
    p_err err = {0};
    air *a;

    (void)state;
    if (air_create(&definition, &a, &err) != P_OK)
        fail_msg("%s", err.text);
    for (uint32_t i = 0; i < a->node_count; i++)
        products += a->nodes[i].op == AIR_MUL;
    c1 = count(a, 1, one);
    c10 = count(a, 10, ten); /* nine indices more: one element more to squeeze */
    query = (c10 - c1) / 9;
    fixed = c1 - query;
    printf("%" PRIu32 " products over K in the graph\n%-10s %9s %9s\n", products, "part", "once",
           "a query");
    for (int i = 0; i < WRAP_PARTS; i++)
        printf("%-10s %9" PRIu64 " %9" PRIu64 "\n", wrap_part_name((wrap_part)i),
               one[i] - (ten[i] - one[i]) / 9, (ten[i] - one[i]) / 9);
    printf("%-10s %9" PRIu64 " %9" PRIu64 "; 44 queries %" PRIu64 ", 58 queries %" PRIu64 "\n",
           "sum", fixed, query, fixed + 44 * query, fixed + 58 * query);
    assert_true(query <= 50000);
    assert_true(fixed + 44 * query <= 2750000);
    assert_true(fixed + 58 * query <= 3450000);
    air_destroy(a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(counts_are_within_the_design),
    };

    return cmocka_run_group_tests_name("wrap budget", tests, NULL, NULL);
}
