/* Input: lines "KEY VALUE", entries of a db map in the protocol's encoding (a line that begins with
 * '#' goes to contracts_bytecode). Adding and verifying them ends with success or with an error
 * that says why. */
#include "host/state/request.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(p_status status, const p_err *err)
{
    if (status != P_OK && (err->status != status || !err->text[0])) {
        fprintf(stderr, "fuzz: status %d without a reason\n", (int)status);
        abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    p_err err;
    p_err_clear(&err);
    state_request *request;
    if (state_request_create(&request, EXEC_FORK_DEFAULT, &err) != P_OK)
        abort();
    const char *at = (const char *)data, *end = at + size;
    while (at < end) {
        const char *line_end = memchr(at, '\n', (size_t)(end - at));
        if (!line_end)
            line_end = end;
        bool is_code = at < line_end && *at == '#';
        const char *key = at + is_code;
        const char *space = memchr(key, ' ', (size_t)(line_end - key));
        const char *value = space ? space + 1 : line_end;
        size_t key_len = (size_t)((space ? space : line_end) - key);
        size_t value_len = (size_t)(line_end - value);
        p_err_clear(&err);
        check(is_code ? state_request_add_code(request, key, key_len, value, value_len, &err)
                      : state_request_add_node(request, key, key_len, value, value_len, &err),
              &err);
        at = line_end < end ? line_end + 1 : end;
    }
    p_err_clear(&err);
    check(state_request_verify(request, gl_poseidon_select(NULL), &err), &err);
    state_request_destroy(request);
    return 0;
}
