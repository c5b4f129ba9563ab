/* zkprover cancel: stops jobs. */
#include "host/cli/service.h"

#include <string.h>

static cli_exit run(const cli_command *self, const cli_args *args)
{
    p_err err = {0};
    if (args->n_operands == 0) {
        p_err_set(&err, P_EINVAL, "expected at least one ID");
        return cli_usage(self, &err);
    }
    service s;
    cli_exit code = service_open(&s, self, args, NULL);
    bool connected = code == CLI_OK;
    for (size_t i = 0; i < args->n_operands && connected; i++) {
        const char *id = args->operands[i];
        p_err_clear(&err);
        p_status st = service_cancel(&s, id, &err);
        if (st == P_OK) {
            printf("%s  cancelled\n", id);
            continue;
        }
        if (!strstr(err.text, id))
            p_err_prefix(&err, "%s", id);
        code = cli_fail(&err);
        connected = st != P_EUNAVAILABLE;
    }
    service_close(&s);
    return code;
}

static const cli_option options[] = {SERVICE_OPTIONS};

const cli_command cli_cmd_cancel = {
    .name = "cancel",
    .operands = "ID...",
    .summary = "cancel jobs that run or wait",
    .details = "Cancelling a cancelled job is no error; one that is unknown or has ended otherwise "
               "is.",
    .options = options,
    .n_options = sizeof options / sizeof options[0],
    .run = run,
};
