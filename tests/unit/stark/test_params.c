/* Ranges, caps, layers, the places of a proof's parts. */
#include "tests/unit/stark/stark_test.h"

#include <stdio.h>

static const test_counts counts = {.degree = 3,
                                   .publics = 4,
                                   .fixed = 2,
                                   .main = 20,
                                   .main_next = 3,
                                   .aux = 9,
                                   .aux_next = 3,
                                   .constraints = 12,
                                   .interactions = 4,
                                   .arity = 3};

static void make_air(air *a)
{
    static struct air_bus_info bus;
    static air_interaction interactions[8];

    test_air_fake(a, &counts, &bus, interactions);
}

static void test_caps(void **state)
{
    stark_params p = {.hash = DRV_HASH_GL, .cap_log2 = 5};

    (void)state;
    for (uint32_t d = 0; d <= 21; d++)
        assert_int_equal(stark_cap_log2(&p, d), d < 5 ? d : 5);
    p.hash = DRV_HASH_BN254;
    for (uint32_t d = 0; d <= 21; d++) {
        const uint32_t c = stark_cap_log2(&p, d);

        if (d < 3)
            assert_int_equal(c, d);
        else
            assert_true(c >= 3 && c <= 6 && c <= d && (d - c) % 4 == 0);
    }
    /* the design's examples */
    assert_int_equal(stark_cap_log2(&p, 17), 5);
    assert_int_equal(stark_cap_log2(&p, 14), 6);
    assert_int_equal(stark_cap_log2(&p, 11), 3);
    assert_int_equal(stark_cap_log2(&p, 8), 4);
}

static void test_layers(void **state)
{
    (void)state;
    for (uint32_t log_rows = AIR_MIN_LOG_ROWS; log_rows <= STARK_MAX_DOMAIN_LOG2 - 1; log_rows++) {
        const stark_params p = {.log_rows = log_rows};
        uint32_t bound = log_rows, layers = 0;

        for (; (1u << bound) > 32; bound -= 3)
            layers++;
        assert_int_equal(stark_layers(&p), layers);
        assert_int_equal(stark_final_log2(&p), bound);
        assert_true(layers >= 1 && layers <= STARK_MAX_LAYERS);
    }
}

static void refused(const stark_params *p, const air *a, const char *field)
{
    p_err err = {0};

    assert_int_equal(stark_params_check(p, a, &err), P_EINVAL);
    assert_non_null(strstr(err.text, field));
}

static void test_ranges(void **state)
{
    stark_params good, p;
    air a, changed;
    p_err err;

    (void)state;
    make_air(&a);
    assert_int_equal(stark_params_choose(STARK_P128, DRV_HASH_GL, 10, 3, &good, &err), P_OK);
    assert_int_equal(stark_params_check(&good, &a, &err), P_OK);
#define REFUSED(member, value, name)                                                               \
    do {                                                                                           \
        p = good;                                                                                  \
        p.member = value;                                                                          \
        refused(&p, &a, name);                                                                     \
    } while (0)
    REFUSED(level, (stark_level)3, "level");
    REFUSED(hash, (drv_hash)2, "hash");
    REFUSED(log_rows, 5, "log_rows");
    REFUSED(log_rows, 19, "log_rows + log_blowup");
    REFUSED(log_rows, UINT32_MAX, "log_rows");
    REFUSED(log_blowup, 0, "log_blowup");
    REFUSED(log_blowup, 7, "log_blowup");
    REFUSED(queries, 0, "queries");
    REFUSED(queries, STARK_MAX_QUERIES + 1, "queries");
    REFUSED(grinding_bits, 33, "grinding_bits");
    REFUSED(cap_log2, 11, "cap_log2");
    changed = a;
    changed.definition.max_degree = 8; /* seven pieces fit a blow-up of 8, not of 4 */
    assert_int_equal(stark_params_check(&good, &changed, &err), P_OK);
    p = good;
    p.log_blowup = 2;
    refused(&p, &changed, "degree 8");
    changed = a;
    changed.definition.publics = STARK_MAX_PUBLICS + 1;
    refused(&good, &changed, "publics");
    changed = a;
    changed.trees[AIR_TREE_AUX].columns = DRV_MAX_COLUMNS + 1;
    refused(&good, &changed, "columns");
    changed = a;
    changed.trees[AIR_TREE_MAIN] = (air_tree_info){0};
    refused(&good, &changed, "main columns");
    changed = a;
    changed.min_log_rows = 10;
    assert_int_equal(stark_params_check(&good, &changed, &err), P_OK);
    changed.min_log_rows = 11;
    refused(&good, &changed, "public column");
}

static void test_choose(void **state)
{
    stark_params p;
    p_err err;

    (void)state;
    assert_int_equal(stark_params_choose(STARK_P128, DRV_HASH_GL, 20, 1, &p, &err), P_OK);
    assert_true(p.queries == 238 && p.grinding_bits == 18 && p.cap_log2 == 5);
    assert_int_equal(stark_params_choose(STARK_P128, DRV_HASH_GL, 16, 4, &p, &err), P_OK);
    assert_true(p.queries == 58 && p.grinding_bits == 16 && p.cap_log2 == 6);
    assert_int_equal(stark_params_choose(STARK_P128, DRV_HASH_BN254, 13, 4, &p, &err), P_OK);
    assert_true(p.queries == 58 && p.grinding_bits == 16);
    assert_int_equal(stark_params_choose(STARK_P100, DRV_HASH_GL, 20, 1, &p, &err), P_OK);
    assert_true(p.queries == 180 && p.grinding_bits == 18);
    assert_int_equal(stark_params_choose(STARK_TEST, DRV_HASH_GL, 10, 1, &p, &err), P_EINVAL);
    assert_int_equal(stark_params_choose(STARK_P128, DRV_HASH_GL, 21, 1, &p, &err), P_EINVAL);
    assert_int_equal(stark_params_choose(STARK_P128, DRV_HASH_GL, 5, 1, &p, &err), P_EINVAL);
    assert_int_equal(stark_params_choose(STARK_P128, DRV_HASH_GL, 10, 0, &p, &err), P_EINVAL);
    assert_int_equal(stark_params_choose(STARK_P128, DRV_HASH_GL, 10, 5, &p, &err), P_EINVAL);
    assert_int_equal(stark_params_choose(STARK_P128, DRV_HASH_GL, 10, UINT32_MAX, &p, &err),
                     P_EINVAL);
}

