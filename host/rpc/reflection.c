#include "host/rpc/reflection.h"

#include "host/rpc/descriptors.h"
#include "host/rpc/text.h"
#include "host/rpc/wire.h"
#include "proto/descriptors.h"

#include "grpc/reflection/v1/reflection.pb-c.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FILES_MAX 32
#define SERVICES_MAX 32
#define ANSWER_MAX ((size_t)1 << 20)

typedef Grpc__Reflection__V1__ServerReflectionRequest request_message;
typedef Grpc__Reflection__V1__ServerReflectionResponse response_message;

/** What an answer is made of; the response points into it. */
typedef struct workspace {
    char error_text[256];
    Grpc__Reflection__V1__ErrorResponse error;
    Grpc__Reflection__V1__FileDescriptorResponse files;
    ProtobufCBinaryData file_bytes[FILES_MAX];
    Grpc__Reflection__V1__ListServiceResponse services;
    Grpc__Reflection__V1__ServiceResponse service[SERVICES_MAX], *service_list[SERVICES_MAX];
    char service_name[SERVICES_MAX][128];
    Grpc__Reflection__V1__ExtensionNumberResponse numbers;
} workspace;

static rpc_bytes all_files(void)
{
    return (rpc_bytes){zkp_proto_descriptors, zkp_proto_descriptors_len};
}

static void set_error(response_message *r, workspace *w, p_status status, const char *what,
                      const char *name)
{
    char shown[161];
    snprintf(w->error_text, sizeof w->error_text, "%s%s%s%s", what, *name ? " '" : "",
             rpc_text_cut(shown, sizeof shown, name), *name ? "'" : "");
    grpc__reflection__v1__error_response__init(&w->error);
    w->error.error_code = p_status_grpc(status);
    w->error.error_message = w->error_text;
    r->message_response_case =
        GRPC__REFLECTION__V1__SERVER_REFLECTION_RESPONSE__MESSAGE_RESPONSE_ERROR_RESPONSE;
    r->error_response = &w->error;
}

/** The file and what it imports, each once. */
static void set_files(response_message *r, workspace *w, size_t index)
{
    rpc_bytes set = all_files();
    size_t count = rpc_descriptors_count(set), order[FILES_MAX], n = 0;
    order[n++] = index;
    for (size_t at = 0; at < n; at++) {
        rpc_bytes file = rpc_descriptors_file(set, order[at]), name;
        for (size_t i = 0; (name = rpc_descriptors_import(file, i)).len; i++) {
            size_t imported = rpc_descriptors_by_name(set, name), k = 0;
            while (k < n && order[k] != imported)
                k++;
            if (k == n && imported < count && n < FILES_MAX)
                order[n++] = imported;
        }
    }
    grpc__reflection__v1__file_descriptor_response__init(&w->files);
    for (size_t i = 0; i < n; i++) {
        rpc_bytes file = rpc_descriptors_file(set, order[i]);
        /* protobuf-c's data lacks a const; packing does not write to it */
        w->file_bytes[i] = (ProtobufCBinaryData){file.len, (uint8_t *)(uintptr_t)file.data};
    }
    w->files.n_file_descriptor_proto = n;
    w->files.file_descriptor_proto = w->file_bytes;
    r->message_response_case =
        GRPC__REFLECTION__V1__SERVER_REFLECTION_RESPONSE__MESSAGE_RESPONSE_FILE_DESCRIPTOR_RESPONSE;
    r->file_descriptor_response = &w->files;
}

static void set_services(response_message *r, workspace *w)
{
    rpc_bytes set = all_files();
    size_t n = 0;
    grpc__reflection__v1__list_service_response__init(&w->services);
    for (size_t f = 0; f < rpc_descriptors_count(set); f++)
        for (size_t i = 0; n < SERVICES_MAX &&
                           rpc_descriptors_service(rpc_descriptors_file(set, f), i,
                                                   w->service_name[n], sizeof w->service_name[n]);
             i++) {
            grpc__reflection__v1__service_response__init(&w->service[n]);
            w->service[n].name = w->service_name[n];
            w->service_list[n] = &w->service[n];
            n++;
        }
    w->services.n_service = n;
    w->services.service = w->service_list;
    r->message_response_case =
        GRPC__REFLECTION__V1__SERVER_REFLECTION_RESPONSE__MESSAGE_RESPONSE_LIST_SERVICES_RESPONSE;
    r->list_services_response = &w->services;
}

/** Our messages have no extensions (proto3 has none but for options). */
static void set_extensions(response_message *r, workspace *w, char *type)
{
    rpc_bytes set = all_files();
    for (size_t f = 0; f < rpc_descriptors_count(set); f++)
        if (rpc_descriptors_has_message(rpc_descriptors_file(set, f), type)) {
            grpc__reflection__v1__extension_number_response__init(&w->numbers);
            w->numbers.base_type_name = type;
            r->message_response_case =
                GRPC__REFLECTION__V1__SERVER_REFLECTION_RESPONSE__MESSAGE_RESPONSE_ALL_EXTENSION_NUMBERS_RESPONSE;
            r->all_extension_numbers_response = &w->numbers;
            return;
        }
    set_error(r, w, P_ENOTFOUND, "no message type", type);
}

