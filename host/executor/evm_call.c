/* Frames: how calls and creations start and how every frame ends. The order of the accesses to the
 * world, and of the budget checks between them, is the reference's (executor specification, 9.2):
 * the counters depend on it. */

#include "host/executor/evm_machine.h"
#include "host/executor/evm_memory.h"
#include "host/executor/precompile.h"

/** What is known about a frame before it starts. */
typedef struct frame_plan {
    exec_call_kind kind;
    bool is_static;
    exec_address self, sender, code_address;
    u256 value;
    uint64_t gas;
    const uint8_t *input; /**< call data or init code */
    size_t input_len;
    size_t return_offset, return_len;
} frame_plan;

static bool is_create_kind(exec_call_kind kind)
{
    return kind == EXEC_CREATE || kind == EXEC_CREATE2;
}

static void report_start(evm_machine *m, const frame_plan *p)
{
    const exec_observer *o = m->x->observer;
    if (o->call == NULL)
        return;
    exec_call_event event = {
        .kind = p->kind,
        .depth = m->top == NULL ? 0 : m->depth + 1,
        .from = p->sender,
        .to = p->code_address,
        .value = p->value,
        .gas = p->gas,
        .input = p->input,
        .input_len = p->input_len,
    };
    /* a tracer wants to see who made the call, not whom CALLER names */
    if (p->kind == EXEC_DELEGATECALL)
        event.from = p->self;
    o->call(o->ctx, &event);
}

static void report_end(evm_machine *m, unsigned depth, exec_error error, uint64_t gas_used,
                       const uint8_t *output, size_t output_len)
{
    const exec_observer *o = m->x->observer;
    if (o->call_end == NULL)
        return;
    exec_return_event event = {
        .depth = depth,
        .error = error,
        .gas_used = gas_used,
        .output = output,
        .output_len = output_len,
    };
    o->call_end(o->ctx, &event);
}

/** Keeps the output of a frame as the return data of its caller. */
static exec_fault set_return_data(evm_machine *m, const uint8_t *output, size_t len)
{
    if (len > m->return_data_cap)
        return EXEC_FAULT_MEMORY;
    if (len != 0)
        memcpy(m->return_data, output, len);
    m->return_data_len = len;
    return EXEC_FAULT_NONE;
}

/** Gives the running frame the result of a call: the pushed word, the return data, and what of it
 * fits into the place that the call named. */
static exec_fault deliver(evm_machine *m, evm_frame *f, const u256 *pushed, const uint8_t *output,
                          size_t output_len, size_t return_offset, size_t return_len)
{
    EXEC_TRY(set_return_data(m, output, output_len));
    size_t n = return_len < output_len ? return_len : output_len;
    if (n != 0)
        memcpy(f->memory + return_offset, m->return_data, n);
    *f->sp++ = *pushed;
    return EXEC_FAULT_NONE;
}

/** The outcome of the whole message: the output and the surviving logs move to the transaction's
 * memory. */
static exec_fault finish_message(evm_machine *m, exec_error error, uint64_t gas_left,
                                 int64_t refund, const uint8_t *output, size_t output_len)
{
    evm_outcome *o = m->outcome;
    exec_arena *arena = &m->x->memory->tx;
    o->error = error;
    o->gas_left = gas_left;
    o->refund = error == EXEC_OK ? refund : 0;
    o->output = NULL;
    o->output_len = output_len;
    if (output_len != 0) {
        uint8_t *copy = exec_arena_alloc(arena, output_len);
        if (copy == NULL)
            return EXEC_FAULT_MEMORY;
        memcpy(copy, output, output_len);
        o->output = copy;
    }
    o->logs = NULL;
    o->n_logs = m->n_logs;
    if (m->n_logs != 0) {
        if (m->n_logs > SIZE_MAX / sizeof(exec_log))
            return EXEC_FAULT_MEMORY;
        exec_log *logs = exec_arena_alloc(arena, m->n_logs * sizeof(exec_log));
        if (logs == NULL)
            return EXEC_FAULT_MEMORY;
        size_t i = m->n_logs;
        for (const evm_log_node *n = m->logs; n != NULL && i > 0; n = n->older)
            logs[--i] = n->log;
        o->logs = logs;
    }
    m->top = NULL;
    return EXEC_FAULT_NONE;
}

