#include "host/state/recorder.h"

#include "driver/field/gl_poseidon.h"
#include "driver/field/keccak.h"
#include "host/state/overlay.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define RECOVER_WORDS 10
#define NODE_WORDS 17

struct state_recorder {
    exec_host host;
    const exec_host *inner;
    uint64_t *words;
    size_t n, cap;
    bool failed; /**< no memory: the tape is incomplete */
};

static uint64_t load_le64(const uint8_t *p, size_t len)
{
    uint64_t x = 0;
    for (size_t i = 0; i < len; i++)
        x |= (uint64_t)p[i] << 8 * i;
    return x;
}

/** Room for n more words, or NULL. */
static uint64_t *extend(state_recorder *r, size_t n)
{
    if (r->failed)
        return NULL;
    if (n > r->cap - r->n) {
        size_t cap = r->cap + r->cap / 2 + n + 1024;
        uint64_t *words = cap <= SIZE_MAX / 8 ? realloc(r->words, cap * 8) : NULL;
        if (!words) {
            r->failed = true;
            return NULL;
        }
        r->words = words;
        r->cap = cap;
    }
    uint64_t *p = r->words + r->n;
    r->n += n;
    return p;
}

static exec_fault record_node(void *ctx, const gl_t hash[4], gl_t node[12])
{
    state_recorder *r = ctx;
    exec_fault fault = r->inner->node(r->inner->ctx, hash, node);
    uint64_t *w = fault == EXEC_FAULT_NONE ? extend(r, NODE_WORDS) : NULL;
    if (w) {
        w[0] = STATE_TAPE_NODE;
        memcpy(w + 1, hash, 4 * sizeof *w);
        memcpy(w + 5, node, 12 * sizeof *w);
    }
    return fault;
}

static exec_fault record_code(void *ctx, const gl_t hash[4], const uint8_t **code, size_t *len)
{
    state_recorder *r = ctx;
    exec_fault fault = r->inner->code(r->inner->ctx, hash, code, len);
    uint64_t *w = fault == EXEC_FAULT_NONE ? extend(r, 6 + *len / 8 + (*len % 8 != 0)) : NULL;
    if (w) {
        w[0] = STATE_TAPE_CODE;
        memcpy(w + 1, hash, 4 * sizeof *w);
        w[5] = *len;
        for (size_t i = 0; i < *len; i += 8)
            w[6 + i / 8] = load_le64(*code + i, *len - i < 8 ? *len - i : 8);
    }
    return fault;
}

static void record_permute_many(void *ctx, gl_t *states, size_t count)
{
    state_recorder *r = ctx;
    r->inner->permute_many(r->inner->ctx, states, count);
}

static exec_recovery record_recover(void *ctx, const uint8_t hash[32], const uint8_t r_bytes[32],
                                    const uint8_t s[32], bool odd_y, uint8_t public_key[64])
{
    state_recorder *r = ctx;
    exec_recovery answer = r->inner->recover(r->inner->ctx, hash, r_bytes, s, odd_y, public_key);
    uint64_t *w = extend(r, RECOVER_WORDS);
    if (w) {
        w[0] = STATE_TAPE_RECOVER;
        w[1] = (uint64_t)answer;
        for (unsigned i = 0; i < 8; i++)
            w[2 + i] = answer == EXEC_RECOVERY_OK ? load_le64(public_key + 8 * i, 8) : 0;
    }
    return answer;
}

p_status state_recorder_create(state_recorder **out, p_err *err)
{
    *out = calloc(1, sizeof **out);
    return *out ? P_OK : p_err_set(err, P_EEXHAUSTED, "no memory for a recorder");
}

void state_recorder_destroy(state_recorder *r)
{
    if (!r)
        return;
    free(r->words);
    free(r);
}

const exec_host *state_recorder_begin(state_recorder *r, const exec_host *inner)
{
    r->inner = inner;
    r->n = 0;
    r->failed = false;
    r->host = (exec_host){.ctx = r,
                          .node = record_node,
                          .code = record_code,
                          .permute_many = record_permute_many,
                          .permute = inner->permute,
                          .keccak = inner->keccak,
                          .recover = record_recover};
    uint64_t *w = extend(r, 2);
    if (w) {
        w[0] = STATE_TAPE_MAGIC;
        w[1] = STATE_TAPE_VERSION;
    }
    return &r->host;
}

