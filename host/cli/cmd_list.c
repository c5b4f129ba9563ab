/* zkprover list: the jobs that the service speaks of: the one that runs, those that wait, and the
 * one that ended last. */
#include "host/cli/job.h"
#include "host/cli/output.h"
#include "host/cli/watch.h"

#include <stdlib.h>
#include <string.h>

#define RESULT_PENDING ZKPROVER__V1__GET_PROOF_RESPONSE__RESULT_GET_PROOF__RESULT_GET_PROOF_PENDING

typedef struct row {
    const char *id, *state;
    uint64_t since;      /**< started or ended, unix seconds; 0: not known */
    size_t position;     /**< in the queue from 1; 0: does not wait */
    service_proof *more; /**< what GetProof said; NULL: not asked, or it failed */
} row;

static row ask(service *s, const char *id, const char *state, uint64_t since)
{
    row r = {.id = id, .state = state, .since = since};
    char reason[SERVICE_REASON_BYTES];
    if (service_get_proof(s, id, 0, &r.more, reason, NULL) == P_OK &&
        r.more->result != RESULT_PENDING)
        r.state = job_word((int)r.more->result); /* also of one that has just ended */
    return r;
}

typedef void row_fn(void *ctx, const row *r);

static void each_row(service *s, const service_status *m, row_fn *fn, void *ctx)
{
    if (m->current_computing_request_id[0]) {
        row r = ask(s, m->current_computing_request_id, "running", m->current_computing_start_time);
        fn(ctx, &r);
        service_proof_free(r.more);
    }
    for (size_t i = 0; i < m->n_pending_request_queue_ids; i++) {
        row r = {.id = m->pending_request_queue_ids[i], .state = "pending", .position = i + 1};
        fn(ctx, &r);
    }
    if (m->last_computed_request_id[0]) {
        row r = ask(s, m->last_computed_request_id, "ended", m->last_computed_end_time);
        fn(ctx, &r);
        service_proof_free(r.more);
    }
}

/* What else is known, in a few words: 31 columns are left of 80. */
static const char *detail_of(char *out, size_t size, const row *r)
{
    static const char prefix[] = "running: "; /* the state says so already */
    char time[WATCH_TIME_BYTES];
    if (r->position > 0)
        snprintf(out, size, "%zu in the queue", r->position);
    else if (r->more && r->more->result == RESULT_PENDING) {
        const char *text = r->more->result_string;
        bool same = strncmp(text, prefix, sizeof prefix - 1) == 0;
        snprintf(out, size, "%s", text + (same ? sizeof prefix - 1 : 0));
    } else
        snprintf(out, size, "%s", watch_time(time, r->since));
    return out;
}

static void add_row(void *ctx, const row *r)
{
    char detail[256];
    table_cell(ctx, "%s", r->id);
    table_cell(ctx, "%s", r->state);
    table_cell(ctx, "%s", detail_of(detail, sizeof detail, r));
}

static void frame(service *s, const service_status *m, FILE *out)
{
    static const char *const header[] = {"ID", "STATE", "DETAIL"};
    table t;
    table_init(&t, 3, header);
    each_row(s, m, add_row, &t);
    if (t.n_cells > t.n_columns)
        (void)table_print(&t, out);
    else
        fputs("no job runs, waits, or has ended\n", out);
    table_free(&t);
}

static void json_row(void *ctx, const row *r)
{
    json_t *o = json_object();
    bool runs = r->more && r->more->result == RESULT_PENDING;
    int percent = runs ? job_percent(r->more->result_string) : -1;
    bool ended = r->position == 0 && strcmp(r->state, "running") != 0;
    json_object_set_new(o, "id", output_json_text(r->id));
    json_object_set_new(o, "state", json_string(r->state));
    json_object_set_new(o, "position",
                        r->position ? json_integer((json_int_t)r->position) : json_null());
    json_object_set_new(o, "progress",
                        runs ? output_json_text(r->more->result_string) : json_null());
    json_object_set_new(o, "percent", percent >= 0 ? json_integer(percent) : json_null());
    json_object_set_new(o, ended ? "endTime" : "startTime",
                        r->since ? json_integer((json_int_t)r->since) : json_null());
    json_object_set_new(o, "result",
                        r->more ? json_string(job_result_name((int)r->more->result)) : json_null());
    output_json_line(ctx, o);
}

static void text_row(void *ctx, const row *r)
{
    char detail[256];
    fprintf(ctx, "%s  %-9s  %s\n", r->id, r->state, detail_of(detail, sizeof detail, r));
}

static void lines(service *s, const service_status *m, bool as_json, FILE *out)
{
    each_row(s, m, as_json ? json_row : text_row, out);
}

static cli_exit run(const cli_command *self, const cli_args *args)
{
    static const watch_view view = {frame, lines};
    return watch_run(self, args, &view);
}

static const cli_option options[] = {
    WATCH_OPTION,
    {"json", NULL, "one JSON object a line for each job"},
    SERVICE_OPTIONS,
};

/* clang-format off: one line of text a line */
static const char details[] =
    "Shown are the job that runs, those that wait in their order, and the one that ended last;\n"
    "`zkprover get ID` asks for any other. States: running, pending, proved, failed, cancelled.\n"
    "--watch draws over the last table on a terminal; elsewhere, and with --json, it prints\n"
    "a line for each job that has changed.";
/* clang-format on */

const cli_command cli_cmd_list = {
    .name = "list",
    .operands = "",
    .summary = "show the jobs that run, wait, or ended last",
    .details = details,
    .options = options,
    .n_options = sizeof options / sizeof options[0],
    .run = run,
};