/** Ends a frame that never ran code: an account without code, a precompile, a collision. Not for
 * frames on the stack. */
static exec_fault end_at_once(evm_machine *m, const frame_plan *p, exec_error error,
                              uint64_t gas_left, const uint8_t *output, size_t output_len)
{
    evm_frame *f = m->top;
    report_end(m, f == NULL ? 0 : m->depth + 1, error, p->gas - gas_left, output, output_len);
    if (f == NULL)
        return finish_message(m, error, gas_left, 0, output, output_len);
    f->gas += gas_left;
    u256 pushed = u256_from_u64(error == EXEC_OK);
    return deliver(m, f, &pushed, output, output_len, p->return_offset, p->return_len);
}

/** Puts a frame on the stack. */
static exec_fault push_frame(evm_machine *m, const frame_plan *p, const uint8_t *code,
                             size_t code_len, size_t snapshot)
{
    exec_arena *arena = &m->x->memory->frame;
    size_t mark = exec_arena_mark(arena);
    evm_frame *f = exec_arena_alloc(arena, sizeof *f);
    evm_frame *caller = m->top;
    u256 *stack = caller == NULL ? m->stack_base : caller->sp;
    if (f == NULL || (size_t)(m->stack_end - stack) < EVM_STACK_LIMIT)
        return EXEC_FAULT_MEMORY;
    bool is_create = is_create_kind(p->kind);
    bool has_input = !is_create || m->x->rules.create_calldata_is_initcode;
    /* an empty allocation: where this frame's memory will start */
    uint8_t *memory = exec_arena_alloc(arena, 0);
    if (memory == NULL)
        return EXEC_FAULT_MEMORY;
    *f = (evm_frame){
        .caller = caller,
        .kind = p->kind,
        .is_create = is_create,
        .is_static = p->is_static,
        .code = code,
        .code_len = code_len,
        .input = has_input ? p->input : NULL,
        .input_len = has_input ? p->input_len : 0,
        .self = p->self,
        .sender = p->sender,
        .code_address = p->code_address,
        .value = p->value,
        .gas = p->gas,
        .sp = stack,
        .stack = stack,
        .memory = memory,
        .refund = caller == NULL ? 0 : caller->refund,
        .return_offset = p->return_offset,
        .return_len = p->return_len,
        .gas_at_start = p->gas,
        .snapshot = snapshot,
        .logs = m->logs,
        .n_logs = m->n_logs,
        .arena_mark = mark,
    };
    m->depth = caller == NULL ? 0 : m->depth + 1;
    m->top = f;
    m->return_data_len = 0;
    return EXEC_FAULT_NONE;
}

exec_fault evm_touch(evm_machine *m, const exec_address *a, bool *was_cold)
{
    EXEC_TRY(counters_need_poseidon(&m->x->counters, 2, 0));
    return world_touch_address(m->x->world, a, was_cold);
}

exec_fault evm_is_empty(evm_machine *m, const exec_address *a, bool *empty)
{
    world *w = m->x->world;
    u256 value;
    *empty = false;
    EXEC_TRY(counters_need_poseidon(&m->x->counters, 3, 0));
    EXEC_TRY(world_balance(w, a, &value));
    if (!u256_is_zero(&value))
        return EXEC_FAULT_NONE;
    EXEC_TRY(world_nonce(w, a, &value));
    if (!u256_is_zero(&value))
        return EXEC_FAULT_NONE;
    EXEC_TRY(world_code_hash(w, a, &value));
    *empty = u256_is_zero(&value);
    return EXEC_FAULT_NONE;
}

