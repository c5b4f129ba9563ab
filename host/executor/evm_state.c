/* Opcodes that read or change the world, and those that copy or hash memory. Each handler checks in
 * the reference's order: counter budgets, operands (evm.c did that), accesses, gas; where gas comes
 * after an access the access counts even if the frame then halts. */

#include "host/executor/evm_machine.h"
#include "host/executor/evm_memory.h"

/** 0x...5ca1ab1e, which holds the roots that BLOCKHASH answers with. */
static const exec_address system_account = {
    {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x5c, 0xa1, 0xab, 0x1e}};

exec_fault evm_memory_grow(evm_machine *m, evm_frame *f, uint64_t end)
{
    uint64_t words = gas_words(end);
    uint64_t price = gas_memory(words);
    if (!evm_charge(m, f, price - f->memory_gas))
        return EXEC_FAULT_NONE;
    size_t len = (size_t)words * 32;
    /* the arena ends where this frame's memory does, so this extends it in place */
    if (exec_arena_alloc(&m->x->memory->frame, len - f->memory_len) == NULL)
        return EXEC_FAULT_MEMORY;
    memset(f->memory + f->memory_len, 0, len - f->memory_len);
    f->memory_len = len;
    f->memory_gas = price;
    return EXEC_FAULT_NONE;
}

/** Pushes after an access, where the limit is only checked afterwards. */
static void push_late(evm_machine *m, evm_frame *f, const u256 *value)
{
    if (f->sp - f->stack >= EVM_STACK_LIMIT)
        m->halt = EXEC_STACK_OVERFLOW;
    else
        *f->sp++ = *value;
}

exec_fault evm_op_balance(evm_machine *m, evm_frame *f)
{
    EXEC_TRY(counters_need_poseidon(&m->x->counters, 1, 0));
    exec_address a = bytes_address_of_u256(f->sp - 1);
    bool cold;
    EXEC_TRY(world_balance(m->x->world, &a, f->sp - 1));
    EXEC_TRY(evm_touch(m, &a, &cold));
    (void)evm_charge(m, f, GAS_WARM + (cold ? GAS_COLD_ACCOUNT_EXTRA : 0));
    return EXEC_FAULT_NONE;
}

exec_fault evm_op_selfbalance(evm_machine *m, evm_frame *f)
{
    u256 balance;
    EXEC_TRY(counters_need_poseidon(&m->x->counters, 1, 0));
    EXEC_TRY(world_balance(m->x->world, &f->self, &balance));
    push_late(m, f, &balance);
    return EXEC_FAULT_NONE;
}

exec_fault evm_op_codesize(evm_machine *m, evm_frame *f)
{
    u256 length = u256_from_u64(f->code_len);
    EXEC_TRY(counters_need_poseidon(&m->x->counters, 1, 0));
    if (!f->is_create)
        EXEC_TRY(world_code_length(m->x->world, &f->code_address, &length));
    push_late(m, f, &length);
    return EXEC_FAULT_NONE;
}

/** EXTCODESIZE and EXTCODEHASH up to the read. */
static exec_fault ext_access(evm_machine *m, evm_frame *f, exec_address *a)
{
    bool cold;
    EXEC_TRY(counters_need_poseidon(&m->x->counters, 1, 0));
    *a = bytes_address_of_u256(f->sp - 1);
    EXEC_TRY(evm_touch(m, a, &cold));
    (void)evm_charge(m, f, GAS_WARM + (cold ? GAS_COLD_ACCOUNT_EXTRA : 0));
    return EXEC_FAULT_NONE;
}

exec_fault evm_op_extcodesize(evm_machine *m, evm_frame *f)
{
    exec_address a;
    EXEC_TRY(ext_access(m, f, &a));
    return m->halt != EXEC_OK ? EXEC_FAULT_NONE : world_code_length(m->x->world, &a, f->sp - 1);
}

