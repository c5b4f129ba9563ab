#include "host/cli/service.h"

#include <stdlib.h>
#include <string.h>

#define DEFAULT_ADDRESS "127.0.0.1:50051"
#define METHOD(name) "/zkprover.v1.ZKProverService/" name
#define MAX_ANSWER_BYTES INT32_MAX /* a proof is small, what a batch changed may be large */
#define DEFAULT_CONNECT_SECONDS 10
#define CALL_SECONDS 60.0 /* of calls that the service answers as soon as its disk allows */

static void clean(char *text)
{
    for (; *text; text++)
        if ((unsigned char)*text < 0x20 || *text == 0x7f)
            *text = ' ';
}

static p_status undecodable(const service *s, p_err *err)
{
    return p_err_set(err, P_EINTERNAL, "service at %s: the answer cannot be decoded", s->address);
}

static p_status get_status(service *s, double seconds, service_status **out, p_err *err)
{
    static const uint8_t nothing[1]; /* GetStatusRequest has no fields */
    uint8_t *answer = NULL;
    size_t len = 0;
    *out = NULL;
    p_status st =
        rpc_client_unary(s->client, METHOD("GetStatus"), nothing, 0, seconds, &answer, &len, err);
    if (st == P_OK) {
        *out = zkprover__v1__get_status_response__unpack(NULL, len, answer);
        if (!*out)
            st = undecodable(s, err);
    }
    free(answer);
    if (*out) {
        clean((*out)->current_computing_request_id);
        clean((*out)->last_computed_request_id);
        clean((*out)->version_proto);
        clean((*out)->version_server);
        for (size_t i = 0; i < (*out)->n_pending_request_queue_ids; i++)
            clean((*out)->pending_request_queue_ids[i]);
    }
    return st;
}

p_status service_get_status(service *s, service_status **out, p_err *err)
{
    return get_status(s, (double)s->connect_seconds, out, err);
}

void service_status_free(service_status *m)
{
    if (m)
        zkprover__v1__get_status_response__free_unpacked(m, NULL);
}

p_status service_connect(const service *s, rpc_client **out, p_err *err)
{
    return rpc_client_create_tls(out, s->address, s->encrypted ? &s->tls : NULL, MAX_ANSWER_BYTES,
                                 err);
}

/* What to do about a connection that failed. The words are gRPC's and OpenSSL's; other words get
 * the general advice. */
static const char *advice(const service *s, const char *text)
{
    static const struct {
        const char *word, *plain, *encrypted;
    } all[] = {
        {"certificate verify failed", NULL,
         "its certificate is not trusted: --tls-ca names the authority"},
        {"Peer name", NULL, "--addr has to be a name or address that its certificate has"},
        {"wrong version number", NULL, "it does not speak TLS: leave the --tls options out"},
        {"Socket closed", "does it want TLS? --tls or --tls-ca",
         "does it want a client certificate? --tls-cert and --tls-key"},
    };
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
        const char *hint = s->encrypted ? all[i].encrypted : all[i].plain;
        if (hint && strstr(text, all[i].word))
            return hint;
    }
    return "is zkproverd running there? --addr names another address";
}

/** gRPC takes a port above 65535 for another one, and a name without a port for one with 443. What
 *  begins with a scheme (dns:, unix:, ...) it knows better. */
static p_status check_address(const char *address, const char *source, p_err *err)
{
    const char *colon = strrchr(address, ':');
    size_t digits = colon ? strspn(colon + 1, "0123456789") : 0;
    unsigned long port = digits && digits <= 5 ? strtoul(colon + 1, NULL, 10) : 0;
    if (!strncmp(address, "unix:", 5) || !strncmp(address, "dns:", 4) || strstr(address, "://"))
        return P_OK;
    if (colon && colon != address && !colon[1 + digits] && port >= 1 && port <= 65535)
        return P_OK;
    return p_err_set(err, P_EINVAL,
                     "%s: '%s' is no address; expected HOST:PORT with a port from 1 to 65535, "
                     "as " DEFAULT_ADDRESS,
                     source, address);
}

cli_exit service_open(service *s, const cli_command *command, const cli_args *args,
                      service_status **status)
{
    p_err err = {0};
    service_status *m = NULL;
    const char *address = cli_args_get(command, args, "addr");
    memset(s, 0, sizeof *s);
    if (!address)
        address = getenv("ZKPROVER_ADDR");
    s->address = address && *address ? address : DEFAULT_ADDRESS;
    if (check_address(s->address, cli_args_get(command, args, "addr") ? "--addr" : "ZKPROVER_ADDR",
                      &err) != P_OK)
        return cli_usage(command, &err);
    s->connect_seconds = DEFAULT_CONNECT_SECONDS;
    if (cli_args_number(command, args, "connect-timeout", 1, 3600, &s->connect_seconds, &err) !=
        P_OK)
        return cli_usage(command, &err);
    s->tls = (rpc_tls_files){.ca = cli_args_get(command, args, "tls-ca"),
                             .cert = cli_args_get(command, args, "tls-cert"),
                             .key = cli_args_get(command, args, "tls-key")};
    s->encrypted = cli_args_get(command, args, "tls") || s->tls.ca || s->tls.cert || s->tls.key;
    if (!s->tls.cert != !s->tls.key) {
        p_err_set(&err, P_EINVAL, "options --tls-cert and --tls-key need each other");
        return cli_usage(command, &err);
    }
    rpc_client_quiet();
    p_status st = service_connect(s, &s->client, &err);
    if (st == P_OK)
        st = get_status(s, (double)s->connect_seconds, &m, &err);
    const char *hint = advice(s, err.text);
    if (st == P_EDEADLINE)
        p_err_set(&err, st, "service at %s: no answer within %llu seconds (%s)", s->address,
                  (unsigned long long)s->connect_seconds, hint);
    else if (st == P_EUNSUPPORTED) /* a feature that is missing is not what this is */
        st = p_err_set(&err, P_EUNAVAILABLE, "service at %s: what answers is no zkproverd (%s)",
                       s->address, hint);
    else if (st == P_EUNAVAILABLE) {
        size_t len = strlen(err.text);
        snprintf(err.text + len, sizeof err.text - len, " (%s)", hint);
    }
    if (status && st == P_OK)
        *status = m;
    else
        service_status_free(m);
    return st == P_OK ? CLI_OK : cli_fail(&err);
}

