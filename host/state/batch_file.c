#include "host/state/batch_file.h"

#include "driver/base/hex.h"
#include "host/state/text.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static const char *json_kind(const json_t *v)
{
    switch (json_typeof(v)) {
    case JSON_OBJECT:
        return "an object";
    case JSON_ARRAY:
        return "an array";
    case JSON_STRING:
        return "a string";
    case JSON_INTEGER:
        return "an integer";
    case JSON_REAL:
        return "a number with a fraction or an exponent";
    case JSON_TRUE:
    case JSON_FALSE:
        return "a boolean";
    case JSON_NULL:
        return "null";
    }
    return "something else";
}

static p_status missing(const char *name, const char *expected, p_err *err)
{
    return p_err_set(err, P_EINVAL, "%s: missing, expected %s", name, expected);
}

static p_status wrong_kind(const char *name, const char *expected, const json_t *v, p_err *err)
{
    return p_err_set(err, P_EINVAL, "%s: expected %s, found %s", name, expected, json_kind(v));
}

/** Adds a digit in the base; false on overflow. */
static bool push_digit(uint64_t *x, unsigned base, unsigned digit)
{
    if (*x > (UINT64_MAX - digit) / base)
        return false;
    *x = *x * base + digit;
    return true;
}

/** A number below 2^64: a JSON integer, or decimal or 0x-hexadecimal digits in a string. */
static p_status parse_u64(const char *name, const json_t *v, uint64_t *out, p_err *err)
{
    static const char form[] = "a number below 2^64 (an integer, or decimal or 0x-hexadecimal "
                               "digits in a string)";
    *out = 0;
    if (json_is_integer(v)) {
        if (json_integer_value(v) < 0)
            return p_err_set(err, P_EINVAL, "%s: expected %s, found %lld", name, form,
                             (long long)json_integer_value(v));
        *out = (uint64_t)json_integer_value(v);
        return P_OK;
    }
    if (!json_is_string(v))
        return wrong_kind(name, form, v, err);
    char shown[STATE_SHOWN_BYTES];
    const char *text = json_string_value(v);
    size_t len = json_string_length(v), prefix = p_hex_prefix(text, len);
    unsigned base = prefix ? 16 : 10;
    for (size_t i = prefix; i < len; i++) {
        unsigned char c = (unsigned char)text[i];
        unsigned digit = c >= '0' && c <= '9'                 ? c - '0'
                         : (c | 32) >= 'a' && (c | 32) <= 'f' ? (c | 32) - 'a' + 10
                                                              : 99;
        if (digit >= base)
            return p_err_set(err, P_EINVAL, "%s: expected %s, found \"%s\"", name, form,
                             state_text_shown(shown, text, len));
        if (!push_digit(out, base, digit))
            return p_err_set(err, P_EINVAL, "%s: \"%s\" is 2^64 or more", name,
                             state_text_shown(shown, text, len));
    }
    if (len == prefix)
        return p_err_set(err, P_EINVAL, "%s: expected %s, found \"%s\"", name, form, text);
    return P_OK;
}

/** Exactly len bytes as hex digits, with or without 0x. */
static p_status parse_bytes(const char *name, const json_t *v, uint8_t *out, size_t len, p_err *err)
{
    char shown[STATE_SHOWN_BYTES], form[64];
    snprintf(form, sizeof form, "a string of 0x and %zu hex digits", 2 * len);
    if (!json_is_string(v))
        return wrong_kind(name, form, v, err);
    const char *text = json_string_value(v);
    size_t n = json_string_length(v), prefix = p_hex_prefix(text, n);
    if (n - prefix != 2 * len)
        return p_err_set(err, P_EINVAL, "%s: expected %s, found %zu digits: \"%s\"", name, form,
                         n - prefix, state_text_shown(shown, text, n));
    if (!p_hex_decode(out, len, text + prefix, n - prefix))
        return p_err_set(err, P_EINVAL, "%s: '%s' at offset %zu is not a hex digit: \"%s\"", name,
                         state_text_char((char[8]){0}, text + prefix, n - prefix),
                         prefix + state_text_bad(text + prefix, n - prefix),
                         state_text_shown(shown, text, n));
    return P_OK;
}

