#include "host/executor/world.h"

#include "driver/field/gl_poseidon.h"
#include "host/executor/critbit.h"
#include "host/executor/u256.h"
#include "host/executor/world_cost.h"

#include <string.h>

/** One leaf of the state tree that this run has touched. */
typedef struct leaf_record {
    gl_t key[4];
    u256 first; /**< value when the run started; these three only if written is set */
    u256 base;  /**< value at the checkpoint; only if changed_since_checkpoint */
    u256 now;
    exec_ref next_written;
    bool written;
    bool changed_since_checkpoint;
    uint8_t reserved[10];
} leaf_record;

/** An address, with what is kept about it. */
typedef struct account_record {
    critbit_entry entry;
    leaf_record leaf[4]; /**< indexed by leaf_index */
    gl_t touched_key[4];
    critbit slots;
    uint8_t reserved[12];
} account_record;

/** A storage slot of one address. */
typedef struct slot_record {
    critbit_entry entry;
    leaf_record leaf;
    gl_t touched_key[4];
} slot_record;

/** A bytecode by its hash. */
typedef struct code_record {
    critbit_entry entry;
    const uint8_t *code;
    size_t len;
} code_record;

_Static_assert(sizeof(critbit_entry) % EXEC_REF_UNIT == 0 &&
                   sizeof(leaf_record) % EXEC_REF_UNIT == 0,
               "leaf records have references of their own");

/** One step to undo. */
typedef struct journal_entry {
    u256 old;        /**< value before the write */
    exec_ref record; /**< the leaf_record written, or 0: a key that was added to the warm set */
    uint32_t reserved;
    gl_t touched_key[4];
} journal_entry;

#define JOURNAL_CHUNK 64

typedef struct journal_chunk {
    exec_ref previous, next;
    uint32_t reserved[2];
    journal_entry entry[JOURNAL_CHUNK];
} journal_chunk;

struct world {
    const exec_host *host;
    const exec_observer *observer;
    exec_arena *arena;
    exec_counters *counters;
    u256 *missing;
    exec_fault fault; /**< of a function that cannot return one */

    smt state, touched;

    critbit accounts, codes;
    exec_ref last_account;
    exec_ref written; /**< list of leaf records */
    bool has_checkpoint;

    exec_ref journal_first, journal_last;
    size_t journal_count;

    gl_t zero_capacity[4]; /**< H(0, 0): what stands for the slot where there is none, and for slot
                              0 */
};

size_t world_bytes(void)
{
    return sizeof(world);
}

exec_fault world_init(world *w, const exec_host *host, const exec_observer *observer,
                      exec_memory *memory, exec_counters *counters, u256 *missing, const u256 *root)
{
    memset(w, 0, sizeof *w);
    w->host = host;
    w->observer = observer;
    w->arena = &memory->tree;
    w->counters = counters;
    w->missing = missing;
    gl_t state[12] = {0};
    host->permute(state);
    memcpy(w->zero_capacity, state, sizeof w->zero_capacity);
    exec_fault fault = smt_init(&w->state, w->arena, host, observer, missing, root->limb);
    return fault ? fault : smt_init(&w->touched, w->arena, NULL, NULL, missing, NULL);
}

exec_fault world_begin_tx(world *w)
{
    smt_freeze(&w->state);
    smt_clear(&w->touched);
    w->journal_count = 0;
    w->journal_last = 0;
    return w->fault;
}

/* ---- records and their tree keys ---- */

/** The address as a number. */
static u256 address_number(const exec_address *a)
{
    u256 n = {{0}};
    for (unsigned i = 0; i < 20; i++)
        n.limb[i / 8] |= (uint64_t)a->bytes[19 - i] << (8 * (i % 8));
    return n;
}

/** Input of the permutation that makes a tree key. */
static void key_input(gl_t state[12], const u256 *address, world_leaf type, const gl_t capacity[4])
{
    for (unsigned i = 0; i < 6; i++)
        state[i] = address->limb[i / 2] >> (32 * (i % 2)) & 0xffffffff;
    state[6] = type;
    state[7] = 0;
    memcpy(state + 8, capacity, 4 * sizeof *state);
}

/** Where the leaf of a type stands in account_record.leaf. */
static unsigned leaf_index(world_leaf type)
{
    return type == WORLD_CODE_LENGTH ? 3 : (unsigned)type;
}