exec_fault evm_op_extcodehash(evm_machine *m, evm_frame *f)
{
    exec_address a;
    EXEC_TRY(ext_access(m, f, &a));
    return m->halt != EXEC_OK ? EXEC_FAULT_NONE : world_code_hash(m->x->world, &a, f->sp - 1);
}

/** Memory, word gas and bytes of the copy opcodes: dest offset, source offset and size from arg
 * downwards. steps: what the reference takes for a byte at least. */
static exec_fault copy_to_memory(evm_machine *m, evm_frame *f, const u256 *arg,
                                 const uint8_t *source, size_t source_len, uint64_t steps)
{
    size_t to, len;
    EXEC_TRY(evm_memory_range(m, f, arg, arg - 2, &to, &len));
    if (m->halt != EXEC_OK || !evm_charge(m, f, GAS_COPY_WORD * gas_words(len)))
        return EXEC_FAULT_NONE;
    if (len == 0)
        return EXEC_FAULT_NONE;
    m->x->counters.steps_least += steps * len;
    EXEC_TRY(counters_need_steps(&m->x->counters, 0));
    uint64_t from = u256_saturate_u64(arg - 1);
    size_t n = 0;
    if (from < source_len) {
        n = source_len - (size_t)from;
        if (n > len)
            n = len;
        /* a create frame's code lies in its caller's memory: never in this one */
        memcpy(f->memory + to, source + from, n);
    }
    if (n < len)
        memset(f->memory + to + n, 0, len - n);
    return evm_work(m, (int32_t)(len / 64));
}

exec_fault evm_op_copy(evm_machine *m, evm_frame *f, const uint8_t *source, size_t source_len)
{
    const u256 *arg = f->sp - 1;
    f->sp -= 3;
    /* a create frame's code is copied as call data is, a word at a time */
    bool is_code = source == f->code && !f->is_create;
    return copy_to_memory(m, f, arg, source, source_len,
                          is_code ? COUNTERS_COPIED_BYTE_LEAST_STEPS : 0);
}

exec_fault evm_op_extcodecopy(evm_machine *m, evm_frame *f)
{
    exec_context *x = m->x;
    const u256 *arg = f->sp - 1;
    exec_address a = bytes_address_of_u256(arg);
    f->sp -= 4;
    bool cold;
    EXEC_TRY(evm_touch(m, &a, &cold));
    if (!evm_charge(m, f, GAS_WARM + (cold ? GAS_COLD_ACCOUNT_EXTRA : 0)))
        return EXEC_FAULT_NONE;
    u256 length;
    const uint8_t *code = NULL;
    EXEC_TRY(counters_need_poseidon(&x->counters, 1, 0));
    EXEC_TRY(world_code_length(x->world, &a, &length));
    if (!u256_is_zero(&length)) {
        if (!u256_fits_u64(&length) || length.limb[0] > SIZE_MAX / 2) {
            x->missing = length;
            return EXEC_FAULT_MISSING_CODE;
        }
        uint64_t blocks = (length.limb[0] + 1) / 56 + 1;
        EXEC_TRY(counters_need_poseidon(&x->counters, 1, blocks));
        EXEC_TRY(counters_need_padding(&x->counters, blocks));
        EXEC_TRY(world_code_bytes(x->world, &a, (size_t)length.limb[0], &code));
    }
    /* the code is loaded, and counted, before the memory is paid for */
    return copy_to_memory(m, f, arg - 1, code, (size_t)length.limb[0],
                          COUNTERS_COPIED_BYTE_LEAST_STEPS);
}

exec_fault evm_op_returndatacopy(evm_machine *m, evm_frame *f)
{
    const u256 *arg = f->sp - 1;
    f->sp -= 3;
    size_t to, len;
    EXEC_TRY(evm_memory_range(m, f, arg, arg - 2, &to, &len));
    if (m->halt != EXEC_OK)
        return EXEC_FAULT_NONE;
    uint64_t from = u256_saturate_u64(arg - 1);
    if (from > m->return_data_len || len > m->return_data_len - from) {
        m->halt = EXEC_OUT_OF_GAS; /* the reference's name for it */
        return EXEC_FAULT_NONE;
    }
    if (!evm_charge(m, f, GAS_COPY_WORD * gas_words(len)) || len == 0)
        return EXEC_FAULT_NONE;
    memcpy(f->memory + to, m->return_data + from, len);
    return evm_work(m, (int32_t)(len / 64));
}

