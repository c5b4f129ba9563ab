/* Input: a ServerReflectionRequest as it comes from the wire. The answer is one that protobuf
 * takes, or a reason. */
#include "host/rpc/reflection.h"
#include "host/rpc/wire.h"

#include "grpc/health/v1/health.pb-c.h"
#include "grpc/reflection/v1/reflection.pb-c.h"

#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void fail(const char *what, const p_err *err)
{
    fprintf(stderr, "fuzz: %s: %s\n", what, err->text);
    abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint8_t *answer;
    size_t len;
    p_err err = {0};
    ProtobufCMessage *message;
    rpc_wire_arena *arena;
    p_status s = rpc_reflection_answer(data, size, &answer, &len, &err);
    if (s != P_OK) {
        if (answer || err.status != s || !err.text[0])
            fail("no answer and no reason", &err);
    } else {
        if (rpc_wire_unpack(&grpc__reflection__v1__server_reflection_response__descriptor, answer,
                            len, &message, &arena, &err) != P_OK)
            fail("an answer that is none", &err);
        rpc_wire_free(arena);
    }
    free(answer);
    if (rpc_wire_unpack(&grpc__health__v1__health_check_request__descriptor, data, size, &message,
                        &arena, &err) == P_OK)
        rpc_wire_free(arena);
    return 0;
}
