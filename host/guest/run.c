#include "host/guest/run.h"

#include "driver/field/gl_poseidon.h"
#include "driver/field/keccak.h"
#include "host/guest/recover.h"

#include <string.h>

#define L2_DATA_LIMIT (UINT64_C(1) << 24)
/** Longer than any code that a transaction can deploy: 2^24 bytes of data, and gas. */
#define CODE_LIMIT (UINT64_C(1) << 24)

typedef struct guest_host {
    guest_io *io;
    exec_arena *advice;
} guest_host;

/** len bytes from the hints, eight a word; what a last word has beyond them is nobody's. NULL, and
 * no hint is read, if the arena is full. */
static uint8_t *hint_bytes(guest_io *io, exec_arena *arena, size_t len)
{
    size_t n = (len + 7) / 8;
    uint64_t *words = exec_arena_alloc(arena, 8 * (n ? n : 1));
    if (!words)
        return NULL;
    for (size_t i = 0; i < n; i++)
        words[i] = guest_hint(io);
    return (uint8_t *)words; /* little-endian, as both targets are */
}

static bool same_hash(const gl_t a[4], const gl_t b[4])
{
    return ((a[0] ^ b[0]) | (a[1] ^ b[1]) | (a[2] ^ b[2]) | (a[3] ^ b[3])) == 0;
}

/* ---- the executor's host: every answer is hashed again ---- */

static exec_fault host_node(void *ctx, const gl_t hash[4], gl_t node[12])
{
    guest_host *h = ctx;
    gl_t state[12];
    exec_fault fault = guest_ask_node(h->io, hash);
    if (fault != EXEC_FAULT_NONE)
        return fault;
    for (unsigned i = 0; i < 12; i++)
        state[i] = node[i] = guest_hint(h->io);
    guest_poseidon(state); /* refuses words that are not canonical */
    guest_require(h->io, same_hash(state, hash), GUEST_BAD_NODE);
    return EXEC_FAULT_NONE;
}

static exec_fault host_code(void *ctx, const gl_t hash[4], const uint8_t **code, size_t *len)
{
    guest_host *h = ctx;
    gl_t found[4];
    *code = NULL;
    *len = 0;
    exec_fault fault = guest_ask_code(h->io, hash);
    if (fault != EXEC_FAULT_NONE)
        return fault;
    uint64_t n = guest_hint(h->io);
    guest_require(h->io, n < CODE_LIMIT, GUEST_BAD_CODE);
    const uint8_t *bytes = n < CODE_LIMIT ? hint_bytes(h->io, h->advice, (size_t)n) : NULL;
    if (!bytes)
        return EXEC_FAULT_MEMORY;
    gl_poseidon_hash_bytes(found, bytes, (size_t)n, guest_poseidon);
    guest_require(h->io, same_hash(found, hash), GUEST_BAD_CODE);
    *code = bytes;
    *len = (size_t)n;
    return EXEC_FAULT_NONE;
}

static void host_permute_many(void *ctx, gl_t *states, size_t count)
{
    (void)ctx;
    for (size_t i = 0; i < count; i++)
        guest_poseidon(states + 12 * i);
}

static void host_permute(gl_t state[12])
{
    guest_poseidon(state);
}

static exec_recovery host_recover(void *ctx, const uint8_t hash[32], const uint8_t r[32],
                                  const uint8_t s[32], bool odd_y, uint8_t public_key[64])
{
    guest_host *h = ctx;
    (void)guest_ask_recovery(h->io, hash, r, s, odd_y);
    return guest_recover(h->io, hash, r, s, odd_y, public_key);
}

/* ---- the batch ---- */

static void hint_words(guest_io *io, uint64_t *out, size_t n)
{
    for (size_t i = 0; i < n; i++)
        out[i] = guest_hint(io);
}

