#include "driver/xrt/manifest.h"

#include "driver/base/hex.h"
#include "driver/xrt/installed.h"
#include "driver/xrt/kernel_table.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define MAX_MANIFEST_BYTES ((uint64_t)1 << 20)

/* ---- files ---- */

/* A whole regular file; *out is freed by the caller. */
static p_status read_file(const char *path, uint64_t max, uint8_t **out, size_t *size, p_err *err)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    struct stat st;
    size_t n = 0;
    p_status s = P_OK;

    *out = NULL;
    *size = 0;
    if (fd < 0)
        return p_err_set(err, P_EMISSING, "cannot open %s: %s", path, strerror(errno));
    if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode) || (uint64_t)st.st_size > max) {
        close(fd);
        return p_err_set(err, P_ECORRUPT, "%s is no file of at most %" PRIu64 " bytes", path, max);
    }
    *out = malloc((size_t)st.st_size + 1);
    if (!*out)
        s = p_err_set(err, P_EEXHAUSTED, "no memory for the %lld bytes of %s",
                      (long long)st.st_size, path);
    while (s == P_OK && n < (size_t)st.st_size) {
        ssize_t got = read(fd, *out + n, (size_t)st.st_size - n);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            s = p_err_set(err, P_EIO, "cannot read %s: %s", path,
                          got < 0 ? strerror(errno) : "it has become shorter");
        else
            n += (size_t)got;
    }
    close(fd);
    if (s != P_OK) {
        free(*out);
        *out = NULL;
        return s;
    }
    *size = n;
    return P_OK;
}

/* ---- values of the manifest ---- */

typedef struct place {
    char text[96]; /* "images[2].sha256" */
    p_err *err;
} place;

static const char *type_name(const json_t *v)
{
    static const char *const names[] = {"an object", "an array", "a string", "an integer",
                                        "a real",    "true",     "false",    "null"};
    return v ? names[json_typeof(v)] : "nothing";
}

static p_status wrong_type(const place *at, const char *key, const char *expected,
                           const json_t *found)
{
    return p_err_set(at->err, P_ECORRUPT, "%s%s: expected %s, found %s", at->text, key, expected,
                     type_name(found));
}

static p_status check_keys(const place *at, const json_t *object, const char *const *keys)
{
    const char *key;
    json_t *value;

    if (!json_is_object(object))
        return wrong_type(at, "", "an object", object);
    json_object_foreach((json_t *)(uintptr_t)object, key, value)
    {
        size_t i = 0;
        while (keys[i] && strcmp(keys[i], key) != 0)
            i++;
        if (!keys[i])
            return p_err_set(at->err, P_ECORRUPT, "%s: there is no key '%.40s'",
                             at->text[0] ? at->text : "the manifest", key);
    }
    return P_OK;
}

static p_status get_number(const place *at, const json_t *object, const char *key, uint64_t min,
                           uint64_t max, uint32_t *out)
{
    const json_t *v = json_object_get(object, key);
    json_int_t n = json_integer_value(v);

    if (!json_is_integer(v))
        return wrong_type(at, key, "an integer", v);
    if (n < 0 || (uint64_t)n < min || (uint64_t)n > max)
        return p_err_set(at->err, P_ECORRUPT,
                         "%s%s: expected %" PRIu64 " to %" PRIu64 ", found %" JSON_INTEGER_FORMAT,
                         at->text, key, min, max, n);
    *out = (uint32_t)n;
    return P_OK;
}

#define LOWER "abcdefghijklmnopqrstuvwxyz"
#define UPPER "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define DIGITS "0123456789"

/* A string of 1 .. size - 1 bytes of a set, the first of another. */
static p_status get_string(const place *at, const json_t *object, const char *key,
                           const char *first, const char *rest, char *out, size_t size)
{
    const json_t *v = json_object_get(object, key);
    const char *s = json_string_value(v);

    if (!s)
        return wrong_type(at, key, "a string", v);
    size_t length = json_string_length(v);
    if (length == 0 || length >= size || !strchr(first, s[0]) || strspn(s, rest) != length)
        return p_err_set(at->err, P_ECORRUPT,
                         "%s%s: expected 1 to %zu characters of '%s', found '%.80s'", at->text, key,
                         size - 1, rest, s);
    memcpy(out, s, length + 1);
    return P_OK;
}

