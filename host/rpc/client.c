#include "host/rpc/client.h"

#include "driver/base/hex.h"
#include "host/rpc/credentials.h"

#include <grpc/byte_buffer.h>
#include <grpc/byte_buffer_reader.h>
#include <grpc/grpc.h>
#include <grpc/grpc_security.h>
#include <grpc/slice.h>
#include <grpc/support/alloc.h>
#include <grpc/support/log.h>
#include <grpc/support/time.h>

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

static const char reason_key[] = "zkprover-error";

struct rpc_client {
    char *address;
    grpc_channel *channel;
    grpc_completion_queue *cq;
    char *reason; /* of the latest unary call */
};

/* What a call's end consists of. */
typedef struct ending {
    grpc_status_code status;
    grpc_slice details;
    grpc_metadata_array trailing;
} ending;

struct rpc_stream {
    rpc_client *client;
    grpc_call *call;
    grpc_metadata_array initial;
    ending end;
    bool broken;    /* a batch failed: the end says why */
    bool finished;  /* the end has arrived */
    char **reasons; /* decoded zkprover-error entries, "INDEX: text" */
    size_t n_reasons;
};

/* Tags: only their addresses count. */
static char tag_start, tag_initial, tag_end, tag_send, tag_receive, tag_close;

static void drop_line(gpr_log_func_args *args)
{
    (void)args;
}

void rpc_client_quiet(void)
{
    if (!getenv("GRPC_VERBOSITY"))
        gpr_set_log_function(drop_line);
}

p_status rpc_client_create(rpc_client **out, const char *address, size_t max_message_bytes,
                           p_err *err)
{
    return rpc_client_create_tls(out, address, NULL, max_message_bytes, err);
}

p_status rpc_client_create_tls(rpc_client **out, const char *address, const rpc_tls_files *tls,
                               size_t max_message_bytes, p_err *err)
{
    *out = NULL;
    rpc_client *c = calloc(1, sizeof *c);
    if (c)
        c->address = strdup(address);
    if (!c || !c->address) {
        free(c);
        return p_err_set(err, P_EEXHAUSTED, "no memory for a client");
    }
    grpc_init();
    grpc_channel_credentials *credentials;
    p_status st = rpc_credentials_client(&credentials, tls, err);
    if (st != P_OK) {
        grpc_shutdown();
        free(c->address);
        free(c);
        return st;
    }
    grpc_arg args[] = {
        {.type = GRPC_ARG_INTEGER,
         .key = (char *)GRPC_ARG_MAX_RECEIVE_MESSAGE_LENGTH,
         .value.integer = max_message_bytes > INT32_MAX ? INT32_MAX : (int)max_message_bytes},
        {.type = GRPC_ARG_INTEGER,
         .key = (char *)GRPC_ARG_MAX_SEND_MESSAGE_LENGTH,
         .value.integer = -1},
        {.type = GRPC_ARG_INTEGER,
         .key = (char *)GRPC_ARG_ENABLE_HTTP_PROXY, /* the address is meant as it is written */
         .value.integer = 0},
    };
    grpc_channel_args channel_args = {sizeof args / sizeof args[0], args};
    c->channel = grpc_channel_create(address, credentials, &channel_args);
    grpc_channel_credentials_release(credentials);
    c->cq = grpc_completion_queue_create_for_pluck(NULL);
    *out = c;
    return P_OK;
}

void rpc_client_destroy(rpc_client *c)
{
    if (!c)
        return;
    grpc_channel_destroy(c->channel);
    grpc_completion_queue_shutdown(c->cq);
    while (
        grpc_completion_queue_pluck(c->cq, NULL, gpr_inf_future(GPR_CLOCK_REALTIME), NULL).type !=
        GRPC_QUEUE_SHUTDOWN)
        ;
    grpc_completion_queue_destroy(c->cq);
    grpc_shutdown();
    free(c->reason);
    free(c->address);
    free(c);
}

