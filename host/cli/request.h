/** Batch files as requests for the service, and its answers as text (cmd_execute.c). One thread. */
#ifndef ZKP_HOST_CLI_REQUEST_H
#define ZKP_HOST_CLI_REQUEST_H

#include "driver/base/err.h"
#include "host/state/batch_file.h"

#include <jansson.h>

/** Packs an ExecuteRequest: the public inputs from a parsed request, the witness from the file's
 *  `db` and `contractsBytecode` (entries by address are not part of the protocol and left out).
 *  aggregator is 0x + 40 digits. *bytes is malloc'ed. */
p_status request_pack(const json_t *file, const state_request *req, const char *aggregator,
                      uint8_t **bytes, size_t *len, p_err *err);

/** Reads a batch file and packs it. A GenProofRequest has the same bytes as an ExecuteRequest: both
 *  have the one field `input`, number 1. What the service would refuse for size is P_EEXHAUSTED.
 *  Errors name the file. expected may be NULL. */
p_status request_load(const char *path, const char *aggregator, uint8_t **bytes, size_t *len,
                      batch_expected *expected, p_err *err);

/** Checks the value of --aggregator; NULL stands for the zero address. *out is what to send. */
p_status request_aggregator(const char **out, const char *value, p_err *err);

#endif