static p_status get_mode(const place *at, const json_t *object, xrt_mode *out)
{
    const json_t *v = json_object_get(object, "mode");
    const char *s = json_string_value(v);

    if (!s)
        return wrong_type(at, "mode", "a string", v);
    for (*out = XRT_MODE_HW; *out < XRT_MODE_OTHER; *out = (xrt_mode)(*out + 1))
        if (strcmp(s, xrt_mode_name(*out)) == 0)
            return P_OK;
    return p_err_set(at->err, P_ECORRUPT, "%smode: expected hw, hw_emu or sw_emu, found '%.40s'",
                     at->text, s);
}

static p_status get_kernels(const place *at, const json_t *object, uint32_t units[CARD_KERNELS])
{
    const json_t *v = json_object_get(object, "kernels");
    const char *key;
    json_t *value;
    place inner = *at;

    snprintf(inner.text + strlen(inner.text), sizeof inner.text - strlen(inner.text), "kernels.");
    if (!json_is_object(v) || json_object_size(v) == 0)
        return wrong_type(at, "kernels", "an object with at least one kernel", v);
    json_object_foreach((json_t *)(uintptr_t)v, key, value)
    {
        card_kernel k = xrt_kernel_find(key, strlen(key));
        if (k == CARD_KERNELS)
            return p_err_set(at->err, P_ECORRUPT, "%skernels: there is no kernel '%.40s'", at->text,
                             key);
        p_status s = get_number(&inner, v, key, 1, 16, &units[k]);
        if (s != P_OK)
            return s;
    }
    return P_OK;
}

static p_status parse_image(xrt_image *out, const json_t *v, size_t index, p_err *err)
{
    static const char *const keys[] = {
        "name",          "file",        "sha256",    "uuid",    "platform", "mode",
        "channels_log2", "channel_mib", "clock_mhz", "kernels", NULL};
    char digits[2 * SHA256_BYTES + 1];
    place at = {.err = err};
    p_status s;

    snprintf(at.text, sizeof at.text, "images[%zu]", index);
    s = check_keys(&at, v, keys);
    if (s != P_OK)
        return s;
    snprintf(at.text, sizeof at.text, "images[%zu].", index);
    s = get_string(&at, v, "name", LOWER DIGITS, LOWER DIGITS "_-", out->name, sizeof out->name);
    if (s == P_OK)
        s = get_string(&at, v, "file", LOWER UPPER DIGITS "_", LOWER UPPER DIGITS "._-", out->file,
                       sizeof out->file);
    if (s == P_OK)
        s = get_string(&at, v, "sha256", "abcdef" DIGITS, "abcdef" DIGITS, digits, sizeof digits);
    if (s == P_OK && !p_hex_decode(out->sha256, SHA256_BYTES, digits, strlen(digits)))
        s = p_err_set(err, P_ECORRUPT, "%ssha256: expected 64 digits, found %zu", at.text,
                      strlen(digits));
    if (s == P_OK)
        s = get_string(&at, v, "uuid", "abcdef" DIGITS, "abcdef" DIGITS "-", out->uuid,
                       sizeof out->uuid);
    for (unsigned i = 0; s == P_OK && i < XRT_UUID_TEXT_BYTES; i++) {
        char expected = i == 36 ? '\0' : i == 8 || i == 13 || i == 18 || i == 23 ? '-' : 'x';
        if (expected == 'x' ? out->uuid[i] == '-' || out->uuid[i] == '\0'
                            : out->uuid[i] != expected)
            s = p_err_set(err, P_ECORRUPT, "%suuid: '%s' is none", at.text, out->uuid);
    }
    if (s == P_OK)
        s = get_string(&at, v, "platform", LOWER UPPER DIGITS ":._-", LOWER UPPER DIGITS ":._-",
                       out->platform, sizeof out->platform - 1);
    if (s == P_OK)
        s = get_mode(&at, v, &out->mode);
    if (s == P_OK)
        s = get_number(&at, v, "channels_log2", 0, HLS_MAX_CHANNELS_LOG2, &out->channels_log2);
    if (s == P_OK)
        s = get_number(&at, v, "channel_mib", 1, 65536, &out->channel_mib);
    if (s == P_OK)
        s = get_number(&at, v, "clock_mhz", 0, 1000, &out->clock_mhz);
    return s == P_OK ? get_kernels(&at, v, out->units) : s;
}

