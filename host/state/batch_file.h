/** Batch files: the JSON that users of Polygon-zkEVM batches have (fields: docs/formats.md). */
#ifndef ZKP_HOST_STATE_BATCH_FILE_H
#define ZKP_HOST_STATE_BATCH_FILE_H

#include "host/state/request.h"

#include <jansson.h>

/** What a file says the result must be; a has_ flag for each, since files differ. */
typedef struct batch_expected {
    bool has_state_root, has_acc_input_hash, has_local_exit_root, has_batch_num,
        has_batch_hash_data;
    u256 state_root;
    exec_hash acc_input_hash, local_exit_root, batch_hash_data;
    uint64_t batch_num;
} batch_expected;

typedef struct batch_file_options {
    uint32_t fork_id;      /**< 0: take the file's forkID (an unsupported one is P_EUNSUPPORTED) */
    bool default_counters; /**< whether counters are enforced when the file does not say
                              (`counters`) */
    size_t max_l2_data;
} batch_file_options;

/** Builds a request (not yet verified) from a parsed object. Errors name the field. expected may be
 * NULL. */
p_status batch_json_parse(const json_t *object, const batch_file_options *options,
                          state_request **out, batch_expected *expected, p_err *err);

/** The same from a file; errors name the file, and line and column for broken JSON. */
p_status batch_file_load(const char *path, const batch_file_options *options, state_request **out,
                         batch_expected *expected, p_err *err);

#endif
