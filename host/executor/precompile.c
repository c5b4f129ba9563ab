#include "host/executor/precompile.h"

#include "host/executor/bytes.h"
#include "host/executor/ecrecover.h"
#include "host/executor/gas.h"

static exec_fault run_ecrecover(exec_context *x, const uint8_t *input, size_t input_len,
                                precompile_result *result)
{
    uint8_t words[128];
    size_t have = input_len < sizeof words ? input_len : sizeof words;
    memset(words, 0, sizeof words);
    if (have != 0)
        memcpy(words, input, have);
    u256 v = bytes_load_u256(words + 32);
    u256 r = bytes_load_u256(words + 64);
    u256 s = bytes_load_u256(words + 96);
    bool ok = false;
    exec_address signer;
    exec_fault fault = exec_ecrecover(x, words, &v, &r, &s, false, &ok, &signer);
    if (fault != EXEC_FAULT_NONE || !ok)
        return fault; /* an invalid signature is a success without output */
    memset(result->word, 0, 12);
    memcpy(result->word + 12, signer.bytes, 20);
    result->output = result->word;
    result->output_len = 32;
    return EXEC_FAULT_NONE;
}

exec_fault precompile_run(exec_context *x, unsigned number, const uint8_t *input, size_t input_len,
                          uint64_t gas, precompile_result *result)
{
    uint64_t price =
        number == 1 ? GAS_ECRECOVER : GAS_IDENTITY + GAS_IDENTITY_WORD * gas_words(input_len);
    result->error = EXEC_OK;
    result->output = NULL;
    result->output_len = 0;
    if (gas < price) {
        result->error = EXEC_OUT_OF_GAS;
        result->gas_left = 0;
        return EXEC_FAULT_NONE;
    }
    result->gas_left = gas - price;
    if (number == 1)
        return run_ecrecover(x, input, input_len, result);
    result->output = input;
    result->output_len = input_len;
    return EXEC_FAULT_NONE;
}