static p_status parse_root(xrt_manifest *out, const json_t *root, p_err *err)
{
    static const char *const keys[] = {"version", "kernel_abi", "images", NULL};
    place at = {.err = err};
    uint32_t version;
    p_status s = check_keys(&at, root, keys);

    if (s == P_OK)
        s = get_number(&at, root, "version", XRT_MANIFEST_VERSION, XRT_MANIFEST_VERSION, &version);
    if (s == P_OK)
        s = get_number(&at, root, "kernel_abi", 1, UINT32_MAX, &out->kernel_abi);
    if (s != P_OK)
        return s;
    const json_t *images = json_object_get(root, "images");
    if (!json_is_array(images) || json_array_size(images) > XRT_MAX_IMAGES)
        return wrong_type(&at, "images", "an array of at most 64", images);
    for (size_t i = 0; s == P_OK && i < json_array_size(images); i++) {
        s = parse_image(&out->images[i], json_array_get(images, i), i, err);
        for (size_t k = 0; s == P_OK && k < i; k++)
            if (strcmp(out->images[k].name, out->images[i].name) == 0)
                s = p_err_set(err, P_ECORRUPT, "images[%zu].name: '%s' is that of images[%zu], too",
                              i, out->images[i].name, k);
        out->count++;
    }
    return s;
}

p_status xrt_manifest_parse(xrt_manifest *out, const char *text, size_t length, p_err *err)
{
    json_error_t where;
    json_t *root = json_loadb(text, length, JSON_REJECT_DUPLICATES, &where);
    p_status s;

    memset(out, 0, sizeof *out);
    if (!root)
        return p_err_set(err, P_ECORRUPT, "line %d: %s", where.line, where.text);
    s = parse_root(out, root, err);
    json_decref(root);
    if (s != P_OK)
        out->count = 0;
    return s;
}

p_status xrt_manifest_load(xrt_manifest *out, const char *folder, p_err *err)
{
    char path[XRT_FOLDER_BYTES + sizeof XRT_MANIFEST_NAME + 1];
    uint8_t *text;
    size_t length;
    p_status s;

    memset(out, 0, sizeof *out);
    if (strlen(folder) >= sizeof out->folder)
        return p_err_set(err, P_EINVAL, "the folder of images has a name of %zu bytes, at most %zu",
                         strlen(folder), sizeof out->folder - 1);
    snprintf(path, sizeof path, "%s/%s", folder, XRT_MANIFEST_NAME);
    s = read_file(path, MAX_MANIFEST_BYTES, &text, &length, err);
    if (s != P_OK)
        return s;
    s = xrt_manifest_parse(out, (const char *)text, length, err);
    if (s != P_OK)
        p_err_prefix(err, "%s", path);
    free(text);
    snprintf(out->folder, sizeof out->folder, "%s", folder);
    return s;
}

const char *xrt_manifest_folder(const char *given, char installed[XRT_FOLDER_BYTES])
{
    const char *set = getenv("ZKP_BITSTREAMS");

    xrt_installed_path(ZKP_BITSTREAMS_INSTALLED, installed, XRT_FOLDER_BYTES);
    return given ? given : set && set[0] ? set : installed;
}

/* ---- which image ---- */

static void describe(const xrt_manifest *m, char *text, size_t size)
{
    snprintf(text, size, "%.300s/%s has %s", m->folder, XRT_MANIFEST_NAME,
             m->count > 0 ? "" : "no images");
    for (size_t i = 0; i < m->count; i++) {
        size_t at = strlen(text);
        snprintf(text + at, size - at, "%s%s for %s (%s)", i > 0 ? ", " : "", m->images[i].name,
                 m->images[i].platform, xrt_mode_name(m->images[i].mode));
    }
}

p_status xrt_manifest_find(const xrt_manifest *m, const char *name, const xrt_image **out,
                           p_err *err)
{
    char text[P_ERR_TEXT_BYTES / 2];

    *out = NULL;
    for (size_t i = 0; i < m->count; i++)
        if (strcmp(m->images[i].name, name) == 0)
            *out = &m->images[i];
    if (*out)
        return P_OK;
    describe(m, text, sizeof text);
    return p_err_set(err, P_EMISSING, "there is no image '%.40s': %s", name, text);
}

