/* Input: a batch file. Whatever it holds, reading and verifying it ends with a request or with an
 * error that says why. */
#include "host/state/batch_file.h"

#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    batch_file_options options = {.fork_id = 0, .default_counters = true, .max_l2_data = 120000};
    json_error_t where;
    json_t *object = json_loadb((const char *)data, size, JSON_REJECT_DUPLICATES, &where);
    if (!object)
        return 0;
    p_err err;
    p_err_clear(&err);
    state_request *request = NULL;
    batch_expected expected;
    p_status status = batch_json_parse(object, &options, &request, &expected, &err);
    json_decref(object);
    if (status == P_OK)
        status = state_request_verify(request, gl_poseidon_select(NULL), &err);
    else if (request)
        abort(); /* a failure leaves no request */
    if (status != P_OK && (err.status != status || !err.text[0])) {
        fprintf(stderr, "fuzz: status %d without a reason\n", (int)status);
        abort();
    }
    state_request_destroy(request);
    return 0;
}