exec_fault evm_op_blockhash(evm_machine *m, evm_frame *f)
{
    exec_context *x = m->x;
    uint8_t slot[64];
    EXEC_TRY(counters_need_poseidon(&x->counters, 1, 0));
    EXEC_TRY(counters_need_keccak(&x->counters, 1));
    bytes_store_u256(slot, f->sp - 1);
    memset(slot + 32, 0, 31);
    slot[63] = 1;
    x->host->keccak(slot, slot, sizeof slot);
    counters_add_keccak(&x->counters, sizeof slot);
    u256 key = bytes_load_u256(slot);
    return world_storage(x->world, &system_account, &key, f->sp - 1);
}

exec_fault evm_op_sload(evm_machine *m, evm_frame *f)
{
    exec_context *x = m->x;
    u256 slot = f->sp[-1];
    bool cold;
    EXEC_TRY(counters_need_poseidon(&x->counters, 1, 0));
    EXEC_TRY(world_storage(x->world, &f->self, &slot, f->sp - 1));
    EXEC_TRY(counters_need_poseidon(&x->counters, 2, 0));
    EXEC_TRY(world_touch_slot(x->world, &f->self, &slot, &cold));
    (void)evm_charge(m, f, GAS_WARM + (cold ? GAS_COLD_SLOT_EXTRA : 0));
    return evm_work(m, 50);
}

/** The price of a write and its refunds by EIP-2200 with EIP-2929's numbers; the cold surcharge is
 * not in it. */
static uint64_t sstore_price(const u256 *original, const u256 *current, const u256 *value,
                             int64_t *refund)
{
    if (u256_eq(current, value))
        return GAS_WARM;
    if (u256_eq(original, current)) {
        if (u256_is_zero(original))
            return GAS_SSTORE_SET;
        if (u256_is_zero(value))
            *refund += GAS_SSTORE_CLEARS_REFUND;
        return GAS_SSTORE_RESET;
    }
    if (!u256_is_zero(original)) {
        if (u256_is_zero(current))
            *refund -= GAS_SSTORE_CLEARS_REFUND;
        else if (u256_is_zero(value))
            *refund += GAS_SSTORE_CLEARS_REFUND;
    }
    if (u256_eq(original, value))
        *refund += u256_is_zero(original) ? GAS_SSTORE_RESET_TO_ZERO_REFUND
                                          : GAS_SSTORE_RESET_TO_ORIGINAL_REFUND;
    return GAS_WARM;
}

exec_fault evm_op_sstore(evm_machine *m, evm_frame *f)
{
    exec_context *x = m->x;
    world *w = x->world;
    u256 slot = f->sp[-1], value = f->sp[-2];
    f->sp -= 2;
    EXEC_TRY(counters_need_poseidon(&x->counters, 3, 0));
    if (f->gas <= GAS_SSTORE_SENTRY) {
        m->halt = EXEC_OUT_OF_GAS;
        return EXEC_FAULT_NONE;
    }
    if (f->is_static) {
        m->halt = EXEC_INVALID_STATIC;
        return EXEC_FAULT_NONE;
    }
    u256 current, original;
    bool cold;
    EXEC_TRY(world_storage(w, &f->self, &slot, &current));
    EXEC_TRY(world_original_storage(w, &f->self, &slot, &original));
    EXEC_TRY(counters_need_poseidon(&x->counters, 2, 0));
    EXEC_TRY(world_touch_slot(w, &f->self, &slot, &cold));
    int64_t refund = 0;
    uint64_t price = sstore_price(&original, &current, &value, &refund);
    if (!evm_charge(m, f, price + (cold ? GAS_COLD_SLOT : 0)))
        return EXEC_FAULT_NONE;
    f->refund += refund;
    EXEC_TRY(world_set_storage(w, &f->self, &slot, &value));
    return evm_work(m, 100);
}

