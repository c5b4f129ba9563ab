/** The inside of a machine. Private to host/vm. */
#ifndef ZKP_HOST_VM_MACHINE_H
#define ZKP_HOST_VM_MACHINE_H

#include "driver/field/gl_poseidon.h"
#include "host/vm/vm.h"

/** Instructions between two looks at the cancel token: milliseconds. */
#define VM_SLICE (UINT64_C(1) << 18)
/** Takes what is written to x0. */
#define VM_SINK 32

struct vm {
    const vm_image *image;
    const gl_poseidon_ops *poseidon;
    vm_insn *code; /**< n_insns, and one VM_OP_OUTSIDE */
    uint8_t *memory;
    uint64_t x[VM_SINK + 1];
    bool dirty; /**< a run used the memory */
};

/** Executes up to n instructions from result->pc on. True if the program came to an end, which
 * result then says; else it can go on. Two instances of one loop. */
bool vm_slice_fast(vm *m, const vm_run_options *options, uint64_t n, vm_result *result);
bool vm_slice_traced(vm *m, const vm_run_options *options, uint64_t n, vm_result *result);

/* The long instructions. False: a fault, in result. */
bool vm_do_poseidon(vm *m, uint64_t address, vm_result *result);
bool vm_do_mulmod(vm *m, uint64_t a_at, uint64_t b_at, uint64_t d_at, unsigned selector,
                  vm_result *result);
bool vm_do_commit(uint64_t index, uint64_t value, vm_result *result);
bool vm_do_halt(uint64_t code, unsigned public_words, vm_result *result);

#endif
