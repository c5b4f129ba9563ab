/* zkproverd: the service. */
#include "host/rpc/server.h"
#include "host/rpc/service.h"
#include "host/zkproverd/lifecycle.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

extern char **environ;

static exit_code run(const config *c)
{
    lifecycle *l;
    exit_code code;
    p_err err = {0};
    if (lifecycle_start(&l, c, &code, &err) != P_OK)
        return code;
    lifecycle_serve(l);
    lifecycle_drain(l);
    lifecycle_stop(l);
    return EXIT_CODE_OK;
}

static exit_code check(const config *c, config_problems *problems)
{
    size_t n_config = problems->n;
    lifecycle_check(c, problems); /* values that were refused are defaults in c */
    for (size_t i = 0; i < problems->n_warnings; i++)
        printf("warning: %s\n", problems->warning[i]);
    for (size_t i = 0; i < problems->n && i < CONFIG_PROBLEMS_MAX; i++)
        printf("problem: %s\n", problems->text[i]);
    if (problems->n == 0) {
        printf("ok\n");
        return EXIT_CODE_OK;
    }
    return problems->usage ? EXIT_CODE_USAGE : n_config ? EXIT_CODE_CONFIG : EXIT_CODE_MISSING;
}

int main(int argc, char **argv)
{
    config c;
    config_action action;
    exit_code code = EXIT_CODE_OK;
    config_problems *problems = calloc(1, sizeof *problems);
    if (!problems)
        return EXIT_CODE_FAILURE;
    lifecycle_block_signals();
    config_load(&c, argc, argv, environ, &action, problems);
    if (action == CONFIG_HELP) {
        config_help(stdout);
    } else if (action == CONFIG_VERSION) {
        printf("zkproverd %s (protocol %s, gRPC core %s)\n", ZKP_VERSION, RPC_PROTOCOL_VERSION,
               rpc_core_version());
    } else if (action == CONFIG_CHECK) {
        code = check(&c, problems);
    } else if (problems->n) {
        for (size_t i = 0; i < problems->n && i < CONFIG_PROBLEMS_MAX; i++)
            fprintf(stderr, "zkproverd: %s\n", problems->text[i]);
        code = problems->usage ? EXIT_CODE_USAGE : EXIT_CODE_CONFIG;
    } else if (action == CONFIG_PRINT) {
        config_print(&c, stdout);
    } else {
        logger log = {c.log_level, STDERR_FILENO};
        for (size_t i = 0; i < problems->n_warnings; i++)
            log_event(&log, LOG_WARN, "configuration", "{s:s}", "text", problems->warning[i]);
        code = run(&c);
    }
    free(problems);
    return (int)code;
}
