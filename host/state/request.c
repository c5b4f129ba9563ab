#include "host/state/request.h"

#include "driver/base/hex.h"
#include "host/executor/bytes.h"
#include "host/state/overlay.h"
#include "host/state/text.h"

#include <stdlib.h>
#include <string.h>

/** The executor's own bound: RLP lengths and offsets stay below it. */
#define L2_DATA_LIMIT (((size_t)1 << 24) - 1)

p_status state_request_create(state_request **out, uint32_t fork_id, p_err *err)
{
    *out = NULL;
    if (!exec_fork_supported(fork_id))
        return p_err_set(err, P_EUNSUPPORTED, "fork id %u is not supported; supported are 4, 5, 6",
                         fork_id);
    state_request *req = calloc(1, sizeof *req);
    if (!req)
        return p_err_set(err, P_EEXHAUSTED, "no memory for a request");
    p_status s = overlay_create(&req->overlay, err);
    if (s != P_OK) {
        free(req);
        return s;
    }
    req->batch.fork_id = fork_id;
    req->batch.block_gas_limit = EXEC_BLOCK_GAS_LIMIT;
    req->batch.enforce_counters = true;
    *out = req;
    return P_OK;
}

void state_request_destroy(state_request *req)
{
    if (!req)
        return;
    free((void *)req->batch.l2_data);
    overlay_destroy(req->overlay);
    free(req);
}

p_status state_request_set_l2_data(state_request *req, const uint8_t *data, size_t len,
                                   size_t max_len, p_err *err)
{
    if (max_len > L2_DATA_LIMIT)
        max_len = L2_DATA_LIMIT;
    if (len > max_len)
        return p_err_set(err, P_EINVAL,
                         "batch_l2_data: %zu bytes, expected at most %zu; split the batch", len,
                         max_len);
    uint8_t *copy = malloc(len ? len : 1);
    if (!copy)
        return p_err_set(err, P_EEXHAUSTED, "batch_l2_data: no memory for %zu bytes", len);
    if (len)
        memcpy(copy, data, len);
    free((void *)req->batch.l2_data);
    req->batch.l2_data = copy;
    req->batch.l2_data_len = len;
    return P_OK;
}

/** A map key to the four elements of a hash. */
static p_status parse_hash(const char *field, const char *key, size_t key_len, gl_t hash[4],
                           p_err *err)
{
    char shown[STATE_SHOWN_BYTES];
    uint8_t bytes[32];
    size_t prefix = p_hex_prefix(key, key_len);
    const char *digits = key + prefix;
    size_t n = key_len - prefix;
    if (n == 0 || n > 64)
        return p_err_set(err, P_EINVAL, "%s[%s]: the key has %zu hex digits, expected 1 to 64",
                         field, state_text_shown(shown, key, key_len), n);
    if (!p_hex_decode_padded(bytes, 32, digits, n))
        return p_err_set(err, P_EINVAL, "%s[%s]: the key has '%s' at offset %zu, not a hex digit",
                         field, state_text_shown(shown, key, key_len),
                         state_text_char((char[8]){0}, digits, n),
                         prefix + state_text_bad(digits, n));
    for (unsigned i = 0; i < 4; i++)
        hash[3 - i] = bytes_load_be64(bytes + 8 * i);
    for (unsigned i = 0; i < 4; i++)
        if (!gl_is_canonical(hash[i]))
            return p_err_set(err, P_EINVAL,
                             "%s[%s]: the key is no hash of the state tree: its 64-bit word %u "
                             "(from the right) is 2^64 - 2^32 + 1 or more",
                             field, state_text_shown(shown, key, key_len), i);
    return P_OK;
}