/** The value transfer of a frame, if it has a value. *ok is false if the sender cannot pay. */
static exec_fault move_value(evm_machine *m, const frame_plan *p, bool *ok)
{
    world *w = m->x->world;
    *ok = true;
    if (u256_is_zero(&p->value))
        return EXEC_FAULT_NONE;
    EXEC_TRY(counters_need_poseidon(&m->x->counters, 4, 0));
    if (p->kind == EXEC_DELEGATECALL)
        return EXEC_FAULT_NONE; /* the value is only inherited */
    u256 balance;
    EXEC_TRY(world_balance(w, &p->sender, &balance));
    if (u256_lt(&balance, &p->value)) {
        *ok = false;
        return EXEC_FAULT_NONE;
    }
    balance = u256_sub(&balance, &p->value);
    EXEC_TRY(world_set_balance(w, &p->sender, &balance));
    EXEC_TRY(world_balance(w, &p->self, &balance));
    balance = u256_add(&balance, &p->value);
    return world_set_balance(w, &p->self, &balance);
}

/** The call failed for want of balance: nothing happened, all gas comes back. */
static exec_fault refuse_value(evm_machine *m, const frame_plan *p)
{
    evm_frame *f = m->top;
    if (f == NULL)
        return finish_message(m, EXEC_REVERT, p->gas, 0, NULL, 0);
    f->gas += p->gas;
    u256 zero = u256_zero();
    return deliver(m, f, &zero, NULL, 0, 0, 0);
}

static exec_fault start_precompile(evm_machine *m, const frame_plan *p, size_t snapshot)
{
    unsigned number = p->code_address.bytes[19];
    if (!precompile_supported(number)) {
        report_start(m, p);
        world_revert(m->x->world, snapshot);
        if (m->top == NULL || !m->x->rules.keep_returndata_on_unsupported_precompile)
            return end_at_once(m, p, EXEC_REVERT, p->gas, NULL, 0);
        report_end(m, m->depth + 1, EXEC_REVERT, 0, NULL, 0);
        m->top->gas += p->gas;
        *m->top->sp++ = u256_zero();
        return EXEC_FAULT_NONE;
    }
    bool ok;
    EXEC_TRY(move_value(m, p, &ok));
    if (!ok)
        return refuse_value(m, p);
    report_start(m, p);
    precompile_result result;
    EXEC_TRY(precompile_run(m->x, number, p->input, p->input_len, p->gas, &result));
    if (result.error != EXEC_OK)
        world_revert(m->x->world, snapshot);
    return end_at_once(m, p, result.error, result.gas_left, result.output, result.output_len);
}

static exec_fault start_call(evm_machine *m, const frame_plan *p)
{
    exec_context *x = m->x;
    size_t snapshot = world_snapshot(x->world);
    bool ignored;
    EXEC_TRY(evm_touch(m, &p->code_address, &ignored));
    if (evm_is_precompile(&p->code_address))
        return start_precompile(m, p, snapshot);
    bool ok;
    EXEC_TRY(move_value(m, p, &ok));
    if (!ok)
        return refuse_value(m, p);
    report_start(m, p);
    u256 length;
    EXEC_TRY(world_code_length(x->world, &p->code_address, &length));
    if (u256_is_zero(&length))
        return end_at_once(m, p, EXEC_OK, p->gas, NULL, 0);
    /* no host holds such a code; the leaf is a lie or the tree is foreign */
    if (!u256_fits_u64(&length) || length.limb[0] > SIZE_MAX / 2) {
        x->missing = length;
        return EXEC_FAULT_MISSING_CODE;
    }
    uint64_t blocks = length.limb[0] / 56 + 1;
    EXEC_TRY(counters_need_poseidon(&x->counters, 0, blocks));
    EXEC_TRY(counters_need_padding(&x->counters, blocks));
    const uint8_t *code;
    EXEC_TRY(world_code_bytes(x->world, &p->code_address, (size_t)length.limb[0], &code));
    return push_frame(m, p, code, (size_t)length.limb[0], snapshot);
}

