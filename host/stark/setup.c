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

/* Nothing verifies a key as a proof is verified: one leaf below each digest of the cap is opened
 * and hashed here, so that a device that handed out a wrong cap is found. */
static p_status check_cap(prover *p, const stark_key *key, const stark_hash *hash, p_err *err)
{
    drv_commitment tree = {0};
    uint64_t *rows = NULL, *values = NULL, *paths = NULL, count, below;
    drv_job job = {.op = DRV_OPEN, .open = {.commitment = key->fixed}};
    p_status s = drv_commitment_info(key->fixed, &tree);

    if (s != P_OK)
        return p_err_set(err, s, "the commitment of the fixed columns is lost");
    count = UINT64_C(1) << tree.cap_log2;
    below = UINT64_C(1) << (tree.log_leaves - tree.cap_log2);
    rows = calloc(count, sizeof *rows);
    values = calloc(count * tree.columns, sizeof *values);
    paths = calloc(count * tree.path_digests + 1, sizeof *paths * DRV_DIGEST_WORDS);
    if (!rows || !values || !paths)
        s = p_err_set(err, P_EEXHAUSTED, "no memory for a key");
    for (uint64_t i = 0; i < count && s == P_OK; i++)
        rows[i] = i * below + i % below;
    job.open.rows = rows;
    job.open.count = (uint32_t)count;
    job.open.values = values;
    job.open.paths = paths;
    if (s == P_OK)
        s = prover_job(p, &job, err);
    for (uint64_t i = 0; i < count && s == P_OK; i++) {
        uint64_t leaf[DRV_DIGEST_WORDS];

        stark_hash_leaf(hash, values + i * tree.columns, tree.columns, leaf);
        if (!stark_hash_path(hash, leaf, rows[i], paths + i * tree.path_digests * DRV_DIGEST_WORDS,
                             tree.path_digests, key->vk.fixed_cap))
            s = p_err_set(err, P_EDEVICE,
                          "setup: digest %" PRIu64 " of the fixed columns' cap is not the root of "
                          "what device %s opens below it",
                          i, drv_device_info(key->device)->name);
    }
    free(rows);
    free(values);
    free(paths);
    return s;
}

/* Fills and commits the fixed columns into *key, whose params, air and device are set. */
static p_status commit_fixed(stark_key *key, const stark_options *o, const stark_hash *hash,
                             p_err *err)
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
    return s == P_OK ? check_cap(&p, key, hash, err) : s;
}

p_status stark_setup(const air *a, const stark_params *params, drv_device *device,
                     const stark_options *o, stark_key *out, p_err *err)
{
    static const stark_options none = {0};
    stark_hash hash = {0};
    p_status s;

    *out = (stark_key){.vk = {.air = a, .params = *params}, .device = device};
    s = stark_params_check(params, a, err);
    if (s == P_OK)
        s = stark_params_hold(params, a, err);
    if (s == P_OK)
        s = stark_hash_create_for(params->hash, a, &hash, err);
    if (s == P_OK && a->trees[AIR_TREE_FIXED].real > 0)
        s = commit_fixed(out, o ? o : &none, &hash, err);
    if (s == P_OK)
        stark_vk_digest(params, a, out->vk.fixed_cap, &hash, out->vk.digest);
    stark_hash_destroy(&hash);
    return s;
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