/* The parts lie one after the other, with no gap and no overlap, and have the lengths that the
 * protocol gives them. */
static void shape_of(const air *a, const stark_params *p)
{
    const uint32_t log_n = p->log_rows + p->log_blowup;
    stark_shape s;
    stark_part part;
    uint64_t at = 0, sum = 0, queries = 0;

    stark_shape_compute(p, a, &s);
    while (stark_shape_part(&s, &at, &part)) {
        assert_int_equal(part.at, sum);
        sum += part.words;
        queries += strstr(part.name, "values of main") != NULL;
        assert_true(part.words > 0);
        if (part.kind == STARK_PART_DIGESTS)
            assert_int_equal(part.words % 4, 0);
    }
    assert_int_equal(sum, s.words);
    assert_int_equal(queries, p->queries);
    assert_int_equal(s.words, s.queries + p->queries * s.query_words);
    assert_int_equal(s.cap[AIR_TREE_MAIN], 0);
    assert_int_equal(s.at_z_count, 2 + 20 + 9 + 6);
    assert_int_equal(s.at_next_count, 3 + 3);
    assert_int_equal(s.at_next, s.at_z + 3 * (2 + 20 + 9 + 6));
    assert_int_equal(s.nonce, s.final + (UINT64_C(3) << s.final_log2));
    assert_int_equal(s.queries, s.nonce + 1);
    if (p->hash == DRV_HASH_GL)
        assert_int_equal(s.path_digests, log_n - s.tree_cap_log2);
    else
        assert_int_equal(s.path_digests, (log_n - s.tree_cap_log2) / 4 * 15);
    for (uint32_t k = 0; k < s.layers; k++)
        assert_int_equal(s.layer_leaves_log2[k], log_n - 3 - 3 * k);
}

static void test_shape(void **state)
{
    air a;

    (void)state;
    make_air(&a);
    for (int hash = DRV_HASH_GL; hash <= DRV_HASH_BN254; hash++)
        for (uint32_t log_rows = 6; log_rows <= 18; log_rows++)
            for (uint32_t cap = 0; cap <= 10; cap += 5) {
                const stark_params p = {.hash = (drv_hash)hash,
                                        .log_rows = log_rows,
                                        .log_blowup = 3,
                                        .queries = 1 + log_rows,
                                        .cap_log2 = cap};

                shape_of(&a, &p);
            }
}

/* Nothing of the key may be changed without another digest. */
static void test_vk_digest(void **state)
{
    stark_params p, changed;
    stark_hash hash;
    air a, b;
    uint64_t cap[128 * 4] = {0}, first[4], second[4], seed = 9; /* with cap_log2 + 1, too */
    p_err err;

    (void)state;
    for (int kind = DRV_HASH_GL; kind <= DRV_HASH_BN254; kind++) {
        make_air(&a);
        assert_int_equal(stark_hash_create((drv_hash)kind, &hash, &err), P_OK);
        assert_int_equal(stark_params_choose(STARK_P128, (drv_hash)kind, 10, 3, &p, &err), P_OK);
        for (int i = 0; i < 128 * 4; i++)
            cap[i] = test_random(&seed) >> 3;
        assert_true(stark_vk_cap_digests(&p, &a) <= 64);
        stark_vk_digest(&p, &a, cap, &hash, first);
#define OTHER(object, member)                                                                      \
    do {                                                                                           \
        changed = p;                                                                               \
        b = a;                                                                                     \
        object.member++;                                                                           \
        stark_vk_digest(&changed, &b, cap, &hash, second);                                         \
        assert_memory_not_equal(first, second, sizeof first);                                      \
    } while (0)
        OTHER(changed, log_rows);
        OTHER(changed, log_blowup);
        OTHER(changed, queries);
        OTHER(changed, grinding_bits);
        OTHER(changed, cap_log2);
        OTHER(b, definition.max_degree);
        OTHER(b, definition.publics);
        for (int i = 0; i < 32; i++)
            OTHER(b, hash[i]);
        for (uint64_t i = 0; i < 4 * stark_vk_cap_digests(&p, &a); i++) {
            cap[i]++;
            stark_vk_digest(&p, &a, cap, &hash, second);
            assert_memory_not_equal(first, second, sizeof first);
            cap[i]--;
        }
        changed = p;
        changed.hash = kind == DRV_HASH_GL ? DRV_HASH_BN254 : DRV_HASH_GL;
        b = a;
        b.trees[AIR_TREE_FIXED] = (air_tree_info){0};
        stark_vk_digest(&p, &b, NULL, &hash, first);
        stark_vk_digest(&changed, &b, NULL, &hash, second);
        assert_memory_not_equal(first, second, sizeof first);
        stark_hash_destroy(&hash);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_caps),   cmocka_unit_test(test_layers),
        cmocka_unit_test(test_ranges), cmocka_unit_test(test_choose),
        cmocka_unit_test(test_shape),  cmocka_unit_test(test_vk_digest),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