static exec_fault start_create(evm_machine *m, const frame_plan *p, size_t snapshot)
{
    exec_context *x = m->x;
    world *w = x->world;
    report_start(m, p);
    EXEC_TRY(counters_need_poseidon(&x->counters, 3, 0));
    bool ignored;
    EXEC_TRY(evm_touch(m, &p->self, &ignored));
    u256 value;
    EXEC_TRY(world_nonce(w, &p->self, &value));
    if (u256_is_zero(&value))
        EXEC_TRY(world_code_hash(w, &p->self, &value));
    if (!u256_is_zero(&value)) {
        world_revert(w, snapshot);
        return end_at_once(m, p, EXEC_ADDRESS_COLLISION, 0, NULL, 0);
    }
    value = u256_from_u64(1);
    EXEC_TRY(world_set_nonce(w, &p->self, &value));
    bool ok;
    EXEC_TRY(move_value(m, p, &ok));
    /* the sender's balance was checked before; only a message of a careless caller gets here */
    if (!ok) {
        world_revert(w, snapshot);
        return refuse_value(m, p);
    }
    return push_frame(m, p, p->input, p->input_len, snapshot);
}

exec_fault evm_start_message(evm_machine *m, const evm_message *message)
{
    frame_plan p = {
        .kind = message->is_create ? EXEC_CREATE : EXEC_CALL,
        .self = message->to,
        .sender = message->from,
        .code_address = message->to,
        .value = message->value,
        .gas = message->gas,
        .input = message->data,
        .input_len = message->data_len,
    };
    return message->is_create ? start_create(m, &p, world_snapshot(m->x->world))
                              : start_call(m, &p);
}

exec_fault evm_op_call(evm_machine *m, evm_frame *f, exec_call_kind kind)
{
    bool has_value = kind == EXEC_CALL || kind == EXEC_CALLCODE;
    /* from the top: gas, address, [value,] args offset, args size, ret offset, ret size */
    const u256 *arg = f->sp - 1;
    const u256 *value = has_value ? arg - 2 : NULL;
    const u256 *rest = has_value ? arg - 3 : arg - 2;
    bool pays = value != NULL && !u256_is_zero(value);

    if (kind == EXEC_CALL && pays && f->is_static) {
        m->halt = EXEC_INVALID_STATIC;
        return EXEC_FAULT_NONE;
    }
    size_t args_offset, args_len, return_offset, return_len;
    EXEC_TRY(evm_memory_range(m, f, rest, rest - 1, &args_offset, &args_len));
    if (m->halt != EXEC_OK)
        return EXEC_FAULT_NONE;
    EXEC_TRY(evm_memory_range(m, f, rest - 2, rest - 3, &return_offset, &return_len));
    if (m->halt != EXEC_OK)
        return EXEC_FAULT_NONE;

    exec_address target = bytes_address_of_u256(arg - 1);
    bool cold;
    EXEC_TRY(evm_touch(m, &target, &cold));
    if (!evm_charge(m, f, GAS_WARM + (cold ? GAS_COLD_ACCOUNT_EXTRA : 0)))
        return EXEC_FAULT_NONE;
    if (pays) {
        if (!evm_charge(m, f, GAS_CALL_VALUE))
            return EXEC_FAULT_NONE;
        if (kind == EXEC_CALL) {
            bool empty;
            EXEC_TRY(evm_is_empty(m, &target, &empty));
            if (empty && !evm_charge(m, f, GAS_NEW_ACCOUNT))
                return EXEC_FAULT_NONE;
        }
    }
    uint64_t gas = gas_all_but_one_64th(f->gas);
    if (u256_fits_u64(arg) && arg->limb[0] < gas)
        gas = arg->limb[0];
    f->gas -= gas;

    frame_plan p = {
        .kind = kind,
        .is_static = f->is_static || kind == EXEC_STATICCALL,
        .self = kind == EXEC_CALL || kind == EXEC_STATICCALL ? target : f->self,
        .sender = kind == EXEC_DELEGATECALL ? f->sender : f->self,
        .code_address = target,
        .gas = gas + (pays ? GAS_CALL_STIPEND : 0),
        .input = args_len == 0 ? NULL : f->memory + args_offset,
        .input_len = args_len,
        .return_offset = return_offset,
        .return_len = return_len,
    };
    if (has_value)
        p.value = *value;
    else if (kind == EXEC_DELEGATECALL)
        p.value = f->value;
    f->sp = (u256 *)(rest - 3);
    return start_call(m, &p);
}

