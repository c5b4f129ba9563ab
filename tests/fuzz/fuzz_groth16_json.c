/* Input: a proof, public values or a verifying key as JSON. Parsing each ends with success or with
 * an error that says why; decimal numbers come back as they were. */
#include "host/groth16/json.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(p_status status, const p_err *err)
{
    if (status != P_OK && (err->status != status || strncmp(err->text, "fuzz: ", 6) != 0)) {
        fprintf(stderr, "fuzz: status %d without a reason: %s\n", (int)status, err->text);
        abort();
    }
}

static void one_number(const uint8_t *data, size_t size)
{
    char text[100], back[GROTH16_DECIMAL_BYTES];
    uint64_t words[4];
    size_t n = size < sizeof text - 1 ? size : sizeof text - 1;

    memcpy(text, data, n);
    text[n] = '\0';
    if (!groth16_from_decimal(text, words))
        return;
    groth16_decimal(words, back);
    if (strcmp(text, back) != 0)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *text = (const char *)data;
    groth16_proof proof;
    groth16_vk vk;
    uint64_t *values;
    uint32_t count;
    p_err err = {0};

    one_number(data, size);
    check(groth16_proof_parse("fuzz", text, size, &proof, &err), &err);
    p_err_clear(&err);
    check(groth16_public_parse("fuzz", text, size, &values, &count, &err), &err);
    free(values);
    p_err_clear(&err);
    check(groth16_vk_parse("fuzz", text, size, &vk, &err), &err);
    groth16_vk_free(&vk);
    return 0;
}