void service_close(service *s)
{
    rpc_client_destroy(s->client);
    s->client = NULL;
}

p_status service_get_proof(service *s, const char *id, uint64_t seconds, service_proof **out,
                           char reason[SERVICE_REASON_BYTES], p_err *err)
{
    Zkprover__V1__GetProofRequest request = ZKPROVER__V1__GET_PROOF_REQUEST__INIT;
    rpc_stream *stream = NULL;
    uint8_t *answer = NULL;
    size_t len = 0;
    *out = NULL;
    reason[0] = 0;
    request.id = (char *)id;
    request.timeout = seconds;
    size_t request_len = zkprover__v1__get_proof_request__get_packed_size(&request);
    uint8_t *bytes = malloc(request_len + 1);
    if (!bytes)
        return p_err_set(err, P_EEXHAUSTED, "no memory for a request");
    zkprover__v1__get_proof_request__pack(&request, bytes);
    p_status st = rpc_stream_open(&stream, s->client, METHOD("GetProof"),
                                  (double)seconds + CALL_SECONDS, err);
    if (st == P_OK)
        st = rpc_stream_send(stream, bytes, request_len, err);
    if (st == P_OK)
        st = rpc_stream_receive(stream, &answer, &len, err);
    if (st == P_OK || st == P_ENOTFOUND) {
        p_status end = rpc_stream_finish(stream, err);
        if (end != P_OK && st == P_ENOTFOUND)
            st = end;
        else if (st == P_ENOTFOUND)
            st = p_err_set(err, P_EINTERNAL, "service at %s: the stream ended without an answer",
                           s->address);
        const char *why = rpc_stream_reason(stream, 0);
        snprintf(reason, SERVICE_REASON_BYTES, "%s", why ? why : "");
    }
    if (st == P_OK) {
        *out = zkprover__v1__get_proof_response__unpack(NULL, len, answer);
        if (*out)
            clean((*out)->result_string);
        else
            st = undecodable(s, err);
    }
    rpc_stream_destroy(stream);
    free(answer);
    free(bytes);
    return st;
}

void service_proof_free(service_proof *m)
{
    if (m)
        zkprover__v1__get_proof_response__free_unpacked(m, NULL);
}

p_status service_gen_proof(service *s, const uint8_t *request, size_t len, char **id, p_err *err)
{
    uint8_t *answer = NULL;
    size_t answer_len = 0;
    *id = NULL;
    p_status st = rpc_client_unary(s->client, METHOD("GenProof"), request, len, CALL_SECONDS,
                                   &answer, &answer_len, err);
    if (st != P_OK)
        return st;
    Zkprover__V1__GenProofResponse *m =
        zkprover__v1__gen_proof_response__unpack(NULL, answer_len, answer);
    const char *reason = rpc_client_reason(s->client);
    free(answer);
    if (!m)
        return undecodable(s, err);
    if (m->result != ZKPROVER__V1__GEN_PROOF_RESPONSE__RESULT_GEN_PROOF__RESULT_GEN_PROOF_OK) {
        bool refused =
            m->result == ZKPROVER__V1__GEN_PROOF_RESPONSE__RESULT_GEN_PROOF__RESULT_GEN_PROOF_ERROR;
        st = p_err_set(err, refused ? P_EINVAL : P_EINTERNAL, "the service %s: %s",
                       refused ? "refused the request" : "failed",
                       reason ? reason : "it gave no reason");
    } else {
        clean(m->id);
        *id = strdup(m->id);
        if (!*id)
            st = p_err_set(err, P_EEXHAUSTED, "no memory for an id");
    }
    zkprover__v1__gen_proof_response__free_unpacked(m, NULL);
    return st;
}

p_status service_cancel(service *s, const char *id, p_err *err)
{
    Zkprover__V1__CancelRequest request = ZKPROVER__V1__CANCEL_REQUEST__INIT;
    uint8_t *answer = NULL;
    size_t len = 0;
    request.id = (char *)id;
    size_t request_len = zkprover__v1__cancel_request__get_packed_size(&request);
    uint8_t *bytes = malloc(request_len + 1);
    if (!bytes)
        return p_err_set(err, P_EEXHAUSTED, "no memory for a request");
    zkprover__v1__cancel_request__pack(&request, bytes);
    p_status st = rpc_client_unary(s->client, METHOD("Cancel"), bytes, request_len, CALL_SECONDS,
                                   &answer, &len, err);
    free(bytes);
    if (st != P_OK)
        return st;
    Zkprover__V1__CancelResponse *m = zkprover__v1__cancel_response__unpack(NULL, len, answer);
    free(answer);
    if (!m)
        return undecodable(s, err);
    const char *reason = rpc_client_reason(s->client);
    if (m->result != ZKPROVER__V1__CANCEL_RESPONSE__RESULT_CANCEL__RESULT_CANCEL_OK)
        st = p_err_set(err, P_EINVAL, "%s", reason ? reason : "no such job, or it has ended");
    zkprover__v1__cancel_response__free_unpacked(m, NULL);
    return st;
}
