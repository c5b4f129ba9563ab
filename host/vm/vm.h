/** The machine: RV64IM with 2^32 bytes of memory and the instructions of isa.h, without tracing or
 * with it.
 *
 * A run starts at the image's entry with all registers 0, the memory holding the image and then
 * zeros. It ends by HALT or by a fault: what has no meaning here has no proof either. Faults are
 * misaligned accesses; accesses below the image (so through null pointers) or at 2^32 and above; a
 * program counter outside the program or no multiple of 4; an unknown instruction; HINT after the
 * end of the advice; a POSEIDON word of p or more; a COMMIT that is out of range or repeated; and a
 * HALT with code 0 before public_words words were committed. Loads, stores, POSEIDON and MULMOD
 * work on little-endian words. MULMOD reads a, reads b, then writes d: any overlap is legal.
 *
 * Memory is address space until it is touched: a run of n instructions touches at most 4096 (n + 1)
 * bytes beside the image, and at most 4 GiB. One vm belongs to one thread at a time; the image is
 * borrowed until vm_destroy and may be shared. */
#ifndef ZKP_HOST_VM_VM_H
#define ZKP_HOST_VM_VM_H

#include "driver/base/cancel.h"
#include "host/vm/image.h"
#include "host/vm/isa.h"

#include <stdbool.h>

/* clang-format off */
#define VM_FAULT_ROWS(X)                                                                           \
    X(NONE,        "no fault")                                                                     \
    X(ILLEGAL,     "the word is no instruction of this machine")                                   \
    X(PC,          "the program counter is outside the program or no multiple of 4")               \
    X(MISALIGNED,  "an access that is not aligned to its size")                                    \
    X(ADDRESS,     "an access below the image, or at 2^32 or above")                               \
    X(ADVICE,      "the advice has no further word")                                               \
    X(CANONICAL,   "a word for POSEIDON is the field's modulus or more")                           \
    X(COMMIT,      "a public word is out of range or committed twice")                             \
    X(HALT,        "the program halted before it committed all public words")
/* clang-format on */

typedef enum vm_fault {
#define VM_FAULT_NAME(name, text) VM_FAULT_##name,
    VM_FAULT_ROWS(VM_FAULT_NAME)
#undef VM_FAULT_NAME
} vm_fault;

/** Static text; never NULL. */
const char *vm_fault_text(vm_fault fault);

/** One executed instruction, as a tracer sees it. */
typedef struct vm_step {
    uint64_t cycle; /**< 0 for the first of a run */
    uint64_t pc, next_pc;
    const vm_insn *insn; /**< valid as long as the vm; rd is 32 where the program says x0 */
    uint64_t a, b;       /**< registers rs1 and rs2 before it */
    uint64_t rd_old, c;  /**< register rd before and after it */
} vm_step;

/** Called after each instruction, the memory being as the instruction left it. */
typedef struct vm_tracer {
    void *ctx;
    void (*step)(void *ctx, const vm_step *step);
} vm_tracer;

typedef struct vm_run_options {
    const uint64_t *advice; /**< borrowed during the run */
    size_t advice_words;
    uint64_t max_cycles;     /**< instructions */
    unsigned public_words;   /**< how many a HALT with code 0 demands, 0..48 */
    const p_cancel *cancel;  /**< may be NULL; polled every 2^18 instructions */
    const vm_tracer *tracer; /**< NULL: nothing is traced, and the run is faster */
} vm_run_options;

typedef enum vm_end {
    VM_END_HALT,  /**< by HALT; see exit_code */
    VM_END_FAULT, /**< see fault */
    VM_END_LIMIT, /**< max_cycles instructions are executed and the program goes on */
} vm_end;

typedef struct vm_result {
    vm_end end;
    vm_fault fault;
    uint64_t exit_code;
    uint64_t cycles;  /**< instructions executed, a HALT included, one that faulted not */
    uint64_t pc;      /**< of the last instruction, or where control went to (VM_FAULT_PC) */
    uint32_t word;    /**< VM_FAULT_ILLEGAL: the instruction */
    uint64_t address; /**< MISALIGNED, ADDRESS, CANONICAL: what was accessed; COMMIT: the index */
    size_t advice_used;
    uint64_t n_poseidon, n_mulmod;
    uint64_t committed; /**< bit i: public word i was committed */
    uint32_t public_words[VM_PUBLIC_WORDS];
} vm_result;

typedef struct vm vm;

/** P_EEXHAUSTED. */
p_status vm_create(vm **out, const vm_image *image, p_err *err);
void vm_destroy(vm *m); /**< NULL is allowed */

/** Runs the program from its start, whatever ran before. P_OK if it came to an end, whichever;
 * P_ECANCELLED; P_EINVAL for public_words above 48. */
p_status vm_run(vm *m, const vm_run_options *options, vm_result *result, p_err *err);

/** P_OK for a run that halted with code 0; else P_EEXHAUSTED (the limit) or P_ECORRUPT, with what
 * happened and where. */
p_status vm_result_check(const vm_result *result, p_err *err);

/** Registers and memory as the last run left them. i < 32; address a multiple of 8 below 2^32. */
uint64_t vm_register(const vm *m, unsigned i);
uint64_t vm_word(const vm *m, uint64_t address);

#endif
