/* zkprover status: what the service is doing. */
#include "host/cli/cli.h"
#include "host/rpc/client.h"

#include "zkprover/v1/zk_prover.pb-c.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define DEFAULT_ADDRESS "127.0.0.1:50051"
#define TIMEOUT_SECONDS 10.0
#define MAX_MESSAGE_BYTES ((size_t)64 << 20)

static const char *state_text(int state)
{
    static const char *const texts[] = {"UNSPECIFIED", "BOOTING", "COMPUTING", "IDLE", "HALT"};
    return state >= 0 && state < 5 ? texts[state] : "?";
}

static void print_time(const char *name, uint64_t seconds)
{
    time_t t = (time_t)seconds;
    struct tm tm;
    char text[32] = "-";
    if (seconds > 0 && gmtime_r(&t, &tm))
        strftime(text, sizeof text, "%Y-%m-%d %H:%M:%S UTC", &tm);
    printf("%-16s %s\n", name, text);
}

static void print_readable(const char *address, const Zkprover__V1__GetStatusResponse *m)
{
    printf("%-16s %s\n%-16s %s\n", "service", address, "state", state_text((int)m->state));
    printf("%-16s server %s, protocol %s\n", "version", m->version_server, m->version_proto);
    printf("%-16s %s\n", "computing",
           m->current_computing_request_id[0] ? m->current_computing_request_id : "-");
    if (m->current_computing_request_id[0])
        print_time("  since", m->current_computing_start_time);
    printf("%-16s %s\n", "last computed",
           m->last_computed_request_id[0] ? m->last_computed_request_id : "-");
    if (m->last_computed_request_id[0])
        print_time("  at", m->last_computed_end_time);
    printf("%-16s %zu\n", "waiting", m->n_pending_request_queue_ids);
    for (size_t i = 0; i < m->n_pending_request_queue_ids; i++)
        printf("  %s\n", m->pending_request_queue_ids[i]);
}

static void print_json(const Zkprover__V1__GetStatusResponse *m)
{
    json_t *o = json_object(), *ids = json_array();
    for (size_t i = 0; i < m->n_pending_request_queue_ids; i++)
        json_array_append_new(ids, json_string(m->pending_request_queue_ids[i]));
    json_object_set_new(o, "state", json_string(state_text((int)m->state)));
    json_object_set_new(o, "lastComputedRequestId", json_string(m->last_computed_request_id));
    json_object_set_new(o, "lastComputedEndTime",
                        json_integer((json_int_t)m->last_computed_end_time));
    json_object_set_new(o, "currentComputingRequestId",
                        json_string(m->current_computing_request_id));
    json_object_set_new(o, "currentComputingStartTime",
                        json_integer((json_int_t)m->current_computing_start_time));
    json_object_set_new(o, "versionProto", json_string(m->version_proto));
    json_object_set_new(o, "versionServer", json_string(m->version_server));
    json_object_set_new(o, "pendingRequestQueueIds", ids);
    char *text = json_dumps(o, JSON_COMPACT);
    if (text)
        puts(text);
    free(text);
    json_decref(o);
}

static cli_exit run(const cli_command *self, const cli_args *args)
{
    p_err err = {0};
    const char *address = cli_args_get(self, args, "addr");
    if (!address)
        address = DEFAULT_ADDRESS;
    if (args->n_operands > 0) {
        p_err_set(&err, P_EINVAL, "expected no argument, found '%s'", args->operands[0]);
        return cli_usage(self, &err);
    }
    rpc_client *client = NULL;
    uint8_t *answer = NULL;
    size_t len = 0;
    static const uint8_t nothing[1]; /* GetStatusRequest has no fields */
    p_status s = rpc_client_create(&client, address, MAX_MESSAGE_BYTES, &err);
    if (s == P_OK)
        s = rpc_client_unary(client, "/zkprover.v1.ZKProverService/GetStatus", nothing, 0,
                             TIMEOUT_SECONDS, &answer, &len, &err);
    Zkprover__V1__GetStatusResponse *m = NULL;
    if (s == P_OK) {
        m = zkprover__v1__get_status_response__unpack(NULL, len, answer);
        if (!m)
            s = p_err_set(&err, P_EINTERNAL, "service at %s: the answer cannot be decoded",
                          address);
    }
    if (m && cli_args_get(self, args, "json"))
        print_json(m);
    else if (m)
        print_readable(address, m);
    if (m)
        zkprover__v1__get_status_response__free_unpacked(m, NULL);
    free(answer);
    rpc_client_destroy(client);
    return s == P_OK ? CLI_OK : cli_fail(&err);
}

static const cli_option options[] = {
    {"addr", "A:P", "address of the service (default " DEFAULT_ADDRESS ")"},
    {"json", NULL, "one JSON object"},
};

const cli_command cli_cmd_status = {
    .name = "status",
    .operands = "",
    .summary = "show what the service is doing",
    .details = NULL,
    .options = options,
    .n_options = sizeof options / sizeof options[0],
    .run = run,
};