/** keccak(rlp([sender, nonce])) of a CREATE. */
static exec_fault create_address(exec_context *x, const exec_address *sender, const u256 *nonce,
                                 exec_address *address)
{
    uint8_t rlp[1 + 21 + 33], nonce_bytes[32], digest[32];
    EXEC_TRY(counters_need_keccak(&x->counters, 1));
    unsigned n = u256_byte_length(nonce);
    bytes_store_u256(nonce_bytes, nonce);
    size_t len = 1;
    rlp[len++] = 0x94;
    memcpy(rlp + len, sender->bytes, 20);
    len += 20;
    if (n == 1 && nonce_bytes[31] < 0x80) {
        rlp[len++] = nonce_bytes[31];
    } else {
        rlp[len++] = (uint8_t)(0x80 + n);
        memcpy(rlp + len, nonce_bytes + 32 - n, n);
        len += n;
    }
    rlp[0] = (uint8_t)(0xc0 + len - 1);
    x->host->keccak(digest, rlp, len);
    counters_add_keccak(&x->counters, len);
    memcpy(address->bytes, digest + 12, 20);
    return EXEC_FAULT_NONE;
}

/** EIP-1014. */
static exec_fault create2_address(exec_context *x, const exec_address *sender, const u256 *salt,
                                  const uint8_t *code, size_t code_len, exec_address *address)
{
    uint8_t seed[1 + 20 + 32 + 32], digest[32];
    EXEC_TRY(counters_need_keccak(&x->counters, 2 + (code_len + 1) / 136));
    seed[0] = 0xff;
    memcpy(seed + 1, sender->bytes, 20);
    bytes_store_u256(seed + 21, salt);
    x->host->keccak(seed + 53, code, code_len);
    counters_add_keccak(&x->counters, code_len);
    x->host->keccak(digest, seed, sizeof seed);
    counters_add_keccak(&x->counters, sizeof seed);
    memcpy(address->bytes, digest + 12, 20);
    return EXEC_FAULT_NONE;
}

exec_fault evm_op_create(evm_machine *m, evm_frame *f, exec_call_kind kind)
{
    exec_context *x = m->x;
    world *w = x->world;
    /* from the top: value, offset, size [, salt]; GAS_CREATE is paid */
    const u256 *arg = f->sp - 1;
    u256 salt = u256_zero();
    EXEC_TRY(counters_need_poseidon(&x->counters, kind == EXEC_CREATE ? 3 : 2, 0));
    if (f->is_static) {
        m->halt = EXEC_INVALID_STATIC;
        return EXEC_FAULT_NONE;
    }
    size_t offset, len;
    EXEC_TRY(evm_memory_range(m, f, arg - 1, arg - 2, &offset, &len));
    if (m->halt != EXEC_OK)
        return EXEC_FAULT_NONE;
    if (kind == EXEC_CREATE2) {
        salt = arg[-3];
        if (!evm_charge(m, f, GAS_SHA3_WORD * gas_words(len)))
            return EXEC_FAULT_NONE;
    }
    u256 value = *arg;
    f->sp = (u256 *)(arg - (kind == EXEC_CREATE2 ? 3 : 2));

    u256 balance, nonce;
    const u256 last_nonce = u256_from_u64(UINT64_MAX);
    EXEC_TRY(world_balance(w, &f->self, &balance));
    bool refused = u256_lt(&balance, &value);
    if (!refused) {
        EXEC_TRY(world_nonce(w, &f->self, &nonce));
        refused = u256_eq(&nonce, &last_nonce); /* EIP-2681 */
    }
    if (refused) {
        u256 zero = u256_zero();
        return deliver(m, f, &zero, NULL, 0, 0, 0);
    }
    u256 next = u256_add_u64(&nonce, 1);
    EXEC_TRY(world_set_nonce(w, &f->self, &next));
    size_t snapshot = world_snapshot(w);
    uint64_t gas = gas_all_but_one_64th(f->gas);
    f->gas -= gas;

    frame_plan p = {
        .kind = kind,
        .sender = f->self,
        .value = value,
        .gas = gas,
        .input = len == 0 ? NULL : f->memory + offset,
        .input_len = len,
    };
    if (kind == EXEC_CREATE)
        EXEC_TRY(create_address(x, &f->self, &nonce, &p.self));
    else
        EXEC_TRY(create2_address(x, &f->self, &salt, p.input, len, &p.self));
    p.code_address = p.self;
    return start_create(m, &p, snapshot);
}

