/* zkprover status: what the service is doing. */
#include "host/cli/output.h"
#include "host/cli/watch.h"

#include <stdlib.h>
#include <string.h>

static const char *state_text(int state)
{
    static const char *const texts[] = {"UNSPECIFIED", "BOOTING", "COMPUTING", "IDLE", "HALT"};
    return state >= 0 && state < 5 ? texts[state] : "?";
}

/* Stage and per cent of the running job, as the service words them; nothing if it does not say. */
static void print_progress(service *s, const char *id, FILE *out)
{
    service_proof *m;
    char reason[SERVICE_REASON_BYTES];
    if (service_get_proof(s, id, 0, &m, reason, NULL) == P_OK &&
        m->result == ZKPROVER__V1__GET_PROOF_RESPONSE__RESULT_GET_PROOF__RESULT_GET_PROOF_PENDING)
        fprintf(out, "%-16s %s\n", "  progress", m->result_string);
    service_proof_free(m);
}

static void frame(service *s, const service_status *m, FILE *out)
{
    char time[WATCH_TIME_BYTES];
    const char *current = m->current_computing_request_id, *last = m->last_computed_request_id;
    fprintf(out, "%-16s %s\n%-16s %s\n", "service", s->address, "state", state_text((int)m->state));
    fprintf(out, "%-16s server %s, protocol %s\n", "version", m->version_server, m->version_proto);
    fprintf(out, "%-16s %s\n", "computing", current[0] ? current : "-");
    if (current[0]) {
        fprintf(out, "%-16s %s\n", "  since", watch_time(time, m->current_computing_start_time));
        print_progress(s, current, out);
    }
    fprintf(out, "%-16s %s\n", "last computed", last[0] ? last : "-");
    if (last[0])
        fprintf(out, "%-16s %s\n", "  at", watch_time(time, m->last_computed_end_time));
    fprintf(out, "%-16s %zu\n", "waiting", m->n_pending_request_queue_ids);
    for (size_t i = 0; i < m->n_pending_request_queue_ids; i++)
        fprintf(out, "  %s\n", m->pending_request_queue_ids[i]);
}

static void print_json(const service_status *m, FILE *out)
{
    json_t *o = json_object(), *ids = json_array();
    for (size_t i = 0; i < m->n_pending_request_queue_ids; i++)
        json_array_append_new(ids, output_json_text(m->pending_request_queue_ids[i]));
    json_object_set_new(o, "state", json_string(state_text((int)m->state)));
    json_object_set_new(o, "lastComputedRequestId", output_json_text(m->last_computed_request_id));
    json_object_set_new(o, "lastComputedEndTime",
                        json_integer((json_int_t)m->last_computed_end_time));
    json_object_set_new(o, "currentComputingRequestId",
                        output_json_text(m->current_computing_request_id));
    json_object_set_new(o, "currentComputingStartTime",
                        json_integer((json_int_t)m->current_computing_start_time));
    json_object_set_new(o, "versionProto", output_json_text(m->version_proto));
    json_object_set_new(o, "versionServer", output_json_text(m->version_server));
    json_object_set_new(o, "pendingRequestQueueIds", ids);
    output_json_line(out, o);
}

static void lines(service *s, const service_status *m, bool as_json, FILE *out)
{
    (void)s;
    const char *current = m->current_computing_request_id, *last = m->last_computed_request_id;
    if (as_json)
        print_json(m, out);
    else
        fprintf(out, "%s  computing %s  waiting %zu  last %s\n", state_text((int)m->state),
                current[0] ? current : "-", m->n_pending_request_queue_ids, last[0] ? last : "-");
}

static cli_exit run(const cli_command *self, const cli_args *args)
{
    static const watch_view view = {frame, lines};
    return watch_run(self, args, &view);
}

static const cli_option options[] = {
    WATCH_OPTION,
    {"json", NULL, "one JSON object"},
    SERVICE_OPTIONS,
};

/* clang-format off: one line of text a line */
static const char details[] =
    "--watch draws over the last text on a terminal; elsewhere, and with --json, it prints\n"
    "a line whenever something has changed.";
/* clang-format on */

const cli_command cli_cmd_status = {
    .name = "status",
    .operands = "",
    .summary = "show what the service is doing",
    .details = details,
    .options = options,
    .n_options = sizeof options / sizeof options[0],
    .run = run,
};
