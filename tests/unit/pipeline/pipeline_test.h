/** Requests for the tests of the pipeline, without the protocol's messages. */
#ifndef ZKP_TESTS_UNIT_PIPELINE_PIPELINE_TEST_H
#define ZKP_TESTS_UNIT_PIPELINE_PIPELINE_TEST_H

#include "host/pipeline/pipeline.h"
#include "host/state/batch_file.h"

#include <string.h>

/** The bytes say what the request is: "empty" is a batch without transactions on the empty tree,
 * "lost" one on a root that nobody has, "transfer" a file of tests/data; anything else cannot be
 * decoded. */
static inline p_status test_decode(void *ctx, const uint8_t *bytes, size_t len, state_request **out,
                                   p_err *err)
{
    unsigned *decoded = ctx;
    *out = NULL;
    if (decoded)
        ++*decoded;
#ifdef ZKP_TEST_DATA
    if (len == 8 && memcmp(bytes, "transfer", 8) == 0) {
        const batch_file_options o = {.max_l2_data = EXEC_BATCH_MAX_BYTES};
        p_status loaded =
            batch_file_load(ZKP_TEST_DATA "/batch/fork6/transfer.json", &o, out, NULL, err);
        return loaded == P_OK ? state_request_verify(*out, gl_poseidon_select(NULL), err) : loaded;
    }
#endif
    bool lost = len == 4 && memcmp(bytes, "lost", 4) == 0;
    if (!lost && !(len == 5 && memcmp(bytes, "empty", 5) == 0))
        return p_err_set(err, P_EINVAL, "the request is no request");
    state_request *req;
    p_status st = state_request_create(&req, 6, err);
    if (st != P_OK)
        return st;
    req->batch.chain_id = 1000;
    req->batch.timestamp = 1;
    req->batch.global_exit_root.bytes[31] = 7; /* so that there is something to do */
    if (lost)
        req->batch.old_state_root.limb[0] = 5;
    st = state_request_set_l2_data(req, NULL, 0, 0, err);
    if (st == P_OK)
        st = state_request_verify(req, gl_poseidon_select(NULL), err);
    if (st == P_OK)
        *out = req;
    else
        state_request_destroy(req);
    return st;
}

#endif