static gpr_timespec deadline_after(double seconds)
{
    if (seconds > 1e9)
        return gpr_inf_future(GPR_CLOCK_MONOTONIC);
    return gpr_time_add(gpr_now(GPR_CLOCK_MONOTONIC),
                        gpr_time_from_micros((int64_t)(seconds * 1e6), GPR_TIMESPAN));
}

/* Waits for one batch; false if it failed. The deadline of the call bounds the waiting. */
static bool wait_for(rpc_client *c, void *tag)
{
    grpc_event e =
        grpc_completion_queue_pluck(c->cq, tag, gpr_inf_future(GPR_CLOCK_REALTIME), NULL);
    return e.type == GRPC_OP_COMPLETE && e.success != 0;
}

static void ending_init(ending *e)
{
    e->status = GRPC_STATUS_UNKNOWN;
    e->details = grpc_empty_slice();
    grpc_metadata_array_init(&e->trailing);
}

static void ending_free(ending *e)
{
    grpc_slice_unref(e->details);
    grpc_metadata_array_destroy(&e->trailing);
}

/* Undoes the percent-encoding; control characters become blanks, since the
 * text goes to a terminal. */
static char *decoded(grpc_slice slice)
{
    const uint8_t *in = GRPC_SLICE_START_PTR(slice);
    size_t n = GRPC_SLICE_LENGTH(slice), len = 0;
    char *out = malloc(n + 1);
    if (!out)
        return NULL;
    for (size_t i = 0; i < n; i++) {
        uint8_t c = in[i], byte;
        if (c == '%' && i + 2 < n && p_hex_decode(&byte, 1, (const char *)in + i + 1, 2)) {
            c = byte;
            i += 2;
        }
        out[len++] = (char)(c < 0x20 || c == 0x7f ? ' ' : c);
    }
    out[len] = 0;
    return out;
}

/* The status of ours that stands for a gRPC code; the first row that has it. */
static p_status status_of(grpc_status_code code)
{
    static const p_status all[] = {
#define ROW(name, value, text, grpc) name,
        P_STATUS_ROWS(ROW)
#undef ROW
    };
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
        if (p_status_grpc(all[i]) == (int)code)
            return all[i];
    return P_EINTERNAL;
}

static p_status report(const rpc_client *c, const ending *e, p_err *err)
{
    if (e->status == GRPC_STATUS_OK)
        return P_OK;
    p_status s = e->status == GRPC_STATUS_UNAVAILABLE ? P_EUNAVAILABLE : status_of(e->status);
    char *text = decoded(e->details);
    p_err_set(err, s, "service at %s: %s: %s", c->address, p_status_text(s), text ? text : "");
    free(text);
    return s;
}

static p_status take(grpc_byte_buffer *buffer, uint8_t **bytes, size_t *len, p_err *err)
{
    grpc_byte_buffer_reader reader;
    *bytes = NULL;
    if (!grpc_byte_buffer_reader_init(&reader, buffer))
        return p_err_set(err, P_EINTERNAL, "an answer cannot be read");
    grpc_slice all = grpc_byte_buffer_reader_readall(&reader);
    grpc_byte_buffer_reader_destroy(&reader);
    *len = GRPC_SLICE_LENGTH(all);
    *bytes = malloc(*len + 1);
    if (*bytes && *len > 0)
        memcpy(*bytes, GRPC_SLICE_START_PTR(all), *len);
    grpc_slice_unref(all);
    return *bytes ? P_OK
                  : p_err_set(err, P_EEXHAUSTED, "no memory for an answer of %zu bytes", *len);
}

static grpc_byte_buffer *buffer_of(const uint8_t *bytes, size_t len)
{
    grpc_slice slice = grpc_slice_from_copied_buffer((const char *)bytes, len);
    grpc_byte_buffer *buffer = grpc_raw_byte_buffer_create(&slice, 1);
    grpc_slice_unref(slice);
    return buffer;
}

static grpc_call *call_of(rpc_client *c, const char *method, double timeout_seconds)
{
    grpc_slice name = grpc_slice_from_copied_string(method);
    grpc_call *call = grpc_channel_create_call(c->channel, NULL, GRPC_PROPAGATE_DEFAULTS, c->cq,
                                               name, NULL, deadline_after(timeout_seconds), NULL);
    grpc_slice_unref(name);
    return call;
}