static u256 u256_of_bytes(const uint8_t b[32])
{
    u256 x;
    for (unsigned i = 0; i < 4; i++) {
        uint64_t w = 0;
        for (unsigned k = 0; k < 8; k++)
            w = w << 8 | b[8 * (3 - i) + k];
        x.limb[i] = w;
    }
    return x;
}

static p_status get_bytes(const json_t *object, const char *name, uint8_t *out, size_t len,
                          p_err *err)
{
    const json_t *v = json_object_get(object, name);
    char form[64];
    if (!v) {
        snprintf(form, sizeof form, "a string of 0x and %zu hex digits", 2 * len);
        return missing(name, form, err);
    }
    return parse_bytes(name, v, out, len, err);
}

static p_status get_u64(const json_t *object, const char *name, uint64_t *out, p_err *err)
{
    const json_t *v = json_object_get(object, name);
    return v ? parse_u64(name, v, out, err) : missing(name, "a number", err);
}

static p_status parse_l2_data(const json_t *object, size_t max_len, state_request *req, p_err *err)
{
    static const char name[] = "batchL2Data";
    const json_t *v = json_object_get(object, name);
    if (!v)
        return missing(name, "a string of hex digits", err);
    if (!json_is_string(v))
        return wrong_kind(name, "a string of hex digits", v, err);
    const char *text = json_string_value(v);
    size_t n = json_string_length(v), prefix = p_hex_prefix(text, n);
    text += prefix;
    n -= prefix;
    if (n % 2 != 0)
        return p_err_set(err, P_EINVAL, "%s: %zu hex digits, expected an even number", name, n);
    if (n / 2 > max_len)
        return p_err_set(err, P_EINVAL, "%s: %zu bytes, expected at most %zu; split the batch",
                         name, n / 2, max_len);
    uint8_t *bytes = malloc(n ? n / 2 : 1);
    if (!bytes)
        return p_err_set(err, P_EEXHAUSTED, "%s: no memory for %zu bytes", name, n / 2);
    p_status s;
    if (!p_hex_decode(bytes, n / 2, text, n))
        s = p_err_set(err, P_EINVAL, "%s: '%s' at offset %zu is not a hex digit", name,
                      state_text_char((char[8]){0}, text, n), prefix + state_text_bad(text, n));
    else
        s = state_request_set_l2_data(req, bytes, n / 2, max_len, err);
    free(bytes);
    return s;
}

/** A node as an array of limbs: puts them together in the protocol's form. */
static p_status add_limbs(state_request *req, const char *key, size_t key_len, const json_t *limbs,
                          p_err *err)
{
    char shown[STATE_SHOWN_BYTES], text[192];
    size_t n = json_array_size(limbs);
    if (n != 8 && n != 12)
        return p_err_set(err, P_EINVAL, "db[%s]: the value has %zu elements, expected 8 or 12",
                         state_text_shown(shown, key, key_len), n);
    for (size_t i = 0; i < n; i++) {
        const json_t *v = json_array_get(limbs, i);
        if (!json_is_string(v))
            return p_err_set(err, P_EINVAL,
                             "db[%s]: element %zu: expected a string of 16 hex digits, found %s",
                             state_text_shown(shown, key, key_len), i, json_kind(v));
        const char *limb = json_string_value(v);
        size_t len = json_string_length(v);
        if (len != 16 || state_text_bad(limb, len) != len) {
            char shown_limb[STATE_SHOWN_BYTES];
            return p_err_set(
                err, P_EINVAL, "db[%s]: element %zu: expected 16 hex digits, found \"%s\"",
                state_text_shown(shown, key, key_len), i, state_text_shown(shown_limb, limb, len));
        }
        memcpy(text + 16 * i, limb, 16);
    }
    return state_request_add_node(req, key, key_len, text, 16 * n, err);
}

