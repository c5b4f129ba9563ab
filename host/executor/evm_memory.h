/** Growth of a frame's memory: the price, the bound, the zeroing. */
#ifndef ZKP_HOST_EXECUTOR_EVM_MEMORY_H
#define ZKP_HOST_EXECUTOR_EVM_MEMORY_H

#include "host/executor/evm_machine.h"

/** Grows the memory of the running frame to hold `end` bytes, end <= GAS_MEMORY_MAX_BYTES, and pays
 * from f->gas. */
exec_fault evm_memory_grow(evm_machine *m, evm_frame *f, uint64_t end);

/** Makes [offset, offset + size) part of the memory of the running frame and pays for it from
 * f->gas; nothing for size 0, whatever the offset. Afterwards, if m->halt is not set, *start and
 * *len are the operands as numbers (*start 0 for size 0). */
static inline exec_fault evm_memory_range(evm_machine *m, evm_frame *f, const u256 *offset,
                                          const u256 *size, size_t *start, size_t *len)
{
    if (u256_is_zero(size)) {
        *start = *len = 0;
        return EXEC_FAULT_NONE;
    }
    /* both bounded first, so that the sum cannot wrap */
    if (!u256_fits_u64(offset) || !u256_fits_u64(size) || offset->limb[0] > GAS_MEMORY_MAX_BYTES ||
        size->limb[0] > GAS_MEMORY_MAX_BYTES ||
        offset->limb[0] + size->limb[0] > GAS_MEMORY_MAX_BYTES) {
        m->halt = EXEC_OUT_OF_GAS;
        return EXEC_FAULT_NONE;
    }
    *start = (size_t)offset->limb[0];
    *len = (size_t)size->limb[0];
    uint64_t end = offset->limb[0] + size->limb[0];
    return end <= f->memory_len ? EXEC_FAULT_NONE : evm_memory_grow(m, f, end);
}

#endif