p_status rpc_client_unary(rpc_client *c, const char *method, const uint8_t *request,
                          size_t request_len, double timeout_seconds, uint8_t **response,
                          size_t *response_len, p_err *err)
{
    *response = NULL;
    *response_len = 0;
    free(c->reason);
    c->reason = NULL;
    grpc_call *call = call_of(c, method, timeout_seconds);
    grpc_byte_buffer *out = buffer_of(request, request_len), *in = NULL;
    grpc_metadata_array initial;
    ending end;
    grpc_metadata_array_init(&initial);
    ending_init(&end);
    grpc_op ops[6];
    memset(ops, 0, sizeof ops);
    ops[0].op = GRPC_OP_SEND_INITIAL_METADATA;
    ops[1].op = GRPC_OP_SEND_MESSAGE;
    ops[1].data.send_message.send_message = out;
    ops[2].op = GRPC_OP_SEND_CLOSE_FROM_CLIENT;
    ops[3].op = GRPC_OP_RECV_INITIAL_METADATA;
    ops[3].data.recv_initial_metadata.recv_initial_metadata = &initial;
    ops[4].op = GRPC_OP_RECV_MESSAGE;
    ops[4].data.recv_message.recv_message = &in;
    ops[5].op = GRPC_OP_RECV_STATUS_ON_CLIENT;
    ops[5].data.recv_status_on_client.trailing_metadata = &end.trailing;
    ops[5].data.recv_status_on_client.status = &end.status;
    ops[5].data.recv_status_on_client.status_details = &end.details;
    p_status s;
    if (grpc_call_start_batch(call, ops, 6, &tag_end, NULL) != GRPC_CALL_OK) {
        s = p_err_set(err, P_EINTERNAL, "a call of %s cannot be started", method);
    } else {
        (void)wait_for(c, &tag_end);
        for (size_t i = 0; i < end.trailing.count && !c->reason; i++)
            if (grpc_slice_str_cmp(end.trailing.metadata[i].key, reason_key) == 0)
                c->reason = decoded(end.trailing.metadata[i].value);
        s = report(c, &end, err);
        if (s == P_OK && !in)
            s = p_err_set(err, P_EINTERNAL, "service at %s: an answer without a message",
                          c->address);
        if (s == P_OK)
            s = take(in, response, response_len, err);
    }
    if (in)
        grpc_byte_buffer_destroy(in);
    grpc_byte_buffer_destroy(out);
    grpc_metadata_array_destroy(&initial);
    ending_free(&end);
    grpc_call_unref(call);
    return s;
}

const char *rpc_client_reason(const rpc_client *c)
{
    return c->reason;
}

/* One operation as a batch of its own, started. */
static bool start(rpc_stream *s, grpc_op op, void *tag)
{
    return grpc_call_start_batch(s->call, &op, 1, tag, NULL) == GRPC_CALL_OK;
}

p_status rpc_stream_open(rpc_stream **out, rpc_client *c, const char *method,
                         double timeout_seconds, p_err *err)
{
    *out = NULL;
    rpc_stream *s = calloc(1, sizeof *s);
    if (!s)
        return p_err_set(err, P_EEXHAUSTED, "no memory for a stream");
    s->client = c;
    s->call = call_of(c, method, timeout_seconds);
    grpc_metadata_array_init(&s->initial);
    ending_init(&s->end);
    grpc_op send = {.op = GRPC_OP_SEND_INITIAL_METADATA}, initial, end;
    memset(&initial, 0, sizeof initial);
    memset(&end, 0, sizeof end);
    initial.op = GRPC_OP_RECV_INITIAL_METADATA;
    initial.data.recv_initial_metadata.recv_initial_metadata = &s->initial;
    end.op = GRPC_OP_RECV_STATUS_ON_CLIENT;
    end.data.recv_status_on_client.trailing_metadata = &s->end.trailing;
    end.data.recv_status_on_client.status = &s->end.status;
    end.data.recv_status_on_client.status_details = &s->end.details;
    if (!start(s, send, &tag_start) || !start(s, initial, &tag_initial) ||
        !start(s, end, &tag_end)) {
        /* cannot happen with batches in this order; the call is left to gRPC, which ends it */
        grpc_call_cancel(s->call, NULL);
        return p_err_set(err, P_EINTERNAL, "a stream of %s cannot be started", method);
    }
    s->broken = !wait_for(c, &tag_start);
    *out = s;
    return P_OK;
}