static p_status parse_db(const json_t *object, state_request *req, p_err *err)
{
    json_t *db = json_object_get(object, "db");
    if (!db)
        return P_OK; /* the store may have everything */
    if (!json_is_object(db))
        return wrong_kind("db", "an object", db, err);
    const char *key;
    json_t *v;
    json_object_foreach(db, key, v)
    {
        p_status s;
        if (json_is_array(v))
            s = add_limbs(req, key, strlen(key), v, err);
        else if (json_is_string(v))
            s = state_request_add_node(req, key, strlen(key), json_string_value(v),
                                       json_string_length(v), err);
        else {
            char shown[STATE_SHOWN_BYTES];
            s = p_err_set(err, P_EINVAL, "db[%s]: expected an array or a string, found %s",
                          state_text_shown(shown, key, strlen(key)), json_kind(v));
        }
        if (s != P_OK)
            return s;
    }
    return P_OK;
}

static p_status parse_codes(const json_t *object, state_request *req, p_err *err)
{
    json_t *codes = json_object_get(object, "contractsBytecode");
    if (!codes)
        return P_OK;
    if (!json_is_object(codes))
        return wrong_kind("contractsBytecode", "an object", codes, err);
    const char *key;
    json_t *v;
    json_object_foreach(codes, key, v)
    {
        size_t len = strlen(key), digits = len - p_hex_prefix(key, len);
        /* an address and its code's hash: the tree has that, too */
        if (digits == 40 && state_text_bad(key + (len - digits), digits) == digits)
            continue;
        if (!json_is_string(v)) {
            char shown[STATE_SHOWN_BYTES];
            return p_err_set(err, P_EINVAL,
                             "contractsBytecode[%s]: expected a string of hex digits, found %s",
                             state_text_shown(shown, key, len), json_kind(v));
        }
        p_status s =
            state_request_add_code(req, key, len, json_string_value(v), json_string_length(v), err);
        if (s != P_OK)
            return s;
    }
    return P_OK;
}

static p_status parse_fork(const json_t *object, const batch_file_options *options, uint32_t *out,
                           p_err *err)
{
    const json_t *v = json_object_get(object, "forkID");
    uint64_t fork = 0;
    if (v) {
        p_status s = parse_u64("forkID", v, &fork, err);
        if (s != P_OK)
            return s;
    }
    if (options->fork_id)
        fork = options->fork_id;
    else if (!v)
        return p_err_set(err, P_EUNSUPPORTED,
                         "forkID: missing, so this is a batch of before fork 1; supported are 4, "
                         "5, 6: choose one if the batch is of such a fork");
    if (fork > UINT32_MAX || !exec_fork_supported((uint32_t)fork))
        return p_err_set(err, P_EUNSUPPORTED,
                         "forkID: %llu is not supported; supported are 4, 5, 6",
                         (unsigned long long)fork);
    *out = (uint32_t)fork;
    return P_OK;
}

static p_status parse_options(const json_t *object, bool default_counters, exec_batch *b,
                              p_err *err)
{
    b->enforce_counters = default_counters;
    const json_t *v = json_object_get(object, "counters");
    if (v) {
        if (!json_is_boolean(v))
            return wrong_kind("counters", "true or false", v, err);
        b->enforce_counters = json_is_true(v);
    }
    v = json_object_get(object, "gasLimit");
    return v ? parse_u64("gasLimit", v, &b->block_gas_limit, err) : P_OK;
}

static p_status parse_batch(const json_t *object, size_t max_l2_data, state_request *req,
                            p_err *err)
{
    exec_batch *b = &req->batch;
    uint8_t root[32];
    p_status s;
    if ((s = get_bytes(object, "oldStateRoot", root, 32, err)) != P_OK ||
        (s = get_bytes(object, "oldAccInputHash", b->old_acc_input_hash.bytes, 32, err)) != P_OK ||
        (s = get_u64(object, "oldNumBatch", &b->old_batch_num, err)) != P_OK ||
        (s = get_u64(object, "chainID", &b->chain_id, err)) != P_OK ||
        (s = get_bytes(object, "globalExitRoot", b->global_exit_root.bytes, 32, err)) != P_OK ||
        (s = get_u64(object, "timestamp", &b->timestamp, err)) != P_OK ||
        (s = get_bytes(object, "sequencerAddr", b->sequencer.bytes, 20, err)) != P_OK ||
        (s = parse_l2_data(object, max_l2_data, req, err)) != P_OK ||
        (s = parse_db(object, req, err)) != P_OK || (s = parse_codes(object, req, err)) != P_OK)
        return s;
    b->old_state_root = u256_of_bytes(root);
    if (b->old_batch_num == UINT64_MAX)
        return p_err_set(err, P_EINVAL, "oldNumBatch: 2^64 - 1 has no next number");
    return P_OK;
}