exec_fault evm_op_sha3(evm_machine *m, evm_frame *f)
{
    exec_context *x = m->x;
    size_t offset, len;
    EXEC_TRY(evm_memory_range(m, f, f->sp - 1, f->sp - 2, &offset, &len));
    if (m->halt != EXEC_OK || !evm_charge(m, f, GAS_SHA3_WORD * gas_words(len)))
        return EXEC_FAULT_NONE;
    EXEC_TRY(counters_need_keccak(&x->counters, 1 + (len + 1) / 136));
    uint8_t digest[32];
    x->host->keccak(digest, len == 0 ? NULL : f->memory + offset, len);
    counters_add_keccak(&x->counters, len);
    f->sp--;
    f->sp[-1] = bytes_load_u256(digest);
    return evm_work(m, (int32_t)(20 + len / 8));
}

exec_fault evm_op_log(evm_machine *m, evm_frame *f, unsigned n_topics)
{
    const u256 *arg = f->sp - 1;
    f->sp -= 2 + n_topics;
    if (f->is_static) {
        m->halt = EXEC_INVALID_STATIC;
        return EXEC_FAULT_NONE;
    }
    size_t offset, len;
    EXEC_TRY(evm_memory_range(m, f, arg, arg - 1, &offset, &len));
    if (m->halt != EXEC_OK ||
        !evm_charge(m, f, GAS_LOG_BYTE * (uint64_t)len + GAS_LOG_TOPIC * (uint64_t)n_topics))
        return EXEC_FAULT_NONE;
    evm_log_node *node = exec_arena_alloc(&m->x->memory->tx, sizeof *node);
    uint8_t *data = len == 0 ? NULL : exec_arena_alloc(&m->x->memory->tx, len);
    if (node == NULL || (len != 0 && data == NULL))
        return EXEC_FAULT_MEMORY;
    if (len != 0)
        memcpy(data, f->memory + offset, len);
    *node = (evm_log_node){
        .older = m->logs,
        .log = {.address = f->self, .n_topics = n_topics, .data = data, .data_len = len},
    };
    for (unsigned i = 0; i < n_topics; i++)
        node->log.topics[i] = arg[-2 - (int)i];
    m->logs = node;
    m->n_logs++;
    return evm_work(m, (int32_t)(10 + len / 64));
}

exec_fault evm_op_sendall(evm_machine *m, evm_frame *f)
{
    world *w = m->x->world;
    EXEC_TRY(counters_need_poseidon(&m->x->counters, 4, 0));
    if (f->is_static) {
        m->halt = EXEC_INVALID_STATIC;
        return EXEC_FAULT_NONE;
    }
    exec_address to = bytes_address_of_u256(--f->sp);
    u256 balance, other;
    EXEC_TRY(world_balance(w, &f->self, &balance));
    if (u256_is_zero(&balance) || bytes_address_eq(&to, &f->self))
        return EXEC_FAULT_NONE;
    bool empty, cold;
    EXEC_TRY(evm_is_empty(m, &to, &empty));
    if (empty && !evm_charge(m, f, GAS_NEW_ACCOUNT))
        return EXEC_FAULT_NONE;
    EXEC_TRY(evm_touch(m, &to, &cold));
    if (cold && !evm_charge(m, f, GAS_COLD_ACCOUNT))
        return EXEC_FAULT_NONE;
    EXEC_TRY(world_balance(w, &to, &other));
    other = u256_add(&other, &balance);
    EXEC_TRY(world_set_balance(w, &to, &other));
    other = u256_zero();
    return world_set_balance(w, &f->self, &other);
}