/** Finds or makes the record of an address, with its five keys. */
static exec_fault account_get(world *w, const exec_address *a, account_record **out)
{
    u256 number = address_number(a);
    if (w->last_account) {
        account_record *last = exec_ref_ptr(w->arena, w->last_account);
        if (u256_eq(&last->entry.key, &number)) {
            *out = last;
            return EXEC_FAULT_NONE;
        }
    }
    exec_ref ref = critbit_find(w->arena, &w->accounts, &number);
    if (!ref) {
        static const world_leaf types[5] = {WORLD_BALANCE, WORLD_NONCE, WORLD_CODE_HASH,
                                            WORLD_CODE_LENGTH, WORLD_TOUCHED_ADDRESS};
        gl_t states[5 * 12];
        ref = exec_ref_alloc(w->arena, sizeof(account_record));
        if (!ref)
            return EXEC_FAULT_MEMORY;
        account_record *r = exec_ref_ptr(w->arena, ref);
        memset(r, 0, sizeof *r);
        r->entry.key = number;
        for (unsigned i = 0; i < 5; i++)
            key_input(states + 12 * i, &number, types[i], w->zero_capacity);
        w->host->permute_many(w->host->ctx, states, 5);
        for (unsigned i = 0; i < 4; i++)
            memcpy(r->leaf[leaf_index(types[i])].key, states + 12 * i, 4 * sizeof(gl_t));
        memcpy(r->touched_key, states + 12 * 4, 4 * sizeof(gl_t));
        critbit_insert(w->arena, &w->accounts, ref);
    }
    w->last_account = ref;
    *out = exec_ref_ptr(w->arena, ref);
    return EXEC_FAULT_NONE;
}

/** Finds or makes the record of a slot, with its two keys. */
static exec_fault slot_get(world *w, const exec_address *a, const u256 *slot, slot_record **out)
{
    account_record *account;
    exec_fault fault = account_get(w, a, &account);
    if (fault)
        return fault;
    exec_ref ref = critbit_find(w->arena, &account->slots, slot);
    if (!ref) {
        gl_t states[2 * 12] = {0};
        ref = exec_ref_alloc(w->arena, sizeof(slot_record));
        if (!ref)
            return EXEC_FAULT_MEMORY;
        slot_record *r = exec_ref_ptr(w->arena, ref);
        memset(r, 0, sizeof *r);
        r->entry.key = *slot;
        gl_t capacity[4];
        if (u256_is_zero(slot)) {
            memcpy(capacity, w->zero_capacity, sizeof capacity);
        } else {
            for (unsigned i = 0; i < 8; i++)
                states[i] = slot->limb[i / 2] >> (32 * (i % 2)) & 0xffffffff;
            w->host->permute(states);
            memcpy(capacity, states, sizeof capacity);
        }
        key_input(states, &account->entry.key, WORLD_STORAGE, capacity);
        key_input(states + 12, &account->entry.key, WORLD_TOUCHED_SLOT, capacity);
        w->host->permute_many(w->host->ctx, states, 2);
        memcpy(r->leaf.key, states, 4 * sizeof(gl_t));
        memcpy(r->touched_key, states + 12, 4 * sizeof(gl_t));
        critbit_insert(w->arena, &account->slots, ref);
    }
    *out = exec_ref_ptr(w->arena, ref);
    return EXEC_FAULT_NONE;
}

/** The record of any leaf of the state tree. */
static exec_fault leaf_get(world *w, world_leaf type, const exec_address *a, const u256 *slot,
                           leaf_record **out)
{
    exec_fault fault = w->fault;
    if (fault)
        return fault;
    if (type == WORLD_STORAGE) {
        slot_record *s;
        fault = slot_get(w, a, slot, &s);
        if (!fault)
            *out = &s->leaf;
    } else {
        account_record *r;
        fault = account_get(w, a, &r);
        if (!fault)
            *out = &r->leaf[leaf_index(type)];
    }
    return fault;
}

exec_fault world_tree_key(world *w, world_leaf type, const exec_address *a, const u256 *slot,
                          u256 *key)
{
    leaf_record *leaf;
    account_record *account;
    slot_record *s;
    exec_fault fault;
    switch (type) {
    case WORLD_TOUCHED_ADDRESS:
        fault = account_get(w, a, &account);
        if (!fault)
            memcpy(key->limb, account->touched_key, sizeof key->limb);
        return fault;
    case WORLD_TOUCHED_SLOT:
        fault = slot_get(w, a, slot, &s);
        if (!fault)
            memcpy(key->limb, s->touched_key, sizeof key->limb);
        return fault;
    default:
        fault = leaf_get(w, type, a, slot, &leaf);
        if (!fault)
            memcpy(key->limb, leaf->key, sizeof key->limb);
        return fault;
    }
}