/** Fills out if the field is there. */
static p_status expected_hash(const json_t *object, const char *name, bool *has, uint8_t out[32],
                              p_err *err)
{
    const json_t *v = json_object_get(object, name);
    *has = v != NULL;
    return v ? parse_bytes(name, v, out, 32, err) : P_OK;
}

static p_status parse_expected(const json_t *object, batch_expected *e, p_err *err)
{
    uint8_t root[32] = {0};
    p_status s;
    if ((s = expected_hash(object, "newStateRoot", &e->has_state_root, root, err)) != P_OK ||
        (s = expected_hash(object, "newAccInputHash", &e->has_acc_input_hash,
                           e->acc_input_hash.bytes, err)) != P_OK ||
        (s = expected_hash(object, "newLocalExitRoot", &e->has_local_exit_root,
                           e->local_exit_root.bytes, err)) != P_OK ||
        (s = expected_hash(object, "batchHashData", &e->has_batch_hash_data,
                           e->batch_hash_data.bytes, err)) != P_OK)
        return s;
    e->state_root = u256_of_bytes(root);
    const json_t *v = json_object_get(object, "newNumBatch");
    e->has_batch_num = v != NULL;
    return v ? parse_u64("newNumBatch", v, &e->batch_num, err) : P_OK;
}

p_status batch_json_parse(const json_t *object, const batch_file_options *options,
                          state_request **out, batch_expected *expected, p_err *err)
{
    *out = NULL;
    batch_expected ignored;
    if (!expected)
        expected = &ignored;
    memset(expected, 0, sizeof *expected);
    if (!json_is_object(object))
        return p_err_set(err, P_EINVAL, "a batch: expected a JSON object, found %s",
                         object ? json_kind(object) : "nothing");
    uint32_t fork_id = 0;
    p_status s = parse_fork(object, options, &fork_id, err);
    if (s != P_OK)
        return s;
    state_request *req;
    s = state_request_create(&req, fork_id, err);
    if (s == P_OK)
        s = parse_options(object, options->default_counters, &req->batch, err);
    if (s == P_OK)
        s = parse_batch(object, options->max_l2_data, req, err);
    if (s == P_OK)
        s = parse_expected(object, expected, err);
    if (s != P_OK) {
        state_request_destroy(req);
        return s;
    }
    *out = req;
    return P_OK;
}

p_status batch_file_load(const char *path, const batch_file_options *options, state_request **out,
                         batch_expected *expected, p_err *err)
{
    *out = NULL;
    FILE *f = fopen(path, "rb");
    if (!f)
        return p_err_set(err, errno == ENOENT ? P_ENOTFOUND : P_EIO, "%s: cannot be opened: %s",
                         path, strerror(errno));
    struct stat st;
    if (fstat(fileno(f), &st) == 0 && S_ISDIR(st.st_mode)) {
        fclose(f);
        return p_err_set(err, P_EINVAL, "%s: is a directory, expected a batch file (JSON)", path);
    }
    json_error_t where;
    json_t *object = json_loadf(f, JSON_REJECT_DUPLICATES, &where);
    bool io = ferror(f) != 0;
    fclose(f);
    if (!object) {
        if (io)
            return p_err_set(err, P_EIO, "%s: reading failed", path);
        /* jansson leaves the text empty where some of its allocations failed */
        if (json_error_code(&where) == json_error_out_of_memory || !where.text[0])
            return p_err_set(err, P_EEXHAUSTED, "%s: no memory to read it", path);
        return p_err_set(err, P_EINVAL, "%s: line %d, column %d: no valid JSON: %s", path,
                         where.line, where.column, where.text);
    }
    p_status s = batch_json_parse(object, options, out, expected, err);
    json_decref(object);
    if (s != P_OK)
        p_err_prefix(err, "%s", path);
    return s;
}
