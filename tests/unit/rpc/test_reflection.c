#include "host/rpc/descriptors.h"
#include "host/rpc/reflection.h"
#include "host/rpc/wire.h"
#include "proto/descriptors.h"

#include "grpc/reflection/v1/reflection.pb-c.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const char *const protos[] = {"zkprover/v1/zk_prover.proto", "grpc/health/v1/health.proto",
                                     "grpc/reflection/v1/reflection.proto",
                                     "grpc/reflection/v1alpha/reflection.proto"};
#define N_PROTOS (sizeof protos / sizeof protos[0])

static rpc_bytes all(void)
{
    return (rpc_bytes){zkp_proto_descriptors, zkp_proto_descriptors_len};
}

static size_t by_name(const char *name)
{
    return rpc_descriptors_by_name(all(), (rpc_bytes){(const uint8_t *)name, strlen(name)});
}

static void lookups(void **state)
{
    (void)state;
    assert_int_equal(rpc_descriptors_count(all()), N_PROTOS);
    for (size_t i = 0; i < N_PROTOS; i++) {
        size_t at = by_name(protos[i]);
        assert_true(at < N_PROTOS);
        rpc_bytes file = rpc_descriptors_file(all(), at), name = rpc_descriptors_name(file);
        assert_int_equal(name.len, strlen(protos[i]));
        assert_memory_equal(name.data, protos[i], name.len);
        assert_int_equal(rpc_descriptors_import(file, 0).len, 0);
        char service[64];
        assert_true(rpc_descriptors_service(file, 0, service, sizeof service));
        assert_int_equal(rpc_descriptors_by_symbol(all(), service), at);
        assert_false(rpc_descriptors_service(file, 0, service, 4));
        assert_false(rpc_descriptors_service(file, 1, service, sizeof service));
    }
    assert_int_equal(by_name(""), N_PROTOS);
    assert_int_equal(by_name("zkprover/v1/zk_prover.prot"), N_PROTOS);
    assert_int_equal(rpc_descriptors_file(all(), N_PROTOS).len, 0);
    rpc_bytes ours = rpc_descriptors_file(all(), by_name(protos[0]));
    assert_true(rpc_descriptors_has_message(ours, "zkprover.v1.InputProver"));
    assert_true(rpc_descriptors_has_message(ours, "zkprover.v1.InputProver.DbEntry"));
    assert_false(rpc_descriptors_has_message(ours, "zkprover.v1.InputProver.db"));
    assert_false(rpc_descriptors_has_message(ours, "zkprover.v1.ZKProverService"));
    assert_false(rpc_descriptors_has_message(ours, "zkprover.v1"));
    assert_false(rpc_descriptors_has_message(ours, ""));
}

/* Damaged bytes find less, and read nothing outside. */
static void damaged(void **state)
{
    (void)state;
    size_t len = zkp_proto_descriptors_len;
    unsigned seed = 1;
    for (int i = 0; i < 4000; i++) {
        uint8_t *copy = malloc(len);
        memcpy(copy, zkp_proto_descriptors, len);
        for (int k = 0; k < 3; k++) {
            seed = seed * 1103515245u + 12345;
            copy[(seed >> 8) % len] ^= (uint8_t)(1u << (seed & 7));
        }
        seed = seed * 1103515245u + 12345;
        size_t cut = i % 2 ? len : (seed >> 8) % len;
        uint8_t *exact = malloc(cut ? cut : 1); /* so that a sanitizer sees its end */
        memcpy(exact, copy, cut);
        rpc_bytes set = {exact, cut};
        char name[128];
        size_t n = rpc_descriptors_count(set);
        for (size_t f = 0; f < n; f++) {
            rpc_bytes file = rpc_descriptors_file(set, f);
            for (size_t s = 0; rpc_descriptors_service(file, s, name, sizeof name); s++)
                assert_true(strlen(name) < sizeof name);
        }
        assert_true(rpc_descriptors_by_symbol(set, "zkprover.v1.InputProver.DbEntry.key") <= n);
        free(exact);
        free(copy);
    }
}

static void answers(void **state)
{
    (void)state;
    uint8_t *answer;
    size_t len;
    p_err err = {0};
    uint8_t wrong[] = {0x22, 9, 1};
    assert_int_equal(rpc_reflection_answer(wrong, sizeof wrong, &answer, &len, &err), P_EINVAL);
    assert_null(answer);
    uint8_t *big = calloc(1, RPC_REFLECTION_REQUEST_MAX + 1);
    assert_int_equal(
        rpc_reflection_answer(big, RPC_REFLECTION_REQUEST_MAX + 1, &answer, &len, &err), P_EINVAL);
    free(big);
    /* the same oneof twice: the last one counts */
    uint8_t twice[] = {0x22, 1, 'a', 0x1a, 1, 'b', 0x22, 1, 'c'};
    assert_int_equal(rpc_reflection_answer(twice, sizeof twice, &answer, &len, &err), P_OK);
    ProtobufCMessage *message;
    rpc_wire_arena *arena;
    assert_int_equal(rpc_wire_unpack(&grpc__reflection__v1__server_reflection_response__descriptor,
                                     answer, len, &message, &arena, &err),
                     P_OK);
    Grpc__Reflection__V1__ServerReflectionResponse *r = (void *)message;
    assert_int_equal(
        r->message_response_case,
        GRPC__REFLECTION__V1__SERVER_REFLECTION_RESPONSE__MESSAGE_RESPONSE_ERROR_RESPONSE);
    assert_string_equal(r->error_response->error_message, "no symbol 'c'");
    assert_int_equal(r->error_response->error_code, 5);
    rpc_wire_free(arena);
    free(answer);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(lookups), cmocka_unit_test(damaged),
                                       cmocka_unit_test(answers)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
