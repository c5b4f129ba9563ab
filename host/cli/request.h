/** Batch files as requests for the service, and its answers as text (cmd_execute.c). One thread. */
#ifndef ZKP_HOST_CLI_REQUEST_H
#define ZKP_HOST_CLI_REQUEST_H

#include "driver/base/err.h"
#include "host/state/request.h"

#include <jansson.h>

/** Packs an ExecuteRequest: the public inputs from a parsed request, the witness from the file's
 *  `db` and `contractsBytecode` (entries by address are not part of the protocol and left out).
 *  aggregator is 0x + 40 digits. *bytes is malloc'ed. */
p_status request_pack(const json_t *file, const state_request *req, const char *aggregator,
                      uint8_t **bytes, size_t *len, p_err *err);

#endif