p_status xrt_manifest_fit(const xrt_manifest *m, const char *platform, xrt_mode mode,
                          const xrt_image **out, p_err *err)
{
    char text[P_ERR_TEXT_BYTES / 2];

    *out = NULL;
    for (size_t i = m->count; i-- > 0;)
        if (strcmp(m->images[i].platform, platform) == 0 && m->images[i].mode == mode)
            *out = &m->images[i];
    if (*out)
        return P_OK;
    describe(m, text, sizeof text);
    return p_err_set(
        err, P_EMISSING,
        "no image fits a card with platform %s (%s): %s; build one for it "
        "(bitstreams/README.md), or flash the card with a shell that one was built for",
        platform, xrt_mode_name(mode), text);
}

static p_status check_image(const xrt_image *image, const uint8_t *bytes, size_t size, p_err *err)
{
    static const char WHAT_TO_DO[] = "install image and manifest of one release";
    uint8_t digest[SHA256_BYTES];
    char found[2 * SHA256_BYTES + 1] = "", expected[2 * SHA256_BYTES + 1] = "";
    char uuid[XRT_UUID_TEXT_BYTES];
    xrt_xclbin x;

    if (!sha256_bytes(digest, bytes, size))
        return p_err_set(err, P_EINTERNAL, "SHA-256 is not available");
    if (memcmp(digest, image->sha256, sizeof digest) != 0) {
        p_hex_encode(found, digest, sizeof digest);
        p_hex_encode(expected, image->sha256, sizeof digest);
        return p_err_set(err, P_ECORRUPT, "expected SHA-256 %s, found %s: %s", expected, found,
                         WHAT_TO_DO);
    }
    p_status s = xrt_xclbin_read(&x, bytes, size, err);
    if (s != P_OK)
        return s;
    xrt_uuid_text(uuid, x.uuid);
    if (strcmp(uuid, image->uuid) != 0)
        return p_err_set(err, P_ECORRUPT, "expected UUID %s, found %s in its header: %s",
                         image->uuid, uuid, WHAT_TO_DO);
    if (strcmp(x.platform, image->platform) != 0)
        return p_err_set(err, P_ECORRUPT, "expected platform %s, found %s in its header: %s",
                         image->platform, x.platform, WHAT_TO_DO);
    if (x.mode != image->mode)
        return p_err_set(err, P_ECORRUPT, "expected mode %s, found %s in its header: %s",
                         xrt_mode_name(image->mode), xrt_mode_name(x.mode), WHAT_TO_DO);
    return xrt_xclbin_check(&x, image->units, image->channels_log2, err);
}

p_status xrt_image_load(const xrt_manifest *m, const xrt_image *image, const char *platform,
                        xrt_mode mode, uint8_t **out, size_t *size, p_err *err)
{
    char path[XRT_FOLDER_BYTES + XRT_IMAGE_FILE_BYTES + 1];
    p_status s;

    *out = NULL;
    *size = 0;
    if (m->kernel_abi != HLS_KERNEL_ABI)
        return p_err_set(err, P_EMISSING,
                         "%s/%s: its images have kernel ABI %" PRIu32 ", this program has %d: "
                         "install images of this release",
                         m->folder, XRT_MANIFEST_NAME, m->kernel_abi, HLS_KERNEL_ABI);
    if (strcmp(image->platform, platform) != 0 || image->mode != mode)
        return p_err_set(err, P_EMISSING,
                         "image %s was built for %s (%s), the card has %s (%s): choose an image "
                         "for it, or flash the card with the image's shell",
                         image->name, image->platform, xrt_mode_name(image->mode), platform,
                         xrt_mode_name(mode));
    snprintf(path, sizeof path, "%s/%s", m->folder, image->file);
    s = read_file(path, XRT_MAX_IMAGE_BYTES, out, size, err);
    if (s == P_OK) {
        s = check_image(image, *out, *size, err);
        if (s != P_OK)
            p_err_prefix(err, "%s", path);
    }
    if (s != P_OK) {
        p_err_prefix(err, "image %s", image->name);
        xrt_image_free(*out);
        *out = NULL;
        *size = 0;
    }
    return s;
}

void xrt_image_free(uint8_t *bytes)
{
    free(bytes);
}
