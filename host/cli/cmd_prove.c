/* zkprover prove: submits a batch, and waits for its proof if asked to. */
#include "host/cli/job.h"
#include "host/cli/output.h"
#include "host/cli/request.h"

#include <stdlib.h>

/* Says where a job goes on when the command cannot follow it any more. */
static cli_exit lost(const char *id, p_err *err)
{
    cli_exit code = cli_fail(err);
    fprintf(stderr, "zkprover: the job is kept; `zkprover get %s --wait` follows it\n", id);
    return code;
}

static cli_exit submit(const cli_command *self, const cli_args *args, service *s,
                       const uint8_t *bytes, size_t len)
{
    p_err err = {0};
    char *id = NULL, reason[SERVICE_REASON_BYTES];
    service_proof *m = NULL;
    bool as_json = cli_args_get(self, args, "json") != NULL;
    const char *file = cli_args_get(self, args, "out");
    bool wait = cli_args_get(self, args, "wait") != NULL || file;
    if (service_gen_proof(s, bytes, len, &id, &err) != P_OK) {
        p_err_prefix(&err, "%s", args->operands[0]);
        return cli_fail(&err);
    }
    if (!as_json)
        puts(id);
    else if (!wait)
        output_json_line(stdout, json_pack("{s:o}", "id", output_json_text(id)));
    fflush(stdout); /* whoever reads it can go on with it while the job runs */
    cli_exit code = CLI_OK;
    if (wait) {
        code = job_wait(s, id, JOB_NO_LIMIT, &m, reason, &err) == P_OK
                   ? job_report(id, m, reason, as_json, file)
                   : lost(id, &err);
    }
    service_proof_free(m);
    free(id);
    return code;
}

static cli_exit run(const cli_command *self, const cli_args *args)
{
    p_err err = {0};
    const char *aggregator;
    uint8_t *bytes = NULL;
    size_t len = 0;
    if (args->n_operands != 1)
        p_err_set(&err, P_EINVAL, "expected one FILE, found %zu", args->n_operands);
    else
        (void)request_aggregator(&aggregator, cli_args_get(self, args, "aggregator"), &err);
    if (err.status != P_OK)
        return cli_usage(self, &err);
    static const char *const later[][2] = {
        {"stage", "there is no prover"},
        {"device", "there is no prover in this process, and a service works on its own device "
                   "(zkproverd --device, zkprover devices)"},
    };
    for (size_t i = 0; i < sizeof later / sizeof later[0]; i++) {
        if (cli_args_get(self, args, later[i][0])) {
            fprintf(stderr, "zkprover prove: option --%s is not in this build yet: %s\n",
                    later[i][0], later[i][1]);
            return CLI_MISSING;
        }
    }
    if (request_load(args->operands[0], aggregator, &bytes, &len, NULL, &err) != P_OK) {
        (void)cli_fail(&err);
        return err.status == P_EEXHAUSTED ? CLI_REFUSED : CLI_FAILURE;
    }
    service s;
    cli_exit code = service_open(&s, self, args, NULL);
    if (code == CLI_OK)
        code = submit(self, args, &s, bytes, len);
    service_close(&s);
    free(bytes);
    return code;
}

static const cli_option options[] = {
    {"wait", NULL, "until the job has ended"},
    {"out", "FILE", "wait, and write the proof there, as snarkjs' proof.json"},
    {"aggregator", "ADDR", "the aggregator's address that the proof is bound to (default 0)"},
    {"stage", "STAGE", "not in this build yet"},
    {"device", "D", "not in this build yet"},
    {"json", NULL, "one JSON object"},
    SERVICE_OPTIONS,
};

/* clang-format off: one line of text a line */
static const char details[] =
    "FILE is a batch as JSON (docs/formats.md). Prints the id of the job, which the service has\n"
    "stored by then; `zkprover get ID` asks for its state. With --wait the exit code is 0 only if\n"
    "there is a proof; on a terminal the progress is shown. Interrupting the command leaves the\n"
    "job alone. --json prints {id}, or with --wait what `zkprover get --json` prints.\n"
    "\n"
    "This build has no prover: the service executes the batch, and the job fails saying so.";
/* clang-format on */

const cli_command cli_cmd_prove = {
    .name = "prove",
    .operands = "FILE",
    .summary = "submit a batch for proving",
    .details = details,
    .options = options,
    .n_options = sizeof options / sizeof options[0],
    .run = run,
};
