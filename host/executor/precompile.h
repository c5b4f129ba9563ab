/** The precompiled contracts that this rollup supports: 1 (signature recovery) and 4 (identity).
 *
 *  The others from 2 to 9 fail at once, which is a matter of the call (evm_call.c). Any thread. */
#ifndef ZKP_HOST_EXECUTOR_PRECOMPILE_H
#define ZKP_HOST_EXECUTOR_PRECOMPILE_H

#include "host/executor/context.h"

typedef struct precompile_result {
    exec_error error; /**< EXEC_OK or EXEC_OUT_OF_GAS */
    uint64_t gas_left;
    const uint8_t *output; /**< in `word`, or the input itself */
    size_t output_len;
    uint8_t word[32];
} precompile_result;

/** True for 1 and 4. */
static inline bool precompile_supported(unsigned number)
{
    return number == 1 || number == 4;
}

/** Runs precompile `number`, which must be supported. input is borrowed as
 * long as result is used. */
exec_fault precompile_run(exec_context *x, unsigned number, const uint8_t *input, size_t input_len,
                          uint64_t gas, precompile_result *result);

#endif