/* ---- the journal ---- */

/** Room for one more entry; NULL when the arena is full. Chunks stay for the next transaction. */
static journal_entry *journal_push(world *w)
{
    size_t in_chunk = w->journal_count % JOURNAL_CHUNK;
    if (in_chunk == 0) {
        journal_chunk *last = w->journal_last ? exec_ref_ptr(w->arena, w->journal_last) : NULL;
        exec_ref next = last ? last->next : w->journal_first;
        if (!next) {
            next = exec_ref_alloc(w->arena, sizeof(journal_chunk));
            if (!next)
                return NULL;
            journal_chunk *c = exec_ref_ptr(w->arena, next);
            c->previous = w->journal_last;
            c->next = 0;
            if (last)
                last->next = next;
            else
                w->journal_first = next;
        }
        w->journal_last = next;
    }
    journal_chunk *c = exec_ref_ptr(w->arena, w->journal_last);
    w->journal_count++;
    return &c->entry[in_chunk];
}

/** Takes the last entry off; it stays readable until the next push. There is one. */
static const journal_entry *journal_pop(world *w)
{
    journal_chunk *c = exec_ref_ptr(w->arena, w->journal_last);
    size_t in_chunk = --w->journal_count % JOURNAL_CHUNK;
    if (in_chunk == 0)
        w->journal_last = c->previous;
    return &c->entry[in_chunk];
}

size_t world_snapshot(const world *w)
{
    return w->journal_count;
}

/** Keeps the value at the checkpoint. A revert may also go back to before the checkpoint, so
 * undoing counts as a change like any other. old_value may be leaf->now. */
static void leaf_changes(world *w, leaf_record *leaf, const u256 *old_value, const u256 *new_value)
{
    if (w->has_checkpoint && !leaf->changed_since_checkpoint) {
        leaf->changed_since_checkpoint = true;
        leaf->base = *old_value;
    }
    leaf->now = *new_value;
}

void world_revert(world *w, size_t snapshot)
{
    static const u256 zero;
    while (w->journal_count > snapshot && !w->fault) {
        const journal_entry *e = journal_pop(w);
        if (e->record) {
            leaf_record *leaf = exec_ref_ptr(w->arena, e->record);
            w->fault = smt_restore(&w->state, leaf->key, &e->old);
            leaf_changes(w, leaf, &leaf->now, &e->old);
        } else {
            w->fault = smt_restore(&w->touched, e->touched_key, &zero);
        }
    }
}

void world_checkpoint(world *w)
{
    for (exec_ref ref = w->written; ref;) {
        leaf_record *leaf = exec_ref_ptr(w->arena, ref);
        leaf->changed_since_checkpoint = false;
        ref = leaf->next_written;
    }
    w->has_checkpoint = true;
}

exec_fault world_rollback(world *w)
{
    exec_fault fault = w->fault;
    for (exec_ref ref = w->has_checkpoint ? w->written : 0; ref && !fault;) {
        leaf_record *leaf = exec_ref_ptr(w->arena, ref);
        if (leaf->changed_since_checkpoint && !u256_eq(&leaf->now, &leaf->base)) {
            fault = smt_restore(&w->state, leaf->key, &leaf->base);
            leaf->now = leaf->base;
        }
        ref = leaf->next_written;
    }
    w->journal_count = 0;
    w->journal_last = 0;
    return fault;
}

/* ---- reads and writes of the state tree ---- */

static exec_fault read_leaf(world *w, smt_which which, world_leaf type, const exec_address *a,
                            const u256 *slot, u256 *out)
{
    leaf_record *leaf;
    smt_lookup l;
    exec_fault fault = leaf_get(w, type, a, slot, &leaf);
    if (!fault)
        fault = smt_find(&w->state, which, leaf->key, &l);
    if (fault)
        return fault;
    w->counters->poseidon_g += world_cost_read(&l);
    *out = l.value;
    return EXEC_FAULT_NONE;
}

