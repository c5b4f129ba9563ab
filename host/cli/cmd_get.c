/* zkprover get: the state of a job, and its proof. */
#include "host/cli/job.h"

static cli_exit run(const cli_command *self, const cli_args *args)
{
    p_err err = {0};
    bool wait = cli_args_get(self, args, "wait") != NULL;
    uint64_t seconds = wait ? JOB_NO_LIMIT : 0;
    if (args->n_operands != 1)
        p_err_set(&err, P_EINVAL, "expected one ID, found %zu", args->n_operands);
    else
        (void)cli_args_number(self, args, "timeout", 0, 31536000, &seconds, &err);
    if (err.status != P_OK)
        return cli_usage(self, &err);
    const char *id = args->operands[0];
    service s;
    service_proof *m = NULL;
    char reason[SERVICE_REASON_BYTES];
    cli_exit code = service_open(&s, self, args, NULL);
    if (code == CLI_OK) {
        code = job_wait(&s, id, seconds, &m, reason, &err) == P_OK
                   ? job_report(id, m, reason, cli_args_get(self, args, "json") != NULL,
                                cli_args_get(self, args, "out"))
                   : cli_fail(&err);
    }
    service_proof_free(m);
    service_close(&s);
    return code;
}

static const cli_option options[] = {
    {"wait", NULL, "until the job has ended"},
    {"timeout", "S", "until it has ended, or S seconds have passed (default 0)"},
    {"out", "FILE", "write the proof there, as snarkjs' proof.json"},
    {"json", NULL, "one JSON object"},
    SERVICE_OPTIONS,
};

/* clang-format off: one line of text a line */
static const char details[] =
    "The exit code is 0 only if there is a proof; 1 if the job has failed, was cancelled, is not\n"
    "known, or has not ended yet. --wait outlives a restart of the service that takes no longer\n"
    "than --connect-timeout. Interrupting the command leaves the job alone.\n"
    "\n"
    "--json prints id, state (pending, proved, failed, cancelled, unknown), result (as in the\n"
    "protocol), text (stage and per cent, or the reason), proof and public (null without a proof).";
/* clang-format on */

const cli_command cli_cmd_get = {
    .name = "get",
    .operands = "ID",
    .summary = "show a job, wait for it, fetch its proof",
    .details = details,
    .options = options,
    .n_options = sizeof options / sizeof options[0],
    .run = run,
};
