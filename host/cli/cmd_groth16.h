/** Actions of `zkprover groth16`, which two files share. */
#ifndef ZKP_HOST_CLI_CMD_GROTH16_H
#define ZKP_HOST_CLI_CMD_GROTH16_H

#include "host/cli/cli.h"

#include <jansson.h>

#define GROTH16_MAX_THREADS 1024

/** Writes a value and releases it; NULL: there was no memory for it. */
p_status cmd_groth16_write_json(const char *path, json_t *value, p_err *err);

cli_exit cmd_groth16_setup(const cli_command *self, const cli_args *args);
cli_exit cmd_groth16_ptau(const cli_command *self, const cli_args *args);
cli_exit cmd_groth16_export_vk(const cli_command *self, const cli_args *args);
cli_exit cmd_groth16_export_solidity(const cli_command *self, const cli_args *args);

#endif
