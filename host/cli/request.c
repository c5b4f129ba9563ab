#include "host/cli/request.h"

#include "driver/base/hex.h"
#include "host/cli/value.h"

#include "zkprover/v1/zk_prover.pb-c.h"

#include <stdlib.h>
#include <string.h>

#define ELEMENT_DIGITS 16
#define MAX_L2_DATA_FILE (((size_t)1 << 24) - 1)

typedef Zkprover__V1__InputProver__DbEntry node_entry;
typedef Zkprover__V1__InputProver__ContractsBytecodeEntry code_entry;

/* The elements of a node one after the other, 16 digits each. */
static char *node_text(const char *key, const json_t *elements, p_err *err)
{
    size_t n = json_array_size(elements);
    char *text = malloc(n * ELEMENT_DIGITS + 1);
    if (!text) {
        p_err_set(err, P_EEXHAUSTED, "no memory for the witness");
        return NULL;
    }
    for (size_t i = 0; i < n; i++) {
        const char *e = json_string_value(json_array_get(elements, i));
        size_t len = e ? strlen(e) : 0, prefix = e ? p_hex_prefix(e, len) : 0;
        if (!e || len - prefix == 0 || len - prefix > ELEMENT_DIGITS) {
            p_err_set(err, P_EINVAL, "field 'db': entry %s: element %zu is no 16-digit text", key,
                      i);
            free(text);
            return NULL;
        }
        char *to = text + i * ELEMENT_DIGITS;
        memset(to, '0', ELEMENT_DIGITS);
        memcpy(to + ELEMENT_DIGITS - (len - prefix), e + prefix, len - prefix);
    }
    text[n * ELEMENT_DIGITS] = 0;
    return text;
}

p_status request_pack(const json_t *file, const state_request *req, const char *aggregator,
                      uint8_t **bytes, size_t *len, p_err *err)
{
    const json_t *db = json_object_get(file, "db"),
                 *codes = json_object_get(file, "contractsBytecode");
    size_t max_nodes = json_object_size(db), max_codes = json_object_size(codes);
    node_entry *nodes = calloc(max_nodes + 1, sizeof *nodes),
               **node_list = calloc(max_nodes + 1, sizeof *node_list);
    code_entry *code = calloc(max_codes + 1, sizeof *code),
               **code_list = calloc(max_codes + 1, sizeof *code_list);
    *bytes = NULL;
    p_status s = P_OK;
    size_t n_nodes = 0, n_codes = 0;
    const exec_batch *b = &req->batch;
    uint8_t root[32];
    char sequencer[43];
    Zkprover__V1__ExecuteRequest request = ZKPROVER__V1__EXECUTE_REQUEST__INIT;
    Zkprover__V1__InputProver input = ZKPROVER__V1__INPUT_PROVER__INIT;
    Zkprover__V1__PublicInputs public = ZKPROVER__V1__PUBLIC_INPUTS__INIT;
    if (!nodes || !node_list || !code || !code_list)
        s = p_err_set(err, P_EEXHAUSTED, "no memory for the witness");
    const char *key;
    json_t *value;
    json_object_foreach((json_t *)db, key, value)
    {
        if (s != P_OK)
            break;
        node_entry *e = node_list[n_nodes] = &nodes[n_nodes];
        zkprover__v1__input_prover__db_entry__init(e);
        e->key = (char *)key;
        e->value = node_text(key, value, err);
        if (!e->value)
            s = err->status;
        else
            n_nodes++;
    }
    json_object_foreach((json_t *)codes, key, value)
    {
        if (s != P_OK)
            break;
        if (strlen(key) <= 42 || !json_is_string(value)) /* an address, not a hash */
            continue;
        code_entry *e = code_list[n_codes] = &code[n_codes];
        zkprover__v1__input_prover__contracts_bytecode_entry__init(e);
        e->key = (char *)key;
        e->value = (char *)json_string_value(value);
        n_codes++;
    }
    if (s == P_OK) {
        value_to_be(root, &b->old_state_root);
        value_hex_bytes(sequencer, b->sequencer.bytes, 20);
        public.old_state_root = (ProtobufCBinaryData){32, root};
        public.old_acc_input_hash =
            (ProtobufCBinaryData){32, (uint8_t *)b->old_acc_input_hash.bytes};
        public.old_batch_num = b->old_batch_num;
        public.chain_id = b->chain_id;
        public.batch_l2_data = (ProtobufCBinaryData){b->l2_data_len, (uint8_t *)b->l2_data};
        public.global_exit_root = (ProtobufCBinaryData){32, (uint8_t *)b->global_exit_root.bytes};
        public.eth_timestamp = b->timestamp;
        public.sequencer_addr = sequencer;
        public.aggregator_addr = (char *)aggregator;
        input.public_inputs = &public;
        input.n_db = n_nodes;
        input.db = node_list;
        input.n_contracts_bytecode = n_codes;
        input.contracts_bytecode = code_list;
        request.input = &input;
        *len = zkprover__v1__execute_request__get_packed_size(&request);
        *bytes = malloc(*len + 1);
        if (*bytes)
            zkprover__v1__execute_request__pack(&request, *bytes);
        else
            s = p_err_set(err, P_EEXHAUSTED, "no memory for a request of %zu bytes", *len);
    }
    for (size_t i = 0; i < n_nodes; i++)
        free(nodes[i].value);
    free(nodes);
    free(node_list);
    free(code);
    free(code_list);
    return s;
}

p_status request_load(const char *path, const char *aggregator, uint8_t **bytes, size_t *len,
                      batch_expected *expected, p_err *err)
{
    json_error_t where;
    state_request *req = NULL;
    *bytes = NULL;
    json_t *file = json_load_file(path, JSON_REJECT_DUPLICATES, &where);
    if (!file)
        return where.line > 0
                   ? p_err_set(err, P_EINVAL, "%s: line %d, column %d: no valid JSON: %s", path,
                               where.line, where.column, where.text)
                   : p_err_set(err, P_EINVAL, "%s: %s", path, where.text);
    /* the server's fork id decides; that of the file is checked only to be one */
    batch_file_options options = {.fork_id =
                                      json_object_get(file, "forkID") ? 0 : EXEC_FORK_DEFAULT,
                                  .default_counters = true,
                                  .max_l2_data = MAX_L2_DATA_FILE};
    p_status st = batch_json_parse(file, &options, &req, expected, err);
    if (st == P_OK && req->batch.l2_data_len > EXEC_BATCH_MAX_BYTES)
        st = p_err_set(err, P_EEXHAUSTED,
                       "field 'batchL2Data': %zu bytes; the service takes at most %d (`zkprover "
                       "execute --local` has no such limit)",
                       req->batch.l2_data_len, EXEC_BATCH_MAX_BYTES);
    if (st == P_OK)
        st = request_pack(file, req, aggregator, bytes, len, err);
    if (st != P_OK)
        p_err_prefix(err, "%s", path);
    state_request_destroy(req);
    json_decref(file);
    return st;
}

p_status request_aggregator(const char **out, const char *value, p_err *err)
{
    exec_address a;
    *out = value ? value : "0x0000000000000000000000000000000000000000";
    if (value_text_address(&a, *out, "--aggregator", NULL) != P_OK)
        return p_err_set(err, P_EINVAL,
                         "option --aggregator: expected 0x and 40 hexadecimal digits, found '%s'",
                         *out);
    return P_OK;
}
