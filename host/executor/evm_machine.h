/** Inside of the EVM: the frames, the machine that runs them, and what the files of it call in each
 * other. Only evm*.c include this.
 *
 * Frames are a stack of their own (no recursion in C). memory->frame is used from its bottom as
 *    the operand stack of all frames | the return data buffer | frame 0, its memory | frame 1, ...
 * A child's operands start above its caller's, and only the youngest frame's memory can grow,
 * which is the end of the arena. Memory between a frame's size and the end of the arena is garbage;
 * it is zeroed when the frame grows into it.
 *
 * Every function here that returns exec_fault passes faults of the world up untouched. A frame
 * that fails is no fault: m->halt then says why, and the caller ends the frame with it. */
#ifndef ZKP_HOST_EXECUTOR_EVM_MACHINE_H
#define ZKP_HOST_EXECUTOR_EVM_MACHINE_H

#include "host/executor/bytes.h"
#include "host/executor/evm.h"
#include "host/executor/gas.h"
#include "host/executor/u256.h"

/** Operands of one frame (Yellow Paper, section 9.1). */
#define EVM_STACK_LIMIT 1024
/** Bound of the operands of all frames together: more than 2^31 gas can nest. */
#define EVM_STACK_SLOTS ((size_t)1 << 20)
/** Units of work (roughly instructions) between two questions to the observer. */
#define EVM_POLL_INTERVAL 10000

typedef struct evm_log_node {
    struct evm_log_node *older;
    exec_log log;
} evm_log_node;

typedef struct evm_frame {
    struct evm_frame *caller; /**< NULL for the transaction's own frame */
    exec_call_kind kind;
    bool is_create; /**< runs init code */
    bool is_static;

    const uint8_t *code;
    size_t code_len;
    const uint8_t *input; /**< what CALLDATALOAD and CALLDATACOPY read */
    size_t input_len;
    exec_address self;         /**< whose storage and balance; the new account of a create frame */
    exec_address sender;       /**< CALLER */
    exec_address code_address; /**< whose code; self of a create frame */
    u256 value;                /**< CALLVALUE */

    /* The state of the run; evm_interpret holds pc, gas and sp in locals while the frame runs. */
    size_t pc;
    uint64_t gas;
    u256 *sp; /**< first free slot */
    u256 *stack;
    uint8_t *memory;
    size_t memory_len;   /**< bytes, a multiple of 32 */
    uint64_t memory_gas; /**< paid for it so far */
    int64_t refund;      /**< of the transaction so far, as this frame sees it */

    /* What the caller gets back. */
    size_t return_offset, return_len; /**< place in the caller's memory, already paid for */
    uint64_t gas_at_start;

    /* What is undone when the frame fails. */
    size_t snapshot;
    evm_log_node *logs;
    size_t n_logs;
    size_t arena_mark;
} evm_frame;

typedef struct evm_machine {
    exec_context *x;
    const evm_tx_env *env;
    evm_frame *top; /**< NULL when the message is over */
    unsigned depth; /**< of top */
    u256 *stack_base, *stack_end;
    uint8_t *return_data; /**< of the last call of the running frame */
    size_t return_data_len, return_data_cap;
    evm_log_node *logs;
    size_t n_logs;
    exec_error halt; /**< why the running frame must end; EXEC_OK if it goes on */
    int32_t poll_countdown;
    evm_outcome *outcome; /**< filled in by the end of frame 0 */
} evm_machine;

/** Pays from the running frame, or sets m->halt. */
static inline bool evm_charge(evm_machine *m, evm_frame *f, uint64_t amount)
{
    if (f->gas < amount) {
        m->halt = EXEC_OUT_OF_GAS;
        return false;
    }
    f->gas -= amount;
    return true;
}

/** Asks the observer whether to stop, every EVM_POLL_INTERVAL units of work. */
static inline exec_fault evm_work(evm_machine *m, int32_t units)
{
    m->poll_countdown -= units;
    if (m->poll_countdown > 0)
        return EXEC_FAULT_NONE;
    m->poll_countdown = EVM_POLL_INTERVAL;
    const exec_observer *o = m->x->observer;
    return o->poll != NULL && o->poll(o->ctx) ? EXEC_FAULT_STOPPED : EXEC_FAULT_NONE;
}

static inline bool evm_is_precompile(const exec_address *a)
{
    uint8_t others = 0;
    for (unsigned i = 0; i < 19; i++)
        others |= a->bytes[i];
    return others == 0 && a->bytes[19] >= 1 && a->bytes[19] <= 9;
}

/* evm.c */

/** Runs until m->top is NULL. */
exec_fault evm_interpret(evm_machine *m);

/* evm_call.c: arguments lie on the stack of f, the running frame; f->gas and f->sp are current.
 * Each either starts a frame (m->top changes), or pushes its result, or sets m->halt. */

exec_fault evm_op_call(evm_machine *m, evm_frame *f, exec_call_kind kind);
exec_fault evm_op_create(evm_machine *m, evm_frame *f, exec_call_kind kind);
/** Starts frame 0, or ends the message at once. */
exec_fault evm_start_message(evm_machine *m, const evm_message *message);
/** Ends the running frame. error EXEC_OK: RETURN or, with output NULL, STOP and SENDALL; a code
 * deposit can still make it a failure. output lies in the frame's memory. */
exec_fault evm_end_frame(evm_machine *m, exec_error error, const uint8_t *output,
                         size_t output_len);

/* evm_state.c: opcodes that reach the world; conventions as above, m->top never changes. */

exec_fault evm_op_balance(evm_machine *m, evm_frame *f);
exec_fault evm_op_selfbalance(evm_machine *m, evm_frame *f);
exec_fault evm_op_codesize(evm_machine *m, evm_frame *f);
exec_fault evm_op_extcodesize(evm_machine *m, evm_frame *f);
exec_fault evm_op_extcodehash(evm_machine *m, evm_frame *f);
exec_fault evm_op_extcodecopy(evm_machine *m, evm_frame *f);
exec_fault evm_op_blockhash(evm_machine *m, evm_frame *f);
exec_fault evm_op_sload(evm_machine *m, evm_frame *f);
exec_fault evm_op_sstore(evm_machine *m, evm_frame *f);
exec_fault evm_op_sha3(evm_machine *m, evm_frame *f);
exec_fault evm_op_log(evm_machine *m, evm_frame *f, unsigned n_topics);
/** SELFDESTRUCT; the caller ends the frame if m->halt is not set. */
exec_fault evm_op_sendall(evm_machine *m, evm_frame *f);
/** CALLDATACOPY, CODECOPY: copies from source, zeros beyond its end. */
exec_fault evm_op_copy(evm_machine *m, evm_frame *f, const uint8_t *source, size_t source_len);
exec_fault evm_op_returndatacopy(evm_machine *m, evm_frame *f);

/** Touches an address with the budget check that goes with it. */
exec_fault evm_touch(evm_machine *m, const exec_address *a, bool *was_cold);
/** Balance, nonce and code hash all zero, read in this order up to the first that is not. */
exec_fault evm_is_empty(evm_machine *m, const exec_address *a, bool *empty);

#endif
