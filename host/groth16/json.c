#include "host/groth16/json.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define MAX_FILE_BYTES (64u << 20) /* a verifying key with a quarter of a million public values */
#define MAX_DIGITS 78              /* of 2^256 */

/* ---- numbers ---- */

void groth16_decimal(const uint64_t words[4], char out[GROTH16_DECIMAL_BYTES])
{
    uint64_t w[4];
    char digits[GROTH16_DECIMAL_BYTES];
    size_t n = 0;

    memcpy(w, words, sizeof w);
    do {
        uint64_t rest = 0;

        for (int i = 3; i >= 0; i--) { /* by ten, from the top */
            unsigned __int128 v = (unsigned __int128)rest << 64 | w[i];

            w[i] = (uint64_t)(v / 10);
            rest = (uint64_t)(v % 10);
        }
        digits[n++] = (char)('0' + rest);
    } while ((w[0] | w[1] | w[2] | w[3]) != 0);
    for (size_t i = 0; i < n; i++)
        out[i] = digits[n - 1 - i];
    out[n] = '\0';
}

bool groth16_from_decimal(const char *text, uint64_t words[4])
{
    size_t n = strlen(text);

    memset(words, 0, 4 * sizeof *words);
    if (n == 0 || n > MAX_DIGITS || (n > 1 && text[0] == '0'))
        return false;
    for (size_t i = 0; i < n; i++) {
        uint64_t carry = (uint64_t)(text[i] - '0');

        if (text[i] < '0' || text[i] > '9')
            return false;
        for (int k = 0; k < 4; k++) {
            unsigned __int128 v = (unsigned __int128)words[k] * 10 + carry;

            words[k] = (uint64_t)v;
            carry = (uint64_t)(v >> 64);
        }
        if (carry != 0)
            return false;
    }
    return true;
}

/* ---- writing ---- */

static json_t *fp_json(const bn_fp *a)
{
    uint64_t words[4];
    char text[GROTH16_DECIMAL_BYTES];

    bn_fp_get_words(words, a);
    groth16_decimal(words, text);
    return json_string(text);
}

static json_t *fp2_json(const bn_fp2 *a)
{
    return json_pack("[o, o]", fp_json(&a->c0), fp_json(&a->c1));
}

static json_t *g1_json(const bn_g1 *a)
{
    if (bn_g1_is_zero(a))
        return json_pack("[s, s, s]", "0", "1", "0");
    return json_pack("[o, o, s]", fp_json(&a->x), fp_json(&a->y), "1");
}

static json_t *g2_json(const bn_g2 *a)
{
    if (bn_g2_is_zero(a))
        return json_pack("[[s, s], [s, s], [s, s]]", "0", "0", "1", "0", "0", "0");
    return json_pack("[o, o, [s, s]]", fp2_json(&a->x), fp2_json(&a->y), "1", "0");
}

json_t *groth16_proof_json(const groth16_proof *proof)
{
    return json_pack("{s:o, s:o, s:o, s:s, s:s}", "pi_a", g1_json(&proof->a), "pi_b",
                     g2_json(&proof->b), "pi_c", g1_json(&proof->c), "protocol", "groth16", "curve",
                     "bn128");
}

json_t *groth16_public_json(const uint64_t *values, uint32_t count)
{
    json_t *list = json_array();
    char text[GROTH16_DECIMAL_BYTES];

    for (uint32_t i = 0; list && i < count; i++) {
        groth16_decimal(values + 4 * (uint64_t)i, text);
        if (json_array_append_new(list, json_string(text)) != 0) {
            json_decref(list);
            list = NULL;
        }
    }
    return list;
}

json_t *groth16_vk_json(const groth16_vk *vk)
{
    json_t *ic = json_array();

    for (uint64_t i = 0; ic && i <= vk->n_public; i++)
        if (json_array_append_new(ic, g1_json(&vk->ic[i])) != 0) {
            json_decref(ic);
            ic = NULL;
        }
    return json_pack("{s:s, s:s, s:I, s:o, s:o, s:o, s:o, s:o}", "protocol", "groth16", "curve",
                     "bn128", "nPublic", (json_int_t)vk->n_public, "vk_alpha_1",
                     g1_json(&vk->alpha1), "vk_beta_2", g2_json(&vk->beta2), "vk_gamma_2",
                     g2_json(&vk->gamma2), "vk_delta_2", g2_json(&vk->delta2), "IC", ic);
}

/* ---- reading ---- */

/* What is read, for errors. */
typedef struct place {
    const char *name;
    p_err *err;
} place;