static exec_fault write_leaf(world *w, world_leaf type, const exec_address *a, const u256 *slot,
                             const u256 *value)
{
    leaf_record *leaf;
    smt_effect effect;
    exec_fault fault = leaf_get(w, type, a, slot, &leaf);
    if (!fault)
        fault = smt_set(&w->state, leaf->key, value, &effect);
    if (fault)
        return fault;
    w->counters->poseidon_g += world_cost_write(&effect);
    const u256 *old = &effect.before.value;
    if (u256_eq(old, value))
        return EXEC_FAULT_NONE;
    if (!leaf->written) {
        leaf->written = true;
        leaf->first = *old;
        leaf->next_written = w->written;
        w->written = exec_ref_of(w->arena, leaf);
    }
    leaf_changes(w, leaf, old, value);
    journal_entry *e = journal_push(w);
    if (!e)
        return EXEC_FAULT_MEMORY;
    e->old = *old;
    e->record = exec_ref_of(w->arena, leaf);
    return EXEC_FAULT_NONE;
}

exec_fault world_balance(world *w, const exec_address *a, u256 *out)
{
    return read_leaf(w, SMT_CURRENT, WORLD_BALANCE, a, NULL, out);
}

exec_fault world_nonce(world *w, const exec_address *a, u256 *out)
{
    return read_leaf(w, SMT_CURRENT, WORLD_NONCE, a, NULL, out);
}

exec_fault world_code_hash(world *w, const exec_address *a, u256 *out)
{
    return read_leaf(w, SMT_CURRENT, WORLD_CODE_HASH, a, NULL, out);
}

exec_fault world_code_length(world *w, const exec_address *a, u256 *out)
{
    return read_leaf(w, SMT_CURRENT, WORLD_CODE_LENGTH, a, NULL, out);
}

exec_fault world_storage(world *w, const exec_address *a, const u256 *slot, u256 *out)
{
    return read_leaf(w, SMT_CURRENT, WORLD_STORAGE, a, slot, out);
}

exec_fault world_original_storage(world *w, const exec_address *a, const u256 *slot, u256 *out)
{
    return read_leaf(w, SMT_FROZEN, WORLD_STORAGE, a, slot, out);
}

exec_fault world_set_balance(world *w, const exec_address *a, const u256 *value)
{
    return write_leaf(w, WORLD_BALANCE, a, NULL, value);
}

exec_fault world_set_nonce(world *w, const exec_address *a, const u256 *value)
{
    return write_leaf(w, WORLD_NONCE, a, NULL, value);
}

exec_fault world_set_storage(world *w, const exec_address *a, const u256 *slot, const u256 *value)
{
    return write_leaf(w, WORLD_STORAGE, a, slot, value);
}

/* ---- code ---- */

static exec_fault remember_code(world *w, const u256 *hash, const uint8_t *code, size_t len)
{
    exec_ref ref = exec_ref_alloc(w->arena, sizeof(code_record));
    if (!ref)
        return EXEC_FAULT_MEMORY;
    code_record *r = exec_ref_ptr(w->arena, ref);
    memset(r, 0, sizeof *r);
    r->entry.key = *hash;
    r->code = code;
    r->len = len;
    critbit_insert(w->arena, &w->codes, ref);
    return EXEC_FAULT_NONE;
}

exec_fault world_set_code_length(world *w, const exec_address *a, size_t len)
{
    u256 length = {{len}};
    return write_leaf(w, WORLD_CODE_LENGTH, a, NULL, &length);
}

exec_fault world_set_code_bytes(world *w, const exec_address *a, const uint8_t *code, size_t len)
{
    u256 hash = {{0}};
    if (len) {
        gl_poseidon_hash_bytes(hash.limb, code, len, w->host->permute);
        counters_add_code_hash(w->counters, len);
    }
    exec_fault fault = write_leaf(w, WORLD_CODE_HASH, a, NULL, &hash);
    if (fault || !len)
        return fault;
    if (!critbit_find(w->arena, &w->codes, &hash)) {
        uint8_t *copy = exec_arena_alloc(w->arena, len);
        if (!copy)
            return EXEC_FAULT_MEMORY;
        memcpy(copy, code, len);
        fault = remember_code(w, &hash, copy, len);
        if (fault)
            return fault;
    }
    if (w->observer && w->observer->code)
        w->observer->code(w->observer->ctx, hash.limb, code, len);
    return EXEC_FAULT_NONE;
}

