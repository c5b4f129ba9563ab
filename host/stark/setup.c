/* Keys: the fixed columns' values and commitment. */
#include "host/air/eval.h"
#include "host/stark/prover.h"
#include "host/stark/vk.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

static uint64_t fixed_bytes(const stark_key *key)
{
    return drv_matrix_words(key->fixed_rows.columns, key->fixed_rows.log_rows) * sizeof(uint64_t);
}

void stark_key_free(stark_key *key)
{
    drv_release(key->fixed);
    if (key->fixed_rows.data)
        drv_buffer_free(key->device, key->fixed_rows.data, fixed_bytes(key));
    free(key->vk.fixed_cap);
    memset(key, 0, sizeof *key);
}

/* Fills and commits the fixed columns into *key, whose params, air and device are set. */
static p_status commit_fixed(stark_key *key, const stark_options *o, p_err *err)
{
    const stark_params *params = &key->vk.params;
    uint64_t digests = stark_vk_cap_digests(params, key->vk.air);
    prover p = {.params = params, .o = o, .device = key->device, .doing = "setup"};
    prover_tree tree = {0};
    void *data;
    p_status s;

    key->fixed_rows = (drv_matrix){.columns = key->vk.air->trees[AIR_TREE_FIXED].columns,
                                   .log_rows = params->log_rows};
    key->vk.fixed_cap = calloc(digests * DRV_DIGEST_WORDS, sizeof(uint64_t));
    if (!key->vk.fixed_cap)
        return p_err_set(err, P_EEXHAUSTED, "no memory for a key");
    s = drv_buffer_alloc(key->device, fixed_bytes(key), &data, err);
    if (s != P_OK)
        return s;
    key->fixed_rows.data = data;
    s = air_fill_fixed(key->vk.air, o->pool, o->cancel, &key->fixed_rows, err);
    if (s == P_OK)
        s = prover_commit(&p, &key->fixed_rows, DRV_VALUES, params->log_blowup,
                          stark_cap_log2(params, params->log_rows + params->log_blowup),
                          key->vk.fixed_cap, &tree, err);
    key->fixed = tree.handle;
    return s;
}

static p_status set_digest(stark_key *key, p_err *err)
{
    stark_hash hash;
    p_status s = stark_hash_create(key->vk.params.hash, &hash, err);

    if (s == P_OK) {
        stark_vk_digest(&key->vk.params, key->vk.air, key->vk.fixed_cap, &hash, key->vk.digest);
        stark_hash_destroy(&hash);
    }
    return s;
}

p_status stark_setup(const air *a, const stark_params *params, drv_device *device,
                     const stark_options *o, stark_key *out, p_err *err)
{
    static const stark_options none = {0};
    p_status s;

    *out = (stark_key){.vk = {.air = a, .params = *params}, .device = device};
    s = stark_params_check(params, a, err);
    if (s == P_OK)
        s = stark_params_hold(params, a, err);
    if (s == P_OK && a->trees[AIR_TREE_FIXED].real > 0)
        s = commit_fixed(out, o ? o : &none, err);
    return s == P_OK ? set_digest(out, err) : s;
}

p_status stark_key_open(const stark_vk *vk, drv_device *device, const stark_options *o,
                        stark_key *out, p_err *err)
{
    p_status s = stark_setup(vk->air, &vk->params, device, o, out, err);

    if (s == P_OK && memcmp(out->vk.digest, vk->digest, sizeof vk->digest) != 0)
        s = p_err_set(err, P_ECORRUPT,
                      "the key's digest is %016" PRIx64 "..., the one of its AIR and parameters "
                      "%016" PRIx64 "...",
                      vk->digest[0], out->vk.digest[0]);
    return s;
}