p_status state_recorder_finish(state_recorder *r, const uint64_t **words, size_t *n_words,
                               p_err *err)
{
    *words = NULL;
    *n_words = 0;
    uint64_t *w = extend(r, 1);
    if (!w)
        return p_err_set(err, P_EEXHAUSTED, "no memory for an advice tape of more than %zu words",
                         r->n);
    *w = STATE_TAPE_END;
    *words = r->words;
    *n_words = r->n;
    return P_OK;
}

/* Replay. */

/** A code handed out: the executor may keep the pointer until the end of the run. */
typedef struct replay_code {
    struct replay_code *next;
    uint8_t bytes[];
} replay_code;

struct state_replay {
    exec_host host;
    const uint64_t *words;
    size_t n, at;
    exec_recovery (*check_recover)(void *, const uint8_t *, const uint8_t *, const uint8_t *, bool,
                                   uint8_t *);
    replay_code *codes;
    p_err refused; /**< the first fault of the tape */
};

static exec_fault refuse(state_replay *r, size_t at, const char *why)
{
    if (r->refused.status == P_OK)
        p_err_set(&r->refused, P_ECORRUPT, "advice tape: word %zu of %zu: %s", at, r->n, why);
    return EXEC_FAULT_STORE;
}

/** The next entry, which must be of a kind and have n words at least; NULL if it is not. */
static const uint64_t *next_entry(state_replay *r, uint64_t kind, size_t n)
{
    if (r->refused.status != P_OK)
        return NULL;
    if (n > r->n - r->at) {
        refuse(r, r->at, "the tape ends where the run needs an answer");
        return NULL;
    }
    if (r->words[r->at] != kind) {
        refuse(r, r->at, "the answer is of another kind than the question");
        return NULL;
    }
    return r->words + r->at;
}

static exec_fault replay_node(void *ctx, const gl_t hash[4], gl_t node[12])
{
    state_replay *r = ctx;
    const uint64_t *w = next_entry(r, STATE_TAPE_NODE, NODE_WORDS);
    if (!w)
        return EXEC_FAULT_STORE;
    if (memcmp(w + 1, hash, 4 * sizeof *w) != 0)
        return refuse(r, r->at + 1, "the node is not the one that the run needs");
    for (unsigned i = 0; i < 12; i++)
        if (!gl_is_canonical(w[5 + i]))
            return refuse(r, r->at + 5 + i, "not a canonical field element");
    gl_t state[12];
    memcpy(node, w + 5, 12 * sizeof *w);
    memcpy(state, node, sizeof state);
    gl_poseidon_permute_portable(state);
    if (memcmp(state, hash, 4 * sizeof *w) != 0)
        return refuse(r, r->at + 5, "the node does not have the hash that was asked for");
    r->at += NODE_WORDS;
    return EXEC_FAULT_NONE;
}

static exec_fault replay_code_entry(void *ctx, const gl_t hash[4], const uint8_t **code,
                                    size_t *len)
{
    state_replay *r = ctx;
    const uint64_t *w = next_entry(r, STATE_TAPE_CODE, 6);
    if (!w)
        return EXEC_FAULT_STORE;
    if (memcmp(w + 1, hash, 4 * sizeof *w) != 0)
        return refuse(r, r->at + 1, "the bytecode is not the one that the run needs");
    size_t room = r->n - r->at - 6;
    if (w[5] > (uint64_t)room * 8)
        return refuse(r, r->at + 5, "the bytecode is longer than the rest of the tape");
    size_t n = (size_t)w[5];
    size_t n_words = n / 8 + (n % 8 != 0);
    if (n % 8 != 0 && w[6 + n_words - 1] >> 8 * (n % 8) != 0)
        return refuse(r, r->at + 6 + n_words - 1, "the bytecode is not followed by zeros");
    replay_code *c = malloc(sizeof *c + n + 1);
    if (!c)
        return refuse(r, r->at + 5, "no memory for the bytecode");
    c->next = r->codes;
    r->codes = c;
    for (size_t i = 0; i < n; i++)
        c->bytes[i] = (uint8_t)(w[6 + i / 8] >> 8 * (i % 8));
    gl_t found[4];
    gl_poseidon_hash_bytes(found, c->bytes, n, gl_poseidon_permute_portable);
    if (memcmp(found, hash, sizeof found) != 0)
        return refuse(r, r->at + 6, "the bytecode does not have the hash that was asked for");
    *code = c->bytes;
    *len = n;
    r->at += 6 + n_words;
    return EXEC_FAULT_NONE;
}