exec_fault world_code_bytes(world *w, const exec_address *a, size_t expected_len,
                            const uint8_t **code)
{
    u256 hash;
    exec_fault fault = world_code_hash(w, a, &hash);
    if (fault)
        return fault;
    counters_add_code_hash(w->counters, expected_len);
    exec_ref ref = critbit_find(w->arena, &w->codes, &hash);
    if (!ref) {
        const uint8_t *bytes;
        size_t len;
        for (unsigned i = 0; i < 4; i++)
            if (!gl_is_canonical(hash.limb[i]))
                fault = EXEC_FAULT_MISSING_CODE; /* a leaf may hold any number */
        if (!fault)
            fault = w->host->code(w->host->ctx, hash.limb, &bytes, &len);
        if (!fault)
            fault = remember_code(w, &hash, bytes, len);
        if (fault) {
            *w->missing = hash;
            return fault;
        }
        ref = critbit_find(w->arena, &w->codes, &hash);
    }
    const code_record *r = exec_ref_ptr(w->arena, ref);
    if (r->len != expected_len) {
        *w->missing = hash;
        return EXEC_FAULT_MISSING_CODE;
    }
    *code = r->code;
    return EXEC_FAULT_NONE;
}

exec_fault world_code(world *w, const exec_address *a, const uint8_t **code, size_t *len)
{
    u256 length;
    *code = NULL;
    *len = 0;
    exec_fault fault = world_code_length(w, a, &length);
    if (fault || u256_is_zero(&length))
        return fault;
    if (length.limb[1] | length.limb[2] | length.limb[3] | length.limb[0] >> 32) {
        fault = world_code_hash(w, a, w->missing); /* no code is that long */
        return fault ? fault : EXEC_FAULT_MISSING_CODE;
    }
    *len = (size_t)length.limb[0];
    return world_code_bytes(w, a, *len, code);
}

/* ---- warm sets ---- */

/** A read of the touched tree, and a write of 1 if the key is absent. */
static exec_fault touch(world *w, const gl_t key[4], bool *was_cold)
{
    static const u256 one = {{1}};
    smt_lookup l;
    smt_effect effect;
    exec_fault fault = smt_find(&w->touched, SMT_CURRENT, key, &l);
    if (fault)
        return fault;
    w->counters->poseidon_g += world_cost_read(&l);
    *was_cold = !l.found;
    if (l.found)
        return EXEC_FAULT_NONE;
    fault = smt_set(&w->touched, key, &one, &effect);
    if (fault)
        return fault;
    w->counters->poseidon_g += world_cost_write(&effect);
    journal_entry *e = journal_push(w);
    if (!e)
        return EXEC_FAULT_MEMORY;
    e->record = 0;
    memcpy(e->touched_key, key, sizeof e->touched_key);
    return EXEC_FAULT_NONE;
}

/** Addresses 1 to 9, the precompiles of the reference: always warm. */
static bool is_precompile(const exec_address *a)
{
    for (unsigned i = 0; i < 19; i++)
        if (a->bytes[i])
            return false;
    return a->bytes[19] >= 1 && a->bytes[19] <= 9;
}

exec_fault world_touch_address(world *w, const exec_address *a, bool *was_cold)
{
    account_record *r;
    *was_cold = false;
    if (w->fault || is_precompile(a))
        return w->fault;
    exec_fault fault = account_get(w, a, &r);
    return fault ? fault : touch(w, r->touched_key, was_cold);
}

exec_fault world_touch_slot(world *w, const exec_address *a, const u256 *slot, bool *was_cold)
{
    slot_record *r;
    *was_cold = false;
    if (w->fault)
        return w->fault;
    exec_fault fault = slot_get(w, a, slot, &r);
    return fault ? fault : touch(w, r->touched_key, was_cold);
}

/* ---- results ---- */

exec_fault world_root(world *w, u256 *root)
{
    return w->fault ? w->fault : smt_root(&w->state, root->limb);
}

void world_changes(const world *w,
                   void (*each)(void *ctx, const u256 *key, const u256 *old_value,
                                const u256 *new_value),
                   void *ctx)
{
    for (exec_ref ref = w->written; ref;) {
        const leaf_record *leaf = exec_ref_ptr(w->arena, ref);
        if (!u256_eq(&leaf->first, &leaf->now)) {
            u256 key;
            memcpy(key.limb, leaf->key, sizeof key.limb);
            each(ctx, &key, &leaf->first, &leaf->now);
        }
        ref = leaf->next_written;
    }
}
