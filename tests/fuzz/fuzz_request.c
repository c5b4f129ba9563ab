/* Input: an ExecuteRequest as it comes from the wire. It ends with a request that may be executed,
 * or with a reason. */
#include "host/rpc/validate.h"
#include "host/rpc/wire.h"

#include <stdio.h>
#include <stdlib.h>

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
    const rpc_validate_options options = {.fork_id = EXEC_FORK_DEFAULT, .enforce_counters = true};
    ProtobufCMessage *message;
    rpc_wire_arena *arena;
    p_err err;
    p_err_clear(&err);
    p_status status = rpc_wire_unpack(&zkprover__v1__execute_request__descriptor, data, size,
                                      &message, &arena, &err);
    check(status, &err);
    if (status != P_OK)
        return 0;
    state_request *request = NULL;
    status = rpc_validate_input(((Zkprover__V1__ExecuteRequest *)message)->input, &options,
                                &request, &err);
    check(status, &err);
    rpc_wire_free(arena);
    if (status == P_OK)
        check(state_request_verify(request, gl_poseidon_select(NULL), &err), &err);
    else if (request)
        abort();
    state_request_destroy(request);
    return 0;
}