/* The stream is over: waits for its end and takes the reasons from it. */
static void await_end(rpc_stream *s)
{
    if (s->finished)
        return;
    (void)wait_for(s->client, &tag_initial);
    (void)wait_for(s->client, &tag_end);
    s->finished = true;
    size_t n = s->end.trailing.count;
    s->reasons = calloc(n + 1, sizeof *s->reasons);
    for (size_t i = 0; s->reasons && i < n; i++) {
        const grpc_metadata *m = &s->end.trailing.metadata[i];
        if (grpc_slice_str_cmp(m->key, reason_key) != 0)
            continue;
        s->reasons[s->n_reasons] = decoded(m->value);
        if (s->reasons[s->n_reasons])
            s->n_reasons++;
    }
}

p_status rpc_stream_send(rpc_stream *s, const uint8_t *bytes, size_t len, p_err *err)
{
    if (!s->broken) {
        grpc_byte_buffer *buffer = buffer_of(bytes, len);
        grpc_op op = {.op = GRPC_OP_SEND_MESSAGE};
        op.data.send_message.send_message = buffer;
        s->broken = !start(s, op, &tag_send) || !wait_for(s->client, &tag_send);
        grpc_byte_buffer_destroy(buffer);
    }
    if (!s->broken)
        return P_OK;
    await_end(s);
    p_status st = report(s->client, &s->end, err);
    return st != P_OK ? st
                      : p_err_set(err, P_EUNAVAILABLE, "service at %s: the stream has ended",
                                  s->client->address);
}

p_status rpc_stream_receive(rpc_stream *s, uint8_t **bytes, size_t *len, p_err *err)
{
    *bytes = NULL;
    *len = 0;
    grpc_byte_buffer *buffer = NULL;
    if (!s->broken) {
        grpc_op op = {.op = GRPC_OP_RECV_MESSAGE};
        op.data.recv_message.recv_message = &buffer;
        s->broken = !start(s, op, &tag_receive) || !wait_for(s->client, &tag_receive);
    }
    if (!buffer)
        return P_ENOTFOUND;
    p_status st = take(buffer, bytes, len, err);
    grpc_byte_buffer_destroy(buffer);
    return st;
}

p_status rpc_stream_finish(rpc_stream *s, p_err *err)
{
    if (!s->finished) {
        grpc_op op = {.op = GRPC_OP_SEND_CLOSE_FROM_CLIENT};
        if (start(s, op, &tag_close))
            (void)wait_for(s->client, &tag_close);
        uint8_t *rest;
        size_t len;
        while (rpc_stream_receive(s, &rest, &len, NULL) == P_OK)
            free(rest);
        await_end(s);
    }
    return report(s->client, &s->end, err);
}

const char *rpc_stream_reason(const rpc_stream *s, uint64_t index)
{
    for (size_t i = 0; i < s->n_reasons; i++) {
        char *end;
        unsigned long long at = strtoull(s->reasons[i], &end, 10);
        if (end != s->reasons[i] && end[0] == ':' && at == index)
            return end[1] == ' ' ? end + 2 : end + 1;
    }
    return NULL;
}

void rpc_stream_destroy(rpc_stream *s)
{
    if (!s)
        return;
    if (!s->finished) {
        grpc_call_cancel(s->call, NULL);
        await_end(s);
    }
    for (size_t i = 0; i < s->n_reasons; i++)
        free(s->reasons[i]);
    free(s->reasons);
    grpc_metadata_array_destroy(&s->initial);
    ending_free(&s->end);
    grpc_call_unref(s->call);
    free(s);
}
