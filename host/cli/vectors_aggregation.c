/* Kinds aggregation and the public input of the final proof (executor
 * specification, section 10). */
#include "host/cli/vectors.h"
#include "host/executor/u256.h"

#include "driver/field/bn254_constants.h"
#include "driver/field/sha256.h"

#include <stdlib.h>
#include <string.h>

/* the scalar field of BN254 */
static const u256 bn254_r = {{BN_FR_P0, BN_FR_P1, BN_FR_P2, BN_FR_P3}};

static uint8_t *put_u64(uint8_t *p, uint64_t x)
{
    for (unsigned i = 0; i < 8; i++)
        *p++ = (uint8_t)(x >> (56 - 8 * i));
    return p;
}

static uint8_t *put_u256(uint8_t *p, const u256 *x)
{
    value_to_be(p, x);
    return p + 32;
}

p_status vec_snark_input(u256 *out, const vec_snark *in, p_err *err)
{
    uint8_t b[20 + 5 * 32 + 4 * 8], *p = b, digest[SHA256_BYTES];
    memcpy(p, in->aggregator.bytes, 20);
    p = put_u256(p + 20, &in->old_state_root);
    p = put_u256(p, &in->old_acc_input_hash);
    p = put_u64(p, in->old_num_batch);
    p = put_u64(p, in->chain_id);
    if (in->has_fork)
        p = put_u64(p, in->fork_id);
    p = put_u256(p, &in->new_state_root);
    p = put_u256(p, &in->new_acc_input_hash);
    p = put_u256(p, &in->new_local_exit_root);
    p = put_u64(p, in->new_num_batch);
    if (!sha256_bytes(digest, b, (size_t)(p - b)))
        return p_err_set(err, P_EINTERNAL, "SHA-256 of libcrypto failed");
    u256 x = value_from_be(digest, SHA256_BYTES);
    *out = u256_mod(&x, &bn254_r);
    return P_OK;
}

p_status vec_snark_case(vectors *v, const json_t *object, const char *name, const vec_snark *ran,
                        p_err *err)
{
    vec_snark in = ran ? *ran : (vec_snark){.has_fork = false};
    const char *aggregator =
        json_object_get(object, "aggregatorAddress") ? "aggregatorAddress" : "aggregatorAddr";
    p_status s = value_json_address(&in.aggregator, object, aggregator, err);
    struct {
        u256 *to;
        const char *field;
        bool end;
    } wide[] = {{&in.old_state_root, "oldStateRoot", false},
                {&in.old_acc_input_hash, "oldAccInputHash", false},
                {&in.new_state_root, "newStateRoot", true},
                {&in.new_acc_input_hash, "newAccInputHash", true},
                {&in.new_local_exit_root, "newLocalExitRoot", true}};
    struct {
        uint64_t *to;
        const char *field;
        bool end;
    } narrow[] = {{&in.old_num_batch, "oldNumBatch", false},
                  {&in.chain_id, "chainID", false},
                  {&in.new_num_batch, "newNumBatch", true}};
    for (size_t i = 0; i < 5 && s == P_OK; i++)
        if (!ran || (!wide[i].end && json_object_get(object, wide[i].field)))
            s = value_json_field(wide[i].to, object, wide[i].field, err);
    for (size_t i = 0; i < 3 && s == P_OK; i++)
        if (!ran || (!narrow[i].end && json_object_get(object, narrow[i].field)))
            s = value_json_u64(narrow[i].to, object, narrow[i].field, err);
    u256 expected, found;
    if (s == P_OK)
        s = value_json_field(&expected, object, name, err);
    /* the fork id in it may be the file's or, where the folder overrides that, the run's */
    uint64_t run_fork = in.fork_id;
    bool run_has_fork = in.has_fork;
    in.has_fork = json_object_get(object, "forkID") != NULL;
    if (s == P_OK && in.has_fork)
        s = value_json_u64(&in.fork_id, object, "forkID", err);
    if (s == P_OK)
        s = vec_snark_input(&found, &in, err);
    if (s == P_OK && run_has_fork && !u256_eq(&expected, &found)) {
        in.has_fork = true;
        in.fork_id = run_fork;
        s = vec_snark_input(&found, &in, err);
    }
    if (s == P_OK)
        vec_equal(v, name, &expected, &found);
    return s;
}

void vec_run_snark(vectors *v, const vec_case *c)
{
    p_err err = {0};
    if (vec_snark_case(v, c->json, "inputSnark", NULL, &err) != P_OK)
        vec_fail(v, "%s", err.text);
}

/* Each new value of a batch is the next one's old value; the first and the last are the range's. */
static void compare_link(vectors *v, const json_t *a, const char *a_name, const json_t *b,
                         const char *b_name, const char *where)
{
    u256 x, y;
    p_err err = {0};
    char what[128];
    snprintf(what, sizeof what, "%s: %s", where, a_name);
    if (value_json_field(&x, a, a_name, &err) != P_OK ||
        value_json_field(&y, b, b_name, &err) != P_OK)
        vec_fail(v, "%s: %s", where, err.text);
    else
        vec_equal(v, what, &x, &y);
}

void vec_run_aggregation(vectors *v, const vec_case *c)
{
    static const char *const olds[] = {"oldStateRoot", "oldAccInputHash", "oldNumBatch"};
    static const char *const news[] = {"newStateRoot", "newAccInputHash", "newNumBatch",
                                       "newLocalExitRoot"};
    const json_t *list = json_object_get(c->json, "singleBatchData");
    size_t n = json_array_size(list);
    p_err err = {0};
    if (n == 0) {
        vec_fail(v, "field 'singleBatchData': expected batches, found none");
        return;
    }
    const json_t *first = json_array_get(list, 0), *last = json_array_get(list, n - 1);
    if (json_object_get(first, "l1InfoRoot")) {
        vec_skip(v, "Etrog batch format (fork 7 and later): this executor has forks 4, 5 and 6");
        return;
    }
    for (size_t i = 0; i < 3; i++)
        compare_link(v, c->json, olds[i], first, olds[i], "start of the range");
    for (size_t i = 0; i < 4; i++)
        compare_link(v, c->json, news[i], last, news[i], "end of the range");
    for (size_t b = 0; b + 1 < n; b++)
        for (size_t i = 0; i < 3; i++)
            compare_link(v, json_array_get(list, b), news[i], json_array_get(list, b + 1), olds[i],
                         "chain");
    if (vec_snark_case(v, c->json, "inputSnark", NULL, &err) != P_OK)
        vec_fail(v, "%s", err.text);
    for (size_t b = 0; b < n; b++) {
        vec_case one = *c;
        one.json = json_array_get(list, b);
        one.member = "batch"; /* not a file: no results of the reference to look up */
        vec_run_batch(v, &one);
    }
}
