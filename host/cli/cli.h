/** What the commands of `zkprover` share: exit codes, the command table, command line arguments.
 *
 *  A command is one file cmd_NAME.c with one row in the table of main.c. Everything here runs on
 *  the main thread. */
#ifndef ZKP_HOST_CLI_CLI_H
#define ZKP_HOST_CLI_CLI_H

#include "driver/base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/** Exit codes of the program (the table in docs/operations.md). */
typedef enum cli_exit {
    CLI_OK = 0,
    CLI_FAILURE = 1, /**< something was wrong with what was asked: a file, a result, the service */
    CLI_USAGE = 2,   /**< the command line itself */
    CLI_CONFIG = 3,  /**< configuration */
    CLI_MISSING = 4, /**< a missing artefact, device, or part of this build */
    CLI_REFUSED = 5, /**< refused for size: a limit of memory, message or batch */
} cli_exit;

/** The exit code that a status stands for. */
cli_exit cli_exit_of(p_status status);

/** One option of a command. */
typedef struct cli_option {
    const char *name;  /**< without the two dashes */
    const char *value; /**< name of its value in the help; NULL: a switch; one that begins with '[',
                          as "[S]": a number that may be left out, and then is "" */
    const char *help;
} cli_option;

#define CLI_MAX_OPTIONS 32 /**< of a command; cli_args_parse refuses a table of more */

/** A parsed command line. Strings are borrowed from argv. */
typedef struct cli_args {
    const char *values[CLI_MAX_OPTIONS]; /**< by index of the option table; "" for a given switch,
                                            NULL if absent */
    bool help;                           /**< --help or -h was given */
    char **operands;                     /**< argv, reordered: the n_operands that are no options */
    size_t n_operands;
} cli_args;

typedef struct cli_command {
    const char *name;
    const char *operands; /**< for the usage line, such as "FILE..." */
    const char *summary;  /**< one line */
    const char *details;  /**< more for --help; may be NULL */
    const cli_option *options;
    size_t n_options;
    cli_exit (*run)(const struct cli_command *self, const cli_args *args);
} cli_command;

/** Parses argv[0..argc-1] (without program and command name): options anywhere, `--name value` or
 *  `--name=value`, `--` ends them. P_EINVAL names the argument that is wrong. argv is reordered. */
p_status cli_args_parse(const cli_option *options, size_t n_options, int argc, char **argv,
                        cli_args *out, p_err *err);
/** The value of an option by name, or NULL; a switch that was given has the value "". */
const char *cli_args_get(const cli_command *command, const cli_args *args, const char *name);
/** The value of an option as a number in min..max; keeps *out if the option, or the value that may
 *  be left out, is absent. */
p_status cli_args_number(const cli_command *command, const cli_args *args, const char *name,
                         uint64_t min, uint64_t max, uint64_t *out, p_err *err);
/** Prints the help of a command. */
void cli_args_help(const cli_command *command, FILE *out);

/** Prints "zkprover: TEXT" to stderr and returns the exit code of the error. */
cli_exit cli_fail(const p_err *err);
/** The same for a wrong command line: adds where help is. */
cli_exit cli_usage(const cli_command *command, const p_err *err);

extern const cli_command cli_cmd_execute, cli_cmd_prove, cli_cmd_get, cli_cmd_list, cli_cmd_cancel,
    cli_cmd_status, cli_cmd_devices, cli_cmd_groth16, cli_cmd_r1cs, cli_cmd_stark, cli_cmd_state,
    cli_cmd_vectors, cli_cmd_bench, cli_cmd_wrap;

#endif
