#include "host/state/overlay.h"

#include "host/state/grow.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

/** Permutations handed to the vector unit at once: a few times its widest width, small enough for
 * the first-level cache. */
#define VERIFY_LANES 64
#define MAX_ENTRIES (UINT32_MAX / 4) /* an index slot is an entry's number in 32 bits */

void state_hash_text(char out[STATE_HASH_TEXT_BYTES], const gl_t hash[4])
{
    static const char digits[] = "0123456789abcdef";
    out[0] = '0';
    out[1] = 'x';
    for (unsigned i = 0; i < 64; i++)
        out[2 + i] = digits[hash[3 - i / 16] >> (60 - 4 * (i % 16)) & 15];
    out[66] = 0;
}

p_status overlay_create(state_overlay **out, p_err *err)
{
    *out = NULL;
    state_overlay *o = calloc(1, sizeof *o);
    if (!o)
        return p_err_set(err, P_EEXHAUSTED, "no memory for a request's witness");
    if (getrandom(o->seed, sizeof o->seed, 0) != (ssize_t)sizeof o->seed) {
        int e = errno;
        free(o);
        return p_err_set(err, P_EIO, "no random numbers from the system (getrandom: %s)",
                         strerror(e));
    }
    *out = o;
    return P_OK;
}

void overlay_destroy(state_overlay *o)
{
    if (!o)
        return;
    for (size_t i = 0; i < o->n_codes; i++)
        free(o->codes[i].bytes);
    free(o->codes);
    free(o->nodes);
    free(o->node_index.slots);
    free(o->code_index.slots);
    free(o);
}

static p_status grow(void **array, size_t *cap, size_t n, size_t item, const char *what, p_err *err)
{
    if (n >= MAX_ENTRIES || !state_grow(array, cap, n, item))
        return p_err_set(err, P_EEXHAUSTED, "no memory for more than %zu %s of a witness", n, what);
    return P_OK;
}

p_status overlay_add_node(state_overlay *o, const gl_t hash[4], const gl_t node[12], p_err *err)
{
    void *array = o->nodes;
    p_status s =
        grow(&array, &o->cap_nodes, o->n_nodes, sizeof o->nodes[0], "tree nodes (db)", err);
    o->nodes = array;
    if (s != P_OK)
        return s;
    gl_t *record = o->nodes[o->n_nodes++];
    memcpy(record, hash, 4 * sizeof(gl_t));
    memcpy(record + 4, node, 12 * sizeof(gl_t));
    return P_OK;
}

p_status overlay_add_code(state_overlay *o, const gl_t hash[4], uint8_t *bytes, size_t len,
                          p_err *err)
{
    void *array = o->codes;
    p_status s = grow(&array, &o->cap_codes, o->n_codes, sizeof o->codes[0],
                      "bytecodes (contracts_bytecode)", err);
    o->codes = array;
    if (s != P_OK) {
        free(bytes);
        return s;
    }
    overlay_code *c = &o->codes[o->n_codes++];
    memcpy(c->hash, hash, sizeof c->hash);
    c->bytes = bytes;
    c->len = len;
    o->code_bytes += len;
    return P_OK;
}

static uint64_t fold(uint64_t a, uint64_t b)
{
    gl_u128 m = (gl_u128)a * b;
    return (uint64_t)m ^ (uint64_t)(m >> 64);
}

static uint64_t slot_hash(const state_overlay *o, const gl_t h[4])
{
    return fold(h[0] ^ o->seed[0], h[1] ^ o->seed[1]) ^ fold(h[2] ^ o->seed[2], h[3] ^ o->seed[3]);
}

static const gl_t *entry_hash(const state_overlay *o, bool code, size_t i)
{
    return code ? o->codes[i].hash : o->nodes[i];
}

/** The slot that holds hash, or the free one where it belongs. */
static uint32_t *find_slot(const state_overlay *o, bool code, const gl_t hash[4])
{
    const overlay_index *x = code ? &o->code_index : &o->node_index;
    size_t mask = x->size - 1;
    for (size_t at = slot_hash(o, hash) & mask;; at = (at + 1) & mask) {
        uint32_t *slot = &x->slots[at];
        if (*slot == 0 || memcmp(entry_hash(o, code, *slot - 1), hash, 4 * sizeof(gl_t)) == 0)
            return slot;
    }
}

/** Brings the index to n entries, of which the first `done` are in it already. The same hash twice
 * is the same content twice: it was verified. */
static p_status index_entries(state_overlay *o, bool code, size_t done, size_t n, p_err *err)
{
    overlay_index *x = code ? &o->code_index : &o->node_index;
    if (n > x->size / 2) {
        size_t size = 64;
        while (size < 2 * n)
            size *= 2;
        uint32_t *slots = calloc(size, sizeof *slots);
        if (!slots)
            return p_err_set(err, P_EEXHAUSTED, "no memory for the index of %zu witness entries",
                             n);
        free(x->slots);
        x->slots = slots;
        x->size = size;
        done = 0;
    }
    for (size_t i = done; i < n; i++) {
        uint32_t *slot = find_slot(o, code, entry_hash(o, code, i));
        if (*slot == 0)
            *slot = (uint32_t)i + 1;
    }
    return P_OK;
}