/** RETURN of a create frame: EIP-170, the deposit, EIP-3541, in this order; then the two leaves. */
static exec_fault deposit_code(evm_machine *m, evm_frame *f, const uint8_t *code, size_t len)
{
    exec_context *x = m->x;
    if (len > GAS_MAX_CODE_BYTES) {
        m->halt = EXEC_INVALID_CODE_SIZE;
        return EXEC_FAULT_NONE;
    }
    if (!evm_charge(m, f, GAS_CODE_DEPOSIT_BYTE * (uint64_t)len))
        return EXEC_FAULT_NONE;
    if (f->caller != NULL || x->rules.create_tx_checks_deposit)
        EXEC_TRY(counters_need_poseidon(&x->counters, 2, 0));
    /* a create transaction leaves no trace of empty code; CREATE writes two zeros */
    if (len == 0 && f->caller == NULL)
        return EXEC_FAULT_NONE;
    if (len != 0 && code[0] == 0xef) {
        m->halt = EXEC_INVALID_CODE_STARTS_EF;
        if (x->rules.create_ef_leaks_refund && f->caller != NULL)
            f->caller->refund = f->refund;
        return EXEC_FAULT_NONE;
    }
    EXEC_TRY(world_set_code_length(x->world, &f->self, len));
    if (len != 0) {
        EXEC_TRY(counters_need_poseidon(&x->counters, 0, len / 56 + 1));
        EXEC_TRY(counters_need_padding(&x->counters, len / 56 + 1));
    }
    return world_set_code_bytes(x->world, &f->self, code, len);
}

exec_fault evm_end_frame(evm_machine *m, exec_error error, const uint8_t *output, size_t output_len)
{
    evm_frame *f = m->top;
    evm_frame *caller = f->caller;
    if (error == EXEC_OK && f->is_create && output != NULL) {
        EXEC_TRY(deposit_code(m, f, output, output_len));
        error = m->halt;
    }
    m->halt = EXEC_OK;
    if (error != EXEC_OK) {
        world_revert(m->x->world, f->snapshot);
        m->logs = f->logs;
        m->n_logs = f->n_logs;
        if (error != EXEC_REVERT) {
            f->gas = 0;
            output_len = 0;
        }
    }
    report_end(m, m->depth, error, f->gas_at_start - f->gas, output, output_len);
    if (caller == NULL)
        return finish_message(m, error, f->gas, f->refund, output, output_len);

    m->top = caller;
    m->depth--;
    caller->gas += f->gas;
    u256 pushed = u256_from_u64(error == EXEC_OK);
    if (error == EXEC_OK) {
        caller->refund = f->refund;
        if (f->is_create) {
            pushed = bytes_u256_of_address(&f->self);
            output_len = 0; /* the code is not return data */
        }
    }
    EXEC_TRY(deliver(m, caller, &pushed, output, output_len, f->return_offset, f->return_len));
    exec_arena_release(&m->x->memory->frame, f->arena_mark);
    return EXEC_FAULT_NONE;
}
