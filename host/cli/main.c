/* zkprover: the command. One row of the table below is one command; what each does is in
 * cmd_NAME.c. */
#include "host/cli/cli.h"

#include <string.h>

static const cli_command *const commands[] = {
    &cli_cmd_execute, &cli_cmd_prove,   &cli_cmd_get,     &cli_cmd_list,  &cli_cmd_cancel,
    &cli_cmd_status,  &cli_cmd_devices, &cli_cmd_groth16, &cli_cmd_r1cs,  &cli_cmd_stark,
    &cli_cmd_wrap,    &cli_cmd_state,   &cli_cmd_vectors, &cli_cmd_bench,
};
#define N_COMMANDS (sizeof commands / sizeof commands[0])

/* Named in the documentation, not built yet: a clear answer instead of "unknown command". */
static const char *const later[] = {"verify", "keys"};

static void usage(FILE *out)
{
    fprintf(out, "usage: zkprover COMMAND [OPTION...] [ARGUMENT...]\n\ncommands:\n");
    for (size_t i = 0; i < N_COMMANDS; i++)
        fprintf(out, "  %-10s %s\n", commands[i]->name, commands[i]->summary);
    fprintf(out, "\nnot in this build yet (exit code 4):");
    for (size_t i = 0; i < sizeof later / sizeof later[0]; i++)
        fprintf(out, " %s", later[i]);
    fprintf(out, "\n\n`zkprover COMMAND --help` describes a command; `zkprover --version` prints "
                 "the version.\n");
}

int main(int argc, char **argv)
{
    if (argc < 2) {
        usage(stderr);
        return CLI_USAGE;
    }
    const char *name = argv[1];
    if (strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0 || strcmp(name, "help") == 0) {
        usage(stdout);
        return CLI_OK;
    }
    if (strcmp(name, "--version") == 0) {
        printf("zkprover %s\n", ZKP_VERSION);
        return CLI_OK;
    }
    for (size_t i = 0; i < sizeof later / sizeof later[0]; i++) {
        if (strcmp(name, later[i]) == 0) {
            fprintf(stderr, "zkprover: '%s' is not in this build yet\n", name);
            return CLI_MISSING;
        }
    }
    for (size_t i = 0; i < N_COMMANDS; i++) {
        const cli_command *c = commands[i];
        if (strcmp(name, c->name) != 0)
            continue;
        cli_args args;
        p_err err = {0};
        if (cli_args_parse(c->options, c->n_options, argc - 2, argv + 2, &args, &err) != P_OK)
            return cli_usage(c, &err);
        if (args.help) {
            cli_args_help(c, stdout);
            return CLI_OK;
        }
        int code = c->run(c, &args);
        if (fflush(stdout) != 0 && code == CLI_OK) {
            fprintf(stderr, "zkprover: standard output cannot be written\n");
            code = CLI_FAILURE;
        }
        return code;
    }
    fprintf(stderr, "zkprover: unknown command '%s' (see zkprover --help)\n", name);
    return CLI_USAGE;
}
