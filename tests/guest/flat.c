#include "tests/guest/flat.h"

#include "driver/field/gl_poseidon.h"
#include "driver/field/keccak.h"

#include <string.h>

_Static_assert(sizeof(flat_recovery) == FLAT_RECOVERY_WORDS * 8, "a recovery has no padding");

static size_t words_of_bytes(uint64_t len)
{
    return (size_t)((len + 7) / 8);
}

const char *flat_parse(flat_file *f, const uint8_t *bytes, size_t len)
{
    uint64_t h[FLAT_H_WORDS];
    memset(f, 0, sizeof *f);
    if (len < sizeof h || len % 8)
        return "the block is shorter than its header, or no whole number of words";
    memcpy(h, bytes, sizeof h);
    if (h[FLAT_H_MAGIC] != FLAT_MAGIC)
        return "the block does not begin with ZKPFLAT1";

    exec_batch *b = &f->batch;
    b->fork_id = (uint32_t)h[FLAT_H_FORK_ID];
    b->old_batch_num = h[FLAT_H_OLD_BATCH_NUM];
    b->chain_id = h[FLAT_H_CHAIN_ID];
    b->timestamp = h[FLAT_H_TIMESTAMP];
    b->block_gas_limit = h[FLAT_H_BLOCK_GAS_LIMIT];
    b->enforce_counters = h[FLAT_H_ENFORCE_COUNTERS] != 0;
    memcpy(b->old_state_root.limb, &h[FLAT_H_OLD_STATE_ROOT], 32);
    memcpy(b->old_acc_input_hash.bytes, &h[FLAT_H_OLD_ACC_INPUT_HASH], 32);
    memcpy(b->global_exit_root.bytes, &h[FLAT_H_GLOBAL_EXIT_ROOT], 32);
    memcpy(b->sequencer.bytes, &h[FLAT_H_SEQUENCER], 20);

    size_t left = len / 8 - FLAT_H_WORDS;
    const uint64_t *at = (const uint64_t *)(const void *)bytes + FLAT_H_WORDS;
    if (h[FLAT_H_L2_DATA_LEN] > left * 8)
        return "l2_data runs past the end of the block";
    b->l2_data = (const uint8_t *)at;
    b->l2_data_len = (size_t)h[FLAT_H_L2_DATA_LEN];
    at += words_of_bytes(b->l2_data_len);
    left -= words_of_bytes(b->l2_data_len);

    if (h[FLAT_H_N_NODES] > left / FLAT_NODE_WORDS)
        return "the nodes run past the end of the block";
    f->nodes = at;
    f->n_nodes = (size_t)h[FLAT_H_N_NODES];
    at += f->n_nodes * FLAT_NODE_WORDS;
    left -= f->n_nodes * FLAT_NODE_WORDS;

    f->codes = at;
    f->n_codes = (size_t)h[FLAT_H_N_CODES];
    for (size_t i = 0; i < f->n_codes; i++) {
        if (left < 5 || at[4] > (left - 5) * 8)
            return "a bytecode runs past the end of the block";
        size_t n = 5 + words_of_bytes(at[4]);
        at += n;
        left -= n;
    }
    if (h[FLAT_H_N_RECOVERIES] > left / FLAT_RECOVERY_WORDS)
        return "the recoveries run past the end of the block";
    f->recoveries = at;
    f->n_recoveries = (size_t)h[FLAT_H_N_RECOVERIES];
    if (left != f->n_recoveries * FLAT_RECOVERY_WORDS)
        return "the block is longer than its parts";
    return NULL;
}

static int compare_hashes(const uint64_t *a, const gl_t *b)
{
    for (int i = 3; i >= 0; i--) {
        if (a[i] != b[i])
            return a[i] < b[i] ? -1 : 1;
    }
    return 0;
}

static exec_fault host_node(void *ctx, const gl_t hash[4], gl_t node[12])
{
    flat_file *f = ctx;
    size_t lo = 0, hi = f->n_nodes;
    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;
        const uint64_t *entry = f->nodes + mid * FLAT_NODE_WORDS;
        int order = compare_hashes(entry, hash);
        if (order == 0) {
            gl_t state[12];
            memcpy(node, entry + 4, sizeof state);
            for (size_t i = 0; i < 12; i++) {
                if (!gl_is_canonical(node[i])) {
                    f->fault = "a node holds a number that is no field element";
                    return EXEC_FAULT_STORE;
                }
            }
            memcpy(state, node, sizeof state);
            gl_poseidon_permute_portable(state);
            if (memcmp(state, hash, 32) != 0) {
                f->fault = "a node does not hash to its key";
                return EXEC_FAULT_STORE;
            }
            return EXEC_FAULT_NONE;
        }
        if (order < 0)
            lo = mid + 1;
        else
            hi = mid;
    }
    return EXEC_FAULT_MISSING_NODE;
}

static exec_fault host_code(void *ctx, const gl_t hash[4], const uint8_t **code, size_t *len)
{
    flat_file *f = ctx;
    const uint64_t *at = f->codes;
    for (size_t i = 0; i < f->n_codes; i++) {
        size_t n = (size_t)at[4];
        if (compare_hashes(at, hash) == 0) {
            gl_t found[4];
            *code = (const uint8_t *)(at + 5);
            *len = n;
            gl_poseidon_hash_bytes(found, *code, n, gl_poseidon_permute_portable);
            if (memcmp(found, hash, sizeof found) != 0) {
                f->fault = "a bytecode does not hash to its key";
                return EXEC_FAULT_STORE;
            }
            return EXEC_FAULT_NONE;
        }
        at += 5 + words_of_bytes(n);
    }
    return EXEC_FAULT_MISSING_CODE;
}

static void host_permute_many(void *ctx, gl_t *states, size_t count)
{
    (void)ctx;
    for (size_t i = 0; i < count; i++)
        gl_poseidon_permute_portable(states + 12 * i);
}

static exec_recovery host_recover(void *ctx, const uint8_t hash[32], const uint8_t r[32],
                                  const uint8_t s[32], bool odd_y, uint8_t public_key[64])
{
    flat_file *f = ctx;
    for (size_t i = 0; i < f->n_recoveries; i++) {
        flat_recovery e;
        memcpy(&e, f->recoveries + i * FLAT_RECOVERY_WORDS, sizeof e);
        if (memcmp(e.hash, hash, 32) == 0 && memcmp(e.r, r, 32) == 0 && memcmp(e.s, s, 32) == 0 &&
            (e.odd_y != 0) == odd_y) {
            memcpy(public_key, e.public_key, sizeof e.public_key);
            return (exec_recovery)e.answer;
        }
    }
    f->fault = "the block lacks the answer to a signature recovery";
    return EXEC_RECOVERY_NONE;
}

exec_host flat_host(flat_file *f)
{
    exec_host host = {
        .ctx = f,
        .node = host_node,
        .code = host_code,
        .permute_many = host_permute_many,
        .permute = gl_poseidon_permute_portable,
        .keccak = keccak_256,
        .recover = host_recover,
    };
    return host;
}
