/* Input: the bytes of a STARK proof. Parsing ends with success or with an error that says why; what
 * was parsed is written as the same bytes; verifying it ends with an answer. */
#include "host/stark/verify.h"
#include "tests/fuzz/fuzz_stark.h"

#include <string.h>

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static fuzz_stark f;
static stark_hash hash;

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc;
    (void)argv;
    fuzz_stark_open(&f);
    return stark_hash_create(DRV_HASH_GL, &hash, NULL) == P_OK ? 0 : -1;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    stark_proof proof;
    uint64_t *publics;
    uint8_t *bytes;
    size_t count;
    p_err err = {0};

    if (stark_proof_parse(&f.key.vk, data, size, &proof, &publics, &err) != P_OK) {
        if (strncmp(err.text, "STARK proof, ", 13) != 0 &&
            strncmp(err.text, "STARK proof: ", 13) != 0)
            abort();
        return 0;
    }
    if (stark_proof_write(&f.key.vk, publics, &proof, &bytes, &count, &err) != P_OK ||
        count != size || memcmp(bytes, data, size) != 0)
        abort();
    (void)stark_verify_with(&hash, &f.key.vk, publics, &proof, true, &err);
    free(bytes);
    free(publics);
    stark_proof_free(&proof);
    return 0;
}
