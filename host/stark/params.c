#include "host/stark/params.h"

#include <inttypes.h>

/* Every final bound is at least 2^3, so a layer's tree has at least 2^4 leaves. */
_Static_assert(AIR_MIN_LOG_ROWS > STARK_MAX_FINAL_LOG2, "there is always a layer");
_Static_assert((STARK_MAX_DOMAIN_LOG2 - 1 - STARK_MAX_FINAL_LOG2 + STARK_FOLD_LOG2 - 1) /
                       STARK_FOLD_LOG2 <=
                   STARK_MAX_LAYERS,
               "layers of the largest domain");

/* What ships (docs/stark.md, Security; tests/unit/stark/test_security.c holds each to its level).
 * A step of grinding costs a width-17 permutation with BN254, so there it is 16 bits. */
static const struct {
    drv_hash hash;
    uint32_t log_blowup, queries_p100, queries_p128, grinding_bits, cap_log2;
} shipped[] = {
    {DRV_HASH_GL, 1, 180, 238, 18, 5},   {DRV_HASH_GL, 2, 88, 116, 18, 5},
    {DRV_HASH_GL, 3, 58, 76, 20, 6},     {DRV_HASH_GL, 4, 44, 58, 16, 6},
    {DRV_HASH_BN254, 2, 88, 118, 16, 6}, {DRV_HASH_BN254, 3, 58, 78, 16, 6},
    {DRV_HASH_BN254, 4, 44, 58, 16, 6},
};

p_status stark_params_choose(stark_level level, drv_hash hash, uint32_t log_rows,
                             uint32_t log_blowup, stark_params *out, p_err *err)
{
    if (log_rows < AIR_MIN_LOG_ROWS || log_rows > STARK_MAX_DOMAIN_LOG2 ||
        log_blowup > STARK_MAX_DOMAIN_LOG2 - log_rows)
        return p_err_set(err, P_EINVAL,
                         "no STARK parameters for 2^%" PRIu32 " rows with blow-up 2^%" PRIu32
                         ": rows are 2^%d at least, the domain 2^%d at most",
                         log_rows, log_blowup, AIR_MIN_LOG_ROWS, STARK_MAX_DOMAIN_LOG2);
    if (level == STARK_P100 || level == STARK_P128)
        for (size_t i = 0; i < sizeof shipped / sizeof shipped[0]; i++)
            if (shipped[i].hash == hash && shipped[i].log_blowup == log_blowup) {
                *out = (stark_params){
                    .level = level,
                    .hash = hash,
                    .log_rows = log_rows,
                    .log_blowup = log_blowup,
                    .queries =
                        level == STARK_P100 ? shipped[i].queries_p100 : shipped[i].queries_p128,
                    .grinding_bits = shipped[i].grinding_bits,
                    .cap_log2 = shipped[i].cap_log2,
                };
                return P_OK;
            }
    return p_err_set(err, P_EINVAL,
                     "no STARK parameters are chosen for level %d, hash %d and blow-up 2^%" PRIu32,
                     (int)level, (int)hash, log_blowup);
}

const char *stark_level_name(stark_level level)
{
    switch (level) {
    case STARK_TEST:
        return "test";
    case STARK_P100:
        return "p100";
    case STARK_P128:
        return "p128";
    }
    return "unknown";
}

static p_status in_range(const char *field, uint64_t value, uint64_t min, uint64_t max, p_err *err)
{
    if (value < min || value > max)
        return p_err_set(err, P_EINVAL,
                         "STARK parameter %s is %" PRIu64 ", expected %" PRIu64 " .. %" PRIu64,
                         field, value, min, max);
    return P_OK;
}

/* What a graph has to fit. LogUp counts in F: p equal messages would cancel, so all interactions on
 * all rows have to be fewer, which the types see to. */
_Static_assert(sizeof(((air *)0)->interaction_count) == 4 &&
                   UINT32_MAX < GL_P >> STARK_MAX_DOMAIN_LOG2,
               "interactions * N < p");

static p_status check_air(const stark_params *p, const air *a, p_err *err)
{
    p_status s;

    s = in_range("publics", a->definition.publics, 0, STARK_MAX_PUBLICS, err);
    if (s == P_OK)
        s = in_range("max_degree", a->definition.max_degree, 2, AIR_MAX_DEGREE, err);
    for (int t = 0; s == P_OK && t < AIR_TREES; t++)
        s = in_range("columns of a tree", a->trees[t].columns, 0, DRV_MAX_COLUMNS, err);
    if (s != P_OK)
        return s;
    if (air_quotients(a) > 1u << p->log_blowup)
        return p_err_set(err, P_EINVAL,
                         "STARK parameter log_blowup is %" PRIu32
                         ", too small for constraints of degree %" PRIu32
                         ": the quotient does not fit the domain",
                         p->log_blowup, a->definition.max_degree);
    if (a->trees[AIR_TREE_MAIN].real == 0)
        return p_err_set(err, P_EINVAL, "an AIR without main columns has nothing to prove");
    if (p->log_rows < a->min_log_rows)
        return p_err_set(err, P_EINVAL,
                         "STARK parameter log_rows is %" PRIu32
                         ", a public column of the AIR needs %" PRIu32,
                         p->log_rows, a->min_log_rows);
    return P_OK;
}

p_status stark_params_check(const stark_params *p, const air *a, p_err *err)
{
    p_status s = in_range("level", (uint64_t)p->level, STARK_TEST, STARK_P128, err);

    if (s == P_OK)
        s = in_range("hash", (uint64_t)p->hash, DRV_HASH_GL, DRV_HASH_BN254, err);
    if (s == P_OK)
        s = in_range("log_rows", p->log_rows, AIR_MIN_LOG_ROWS, AIR_MAX_LOG_ROWS, err);
    if (s == P_OK)
        s = in_range("log_blowup", p->log_blowup, 1, 6, err);
    if (s == P_OK)
        s = in_range("log_rows + log_blowup", (uint64_t)p->log_rows + p->log_blowup, 0,
                     STARK_MAX_DOMAIN_LOG2, err);
    if (s == P_OK)
        s = in_range("queries", p->queries, 1, STARK_MAX_QUERIES, err);
    if (s == P_OK)
        s = in_range("grinding_bits", p->grinding_bits, 0, 32, err);
    if (s == P_OK)
        s = in_range("cap_log2", p->cap_log2, 0, 10, err);
    return s == P_OK ? check_air(p, a, err) : s;
}

uint32_t stark_cap_log2(const stark_params *p, uint32_t log_leaves)
{
    if (p->hash == DRV_HASH_BN254)
        return log_leaves < 3 ? log_leaves : 3 + (log_leaves - 3) % 4;
    return p->cap_log2 < log_leaves ? p->cap_log2 : log_leaves;
}

uint32_t stark_layers(const stark_params *p)
{
    return (p->log_rows - STARK_MAX_FINAL_LOG2 + STARK_FOLD_LOG2 - 1) / STARK_FOLD_LOG2;
}

uint32_t stark_final_log2(const stark_params *p)
{
    return p->log_rows - STARK_FOLD_LOG2 * stark_layers(p);
}
