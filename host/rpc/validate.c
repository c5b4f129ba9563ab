#include "host/rpc/validate.h"

#include "driver/base/hex.h"
#include "host/executor/bytes.h"

#include <string.h>

p_status rpc_validate_address(const char *field, const char *text, exec_address *out, p_err *err)
{
    size_t len = strlen(text);
    if (len == 0)
        return p_err_set(err, P_EINVAL,
                         "%s: it is absent; expected an address, 0x and 40 hex digits", field);
    if (text[0] != '0' || text[1] != 'x')
        return p_err_set(err, P_EINVAL,
                         "%s: it does not start with 0x; expected 0x and 40 hex "
                         "digits",
                         field);
    if (len != 42)
        return p_err_set(err, P_EINVAL, "%s: %zu characters, expected 42 (0x and 40 hex digits)",
                         field, len);
    if (!p_hex_decode(out->bytes, sizeof out->bytes, text + 2, 40))
        return p_err_set(err, P_EINVAL, "%s: it has a character that is no hex digit", field);
    return P_OK;
}

static p_status check_hash(const char *field, const ProtobufCBinaryData *data, uint8_t out[32],
                           p_err *err)
{
    if (data->len != 32)
        return p_err_set(err, P_EINVAL, "%s: %zu bytes, expected 32", field, data->len);
    memcpy(out, data->data, 32);
    return P_OK;
}

static p_status check_public(const Zkprover__V1__PublicInputs *in,
                             const rpc_validate_options *options, state_request *req, p_err *err)
{
    p_status st;
    uint8_t root[32] = {0};
    exec_batch *b = &req->batch;
    if ((st = check_hash("public_inputs.old_state_root", &in->old_state_root, root, err)) != P_OK)
        return st;
    b->old_state_root = bytes_load_u256(root);
    if ((st = check_hash("public_inputs.old_acc_input_hash", &in->old_acc_input_hash,
                         b->old_acc_input_hash.bytes, err)) != P_OK)
        return st;
    if ((st = check_hash("public_inputs.global_exit_root", &in->global_exit_root,
                         b->global_exit_root.bytes, err)) != P_OK)
        return st;
    if (in->old_batch_num == UINT64_MAX)
        return p_err_set(err, P_EINVAL,
                         "public_inputs.old_batch_num: 2^64 - 1 has no next batch; expected less");
    b->old_batch_num = in->old_batch_num;
    if (in->chain_id == 0)
        return p_err_set(err, P_EINVAL,
                         "public_inputs.chain_id: it is 0 or absent; expected 1 or "
                         "more");
    b->chain_id = in->chain_id;
    b->timestamp = in->eth_timestamp;
    if ((st = rpc_validate_address("public_inputs.sequencer_addr", in->sequencer_addr,
                                   &b->sequencer, err)) != P_OK)
        return st;
    if (options->need_aggregator || in->aggregator_addr[0])
        if ((st = rpc_validate_address("public_inputs.aggregator_addr", in->aggregator_addr,
                                       &req->aggregator, err)) != P_OK)
            return st;
    if (in->batch_l2_data.len > EXEC_BATCH_MAX_BYTES)
        return p_err_set(err, P_EINVAL,
                         "public_inputs.batch_l2_data: %zu bytes, expected at most %d; split the "
                         "batch",
                         in->batch_l2_data.len, EXEC_BATCH_MAX_BYTES);
    return state_request_set_l2_data(req, in->batch_l2_data.data, in->batch_l2_data.len,
                                     EXEC_BATCH_MAX_BYTES, err);
}

p_status rpc_validate_input(const Zkprover__V1__InputProver *input,
                            const rpc_validate_options *options, state_request **out, p_err *err)
{
    *out = NULL;
    if (!input)
        return p_err_set(err, P_EINVAL, "input: it is absent; expected the batch to execute");
    if (!input->public_inputs)
        return p_err_set(err, P_EINVAL, "public_inputs: it is absent; expected the batch's inputs");
    state_request *req;
    p_status st = state_request_create(&req, options->fork_id, err);
    if (st != P_OK)
        return st;
    req->batch.enforce_counters = options->enforce_counters;
    st = check_public(input->public_inputs, options, req, err);
    for (size_t i = 0; st == P_OK && i < input->n_db; i++) {
        const char *key = input->db[i]->key, *value = input->db[i]->value;
        st = state_request_add_node(req, key, strlen(key), value, strlen(value), err);
    }
    for (size_t i = 0; st == P_OK && i < input->n_contracts_bytecode; i++) {
        const char *key = input->contracts_bytecode[i]->key;
        const char *value = input->contracts_bytecode[i]->value;
        st = state_request_add_code(req, key, strlen(key), value, strlen(value), err);
    }
    if (st != P_OK) {
        state_request_destroy(req);
        return st;
    }
    *out = req;
    return P_OK;
}