/** False, natively only: the batch is none. */
static bool read_batch(guest_io *io, exec_arena *arena, exec_batch *b)
{
    uint64_t words[4];
    memset(b, 0, sizeof *b);
    hint_words(io, b->old_state_root.limb, 4);
    hint_words(io, words, 4);
    memcpy(b->old_acc_input_hash.bytes, words, 32);
    b->old_batch_num = guest_hint(io);
    b->chain_id = guest_hint(io);
    uint64_t fork_id = guest_hint(io);
    b->timestamp = guest_hint(io);
    hint_words(io, words, 4);
    memcpy(b->global_exit_root.bytes, words, 32);
    hint_words(io, words, 3);
    memcpy(b->sequencer.bytes, words, 20);
    uint64_t len = guest_hint(io);
    b->fork_id = (uint32_t)fork_id;
    b->block_gas_limit = EXEC_BLOCK_GAS_LIMIT;
    b->enforce_counters = true;
    /* the next number must exist, and be one more */
    bool ok = fork_id >> 32 == 0 && b->old_batch_num != UINT64_MAX && len < L2_DATA_LIMIT;
    guest_require(io, ok, GUEST_BAD_INPUT);
    if (!ok)
        return false;
    b->l2_data_len = (size_t)len;
    b->l2_data = hint_bytes(io, arena, b->l2_data_len);
    guest_require(io, b->l2_data != NULL, GUEST_BAD_INPUT);
    return b->l2_data != NULL;
}

static void put_u64(uint32_t *out, uint64_t x)
{
    out[0] = (uint32_t)x;
    out[1] = (uint32_t)(x >> 32);
}

static void put_root(uint32_t *out, const u256 *root)
{
    for (unsigned i = 0; i < 4; i++)
        put_u64(out + 2 * i, root->limb[i]);
}

static void put_hash(uint32_t *out, const exec_hash *hash)
{
    for (unsigned i = 0; i < 8; i++) {
        const uint8_t *p = hash->bytes + 4 * (7 - i);
        out[i] = (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
    }
}

void guest_public_words(uint32_t out[GUEST_PUBLIC_WORDS], const exec_batch *batch,
                        const exec_result *result)
{
    put_root(out + GUEST_OLD_STATE_ROOT, &batch->old_state_root);
    put_hash(out + GUEST_OLD_ACC_INPUT_HASH, &batch->old_acc_input_hash);
    put_u64(out + GUEST_OLD_BATCH_NUM, batch->old_batch_num);
    put_u64(out + GUEST_CHAIN_ID, batch->chain_id);
    put_u64(out + GUEST_FORK_ID, batch->fork_id);
    put_root(out + GUEST_NEW_STATE_ROOT, &result->new_state_root);
    put_hash(out + GUEST_NEW_ACC_INPUT_HASH, &result->new_acc_input_hash);
    put_hash(out + GUEST_NEW_LOCAL_EXIT_ROOT, &result->new_local_exit_root);
    put_u64(out + GUEST_NEW_BATCH_NUM, result->new_batch_num);
}

exec_fault guest_run(guest_io *io, guest_memory *memory)
{
    exec_batch batch;
    exec_result result;
    uint32_t words[GUEST_PUBLIC_WORDS];
    guest_host context = {.io = io, .advice = &memory->advice};
    const exec_host host = {.ctx = &context,
                            .node = host_node,
                            .code = host_code,
                            .permute_many = host_permute_many,
                            .permute = host_permute,
                            .keccak = keccak_256,
                            .recover = host_recover};
    const exec_observer observer = {.ctx = NULL};
    if (!read_batch(io, &memory->advice, &batch))
        return EXEC_FAULT_ARGUMENT;
    exec_fault fault = exec_run(&host, &observer, &memory->exec, &batch, &result, NULL, NULL);
    guest_require(io, fault == EXEC_FAULT_NONE, (guest_exit)(GUEST_FAULT + fault));
    if (fault != EXEC_FAULT_NONE)
        return fault;
    guest_public_words(words, &batch, &result);
    for (unsigned i = 0; i < GUEST_PUBLIC_WORDS; i++)
        guest_commit(io, i, words[i]);
    return EXEC_FAULT_NONE;
}