static p_status mismatch(const char *field, const char *what, const gl_t key[4],
                         const gl_t found[4], p_err *err)
{
    char a[STATE_HASH_TEXT_BYTES], b[STATE_HASH_TEXT_BYTES];
    state_hash_text(a, key);
    state_hash_text(b, found);
    return p_err_set(err, P_EINVAL, "%s[%s]: the %s does not fit its key: its Poseidon hash is %s",
                     field, a, what, b);
}

static p_status verify_nodes(const state_overlay *o, const gl_poseidon_ops *poseidon, p_err *err)
{
    gl_t states[VERIFY_LANES * 12];
    for (size_t i = o->verified_nodes; i < o->n_nodes; i += VERIFY_LANES) {
        size_t n = o->n_nodes - i < VERIFY_LANES ? o->n_nodes - i : VERIFY_LANES;
        for (size_t k = 0; k < n; k++)
            memcpy(states + 12 * k, o->nodes[i + k] + 4, 12 * sizeof(gl_t));
        poseidon->permute_many(states, n);
        for (size_t k = 0; k < n; k++)
            if (memcmp(states + 12 * k, o->nodes[i + k], 4 * sizeof(gl_t)) != 0)
                return mismatch("db", "node", o->nodes[i + k], states + 12 * k, err);
    }
    return P_OK;
}

/** The blocks of one code depend on each other, so that each lane holds a code of its own; a lane
 * that is done takes the next one. */
static p_status verify_codes(const state_overlay *o, const gl_poseidon_ops *poseidon, p_err *err)
{
    gl_t states[VERIFY_LANES * 12];
    struct {
        size_t code, block;
    } lane[VERIFY_LANES];
    size_t n = 0, next = o->verified_codes;
    for (;;) {
        while (n < VERIFY_LANES && next < o->n_codes) {
            memset(states + 12 * n + 8, 0, 4 * sizeof(gl_t));
            lane[n].code = next++;
            lane[n++].block = 0;
        }
        if (n == 0)
            return P_OK;
        for (size_t k = 0; k < n; k++) {
            const overlay_code *c = &o->codes[lane[k].code];
            gl_poseidon_bytes_block(states + 12 * k, c->bytes, c->len, lane[k].block);
        }
        poseidon->permute_many(states, n);
        for (size_t k = 0; k < n;) {
            const overlay_code *c = &o->codes[lane[k].code];
            gl_t *state = states + 12 * k;
            if (++lane[k].block < gl_poseidon_bytes_blocks(c->len)) {
                memcpy(state + 8, state, 4 * sizeof(gl_t));
                k++;
                continue;
            }
            if (memcmp(state, c->hash, sizeof c->hash) != 0)
                return mismatch("contracts_bytecode", "bytecode", c->hash, state, err);
            /* the last lane moves here; it has not been looked at in this round */
            lane[k] = lane[--n];
            memmove(state, states + 12 * n, 12 * sizeof(gl_t));
        }
    }
}

p_status overlay_verify(state_overlay *o, const gl_poseidon_ops *poseidon, p_err *err)
{
    p_status s = verify_nodes(o, poseidon, err);
    if (s == P_OK)
        s = verify_codes(o, poseidon, err);
    if (s == P_OK)
        s = index_entries(o, false, o->verified_nodes, o->n_nodes, err);
    if (s != P_OK)
        return s;
    o->verified_nodes = o->n_nodes;
    s = index_entries(o, true, o->verified_codes, o->n_codes, err);
    if (s != P_OK)
        return s;
    o->verified_codes = o->n_codes;
    return P_OK;
}

bool overlay_is_verified(const state_overlay *o)
{
    return o->verified_nodes == o->n_nodes && o->verified_codes == o->n_codes;
}

const gl_t *overlay_find_node(const state_overlay *o, const gl_t hash[4])
{
    if (o->node_index.size == 0)
        return NULL;
    uint32_t slot = *find_slot(o, false, hash);
    return slot ? o->nodes[slot - 1] + 4 : NULL;
}

const overlay_code *overlay_find_code(const state_overlay *o, const gl_t hash[4])
{
    if (o->code_index.size == 0)
        return NULL;
    uint32_t slot = *find_slot(o, true, hash);
    return slot ? &o->codes[slot - 1] : NULL;
}

size_t overlay_memory(const state_overlay *o)
{
    return sizeof *o + o->cap_nodes * sizeof o->nodes[0] + o->cap_codes * sizeof o->codes[0] +
           o->code_bytes + (o->node_index.size + o->code_index.size) * sizeof(uint32_t);
}