p_status state_request_add_node_elements(state_request *req, const gl_t key[4],
                                         const gl_t *elements, size_t n, p_err *err)
{
    char text[STATE_HASH_TEXT_BYTES];
    state_hash_text(text, key);
    if (n != 8 && n != 12)
        return p_err_set(err, P_EINVAL, "db[%s]: the value has %zu elements, expected 8 or 12",
                         text, n);
    for (unsigned i = 0; i < 4; i++)
        if (!gl_is_canonical(key[i]))
            return p_err_set(err, P_EINVAL,
                             "db[%s]: the key is no hash of the state tree: its 64-bit word %u "
                             "(from the right) is 2^64 - 2^32 + 1 or more",
                             text, i);
    gl_t node[12] = {0};
    for (size_t i = 0; i < n; i++) {
        if (!gl_is_canonical(elements[i]))
            return p_err_set(err, P_EINVAL,
                             "db[%s]: element %zu of the value is %016llx, expected less than "
                             "ffffffff00000001",
                             text, i, (unsigned long long)elements[i]);
        node[i] = elements[i];
    }
    return overlay_add_node(req->overlay, key, node, err);
}

p_status state_request_add_node(state_request *req, const char *key, size_t key_len,
                                const char *value, size_t value_len, p_err *err)
{
    char shown[STATE_SHOWN_BYTES];
    gl_t hash[4], elements[12];
    uint8_t bytes[96];
    p_status s = parse_hash("db", key, key_len, hash, err);
    if (s != P_OK)
        return s;
    size_t prefix = p_hex_prefix(value, value_len), n = value_len - prefix;
    value += prefix;
    if (n != 128 && n != 192)
        return p_err_set(err, P_EINVAL,
                         "db[%s]: the value has %zu hex digits, expected 128 or 192 (8 or 12 "
                         "elements of 16 digits)",
                         state_text_shown(shown, key, key_len), n);
    if (!p_hex_decode(bytes, n / 2, value, n))
        return p_err_set(err, P_EINVAL, "db[%s]: the value has '%s' at offset %zu, not a hex digit",
                         state_text_shown(shown, key, key_len),
                         state_text_char((char[8]){0}, value, n),
                         prefix + state_text_bad(value, n));
    for (size_t i = 0; i < n / 16; i++)
        elements[i] = bytes_load_be64(bytes + 8 * i);
    return state_request_add_node_elements(req, hash, elements, n / 16, err);
}

p_status state_request_add_code(state_request *req, const char *key, size_t key_len,
                                const char *value, size_t value_len, p_err *err)
{
    char shown[STATE_SHOWN_BYTES];
    gl_t hash[4];
    p_status s = parse_hash("contracts_bytecode", key, key_len, hash, err);
    if (s != P_OK)
        return s;
    size_t prefix = p_hex_prefix(value, value_len), n = value_len - prefix;
    value += prefix;
    if (n % 2 != 0)
        return p_err_set(err, P_EINVAL,
                         "contracts_bytecode[%s]: the bytecode has %zu hex digits, expected an "
                         "even number",
                         state_text_shown(shown, key, key_len), n);
    uint8_t *bytes = malloc(n ? n / 2 : 1);
    if (!bytes)
        return p_err_set(err, P_EEXHAUSTED, "contracts_bytecode[%s]: no memory for %zu bytes",
                         state_text_shown(shown, key, key_len), n / 2);
    if (!p_hex_decode(bytes, n / 2, value, n)) {
        free(bytes);
        return p_err_set(
            err, P_EINVAL,
            "contracts_bytecode[%s]: the bytecode has '%s' at offset %zu, not a hex digit",
            state_text_shown(shown, key, key_len), state_text_char((char[8]){0}, value, n),
            prefix + state_text_bad(value, n));
    }
    return overlay_add_code(req->overlay, hash, bytes, n / 2, err);
}

p_status state_request_verify(state_request *req, const gl_poseidon_ops *poseidon, p_err *err)
{
    for (unsigned i = 0; i < 4; i++)
        if (!gl_is_canonical(req->batch.old_state_root.limb[i]))
            return p_err_set(err, P_EINVAL,
                             "old_state_root: no root of a state tree: its 64-bit word %u (from "
                             "the right) is %016llx, expected less than ffffffff00000001",
                             i, (unsigned long long)req->batch.old_state_root.limb[i]);
    return overlay_verify(req->overlay, poseidon, err);
}

size_t state_request_memory(const state_request *req)
{
    return sizeof *req + req->batch.l2_data_len + overlay_memory(req->overlay);
}