static p_status wrong(const place *at, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static p_status wrong(const place *at, const char *format, ...)
{
    char text[P_ERR_TEXT_BYTES / 2];
    va_list args;

    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    return p_err_set(at->err, P_ECORRUPT, "%.400s: %s", at->name, text);
}

static p_status get_words(const place *at, const json_t *value, const char *key, uint64_t words[4])
{
    const char *text = json_string_value(value);

    if (!text || json_string_length(value) != strlen(text) || !groth16_from_decimal(text, words))
        return wrong(at, "%s: expected a decimal number as a string, below 2^256", key);
    return P_OK;
}

static p_status get_fp(const place *at, const json_t *value, const char *key, bn_fp *out)
{
    uint64_t words[4];
    p_status s = get_words(at, value, key, words);

    if (s == P_OK && !bn_fp_set_words(out, words))
        return wrong(at, "%s: a coordinate is not below the prime of the coordinates", key);
    return s;
}

static p_status get_array(const place *at, const json_t *value, const char *key, size_t length)
{
    if (!json_is_array(value) || json_array_size(value) != length)
        return wrong(at, "%s: expected a list of %zu", key, length);
    return P_OK;
}

static p_status get_fp2(const place *at, const json_t *value, const char *key, bn_fp2 *out)
{
    p_status s = get_array(at, value, key, 2);

    if (s == P_OK)
        s = get_fp(at, json_array_get(value, 0), key, &out->c0);
    return s == P_OK ? get_fp(at, json_array_get(value, 1), key, &out->c1) : s;
}

static bool is_text(const json_t *value, const char *text)
{
    return json_is_string(value) && strcmp(json_string_value(value), text) == 0;
}

static p_status get_g1(const place *at, const json_t *value, const char *key, bn_g1 *out)
{
    p_status s = get_array(at, value, key, 3);
    const json_t *z = json_array_get(value, 2);

    if (s == P_OK)
        s = get_fp(at, json_array_get(value, 0), key, &out->x);
    if (s == P_OK)
        s = get_fp(at, json_array_get(value, 1), key, &out->y);
    if (s != P_OK)
        return s;
    if (is_text(z, "0")) {
        memset(out, 0, sizeof *out);
        return P_OK;
    }
    if (!is_text(z, "1"))
        return wrong(at, "%s: expected an affine point, z \"1\" (or \"0\" for infinity)", key);
    if (!bn_g1_on_curve(out) || bn_g1_is_zero(out))
        return wrong(at, "%s: no point of G1", key);
    return P_OK;
}

static p_status get_g2(const place *at, const json_t *value, const char *key, bn_g2 *out)
{
    p_status s = get_array(at, value, key, 3);
    const json_t *z = json_array_get(value, 2);

    if (s == P_OK)
        s = get_fp2(at, json_array_get(value, 0), key, &out->x);
    if (s == P_OK)
        s = get_fp2(at, json_array_get(value, 1), key, &out->y);
    if (s == P_OK)
        s = get_array(at, z, key, 2);
    if (s != P_OK)
        return s;
    if (is_text(json_array_get(z, 0), "0") && is_text(json_array_get(z, 1), "0")) {
        memset(out, 0, sizeof *out);
        return P_OK;
    }
    if (!is_text(json_array_get(z, 0), "1") || !is_text(json_array_get(z, 1), "0"))
        return wrong(at, "%s: expected an affine point, z [\"1\", \"0\"]", key);
    if (!bn_g2_on_curve(out) || bn_g2_is_zero(out) || !bn_g2_in_subgroup_var(out))
        return wrong(at, "%s: no point of G2", key);
    return P_OK;
}

static p_status get_kind(const place *at, const json_t *root)
{
    const json_t *protocol = json_object_get(root, "protocol"),
                 *curve = json_object_get(root, "curve");

    if (!json_is_object(root))
        return wrong(at, "expected an object");
    if (!is_text(protocol, "groth16"))
        return wrong(at, "protocol: expected \"groth16\"");
    if (curve && !is_text(curve, "bn128") && !is_text(curve, "bn254")) /* rapidsnark writes none */
        return wrong(at, "curve: expected \"bn128\", circom's name of BN254");
    return P_OK;
}

static json_t *parse(const place *at, const char *text, size_t length)
{
    json_error_t e;
    json_t *root = json_loadb(text, length, JSON_REJECT_DUPLICATES, &e);

    if (!root)
        wrong(at, "line %d, column %d: %s", e.line, e.column, e.text);
    return root;
}

p_status groth16_proof_parse(const char *name, const char *text, size_t length, groth16_proof *out,
                             p_err *err)
{
    const place at = {name, err};
    json_t *root = parse(&at, text, length);
    p_status s;

    if (!root)
        return P_ECORRUPT;
    s = get_kind(&at, root);
    if (s == P_OK)
        s = get_g1(&at, json_object_get(root, "pi_a"), "pi_a", &out->a);
    if (s == P_OK)
        s = get_g2(&at, json_object_get(root, "pi_b"), "pi_b", &out->b);
    if (s == P_OK)
        s = get_g1(&at, json_object_get(root, "pi_c"), "pi_c", &out->c);
    json_decref(root);
    return s;
}

p_status groth16_public_parse(const char *name, const char *text, size_t length, uint64_t **values,
                              uint32_t *count, p_err *err)
{
    const place at = {name, err};
    json_t *root = parse(&at, text, length);
    size_t n = json_array_size(root);
    p_status s = P_OK;

    *values = NULL;
    *count = 0;
    if (!root)
        return P_ECORRUPT;
    if (!json_is_array(root) || n >= UINT32_MAX)
        s = wrong(&at, "expected a list of decimal numbers");
    if (s == P_OK) {
        *values = malloc(n * 4 * sizeof **values + 1);
        if (!*values)
            s = p_err_set(err, P_EEXHAUSTED, "%.400s: no memory", name);
    }
    for (size_t i = 0; i < n && s == P_OK; i++) {
        char key[32];
        bn_fr value;

        snprintf(key, sizeof key, "[%zu]", i);
        s = get_words(&at, json_array_get(root, i), key, *values + 4 * i);
        if (s == P_OK && !bn_fr_set_words(&value, *values + 4 * i))
            s = wrong(&at, "%s: not below r", key);
    }
    json_decref(root);
    if (s != P_OK) {
        free(*values);
        *values = NULL;
        return s;
    }
    *count = (uint32_t)n;
    return P_OK;
}

static p_status parse_vk(const place *at, const json_t *root, groth16_vk *out)
{
    const json_t *ic = json_object_get(root, "IC"), *n = json_object_get(root, "nPublic");
    p_status s = get_kind(at, root);

    if (s != P_OK)
        return s;
    if (!json_is_integer(n) || json_integer_value(n) < 0 || json_integer_value(n) >= UINT32_MAX)
        return wrong(at, "nPublic: expected a number");
    out->n_public = (uint32_t)json_integer_value(n);
    s = get_g1(at, json_object_get(root, "vk_alpha_1"), "vk_alpha_1", &out->alpha1);
    if (s == P_OK)
        s = get_g2(at, json_object_get(root, "vk_beta_2"), "vk_beta_2", &out->beta2);
    if (s == P_OK)
        s = get_g2(at, json_object_get(root, "vk_gamma_2"), "vk_gamma_2", &out->gamma2);
    if (s == P_OK)
        s = get_g2(at, json_object_get(root, "vk_delta_2"), "vk_delta_2", &out->delta2);
    if (s == P_OK)
        s = get_array(at, ic, "IC", (size_t)out->n_public + 1);
    if (s != P_OK)
        return s;
    out->ic = malloc(((size_t)out->n_public + 1) * sizeof *out->ic);
    if (!out->ic)
        return p_err_set(at->err, P_EEXHAUSTED, "%.400s: no memory", at->name);
    for (size_t i = 0; i <= out->n_public && s == P_OK; i++)
        s = get_g1(at, json_array_get(ic, i), "IC", &out->ic[i]);
    return s;
}

p_status groth16_vk_parse(const char *name, const char *text, size_t length, groth16_vk *out,
                          p_err *err)
{
    const place at = {name, err};
    json_t *root = parse(&at, text, length);
    p_status s;

    memset(out, 0, sizeof *out);
    if (!root)
        return P_ECORRUPT;
    s = parse_vk(&at, root, out);
    json_decref(root);
    if (s != P_OK)
        groth16_vk_free(out);
    return s;
}

void groth16_vk_free(groth16_vk *vk)
{
    free(vk->ic);
    vk->ic = NULL;
}

/* A file as a whole, to be freed. */
static p_status slurp(const char *path, char **out, size_t *length, p_err *err)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    struct stat st;
    p_status s = P_OK;
    size_t at = 0;

    *out = NULL;
    if (fd < 0)
        return p_err_set(err, errno == ENOENT ? P_ENOTFOUND : P_EIO, "%.400s: %s", path,
                         strerror(errno));
    if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode) || st.st_size > (off_t)MAX_FILE_BYTES)
        s = p_err_set(err, P_EINVAL, "%.400s: expected a regular file of at most %u bytes", path,
                      MAX_FILE_BYTES);
    if (s == P_OK && !(*out = malloc((size_t)st.st_size + 1)))
        s = p_err_set(err, P_EEXHAUSTED, "%.400s: no memory", path);
    while (s == P_OK && at < (size_t)st.st_size) {
        ssize_t got = read(fd, *out + at, (size_t)st.st_size - at);

        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            s = p_err_set(err, P_EIO, "%.400s: %s", path, strerror(errno));
        if (got <= 0)
            break;
        at += (size_t)got;
    }
    close(fd);
    *length = at;
    if (s != P_OK) {
        free(*out);
        *out = NULL;
    }
    return s;
}

p_status groth16_proof_read(const char *path, groth16_proof *out, p_err *err)
{
    char *text;
    size_t length;
    p_status s = slurp(path, &text, &length, err);

    if (s == P_OK)
        s = groth16_proof_parse(path, text, length, out, err);
    free(text);
    return s;
}

p_status groth16_public_read(const char *path, uint64_t **values, uint32_t *count, p_err *err)
{
    char *text;
    size_t length;
    p_status s = slurp(path, &text, &length, err);

    *values = NULL;
    if (s == P_OK)
        s = groth16_public_parse(path, text, length, values, count, err);
    free(text);
    return s;
}

p_status groth16_vk_read(const char *path, groth16_vk *out, p_err *err)
{
    char *text;
    size_t length;
    p_status s = slurp(path, &text, &length, err);

    memset(out, 0, sizeof *out);
    if (s == P_OK)
        s = groth16_vk_parse(path, text, length, out, err);
    free(text);
    return s;
}