static void replay_permute_many(void *ctx, gl_t *states, size_t count)
{
    (void)ctx;
    for (size_t i = 0; i < count; i++)
        gl_poseidon_permute_portable(states + 12 * i);
}

static exec_recovery replay_recover(void *ctx, const uint8_t hash[32], const uint8_t r_bytes[32],
                                    const uint8_t s[32], bool odd_y, uint8_t public_key[64])
{
    state_replay *r = ctx;
    const uint64_t *w = next_entry(r, STATE_TAPE_RECOVER, RECOVER_WORDS);
    if (!w)
        return EXEC_RECOVERY_NONE;
    uint8_t key[64] = {0}, taped[64];
    exec_recovery answer = r->check_recover(NULL, hash, r_bytes, s, odd_y, key);
    if (answer != EXEC_RECOVERY_OK)
        memset(key, 0, sizeof key);
    for (unsigned i = 0; i < 64; i++)
        taped[i] = (uint8_t)(w[2 + i / 8] >> 8 * (i % 8));
    if (w[1] != (uint64_t)answer || memcmp(taped, key, sizeof key) != 0) {
        refuse(r, r->at + 1, "the recovered key is not the signature's");
        return EXEC_RECOVERY_NONE;
    }
    if (answer == EXEC_RECOVERY_OK)
        memcpy(public_key, key, sizeof key);
    r->at += RECOVER_WORDS;
    return answer;
}

p_status state_replay_create(state_replay **out, const uint64_t *words, size_t n_words,
                             exec_recovery (*check_recover)(void *ctx, const uint8_t hash[32],
                                                            const uint8_t r[32],
                                                            const uint8_t s[32], bool odd_y,
                                                            uint8_t public_key[64]),
                             p_err *err)
{
    *out = NULL;
    if (n_words < 3)
        return p_err_set(err, P_EINVAL, "advice tape: %zu words, expected at least 3", n_words);
    if (words[0] != STATE_TAPE_MAGIC)
        return p_err_set(err, P_EINVAL,
                         "advice tape: begins with %016" PRIx64 ", expected %016" PRIx64, words[0],
                         STATE_TAPE_MAGIC);
    if (words[1] != STATE_TAPE_VERSION)
        return p_err_set(err, P_EINVAL, "advice tape: version %" PRIu64 ", expected %" PRIu64,
                         words[1], STATE_TAPE_VERSION);
    state_replay *r = calloc(1, sizeof *r);
    if (!r)
        return p_err_set(err, P_EEXHAUSTED, "no memory to replay an advice tape");
    r->words = words;
    r->n = n_words;
    r->at = 2;
    r->check_recover = check_recover;
    r->host = (exec_host){.ctx = r,
                          .node = replay_node,
                          .code = replay_code_entry,
                          .permute_many = replay_permute_many,
                          .permute = gl_poseidon_permute_portable,
                          .keccak = keccak_256,
                          .recover = replay_recover};
    *out = r;
    return P_OK;
}

void state_replay_destroy(state_replay *r)
{
    if (!r)
        return;
    for (replay_code *c = r->codes; c;) {
        replay_code *next = c->next;
        free(c);
        c = next;
    }
    free(r);
}

const exec_host *state_replay_host(state_replay *r)
{
    return &r->host;
}

p_status state_replay_finish(const state_replay *r, p_err *err)
{
    if (r->refused.status != P_OK)
        return p_err_set(err, r->refused.status, "%s", r->refused.text);
    if (r->at != r->n - 1 || r->words[r->at] != STATE_TAPE_END)
        return p_err_set(err, P_ECORRUPT,
                         "advice tape: word %zu of %zu: the run is over, but not the tape", r->at,
                         r->n);
    return P_OK;
}