static void fill(response_message *r, workspace *w, request_message *q)
{
    rpc_bytes set = all_files();
    size_t count = rpc_descriptors_count(set), index;
    switch (q->message_request_case) {
    case GRPC__REFLECTION__V1__SERVER_REFLECTION_REQUEST__MESSAGE_REQUEST_FILE_BY_FILENAME:
        index = rpc_descriptors_by_name(
            set, (rpc_bytes){(const uint8_t *)q->file_by_filename, strlen(q->file_by_filename)});
        if (index < count)
            set_files(r, w, index);
        else
            set_error(r, w, P_ENOTFOUND, "no file", q->file_by_filename);
        break;
    case GRPC__REFLECTION__V1__SERVER_REFLECTION_REQUEST__MESSAGE_REQUEST_FILE_CONTAINING_SYMBOL:
        index = rpc_descriptors_by_symbol(set, q->file_containing_symbol);
        if (index < count)
            set_files(r, w, index);
        else
            set_error(r, w, P_ENOTFOUND, "no symbol", q->file_containing_symbol);
        break;
    case GRPC__REFLECTION__V1__SERVER_REFLECTION_REQUEST__MESSAGE_REQUEST_FILE_CONTAINING_EXTENSION:
        set_error(r, w, P_ENOTFOUND, "no such extension of",
                  q->file_containing_extension->containing_type);
        break;
    case GRPC__REFLECTION__V1__SERVER_REFLECTION_REQUEST__MESSAGE_REQUEST_ALL_EXTENSION_NUMBERS_OF_TYPE:
        set_extensions(r, w, q->all_extension_numbers_of_type);
        break;
    case GRPC__REFLECTION__V1__SERVER_REFLECTION_REQUEST__MESSAGE_REQUEST_LIST_SERVICES:
        set_services(r, w);
        break;
    default:
        set_error(r, w, P_EINVAL, "the request asks nothing that this server knows", "");
        break;
    }
}

p_status rpc_reflection_answer(const uint8_t *request, size_t len, uint8_t **answer,
                               size_t *answer_len, p_err *err)
{
    *answer = NULL;
    *answer_len = 0;
    if (len > RPC_REFLECTION_REQUEST_MAX)
        return p_err_set(err, P_EINVAL, "the request has %zu bytes; expected at most %d", len,
                         RPC_REFLECTION_REQUEST_MAX);
    ProtobufCMessage *message;
    rpc_wire_arena *arena;
    p_status s = rpc_wire_unpack(&grpc__reflection__v1__server_reflection_request__descriptor,
                                 request, len, &message, &arena, err);
    if (s != P_OK)
        return s;
    workspace *w = calloc(1, sizeof *w);
    if (!w) {
        rpc_wire_free(arena);
        return p_err_set(err, P_EEXHAUSTED, "no memory for an answer");
    }
    response_message r = GRPC__REFLECTION__V1__SERVER_REFLECTION_RESPONSE__INIT;
    request_message *q = (request_message *)message;
    r.valid_host = q->host;
    r.original_request = q;
    fill(&r, w, q);
    s = rpc_wire_pack(&r.base, ANSWER_MAX, answer, answer_len, err);
    free(w);
    rpc_wire_free(arena);
    return s;
}

/** On the completion-queue thread: request and answer are small, and nothing waits. */
static void on_message(void *ctx, rpc_call *call)
{
    (void)ctx;
    p_err err = {0};
    uint8_t *request = NULL, *answer = NULL;
    size_t len = rpc_call_request_bytes(call), answer_len = 0;
    p_status s = P_OK;
    if (len > RPC_REFLECTION_REQUEST_MAX)
        s = p_err_set(&err, P_EINVAL, "the request has %zu bytes; expected at most %d", len,
                      RPC_REFLECTION_REQUEST_MAX);
    if (s == P_OK)
        s = rpc_call_take(call, &request, &len, &err);
    if (s == P_OK)
        s = rpc_reflection_answer(request, len, &answer, &answer_len, &err);
    free(request);
    if (s != P_OK)
        rpc_call_fail(call, s, err.text);
    else
        rpc_call_answer(call, answer, answer_len, NULL, RPC_CONTINUE);
}

void rpc_reflection_methods(rpc_method out[RPC_REFLECTION_METHODS])
{
    static const char *const names[RPC_REFLECTION_METHODS] = {
        "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo",
        "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo",
    };
    for (size_t i = 0; i < RPC_REFLECTION_METHODS; i++)
        out[i] = (rpc_method){.name = names[i], .kind = RPC_BIDI, .message = on_message};
}
